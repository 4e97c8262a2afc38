"""What operators see at limits: many partitions, topics and groups within the budget of series and of the loop's time; names that are folded; memory that is
spent, and who waits for it. With --short, as a part of the integration suite, with fewer partitions."""

import json
import socket
import sys
import threading
import time

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from harness.cluster import Cluster, wait_until
from harness.patience import within
from harness.raw import Raw
from harness.suite import Suite
from harness.watched import Watched, dial, parse, read_all, total

SHORT = "--short" in sys.argv
TOPICS, PARTITIONS = (20, 40) if SHORT else (300, 34)  # of each topic
GROUPS = 20 if SHORT else 200


def locked_in(_):
    """max.connections is used up by a client: who operates the broker on its machine gets in, and raises it."""
    with Watched(1, **{"max.connections": 1}) as cluster:
        held = [socket.create_connection(("127.0.0.1", cluster[1].port), 10) for _ in range(20)]
        assert cluster.drave("info").returncode == 0
        cluster.drave("config", "set", "broker:1", "max.connections=100")
        shown = {one["name"]: one["value"] for one in cluster.drave("config", "get", "broker:1", json_out=True)["settings"]}
        assert shown["max.connections"] == "100", shown
        for s in held:
            s.close()


def crowded(_):
    """The memory for halves of large requests is spent: who waits for it is counted, while it waits and for good; so is a fetch that waits."""
    with Watched(1, **{"queued.max.request.bytes": 1 << 20, "log.compression": "none"}) as cluster:
        cluster.create("quiet")
        halves = [socket.create_connection(("127.0.0.1", cluster[1].port), 10) for _ in range(12)]
        for s in halves:
            s.sendall((1 << 18).to_bytes(4, "big") + b"\0\0\0\3" + b"\0" * (1 << 16))

        def waits():
            now = cluster.metrics(1)
            return now["drave_connections_paused"][()] > 0 and now["drave_memory_waits_total"][(("budget", "requests"),)] > 0

        wait_until("somebody who waits", waits, 30, 0.5)
        for s in halves:
            s.close()
        wait_until("nobody who waits", lambda: cluster.value(1, "drave_connections_paused") == 0, 30, 0.5)
        assert cluster.value(1, "drave_memory_waits_total", budget="requests") > 0
        cluster[1].wait_log(r"the memory for .* is spent \(\d+ bytes; .*\[memory_spent\]", 10)
        found = {one["name"]: one for one in json.loads(cluster.drave("doctor", "--json", check=False).stdout)}
        assert found["memory"]["verdict"] == "remark" and "broker 1: somebody began to wait" in found["memory"]["text"], found["memory"]
        reader = threading.Thread(target=lambda: Raw(cluster[1].port).fetch("quiet", 0, 0, wait_ms=8000))
        reader.start()
        wait_until("a fetch that waits", lambda: cluster.value(1, "drave_fetches_waiting") == 1, 8, 0.3)
        reader.join()
        wait_until("none", lambda: cluster.value(1, "drave_fetches_waiting") == 0, 8, 0.3)
        cluster.drave("produce", "quiet", stdin=("x" * 1000 + "\n") * 10000)
        wait_until("a segment", lambda: cluster.value(1, "drave_segments") >= 1, 30, 0.3)


def many(_):
    """Partitions by the thousand: series stay within the budget, a scrape within its part of the loop's time, and clients do not feel it."""
    with Watched(1) as cluster:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
        for first in range(0, TOPICS, 50):
            names = [f"many-{i}" for i in range(first, min(first + 50, TOPICS))]
            for done in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names]).values():
                done.result(120)
        for i in range(TOPICS - 1, 0, -TOPICS // 3):
            cluster.wait_leaders(f"many-{i}", seconds=300)
        for i in range(GROUPS):
            places = [TopicPartition(f"many-{i}", p, 0) for p in range(PARTITIONS if i < TOPICS else 0)]
            for done in admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(f"group-{i}", places)]).values():
                done.result(60)
        led = TOPICS * PARTITIONS + 50  # __consumer_offsets
        wait_until("all partitions", lambda: cluster.value(1, "drave_partitions", role="leader") == led, 300, 1)
        stop, slowest = threading.Event(), [0.0]

        def ask():
            while not stop.is_set():
                began = time.monotonic()
                with dial(cluster) as s:
                    s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
                    read_all(s)
                slowest[0] = max(slowest[0], time.monotonic() - began)

        thread = threading.Thread(target=ask)
        thread.start()
        for _ in range(1 if SHORT else 5):
            cluster.drave("topic", "describe", "many-1")
            time.sleep(1.1)
        stop.set()
        thread.join()
        now = cluster.metrics(1)
        series = sum(len(samples) for samples in now.values())
        assert series <= 650 + 8 * (TOPICS + 1) + 7 * GROUPS + 4 * GROUPS, f"{series} series"
        assert len(now["drave_topic_records"]) == TOPICS + 1 and len(now["drave_group_lag_records"]) == GROUPS
        most = parse(cluster.get(1, "/metrics/partitions?topic=many-*")[2])
        assert len(most["drave_partition_term"]) == min(2000, TOPICS * PARTITIONS)
        assert most["drave_metrics_folded"][(("kind", "partitions"),)] == max(0, TOPICS * PARTITIONS - 2000)
        took = []
        for _ in range(1 if SHORT else 7):
            time.sleep(1.1)
            took.append(cluster.metrics(1)["drave_metrics_build_seconds"][()])
        usual = sorted(took)[len(took) // 2]
        assert within(usual, 0.005), f"a scrape takes {usual * 1000:.1f} ms of the loop, all steps together"
        return (
            f"{led} partitions, {TOPICS} topics, {GROUPS} groups, {series} series, {usual * 1000:.2f} ms of the loop "
            f"({min(took) * 1000:.2f} to {max(took) * 1000:.2f}), slowest scrape {slowest[0]:.2f} s"
        )


def folded(_):
    """More topics than may be named: the rest is one line, and the sum is right; odd ports and texts of http.listen are refused with a sentence."""
    with Watched(1, **{"metrics.topics.max": 2}) as cluster:
        for i in range(5):
            cluster.create(f"t{i}")
            cluster.drave("produce", f"t{i}", stdin="x\n" * (i + 1))
        time.sleep(1.1)
        now = cluster.metrics(1)
        assert len(now["drave_topic_records"]) == 3 and total(now, "drave_topic_records") == 15, now["drave_topic_records"]
        assert now["drave_metrics_folded"][(("kind", "topics"),)] == 3
        other = Cluster(1, settings={"http.listen": f"127.0.0.1:{cluster.http[1]}"})
        other[1].start()
        assert (
            other[1].process.wait(30) == 1
            and "port is in use by another program; stop it, or name another one in http.listen" in other[1].log_text()
        )
        other.close()
        far = Cluster(1, settings={"http.listen": "192.0.2.1:80"})
        far[1].start()
        assert far[1].process.wait(30) == 1 and "this machine does not have that address" in far[1].log_text(), far[1].log_text()
        far.close()


suite = Suite()
for test in (many, folded, crowded, locked_in):
    suite.run(test, None)
suite.end()
