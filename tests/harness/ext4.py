"""A data directory on an ext4 image of its own, which can lose its power: loop mount, and the ext4 shutdown ioctl without log flush.

After cut() the file system answers everything with EIO, and what was not durable is gone when it is mounted again. Needs root.
"""

import fcntl
import os
import struct
import subprocess
from pathlib import Path

EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, struct.pack("I", 2)


class Image:
    def __init__(self, directory, megabytes=2048, options=()):
        """`options`: further ones of mkfs.ext4, such as -m 0 (root keeps nothing back) or -N (so many inodes)."""
        self.file, self.mount_point = Path(directory) / "disk.img", Path(directory) / "disk"
        self.mount_point.mkdir(parents=True, exist_ok=True)
        with open(self.file, "wb") as f:
            f.truncate(megabytes << 20)
        self.run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", *options, self.file)
        self.mount()

    @staticmethod
    def run(*words):
        done = subprocess.run([str(w) for w in words], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.strip()}")

    def mount(self):
        self.run("mount", "-o", "loop", self.file, self.mount_point)

    def cut(self):
        fd = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, NO_LOG_FLUSH)
        finally:
            os.close(fd)

    def unmount(self):
        self.run("umount", self.mount_point)

    def remount(self):
        self.unmount()
        self.mount()

    def close(self):
        subprocess.run(["umount", "-l", str(self.mount_point)], capture_output=True)
        self.file.unlink(missing_ok=True)


def usable():
    """Why images cannot be mounted here; empty when they can."""
    if os.geteuid() != 0:
        return "mounting images needs root"
    if not os.path.exists("/dev/loop-control"):
        return "there are no loop devices (/dev/loop-control)"
    return ""
