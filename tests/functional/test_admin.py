"""Administrators: suspension, plans, deletion, overview, on a real Engine."""
import contextlib
import os
import signal
import socket
import subprocess
import threading

import pytest

from tests.support import apps
from tests.support.service import wait_for

NO_LIMITS = dict.fromkeys(["projects", "instances", "memory_bytes", "milli_cpus", "build_minutes", "disk_bytes"], -1)


@pytest.fixture
def plan(service, unique):
    """Gives a Client a plan of its own with these limits."""
    def give(client, **limits):
        name, username = unique("plan"), client.username
        made = service.admin().call("PUT", f"/plans/{name}", NO_LIMITS | limits)
        assert made.status == 200, made
        given = service.admin().call("PATCH", f"/clients/{username}", {"plan": name})
        assert given.status == 200 and given.json()["plan"] == name, given
        return name
    return give


def test_a_suspended_client_s_applications_stop_until_it_is_resumed(fresh_service):
    service = fresh_service().start()
    admin, client = service.admin(), service.client("ada")
    runs, stopped = client.project("runs"), client.project("stopped")
    repository = client.repository("runs", apps.web("one"))
    repository.push()
    client.repository("stopped", apps.web("two")).push()
    assert client.call("POST", "/projects/stopped/stop").status == 200
    wait_for(lambda: service.visit("stopped").status == 503, "the Client's own stop")

    done = admin.call("POST", "/clients/ada/suspend", {"reason": "mining coins"})
    assert done.status == 200 and done.json()["state"] == "suspended", done
    page = wait_for(lambda: (a := service.visit("runs")).status == 503 and a, "the Application to stop", seconds=10)
    assert "instance" in page.text, page
    wait_for(lambda: not service.docker.containers(f"paastech.project={runs['id']}"), "its Instance to go", seconds=45)
    assert client.call("GET", "/me").status == 401
    refused = service.request("POST", "/api/v1/sessions", {"email": client.email, "password": client.password})
    assert refused.status == 403 and "mining coins" in refused.json()["detail"], refused
    repository.commit(apps.web("three"))
    told = client.environment()
    told["GIT_SSH_COMMAND"] = told["GIT_SSH_COMMAND"].replace("LogLevel=ERROR", "LogLevel=INFO")  # as by default
    push = subprocess.run(["git", "push", "paastech", "main"], cwd=repository.path, env=told, capture_output=True, text=True)
    assert push.returncode != 0 and "suspended: mining coins" in push.stderr, push.stderr
    assert admin.call("GET", "/projects/runs").json()["state"] == "suspended"
    assert admin.call("POST", "/projects/runs/restart").status == 412

    service.restart(signal.SIGKILL)
    wait_for(lambda: service.visit("runs").status == 503, "the route after the restart")
    # A Deployment goes live only once all Projects were compared.
    other = service.client("bob")
    other.project("other")
    other.repository("other", apps.web("other")).push()
    assert service.visit("runs").status == 503
    assert not service.docker.containers(f"paastech.project={runs['id']}")

    assert admin.call("POST", "/clients/ada/resume").json()["state"] == "active"
    wait_for(lambda: service.visit("runs").text == "one GET /", "the Application to be back")
    assert service.visit("stopped").status == 503
    assert not service.docker.containers(f"paastech.project={stopped['id']}")
    repository.push()
    assert service.visit("runs").text == "three GET /"


def stubborn():
    """An Application that ends for nobody and lets nobody go: it heeds no TERM, and has the longest times of all."""
    files = apps.web("one", """processes:
  web: {drain: 300, stop_grace: 300}
  worker: {command: ["perl", "-e", "$SIG{TERM} = 'IGNORE'; sleep 1 while 1"], stop_grace: 300}
""")
    paths = r"""if ($path eq '/tunnel') {
            print $client "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
            while (my $sent = <$client>) { print $client $sent }
            exit 0;
        }
        if ($path eq '/stream') {
            print $client "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n";
            sleep 1 while 1;
        }
        if ($path eq '/never') { print STDOUT "asked\n"; sleep 1 while 1 }
        sleep $1"""
    files["server.pl"] = (files["server.pl"].replace("$SIG{TERM} = sub { $stop = 1; close $listener };",
                                                     '$SIG{TERM} = sub { print "told\\n" };').replace("sleep $1", paths, 1))
    assert "told" in files["server.pl"] and "/tunnel" in files["server.pl"]
    return files


def visitor(service, name, path, headers=""):
    connection = socket.create_connection(("127.0.0.1", service.http_port), timeout=30)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {name}.user-app.localhost\r\n{headers}\r\n".encode())
    return connection


def tunnel_to(service, name):
    connection = visitor(service, name, "/tunnel", "Connection: Upgrade\r\nUpgrade: echo\r\n")
    assert b" 101 " in connection.recv(65536)
    connection.sendall(b"hello\n")
    assert connection.recv(65536) == b"hello\n"
    return connection


def rest_of(connection):
    """All that still comes until the other side closes."""
    seen = b""
    with contextlib.suppress(ConnectionResetError):
        while more := connection.recv(65536):
            seen += more
    return seen


def test_a_suspension_waits_neither_for_visitors_nor_for_the_application(fresh_service):
    service = fresh_service().start()
    admin, client = service.admin(), service.client("ada")
    projects = {name: client.project(name)["id"] for name in ("runs", "drains", "deaf")}
    for name in projects:
        client.repository(name, stubborn()).push()

    def said(name, text):
        return client.log_lines(name, f"process=web&grep={text}")

    def there():
        return [each for id in projects.values() for each in service.docker.containers(f"paastech.project={id}")]

    answers = []
    stops = [threading.Thread(target=lambda name=name: answers.append(client.call("POST", f"/projects/{name}/stop", timeout=90)))
             for name in ("drains", "deaf")]
    with contextlib.ExitStack() as connections:
        tunnel = connections.enter_context(tunnel_to(service, "runs"))
        stream = connections.enter_context(visitor(service, "runs", "/stream"))
        assert b"begun" in stream.recv(65536)
        waits = connections.enter_context(visitor(service, "runs", "/never"))
        wait_for(lambda: said("runs", "asked"), "the request to be under way")
        connections.enter_context(tunnel_to(service, "drains"))
        for each in stops:
            each.start()
        wait_for(lambda: service.visit("drains").status == 503, "the Client's own stop, which waits for the tunnel")
        wait_for(lambda: said("deaf", "told"), "the Client's own stop, whose signal is not heeded")
        assert len(there()) == 6, there()

        assert admin.call("POST", "/clients/ada/suspend", {"reason": "mining coins"}).status == 200
        wait_for(lambda: service.visit("runs").status == 503, "the Application to have no visitors any more", seconds=10)
        wait_for(lambda: not there(), "all Instances to be gone", seconds=20, fails=False)
        assert not there(), ([(each["Names"], each["Status"]) for each in there()], service.log()[-3000:])
        assert rest_of(tunnel) == b"" and b"0\r\n\r\n" not in rest_of(stream)
        told = waits.recv(65536)
        assert told.split(b" ", 2)[1] in (b"502", b"503"), told
    for each in stops:
        each.join(60)
    assert [each.status for each in answers] == [200, 200], answers

    assert admin.call("POST", "/clients/ada/resume").status == 200
    wait_for(lambda: service.visit("runs").text == "one GET /", "the Application to be back")
    assert [service.visit(name).status for name in ("drains", "deaf")] == [503, 503]


def test_a_project_too_many_is_refused_and_deleting_one_makes_room(client, unique, plan):
    name = plan(client, projects=1)
    first = client.project(unique())["name"]
    refused = client.call("POST", "/projects", {"name": unique()})
    assert refused.status == 403, refused
    assert refused.json()["detail"] == f"the plan `{name}` allows 1 project; in use: 1"
    assert "administrator" in refused.json()["hint"]
    assert client.call("DELETE", f"/projects/{first}?confirm={first}").status == 200
    client.project(unique())


def test_an_instance_too_many_is_not_deployed(service, client, unique, plan):
    name = plan(client, instances=1)
    first, second = client.project(unique())["name"], client.project(unique())["name"]
    repository = client.repository(first, apps.web("one"))
    repository.push()
    other = client.repository(second, apps.web("other"))
    refused = other.push(check=False)
    assert refused.returncode != 0
    assert f"`{name}` allows 1 Instance; in use: 1" in refused.stderr, refused.stderr
    repository.commit(apps.web("two"))
    repository.push()  # takes the place of what runs
    assert service.visit(first).text == "two GET /"
    assert client.call("POST", f"/projects/{first}/stop").status == 200
    other.push()
    assert client.call("POST", f"/projects/{first}/start").status == 403


def test_builds_use_up_the_minutes_of_the_month(client, unique, plan):
    project = client.project(unique())["name"]
    repository = client.repository(project, apps.web("one"))
    plan(client, build_minutes=1)
    assert client.call("GET", "/me/usage").json()["used"]["build_minutes"] == 0
    repository.push()
    usage = client.call("GET", "/me/usage").json()
    assert usage["used"]["build_minutes"] == 1 and usage["limits"]["build_minutes"] == 1, usage
    repository.commit(apps.web("two"))
    refused = repository.push(check=False)
    assert refused.returncode != 0 and "1 build minute a month" in refused.stderr, refused.stderr
    newest = client.call("GET", f"/projects/{project}/deployments").json()["items"][0]
    assert (newest["state"], newest["reason"]) == ("failed", "quota"), newest
    assert client.call("POST", f"/projects/{project}/restart").status == 202  # needs no build


def test_a_push_that_would_pass_the_disk_is_refused(client, unique, plan):
    project = client.project(unique())["name"]
    repository = client.repository(project, {"README": "small"})
    name = plan(client, disk_bytes=1 << 20)
    repository.push("main:side")
    used = client.call("GET", "/me/usage").json()["used"]["disk_bytes"]
    assert 0 < used < 1 << 20
    repository.commit({"blob": os.urandom(2 << 20)})
    refused = repository.push("main:side", check=False)
    assert refused.returncode != 0, refused.stderr
    assert f"`{name}` allows 1 MiB of repositories; in use: " in refused.stderr, refused.stderr
    assert client.call("GET", "/me/usage").json()["used"]["disk_bytes"] < 1 << 20
    plan(client, disk_bytes=4 << 20)
    repository.push("main:side")


def test_deleting_a_client_takes_everything_it_owns(service, unique):
    client = service.client(unique("gone"))
    username = client.username
    project = client.project(unique())
    client.repository(project["name"], apps.web("one")).push()
    admin = service.admin()
    assert admin.call("DELETE", f"/clients/{username}?confirm=somebody").status == 422
    assert service.visit(project["name"]).text == "one GET /"
    assert admin.call("DELETE", f"/clients/{username}?confirm={username}").status == 202
    wait_for(lambda: admin.call("GET", f"/clients/{username}").status == 404, "the account to be gone", seconds=60)
    assert service.visit(project["name"]).status == 404
    assert not service.docker.containers(f"paastech.project={project['id']}")
    assert not (service.home / "repositories" / f"{project['id']}.git").exists()


def test_the_only_administrator_stays(service):
    admin = service.admin()
    assert admin.call("PATCH", "/clients/admin", {"administrator": False}).status == 412
    assert admin.call("POST", "/clients/admin/suspend", {"reason": "x"}).status == 412
    assert admin.call("DELETE", "/clients/admin?confirm=admin").status == 412
    assert admin.call("GET", "/me").status == 200


def test_overview_and_announcements(service, client, unique):
    project = client.project(unique())["name"]
    client.repository(project, apps.web("one")).push()
    overview = service.admin().call("GET", "/overview")
    assert overview.status == 200, overview
    seen = overview.json()
    assert seen["engine"]["name"] == "docker" and seen["instances"]["running"] >= 1, seen
    assert seen["instances"]["memory_bytes"] > 0 and seen["projects"]["live"] >= 1, seen
    assert seen["disk"]["available_bytes"] > 0
    assert client.call("GET", "/overview").status == 403

    made = service.admin().call("POST", "/announcements", {"level": "info", "text": "hello all"})
    assert made.status == 201, made
    assert [a["text"] for a in client.call("GET", "/me/announcements").json()["items"]] == ["hello all"]
    assert service.admin().call("DELETE", "/announcements/" + made.json()["id"]).status == 204
    assert client.call("GET", "/me/announcements").json()["items"] == []
