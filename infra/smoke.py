#!/usr/bin/env python3
"""Tries a deployed stack as a patient would: signs in, complains, reads the assessment, chats, and has all of it erased.

    python3 infra/smoke.py wenzhen-prod

Takes the AWS CLI, with credentials that may make people in the stack's user pool. The person is of the tenant `smoke-test`, has a name and a
password of this run alone, and is removed again. Ends with 0 if each step went well; with 1 if one did not; with 77 if nobody can be signed in here, since Mfa=ON asks for a device.

Models are asked twice, if there are any. Without one, and while all of them are down, the rules answer; that is told and is no failure.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

TENANT = "smoke-test"
COMPLAINT = {"symptoms": "chest pain that spreads to my left arm, cold sweat", "age": 58, "locale": "en"}

# For one call; a long poll takes 20.
CALL_SECONDS = 45
# For one command of the AWS CLI, which tries again by itself.
AWS_SECONDS = 60
# For an assessment, from the queue over the worker to the model.
ASSESSMENT_SECONDS = 180
# Between two looks at it, should an answer come at once.
LOOK_SECONDS = 1

# As test runners know it: not tried.
NOT_TRIED = 77


# Version 1 of the AWS CLI knows the region by its older name alone.
ENVIRONMENT = {"AWS_DEFAULT_REGION": os.environ["AWS_REGION"], **os.environ} if "AWS_REGION" in os.environ else None

# What a chat is answered while no model can be asked: that is the providers', or there are none.
NO_MODEL = {"no_model_configured", "all_tiers_failed", "rate_limit_exceeded"}


class Failure(Exception):
    """What a step saw instead of what it should have, and the code of the error that was answered."""

    def __init__(self, message: str, code: str = ""):
        super().__init__(message)
        self.code = code
        self.is_told = False


class Unable(Failure):
    """That a step cannot be tried here says nothing about the stack."""


def aws(*arguments: str, document: dict | None = None) -> dict:
    """What the AWS CLI answers. A document may have secrets: it goes through a file of ours alone, since lists of processes show arguments."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        given = ["--cli-input-json", f"file://{file.name}"] if document else []
        command = ["aws", *arguments, *given, "--output", "json"]
        try:
            done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=AWS_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"aws {arguments[0]} {arguments[1]}: no answer within {AWS_SECONDS} s") from None
    if done.returncode:
        raise Failure(f"aws {arguments[0]} {arguments[1]}: {done.stderr.strip()}")
    return json.loads(done.stdout or "{}")


def outputs_of(stack: str) -> dict[str, str]:
    stacks = aws("cloudformation", "describe-stacks", "--stack-name", stack)["Stacks"]
    return {it["OutputKey"]: it["OutputValue"] for it in stacks[0].get("Outputs", [])}


class Person:
    """A patient who exists as long as the `with` block does."""

    def __init__(self, pool: str, client: str):
        self.pool, self.client = pool, client
        self.name = f"smoke-{secrets.token_hex(8)}@example.com"

    def __enter__(self) -> "Person":
        who = {"UserPoolId": self.pool, "Username": self.name}
        attributes = {"email": self.name, "email_verified": "true", "custom:tenant_id": TENANT}
        listed = [{"Name": name, "Value": value} for name, value in attributes.items()]
        try:
            aws("cognito-idp", "admin-create-user", document=who | {"UserAttributes": listed, "MessageAction": "SUPPRESS"})
            self.password = f"Aa1-{secrets.token_urlsafe(24)}"
            aws("cognito-idp", "admin-set-user-password", document=who | {"Password": self.password, "Permanent": True})
            aws("cognito-idp", "admin-add-user-to-group", document=who | {"GroupName": "patient"})
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.remove()

    def remove(self) -> None:
        """Also one who may not be there; what went wrong before is what is told."""
        try:
            aws("cognito-idp", "admin-delete-user", document={"UserPoolId": self.pool, "Username": self.name})
        except Failure as failure:
            if "UserNotFoundException" not in str(failure):
                print(f"{self.name} may be left in the user pool: {failure}", file=sys.stderr)

    def sign_in(self) -> str:
        """An ID token."""
        asked = {
            "UserPoolId": self.pool,
            "ClientId": self.client,
            "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": self.name, "PASSWORD": self.password},
        }
        answer = aws("cognito-idp", "admin-initiate-auth", document=asked)
        if "AuthenticationResult" not in answer:
            raise Unable(f"the user pool asks for {answer.get('ChallengeName')}: with Mfa=ON nobody signs in without a device")
        return answer["AuthenticationResult"]["IdToken"]


class Api:
    """Calls with a token."""

    def __init__(self, url: str, token: str = ""):
        self.url, self.token = url.rstrip("/"), token

    def open(self, method: str, path: str, body: dict | None = None):
        try:
            request = urllib.request.Request(self.url + path, method=method)
            request.add_header("user-agent", "wenzhen-smoke")
            if self.token:
                request.add_header("authorization", f"Bearer {self.token}")
            if body is not None:
                request.data = json.dumps(body).encode()
                request.add_header("content-type", "application/json")
            return urllib.request.urlopen(request, timeout=CALL_SECONDS)
        except urllib.error.HTTPError as error:
            about = error.read(2000).decode(errors="replace")
            request_id = error.headers.get("x-request-id", "none")
            raise Failure(f"{method} {path}: {error.code}, request {request_id}: {about}", code_of(about)) from None
        except (OSError, ValueError) as error:
            raise Failure(f"{method} {self.url}{path}: {error}") from None

    def call(self, method: str, path: str, status: int, body: dict | None = None) -> dict:
        with self.open(method, path, body) as answer:
            if answer.status != status:
                raise Failure(f"{method} {path}: {answer.status} and not {status}")
            try:
                return json.loads(answer.read() or b"{}")
            except (OSError, ValueError) as error:
                raise Failure(f"{method} {path}: an answer that is no JSON, or not whole: {error}") from None

    def read(self, path: str) -> dict:
        """What is read may be asked for once more, as any client does."""
        try:
            return self.call("GET", path, 200)
        except Failure:
            time.sleep(LOOK_SECONDS)
            return self.call("GET", path, 200)


def code_of(answer: str) -> str:
    """The code of an error in OpenAI's shape."""
    try:
        return json.loads(answer)["error"]["code"] or ""
    except (ValueError, KeyError, TypeError):
        return ""


def check_health(api: Api) -> str:
    return api.read("/health")["status"]


def complain(api: Api) -> dict:
    """What was accepted, with the rules' urgency."""
    return api.call("POST", "/v1/consultations", 202, COMPLAINT)


def read_assessment(api: Api, accepted: dict) -> str:
    """What made it."""
    if accepted["urgency"] != "emergency":
        raise Failure(f"the rules call it {accepted['urgency']}, and it is an emergency")

    end = time.monotonic() + ASSESSMENT_SECONDS
    while time.monotonic() < end:
        found = api.read(f"/v1/consultations/{accepted['id']}?wait=20")
        if found["status"] == "processing":
            time.sleep(LOOK_SECONDS)
            continue
        if found["status"] != "completed" or found["assessment"]["urgency"] != "emergency":
            raise Failure(f"the consultation is {found['status']}: {found.get('failure') or 'and no emergency any more'}")
        made = found["assessment"]
        served = made["served_by"]
        served = " ".join(filter(None, (served.get("tier"), served.get("model")))) if isinstance(served, dict) else served
        return f"by {served}, degraded: {made['degraded_reason']}" if made["degraded"] else f"by {served}"
    raise Failure(f"no assessment after {ASSESSMENT_SECONDS} s: docs/runbook.md#jobs-wait")


def chat(api: Api) -> str:
    """How the stream came, or why no model gave one."""
    asked = {"model": "default", "stream": True, "messages": [{"role": "user", "content": "What helps against a cold?"}]}
    try:
        stream = api.open("POST", "/v1/chat/completions", asked)
    except Failure as failure:
        if failure.code in NO_MODEL:
            return f"no model answers: {failure.code}"
        raise

    chunks = 0
    try:
        with stream:
            for line in stream:
                if line.strip() == b"data: [DONE]":
                    return f"{chunks} chunks"
                if line.startswith(b"data: "):
                    if "error" in json.loads(line.removeprefix(b"data: ")):
                        raise Failure(f"the stream has an error: {line.decode().strip()}")
                    chunks += 1
    except (OSError, ValueError) as error:
        raise Failure(f"the stream stopped after {chunks} chunks: {error}") from None
    raise Failure(f"the stream broke off after {chunks} chunks")


def step(name: str, action, *arguments):
    began = time.monotonic()
    print(f"{name:<24}", end="", flush=True)
    try:
        result = action(*arguments)
    except BaseException as failure:
        print("failed", flush=True)
        if isinstance(failure, Failure):
            print(f"error: {failure}", file=sys.stderr, flush=True)
            failure.is_told = True
        raise
    said = result if isinstance(result, str) and len(result) < 100 else "good"
    print(f"{said}  ({time.monotonic() - began:.1f} s)", flush=True)
    return result


def run(stack: str, given: dict[str, str | None]) -> None:
    outputs = {} if all(given.values()) else outputs_of(stack)
    api_url, chat_url, pool, client = (
        value or outputs.get(name) or sys.exit(f"error: the stack {stack} has no output {name}") for name, value in given.items()
    )

    step("health", check_health, Api(api_url))
    with Person(pool, client) as person:
        token = step("sign-in", person.sign_in)
        api, chats = Api(api_url, token), Api(chat_url, token)
        accepted = step("a complaint", complain, api)
        try:
            step("its assessment", read_assessment, api, accepted)
            step("a streamed chat", chat, chats)
        finally:
            step("erasure", api.call, "DELETE", f"/v1/consultations/{accepted['id']}", 202)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stack", help="the stack's name")
    parser.add_argument("--api-url", help="by default the stack's output ApiUrl")
    parser.add_argument("--chat-url", help="by default the stack's output ChatUrl")
    parser.add_argument("--user-pool", help="by default the stack's output UserPoolId")
    parser.add_argument("--client", help="by default the stack's output UserPoolClientId")
    options = parser.parse_args()
    given = {
        "ApiUrl": options.api_url,
        "ChatUrl": options.chat_url,
        "UserPoolId": options.user_pool,
        "UserPoolClientId": options.client,
    }
    if not shutil.which("aws"):
        sys.exit("error: the AWS CLI is not on PATH")
    # Whoever ends it wants nobody left behind either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        run(options.stack, given)
    except Unable:
        sys.exit(NOT_TRIED)
    except Failure as failure:
        # A step has told its own; what else fails is told here.
        if not failure.is_told:
            print(f"error: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


main()
