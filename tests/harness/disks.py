"""Clusters whose brokers have small disks of their own (ext4 images: root, loop devices), and producers that fill them."""

import os
import shutil
import tempfile
import threading
import time

from harness.cluster import Cluster, wait_until
from harness.ext4 import Image
from harness.raw import Raw, batch

MIB = 1 << 20
STORAGE_ERROR = 56
LIMIT = 100 * MIB  # disk.min.free.bytes as it comes


class Disks:
    """A cluster whose brokers have images; broker -> megabytes, and further options of mkfs.ext4."""

    def __init__(self, sizes, options=(), settings=None):
        self.directory = tempfile.mkdtemp(prefix="drave-room-")
        self.images = {node: Image(f"{self.directory}/{node}", megabytes, ["-m", "0", *options]) for node, megabytes in sizes.items()}
        self.cluster = Cluster(len(sizes), settings=settings, data=lambda node: self.images[node].mount_point)

    def __enter__(self):
        try:
            self.cluster.start()
        except BaseException:
            self.__exit__(RuntimeError, None, None)
            raise
        return self

    def __exit__(self, kind, value, trace):
        self.cluster.close(keep=kind is not None)
        for image in self.images.values():
            image.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def cut_power(self):
        """Of all disks, and with it all brokers; the disks are there again then."""
        for image in self.images.values():
            image.cut()
        for broker in self.cluster:
            broker.kill()
        for image in self.images.values():
            image.remount()

    def free(self, node=1):
        status = os.statvfs(self.images[node].mount_point)
        return status.f_bavail * status.f_frsize

    def inodes(self, node=1):
        return os.statvfs(self.images[node].mount_point).f_favail

    def fill(self, leave=0, node=1):
        """A file of somebody else takes all but `leave` bytes; its path."""
        path = self.images[node].mount_point / "somebody-elses"
        piece = 16 * MIB
        with open(path, "ab", buffering=0) as file:
            while piece >= 4096:
                try:
                    if self.free(node) < leave + piece:
                        raise OSError("it is as much as wanted")
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), piece)
                except OSError:
                    piece //= 2
        return path


class Flood:
    """Producers as fast as they can be: each sends the same large batch again and again, several at a time."""

    def __init__(self, broker, topic, partitions=1, connections=3):
        self.broker, self.topic, self.partitions = broker, topic, partitions
        self.bytes = batch([(None, os.urandom(900_000))])
        self.acknowledged, self.errors, self.over = 0, {}, False
        self.threads = [threading.Thread(target=self.run, args=(n,), daemon=True) for n in range(connections)]
        for thread in self.threads:
            thread.start()

    def run(self, n):
        while not self.over:
            try:
                with Raw(self.broker.port, timeout=5) as raw:
                    while not self.over:
                        error, _ = raw.produce(self.topic, n % self.partitions, self.bytes, timeout_ms=3000)
                        self.errors[error] = self.errors.get(error, 0) + 1
                        self.acknowledged += error == 0
                        if error != 0:
                            time.sleep(0.02)
            except (OSError, ConnectionError):
                time.sleep(0.05)

    def stop(self):
        self.over = True
        for thread in self.threads:
            thread.join()


def produces(broker, topic):
    def one():
        with Raw(broker.port, timeout=5) as raw:
            return raw.produce(topic, 0, batch([(None, b"small")]), timeout_ms=2000)[0] == 0

    wait_until(f"a record in {topic}", one, 10, 0.1)
