"""Clusters for hostile clients, what their topics are, and programs that send without taking the brokers' processors (tests/garbage)."""

import subprocess
from pathlib import Path

from harness.cluster import ROOT

MIB = 1 << 20
SETTINGS = {
    "auto.create.topics.enable": "false",
    "queued.max.request.bytes": 32 * MIB,
    "tail.cache.bytes": 16 * MIB,
    "peer.receive.max.bytes": 16 * MIB,
    "partition.uncommitted.max.bytes": 4 * MIB,
    "journal.max.bytes": 64 * MIB,
    # Of what damaged counts ask to create; the suite's own topics have 20 partitions.
    "max.request.partitions": 100,
    "max.partitions": 300,
    # __consumer_offsets and __transaction_state: the first FindCoordinator makes them
    "offsets.topic.num.partitions": 5,
    "transaction.state.log.num.partitions": 5,
}
# tests/garbage/messages.h names them.
TOPICS = [
    {},
    {"compression.type": "gzip"},
    {"compression.type": "zstd"},
    {"compression.type": "lz4"},
    {"compression.type": "snappy"},
    {"compression.type": "uncompressed"},
    {"message.timestamp.type": "LogAppendTime"},
    {"max.message.bytes": 4 * MIB, "compression.type": "gzip"},
]


def make_topics(cluster, replicas):
    for n, config in enumerate(TOPICS):
        cluster.create(f"garbage-{n}", 2, replicas, **config)


def run_behind_others(command):
    """Runs it with what processor time nobody else wants: a client does not share the brokers' machine, and what is measured is how they serve the
    others beside it. Linux shares processors between sessions first (autogroup), and heeds `nice` only within one."""
    process = subprocess.Popen(
        ["nice", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    )
    autogroup = Path(f"/proc/{process.pid}/autogroup")
    if autogroup.exists():  # else `nice` is enough
        autogroup.write_text("10")
    said, complaints = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, said, complaints)
