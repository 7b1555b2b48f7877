"""A real image registry (Debian's docker-registry) on loopback, and images that the test Engine makes and pushes there."""
import base64
import io
import json
import pathlib
import secrets
import subprocess
import tarfile
import urllib.error
import urllib.request

from . import apps
from .docker_api import Docker
from .service import SOCKET, free_ports, wait_for

USER, PASSWORD = "someone", "canary-3f9a-registry"
# As htpasswd writes it: bcrypt with the least cost.
LINE = f"{USER}:$2b$05$piqwguCIZ6PoH6LRdtItrONmPHU/pc9iSyOUmhr1Ml.LObgDOWMe6\n"


class Registry:
    """Several over one folder have the same images. with_password: of USER with PASSWORD only. Not started yet."""

    def __init__(self, folder, with_password=False):
        self.port, = free_ports(1)
        self.address = f"127.0.0.1:{self.port}"
        self.place = pathlib.Path(folder) / str(self.port)
        self.place.mkdir()
        config = {"version": "0.1", "log": {"level": "error"}, "http": {"addr": self.address},
                  "storage": {"filesystem": {"rootdirectory": f"{folder}/data"}}}
        if with_password:
            (self.place / "passwords").write_text(LINE)
            config["auth"] = {"htpasswd": {"realm": "test", "path": f"{self.place}/passwords"}}
        (self.place / "config.yml").write_text(json.dumps(config))
        self.process = None

    def start(self):
        with open(self.place / "log", "ab") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", self.place / "config.yml"], stdout=log, stderr=log)
        wait_for(self.answers, f"the registry to answer ({self.place}/log)")

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()

    def answers(self):
        try:
            return urllib.request.urlopen(f"http://{self.address}/v2/", timeout=5).status == 200
        except urllib.error.HTTPError as answer:
            return answer.code == 401
        except OSError:
            return False

    def requests(self):
        """The paths that were asked of it."""
        lines = (self.place / "log").read_text().splitlines()
        return [line.split('"')[1].split()[1] for line in lines if '"' in line and "HTTP/1." in line]

    def publish(self, name, tag, version, more=""):
        """Pushes an application of this version, with more in its Dockerfile; nothing of it stays in the Engine. Returns its
        digest."""
        docker = Docker(SOCKET)
        reference = f"{self.address}/{name}:{tag}"
        files = apps.web(version, dockerfile=apps.DOCKERFILE + more)
        files["server.pl"] += f"# {secrets.token_hex(8)}\n"  # so that no layer of it is there already
        try:
            built = docker.call("POST", f"/build?t={reference}", data=archive(files), raw=True, timeout=120,
                                headers={"Content-Type": "application/x-tar"})
            assert built[0] == 200 and b"errorDetail" not in built[1], built
            assert reference in self.names_in_the_engine()
            nobody = base64.b64encode(b"{}").decode()
            pushed = docker.call("POST", f"/images/{self.address}/{name}/push?tag={tag}", raw=True, timeout=300,
                                 headers={"X-Registry-Auth": nobody})
            assert pushed[0] == 200 and b"errorDetail" not in pushed[1], pushed
        finally:
            docker.call("DELETE", f"/images/{reference}?force=1")
        return next(line["aux"]["Digest"] for line in map(json.loads, pushed[1].splitlines()) if "Digest" in line.get("aux", {}))

    def names_in_the_engine(self):
        """Of images that were fetched from here, or are to be pushed."""
        listed = Docker(SOCKET).call("GET", "/images/json?digests=1")[1]
        names = [name for image in listed for name in (image["RepoTags"] or []) + (image["RepoDigests"] or [])]
        return [name for name in names if name.startswith(self.address + "/")]


def archive(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content.encode())
            tar.addfile(entry, io.BytesIO(content.encode()))
    return out.getvalue()
