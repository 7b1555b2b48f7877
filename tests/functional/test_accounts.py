"""Accounts by mail: a real SMTP server takes what the Service sends, and the links are followed as a browser would."""
import re
import socket
import urllib.parse

import pytest

from tests.support.mailbox import Mailbox, link_in, sends_to
from tests.support.service import wait_for

PASSWORD = "staple-of-my-own"
OPEN = '[accounts]\nsign_up = "open"\n'


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory):
    with Mailbox(tmp_path_factory.mktemp("mail")) as made:
        yield made


@pytest.fixture(scope="module")
def paas(mailbox):
    from tests.support.service import Service
    running = Service(OPEN + mailbox.toml()).start()
    yield running
    running.close()


def page(paas, link, form=None):
    """A browser without scripts: GET, or POST of a form."""
    path = link.removeprefix(paas.api)
    if form is None:
        return paas.request("GET", path)
    return paas.request("POST", path, data=urllib.parse.urlencode(form).encode(),
                        headers={"Content-Type": "application/x-www-form-urlencoded", "Origin": paas.api})


def hidden(answer):
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text))


def action(answer):
    return re.search(r'<form method="post" action="([^"]+)">', answer.text)[1]


def log_in(paas, email, password):
    return paas.request("POST", "/api/v1/sessions", {"email": email, "password": password})


def sign_up(paas, mailbox, username):
    email = f"{username}@example.org"
    signed = paas.request("POST", "/api/v1/signup", {"email": email, "username": username, "password": PASSWORD})
    assert signed.status == 202, signed
    confirmed = paas.request("POST", "/api/v1/confirmations",
                             {"secret": link_in(mailbox.wait(email, "Confirm")).split("secret=")[1],
                              "password": PASSWORD})
    assert confirmed.status == 200, confirmed
    session = log_in(paas, email, PASSWORD)
    assert session.status == 201, session
    return email, session.json()["token"]


def test_a_stranger_signs_up_confirms_by_the_page_and_logs_in(paas, mailbox):
    form = page(paas, "/signup")
    assert form.status == 200 and "script" not in form.text.lower()
    assert "default-src 'none'" in form.headers["Content-Security-Policy"]
    assert form.headers["Referrer-Policy"] == "same-origin"
    typed = {"email": "Ada@Example.org", "username": "ada", "password": PASSWORD}
    refused = page(paas, action(form), typed | {"password": "qwertyuiop"})
    assert refused.status == 422 and 'role="alert"' in refused.text and 'value="Ada@Example.org"' in refused.text
    signed = page(paas, action(form), typed)
    assert signed.status == 202, signed
    assert log_in(paas, "ada@example.org", PASSWORD).status == 401, "not before the address is confirmed"
    mail = mailbox.wait("ada@example.org", "Confirm")
    assert mail["headers"]["auto-submitted"] == "auto-generated" and not mail["defects"]
    link = link_in(mail)
    for _ in range(3):  # as mail scanners do
        shown = page(paas, link)
        assert shown.status == 200 and "ada" in shown.text
    assert log_in(paas, "ada@example.org", PASSWORD).status == 401, "looking confirms nothing"
    wrong = page(paas, action(shown), hidden(shown) | {"password": "not-my-password"})
    assert wrong.status == 403 and 'role="alert"' in wrong.text, wrong
    confirmed = page(paas, action(wrong), hidden(wrong) | {"password": PASSWORD})
    assert confirmed.status == 200, confirmed
    assert page(paas, action(shown), hidden(shown) | {"password": PASSWORD}).status == 404, "works once"
    assert log_in(paas, "ada@example.org", PASSWORD).status == 201
    assert link.split("secret=")[1] not in paas.log(), "no log shows the secret"


def test_who_signed_up_with_anothers_address_gets_no_account_by_that_ones_click(paas, mailbox):
    email = "victim@example.org"
    for username, password in [("mallory", "words-of-a-stranger"), ("victim", PASSWORD)]:
        signed = paas.request("POST", "/api/v1/signup", {"email": email, "username": username, "password": password})
        assert signed.status == 202, signed
    wait_for(lambda: len(mailbox.mails(email, "Confirm")) == 2, "both mails")
    # The newer link is valid; which of the two came last is not sure.
    links = [link_in(mail) for mail in mailbox.mails(email, "Confirm")]
    shown = next(answer for answer in [page(paas, link) for link in links] if answer.status == 200)
    assert page(paas, action(shown), hidden(shown) | {"password": PASSWORD}).status == 403
    assert log_in(paas, email, "words-of-a-stranger").status == 401
    page(paas, "/forgot", {"email": email})
    reset = page(paas, link_in(mailbox.wait(email, "Set a new password")))
    assert page(paas, action(reset), hidden(reset) | {"password": PASSWORD}).status == 200
    assert log_in(paas, email, PASSWORD).status == 201
    assert log_in(paas, email, "words-of-a-stranger").status == 401


def test_a_forgotten_password_is_set_anew_and_ends_the_logins(paas, mailbox):
    email, token = sign_up(paas, mailbox, "grace")
    asked = page(paas, "/forgot", {"email": email})
    unknown = page(paas, "/forgot", {"email": "nobody@example.org"})
    assert asked.status == unknown.status == 202
    assert asked.text.replace(email, "X") == unknown.text.replace("nobody@example.org", "X")
    shown = page(paas, link_in(mailbox.wait(email, "Set a new password")))
    assert shown.status == 200 and "grace" in shown.text
    weak = page(paas, action(shown), hidden(shown) | {"password": "grace-is-my-name"})
    assert weak.status == 422 and "user name" in weak.text
    done = page(paas, action(weak), hidden(weak) | {"password": "another-fine-one"})
    assert done.status == 200, done
    assert paas.request("GET", "/api/v1/me", token=token).status == 401
    assert log_in(paas, email, PASSWORD).status == 401
    assert log_in(paas, email, "another-fine-one").status == 201
    assert "changed" in mailbox.wait(email, "was changed")["text"]
    assert not mailbox.mails("nobody@example.org")


def test_an_address_changes_once_the_new_one_is_confirmed(paas, mailbox):
    email, token = sign_up(paas, mailbox, "hedy")
    wanted = {"email": "lamarr@example.org", "password": PASSWORD}
    assert paas.request("POST", "/api/v1/me/email", wanted | {"password": "not-my-password"}, token=token).status == 403
    assert paas.request("POST", "/api/v1/me/email", wanted, token=token).status == 202
    shown = page(paas, link_in(mailbox.wait("lamarr@example.org", "Confirm your new address")))
    assert paas.request("GET", "/api/v1/me", token=token).json()["email"] == email
    assert page(paas, action(shown), hidden(shown)).status == 200
    assert paas.request("GET", "/api/v1/me", token=token).json()["email"] == "lamarr@example.org"
    assert "lamarr@example.org" in mailbox.wait(email, "Your address")["text"], "the old address is told"
    assert log_in(paas, "lamarr@example.org", PASSWORD).status == 201


def test_an_administrator_invites_and_the_link_makes_the_account(paas, mailbox):
    made = paas.admin().call("POST", "/invitations", {"email": "joan@example.org"})
    assert made.status == 201 and made.json()["mailed"] is True, made
    link = link_in(mailbox.wait("joan@example.org", "An invitation"))
    assert link == made.json()["link"]
    shown = page(paas, link)
    assert shown.status == 200 and "joan@example.org" in shown.text
    assert page(paas, action(shown), hidden(shown) | {"username": "joan", "password": PASSWORD}).status == 200
    assert log_in(paas, "joan@example.org", PASSWORD).status == 201
    assert page(paas, link).status == 404, "works once"
    assert paas.admin().call("GET", "/invitations").json()["items"] == []


def test_a_deleted_account_takes_its_projects_with_it(paas, mailbox):
    email, token = sign_up(paas, mailbox, "lise")
    assert paas.request("POST", "/api/v1/projects", {"name": "fission"}, token=token).status == 201
    assert paas.request("GET", "/api/v1/me/deletion", token=token).json()["projects"] == ["fission"]
    unsure = paas.request("DELETE", "/api/v1/me?confirm=lis", {"password": PASSWORD}, token=token)
    assert unsure.status == 422, unsure
    assert paas.request("DELETE", "/api/v1/me?confirm=lise", {"password": "not-my-password"}, token=token).status == 403
    gone = paas.request("DELETE", "/api/v1/me?confirm=lise", {"password": PASSWORD}, token=token)
    assert gone.status == 202, gone
    assert paas.request("GET", "/api/v1/me", token=token).status == 401
    assert log_in(paas, email, PASSWORD).status == 401
    wait_for(lambda: paas.admin().call("GET", "/projects/fission").status == 404, "the project to be gone")
    wait_for(lambda: paas.admin().call("GET", "/clients/lise").status == 404, "the account to be gone")
    again = {"email": email, "username": "lise", "password": PASSWORD}
    assert paas.request("POST", "/api/v1/signup", again).status == 202, "name and address are free again"


def test_mails_wait_for_their_server_also_over_a_restart(fresh_service, tmp_path):
    box = Mailbox(tmp_path / "box")
    try:
        box.go()
        paas = fresh_service(OPEN + box.toml()).start()
        signed = paas.request("POST", "/api/v1/signup", {"email": "mary@example.org", "username": "mary", "password": PASSWORD})
        assert signed.status == 202, signed
        wait_for(lambda: "waits, attempt 1" in paas.log(), "a failed attempt")
        kept = paas.stored()
        assert b"mary@example.org" in kept, "the control: the account is there"
        assert b"Confirm your address" not in kept, "the queue's rows are sealed"
        paas.restart()
        assert not box.mails("mary@example.org")
        box.come()
        # The second attempt is a minute after the first (mail/backoff.h).
        link = link_in(box.wait("mary@example.org", "Confirm", seconds=90))
        confirmed = paas.request("POST", "/api/v1/confirmations",
                                 {"secret": link.split("secret=")[1], "password": PASSWORD})
        assert confirmed.status == 200, confirmed
        assert log_in(paas, "mary@example.org", PASSWORD).status == 201
    finally:
        box.go()


def test_a_mail_server_that_never_answers_does_not_hold_up_the_end(fresh_service):
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen(8)
    try:
        paas = fresh_service(OPEN + sends_to(silent.getsockname()[1])).start()
        assert paas.request("POST", "/api/v1/signup", {"email": "rosa@example.org", "username": "rosa",
                                                       "password": PASSWORD}).status == 202
        silent.settimeout(20)
        connection, _ = silent.accept()  # the Service waits for the greeting now
        paas.process.terminate()
        assert paas.process.wait(15) == 0
        connection.close()
    finally:
        silent.close()


def test_without_a_mail_server_the_flows_say_so_and_the_administrator_helps(service, unique):
    asked = service.request("POST", "/api/v1/password-resets", {"email": "admin@paastech.local"})
    assert asked.status == 412 and "cannot send mail" in asked.json()["detail"], asked
    assert service.request("POST", "/api/v1/signup", {"email": "eve@example.org", "username": "eve",
                                                      "password": PASSWORD}).status == 403, "by invitation only"
    name = unique("ida")
    made = service.admin().call("POST", "/invitations", {"email": f"{name}@example.org"})
    assert made.status == 201 and made.json()["mailed"] is False
    signed = service.request("POST", "/api/v1/signup", {
        "email": f"{name}@example.org", "username": name, "password": PASSWORD,
        "invitation": made.json()["link"].split("secret=")[1]})
    assert signed.status == 201, signed
    link = service.admin().call("POST", f"/clients/{name}/reset-link")
    assert link.status == 201, link
    done = service.request("POST", "/api/v1/password-resets/complete",
                           {"secret": link.json()["link"].split("secret=")[1], "password": "another-fine-one"})
    assert done.status == 200, done
    assert log_in(service, f"{name}@example.org", "another-fine-one").status == 201
