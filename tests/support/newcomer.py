"""Who runs `make up` and its like: as root or as another user, in these sources or in a copy of them."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from . import firewall
from .docker_api import Docker
from .service import BUILD, SOCKET, free_ports

ROOT = pathlib.Path(__file__).parents[2]
PORTS = ("PAASTECH_HTTP_PORT", "PAASTECH_API_PORT", "PAASTECH_SSH_PORT")


class Newcomer:
    """Has a folder with the home of a Service in it, and three free ports. A user other than root may become root by the
    program sudo() writes."""

    def __init__(self, user=0):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-up-", dir="/tmp"))
        self.home = self.folder / "home"
        self.root = ROOT
        self.user = user
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PAASTECH_", "GIT_", "XDG_"))}
        self.environment = kept | {"HOME": str(self.folder), "PAASTECH_HOME": str(self.home), "PAASTECH_DOCKER_SOCKET": SOCKET}
        self.environment |= {name: str(port) for name, port in zip(PORTS, free_ports(3))}

    def copy_sources(self):
        """Runs in a copy in its folder from now on: the scripts, the example and the programs as they are built; nothing is
        compiled there."""
        self.root = self.folder / "source"
        for name in ("scripts", "examples/hello"):
            shutil.copytree(ROOT / name, self.root / name)
        shutil.copy(ROOT / "Makefile", self.root)
        (self.root / "build/bin").mkdir(parents=True)
        for name in ("paastechd", "paastech", "paastech-hook"):
            shutil.copy(BUILD / "bin" / name, self.root / "build/bin")
        self.environment["PATH"] = f"{self.folder}/bin:{os.environ['PATH']}"
        (self.folder / "bin").mkdir()
        for name in ("cmake", "ninja"):
            self.write_program(name, "#!/bin/sh\n")

    def write_program(self, name, content):
        """One that its `make` finds before the machine's."""
        (self.folder / "bin" / name).write_text(content)
        (self.folder / "bin" / name).chmod(0o755)

    def make(self, target):
        capabilities = ("--inh-caps=+setuid,+setgid", "--ambient-caps=+setuid,+setgid")
        become = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *capabilities] if self.user else []
        return subprocess.run([*become, "make", "-C", self.root, target], env=self.environment, capture_output=True, text=True, timeout=300)

    def up(self):
        """Returns the lines of standard output, by their names, and standard error."""
        done = self.make("up")
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line), done.stderr

    def pid(self, name="run/paastechd.pid"):
        return int((self.home / name).read_text())

    def own(self):
        """The processes that were started with this home."""
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if f"PAASTECH_HOME={self.home}\0".encode() in (process / "environ").read_bytes():
                    yield int(process.name)
            except OSError:
                pass  # ended meanwhile

    def close(self):
        self.make("down")
        for pid in self.own():  # what a failed test left
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if (self.home / "instance").exists():
            instance = (self.home / "instance").read_text().strip()
            Docker(SOCKET).clean("paastech.instance=" + instance)
            firewall.remove(instance)
        shutil.rmtree(self.folder)
