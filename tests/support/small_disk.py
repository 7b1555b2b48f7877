"""A small disk for the home of a Service, which a test may fill: a tmpfs, so only root can make one."""
import errno
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile


class SmallDisk:
    """with SmallDisk(service, 192) as disk: … – so many MiB, for a Service that is not started yet. The Clients' keys and
    working copies are elsewhere, for they are not the Service's; when it ends the Service is stopped, for its home goes."""

    def __init__(self, service, mebibytes):
        self.service, self.home = service, service.home
        self.filler = self.home / "filler"
        self.mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=0700", "tmpfs", self.home]

    def __enter__(self):
        subprocess.run(self.mount, check=True)
        self.clients = pathlib.Path(tempfile.mkdtemp(prefix="pt-clients-", dir="/tmp"))
        (self.home / "clients").symlink_to(self.clients)
        return self

    def __exit__(self, *_):
        try:
            self.service.kill(signal.SIGTERM)
        finally:
            subprocess.run(["umount", "-l", self.home], check=True)
            shutil.rmtree(self.clients, ignore_errors=True)

    def free(self):
        disk = os.statvfs(self.home)
        return disk.f_bavail * disk.f_frsize

    def fill(self, leave=0):
        """Until so many bytes are left; 0: until nothing more can be written."""
        with open(self.filler, "ab", buffering=0) as out:
            try:
                while (more := self.free() - leave) > 0:
                    out.write(bytes(min(more, 1 << 20)))
            except OSError as error:
                assert error.errno == errno.ENOSPC, error

    def clear(self):
        self.filler.unlink()
