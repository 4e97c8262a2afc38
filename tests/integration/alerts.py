"""Alerts are provoked: a Prometheus with the rules of deploy/prometheus (their times shortened, nothing else) scrapes a real cluster, to which happens what
each alert is for; it fires then, and rests before and behind. Of what cannot be had in seconds (a disk that fills, mixed versions) promtool's tests tell."""

import contextlib
import json
import re
import subprocess
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from confluent_kafka import Producer

from harness.cluster import ROOT, free_ports, wait_until
from harness.suite import Suite
from harness.watched import Watched, stopped_loop

RULES = ROOT / "deploy/prometheus/drave.rules.yml"


def shortened(text):
    """Alerts fire at once, rates are over seconds, and a group is far behind after five seconds."""
    text = re.sub(r"for: \w+", "for: 0s", text)
    text = re.sub(r"\[(?:5|10)m\]", "[10s]", text).replace("[1h]", "[20s]")
    text = text.replace("drave_transactions_oldest_seconds) > 1200", "drave_transactions_oldest_seconds) > 5")
    return text.replace("drave_group_lag_seconds) > 300", "drave_group_lag_seconds) > 5")


class Prometheus:
    def __init__(self, cluster):
        self.place, (self.port,) = tempfile.TemporaryDirectory(prefix="drave-test-"), free_ports(1)
        folder = Path(self.place.name)
        (folder / "rules.yml").write_text(shortened(RULES.read_text()))
        targets = json.dumps([f"127.0.0.1:{port}" for port in cluster.http.values()])
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yml]\n"
            f"scrape_configs: [{{job_name: drave, static_configs: [{{targets: {targets}}}]}}]\n"
        )
        words = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        self.process = subprocess.Popen(
            [*words, f"--web.listen-address=127.0.0.1:{self.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def __enter__(self):
        wait_until("Prometheus to judge the rules", self.judges, 60, 0.2)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.place.cleanup()

    def ask(self, path, **words):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(words)}", timeout=30) as answer:
            return json.load(answer)["data"]

    def judges(self):
        with contextlib.suppress(OSError):
            rules = [rule for group in self.ask("/api/v1/rules")["groups"] for rule in group["rules"]]
            up = self.ask("/api/v1/query", query="up")["result"]
            return rules and all(rule["health"] == "ok" for rule in rules) and up and all(one["value"][1] == "1" for one in up)

    def firing(self):
        return {alert["labels"]["alertname"] for alert in self.ask("/api/v1/alerts")["alerts"] if alert["state"] == "firing"}

    def expect(self, *alerts):
        """Exactly these fire, after a while."""
        try:
            wait_until(f"{sorted(alerts) or 'no alert'}", lambda: self.firing() == set(alerts), 60, 0.3)
        except TimeoutError:
            raise AssertionError(f"{sorted(self.firing())} fire, and {sorted(alerts)} should") from None


def brokers_and_leaders(_):
    """A loop that hangs, one broker that is gone, two, and all back: the alerts about brokers."""
    with Watched(3) as cluster:
        cluster.create("strict", 6, **{"min.insync.replicas": 3})
        cluster.create("usual", 6)
        for topic in ("strict", "usual"):
            cluster.wait_leaders(topic, in_sync=3)
        with Prometheus(cluster) as prometheus:
            prometheus.expect()
            with stopped_loop(cluster[3]):
                wait_until("Hang", lambda: "Hang" in prometheus.firing(), 60, 0.3)
            cluster.wait_leaders("strict", in_sync=3, seconds=60)
            wait_until("Hang to rest", lambda: not {"Hang", "UnderReplicated", "BelowMinInsync"} & prometheus.firing(), 60, 0.3)
            cluster[3].kill()
            prometheus_sees = {"BrokerDown", "UnderReplicated", "BelowMinInsync"}
            wait_until(f"{prometheus_sees}", lambda: prometheus_sees <= prometheus.firing(), 60, 0.3)
            assert "Leaderless" not in prometheus.firing() or wait_until(
                "new leaders", lambda: "Leaderless" not in prometheus.firing(), 60, 0.3
            )
            assert "NoMetadataLeader" not in prometheus.firing() or wait_until(
                "a metadata leader", lambda: "NoMetadataLeader" not in prometheus.firing(), 60, 0.3
            )
            cluster[2].kill()
            both = {"BrokerDown", "Leaderless", "NoMetadataLeader"}
            wait_until(f"{both}", lambda: both <= prometheus.firing(), 90, 0.3)
            for node in (2, 3):
                cluster[node].start(ready=True)
            wait_until("rest", lambda: not prometheus.firing() - {"LeadersUnrest"}, 120, 0.5)
    return "Hang, BrokerDown, UnderReplicated, BelowMinInsync, Leaderless, NoMetadataLeader fired, and rest again"


def groups(_):
    """A group that reads no more, whose records are about to go, and that lost some."""
    with Watched(1) as cluster:
        cluster.create("short", 1, **{"retention.ms": 1800000})
        cluster.create("long", 1)
        for topic in ("short", "long"):
            cluster.drave("produce", topic, stdin="x\n" * 20)
            cluster.drave("consume", topic, "-G", f"{topic}-readers", "-o", "beginning", "-n", "5")
        with Prometheus(cluster) as prometheus:
            prometheus.expect("GroupLag", "GroupNearLoss")
            cluster.drave("topic", "trim", "short", "-o", "15")
            prometheus.expect("GroupLag", "GroupNearLoss", "GroupMissed")
            for topic in ("short", "long"):
                cluster.drave("group", "seek", f"{topic}-readers", "--to", "latest", "--yes")
            prometheus.expect()
    return "GroupLag, GroupNearLoss, GroupMissed fired, and rest again"


def transactions(_):
    """A transaction that its producer does not end."""
    with Watched(1) as cluster:
        cluster.create("held", 1)
        made = Producer({"bootstrap.servers": cluster.bootstrap, "transactional.id": "holder", "transaction.timeout.ms": 600000})
        made.init_transactions(30)
        with Prometheus(cluster) as prometheus:
            prometheus.expect()
            made.begin_transaction()
            made.produce("held", "x")
            made.flush()
            prometheus.expect("TransactionHangs")
            cluster.drave("txn", "abort", "holder", "--yes")
            prometheus.expect()
    return "TransactionHangs fired, and rests again"


def disk(_):
    """A disk of which too little is free."""
    with Watched(1) as cluster:
        cluster.create("full", 1)
        with Prometheus(cluster) as prometheus:
            prometheus.expect()
            cluster[1].stop()
            plain = cluster[1].arguments
            cluster[1].arguments = lambda: [*plain(), "--set", f"disk.min.free.bytes={1 << 50}"]
            cluster[1].start(ready=True)
            wait_until("DiskRefusing", lambda: "DiskRefusing" in prometheus.firing(), 60, 0.3)
            cluster[1].stop()
            cluster[1].arguments = plain
            cluster[1].start(ready=True)
            wait_until("rest", lambda: "DiskRefusing" not in prometheus.firing(), 60, 0.3)
    return "DiskRefusing fired, and rests again"


suite = Suite()
for test in (brokers_and_leaders, groups, transactions, disk):
    suite.run(test, None)
suite.end()
