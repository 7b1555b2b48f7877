"""Each answer has a request id, which the Service's log names too; 429 and 503 say when to ask again."""
import concurrent.futures
import re
import socket
import time

import pytest

from tests.support.service import Service, wait_for

DEBUG = '[log]\nlevel = "debug"\n'
PROXY = '[api]\ntrusted_proxy = "127.0.0.0/8"\n'


@pytest.fixture(scope="module")
def service():
    running = Service(DEBUG + PROXY).start()
    yield running
    running.close()


def identity(answer):
    found = answer.headers.get_all("X-Request-Id")
    assert found and len(found) == 1 and re.fullmatch(r"[0-9a-f-]{16,36}", found[0]), (answer, answer.headers)
    return found[0]


def test_each_answer_has_an_id_of_its_own_that_the_log_names(service, client, unique):
    project = client.project(unique())["name"]
    form = {"Content-Type": "application/x-www-form-urlencoded", "Origin": service.api}
    json = {"Content-Type": "application/json"}
    asked = [
        ("GET", "/api/v1/me", 200, {}), ("GET", "/api/v1/no-such-route", 404, {}), ("PUT", "/api/v1/projects", 405, {}),
        ("GET", "/api/v1/projects/missing", 404, {}), ("GET", "/api/v1/projects?limit=0", 422, {}),
        ("POST", "/api/v1/projects", 400, {"data": b"{", "headers": json}),
        ("POST", "/api/v1/projects", 415, {"data": b"{}", "headers": {"Content-Type": "text/plain"}}),
        ("POST", "/api/v1/projects", 403, {"data": b"{}", "headers": json | {"Origin": "https://evil.example"}}),
        ("GET", "/api/v1/overview", 403, {}), ("GET", f"/api/v1/projects/{project}/environment", 200, {}),
        ("PATCH", f"/api/v1/projects/{project}/environment", 202, {"body": {"set": {"A": "1"}}}),
        ("DELETE", f"/api/v1/projects/{project}?confirm={project}", 200, {}),
        ("GET", "/login", 200, {}), ("GET", "/confirm?secret=guessed", 404, {}), ("GET", "/docs", 200, {}),
        ("POST", "/logout", 200, {"data": b"", "headers": form}), ("GET", "/healthz", 200, {}), ("GET", "/metrics", 200, {}),
    ]
    seen = {}
    for method, path, status, options in asked:
        answer = service.request(method, path, token=client.token, **options)
        assert answer.status == status, (method, path, answer)
        seen[identity(answer)] = (method, path, status)
        if status >= 400 and answer.headers["Content-Type"].startswith("application/problem+json"):
            assert answer.json()["request_id"] == identity(answer), answer
    assert len(seen) == len(asked), "an id came twice"

    def unnamed():
        log = service.log()
        return [each for each in seen.items() if not re.search(
            rf"{each[1][0]} {re.escape(each[1][1].split('?')[0])} {each[1][2]} \d+ ms id={each[0]}\b", log)]
    # A line is written just behind its answer.
    assert wait_for(lambda: not unnamed(), "each to be in the log", seconds=10, fails=False), unnamed()
    assert "guessed" not in service.log(), "what stands behind the ? may be a secret"


@pytest.mark.parametrize("head, status", [
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 431),
    (b"POST /api/v1/projects HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n", 413),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n", 400),
], ids=["head too large", "body too large", "malformed"])
def test_so_has_an_answer_to_what_is_no_request(service, head, status):
    with socket.create_connection(("127.0.0.1", service.api_port), timeout=20) as connection:
        connection.sendall(head)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
    [one] = re.findall(rb"(?i)\r\nX-Request-Id: ([0-9a-f-]+)\r\n", answer)
    assert b'"request_id":"' + one + b'"' in answer.replace(b'": "', b'":"'), answer


def test_an_error_of_the_service_itself_is_in_the_log_under_its_id(fresh_service, unique):
    service = fresh_service().start()  # which logs no single requests
    client = service.client("owner")
    project = client.project(unique())["name"]
    assert client.call("PATCH", f"/projects/{project}/environment", {"set": {"NAME": "value"}}).status == 202
    service.sql("UPDATE environment SET value = 'v2:k1:AAAA'")
    answer = client.call("GET", f"/projects/{project}/environment?reveal=true")
    assert answer.status == 500 and answer.json()["request_id"] == identity(answer), answer
    wait_for(lambda: identity(answer) in service.log(), "the error to be in the log", seconds=10)


def holds_back(answer):
    assert int(answer.headers["Retry-After"]) >= 1, (answer, answer.headers)
    return answer.json()


def test_too_many_and_too_busy_say_when_to_ask_again(service):
    def log_in(n, address):
        return service.request("POST", "/api/v1/sessions", {"email": f"nobody{n}@example.org", "password": "wrong password"},
                               headers={"X-Forwarded-For": address}, timeout=120)
    late = [answer for answer in (log_in(n, "198.51.100.7") for n in range(12)) if answer.status == 429]
    assert late, "the limit of failed logins"
    for answer in late:
        assert holds_back(answer)["code"] == "resource_exhausted", answer
    with concurrent.futures.ThreadPoolExecutor(150) as pool:
        answers = list(pool.map(lambda n: log_in(1000 + n, f"203.0.113.{n}"), range(150)))
    busy = [answer for answer in answers if answer.status == 503]
    assert busy, {answer.status for answer in answers}
    for answer in busy:
        assert holds_back(answer)["code"] == "unavailable", answer


def test_of_those_put_off_the_log_names_one_in_a_second(fresh_service):
    service = fresh_service(PROXY + "anonymous_per_minute = 6\n").start()  # at the level that it has by itself
    began = time.monotonic()
    answers = [service.request("GET", "/api/v1/service", headers={"X-Forwarded-For": "198.51.100.9"}) for _ in range(60)]
    took = time.monotonic() - began
    late = [answer for answer in answers if answer.status == 429]
    assert len(late) >= 50, {answer.status for answer in answers}

    def lines():
        return [line for line in service.log().splitlines() if " info " in line and "GET /api/v1/service 429 " in line]
    # A line is written just behind its answer.
    wait_for(lambda: any(f"id={identity(late[0])} " in line for line in lines()), "the first to be in the log", seconds=10)
    assert all("peer=198.51.100.9" in line and "too many requests" in line for line in lines()), lines()
    assert len(lines()) <= 1 + took, lines()


def test_an_engine_that_is_away_is_said_with_when_to_ask_again(fresh_service, unique):
    service = fresh_service()
    service.socket = str(service.home / "no-engine.sock")
    service.start()
    client = service.client("owner")
    project = client.project(unique())["name"]
    answer = client.call("GET", f"/projects/{project}/instances")
    assert answer.status == 503, answer
    assert holds_back(answer)["code"] == "unavailable", answer
    wait_for(lambda: f"id={identity(answer)} " in service.log(), "it to be in the log", seconds=10)
    page = service.request("GET", "/healthz")
    assert page.status in (200, 503), page
