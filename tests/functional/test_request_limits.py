"""One account and one address may ask so often, whatever they ask for; health and figures are always there for the machine itself."""
import time

import pytest

from tests.support.service import Service

TOML = '[api]\ntrusted_proxy = "127.0.0.0/8"\nreads_per_minute = 60\nchanges_per_minute = 30\nanonymous_per_minute = 20\n'


@pytest.fixture(scope="module")
def service():
    running = Service(TOML).start()
    yield running
    running.close()


def refused(ask, most):
    """The first answer that is no more given, of at most so many and those that came back meanwhile."""
    for count in range(1, 2 * most):
        answer = ask()
        if answer.status == 429:
            assert count > most // 2, f"already the request {count}: {answer}"
            return answer
    raise AssertionError(f"{2 * most} requests were answered: {answer}")


def taken_after_its_wait(ask, answer, longest):
    seconds = int(answer.headers["Retry-After"])
    assert 1 <= seconds <= longest, answer.headers
    time.sleep(seconds)  # what is told must be true
    return ask()


def test_an_account_reads_and_changes_so_often(service, client):
    other = service.client("other")

    def read():
        return client.call("GET", "/projects")
    answer = refused(read, 60)
    assert answer.headers["Content-Type"] == "application/problem+json", answer.headers
    problem = answer.json()
    assert problem["code"] == "resource_exhausted" and problem["request_id"] == answer.headers["X-Request-Id"], problem
    assert "60 a minute" in problem["hint"], problem
    assert other.call("GET", "/projects").status == 200
    assert client.call("POST", "/projects", {"name": "first"}).status == 201
    assert taken_after_its_wait(read, answer, 1).status == 200

    def change():
        return client.call("POST", "/keys", {"public_key": "nonsense"})
    answer = refused(change, 30)
    assert client.call("POST", "/projects", {"name": "second"}).status == 429
    assert [each["name"] for each in other.call("GET", "/projects").json()["items"]] == []
    assert other.call("POST", "/projects", {"name": "of-the-other"}).status == 201
    assert taken_after_its_wait(lambda: client.call("POST", "/projects", {"name": "second"}), answer, 2).status == 201


def test_an_address_without_a_login_asks_so_often_and_the_machine_itself_always(service):
    def ask(address, path="/api/v1/service"):
        return service.request("GET", path, headers={"X-Forwarded-For": address})
    answer = refused(lambda: ask("198.51.100.1"), 20)
    assert ask("198.51.100.1", "/healthz").status == 429
    assert ask("198.51.100.2").status == 200
    for _ in range(50):
        assert service.request("GET", "/healthz").status == 200
        assert service.request("GET", "/metrics").status == 200
    assert taken_after_its_wait(lambda: ask("198.51.100.1"), answer, 3).status == 200
