# What the steps of a deployment share. STACK names the root's stack.
set -euo pipefail

# Prints an output of the stack; nothing if there is none, or no stack.
output() {
    aws cloudformation describe-stacks --stack-name "$STACK" --output text \
        --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue" 2>/dev/null || true
}
