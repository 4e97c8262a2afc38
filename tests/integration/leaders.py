"""Who leads: first leaders as placed, also when a thousand partitions are made at once; leads that come home after a return, under load."""

import time
from collections import Counter

from confluent_kafka.admin import AdminClient

from harness.cluster import ROOT, Cluster, wait_until
from harness.history import History
from harness.load import under_load
from harness.suite import Suite

MANY, FEW, RATE, TOPIC = 1000, 6, 60, "homing"


def shares(cluster, topic):
    """Broker -> how many partitions it leads, as a client is told."""
    topics = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0}).list_topics(topic, timeout=10).topics
    return Counter(p.leader for p in topics[topic].partitions.values() if p.leader > 0)


def thousand_partitions_at_once():
    """A third of them on each broker, give or take a tenth, and nothing is said to exist already."""
    with Cluster(3) as cluster:
        began = time.monotonic()
        cluster.create("many", MANY)
        took = time.monotonic() - began
        led = wait_until("leaders of all", lambda: sum((led := shares(cluster, "many")).values()) == MANY and led, 60)
        assert all(abs(led[b.node] - MANY / 3) <= MANY / 30 for b in cluster), f"led by {dict(led)}"
    return f"{MANY} partitions in {took:.1f} s, led by {[led[b.node] for b in sorted(cluster, key=lambda b: b.node)]}"


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
    assert gap_ms < 3000, f"a gap of {gap_ms:.0f} ms while leads moved"
    return f"home after {seconds:.1f} s, longest gap {gap_ms:.0f} ms, {found['acknowledged']} acknowledged, lost {found['lost']}"


suite = Suite()
suite.run(thousand_partitions_at_once)
suite.run(leads_come_home_under_load)
suite.end()
