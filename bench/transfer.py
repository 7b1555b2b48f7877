"""A push of 100 MB of random blobs, beside OpenSSH's sshd with git-receive-pack."""
import getpass
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from bench.measure import alternate, ratio, spread
from tests.support.service import Service, free_ports, wait_for


class OpenSsh:
    """sshd on loopback for this user alone, with a bare repository."""

    def __init__(self, public_key):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-sshd-"))
        self.port = free_ports(1)[0]
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "host"], check=True)
        shutil.copy(public_key, self.folder / "authorized")
        (self.folder / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\nAuthorizedKeysFile {self.folder}/authorized\n"
            f"PidFile {self.folder}/pid\nStrictModes no\nPasswordAuthentication no\nUsePAM no\nPermitRootLogin yes\n")
        os.makedirs("/run/sshd", exist_ok=True)
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", self.folder / "config"], stderr=subprocess.DEVNULL)
        wait_for(lambda: (self.folder / "pid").exists(), "sshd to start")

    def repository(self, number):
        path = self.folder / f"r{number}.git"
        subprocess.run(["git", "init", "-q", "--bare", path], check=True)
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{path}"

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)


def large_push(results, rounds=5, megabytes=100):
    service = Service().start()
    try:
        client = service.client("bench")
        sshd = OpenSsh(client.key.with_suffix(".pub"))
        repository = client.repository("none")
        # What the Client itself does to the blobs is on both sides, and would hide what the two servers do.
        for setting in ("core.compression 0", "pack.window 0"):
            repository.git("config", *setting.split())
        repository.commit({f"blob{n}": os.urandom(1 << 20) for n in range(megabytes)})

        def push(url):
            started = time.monotonic()
            repository.git("push", "-q", url, "main:side")
            return (time.monotonic() - started) * 1000

        def ours(number):
            client.project(f"large-{number}")
            return push(f"ssh://git@127.0.0.1:{service.ssh_port}/large-{number}")

        try:
            mine, other = alternate(rounds, ours, lambda number: push(sshd.repository(number)))
        finally:
            sshd.close()
        value = 1 / ratio(mine, other)
        results.add(f"push of {megabytes} MB of random blobs, throughput", spread(mine, " ms"), "sshd: " + spread(other, " ms"),
                    f"{value:.2f}×", "≥ 0.9×", value >= 0.9)
    finally:
        service.close()
