"""What Instances and Deployments print is kept: over crashes, deployments, restarts of paastechd and an Engine that is away."""
import json
import re
import signal
import subprocess
import threading
import time

from tests.support import apps
from tests.support.cli import connected, ok
from tests.support.cut_engine import CutEngine
from tests.support.service import BUILD, SOCKET, wait_for

NUMBERS = 20_000


def counting(to=NUMBERS, pause=0.0003):
    """An application that counts beside serving: `count 1` … `count N`, then `counted`."""
    files = apps.web("one")
    count = (f"if (!fork) {{ $| = 1; for (1 .. {to}) {{ print \"count $_\\n\"; select(undef, undef, undef, {pause}) }} "
             "print \"counted\\n\"; sleep 100000 }\n")
    files["server.pl"] = "use constant VERSION => 'one';\n" + count + files["server.pl"].split("\n", 1)[1]
    return files


def talkative(version):
    """Says farewell on SIGTERM, and a last word before it kills itself."""
    files = apps.web(version)
    files["server.pl"] = (files["server.pl"].replace("$stop = 1;", "$stop = 1; print \"farewell VERSION\\n\";".replace("VERSION", version))
                          .replace("kill 'KILL', getppid", "print STDERR \"last word\\n\"; kill 'KILL', getppid"))
    return files


def lines(client, name, query="lines=10000"):
    return client.log_lines(name, query)


def texts(client, name, query="lines=10000"):
    return [line["text"] for line in lines(client, name, query)]


def all_lines(client, name, query):
    """All that there is, page by page."""
    cursor, found = 0, []
    while page := lines(client, name, f"{query}&lines=10000&cursor={cursor}"):
        found += page
        cursor = page[-1]["sequence"]
    return found


def expect_counted(client, name, to=NUMBERS):
    counted = [line["text"] for line in all_lines(client, name, "process=web&grep=%5Ecount%20")]
    assert counted == [f"count {number}" for number in range(1, to + 1)], (
        f"{len(counted)} lines, {len(set(counted))} different ones, first {counted[:1]}, last {counted[-1:]}")


def counted_to(client, name):
    last = lines(client, name, "lines=1&grep=%5Ecount%20")
    return int(last[0]["text"].split()[1]) if last else 0


def test_lines_are_kept_over_crashes_and_deployments_with_who_wrote_them(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, talkative("one"))
    repository.push()
    service.visit(name, "/log/first")
    service.visit(name, "/crash")
    wait_for(lambda: "last word" in texts(client, name), "the last word of the crashed Instance")
    wait_for(lambda: service.visit(name).status == 200, "the Instance to be back")
    repository.commit(talkative("two"))
    repository.push()
    service.visit(name, "/log/second")
    wait_for(lambda: {"request /log/second", "farewell one"} <= set(texts(client, name)), "the new one's words and the old one's last")
    kept = {line["text"]: line for line in lines(client, name)}
    assert kept["last word"]["stream"] == "stderr" and kept["last word"]["instance"] == "web.1"
    assert kept["request /log/first"]["deployment"] == 1 and kept["request /log/second"]["deployment"] == 2
    processes = {line["process"] for line in kept.values()}
    assert {"web", "build", "platform"} <= processes, processes
    assert any(line["process"] == "platform" and "Live" in text for text, line in kept.items())
    ordered = lines(client, name)
    assert [line["sequence"] for line in ordered] == list(range(1, len(ordered) + 1))
    assert set(texts(client, name, "deployment=2&process=web")) >= {"request /log/second"}
    assert "request /log/first" not in texts(client, name, "deployment=2&process=web")
    ok(client.cli("stop", "-p", name))
    wait_for(lambda: "farewell two" in texts(client, name, "lines=20"), "the last words of a stopped one")
    asked = client.cli("logs", "--process", "web", "--grep", "^farewell", "--since", "1h", "-p", name)
    assert re.findall(r"\| (.*)", ok(asked)) == ["farewell one", "farewell two"]


def test_no_line_is_lost_or_doubled_when_paastechd_is_killed(fresh_service):
    service = fresh_service().start()
    client = service.client("owner")
    name = client.project("count")["name"]
    client.repository(name, counting()).push()
    follower = subprocess.Popen([BUILD / "bin" / "paastech", "logs", "-f", "-n", "10000", "--grep", "^count", "--json", "-p", name],
                                env=connected(client), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    followed = []
    reader = threading.Thread(target=lambda: followed.extend(iter(follower.stdout.readline, "")), daemon=True)
    reader.start()
    wait_for(lambda: followed, "the follower to be connected")
    for _ in range(3):
        before = counted_to(client, name)
        wait_for(lambda: counted_to(client, name) > before, "it to count on")
        service.restart(signal.SIGKILL)
    wait_for(lambda: "counted" in texts(client, name, "lines=5"), "the last number", seconds=120)
    expect_counted(client, name)
    wait_for(lambda: follower.poll() is not None or (followed and '"counted"' in followed[-1]), "the follower to have all", seconds=60)
    assert follower.poll() is None, follower.stderr.read()
    follower.send_signal(signal.SIGINT)
    assert follower.wait(10) == 130, follower.stderr.read()
    numbers = [int(json.loads(line)["text"].split()[1]) for line in followed if '"count ' in line]
    assert numbers == list(range(numbers[0], NUMBERS + 1)), f"the follower: {len(numbers)} from {numbers[0]}"


def test_no_line_is_lost_or_doubled_when_the_engine_is_away(fresh_service):
    service = fresh_service()
    proxy = CutEngine(str(service.home / "engine.sock"), SOCKET)
    service.socket = proxy.path
    service.extra.append(proxy.close)
    service.start()
    client = service.client("owner")
    name = client.project("count")["name"]
    client.repository(name, counting()).push()
    for _ in range(3):
        before = counted_to(client, name)
        wait_for(lambda: counted_to(client, name) > before, "it to count on")
        proxy.cut()
        assert lines(client, name, "lines=1"), "what was printed can be read meanwhile"
        time.sleep(0.3)
        proxy.mend()
    wait_for(lambda: "counted" in texts(client, name, "lines=5"), "the last number", seconds=120)
    expect_counted(client, name)


def test_a_follower_goes_on_from_the_last_event_it_had(service, client, unique):
    name = client.project(unique())["name"]
    client.repository(name, counting(to=50)).push()
    wait_for(lambda: "counted" in texts(client, name), "the last number")
    every = [line["sequence"] for line in lines(client, name)]
    middle = every[len(every) // 2]
    stream = subprocess.run(["curl", "-sN", "--max-time", "2", "-H", f"Authorization: Bearer {client.token}", "-H", f"Last-Event-ID: {middle}",
                             f"{service.api}/api/v1/projects/{name}/logs?follow=true&lines=1"], capture_output=True, text=True).stdout
    got = [int(number) for number in re.findall(r"^id: (\d+)$", stream, re.M)]
    assert got[: len(every) - every.index(middle) - 1] == every[every.index(middle) + 1:]
    assert got == sorted(set(got))


def test_a_deleted_project_leaves_no_lines(service, client, unique):
    project = client.project(unique())
    client.repository(project["name"], counting(to=100_000, pause=0.001)).push()
    folder = service.home / "logs" / project["id"]
    wait_for(lambda: list(folder.glob("lines/*.seg")), "its lines")
    assert client.call("DELETE", f"/projects/{project['name']}?confirm={project['name']}").status in (200, 204)
    assert not folder.exists()


def test_before_the_first_deployment_the_client_says_so(client, unique):
    name = client.project(unique())["name"]
    assert "Nothing was deployed yet" in client.cli("logs", "-p", name).stderr
    assert "`-f`" in client.cli("logs", "-n", "0", "-p", name).stderr
    bad = client.cli("logs", "--grep", "(", "-p", name)
    assert bad.returncode != 0 and "pattern" in bad.stderr, bad
