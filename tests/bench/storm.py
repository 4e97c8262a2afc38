"""Very many members of consumer groups on three brokers: a join storm, heartbeats, commits, and the kill of a coordinator's broker.

tests/run storm: 1,000 groups of 10 members, both protocols, beside Apache Kafka where its jars are (build/kafka/jars, or what mvn brings),
and 10,000 members on one coordinator; against the limits below. With --short, as a part of the suite groups: 60 groups of 5, where the
times are only bounds that a busy machine keeps. `--no-kafka` leaves Kafka out; `classic` or `consumer` as a word: only that one.
"""

import json
import os
import subprocess
import sys

from harness.cluster import BIN, Cluster, wait_until
from harness.suite import Suite

SHORT = "--short" in sys.argv
GROUPS, MEMBERS, PARTITIONS = (60, 5, 10) if SHORT else (1000, 10, 10)
ONE_GROUPS = 990  # half of 20,000 files are for clients, and each member has a connection
PHASES = (
    ["--groups", GROUPS, "--kill", 1]
    if SHORT
    else ["--groups", GROUPS, "--steady", 15, "--commits", "2000:10", "--cost", 60000, "--kill", 10]
)
# Seconds, cores, microseconds.
JOINED_S, CORES, ONE_CORES, GROUP_US, BACK_S = (30, 0.5, 0.25, 5, 15) if SHORT else (6, 0.5, 0.25, 5, 1)


def judge(what, value, limit, unit="s"):
    assert value <= limit, f"{what}: {value:.2f} {unit}, more than {limit:g}"
    return f"{what} {value:.2f} {unit}"


def storm(brokers, protocol, *more):
    """brokers: [(port, pid)]. One object of figures."""
    command = [str(BIN / "storm"), "--brokers", ",".join(f"{port}:{pid}" for port, pid in brokers)]
    command += ["--protocol", protocol, "--prefix", protocol, "--topic", "orders", "--partitions", str(PARTITIONS)]
    command += ["--members", str(MEMBERS), *map(str, more)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    print("\n".join(f"# {line}" for line in done.stderr.splitlines()), flush=True)
    assert done.returncode == 0, f"storm ended with {done.returncode}: {done.stderr.strip()[-300:]}"
    return json.loads(done.stdout)


def of_drave(protocol, size, *more):
    settings = {"max.connections": 20000, **({"group.initial.rebalance.delay.ms": 500} if SHORT else {})}
    with Cluster(size, settings=settings) as cluster:
        cluster.create("orders", PARTITIONS)
        cluster.wait_leaders("orders")
        warm(cluster)
        return storm([(b.port, b.pid) for b in cluster], protocol, *more)


def warm(cluster):
    """The topic of the groups is there and led, as in a cluster that has groups already."""
    cluster.drave("group", "list")
    cluster.drave("group", "describe", "nobody", check=False)
    wait_until("the coordinators", lambda: cluster.drave("group", "list", check=False).returncode == 0)


def of_kafka(protocol, *more):
    from bench.kafka_cluster import KafkaCluster

    cluster = KafkaCluster().start()
    try:
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
        for made in admin.create_topics([NewTopic("orders", PARTITIONS, 3)]).values():
            made.result(30)
        return storm([(port, p.pid) for port, p in zip(cluster.ports, cluster.processes, strict=True)], protocol, *more)
    finally:
        cluster.close()


def show(what, figures):
    print(json.dumps({"storm": what, "load": os.getloadavg()[0], **figures}), flush=True)


def test_three(protocol):
    """Three brokers, every phase."""
    figures = of_drave(protocol, 3, *PHASES)
    show(f"drave {protocol}", figures)
    failover = figures["failover"]
    assert failover["joins"] == 0, f"{failover['joins']} members had to join again after the kill"
    assert failover["groups"] > 0
    found = [judge("joined in", figures["join"]["seconds"], JOINED_S), judge("last group back", failover["max_s"], BACK_S)]
    if SHORT:
        return ", ".join(found)
    assert figures["commits"]["commits_per_s"] >= 1900, f"{figures['commits']['commits_per_s']} commits a second of 2000"
    assert figures["steady"]["stable"] == GROUPS
    found.append(judge("heartbeats", figures["steady"]["brokers_cores"], CORES, "cores"))
    found.append(judge("a heartbeat in its group", figures["cost"]["group_us"], GROUP_US, "us"))
    return ", ".join(found)


def test_one(protocol):
    """All members on one coordinator's broker."""
    figures = of_drave(protocol, 1, "--steady", 15, "--groups", ONE_GROUPS)
    show(f"drave {protocol}, one broker", figures)
    assert figures["steady"]["stable"] == ONE_GROUPS
    return judge("heartbeats", figures["steady"]["brokers_cores"], ONE_CORES, "cores")


def test_kafka(protocol):
    """Apache Kafka, the same."""
    figures = of_kafka(protocol, *PHASES)
    show(f"kafka {protocol}", figures)


def main():
    suite = Suite()
    for protocol in ("classic", "consumer"):
        suite.run(test_three, protocol, name=f"three_{protocol}")
        if SHORT:
            continue
        suite.run(test_one, protocol, name=f"one_{protocol}")
        if "--no-kafka" not in sys.argv:
            suite.run(test_kafka, protocol, name=f"kafka_{protocol}")
    suite.end()


if __name__ == "__main__":
    main()
