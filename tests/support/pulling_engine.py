"""A Docker Engine that can pull, where no registry can be reached: answers pulls itself, by tagging a local image, and
says that it fetches through a proxy, since its registries' names resolve nowhere. It counts what it is asked for."""
import json
import urllib.parse

from tests.support.relayed_engine import RelayedEngine


class PullingEngine(RelayedEngine):
    def __init__(self, path, real, docker, images):
        """images: reference → (source image, changes for the commit: Dockerfile instructions)."""
        self.docker, self.images, self.pulls, self.digests = docker, images, [], []
        super().__init__(path, real)

    def close(self):
        super().close()
        for reference in self.images:
            self.docker.call("DELETE", "/images/" + reference)

    def answers(self, target):
        if "/images/create?" in target:
            return self.pull(urllib.parse.parse_qs(target.split("?", 1)[1]))
        if "/distribution/" in target:
            self.digests.append(target.split("/distribution/", 1)[1].removesuffix("/json"))
            return self.answer("404 Not Found", json.dumps({"message": "manifest unknown"}))
        if target.endswith("/info"):
            _, info = self.docker.call("GET", "/info")
            return self.answer("200 OK", json.dumps(info | dict.fromkeys(("HttpProxy", "HttpsProxy"), "http://proxy.example:3128")))
        return None

    def pull(self, query):
        reference = query["fromImage"][0] + ":" + query["tag"][0]
        self.pulls.append(reference)
        if reference not in self.images:
            body = {"message": f"pull access denied for {reference}, repository does not exist"}
            return self.answer("404 Not Found", json.dumps(body))
        source, changes = self.images[reference]
        _, made = self.docker.call("POST", "/containers/create", {"Image": source})
        name, tag = reference.rsplit(":", 1)
        wanted = urllib.parse.urlencode({"container": made["Id"], "repo": name, "tag": tag, "changes": changes})
        self.docker.call("POST", "/commit?" + wanted)
        self.docker.call("DELETE", f"/containers/{made['Id']}?force=1")
        lines = [{"status": f"Pulling from {name}", "id": tag}, {"status": f"Downloaded newer image for {reference}"}]
        return self.answer("200 OK", "\r\n".join(json.dumps(line) for line in lines) + "\r\n")
