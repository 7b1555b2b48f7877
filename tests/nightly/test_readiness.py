"""Readiness and liveness as `paastech.yaml` says them, on real Instances: what is asked and how often, and what a failure
tells."""
import datetime
import re

import pytest

from tests.support import apps
from tests.support.service import wait_for

ASKED = r"""
        my ($asked) = $all =~ /^host:\s*(\S+)/mi;
        if ($path eq '/ready') { $body = ''; print $client 'HTTP/1.1 ', ($asked eq 'probe.example' ? '204 Fine' : '404 No'), "\r\n\r\n"; last }
        if ($path eq '/alive') {
            my $sick = -e '/sick';
            print STDOUT ($sick ? 'sick' : 'well'), " asked as $asked\n";
            print $client 'HTTP/1.1 ', ($sick ? '503 Sick' : '210 Well'), "\r\nContent-Length: 0\r\n\r\n"; last;
        }
        if ($path eq '/sicken') { open my $file, '>', '/sick' }
        if ($path eq '/deafen') { kill 'USR2', getppid }
        my $status ="""


def probed(keys, more="", dockerfile=apps.DOCKERFILE):
    """An application that is ready for who asks as probe.example, is alive until it is sickened, and can be made deaf."""
    files = apps.web("one", f"processes:\n  web: {{{keys}}}\n{more}", dockerfile)
    files["server.pl"] = (files["server.pl"].replace("        my $status =", ASKED, 1)
                          # A listener is deaf only once no child has it either.
                          .replace("$SIG{TERM} = 'DEFAULT';", "$SIG{TERM} = 'DEFAULT'; close $listener;")
                          .replace("while (!$stop) {", "$SIG{USR2} = sub { close $listener; sleep 1 while 1 };\nwhile (!$stop) {", 1))
    assert "/ready" in files["server.pl"] and "USR2" in files["server.pl"]
    return files


@pytest.fixture
def push(client, unique):
    """Pushes an application of a Project of its own, and returns its name and what the terminal showed."""
    def go(files, check=True):
        name = client.project(unique())["name"]
        return name, client.repository(name, files).push(check=check)
    return go


def fails(client, push, files, reason, *says):
    name, done = push(files, check=False)
    last = client.newest(name)
    assert done.returncode != 0 and (last["state"], last["reason"]) == ("failed", reason), (last, done.stderr)
    for part in says:
        assert part in last["message"] and part in done.stderr, (part, last["message"], done.stderr)
    return done.stderr


def crash_of(client, name):
    items = client.call("GET", f"/projects/{name}/instances").json()["items"]
    return next((item["crash"] for item in items if item.get("crash")), None)


def web_lines(client, name):
    return client.log_lines(name, "process=web&lines=1000")


def test_readiness_asks_by_host_and_for_the_status_it_is_told(service, client, push):
    name, _ = push(probed("health: {path: /ready, host: probe.example, status: 204}"))
    assert service.visit(name).text == "one GET /"
    fails(client, push, probed("health: {path: /ready, host: other.example, status: 204}, ready_timeout: 3"), "unhealthy",
          "GET /ready answered 404; it must answer 204", "after 3 s")
    fails(client, push, probed("health: {path: /ready, host: probe.example, status: 205-299}, ready_timeout: 3"), "unhealthy",
          "GET /ready answered 204; it must answer 205 to 299")


def test_one_attempt_has_a_time_of_its_own(client, push):
    fails(client, push, probed("health: {path: /sleep/30, timeout: 1}, ready_timeout: 4"), "unhealthy",
          "GET /sleep/30 gave no answer within 1 s", "after 4 s")


def test_a_failure_shows_the_last_twenty_lines(client, push):
    talking = "FROM debian:bookworm\nCMD perl -e '$|=1; print \"line $_\\n\" for 1..30; sleep 600'\n"
    shown = fails(client, push, probed("ready_timeout: 2", dockerfile=talking), "not_listening", "port 80")
    assert re.findall(r"\| (line \d+)", shown) == [f"line {number}" for number in range(11, 31)], shown


def test_a_command_probes_what_has_no_port(client, push):
    worker = "  worker: {command: \"sleep 1; touch /up; exec sleep 600\", health: {command: %s}, ready_timeout: %d}\n"
    name, _ = push(probed("port: 80", worker % ("[test, -e, /up]", 30)))
    items = client.call("GET", f"/projects/{name}/instances").json()["items"]
    assert sorted(item["name"] for item in items) == ["web.1", "worker.1"]
    fails(client, push, probed("port: 80", worker % ("\"echo the queue is not there; exit 3\"", 2)), "unhealthy",
          "worker.1 is not well after 2 s", "ended with 3: the queue is not there; it must end with 0")


def test_attempts_keep_their_interval_and_as_many_in_a_row_are_wanted(service, client, push):
    noting = "health: {command: \"date +%s.%N >> /attempts; test $(wc -l < /attempts) != 2\", interval: 2, successes: 3}"
    name, done = push(probed(noting))
    project = client.call("GET", f"/projects/{name}").json()["id"]
    container, = service.docker.containers(f"paastech.project={project}")
    times = [float(line) for line in service.docker.run_in(container["Id"], ["cat", "/attempts"])[1].split()]
    gaps = [after - before for before, after in zip(times, times[1:])]
    print(f"attempts {len(times)}, gaps {[round(gap, 2) for gap in gaps]} s")
    assert len(times) == 5, "one that was well, one that was not, and three in a row"
    assert all(1.9 <= gap <= 8 for gap in gaps), gaps


def test_liveness_asks_by_host_status_and_threshold_and_says_what_answered(service, client, push):
    name, _ = push(probed("liveness: {path: /alive, host: live.example, status: 210, interval: 1, failures: 5}"))
    asked = lambda how: [line for line in web_lines(client, name) if line["text"] == f"{how} asked as live.example"]
    wait_for(lambda: len(asked("well")) >= 4, "it to be asked again and again")
    assert crash_of(client, name) is None, "one that answers 210 is well"
    times = [datetime.datetime.fromisoformat(line["at"].replace("Z", "+00:00")).timestamp() for line in asked("well")[:4]]
    service.visit(name, "/sicken")
    crash = wait_for(lambda: crash_of(client, name), "it to be ended")
    assert crash["reason"] == "alive no more: GET /alive answered 503", crash
    failed = len(asked("sick"))
    print(f"asked every {(times[-1] - times[0]) / 3:.2f} s; ended after {failed} failures")
    assert failed in (5, 6), f"asked {failed} times while it was sick; one more may come while it is told to stop"
    assert 0.8 <= (times[-1] - times[0]) / 3 <= 5, times


def test_liveness_of_a_port_sees_one_that_went_deaf(service, client, push):
    name, _ = push(probed("liveness: {tcp: true, interval: 1, failures: 2}"))
    service.visit(name, "/deafen")
    crash = wait_for(lambda: crash_of(client, name), "it to be ended")
    assert crash["reason"] == "alive no more: port 80 accepts no connection", crash
    wait_for(lambda: service.visit(name).status == 200, "it to be started again")
