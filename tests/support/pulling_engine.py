"""A Docker Engine that can pull, where no registry can be reached: passes every connection on to the real one, but
answers pulls itself, by tagging a local image, and says that it fetches through a proxy, since its registries' names
resolve nowhere. A request a connection is what PaaSTech's client sends."""
import json
import os
import socket
import socketserver
import threading
import urllib.parse


class PullingEngine:
    def __init__(self, path, real, docker, images):
        """images: reference → (source image, changes for the commit: Dockerfile instructions)."""
        self.path, self.real, self.docker, self.images, self.pulls = path, real, docker, images, []
        engine = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                engine.serve(self.request)

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self.server = Server(path, Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        if os.path.exists(self.path):
            os.unlink(self.path)
        for reference in self.images:
            self.docker.call("DELETE", "/images/" + reference)

    def serve(self, client):
        first = client.recv(65536)
        if not first:
            return
        target = first.split(b" ")[1].decode()
        if "/images/create?" in target:
            client.sendall(self.pull(urllib.parse.parse_qs(target.split("?", 1)[1])))
            return
        if target.endswith("/info"):
            _, info = self.docker.call("GET", "/info")
            client.sendall(self.answer("200 OK", json.dumps(info | {"HttpsProxy": "http://proxy.example:3128"})))
            return
        with socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(self.real)
            upstream.sendall(first)
            threading.Thread(target=self.copy, args=(client, upstream), daemon=True).start()
            self.copy(upstream, client)

    @staticmethod
    def copy(source, sink):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
        except OSError:
            pass
        for each in (source, sink):  # either end's going ends both, as with the Engine itself
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

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

    @staticmethod
    def answer(status, body):
        return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                f"Connection: close\r\n\r\n{body}").encode()
