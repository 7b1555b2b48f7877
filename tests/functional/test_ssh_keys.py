"""SSH keys of every kind that ssh-keygen makes and the Service takes: added by the command line, used by git."""
import ctypes
import subprocess

import pytest

from tests.support.cli import as_json, ok


def make_key(client, kind, bits=None):
    path = client.folder / f"id_{kind}_{bits}"
    size = ["-b", str(bits)] if bits else []
    subprocess.run(["ssh-keygen", "-q", "-t", kind, *size, "-N", "", "-C", f"{kind} {bits}", "-f", path], check=True)
    return path


def fingerprint(key):
    return subprocess.run(["ssh-keygen", "-l", "-f", f"{key}.pub"], capture_output=True, text=True, check=True).stdout.split()[1]


@pytest.fixture
def rsa(client):
    """A Client whose key is of RSA."""
    client.key = make_key(client, "rsa", 2048)
    ok(client.cli("keys", "add", f"{client.key}.pub"))
    return client


@pytest.mark.parametrize("kind, bits, type_name", [
    ("ed25519", None, "ssh-ed25519"), ("ecdsa", 256, "ecdsa-sha2-nistp256"), ("ecdsa", 384, "ecdsa-sha2-nistp384"),
    ("ecdsa", 521, "ecdsa-sha2-nistp521"), ("rsa", 2048, "ssh-rsa"), ("rsa", 4096, "ssh-rsa"),
])
def test_git_fetches_and_pushes_with_a_key_of_this_kind_once_it_is_added(client, unique, kind, bits, type_name):
    name = client.project(unique())["name"]
    repository = client.repository(name, {"file": "content\n"})
    client.key = make_key(client, kind, bits)
    before = repository.git("ls-remote", "paastech", check=False)
    assert before.returncode != 0 and "Permission denied (publickey)" in before.stderr, before.stderr
    added = ok(client.cli("keys", "add", f"{client.key}.pub"))
    assert added == f"Added {type_name} {fingerprint(client.key)}\n"
    assert repository.git("ls-remote", "paastech").stdout == ""
    repository.push("main:feature")
    assert "refs/heads/feature" in repository.git("ls-remote", "paastech").stdout
    again = client.repository(name)
    again.git("fetch", "-q", "paastech")
    assert again.git("show", "paastech/feature:file").stdout == "content\n"
    pushed = client.call("GET", f"/projects/{name}/audit").json()["items"][0]
    assert (pushed["action"], pushed["object"]) == ("git.push", fingerprint(client.key)), pushed


def test_an_rsa_key_of_1024_bits_is_refused_when_it_is_added(client, unique):
    name = client.project(unique())["name"]
    repository = client.repository(name, {"file": "content\n"})
    before = as_json(client.cli("keys", "list", "--json"))["items"]
    weak = make_key(client, "rsa", 1024)
    refused = client.cli("keys", "add", f"{weak}.pub")
    assert refused.returncode == 1 and "the RSA key has 1024 bits; at least 2048 are needed" in refused.stderr, refused
    assert "hint:  make one: ssh-keygen -t ed25519" in refused.stderr, refused
    assert as_json(client.cli("keys", "list", "--json"))["items"] == before
    client.key = weak
    assert repository.git("ls-remote", "paastech", check=False).returncode != 0


def test_ssh_is_told_that_signatures_by_sha_1_are_not_taken(rsa):
    def signed_by(algorithm):
        return rsa.ssh("git-upload-pack 'no-such-project'", options=("-v", "-o", f"PubkeyAcceptedAlgorithms={algorithm}"))
    for algorithm in ("rsa-sha2-256", "rsa-sha2-512"):
        done = signed_by(algorithm)
        assert 'using "publickey"' in done.stderr and "does not exist" in done.stderr, done.stderr
    refused = signed_by("ssh-rsa")
    assert refused.returncode == 255 and "no mutual signature algorithm" in refused.stderr, refused.stderr
    assert "Permission denied (publickey)" in refused.stderr, refused.stderr


# Of libssh/libssh.h.
OPTION_HOST, OPTION_PORT, OPTION_USER, OPTION_TIMEOUT, OPTION_ACCEPTED_TYPES, OPTION_PROCESS_CONFIG = 0, 1, 4, 9, 37, 38
SUCCESS, DENIED = 0, 1
PATIENCE = 10  # seconds: libssh's client does not see that the connection was closed while it waits for the answer


def answer_to(client, algorithm):
    """What the Service says to the Client's key where the signature is by this algorithm, whatever it said that it takes.
    ssh would not send that, but libssh does."""
    libssh = ctypes.CDLL("libssh.so.4")
    libssh.ssh_new.restype = ctypes.c_void_p
    session, key = ctypes.c_void_p(libssh.ssh_new()), ctypes.c_void_p()
    try:
        for option, value in ((OPTION_HOST, b"127.0.0.1"), (OPTION_PORT, ctypes.byref(ctypes.c_uint(client.service.ssh_port))),
                              (OPTION_USER, b"git"), (OPTION_TIMEOUT, ctypes.byref(ctypes.c_long(PATIENCE))),
                              (OPTION_PROCESS_CONFIG, ctypes.byref(ctypes.c_int(0))),
                              (OPTION_ACCEPTED_TYPES, algorithm.encode())):
            assert libssh.ssh_options_set(session, option, value) == 0, option
        assert libssh.ssh_connect(session) == 0
        assert libssh.ssh_userauth_none(session, None) == DENIED
        assert libssh.ssh_pki_import_privkey_file(str(client.key).encode(), None, None, None, ctypes.byref(key)) == 0
        return libssh.ssh_userauth_publickey(session, None, key)
    finally:
        libssh.ssh_key_free(key)
        libssh.ssh_disconnect(session)
        libssh.ssh_free(session)


def test_a_signature_by_sha_1_is_refused_from_who_sends_it_all_the_same(rsa):
    for algorithm in ("rsa-sha2-256", "rsa-sha2-512"):
        assert answer_to(rsa, algorithm) == SUCCESS, "the control"
    assert answer_to(rsa, "ssh-rsa") != SUCCESS
    assert "login refused: Public key from client (ssh-rsa) doesn't match" in rsa.service.log()
