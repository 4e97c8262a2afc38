"""One group under chaos: its topic with a producer of known records, its members as processes, and somebody who asks what it has committed.

Happy path: `Party(...)` makes the topic and starts producer, members and observer; `event(kind)` does one thing to a member; `heal()` wakes up
who sleeps and brings the group back to its size; `wait_whole()` waits until each partition has one owner that is up to date; `finish()` stops all
and returns the history (judge.py). Failures: a wait that is too long ends without "whole", and the judge says that the group was stuck.
Invariant: only processes that this one started are stopped or killed, by their pid.
"""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from harness.cluster import ROOT, wait_until

QUIET = {"log_level": 0, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 500}
OFFSETS_TOPIC = "__consumer_offsets"
PATIENCE_S = 90  # for what takes seconds when nothing is wrong
TICK_S = 0.2  # one record a partition


def now_us():
    return time.monotonic_ns() // 1000


class Proc:
    """A member's process and what it has written so far."""

    def __init__(self, spec, log):
        self.name, self.path, self.protocol = spec["name"], spec["events"], spec["protocol"]
        self.popen = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/groups/member.py"), json.dumps(spec)],
            stdout=subprocess.DEVNULL,
            stderr=open(log, "ab"),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.asleep_until = None
        self.leaving = False
        self.is_in = False  # it was told an assignment once
        self.read_to = 0
        self.reading = threading.Lock()
        self.owned, self.done, self.rows = set(), {}, []  # done: partition -> the offset after the last one that it processed

    def running(self):
        return self.popen.poll() is None

    def read(self):
        """Takes what is new in its file; whole lines only. Several threads ask."""
        with self.reading:
            self.take(self.new_lines())

    def new_lines(self):
        try:
            with open(self.path, "rb") as f:
                f.seek(self.read_to)
                data = f.read()
        except FileNotFoundError:
            return []
        data = data[: data.rfind(b"\n") + 1]
        self.read_to += len(data)
        return data.splitlines()

    def take(self, lines):
        for line in lines:
            try:
                row = json.loads(line)
            except ValueError as e:
                raise AssertionError(
                    f"{self.path}, read to {self.read_to}, has a line that is no row: {line!r} behind {self.rows[-1:]}"
                ) from e
            self.rows.append(row)
            if row[2] == "assigned":
                self.is_in = True
                self.owned |= set(row[3])
            elif row[2] in ("revoked", "lost"):
                self.owned -= set(row[3])
            elif row[2] == "processed":
                for p, _, last, _ in row[3]:
                    self.done[p] = max(self.done.get(p, 0), last + 1)

    def reads_is_in(self):
        self.read()
        return self.is_in

    def has_lost(self):
        """It was told that it has lost something."""
        self.read()
        return any(row[2] == "lost" for row in self.rows)


class Party:
    def __init__(self, brokers, protocol, *, size, partitions, limits, seed):
        """protocol: eager, cooperative, consumer, or upgrade: cooperative, and from one `change_over` to the next the other of those two. limits: those
        of the judge; they are in the first line of the history, too."""
        self.bootstrap, self.protocol, self.limits = brokers.bootstrap, protocol, limits
        self.size, self.partitions = size, partitions
        # Other programs have parties at the same time, of the same names.
        self.place = place = ROOT / "build/groups" / f"{brokers.name}-{os.getpid()}" / protocol
        self.group = self.topic = f"party-{protocol}"
        self.speaks = "cooperative" if protocol == "upgrade" else protocol  # who joins from now on
        self.random = random.Random(f"{seed} {protocol}")
        self.procs, self.rows, self.born = [], [], 0
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.acked = dict.fromkeys(range(partitions), 0)
        self.failures = []
        self.admin = AdminClient({"bootstrap.servers": self.bootstrap, **QUIET})
        place.mkdir(parents=True, exist_ok=True)
        for old in place.glob("*.jsonl"):
            old.unlink()
        self.admin.create_topics([NewTopic(self.topic, partitions, 3)])[self.topic].result(30)
        self.threads = [threading.Thread(target=t, daemon=True) for t in (self.produce, self.observe)]

    def note(self, kind, *more):
        with self.lock:
            self.rows.append([now_us(), "run", kind, *more])

    # ---- Records, and what is committed ----

    def produce(self):
        producer = Producer({"bootstrap.servers": self.bootstrap, "enable.idempotence": True, "linger.ms": 5, **QUIET})

        def told(error, message):
            if error:
                self.failures.append(str(error))
            else:
                self.acked[message.partition()] += 1

        n = 0
        while not self.over.is_set():
            for p in range(self.partitions):
                producer.produce(self.topic, str(n), partition=p, on_delivery=told)
            n += 1
            end = time.monotonic() + TICK_S
            while (left := end - time.monotonic()) > 0:
                producer.poll(left)
        producer.flush(60)

    def observe(self):
        """With a consumer that never joins: an OffsetFetch as any tool asks it."""
        asker = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group, **QUIET})
        every = [TopicPartition(self.topic, p) for p in range(self.partitions)]
        while not self.over.is_set():
            began = now_us()
            try:
                there = asker.committed(every, timeout=10)
                self.note("committed", began, {p.partition: max(p.offset, -1) for p in there if not p.error})
            except KafkaException:
                pass  # asked again
            self.over.wait(0.3)
        asker.close()

    # ---- Members ----

    def awake(self):
        return [p for p in self.procs if p.running() and p.asleep_until is None and not p.leaving]

    def present(self):
        return [p for p in self.procs if p.running() and not p.leaving]

    def join(self):
        self.born += 1
        name = f"m{self.born}"
        spec = {
            "bootstrap": self.bootstrap,
            "group": self.group,
            "topic": self.topic,
            "name": name,
            "protocol": self.speaks,
            "events": str(self.place / f"{name}.jsonl"),
            "commit_ms": 500,
            **self.limits,
        }
        self.note("join", name, self.speaks)
        self.procs.append(Proc(spec, self.place / "clients.log"))

    def start(self):
        for _ in range(self.size):
            self.join()
        for t in self.threads:
            t.start()

    def event(self, kind, sleep_s=None):
        """kind: join, leave, pause, kill. Where it would make the group too small or too large, the opposite; nothing happens to who is not in yet."""
        here, spread = len(self.present()), max(1, self.size // 4)
        if kind == "join" and here >= self.size + spread:
            kind = "leave"
        if kind in ("leave", "kill") and here <= self.size - spread:
            kind = "join"
        if kind == "join":
            return self.join()
        for p in self.procs:
            p.read()
        who = [p for p in self.awake() if p.is_in]
        if kind in ("leave", "kill"):  # those of the protocol of before go first
            who = [p for p in who if p.protocol != self.speaks] or who
        if not who:
            return None
        victim = self.random.choice(who)
        self.note(kind, victim.name)
        if kind == "pause":
            victim.asleep_until = time.monotonic() + sleep_s
            victim.popen.send_signal(signal.SIGSTOP)
        elif kind == "kill":
            victim.popen.kill()
            victim.popen.wait(20)
        else:
            victim.leaving = True
            victim.popen.send_signal(signal.SIGTERM)
        return victim

    def change_over(self):
        """The protocol of those who join from now on is the other one; as they come and the others go the group is upgraded or downgraded."""
        self.speaks = "consumer" if self.speaks == "cooperative" else "cooperative"

    def replace_all(self):
        """Another one comes for each of the protocol of before, which goes then. Returns when they have come."""
        those = [p for p in self.awake() if p.protocol != self.speaks]
        for _ in those:
            self.join()
        wait_until(f"new members of {self.group} to come in", lambda: all(p.reads_is_in() for p in self.awake()), PATIENCE_S)
        for old in those:
            self.note("leave", old.name)
            old.leaving = True
            old.popen.send_signal(signal.SIGTERM)

    def type(self):
        """What the coordinator, which may be about to move, says that the group is: classic or consumer. (Listed: librdkafka describes groups by the
        classic protocol's request, to which Kafka says of a group of the other one that it is dead.)"""

        def said():
            listed = self.admin.list_consumer_groups(request_timeout=20).result()
            return next((g.type.name.lower() for g in listed.valid if g.group_id == self.group), None)

        return wait_until(f"somebody to list {self.group}", said, PATIENCE_S, 0.2)

    def coordinator(self):
        """The node that coordinates the group, or None when there is none now: who leads its partition of the topic of groups."""
        hashed = 0
        for c in self.group:
            hashed = (31 * hashed + ord(c)) & 0xFFFFFFFF  # Java's String.hashCode
        partitions = self.admin.list_topics(OFFSETS_TOPIC, timeout=5).topics[OFFSETS_TOPIC].partitions
        place = abs(hashed - (hashed >> 31 << 32)) % len(partitions)
        return partitions[place].leader if partitions[place].leader > 0 else None

    def wake(self, all_of_them=False):
        for p in self.procs:
            if p.asleep_until is not None and (all_of_them or time.monotonic() >= p.asleep_until):
                p.asleep_until = None
                self.note("resume", p.name)
                p.popen.send_signal(signal.SIGCONT)

    def heal(self):
        self.wake(all_of_them=True)
        while len(self.present()) < self.size:
            self.join()
        if self.protocol == "upgrade":
            self.replace_all()
        self.note("calm")

    def given_away(self, sleeper):
        """All that a sleeping member had is somebody else's."""
        for m in self.procs:
            m.read()
        return sleeper.owned <= set().union(*(m.owned for m in self.awake()))

    def wait_whole(self, seconds, note=True):
        """True when each partition has one owner, all members have their share, and records that came after the call began were processed."""
        goal = {p: n + 1 for p, n in self.acked.items()}

        def whole():
            done, here = self.processed(), self.present()
            owners, share = Counter(p for m in here for p in m.owned), self.partitions // len(here)
            balanced = all(share <= len(m.owned) <= share + 1 for m in here)  # so everybody has come in
            return balanced and all(owners[p] == 1 and done.get(p, 0) >= n for p, n in goal.items())

        try:
            wait_until(f"{self.group} to be whole", whole, seconds, 0.1)
        except TimeoutError:
            return False
        if note:
            self.note("whole")
            self.note("type", self.type(), "consumer" if self.speaks == "consumer" else "classic")
        return True

    # ---- The end ----

    def finish(self, seconds):
        """Stops the producer, waits until everything is processed, lets everybody leave; the history."""
        self.over.set()
        for t in self.threads:
            t.join(90)
        self.note("acked", dict(self.acked))
        self.wait_processed(seconds)
        for p in self.procs:
            if p.running():
                p.leaving = True
                p.popen.send_signal(signal.SIGTERM)
        for p in self.procs:
            try:
                p.popen.wait(30)
            except subprocess.TimeoutExpired:
                self.failures.append(f"{p.name} did not leave within 30 s")
                p.popen.kill()
            p.read()
        self.note("end")
        rows = sorted(self.rows + [r for p in self.procs for r in p.rows], key=lambda r: r[0])
        with open(self.place / "history.jsonl", "w") as f:
            for row in [self.limits, *rows]:
                f.write(json.dumps(row) + "\n")
        return rows

    def processed(self):
        """Partition -> the offset after the last one that anybody has processed."""
        done = {}
        for m in self.procs:
            m.read()
            for p, end in m.done.items():
                done[p] = max(done.get(p, 0), end)
        return done

    def wait_processed(self, seconds):
        def all_done():
            done = self.processed()
            return all(done.get(p, 0) >= n for p, n in self.acked.items())

        try:
            wait_until("the last records", all_done, seconds, 0.1)
        except TimeoutError:
            pass  # the judge finds what is missing

    def kill_all(self):
        for p in self.procs:
            if p.running():
                p.popen.kill()
                p.popen.wait()
