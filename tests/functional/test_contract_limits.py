"""The limits of the contract: each request has them, and the Service holds what is asked to those very numbers. (The rest of
what single fields may be: test_contract, by schemathesis.)"""
import re
import socket

import pytest

from tests.support.contract import CONTRACT, operations, resolved
from tests.support.cli import ok, on_a_terminal, only_colour

MIB = 1 << 20
HEAD = 16 << 10
LEVELS = 8
# What may be any text: it is compared, or handed on as it is, and never shown on a terminal as it came.
ANY_TEXT = {"password", "current", "secret", "invitation", "device_code", "code", "public_key", "set", "unset", "projects"}


def unbounded(schema, where):
    """The places in a schema whose size nothing limits."""
    schema = resolved(schema)
    kinds = schema.get("type", [])
    kinds = kinds if isinstance(kinds, list) else [kinds]
    if "string" in kinds and not schema.keys() & {"maxLength", "enum", "const"} and schema.get("format") not in ("uuid", "date-time"):
        yield f"{where}: a text without maxLength"
    if "array" in kinds and "maxItems" not in schema:
        yield f"{where}: a list without maxItems"
    if "object" in kinds:
        more = schema.get("additionalProperties", True)
        if more is True:
            yield f"{where}: any other field is taken"
        if isinstance(more, dict):
            if "maxProperties" not in schema:
                yield f"{where}: a map without maxProperties"
            yield from unbounded(more, where + ".*")
    for name, each in schema.get("properties", {}).items():
        yield from unbounded(each, f"{where}.{name}")
    if "items" in schema:
        yield from unbounded(schema["items"], where + "[]")
    for kind in ("oneOf", "anyOf", "allOf"):
        for each in schema.get(kind, []):
            if resolved(each).keys() & {"type", "properties"}:
                yield from unbounded(each, where)


def test_each_text_and_list_of_a_request_has_a_limit():
    missing = []
    for method, path, operation, shared in operations():
        for parameter in map(resolved, shared + operation.get("parameters", [])):
            missing += unbounded(parameter["schema"], f"{method} {path} {parameter['name']}")
        for content in resolved(operation.get("requestBody", {})).get("content", {}).values():
            missing += unbounded(content["schema"], f"{method} {path} body")
    assert not missing, "\n".join(missing)


def test_a_body_may_have_one_mebibyte_and_not_a_byte_more(client):
    begin, end = b'{"name":"', b'"}'
    for size, status in ((MIB, 422), (MIB + 1, 413)):  # 422: it was read, and the name is too long
        body = begin + b"x" * (size - len(begin + end)) + end
        answer = client.call("POST", "/projects", data=body, headers={"Content-Type": "application/json"})
        assert len(body) == size and answer.status == status, (size, answer)


def exchange(service, head):
    with socket.create_connection(("127.0.0.1", service.api_port), timeout=20) as connection:
        connection.sendall(head)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return int(answer.split(b" ", 2)[1])


def test_a_head_may_have_16_kib_and_not_a_byte_more(service):
    begin = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Filler: "
    for size, status in ((HEAD, 200), (HEAD + 1, 431)):
        head = begin + b"y" * (size - len(begin) - 4) + b"\r\n\r\n"
        assert len(head) == size and exchange(service, head) == status, size


def test_a_body_may_have_8_levels_and_not_one_more(client):
    def nested(levels):
        # A field that nothing knows: 422 names it where it was read, 400 says that it was not.
        return b'{"other":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"
    for levels, status in ((LEVELS, 422), (LEVELS + 1, 400)):
        answer = client.call("POST", "/projects", data=nested(levels), headers={"Content-Type": "application/json"})
        assert answer.status == status, (levels, answer)


def test_texts_are_counted_in_characters_and_lists_in_entries(client, unique):
    project = client.project(unique())["name"]

    def token(name="x", projects=None):
        body = {"name": name, "scope": "read"} | ({"projects": projects} if projects else {})
        return client.call("POST", "/tokens", body)
    for character in ("x", "ü", "😀"):
        assert token(character * 100).status == 201, character
        refused = token(character * 101)
        assert refused.status == 422 and "100 characters" in refused.json()["detail"], refused
    most = resolved(CONTRACT["paths"]["/api/v1/tokens"]["post"]["requestBody"]["content"]["application/json"]["schema"])
    most = most["properties"]["projects"]["maxItems"]
    assert token(projects=[project]).status == 201
    refused = token(projects=[f"project-{n}" for n in range(most + 1)])
    assert refused.status == 422 and str(most) in refused.json()["detail"], refused
    value = "ü" * 32_768  # 65,536 bytes
    def change(text):
        return client.call("PATCH", f"/projects/{project}/environment", {"set": {"A": text}})
    assert change(value).status == 202
    refused = change(value + "x")
    assert refused.status == 422 and "A" in refused.json()["detail"], refused


def texts(schema, at=()):
    """The ways to each text of a body."""
    schema = resolved(schema)
    if schema.get("type") == "string" and "enum" not in schema:
        yield at
    for name, each in schema.get("properties", {}).items():
        yield from texts(each, at + (name,))


@pytest.mark.parametrize("control", ["\x1b[2J", "\n", "\x7f", "\x9b2J"], ids=["escape", "newline", "delete", "csi"])
def test_no_name_takes_a_control_character(service, client, unique, control):
    admin, project = service.admin(), client.project(unique())["name"]
    parts = {"project": project, "client": client.username, "plan": "default", "host": "registry.example",
             "username": "nobody", "number": "1"}
    asked, taken = 0, []
    for method, path, operation, _ in operations():
        content = resolved(operation.get("requestBody", {})).get("content", {}).get("application/json")
        if not content:
            continue
        target = re.sub(r"\{(\w+)\}", lambda part: parts.get(part[1], "00000000-0000-4000-8000-000000000000"), path)
        example = content.get("example") or next(iter(content.get("examples", {}).values()), {}).get("value") or {}
        for way in texts(content["schema"]):
            if way[0] in ANY_TEXT:
                continue
            body = dict(example) | {way[0]: "valid" + control + "name"}
            answer = service.request(method, target, body, token=admin.token)
            asked += 1
            if answer.status not in (400, 401, 422) or control in answer.text:
                taken.append((method, path, way[0], answer))
    assert asked > 20 and not taken, taken


def test_what_may_hold_them_drives_no_terminal(client, unique):
    project = client.project(unique())["name"]
    evil = "a\x1b]0;owned\x07\x1b[2Jb\x9b2Jc"
    assert client.call("PATCH", f"/projects/{project}/environment", {"set": {"EVIL": evil}}).status == 202
    shown = client.call("GET", f"/projects/{project}/environment?reveal=true").json()["items"]
    assert shown[0]["value"] == evil, "a value is exact"
    for command in (("env", "list", "--reveal", "-p", project), ("audit", "-p", project)):
        text = ok(client.cli(*command))
        assert only_colour(text), (command, text)
        code, screen = on_a_terminal(client, *command, NO_COLOR="")
        assert code == 0 and only_colour(screen), (command, screen)
    key = client.key.with_suffix(".pub").read_text().split()[:2]
    listed = client.call("GET", "/keys").json()["items"][0]
    assert client.call("DELETE", f"/keys/{listed['id']}").status == 204
    added = client.call("POST", "/keys", {"public_key": " ".join(key) + " " + evil})
    assert added.status == 201 and only_colour(added.json()["comment"]) and "\x9b" not in added.json()["comment"], added
