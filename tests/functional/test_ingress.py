"""What visitors meet, with the router in the running Service."""
import http.client
import json
import socket
import threading
import time

import pytest

from tests.support import apps
from tests.support.service import wait_for


@pytest.fixture
def app(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web("v0"))
    repository.push()
    return name, repository


def test_unknown_hosts_and_projects_without_instances_get_sensible_pages(service, client, unique):
    assert service.visit("nobody.user-app.localhost").status == 404
    assert service.visit("example.org").status == 404
    name = client.project(unique())["name"]
    answer = wait_for(lambda: (a := service.visit(name)).status == 503 and a, "503 for a Project without a Deployment")
    assert answer.headers["Retry-After"]


def test_the_application_is_told_who_asks(service, app):
    name, _ = app
    host = f"{name}.user-app.localhost"
    text = service.visit(name, "/headers", headers={"X-Forwarded-For": "6.6.6.6", "X-Request-Id": "forged"}).text.lower()
    assert "x-forwarded-for: 127.0.0.1" in text and "6.6.6.6" not in text
    assert f"host: {host}" in text and "x-forwarded-proto: http" in text and "forwarded: " in text
    assert "x-request-id: " in text and "forged" not in text


def test_an_instance_that_ended_serves_again(service, app):
    name, _ = app
    try:
        service.visit(name, "/crash")
    except Exception:
        pass
    wait_for(lambda: service.visit(name).status == 200, "the Instance to be started again by the Engine")


def test_no_request_is_dropped_while_deployments_change(service, client, app):
    name, repository = app
    stop, failed, count = threading.Event(), [], [0]

    def visitor():
        connection = http.client.HTTPConnection("127.0.0.1", service.http_port, timeout=30)
        while not stop.is_set():
            try:
                connection.request("GET", "/", headers={"Host": f"{name}.user-app.localhost"})
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    failed.append((answer.status, body[:100]))
            except (OSError, http.client.HTTPException) as e:
                failed.append(repr(e))
                connection.close()
            count[0] += 1
            time.sleep(0.002)

    def slow():
        while not stop.is_set():
            try:
                if service.visit(name, "/sleep/3").status != 200:
                    failed.append("slow")
            except OSError as e:
                failed.append(repr(e))

    threads = [threading.Thread(target=visitor) for _ in range(4)] + [threading.Thread(target=slow)]
    for each in threads:
        each.start()
    for number in range(1, 6):
        repository.commit(apps.web(f"v{number}"))
        repository.push()
    stop.set()
    for each in threads:
        each.join()
    print(f"{len(failed)} of {count[0]} requests failed during 5 redeploys")
    assert not failed and count[0] > 100, failed[:5]
    assert service.visit(name).text == "v5 GET /"


def test_large_bodies_stream_both_ways(service, app):
    name, _ = app
    answer = service.visit(name, "/upload", method="POST", data=b"x" * (20 << 20), timeout=60)
    assert answer.text == "v0 POST /upload"


@pytest.mark.parametrize("head", [
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: xchunked\r\n", b"Content-Length: 5\r\nContent-Length: 6\r\n",
    b"Content-Length: +5\r\n", b"X: a\r\n b\r\n", b"X : a\r\n", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
])
def test_ambiguous_requests_are_refused(service, app, head):
    name, _ = app
    with socket.create_connection(("127.0.0.1", service.http_port), timeout=10) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: " + f"{name}.user-app.localhost".encode() + b"\r\n" + head + b"\r\nhello")
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


def test_the_router_serves_while_everything_else_is_down(fresh_service):
    """The roles as processes of their own: with api, git and pomegranate gone, visitors notice nothing."""
    import os
    import signal
    import subprocess
    service = fresh_service()
    processes = {}
    (service.home / "run").mkdir(mode=0o700)
    from tests.support.service import BUILD

    def start(role):
        with open(service.home / f"{role}.log", "ab") as log:
            processes[role] = subprocess.Popen([BUILD / "bin" / "paastechd", role], env=service.environment(), stdout=log, stderr=log)
    try:
        for role in ("router", "pomegranate", "git"):
            start(role)
        service.start("api")
        client = service.client("owner")
        name = client.project("split")["name"]
        client.repository(name, apps.web("roles")).push()
        assert service.visit(name).text == "roles GET /"
        service.kill(signal.SIGKILL)
        for role in ("git", "pomegranate"):
            processes[role].kill()
            processes[role].wait()
        for _ in range(20):
            assert service.visit(name).text == "roles GET /"
        processes["router"].kill()
        processes["router"].wait()
        start("router")
        wait_for(lambda: _answers(service, name), "a restarted router to serve without api")
        for role in ("git", "pomegranate"):
            start(role)
        service.start("api")
        wait_for(lambda: client.call("GET", f"/projects/{name}/instances").status == 200, "the whole to be back")
        assert service.visit(name).text == "roles GET /"
        began = time.monotonic()
        service.kill(signal.SIGTERM)  # with calls to the other roles under way
        assert time.monotonic() - began < 10
    finally:
        for process in processes.values():
            process.terminate()
            process.wait(30)


def _answers(service, name):
    try:
        return service.visit(name).status == 200
    except OSError:
        return False
