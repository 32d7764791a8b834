#!/usr/bin/env python3
"""Gives template.yaml and its root a canary, before `sam build`, in a checkout that is made for a deployment.

    python3 infra/canary.py          changes template.yaml and infra/production.yaml
    python3 infra/canary.py --print  prints what template.yaml would be

Each deployment makes new versions, also where parameters alone have changed: it has its time in a variable, or what DEPLOYMENT says.

Each function gets the alias `live`, to which routes and queues lead, and CodeDeploy gives a new version a tenth of the calls for five minutes.
If that version fails meanwhile, everything goes back. With the parameter Canary=false all calls go over at once,
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
"""

# SAM compares the template's text, in which a parameter's value does not stand: without it, a deployment of other parameters alone
# would leave the alias where it is, with the old variables.
VARIABLE = """\
        DEPLOYMENT: '{}'
"""

# Of the new version of one function alone: what it fails of its own calls. The APIs' alarms would see a tenth of that, among all others; and an
# alarm that names an API would wait for it, and the API for the aliases, and these for the alarm.
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
      EvaluationPeriods: 3 # failures come through the log, perhaps behind the minute in which calls are counted
      DatapointsToAlarm: 1
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

# Of these no part of the calls is led to the new version first.
UNSHARED = """\
      DeploymentPreference: {Enabled: false}
"""
# Nothing knows their aliases.
CALLED_BY_NAME = {"Migrate", "ForwardTraces"}
# A tenth of a run a minute tells nothing in five minutes.
SCHEDULED = {"SweepOutbox", "EmbedPassages", "RemoveObjects", "PublishAccessChanges", "PruneExpired"}
UNSHARED_FUNCTIONS = CALLED_BY_NAME | SCHEDULED

# Between a function's Type and Properties: it changes when those of the wave before have shifted. Lambda takes some 15 changes a second, of
# which CodeDeploy needs several for each function; and what fails in one wave leaves the next ones as they were.
WAVE = """\
    DependsOn: [{aliases}]
"""
WAVE_SIZE = 10

# What patients wait for comes first.
FIRST_WAVE = [
    "CreateConsultation", "GetConsultation", "AnswerQuestions", "CreateMessage", "Worker",
    "CreateChatCompletion", "WsConnect", "WsMessage", "CreateUpload", "GetUpload",
]

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


def waves_of(names: list[str]) -> list[list[str]]:
    """The functions in the order in which they change."""
    later = [name for name in names if name not in FIRST_WAVE and name not in CALLED_BY_NAME]
    ordered = FIRST_WAVE + later
    return [ordered[at : at + WAVE_SIZE] for at in range(0, len(ordered), WAVE_SIZE)]


def function_with_canary(found: re.Match, before: dict[str, list[str]]) -> str:
    """The head of a function, with the aliases that it waits for and its own alarm."""
    name = found[1]
    aliases = ", ".join(f"{other}Aliaslive" for other in before.get(name, []))
    head = found[0].replace("    Properties:\n", WAVE.format(aliases=aliases) + "    Properties:\n") if aliases else found[0]
    return head + (UNSHARED if name in UNSHARED_FUNCTIONS else VERSION_SETTING.format(name=name))


def with_canary(template: str) -> str:
    """The template with all parts. One that has them already stays as it is."""
    if SETTINGS in template:
        return template

    alarms = []
    for name, handler in FUNCTION.findall(template):
        if name not in UNSHARED_FUNCTIONS:
            alarms.append(VERSION_ALARM.format(name=name, handler=handler, version=VERSION.format(name=name)))

    waves = waves_of([name for name, _ in FUNCTION.findall(template)])
    before = {name: first for first, second in zip(waves, waves[1:]) for name in second}
    template = FUNCTION.sub(lambda found: function_with_canary(found, before), template)
    template = SOCKET_ROUTE.sub(r"{FunctionArn: !Ref \1.Alias}", template)
    return insert(template, TEMPLATE.name, ANCHORS | {"\nResources:\n": "".join(alarms)})


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
