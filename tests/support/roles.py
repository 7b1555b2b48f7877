"""The four roles as four processes with homes of their own, as on four hosts, joined by TCP with mutual TLS alone."""
import os
import pathlib
import signal
import socket
import ssl
import subprocess

from .service import BUILD, free_ports, wait_for

ROLES = ("api", "pomegranate", "git", "router")
OTHERS = ROLES[1:]


class Split:
    """service is the api role; the others have nothing of its home but the bundle that it issued for them."""

    def __init__(self, service):
        self.service = service
        self.ports = dict(zip(ROLES, free_ports(4)))
        self.processes = {}
        self.faults = {}  # of a role: variables of the program with failpoints (src/paastechd/failpoint_main.cc)
        service.toml = self.configuration() + f'[engine]\ninstance = "{service.home.name.lower().replace("_", "-")}"\n'
        (service.home / "paastech.toml").write_text(service.toml)
        for role in OTHERS:
            self.home(role).mkdir(mode=0o700)
            done = service.daemon("authority", "issue", role, "--out", str(self.bundle(role)))
            assert done.returncode == 0, done.stderr
            (self.home(role) / "paastech.toml").write_text(
                service.toml.replace("[engine]", f'certificates = "{self.bundle(role)}"\n[engine]'))

    def configuration(self):
        return "[roles]\n" + "".join(f'{role} = "127.0.0.1:{port}"\n' for role, port in self.ports.items())

    def home(self, role):
        return self.service.home if role == "api" else self.service.home / f"host-of-{role}"

    def bundle(self, role):
        return self.home(role) / ("authority" if role == "api" else "bundle")

    def environment(self, role):
        return self.service.environment() | {"PAASTECH_HOME": str(self.home(role))}

    def log(self, role):
        return (self.home(role) / "daemon.log").read_text(errors="replace")

    def start(self, role):
        faults = self.faults.get(role, {})
        if role == "api":
            self.service.faults = faults
            self.service.start("api")
            return
        program = "paastechd_faults" if faults else "paastechd"
        with open(self.home(role) / "daemon.log", "ab") as log:
            self.processes[role] = subprocess.Popen([BUILD / "bin" / program, role], env=self.environment(role) | faults,
                                                    stdout=log, stderr=log, start_new_session=True)
        wait_for(lambda: self.listens(role), f"{role} to listen")

    def listens(self, role):
        assert self.processes[role].poll() is None, self.log(role)[-3000:]
        ports = [self.ports[role]] + {"git": [self.service.ssh_port], "router": [self.service.http_port]}.get(role, [])
        return set(ports) <= listening(self.processes[role].pid)

    def process(self, role):
        return self.service.process if role == "api" else self.processes.get(role)

    def pid(self, role):
        return self.process(role).pid

    def kill(self, role, how=signal.SIGKILL):
        process = self.process(role)
        process.send_signal(how)
        process.wait(40)
        return process.returncode

    def run(self, role):
        """Starts a role that is expected to refuse."""
        return subprocess.run([BUILD / "bin" / "paastechd", role], env=self.environment(role), capture_output=True,
                              text=True, timeout=60)

    def tls(self, role, certificate_of=None):
        """A TLS connection as gRPC makes it, with a role's certificate or none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.bundle("api") / "ca.crt")
        context.set_alpn_protocols(["h2"])
        if certificate_of:
            folder = self.bundle(certificate_of)
            context.load_cert_chain(folder / f"{certificate_of}.crt", folder / f"{certificate_of}.key")
        plain = socket.create_connection(("127.0.0.1", self.ports[role]), timeout=10)
        return context.wrap_socket(plain, server_hostname=f"{role}.role.paastech.internal")

    def close(self):
        """Ends all but api, which is the Service's to end."""
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            process.wait(40)


def listening(pid):
    """The TCP ports that a process listens on."""
    inodes = set()
    for name in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(name))
        except FileNotFoundError:
            pass
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                ports.add(int(fields[1].rsplit(":", 1)[1], 16))
    return ports
