"""The keys of sealed values: rotation beside a running Service, and the refusal of a key that is not the database's."""
import collections
import os
import re
import signal
import subprocess
import threading

import pytest

from tests.support import apps
from tests.support.service import BUILD, UNLIMITED, wait_for

CANARY = "canary-7d1c-value"


def used(service):
    """How many values use each key, from `paastechd keys list`."""
    done = service.daemon("keys", "list")
    assert done.returncode == 0, done
    return {line.split()[0]: int(line.split()[2]) for line in done.stdout.splitlines()[1:]}


def sealed_forms(service):
    """The same, counted in the database itself."""
    values = [row[0] for query in (
        "SELECT value FROM environment", "SELECT environment FROM deployments WHERE environment <> ''",
        "SELECT totp FROM clients WHERE totp <> ''", "SELECT body FROM mails", "SELECT body FROM idempotency WHERE body <> ''",
        "SELECT value FROM settings WHERE name = 'key_check'") for row in service.sql(query)]
    return collections.Counter(":".join(value.split(":")[:2]) if value.startswith("v2:") else value[:3] for value in values)


def rotate(service):
    done = service.daemon("keys", "rotate")
    assert done.returncode == 0, done
    return done.stdout


def rotation(service):
    """One that has begun."""
    return subprocess.Popen([BUILD / "bin" / "paastechd", "keys", "rotate"], env=service.environment(), stdout=subprocess.DEVNULL)


def change(client, project, values):
    answer = client.call("PATCH", f"/projects/{project}/environment", {"set": values})
    assert answer.status == 202, answer


def revealed(client, project):
    answer = client.call("GET", f"/projects/{project}/environment?reveal=true")
    assert answer.status == 200, answer
    return {item["name"]: item["value"] for item in answer.json()["items"]}


def age_keys(service):
    """Makes every key a day older than it is."""
    path = service.home / "secret.key"
    path.write_text(re.sub(r"\d+$", lambda date: str(int(date[0]) - 86_400_000), path.read_text(), flags=re.M))


def test_rotation_under_load_loses_nothing(fresh_service, unique):
    service = fresh_service("[api]\n" + UNLIMITED).start()
    owner = service.client("owner")
    app = owner.project(unique())["name"]
    change(owner, app, {"GREETING": CANARY})
    owner.repository(app, apps.web()).push()
    projects = [owner.project(unique())["name"] for _ in range(4)]
    last = [{} for _ in projects]
    errors = []
    rotating = threading.Event()
    rotating.set()

    def writer(number):
        count = 0
        while rotating.is_set() or count < 20:
            values = {f"V{count % 15}": f"{CANARY} {number} {count}", "ALWAYS": f"{CANARY} {count}"}
            answer = owner.call("PATCH", f"/projects/{projects[number]}/environment", {"set": values})
            if answer.status != 202:
                errors.append(answer)
            else:
                last[number] |= values
            count += 1

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        printed = [rotate(service) for _ in range(3)]
    finally:
        rotating.clear()
        for thread in threads:
            thread.join()
    assert not errors, errors[:3]
    assert [f"k{n} was added" in text for n, text in enumerate(printed, 2)] == [True] * 3, printed
    assert set(sealed_forms(service)) == {"v2:k4"}, sealed_forms(service)
    assert {key: count for key, count in used(service).items() if count} == {"k4": sum(sealed_forms(service).values())}
    for number, project in enumerate(projects):
        assert revealed(owner, project) == last[number]

    # What runs is made again from its sealed snapshot, which the rotations have sealed anew.
    service.restart()
    for container in service.docker.containers(service.label):
        service.docker.call("DELETE", f"/containers/{container['Id']}?force=1")
    wait_for(lambda: f"GREETING={CANARY}" in service.visit(app, "/environment").text, "the Application with its variables", seconds=60)
    assert [revealed(owner, project) for project in projects] == last
    stored = service.stored()
    assert b"ALWAYS" in stored, "the control: names are not secret"
    assert CANARY.encode() not in stored
    keys = [line.split()[1] for line in (service.home / "secret.key").read_text().splitlines()]
    for secret in keys + [CANARY]:
        assert secret not in service.log() + "".join(printed) + service.daemon("keys", "list").stdout


def test_the_former_key_and_form_are_taken_over(fresh_service, unique):
    service = fresh_service().start()
    client = service.client("owner")
    project = client.project(unique())["name"]
    change(client, project, {"NAME": CANARY})
    service.kill(signal.SIGTERM)
    # The home as the version before left it: a raw key, values of the form v1, no check value.
    key, = (line.split()[1] for line in (service.home / "secret.key").read_text().splitlines())
    (service.home / "secret.key").write_bytes(subprocess.run(["base64", "-d"], input=key.encode(), stdout=subprocess.PIPE, check=True).stdout)
    service.sql("UPDATE environment SET value = REPLACE(value, 'v2:k1:', 'v1:')")
    service.sql("DELETE FROM settings")
    assert sealed_forms(service) == {"v1:": 1}
    service.start()
    assert revealed(client, project) == {"NAME": CANARY}
    assert (service.home / "secret.key").read_text().startswith("k1 " + key)
    rotate(service)
    assert set(sealed_forms(service)) == {"v2:k2"}
    assert revealed(client, project) == {"NAME": CANARY}


def test_a_key_is_dropped_once_it_is_old_and_nothing_uses_it(fresh_service, unique):
    service = fresh_service().start()
    client = service.client("owner")
    project = client.project(unique())["name"]
    change(client, project, {"NAME": CANARY})
    assert "dropped" not in rotate(service) + rotate(service), "a value may still be on its way"
    assert set(used(service)) == {"k1", "k2", "k3"}
    age_keys(service)
    printed = rotate(service)
    assert "k1 was dropped" in printed and "k2 was dropped" in printed and "k3 was dropped" not in printed, printed
    assert set(used(service)) == {"k3", "k4"}
    change(client, project, {"OTHER": CANARY})
    service.restart()
    assert revealed(client, project) == {"NAME": CANARY, "OTHER": CANARY}
    assert oct((service.home / "secret.key").stat().st_mode & 0o777) == "0o600"


def test_a_rotation_killed_in_the_middle_is_gone_on_with(fresh_service, unique):
    service = fresh_service().start()
    client = service.client("owner")
    values = {f"V{n}": f"{CANARY} {n}" for n in range(1000)}
    projects = [client.project(unique())["name"] for _ in range(3)]
    for project in projects:
        change(client, project, values)
    process = rotation(service)
    wait_for(lambda: sealed_forms(service)["v2:k2"], "a first value with the new key", every=0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    forms = sealed_forms(service)
    assert forms["v2:k1"] > 0 and forms["v2:k2"] > 0, "the control: it was in the middle"

    assert [revealed(client, project) for project in projects] == [values] * 3
    service.restart()
    assert [revealed(client, project) for project in projects] == [values] * 3
    assert "going on with the rotation to k2" in rotate(service)
    assert set(sealed_forms(service)) == {"v2:k2"}
    assert [revealed(client, project) for project in projects] == [values] * 3
    assert "k3 was added" in rotate(service)


def test_two_rotations_do_not_run_at_once(fresh_service, unique):
    service = fresh_service().start()
    client = service.client("owner")
    project = client.project(unique())["name"]
    values = {f"V{n}": f"{CANARY} {n}" for n in range(1000)}
    change(client, project, values)
    first = rotation(service)
    wait_for(lambda: sealed_forms(service)["v2:k2"], "a first value with the new key", every=0.001)
    first.send_signal(signal.SIGSTOP)
    try:
        assert first.poll() is None, "the control: it is in the middle"
        second = service.daemon("keys", "rotate")
        assert second.returncode == 1 and "already runs" in second.stderr, second
    finally:
        first.send_signal(signal.SIGCONT)
    assert first.wait(60) == 0
    assert set(sealed_forms(service)) == {"v2:k2"}
    assert revealed(client, project) == values


def test_values_swapped_between_projects_do_not_open(service, client, unique):
    one, two = (client.project(unique())["name"] for _ in range(2))
    change(client, one, {"NAME": "of one", "GOOD": "good"})
    change(client, two, {"NAME": "of two"})
    rows = service.sql("SELECT e.value, e.project_id FROM environment e JOIN projects p ON p.id = e.project_id "
                       f"WHERE e.name = 'NAME' AND p.name IN ('{one}', '{two}')")
    assert len(rows) == 2
    for (value, _), (_, project) in zip(rows, reversed(rows)):
        service.sql(f"UPDATE environment SET value = '{value}' WHERE project_id = '{project}' AND name = 'NAME'")
    for project in (one, two):
        answer = client.call("GET", f"/projects/{project}/environment?reveal=true")
        assert answer.status == 500 and "of one" not in answer.text and "of two" not in answer.text, answer
        assert "/NAME does not open" in answer.json()["detail"] and "set the value anew" in answer.json()["hint"], answer
        change(client, project, {"NAME": "set anew"})
    assert revealed(client, one) == {"NAME": "set anew", "GOOD": "good"}


def wrong_key(path):
    path.write_text(f"k1 {subprocess.run(['base64'], input=os.urandom(32), stdout=subprocess.PIPE, check=True).stdout.decode().strip()} 1\n")


@pytest.mark.parametrize("damage, says", [
    (wrong_key, ["is not the key that the database was written with", "put back the secret.key"]),
    (lambda path: path.unlink(), ["secret.key is missing", "put back the secret.key"]),
    (lambda path: path.chmod(0o644), ["can be read by other users", "chmod 600"]),
    (lambda path: path.write_bytes(b""), ["secret.key is empty", "backup"]),
    (lambda path: path.write_bytes(b"\0" * 32), ["not random", "backup"]),
    (lambda path: path.write_bytes(path.read_bytes()[:40]), ["line 1", "backup"]),
], ids=["another key", "missing", "world-readable", "empty", "weak", "cut off"])
def test_start_and_rotation_are_refused_without_the_right_key(fresh_service, damage, says):
    service = fresh_service().start()
    service.kill(signal.SIGTERM)
    path = service.home / "secret.key"
    good = path.read_bytes()
    damage(path)
    for command in (["all"], ["keys", "rotate"]):
        left = path.read_bytes() if path.exists() else None
        done = service.daemon(*command)
        assert done.returncode != 0, done
        if command == ["all"]:
            for part in says:
                assert part in done.stderr, done.stderr
        assert str(path) in done.stderr and good.split()[1].decode() not in done.stderr
        assert (path.read_bytes() if path.exists() else None) == left, "what is refused is left alone"
    path.write_bytes(good)
    path.chmod(0o600)
    service.start()
