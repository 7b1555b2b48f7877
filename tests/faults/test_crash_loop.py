"""One that crashes in a loop waits longer each time, costs next to nothing and says why; one out of memory is shown as such
within 5 s. Neighbours notice neither."""
import datetime
import os
import pathlib
import re
import time

from tests.support import apps
from tests.support.cli import ok
from tests.support.service import wait_for
from tests.support.visitors import Load

SHARE = 0.05  # of a core, by paastechd
SHOWN_WITHIN = 5  # seconds
TICKS = os.sysconf("SC_CLK_TCK")


def only_instance(client, name):
    return client.call("GET", f"/projects/{name}/instances").json()["items"][0]


def told_ends(client, name):
    """What the log says of each end: when, in seconds, and the pause that it announced."""
    ends = [(line["at"], re.search(r"^web\.1 ended: exit code 3; it starts again in (\d+) s$", line["text"]))
            for line in client.log_lines(name, "process=platform")]
    return [(datetime.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp(), int(told[1])) for at, told in ends if told]


def container_of(service, project):
    container, = service.docker.containers(f"paastech.project={project['id']}")
    return container["Id"]


def cpu_seconds(service):
    fields = pathlib.Path(f"/proc/{service.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def with_path(path, action, version, first):
    """A web application that does this first, in Perl, and that when it is asked for the path."""
    files = apps.web(version)
    files["server.pl"] = first + files["server.pl"].replace("my $body = VERSION", f"if ($path eq '{path}') {{ {action} }}\nmy $body = VERSION")
    return files


def beside_a_calm_one(client, unique, name, files):
    """Both live: a Project of these files, and its neighbour."""
    projects = client.project(unique(name)), client.project(unique("calm"))
    for project, each in zip(projects, (files, apps.web("calm"))):
        client.repository(project["name"], each).push()
    return projects


def quietly_visit(service, name, path):
    try:
        service.visit(name, path)
    except OSError:
        pass


def test_a_crash_loop_backs_off_costs_little_and_says_why(service, client, unique):
    files = with_path("/break", "open my $f, '>', '/broken'; kill 'KILL', getppid", "loop",
                      "if (-e '/broken') { print \"cannot go on\\n\"; exit 3 }\n")
    looping, neighbour = beside_a_calm_one(client, unique, "looping", files)
    untouched = service.docker.inspect(container_of(service, neighbour))["State"]["StartedAt"]
    crashes = lambda: only_instance(client, looping["name"]).get("crash", {}).get("count", 0)
    with Load(service, neighbour["name"], visitors=2, pause=0.05) as load:
        quietly_visit(service, looping["name"], "/break")
        wait_for(lambda: crashes() >= 3, "the third crash", every=0.2)
    # From here to the fifth nobody but this test asks for anything, and that twice a second.
    began = time.monotonic(), cpu_seconds(service)
    wait_for(lambda: crashes() >= 5, "the fifth crash", seconds=60, every=0.5)
    seconds, used = time.monotonic() - began[0], cpu_seconds(service) - began[1]
    ends = wait_for(lambda: (told := told_ends(client, looping["name"]))[3:] and told, "four ends in the log")
    pauses = [pause for _, pause in ends]
    print(f"pauses {pauses}; paastechd used {used / seconds:.1%} of a core in {seconds:.1f} s of the loop; {load}")
    # After the first end, which was by a signal.
    assert pauses[:4] == [2, 4, 8, 16], ends
    for (before, pause), (after, _) in zip(ends, ends[1:]):
        assert after - before >= pause, ("it started sooner than it said", ends)
    assert used / seconds <= SHARE, used / seconds
    shown = ok(client.cli("ps", "-p", looping["name"]))
    assert "crashed (exit code 3), starts again in" in shown, shown
    told = ok(client.cli("logs", "--process", "platform", "-p", looping["name"]))
    assert "web.1 ended: exit code 3; it starts again in 2 s" in told, told
    assert not load.failures and load.requests > 20, load.failures[:5]
    assert service.docker.inspect(container_of(service, neighbour))["State"]["StartedAt"] == untouched


def test_out_of_memory_is_shown_within_5_s_and_neighbours_are_untouched(service, client, unique):
    files = with_path("/eat", "kill 'USR1', getppid", "hungry",
                      "$SIG{USR1} = sub { my @all; push @all, 'x' x (1 << 24) while 1 };\n")
    hungry, neighbour = beside_a_calm_one(client, unique, "hungry", files)
    container, other = container_of(service, hungry), container_of(service, neighbour)
    untouched = service.docker.inspect(other)["State"]
    with Load(service, neighbour["name"], visitors=2, pause=0.02) as load:
        quietly_visit(service, hungry["name"], "/eat")
        crash = lambda: only_instance(client, hungry["name"]).get("crash", {}).get("reason")
        reason = wait_for(crash, "the end to be shown", seconds=60, every=0.05)
        shown = time.time()
        ended = service.docker.inspect(container)["State"]["FinishedAt"]
        ps = ok(client.cli("ps", "-p", hungry["name"]))
        wait_for(lambda: service.visit(hungry["name"]).status == 200, "it to be started again")
        load.expect_more()
    took = shown - datetime.datetime.fromisoformat(ended[:26].rstrip("Z") + "+00:00").timestamp()
    print(f"shown as {reason!r} {took:.2f} s after its end; beside it {load}")
    assert reason == "out of memory" and "out of memory" in ps, (reason, ps)
    assert took <= SHOWN_WITHIN, took
    assert not load.failures, load.failures[:5]
    now = service.docker.inspect(other)["State"]
    assert (now["StartedAt"], now["Pid"]) == (untouched["StartedAt"], untouched["Pid"]), now
