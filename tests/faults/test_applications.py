"""Applications that misbehave, and builds that take too much: each is told by its name and harms nobody else."""
import time

from tests.support import apps
from tests.support.service import wait_for
from tests.support.slow_clients import FREED_WITHIN, MEASURED_BY, SlowClients, open_files


def instances(client, name):
    return client.call("GET", f"/projects/{name}/instances").json()["items"]


def test_a_build_over_its_time_is_stopped_and_named_so(fresh_service):
    service = fresh_service("[builds]\ntimeout_s = 5\n").start()
    client = service.client("owner")
    client.project("endless")
    done = client.repository("endless", apps.web(dockerfile=apps.DOCKERFILE.replace("COPY", "RUN sleep 600\nCOPY"))).push(check=False)
    assert done.returncode != 0 and "limit of 5 s" in done.stderr, done.stderr
    assert client.call("GET", "/projects/endless/deployments").json()["items"][0]["reason"] == "timeout"
    wait_for(lambda: not [c for c in service.docker.call("GET", "/containers/json")[1] if "sleep 600" in c["Command"]],
             "the build's container to be gone")


def test_an_application_out_of_memory_is_shown_as_such(service, client, unique):
    name = client.project(unique())["name"]
    files = apps.web()
    files["server.pl"] = files["server.pl"].replace("sleep $1 if", "if ($path eq '/eat') { my @x; push @x, 'x' x 1e7 while 1 }\nsleep $1 if")
    # Only the whole Instance's death counts, so the request handler must not be a child that dies alone.
    files["server.pl"] = files["server.pl"].replace("my $pid = fork; if ($pid) { close $client; next }", "").replace("$SIG{TERM} = 'DEFAULT';", "") \
        .replace("    exit 0;\n}", "}")
    client.repository(name, files).push()
    try:
        service.visit(name, "/eat", timeout=30)
    except OSError:
        pass
    seen = wait_for(lambda: next((i for i in instances(client, name) if i.get("crash")), None), "the Instance to be seen as killed", 5)
    assert seen["crash"]["reason"] == "out of memory", seen
    print(seen)
    wait_for(lambda: service.visit(name).status == 200, "it to be started again")


def test_a_crash_loop_leaves_the_machine_idle_and_the_neighbours_alone(service, client, unique):
    looping, neighbour = client.project(unique())["name"], client.project(unique())["name"]
    files = apps.web("loop")
    files["server.pl"] = "if (-e '/crash') { print \"crashing\\n\"; exit 1 }\n" + files["server.pl"].replace(
        "my $body = VERSION", "if ($path eq '/break') { open my $f, '>', '/crash'; kill 'KILL', getppid }\nmy $body = VERSION")
    client.repository(looping, files).push()
    client.repository(neighbour, apps.web("calm")).push()
    try:
        service.visit(looping, "/break")
    except OSError:
        pass
    crash = lambda: instances(client, looping)[0].get("crash", {})
    wait_for(lambda: crash().get("count", 0) >= 3, "it to be started again and again")
    assert crash()["reason"] == "exit code 1" and 1 <= crash()["restarts_in_seconds"] <= 8, crash()
    ticks = lambda: sum(map(int, open(f"/proc/{service.process.pid}/stat").read().rsplit(")", 1)[1].split()[11:13]))
    before, began = ticks(), time.monotonic()
    answers = []
    while time.monotonic() - began < 5:
        answers.append(service.visit(neighbour).status)
        time.sleep(0.1)
    share = (ticks() - before) / 100 / (time.monotonic() - began)
    print(f"paastechd used {share:.1%} of a core beside the crash loop and 10 requests/s")
    assert set(answers) == {200}
    assert service.visit(looping).status in (200, 502, 503)
    assert client.call("POST", f"/projects/{looping}/stop").status == 200


def test_many_slow_clients_do_not_disturb_the_others(service, client, unique):
    """nightly/test_slow_clients.py has more of them, and of more kinds."""
    name = client.project(unique())["name"]
    client.repository(name, apps.web("quick")).push()
    latencies = []
    with open_files(8000), SlowClients(service, 2000, first=b"GET / HT") as slow:
        while len(latencies) < 300 or len(slow.freed) < len(slow.opened):
            began = time.monotonic()
            answer = service.visit(name)
            latencies.append(time.monotonic() - began)
            assert answer.status == 200, answer
            assert began - max(slow.opened.values()) < FREED_WITHIN + 30, f"{len(slow.freed)} of {len(slow.opened)} were freed"
            time.sleep(0.02)
    longest = max(slow.freed.values())
    print(f"p99 of {len(latencies)} visits beside {len(slow.opened)} half-sent requests: "
          f"{sorted(latencies)[int(len(latencies) * 0.99) - 1] * 1000:.1f} ms; the last of those was freed after {longest:.1f} s")
    assert longest <= FREED_WITHIN + MEASURED_BY, longest


def test_a_large_output_is_bounded_in_memory_and_on_disk(service, client, unique):
    name = client.project(unique())["name"]
    loud = apps.DOCKERFILE.replace("COPY", "RUN perl -e 'print \"x\" x 200, \"\\n\" for 1..100000'\nCOPY")
    done = client.repository(name, apps.web(dockerfile=loud)).push(timeout=300)
    assert done.returncode == 0
    log = client.call("GET", f"/projects/{name}/deployments/1/log", headers={"Accept": "text/plain"})
    assert len(log.body) < 5 << 20
    project = client.call("GET", f"/projects/{name}").json()["id"]
    container = service.docker.containers(f"paastech.project={project}")[0]["Id"]
    config = service.docker.inspect(container)["HostConfig"]["LogConfig"]["Config"]
    assert config["max-size"] and int(config["max-file"]) <= 5
