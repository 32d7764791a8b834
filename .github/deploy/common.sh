# What the steps of a deployment share. STACK names the root's stack, AWS_REGION where it is.
set -euo pipefail

# Runs a command of the AWS CLI. What it asks for may not exist, which is no failure and prints nothing; anything else is one.
unless_missing() {
    local found
    if ! found=$("$@" 2>&1); then
        [[ $found != *"does not exist"* ]] || return 0
        echo "$found" >&2
        return 1
    fi
    echo "$found"
}

# Prints an output of the stack, or of the one that is named, with its region; nothing if there is none, or no stack.
output() {
    unless_missing aws cloudformation describe-stacks --stack-name "${2:-$STACK}" --region "${3:-$AWS_REGION}" --output text \
        --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue"
}
