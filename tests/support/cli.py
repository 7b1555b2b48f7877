"""Running the command line client in tests: its answers, and a terminal to run it on."""
import json
import os
import pty
import re
import subprocess

import pytest

from . import apps
from .service import BUILD


def ok(done):
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def as_json(done):
    return json.loads(ok(done))


def connected(client, **more):
    """The environment of a user who is logged in by variables."""
    return client.environment() | {"PAASTECH_TOKEN": client.token, "PAASTECH_SERVER": client.service.api} | more


def on_a_terminal(client, *arguments, cwd=None, answer=None, **variables):
    """Runs the client on a terminal of its own; answer: typed once a question is shown. Returns (exit code, screen)."""
    environment = connected(client, TERM="xterm", **variables)
    main, terminal = pty.openpty()
    process = subprocess.Popen([BUILD / "bin" / "paastech", *arguments], env=environment, cwd=cwd or client.folder,
                               stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    shown = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # every writer has gone
            break
        if not piece:
            break
        shown += piece
        if answer and shown.rstrip().endswith(b":"):
            os.write(main, answer.encode() + b"\n")
            answer = None
    os.close(main)
    return process.wait(20), shown.decode(errors="replace")


def only_colour(text):
    """Whether every control character but newlines is part of a colour sequence."""
    return not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", re.sub(r"\x1b\[[0-9;]*m", "", text.replace("\r\n", "\n")))


@pytest.fixture
def live(client, unique):
    """A Client with a live Application, and its working copy."""
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("one"))
    repository.push()
    return client, name, repository
