"""What belongs to somebody else is answered like what does not exist: each route of the contract whose path names something,
asked by a stranger, for what is there and for what is not (threats 29 and 30)."""
import json
import re

import pytest

from tests.support.contract import operations
from tests.support.service import Service

MISSING = {"project": "nothing-here", "session": "00000000-0000-4000-8000-000000000000", "host": "nowhere.example",
           "username": "nobody-there", "client": "nobody-there", "plan": "no-such-plan", "number": "77"}
OF_A_KIND = "00000000-0000-4000-8000-000000000000"
# The own account's and everybody's; files of the viewer.
NOTHING_FOREIGN = {"/docs/{file}"}


def routes():
    for method, path, operation, _ in operations():
        if "{" in path and path not in NOTHING_FOREIGN:
            yield method, path, operation


@pytest.fixture(scope="module")
def scene():
    """(the Service, the owner of one of everything, what each part of a path names of it)"""
    service = Service("").start()
    try:
        owner, guest, admin = service.client("owner"), service.client("guest"), service.admin()
        owner.project("hidden")
        invited = owner.call("POST", "/projects/hidden/invitations", {"email": guest.email, "role": "viewer"})
        assert guest.call("POST", "/invitations/accept", {"secret": invited.json()["link"].split("secret=")[1]}).status == 200
        open_invitation = owner.call("POST", "/projects/hidden/invitations", {"email": "x@example.org", "role": "viewer"}).json()
        assert owner.call("PUT", "/projects/hidden/registries/registry.example",
                          {"username": "me", "password": "secret"}).status == 200
        token = owner.call("POST", "/tokens", {"name": "ci", "scope": "read"}).json()
        announced = admin.call("POST", "/announcements", {"level": "info", "text": "hello"}).json()
        asked_in = admin.call("POST", "/invitations", {"email": "y@example.org"}).json()
        assert admin.call("PUT", "/plans/large", dict.fromkeys(
            ["projects", "instances", "memory_bytes", "milli_cpus", "build_minutes", "disk_bytes"], 1)).status == 200
        # Of the kinds of `id` the path tells which one is meant.
        yield service, owner, {
            "project": "hidden", "session": owner.call("GET", "/sessions").json()["items"][0]["id"], "token": token["id"],
            "keys.id": owner.call("GET", "/keys").json()["items"][0]["id"], "invitations.id": open_invitation["id"],
            "host": "registry.example", "username": "guest", "client": "owner", "plan": "large", "number": "1",
            "announcement": announced["id"], "invitation": asked_in["id"]}
    finally:
        service.close()


def filled(path, values):
    def value(match):
        name = match[1]
        kind = re.search(r"(\w+)/\{id\}", path)
        return values[f"{kind[1]}.id" if name == "id" else name]
    return re.sub(r"\{(\w+)\}", value, path)


def what_is_told(answer, path):
    """The answer without what names its own request."""
    body = answer.json() if answer.body else {}
    text = json.dumps({key: value for key, value in body.items() if key != "request_id"})
    headers = sorted(name.lower() for name in answer.headers if name.lower() != "date")
    for part in path.split("/"):
        if part not in ("api", "v1", "") and len(part) > 1:
            text = text.replace(part, "PART")
    return answer.status, text, headers


def body_of(operation):
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return {"data": b"{}", "headers": {"Content-Type": "application/json"}} if content else {}


def test_a_stranger_cannot_tell_what_is_there_from_what_is_not(scene):
    service, _, there = scene
    missing = {name: MISSING.get(name, OF_A_KIND) for name in there}
    stranger = service.client("stranger")
    asked = 0
    for method, path, operation in routes():
        foreign, absent = filled(path, there), filled(path, missing)
        answers = [service.request(method, target, token=stranger.token, **body_of(operation)) for target in (foreign, absent)]
        assert answers[0].status in (403, 404), (method, foreign, answers[0])
        told = [what_is_told(answer, target) for answer, target in zip(answers, (foreign, absent))]
        assert told[0] == told[1], (method, path, answers)
        nobody = [service.request(method, target, **body_of(operation)) for target in (foreign, absent)]
        assert [answer.status for answer in nobody] == [401, 401], (method, path, nobody)
        assert what_is_told(nobody[0], foreign) == what_is_told(nobody[1], absent), (method, path, nobody)
        asked += 1
    print(f"{asked} routes")
    assert asked > 40


def test_the_control_its_owner_and_the_administrator_can_tell(scene):
    service, owner, there = scene
    for client, path in [(owner, "/projects/{project}"), (owner, "/projects/{project}/members"),
                         (service.admin(), "/clients/{client}"), (service.admin(), "/plans/{plan}")]:
        assert client.call("GET", filled(path, there)).status == 200, path
        assert client.call("GET", filled(path, {name: MISSING.get(name, OF_A_KIND) for name in there})).status == 404, path
    listed = owner.call("GET", "/projects/hidden/registries").json()["items"]
    assert [each["host"] for each in listed] == ["registry.example"], "and nothing that the stranger asked for was done"
    for path, name in (("/sessions", "session"), ("/tokens", "token"), ("/keys", "keys.id"),
                       ("/projects/hidden/invitations", "invitations.id")):
        assert there[name] in [each["id"] for each in owner.call("GET", path).json()["items"]], path


def test_so_is_what_a_body_names(scene):
    service, owner, _ = scene
    stranger = service.client("another-stranger")
    for path, foreign, absent in [
            ("/tokens", {"name": "x", "scope": "read", "projects": ["hidden"]}, {"name": "x", "scope": "read", "projects": ["absent"]})]:
        answers = [stranger.call("POST", path, body) for body in (foreign, absent)]
        told = [(answer.status, answer.json()["code"], answer.json()["detail"].replace("hidden", "N").replace("absent", "N"))
                for answer in answers]
        assert told[0] == told[1] and told[0][0] == 404, answers
    assert stranger.call("GET", "/tokens").json()["items"] == []
    made = owner.call("POST", "/tokens", {"name": "x", "scope": "read", "projects": ["hidden"]})
    assert made.status == 201, "the control"


@pytest.mark.parametrize("name", ["Hidden", "HIDDEN", "hidden.", " hidden", "hidden ", "ｈｉｄｄｅｎ", "hid\u200bden", "hid\u0064\u0307en",
                                  "xn--hidden-", "hidden.user-app", "user-app.localhost", "localhost:80", "hidden\u0000"])
def test_no_variant_of_a_name_becomes_a_project_of_its_own(scene, name):
    """Threat 21, for the host names that there are: a Project's name is one."""
    service, owner, _ = scene
    stranger = service.client("claims-" + name.encode().hex()[-20:])
    answer = stranger.call("POST", "/projects", {"name": name})
    assert answer.status == 422 and "name" in answer.json()["detail"], answer
    assert stranger.call("GET", "/projects").json()["items"] == []
    taken = stranger.call("POST", "/projects", {"name": "hidden"})
    assert taken.status == 409, "the control: so written it is one, and somebody else's"
