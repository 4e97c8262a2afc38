"""Compacted topics on real brokers: every key's last value is there at every moment that it is read, on every replica, through kills; the segments become small;
records without a key are refused, with the record that is to blame."""

import os
import struct
import subprocess

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition

from harness.cluster import BIN, Cluster, wait_until
from harness.files import bytes_of
from harness.suite import Suite

KEYS, ROUNDS = 40, 60
SETTINGS = {"log.segment.bytes": 32768, "log.cleaner.backoff.ms": 100, "journal.file.bytes": 262144, "tail.cache.bytes": 0}


def produce(cluster, topic, first, last):
    """Each key once a round, with the number of the round and 200 bytes."""
    producer = Producer(
        {"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True, "compression.type": "lz4", "linger.ms": 1, "log_level": 0}
    )
    failed = []
    for number in range(first, last):
        for key in range(KEYS):
            producer.produce(
                topic,
                key=f"key-{key}",
                value=struct.pack(">I", number) + os.urandom(200),
                on_delivery=lambda e, _: failed.append(e) if e else None,
            )
        producer.flush(30)
    assert not failed, failed[:3]


def read(cluster, topic):
    """From the beginning to the end: key -> round, and how many records there are."""
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "none", "enable.auto.commit": False, "log_level": 0})
    place = TopicPartition(topic, 0, OFFSET_BEGINNING)
    end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=20)[1]
    consumer.assign([place])
    table, count, offset = {}, 0, -1
    while offset < end - 1:
        message = consumer.poll(20)
        assert message is not None, f"nothing comes behind offset {offset} of {end}"
        if message.error():
            raise KafkaException(message.error())
        assert message.offset() > offset
        offset = message.offset()
        table[message.key().decode()] = struct.unpack(">I", message.value()[:4])[0]
        count += 1
    consumer.close()
    return table, count


def sizes(cluster):
    """Bytes in segments of the topic, for each broker that lives."""
    return [bytes_of(b.data.glob("shard-0/groups/*/*.log")) for b in cluster if b.alive()]


def last_values(cluster):
    cluster.create("table", 1, **{"cleanup.policy": "compact"})
    raw = KEYS * 200 * ROUNDS
    produce(cluster, "table", 0, ROUNDS)
    wait_until("all replicas are clean", lambda: max(sizes(cluster)) < raw / 3, 60)
    table, count = read(cluster, "table")
    assert table == {f"key-{k}": ROUNDS - 1 for k in range(KEYS)}, table
    assert count < KEYS * ROUNDS / 2, count
    for node in (1, 2, 3):
        cluster[node].kill()
        produce(cluster, "table", ROUNDS * node, ROUNDS * node + 20)
        assert read(cluster, "table")[0] == {f"key-{k}": ROUNDS * node + 19 for k in range(KEYS)}
        cluster[node].start(ready=True)
    cluster.wait_leaders("table", in_sync=3)
    assert read(cluster, "table")[0] == {f"key-{k}": ROUNDS * 3 + 19 for k in range(KEYS)}


def keys_are_needed(cluster):
    cluster.create("keyed", 1, **{"cleanup.policy": "compact,delete"})
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    told = []
    producer.produce("keyed", value=b"x", on_delivery=lambda error, _: told.append(error))
    producer.flush(30)
    assert told and told[0] and told[0].name() == "INVALID_RECORD", told


def verified(cluster):
    """What lies in the directories is sound for the tool that checks it, beside a broker and behind a kill."""
    for broker in cluster:
        for kill in (False, True):
            if kill:
                broker.kill()
            done = subprocess.run([BIN / "draved", "log", "verify", broker.data], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stdout + done.stderr


suite = Suite()
with Cluster(3, settings=SETTINGS) as shared:
    for test in (last_values, keys_are_needed, verified):
        suite.run(test, shared)
suite.end()
