"""Each operation of the contract does succeed, and answers then what the contract says. Schemathesis (test_contract) makes up
its requests, of which most may be refused; here each is one that is due, in a Service where all that it names is there."""
import json
import os
import pathlib
import re
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.support import apps, python_tools
from tests.support.contract import operations, resolved
from tests.support.mailbox import secret_in
from tests.support.service import Answer, wait_for
from tests.support.totp import totp

ROOT = pathlib.Path(__file__).parents[2]
PASSWORD, ANEW = "staple-of-my-own", "another-fine-one"
LIMITS = dict.fromkeys(["projects", "instances", "memory_bytes", "milli_cpus", "build_minutes", "disk_bytes"], 100)
OPERATIONS = {operation["operationId"]: (method, path, operation) for method, path, operation, _ in operations()}


def example_of(operation):
    content = resolved(operation.get("requestBody", {})).get("content", {}).get("application/json", {})
    if not content or "example" in content:
        return content.get("example")
    if "examples" in content:
        return next(iter(content["examples"].values()))["value"]
    return resolved(content["schema"]).get("example")


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Tour:
    """Asks for one operation after the other; keeps each answer for its comparison with the contract."""

    def __init__(self, service, mails):
        self.service, self.mails, self.answers = service, mails, []
        self.opener = urllib.request.build_opener(NoRedirects)

    @property
    def done(self):
        return {name for name, *_ in self.answers}

    def ask(self, name, who=None, body=None, form=None, query=None, **parts):
        """With the body of the contract's example, changed by `body`; a form; the parts of the path. Must be a success."""
        method, path, operation = OPERATIONS[name]
        target = re.sub(r"\{(\w+)\}", lambda part: urllib.parse.quote(str(parts[part[1]]), safe=""), path)
        request = urllib.request.Request(self.service.api + target + ("?" + urllib.parse.urlencode(query) if query else ""), method=method)
        example, data = example_of(operation), None
        if form is not None:
            data = urllib.parse.urlencode(form).encode()
            request.add_header("Content-Type", "application/x-www-form-urlencoded")
        elif example is not None or body is not None:
            data = json.dumps((example or {}) | (body or {})).encode()
            request.add_header("Content-Type", "application/json")
        if who:
            request.add_header("Authorization", "Bearer " + who)
        try:
            with self.opener.open(request, data, 60) as response:
                answer = Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as e:
            answer = Answer(e.code, e.headers, e.read())
        assert answer.status < 400, (name, target, answer, self.service.log()[-1500:])
        kind = (answer.headers["Content-Type"] or "").split(";")[0]
        text = "" if answer.headers["Content-Encoding"] else answer.text
        self.answers.append((name, answer.status, kind, text))
        return answer

    def mailed(self, to, subject, nth=1):
        """The secret of the link in the nth such mail."""
        return secret_in(self.mails.wait(to, subject, nth=nth))

    def log_in(self, email, password):
        return self.ask("logIn", body={"email": email, "password": password}).json()


@pytest.fixture
def tour(fresh_service, mailbox):
    service = fresh_service('[accounts]\nsign_up = "open"\n' + mailbox.toml())
    return Tour(service.start(), mailbox)


def of_everybody(tour):
    for name in ("showService", "showContract", "showContractAsJson", "showViewer", "showHealth", "showMetrics", "showLoginPage",
                 "showSignUpPage", "showForgotPage"):
        tour.ask(name)
    tour.ask("showViewerFile", file="start.js")


def by_mail(tour):
    email, other = "ada@example.org", "grace@example.org"
    tour.ask("signUp", body={"email": email, "username": "ada", "password": PASSWORD})
    tour.mailed(email, "Confirm")
    tour.ask("resendConfirmation", body={"email": email})
    tour.ask("confirmAddress", body={"secret": tour.mailed(email, "Confirm", 2), "password": PASSWORD})
    tour.ask("askPasswordReset", body={"email": email})
    tour.ask("completePasswordReset", body={"secret": tour.mailed(email, "Set a new password"), "password": ANEW})
    tour.ask("signUpOnPage", form={"email": other, "username": "grace", "password": PASSWORD})
    secret = tour.mailed(other, "Confirm")
    tour.ask("showConfirmationPage", query={"secret": secret})
    tour.ask("confirmOnPage", form={"secret": secret, "password": PASSWORD})
    tour.ask("askResetOnPage", form={"email": other})
    secret = tour.mailed(other, "Set a new password")
    tour.ask("showResetPage", query={"secret": secret})
    tour.ask("resetOnPage", form={"secret": secret, "password": ANEW})
    tour.ask("logInOnPage", form={"email": other, "password": ANEW})
    return tour.log_in(email, ANEW)["token"], tour.log_in(other, ANEW)["token"]


def of_the_account(tour, ada):
    for name in ("showMe", "showUsage", "showDeletion", "showAnnouncements", "showOwnAudit", "listSessions", "showTwoFactor", "listTokens",
                 "listKeys", "listProjects"):
        tour.ask(name, ada)
    made = tour.ask("createToken", ada).json()  # for the project of the example
    tour.ask("revokeToken", ada, token=made["id"])
    secret = tour.ask("beginTwoFactor", ada, {"password": ANEW}).json()["secret"]
    codes = tour.ask("confirmTwoFactor", ada, {"code": totp(secret)}).json()["recovery_codes"]
    tour.ask("disableTwoFactor", ada, {"password": ANEW, "code": codes[0]})
    key = tour.ask("addKey", ada).json()
    tour.ask("removeKey", ada, id=key["id"])
    device = tour.ask("beginDeviceLogin").json()
    tour.ask("showDevicePage", ada, query={"user_code": device["user_code"]})
    tour.ask("decideDevice", ada, form={"user_code": device["user_code"], "decision": "approve"})
    tour.ask("finishDeviceLogin", body={"device_code": device["device_code"]})
    other = tour.log_in("ada@example.org", ANEW)
    tour.ask("endSession", ada, session=other["token_id"])
    tour.ask("endOtherSessions", ada)
    tour.ask("logOut", tour.log_in("ada@example.org", ANEW)["token"])
    tour.ask("logOutOnPage", tour.log_in("ada@example.org", ANEW)["token"])
    tour.ask("changeAddress", ada, {"email": "ada@example.net", "password": ANEW})
    tour.ask("changePassword", ada, {"current": ANEW, "password": PASSWORD})


def of_members(tour, ada, grace):
    def secret_of(answer):
        return answer.json()["link"].split("secret=")[1]
    tour.ask("listMembers", ada, project="hello")
    spare = tour.ask("inviteMember", ada, {"email": "nobody@example.org"}, project="hello").json()
    tour.ask("listProjectInvitations", ada, project="hello")
    tour.ask("withdrawProjectInvitation", ada, project="hello", id=spare["id"])
    tour.ask("acceptProjectInvitation", grace, {"secret": secret_of(tour.ask("inviteMember", ada, project="hello"))})
    tour.ask("setMember", ada, project="hello", username="grace")
    tour.ask("removeMember", ada, project="hello", username="grace")
    secret = secret_of(tour.ask("inviteMember", ada, project="hello"))
    tour.ask("showProjectInvitation", grace, query={"secret": secret})
    tour.ask("joinProject", grace, form={"secret": secret})
    tour.ask("transferProject", ada, project="hello")
    tour.ask("showProjectAudit", ada, project="hello")


def of_the_application(tour, owner):
    """owner: of tests.support.service, with an SSH key; its project `shop` runs."""
    who, at = owner.token, {"project": "shop"}
    owner.repository("shop", apps.web("one")).push()
    for name in ("showProject", "listEnvironment", "listDeployments", "listInstances", "listProcesses", "showStats", "showMetricsOfProject",
                 "showLogs", "listRegistries"):
        tour.ask(name, who, **at)
    tour.ask("showDeployment", who, number=1, **at)
    tour.ask("followDeployment", who, number=1, **at)

    def ended(number):
        return wait_for(lambda: owner.call("GET", f"/projects/shop/deployments/{number}").json()["state"] in ("live", "superseded", "failed"),
                        f"Deployment {number} to end", seconds=60)
    for name, body in (("changeEnvironment", {}), ("restart", None), ("scaleProcesses", {"processes": {"web": {"count": 2}}}),
                       ("rollback", {"deployment": 1})):
        answer = tour.ask(name, who, body, **at).json()
        ended(answer["deployment"]["number"])
    tour.ask("stop", who, **at)
    tour.ask("start", who, **at)
    wait_for(lambda: owner.call("GET", "/projects/shop").json()["state"] == "live", "the Application to start", seconds=60)
    tour.ask("setRegistry", who, host="registry.example", **at)
    tour.ask("removeRegistry", who, host="registry.example", **at)
    ended(tour.ask("deployImage", who, **at).json()["deployment"]["number"])  # of a registry that is not there
    slow = owner.repository("shop", {"Dockerfile": "FROM debian:bookworm\nRUN sleep 100\n"})
    pushing = threading.Thread(target=lambda: slow.push("+main", check=False))
    pushing.start()

    def building():
        newest = owner.newest("shop")
        return newest["state"] == "building" and newest["number"]
    tour.ask("cancelDeployment", who, number=wait_for(building, "the build to begin"), **at)
    pushing.join(60)
    assert not pushing.is_alive()
    tour.ask("deleteProject", who, query={"confirm": "shop"}, **at)


def of_administrators(tour, root):
    for name in ("listClients", "listPlans", "listInvitations", "listAnnouncements", "showOverview", "showAudit"):
        tour.ask(name, root)
    tour.ask("createClient", root, {"email": "joan@example.org", "username": "joan"})
    for name, body in (("showClient", None), ("changeClient", {"plan": "default"}), ("suspendClient", None), ("resumeClient", None),
                       ("createResetLink", None)):
        tour.ask(name, root, body, client="joan")
    tour.ask("deleteClient", root, query={"confirm": "joan"}, client="joan")
    tour.ask("setPlan", root, LIMITS, plan="large")
    tour.ask("showPlan", root, plan="large")
    tour.ask("deletePlan", root, plan="large")
    tour.ask("deleteAnnouncement", root, announcement=tour.ask("announce", root).json()["id"])
    invited = tour.ask("createInvitation", root, {"email": "mary@example.org"}).json()
    tour.ask("showInvitationPage", query={"secret": invited["link"].split("secret=")[1]})
    tour.ask("withdrawInvitation", root, invitation=invited["id"])


def test_each_operation_succeeds_and_answers_what_the_contract_says(tour):
    root, owner = tour.service.admin().token, tour.service.client("owner")
    owner.project("shop")
    of_everybody(tour)
    ada, grace = by_mail(tour)
    tour.ask("createProject", ada)  # `hello`, as in the examples of the others
    of_the_account(tour, ada)
    of_members(tour, ada, grace)
    of_the_application(tour, owner)
    of_administrators(tour, root)
    tour.ask("deleteAccount", grace, {"password": ANEW}, query={"confirm": "grace"})
    assert tour.done == OPERATIONS.keys(), OPERATIONS.keys() - tour.done

    checked = subprocess.run([python_tools.program("python"), ROOT / "tests/support/contract_answers.py"], capture_output=True, text=True,
                             input=json.dumps(tour.answers), env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    assert checked.returncode == 0, checked.stderr
    assert not checked.stdout, checked.stdout
    # The control: the same comparison finds what does not fit.
    broken = [("showMe", 200, "application/json", "{}"), ("showMe", 201, "application/json", "{}"), ("showMe", 200, "text/html", "x"),
              ("revokeToken", 204, "", "x")]
    found = subprocess.run([python_tools.program("python"), ROOT / "tests/support/contract_answers.py"], capture_output=True, text=True,
                           input=json.dumps(broken)).stdout
    assert len({line.split(":")[1] for line in found.splitlines()}) >= 4, found
