"""A mail that the API has promised comes, although the database was away when it was asked for. What it says and how long it takes
must be the same for a known and an unknown address, so that its work is done beside the answer."""

import pytest

from tests.support import postgres
from tests.support.outage import locked, stopped
from tests.support.service import free_ports, wait_for


@pytest.fixture(params=["sqlite", "postgresql"])
def outage(request, fresh_service, mailbox):
    """(a running Service, what takes its database away)"""
    service = fresh_service('[accounts]\nsign_up = "open"\n' + mailbox.toml())
    if request.param == "sqlite":
        service.database = None
        yield service.start(), lambda: locked(service)
        return
    server = postgres.Postgres(free_ports(1)[0]).start()
    try:
        service.database = server.database()
        yield service.start(), lambda: stopped(server)
        service.close()
    finally:
        server.close()


@pytest.mark.parametrize("path, subject", [("/api/v1/password-resets", "Set a new password"),
                                           ("/api/v1/confirmations/resend", "Confirm")], ids=["reset", "confirmation"])
def test_a_mail_that_was_promised_comes_once_the_database_is_back(outage, mailbox, path, subject):
    service, take_away = outage
    client = service.client("owner")
    client.project("ledger")
    email = "late@example.org"
    signed = service.request("POST", "/api/v1/signup", {"email": email, "username": "late", "password": "staple-of-my-own"})
    assert signed.status == 202, signed

    def mails(of=subject):
        return mailbox.mails(email, of)
    wait_for(lambda: mails("Confirm"), "the first mail")
    before = len(mails())
    with take_away():
        answer = service.request("POST", path, {"email": email})
        # What goes on beside that answer has met the outage by the time that this one has.
        assert client.call("PATCH", "/projects/ledger/environment", {"set": {"LOST": "x"}}).status == 503
    assert answer.status in (202, 503), answer
    wait_for(lambda: client.call("GET", "/projects").status == 200, "the database to be met again")
    if answer.status == 202:
        came = wait_for(lambda: len(mails()) > before, "the mail", seconds=15, fails=False)
        assert came, f"{answer} was promised and never came; the log: {service.log()[-1500:]}"
        return
    assert int(answer.headers["Retry-After"]) >= 1, answer.headers
    assert service.request("POST", path, {"email": email}).status == 202, "the control"
    wait_for(lambda: len(mails()) > before, "the mail of a request that was taken")
