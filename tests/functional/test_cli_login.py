"""`paastech login` against the running Service: by a browser, which it opens, and by a token. (By address and password:
test_cli.)"""
import json
import os
import socket
import stat
import subprocess
import threading

import pytest

from tests.support.browser import Browser
from tests.support.cli import ok, on_a_terminal
from tests.support.service import BUILD, wait_for

# What a desktop has: it is given the address. Notes its arguments, a line each, and the end of them.
XDG_OPEN = '#!/bin/sh\nfor one in "$@"; do printf "%s\\n" "$one"; done > "$OPENED.part"\nmv "$OPENED.part" "$OPENED"\n'


@pytest.fixture
def desktop(client, tmp_path):
    """Variables of somebody who sits before a screen, and the file that has what the browser was opened with."""
    program = tmp_path / "bin" / "xdg-open"
    program.parent.mkdir()
    program.write_text(XDG_OPEN)
    program.chmod(0o755)
    opened = tmp_path / "opened"
    return opened, {"PATH": f"{program.parent}:{os.environ['PATH']}", "DISPLAY": ":99", "OPENED": str(opened),
                    "PAASTECH_TOKEN": "", "WAYLAND_DISPLAY": ""}


def kept(client):
    """What the command line client keeps of its logins."""
    file = client.folder / "config" / "credentials.json"
    return json.loads(file.read_text())["servers"] if file.exists() else {}


def run(client, *arguments, stdin="", **variables):
    environment = client.environment() | {"PAASTECH_SERVER": client.service.api, "PAASTECH_TOKEN": ""} | variables
    return subprocess.run([BUILD / "bin" / "paastech", *arguments], env=environment, input=stdin, cwd=client.folder,
                          capture_output=True, text=True, timeout=120)


class Login:
    """`paastech login` under way, on a terminal or without one."""

    def __init__(self, start):
        self.result = []
        self.thread = threading.Thread(target=lambda: self.result.append(start()))
        self.thread.start()

    def end(self):
        self.thread.join(60)
        assert self.result, "paastech login does not end"
        return self.result[0]


def decide(client, address, button):
    """Somebody logs in in a browser, is led back to the device's page, and presses the button there."""
    browser = Browser(client.service)
    question = browser.log_in(client.email, client.password, browser.open(address))
    assert question.address == address, question
    assert "paastech CLI on " + socket.gethostname() in question.text and "127.0.0.1" in question.text, question
    return browser.submit(question, button)


def test_login_opens_the_browser_and_waits_until_it_is_let_in_there(service, client, desktop):
    opened, variables = desktop
    login = Login(lambda: on_a_terminal(client, "login", "--server", service.api, **variables))
    wait_for(opened.exists, "the browser to be opened")
    [address] = opened.read_text().splitlines()
    assert address.startswith(service.api + "/device?user_code="), address
    assert not kept(client), "before anybody approved"
    assert "Approved" in decide(client, address, "Approve").heading
    code, screen = login.end()
    assert code == 0 and "Logged in to " + service.api in screen, screen
    assert address in screen and address.split("=")[1] in screen, screen
    token = kept(client)[service.api]["token"]
    assert token.startswith("pt_") and token not in screen, screen
    assert client.email in ok(run(client, "whoami"))
    file = client.folder / "config" / "credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = service.request("GET", "/api/v1/sessions", token=token).json()["items"]
    [this] = [each for each in listed if each["current"]]
    assert this["name"] == "paastech CLI on " + socket.gethostname() and this["kind"] == "cli", listed
    ok(run(client, "logout"))
    assert service.request("GET", "/api/v1/me", token=token).status == 401


def test_a_login_that_is_denied_ends_and_keeps_nothing(service, client, desktop, tmp_path):
    opened, variables = desktop
    told = tmp_path / "told"
    environment = client.environment() | {"PAASTECH_SERVER": service.api} | variables

    def start():
        with open(told, "w") as file:
            return subprocess.run([BUILD / "bin" / "paastech", "login", "--no-browser"], env=environment, cwd=client.folder,
                                  stdin=subprocess.DEVNULL, stdout=file, stderr=file, timeout=120)

    login = Login(start)
    shown = wait_for(lambda: [word for word in told.read_text().split() if word.startswith(service.api + "/device")],
                     "the address to be shown") if wait_for(told.exists, "it to begin") else None
    assert "Denied" in decide(client, shown[0], "Deny").heading
    done = login.end()
    assert done.returncode not in (0, 2) and "error: " in told.read_text(), (done, told.read_text())
    assert not kept(client) and not opened.exists(), "the browser was not to be opened"
    assert run(client, "whoami").returncode == 3


def test_a_token_is_kept_once_it_was_tried(service, client):
    made = client.call("POST", "/tokens", {"name": "laptop", "scope": "read"})
    assert made.status == 201, made
    token = made.json()["token"]
    wrong = run(client, "login", "--token-stdin", stdin=token[:-1] + ("A" if token[-1] != "A" else "B") + "\n")
    assert wrong.returncode == 3 and not kept(client), wrong
    done = run(client, "login", "--token-stdin", stdin=token + "\n")
    assert "Logged in to " + service.api in ok(done) and token not in done.stdout + done.stderr, done
    assert kept(client)[service.api]["token"] == token
    assert client.email in ok(run(client, "whoami"))
    refused = run(client, "projects", "create", "not-by-this-one")
    assert refused.returncode == 1 and "scope is `read`" in refused.stderr, refused
    # And typed on a terminal, where it is not echoed.
    code, screen = on_a_terminal(client, "login", "--token", answer=token, PAASTECH_TOKEN="")
    assert code == 0 and "Logged in" in screen and token not in screen, screen
