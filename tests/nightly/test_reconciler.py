"""What runs is compared with what should: a Project that cannot be repaired says why and holds up no other; what no event told
of is seen within a minute; what belongs to nobody goes, and nothing else."""
import time
import uuid

from tests.support import apps
from tests.support.cli import ok
from tests.support.deaf_engine import DeafEngine
from tests.support.service import SOCKET, wait_for

EVERY = 60  # seconds, from one comparison to the next
REPAIRED_WITHIN = 15  # seconds after an event


def container_of(service, project):
    found = service.docker.containers(f"paastech.project={project['id']}")
    return found[0]["Id"] if found else None


def remove(service, container):
    status, answer = service.docker.call("DELETE", f"/containers/{container}?force=1")
    assert status == 204, answer


def repaired(service, project, before, seconds):
    """Waits for another container that serves, and returns how long that took."""
    began = time.monotonic()
    wait_for(lambda: container_of(service, project) not in (None, before) and service.visit(project["name"]).status == 200,
             f"{project['name']} to be brought back", seconds)
    return time.monotonic() - began


def problem_of(client, project):
    return client.call("GET", f"/projects/{project['name']}").json().get("problem")


def test_one_that_cannot_be_repaired_says_why_and_holds_up_no_other(service, client, unique):
    broken, hanging, well = (client.project(unique(stem)) for stem in ("broken", "hanging", "well"))
    repository = client.repository(broken["name"], apps.web("broken"))
    repository.push()
    files = apps.web("hanging", "processes: {web: {ready_timeout: 300}}\n")
    files["server.pl"] = "if (-e '/hang') { sleep 1 while 1 }\n" + files["server.pl"].replace(
        "my $body = VERSION", "if ($path eq '/hang') { open my $f, '>', '/hang'; kill 'KILL', getppid }\nmy $body = VERSION")
    hung = client.repository(hanging["name"], files)
    hung.push()
    client.repository(well["name"], apps.web("well")).push()

    # One whose image is gone, and one that will not be ready for five minutes.
    status, answer = service.docker.call("DELETE", f"/images/paastech/{broken['id']}:1?force=1")
    assert status == 200, answer
    remove(service, container_of(service, broken))
    try:
        service.visit(hanging["name"], "/hang")
    except OSError:
        pass
    problem = wait_for(lambda: problem_of(client, broken), "the Project to be marked")
    assert f"the image paastech/{broken['id']}:1 is not there any more" in problem["message"], problem
    assert problem["message"] in ok(client.cli("projects", "info", "-p", broken["name"]))
    wait_for(lambda: service.visit(hanging["name"]).status == 503, "the other to hang")

    before = container_of(service, well)
    remove(service, before)
    took = repaired(service, well, before, REPAIRED_WITHIN)
    hung.commit(apps.web("again"))
    began = time.monotonic()
    hung.push()
    pushed = time.monotonic() - began
    assert service.visit(hanging["name"]).text == "again GET /"
    print(f"beside {problem['message']!r} and one that hangs, a removed Instance was back after {took:.1f} s, and the one that hung "
          f"was replaced by a push of {pushed:.1f} s")
    assert problem_of(client, well) is None
    repository.commit(apps.web("mended"))
    repository.push()
    assert service.visit(broken["name"]).text == "mended GET /" and problem_of(client, broken) is None


def orphan(service, project):
    """A container and a network as the Service would have made them for a Project that there is none of."""
    network = f"{service.instance}-{project}"
    labels = {"paastech.instance": service.instance, "paastech.project": project}
    status, answer = service.docker.call("POST", "/networks/create", {"Name": network, "Labels": labels | {"paastech.kind": "network"}})
    assert status == 201, answer
    return start(service, f"{service.instance}.{project}.1.web.0", network, labels | {
        "paastech.kind": "instance", "paastech.deployment": "1", "paastech.process": "web", "paastech.index": "0", "paastech.port": "80"})


def start(service, name, network, labels):
    status, made = service.docker.call("POST", f"/containers/create?name={name}", {
        "Image": "debian:bookworm", "Cmd": ["sleep", "900"], "Labels": labels, "HostConfig": {"NetworkMode": network, "Init": True}})
    assert status == 201, made
    assert service.docker.call("POST", f"/containers/{made['Id']}/start")[0] == 204
    return made["Id"]


def there(service, container):
    return service.docker.call("GET", f"/containers/{container}/json")[0] == 200


def test_what_no_event_told_of_is_seen_within_a_minute(fresh_service):
    service = fresh_service()
    deaf = DeafEngine(str(service.home / "engine.sock"), SOCKET)
    service.socket = deaf.path
    service.extra.append(deaf.close)
    service.start()
    client = service.client("owner")
    kept, gone = client.project("kept"), client.project("gone")
    for project in (kept, gone):
        client.repository(project["name"], apps.web(project["name"])).push()
    stranger = None
    try:
        untouched, before = container_of(service, kept), container_of(service, gone)
        nobodys = orphan(service, str(uuid.uuid4()))
        # The controls: like ours, but by its name or by its labels another's.
        labels = service.docker.inspect(untouched)["Config"]["Labels"]
        stranger = start(service, f"not-ours-{uuid.uuid4().hex}", "none", labels | {"paastech.project": str(uuid.uuid4())})
        began = time.monotonic()
        remove(service, before)
        took = repaired(service, gone, before, EVERY + REPAIRED_WITHIN)
        wait_for(lambda: not there(service, nobodys), "what belongs to nobody to go", EVERY + REPAIRED_WITHIN)
        cleared = time.monotonic() - began
        wait_for(lambda: len(service.docker.networks(service.label)) == 2, "its network to go")
        print(f"without any event: a removed Instance was back after {took:.1f} s, what belongs to nobody was gone after {cleared:.1f} s")
        assert deaf.silent, "nobody asked for events"
        assert there(service, stranger) and container_of(service, kept) == untouched
    finally:
        if stranger:
            remove(service, stranger)
