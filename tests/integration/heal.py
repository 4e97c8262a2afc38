"""Bits of one of three brokers are flipped at random places, while it runs and while it does not: nothing is lost, nothing wrong is served, and it is mended within a minute and said so.
In segments (written to, sealed, cleaned, trimmed), indexes, snapshots and `start`, of topics and of the metadata; in a journal the broker is refused, and replaced.
tests/run heal; ROUNDS (500) places, SEED (11); --short: a few.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, ElectionType, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from harness.cluster import BIN, Cluster, wait_until
from harness.files import content_of
from harness.suite import Suite

SHORT = "--short" in sys.argv
PLACES = 24 if SHORT else int(os.environ.get("ROUNDS") or 500)
SEED = int(os.environ.get("SEED") or 11)
AT_ONCE, MINUTE = 3, 60
RECORDS, TOPIC = 1500, "orders"
KEYS, TABLE, TRIMMED = 60, "table", "trimmed"
SETTINGS = {
    "log.segment.bytes": 20000,
    "log.index.interval.bytes": 4096,
    "log.cleaner.backoff.ms": 200,
    "log.segment.delete.delay.ms": 100,
    "auto.leader.rebalance.enable": "false",
    "offsets.topic.num.partitions": 3,
    "journal.file.bytes": 65536,
    "journal.max.bytes": 262144,
    "tail.cache.bytes": 0,
    "log.compression": "none",
    "scrub.interval.ms": 1000,
    "scrub.bytes.per.second": 100_000_000,
}


def value(i):
    return f"{i}:{'x' * (60 if i % 100 else 3000)}"


def fill(cluster):
    cluster.create(TOPIC, replicas=3)
    for first in range(0, RECORDS, 100):
        cluster.drave("produce", TOPIC, stdin="".join(value(i) + "\n" for i in range(first, first + 100)))
    cluster.wait_leaders(TOPIC, in_sync=3)
    for broker in cluster:
        wait_until("segments", lambda b=broker: len(list(group_of(b).glob("*.log"))) > 4)


def group_of(broker):
    return sorted((broker.data / "shard-0/groups").iterdir())[1]


def orders_are_served(cluster):
    done = cluster.drave("consume", TOPIC, "-o", "beginning", "-e", "-f", "%s\\n", timeout=60)
    assert done.stdout.splitlines() == [value(i) for i in range(RECORDS)], "what is served is not what was produced"


class Topics:
    """One that only grows, one that is compacted, one whose beginning goes; and what they have."""

    def __init__(self, cluster):
        self.cluster, self.turn, self.trimmed = cluster, 0, []
        fill(cluster)
        cluster.create(TABLE, replicas=3, **{"cleanup.policy": "compact"})
        cluster.create(TRIMMED, replicas=3)
        cluster.wait_leaders(TABLE, in_sync=3)
        cluster.wait_leaders(TRIMMED, in_sync=3)
        self.producer = Producer({"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True, "log_level": 0})
        self.last = {}
        for _ in range(30):
            self.change()
        wait_until("cleaned segments", lambda: all(self.cleaned(b) for b in cluster), 60)

    def cleaned(self, broker):
        return any(content_of(path)[4:5] == b"\x03" for path in broker.data.glob("shard-0/groups/*/*.log"))

    def change(self):
        """Each key of the table anew, but for some that go; some records more, and some less at the beginning."""
        self.turn += 1
        failed = []

        def told(error, _):
            if error:
                failed.append(error)

        for key in range(KEYS):
            gone = (key + self.turn) % 17 == 0
            new = None if gone else f"{self.turn}:{'y' * 100}"
            self.producer.produce(TABLE, key=f"key-{key}", value=new, on_delivery=told)
            self.last[f"key-{key}"] = new
            self.producer.flush(0) if key % 10 else self.producer.flush(60)
        for _ in range(20):
            self.trimmed.append(f"{len(self.trimmed)}:{'z' * 300}")
            self.producer.produce(TRIMMED, value=self.trimmed[-1], on_delivery=told)
            self.producer.flush(60)
        assert self.producer.flush(60) == 0 and not failed, failed[:3]
        if self.turn % 5 == 0:
            self.cluster.drave("topic", "trim", TRIMMED, "--offset", max(0, len(self.trimmed) - 150))

    def consumer_of(self, topic):
        """One that knows who leads the topic, and the topic's offsets; None: nobody does yet.
        A new one each time: librdkafka keeps that nobody led for minutes, and answers "unknown partition" from that."""
        consumer = Consumer({"bootstrap.servers": self.cluster.bootstrap, "group.id": "none", "enable.auto.commit": False, "log_level": 0})
        try:
            offsets = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)
        except KafkaException:
            offsets = None
        if offsets is None:
            consumer.close()
        return offsets and (consumer, *offsets)

    def records(self, topic):
        consumer, low, high = wait_until("offsets", lambda: self.consumer_of(topic), pause=0.1)
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        found, offset = [], low - 1
        while offset < high - 1:
            message = consumer.poll(30)
            assert message is not None, f"nothing comes behind offset {offset} of {high} of {topic}"
            if message.error():
                raise KafkaException(message.error())
            offset = message.offset()
            found.append((offset, message.key(), message.value()))
        consumer.close()
        return low, found

    def are_served(self):
        orders_are_served(self.cluster)
        table = {}
        for _, key, new in self.records(TABLE)[1]:
            table[key.decode()] = new and new.decode()
        lost = {k: v for k, v in self.last.items() if v is not None and table.get(k) != v}
        back = {k: table[k] for k, v in self.last.items() if v is None and table.get(k) is not None}
        assert not lost and not back, f"lost {lost}, back {back}"
        low, found = self.records(TRIMMED)
        assert [r[2].decode() for r in found] == self.trimmed[low:], "what is served of the trimmed topic is not what was produced"

    def each_replica_leads(self):
        admin = AdminClient({"bootstrap.servers": self.cluster.bootstrap, "log_level": 0})
        for broker in self.cluster:
            for topic in (TOPIC, TABLE, TRIMMED):
                others = [str(b.node) for b in self.cluster if b.node != broker.node]
                self.cluster.drave("topic", "move", topic, "--to", ",".join([str(broker.node), *others]))
                self.cluster.wait_leaders(topic, in_sync=3)

                def leads(topic=topic, node=broker.node):
                    if self.cluster.leaders(topic)[0] != node:
                        admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition(topic, 0)]).result(30)
                    return self.cluster.leaders(topic)[0] == node

                wait_until(f"broker {broker.node} to lead {topic}", leads, MINUTE, 0.2)
            self.are_served()


# ---- Bits ----

KINDS = {"*.log": 6, "*.index": 2, "*.snapshot": 2, "*.copy": 1, "start": 2}


def flip(path, dice):
    """One bit; the place of it."""
    at = dice.randrange(path.stat().st_size)
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1 << dice.randrange(8)]))
    return f"{path.parent.name}/{path.name} at {at}"


def damage(broker, dice, done=()):
    """AT_ONCE places in files of the topics and of the metadata, of each file one, and none that is among those of others (which it adds to); the places."""
    told, done = [], done if isinstance(done, set) else set()
    while len(told) < AT_ONCE:
        kind = dice.choices(list(KINDS), KINDS.values())[0]
        paths = sorted(broker.data.glob(f"shard-0/groups/*/{kind}"))
        path = dice.choice(paths) if paths else None
        state = path and path.suffix in (".snapshot", ".copy")  # one of the two stays, as with one bit that rots
        place = (path.parent.name, "state" if state else path.name)
        if path is None or place in done:
            continue
        try:
            told.append(flip(path, dice))
            done.add(place)
        except (FileNotFoundError, ValueError):  # it was cleaned, or let go of
            continue
    return ", ".join(told)


def what_is_damaged(broker):
    done = subprocess.run([BIN / "draved", "log", "verify", broker.data], capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr if done.returncode else ""


def mended(broker, what):
    """Whoever reads all of it finds nothing any more; seconds."""
    began, left = time.monotonic(), [""]

    def whole():
        left[0] = what_is_damaged(broker)
        return not left[0]

    try:
        wait_until(f"broker {broker.node} to mend {what}", whole, MINUTE, 0.1)
    except TimeoutError as e:
        raise AssertionError(f"{e}\n{left[0][-1500:]}\n{broker.log_text()[-1500:]}") from e
    return time.monotonic() - began


def lines_of_mending(cluster):
    pattern = r"mended \d+ damaged places|mended its log, which|did not match its checksum|does not match its checksum; what it says"
    return sum(len(re.findall(pattern, b.log_text(whole=True))) for b in cluster)


def running():
    """Flips in files of a running broker, which nobody need read: the scrub finds them."""
    dice = random.Random(SEED)
    longest = places = 0
    with Cluster(3, settings=SETTINGS) as cluster:
        topics = Topics(cluster)
        while places < PLACES // 2:
            broker = cluster[dice.randrange(3) + 1]
            what = damage(broker, dice)
            topics.change()
            topics.are_served()
            longest = max(longest, mended(broker, what))
            places += AT_ONCE
        cluster.wait_leaders(TOPIC, in_sync=3)
        topics.each_replica_leads()
        said = lines_of_mending(cluster)
        assert said > 0
    return f"{places} places; the longest took {longest:.1f} s; {said} times said"


def at_a_start():
    """Flips in files of a broker that is down; while it is, and when it is back, all is served."""
    dice = random.Random(SEED + 1)
    longest = places = 0
    with Cluster(3, settings=SETTINGS) as cluster:
        topics = Topics(cluster)
        while places < PLACES - PLACES // 2:
            broker = cluster[dice.randrange(3) + 1]
            for topic in (TOPIC, TABLE, TRIMMED):
                cluster.wait_leaders(topic, in_sync=3)
            assert broker.stop() == 0, f"broker {broker.node} did not end well"
            what = damage(broker, dice)
            topics.change()
            broker.start(ready=True)
            topics.are_served()
            longest = max(longest, mended(broker, what))
            places += AT_ONCE
        for topic in (TOPIC, TABLE, TRIMMED):
            cluster.wait_leaders(topic, in_sync=3)
        topics.each_replica_leads()
        said = lines_of_mending(cluster)
    return f"{places} places; the longest took {longest:.1f} s; {said} times said"


class Transfers:
    """Transactions, some aborted, one open when the power goes; what committed readers are to see."""

    def __init__(self, cluster):
        self.cluster, self.committed = cluster, []
        cluster.create("transfers", replicas=3)
        cluster.wait_leaders("transfers", in_sync=3)

    def change(self):
        producer = Producer({"bootstrap.servers": self.cluster.bootstrap, "transactional.id": "transfers", "log_level": 0})
        wait_until("the transaction before to end", lambda: self.begins(producer), MINUTE, 0.2)
        for turn in range(6):
            producer.begin_transaction()
            values = [f"{len(self.committed)}-{turn}-{n}:{'t' * 2000}" for n in range(3)]
            for new in values:
                producer.produce("transfers", value=new)
            if turn == 5:
                producer.flush(30)
            elif turn % 2:
                producer.abort_transaction(30)
            else:
                producer.commit_transaction(30)
                self.committed += values

    @staticmethod
    def begins(producer):
        try:
            producer.init_transactions(30)
        except KafkaException as e:
            if not e.args[0].retriable():
                raise
            return False
        return True

    def are_served(self):
        found = self.cluster.drave("consume", "transfers", "-o", "beginning", "-e", "--read-committed", "-f", "%s\\n", timeout=60)
        assert found.stdout.splitlines() == self.committed, "what is served is not what was committed"


def two_of_three():
    """All have lost their power, and two of them bits, at different places: whoever leads is mended by the others, and so are they."""
    dice = random.Random(SEED + 3)
    longest = places = 0
    with Cluster(3, settings=SETTINGS) as cluster:
        topics, transfers = Topics(cluster), Transfers(cluster)
        while places < PLACES // 4:
            topics.change()
            transfers.change()
            for broker in cluster:
                broker.kill()
            done, hurt = set(), dice.sample([1, 2, 3], 2)
            what = {node: damage(cluster[node], dice, done) for node in hurt}
            for broker in cluster:
                broker.start()
            for broker in cluster:
                broker.wait_ready()
            topics.are_served()
            transfers.are_served()
            longest = max(longest, *(mended(cluster[node], what[node]) for node in hurt))
            places += 2 * AT_ONCE
        for topic in (TOPIC, TABLE, TRIMMED):
            cluster.wait_leaders(topic, in_sync=3)
        topics.each_replica_leads()
    return f"{places} places; the longest took {longest:.1f} s"


def flip_in_a_journal(broker, dice):
    """A bit of what is in its files, where somebody who reads them all misses it: most lies in rounds that nobody needs any more."""
    files = sorted((broker.data / "shard-0/journal").glob("*.journal"))
    for _ in range(60):
        path = dice.choice(files)
        data = path.read_bytes()
        at = dice.choice([n for n in range(len(data)) if data[n]] or [0])
        with open(path, "r+b") as file:
            file.seek(at)
            file.write(bytes([data[at] ^ 1 << dice.randrange(8)]))
        if ".journal" in what_is_damaged(broker):
            return
        path.write_bytes(data)


def voters(cluster):
    return sorted(row["broker"] for row in cluster.drave("meta", "voters", json_out=True) if row["votes"])


def journals():
    """In a journal: it is refused, and a new one takes its place; or nobody needs that place any more."""
    dice = random.Random(SEED + 2)
    refused = places = 0
    with Cluster(3, settings=SETTINGS) as cluster:
        topics = Topics(cluster)
        while places < max(6, PLACES // 25):
            places += 1
            broker = cluster[dice.randrange(3) + 1]
            topics.change()
            broker.kill()
            flip_in_a_journal(broker, dice)
            broker.start()
            wait_until("ready, or its end", lambda b=broker: "ready: " in b.log_text() or not b.alive(), MINUTE)
            if not broker.alive():
                refused += 1
                last = broker.log_text().strip().splitlines()[-1]
                assert broker.process.returncode == 1 and "journal" in last, last
                shutil.rmtree(broker.data)
                broker.start().wait_log(f"drave broker replace {broker.node}")
                cluster.drave("broker", "replace", broker.node, timeout=90)
                broker.wait_ready()
            for topic in (TOPIC, TABLE, TRIMMED):
                cluster.wait_leaders(topic, in_sync=3, seconds=MINUTE)
            wait_until(
                "all to vote on the metadata", lambda: voters(cluster) == [1, 2, 3], MINUTE, 0.2
            )  # else the next kill takes a majority
            topics.are_served()
        topics.each_replica_leads()
        assert refused > 0, f"none of {places} places was needed"
    return f"{places} places, {refused} times refused and replaced"


def only_copy_away():
    """What only a damaged broker and one that is down have: it is not lost, not served wrong, and mended when that one is back."""
    with Cluster(3, settings=SETTINGS) as cluster:
        cluster.create(TOPIC, replicas=3)
        cluster.wait_leaders(TOPIC, in_sync=3)
        cluster[3].kill()
        for first in range(0, RECORDS, 100):
            cluster.drave("produce", TOPIC, stdin="".join(value(i) + "\n" for i in range(first, first + 100)))
        wait_until("segments", lambda: len(list(group_of(cluster[1]).glob("*.log"))) > 4)
        segment = sorted(group_of(cluster[1]).glob("*.log"))[2]
        before = {segment: segment.read_bytes()}
        cluster[2].kill()
        flip_middle(segment)
        cluster[3].start(ready=True)
        cluster[1].wait_log("cannot be read at position")
        served = some_of_it(cluster)
        assert served == [value(i) for i in range(len(served))], "something wrong was served"
        assert segment.read_bytes() != before[segment]
        cluster[2].start(ready=True)
        took = whole_again(cluster[1], before, segment.name)
        cluster.wait_leaders(TOPIC, in_sync=3)
        orders_are_served(cluster)
    return f"{took:.1f} s"


def some_of_it(cluster):
    """What is served within some seconds, while nobody has all of it."""
    try:
        done = cluster.drave("consume", TOPIC, "-o", "beginning", "-e", "-f", "%s\\n", timeout=5, check=False)
        return done.stdout.splitlines()
    except subprocess.TimeoutExpired as over:
        return (over.stdout or b"").decode().splitlines()


def whole_again(broker, before, what):
    """All segments are as they were; the last one may have grown."""

    def same():
        return all(path.read_bytes().startswith(data) for path, data in before.items())

    began = time.monotonic()
    wait_until(f"broker {broker.node} to mend {what}", same, MINUTE, 0.05)
    return time.monotonic() - began


def flip_middle(path):
    data = path.read_bytes()
    at = next(at for at in range(len(data) // 2, len(data)) if data[at] != 0)
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(bytes([data[at] ^ 0x10]))


def main():
    suite = Suite()
    suite.run(running)
    suite.run(only_copy_away)
    suite.run(at_a_start)
    suite.run(two_of_three)
    if not SHORT:
        suite.run(journals)
    suite.end()


if __name__ == "__main__":
    main()
