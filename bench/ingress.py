"""Requests per second and p99 of the ingress, nginx and HAProxy: one core each, the same backend, in turn."""
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request

from bench.measure import spread
from tests.support.service import BUILD, free_ports, wait_for

HOST = "bench.user-app.localhost"
SECONDS = 4
ROUNDS = 5


def field(number, value):
    """One protobuf field (encoding: https://protobuf.dev/programming-guides/encoding), a number or bytes."""
    def varint(n):
        out = bytearray()
        while n > 127:
            out.append(n & 127 | 128)
            n >>= 7
        return bytes([*out, n])
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def route_table(port):
    backend = field(1, b"127.0.0.1") + field(2, port) + field(3, 1)
    route = field(1, HOST.encode()) + field(2, b"00000000-0000-4000-8000-000000000000") + field(3, backend)
    return field(1, 1) + field(2, route)


def answers(port):
    try:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": HOST})
        return urllib.request.urlopen(request, timeout=1).status == 200
    except OSError:
        return False


class Stage:
    """Backend and load on the second core, the proxy under test on the first."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-ingress-", dir="/tmp"))
        self.processes = []
        self.backend, self.ours, self.nginx, self.haproxy, unused, ssh = free_ports(6)
        common = "daemon off; pid {0}/{1}.pid; error_log {0}/{1}.log; worker_processes 1; events {{ worker_connections 4096; }} "
        temp = " ".join(f"{kind}_temp_path {self.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (self.folder / "backend.conf").write_text(
            common.format(self.folder, "backend") + "http { access_log off; keepalive_requests 100000000; " + temp +
            f" server {{ listen 127.0.0.1:{self.backend} backlog=4096; location / {{ return 200 'twenty-five bytes of text'; }} }} }}")
        (self.folder / "nginx.conf").write_text(
            common.format(self.folder, "nginx") + "http { access_log off; keepalive_requests 100000000; " + temp +
            f" upstream b {{ server 127.0.0.1:{self.backend}; keepalive 1024; keepalive_requests 100000000; }} server {{ listen 127.0.0.1:{self.nginx} backlog=4096; "
            "location / { proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $host; "
            "proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme; } } }")
        (self.folder / "haproxy.cfg").write_text(
            "global\n nbthread 1\n maxconn 8192\ndefaults\n mode http\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n option forwardfor\n"
            f" http-reuse always\nfrontend f\n bind 127.0.0.1:{self.haproxy} backlog 4096\n default_backend b\nbackend b\n server s 127.0.0.1:{self.backend}\n")
        home = self.folder / "home"
        home.mkdir(mode=0o700)
        (home / "routes.bin").write_bytes(route_table(self.backend))
        (home / "paastech.toml").write_text("[ingress]\nloops = 1\naddress = \"127.0.0.1\"\n")
        self.start("1", "nginx", "-p", self.folder, "-c", self.folder / "backend.conf")
        self.start("0", "nginx", "-p", self.folder, "-c", self.folder / "nginx.conf")
        self.start("0", "haproxy", "-f", self.folder / "haproxy.cfg")
        self.start("0", BUILD / "bin" / "paastechd", "router", environment={
            "PAASTECH_HOME": str(home), "PAASTECH_HTTP_PORT": str(self.ours), "PAASTECH_API_PORT": str(unused), "PAASTECH_SSH_PORT": str(ssh)})
        for port in (self.backend, self.nginx, self.haproxy, self.ours):
            wait_for(lambda port=port: answers(port), f"port {port} to answer")

    def start(self, core, *argv, environment=None):
        self.processes.append(subprocess.Popen(["taskset", "-c", core, *map(str, argv)], env=os.environ | (environment or {}),
                                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def load(self, port, connections):
        """(requests/s, p99 in ms, failed)"""
        done = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "-H", f"Host: {HOST}",
                               f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True).stdout
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", done)
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done)[1])
        errors = re.search(r"Socket errors.*|Non-2xx.*", done)
        return rate, float(p99[1]) * {"us": 0.001, "ms": 1, "s": 1000}[p99[2]], errors[0] if errors else ""

    def close(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()
        shutil.rmtree(self.folder)


def proxies(results):
    stage = Stage()
    try:
        for connections in (32, 512):
            figures = {"ours": [], "nginx": [], "haproxy": []}
            for number in range(ROUNDS):
                names = list(figures)
                for name in names[number % 3:] + names[:number % 3]:
                    figures[name].append(stage.load(getattr(stage, name), connections))
                    time.sleep(0.2)
            for other, goal in (("nginx", 1.0), ("haproxy", 0.8)):
                rates = {name: [f[0] for f in rows] for name, rows in figures.items()}
                p99 = {name: statistics.median(f[1] for f in rows) for name, rows in figures.items()}
                value = statistics.median(a / b for a, b in zip(rates["ours"], rates[other]))
                errors = [f[2] for f in figures["ours"] if f[2]]
                results.add(f"ingress requests/s, one core, {connections} connections",
                            f"{spread(rates['ours'])}, p99 {p99['ours']:.1f} ms" + (f" {errors}" if errors else ""),
                            f"{other}: {spread(rates[other])}, p99 {p99[other]:.1f} ms",
                            f"{value:.2f}×, p99 {p99['ours'] / p99[other]:.2f}×", f"≥ {goal}×", value >= goal and not errors)
    finally:
        stage.close()
