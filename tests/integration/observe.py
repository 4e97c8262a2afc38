"""What operators see: every metric that is there moves when it must, health tells what is so, the port answers while the event loop hangs, hostile HTTP
harms nobody, systemd is told. With --short, as a part of the integration suite, with fewer partitions and without promtool."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from harness.cluster import BIN, ROOT, free_ports, wait_until
from harness.patience import within
from harness.raw import Raw, batch
from harness.suite import Suite
from harness.watched import Watched, dial, parse, read_all, stopped_loop, total

SHORT = "--short" in sys.argv
OUT_OF_ORDER = 45
ENDS = {"client", "refused", "idle", "memory", "place", "broker"}


# ---- Each metric that is there is provoked ----


def moving(cluster):
    """Topics, records, groups, requests, a killed and a paused broker: the numbers follow."""
    before = {node: cluster.metrics(node) for node in cluster.brokers}
    cluster.create("watched", 6)
    assert cluster.drave("topic", "create", "wide", "-r", "4", check=False).returncode == 1
    cluster.wait_leaders("watched", in_sync=3)
    cluster.drave("produce", "watched", stdin="".join(f"record {i}\n" for i in range(1000)))
    cluster.drave("consume", "watched", "-e", "-G", "readers", "-o", "beginning", "-n", "1000")
    leader = cluster[cluster.leaders("watched")[0]]
    with Raw(leader.port) as raw:
        raw.list_offset("nobody-made-it", 0, -1)
        producer = raw.init_producer_id()[1]
        for sequence, error in ((0, 0), (0, 0), (7, OUT_OF_ORDER)):
            done = raw.produce("watched", 0, batch([(None, b"x")], producer=(producer, 0, sequence)))
            assert done[0] == error, (sequence, done)
    with socket.create_connection(("127.0.0.1", leader.port), 10) as s:
        s.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert s.recv(100) == b""
    time.sleep(1.1)  # what is served may be as old as a second
    after = {node: cluster.metrics(node) for node in cluster.brokers}

    def moved(name):
        return sum(total(after[n], name) for n in after) - sum(total(before[n], name) for n in before)

    topic = (("topic", "watched"),)
    for name, most in (("produced", 1001), ("fetched", 2002)):
        records = sum(after[n].get(f"drave_topic_{name}_records_total", {}).get(topic, 0) for n in after)
        assert 1000 <= records <= most, f"{name} {records} records"
        assert sum(after[n].get(f"drave_topic_{name}_bytes_total", {}).get(topic, 0) for n in after) > 11000, name
    errors = [dict(key) for n in after for key in after[n].get("drave_request_errors_total", {})]
    assert {"api": "ListOffsets", "error": "UNKNOWN_TOPIC_OR_PARTITION"} in errors, errors
    assert moved("drave_topic_records") >= 1000 and moved("drave_topic_partitions") >= 6
    assert sum(after[n]["drave_topic_records"].get((("topic", "watched"),), 0) for n in after) == 1001
    assert all(after[n]["drave_topic_stored_bytes"][(("topic", "watched"),)] > 0 for n in after)
    for name in (
        "drave_connections_accepted_total",
        "drave_connections_closed_total",
        "drave_received_bytes_total",
        "drave_sent_bytes_total",
        "drave_requests_total",
        "drave_request_seconds_count",
        "drave_journal_sync_seconds_count",
        "drave_journal_rounds_total",
        "drave_journal_written_bytes_total",
        "drave_metadata_applied_index",
        "drave_elections_total",
        "drave_loop_turn_seconds_count",
        "drave_http_requests_total",
        "process_cpu_seconds_total",
        "drave_produce_stage_seconds_count",
        "drave_fetch_served_bytes_total",
        "drave_produce_batch_bytes_count",
        "drave_produce_batch_records_sum",
        "drave_produce_duplicates_total",
        "drave_produce_out_of_order_total",
        "drave_producers",
        "drave_peer_sent_bytes_total",
        "drave_peer_received_bytes_total",
        "drave_connections_refused_total",
        "drave_log_lines_total",
        "drave_group_commits_total",
        "drave_group_rebalances_total",
        "drave_group_rebalance_seconds_count",
        "drave_group_last_commit_timestamp_seconds",
    ):
        assert moved(name) > 0, f"{name} has not moved"
    for result in ("done", "refused"):
        assert (
            sum(
                found[n]["drave_metadata_changes_total"][(("result", result),)] * sign
                for found, sign in ((after, 1), (before, -1))
                for n in found
            )
            > 0
        )
    assert all(total(after[n], "drave_client_connections") == total(after[n], "drave_connections") for n in after)
    assert moved("drave_group_members") == 0 and sum(total(after[n], "drave_metadata_term") for n in after) >= 3
    assert moved("drave_topics") == 3 * 2  # __consumer_offsets, too
    assert (
        sum(after[n]["drave_requests_total"][key] for n in after for key in after[n]["drave_requests_total"] if ("api", "Produce") in key)
        > 0
    )
    assert sum(total(after[n], "drave_metadata_leader") for n in after) == 1
    assert sum(total(after[n], "drave_groups") for n in after) == 1
    for node in after:
        now = after[node]
        assert now["drave_node_info"][(("cluster_id", cluster_id(now)), ("node", str(node)), ("rack", ""))] == 1
        assert now["drave_brokers"] == {(("state", "alive"),): 3, (("state", "fenced"),): 0}
        assert total(now, "drave_peer_up") == 2 and total(now, "drave_ready") == 1
        trips = now["drave_peer_round_trip_seconds"]
        assert len(trips) == 2 and all(0 < trip and within(trip, 1) for trip in trips.values()), trips
        assert total(now, "drave_partitions") == total(now, "drave_partitions_leaderless") + 56
        assert total(now, "drave_partitions_under_replicated") == 0 and total(now, "drave_partitions_below_min_insync") == 0
        assert now["drave_disk_size_bytes"][()] >= now["drave_disk_free_bytes"][()] > 0 and total(now, "drave_disk_refusing") == 0
        assert all(now["drave_memory_bytes"][k] < now["drave_memory_limit_bytes"][k] for k in now["drave_memory_bytes"])
        assert all(now[name][()] >= 0 and within(now[name][()], 2) for name in ("drave_loop_stall_seconds", "drave_snapshot_age_seconds"))
        assert abs(now["process_resident_memory_bytes"][()] - cluster[node].rss_bytes()) < 4 << 20
        assert now["drave_host_memory_bytes"][()] > 100 << 20 and now["drave_process_swapped_bytes"][()] >= 0
        ((labels, one),) = now["drave_disk_info"].items()
        assert one == 1 and dict(labels)["file_system"] and dict(labels)["direct"] in ("yes", "no"), labels
        assert {dict(key)["cause"] for key in now["drave_connections_refused_total"]} == {"address", "garbage", "limit", "quota", "tls"}
        assert {dict(key)["cause"] for key in now["drave_connections_closed_total"]} == ENDS
        assert 5 < now["process_open_fds"][()] < now["process_max_fds"][()]
    table = subprocess.run([str(BIN / "draved"), "--help-metrics"], capture_output=True, text=True, check=True).stdout
    named = set(re.findall(r"^([a-z_]+)(?:\{|  ?)", table, re.M)) - {""}
    shown = {re.sub("_(bucket|sum|count)$", "", n) for node in after for n in after[node]}
    shared = {name for name in named if name.startswith("drave_share_group_")}  # observe_share.py
    on_demand = {name for name in named if re.match("drave_(group_)?partition_", name)}
    elsewhere = {"drave_journal_sync_seconds", "drave_group_retention_left_seconds", "drave_logins_total"}  # the last: observe_flow.py
    elsewhere.add("drave_access_denied_total")  # acls.py
    elsewhere |= {"drave_group_cause", "drave_delayed_next_due_timestamp_seconds"}  # observe_flow.py
    elsewhere.add("drave_certificate_left_seconds")  # security_tls.py
    assert named <= shown | on_demand | elsewhere | shared, f"never shown: {named - shown - on_demand - elsewhere}"


def lagging(cluster):
    """What a group has not read, also of partitions that its coordinator has no replica of: records, seconds, until retention takes it."""
    cluster.create("single", 6, 1)
    cluster.wait_leaders("single")

    def produce(lines):
        for partition in range(6):
            cluster.drave("produce", "single", "-p", partition, stdin="x\n" * lines)

    produce(10)
    cluster.drave("consume", "single", "-e", "-G", "behind", "-o", "beginning", "-n", "60")
    produce(5)
    key = (("group", "behind"), ("topic", "single"))

    def shown(name):
        return [found[name][key] for found in map(cluster.metrics, cluster.brokers) if key in found.get(name, {})]

    wait_until("the lag", lambda: shown("drave_group_lag_records") == [30], 30, 0.5)
    assert 0 < shown("drave_group_lag_seconds")[0] < 60, shown("drave_group_lag_seconds")
    assert 7 * 86400 - 60 < shown("drave_group_retention_left_seconds")[0] <= 7 * 86400
    assert cluster.drave("group", "describe", "behind", json_out=True)["lag_records"] == 30


def by_partition(cluster):
    """/metrics/partitions: each partition of the topics that match, told by its leader, what replicas hold, and lag of groups; nothing else; 400 without a topic."""
    assert cluster.get(1, "/metrics/partitions")[0] == 400
    found = [parse(cluster.get(n, "/metrics/partitions?topic=sing%3fe*")[2]) for n in cluster.brokers]
    leaders = {dict(key)["partition"]: node for one in found for key, node in one.get("drave_partition_leader", {}).items()}
    assert leaders == {str(p): leader for p, leader in cluster.leaders("single").items()}, leaders
    lag = {key: value for one in found for key, value in one.get("drave_group_partition_lag_records", {}).items()}
    assert lag == {(("group", "behind"), ("partition", str(p)), ("topic", "single")): 5 for p in range(6)}, lag
    assert all(value > 0 for one in found for value in one.get("drave_group_partition_lag_seconds", {}).values())
    watched = [parse(cluster.get(n, "/metrics/partitions?topic=watched")[2]) for n in cluster.brokers]
    assert all(len(one["drave_partition_stored_bytes"]) == 6 for one in watched), watched
    assert sum(len(one.get("drave_partition_replica_lag_entries", {})) for one in watched) == 12
    assert sum(sum(one.get("drave_partition_high_watermark", {}).values()) for one in watched) == 1101
    assert all(one["drave_metrics_folded"][(("kind", "partitions"),)] == 0 for one in watched)
    assert (
        not {name for one in found + watched for name in one}
        - {"drave_metrics_folded"}
        - {
            f"drave_{name}"
            for name in (
                "partition_leader",
                "partition_term",
                "partition_start_offset",
                "partition_high_watermark",
                "partition_stored_bytes",
                "partition_replica_lag_entries",
                "group_partition_lag_records",
                "group_partition_lag_seconds",
            )
        }
    )


def cluster_id(metrics):
    return dict(next(iter(metrics["drave_node_info"])))["cluster_id"]


def losing(cluster):
    """A broker is killed: the others say so; its return is seen, too; whether one may be stopped is told."""
    assert (
        cluster.health(1, "ready") == (True, [])
        and cluster.health(1, "stoppable") == (True, [])
        and cluster.health(1, "cluster") == (True, [])
    )
    cluster[3].kill()

    def seen():
        now = [cluster.metrics(n) for n in (1, 2)]
        return (
            all(m["drave_peer_up"][(("peer", "3"),)] == 0 for m in now)
            and sum(total(m, "drave_partitions_under_replicated") for m in now) == 56
            and all(m["drave_brokers"][(("state", "fenced"),)] == 1 for m in now)
            and sum(total(m, "drave_partitions_away") for m in now) > 0
        )

    wait_until("the loss in the metrics", seen, 60, 0.5)
    assert sum(total(cluster.metrics(n), "drave_elections_total") for n in (1, 2)) > 0
    ok, codes = cluster.health(1, "stoppable")
    assert not ok and {"majority", "metadata"} <= set(codes), codes
    assert cluster.health(1, "ready") == (True, []), "what another broker does is no matter of ready"
    assert not cluster.health(1, "cluster")[0]
    cluster.drave("produce", "watched", stdin="".join(f"more {i}\n" for i in range(100)))

    def lag():
        return sum(cluster.value(n, "drave_replica_lag_entries", peer="3") for n in (1, 2)) > 0

    wait_until("the lag of broker 3", lag, 30, 0.5)
    assert sum(cluster.value(n, "drave_replica_lag_bytes", peer="3") for n in (1, 2)) >= 100 * len("more 1")

    def age():
        return max(cluster.value(n, "drave_replica_lag_seconds", peer="3") for n in (1, 2))

    wait_until("its age", lambda: 2 < age() < 90, 30, 0.5)
    assert all(cluster.value(n, f"drave_replica_lag_{unit}", peer=p) == 0 for n, p in ((1, "2"), (2, "1")) for unit in ("bytes", "seconds"))
    cluster[3].start(ready=True)
    wait_until("broker 3 is ready", lambda: cluster.health(3, "ready")[0], 60, 0.2)
    wait_until("all is well again", lambda: all(cluster.health(n, w)[0] for n in (1, 2, 3) for w in ("stoppable", "cluster")), 60, 0.5)
    wait_until("no lag", lambda: not lag() and age() == 0, 30, 0.5)


def by_command(cluster):
    """drave health: exit codes, sentences, JSON."""
    here = f"127.0.0.1:{cluster.http[1]}"
    done = cluster.drave("health", here, check=False)
    assert (done.returncode, done.stdout) == (0, f"{here}: ready\n"), done
    assert cluster.drave("health", "--live", here, json_out=True) == [{"ok": True, "reasons": [], "address": here}]
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    done = cluster.drave("health", "--cluster", here, nobody, check=False)
    assert done.returncode == 3 and "http.listen" in done.stderr and f"{here}: cluster\n" == done.stdout, done
    done = cluster.drave("health", f"127.0.0.1:{cluster[1].port}", "--timeout", "1s", check=False)
    assert done.returncode == 3, done
    assert cluster.drave("health", "nonsense", check=False).returncode == 2


def remote(cluster):
    """Over the port of clients: drave broker list, health, broker stoppable; of a broker that is frozen, too."""
    brokers = cluster.drave("broker", "list", json_out=True)
    assert [b["id"] for b in brokers] == [1, 2, 3]
    assert all(b["state"] == "ready" and b["ready"] and b["alive"] and b["version"] for b in brokers), brokers
    assert sum(b["leads"] for b in brokers) == 56 and all(b["replicas"] == b["in_sync"] == 56 for b in brokers), brokers
    assert all(0 <= b["uptime_seconds"] < 3600 and 0 < b["disk_free_bytes"] <= b["disk_size_bytes"] for b in brokers), brokers
    assert all(b["lag_entries"] == 0 for b in brokers), brokers
    text = cluster.drave("broker", "list").stdout
    assert re.search(r"^BROKER +ADDRESS +RACK +STATE +VERSION +UP +LEADS", text, re.M), text
    for what in ("--ready", "--live", "--stoppable"):
        assert all(one["ok"] for one in cluster.drave("health", what, json_out=True)), what
    found = cluster.drave("health", json_out=True)
    assert found["ok"] and {c["name"] for c in found["checks"]} == {"brokers", "metadata", "partitions", "replicas", "disks", "versions"}
    assert "3 of 3 are ready" in cluster.drave("health").stdout
    plugin = cluster.drave("health", "--format", "nagios")
    assert re.fullmatch(r"DRAVE OK - brokers: 3 of 3 are ready; metadata: [^\n]+\n", plugin.stdout), plugin.stdout
    metrics = cluster.drave("health", "--format", "prometheus").stdout
    assert "drave_health_asked 1\n" in metrics and 'drave_health_ok{check="partitions"} 1\n' in metrics, metrics
    for wrong in (("--format", "xml"), ("--format", "prometheus", "--ready"), ("--format", "prometheus", "--json")):
        assert cluster.drave("health", *wrong, check=False).returncode == 2, wrong
    # To a plugin 1 and 2 are states of the cluster: whoever calls it wrongly does not know.
    for wrong in (("--ready",), ("--json",), ("--no-such-option",), ("--timeout", "x"), ("-X", "no.such=1"), ("--profile", "none"),
                  ("--tls-ca", "/none"), ("--from", "/none"), ("127.0.0.1:1",)):  # fmt: skip
        done = cluster.drave("health", "--format=nagios", *wrong, check=False)
        assert done.returncode == 3 and done.stdout.startswith("DRAVE UNKNOWN - ") and done.stdout.count("\n") == 1 and done.stderr, (
            wrong,
            done,
        )
    nobody = ("-b", "127.0.0.1:1", "--timeout", "1s")
    done = cluster.drave("health", "--format", "nagios", *nobody, check=False)
    assert (done.returncode, done.stdout) == (3, "DRAVE UNKNOWN - no broker could be asked\n"), done
    done = cluster.drave("health", "--format", "prometheus", *nobody, check=False)
    assert done.returncode == 3 and done.stdout.endswith("\ndrave_health_asked 0\n"), done
    assert cluster.drave("broker", "stoppable", "2").returncode == 0
    assert cluster.drave("broker", "stoppable", "7", check=False).returncode == 1
    assert cluster.drave("broker", "stoppable", "two", check=False).returncode == 2
    cluster[3].kill()
    wait_until("broker 3 is away", lambda: cluster.drave("broker", "list", json_out=True)[2]["state"] == "away", 60, 0.5)
    done = cluster.drave("broker", "stoppable", "2", check=False)
    assert done.returncode == 1 and "replicas in sync, and needs" in done.stdout, done
    done = cluster.drave("health", check=False)
    assert done.returncode == 1 and "! 2 of 3 are ready" in done.stdout and "has not been heard of" in done.stdout, done
    done = cluster.drave("health", "--format", "nagios", check=False)
    assert done.returncode in (1, 2) and re.match("DRAVE (WARNING|CRITICAL) - brokers: 2 of 3 are ready", done.stdout), done
    done = cluster.drave("health", "--format", "prometheus", check=False)
    assert done.returncode == 1 and 'drave_health_ok{check="brokers"} 0\n' in done.stdout, done
    assert cluster.drave("health", "--ready", "-b", f"127.0.0.1:{cluster[3].port}", check=False).returncode == 3
    cluster[3].start()
    assert cluster.drave("broker", "stoppable", "2", "--wait", "60s").returncode == 0
    assert cluster.drave("health", "--wait", "60s").returncode == 0


def told(cluster):
    """drave events: the survivors tell the story of the broker that was lost, what all have noted is told once; drave doctor and top."""

    def events(*words):
        return [json.loads(line) for line in cluster.drave("events", "--json", *words).stdout.splitlines()]

    def all_there():
        kinds = {(e["event"], e["about"]) for e in events()}
        return {
            ("broker_away", 3),
            ("broker_back", 3),
            ("link_lost", 3),
            ("elected", None),
            ("started", None),
            ("topic_made", None),
            ("rebalance", None),
        } <= kinds

    wait_until("the story", all_there, 30, 0.5)
    story = events()
    assert [e["time_ms"] for e in story] == sorted(e["time_ms"] for e in story)
    elected = [e for e in story if e["event"] == "elected" and e["cause"] == "dead"]
    assert elected and all(0 <= e["took_ms"] < 30000 and e["count"] >= 1 and e["subject"] for e in elected), elected
    assert sum(e["event"] == "topic_made" and e["subject"] == "watched" for e in story) == 1, story
    assert events("--since", "1s") != story
    text = cluster.drave("events").stdout
    assert re.search(r"its leader was dead, or resigned; after [0-9.]+ (ms|s)$", text, re.M) and "topic created: watched" in text, text
    assert sum(cluster.value(n, "drave_elections_total", cause="dead") for n in (1, 2)) > 0
    assert sum(total(cluster.metrics(n), "drave_failover_seconds_count") for n in (1, 2)) > 0
    done = cluster.drave("doctor", "--json", check=False)
    found = {one["name"]: one for one in json.loads(done.stdout)}
    assert done.returncode == any(one["verdict"] == "trouble" for one in found.values()), done
    assert found["alive"]["verdict"] == found["leaders"]["verdict"] == found["clocks"]["verdict"] == "well", found
    assert len({one["number"] for one in found.values()}) == len(found) >= 20
    assert re.search(r"^. +1 addresses ", cluster.drave("doctor", check=False).stdout, re.M)
    brokers = cluster.drave("top", "--once", "-d", "1s", json_out=True)
    assert [b["id"] for b in brokers] == [1, 2, 3] and all(b["requests_per_second"] > 0 for b in brokers), brokers
    blocks = cluster.drave("top", "-n", "2", "-d", "1s", "--view", "t").stdout
    assert blocks.count("3/3 brokers") == 2 and "watched" in blocks, blocks


def clients(cluster):
    """drave client list and trace: who is connected, who produces to a topic and reads it, what is asked."""
    cluster.create("asked", 3)
    cluster.wait_leaders("asked")
    reader = subprocess.Popen(
        [BIN / "drave", "consume", "asked", "-o", "beginning", "-b", cluster.bootstrap, "-X", "client.id=the-reader"],
        stdout=subprocess.DEVNULL,
    )
    writer = subprocess.Popen(
        [BIN / "drave", "produce", "asked", "-b", cluster.bootstrap, "-X", "client.id=the-writer"], stdin=subprocess.PIPE, text=True
    )
    trace = subprocess.Popen(
        [BIN / "drave", "client", "trace", "--client-id", "the-writer", "--for", "6s", "--json", "-b", cluster.bootstrap],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert "tracing the-writer on 3 brokers" in trace.stderr.readline()
        for i in range(30):
            writer.stdin.write(f"{i}:{i}\n" * 10)
            writer.stdin.flush()
            time.sleep(0.05)

        def found():
            users = cluster.drave("client", "list", "asked", json_out=True)
            by = {(u["does"], u["client_id"]): u for u in users}
            return by if {("produces", "the-writer"), ("reads", "the-reader")} <= set(by) else None

        users = wait_until("writer and reader", found, 30, 0.3)
        assert users["produces", "the-writer"]["records"] > 0 and users["produces", "the-writer"]["bytes"] > 0, users
        listed = [c for c in cluster.drave("client", "list", json_out=True) if c["client_id"] == "the-writer"]
        assert {c["software"] for c in listed} == {"librdkafka"} and all(c["version"] and c["requests"] > 0 for c in listed), listed
        text = cluster.drave("client", "list").stdout
        assert re.search(r"^BROKER +CLIENT ID +SOFTWARE +ADDRESS", text, re.M) and "the-reader" in text, text
        assert re.search(r"^asked +produces +the-writer ", cluster.drave("client", "list", "asked").stdout, re.M)
        assert cluster.drave("client", "list", "nothing-of-that-name", check=False).returncode == 1
        traced = [json.loads(line) for line in trace.communicate(timeout=30)[0].splitlines()]
        assert trace.returncode == 0 and {t["client_id"] for t in traced} == {"the-writer"}, traced
        produces = [t for t in traced if t["api"] == "Produce"]
        assert produces and all(t["error"] is None and t["request_bytes"] > 0 and 0 < t["took_us"] < 10_000_000 for t in produces), produces
    finally:
        for process in (reader, writer, trace):
            process.kill()
            process.wait()


# ---- The loop hangs ----


def hanging(cluster):
    """The loop of a broker is stopped: its port answers at once, with the age of the numbers; live and ready say what is so; it comes back."""
    before = cluster.metrics(1)
    with stopped_loop(cluster[1]):

        def stale():
            began = time.monotonic()
            now = cluster.metrics(1)
            assert within(time.monotonic() - began, 5), "the port waited for the loop"
            return now["drave_snapshot_age_seconds"][()] > 5 and now["drave_loop_stall_seconds"][()] > 5 and now

        now = wait_until("numbers that are old and say so", stale, 60, 0.2)
        assert now["drave_journal_rounds_total"] == before["drave_journal_rounds_total"] or now["drave_topics"] == before["drave_topics"]
        assert cluster.health(1, "ready") == (False, ["loop_hangs"])
        assert cluster.health(1, "live") == (True, []), "30 s are not over"
    wait_until("the broker is back", lambda: cluster.health(1, "ready")[0], 60, 0.2)
    assert within(cluster.metrics(1)["drave_snapshot_age_seconds"][()], 5)


# ---- Hostile HTTP ----


def hostile(cluster):
    """100 kB of head, garbage, bodies, pipelines, half requests, 1,000 connections, and readers that do not read: others are served meanwhile."""
    connections = [dial(cluster) for _ in range(200 if SHORT else 1000)]
    for s in connections[::2]:
        with contextlib.suppress(OSError):
            s.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: ")
    assert cluster.health(1, "ready")[0]
    for bad, status in (
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", b"405"),
        (b"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\n\xfc\x03\x03", b"400"),
    ):
        with dial(cluster) as s:
            with contextlib.suppress(ConnectionError):
                s.sendall(bad)
            assert s.recv(65536).startswith(b"HTTP/1.1 " + status), (bad[:40], status)
    with dial(cluster) as s:
        s.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n" * 100 + b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert read_all(s).count(b'{"ok":true') == 100
    deaf = [dial(cluster) for _ in range(60)]  # more than there are places
    for s in deaf:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with contextlib.suppress(OSError):
            s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
    began = time.monotonic()
    assert cluster.health(1, "live")[0] and cluster.health(1, "ready")[0] and cluster.metrics(1)
    assert within(time.monotonic() - began, 10)
    for s in connections + deaf:
        s.close()
    wait_until("what was refused to be counted", lambda: cluster.value(1, "drave_http_requests_total", path="other", code="431"), 10, 0.1)
    assert cluster.drave("topic", "list").returncode == 0


# ---- systemd ----


def manager(_):
    """READY when it serves, the watchdog from the loop, STOPPING at its end."""
    folder = tempfile.mkdtemp(prefix="drave-test-")
    told, path = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), f"{folder}/notify"
    told.bind(path)
    told.settimeout(30)
    process = subprocess.Popen(
        [str(BIN / "draved"), "--set", f"data.dir={folder}/data", "--set", "listeners=PLAINTEXT://127.0.0.1:0", "--set", "http.listen="],
        env=dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC="400000"),
        stderr=subprocess.DEVNULL,
    )
    try:
        heard = []

        def until(word):
            while not heard or word not in heard[-1]:
                heard.append(told.recv(4096).decode())

        until("READY=1")
        assert re.search(r"STATUS=ready: 127\.0\.0\.1:\d+ \(1 broker", heard[-1]), heard[-1]
        for _ in range(3):
            until("WATCHDOG=1")
            heard.append("")
        process.terminate()
        until("STOPPING=1")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def named(_):
    """Lines of the log name their event, in every format, with the level that the table has; nothing is said that the table does not know."""
    table = subprocess.run([str(BIN / "draved"), "--help-events"], capture_output=True, text=True, check=True).stdout
    known = dict(re.findall(r"^([a-z_]+) (\w+)$", table, re.M))
    forms = {
        "text": r"^\S+Z (?P<level>\w+) +.* \[(?P<event>[a-z_]+)\]$",
        "logfmt": r'^time=\S+Z level=(?P<level>\w+) event=(?P<event>[a-z_]+) msg="(?:[^"\\]|\\.)*"(?: left_out=\d+)?$',
        "json": None,
    }
    for form, pattern in forms.items():
        with Watched(2, **{"log.format": form}) as cluster:
            with socket.create_connection(("127.0.0.1", cluster[1].port), 10) as s:
                s.sendall(b"GET / HTTP/1.1\r\n\r\n")
                s.recv(100)
            cluster[2].kill()
            cluster[1].wait_log("lost the connection with broker 2", 30)
            cluster[1].wait_log("the connection of client", 30)
            lines = cluster[1].log_text().splitlines()
        found = [json.loads(line) if pattern is None else re.match(pattern, line).groupdict() for line in lines]
        assert all(known[one["event"]] == one["level"] for one in found), found
        assert {"starting", "ready", "peer_connected", "peer_lost", "client_refused"} <= {one["event"] for one in found}, found


def rules(_):
    """What the alerts ask for is told by brokers; the page has each of them."""
    known = subprocess.run([str(BIN / "draved"), "--help-metrics"], capture_output=True, text=True, check=True).stdout
    told, page = set(re.findall(r"^([a-z_]+)", known, re.M)), (ROOT / "docs/metrics.md").read_text()
    text = (ROOT / "deploy/prometheus/drave.rules.yml").read_text()
    asked = set(re.findall(r"\b(?:drave|process)_[a-z_]+\b", text))
    assert asked and {re.sub("_bucket$", "", name) for name in asked} <= told, asked - told
    for alert in re.findall(r"alert: (\w+)", text):
        assert f"\n| {alert} (" in page, f"docs/metrics.md lacks {alert}"
        assert f"alertname: {alert}\n" in (ROOT / "deploy/prometheus/drave.rules.test.yml").read_text(), f"{alert} has no test"


def by_promtool(cluster):
    """promtool has nothing to say about the text; each alert fires when it must, and rests otherwise."""
    folder = ROOT / "deploy/prometheus"
    for words in (["check", "rules", "drave.rules.yml"], ["test", "rules", "drave.rules.test.yml"]):
        done = subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    done = subprocess.run(["promtool", "check", "metrics"], input=cluster.get(1, "/metrics")[2], capture_output=True, text=True)
    complaints = [line for line in (done.stdout + done.stderr).splitlines() if line]
    assert done.returncode == 0 and not complaints, complaints


suite = Suite()
with Watched(3) as shared:
    for test in (moving, losing, by_command, remote, told, clients, lagging, by_partition, hanging, hostile):
        suite.run(test, shared)
    if not SHORT:
        suite.run(by_promtool, shared)
for test in (manager, named, rules):
    suite.run(test, None)
suite.end()
