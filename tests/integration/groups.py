"""Consumer groups against real brokers: what was committed stays, whoever coordinates."""

import threading
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition
from groups.brokers import Drave
from groups.party import Party

from harness.cluster import Cluster, wait_until
from harness.suite import Suite

OFFSETS_TOPIC = "__consumer_offsets"
NONE_COMMITTED = -1001  # as librdkafka shows it


def consumer_of(cluster, group):
    return Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0})


class Committer(threading.Thread):
    """Commits one offset after the other for a partition of its own, and asks what is committed from a second client in between."""

    def __init__(self, cluster, group, topic, partition):
        super().__init__(daemon=True)
        self.writer, self.reader = consumer_of(cluster, group), consumer_of(cluster, group)
        self.topic, self.partition = topic, partition
        self.tried = self.acked = 0
        self.reads = self.failures = 0
        self.over = threading.Event()
        self.wrong = None

    def at(self, offset=NONE_COMMITTED):
        return TopicPartition(self.topic, self.partition, offset)

    def committed(self):
        (there,) = self.reader.committed([self.at()], timeout=30)
        if there.error:
            raise KafkaException(there.error)
        return there.offset

    def check(self):
        least = self.acked
        try:
            offset = self.committed()
        except KafkaException:
            self.failures += 1
            return
        self.reads += 1
        if least > 0 and not least <= offset <= self.tried:
            self.wrong = f"{least} was acknowledged, {self.tried} was tried, and {offset} is what is committed"

    def run(self):
        while not self.over.is_set() and self.wrong is None:
            self.tried += 1
            try:
                (there,) = self.writer.commit(offsets=[self.at(self.tried)], asynchronous=False)
                if there.error is None:
                    self.acked = self.tried
            except KafkaException:
                self.failures += 1
            self.check()

    def close(self):
        self.over.set()
        self.join(60)
        assert not self.is_alive(), f"the committer of partition {self.partition} hangs"
        self.writer.close()
        self.reader.close()


def offsets_survive_their_coordinator():
    """The coordinator is killed under commits: what was acknowledged is never lost, nor is "none" ever said of it; not after all brokers were killed, either."""
    with Cluster(3, settings={"offsets.topic.num.partitions": 1}) as cluster:
        cluster.create("t", 4)
        committers = [Committer(cluster, "g", "t", p) for p in range(4)]
        for committer in committers:
            committer.start()

        def all_commit():
            marks = [c.acked for c in committers]
            wait_until(
                "every client commits",
                lambda: any(c.wrong for c in committers) or all(c.acked > mark + 3 for c, mark in zip(committers, marks, strict=True)),
                60,
            )

        all_commit()
        for _ in range(2):
            coordinator = cluster.leaders(OFFSETS_TOPIC)[0]
            cluster[coordinator].kill()
            all_commit()
            cluster[coordinator].start(ready=True)
        for committer in committers:
            committer.close()
            assert committer.wrong is None, committer.wrong
        for broker in cluster:
            broker.kill()
        for broker in cluster:
            broker.start()
        for broker in cluster:
            broker.wait_ready()
        reader = consumer_of(cluster, "g")
        for committer in committers:
            (there,) = reader.committed([committer.at()], timeout=30)
            assert committer.acked <= there.offset <= committer.tried, (committer.acked, committer.tried, there.offset)
        reader.close()
        return f"{sum(c.acked for c in committers)} commits, {sum(c.reads for c in committers)} readings, {sum(c.failures for c in committers)} failed"


def dead_members_go_before_their_session():
    """A process dies, which closes its connection: what it had is somebody else's a few heartbeats later, in both protocols; its session has 45 s."""
    timing = {"session_ms": 45000, "rebalance_ms": 60000, "heartbeat_ms": 1000}
    with Drave(timing) as cluster:
        parties = [Party(cluster, protocol, size=2, partitions=4, limits=timing, seed=1) for protocol in ("cooperative", "consumer")]
        try:
            for party in parties:
                party.start()
            for party in parties:
                assert party.wait_whole(60, note=False), f"{party.group} never came together"

            def has_beaten(member):  # its commits stand for the time in which it has sent some heartbeats
                member.read()
                return sum(row[2] == "commit" for row in member.rows) > 8

            for party in parties:
                wait_until("commits of all members", lambda p=party: all(map(has_beaten, p.procs)), 60)
            began = time.monotonic()
            for party in parties:
                party.procs[0].popen.kill()
            for party in parties:
                left = 30 - (time.monotonic() - began)
                assert party.wait_whole(left, note=False), f"what a dead member of {party.group} had is nobody else's 30 s later"
            return f"{time.monotonic() - began:.1f} s"
        finally:
            for party in parties:
                party.over.set()
                party.kill_all()


suite = Suite()
suite.run(offsets_survive_their_coordinator)
suite.run(dead_members_go_before_their_session)
suite.end()
