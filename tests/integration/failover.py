"""Failover under load: kills the broker that leads most, again and again, and compares what was acknowledged with what is read.

tests/run failover [--kills N] [--json]: 6 partitions, at least 200 records/s on each, an idempotent and a plain producer; every third time the
metadata leader is the victim; 4 s later it comes back. Then SIGSTOP of 5 s, one-way cuts, and connections between brokers that hang: they
lose nothing, and each gap is reported twice, as librdkafka's clients had it and as one that waits for nobody (harness/probe.py).
The longest time without an acknowledgement on any partition is taken over each kill's window.
"""

import json
import os
import statistics
import threading
import time
from collections import Counter

from confluent_kafka import Producer

from harness.cluster import ROOT, Cluster, wait_until
from harness.history import History
from harness.links import Links
from harness.load import under_load
from harness.patience import within
from harness.peer import BULK, CONTROL
from harness.probe import Probe
from harness.suite import Suite

PARTITIONS, RATE, TOPIC = 6, 120, "failover"  # two clients: 240 records/s on each partition
KILLS = int(os.environ.get("KILLS") or 20)
LIMITS_MS = (120, 500) if KILLS > 5 else (None, 1500)  # median, maximum; few kills are the short form, among other suites
# A connection on which nothing moves for 3 s is made anew; then somebody must lead.
FLOW_LIMIT_MS = 7000 if KILLS > 5 else 15000


def gap_between(history, begin_us, end_us):
    """The longest silence of any partition whose middle lies in the window, ms."""
    worst = 0
    with history.lock:
        oks = [(t, p) for t, op, _, p, _, _ in history.ops if op == "ok" and begin_us - 1_000_000 <= t <= end_us]
    for partition in range(PARTITIONS):
        times = [begin_us] if not oks else [t for t, p in oks if p == partition]
        worst = max(worst, max((b - a for a, b in zip(times, times[1:] + [end_us]) if b > begin_us), default=end_us - begin_us))
    return worst / 1e3


def now_us():
    return time.monotonic_ns() // 1000


def victim(cluster, turn):
    if turn % 3 == 2:
        return cluster.drave("info", json_out=True)["metadata_leader"]
    return Counter(l for l in cluster.leaders(TOPIC).values() if l).most_common(1)[0][0]


def one_kill(cluster, history, turn):
    node = victim(cluster, turn)
    began = now_us()
    cluster[node].kill()
    time.sleep(4)  # the length of the fault; not a wait for an event
    gap = gap_between(history, began, now_us())
    cluster[node].start(ready=True)
    cluster.wait_leaders(TOPIC, in_sync=3, seconds=60)
    time.sleep(1)  # calm between faults
    return gap


def one_pause(cluster, history):
    probe = Probe(cluster, PARTITIONS)
    node = victim(cluster, 0)
    began = now_us()
    cluster[node].pause()
    time.sleep(5)
    cluster[node].resume()
    cluster.wait_leaders(TOPIC, in_sync=3, seconds=60)
    probe.stop()
    return gap_between(history, began, now_us()), probe.gap_ms(began / 1e6, time.monotonic())


def with_load(cluster, history, faults):
    results, found = under_load(cluster, history, TOPIC, PARTITIONS, RATE, lambda _: faults())
    found.pop("gap_ms")
    return results, found


def failover():
    """kill -9 and SIGSTOP of leaders."""
    history = History(ROOT / "build" / "failover" / "history.jsonl")
    with Cluster(3) as cluster:
        (gaps, (pause_gap, pause_own)), found = with_load(
            cluster, history, lambda: ([one_kill(cluster, history, turn) for turn in range(KILLS)], one_pause(cluster, history))
        )
    median, longest = statistics.median(gaps), max(gaps)
    report.update(
        found
        | {
            "kills": KILLS,
            "gaps_ms": [round(g) for g in gaps],
            "median_gap_ms": round(median),
            "max_gap_ms": round(longest),
            "sigstop_gap_ms": round(pause_gap),
            "sigstop_probe_gap_ms": pause_own,
        }
    )
    if (LIMITS_MS[0] and median > LIMITS_MS[0]) or not within(longest / 1000, LIMITS_MS[1] / 1000):
        raise AssertionError(f"gaps of {report['gaps_ms']} ms: limit {LIMITS_MS[0]} median, {LIMITS_MS[1]} maximum")
    return f"{KILLS} kills, {found['acknowledged']} acknowledged, lost {found['lost']}, gaps median {median:.0f} max {longest:.0f} ms, SIGSTOP gap {pause_gap:.0f} ms (probe {pause_own})"


def one_way_cuts():
    """For 5 s the broker that leads most is not heard by the others, then hears nobody, then is not heard by one."""
    cuts = {
        "not_heard": lambda node, others: [(node, o) for o in others],
        "hears_nobody": lambda node, others: [(o, node) for o in others],
        "not_heard_by_one": lambda node, others: [(node, others[0])],
    }

    def one_cut(cluster, links, chosen):
        node = victim(cluster, 0)
        for source, target in chosen(node, [b.node for b in cluster if b.node != node]):
            links.cut(source, target)
        time.sleep(5)  # how long the fault lasts
        links.heal()

    return faults_of_links("one_way_cuts", 3, {name: lambda c, l, chosen=chosen: one_cut(c, l, chosen) for name, chosen in cuts.items()})


def hanging_flows():
    """One of three brokers is down; of the two others, one direction of one of their connections swallows everything and never heals."""

    def hang(cluster, links, channel, to_leader):
        node = victim(cluster, 0)
        other = next(b.node for b in cluster if b.node != node and b.alive())
        source, target = (other, node) if to_leader else (node, other)
        assert links.hang(source, target, channel) == 1, (source, target, channel)
        time.sleep(8)  # 3 s pass before it is made anew

    flows = [(channel, way) for channel in (BULK, CONTROL) for way in (False, True)][:: 1 if KILLS > 5 else 3]

    def name(channel, to_leader):
        return f"{'bulk' if channel == BULK else 'control'}_{'to' if to_leader else 'from'}_leader"

    return faults_of_links("hanging_flows", 2, {name(*flow): lambda c, l, flow=flow: hang(c, l, *flow) for flow in flows}, FLOW_LIMIT_MS)


def faults_of_links(what, in_sync, faults, limit_ms=None):
    """Each fault(cluster, links) under load, with `in_sync` of three brokers up, beside a probe; nothing is lost."""
    history = History(ROOT / "build" / "failover" / f"history-{what}.jsonl")
    cluster = Cluster(3)
    links = Links(cluster)

    def one_fault(probe, fault):
        began = now_us()
        fault(cluster, links)
        cluster.wait_leaders(TOPIC, in_sync=in_sync, seconds=60)
        return round(gap_between(history, began, now_us())), probe.gap_ms(began / 1e6, time.monotonic())

    def all_faults():
        probe = Probe(cluster, PARTITIONS)
        if in_sync < 3:
            down = victim(cluster, 0)
            cluster[down].kill()
            wait_until("leaders among the others", lambda: not {None, down} & set(cluster.leaders(TOPIC).values()))
        try:
            return {name: one_fault(probe, fault) for name, fault in faults.items()}
        finally:
            probe.stop()

    try:
        with cluster:
            gaps, found = with_load(cluster, history, all_faults)
    finally:
        links.close()
    report[what] = found | {
        "gaps_ms": {name: gap for name, (gap, _) in gaps.items()},
        "probe_gaps_ms": {name: gap for name, (_, gap) in gaps.items()},
    }
    text = ", ".join(f"{name} {gap} ms (probe {own})" for name, (gap, own) in gaps.items())
    if limit_ms and not within(max(own for _, own in gaps.values()) / 1000, limit_ms / 1000):
        raise AssertionError(f"{text}; limit {limit_ms} for the probe")
    return f"{found['acknowledged']} acknowledged, lost {found['lost']}, gaps {text}"


class OneWay:
    """A producer that was told of one broker only, with librdkafka's own timings: when its records were acknowledged."""

    def __init__(self, bootstrap, topic):
        self.oks, self.failed, self.sent, self.stopping = [], [], 0, threading.Event()
        self.producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 0, "log_level": 0})
        self.topic = topic
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stopping.is_set():
            self.producer.produce(
                self.topic, b"x", on_delivery=lambda error, _: (self.failed if error else self.oks).append(error or now_us())
            )
            self.sent += 1
            self.producer.poll(0.01)
        self.producer.flush(60)

    def stop(self):
        self.stopping.set()
        self.thread.join()


def isolated_leader():
    """The leader of everything is cut off from the other brokers, not from its clients, one of which knows no other broker: it is sent on, within 5 s."""
    cluster = Cluster(3)
    links = Links(cluster)
    try:
        with cluster:
            cluster.create(TOPIC, 1, 3)
            cluster.wait_leaders(TOPIC, in_sync=3)
            node = cluster.leaders(TOPIC)[0]
            others = [b.node for b in cluster if b.node != node]
            client = OneWay(f"127.0.0.1:{cluster[node].port}", TOPIC)
            wait_until("records", lambda: len(client.oks) > 50)
            began = now_us()
            for other in others:
                links.cut(node, other), links.cut(other, node)
            wait_until("a record behind the cut", lambda: client.oks[-1] > began + 500_000, 30)
            gap = max(b - a for a, b in zip(client.oks, client.oks[1:])) / 1e3
            wait_until("a broker that says it is cut off", lambda: "clients are sent to them" in cluster[node].log_text())
            for words in (("info",), ("topic", "list"), ("topic", "describe", TOPIC)):  # it is asked all the same, and tells what it knows
                cluster.drave(*words, "-b", f"127.0.0.1:{cluster[node].port}")
            links.heal()
            cluster.wait_leaders(TOPIC, in_sync=3, seconds=60)
            wait_until("a broker that keeps clients again", lambda: "clients are kept" in cluster[node].log_text())
            client.stop()
    finally:
        links.close()
    if client.failed or len(client.oks) != client.sent:
        raise AssertionError(f"{client.sent} sent, {len(client.oks)} acknowledged, failed: {client.failed[:3]}")
    report["isolated_leader_gap_ms"] = round(gap)
    limit = 5000 if KILLS > 5 else 8000  # the short form runs among other suites
    if not within(gap / 1000, limit / 1000):
        raise AssertionError(f"the client heard nothing for {gap:.0f} ms, limit {limit}")
    return f"gap {gap:.0f} ms (limit {limit}), {client.sent} sent and acknowledged"


report = {}
suite = Suite()
suite.run(failover)
suite.run(one_way_cuts)
suite.run(hanging_flows)
suite.run(isolated_leader)
if os.environ.get("JSON") == "1":
    print(json.dumps(report), flush=True)
suite.end()
