"""The few Docker Engine calls that tests need, over its unix socket, with nothing but the standard library."""
import http.client
import json
import socket
import urllib.parse


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Docker:
    def __init__(self, path):
        self.path = path

    def call(self, method, target, body=None, timeout=60, raw=False, data=None, headers=None):
        """Returns (status, parsed JSON or bytes). data: bytes to be sent as they are, instead of JSON."""
        connection = _UnixConnection(self.path, timeout)
        if body is not None:
            data, headers = json.dumps(body), {"Content-Type": "application/json"}
        connection.request(method, "/v1.41" + target, data, headers or {})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if raw or "json" not in (response.getheader("Content-Type") or ""):
            return response.status, content
        return response.status, json.loads(content or b"null")

    def _filtered(self, kind, label, query=""):
        filters = urllib.parse.quote(json.dumps({"label": [label]}))
        return self.call("GET", f"/{kind}?filters={filters}{query}")[1]

    def containers(self, label):
        return self._filtered("containers/json", label, "&all=1")

    def networks(self, label):
        return self._filtered("networks", label)

    def images(self, label):
        return self._filtered("images/json", label)

    def project_images(self, project):
        """References of the images that were built for a Project."""
        filters = urllib.parse.quote(json.dumps({"reference": [f"paastech/{project}"]}))
        listed = self.call("GET", f"/images/json?filters={filters}")[1]
        return [tag for image in listed for tag in image["RepoTags"] or []]

    def inspect(self, container):
        return self.call("GET", f"/containers/{container}/json")[1]

    def run_in(self, container, argv, timeout=30):
        """Runs a command inside a running container; returns (exit code, output)."""
        _, made = self.call("POST", f"/containers/{container}/exec",
                            {"AttachStdout": True, "AttachStderr": True, "Cmd": argv, "Tty": True})
        _, output = self.call("POST", f"/exec/{made['Id']}/start", {"Detach": False, "Tty": True}, timeout, raw=True)
        _, state = self.call("GET", f"/exec/{made['Id']}/json")
        return state["ExitCode"], output.decode(errors="replace")

    def clean(self, label):
        """Removes every container, network and image with the label. What a test made must not outlive it."""
        for container in self.containers(label):
            self.call("DELETE", f"/containers/{container['Id']}?force=1&v=1")
        projects = set()
        for network in self.networks(label):
            projects.add(network["Labels"].get("paastech.project"))
            self.call("DELETE", f"/networks/{network['Id']}")
        for image in self.images(label):
            self.call("DELETE", f"/images/{image['Id']}?force=1")
        for project in projects - {None}:
            for reference in self.project_images(project):
                self.call("DELETE", f"/images/{reference}?force=1")
