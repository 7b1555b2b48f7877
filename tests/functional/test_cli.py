"""The command line client against the running Service: every command, what it does, and how it ends."""
import json
import re
import signal
import stat
import subprocess
import threading
import time

import pytest

from tests.support import apps
from tests.support.cli import as_json, connected, live, ok, on_a_terminal  # noqa: F401 - live is a fixture
from tests.support.service import ADMIN, BUILD, wait_for


def test_login_keeps_a_token_for_its_owner_only_and_logout_ends_it(service, client):
    password = (service.home / "admin-password").read_text()
    environment = client.environment()
    config = client.folder / "config"

    def run(*arguments, stdin=""):
        return subprocess.run([BUILD / "bin" / "paastech", *arguments], env=environment, input=stdin,
                              capture_output=True, text=True, cwd=client.folder)
    before = run("whoami")
    assert before.returncode == 3 and "paastech login" in before.stderr, before
    wrong = run("login", "--server", service.api, "--email", ADMIN, "--password-stdin", stdin="not the password")
    assert wrong.returncode == 3 and "wrong" in wrong.stderr, wrong
    ok(run("login", "--server", service.api, "--email", ADMIN, "--password-stdin", stdin=password))
    files = [path for path in config.rglob("*") if path.is_file()]
    assert files and all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert stat.S_IMODE(files[0].parent.stat().st_mode) == 0o700
    kept = "".join(path.read_text() for path in files)
    assert password.strip() not in kept
    assert ADMIN in ok(run("whoami"))
    token = next(iter(json.loads(kept)["servers"].values()))["token"]
    assert service.request("GET", "/api/v1/me", token=token).status == 200
    file = config / "credentials.json"
    file.chmod(0o644)
    readable = run("whoami")
    assert readable.returncode != 0 and "chmod" in readable.stderr, readable
    file.chmod(0o600)
    ok(run("logout"))
    assert run("whoami").returncode == 3 and not file.exists()
    assert service.request("GET", "/api/v1/me", token=token).status == 401, "logout left the token valid"


def test_a_token_that_was_revoked_elsewhere_is_exit_3_and_names_the_login(client):
    ok(client.cli("whoami"))
    assert client.call("DELETE", "/sessions/current").status in (200, 204)
    for command in (("whoami",), ("projects", "list"), ("ps", "-p", "any-project")):
        done = client.cli(*command)
        assert done.returncode == 3 and "paastech login" in done.stderr, done
    told = client.cli("whoami", "--json")
    assert told.stdout == "" and json.loads(told.stderr)["error"]["code"] == "unauthenticated", told


def test_the_password_is_asked_for_on_a_terminal_without_echo(service, client):
    code, screen = on_a_terminal(client, "login", "--email", client.email, answer=client.password)
    assert code == 0 and "Logged in" in screen and client.password not in screen, screen
    nobody = client.cli("login", "--email", client.email)
    assert nobody.returncode == 2 and "--password-stdin" in nobody.stderr, nobody


def test_an_administrator_creates_clients_and_others_do_not(service, client, unique):
    name = unique("made")
    create = ("admin", "clients", "create", "--json", "--email", f"{name}@example.org", "--username", name)
    out = as_json(service.admin().cli(*create))
    assert out["username"] == name and len(out["password"]) >= 10 and out["administrator"] is False
    session = {"email": f"{name}@example.org", "password": out["password"]}
    assert service.request("POST", "/api/v1/sessions", session).status == 201, "the printed password does not log in"
    chief = unique("chief")
    create = ("admin", "clients", "create", "--admin", "--email", f"{chief}@example.org", "--username", chief)
    shown = ok(service.admin().cli(*create))
    assert f"Created administrator {chief}" in shown and re.search(r"^Password: \S{10,}$", shown, re.M), shown
    refused = client.cli("admin", "clients", "create", "--email", "x@example.org", "--username", "xavier")
    assert refused.returncode == 1 and "administrator" in refused.stderr, refused.stderr
    again = service.admin().cli("admin", "clients", "create", "--email", f"{name}@example.org", "--username", unique("other"))
    assert again.returncode == 1 and again.stderr.startswith("error: "), again


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
    ok(client.cli("keys", "add", "-", stdin=new.with_suffix(".pub").read_text()))
    twice = client.cli("keys", "add", f"{new}.pub")
    assert twice.returncode == 1 and twice.stderr.strip(), twice
    missing = client.cli("keys", "add", "nothing.pub")
    assert missing.returncode == 4 and "nothing.pub" in missing.stderr and "hint:" in missing.stderr, missing


def test_projects(client, unique):
    name = unique("listed")
    ok(client.cli("projects", "create", name))
    assert name in ok(client.cli("projects", "list"))
    assert as_json(client.cli("projects", "info", "-p", name, "--json"))["name"] == name
    assert client.cli("projects", "info", "-p", "no-such-thing").returncode == 4
    taken = client.cli("projects", "create", name)
    assert taken.returncode == 1 and taken.stderr.strip()
    unconfirmed = client.cli("projects", "delete", name)
    assert unconfirmed.returncode == 2 and f"projects delete {name} --yes" in unconfirmed.stderr, unconfirmed
    code, screen = on_a_terminal(client, "projects", "delete", name, answer="something else")
    assert code == 1 and "nothing was done" in screen, screen
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
    assert name in ok(client.cli("init", cwd=repository.path)), "a second init is not at home in its own project"
    other = client.cli("init", unique("renamed"), cwd=repository.path)
    assert other.returncode == 1 and "git remote remove paastech" in other.stderr, other
    outside = client.cli("init", unique("outside"))
    assert outside.returncode == 1 and "git init" in outside.stderr, outside.stderr
    assert client.cli("deploy").returncode == 1


def test_a_named_project_goes_before_that_of_the_folder(client, unique):
    here, there = client.project(unique("here"))["name"], client.project(unique("there"))["name"]
    repository = client.repository(here)
    (repository.path / "deep").mkdir()

    def shown(*arguments, **where):
        return as_json(client.cli("projects", "info", "--json", *arguments, **where))["name"]
    assert shown(cwd=repository.path) == shown(cwd=repository.path / "deep") == here
    assert shown("-p", there, cwd=repository.path) == shown("-p", there) == there
    ok(client.cli("env", "set", "ONLY=there", "-p", there, cwd=repository.path))
    assert as_json(client.cli("env", "list", "--json", cwd=repository.path))["items"] == []
    repository.git("remote", "set-url", "paastech", "https://example.org/not/a/project.html")
    odd = client.cli("ps", cwd=repository.path)
    assert odd.returncode == 2 and "-p NAME" in odd.stderr, odd


def test_deploy_of_nothing_and_of_uncommitted_changes(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name)
    empty = client.cli("deploy", cwd=repository.path)
    assert empty.returncode == 1 and "git commit" in empty.stderr, empty
    repository.commit(apps.web("committed"))
    repository.git("checkout", "-q", "-b", "feature")
    repository.write(apps.web("not committed"))
    done = client.cli("deploy", "--json", cwd=repository.path)
    assert as_json(done)["state"] == "live" and "not committed" in done.stderr, done
    assert service.visit(name).text == "committed GET /", "HEAD of any branch is what deploy pushes"


def test_a_push_that_fails_shows_the_last_lines_and_does_not_deny_them(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name)
    program = 'FROM debian:bookworm\nCMD ["perl", "-e", "print STDERR qq(cannot open config); exit 2"]\n'
    repository.commit({"Dockerfile": program})
    done = client.cli("deploy", cwd=repository.path)
    assert done.returncode == 1 and "| cannot open config" in done.stderr, done.stderr
    assert "ended with exit code 2" in done.stderr and "printed nothing" not in done.stderr, done.stderr
    assert "paastech deployments" in done.stderr, done.stderr
    repository.commit({"Dockerfile": 'FROM debian:bookworm\nCMD ["perl", "-e", "exit 3"]\n'})
    silent = client.cli("deploy", cwd=repository.path)
    assert "ended with exit code 3 before it was ready; it printed nothing" in silent.stderr, silent.stderr


def test_without_a_project_the_error_says_how_to_name_one(client):
    done = client.cli("ps")
    assert done.returncode == 2 and "-p NAME" in done.stderr, done


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
    items = as_json(client.cli("env", "list", "--reveal", "--json", "-p", name))["items"]
    shown = {item["name"]: item["value"] for item in items}
    assert shown == {"B": "two words", "C": "quoted # not a comment", "D": "line\nbreak"}
    (client.folder / "bad.env").write_text("OK=1\nnot an assignment\n")
    bad = client.cli("env", "import", "bad.env", "-p", name)
    assert bad.returncode != 0 and "line 2" in bad.stderr, bad.stderr
    missing = client.cli("env", "import", "missing.env", "-p", name)
    assert missing.returncode == 4 and "missing.env" in missing.stderr and "hint:" in missing.stderr, missing
    assert client.cli("env", "set", "NOEQUALS", "-p", name).returncode == 2
    kept = {i["name"] for i in as_json(client.cli("env", "list", "--json", "-p", name))["items"]}
    assert kept == {"B", "C", "D"}, "a bad file or word changed something"
    assert "Nothing changed" in ok(client.cli("env", "set", "B=two words", "-p", name))
    seen = as_json(client.cli("env", "set", "E=5", "--json", "-p", name))
    assert seen["changed"] == ["E"] and seen["deployment"]["state"] == "live", seen


def test_deployments(live):
    client, name, repository = live
    repository.commit(apps.web(dockerfile="FROM debian:bookworm\nRUN exit 9\n"))
    repository.push(check=False)
    listed = ok(client.cli("deployments", "-p", name))
    assert re.search(r"2.*failed", listed) and re.search(r"1.*live", listed), listed
    assert [d["number"] for d in as_json(client.cli("deployments", "list", "--json", "-p", name))["items"]] == [2, 1]
    assert "failed (build_failed)" in ok(client.cli("deployments", "show", "2", "-p", name))
    assert as_json(client.cli("deployments", "show", "2", "--json", "-p", name))["reason"] == "build_failed"
    assert "code: 9" in ok(client.cli("deployments", "logs", "2", "-p", name))
    late = client.cli("deployments", "cancel", "2", "-p", name)
    assert late.returncode == 1 and "ended" in late.stderr, late.stderr
    assert client.cli("deployments", "show", "99", "-p", name).returncode == 4
    assert client.cli("deployments", "show", "x", "-p", name).returncode == 2


def test_cancelling_a_deployment_that_builds(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, {"Dockerfile": "FROM debian:bookworm\nRUN sleep 100\n"})
    pushed = []
    pushing = threading.Thread(target=lambda: pushed.append(repository.push(check=False)))
    pushing.start()

    def building():
        shown = client.cli("deployments", "show", "1", "--json", "-p", name)
        return shown.returncode == 0 and json.loads(shown.stdout)["state"] == "building"
    wait_for(building, "the build to begin")
    assert "cancelled" in ok(client.cli("deployments", "cancel", "1", "-p", name))
    pushing.join(60)
    assert pushed and pushed[0].returncode != 0 and "cancelled" in pushed[0].stderr, pushed
    assert "cancelled" in ok(client.cli("deployments", "list", "-p", name))
    assert "cancelled" in ok(client.cli("deployments", "logs", "1", "-p", name))


def test_ps_stats_open_stop_start_restart(service, live):
    client, name, _ = live
    assert re.search(r"web\.1.*running", ok(client.cli("ps", "-p", name)))
    assert as_json(client.cli("ps", "--json", "-p", name))["items"][0]["state"] == "running"
    assert "web.1" in ok(client.cli("stats", "-p", name))
    assert f"{name}.user-app" in ok(client.cli("open", "-p", name))
    ok(client.cli("restart", "-p", name))
    assert "PAASTECH_DEPLOYMENT=2" in service.visit(name, "/environment").text
    stopped = client.cli("stop", "-p", name)
    assert "stopped" in ok(stopped) and stopped.stderr == "", "progress does not belong into a pipe"
    assert service.visit(name).status == 503
    assert "Nothing runs" in client.cli("ps", "-p", name).stderr
    assert as_json(client.cli("stats", "--json", "-p", name))["items"] == []
    again = client.cli("restart", "-p", name)
    assert again.returncode == 1 and "paastech start" in again.stderr, again.stderr
    ok(client.cli("start", "-p", name))
    assert service.visit(name).status == 200, "`start` returned before the Application was live"


def test_a_start_that_fails_says_why_and_stays_stopped(service, client, unique):
    name = client.project(unique("fragile"))["name"]
    files = apps.web("fragile")
    files["server.pl"] = "die qq(broken by its configuration\\n) if $ENV{BREAK};\n" + files["server.pl"]
    client.repository(name, files).push()
    ok(client.cli("stop", "-p", name))
    changed = client.cli("env", "set", "BREAK=1", "-p", name)
    assert "Changed BREAK" in ok(changed) and "Nothing runs" in changed.stderr, changed
    failed = client.cli("start", "-p", name)
    assert failed.returncode == 1 and "| broken by its configuration" in failed.stdout, failed
    assert "deployment 2 failed" in failed.stderr and "deployments logs 2" in failed.stderr, failed.stderr
    assert "serves" not in failed.stderr, "nothing serves"
    again = client.cli("start", "--json", "-p", name)
    told = json.loads(again.stdout)
    assert (again.returncode, told["state"], told["latest"]["state"]) == (1, "stopped", "failed"), again
    assert service.visit(name).status == 503
    ok(client.cli("env", "unset", "BREAK", "-p", name))
    begun = ok(client.cli("start", "--no-wait", "-p", name))
    assert "Deployment 4 begins" in begun, begun
    assert "is live" in ok(client.cli("deployments", "logs", "4", "-p", name)), "its log is followed to the end"
    assert as_json(client.cli("start", "--json", "-p", name))["state"] == "live", "it runs: nothing to do"
    assert service.visit(name).text == "fragile GET /"


def test_values_that_are_no_text_are_named_and_not_sent(client, unique):
    name = client.project(unique())["name"]
    (client.folder / "latin1.env").write_bytes(b"FINE=1\nCITY=M\xfcnchen\n")
    done = client.cli("env", "import", "latin1.env", "-p", name)
    assert done.returncode == 2 and "value of CITY" in done.stderr and "UTF-8" in done.stderr, done
    assert as_json(client.cli("env", "list", "--json", "-p", name))["items"] == []


def test_ps_tells_that_an_instance_ran_out_of_memory(client, unique):
    name = client.project(unique("hungry"))["name"]
    files = apps.web("hungry")
    eat = "if ($path eq '/eat') { kill 'USR1', getppid } "
    greed = "$SIG{USR1} = sub { my @all; push @all, 'x' x (1 << 24) while 1 };\n"
    files["server.pl"] = greed + files["server.pl"].replace("sleep $1 if", eat + "\n        sleep $1 if")
    client.repository(name, files).push()
    assert "memory" not in ok(client.cli("ps", "-p", name))
    client.service.visit(name, "/eat")
    shown = wait_for(lambda: re.search(r"out of memory", ok(client.cli("ps", "-p", name))), "ps to say why", seconds=15)
    assert shown and as_json(client.cli("ps", "--json", "-p", name))["items"][0]["out_of_memory"] is True


def test_logs_do_not_fail_while_an_old_instance_is_removed(live):
    client, name, _ = live
    answers = set()
    running = True

    def ask():
        while running:
            answers.add(client.call("GET", f"/projects/{name}/logs?lines=5").status)
            time.sleep(0.03)  # below what an account may ask in a minute
    readers = [threading.Thread(target=ask) for _ in range(4)]
    for reader in readers:
        reader.start()
    for _ in range(4):
        ok(client.cli("restart", "-p", name))
        wait_for(lambda: len(as_json(client.cli("ps", "--json", "-p", name))["items"]) == 1, "the old Instance to go")
    running = False
    for reader in readers:
        reader.join(30)
    assert answers == {200}, answers


def test_logs_show_the_last_lines_and_follow(service, live):
    client, name, _ = live
    for number in range(5):
        service.visit(name, f"/log/{number}")
    wait_for(lambda: "/log/4" in ok(client.cli("logs", "-p", name)), "the last line")
    assert "/log/1" not in ok(client.cli("logs", "-n", "2", "-p", name))
    process = subprocess.Popen([BUILD / "bin" / "paastech", "logs", "-f", "-n", "1", "-p", name], env=connected(client),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seen = []
    reader = threading.Thread(target=lambda: seen.extend(iter(process.stdout.readline, "")), daemon=True)
    reader.start()

    def arrived():
        service.visit(name, "/log/while-following")
        return any("while-following" in line for line in seen)
    wait_for(arrived, "a line logged while following", every=0.3)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 130 and process.stderr.read() == ""
    entry = json.loads(ok(client.cli("logs", "-n", "1", "--json", "-p", name)))["items"][0]
    assert {"at", "instance", "text"} <= entry.keys(), entry


@pytest.mark.parametrize("arguments, near", [
    (("no-such-command",), "--help"), (("deploymnts",), "paastech deployments"),
    (("projects", "creat"), "projects create"),
    (("logs", "-n", "many"), "logs --help"), (("env",), "env --help"), (("--no-such-option",), "--help"),
    (("admin", "clients", "create"), "admin clients create --help"), (("keys", "remove"), "keys remove --help")])
def test_usage_errors_exit_2_and_name_what_to_do(client, arguments, near):
    done = client.cli(*arguments)
    assert done.returncode == 2 and done.stdout == "" and near in done.stderr, done


def test_an_unreachable_server_is_named(client):
    environment = connected(client, PAASTECH_SERVER="http://127.0.0.1:1")
    argv = [BUILD / "bin" / "paastech", "projects", "list"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and "127.0.0.1:1" in done.stderr and "hint:" in done.stderr, done
