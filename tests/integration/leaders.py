"""Who leads: first leaders as placed, also when a thousand partitions are made at once; leads that come home after a return, under load."""

import os
import subprocess
import time
import warnings
from collections import Counter

from confluent_kafka import ElectionType, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from harness.cluster import BIN, ROOT, Cluster, wait_until
from harness.history import History
from harness.load import under_load
from harness.patience import within
from harness.suite import Suite

MANY, FEW, RATE, TOPIC = 1000, 6, 60, "homing"


def admin_of(cluster):
    return AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})


def shares(cluster, topic):
    """Broker -> how many partitions it leads, as a client is told."""
    topics = admin_of(cluster).list_topics(topic, timeout=10).topics
    return Counter(p.leader for p in topics[topic].partitions.values() if p.leader > 0)


def is_spread(cluster, led):
    return all(abs(led[b.node] - MANY / 3) <= MANY / 30 for b in cluster)


def thousand_partitions_at_once():
    """A third of them on each broker, give or take a tenth, and nothing is said to exist already."""
    with Cluster(3) as cluster:
        began = time.monotonic()
        cluster.drave("topic", "create", "many", "-p", MANY, "-r", 3, "--timeout", "60s", timeout=90)
        took = time.monotonic() - began
        led = wait_until("leaders of all", lambda: sum((led := shares(cluster, "many")).values()) == MANY and led, 60)
        if any(
            "it said nothing for" in b.log_text() for b in cluster
        ):  # a machine so slow that brokers lose each other: then leads come home
            led = wait_until("thirds", lambda: is_spread(cluster, led := shares(cluster, "many")) and led, 60, 0.5)
        assert is_spread(cluster, led), f"led by {dict(led)}"
    return f"{MANY} partitions in {took:.1f} s, led by {[led[b.node] for b in sorted(cluster, key=lambda b: b.node)]}"


def create_whose_broker_dies():
    """The broker that is asked (it leads the metadata, too) dies when the topic is made and not answered yet: drave asks the next one, which knows
    the topic as what was asked for. The same once more by somebody else exists already."""
    with Cluster(3) as cluster:
        dies = cluster.drave("info", json_out=True)["metadata_leader"]
        order = [f"127.0.0.1:{cluster[dies].port}"] + [f"127.0.0.1:{b.port}" for b in cluster if b.node != dies]
        words = [str(BIN / "drave"), "topic", "create", "many", "-p", str(MANY), "-r", "3", "--timeout", "60s"]
        asked = subprocess.Popen(
            words, env=dict(os.environ, DRAVE_BOOTSTRAP=",".join(order)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        admin = admin_of(cluster)
        wait_until(
            "the topic", lambda: "many" in admin.list_topics(timeout=10).topics, 60, 0.001
        )  # it is answered when all partitions have leaders
        answered = asked.poll() is not None
        cluster[dies].kill()
        out, err = asked.communicate(timeout=90)
        assert asked.returncode == 0, f"exit code {asked.returncode}: {err}"
        again = cluster.drave("topic", "create", "many", "-p", MANY, check=False)
        assert again.returncode == 1 and "already exists" in again.stderr, again
    return "answered before the broker died" if answered else "asked twice"


def longest_gap_ms(history, began_us, ended_us):
    """The longest time without an acknowledgement on any partition."""
    with history.lock:
        oks = [(t, p) for t, op, _, p, _, _ in history.ops if op == "ok" and began_us <= t <= ended_us]
    times = [sorted([began_us, ended_us] + [t for t, q in oks if q == p]) for p in range(FEW)]
    return max(b - a for one in times for a, b in zip(one, one[1:])) / 1e3


def leads_come_home_under_load():
    """A broker that was killed and is back leads its share again within a minute (the interval is lowered to 1 s); nothing is lost, and the
    gap of the transfers is no longer than that of a kill."""
    history = History(ROOT / "build" / "leaders" / "history.jsonl")

    def faults(_):
        cluster[2].kill()
        wait_until("the others lead everything", lambda: shares(cluster, TOPIC)[2] == 0 and sum(shares(cluster, TOPIC).values()) == FEW)
        cluster[2].start(ready=True)
        began = time.monotonic_ns() // 1000
        wait_until("broker 2 to lead its third again", lambda: set(shares(cluster, TOPIC).values()) == {FEW // 3}, 60, 0.1)
        home = time.monotonic_ns() // 1000
        time.sleep(1)  # what the transfers cost clients is seen when these have gone on
        return (home - began) / 1e6, longest_gap_ms(history, began, time.monotonic_ns() // 1000)

    with Cluster(3, settings={"leader.imbalance.check.interval.seconds": 1}) as cluster:
        (seconds, gap_ms), found = under_load(cluster, history, TOPIC, FEW, RATE, faults)
    assert within(gap_ms / 1000, 3), f"a gap of {gap_ms:.0f} ms while leads moved"
    return f"home after {seconds:.1f} s, longest gap {gap_ms:.0f} ms, {found['acknowledged']} acknowledged, lost {found['lost']}"


def set_of(admin, topic):
    """What the topic sets itself, as librdkafka shows it."""
    (future,) = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    return {name: entry.value for name, entry in future.result(10).items() if not entry.is_default}


def librdkafka_alters_and_elects():
    """Settings are set, deleted and replaced on a live topic; leads that stay away (no rebalance of its own) come home when asked."""
    with Cluster(3, settings={"auto.leader.rebalance.enable": "false"}) as cluster:
        cluster.create("t", FEW)
        admin = admin_of(cluster)

        def alter(operation, name, value=None):
            entry = ConfigEntry(name, value, incremental_operation=operation)
            (future,) = admin.incremental_alter_configs([ConfigResource(ResourceType.TOPIC, "t", incremental_configs=[entry])]).values()
            future.result(10)

        alter(AlterConfigOpType.SET, "max.message.bytes", "2000")
        alter(AlterConfigOpType.SET, "compression.type", "zstd")
        assert set_of(admin, "t") == {"max.message.bytes": "2000", "compression.type": "zstd"}, set_of(admin, "t")
        alter(AlterConfigOpType.DELETE, "compression.type")
        assert set_of(admin, "t") == {"max.message.bytes": "2000"}, set_of(admin, "t")
        warnings.simplefilter("ignore", DeprecationWarning)  # the older request is what is meant
        (future,) = admin.alter_configs([ConfigResource(ResourceType.TOPIC, "t", set_config={"min.insync.replicas": "2"})]).values()
        future.result(10)
        assert set_of(admin, "t") == {"min.insync.replicas": "2"}, set_of(admin, "t")

        cluster[3].kill()
        wait_until("the others lead everything", lambda: (led := shares(cluster, "t"))[3] == 0 and sum(led.values()) == FEW)
        cluster[3].start(ready=True)
        cluster.wait_leaders("t", in_sync=3)
        assert shares(cluster, "t")[3] == 0
        elected = admin.elect_leaders(ElectionType.PREFERRED, [TopicPartition("t", p) for p in range(FEW)]).result(30)
        codes = Counter(error.code() if error else 0 for error in elected.values())
        assert codes == {0: FEW // 3, KafkaError.ELECTION_NOT_NEEDED: FEW - FEW // 3}, codes
        assert set(shares(cluster, "t").values()) == {FEW // 3}


suite = Suite()
suite.run(thousand_partitions_at_once)
suite.run(create_whose_broker_dies)
suite.run(leads_come_home_under_load)
suite.run(librdkafka_alters_and_elects)
suite.end()
