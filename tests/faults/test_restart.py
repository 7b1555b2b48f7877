"""paastechd dies, the Engine is away: Applications go on, nothing acknowledged is lost, and it heals alone."""
import os
import signal
import subprocess
import threading
import time

import pytest

from tests.support import apps
from tests.support.private_engine import PrivateEngine
from tests.support.service import wait_for


def deployments(client, name):
    return client.call("GET", f"/projects/{name}/deployments").json()["items"]


@pytest.fixture
def running(fresh_service):
    service = fresh_service().start()
    client = service.client("owner")
    name = client.project("steady")["name"]
    repository = client.repository(name, apps.web("one"))
    repository.push()
    return service, client, repository


def test_kill_9_while_idle_keeps_the_application_and_its_instance(running):
    service, client, _ = running
    before = service.docker.containers(service.label)[0]["Id"]
    service.restart(signal.SIGKILL)
    assert wait_for(lambda: service.visit("steady").status == 200, "the Application to answer")
    time.sleep(1)  # a wrong reconciliation would act in this time
    assert [c["Id"] for c in service.docker.containers(service.label)] == [before]
    assert deployments(client, "steady")[0]["state"] == "live"


@pytest.mark.parametrize("step", ["building", "starting"])
def test_kill_9_in_the_middle_of_a_push_converges(running, step):
    service, client, repository = running
    slow = {"building": apps.web("two", dockerfile=apps.DOCKERFILE.replace("COPY", "RUN sleep 30\nCOPY")),
            "starting": apps.web("two", dockerfile='FROM debian:bookworm\nCMD ["sleep", "600"]\n')}[step]
    repository.commit(slow)
    push = threading.Thread(target=lambda: repository.push(check=False))
    push.start()
    wait_for(lambda: deployments(client, "steady")[0]["state"] == step, f"the deployment to be {step}")
    service.restart(signal.SIGKILL)
    push.join()
    assert service.visit("steady").text == "one GET /"
    newest = wait_for(lambda: next((d for d in deployments(client, "steady") if d["number"] == 2 and d["state"] == "failed"), None),
                      "deployment 2 to be failed")
    assert newest["reason"] == "interrupted", newest
    wait_for(lambda: len(service.docker.containers(service.label)) == 1, "no orphan container")
    wait_for(lambda: not [c for c in service.docker.call("GET", "/containers/json?all=1")[1] if "sleep 30" in c["Command"]],
             "the build's own container to be gone")
    repository.commit(apps.web("three"))
    repository.push()
    assert service.visit("steady").text == "three GET /"


def test_an_acknowledged_environment_change_survives_kill_9(running):
    service, client, _ = running
    assert client.call("PATCH", "/projects/steady/environment", {"set": {"MARK": "kept"}}).status == 202
    service.restart(signal.SIGKILL)
    wait_for(lambda: "MARK=kept" in service.visit("steady", "/environment").text, "the new environment to serve")
    wait_for(lambda: len(service.docker.containers(service.label)) == 1, "one Instance")


def test_a_removed_container_comes_back(running):
    service, client, _ = running
    container = service.docker.containers(service.label)[0]["Id"]
    service.docker.call("DELETE", f"/containers/{container}?force=1")
    wait_for(lambda: service.visit("steady").status == 200 and service.docker.containers(service.label)[0]["Id"] != container,
             "a new Instance to serve")


def test_sigterm_ends_it_cleanly_and_applications_go_on(running):
    service, _, _ = running
    service.kill(signal.SIGTERM)
    assert service.process.returncode == 0, service.log()[-2000:]
    assert service.docker.containers(service.label)[0]["State"] == "running"
    service.start()
    wait_for(lambda: service.visit("steady").text == "one GET /", "the Application to answer")


def test_engine_down_at_start_and_later_is_told_and_heals(fresh_service):
    service = fresh_service()
    engine = PrivateEngine(service.home / "engine")
    service.socket = engine.socket
    service.start()
    try:
        client = service.client("owner")
        client.project("waiting")
        done = client.repository("waiting", apps.web("one")).push(check=False)
        assert done.returncode != 0 and "Docker Engine" in done.stderr, done.stderr
        answer = client.call("GET", "/projects/waiting/instances")
        assert answer.status == 503 and "Docker Engine" in answer.json()["detail"], answer
        engine.start()
        wait_for(lambda: client.call("GET", "/projects/waiting/instances").status == 200, "the Engine to be met again")
        engine.stop()
        assert wait_for(lambda: client.call("GET", "/projects/waiting/instances").status == 503, "503 while it is away")
        engine.start()
        wait_for(lambda: client.call("GET", "/projects/waiting/instances").status == 200, "the Engine to be met again")
    finally:
        service.kill(signal.SIGTERM)
        engine.close()


def test_a_full_disk_is_told_and_loses_nothing(fresh_service):
    service = fresh_service()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m,mode=0700", "tmpfs", service.home], check=True)
    try:
        service.start()
        client = service.client("owner")
        client.project("small")
        repository = client.repository("small", apps.web("one"))
        repository.push()
        filler = service.home / "filler"
        with open(filler, "wb") as out:
            try:
                while True:
                    out.write(b"\0" * 65536)
                    out.flush()
            except OSError:
                pass
        answer = client.call("POST", "/projects", {"name": "one-more"})
        assert answer.status in (429, 503, 507) and answer.json()["detail"], answer
        assert service.visit("small").text == "one GET /"
        filler.unlink()
        wait_for(lambda: client.call("POST", "/projects", {"name": "one-more"}).status == 201, "it to recover by itself")
        assert deployments(client, "small")[0]["state"] == "live"
    finally:
        service.kill(signal.SIGTERM)
        subprocess.run(["umount", "-l", service.home], check=True)


def test_a_busy_port_is_named(fresh_service):
    first = fresh_service().start()
    second = fresh_service()
    for port in ("http_port", "api_port", "ssh_port"):
        kept = getattr(second, port)
        setattr(second, port, getattr(first, port))
        done = second.daemon("all")
        assert done.returncode == 1 and str(getattr(first, port)) in done.stderr and "in use" in done.stderr, done
        setattr(second, port, kept)


def test_two_daemons_do_not_share_a_home(fresh_service):
    service = fresh_service().start()
    done = service.daemon("all")
    assert done.returncode == 1 and "already runs" in done.stderr, done


@pytest.mark.parametrize("name", ["secret.key", "ssh_host_ed25519_key"])
def test_a_world_readable_secret_is_refused(fresh_service, name):
    service = fresh_service().start()
    service.kill(signal.SIGTERM)
    os.chmod(service.home / name, 0o644)
    done = service.daemon("all")
    assert done.returncode == 1 and name in done.stderr and "chmod 600" in done.stderr, done


def test_configuration_mistakes_are_explained_by_file_line_and_key(fresh_service):
    service = fresh_service("[ingress]\nprot = 80\n")
    (service.home / "paastech.toml").write_text(service.toml)
    done = service.daemon("config", "check")
    assert done.returncode != 0
    for part in ("paastech.toml", "line 2", "ingress.prot"):
        assert part in done.stderr, done.stderr
