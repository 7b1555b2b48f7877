"""SSH connections that stay silent, trickle or read nothing: each is cut off at its limit, and others do not notice. The limits
are those of src/git/session.cc and src/git/transfer.h; only git.push_timeout_s is in the configuration. Loopback has 16 million
addresses, so that each kind comes from one of its own."""
import contextlib
import ctypes
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import time

from tests.support import apps
from tests.support.service import wait_for
from tests.support.visitors import Beside

LOGIN, COMMAND, SILENCE, TRICKLE = 20, 10, 60, 20  # seconds
SLACK = 15  # for a busy machine, for git to end by itself, and for a window of ten seconds to be full
OF_ADDRESS, OF_CLIENT = 16, 32  # the most logins at once of one address, and sessions of one Client
BUSY = "too many connections"

_hosts = itertools.count(10)


class Caller:
    """Somebody at an address of its own, whose connections, programs and the like are closed at the end."""

    def __init__(self, service):
        self.service, self.address, self.began, self.after = service, f"127.0.1.{next(_hosts)}", time.monotonic(), None
        self.open = contextlib.ExitStack()

    def dial(self):
        return self.open.enter_context(socket.create_connection(("127.0.0.1", self.service.ssh_port), 10, (self.address, 0)))

    def ssh(self, client, *command, options=()):
        """The real ssh, with its input left open."""
        argv = ["ssh", "-F", "/dev/null", "-b", self.address, "-i", client.key, "-o", "IdentitiesOnly=yes",
                "-o", "LogLevel=ERROR", "-o", f"UserKnownHostsFile={client.folder}/known_hosts",
                "-o", "StrictHostKeyChecking=accept-new", "-p", str(self.service.ssh_port), *options, "git@127.0.0.1", *command]
        program = self.open.enter_context(
            subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0))
        self.open.callback(program.kill)
        return program

    def connections(self):
        """How many the Service holds open to this address, by the kernel's word (proc(5), /proc/net/tcp)."""
        port = f"{self.service.ssh_port:04X}"
        peer = bytes(map(int, self.address.split(".")))[::-1].hex().upper()
        rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return sum(row[1].endswith(":" + port) and row[2].startswith(peer + ":") and row[9] != "0" for row in rows)

    def is_gone(self):
        if self.after is None and self.connections() == 0:
            self.after = time.monotonic() - self.began
        return self.after is not None


class Drips(Beside):
    """Sends to each its bytes, one a second."""

    def __init__(self):
        super().__init__(self.run)
        self.all = []

    def add(self, send, content):
        self.all.append((send, iter(content)))

    def run(self):
        while not self.done.wait(1):
            for send, rest in self.all:
                with contextlib.suppress(OSError, StopIteration, ValueError):  # cut off, or at its end
                    send(bytes([next(rest)]))


class Pushes(Beside):
    """Somebody who pushes one commit after the other to a branch that is not deployed; how long each took is kept."""

    def __init__(self, repository):
        super().__init__(self.run)
        self.repository, self.seconds, self.failed = repository, [], []

    def run(self):
        for number in itertools.count():
            if self.done.wait(0.3):
                return
            self.repository.commit({"number": str(number)})
            began = time.monotonic()
            done = self.repository.push("main:side", check=False, timeout=60)
            self.seconds.append(time.monotonic() - began)
            if done.returncode != 0:
                self.failed.append(done.stderr)

    def expect_undisturbed(self, least):
        slowest = max(self.seconds, default=None)
        print(f"{len(self.seconds)} pushes of another Client meanwhile, the slowest {slowest} s")
        assert not self.failed and len(self.seconds) >= least and slowest < 10, (self.failed[:1], self.seconds)


def key_exchanged(caller):
    """A client that has the key exchange behind it and does not log in; ssh itself always goes on, but libssh does not."""
    host, port, descriptor, user, no_files = 0, 1, 3, 4, 38  # of libssh/libssh.h, ssh_options_e
    libssh = ctypes.CDLL("libssh.so.4")
    libssh.ssh_new.restype = ctypes.c_void_p
    session = ctypes.c_void_p(libssh.ssh_new())
    connection = caller.dial()
    connection.settimeout(None)
    number = ctypes.c_int(os.dup(connection.fileno()))
    for option, value in ((host, b"127.0.0.1"), (port, ctypes.byref(ctypes.c_uint(caller.service.ssh_port))), (user, b"git"),
                          (no_files, ctypes.byref(ctypes.c_int(0))), (descriptor, ctypes.byref(number))):
        assert libssh.ssh_options_set(session, option, value) == 0, option
    assert libssh.ssh_connect(session) == 0
    caller.open.callback(libssh.ssh_free, session)
    caller.open.callback(libssh.ssh_silent_disconnect, session)


def heard(program, words):
    """Reads until these bytes have come."""
    got = b""
    while words not in got:
        piece = os.read(program.stdout.fileno(), 65536)
        assert piece, (got, program.stderr.read())
        got += piece


def test_who_stays_silent_or_trickles_before_the_login_is_cut_off_and_others_log_in(service, client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, apps.web())
    repository.push("main:side")
    callers = {kind: Caller(service) for kind in ("says nothing", "trickles its name", "ends after its name",
                                                  "trickles its key exchange", "does not log in", "fills its address")}
    with contextlib.ExitStack() as all, Drips() as drips:
        for caller in callers.values():
            all.enter_context(caller.open)
        callers["says nothing"].dial()
        drips.add(callers["trickles its name"].dial().sendall, b"SSH-2.0-" + b"x" * 200)
        callers["ends after its name"].dial().sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        packet = callers["trickles its key exchange"].dial()
        packet.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        drips.add(packet.sendall, b"\x00\x00\x03\xfc\x04\x14" + b"x" * 200)  # RFC 4253, section 6: 1020 bytes are announced
        key_exchanged(callers["does not log in"])
        crowd = callers["fills its address"]
        for _ in range(OF_ADDRESS):
            crowd.dial()
        wait_for(lambda: crowd.connections() == OF_ADDRESS, "all of one address to be let in")
        assert BUSY in turned_away(crowd), "the control: there are no more places for that address"
        with Pushes(repository) as pushes:
            wait_for(lambda: all_gone(callers), "them to be cut off", seconds=LOGIN + SLACK, fails=False)
        expect_limits(callers, {kind: LOGIN for kind in callers})
        pushes.expect_undisturbed(least=5)
        back = crowd.ssh(client, "git-upload-pack 'no-such-project'")
        assert b"does not exist" in back.communicate(timeout=30)[1], "its places are free again"


def turned_away(caller):
    with contextlib.closing(caller.dial()) as one_more:
        text = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := one_more.recv(4096):
                text += piece
        return text.decode(errors="replace")


def all_gone(callers):
    return all([caller.is_gone() for caller in callers.values()])


def expect_limits(callers, limits):
    after = {kind: caller.after and round(caller.after, 1) for kind, caller in callers.items()}
    print(f"cut off after so many seconds: {after}")
    for kind, limit in limits.items():
        assert after[kind], f"who {kind} was not cut off within {limit + SLACK} s; the others: {after}"
        assert limit - 3 < after[kind] < limit + SLACK, f"who {kind} was cut off after {after[kind]} s and not {limit} s"


def test_who_is_logged_in_and_goes_silent_trickles_or_reads_nothing_is_cut_off_and_others_push(service, client, unique):
    hoarder = service.client(unique("hoarder"))
    taken, mine = hoarder.project(unique())["name"], client.project(unique())["name"]
    theirs = hoarder.repository(taken, {"large": os.urandom(16 << 20)})
    theirs.push("main:side")
    repository = client.repository(mine, apps.web())
    repository.push("main:side")
    callers = {kind: Caller(service) for kind in ("asks for nothing", "pushes silently", "trickles its push", "reads nothing")}
    limits = {"asks for nothing": COMMAND, "pushes silently": SILENCE, "trickles its push": TRICKLE, "reads nothing": SILENCE}
    with contextlib.ExitStack() as all, Drips() as drips:
        for caller in callers.values():
            all.enter_context(caller.open)
        said = {}
        deaf = callers["reads nothing"].ssh(hoarder, f"git-upload-pack '{taken}'")
        heard(deaf, b"0000")
        head = theirs.git("rev-parse", "HEAD").stdout.strip()
        deaf.stdin.write(f"0032want {head}\n".encode() + b"0000" + b"0009done\n")
        heard(deaf, b"PACK")
        deaf.send_signal(signal.SIGSTOP)
        callers["reads nothing"].began = time.monotonic()
        silent = callers["pushes silently"]
        for _ in range(OF_CLIENT - 1):
            said["pushes silently"] = silent.ssh(hoarder, f"git-receive-pack '{taken}'")
            heard(said["pushes silently"], b"0000")
        silent.began = time.monotonic()
        one_more = hoarder.ssh(f"git-receive-pack '{taken}'")
        assert f"you have {OF_CLIENT} git sessions open" in one_more.stderr, one_more
        slow = said["trickles its push"] = callers["trickles its push"].ssh(client, f"git-receive-pack '{mine}'")
        heard(slow, b"0000")
        callers["trickles its push"].began = time.monotonic()
        drips.add(slow.stdin.write, b"fff0" + b"0" * 200)  # gitprotocol-common(5): 65520 bytes are announced
        idle = callers["asks for nothing"]
        idle.began = time.monotonic()
        idle.ssh(client, options=("-N",))
        wait_for(lambda: idle.connections() == 1, "the connection that asks for nothing")
        with Pushes(repository) as pushes:
            wait_for(lambda: all_gone(callers), "them to be cut off", seconds=SILENCE + SLACK, fails=False)
        expect_limits(callers, limits)
        pushes.expect_undisturbed(least=15)
        for kind, words in (("pushes silently", "nothing was transferred for 60 s"),
                            ("trickles its push", "too slow: less than 512 bytes a second")):
            told = said[kind].communicate(timeout=10)[1].decode()
            assert words in told, (kind, told)
        theirs.commit({"next": "one"})
        theirs.push("main:side")


def test_the_operator_says_how_long_a_push_may_take(fresh_service):
    service = fresh_service("[git]\npush_timeout_s = 10\n").start()
    client = service.client("slow")
    client.project("endless")
    caller = Caller(service)
    with caller.open:
        push = caller.ssh(client, "git-receive-pack 'endless'")
        heard(push, b"0000")
        caller.began = time.monotonic()
        wait_for(caller.is_gone, "it to be cut off", seconds=10 + SLACK)
        told = push.communicate(timeout=10)[1].decode()
    assert 8 < caller.after < 10 + SLACK and "took longer than 10 s" in told, (caller.after, told)
    client.repository("endless", apps.web()).push("main:side")
