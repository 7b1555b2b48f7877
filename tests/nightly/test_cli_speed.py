"""A command takes less than 50 ms beside the server's time. The least of many runs counts, for other tests use this machine too;
`make bench` measures it at rest."""
import subprocess
import time

import pytest

from tests.support.cli import connected
from tests.support.service import BUILD

BESIDE = 0.05  # seconds
RUNS = 25


def least(run):
    """The least time of some runs; ends early once that is well below what is allowed."""
    best = float("inf")
    for _ in range(RUNS):
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
        if best < BESIDE / 2:
            break
    return best


@pytest.mark.parametrize("command, path", [
    (("--version",), None), (("help",), None), (("help", "deploy"), None), (("completion", "bash"), None),
    (("whoami",), "/me"), (("projects", "list"), "/projects"), (("keys", "list"), "/keys"), (("tokens", "list"), "/tokens"),
    (("sessions", "list"), "/sessions"), (("usage",), "/me/usage"), (("audit", "--mine"), "/me/audit")])
def test_a_command_is_fast_beside_the_server(client, command, path):
    environment = connected(client)

    def run():
        done = subprocess.run([BUILD / "bin" / "paastech", *command], env=environment, cwd=client.folder, capture_output=True)
        assert done.returncode == 0, done

    def ask():
        assert client.call("GET", path).status == 200
    took, server = least(run), least(ask) if path else 0
    print(f"{' '.join(command)}: {took * 1000:.1f} ms, the server {server * 1000:.1f} ms")
    assert took - server < BESIDE, (took, server)
