"""The Docker Engine is restarted under load, with live-restore: Instances keep their processes, visitors notice nothing."""
import pathlib
import signal

import pytest

from tests.support import apps
from tests.support.private_engine import PrivateEngine
from tests.support.service import wait_for
from tests.support.visitors import Load

ALLOWED = 0.001  # of the visits may fail


@pytest.fixture
def engine(fresh_service):
    service = fresh_service()
    private = PrivateEngine(service.home / "engine")
    service.socket, service.docker = private.socket, private.docker
    private.start()
    try:
        private.wait().bring("debian:bookworm")
        yield service, private
    finally:
        service.kill(signal.SIGTERM)
        if private.process.poll() is not None:
            private.start()
        private.wait()
        if service.instance:
            service.docker.clean(service.label)
        service.instance = None
        private.close()


def process_of(docker, container):
    """What is another one after any restart: the Engine's word, and the kernel's."""
    found = docker.inspect(container)
    began = pathlib.Path(f"/proc/{found['State']['Pid']}/stat").read_text().rsplit(")", 1)[1].split()[19]
    return found["State"]["Pid"], found["State"]["StartedAt"], found["RestartCount"], began


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_an_engine_restarted_under_load_disturbs_neither_instances_nor_visitors(engine, how):
    service, private = engine
    service.start()
    client = service.client("owner")
    client.project("steady")
    repository = client.repository("steady", apps.web("one"))
    repository.push()
    assert client.call("PATCH", "/projects/steady/processes", {"processes": {"web": {"count": 2}}}).status == 202
    instances = lambda: client.call("GET", "/projects/steady/instances")
    wait_for(lambda: [i["state"] for i in instances().json()["items"]] == ["running"] * 2, "two Instances")
    deployments = lambda: client.call("GET", "/projects/steady/deployments").json()["items"]
    wait_for(lambda: {d["state"] for d in deployments()} <= {"live", "superseded"}, "the change to be done")
    before = {each["Id"]: process_of(service.docker, each["Id"]) for each in service.docker.containers(service.label)}
    with Load(service, "steady") as load:
        load.expect_more(200)
        for _ in range(3):
            private.stop(how)
            assert wait_for(lambda: instances().status == 503, "503 while the Engine is away")
            load.expect_more(200)
            private.start()
            private.wait()
            wait_for(lambda: instances().status == 200, "the Engine to be met again")
            load.expect_more(200)
            after = {each["Id"]: process_of(service.docker, each["Id"]) for each in service.docker.containers(service.label)}
            assert after == before
        repository.commit(apps.web("two"))
        wait_for(lambda: repository.push(check=False).returncode == 0, "a push after the restarts", seconds=60)
    assert service.visit("steady").text == "two GET /"
    print(f"Engine restarted 3 times: {load}")
    assert load.requests >= 1000 and len(load.failures) <= load.requests * ALLOWED, (str(load), load.failures[:5])
