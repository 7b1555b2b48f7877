"""What `make up` answers: it ends well only where the page was seen, and says where it is otherwise. It runs in a copy of the
sources with the programs as they are built, so that its example can be broken."""
import stat
import time

import pytest

from tests.support.newcomer import Newcomer


@pytest.fixture
def newcomer():
    made = Newcomer()
    made.copy_sources()
    yield made
    made.close()


@pytest.mark.parametrize("file, was, broken, said", [
    ("server.pl", "200 OK", "404 Not Found", "does not answer"),
    ("server.pl", "print \"listening", "exit 3; print \"listening", "exit code 3"),
    ("Dockerfile", "COPY", "RUN exit 9\nCOPY", "returned a non-zero code: 9"),
], ids=["the page does not answer", "the example ends at once", "its build fails"])
def test_it_fails_where_the_page_cannot_be_had_and_says_why(newcomer, file, was, broken, said):
    path = newcomer.root / "examples/hello" / file
    assert was in path.read_text()
    path.write_text(path.read_text().replace(was, broken))
    done = newcomer.make("up")
    assert done.returncode != 0 and said in done.stderr, done.stderr[-3000:]
    assert not [line for line in done.stdout.splitlines() if line.startswith(("Application:", "Push to live:"))], done.stdout
    path.write_text(path.read_text().replace(broken, was))
    lines, page = newcomer.up()
    assert "Hello from PaaSTech" in page and lines["Application"], "once it is mended the same command is enough"


def test_its_data_is_beside_the_sources_unless_said_otherwise_and_a_second_run_takes_seconds(newcomer):
    del newcomer.environment["PAASTECH_HOME"]
    newcomer.home = newcomer.root / ".paastech"
    lines, _ = newcomer.up()
    assert stat.S_IMODE((newcomer.home / "admin-password").stat().st_mode) == 0o600
    pid, began = newcomer.pid(), time.monotonic()
    again, _ = newcomer.up()
    took = time.monotonic() - began
    print(f"the second `make up` took {took:.1f} s")
    assert took < 20 and newcomer.pid() == pid and again["Application"] == lines["Application"]
