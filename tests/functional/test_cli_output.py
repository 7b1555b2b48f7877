"""What the command line client prints: plain in a pipe, coloured on a terminal, never hostile, and JSON where asked."""
import json
import subprocess

import pytest

from tests.support import apps
from tests.support.cli import as_json, live, ok, on_a_terminal, only_colour  # noqa: F401 - live is a fixture
from tests.support.service import wait_for


def test_output_is_plain_in_a_pipe_and_coloured_on_a_terminal(live):
    client, name, _ = live
    for project in (name, "no-such-thing"):
        for command in (("ps",), ("deployments",), ("env", "list"), ("logs",)):
            done = client.cli(*command, "-p", project)
            assert "\x1b" not in done.stdout + done.stderr, done
            _, screen = on_a_terminal(client, *command, "-p", project, NO_COLOR="1")
            assert screen and "\x1b" not in screen, (command, screen)
    code, screen = on_a_terminal(client, "deployments", "-p", name, NO_COLOR="")
    assert code == 0 and "\x1b[" in screen, screen
    code, screen = on_a_terminal(client, "ps", "-p", "no-such-thing", NO_COLOR="")
    assert code == 4 and "\x1b[31merror" in screen, screen


def test_nothing_of_a_hostile_application_drives_the_terminal(live):
    client, name, _ = live
    evil = client.repository(name, apps.web("evil"))
    attack = 'print "x\\e]0;owned\\a\\e[2J\\e[31mred\\e[?1049h\\xc2\\x9b2Jy\\n"; print "listening'
    evil.write({"server.pl": apps.web("evil")["server.pl"].replace('print "listening', attack),
                "Dockerfile": apps.DOCKERFILE + "RUN printf 'built\\033[2J\\033]0;owned\\007\\n'\n"})
    evil.git("commit", "-qam", "title \x1b[2J of \x1b]0;owned\x07 a commit")
    pushed = evil.push("+main")
    assert "built" in pushed.stderr and only_colour(pushed.stderr), pushed.stderr
    wait_for(lambda: "red2Jy" in ok(client.cli("logs", "-p", name)), "the hostile line without its escapes")
    for command in (("logs",), ("deployments",), ("deployments", "show", "2"), ("deployments", "logs", "2")):
        text = ok(client.cli(*command, "-p", name))
        assert "\x1b" not in text and only_colour(text), (command, text)
        code, screen = on_a_terminal(client, *command, "-p", name, NO_COLOR="")
        assert code == 0 and only_colour(screen), (command, screen)


ITEMS = {"items"}
PROJECT = {"id", "name", "state", "url", "git_url", "current", "latest", "created_at"}
DEPLOYMENT = {"number", "state", "cause", "commit", "created_at", "url"}


@pytest.mark.parametrize("command, keys, item", [
    (("whoami",), {"id", "username", "email", "administrator"}, None),
    (("keys", "list"), ITEMS, {"id", "type", "fingerprint", "comment", "created_at"}),
    (("projects", "list"), ITEMS, PROJECT),
    (("projects", "info"), PROJECT, None),
    (("env", "list"), ITEMS, {"name", "updated_at"}),
    (("env", "list", "--reveal"), ITEMS, {"name", "value", "updated_at"}),
    (("deployments",), ITEMS, DEPLOYMENT),
    (("deployments", "list"), ITEMS, DEPLOYMENT),
    (("deployments", "show", "1"), DEPLOYMENT, None),
    (("ps",), ITEMS, {"name", "process", "index", "deployment", "state", "restarts", "exit_code", "out_of_memory",
                      "started_at"}),
    (("stats",), ITEMS, {"name", "deployment", "cpu_percent", "memory_bytes", "memory_limit_bytes", "processes"}),
    (("logs",), ITEMS, {"at", "instance", "text"}),
    (("open",), {"url"}, None),
])
def test_json_of_what_only_reads(shared, command, keys, item):
    client, name = shared
    done = client.cli(*command, "--json", "-p", name)
    answer = as_json(done)
    assert keys <= answer.keys() and done.stderr == "", (answer, done.stderr)
    if item:
        assert answer["items"] and all(item <= entry.keys() for entry in answer["items"]), answer
    if command == ("env", "list"):
        assert all("value" not in entry or entry["value"] is None for entry in answer["items"]), "a value not asked for"


@pytest.fixture(scope="module")
def shared(service):
    """A live Application that is only looked at."""
    client = service.client("json-reader")
    name = client.project("json-shown")["name"]
    client.call("PATCH", f"/projects/{name}/environment", {"set": {"SHOWN": "later"}, "unset": []})
    client.repository(name, apps.web()).push()
    return client, name


def test_json_of_what_changes(live, unique):
    client, name, repository = live
    created = as_json(client.cli("projects", "create", unique("made"), "--json"))
    assert PROJECT - {"current", "latest"} <= created.keys()
    deleted = as_json(client.cli("projects", "delete", created["name"], "--yes", "--json"))
    assert {"containers", "networks", "images"} <= deleted["removed"].keys() and deleted["leftovers"] == [], deleted
    assert PROJECT <= as_json(client.cli("init", "--json", cwd=repository.path)).keys()
    key = client.folder / "third"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    added = as_json(client.cli("keys", "add", f"{key}.pub", "--json"))
    assert {"id", "fingerprint"} <= added.keys()
    assert as_json(client.cli("keys", "remove", added["id"], "--json")) == {}
    for change in (("env", "set", "A=1"), ("env", "unset", "A"), ("restart",)):
        answer = as_json(client.cli(*change, "--json", "-p", name))
        assert DEPLOYMENT <= answer["deployment"].keys() and answer["deployment"]["state"] == "live", answer
    assert PROJECT <= as_json(client.cli("stop", "--json", "-p", name)).keys()
    assert PROJECT <= as_json(client.cli("start", "--json", "-p", name)).keys()
    lines = ok(client.cli("deployments", "logs", "1", "--json", "-p", name)).splitlines()
    assert lines and all(json.loads(line) for line in lines)
    missing = client.cli("ps", "--json", "-p", "no-such-thing")
    error = json.loads(missing.stderr)["error"]
    assert missing.returncode == 4 and error["code"] == "not_found" and error["message"] and error["hint"], error
    wrong = client.cli("deployments", "show", "x", "--json", "-p", name)
    assert wrong.returncode == 2 and json.loads(wrong.stderr)["error"]["hint"], wrong
