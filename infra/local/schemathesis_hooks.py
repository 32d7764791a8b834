"""Who makes schemathesis' calls.

One person may make 100 calls in a minute, so several people of one role take turns. A patient reads their own records
alone: what a person has made is asked for by that person.
"""

import itertools
import json
import os
import pathlib

import schemathesis

# Fewer than one person may make in a minute: what is left over is for the records that they own.
TURN = 40

CALLERS = json.loads(pathlib.Path(os.environ["WENZHEN_CALLERS"]).read_text())

calls = itertools.count()
owners = {}


@schemathesis.auth(refresh_interval=None)
class Turns:
    def get(self, case, context):
        if case.operation.label == "GET /metrics":
            return CALLERS["scraper"]
        tokens = CALLERS["tokens"]
        owner = owners.get((case.path_parameters or {}).get("id"))
        return owner or tokens[next(calls) // TURN % len(tokens)]

    def set(self, case, token, context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code != 202:
        return
    _, _, token = response.request.headers.get("Authorization", "").partition(" ")
    made = response.json()
    for field in ("id", "job_id"):
        if field in made:
            owners.setdefault(made[field], token)
