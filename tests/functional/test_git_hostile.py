"""What an attacker may push: objects and refs that git would not make, files that lead out of the tree, little that unpacks to
much. Each is refused with git's or the Service's own words, and the same push without the harm is taken."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from tests.support import apps
from tests.support.raw_git import commit_of, delta, loose, pack_of, raw_push

SIDE = "refs/heads/side"  # is stored, and not deployed
MARK = "CANARY-of-the-host-5b1e"
REFUSED = (b"unpack index-pack abnormal exit", b"ng refs/heads/")


@pytest.fixture
def outside():
    """A folder of the host's, of a name that may stand in a ref."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-outside-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


def deployments(client, name):
    return client.call("GET", f"/projects/{name}/deployments").json()["items"]


def refs(client, name):
    done = subprocess.run(["git", "ls-remote", f"ssh://git@127.0.0.1:{client.service.ssh_port}/{name}"], env=client.environment(),
                          capture_output=True, text=True, check=True)
    return [line.split("\t")[1] for line in done.stdout.splitlines()]


def refused(client, name, objects, new, *words):
    for ref in (SIDE, "refs/heads/main"):
        output = raw_push(client, name, pack_of(objects), new, ref)
        for expected in (*REFUSED, *words):
            assert expected in output, (ref, expected, output)
    assert refs(client, name) == [] and deployments(client, name) == []


def taken(client, name, objects, new):
    output = raw_push(client, name, pack_of(objects), new, SIDE)
    assert b"unpack ok" in output and b"ok " + SIDE.encode() in output, output
    assert SIDE in refs(client, name)


@pytest.mark.parametrize("entry, complaint", [
    (b"..", b"hasDotdot"), (b".", b"hasDot:"), (b".git", b"hasDotgit"), (b".GIT", b"hasDotgit"), (b"git~1", b"hasDotgit"),
    (b".g\xe2\x80\x8cit", b"hasDotgit"), (b"a/b", b"fullPathname"), (b"", b"badTree")])
def test_hostile_tree_entries_are_refused(client, unique, entry, complaint):
    name = client.project(unique())["name"]
    new, objects = commit_of((b"100644", entry, b"x"))
    refused(client, name, objects, new, b"fsck error", complaint)
    new, objects = commit_of((b"100644", b"harmless", b"x"))
    taken(client, name, objects, new)


@pytest.mark.parametrize("entry", [b".gitmodules", b".gitattributes"])
def test_git_s_own_files_are_no_symlinks(client, unique, entry):
    name = client.project(unique())["name"]
    new, objects = commit_of((b"120000", entry, b"/etc/passwd"))
    refused(client, name, objects, new, b"fsck error", b"Symlink")
    new, objects = commit_of((b"100644", entry, b""))
    taken(client, name, objects, new)


def test_a_corrupt_pack_is_refused(client, unique):
    name = client.project(unique())["name"]
    new, objects = commit_of((b"100644", b"harmless", b"some content"))
    whole = pack_of(objects)
    for at in (14, -25, -1):  # the first object, the last one, and the sum of it all
        damaged = bytearray(whole)
        damaged[at] ^= 0xff
        output = raw_push(client, name, bytes(damaged), new, SIDE)
        assert all(expected in output for expected in REFUSED), (at, output)
    assert refs(client, name) == []
    taken(client, name, objects, new)


def test_what_needs_more_memory_than_git_may_have_is_refused(client, unique):
    """A few KiB that are one object of 3.2 GiB: git ends where it asks for that, not where the machine has no more."""
    name = client.project(unique())["name"]
    new, objects = commit_of((b"100644", b"harmless", b"x"))
    size = (1 << 24) - 1  # as much as one copy can be
    base_id, base = loose("blob", b"\0" * size)
    bomb = [*objects, base, delta(base_id, size, 205)]
    assert len(pack_of(bomb)) < 32 << 10
    refused(client, name, bomb, new, b"Out of memory, malloc failed")
    taken(client, name, [*objects, base, delta(base_id, size, 2)], new)


# By what leads out of the tree: the manifest and Dockerfile beside it, and what shows that it was read.
SERVES = f"FROM debian:bookworm\nRUN echo {MARK}\n" + apps.DOCKERFILE.split("\n", 1)[1]
PLAIN, SHOWN = apps.DOCKERFILE, MARK
EXCLUDED = "excluded by .dockerignore"
LINKS = {
    "Dockerfile": (SERVES, None, PLAIN, SHOWN),
    "paastech.yaml": (f"{MARK}: 1\n", None, PLAIN, SHOWN),
    "Procfile": (f"{MARK}_: x\n", None, PLAIN, SHOWN),
    ".dockerignore": ("server.pl\n", None, PLAIN, EXCLUDED),
    "Dockerfile.dockerignore": ("server.pl\n", None, PLAIN, EXCLUDED),
    "file": (MARK, None, PLAIN + "COPY file /file\nRUN cat /file\n", SHOWN),
    "folder": ({"file": MARK}, None, PLAIN + "COPY folder /folder\nRUN cat /folder/file\n", SHOWN),
    "context": ({"Dockerfile": SERVES, "server.pl": apps.web()["server.pl"]}, "build:\n  context: context\n", PLAIN, SHOWN),
    "above": ({"context/Dockerfile": SERVES, "context/server.pl": apps.web()["server.pl"]}, "build:\n  context: above/context\n",
              PLAIN, SHOWN),
    "recipes": ({"Dockerfile": SERVES}, "build:\n  dockerfile: recipes/Dockerfile\n", PLAIN, SHOWN),
}


@pytest.mark.parametrize("path", LINKS)
def test_a_symlink_out_of_the_tree_reads_nothing_of_the_host(service, client, unique, outside, path):
    content, manifest, dockerfile, shown = LINKS[path]
    for name, text in content.items() if isinstance(content, dict) else [("", content)]:
        file = outside / path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web(manifest=manifest, dockerfile=dockerfile))
    link = repository.path / path
    for target in (str(outside / path), os.path.relpath(outside / path, repository.path), "../" * 20 + f"{outside}/{path}"[1:]):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        repository.commit({})
        done = repository.push("+main", check=False)
        told = done.stderr + "".join(client.call("GET", f"/projects/{name}/deployments/{each['number']}/log").text
                                     for each in deployments(client, name))
        assert shown not in told, told
        if path in ("Dockerfile", "paastech.yaml", "Procfile"):
            assert done.returncode != 0 and "symlink" in done.stderr, done.stderr
    assert MARK not in service.log()

    # The control: what is in the tree is read.
    link.unlink()
    if (outside / path).is_dir():
        shutil.copytree(outside / path, link)
    else:
        shutil.copy(outside / path, link)
    repository.commit({})
    done = repository.push("+main", check=False)
    assert shown in done.stderr, done.stderr


def test_hostile_gitmodules_start_no_submodule(client, unique, outside):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web())
    repository.commit({".gitmodules": f'[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch {outside}/executed\n'})
    done = repository.push(check=False)
    assert done.returncode != 0 and "gitmodulesUrl" in done.stderr, done.stderr
    assert not (outside / "executed").exists()


def test_what_would_be_a_command_to_a_shell_is_a_name(service, client, unique, outside):
    executed = outside / "executed"
    commands = [shape.replace("DO", f"touch${{IFS}}{executed}") for shape in
                ("$(DO)", "`DO`", ";DO;", "a;DO&&true", "|DO", "a'&DO&'", '"$(DO)"')]
    for command in commands:  # the control: a shell does what it says
        quote = "'" if "'" in command else ""
        subprocess.run(["sh", "-c", f"true {quote}refs/heads/{command}{quote}"], capture_output=True)
        assert executed.exists(), command
        executed.unlink()
    name = client.project(unique())["name"]
    repository = client.repository(name)
    for place in ("refs/heads", "refs/tags"):
        for command in commands:
            repository.commit(apps.web(), command)
            repository.push(f"main:{place}/{command}")
            assert f"{place}/{command}" in refs(client, name)
            repository.git("fetch", "-q", "paastech", f"{place}/{command}")
    for option in ("--upload-pack=x", f"-c${{IFS}}{executed}", f"--exec=touch${{IFS}}{executed}"):
        assert repository.push(f"main:refs/heads/{option}", check=False).returncode != 0, option
    repository.commit({}, f"$(touch {executed}); `touch {executed}`")  # goes on from here to the build and the page of it
    repository.push()
    assert service.visit(name).status == 200
    repository.push(f":refs/heads/{commands[0]}")
    assert not executed.exists()
