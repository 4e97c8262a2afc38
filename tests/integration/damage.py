"""Each kind of file in a data directory is damaged at several places: what draved and `draved log verify` say, that it helps, and that nothing wrong is served."""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import raw
from harness.cluster import BIN, Cluster, free_ports, wait_until
from harness.suite import Suite

RECORDS, TOPIC, BLOCK = 1500, "orders", 4096
SMALL = {
    "log.segment.bytes": 20000,
    "log.index.interval.bytes": 4096,
    "journal.file.bytes": 65536,
    "journal.max.bytes": 262144,
    "tail.cache.bytes": 0,
    "log.compression": "none",
}
STORAGE_ERROR = 56
ROOT = os.geteuid() == 0
NOBODY = 65534


def value(i):
    return f"{i}:{'x' * 60}"


# ---- Ways to damage a file ----


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at % len(data)] ^= 0x10
    path.write_bytes(data)


def data_end(path):
    """Where the zeros begin with which a segment's last block is filled: nobody reads them but draved log verify."""
    return len(path.read_bytes().rstrip(b"\0"))


def middle(path):
    """A byte of an entry in the middle, not one of the zeros behind a synced end."""
    data = path.read_bytes()
    return next(at for at in range(data_end(path) // 2, len(data)) if data[at] != 0)


def cut(path, size):
    os.truncate(path, size)


def directory(path):
    path.unlink()
    path.mkdir()


WAYS = {
    "first": lambda p: flip(p, 0),
    "early": lambda p: flip(p, 70),
    "middle": lambda p: flip(p, data_end(p) // 2),
    "last": lambda p: flip(p, data_end(p) - 1),
    "cut by 1": lambda p: cut(p, p.stat().st_size - 1),
    "halved": lambda p: cut(p, p.stat().st_size // 2),
    "emptied": lambda p: cut(p, 0),
    "missing": lambda p: p.unlink(),
    "directory": directory,
    "unreadable": lambda p: p.chmod(0),
}


# ---- A directory, a draved on it ----


def as_user(words):
    """Permissions mean nothing to root, so the broker then runs as somebody else."""
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *words] if ROOT else words


class Draved:
    def __init__(self, place, data):
        self.port, self.log = free_ports(1)[0], place / "log"
        pairs = {"data.dir": data, "listeners": f"PLAINTEXT://127.0.0.1:{self.port}", **SMALL}
        words = [str(BIN / "draved")] + [a for k, v in pairs.items() for a in ("--set", f"{k}={v}")]
        env = dict(os.environ, ASAN_OPTIONS="exitcode=99:" + os.environ.get("ASAN_OPTIONS", ""))
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(as_user(words), stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=env)

    def text(self):
        return self.log.read_text(errors="replace")

    def settle(self):
        """Until it is ready (True) or has ended (False)."""
        wait_until("draved to be ready or to end", lambda: "ready: " in self.text() or self.process.poll() is not None, 30)
        return self.process.poll() is None

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)


def varint(data, at):
    shift = number = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), at


def records_in(data):
    """(offset, value) of each record in uncompressed batches, their checksums compared; what is cut off at the end is left out."""
    at = 0
    while len(data) - at >= 61:
        base, size = struct.unpack(">qi", data[at : at + 12])
        if at + 12 + size > len(data):
            return
        crc, count = struct.unpack(">I", data[at + 17 : at + 21])[0], struct.unpack(">i", data[at + 57 : at + 61])[0]
        assert raw.crc32c(data[at + 21 : at + 12 + size]) == crc, f"the batch at offset {base} does not match its checksum"
        place = at + 61
        for _ in range(count):
            length, place = varint(data, place)
            end, place = place + length, place + 1
            _, place = varint(data, place)
            delta, place = varint(data, place)
            key, place = varint(data, place)
            length, place = varint(data, place + max(key, 0))
            yield base + delta, data[place : place + length]
            place = end
        at += 12 + size


def read_all(port, patience=3):
    """What is served from the beginning on, as it is, and the error that ended it (0: the end was reached)."""
    served, again = 0, time.monotonic() + patience
    with raw.Raw(port) as connection:
        while served < RECORDS:
            error, _, _, _, batches = connection.fetch(TOPIC, 0, served, max_bytes=30000, wait_ms=50)
            if error not in (0, STORAGE_ERROR) and time.monotonic() < again:
                time.sleep(0.05)  # not led yet
                continue
            if error or not batches:
                return served, error
            for offset, record in records_in(batches):
                if offset < served:
                    continue
                assert offset == served and record == value(offset).encode(), (
                    f"offset {offset} is served with {record[:40]!r} where {served} is next"
                )
                served += 1
    return served, 0


def make(place):
    data = place / "data"
    draved = Draved(place, data)
    assert draved.settle(), draved.text()
    env = dict(os.environ, DRAVE_BOOTSTRAP=f"127.0.0.1:{draved.port}")
    subprocess.run([str(BIN / "drave"), "topic", "create", TOPIC, "-p", "1", "-r", "1"], env=env, check=True, capture_output=True)
    for first in range(0, RECORDS, 100):  # many entries
        lines = "".join(value(i) + "\n" for i in range(first, first + 100))
        subprocess.run([str(BIN / "drave"), "produce", TOPIC], input=lines, text=True, env=env, check=True, capture_output=True)
    assert read_all(draved.port) == (RECORDS, 0)
    return draved, data


def verify(data):
    return subprocess.run(
        [str(BIN / "draved"), "log", "verify", str(data)],
        capture_output=True,
        text=True,
        timeout=60,
        env=dict(os.environ, ASAN_OPTIONS="exitcode=99"),
    )


# ---- What must come of it ----

REFUSED, CLOSED, PART, SHORT, ALL = "refused", "the partition stays closed", "part is served", "the end is missing", "all is served"


def files(data):
    """What there is; the index of an active segment is not written at once, so a broker that was killed may have left none."""
    groups = sorted((data / "shard-0/groups").iterdir())
    metadata, partition = groups[0], groups[1]
    logs, metadata_log = sorted(partition.glob("*.log")), sorted(metadata.glob("*.log"))[0]
    journal = sorted((data / "shard-0/journal").glob("*.journal"))
    snapshots = sorted(partition.glob("*.snapshot"))
    assert len(logs) > 3 and snapshots and len(journal) >= 2, (logs, snapshots, journal)
    found = {
        "drave.meta": data / "drave.meta",
        "lock": data / "lock",
        "journal": journal[0],
        "other journal": journal[1],
        "segment": logs[2],
        "active segment": logs[-1],
        "index": logs[2].with_suffix(".index"),
        "active index": logs[-1].with_suffix(".index"),
        "snapshot": snapshots[-1],
        "name": partition / "name",
        "metadata segment": metadata_log,
        "metadata index": metadata_log.with_suffix(".index"),
        "metadata name": metadata / "name",
    }
    return {kind: path for kind, path in found.items() if path.exists()}


# What may come of the damage (a flipped bit may lie where nothing is read); then for single ways.
OUTCOMES = {
    "drave.meta": ({REFUSED}, {}),
    "lock": ({ALL}, {"directory": {REFUSED}, "unreadable": {REFUSED}}),
    # Where the newest rounds are gone altogether one broker alone cannot know; others would tell it (old_copy_is_refused in operating.py).
    "journal": ({REFUSED, CLOSED, SHORT, ALL}, {"directory": {REFUSED}, "unreadable": {REFUSED}}),
    "other journal": ({REFUSED, CLOSED, SHORT, ALL}, {"directory": {REFUSED}, "unreadable": {REFUSED}}),
    "segment": (
        {CLOSED},
        {"first": {ALL}, "middle": {PART}, "last": {PART}, "early": {PART, CLOSED}, "cut by 1": {PART, CLOSED}, "halved": {PART, CLOSED}},
    ),
    "active segment": ({CLOSED, PART, ALL}, {}),  # what was not synced of it is written again from the journal
    "index": ({ALL}, {"directory": {CLOSED}, "unreadable": {CLOSED}}),
    "active index": ({ALL}, {"directory": {CLOSED}, "unreadable": {CLOSED, ALL}}),
    "snapshot": ({ALL}, {"directory": {ALL, REFUSED}, "unreadable": {ALL, REFUSED}}),
    "name": ({ALL}, {"directory": {ALL, REFUSED}, "unreadable": {ALL, REFUSED}}),  # refused when a file is to be made there
    "metadata segment": ({REFUSED}, {"first": {ALL}}),
    "metadata index": ({ALL}, {"directory": {REFUSED}, "unreadable": {REFUSED}}),
    "metadata name": ({ALL}, {"directory": {ALL, REFUSED}, "unreadable": {ALL, REFUSED}}),
}
MADE_AGAIN = {"lock", "index", "active index", "snapshot", "name", "metadata index", "metadata name"}
ADVICE = r"[Pp]ut back|put it back|remove it|give this user the right|raise the limit|made again"


def refused(draved, path):
    """It has ended: with the code for that, the file and an advice."""
    assert draved.process.wait(30) == 1, f"exit code {draved.process.returncode}: {draved.text()[-600:]}"
    last = draved.text().strip().splitlines()[-1]
    assert path.name in last or str(path.parent) in last, f"{path.name} is not named: {last}"
    assert re.search(ADVICE, last), f"no advice: {last}"
    return REFUSED


def outcome(draved, path):
    if not draved.settle():
        return refused(draved, path)
    try:
        came = served_by(draved, path)
    except OSError:  # the end of the connection: it has ended meanwhile
        return refused(draved, path)
    return came if draved.process.returncode == 0 else refused(draved, path)


def served_by(draved, path):
    served, error = read_all(draved.port, 0 if "cannot be opened: " in draved.text() else 3)
    text = draved.text()
    lost_end = error == 0 and path.suffix == ".journal"
    if served < RECORDS and not lost_end:
        assert error != 0, f"only {served} of {RECORDS} records, and no error"
        journal = "put back the journal" if path.suffix == ".journal" else None
        said = [line for line in text.splitlines() if str(path) in line or (journal and journal in line)]
        assert said and re.search(ADVICE, said[0]), f"{path} is not named with an advice: {text[-600:]}"
    draved.stop()
    assert "a bug of draved" not in draved.text() and "Sanitizer" not in draved.text(), draved.text()[-800:]
    return ALL if served == RECORDS else SHORT if lost_end else PART if error == STORAGE_ERROR else CLOSED


def check(place, template, kind, way):
    data = place / "data"
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(template, data)
    path = files(data)[kind]
    if ROOT:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(place)], check=True)
    WAYS[way](path)
    said = subprocess.run(
        as_user([str(BIN / "draved"), "log", "verify", str(data)]),
        capture_output=True,
        text=True,
        timeout=60,
        env=dict(os.environ, ASAN_OPTIONS="exitcode=99"),
    )
    assert said.returncode in (0, 1), f"log verify ends with {said.returncode}: {said.stderr[-600:]}"
    draved = Draved(place, data)
    try:
        came = outcome(draved, path)
    finally:
        draved.process.kill()
        draved.process.wait()
    expected, single = OUTCOMES[kind]
    assert came in single.get(way, expected), f"{came}: {draved.text()[-600:]}"
    if came not in (ALL, SHORT) and kind not in MADE_AGAIN:
        name = path.name if path.suffix != ".journal" else "journal"
        assert said.returncode == 1 and name in said.stdout + said.stderr, (
            f"log verify does not find it: {said.stdout[-300:]} {said.stderr[-300:]}"
        )
    assert "empty the directory" not in said.stderr + said.stdout
    return came


def each_kind_of_file(clean):
    """A directory of a broker that ended in good order, and one of a broker that was killed."""
    wrong, came = [], {}
    with tempfile.TemporaryDirectory() as d:
        os.chmod(d, 0o755)
        place = Path(d) / "place"
        place.mkdir()
        if ROOT:
            os.chown(place, NOBODY, NOBODY)
        draved, data = make(place)
        if clean:
            assert draved.stop() == 0
        else:
            draved.process.kill()
            draved.process.wait()
        template = Path(d) / "template"
        data.rename(template)
        for kind in files(template):
            for way in WAYS:
                try:
                    result = check(place, template, kind, way)
                    came[result] = came.get(result, 0) + 1
                except (AssertionError, TimeoutError, OSError) as e:
                    wrong.append(f"{kind}, {way}: {e}")
    for one in wrong:
        print("# " + one.replace("\n", "\n#   "), flush=True)
    assert not wrong, f"{len(wrong)} of {len(wrong) + sum(came.values())} cases"
    return ", ".join(f"{n} times {result}" for result, n in sorted(came.items()))


def clean_directory():
    return each_kind_of_file(True)


def killed_directory():
    return each_kind_of_file(False)


# ---- Three brokers ----


def consume_all(cluster):
    done = cluster.drave("consume", TOPIC, "-o", "beginning", "-e", "-f", "%s\\n", timeout=60, check=False)
    return done.stdout.splitlines()


def whole_again(broker, segment, good):
    broker.wait_log(
        rf"{re.escape(str(segment))} cannot be read at position \d+ \(checksum mismatch\): this replica leads no more while another one is whole"
    )
    broker.wait_log("this replica is whole again: all that was damaged is mended")
    wait_until("the segment to be as it was", lambda: segment.read_bytes().startswith(good))


def leader_leaves():
    """One byte of a sealed segment of the leader: consumers get everything, the lead moves, and the segment is mended byte for byte while all goes on; so it is when the broker is started with it."""
    with Cluster(3, settings=SMALL) as cluster:
        cluster.create(TOPIC, replicas=3)
        expected = [value(i) for i in range(RECORDS)]
        for first in range(0, RECORDS, 100):
            cluster.drave("produce", TOPIC, stdin="".join(v + "\n" for v in expected[first : first + 100]))
        cluster.wait_leaders(TOPIC, in_sync=3)
        leader = cluster.leaders(TOPIC)[0]
        group = sorted((cluster[leader].data / "shard-0/groups").iterdir())[1]
        wait_until("segments", lambda: len(list(group.glob("*.log"))) > 4)
        segment = sorted(group.glob("*.log"))[2]
        good = segment.read_bytes()
        flip(segment, middle(segment))
        said = verify(cluster[leader].data)
        assert said.returncode == 1 and f"{segment.relative_to(cluster[leader].data)} at " in said.stdout, said.stdout + said.stderr
        began = time.monotonic()
        assert consume_all(cluster) == expected, "not everything can be consumed"
        took = time.monotonic() - began
        whole_again(cluster[leader], segment, good)
        cluster.wait_leaders(TOPIC, in_sync=3)
        assert cluster[leader].stop() == 0
        flip(segment, 0)
        cluster[leader].start(ready=True)
        whole_again(cluster[leader], segment, good)
        cluster.wait_leaders(TOPIC, in_sync=3)
        assert consume_all(cluster) == expected
        assert verify(cluster[leader].data).returncode == 0
        return f"{took:.1f} s for all {RECORDS} records"


def metadata_is_damaged():
    """A damaged segment of the metadata is mended by the others, also where a start reads it; alone the broker ends, with file and place."""
    scrubbed = {"scrub.interval.ms": 1000}  # a start may find a state that makes it needless to read there
    with Cluster(3, settings=SMALL | scrubbed) as cluster:
        cluster.create(TOPIC, replicas=3)
        for first in range(0, RECORDS, 100):  # the journal wants room
            cluster.drave("produce", TOPIC, stdin="".join(value(i) + "\n" for i in range(first, first + 100)))
        broker = cluster[2]
        group = broker.data / "shard-0/groups/0000000000000000"
        segment = sorted(wait_until("a segment of the metadata", lambda: list(group.glob("*.log"))))[0]
        assert broker.stop() == 0
        good = segment.read_bytes()
        flip(segment, middle(segment))
        broker.start(ready=True)
        kept = good[: (middle(segment) // BLOCK + 1) * BLOCK]  # the log goes on in this segment: a start may write its end anew
        whole_again(broker, segment, kept)
        cluster.drave("produce", TOPIC, stdin="one\n")
        cluster.wait_leaders(TOPIC, in_sync=3)


def main():
    suite = Suite()
    suite.run(clean_directory)
    suite.run(killed_directory)
    suite.run(leader_leaves)
    suite.run(metadata_is_damaged)
    suite.end()


if __name__ == "__main__":
    sys.exit(main())
