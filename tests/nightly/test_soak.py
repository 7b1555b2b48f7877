"""Long tests: what must hold not once but for hours. `make test-nightly` runs them."""
from tests.support import apps
from tests.support.service import wait_for


def test_a_hundred_projects_come_and_go_without_a_trace(service, client, unique):
    repository = client.repository("none", apps.web("brief"))
    for number in range(100):
        name = unique("brief")
        client.project(name)
        repository.git("push", "-q", f"ssh://git@127.0.0.1:{service.ssh_port}/{name}", "main")
        assert service.visit(name).status == 200
        assert client.call("DELETE", f"/projects/{name}?confirm={name}").json()["leftovers"] == []
        if number == 10:
            settled = service.memory()
    assert service.docker.networks(service.label) == []
    assert service.docker.containers(service.label) == []
    print(f"memory after 10: {settled:.1f} MB, after 100: {service.memory():.1f} MB")
    assert service.memory() < settled * 1.5 + 5


def test_a_hundred_kill_9_lose_no_acknowledged_change(fresh_service):
    service = fresh_service().start()
    client = service.client("owner")
    client.project("survivor")
    client.repository("survivor", apps.web("survivor")).push()
    for number in range(100):
        assert client.call("PATCH", "/projects/survivor/environment", {"set": {"N": str(number)}}).status == 202
        service.restart()
        shown = client.call("GET", "/projects/survivor/environment?reveal=true").json()["items"]
        assert shown[0]["value"] == str(number)
    wait_for(lambda: "N=99" in service.visit("survivor", "/environment").text, "the last value to serve", seconds=60)
    wait_for(lambda: len(service.docker.containers(service.label)) == 1, "one Instance to be left", seconds=60)
