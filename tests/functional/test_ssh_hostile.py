"""What an SSH connection is not good for: commands, terminals, forwarding of any kind, an environment."""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile

import pytest

from tests.support import apps
from tests.support.service import wait_for


@pytest.fixture
def folder():
    """Of a name that is short enough for sockets."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="pt-ssh-", dir="/tmp"))
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("command", [
    (), ("ls",), ("git-receive-pack 'a';id",), ("git-receive-pack `id`",), ("git-receive-pack '../../etc'",),
    ("git-upload-archive 'x'",), ("git-receive-pack --help",), ("git-receive-pack 'a' 'b'",), ("scp -t /",),
])
def test_only_the_two_verbs_of_git(client, command):
    done = client.ssh(*command)
    assert done.returncode != 0
    assert "uid=" not in done.stdout + done.stderr
    assert (done.stdout + done.stderr).strip(), "silence explains nothing"


@pytest.mark.parametrize("options", [("-tt",), ("-s",), ("-W", "127.0.0.1:22"), ("-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:1")])
def test_terminals_subsystems_and_forwarding_are_refused(client, options):
    try:
        done = client.ssh(*(("sftp",) if options == ("-s",) else ()), options=options, timeout=15)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"ssh {options} was not refused")
    assert done.returncode != 0, done


@contextlib.contextmanager
def waiting(client, name, *options, **variables):
    """A fetch that has been greeted by the Service's git and says nothing. What git's process was given as environment, and a
    list that has what ssh said of it in the end."""
    said = []
    process = subprocess.Popen(client.ssh_command(f"git-upload-pack '{name}'", options=options), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | variables)
    try:
        assert re.match(rb"[0-9a-f]{4}", process.stdout.read(4)), process.stderr.read()
        [child] = wait_for(lambda: children(client.service.process.pid), "the Service's git")
        given = pathlib.Path(f"/proc/{child}/environ").read_text().split("\0")
        yield dict(entry.split("=", 1) for entry in given if entry), said
    finally:
        process.kill()
        said.append(process.communicate()[1].decode())
        wait_for(lambda: not children(client.service.process.pid), "the Service's git to end")


def children(parent):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, fields = re.fullmatch(r"\d+ \((.*)\) (.*)", path.read_text().strip()).groups()
            if name == "git" and fields.split()[1] == str(parent):
                found.append(path.parent.name)
    return found


def listening(service):
    """The sockets that the Service listens on: of TCP and in the file system."""
    own = set()
    for path in pathlib.Path(f"/proc/{service.process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            own |= set(re.findall(r"socket:\[(\d+)\]", os.readlink(path)))
    tcp = [line.split() for kind in ("tcp", "tcp6") for line in pathlib.Path(f"/proc/net/{kind}").read_text().splitlines()[1:]]
    unix = [line.split() for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]]
    return ({fields[1] for fields in tcp if fields[3] == "0A" and fields[9] in own}
            | {fields[-1] for fields in unix if int(fields[3], 16) & 0x10000 and fields[6] in own})


@pytest.fixture
def pushed(client, unique):
    name = client.project(unique())["name"]
    client.repository(name, apps.web()).push("main:side")
    return name


def test_of_the_environment_only_git_s_protocol_is_taken(client, pushed, folder):
    trace = folder / "trace"
    subprocess.run(["git", "--version"], env=os.environ | {"GIT_TRACE": str(trace)}, check=True, stdout=subprocess.DEVNULL)
    assert trace.exists(), "the control: this variable makes git write the file"
    trace.unlink()
    sent = {"GIT_TRACE": str(trace), "GIT_CONFIG_PARAMETERS": "'core.fsmonitor=touch x'", "LD_PRELOAD": "/nowhere.so",
            "GIT_PROTOCOL": "version=2", "PATH": "/nowhere", "LANG": "de_DE.UTF-8"}
    setting = "SetEnv=" + " ".join(f'"{key}={value}"' for key, value in sent.items())
    with waiting(client, pushed, "-o", setting) as (environment, _):
        assert environment.get("GIT_PROTOCOL") == "version=2", "the control: what is sent comes there"
        assert not {item for item in sent.items() if environment.get(item[0]) == item[1]} - {("GIT_PROTOCOL", "version=2")}
    assert not trace.exists()


def test_neither_agent_nor_display_is_forwarded(client, pushed, folder):
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", folder / "agent"], stdout=subprocess.DEVNULL)
    try:
        wait_for((folder / "agent").exists, "the agent")
        before = listening(client.service)
        assert len(before) >= 3, before
        with waiting(client, pushed, "-v", "-A", "-Y", SSH_AUTH_SOCK=str(folder / "agent"), DISPLAY="127.0.0.1:99") as (environment, said):
            assert "HOME" in environment and not environment.keys() & {"SSH_AUTH_SOCK", "DISPLAY", "XAUTHORITY"}, environment
            assert listening(client.service) == before
        for asked in ("Requesting authentication agent forwarding", "Requesting X11 forwarding", "X11 forwarding request failed"):
            assert asked in said[0], said[0]
        assert "auth-agent@openssh.com" not in said[0] and "client_request" not in said[0], "the Service asked for it"
    finally:
        agent.kill()
        agent.wait()


def test_no_socket_of_the_host_is_opened(client, folder):
    before = listening(client.service)
    opened = folder / "opened"
    done = client.ssh(options=("-N", "-o", "ExitOnForwardFailure=yes", "-R", f"{opened}:127.0.0.1:1"))
    assert done.returncode == 255 and "forwarding failed" in done.stderr, done
    assert not opened.exists() and listening(client.service) == before


def test_no_socket_of_the_host_is_reached(client, folder):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "host"))
        listener.listen()
        listener.settimeout(1)
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(folder / "host"))
        listener.accept()
        local = folder / "local"
        process = subprocess.Popen(client.ssh_command(options=("-N", "-L", f"{local}:{folder}/host")))
        try:
            wait_for(local.exists, "ssh to listen")
            with socket.socket(socket.AF_UNIX) as through:
                through.settimeout(15)
                through.connect(str(local))
                assert through.recv(1) == b"", "its end, and nothing else"
            with pytest.raises(TimeoutError):
                listener.accept()
        finally:
            process.kill()
            process.wait()
