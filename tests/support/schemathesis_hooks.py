"""Logs in for schemathesis, and gives requests what no schema can say. Settings come by environment, from
tests/functional/test_contract.py."""
import ipaddress
import itertools
import os
import time
import uuid

import requests
import schemathesis
from schemathesis.generation import GenerationMode

API = os.environ["PAASTECH_SCHEMATHESIS_API"]
MAIN = os.environ["PAASTECH_SCHEMATHESIS_LOGIN"].split(" ")  # address and password
SPARE = os.environ["PAASTECH_SCHEMATHESIS_SPARE_LOGIN"].split(" ")  # of another Client, whose logins may end
# Where the own password proves who asks. A change sets the same one.
PROOFS = {"beginTwoFactor": ["password"], "disableTwoFactor": ["password"], "changeAddress": ["password"],
          "changePassword": ["current", "password"]}
ENDS_LOGINS = {"logOut", "endOtherSessions"}
_seen = set()  # cursors
_addresses = (str(ipaddress.ip_address("10.0.0.0") + n) for n in itertools.count(1))


def operation_id(operation):
    return operation.definition.raw.get("operationId")


def log_in(email, password):
    """Of the tries that schemathesis makes some count as failed logins, so this may have to wait a minute."""
    for _ in range(3):
        # From another address each time, for the limit of failed logins counts those too.
        answer = requests.post(API + "/api/v1/sessions", json={"email": email, "password": password},
                               headers={"X-Forwarded-For": next(_addresses)}, timeout=20)
        if answer.status_code == 201:
            return answer.json()["token"]
        time.sleep(int(answer.headers.get("Retry-After", 1)))
    raise AssertionError(f"{email} cannot log in: {answer.status_code} {answer.text}")


class Login:
    def get(self, case, context):
        return log_in(*MAIN)

    def set(self, case, data, context):
        if operation_id(case.operation) in ENDS_LOGINS:
            data = log_in(*SPARE)
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


# Asks for a login anew after 401; operations that anybody may call answer it for other reasons.
schemathesis.auth().skip_for(func=lambda context: context.operation.definition.raw.get("security") == [])(Login)


@schemathesis.hook
def after_call(context, case, response):
    if response.content.startswith(b'{"items"'):
        _seen.add(response.json().get("next"))


@schemathesis.hook
def before_call(context, case, **kwargs):
    case.headers["X-Forwarded-For"] = next(_addresses)
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    for field in PROOFS.get(operation_id(case.operation), ()):
        if isinstance(case.body, dict) and field in case.body:
            case.body[field] = MAIN[1]
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())  # a key is for one request
    if "cursor" in case.query and case.query["cursor"] not in _seen:
        del case.query["cursor"]  # only what a list has answered is one
    if "follow" in case.query:
        case.query["follow"] = "false"  # it has no end
    if operation_id(case.operation) == "deleteProject":
        case.query["confirm"] = case.path_parameters["project"]
