"""A Docker Engine whose connections can be cut: passes them on to the real one, until cut() breaks all and refuses more,
and mend() takes them again."""
import os
import socket
import threading


class CutEngine:
    def __init__(self, path, real):
        self.path, self.real, self.broken = path, real, False
        self.open, self.lock = set(), threading.Lock()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(128)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            with self.lock:
                if self.broken:
                    client.close()
                    continue
                upstream.connect(self.real)
                self.open |= {client, upstream}
            for source, sink in ((client, upstream), (upstream, client)):
                threading.Thread(target=self.copy, args=(source, sink), daemon=True).start()

    def copy(self, source, sink):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
        except OSError:
            pass
        self.end({source, sink})

    def end(self, sockets):
        with self.lock:
            self.open -= sockets
        for each in sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        with self.lock:
            self.broken = True
            sockets = set(self.open)
        self.end(sockets)

    def mend(self):
        with self.lock:
            self.broken = False

    def close(self):
        self.cut()
        self.listener.close()
        os.unlink(self.path)
