"""Files of a broker that lives: any of them may be gone when it is looked at (cleaned, removed, renamed)."""

import os


def size_of(path):
    """Bytes of a file, 0 of one that is gone."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def bytes_of(paths):
    return sum(size_of(path) for path in paths)


def log_bytes(folder):
    """Bytes of a partition's segments and their indexes."""
    return bytes_of(p for p in folder.iterdir() if p.suffix in (".log", ".index"))


def folders_of(broker, topic):
    """Where this broker has the topic's partitions."""
    names = (group / "name" for group in (broker.data / "shard-0" / "groups").iterdir())
    return [name.parent for name in names if content_of(name).decode().rsplit("-", 1)[0].strip() == topic]


def content_of(path):
    """What is in a file, nothing of one that is gone."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def forget_pages(folder):
    """Nothing of the files in it is in the page cache any more."""
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                with open(path, "rb") as file:
                    os.fsync(file.fileno())
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        except FileNotFoundError:
            continue
