"""What strangers' code can reach. Every probe that must fail here is shown to succeed where the protection is off."""
import concurrent.futures
import json
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

from tests.support import apps
from tests.support.service import Service, wait_for

BOMBED_SECONDS = 10
# Each goes on until it is killed: with every process that the Instance may have, or from one out-of-memory kill to the next.
BOMBS = {
    "fork": ["perl", "-e", "while (1) { defined fork or select undef, undef, undef, 0.01 }"],
    "memory": ["sh", "-c", "while :; do perl -e 'my @x; push @x, q(x) x 1e7 while 1'; done"],
}

PROBE = r"""
use IO::Socket::INET; my ($host, $port) = @ARGV;
my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 2);
print $s ? "open\n" : "closed\n";
"""


def probe(docker, container, host, port):
    return docker.run_in(container, ["perl", "-e", PROBE, host, str(port)])[1].strip()


@pytest.fixture(scope="module")
def service():
    """Its API listens on every address of the host, so that only the rules keep it from what runs here."""
    running = Service('[api]\naddress = "0.0.0.0"\n').start()
    yield running
    running.close()


@pytest.fixture
def two(service, client, unique):
    """Two Projects of one Client with their containers."""
    found = []
    for _ in range(2):
        project = client.project(unique())
        client.repository(project["name"], apps.web()).push()
        container = service.docker.containers(f"paastech.project={project['id']}")[0]
        found.append((project, service.docker.inspect(container["Id"])))
    return found


def test_the_container_is_hardened(two):
    _, inspected = two[0]
    host = inspected["HostConfig"]
    assert host["CapDrop"] == ["ALL"] and len(host["CapAdd"]) <= 8
    assert not {"SYS_ADMIN", "NET_RAW", "SYS_PTRACE", "NET_ADMIN", "MKNOD"} & {c.removeprefix("CAP_") for c in host["CapAdd"]}
    assert "no-new-privileges" in " ".join(host["SecurityOpt"])
    assert host["Memory"] > 0 and host["MemorySwap"] == host["Memory"]
    assert host["PidsLimit"] > 0 and host["NanoCpus"] > 0
    assert any(limit["Name"] == "nofile" for limit in host["Ulimits"])
    assert host["LogConfig"]["Type"] == "local" and host["LogConfig"]["Config"]["max-size"]
    assert not host["Binds"] and not host["PortBindings"] and not host["Privileged"] and not host["PublishAllPorts"]
    assert inspected["Mounts"] == []
    assert host["NetworkMode"] not in ("host", "default", "bridge")


def test_no_container_of_ours_has_a_docker_socket(service, two):
    for _, inspected in two:
        code, output = service.docker.run_in(inspected["Id"], ["find", "/", "-xdev", "-name", "docker*.sock"])
        assert output.strip() == "", output


def address(inspected):
    return next(iter(inspected["NetworkSettings"]["Networks"].values()))["IPAddress"]


def gateway(inspected):
    return next(iter(inspected["NetworkSettings"]["Networks"].values()))["Gateway"]


def answers_the_host(host, port):
    """The control: the same address takes connections of the host itself."""
    socket.create_connection((host, port), timeout=2).close()


def test_an_application_reaches_itself_but_no_other_project(service, two):
    (_, one), (_, other) = two
    assert probe(service.docker, one["Id"], address(one), 80) == "open"
    assert probe(service.docker, one["Id"], address(other), 80) == "closed"
    for name in (other["Name"].strip("/"), other["Id"][:12]):
        assert probe(service.docker, one["Id"], name, 80) == "closed"


def test_host_services_are_out_of_reach(service, two):
    (_, one), _ = two
    with socket.create_server(("0.0.0.0", 0), backlog=16) as listener:
        for target in (listener.getsockname()[1], service.http_port, service.ssh_port, service.api_port):
            answers_the_host(gateway(one), target)
            assert probe(service.docker, one["Id"], gateway(one), target) == "closed", target


def test_the_metadata_address_is_dropped(service, two):
    (_, one), _ = two
    subprocess.run(["ip", "address", "add", "169.254.169.254/32", "dev", "lo"], check=False)
    hits = []
    try:
        listener = socket.create_server(("169.254.169.254", 0))
        listener.settimeout(0.2)
        port = listener.getsockname()[1]
        stop = threading.Event()

        def accept():
            while not stop.is_set():
                try:
                    listener.accept()
                    hits.append(1)
                except TimeoutError:
                    pass
        thread = threading.Thread(target=accept)
        thread.start()
        with socket.create_connection(("169.254.169.254", port), timeout=2):
            pass
        assert probe(service.docker, one["Id"], "169.254.169.254", port) == "closed"
        stop.set()
        thread.join()
        assert len(hits) == 1, "the control reached the fake responder, and nobody else did"
        listener.close()
    finally:
        subprocess.run(["ip", "address", "del", "169.254.169.254/32", "dev", "lo"], check=False)


def test_a_build_reaches_neither_host_services_nor_applications(service, client, unique, two):
    """EngineIsolation.TheHostIsClosedToInstancesAndBuilds has the build's own gateway, the link-local addresses, and the same
    without the rules."""
    (_, one), _ = two
    name = client.project(unique())["name"]
    with socket.create_server(("0.0.0.0", 0), backlog=16) as listener:
        targets = [(address(one), 80)] + [(gateway(one), port) for port in (
            listener.getsockname()[1], service.http_port, service.ssh_port, service.api_port)]
        lines = ["FROM debian:bookworm", "COPY server.pl probe.pl /"]
        for host, port in targets:
            answers_the_host(host, port)
            lines.append(f"RUN echo probe-{host}-{port}: $(perl /probe.pl {host} {port})")
        lines += ["RUN test ! -S /var/run/docker.sock && echo no socket", 'CMD ["perl", "/server.pl"]']
        files = apps.web(dockerfile="\n".join(lines) + "\n") | {"probe.pl": PROBE}
        done = client.repository(name, files).push(check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    for host, port in targets:
        assert f"probe-{host}-{port}: closed" in done.stderr, done.stderr


def test_image_labels_touch_neither_ours_nor_a_proxys(service, client, unique):
    project = client.project(unique())
    victim = client.project(unique())
    dockerfile = apps.DOCKERFILE + (
        f'LABEL paastech.project="{victim["id"]}" paastech.deployment="99" traefik.enable="true" '
        f'traefik.http.routers.x.rule="Host(`{victim["name"]}.user-app.localhost`)"\n')
    client.repository(project["name"], apps.web("labelled", dockerfile=dockerfile)).push()
    assert service.docker.containers(f"paastech.project={victim['id']}") == []
    labels = service.docker.containers(f"paastech.project={project['id']}")[0]["Labels"]
    assert labels["paastech.deployment"] == "1"
    assert not [key for key, value in labels.items() if key.startswith("traefik") and value], labels
    assert service.visit(victim["name"]).status == 503
    assert service.visit(project["name"]).text == "labelled GET /"


def test_the_build_cache_of_one_project_is_not_seen_by_another(client, unique):
    dockerfile = "FROM debian:bookworm\nRUN head -c 16 /dev/urandom | od -An -tx1 > /canary\nCOPY server.pl /\nRUN echo canary $(cat /canary)\nCMD [\"perl\", \"/server.pl\"]\n"

    def canary(push):
        return next(line for line in push.stderr.splitlines() if "canary " in line and "RUN" not in line and "Step" not in line)
    one = client.repository(client.project(unique())["name"], apps.web(dockerfile=dockerfile))
    first = canary(one.push())
    other = client.repository(client.project(unique())["name"], apps.web(dockerfile=dockerfile))
    assert canary(other.push()) != first
    one.commit({"README": "again"})
    assert "Using cache" in one.push().stderr, "the control: a Project's own cache is used"


def visits(service, name, enough):
    """Milliseconds that each visit took, one after the other until enough(so far), sorted."""
    took = []
    while not enough(took):
        began = time.monotonic()
        answer = service.visit(name)
        took.append((time.monotonic() - began) * 1000)
        assert answer.status == 200, answer
        time.sleep(0.01)  # so that they meet all that the bomb does in its time
    return sorted(took)


def shown(took):
    return f"{len(took)} visits: median {took[len(took) // 2]:.1f} ms, p99 {took[int(len(took) * 0.99) - 1]:.1f} ms"


def out_of_memory(docker, container, since):
    """Events of the Engine that processes of the container were killed for its memory."""
    filters = urllib.parse.quote(json.dumps({"container": [container], "event": ["oom"]}))
    text = docker.call("GET", f"/events?since={since}&until={int(time.time()) + 1}&filters={filters}", raw=True)[1]
    return text.decode().splitlines()


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_takes_only_its_own_instance(service, two, bomb):
    (project, one), (neighbour, other) = two
    docker, limit, since = service.docker, one["HostConfig"]["PidsLimit"], int(time.time())
    processes = lambda: docker.call("GET", f"/containers/{one['Id']}/stats?stream=false&one-shot=1")[1]["pids_stats"].get("current", 0)
    visits(service, neighbour["name"], lambda took: len(took) == 50)  # what is slower at first
    before = visits(service, neighbour["name"], lambda took: len(took) == 400)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        # `timeout` ends the whole group of processes, with all that was forked.
        run = pool.submit(docker.run_in, one["Id"], ["timeout", "-s", "KILL", str(BOMBED_SECONDS), *BOMBS[bomb]], timeout=120)
        beside = pool.submit(visits, service, neighbour["name"], lambda _: run.done())
        counted = [processes()]
        while not run.done():
            counted.append(processes())
        beside = beside.result()
    killed = out_of_memory(docker, one["Id"], since)
    print(f"{bomb} bomb of at most {max(counted)} processes, {len(killed)} killed for memory; its neighbour without it: "
          f"{shown(before)}; beside it: {shown(beside)}")
    assert len(beside) >= 100, len(beside)
    assert max(counted) <= limit
    if bomb == "fork":
        assert max(counted) > limit * 0.9, f"the bomb did not come to its limit: {counted}"
    else:
        assert killed, "nothing was killed for its memory"
    calm = docker.inspect(other["Id"])
    assert (calm["State"]["StartedAt"], calm["RestartCount"]) == (other["State"]["StartedAt"], other["RestartCount"])
    assert out_of_memory(docker, other["Id"], since) == []
    assert service.request("GET", "/healthz").status == 200
    wait_for(lambda: processes() < 20, "the bomb to be gone")
    wait_for(lambda: service.visit(project["name"]).status == 200, "its own Instance to serve")


def test_a_fork_bomb_in_a_build_fails_the_build_only(service, client, unique):
    name = client.project(unique())["name"]
    dockerfile = "FROM debian:bookworm\nRUN timeout -s KILL 10 perl -e 'while (1) { my $p = fork; die \"fork: $!\" unless defined $p; if (!$p) { sleep 8; exit } }'\n"
    done = client.repository(name, apps.web(dockerfile=dockerfile)).push(check=False, timeout=300)
    assert done.returncode != 0
    assert service.request("GET", "/healthz").status == 200


def test_a_build_over_its_memory_is_named_so(client, unique):
    name = client.project(unique())["name"]
    dockerfile = "FROM debian:bookworm\nRUN perl -e 'my @x; push @x, \"x\" x 1e7 while 1'\n"
    done = client.repository(name, apps.web(dockerfile=dockerfile)).push(check=False, timeout=300)
    assert done.returncode != 0 and "memory" in done.stderr, done.stderr
    latest = client.call("GET", f"/projects/{name}/deployments").json()["items"][0]
    assert latest["reason"] == "out_of_memory", latest
