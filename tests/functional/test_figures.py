"""Sizes reach the Engine, and what goes over the network is measured: by Instance, by Process over time, and for Prometheus."""
import re

from tests.support import apps
from tests.support.cli import as_json, ok
from tests.support.service import wait_for

MEBIBYTES = 8


def containers_by_process(service, project):
    return {each["Labels"]["paastech.process"]: service.docker.inspect(each["Id"])["HostConfig"]
            for each in service.docker.containers(f"paastech.project={project['id']}")}


def test_a_size_is_what_the_engine_holds_an_instance_to(service, client, unique):
    project = client.project(unique())
    name = project["name"]
    client.repository(name, apps.web("one") | {"Procfile": "web: exec perl /server.pl\nworker: exec sleep 1000\n"}).push()
    ok(client.cli("ps", "size", "web", "--memory", "96M", "--cpus", "0.25", "-p", name))
    # The replaced one goes a moment later.
    wait_for(lambda: len(service.docker.containers(f"paastech.project={project['id']}")) == 2, "the replaced Instance to go")
    limits = {process: (host["Memory"], host["MemorySwap"], host["NanoCpus"])
              for process, host in containers_by_process(service, project).items()}
    assert limits == {"web": (96 << 20, 96 << 20, 250_000_000), "worker": (512 << 20, 512 << 20, 1_000_000_000)}, limits
    ok(client.cli("ps", "size", "web", "--cpus", "0.5", "-p", name))
    wait_for(lambda: len(service.docker.containers(f"paastech.project={project['id']}")) == 2, "the replaced Instance to go")
    web = containers_by_process(service, project)["web"]
    assert (web["Memory"], web["NanoCpus"]) == (96 << 20, 500_000_000), "what is not named stays"


def test_what_comes_and_goes_over_the_network_is_measured(service, client, unique):
    name = client.project(unique())["name"]
    files = apps.web("one")
    files["server.pl"] = files["server.pl"].replace("my $status =", f"$body = 'x' x ({MEBIBYTES} << 20) if $path eq '/much';\n        my $status =")
    client.repository(name, files).push()
    stats = lambda: as_json(client.cli("stats", "--json", "-p", name))["items"][0]
    pattern = rf'paastech_app_network_(received|sent)_bytes_total\{{project="[0-9a-f-]+",name="{name}",process="web"\}} (\S+)'
    figures = lambda: {way: float(value) for way, value in re.findall(pattern, service.request("GET", "/metrics").text)}
    wait_for(lambda: len(figures()) == 2, "the first figures", seconds=75, every=0.5)
    before, counted = stats(), figures()
    uploaded = service.visit(name, "/upload", method="POST", data=b"x" * (MEBIBYTES << 20), timeout=60)
    assert uploaded.status == 200 and len(service.visit(name, "/much", timeout=60).body) == MEBIBYTES << 20
    grown = lambda was, now: {key: now[key] - was[key] for key in was if isinstance(now[key], (int, float))}
    now = wait_for(lambda: (seen := grown(before, stats()))["network_sent_bytes"] >= MEBIBYTES << 20 and seen, "the Instance's figures")
    assert MEBIBYTES << 20 <= now["network_received_bytes"] <= 2 * MEBIBYTES << 20, now
    assert now["network_sent_bytes"] <= 2 * MEBIBYTES << 20, now
    sums = wait_for(lambda: min((seen := grown(counted, figures())).values()) >= MEBIBYTES << 20 and seen, "Prometheus' figures",
                    seconds=45, every=0.5)
    series = client.call("GET", f"/projects/{name}/metrics").json()["series"]
    for way in ("received", "sent"):
        shown = sum(value for value in series[f"{way}_bytes_per_second"] if value) * 10
        print(f"{way}: {now[f'network_{way}_bytes']} by the Instance, {sums[way]:.0f} for Prometheus, {shown:.0f} in the last hour")
        assert MEBIBYTES << 20 <= shown <= 2.5 * MEBIBYTES * 2**20, (way, shown)
