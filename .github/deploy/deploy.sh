#!/usr/bin/env bash
# Deploys what was built, tries it as a patient would, and looks for five minutes whether it works: the health check, and the alarms of errors.
# If it does not, the template that was there before is deployed again; it names the artifacts of then, which the bucket of the SAM CLI keeps.
#
#   bash .github/deploy/deploy.sh prod true    the environment of samconfig.toml, and whether new versions get a tenth of the calls first
source "$(dirname "$0")/common.sh"
environment=$1 canary=$2

# The samconfig's region and stack are deployed, those of the variables are looked at.
mapfile -t config < <(python3 - "$environment" <<'PYTHON'
import sys, tomllib
deploy = tomllib.load(open("samconfig.toml", "rb"))[sys.argv[1]]["deploy"]["parameters"]
print(deploy["region"], deploy["stack_name"], *deploy["parameter_overrides"], sep="\n")
PYTHON
)
region=${config[0]} name=${config[1]} parameters=("${config[@]:2}")
if [ "$region" != "$AWS_REGION" ] || [ "$name" != "$STACK" ]; then
    echo "samconfig.toml deploys $name in $region, and the variables say $STACK in $AWS_REGION" >&2
    exit 1
fi

# Prints the raised alarms of a canary, whose names begin with the application's, in order.
raised_canaries() {
    aws cloudwatch describe-alarms --alarm-name-prefix "$STACK-Application" --state-value ALARM \
        --query "MetricAlarms[?contains(AlarmName, 'Canary')].AlarmName" --output text | tr -s '\t' '\n' | sort
}

# The same of the alarms of errors: the stack's, and the canaries'. Without a stack there are none.
raised_alarms() {
    local errors burn
    errors=$(output ApiErrorsAlarm) && burn=$(output FastBurnAlarm) || return 1
    [ -n "$errors" ] || return 0
    {
        aws cloudwatch describe-alarms --alarm-names "$errors" "$burn" --alarm-types MetricAlarm CompositeAlarm --state-value ALARM \
            --query '[MetricAlarms, CompositeAlarms][].AlarmName' --output text | tr -s '\t' '\n' && raised_canaries
    } | sort
}

# CodeDeploy begins no deployment while an alarm of a canary is raised: what mends it goes over at once.
if [ -n "$(raised_canaries)" ]; then
    canary=false
    echo "an alarm of a canary is raised: all calls go over at once" >&2
fi
# An alarm that is raised before says nothing of the new version, until it has ended.
known=$(raised_alarms)

previous=
unless_missing aws cloudformation get-template --stack-name "$STACK" --template-stage Original --query TemplateBody --output text > previous.yaml
[ ! -s previous.yaml ] || previous=previous.yaml

# CloudFormation deploys with a role of its own, if there is one (infra/deploy-role.yaml).
with_role=()
[ -z "${STACK_ROLE:-}" ] || with_role=(--role-arn "$STACK_ROLE")

sam deploy --config-env "$environment" --no-confirm-changeset "${with_role[@]}" --parameter-overrides "${parameters[@]}" "Canary=$canary"

# Whether the API answers and no alarm is raised that was not before. What cannot be read is no good sign.
is_healthy() {
    local raised new
    raised=$(raised_alarms) || return 1
    new=$(comm -13 <(echo "$known") <(echo "$raised")) || return 1
    known=$(comm -12 <(echo "$known") <(echo "$raised"))
    [ -z "$new" ] || return 1
    curl --fail --silent --show-error --max-time 10 --output health.json "$(output ApiUrl)/health"
}

# Whether that stays so for five minutes: three bad looks in a row are no accident.
stays_healthy() {
    local failures=0
    for _ in $(seq 20); do
        sleep 15
        if is_healthy; then failures=0; else failures=$((failures + 1)); fi
        [ "$failures" -lt 3 ] || return 1
    done
}

# Whether a patient gets an answer. Where nobody can be signed in (77), the rest has to do.
passes_smoke() {
    local status=0
    python3 infra/smoke.py "$STACK" || status=$?
    case $status in
        0 | 77) ;;
        *) return 1 ;;
    esac
}

if passes_smoke && stays_healthy; then
    exit 0
fi

echo "it does not work: see above, health.json and docs/runbook.md#api-errors" >&2
if [ -n "$previous" ]; then
    aws cloudformation deploy --stack-name "$STACK" --template-file "$previous" --parameter-overrides Canary=false \
        --tags "application=$STACK" --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND "${with_role[@]}"
    echo "the version before is there again" >&2
fi
exit 1
