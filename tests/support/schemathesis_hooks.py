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
IS_ADMINISTRATOR = os.environ.get("PAASTECH_SCHEMATHESIS_ADMINISTRATOR") == "1"
# How a request that keeps to the schemas may be refused all the same; what is not here must succeed. (That each operation can
# succeed: test_contract_success.)
ADMINISTRATORS = {"listInvitations", "createInvitation", "withdrawInvitation", "createResetLink", "showAudit", "showMetrics"}
MAY_BE_REFUSED = {
    # The login has ended meanwhile, or is what is asked for.
    401: {"logIn", "logInOnPage"},
    # By the mode of sign-up; `all` is for administrators.
    403: {"signUp"} | (set() if IS_ADMINISTRATOR else {"listProjects"}),
    # What a body or a query names is not there. (A part of a path: see below.)
    404: {"acceptProjectInvitation", "completePasswordReset", "confirmAddress", "confirmOnPage", "createToken", "decideDevice",
          "joinProject", "resetOnPage", "showConfirmationPage", "showDevicePage", "showInvitationPage", "showProjectInvitation",
          "showResetPage", "signUp", "signUpOnPage"},
    # Somebody has the name, address or key; it has ended already.
    409: {"addKey", "cancelDeployment", "createClient", "createInvitation", "createProject", "inviteMember", "signUp"},
    # This Service sends no mail; If-Match names another version; nothing runs; the last administrator; there are enough.
    412: {"addKey", "announce", "askPasswordReset", "askResetOnPage", "changeAddress", "changeClient", "changeEnvironment",
          "createToken", "deleteAccount", "deleteClient", "deletePlan", "disableTwoFactor", "removeMember", "resendConfirmation",
          "restart", "resumeClient", "rollback", "scaleProcesses", "setMember", "signUp", "start", "stop", "suspendClient",
          "transferProject"},
    # The rules go beyond what a schema can say; see schemathesis.toml. Pages: their fields are freer than the rules.
    422: {"addKey", "announce", "askResetOnPage", "changeClient", "changeEnvironment", "completePasswordReset", "confirmOnPage",
          "confirmTwoFactor", "createClient", "createToken", "deleteAccount", "deleteClient", "logInOnPage", "resetOnPage",
          "scaleProcesses", "showAudit", "showConfirmationPage", "showInvitationPage", "showLogs", "showProjectInvitation",
          "showResetPage", "signUp", "signUpOnPage"},
    # RFC 8628, section 3.5.
    400: {"finishDeviceLogin"},
    # Limits count; those of guessed device codes, too (RFC 8628, section 5.1).
    429: {"decideDevice", "inviteMember", "logIn", "showDevicePage"},
}
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


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode == GenerationMode.POSITIVE


@schemathesis.check
def succeeds_where_the_contract_promises_it(ctx, response, case):
    if not is_positive(case) or response.status_code < 400:
        return
    operation, status = case.operation, response.status_code
    name = operation_id(operation)
    for_administrators = name in ADMINISTRATORS or "administration" in operation.definition.raw.get("tags", [])
    if for_administrators and not IS_ADMINISTRATOR:
        assert status in (401, 403), f"{name} answers {status} to who is no administrator"
        return
    needs_login = operation.definition.raw.get("security") != []
    if (status == 401 and needs_login) or (status == 404 and "{" in operation.path):
        return
    assert name in MAY_BE_REFUSED.get(status, ()), f"{name} may not be refused with {status}: {response.text[:300]}"


@schemathesis.check
def nobody_but_an_administrator_succeeds_at_what_is_for_one(ctx, response, case):
    name = operation_id(case.operation)
    if IS_ADMINISTRATOR or response.status_code >= 300:
        return
    assert name not in ADMINISTRATORS and "administration" not in case.operation.definition.raw.get("tags", []), name


@schemathesis.check
def each_answer_is_whole(ctx, response, case):
    assert response.headers.get("x-request-id"), "an answer without a request id"
    if response.status_code in (429, 503):
        [wait] = response.headers["retry-after"]
        assert int(wait) >= 1, wait
