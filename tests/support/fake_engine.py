"""A Docker Engine in which nothing costs anything, for what depends on how much there is: containers are entries in memory,
each with an HTTP server on an address of its own in 127.64.0.0/10, which answers 200 and its environment. Speaks the Engine's
API 1.41 as far as paastechd uses it to deploy images: no builds, exec or volumes. One request a connection.

    python3 -m tests.support.fake_engine SOCKET PORT    every image EXPOSEs PORT, another one than beside it; ends with its input

One thing is its own: DELETE /containers/ID?unseen=1 sends no events, for the real one drops those of whoever is slow."""
import asyncio
import contextlib
import hashlib
import json
import re
import sys
import time
import types
import urllib.parse


class Refusal(Exception):
    """An answer of a status and a message, worded as the real Engine does."""


def rfc3339(ns):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09}Z"


class Container:
    def __init__(self, name, body, image, address):
        self.id, self.name, self.body = hashlib.sha256(address.encode()).hexdigest(), name, body
        self.image, self.address, self.labels, self.policy = image, address, body.get("Labels") or {}, "no"
        self.network, self.state, self.started_ns = body["HostConfig"]["NetworkMode"], "created", 0
        self.server, self.visitors, self.lines, self.ended = None, set(), [], None
        self.filterable = {f"{key}={value}" for key, value in self.labels.items()}

    async def start(self):
        port = int(dict(one.split("=", 1) for one in self.body["Env"])["PORT"])
        self.server = await asyncio.start_server(self.visit, self.address, port)
        self.state, self.started_ns, self.ended = "running", time.time_ns(), asyncio.Event()
        self.lines.append((self.started_ns, f"listening on {port}\n"))

    def end(self):
        self.server.close()
        for writer in self.visitors:
            writer.close()
        self.state = "exited"
        self.ended.set()

    async def visit(self, reader, writer):
        self.visitors.add(writer)
        answer = "\n".join(self.body["Env"]).encode()
        with contextlib.suppress(OSError, EOFError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
                if b"connection: close" in head.lower():
                    break
        self.visitors.discard(writer)
        writer.close()

    def networks(self):
        return {"Networks": {self.network: {"IPAddress": self.address if self.state == "running" else ""}}}

    def summary(self):
        return {"Id": self.id, "Names": ["/" + self.name], "Image": self.body["Image"], "ImageID": self.image,
                "State": self.state, "Labels": self.labels, "HostConfig": self.body["HostConfig"],
                "NetworkSettings": self.networks()}

    def details(self):
        return {"Id": self.id, "Name": "/" + self.name, "Image": self.image, "Config": self.body,
                "NetworkSettings": self.networks(), "State": {"Status": self.state, "StartedAt": rfc3339(self.started_ns)},
                "HostConfig": self.body["HostConfig"] | {"RestartPolicy": {"Name": self.policy}}}


class Engine:
    """What each call does: `_` is the query, its filters, the body, and how to put a piece of an answer that streams; then what
    the path names. Its value is answered as JSON."""

    def __init__(self, port):
        self.port, self.made, self.watchers = port, 0, []
        self.containers, self.by_name, self.networks, self.images = {}, {}, {}, {}  # images: ids by name

    def find(self, name):
        if found := self.containers.get(name) or self.by_name.get(name):
            return found
        raise Refusal(404, f"No such container: {name}")

    def image(self, name):
        if name in self.images or name in self.images.values():
            return self.images.get(name, name)
        raise Refusal(404, f"No such image: {name}")

    def tell(self, action, container, **more):
        more |= {"name": container.name, "image": container.body["Image"]}
        event = {"Type": "container", "Action": action, "timeNano": time.time_ns(),
                 "Actor": {"ID": container.id, "Attributes": container.labels | more}}
        for wanted, queue in self.watchers:
            if container.filterable.issuperset(wanted.get("label", [])) and action in wanted.get("event", [action]):
                queue.put_nowait(json.dumps(event).encode() + b"\n")

    async def events(self, _):
        self.watchers.append(watcher := (_.filters, asyncio.Queue()))
        try:
            await _.put(b"")
            while True:
                await _.put(await watcher[1].get())
        finally:
            self.watchers.remove(watcher)

    def list(self, _):
        return [each.summary() for each in self.containers.values() if each.filterable.issuperset(_.filters.get("label", []))]

    def create(self, _):
        name, network = _.query["name"], _.body["HostConfig"]["NetworkMode"]
        if other := self.by_name.get(name):
            raise Refusal(409, f'Conflict. The container name "/{name}" is already in use by container "{other.id}".')
        self.network(_, network)
        self.made += 1
        address = f"127.{64 + (self.made >> 16)}.{self.made >> 8 & 255}.{self.made & 255}"
        made = Container(name, _.body, self.image(_.body["Image"]), address)
        self.containers[made.id] = self.by_name[name] = made
        return {"Id": made.id, "Warnings": []}

    async def start(self, _, name):
        container = self.find(name)
        if container.state != "running":
            await container.start()
            self.tell("start", container)

    def stop(self, _, name):
        container = self.find(name)
        if container.state == "running":
            container.end()
            "unseen" in _.query or self.tell("die", container, exitCode="0")

    def remove(self, _, name):
        self.stop(_, name)
        container = self.find(name)
        del self.containers[container.id], self.by_name[container.name]
        "unseen" in _.query or self.tell("destroy", container)

    def update(self, _, name):
        self.find(name).policy = _.body["RestartPolicy"]["Name"]

    async def wait(self, _, name):
        container = self.find(name)
        await _.put(b"")
        if container.state == "running":
            await container.ended.wait()
        await _.put(b'{"StatusCode":0}')

    def stats(self, _, name):
        assert self.find(name)
        return {"read": rfc3339(time.time_ns()), "cpu_stats": {"cpu_usage": {"total_usage": 10**7}}, "pids_stats": {"current": 1},
                "memory_stats": {"usage": 20 << 20, "limit": 512 << 20}, "networks": {"eth0": {"rx_bytes": 1, "tx_bytes": 1}}}

    async def logs(self, _, name):
        container, since = self.find(name), int(_.query.get("since", "0").replace(".", ""))
        told = max(len(container.lines) - int(_.query.get("tail", len(container.lines))), 0)
        await _.put(b"")
        for line in [f"{rfc3339(at)} {text}".encode() for at, text in container.lines[told:] if at >= since]:
            await _.put(b"\1\0\0\0" + len(line).to_bytes(4, "big") + line)
        if "follow" in _.query and container.state == "running":
            await container.ended.wait()

    def network(self, _, name):
        if name not in self.networks:
            raise Refusal(404, f"network {name} not found")
        return self.networks[name] | {"Containers": {each.id: {} for each in self.containers.values() if each.network == name}}

    def list_networks(self, _):
        wanted = set(_.filters.get("label", []))
        return [each for each in self.networks.values() if wanted <= {f"{key}={value}" for key, value in each["Labels"].items()}]

    def create_network(self, _):
        if (name := _.body["Name"]) in self.networks:
            raise Refusal(409, f"network with name {name} already exists")
        self.networks[name] = {"Id": name} | {key: _.body.get(key) or {} for key in ("Name", "Labels", "IPAM")}
        return {"Id": name}

    def distribution(self, _, name):
        return {"Descriptor": {"digest": name.partition("@")[2] or "sha256:" + hashlib.sha256(name.encode()).hexdigest()}}

    def pull(self, _):
        self.images[f"{_.query['fromImage']}@{_.query['tag']}"] = _.query["tag"]  # a digest: nothing else is pulled
        return {"status": "Pulling from " + _.query["fromImage"]}

    def tag(self, _, image):
        self.images[f"{_.query['repo']}:{_.query['tag']}"] = self.image(image)

    def show_image(self, _, name):
        image = self.image(name)
        return {"Id": image, "RepoTags": [each for each, of in self.images.items() if of == image],
                "Config": {"Cmd": ["serve"], "ExposedPorts": {f"{self.port}/tcp": {}}}}

    def list_images(self, _):  # they have no labels
        wanted = ("any label",) if "label" in _.filters else tuple(_.filters.get("reference", [""]))
        return [{"Id": image, "RepoTags": [name]} for name, image in self.images.items() if name.startswith(wanted)]

    CALLS = [(re.compile(path.replace("NAME", "(.+)")), call) for path, call in {
        "GET /version": lambda self, _: {"ApiVersion": "1.41"}, "GET /_ping": lambda self, _: "OK",
        # Its registry's name resolves nowhere, as with an Engine that fetches through a proxy.
        "GET /info": lambda self, _: {"ServerVersion": "fake", "CgroupVersion": "2", "Runtimes": {"runc": {}},
                                      "HttpsProxy": "http://proxy.example:3128"},
        "GET /events": events, "GET /containers/json": list, "POST /containers/create": create,
        "GET /containers/NAME/json": lambda self, _, name: self.find(name).details(), "DELETE /containers/NAME": remove,
        "POST /containers/NAME/start": start, "POST /containers/NAME/stop": stop, "POST /containers/NAME/update": update,
        "POST /containers/NAME/wait": wait, "GET /containers/NAME/stats": stats, "GET /containers/NAME/logs": logs,
        "GET /networks": list_networks, "POST /networks/create": create_network, "GET /networks/NAME": network,
        "DELETE /networks/NAME": lambda self, _, name: self.networks.pop(name, None), "POST /images/create": pull,
        "GET /distribution/NAME/json": distribution, "GET /images/json": list_images, "GET /images/NAME/json": show_image,
        "POST /images/NAME/tag": tag, "DELETE /images/NAME": lambda self, _, name: self.images.pop(name, None),
        "GET /volumes": lambda self, _: {"Volumes": []}}.items()]

    async def answer(self, what, _):
        for pattern, call in self.CALLS:
            if found := pattern.fullmatch(what):
                value = call(self, _, *found.groups())
                return await value if asyncio.iscoroutine(value) else value
        raise Refusal(404, "page not found")

    async def serve(self, reader, writer):
        begun = []

        async def put(piece, status=200):
            begun or writer.write(b"HTTP/1.1 %d \r\nContent-Type: application/json\r\n\r\n" % status)
            begun.append(piece)
            writer.write(piece)
            await writer.drain()
        with contextlib.closing(writer), contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            body = await reader.readexactly(int((re.search(r"(?i)\ncontent-length: *(\d+)", head) or (0, 0))[1]))
            method, path, query = re.match(r"(\w+) (?:/v[\d.]+)?([^? ]+)\??(\S*)", head).groups()
            query = dict(urllib.parse.parse_qsl(query))
            answer = asyncio.create_task(self.answer(f"{method} {urllib.parse.unquote(path)}", types.SimpleNamespace(
                query=query, filters=json.loads(query.get("filters", "{}")), body=json.loads(body or "null"), put=put)))
            # Whoever asked may go before the end of what streams.
            asyncio.gather(reader.read(), return_exceptions=True).add_done_callback(lambda _: answer.cancel())
            try:
                value = await answer
                await put(b"" if begun else json.dumps(value).encode())
            except Refusal as refusal:
                await put(json.dumps({"message": refusal.args[1]}).encode(), refusal.args[0])
            except OSError as error:  # of a start
                await put(json.dumps({"message": str(error)}).encode(), 500)


async def main(path, port):
    await asyncio.start_unix_server(Engine(int(port)).serve, path)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
