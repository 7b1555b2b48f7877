"""A socket before the real Docker Engine that passes every connection on, but for what a subclass answers or rewrites.
A request a connection is what PaaSTech's client sends."""
import os
import socket
import socketserver
import threading


class RelayedEngine:
    def __init__(self, path, real):
        self.path, self.real = path, real
        engine = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                engine.serve(self.request)

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        self.server = Server(path, Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answers(self, target):
        """The whole answer to a request of that target; None: it is the real Engine's to answer."""

    def rewritten(self, first):
        """What is passed on in place of the request's first bytes."""
        return first

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def serve(self, client):
        first = client.recv(65536)
        if not first:
            return
        answer = self.answers(first.split(b" ")[1].decode())
        if answer is not None:
            client.sendall(answer)
            return
        with socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(self.real)
            upstream.sendall(self.rewritten(first))
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

    @staticmethod
    def answer(status, body):
        return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                f"Connection: close\r\n\r\n{body}").encode()
