"""The command line client against the running Service: every command, what it prints, and how it ends."""
import json
import os
import pty
import re
import stat
import subprocess
import threading
import time

import pytest

from tests.support import apps
from tests.support.service import ADMIN, BUILD, wait_for


def ok(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def as_json(done):
    return json.loads(ok(done))


@pytest.fixture
def live(client, unique):
    """A Client with a live Application, and its working copy."""
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("one"))
    repository.push()
    return client, name, repository


def test_login_keeps_a_token_for_its_owner_only_and_logout_ends_it(service, client):
    password = (service.home / "admin-password").read_text()
    environment = client.environment()
    config = client.folder / "config"

    def run(*arguments, stdin=""):
        return subprocess.run([BUILD / "bin" / "paastech", *arguments], env=environment, input=stdin, capture_output=True, text=True, cwd=client.folder)
    before = run("whoami")
    assert before.returncode == 3 and "paastech login" in before.stderr, before
    wrong = run("login", "--server", service.api, "--email", ADMIN, "--password-stdin", stdin="not the password")
    assert wrong.returncode == 3 and "wrong" in wrong.stderr, wrong
    ok(run("login", "--server", service.api, "--email", ADMIN, "--password-stdin", stdin=password))
    files = [path for path in config.rglob("*") if path.is_file()]
    assert files and all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert password.strip() not in "".join(path.read_text() for path in files)
    assert ADMIN in ok(run("whoami"))
    ok(run("logout"))
    assert run("whoami").returncode == 3


def test_an_administrator_creates_clients_and_others_do_not(service, client, unique):
    name = unique("made")
    out = as_json(service.admin().cli("clients", "create", "--email", f"{name}@example.org", "--username", name, "--json"))
    assert out["username"] == name and len(out["password"]) >= 10 and out["administrator"] is False
    refused = client.cli("clients", "create", "--email", "x@example.org", "--username", "xavier")
    assert refused.returncode == 1 and "administrator" in refused.stderr, refused.stderr


def test_keys(client):
    new = client.folder / "second"
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-C", "second key", "-f", new], check=True)
    private = client.cli("keys", "add", str(new))
    assert private.returncode != 0 and ".pub" in private.stderr, private.stderr
    ok(client.cli("keys", "add", f"{new}.pub"))
    assert "second key" in ok(client.cli("keys", "list"))
    items = as_json(client.cli("keys", "list", "--json"))["items"]
    added = next(key for key in items if key["comment"] == "second key")
    ok(client.cli("keys", "remove", added["id"]))
    assert "second key" not in ok(client.cli("keys", "list"))
    assert client.cli("keys", "remove", added["id"]).returncode == 4


def test_projects(client, unique):
    name = unique("listed")
    ok(client.cli("projects", "create", name))
    assert name in ok(client.cli("projects", "list"))
    assert as_json(client.cli("projects", "info", "-p", name, "--json"))["name"] == name
    assert client.cli("projects", "info", "-p", "no-such-thing").returncode == 4
    taken = client.cli("projects", "create", name)
    assert taken.returncode == 1 and taken.stderr.strip()
    assert client.cli("projects", "delete", name).returncode == 2
    assert client.cli("projects", "info", "-p", name).returncode == 0
    ok(client.cli("projects", "delete", name, "--yes"))
    assert client.cli("projects", "info", "-p", name).returncode == 4


def test_init_makes_project_and_remote_and_deploy_pushes(service, client, unique):
    repository = client.repository("unused", apps.web("by init"))
    repository.git("remote", "remove", "paastech")
    name = unique("initial")
    ok(client.cli("init", name, cwd=repository.path))
    assert repository.git("remote", "get-url", "paastech").stdout.strip().endswith("/" + name)
    ok(client.cli("deploy", cwd=repository.path))
    assert service.visit(name).text == "by init GET /"
    # The project of the current folder is found by its remote.
    assert as_json(client.cli("projects", "info", "--json", cwd=repository.path))["name"] == name
    outside = client.cli("init", unique("outside"))
    assert outside.returncode != 0 and "git init" in outside.stderr, outside.stderr


def test_without_a_project_the_error_says_how_to_name_one(client):
    done = client.cli("ps")
    assert done.returncode in (2, 4) and "-p" in done.stderr, done


def test_environment(service, live):
    client, name, _ = live
    out = ok(client.cli("env", "set", "A=1", "B=two words", "-p", name))
    assert "A" in out and "two words" not in out
    assert "A=1" in service.visit(name, "/environment").text, "`env set` returned before the change was live"
    hidden = ok(client.cli("env", "list", "-p", name))
    assert "B" in hidden and "two words" not in hidden
    assert "two words" in ok(client.cli("env", "list", "--reveal", "-p", name))
    (client.folder / "vars.env").write_text("# a comment\nexport C='quoted # not a comment'\nD=\"line\\nbreak\"\n")
    ok(client.cli("env", "import", "vars.env", "-p", name))
    ok(client.cli("env", "unset", "A", "-p", name))
    shown = {i["name"]: i["value"] for i in as_json(client.cli("env", "list", "--reveal", "--json", "-p", name))["items"]}
    assert shown == {"B": "two words", "C": "quoted # not a comment", "D": "line\nbreak"}
    (client.folder / "bad.env").write_text("OK=1\nnot an assignment\n")
    bad = client.cli("env", "import", "bad.env", "-p", name)
    assert bad.returncode != 0 and "2" in bad.stderr, bad.stderr
    assert client.cli("env", "set", "NOEQUALS", "-p", name).returncode == 2


def test_deployments(live):
    client, name, repository = live
    repository.commit(apps.web(dockerfile="FROM debian:bookworm\nRUN exit 9\n"))
    repository.push(check=False)
    listed = ok(client.cli("deployments", "-p", name))
    assert re.search(r"2.*failed", listed) and re.search(r"1.*live", listed), listed
    assert [d["number"] for d in as_json(client.cli("deployments", "list", "--json", "-p", name))["items"]] == [2, 1]
    assert "build_failed" in ok(client.cli("deployments", "show", "2", "-p", name)) + json.dumps(as_json(client.cli("deployments", "show", "2", "--json", "-p", name)))
    assert "code: 9" in ok(client.cli("deployments", "logs", "2", "-p", name))
    late = client.cli("deployments", "cancel", "2", "-p", name)
    assert late.returncode == 1 and "ended" in late.stderr, late.stderr
    assert client.cli("deployments", "show", "99", "-p", name).returncode == 4
    assert client.cli("deployments", "show", "x", "-p", name).returncode == 2


def test_ps_stats_open_stop_start_restart(service, live):
    client, name, _ = live
    assert re.search(r"web\.1.*running", ok(client.cli("ps", "-p", name)))
    assert as_json(client.cli("ps", "--json", "-p", name))["items"][0]["state"] == "running"
    assert "web.1" in ok(client.cli("stats", "-p", name))
    assert f"{name}.user-app" in ok(client.cli("open", "-p", name))
    ok(client.cli("restart", "-p", name))
    assert "PAASTECH_DEPLOYMENT=2" in service.visit(name, "/environment").text
    ok(client.cli("stop", "-p", name))
    assert service.visit(name).status == 503
    again = client.cli("restart", "-p", name)
    assert again.returncode == 1 and "paastech start" in again.stderr, again.stderr
    ok(client.cli("start", "-p", name))
    assert service.visit(name).status == 200, "`start` returned before the Application was live"


def test_logs_show_the_last_lines_and_follow(service, live):
    client, name, _ = live
    for number in range(5):
        service.visit(name, f"/log/{number}")
    wait_for(lambda: "/log/4" in ok(client.cli("logs", "-p", name)), "the last line")
    assert "/log/1" not in ok(client.cli("logs", "-n", "2", "-p", name))
    environment = client.environment() | {"PAASTECH_TOKEN": client.token, "PAASTECH_SERVER": service.api}
    process = subprocess.Popen([BUILD / "bin" / "paastech", "logs", "-f", "-n", "1", "-p", name], env=environment, stdout=subprocess.PIPE, text=True)
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(iter(process.stdout.readline, "")), daemon=True)
    reader.start()

    def arrived():
        service.visit(name, "/log/while-following")
        return any("while-following" in line for line in seen)
    wait_for(arrived, "a line logged while following", every=0.3)
    process.terminate()
    process.wait(10)


def test_output_is_plain_in_a_pipe_coloured_on_a_terminal_and_never_hostile(service, live):
    client, name, _ = live
    for command in (("ps",), ("deployments",), ("projects", "list")):
        assert "\x1b" not in ok(client.cli(*command, "-p", name) if command != ("projects", "list") else client.cli(*command))
    environment = client.environment() | {"PAASTECH_TOKEN": client.token, "PAASTECH_SERVER": service.api, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    main, terminal = pty.openpty()
    process = subprocess.Popen([BUILD / "bin" / "paastech", "deployments", "-p", name], env=environment, stdout=terminal, stderr=terminal, stdin=terminal)
    process.wait(20)
    os.close(terminal)
    shown = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(main)
    assert b"\x1b[" in shown, shown
    evil = client.repository(name, apps.web("evil"))
    evil.write({"server.pl": apps.web("evil")["server.pl"].replace('print "listening', 'print "x\\e]0;owned\\a\\e[2Jy\\n"; print "listening')})
    evil.git("commit", "-qam", "title \x1b[2J of a commit")
    evil.push("+main")
    wait_for(lambda: "xy" in ok(client.cli("logs", "-p", name)), "the hostile line without its escapes")
    for command in (("logs",), ("deployments",), ("deployments", "logs", "2")):
        text = ok(client.cli(*command, "-p", name))
        assert "\x1b[2J" not in text and "\x1b]" not in text and "\x07" not in text, (command, text)


@pytest.mark.parametrize("arguments", [("no-such-command",), ("projects", "creat"), ("logs", "-n", "many"), ("env",), ("--no-such-option",)])
def test_usage_errors_exit_2_and_say_something(client, arguments):
    done = client.cli(*arguments)
    assert done.returncode == 2 and (done.stderr + done.stdout).strip(), done


def test_an_unreachable_server_is_named(client):
    environment = client.environment() | {"PAASTECH_TOKEN": client.token, "PAASTECH_SERVER": "http://127.0.0.1:1"}
    done = subprocess.run([BUILD / "bin" / "paastech", "projects", "list"], env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr, done


def test_a_command_costs_little_beside_the_server(service, client):
    def time_of(action):
        began = time.monotonic()
        action()
        return (time.monotonic() - began) * 1000
    command = sorted(time_of(lambda: ok(client.cli("whoami"))) for _ in range(9))[4]
    request = sorted(time_of(lambda: client.call("GET", "/me")) for _ in range(9))[4]
    print(f"whoami {command:.0f} ms, its request alone {request:.0f} ms")
