"""Holds a running Service to api/openapi.yaml: schemathesis asks it everything that the contract allows and forbids."""
import os
import pathlib
import subprocess

import pytest

from tests.support import python_tools

ROOT = pathlib.Path(__file__).parents[2]


def hold_to_contract(service, client, spare):
    environment = os.environ | {
        "PAASTECH_SCHEMATHESIS_API": service.api, "PAASTECH_SCHEMATHESIS_LOGIN": f"{client.email} {client.password}",
        "PAASTECH_SCHEMATHESIS_SPARE_LOGIN": f"{spare.email} {spare.password}", "NO_COLOR": "1",
    }
    done = subprocess.run(
        [python_tools.program("st"), "--config-file", ROOT / "tests/support/schemathesis.toml", "run",
         ROOT / "api/openapi.yaml", "--url", service.api, "--phases", "examples,coverage,fuzzing,stateful",
         "--checks", "all", "--max-examples", "15", "--generation-database", "none"],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture
def proxied(fresh_service):
    # Lets each request come from an address of its own.
    return fresh_service('[api]\ntrusted_proxy = "127.0.0.1/32"\n').start()


def test_a_clients_requests_are_answered_as_the_contract_says(proxied):
    client = proxied.client("schema")
    client.project("hello")
    hold_to_contract(proxied, client, proxied.client("spare"))


def test_an_administrators_requests_are_answered_as_the_contract_says(proxied):
    admin = proxied.admin()
    admin.project("hello")
    hold_to_contract(proxied, admin, proxied.client("spare"))
