"""One member of a group, as a process of its own: reads, processes, commits, and writes down what it was told and what it did.

python member.py '{JSON}' (the settings that Party.join of party.py makes). It appends one JSON array a line to the file `events`, in a single
write each, so that a kill -9 loses at most what had not happened yet:

    [t_us, name, "assigned" | "revoked" | "lost", [partition ...]]              when the callback began
    [t_us, name, "processed", [[partition, first offset, last offset, value of the first] ...]]   values of a stretch count up with its offsets
    [t_us, name, "commit", began_us, {partition: offset that was taken}, {partition: error}]
    [t_us, name, "closed" | "fatal", text]

Happy path: batches of at most 200 records; every `commit_ms` a commit of what was processed begins (nobody waits for it: it may stand behind the
Join that librdkafka has sent over the same connection), and before a partition is given back it is committed, if no other commit is under
way: of two, one that librdkafka tries again could land behind the later one. SIGTERM: leaves in good order. A process that wakes up from
SIGSTOP commits at once what it had in hand, maybe of partitions that are somebody else's by now, which the coordinator must refuse. Times
are CLOCK_MONOTONIC, one clock for all processes of a machine.
"""

import json
import os
import signal
import sys
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition


def now_us():
    return time.monotonic_ns() // 1000


SLEPT_S = 0.8


class Member:
    def __init__(self, spec):
        self.spec, self.name, self.topic = spec, spec["name"], spec["topic"]
        self.file = os.open(spec["events"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self.eager = spec["protocol"] == "eager"
        self.next = {}  # partition -> the offset after the last processed one that is not committed
        self.under_way = None  # when the commit began that is under way
        self.over = False

    def note(self, kind, *more, t=None):
        os.write(self.file, (json.dumps([t or now_us(), self.name, kind, *more]) + "\n").encode())

    def settings(self):
        s = self.spec
        settings = {
            "bootstrap.servers": s["bootstrap"],
            "group.id": s["group"],
            "client.id": s["name"],
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "max.poll.interval.ms": s["rebalance_ms"],
            "fetch.wait.max.ms": 100,
            "on_commit": self.committed,
            "log_level": 4,
        }
        if s["protocol"] == "consumer":
            return settings | {"group.protocol": "consumer"}
        return settings | {
            "session.timeout.ms": s["session_ms"],
            "heartbeat.interval.ms": s["heartbeat_ms"],
            "partition.assignment.strategy": "range" if self.eager else "cooperative-sticky",
        }

    # ---- What the coordinator says ----

    def assigned(self, consumer, partitions):
        self.note("assigned", [p.partition for p in partitions])
        (consumer.assign if self.eager else consumer.incremental_assign)(partitions)

    def revoked(self, consumer, partitions):
        self.note("revoked", [p.partition for p in partitions])
        self.commit({p.partition for p in partitions})
        self.unassign(consumer, partitions)

    def lost(self, consumer, partitions):
        self.note("lost", [p.partition for p in partitions])
        self.unassign(consumer, partitions)

    def unassign(self, consumer, partitions):
        for p in partitions:
            self.next.pop(p.partition, None)
        if self.eager:
            consumer.unassign()
        else:
            consumer.incremental_unassign(partitions)

    # ---- Work ----

    def process(self, messages):
        stretches, ends = {}, {}
        for m in messages:
            if m.error():
                if m.error().fatal():
                    raise KafkaException(m.error())
                continue
            p, offset, value = m.partition(), m.offset(), int(m.value())
            rows = stretches.setdefault(p, [])
            if rows and rows[-1][2] + 1 == offset and rows[-1][3] + offset - rows[-1][1] == value:
                rows[-1][2] = offset
            else:
                rows.append([p, offset, offset, value])
            ends[p] = offset + 1
        if stretches:
            self.note("processed", [row for rows in stretches.values() for row in rows])
            self.next |= ends

    def commit(self, only=None):
        """What is processed and not committed, of these partitions or of all; one commit at a time."""
        offsets = {p: o for p, o in self.next.items() if only is None or p in only}
        if not offsets or self.under_way is not None:
            return
        self.under_way = now_us()
        asked = [TopicPartition(self.topic, p, o) for p, o in offsets.items()]
        if only is None:
            self.consumer.commit(offsets=asked, asynchronous=True)
            return
        try:
            self.committed(None, self.consumer.commit(offsets=asked, asynchronous=False))
        except KafkaException as e:
            self.committed(e.args[0], asked)

    def committed(self, error, partitions):
        taken = {p.partition: p.offset for p in partitions if not (error or p.error)}
        refused = {p.partition: (p.error or error).name() for p in partitions if error or p.error}
        self.note("commit", self.under_way, taken, refused)
        self.under_way = None
        for p, offset in taken.items():
            if self.next.get(p) == offset:
                del self.next[p]

    def run(self):
        self.consumer = Consumer(self.settings())
        self.consumer.subscribe([self.topic], on_assign=self.assigned, on_revoke=self.revoked, on_lost=self.lost)
        awake = tried = time.monotonic()
        while not self.over:
            self.process(self.consumer.consume(200, 0.1))
            before, awake = awake, time.monotonic()
            if awake - tried > self.spec["commit_ms"] / 1000 or awake - before > SLEPT_S:
                tried = awake
                self.commit()
        self.consumer.close()
        self.note("closed", "")

    def stop(self, *_):
        self.over = True


def main():
    member = Member(json.loads(sys.argv[1]))
    signal.signal(signal.SIGTERM, member.stop)
    try:
        member.run()
    except KafkaException as e:
        member.note("fatal", e.args[0].str())
        sys.exit(1)


main()
