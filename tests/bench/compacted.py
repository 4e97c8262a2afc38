"""Compacted logs at their size: a topic with every key overwritten TIMES (20) times, and the offsets of many commits. tests/run compacted

Three brokers. `keys`: KEYS (1,000,000) keys of 7 bytes with values of 20, overwritten in random order each time, in one partition. Its
cleaning begins when all is written, beside a producer of another topic; then every replica leads for once, and is read: each key's last
value must be there. What it takes is compared with a topic that has each last value once.
`offsets`: COMMITS (10,000,000) commits of 100 groups for 50 partitions each, 50 in a request.
On a quiet machine the limits are those of the issue (twice the live bytes, twice the quiet p99, 64 MiB, 2 s). JSON=1: one object a test.
"""

import json
import os
import random
import struct
import subprocess
import threading
import time
from collections import deque

from confluent_kafka import Consumer, ElectionType, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from harness.cluster import BIN, Cluster, wait_until
from harness.files import folders_of, log_bytes
from harness.raw import Raw, text
from harness.suite import Suite

KEYS = int(os.environ.get("KEYS") or 1_000_000)
TIMES = int(os.environ.get("TIMES") or 20)
COMMITS = int(os.environ.get("COMMITS") or 10_000_000)
SECONDS = int(os.environ.get("SECONDS") or 15)
GROUPS, PARTITIONS, IN_FLIGHT = 100, 50, 5
HOUR_MS = 3_600_000
SEGMENT = max(64 << 10, 4 * KEYS)  # bytes: the last ones cannot be cleaned yet
OFFSET_COMMIT, FIND_COORDINATOR = 8, 10


def say(**facts):
    if os.environ.get("JSON"):
        print(json.dumps(facts), flush=True)


def stored(cluster, topic):
    return [sum(map(log_bytes, folders_of(b, topic))) for b in cluster]


def value_of(key, turn):
    return b"%012d-%06d" % (key * 7919 % 1_000_003, turn)


def write(cluster, topic, turns):
    producer = Producer(
        {"bootstrap.servers": cluster.bootstrap, "linger.ms": 20, "enable.idempotence": True, "batch.num.messages": 2000, "log_level": 0}
    )
    order = list(range(KEYS))
    for turn in turns:
        random.Random(turn).shuffle(order)
        for key in order:
            while True:
                try:
                    producer.produce(topic, key=b"%07d" % key, value=value_of(key, turn), partition=0)
                    break
                except BufferError:
                    producer.poll(0.05)
    assert producer.flush(300) == 0, "records could not be produced"


def read(cluster, topic):
    """What a consumer has in the end, and how many records that took."""
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "unused", "log_level": 0, "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, 0, 0)])
    last, count, over = {}, 0, False
    while not over:
        for record in consumer.consume(10000, 5):
            if record.error():
                over = True
            else:
                last[record.key()] = record.value()
                count += 1
    consumer.close()
    return last, count


def measure(cluster, seconds):
    return subprocess.Popen(
        [str(BIN / "drave"), "bench", "produce", "small", "-b", cluster.bootstrap, "--size", "100", "--rate", "200"]
        + ["-c", "acks=all", "-c", "linger.ms=0", "--seconds", str(seconds), "--json"],
        stdout=subprocess.PIPE,
        text=True,
    )


def p99_ms(process):
    return json.loads(process.communicate()[0])["p99_us"] / 1000


def beside(cluster, over):
    """Seconds until it is over, and the worst p99 (ms) of SECONDS each meanwhile."""
    began, took_s, worst = time.monotonic(), None, 0
    while took_s is None:
        running = measure(cluster, SECONDS)
        while running.poll() is None:
            if took_s is None and over():
                took_s = time.monotonic() - began
            time.sleep(0.2)
        worst = max(worst, p99_ms(running))
        assert time.monotonic() - began < 600, f"it is not over, {worst:.1f} ms"
    return took_s, worst


def check_replica(cluster):
    """What the present leader has."""
    last, count = read(cluster, "keys")
    wrong = [k for k in range(KEYS) if last.get(b"%07d" % k) != value_of(k, TIMES - 1)]
    assert not wrong, f"{len(wrong)} keys of {KEYS} have not their last value, such as {wrong[0]}: {last.get(b'%07d' % wrong[0])}"
    return count


def make_leader(cluster, node):
    """It becomes the first of the list, which is preferred."""
    others = [b.node for b in cluster if b.node != node]
    cluster.drave("topic", "move", "keys", "--to", ",".join(map(str, [node, *others])))
    cluster.wait_leaders("keys", in_sync=3)
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})

    def leads():
        if cluster.leaders("keys")[0] != node:
            admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition("keys", 0)]).result(30)
        return cluster.leaders("keys")[0] == node

    wait_until(f"broker {node} to lead", leads, 60, 0.2)


def each_replica(cluster):
    """Each has to lead for once."""
    seen = {}
    for broker in cluster:
        make_leader(cluster, broker.node)
        seen[broker.node] = check_replica(cluster)
    return seen


def keys():
    """Of many keys that are overwritten many times every replica has the last values, in twice their bytes; producers do not notice."""
    settings = {
        "log.cleaner.backoff.ms": HOUR_MS,
        "log.cleaner.min.cleanable.ratio": 0.2,
        "auto.leader.rebalance.enable": "false",
        "log.segment.bytes": SEGMENT,
    }
    with Cluster(3, settings=settings) as cluster:
        cluster.create("live", 1)
        cluster.create("keys", 1, **{"cleanup.policy": "compact"})
        cluster.create("small", 1)
        began = time.monotonic()
        write(cluster, "live", [TIMES - 1])
        write(cluster, "keys", range(TIMES))
        wrote_s = time.monotonic() - began
        time.sleep(3)  # what the page cache still has to write is not measured
        live, before = max(stored(cluster, "live")), stored(cluster, "keys")
        quiet, limit = p99_ms(measure(cluster, SECONDS)), 2 * live + SEGMENT
        cluster.drave("config", "set", "brokers", "log.cleaner.backoff.ms=200")
        took_s, cleaning = beside(cluster, lambda: max(stored(cluster, "keys")) < limit)
        after = stored(cluster, "keys")
        counts = each_replica(cluster)
        say(
            test="keys", keys=KEYS, times=TIMES, wrote_s=wrote_s, live_bytes=live, before_bytes=before, after_bytes=after, took_s=took_s,
            quiet_p99_ms=quiet, cleaning_p99_ms=cleaning, records=counts,
        )  # fmt: skip
        note = (
            f"{KEYS} keys, {TIMES} times, in {wrote_s:.0f} s: {max(before) / 1e6:.0f} MB a replica are {max(after) / 1e6:.0f} MB after {took_s:.1f} s of "
            f"cleaning, live ones {live / 1e6:.0f} MB; p99 beside it {cleaning:.1f} ms, quiet {quiet:.1f} ms"
        )
        print(f"# {note}", flush=True)
        assert max(after) < limit, "more than twice the live bytes and a segment that is written to"
        assert cleaning < 2 * quiet or cleaning < 5, f"p99 {cleaning:.1f} ms while it is cleaned, {quiet:.1f} ms quiet"
    return note


# ---- Commits ----


def coordinator(raw, group):
    answer = raw.ask(FIND_COORDINATOR, 0, text(group))
    error, node = struct.unpack(">hi", answer[:6])
    return node if error == 0 else None


def commit_request(group, offset):
    body = text(group) + struct.pack(">i", -1) + text("") + struct.pack(">qi", -1, 1) + text("read") + struct.pack(">i", PARTITIONS)
    return body + b"".join(struct.pack(">iq", p, offset + p) + text("") for p in range(PARTITIONS))


def commit_all(cluster, node, groups, turns, failures):
    try:
        with Raw(cluster[node].port, timeout=60) as raw:
            under_way = deque()
            for turn in range(turns):
                for group in groups:
                    raw.send(OFFSET_COMMIT, 2, commit_request(group, turn))
                    under_way.append(group)
                    if len(under_way) >= IN_FLIGHT:
                        under_way.popleft()
                        answer = raw.receive()[1]
                        assert struct.unpack(">h", answer[-2:])[0] == 0, f"a commit gets error {struct.unpack('>h', answer[-2:])[0]}"
            for _ in under_way:
                raw.receive()
    except Exception as e:
        failures.append(e)


def offsets():
    """What many commits leave: little on each replica, and a start that does not read them all."""
    settings = {"log.cleaner.backoff.ms": 1000, "auto.leader.rebalance.enable": "false"}
    with Cluster(3, settings=settings) as cluster:
        cluster.create("read", PARTITIONS)
        names, of_node = [f"group-{i}" for i in range(GROUPS)], {}
        for name in names:
            with Raw(cluster[1].port) as raw:
                node = wait_until(f"the coordinator of {name}", lambda: coordinator(raw, name), 60, 0.1)
            of_node.setdefault(node, []).append(name)
        turns, failures, began = COMMITS // GROUPS // PARTITIONS, [], time.monotonic()
        threads = [threading.Thread(target=commit_all, args=(cluster, n, g, turns, failures)) for n, g in of_node.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, failures[0]
        took_s = time.monotonic() - began
        cluster[1].stop()  # what is in the journal alone goes into segments
        each = [log_bytes(folder) for folder in folders_of(cluster[1], "__consumer_offsets")]
        began = time.monotonic()
        cluster[1].start(ready=True)
        start_s = time.monotonic() - began
        say(
            test="offsets",
            commits=turns * GROUPS * PARTITIONS,
            took_s=took_s,
            largest_bytes=max(each, default=0),
            broker_bytes=sum(each),
            start_s=start_s,
        )
        note = (
            f"{turns * GROUPS * PARTITIONS} commits in {took_s:.0f} s: the largest replica has {max(each, default=0) / 2**20:.1f} MiB, "
            f"all of a broker {sum(each) / 2**20:.0f} MiB; a start takes {start_s:.2f} s"
        )
        print(f"# {note}", flush=True)
        assert max(each, default=0) < 64 << 20, "a replica of the offsets has more than 64 MiB"
        assert start_s < 2, "a start takes more than 2 s"
    return note


suite = Suite()
suite.run(keys)
suite.run(offsets)
suite.end()
