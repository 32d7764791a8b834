"""Prints what SAM makes of a template, which stands in the standard input, as JSON."""

import json
import os
import sys

os.environ["AWS_DEFAULT_REGION"] = "eu-west-1"

from cfnlint.decode.cfn_yaml import loads
from samtranslator.translator.transform import transform


class NoPolicies:
    def load(self):
        return {}


def plain(value):
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


template = plain(loads(sys.stdin.read()))
# Where `sam build` and `sam deploy` put the binary.
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/bootstrap.zip"
parameters = {name: "" for name in template["Parameters"]}
for name, parameter in template["Parameters"].items():
    parameters[name] = parameter.get("Default", "")
json.dump(transform(template, parameters, NoPolicies()), sys.stdout, default=str)
