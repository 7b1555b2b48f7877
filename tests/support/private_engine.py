"""A Docker Engine of a test's own, so that it may be stopped."""
import os
import signal
import subprocess

from .docker_api import Docker
from .service import SOCKET, wait_for


class PrivateEngine:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        self.socket = str(folder / "docker.sock")
        self.docker = Docker(self.socket)
        (folder / "daemon.json").write_text('{"bridge": "none", "live-restore": true, "iptables": false}')
        self.process = None

    def start(self):
        """Begins it; wait() waits until it answers."""
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                ["dockerd", "--data-root", self.folder / "data", "--exec-root", self.folder / "exec", "-H",
                 f"unix://{self.socket}", "--pidfile", self.folder / "pid", "--config-file", self.folder / "daemon.json"],
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def wait(self):
        wait_for(self.answers, "the Engine to answer", seconds=60)
        return self

    def restart(self, how=signal.SIGTERM):
        self.stop(how)
        self.start()
        return self.wait()

    def answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
        try:
            return self.docker.call("GET", "/info", timeout=5)[0] == 200
        except OSError:
            return False

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(30)
        # Its containerd ends with it, a moment later; a dockerd that still finds it there waits for it in vain.
        child = self.folder / "exec" / "containerd" / "containerd.pid"
        if child.exists():
            wait_for(lambda: not os.path.exists(f"/proc/{child.read_text().strip()}"), "the Engine's containerd to be gone")
        for path in (self.socket, self.folder / "pid"):
            if os.path.exists(path):
                os.unlink(path)

    def close(self):
        self.stop()
        # A dockerd with live-restore leaves its folder mounted on itself.
        subprocess.run(["umount", "-l", self.folder / "data"], stderr=subprocess.DEVNULL)

    def bring(self, image):
        """Copies an image from the tests' Engine."""
        curl = ["curl", "-sS", "--fail", "-m", "120", "--unix-socket"]
        saved = subprocess.Popen([*curl, SOCKET, f"http://localhost/v1.41/images/{image}/get"], stdout=subprocess.PIPE)
        loaded = subprocess.run(
            [*curl, self.socket, "-X", "POST", "-T", "-", "-H", "Content-Type: application/x-tar",
             "http://localhost/v1.41/images/load?quiet=1"], stdin=saved.stdout, capture_output=True, text=True)
        saved.stdout.close()
        assert saved.wait(10) == 0 and loaded.returncode == 0, loaded.stdout + loaded.stderr
        status, answer = self.docker.call("GET", f"/images/{image}/json")
        assert status == 200, (answer, loaded.stdout)
