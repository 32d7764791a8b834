#!/usr/bin/env bash
# Deploys what was built, tries it as a patient would, and looks for five minutes whether it works: the health check, and the alarms of errors.
# If it does not, the template that was there before is deployed again; it names the artifacts of then, which the bucket of the SAM CLI keeps.
source "$(dirname "$0")/common.sh"
environment=$1

# The samconfig's region and stack are deployed, those of the variables are looked at.
read -r region name < <(python3 - "$environment" <<'PYTHON'
import sys, tomllib
deploy = tomllib.load(open("samconfig.toml", "rb"))[sys.argv[1]]["deploy"]["parameters"]
print(deploy["region"], deploy["stack_name"])
PYTHON
)
if [ "$region" != "$AWS_REGION" ] || [ "$name" != "$STACK" ]; then
    echo "samconfig.toml deploys $name in $region, and the variables say $STACK in $AWS_REGION" >&2
    exit 1
fi

previous=
if aws cloudformation get-template --stack-name "$STACK" --template-stage Original --query TemplateBody --output text > previous.yaml; then
    previous=previous.yaml
fi

# CloudFormation deploys with a role of its own, if there is one (infra/deploy-role.yaml).
with_role=()
[ -z "${STACK_ROLE:-}" ] || with_role=(--role-arn "$STACK_ROLE")

sam deploy --config-env "$environment" --no-confirm-changeset "${with_role[@]}"

# Whether the API answers and no alarm of errors is raised.
is_well() {
    local raised
    raised=$(aws cloudwatch describe-alarms --alarm-names "$(output ApiErrorsAlarm)" "$(output FastBurnAlarm)" \
        --alarm-types MetricAlarm CompositeAlarm --state-value ALARM \
        --query 'length([MetricAlarms, CompositeAlarms][])' --output text)
    [ "$raised" = 0 ] && curl --fail --silent --show-error --max-time 10 --output health.json "$(output ApiUrl)/health"
}

# Whether that stays so for five minutes: three bad looks in a row are no accident.
stays_well() {
    local failures=0
    for _ in $(seq 20); do
        sleep 15
        if is_well; then failures=0; else failures=$((failures + 1)); fi
        [ "$failures" -lt 3 ] || return 1
    done
    [ "$failures" -eq 0 ]
}

if python3 infra/smoke.py "$STACK" && stays_well; then
    exit 0
fi

echo "it does not work: see above, health.json and docs/runbook.md#api-errors" >&2
if [ -n "$previous" ]; then
    aws cloudformation deploy --stack-name "$STACK" --template-file "$previous" \
        --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND "${with_role[@]}"
    echo "the version before is there again" >&2
fi
exit 1
