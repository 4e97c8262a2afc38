"""Whether transactions are exact: each writes one value into each of 4 partitions, so a reader of what is committed must find it in all of them once, or in none."""

import time
from collections import Counter

from confluent_kafka import Consumer, TopicPartition

PARTITIONS = 4
QUIET = {"log_level": 0}


def write(made, topic, value):
    for partition in range(PARTITIONS):
        made.produce(topic, value, partition=partition)


def read(cluster, topic, level):
    """The values of each partition, and where its reader ended."""
    reader = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": "reader",
            "isolation.level": level,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **QUIET,
        }
    )
    reader.assign([TopicPartition(topic, p, 0) for p in range(PARTITIONS)])
    values, ended = {p: [] for p in range(PARTITIONS)}, set()
    until = time.monotonic() + 60
    while len(ended) < PARTITIONS:
        assert time.monotonic() < until, f"read to the end of {sorted(ended)} alone"
        message = reader.poll(0.5)
        if message is None:
            continue
        if message.error():
            ended.add(message.partition())
        else:
            values[message.partition()].append(message.value().decode())
    ends = {p.partition: p.offset for p in reader.position([TopicPartition(topic, p) for p in range(PARTITIONS)])}
    reader.close()
    return values, ends


def all_decided(cluster, topic):
    """Nothing is open: readers of what is committed come as far as all others."""
    return read(cluster, topic, "read_committed")[1] == read(cluster, topic, "read_uncommitted")[1]


def assert_exact(values, committed, unknown):
    """Of each value all or nothing, once; what was acknowledged as committed is there, what was not begun to be committed is not."""
    counts = {p: Counter(v) for p, v in values.items()}
    for value in set().union(*counts.values()) | committed:
        found = [counts[p][value] for p in range(PARTITIONS)]
        assert found in ([0] * PARTITIONS, [1] * PARTITIONS), f"{value} is there {found} times"
        assert found[0] == 1 or value not in committed, f"{value} was committed, and is lost"
        assert found[0] == 0 or value in committed or value in unknown, f"{value} was aborted, and is read"
