import itertools

import pytest

from tests.support.mailbox import Mailbox
from tests.support.service import Service

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def service():
    """One running Service for all tests of a file; each test makes Clients and Projects of its own."""
    running = Service().start()
    yield running
    running.close()


@pytest.fixture
def fresh_service():
    """A Service that is not started yet, for tests that break it. Closed afterwards."""
    made = []

    def make(toml=""):
        made.append(Service(toml))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def client(service):
    return service.client(f"client-{next(_numbers)}")


@pytest.fixture
def unique():
    """Names for Projects that no other test uses."""
    return lambda stem="app": f"{stem}-{next(_numbers)}"


@pytest.fixture
def mailbox(tmp_path):
    with Mailbox(tmp_path) as running:
        yield running


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure also prints the end of the daemon's log."""
    report = (yield).get_result()
    running = item.funcargs.get("service") if hasattr(item, "funcargs") else None
    if report.failed and running is not None:
        report.sections.append(("paastechd log", running.log()[-4000:]))


def pytest_terminal_summary(terminalreporter):
    """What tests that passed have printed: figures, which pytest would drop. ctest keeps them in its log."""
    for report in terminalreporter.getreports("passed"):
        if report.when == "call" and report.capstdout:
            terminalreporter.write_line(f"{report.nodeid}:")
            for line in report.capstdout.splitlines():
                terminalreporter.write_line(f"    {line}")
