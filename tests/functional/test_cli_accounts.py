"""The command line client against the running Service: accounts, logins, tokens, members, and what administrators do.

All requests come from one address, of which the Service takes ten wrong passwords or codes within a minute: what is wrong on
purpose here, `wrong` beside it, is less.
"""
import os
import re
import subprocess

import pytest

from tests.support import apps
from tests.support.cli import as_json, connected, ok
from tests.support.mailbox import Mailbox, link_in, secret_in
from tests.support.service import BUILD, Service, wait_for
from tests.support.totp import totp

PASSWORD = "staple-of-my-own"


@pytest.fixture(scope="module")
def mails(tmp_path_factory):
    with Mailbox(tmp_path_factory.mktemp("mail")) as running:
        yield running


@pytest.fixture(scope="module")
def service(mails):
    running = Service(mails.toml()).start()
    yield running
    running.close()


def with_token(client, token, *arguments, stdin="", cwd=None):
    """The client with another token in PAASTECH_TOKEN; None: with what `paastech login` kept, if anything."""
    variables = connected(client) | ({"PAASTECH_TOKEN": token} if token else {})
    if not token:
        del variables["PAASTECH_TOKEN"]
    return subprocess.run([BUILD / "bin" / "paastech", *arguments], env=variables, input=stdin, cwd=cwd or client.folder,
                          capture_output=True, text=True, timeout=120)


def log_in(client, password=None, *more, email=None):
    """As on a second machine, whose login `with_token(client, None, …)` uses."""
    return with_token(client, None, "login", "--email", email or client.email, "--password-stdin", *more,
                      stdin=password or client.password)


def refused(done, code, *words):
    """What a command that ends badly looks like: that exit code, nothing on the output, the reason on the other."""
    assert done.returncode == code, (done.args, done.returncode, done.stdout, done.stderr)
    assert done.stdout == "" and all(word in done.stderr for word in words), (done.args, done.stdout, done.stderr)
    return done.stderr


def table(done):
    """The rows of a table as lists of cells, without the header."""
    return [re.split(r" {2,}", line) for line in ok(done).splitlines()[1:]]


@pytest.mark.parametrize("command", [
    "sessions", "sessions list", "sessions end x", "sessions end-others", "tokens list", "tokens revoke x",
    "tokens create ci --scope read", "2fa", "2fa status", "2fa enable --password-stdin", "2fa disable --password-stdin",
    "account password --password-stdin", "account email a@example.org --password-stdin",
    "account delete --yes --password-stdin", "members list -p shop", "members invite x --role viewer -p shop",
    "members set x --role viewer -p shop", "members remove x -p shop", "members leave -p shop",
    "members transfer x --yes -p shop", "members invitations -p shop", "members withdraw x -p shop", "join x",
    "audit -p shop", "audit --mine", "audit --all", "usage", "admin overview", "admin clients list", "admin clients show x",
    "admin clients suspend x --reason y", "admin clients resume x", "admin clients delete x --yes",
    "admin clients reset-link x", "admin clients invite x@example.org", "admin quota", "admin quota set x",
    "admin quota assign x y", "admin quota delete x", "admin announcements"])
def test_who_is_not_logged_in_is_told_so(service, command):
    done = with_token(service.admin(), None, *command.split(), stdin="a\nb\n")
    refused(done, 3, "paastech login")


@pytest.mark.parametrize("command", [
    "sessions end", "tokens create ci", "tokens create ci --scope all", "tokens create ci --scope read --expires 0",
    "tokens revoke", "2fa enable", "2fa disable", "account password", "account email", "account email a@example.org",
    "account delete", "members invite x -p shop", "members invite x --role owner -p shop", "members set x -p shop",
    "members remove -p shop", "members list", "members transfer -p shop", "join", "audit", "audit --all --mine",
    "audit -n 0 --mine", "signup", "signup --email a@example.org --username ada", "admin", "admin clients",
    "admin clients show", "admin clients suspend x", "admin quota set x --projects many", "admin quota assign x",
    "admin announcements add x --level loud"])
def test_wrong_usage_is_exit_2(service, command):
    refused(service.admin().cli(*command.split()), 2, "error: ")


@pytest.mark.parametrize("command", [
    "overview", "clients list", "clients show admin", "clients suspend admin --reason x", "clients resume admin",
    "clients delete admin --yes", "clients reset-link admin", "clients invite x@example.org", "quota", "quota set x",
    "quota assign admin default", "quota delete default", "announcements", "announcements add x"])
def test_commands_of_administrators_are_refused_to_others(someone, command):
    refused(someone.cli("admin", *command.split()), 1, "administrator")


@pytest.fixture(scope="module")
def someone(service):
    return service.client("someone")


def test_a_login_that_was_ended_is_refused_and_the_others_go_on(client):
    ok(log_in(client))
    assert client.username in ok(with_token(client, None, "whoami"))
    logins = as_json(client.cli("sessions", "list", "--json"))["items"]
    assert sorted(login["current"] for login in logins) == [False, True], logins
    other = next(login for login in logins if not login["current"])
    row = next(row for row in table(client.cli("sessions")) if row[0] == other["id"])
    assert row[1].startswith("paastech CLI on") and row[3] == "127.0.0.1" and "this one" not in row, row
    assert f"Ended {other['id']}" in ok(client.cli("sessions", "end", other["id"]))
    refused(with_token(client, None, "whoami"), 3, "paastech login")
    refused(client.cli("sessions", "end", other["id"]), 4)
    refused(client.cli("sessions", "end", "no-such-login"), 4)
    refused(client.cli("sessions", "end", ".."), 2, "paastech sessions list")
    ok(log_in(client))
    assert "Ended 1 other" in ok(client.cli("sessions", "end-others"))
    refused(with_token(client, None, "whoami"), 3)
    [own] = as_json(client.cli("sessions", "list", "--json"))["items"]
    ok(client.cli("sessions", "end", own["id"]))
    refused(client.cli("sessions", "list"), 3, "paastech login")


def test_nobody_ends_anothers_login_or_token(service, client, someone):
    [own] = as_json(someone.cli("sessions", "list", "--json"))["items"]
    refused(client.cli("sessions", "end", own["id"]), 4)
    token = as_json(someone.cli("tokens", "create", "ci", "--scope", "read", "--json"))
    refused(client.cli("tokens", "revoke", token["id"]), 4)
    ok(someone.cli("whoami"))
    ok(with_token(someone, token["token"], "whoami"))


def test_a_token_reaches_what_it_was_made_for_until_it_is_revoked(client, unique):
    mine, other = client.project(unique())["name"], client.project(unique())["name"]
    assert "paastech tokens create" in client.cli("tokens", "list").stderr, "nothing yet, and what to do"
    refused(client.cli("tokens", "create", "ci", "--scope", "read", "--only", "no-such-project"), 4)
    made = client.cli("tokens", "create", "ci", "--scope", "read", "--only", mine, "--expires", "7")
    token = ok(made).strip()
    assert re.fullmatch(r"ptat_[\w-]+", token) and "only this once" in made.stderr, made
    [[identity, *row]] = table(client.cli("tokens", "list"))
    assert row[:3] == ["ci", "read", mine] and re.fullmatch(r"\d{4}-\d\d-\d\d", row[3]), row
    assert token not in ok(client.cli("tokens", "list", "--json"))

    listed = as_json(with_token(client, token, "projects", "list", "--json"))["items"]
    assert [project["name"] for project in listed] == [mine]
    refused(with_token(client, token, "projects", "info", "-p", other), 4)
    refused(with_token(client, token, "env", "set", "A=1", "-p", mine), 1)
    refused(with_token(client, token, "tokens", "list"), 1)
    ok(client.cli("env", "set", "A=1", "-p", mine))
    assert f"Revoked token {identity}" in ok(client.cli("tokens", "revoke", identity))
    refused(with_token(client, token, "projects", "list"), 3)
    refused(client.cli("tokens", "revoke", identity), 4)
    assert as_json(client.cli("tokens", "list", "--json"))["items"] == []


def enable_second_factor(client, password, code_of):
    """Both lines come from the standard input, the second once the secret is shown. Returns (exit code, out, err, secret)."""
    process = subprocess.Popen([BUILD / "bin" / "paastech", "2fa", "enable", "--password-stdin"], env=connected(client),
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(password.encode() + b"\n")
    process.stdin.flush()
    shown, secret = b"", None
    while not secret and (piece := os.read(process.stderr.fileno(), 4096)):  # unbuffered: communicate() reads the rest
        shown += piece
        secret = re.search(rb"enter the secret ([A-Z2-7]+)\notpauth://\S+\n", shown)
    secret = secret and secret[1].decode()
    out, err = process.communicate(code_of(secret).encode() + b"\n" if secret else None, timeout=60)
    return process.returncode, out.decode(), (shown + err).decode(), secret


def test_the_second_factor_is_asked_for_from_enable_to_disable(client):
    assert ok(client.cli("2fa", "status")).startswith("Off")
    code, out, err, secret = enable_second_factor(client, client.password, lambda secret: "000000")  # wrong
    assert code == 1 and out == "" and err.count("error: ") == 1, (code, out, err)
    assert ok(client.cli("2fa")).startswith("Off"), "not before a code has confirmed it"
    ok(log_in(client))

    code, out, err, secret = enable_second_factor(client, client.password, totp)
    assert code == 0 and "The second factor is on" in out and f"secret={secret}" in err, (code, out, err)
    recovery = re.findall(r"^  (\S+)$", out, re.M)
    assert len(recovery) == 10, out
    assert as_json(client.cli("2fa", "status", "--json")) == {"enabled": True, "recovery_codes_left": 10}
    refused(log_in(client), 2, "--code")
    ok(log_in(client, None, "--code", totp(secret, 1)))
    ok(log_in(client, None, "--code", recovery[0]))
    refused(log_in(client, None, "--code", recovery[0]), 3)  # wrong: each works once
    assert "9 recovery codes" in ok(client.cli("2fa"))

    refused(client.cli("2fa", "disable", "--password-stdin", stdin=f"not-my-password\n{recovery[1]}\n"), 1)  # wrong
    refused(client.cli("2fa", "disable", "--password-stdin", stdin=f"{client.password}\n000000\n"), 1)  # wrong
    assert ok(client.cli("2fa")).startswith("On")
    assert "is off" in ok(client.cli("2fa", "disable", "--password-stdin", stdin=f"{client.password}\n{recovery[1]}\n"))
    assert ok(client.cli("2fa")).startswith("Off")
    ok(log_in(client))


def test_a_new_password_ends_the_other_logins_and_the_old_one(client):
    ok(log_in(client))

    def change(current, new):
        return client.cli("account", "password", "--password-stdin", stdin=f"{current}\n{new}\n")
    refused(change("not-my-password", PASSWORD), 1, "password")  # wrong
    refused(change(client.password, "short"), 1, "10")
    refused(change(client.password, "password123"), 1)
    refused(client.cli("account", "password", "--password-stdin", stdin=client.password + "\n"), 2, "standard input")
    ok(with_token(client, None, "whoami"))
    assert "1 other login" in ok(change(client.password, PASSWORD))
    ok(client.cli("whoami"))
    refused(with_token(client, None, "whoami"), 3)
    refused(log_in(client), 3, "wrong")  # wrong
    ok(log_in(client, PASSWORD))


def test_an_address_changes_once_the_new_one_is_confirmed(service, client, mails):
    new = f"new-{client.email}"

    def change(address, password):
        return client.cli("account", "email", address, "--password-stdin", stdin=password + "\n")
    refused(change("no-address", client.password), 1)
    assert new in ok(change(new, client.password))
    secret = secret_in(mails.wait(new, "Confirm your new address"))
    assert f"<{client.email}>" in ok(client.cli("whoami")), "not before the link is used"
    confirmed = service.request("POST", "/api/v1/confirmations", {"secret": secret})
    assert confirmed.status == 200, confirmed
    assert f"<{new}>" in ok(client.cli("whoami"))
    refused(log_in(client), 3)  # wrong
    ok(log_in(client, email=new))


def test_an_invited_stranger_signs_up_and_leaves_again(service, client, unique, mails):
    name = unique("invited")
    email = f"{name}@example.org"

    def sign_up(*more, username=name, password=PASSWORD):
        return with_token(client, None, "signup", "--email", email, "--username", username, "--password-stdin", *more,
                          stdin=password + "\n")
    refused(sign_up(), 1, "invit")
    invited = service.admin().cli("admin", "clients", "invite", email)
    link = ok(invited).splitlines()[-1]
    assert link_in(mails.wait(email, "invitation")) == link and "mailed" in invited.stderr, invited
    refused(sign_up("--invitation", link, password="short"), 1, "10")
    refused(sign_up("--invitation", link, username="admin"), 1)
    made = sign_up("--invitation", link)
    assert f"The account {name} is made" in ok(made) and service.api in made.stderr, made
    refused(sign_up("--invitation", link, username=unique("again")), 4)
    ok(log_in(client, PASSWORD, email=email))

    project = unique()
    ok(with_token(client, None, "projects", "create", project))
    unsure = with_token(client, None, "account", "delete", "--password-stdin", stdin=PASSWORD)
    refused(unsure, 2, "paastech account delete --yes")
    refused(with_token(client, None, "account", "delete", "--yes", "--password-stdin", stdin="not-my-password"), 1)  # wrong
    ok(with_token(client, None, "whoami"))
    gone = with_token(client, None, "account", "delete", "--yes", "--password-stdin", stdin=PASSWORD)
    assert f"The account {name} is deleted" in ok(gone)
    refused(with_token(client, None, "whoami"), 3)
    wait_for(lambda: service.admin().cli("projects", "info", "-p", project).returncode == 4, "its project to be gone")


def test_members_do_what_their_role_lets_them(service, client, unique):
    name, guest = client.project(unique())["name"], service.client(unique("guest"))
    who = guest.username

    def members():
        return {row[0]: row[1] for row in table(client.cli("members", "list", "-p", name))}
    assert members() == {client.username: "owner"}
    refused(guest.cli("members", "-p", name), 4)
    refused(client.cli("members", "invite", "nobody-there", "--role", "viewer", "-p", name), 4)
    refused(client.cli("members", "set", who, "--role", "viewer", "-p", name), 4)
    link = ok(client.cli("members", "invite", guest.email, "--role", "maintainer", "-p", name)).splitlines()[-1]
    [row] = table(client.cli("members", "invitations", "-p", name))
    assert row[1:4] == [guest.email, "maintainer", client.username], row
    assert f"You are maintainer of {name} now." in ok(guest.cli("join", link))
    refused(guest.cli("join", link), 4)
    assert members() == {client.username: "owner", who: "maintainer"}

    repository = guest.repository(name, apps.web("one"))
    ok(guest.cli("deploy", cwd=repository.path))
    assert service.visit(name).text == "one GET /"
    refused(guest.cli("members", "remove", client.username, "-p", name), 1)
    assert f"{who} is a viewer now" in ok(client.cli("members", "set", who, "--role", "viewer", "-p", name))
    repository.commit(apps.web("two"))
    denied = guest.cli("deploy", cwd=repository.path)
    assert denied.returncode == 1 and "viewer" in denied.stderr, denied
    refused(guest.cli("env", "set", "A=1", "-p", name), 1, "viewer")
    refused(guest.cli("restart", "-p", name), 1, "viewer")
    assert service.visit(name).text == "one GET /"
    assert as_json(guest.cli("projects", "info", "-p", name, "--json"))["role"] == "viewer", "the control: it may look"

    assert f"{who} is no longer" in ok(client.cli("members", "remove", who, "-p", name))
    refused(guest.cli("projects", "info", "-p", name), 4)
    denied = guest.cli("deploy", cwd=repository.path)
    assert denied.returncode == 1 and "no access" in denied.stderr, denied
    refused(client.cli("members", "remove", who, "-p", name), 4)
    refused(client.cli("members", "leave", "-p", name), 1)
    assert members() == {client.username: "owner"}


def test_an_invitation_that_was_withdrawn_is_void_and_a_member_leaves(service, client, someone, unique):
    name = client.project(unique())["name"]
    void = as_json(client.cli("members", "invite", someone.username, "--role", "viewer", "-p", name, "--json"))
    ok(client.cli("members", "withdraw", void["id"], "-p", name))
    refused(someone.cli("join", void["link"]), 4)
    refused(client.cli("members", "withdraw", void["id"], "-p", name), 4)
    assert as_json(client.cli("members", "invitations", "-p", name, "--json"))["items"] == []
    made = as_json(client.cli("members", "invite", someone.username, "--role", "viewer", "-p", name, "--json"))
    refused(service.admin().cli("join", made["link"]), 1)
    ok(someone.cli("join", made["link"].split("secret=")[1]))
    ok(someone.cli("members", "leave", "-p", name))
    refused(someone.cli("members", "-p", name), 4)


def test_a_project_is_transferred_once_the_other_accepts(service, client, someone, unique):
    name, heir = client.project(unique())["name"], someone.username
    refused(client.cli("members", "transfer", heir, "-p", name), 2, f"paastech members transfer {heir} -p {name} --yes")
    refused(client.cli("members", "transfer", "nobody-there", "--yes", "-p", name), 4)
    made = as_json(client.cli("members", "transfer", heir, "--yes", "-p", name, "--json"))
    ok(client.cli("env", "set", "A=1", "-p", name))
    assert as_json(client.cli("projects", "info", "-p", name, "--json"))["role"] == "owner"
    assert f"owner of {name} now" in ok(someone.cli("join", made["link"]))
    assert as_json(client.cli("projects", "info", "-p", name, "--json"))["role"] == "maintainer"
    refused(client.cli("projects", "delete", name, "--yes"), 1)
    ok(someone.cli("projects", "delete", name, "--yes"))


def test_audit_tells_who_did_what_to_whoever_may_know(service, client, someone, unique):
    name = unique()
    ok(client.cli("projects", "create", name))
    ok(client.cli("env", "set", "SECRET=canary-4711", "-p", name))
    shown = table(client.cli("audit", "-p", name))
    assert [row[1:4] for row in shown] == [[client.username, "127.0.0.1", "environment.change"],
                                           [client.username, "127.0.0.1", "project.create"]], shown
    assert all(row[-1] == "ok" for row in shown) and "canary" not in str(shown)
    assert [row[3] for row in table(client.cli("audit", "-p", name, "-n", "1"))] == ["environment.change"]
    refused(someone.cli("audit", "-p", name), 4)
    refused(someone.cli("audit", "--all"), 1, "administrator")
    mine = as_json(client.cli("audit", "--mine", "--json"))["items"]
    assert {entry["actor"] for entry in mine} == {client.username} and name in {entry.get("project") for entry in mine}
    everything = as_json(service.admin().cli("audit", "--all", "-n", "200", "--json"))["items"]
    assert {client.username, "admin"} <= {entry.get("actor") for entry in everything}
    assert [entry["id"] for entry in everything] == sorted({entry["id"] for entry in everything}, reverse=True)


def test_overview_and_announcements(service, client, unique):
    client.project(unique())
    shown = dict(re.split(r" {2,}", line, maxsplit=1) for line in ok(service.admin().cli("admin", "overview")).splitlines())
    assert shown["Engine"].startswith("docker ") and "active" in shown["Clients"] and "empty" in shown["Projects"], shown
    assert re.search(r"\d.* of \d.* free", shown["Disk"]) and shown["Version"], shown
    seen = as_json(service.admin().cli("admin", "overview", "--json"))
    assert seen["engine"]["available"] is True and seen["version"] == shown["Version"], seen

    made = as_json(service.admin().cli("admin", "announcements", "add", "back at six", "--level", "warning", "--json"))
    assert [row[:2] for row in table(service.admin().cli("admin", "announcements"))] == [[made["id"], "warning"]]
    assert "warning: back at six" in log_in(client).stderr
    ok(service.admin().cli("admin", "announcements", "remove", made["id"]))
    assert "back at six" not in log_in(client).stderr
    refused(service.admin().cli("admin", "announcements", "remove", made["id"]), 4)


def test_a_suspended_client_is_shut_out_until_it_is_resumed(service, client, unique):
    admin, who, name = service.admin(), client.username, client.project(unique())["name"]
    token = ok(client.cli("tokens", "create", "ci", "--scope", "manage")).strip()
    found = as_json(admin.cli("admin", "clients", "list", "--search", who, "--json"))["items"]
    assert who in [each["username"] for each in found]
    shown = ok(admin.cli("admin", "clients", "show", who))
    assert re.search(r"^State +active$", shown, re.M) and client.email in shown, shown
    refused(admin.cli("admin", "clients", "suspend", "nobody-there", "--reason", "x"), 4)
    refused(admin.cli("admin", "clients", "show", "nobody-there"), 4)

    assert f"{who} is suspended" in ok(admin.cli("admin", "clients", "suspend", who, "--reason", "mining coins"))
    refused(client.cli("whoami"), 3)
    refused(with_token(client, token, "projects", "list"), 1, "suspended")
    refused(log_in(client), 1, "mining coins")
    row = next(row for row in table(admin.cli("admin", "clients", "list", "--search", who)) if row[0] == who)
    assert row[1:3] == [client.email, "suspended"], row
    assert re.search(r"^Reason +mining coins$", ok(admin.cli("admin", "clients", "show", who)), re.M)
    push = client.repository(name, apps.web("one")).push(check=False)
    assert push.returncode != 0

    assert f"{who} is active again" in ok(admin.cli("admin", "clients", "resume", who))
    ok(with_token(client, token, "projects", "info", "-p", name))
    refused(client.cli("whoami"), 3)
    ok(log_in(client))
    refused(admin.cli("admin", "clients", "suspend", "admin", "--reason", "x"), 1)
    ok(admin.cli("whoami"))


def test_a_reset_link_sets_the_password_anew(service, client):
    made = service.admin().cli("admin", "clients", "reset-link", client.username)
    secret = ok(made).strip().split("secret=")[1]
    assert "within an hour" in made.stderr, made
    done = service.request("POST", "/api/v1/password-resets/complete", {"secret": secret, "password": PASSWORD})
    assert done.status == 200, done
    refused(client.cli("whoami"), 3)
    ok(log_in(client, PASSWORD))
    refused(service.admin().cli("admin", "clients", "reset-link", "nobody-there"), 4)


def test_a_client_is_deleted_with_its_projects(service, client, unique):
    admin, who, name = service.admin(), client.username, client.project(unique())["name"]
    refused(admin.cli("admin", "clients", "delete", who), 2, f"paastech admin clients delete {who} --yes")
    ok(client.cli("projects", "info", "-p", name))
    assert f"Deleting {who}" in ok(admin.cli("admin", "clients", "delete", who, "--yes"))
    refused(client.cli("whoami"), 3)
    wait_for(lambda: admin.cli("admin", "clients", "show", who).returncode == 4, "the account to be gone")
    refused(admin.cli("projects", "info", "-p", name), 4)
    refused(admin.cli("admin", "clients", "delete", who, "--yes"), 4)
    refused(admin.cli("admin", "clients", "delete", "admin", "--yes"), 1)


def test_a_plan_limits_whoever_has_it(service, client, unique):
    admin, who, plan = service.admin(), client.username, unique("plan")
    assert f"Plan {plan} is set" in ok(admin.cli("admin", "quota", "set", plan, "--projects", "1", "--memory", "2GiB"))
    ok(admin.cli("admin", "quota", "set", plan, "--build-minutes", "30"))
    row = next(row for row in table(admin.cli("admin", "quota")) if row[0] == plan)
    assert row == [plan, "1", "no limit", "2 GiB", "no limit", "30", "no limit"], "what is not given stays as it is"
    refused(admin.cli("admin", "quota", "assign", "nobody-there", plan), 4)
    refused(admin.cli("admin", "quota", "assign", who, "no-such-plan"), 1)
    assert f"{who} has plan {plan} now" in ok(admin.cli("admin", "quota", "assign", who, plan))

    ok(client.cli("projects", "create", unique()))
    refused(client.cli("projects", "create", unique()), 1, f"the plan `{plan}` allows 1 project")
    used = {row[0]: row[1:] for row in table(client.cli("usage"))}
    assert used["projects"] == ["1", "1"] and used["memory_bytes"][1] == "2 GiB", used
    ok(admin.cli("admin", "quota", "set", plan, "--projects", "none"))
    ok(client.cli("projects", "create", unique()))

    refused(admin.cli("admin", "quota", "delete", plan), 1)
    ok(admin.cli("admin", "quota", "assign", who, "default"))
    ok(admin.cli("admin", "quota", "delete", plan))
    refused(admin.cli("admin", "quota", "delete", plan), 4)
    refused(admin.cli("admin", "quota", "delete", "default"), 1)
