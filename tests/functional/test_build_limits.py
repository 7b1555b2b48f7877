"""The container in which a step of a build runs, as the Engine has it: its limits, and the network it is on."""
import json
import subprocess

from tests.support import apps
from tests.support.service import wait_for

MEMORY = 300_000_000


def test_a_step_of_a_build_runs_within_limits_on_the_projects_own_network(fresh_service):
    service = fresh_service(f"[builds]\nmemory_bytes = {MEMORY}\n").start()
    client = service.client("owner")
    project = client.project("limited")
    repository = client.repository("limited", apps.web(dockerfile=apps.DOCKERFILE.replace("COPY", "RUN sleep 301\nCOPY")))
    push = subprocess.Popen(["git", "push", "paastech", "main"], cwd=repository.path, env=client.environment(),
                            stderr=subprocess.PIPE, text=True)
    try:
        network, = wait_for(lambda: service.docker.networks(f"paastech.project={project['id']}"), "the Project's network")

        def step():
            """The containers of that network; one that ends meanwhile is none."""
            found = [c for c in service.docker.call("GET", "/containers/json")[1]
                     if network["Name"] in c["NetworkSettings"]["Networks"] and "sleep 301" in c["Command"]]
            inspected = [service.docker.inspect(c["Id"]) for c in found]
            return next((i for i in inspected if i.get("HostConfig", {}).get("PidsLimit")), None)
        inspected = wait_for(step, "the step to run, its processes limited")
        host = inspected["HostConfig"]
        shown = json.dumps(host)
        assert host["Memory"] == host["MemorySwap"] == MEMORY, shown
        assert 0 < host["CpuQuota"] / host["CpuPeriod"] <= 2, shown
        assert 0 < host["PidsLimit"] <= 4096, shown
        assert [limit["Name"] for limit in host["Ulimits"]] == ["nofile"], shown
        assert host["NetworkMode"] == network["Name"] and list(inspected["NetworkSettings"]["Networks"]) == [network["Name"]]
        assert not host["Privileged"] and not host["Binds"] and not host["PortBindings"] and inspected["Mounts"] == [], shown
        assert client.cli("deployments", "cancel", "1", "-p", "limited").returncode == 0
        told = push.communicate(timeout=30)[1]
        assert push.returncode != 0 and "ancelled" in told, told
    finally:
        push.kill()
        push.wait()
