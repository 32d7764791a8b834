# What the steps of a deployment share. STACK names the root's stack, AWS_REGION where it is.
set -euo pipefail

# Prints an output of the stack, or of the one that is named, with its region; nothing if there is none, or no stack.
output() {
    aws cloudformation describe-stacks --stack-name "${2:-$STACK}" --region "${3:-$AWS_REGION}" --output text \
        --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue" 2>/dev/null || true
}
