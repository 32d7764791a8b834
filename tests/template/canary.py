"""Prints what SAM makes of a template, which stands in the standard input, as JSON. Arguments are parameters: NAME=VALUE.

It is read as the SAM CLI reads it, which refuses what other readers take, such as a bare ? within braces.
"""

import json
import os
import sys

os.environ["AWS_DEFAULT_REGION"] = "eu-west-1"

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoPolicies:
    def load(self):
        return {}


def plain(value):
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


template = plain(yaml_parse(sys.stdin.read()))
# Where `sam build` and `sam deploy` put the binary.
template["Globals"]["Function"]["CodeUri"] = "s3://bucket/bootstrap.zip"
parameters = {name: "" for name in template["Parameters"]}
for name, parameter in template["Parameters"].items():
    parameters[name] = parameter.get("Default", "")
parameters |= dict(argument.split("=", 1) for argument in sys.argv[1:])
json.dump(transform(template, parameters, NoPolicies()), sys.stdout, default=str)
