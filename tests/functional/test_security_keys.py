"""Keys that live in a security key (FIDO), for git over SSH. Tests have no such thing to touch, so an agent of ours stands
for it: it signs what OpenSSH's ssh hands it in the form of PROTOCOL.u2f; ssh, git and the Service are the real ones."""
import base64
import hashlib
import socket
import struct
import subprocess
import threading

import pytest

from tests.support.cli import as_json, ok
from tests.support.service import wait_for

APPLICATION = b"ssh:"
# draft-ietf-sshm-ssh-agent
REQUEST_IDENTITIES, IDENTITIES_ANSWER, SIGN_REQUEST, SIGN_RESPONSE, FAILURE = 11, 12, 13, 14, 5
TOUCHED = 1  # the flag "user presence"


def string(value):
    return struct.pack(">I", len(value)) + value


def take_string(data):
    length = struct.unpack(">I", data[:4])[0]
    return data[4:4 + length], data[4 + length:]


def mpint(number):
    return string(number.to_bytes(number.bit_length() // 8 + 1, "big"))


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


class Ed25519:
    type = b"sk-ssh-ed25519@openssh.com"

    def __init__(self, folder):
        self.file, self.message = folder / "ed25519.pem", folder / "message"
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.file)
        point = openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")[-32:]
        self.blob = string(self.type) + string(point) + string(APPLICATION)

    def sign(self, message):
        self.message.write_bytes(message)  # openssl takes one of Ed25519 from a file only
        return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", self.message)


class Ecdsa:
    type = b"sk-ecdsa-sha2-nistp256@openssh.com"

    def __init__(self, folder):
        self.file, self.message = folder / "ecdsa.pem", folder / "message"
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", self.file)
        point = openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")[-65:]
        self.blob = string(self.type) + string(b"nistp256") + string(point) + string(APPLICATION)

    def sign(self, message):
        self.message.write_bytes(message)
        der = openssl("dgst", "-sha256", "-sign", self.file, self.message)
        numbers, rest = [], der[2:]
        while rest:
            numbers.append(int.from_bytes(rest[2:2 + rest[1]], "big"))
            rest = rest[2 + rest[1]:]
        return b"".join(mpint(number) for number in numbers)


class SecurityKey:
    """An ssh-agent that has this one key. flags: what it says of the touch; counter: of its signatures."""

    def __init__(self, kind, folder):
        self.key = kind(folder)
        self.counter, self.spoil = 0, None
        self.path = str(folder / "agent")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(self.path)
        self.listener.listen(8)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    @property
    def line(self):
        return f"{self.key.type.decode()} {base64.b64encode(self.key.blob).decode()} my security key"

    @property
    def fingerprint(self):
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.key.blob).digest()).decode().rstrip("=")

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                while request := self.read(connection):
                    connection.sendall(string(self.answer(request[0], request[1:])))

    @staticmethod
    def read(connection):
        data = b""
        while len(data) < 4 or len(data) < 4 + struct.unpack(">I", data[:4])[0]:
            piece = connection.recv(65536)
            if not piece:
                return b""
            data += piece
        return data[4:]

    def answer(self, kind, body):
        if kind == REQUEST_IDENTITIES:
            return bytes([IDENTITIES_ANSWER]) + struct.pack(">I", 1) + string(self.key.blob) + string(b"my security key")
        if kind != SIGN_REQUEST:
            return bytes([FAILURE])
        blob, rest = take_string(body)
        assert blob == self.key.blob
        return bytes([SIGN_RESPONSE]) + string(self.signature(take_string(rest)[0]))

    def signature(self, data):
        self.counter += 1
        flags_and_counter = struct.pack(">BI", TOUCHED, self.counter)
        signed = self.key.sign(hashlib.sha256(APPLICATION).digest() + flags_and_counter + hashlib.sha256(data).digest())
        if self.spoil == "counter":
            flags_and_counter = struct.pack(">BI", TOUCHED, self.counter + 1)
        elif self.spoil == "application":
            signed = self.key.sign(hashlib.sha256(b"ssh:other").digest() + flags_and_counter + hashlib.sha256(data).digest())
        return string(self.key.type) + string(signed) + flags_and_counter

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(20)


@pytest.fixture(params=[Ed25519, Ecdsa], ids=["ed25519-sk", "ecdsa-sk"])
def security_key(request, tmp_path):
    made = SecurityKey(request.param, tmp_path)
    yield made
    made.close()


def git(repository, security_key, *arguments):
    """git with that key alone."""
    client = repository.client
    ssh = (f"ssh -F /dev/null -o IdentityAgent={security_key.path} -o IdentityFile=none -o LogLevel=ERROR "
           f"-o UserKnownHostsFile={client.folder}/known_hosts -o StrictHostKeyChecking=accept-new")
    return subprocess.run(["git", *arguments], cwd=repository.path, env=client.environment() | {"GIT_SSH_COMMAND": ssh},
                          capture_output=True, text=True, timeout=120)


def add(client, security_key):
    file = client.folder / "security_key.pub"
    file.write_text(security_key.line + "\n")
    listed = subprocess.run(["ssh-keygen", "-l", "-f", file], capture_output=True, text=True, check=True).stdout
    assert listed.split()[1] == security_key.fingerprint, listed
    return client.cli("keys", "add", str(file))


def test_git_pushes_with_a_security_key_once_it_is_added(client, unique, security_key):
    name = client.project(unique())["name"]
    repository = client.repository(name, {"file": "content\n"})
    before = git(repository, security_key, "ls-remote", "paastech")
    assert before.returncode != 0 and "Permission denied (publickey)" in before.stderr, before
    assert ok(add(client, security_key)) == f"Added {security_key.key.type.decode()} {security_key.fingerprint}\n"
    pushed = git(repository, security_key, "push", "paastech", "main:feature")
    assert pushed.returncode == 0, pushed
    assert "refs/heads/feature" in ok(git(repository, security_key, "ls-remote", "paastech"))
    entry = client.call("GET", f"/projects/{name}/audit").json()["items"][0]
    assert (entry["action"], entry["object"]) == ("git.push", security_key.fingerprint), entry

    def last_use():
        keys = as_json(client.cli("keys", "list", "--json"))["items"]
        return next(key.get("last_used_at") for key in keys if key["fingerprint"] == security_key.fingerprint)
    assert wait_for(last_use, "the key's use to be noted")


def test_a_signature_that_is_not_of_what_it_says_is_refused(client, unique, security_key):
    name = client.project(unique())["name"]
    repository = client.repository(name)
    ok(add(client, security_key))
    assert git(repository, security_key, "ls-remote", "paastech").returncode == 0, "the control"
    signed = security_key.counter
    # Of another counter than was signed, or for another application: either way the key did not sign this login.
    security_key.spoil = "counter" if isinstance(security_key.key, Ed25519) else "application"
    # libssh says nothing to a signature that is wrong, so that the login ends with its time of 20 s.
    refused = git(repository, security_key, "ls-remote", "paastech")
    assert refused.returncode != 0 and "Could not read from remote repository" in refused.stderr, refused
    assert security_key.counter > signed, "the control: it was asked to sign"
    security_key.spoil = None
    assert git(repository, security_key, "ls-remote", "paastech").returncode == 0


def test_a_security_key_belongs_to_one_client(service, client, unique, security_key):
    ok(add(client, security_key))
    other = service.client(unique("other"))
    refused = add(other, security_key)
    assert refused.returncode == 1 and "key" in refused.stderr, refused
    assert security_key.fingerprint not in ok(other.cli("keys", "list"))
