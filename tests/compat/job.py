"""What a job of the contract has in its hands: topics and groups of its own, records, members (member.py), and reading with the checks.

In calm weather a record must come exactly once; while brokers are killed (Job.rough) at least once, and limits are longer.
"""

import itertools
import os
import time

from compat.member import Member, Refused
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

SESSION_MS = 6000
POLL_MS = 300


class Failed(Exception):
    pass


class Jobs(dict):
    """Jobs of the contract by name: {name: (function, what a client must be able to do for it)}; @job("that", "and that") adds one."""

    def __call__(self, *needs):
        def keep(function):
            self[function.__name__] = (function, set(needs))
            return function

        return keep


class Cluster:
    """What jobs need of the brokers under test, whoever they are."""

    def __init__(self, bootstrap, replicas, door=None, is_drave=True):
        """bootstrap: where those who judge come in; so do clients, unless a Doorkeeper (secure.py) shows them another way."""
        self.door = door
        self.bootstrap, self.replicas, self.numbers, self.is_drave = bootstrap, replicas, itertools.count(), is_drave
        quiet = {"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.max.ms": 500}
        self.admin = AdminClient(quiet)
        self.looker = Consumer({**quiet, "group.id": "unused"})
        self.producer = Producer({**quiet, "enable.idempotence": True, "linger.ms": 0, "message.timeout.ms": 120000})

    def retry(self, act, seconds=60):
        end = time.monotonic() + seconds
        while True:
            try:
                return act()
            except Exception:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def create(self, name, partitions, config=None):
        def go():
            try:
                self.admin.create_topics([NewTopic(name, partitions, self.replicas, config=config or {})], operation_timeout=15)[
                    name
                ].result(20)
            except Exception as e:
                if "exists" not in str(e):  # the answer to the first try was lost
                    raise

        self.retry(go)
        self.wait_known(name, partitions)

    def wait_known(self, name, partitions):
        """Until the producer knows them, and their leaders answer. (What is sent to Apache Kafka earlier may be lost, and told as
        acknowledged: NOT_LEADER for the first batch, success for the second, from which librdkafka takes it that the first was stored, too.)"""

        def known():
            for client in (self.producer, self.looker):
                if len(client.list_topics(name, timeout=10).topics[name].partitions) != partitions:
                    raise Failed(f"{name} has not got {partitions} partitions yet")
            self.ends(name, partitions)

        self.retry(known)

    def grow(self, name, partitions):
        def go():
            try:
                self.admin.create_partitions([NewPartitions(name, partitions)], operation_timeout=15)[name].result(20)
            except Exception as e:
                if f"currently has {partitions} partition" not in str(e):  # likewise
                    raise

        self.retry(go)
        self.wait_known(name, partitions)

    def send(self, topic, value, partition, told):
        try:
            self.producer.produce(topic, value, partition=partition, on_delivery=lambda e, m: told.append((e, m.offset())))
        except KafkaException:  # a partition that it has not heard of yet
            self.producer.list_topics(topic, timeout=10)
            raise

    def send_later(self, topic, values):
        """[(value, deliver-in or None: at once)], in one batch as a rule, acknowledged."""
        told = []
        for value, wait in values:
            self.producer.produce(
                topic, value, headers=wait and {"deliver-in": wait}, on_delivery=lambda e, m: told.append(e or m.offset())
            )
        self.producer.flush(20)
        if len(told) != len(values) or not all(isinstance(t, int) for t in told):
            raise Failed(f"delayed records could not be produced: {told}")

    def values(self, count):
        return [f"v{next(self.numbers)}" for _ in range(count)]

    def produce(self, topic, count, partitions):
        """Values, each acknowledged. Other lanes use the producer, too, so each counts what it was told itself."""
        told, values = [], self.values(count)
        for i, value in enumerate(values):
            self.retry(lambda: self.send(topic, value, partitions[i % len(partitions)], told), 20)
        end = time.monotonic() + 130
        while len(told) < count and time.monotonic() < end:
            self.producer.poll(0.05)
        failed = [e or "acknowledged without an offset" for e, offset in told if e or offset is None]
        if failed or len(told) < count:
            raise Failed(f"records could not be produced: {failed[:1] or 'no answer'}")
        return values

    def read_to_end(self, topic, partitions, isolation, seconds):
        """The values of each partition in their order, and where it ended."""
        settings = {"bootstrap.servers": self.bootstrap, "group.id": "unused", "log_level": 0, "reconnect.backoff.max.ms": 500}
        reader = Consumer({**settings, "isolation.level": isolation, "enable.partition.eof": True, "enable.auto.commit": False})
        reader.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
        values, ends, until = {p: [] for p in range(partitions)}, {}, time.monotonic() + seconds
        while len(ends) < partitions:
            if time.monotonic() > until:
                raise Failed(f"another client read {topic} to the end of {sorted(ends)} alone within {seconds} s")
            m = reader.poll(0.5)
            if m and not m.error():
                values[m.partition()].append(m.value().decode())
            elif m and m.error().code() == KafkaError._PARTITION_EOF:
                ends[m.partition()] = m.offset()
        reader.close()
        return values, ends

    def ends(self, topic, partitions):
        return [self.looker.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in range(partitions)]

    def committed(self, group, topic, partitions):
        """The stable offsets of a group, as another client is told."""
        asker = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group, "isolation.level": "read_committed", "log_level": 0})
        try:
            return [str(p.error or p.offset) for p in asker.committed([TopicPartition(topic, p) for p in range(partitions)], timeout=20)]
        except KafkaException as e:
            return str(e)
        finally:
            asker.close()

    def committed_values(self, topic, partitions, seconds):
        """What is committed in each partition, once nothing is open in it any more."""

        def all_decided():
            _, ends = self.read_to_end(topic, partitions, "read_uncommitted", seconds)
            values, stable = self.read_to_end(topic, partitions, "read_committed", seconds)
            if any(stable[p] < ends[p] for p in range(partitions)):
                raise Failed(f"{topic} is decided up to {stable}, of {ends}")
            return values

        return self.retry(all_decided, seconds)


class Job:
    def __init__(self, cluster, client, name, rough=False, logs=None, minutes=0):
        """minutes: how long those that can be at work for long shall be."""
        self.cluster, self.client, self.rough, self.logs, self.minutes = cluster, client, rough, logs, minutes
        self.name = f"{client.name}-{name}-{os.getpid()}"
        self.group, self.members, self.partitions, self.seen = f"g-{self.name}", [], {}, {}
        self.produced, self.notes = {}, []  # produced: by topic and partition; notes: what else the report shall say
        self.limit = 90 if rough else 30  # of each wait

    # ---- Topics and records ----

    def topic(self, partitions=1, suffix="", config=None):
        name = f"t-{self.name}{suffix}"
        self.cluster.create(name, partitions, config)
        self.partitions[name] = partitions
        return name

    def grow(self, topic, partitions):
        self.cluster.grow(topic, partitions)
        self.partitions[topic] = partitions

    def produce(self, topic, count, only=None):
        """Values, spread over the partitions in turn (or over `only`)."""
        partitions = only if only is not None else list(range(self.partitions[topic]))
        values = self.cluster.produce(topic, count, partitions)
        for i, value in enumerate(values):
            self.produced.setdefault(topic, {}).setdefault(partitions[i % len(partitions)], []).append(value)
        return values

    # ---- Members ----

    def member(self, topics=None, pattern=None, group=None, **more):
        """A member that has subscribed. It does what consumers do by default, but for what `more` says."""
        return self.started({"group": group or self.group, **self.settings(), **more}, "open", topics=topics, pattern=pattern)

    def started(self, settings, do, **more):
        """A process that has done the first that it was asked."""
        end = time.monotonic() + self.limit
        while True:
            m = self.process(settings)
            try:
                m.ask(do, **more)
                return m
            except Refused:  # a program that finds its cluster in trouble is started again
                m.kill()
                if not self.rough or time.monotonic() > end:
                    raise

    def close(self, member):
        """Leaves in good order; where brokers are killed, a client may give up on that."""
        try:
            member.close()
        except Refused:
            if not self.rough:
                raise
            member.kill()

    def settings(self):
        return {
            "bootstrap": self.cluster.door.cluster.sasl_bootstrap if self.cluster.door else self.cluster.bootstrap,
            "security": self.cluster.door and self.cluster.door.login(self.client),
            "reset": "earliest",
            "auto_commit": not self.client.can("commit"),
            "isolation": "read_committed",
            "session_ms": SESSION_MS,
            "protocol": self.client.protocol,
            "cooperative": self.client.cooperative,
            "rough": self.rough,
        }

    def process(self, settings):
        log = f"{self.logs}/{self.name}-{len(self.members)}.log" if self.logs else None
        m = Member(self.client.command, settings, self.client.environment, log, patience=180 if self.rough else 60)
        self.members.append(m)
        return m

    def simple(self, partitions):
        """A consumer that is given its partitions: [[topic, partition, offset or None: the committed one]]."""
        m = self.process({"group": self.group, **self.settings()})
        m.ask("assign", partitions=partitions)
        return m

    def once(self, do, **more):
        """One question of administration; whatever is refused is raised."""
        m = self.process({"group": self.group, **self.settings()})
        try:
            return m.ask(do, **more)
        finally:
            m.kill()

    def delete_group(self, do="delete", **more):
        """Until it is gone: a leave may be on its way still, and the answer to a first try may be lost."""
        end = time.monotonic() + self.limit
        while True:
            try:
                return self.once(do, **more)
            except Refused:
                if self.rough and self.group not in self.admin("list")["groups"]:
                    return None
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def insist(self, member, do, **more):
        """A question to a member; asked again while brokers are killed."""
        end = time.monotonic() + self.limit
        while True:
            try:
                return member.ask(do, **more)
            except Refused:
                if not self.rough or time.monotonic() > end:
                    raise
                self.poll([member])

    def admin(self, do, group=None, **more):
        """One question of administration; until `until(answer)` holds, where given."""
        until = more.pop("until", lambda answer: True)
        m = self.process({"group": group or self.group, **self.settings()})
        try:
            end = time.monotonic() + self.limit
            while True:
                try:
                    answer = m.ask(do, **more)
                    if until(answer):
                        return answer
                    said = answer
                except Refused as e:
                    if not self.rough:
                        raise
                    said = e
                if time.monotonic() > end:
                    raise Failed(f"{do}: still {said}")
                time.sleep(0.1)
        finally:
            m.kill()

    def end(self):
        for m in self.members:
            m.kill()

    # ---- Reading ----

    def poll(self, members, count=500, timeout_ms=POLL_MS):
        """One poll of each, at the same time: [(member, topic, partition, offset, value)]."""
        for m in members:
            m.send("poll", count=count, timeout_ms=timeout_ms)
        return [(m, *r) for m in members for r in m.receive("poll")["records"]]

    def read(self, members, values, not_these=(), again=False):
        """Polls until all the values have come; each once, in the order of its partition, and none of `not_these`.
        again: what was read before may come once more."""
        left, got, began = set(values), [], time.monotonic()
        while left:
            for row in self.poll(members, count=len(left) if len(members) == 1 else 500):
                _, topic, partition, offset, value = row
                at = (topic, partition, offset)
                if value in not_these:
                    raise Failed(f"{value} came ({topic}-{partition}, offset {offset}), and should not")
                if value not in left and not again and not self.rough:
                    raise Failed(f"{value} ({topic}-{partition}, offset {offset}) came {'twice' if at in self.seen else 'unasked'}")
                if self.seen.setdefault(at, value) != value:
                    raise Failed(f"offset {offset} of {topic}-{partition} was {self.seen[at]} and is {value}")
                left.discard(value)
                got.append(row)
            if left and time.monotonic() - began > self.limit:
                raise Failed(f"{len(left)} of {len(values)} records did not come within {self.limit} s; they have {self.owned(members)}")
        offsets = {}
        for m, topic, partition, offset, _ in got:
            if offset <= offsets.get((id(m), topic, partition), -1) and not self.rough and not again:
                raise Failed(f"{topic}-{partition}: offset {offset} came after {offsets[id(m), topic, partition]}")
            offsets[id(m), topic, partition] = offset
        return got

    def take(self, member, count):
        """Exactly `count` records, whichever."""
        rows, began = [], time.monotonic()
        while len(rows) < count:
            rows += self.poll([member], count=count - len(rows))
            if time.monotonic() - began > self.limit:
                raise Failed(f"only {len(rows)} of {count} records came within {self.limit} s")
        return rows

    def owned(self, members):
        return self.client.can("assigned") and [[tuple(p) for p in m.ask("assigned")["partitions"]] for m in members]

    def settle(self, members, fair, what):
        """Polls until the assignment is right; everything has been read by now, so nothing comes."""
        began = time.monotonic()
        while True:
            rows = self.poll(members)
            if rows and not self.rough:
                raise Failed(f"{rows[0]} came while the group was settling")
            owned = self.owned(members)
            if fair(owned):
                return owned
            if time.monotonic() - began > self.limit:
                raise Failed(f"{what}: after {self.limit} s the members have {owned}")

    def all_of(self, topic):
        return {(topic, p) for p in range(self.partitions[topic])}

    def shared(self, topic, members):
        """Each has as many as the next, none twice, none missing."""

        def fair(owned):
            flat = [p for o in owned for p in o]
            return len(flat) == len(set(flat)) and set(flat) == self.all_of(topic) and max(map(len, owned)) - min(map(len, owned)) <= 1

        return self.settle(members, fair, f"{len(members)} members should share {topic}")

    def pair(self, topic, one=None, other=None):
        """Two members that share it. The second comes when the first has all: kafka-python 3.0.12 may hang when it leads a group before
        it knows the topic, with Apache Kafka as well."""
        a = self.member([topic], **(one or {}))
        if self.client.can("assigned"):
            self.settle([a], lambda owned: set(owned[0]) == self.all_of(topic), "one member should have all")
        b = self.member([topic], **(other or {}))
        if self.client.can("assigned"):
            self.shared(topic, [a, b])
        return a, b

    def commit(self, members, how=False):
        """Each commits what it has taken; a rebalance in between is answered by polling on, as programs do."""
        for m in members:
            if not self.client.can("commit"):
                continue
            end = time.monotonic() + self.limit
            while True:
                try:
                    m.ask("commit", **{"async": how})
                    break
                except Refused:
                    if not self.rough or time.monotonic() > end:
                        raise
                    self.poll([m])
