"""Hostile clients, all at once, beside an honest producer and consumer: garbage.py [--frames N] [--seed N].

What is sent is in tests/garbage/ (frames) and below (half-open connections, clients that never read, clients that die). The honest ones
see no error and keep their pace, no broker ends, and when it is over memory and file descriptors are what they were.
"""

import argparse
import json
import os
import random
import resource
import shutil
import socket
import struct
import threading
import time

from harness import suspects
from harness.checker import check
from harness.cluster import BIN, ROOT, Cluster, wait_until
from harness.disk_pace import DiskPace
from harness.history import History
from harness.hostile import MIB, SETTINGS, TOPICS, make_topics, run_behind_others
from harness.load import Load, Reader, drain
from harness.patience import within
from harness.raw import FETCH, Raw, batch, text
from harness.suite import Suite

# What a broker may hold: requests and answers, the cache, entries of peers, and what is uncommitted (a quarter of the journal). And 64 MiB.
MEMORY = (
    2 * SETTINGS["queued.max.request.bytes"]
    + SETTINGS["tail.cache.bytes"]
    + SETTINGS["peer.receive.max.bytes"]
    + SETTINGS["journal.max.bytes"] // 4
    + 64 * MIB
)
HONEST, PARTITIONS, RATE, QUIET_SECONDS = "honest", 3, 40, 6
HALF_OPEN, UNREADING, LARGE = 1000, 30, 12 * MIB
INTERNAL = SETTINGS["offsets.topic.num.partitions"] + SETTINGS["transaction.state.log.num.partitions"]
# A segment or a file of the journal may have begun since, and partitions that were idle before, and had no file open, have one.
FILES_SLACK = 16 + PARTITIONS + 1 + 2 * len(TOPICS) + INTERNAL
# Below this a p99 says more about the scheduler of a machine with two cores than about the broker; in CI only stalls are judged.
P99_FLOOR_MS = 250 if os.environ.get("CI") else 20


def p99_ms(ops, since_us, until_us, pace):
    """Of the sends that were begun in that time, from the call to the acknowledgement; without those that the disk itself held up."""
    begun = {value: t for t, op, _, _, value, _ in ops if op == "invoke" and since_us <= t < until_us}
    acknowledged = [(begun[value], t) for t, op, _, _, value, _ in ops if op == "ok" and value in begun]
    took = sorted((until - since) / 1e3 for since, until in acknowledged if not pace.stood_still(since, until))
    return took[len(took) * 99 // 100] if took else 0.0


def remove_made(cluster):
    """The topics that frames have made, and those to which they have added partitions: more files than before are open for these."""
    kept = {
        HONEST: PARTITIONS,
        "large": 1,
        "__consumer_offsets": SETTINGS["offsets.topic.num.partitions"],
        "__transaction_state": SETTINGS["transaction.state.log.num.partitions"],
        **{f"garbage-{n}": 2 for n in range(len(TOPICS))},
    }
    for topic in cluster.drave("topic", "list", json_out=True):
        if topic["partitions"] > kept.get(topic["name"], 0):
            cluster.drave("topic", "delete", topic["name"], check=False)


class Watch:
    """The largest resident memory of each broker."""

    def __init__(self, cluster):
        self.cluster, self.most, self.over = cluster, {b.node: 0 for b in cluster}, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(0.2):
            for b in self.cluster:
                if b.alive():
                    self.most[b.node] = max(self.most[b.node], b.rss_bytes())

    def stop(self):
        self.over.set()
        self.thread.join()


# ---- Clients that are no clients ----


def fill_large(cluster):
    """A topic with more than any client wants to read; the port of its leader."""
    cluster.create("large", 1)
    cluster.wait_leaders("large", in_sync=3)
    port = cluster[cluster.leaders("large")[0]].port
    with Raw(port) as raw:
        for _ in range(LARGE // 900_000 + 1):
            assert raw.produce("large", 0, batch([(None, os.urandom(900_000))]))[0] == 0
    return port


def fetch_body(max_bytes, wait_ms=0):
    body = struct.pack(">iiiibii", -1, wait_ms, 1, max_bytes, 0, 0, -1)
    return (
        body + struct.pack(">i", 1) + text("large") + struct.pack(">iiiqqi", 1, 0, -1, 0, -1, max_bytes) + struct.pack(">i", 0) + text("")
    )


def half_open(cluster):
    """Connections on which nothing more comes: no byte, half a length, half a header, half a frame that claims much."""
    beginnings = [
        b"",
        b"\0\0",
        struct.pack(">ihh", 100, 3, 9),
        struct.pack(">ihhi", 8 * MIB, 0, 7, 1) + bytes(3000),
        struct.pack(">i", 30) + bytes(29),
    ]
    ports = [b.port for b in cluster]
    held = []
    for n in range(HALF_OPEN):
        s = socket.create_connection(("127.0.0.1", ports[n % 3]), 10)
        s.sendall(beginnings[n % len(beginnings)])
        held.append(s)
    return held


def unreading(port):
    """Clients that ask for much, again and again, and never read."""
    held = []
    for _ in range(UNREADING):
        raw = Raw(port)
        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(60):
            raw.send(FETCH, 11, fetch_body(1 * MIB))
        held.append(raw.socket)
    return held


class Dying:
    """Clients that go away at every stage of a large answer, and with a hundred waiting requests, by FIN and by RST."""

    def __init__(self, port, seed):
        self.port, self.rng, self.deaths, self.over = port, random.Random(seed), 0, threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(0.1):
            try:
                self.die(self.rng.randrange(4), self.rng.random() < 0.5)
                self.deaths += 1
            except OSError:
                pass

    def die(self, stage, reset):
        with Raw(self.port) as raw:
            if reset:
                raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if stage == 3:
                for _ in range(100):
                    raw.send(FETCH, 11, fetch_body(1 * MIB, 60_000)[:8] + struct.pack(">i", 100 * MIB) + fetch_body(1 * MIB)[12:])
            else:
                raw.send(FETCH, 11, fetch_body(8 * MIB))
                raw.read((4, 65536, 2 * MIB)[stage])

    def stop(self):
        self.over.set()
        self.thread.join()


# ---- The run ----


def replay_regressions(cluster):
    """Frames that once ended a broker, or made it wait."""
    files = sorted((ROOT / "tests/garbage/regressions").glob("client-*.hex"))
    frames = [f for path in files for f in suspects.read_frames(path)]
    for frame in frames:
        for b in cluster:
            suspects.send(b.port, frame)
            assert b.alive(), f"broker {b.node} ended: {b.log_text()[-500:]}"
    return f"{len(frames)} frames"


def send_frames(cluster, arguments, folder):
    """The frames of tests/garbage; what was counted."""
    path = folder / "suspects.hex"
    command = [
        str(BIN / "garbage"),
        "--ports",
        ",".join(str(b.port) for b in cluster),
        "--frames",
        str(arguments.frames),
        "--seed",
        str(arguments.seed),
        "--suspects",
        str(path),
    ]
    done = run_behind_others(command)
    assert done.stdout, f"garbage ended with {done.returncode}: {done.stderr}"
    counts = json.loads(done.stdout.splitlines()[-1])
    if done.returncode == 0:
        return counts
    said = " ".join(b.log_text()[-600:] for b in cluster if not b.alive())
    found = suspects.find(suspects.read_frames(path), SETTINGS, make_topics, folder / f"seed-{arguments.seed}.hex")
    raise AssertionError(f"{counts['why']} (--seed {arguments.seed}): {found} {said}")


def everything_at_once(cluster, arguments, folder):
    with DiskPace(cluster.directory) as pace:
        return everything_beside(cluster, arguments, folder, pace)


def everything_beside(cluster, arguments, folder, pace):
    history = History(folder / "history.jsonl")
    load = Load(history, cluster.bootstrap, HONEST, PARTITIONS, RATE).start()
    reader = Reader(history, cluster.bootstrap, HONEST, PARTITIONS)
    watch, held, dying = Watch(cluster), [], None
    try:
        wait_until("load on every partition", lambda: all(n > 20 for n in load.acked.values()))
        quiet_us = time.monotonic_ns() // 1000
        time.sleep(QUIET_SECONDS)  # the measure for what follows
        began_us = time.monotonic_ns() // 1000
        port = cluster[cluster.leaders("large")[0]].port
        held = half_open(cluster) + unreading(port)
        dying = Dying(port, arguments.seed)
        counts = send_frames(cluster, arguments, folder)
        ended_us = time.monotonic_ns() // 1000
    finally:
        for stopping in (dying, load, reader, watch):
            if stopping is not None:
                stopping.stop()
        for s in held:
            s.close()
    for b in cluster:
        assert b.alive(), f"broker {b.node} ended: {b.log_text()[-800:]}"
    drain(history, cluster.bootstrap, HONEST, PARTITIONS)
    history.close()
    quiet, busy = p99_ms(history.ops, quiet_us, began_us, pace), p99_ms(history.ops, began_us, ended_us, pace)
    judge_honest(
        history.ops,
        reader,
        quiet,
        busy,
        f"the slowest answer took {counts['slowest_ms']} ms, with the frames of {folder}/suspects.hex under way (--seed {arguments.seed})",
    )
    for b in cluster:
        assert watch.most[b.node] <= MEMORY, (
            f"broker {b.node} had {watch.most[b.node] >> 20} MiB, more than the {MEMORY >> 20} of its budgets and 64 MiB"
        )
    return (
        f"{counts['frames']} frames, {counts['answered']} answered, {counts['closed']} closed, {counts['left']} left, {dying.deaths} deaths; "
        f"slowest {counts['slowest_ms']} ms; p99 {quiet:.1f} -> {busy:.1f} ms (the disk stood still for {pace.stalled_ms():.0f} ms); at most {max(watch.most.values()) >> 20} MiB of {MEMORY >> 20}"
    )


def judge_honest(ops, reader, quiet, busy, suspicion):
    found = check(ops)
    assert not found["anomalies"], found["anomalies"]
    assert found["unknown"] == found["failed"] == 0, f"the honest producer saw {found['unknown'] + found['failed']} errors"
    assert not reader.errors, f"the honest consumer saw {reader.errors[:3]}"
    assert within(busy / 1000, max(4 * quiet, P99_FLOOR_MS) / 1000), (
        f"the honest producer's p99 went from {quiet:.1f} to {busy:.1f} ms; {suspicion}"
    )


def nothing_is_left(cluster, before):
    """Descriptors are what they were, every charge is given back, and each broker ends as one that had a quiet day."""
    remove_made(cluster)
    for b in cluster:
        sockets, every = before[b.node]
        try:
            wait_until("", lambda b=b: b.descriptors()[0] <= sockets and b.descriptors()[1] <= every + FILES_SLACK, 30)
        except TimeoutError:
            raise AssertionError(f"broker {b.node} has {b.descriptors()} sockets and descriptors; before it had {before[b.node]}") from None
    for b in cluster:
        code = b.stop()
        assert code == 0, f"broker {b.node} ended with {code}: {b.log_text()[-800:]}"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--frames", type=int, default=8000)
    options.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    arguments = options.parse_args()
    folder = ROOT / "build" / "garbage"
    folder.mkdir(parents=True, exist_ok=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    print(f"# garbage: --frames {arguments.frames} --seed {arguments.seed}", flush=True)
    suite = Suite([])
    with Cluster(3, settings=SETTINGS) as cluster:
        make_topics(cluster, 3)
        cluster.create(HONEST, PARTITIONS)
        cluster.wait_leaders(HONEST, in_sync=3)
        fill_large(cluster)
        before = {b.node: b.descriptors() for b in cluster}
        suite.run(replay_regressions, cluster)
        suite.run(everything_at_once, cluster, arguments, folder)
        suite.run(nothing_is_left, cluster, before)
        for b in cluster if suite.failed else ():
            shutil.copy(b.log_path, folder / f"draved-{b.node}.log")
    suite.end()


main()
