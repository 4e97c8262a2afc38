"""What many transactions leave behind: in the coordinator's log, and in a compacted topic that nothing else writes. tests/run compacted

Three brokers. `state`: TRANSACTIONS (1,000,000) of 100 ids, all in one partition of __transaction_state, which is the worst that can be.
`topic`: transactions of ten records of 1,000 keys, a tenth of them aborted; what is committed in the end is read, and little more is stored.
JSON=1: one object a test.
"""

import json
import os
import random
import struct
import threading
import time

from confluent_kafka import Consumer, Producer, TopicPartition

from harness.cluster import Cluster, wait_until
from harness.files import folders_of, log_bytes
from harness.raw import INIT_PRODUCER_ID, Raw, text
from harness.suite import Suite

TRANSACTIONS = int(os.environ.get("TRANSACTIONS") or 1_000_000)
IDS, CONNECTIONS = 100, 4
STATE_LIMIT = 32 << 20
KEYS, OF_EACH, SEGMENT = 1000, 10, 256 << 10
ADD_PARTITIONS, FIND_COORDINATOR, END = 24, 10, 26
CONCURRENT_TRANSACTIONS = 51


def say(**facts):
    if os.environ.get("JSON"):
        print(json.dumps(facts), flush=True)


def stored(broker, topic):
    """Bytes of each of the topic's replicas here."""
    return [log_bytes(folder) for folder in folders_of(broker, topic)]


def coordinator(raw, name):
    """Its node, of a transactional id; by FindCoordinator 1."""
    error, at = struct.unpack(">h", (answer := raw.ask(FIND_COORDINATOR, 1, text(name) + b"\1"))[4:6])[0], 6
    length = struct.unpack(">h", answer[at : at + 2])[0]
    at += 2 + max(length, 0)
    return struct.unpack(">i", answer[at : at + 4])[0] if error == 0 else None


class Ids:
    """Some ids over one connection: a transaction of each is begun, then all are ended, and so on."""

    def __init__(self, cluster, node, names):
        self.raw = Raw(cluster[node].port, timeout=60)
        self.names, self.ends, self.again, self.failed = names, 0, 0, None
        self.producers = {name: self.producer(name) for name in names}

    def producer(self, name):
        def asked():
            error, pid, epoch = struct.unpack(">hqh", self.raw.ask(INIT_PRODUCER_ID, 1, text(name) + struct.pack(">i", 60000))[4:16])
            return (pid, epoch) if error == 0 else None

        return wait_until(f"a producer id of {name}", asked, 30, 0.1)

    def head(self, name):
        return text(name) + struct.pack(">qh", *self.producers[name])

    def turn(self):
        partitions = struct.pack(">i", 1) + text("touched") + struct.pack(">ii", 1, 0)
        for name in self.names:
            self.raw.send(ADD_PARTITIONS, 0, self.head(name) + partitions)
        begun = []
        for name in self.names:
            error = struct.unpack(">h", self.raw.receive()[1][-2:])[0]
            assert error in (0, CONCURRENT_TRANSACTIONS), f"a partition of {name} gets error {error}"
            begun += [name] if error == 0 else []
        for name in begun:
            self.raw.send(END, 0, self.head(name) + b"\1")
        for name in begun:
            error = struct.unpack(">h", self.raw.receive()[1][-2:])[0]
            assert error == 0, f"the end of {name} gets error {error}"
        self.ends += len(begun)
        self.again += len(self.names) - len(begun)

    def run(self, count):
        try:
            while self.ends < count:
                self.turn()
        except Exception as e:
            self.failed = e


def state():
    """The coordinator's log keeps what its ids are at, not how they came there; a start does not read it all."""
    settings = {"transaction.state.log.num.partitions": 1, "log.cleaner.backoff.ms": 1000, "auto.leader.rebalance.enable": "false"}
    with Cluster(3, settings=settings) as cluster:
        cluster.create("touched", 1)
        names = [f"id-{i}" for i in range(IDS)]
        with Raw(cluster[1].port) as raw:
            node = wait_until("the coordinator", lambda: coordinator(raw, names[0]), 60, 0.1)
        each = [Ids(cluster, node, names[n::CONNECTIONS]) for n in range(CONNECTIONS)]
        threads = [threading.Thread(target=ids.run, args=(TRANSACTIONS // CONNECTIONS,)) for ids in each]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        most = 0
        while any(thread.is_alive() for thread in threads):
            threads[0].join(1)
            most = max([most, *(size for b in cluster for size in stored(b, "__transaction_state"))])
        took_s = time.monotonic() - began
        for ids in each:
            if ids.failed:
                raise ids.failed

        def sizes():
            return [size for b in cluster for size in stored(b, "__transaction_state")]

        wait_until("what is cleaned", lambda: max(sizes()) < STATE_LIMIT, 60, 0.5)
        cluster[1].stop()  # what is in the journal alone goes into segments
        after = max(stored(cluster[1], "__transaction_state"))
        began = time.monotonic()
        cluster[1].start(ready=True)
        start_s = time.monotonic() - began
        ends, again = sum(ids.ends for ids in each), sum(ids.again for ids in each)
        assert len(cluster.drave("txn", "list", json_out=True)) == IDS
        say(test="state", transactions=ends, took_s=took_s, most_bytes=most, bytes=after, start_s=start_s, again=again)
        note = (
            f"{ends} transactions of {IDS} ids in {took_s:.0f} s ({ends / took_s:.0f}/s): a replica has {after / 2**20:.1f} MiB, "
            f"{most / 2**20:.1f} MiB at most while they came; a start takes {start_s:.2f} s"
        )
        print(f"# {note}", flush=True)
        assert after < STATE_LIMIT, f"a replica has {after} bytes"
    return note


def read(cluster, topic):
    """What a committed reader has in the end, and how many records that took."""
    consumer = Consumer(
        {"bootstrap.servers": cluster.bootstrap, "group.id": "unused", "isolation.level": "read_committed", "enable.partition.eof": True}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    last, count, over = {}, 0, False
    while not over:
        for record in consumer.consume(10000, 5):
            if record.error():
                over = True
            else:
                last[record.key().decode()] = record.value().decode()
                count += 1
    consumer.close()
    return last, count


def topic():
    """A compacted topic that only transactions write keeps the last committed value of each key, and no more than its segments."""
    with Cluster(3, settings={"log.cleaner.backoff.ms": 500}) as cluster:
        cluster.create("only", 1, **{"cleanup.policy": "compact", "segment.bytes": SEGMENT, "min.cleanable.dirty.ratio": 0.2})
        made = Producer({"bootstrap.servers": cluster.bootstrap, "transactional.id": "only", "linger.ms": 0, "log_level": 0})
        made.init_transactions(60)
        dice, wanted, turns = random.Random(1), {}, max(TRANSACTIONS // 200, 500)
        for turn in range(turns):
            made.begin_transaction()
            keys = dice.sample(range(KEYS), OF_EACH)
            for key in keys:
                made.produce("only", key=str(key), value=f"{turn}", partition=0)
            if turn % 10 == 3:
                made.flush()
                made.abort_transaction(60)
            else:
                made.commit_transaction(60)
                wanted |= {str(key): f"{turn}" for key in keys}
        limit = 4 * SEGMENT  # what is live, what is written to, and what waits for the next round
        wait_until("what is cleaned", lambda: max(size for b in cluster for size in stored(b, "only")) < limit, 60, 0.5)
        last, count = read(cluster, "only")
        assert last == wanted, (
            f"{len(last)} keys of {len(wanted)}: {[(k, last.get(k), v) for k, v in wanted.items() if last.get(k) != v][:3]}"
        )
        size = max(size for b in cluster for size in stored(b, "only"))
        say(test="topic", transactions=turns, keys=len(wanted), records=count, bytes=size)
    return (
        f"{turns} transactions, {OF_EACH * turns} records: {size / 1024:.0f} KiB a replica, {count} records are read for {len(wanted)} keys"
    )


suite = Suite()
suite.run(state)
suite.run(topic)
suite.end()
