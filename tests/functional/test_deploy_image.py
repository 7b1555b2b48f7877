"""`paastech deploy --image`: Deployments of images of a real registry, with and without a password."""
import base64
import json
import shutil
import signal
import subprocess
import tempfile
import types

import pytest

from tests.support import apps
from tests.support.cli import as_json, ok
from tests.support.members import invite
from tests.support.registry import PASSWORD, USER, Registry
from tests.support.service import Service, wait_for

WRONG = "canary-91c4-wrong"


@pytest.fixture(scope="module")
def registries():
    """Three of the same images: `open` to everyone, `closed` by a password, and one that is `unlisted` at the Service."""
    folder = tempfile.mkdtemp(prefix="pt-registry-", dir="/tmp")
    made = []
    try:
        for with_password in (False, True, False):
            made.append(Registry(folder, with_password))
            made[-1].start()
        yield types.SimpleNamespace(open=made[0], closed=made[1], unlisted=made[2])
    finally:
        for each in made:
            each.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def shop(registries):
    """The digest of team/shop:1, an Application that answers `shop`."""
    return registries.open.publish("team/shop", "1", "shop", "EXPOSE 8080\n")


@pytest.fixture(scope="module")
def service(registries):
    running = Service(f'[engine]\nregistries = "{registries.open.address}, {registries.closed.address}"\n').start()
    yield running
    running.close()


def deploy(client, name, reference, *more):
    return client.cli("deploy", "--image", reference, "-p", name, *more)


def log_in(client, name, registry, password, username=USER):
    return client.cli("registry", "add", registry.address, "--username", username, "--password-stdin", "-p", name, stdin=password)


def files_with(folder, *texts):
    patterns = [word for text in texts for word in ("-e", text)]
    return subprocess.run(["grep", "-rlF", *patterns, folder], stdout=subprocess.PIPE, text=True).stdout


def fails(client, name, reference, reason, *says):
    """A Deployment of it fails for this reason, and the command line says why."""
    done = deploy(client, name, reference)
    last = client.newest(name)
    assert done.returncode == 1, done
    assert (last["cause"], last["state"], last["reason"]) == ("image", "failed", reason), last
    for part in says:
        assert part in done.stderr and part in last["message"], (part, done.stderr, last)
    return done


def test_an_image_becomes_live_and_keeps_no_name_of_the_registry(service, client, unique, registries, shop):
    project = client.project(unique())
    name = project["name"]
    reference = f"{registries.open.address}/team/shop:1"
    deployment = as_json(deploy(client, name, reference, "--json"))["deployment"]
    assert (deployment["number"], deployment["cause"], deployment["state"]) == (1, "image", "live"), deployment
    assert deployment["image"] == f"paastech/{project['id']}:1" and reference in deployment["commit_subject"], deployment
    assert service.visit(name).text == "shop GET /"
    assert "PORT=8080" in service.visit(name, "/environment").text, "the port that the image names"
    assert f"Fetching {reference}" in ok(client.cli("deployments", "logs", "1", "-p", name))
    assert registries.open.names_in_the_engine() == []
    seen = client.call("GET", f"/projects/{name}/audit").json()["items"][0]
    assert (seen["action"], seen["result"]) == ("deployment.image", "ok"), seen

    by_digest = deploy(client, name, f"{registries.open.address}/team/shop@{shop}")
    assert "Deployment 2 is live at http" in ok(by_digest), by_digest
    assert service.visit(name).text == "shop GET /"
    assert client.call("DELETE", f"/projects/{name}?confirm={name}").json()["leftovers"] == []
    assert service.docker.project_images(project["id"]) == []


def test_a_tag_that_moved_is_asked_for_anew(service, client, unique, registries):
    name = client.project(unique())["name"]
    reference = f"{registries.open.address}/team/moving:latest"
    for version in ("one", "two"):
        registries.open.publish("team/moving", "latest", version)
        ok(deploy(client, name, reference.removesuffix(":latest")))
        assert service.visit(name).text == f"{version} GET /"
    ok(client.cli("rollback", "1", "-p", name))
    assert service.visit(name).text == "one GET /", "what a name meant before stays what that Deployment runs"


def test_a_password_is_needed_and_is_shown_nowhere(service, client, unique, registries, shop):
    project = client.project(unique())
    name = project["name"]
    closed = registries.closed
    client.repository(name, apps.web("pushed")).push()
    reference = f"{closed.address}/team/shop:1"
    fails(client, name, reference, "pull_failed", f"the registry shows {reference} only to those it knows", "a password")
    answers = [log_in(client, name, closed, WRONG)]
    ok(answers[0])
    answers.append(fails(client, name, reference, "pull_failed", "does not accept this user name and password", reference))
    ok(log_in(client, name, closed, PASSWORD, "nobody-there"))
    fails(client, name, reference, "pull_failed", "does not accept this user name and password")
    assert service.visit(name).text == "pushed GET /", "what is live goes on serving"

    answers.append(log_in(client, name, closed, PASSWORD))
    answers.append(deploy(client, name, reference))
    assert f"Images of {closed.address} are fetched as {USER}." in ok(answers[-2])
    assert "is live" in ok(answers[-1]) and service.visit(name).text == "shop GET /"
    answers.append(client.cli("registry", "list", "-p", name))
    assert closed.address in ok(answers[-1]) and USER in answers[-1].stdout
    assert as_json(client.cli("registry", "list", "--json", "-p", name))["items"] == [{"host": closed.address, "username": USER}]
    answers += [client.cli("deployments", "logs", str(number), "-p", name) for number in range(1, 6)]
    answers += [client.call("GET", f"/projects/{name}/{what}").text for what in ("deployments", "registries", "audit", "logs")]
    made = [service.docker.inspect(each["Id"]) for each in service.docker.containers(service.label)]
    made += [service.docker.call("GET", f"/images/{image}/{what}")[1] for what in ("json", "history")
             for image in service.docker.project_images(project["id"])]
    stored = service.stored()
    assert reference.encode() in stored and USER.encode() in stored and name in json.dumps(made), "the control: it is looked into"
    for secret in (PASSWORD, WRONG):
        assert secret.encode() not in stored
        assert secret not in service.log() + str(answers) + json.dumps(made)
    assert files_with(service.home, name) and files_with(service.home, PASSWORD, WRONG) == ""

    # The login is this Project's alone, also for what is on the machine by now, and forgotten when it is told to be.
    other = service.client(unique("other"))
    theirs = other.project(unique())["name"]
    fails(other, theirs, reference, "pull_failed", "only to those it knows")
    ok(client.cli("registry", "remove", closed.address, "-p", name))
    fails(client, name, reference, "pull_failed", "only to those it knows")
    assert client.cli("registry", "remove", closed.address, "-p", name).returncode == 4
    assert service.visit(name).text == "shop GET /"


def test_what_the_registry_does_not_have_is_said_and_the_old_version_stays(service, client, unique, registries, shop):
    name = client.project(unique())["name"]
    ok(deploy(client, name, f"{registries.open.address}/team/shop:1"))
    for missing in ("team/shop:no-such-tag", "team/nothing:1", "team/shop@sha256:" + "0" * 64):
        fails(client, name, f"{registries.open.address}/{missing}", "pull_failed",
              f"the registry has no image {registries.open.address}/{missing}", "check its name and tag")
    assert service.visit(name).text == "shop GET /"
    refused = deploy(client, name, "no name of an image")
    assert refused.returncode == 1 and "`image` must match" in refused.stderr, refused
    assert client.newest(name)["number"] == 4, "what is no name makes no Deployment"


def test_an_image_that_does_not_answer_says_so_and_the_old_version_stays(service, client, unique, registries, shop):
    name = client.project(unique())["name"]
    ok(deploy(client, name, f"{registries.open.address}/team/shop:1"))
    command = 'CMD ["perl", "-e", "print STDERR qq(cannot open config); exit 2"]\n'
    registries.open.publish("team/broken", "1", "broken", command)
    done = deploy(client, name, f"{registries.open.address}/team/broken:1")
    assert done.returncode == 1 and "ended with exit code 2" in done.stderr, done
    assert "| cannot open config" in done.stdout, done
    assert service.visit(name).text == "shop GET /"
    assert registries.open.names_in_the_engine() == []


def test_an_address_that_the_operator_did_not_permit_is_refused_unasked(service, client, unique, registries, shop):
    name = client.project(unique())["name"]
    port = registries.unlisted.port
    asked = len(registries.unlisted.requests())
    for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "shop.localhost"):
        fails(client, name, f"{host}:{port}/team/shop:1", "invalid_image", "is named by an address",
              "use the registry's host name")
    fails(client, name, f"LOCALHOST:{port}/team/shop:1", "invalid_image", "begins with capitals", "in small letters")
    for private in ("10.0.0.1/x", "169.254.169.254/latest", "192.168.0.1:5000/x", "localhost/x"):
        fails(client, name, private, "invalid_image", f"the registry of {private} is named by an address")
    assert len(registries.unlisted.requests()) == asked, "it was asked all the same"
    # The controls: it has the image, and is seen to be asked.
    assert registries.unlisted.answers() and len(registries.unlisted.requests()) > asked
    ok(deploy(client, name, f"{registries.open.address}/team/shop:1"))


def test_rollback_between_an_image_and_a_push_needs_no_registry(service, client, unique, registries, shop):
    name = client.project(unique())["name"]
    reference = f"{registries.open.address}/team/shop:1"
    ok(deploy(client, name, reference))
    client.repository(name, apps.web("pushed") | {"Procfile": "web: perl /server.pl\nworker: sleep 600\n"}).push()
    assert service.visit(name).text == "pushed GET /"

    def processes():
        return {instance["process"] for instance in client.call("GET", f"/projects/{name}/instances").json()["items"]
                if instance["deployment"] == client.newest(name)["number"]}
    assert processes() == {"web", "worker"}
    registries.open.stop()
    try:
        fails(client, name, reference, "pull_failed", f"the registry of {reference} cannot be reached", "try again later")
        assert service.visit(name).text == "pushed GET /"
        ok(client.cli("rollback", "1", "-p", name))
        assert service.visit(name).text == "shop GET /" and processes() == {"web"}
        ok(client.cli("restart", "-p", name))
        assert service.visit(name).text == "shop GET /"
        ok(client.cli("rollback", "2", "-p", name))
        assert service.visit(name).text == "pushed GET /" and processes() == {"web", "worker"}
        ok(client.cli("rollback", "-p", name))
        assert service.visit(name).text == "shop GET /"
        assert client.newest(name)["cause"] == "rollback"
    finally:
        registries.open.start()


# What is found of the lines of /patterns: in the environment of each process there is, and in which files.
SEARCH = """\
cat /proc/*/environ | tr '\\0' '\\n' | grep -acF -f /patterns
env | grep -acF -f /patterns
grep -rlaF -f /patterns --exclude-dir=proc --exclude-dir=sys / 2>/dev/null
"""


def written(secret):
    """As it is, and the part that all of its Base64 has in common wherever it begins."""
    yield secret
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + secret.encode())
        yield encoded[-(-before * 4 // 3):(before + len(secret)) * 4 // 3].decode()


def test_neither_a_build_nor_an_application_finds_the_password(service, client, unique, registries, shop):
    project = client.project(unique())
    name = project["name"]
    ok(log_in(client, name, registries.closed, PASSWORD))
    ok(deploy(client, name, f"{registries.closed.address}/team/shop:1"))
    assert service.visit(name).text == "shop GET /", "the control: the password is in use"
    dockerfile = apps.DOCKERFILE + (
        "COPY patterns search /\nRUN echo unaided: $(sh /search)\n"
        'RUN export CONTROL="$(head -n 1 /patterns)"; echo "$CONTROL" > /planted; echo control: $(sh /search); rm /planted\n')
    files = apps.web("searched", dockerfile=dockerfile) | {"patterns": "\n".join(written(PASSWORD)) + "\n", "search": SEARCH}
    printed = [line.removeprefix("remote:").split() for line in client.repository(name, files).push(timeout=300).stderr.splitlines()]
    assert ["unaided:", "0", "0", "/patterns"] in printed, printed
    [(_, of_processes, of_itself, *names)] = [words for words in printed if words[:1] == ["control:"]]
    assert int(of_processes) >= 1 and of_itself == "1" and sorted(names) == ["/patterns", "/planted"], names
    container = service.docker.containers(f"paastech.project={project['id']}")[0]["Id"]
    searched = service.docker.run_in(container, ["sh", "/search"], timeout=120)[1]
    assert searched.split() == ["0", "0", "/patterns"], searched
    assert service.visit(name).text == "searched GET /"


def test_a_registry_that_hangs_is_not_waited_for_and_a_fetch_outlives_kill_9(service, client, unique, registries, shop):
    name = client.project(unique())["name"]
    hung = registries.open.process

    def begin():
        begun = ok(deploy(client, name, f"{registries.open.address}/team/shop:1", "--no-wait"))
        number = client.newest(name)["number"]
        assert f"Deployment {number} begins" in begun, begun
        wait_for(lambda: client.newest(name)["state"] == "building", "the fetch to begin")
        return str(number)
    hung.send_signal(signal.SIGSTOP)
    try:
        number = begin()
        assert "cancelled" in ok(client.cli("deployments", "cancel", number, "-p", name))
        wait_for(lambda: client.newest(name)["state"] == "cancelled", "it to end", seconds=10)
        begin()
        service.restart()
        assert client.newest(name)["state"] == "building"
    finally:
        hung.send_signal(signal.SIGCONT)
    wait_for(lambda: client.newest(name)["state"] == "live", "it to go on")
    assert service.visit(name).text == "shop GET /"


def test_a_viewer_deploys_no_image_and_a_maintainer_does(service, client, unique, registries, shop):
    name = client.project(unique())["name"]
    guest = service.client(unique("guest"))
    reference = f"{registries.open.address}/team/shop:1"
    stranger = deploy(guest, name, reference)
    assert stranger.returncode == 4, stranger
    assert invite(client, name, guest, "viewer").status == 200
    refused = deploy(guest, name, reference)
    assert refused.returncode == 1 and "viewer" in refused.stderr and "maintainer" in refused.stderr, refused
    refused = log_in(guest, name, registries.closed, PASSWORD)
    assert refused.returncode == 1 and "viewer" in refused.stderr, refused
    assert client.call("GET", f"/projects/{name}/deployments").json()["items"] == []
    assert client.call("PUT", f"/projects/{name}/members/{guest.email.split('@')[0]}", {"role": "maintainer"}).status == 200
    ok(deploy(guest, name, reference))
    assert service.visit(name).text == "shop GET /"
