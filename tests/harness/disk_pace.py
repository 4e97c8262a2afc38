"""What the disk itself took meanwhile: a witness that syncs four kilobytes over and over, so that a disk which stands still for everybody
is told apart from a broker that does."""

import os
import threading
import time
from pathlib import Path

EVERY_S = 0.02
STALL_US = 100_000  # a sync of 4 KiB that takes as long: the disk stands still for everybody


class DiskPace:
    """Watches the file system of `folder` until it is closed."""

    def __init__(self, folder):
        self.path = Path(folder) / "disk-pace"
        self.stalls, self.closing = [], threading.Event()  # (from, until), of the monotonic clock in microseconds
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.closing.set()
        self.thread.join()
        self.path.unlink(missing_ok=True)

    def run(self):
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        while not self.closing.wait(EVERY_S):
            began_us = time.monotonic_ns() // 1000
            os.pwrite(file, os.urandom(4096), 0)
            os.fdatasync(file)
            ended_us = time.monotonic_ns() // 1000
            if ended_us - began_us >= STALL_US:
                self.stalls.append((began_us, ended_us))
        os.close(file)

    def stood_still(self, since_us, until_us):
        """Whether a stall reaches into that time."""
        return any(began < until_us and ended > since_us for began, ended in self.stalls)

    def stalled_ms(self):
        return sum(ended - began for began, ended in self.stalls) / 1e3
