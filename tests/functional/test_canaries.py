"""After a run through everything that takes or makes a secret none stands where it does not belong: in the log at its finest,
the database, a Deployment's log, an answer that refuses, the audit log, the figures (threats 25 and 31)."""
import base64
import hashlib
import json
import sqlite3
import urllib.parse

import pytest

from tests.support import apps
from tests.support.browser import Browser
from tests.support.mailbox import Mailbox, secret_in
from tests.support.totp import totp

# What each secret is that the test makes up; made so that nothing else contains them.
SMTP = "canary-smtp-9b1f"
PASSWORD, NEW_PASSWORD, WRONG = "canary-of-mine-41d0", "canary-anew-5c77", "canary-mistyped-e3a2"
VALUE, REGISTRY, NEVER_STORED = "canary-value-77aa", "canary-registry-0c9e", "canary-malformed-88b1"
IN_LINK = "canary-guessed-link-6f2d"
NAMED = "marker-that-may-be-seen"


@pytest.fixture
def mails(tmp_path):
    """A real SMTP server that speaks to nobody without TLS and its password."""
    with Mailbox(tmp_path, "--security", "starttls", "--user", "paas", "--password", SMTP) as made:
        yield made


def mailed_secret(mails, to, subject):
    mail = mails.wait(to, subject)
    assert mail["tls"] and mail["user"] == "paas", mail
    return secret_in(mail)


@pytest.fixture
def service(fresh_service, mails):
    made = fresh_service(
        '[log]\nlevel = "debug"\n[accounts]\nsign_up = "open"\n[mail]\nhost = "127.0.0.1"\n'
        f'port = {mails.port}\nsecurity = "starttls"\nusername = "paas"\npassword_file = "smtp-password"\n'
        f'ca_file = "{mails.folder}/cert.pem"\nfrom = "PaaSTech <paas@example.org>"\n')
    password = made.home / "smtp-password"
    password.write_text(SMTP + "\n")
    password.chmod(0o600)
    return made.start()


class Run:
    """What was done, what of it is secret, and what was answered where something was refused."""

    def __init__(self, service, mails):
        self.service, self.mails, self.secrets, self.refusals = service, mails, {}, []
        self.token = None

    def call(self, method, path, body=None, expect=None, **options):
        answer = self.service.request(method, path, body, token=self.token, timeout=60, **options)
        assert expect is None or answer.status == expect, (method, path, answer)
        if answer.status >= 400:
            self.refusals.append((method, path, answer))
        return answer

    def keep(self, **secrets):
        self.secrets |= secrets

    def account(self):
        email = "ada@example.org"
        self.call("POST", "/api/v1/signup", {"email": email, "username": NAMED[:20], "password": PASSWORD}, 202)
        confirmation = mailed_secret(self.mails, email, "Confirm")
        self.call("POST", "/api/v1/confirmations", {"secret": confirmation, "password": WRONG}, 403)
        self.call("POST", "/api/v1/confirmations", {"secret": confirmation, "password": PASSWORD}, 200)
        self.call("POST", "/api/v1/sessions", {"email": email, "password": WRONG}, 401)
        session = self.call("POST", "/api/v1/sessions", {"email": email, "password": PASSWORD}, 201).json()["token"]
        self.token = session
        self.call("POST", "/api/v1/me/password", {"current": WRONG, "password": NEW_PASSWORD}, 403)
        self.call("POST", "/api/v1/me/password", {"current": PASSWORD, "password": NEW_PASSWORD}, 200)
        self.call("POST", "/api/v1/password-resets", {"email": email}, 202)
        reset = mailed_secret(self.mails, email, "Set a new password")
        self.call("GET", f"/reset?secret={reset}", expect=200)
        seed = self.call("POST", "/api/v1/me/two-factor", {"password": NEW_PASSWORD}, 200).json()["secret"]
        codes = self.call("POST", "/api/v1/me/two-factor/confirm", {"code": totp(seed)}, 200).json()["recovery_codes"]
        self.call("POST", "/api/v1/sessions", {"email": email, "password": NEW_PASSWORD}, 401)
        again = self.call("POST", "/api/v1/sessions", {"email": email, "password": NEW_PASSWORD, "code": codes[0]}, 201)
        browser = Browser(self.service)
        browser.submit(browser.log_in(email, NEW_PASSWORD), code=codes[1])
        [cookie] = [each.value for each in browser.jar]
        device = self.call("POST", "/api/v1/device/code", {"name": NAMED}, 201).json()["device_code"]
        self.call("POST", "/api/v1/device/token", {"device_code": device}, 400)
        self.keep(confirmation=confirmation, session=session, reset=reset, seed=seed, second_login=again.json()["token"],
                  cookie=cookie, device=device, **{f"code {n}": code for n, code in enumerate(codes)})

    def tokens(self):
        made = self.call("POST", "/api/v1/tokens", {"name": NAMED, "scope": "read"}, 201, headers={"Idempotency-Key": "one"})
        token = made.json()["token"]
        assert self.call("POST", "/api/v1/tokens", {"name": NAMED, "scope": "read"}, 201,
                         headers={"Idempotency-Key": "one"}).json()["token"] == token, "the control: it is kept somewhere"
        self.service.request("POST", "/api/v1/projects", {"name": "no"}, token=token)
        forged = token[:-1] + ("A" if token[-1] != "A" else "B")
        self.refusals.append(("GET", "with a forged token", self.service.request("GET", "/api/v1/me", token=forged)))
        self.keep(api_token=token, forged=forged)

    def project(self):
        admin = self.service.admin()
        owner = self.service.client("grace")
        project = owner.project("shop")
        self.token = owner.token
        base = "/api/v1/projects/shop"
        self.call("PATCH", base + "/environment", {"set": {"SECRET": VALUE}}, 202)
        self.call("PATCH", base + "/environment", {"set": {"2BAD": VALUE}}, 422)
        self.call("PATCH", base + "/environment", {"set": {"SECRET": VALUE + "\0"}}, 422)
        self.call("PUT", base + "/registries/registry.example", {"username": NAMED, "password": REGISTRY}, 200)
        self.call("POST", base + "/deployments", {"image": "127.0.0.1:1/x:1"})
        broken = owner.repository("shop", {"Dockerfile": "FROM debian:bookworm\nRUN exit 9\n"})
        broken.commit({"x": "y"}, NAMED)
        assert broken.push(check=False).returncode != 0
        owner.repository("shop", apps.web()).push("+main")
        assert f"SECRET={VALUE}" in self.service.visit("shop", "/environment").text, "the control: it came there"
        invited = self.call("POST", base + "/invitations", {"email": "guest@example.org", "role": "viewer"}, 201)
        link = urllib.parse.parse_qs(urllib.parse.urlsplit(invited.json()["link"]).query)["secret"][0]
        self.keep(owner=owner.token, owner_password=owner.password, admin=admin.token, link=link,
                  admin_password=(self.service.home / "admin-password").read_text().strip())
        return project

    def mistakes(self):
        json_type = {"Content-Type": "application/json"}
        self.call("POST", "/api/v1/projects", data=f'{{"name": "{NEVER_STORED}'.encode(), headers=json_type, expect=400)
        self.call("POST", "/api/v1/sessions", data=f'{{"password": "{NEVER_STORED}", "x": 1}}'.encode(), headers=json_type, expect=422)
        self.call("GET", f"/confirm?secret={IN_LINK}", expect=404)
        self.call("GET", f"/project-invitation?secret={IN_LINK}", expect=404)
        self.call("GET", f"/api/v1/me?token={IN_LINK}")
        self.call("POST", "/api/v1/invitations/accept", {"secret": IN_LINK}, 404)
        self.service.request("GET", "/api/v1/me", headers={"Cookie": f"paastech={NEVER_STORED}"})
        self.service.request("GET", "/api/v1/me", headers={"Authorization": "Basic " + base64.b64encode(NEVER_STORED.encode()).decode()})
        self.service.sql("UPDATE environment SET value = 'v2:k1:AAAA'")
        self.call("GET", "/api/v1/projects/shop/environment?reveal=true", expect=500)
        self.call("PATCH", "/api/v1/projects/shop/environment", {"set": {"SECRET": VALUE}}, 202)
        if not self.service.database:
            other = sqlite3.connect(self.service.home / "paastech.db", isolation_level=None, timeout=30)
            other.execute("BEGIN EXCLUSIVE")
            self.call("PATCH", "/api/v1/projects/shop/environment", {"set": {"OTHER": VALUE}}, 503)
            self.call("POST", "/api/v1/me/email", {"email": "new@example.org", "password": "wrong " + WRONG}, 403)
            other.execute("ROLLBACK")
            other.close()


def forms(secret):
    """How it might be written."""
    plain = secret.encode()
    return {plain, urllib.parse.quote(secret, safe="").encode(), base64.b64encode(plain).rstrip(b"="), plain.hex().encode(),
            secret.replace("-", "").encode()}


def test_no_secret_is_where_it_does_not_belong(service, mails):
    run = Run(service, mails)
    run.account()
    run.tokens()
    project = run.project()
    run.mistakes()
    keys = [line.split()[1] for line in (service.home / "secret.key").read_text().splitlines()]
    run.keep(smtp=SMTP, password=PASSWORD, new_password=NEW_PASSWORD, wrong=WRONG, value=VALUE, registry=REGISTRY,
             malformed=NEVER_STORED, in_link=IN_LINK, key=keys[0], raw_seed=base64.b32decode(run.secrets["seed"]).hex())
    assert len(run.secrets) > 25 and all(len(secret) >= 8 for secret in run.secrets.values()), run.secrets

    admin = service.admin()
    places = {"the log": service.log().encode(), "the database": service.stored(),
              "the figures": service.request("GET", "/metrics").body,
              "the audit log": json.dumps(admin.call("GET", "/audit?limit=100").json(), ensure_ascii=False).encode(),
              "`config check`": service.daemon("config", "check").stdout.encode()}
    for method, path, answer in run.refusals:
        told = str(sorted(answer.headers.items())) + answer.text
        places[f"the answer {answer.status} to {method} {path.split('?')[0]} {len(places)}"] = told.encode()
    own = {"admin-password", "secret.key", "smtp-password", "paastech.toml", "daemon.log"}
    for path in service.home.rglob("*"):
        inside = path.relative_to(service.home)
        if path.is_file() and inside.parts[0] not in {"clients", "authority"} and inside.name not in own:
            places.setdefault(f"the file {inside}", path.read_bytes())
    # Pages repeat what was typed in a form of theirs, hidden, for the next try: that of the link, to whoever had it.
    found = {(name, place) for name, secret in run.secrets.items() for form in forms(secret)
             for place, content in places.items() if form in content}
    assert not found, sorted(found)

    # The controls: the same search finds what may be seen, in each kind of place.
    log, stored = places["the log"], places["the database"]
    assert b"POST /api/v1/sessions" in log and b"GET /confirm" in log and b"ada@example.org" in stored
    assert NAMED.encode() in stored and b"environment.change" in places["the audit log"]
    texts = b"".join(content for place, content in places.items() if place.startswith("the file"))
    assert b"Building" in texts and len(run.refusals) > 12, run.refusals
    assert b"listening on" in texts or b"Live: " in texts
    container = service.docker.containers(f"paastech.project={project['id']}")[0]["Id"]
    assert f"SECRET={VALUE}" in service.docker.inspect(container)["Config"]["Env"], "and the Application has what it needs"
    hashes = service.sql("SELECT password_hash FROM clients")
    assert hashes and all(row[0].startswith("$argon2id$v=19$m=65536,t=2,p=1") for row in hashes), hashes
    tokens = service.sql("SELECT hash FROM tokens")
    assert (hashlib.sha256(run.secrets["session"].encode()).hexdigest(),) in tokens, "SHA-256 of what was handed out"
