"""What strangers' code can reach. Every probe that must fail here is shown to succeed where the protection is off."""
import json
import socket
import threading

import pytest

from tests.support import apps

PROBE = r"""
use IO::Socket::INET; my ($host, $port) = @ARGV;
my $s = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => 2);
print $s ? "open\n" : "closed\n";
"""


def probe(docker, container, host, port):
    return docker.run_in(container, ["perl", "-e", PROBE, host, str(port)])[1].strip()


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


def test_an_application_reaches_itself_but_no_other_project(service, two):
    (_, one), (_, other) = two
    assert probe(service.docker, one["Id"], address(one), 80) == "open"
    assert probe(service.docker, one["Id"], address(other), 80) == "closed"
    for name in (other["Name"].strip("/"), other["Id"][:12]):
        assert probe(service.docker, one["Id"], name, 80) == "closed"


def test_host_services_are_out_of_reach(service, two):
    (_, one), _ = two
    listener = socket.create_server(("0.0.0.0", 0), backlog=16)
    port = listener.getsockname()[1]
    with socket.create_connection((gateway(one), port), timeout=2):
        pass  # the control: the same address answers from the host itself
    for target in (port, service.http_port, service.ssh_port, service.api_port):
        assert probe(service.docker, one["Id"], gateway(one), target) == "closed", target
    listener.close()


def test_the_metadata_address_is_dropped(service, two):
    import subprocess
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
    (_, one), _ = two
    listener = socket.create_server(("0.0.0.0", 0), backlog=16)
    port = listener.getsockname()[1]
    script = PROBE.replace("\n", " ").replace('"', '\\"').replace("$", "\\$")
    lines = ["FROM debian:bookworm", "COPY server.pl /", "COPY probe.pl /"]
    targets = [(address(one), 80), (gateway(one), port), (gateway(one), service.api_port), ("169.254.169.254", 80)]
    for host, each in targets:
        lines.append(f"RUN echo probe-{host}-{each}: $(perl /probe.pl {host} {each})")
    lines.append("RUN ip=$(perl -e 'use Socket; print 1') && echo gateway: $(perl /gateway.pl " + str(port) + ")")
    lines.append("RUN test ! -S /var/run/docker.sock && echo no socket")
    lines.append('CMD ["perl", "/server.pl"]')
    gateway_script = r"""
open my $f, '<', '/proc/net/route'; my $gw;
while (<$f>) { my @c = split; $gw = join '.', reverse map { hex } $c[2] =~ /../g if $c[1] eq '00000000' }
@ARGV = ($gw, $ARGV[0]); print "$gw ";
""" + PROBE
    name = client.project(unique())["name"]
    files = apps.web(dockerfile="\n".join(lines).replace("COPY probe.pl /", "COPY probe.pl gateway.pl /") + "\n")
    done = client.repository(name, {**files, "probe.pl": PROBE, "gateway.pl": gateway_script}).push(check=False, timeout=300)
    listener.close()
    assert done.returncode == 0, done.stderr
    for host, each in targets:
        assert f"probe-{host}-{each}: closed" in done.stderr, done.stderr
    assert "gateway: " in done.stderr and " open" not in done.stderr.replace("probe", ""), done.stderr


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


@pytest.mark.parametrize("bomb", ["fork", "memory"])
def test_a_bomb_takes_only_its_own_instance(service, client, unique, two, bomb):
    (project, one), (neighbour, _) = two
    script = {"fork": "1 while defined fork", "memory": "my @x; push @x, 'x' x 1e7 while 1"}[bomb]
    service.docker.run_in(one["Id"], ["timeout", "-s", "KILL", "8", "perl", "-e", script], timeout=60)
    assert service.visit(neighbour["name"]).status == 200
    assert service.request("GET", "/healthz").status == 200
    pids = service.docker.call("GET", f"/containers/{one['Id']}/stats?stream=false&one-shot=1")[1].get("pids_stats", {})
    assert pids.get("current", 0) <= one["HostConfig"]["PidsLimit"]


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
