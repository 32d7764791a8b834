#!/usr/bin/env python3
"""Gives template.yaml and its root a canary, before `sam build`, in a checkout that is made for a deployment.

    python3 infra/canary.py          changes template.yaml and infra/production.yaml
    python3 infra/canary.py --print  prints what template.yaml would be

Each deployment makes new versions, also where parameters alone have changed: it has its time in a variable, or what DEPLOYMENT says.

Each function gets the alias `live`, to which routes and queues lead, and CodeDeploy gives a new version a tenth of the calls for five minutes.
If that version fails meanwhile, or the APIs answer with errors, everything goes back. With the parameter Canary=false all calls go over at once,
as they must when the version before is the one that fails: CodeDeploy begins nothing while an alarm of it is raised. It is no part of the template itself, since the local
stack's emulator has no CodeDeploy, and what is tested would be another template (docs/deploy.md#a-canary).
"""

import os
import pathlib
import re
import sys
from datetime import datetime, timezone

FOLDER = pathlib.Path(__file__).resolve().parent
TEMPLATE = FOLDER.parent / "template.yaml"
ROOT = FOLDER / "production.yaml"

# Under Parameters, of both.
PARAMETER = """\
  Canary:
    Type: String
    Default: 'true'
    AllowedValues: ['true', 'false']
    Description: Whether new versions get a tenth of the calls first; 'false' if what runs is what fails (docs/deploy.md#a-canary).
"""

# Under Globals: Function:
SETTINGS = """\
    AutoPublishAlias: live
    AutoPublishAliasAllProperties: true
    VersionDeletionPolicy: Delete # else all of them are kept, 50 more with each deployment
    DeploymentPreference:
      Enabled: !Ref Canary
      Type: Canary10Percent5Minutes
      Alarms: [!Ref CanaryErrors, !Ref CanaryChatErrors]
"""

# SAM compares the template's text, in which a parameter's value does not stand: without it, a deployment of other parameters alone
# would leave the alias where it is, with the old variables.
VARIABLE = """\
        DEPLOYMENT: '{}'
"""

# Sooner than the alarms of infra/observability.yaml, which would be too late for five minutes.
ALARM = """\
  {name}:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: |-
        More than 3 % of {calls} get a 5xx while a new version has a tenth of them. CodeDeploy takes the deployment back by itself.
        First: see that it does: aws deploy list-deployments --include-only-statuses InProgress Stopped Failed.
        Then: no deployment runs, or it is back and calls still fail: it is not the version. {alarm} says how to go on.
        Runbook: docs/runbook.md#canary
      Metrics:
        - {{Id: errors, ReturnData: false, MetricStat: {{Stat: Sum, Period: 60, Metric: {{
            Namespace: AWS/ApiGateway, MetricName: {metric}, Dimensions: [{dimension}]}}}}}}
        - {{Id: calls, ReturnData: false, MetricStat: {{Stat: Sum, Period: 60, Metric: {{
            Namespace: AWS/ApiGateway, MetricName: Count, Dimensions: [{dimension}]}}}}}}
        - {{Id: share, Expression: 'IF(calls > 20, 100 * FILL(errors, 0) / calls, 0)', Label: percent of calls}}
      EvaluationPeriods: 3
      DatapointsToAlarm: 2
      Threshold: 3
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching

"""
# By the alarm: what it counts, and which alarm of infra/observability.yaml says how to go on.
ALARMS = "".join(
    ALARM.format(name=name, calls=calls, alarm=alarm, metric=metric, dimension=dimension)
    for name, calls, alarm, metric, dimension in [
        ("CanaryErrors", "calls", "ApiErrors", "5xx", "{Name: ApiId, Value: !Ref HttpApi}"),
        ("CanaryChatErrors", "streamed chats", "ChatApiErrors", "5XXError", "{Name: ApiName, Value: !Sub '${AWS::StackName}-chat'}"),
    ]
)

# The new version of one function: a fifth of its own calls, which the alarms above cannot see if few others fail.
VERSION_ALARM = """\
  {name}Canary:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: |-
        The new version of {handler} fails a fifth of its calls, two in a minute at least. While it has a tenth of all, CodeDeploy takes all back.
        First: see that it does: aws deploy list-deployments --include-only-statuses InProgress Stopped Failed.
        Then: no deployment runs: what the function needs is gone, or nobody has called it so before. Its log says.
        Runbook: docs/runbook.md#canary
      Metrics:
        - {{Id: crashes, ReturnData: false, MetricStat: {{Stat: Sum, Period: 60, Metric: {{
            Namespace: AWS/Lambda, MetricName: Errors, Dimensions: {version}}}}}}}
        - {{Id: failures, ReturnData: false, MetricStat: {{Stat: Sum, Period: 60, Metric: {{
            Namespace: !Ref MetricsNamespace, MetricName: FunctionFailed, Dimensions: [
              {{Name: function, Value: {handler}}}, {{Name: version, Value: !GetAtt {name}.Version.Version}}]}}}}}}
        - {{Id: calls, ReturnData: false, MetricStat: {{Stat: Sum, Period: 60, Metric: {{
            Namespace: AWS/Lambda, MetricName: Invocations, Dimensions: {version}}}}}}}
        - Id: share
          Label: percent of calls
          Expression: 'IF(SUM([crashes, failures]) > 1, 100 * SUM([crashes, failures]) / calls, 0)' # failures are no number until there are some
      EvaluationPeriods: 1
      Threshold: 20
      ComparisonOperator: GreaterThanOrEqualToThreshold
      TreatMissingData: notBreaching

"""
VERSION = """[
              {{Name: FunctionName, Value: !Ref {name}}}, {{Name: Resource, Value: !Sub '${{{name}}}:live'}},
              {{Name: ExecutedVersion, Value: !GetAtt {name}.Version.Version}}]"""

# Under each function's Properties, besides those of all functions.
VERSION_SETTING = """\
      DeploymentPreference: {{Alarms: [!Ref {name}Canary]}}
"""

# Called by the function's own name, of which no part of the calls can be led elsewhere.
UNSHARED = """\
      DeploymentPreference: {Enabled: false}
"""
UNSHARED_FUNCTIONS = {"Migrate", "ForwardTraces"}

# A function of the template, with the name of its handler.
FUNCTION = re.compile(r"^  (\w+):\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: ([\w-]+)\n", re.MULTILINE)

# Routes of the WebSocket API name their function themselves.
SOCKET_ROUTE = re.compile(r"\{FunctionArn: !GetAtt (\w+)\.Arn\}")

# cfn-lint does not know AutoPublishAliasAllProperties in Globals, where SAM takes it.
LINT = """\
  cfn-lint: {config: {ignore_checks: [E3724]}}
"""

ANCHORS = {
    "\nMetadata:\n": LINT,
    "\nParameters:\n": PARAMETER,
    "Globals:\n  Function:\n": SETTINGS,
    "    Environment:\n      Variables:\n": VARIABLE.format(os.environ.get("DEPLOYMENT") or datetime.now(timezone.utc).isoformat()),
}


# In the root: the parameter, and its way to the application.
ROOT_ANCHORS = {
    "\nParameters:\n": PARAMETER,
    "      TemplateURL: ../template.yaml\n      Parameters:\n": "        Canary: !Ref Canary\n",
}


def insert(text: str, file: str, parts: dict[str, str]) -> str:
    """The text with each part behind its anchor."""
    for anchor, part in parts.items():
        if text.count(anchor) != 1:
            sys.exit(f"error: {file} has no single {anchor.strip()!r}; mend the anchors in infra/canary.py")
        text = text.replace(anchor, anchor + part)
    return text


def setting_of(name: str) -> str:
    return UNSHARED if name in UNSHARED_FUNCTIONS else VERSION_SETTING.format(name=name)


def with_canary(template: str) -> str:
    """The template with all parts. One that has them already stays as it is."""
    if SETTINGS in template:
        return template

    alarms = []
    for name, handler in FUNCTION.findall(template):
        if name not in UNSHARED_FUNCTIONS:
            alarms.append(VERSION_ALARM.format(name=name, handler=handler, version=VERSION.format(name=name)))
    template = FUNCTION.sub(lambda found: found[0] + setting_of(found[1]), template)
    template = SOCKET_ROUTE.sub(r"{FunctionArn: !Ref \1.Alias}", template)
    return insert(template, TEMPLATE.name, ANCHORS | {"\nResources:\n": ALARMS + "".join(alarms)})


def root_with_canary(root: str) -> str:
    return root if PARAMETER in root else insert(root, ROOT.name, ROOT_ANCHORS)


def main() -> None:
    changed = with_canary(TEMPLATE.read_text())
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(changed)
    elif not sys.argv[1:]:
        TEMPLATE.write_text(changed)
        ROOT.write_text(root_with_canary(ROOT.read_text()))
    else:
        sys.exit(__doc__)


main()
