"""Holds a running Service to api/openapi.yaml: schemathesis asks it everything that the contract allows and forbids."""
import gzip
import os
import pathlib
import subprocess

import pytest
import yaml

from tests.support import python_tools
from tests.support.service import UNLIMITED

ROOT = pathlib.Path(__file__).parents[2]


def hold_to_contract(service, client, spare, administrator=False):
    environment = os.environ | {
        "PAASTECH_SCHEMATHESIS_API": service.api, "PAASTECH_SCHEMATHESIS_LOGIN": f"{client.email} {client.password}",
        "PAASTECH_SCHEMATHESIS_SPARE_LOGIN": f"{spare.email} {spare.password}", "NO_COLOR": "1",
        "PAASTECH_SCHEMATHESIS_ADMINISTRATOR": str(int(administrator)),
    }
    done = subprocess.run(
        [python_tools.program("st"), "--config-file", ROOT / "tests/support/schemathesis.toml", "run",
         ROOT / "api/openapi.yaml", "--url", service.api, "--phases", "examples,coverage,fuzzing,stateful",
         "--checks", "all", "--max-examples", "10", "--generation-database", "none"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture
def proxied(fresh_service):
    # Lets each request come from an address of its own, and as many come as are made.
    return fresh_service('[api]\ntrusted_proxy = "127.0.0.1/32"\n' + UNLIMITED).start()


def test_a_clients_requests_are_answered_as_the_contract_says(proxied):
    client = proxied.client("schema")
    client.project("hello")
    hold_to_contract(proxied, client, proxied.client("spare"))


def test_an_administrators_requests_are_answered_as_the_contract_says(proxied):
    admin = proxied.admin()
    admin.project("hello")
    hold_to_contract(proxied, admin, proxied.client("spare"), administrator=True)


def test_the_viewer_asks_no_other_server(service):
    page = service.request("GET", "/docs")
    assert page.status == 200
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "http:" not in page.text and "https:" not in page.text
    for name in ("swagger-ui-bundle.js", "swagger-ui.css"):
        file = service.request("GET", f"/docs/{name}")
        assert file.status == 200 and file.headers["Content-Encoding"] == "gzip", file.headers
        assert len(gzip.decompress(file.body)) > 100_000
    assert service.request("GET", "/docs/start.js").text.find("/api/v1/openapi.json") > 0


def test_the_contract_is_served_as_it_is_kept(service):
    kept = (ROOT / "api/openapi.yaml").read_bytes()
    assert service.request("GET", "/api/v1/openapi.yaml").body == kept
    assert service.request("GET", "/api/v1/openapi.json").json() == yaml.safe_load(kept)


def test_a_repeated_creation_is_answered_again_after_kill_9(fresh_service):
    service = fresh_service().start()
    client = service.client("ada")
    key = {"Idempotency-Key": "3f0c1f5e-7f1b"}
    first = client.call("POST", "/tokens", {"name": "ci", "scope": "deploy"}, headers=key)
    assert first.status == 201, first
    service.restart()
    assert client.call("POST", "/tokens", {"name": "ci", "scope": "deploy"}, headers=key).body == first.body
    assert len(client.call("GET", "/tokens").json()["items"]) == 1
    assert client.call("POST", "/tokens", {"name": "other", "scope": "deploy"}, headers=key).status == 422
    token = first.json()["token"].encode()
    stored = service.stored()
    assert b"3f0c1f5e-7f1b" in stored, "the control: what is not secret is found"
    assert token not in stored
