"""The pages that people need before there is a web application: signing up, logging in, confirming, resetting, invitations,
devices. Each is walked through as with a keyboard and without scripts, and each that was seen is held to what everybody
must be able to use (WCAG 2.2)."""
import base64
import hashlib
import re

import pytest

from tests.support.browser import Browser
from tests.support.mailbox import Mailbox, link_in
from tests.support.service import Service
from tests.support.totp import totp

PASSWORD = "staple-of-my-own"
AUTOFILL = {"username", "email", "current-password", "new-password", "one-time-code"}  # WCAG 2.2, 1.3.5


@pytest.fixture(scope="module")
def mails(tmp_path_factory):
    with Mailbox(tmp_path_factory.mktemp("mail")) as running:
        yield running


@pytest.fixture(scope="module")
def service(mails):
    running = Service('[accounts]\nsign_up = "open"\n' + mails.toml()).start()
    yield running
    running.close()


@pytest.fixture
def browser(service):
    """Whatever it was shown is looked at in the end."""
    made = Browser(service)
    yield made
    assert made.seen
    for page in made.seen:
        hold_to_what_everybody_can_use(page)


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
              for c in (int(digits[at:at + 2], 16) / 255 for at in (0, 2, 4))]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def colours(style, dark):
    """{(selector, property): colour} of our style sheet, as a browser of that scheme reads it."""
    light_rules, _, dark_rules = style.partition("@media(prefers-color-scheme:dark){")
    found = {}
    for rules in [light_rules] + ([dark_rules] if dark else []):
        for selectors, declarations in re.findall(r"([^{}]+)\{([^{}]*)\}", rules):
            for selector in selectors.split(","):
                for name, value in re.findall(r"([\w-]+):([^;]+)", declarations):
                    if colour := re.search(r"#[0-9a-f]{6}\b|#[0-9a-f]{3}\b", value):
                        found[selector.strip(), name] = colour[0]
    return found


def hold_to_contrast(style):
    for dark in (False, True):
        seen = colours(style, dark)
        body, background = seen["body", "color"], seen["body", "background"]
        alert = seen["[role=alert]", "background"]
        pairs = [(body, background, 4.5), (seen["small", "color"], background, 4.5), (seen["a", "color"], background, 4.5),
                 (seen["button", "color"], seen["button", "background"], 4.5), (body, alert, 4.5),
                 (seen["input", "border"] if not dark else seen["input", "border-color"], background, 3)]
        for one, other, least in pairs:
            assert contrast(one, other) >= least, (dark, one, other, contrast(one, other))


def hold_to_what_everybody_can_use(page):
    assert page.answer.text.startswith("<!doctype html>"), page
    root = page.root
    assert root.all("html")[0]["lang"] == "en", page
    [title], [heading], [_] = root.all("title"), root.all("h1"), root.all("main")
    assert heading.text.strip() and heading.text in title.text, page
    viewport = next(each["content"] for each in root.all("meta") if each["name"] == "viewport")
    assert "user-scalable" not in viewport and "maximum-scale" not in viewport, viewport

    # No script, nothing of another place, and a policy by which a browser would run and load none.
    assert not root.all("script", "iframe", "object", "embed", "link", "base", "img"), page
    for each in root.walk():
        assert not [name for name in each.attributes if name.startswith("on") or name in ("style", "src")], each
        for name in ("href", "action", "formaction"):
            target = each[name]
            assert target is None or (target.startswith("/") and not target.startswith("//")), each
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src" not in policy, policy
    [style] = root.all("style")
    digest = base64.b64encode(hashlib.sha256(style.text.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy, "the style sheet is one that the policy lets in"
    hold_to_contrast(style.text)
    assert page.headers["X-Content-Type-Options"] == "nosniff" and page.headers["Cache-Control"] == "no-store"

    # Each field has its own name, is told apart, and says what it is for.
    ids = [each["id"] for each in root.walk() if each["id"]]
    assert len(ids) == len(set(ids)), ids
    labels = {label["for"]: label.text.strip() for label in root.all("label")}
    for form in root.all("form"):
        assert form["method"] == "post" and form["action"], form
        assert [button.text.strip() for button in form.all("button")] and all(b.text.strip() for b in form.all("button")), form
        names = [field["name"] for field in form.all("input")]
        assert len(names) == len(set(names)), names
        for field in form.all("input"):
            if field["type"] == "hidden":
                continue
            assert labels.get(field["id"]), f"{field} has no label"
            assert field["type"] in ("text", "email", "password"), field
            assert field["autocomplete"] in AUTOFILL | ({"off"} if field["name"] == "user_code" else set()), field
            assert field["type"] != "password" or not field["value"], f"a password comes back: {field}"
            described = field["aria-describedby"]
            assert described is None or described in ids, field
    alerts = [each for each in root.walk() if each["role"] == "alert"]
    assert (page.status >= 400) == bool(alerts), f"what went wrong is not told: {page}"
    for link in root.all("a"):
        assert link.text.strip() and link["href"], link


def test_signing_up_and_confirming(service, browser, mails, unique):
    name = unique("ada")
    email = f"{name}@example.org"
    form = browser.open("/signup")
    refused = browser.submit(form, email=email, username=name, password="qwertyuiop")
    assert refused.status == 422 and "10,000 most common" in refused.text, refused
    kept = {field["name"]: field["value"] for field in refused.form().all("input")}
    assert (kept["email"], kept["username"]) == (email, name), "what was typed stands there still"
    assert browser.submit(refused, password=PASSWORD).status == 202
    shown = browser.open(link_in(mails.wait(email, "Confirm your address", nth=1)))
    assert name in shown.text and email in shown.text, shown
    wrong = browser.submit(shown, password="not-my-password")
    assert wrong.status == 403, wrong
    done = browser.submit(wrong, password=PASSWORD)
    assert done.status == 200 and name in done.text, done
    assert browser.open(link_in(mails.wait(email, "Confirm your address", nth=1))).status == 404, "it works once"
    assert f"logged in as {name}" in browser.log_in(email, PASSWORD).text


def test_logging_in_with_both_factors_and_out(service, browser, client):
    secret = client.call("POST", "/me/two-factor", {"password": client.password}).json()["secret"]
    codes = client.call("POST", "/me/two-factor/confirm", {"code": totp(secret)}).json()["recovery_codes"]
    wrong = browser.log_in(client.email, "not-my-password")
    assert wrong.status == 401 and wrong.form("Log in"), wrong
    step = browser.log_in(client.email, client.password, wrong)
    assert step.status == 200 and not browser.jar, step
    again = browser.submit(step, code="000000")
    assert again.status == 401 and not browser.jar, again
    assert "You are logged in" in browser.submit(again, code=codes[0]).heading
    assert "logged out" in browser.submit(browser.open("/login"), "Log out").text.lower()
    assert not browser.jar


def test_a_forgotten_password(service, browser, mails, client):
    asked = browser.submit(browser.open("/forgot"), email=client.email)
    assert asked.status == 202 and client.email in asked.text, asked
    shown = browser.open(link_in(mails.wait(client.email, "Set a new password", nth=1)))
    weak = browser.submit(shown, password="short")
    assert weak.status == 422, weak
    assert browser.submit(weak, password=PASSWORD).status == 200
    assert browser.open("/reset?secret=guessed").status == 404
    assert "You are logged in" in browser.log_in(client.email, PASSWORD).heading


def test_an_invitation_to_the_service(service, browser, mails, unique):
    name = unique("joan")
    email = f"{name}@example.org"
    assert service.admin().call("POST", "/invitations", {"email": email}).status == 201
    shown = browser.open(link_in(mails.wait(email, "An invitation", nth=1)))
    assert email in shown.text and "admin" in shown.text, shown
    taken = browser.submit(shown, username="admin", password=PASSWORD)
    assert taken.status == 409, taken
    assert browser.submit(taken, username=name, password=PASSWORD).status == 200
    assert browser.open("/invitation?secret=guessed").status == 404
    assert f"logged in as {name}" in browser.log_in(email, PASSWORD).text


def test_a_device(service, browser, client):
    device = service.request("POST", "/api/v1/device/code", {"name": "<b>laptop"}).json()
    login = browser.open(device["verification_uri_complete"])
    assert login.heading == "Log in", "who is not logged in is led there first"
    question = browser.log_in(client.email, client.password, login)
    assert "<b>laptop" in question.text and device["user_code"] in question.text, question
    unknown = browser.submit(browser.open("/device"), user_code="BCDF-BCDF")
    assert unknown.status == 404, unknown
    typed = browser.submit(unknown, user_code=device["user_code"].lower())
    assert browser.submit(typed, "Deny").heading == "Denied"
    other = service.request("POST", "/api/v1/device/code", {"name": "tablet"}).json()
    assert browser.submit(browser.open(other["verification_uri_complete"]), "Approve").heading == "Approved"


def test_an_invitation_to_a_project(service, browser, mails, client, unique):
    project = client.project(unique())["name"]
    guest = service.client(unique("guest"))
    assert client.call("POST", f"/projects/{project}/invitations", {"email": guest.email, "role": "viewer"}).status == 201
    link = link_in(mails.wait(guest.email, project, nth=1))
    shown = browser.log_in(guest.email, guest.password, browser.open(link))
    assert shown.address == link and project in shown.text and "viewer" in shown.text, shown
    joined = browser.submit(shown, "Join")
    assert joined.status == 200 and project in joined.heading, joined
    assert guest.call("GET", f"/projects/{project}").json()["role"] == "viewer"
    assert browser.open(link).status == 404, "it works once"
    assert client.call("POST", f"/projects/{project}/transfer", {"email": guest.email}).status == 201
    took = browser.submit(browser.open(link_in(mails.wait(guest.email, project, nth=2))), "Take over")
    assert took.status == 200 and guest.call("GET", f"/projects/{project}").json()["role"] == "owner", took


def test_where_there_are_no_logins_in_a_browser_the_page_says_so(fresh_service):
    service = fresh_service('[service]\napi_url = "http://api.example.org"\n').start()
    browser = Browser(service)
    shown = browser.open("/login")
    assert shown.status == 412 and "paastech login --email" in shown.text, shown
    hold_to_what_everybody_can_use(shown)
    closed = browser.open("/signup")
    assert closed.status == 200 and "by invitation only" in closed.text, closed
    hold_to_what_everybody_can_use(closed)
