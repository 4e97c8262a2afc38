"""drave dlq list, show, redrive: dead letters as people see them, and back where they came from, each once a call."""

import json
import os

from confluent_kafka import Producer

from harness.cluster import Cluster
from harness.command import expect
from harness.suite import Suite

GROUP_ON = {"errors.deadletterqueue.group.enable": "true"}


def dlq(cluster, *words, code=0):
    done = cluster.drave("dlq", *words, check=False)
    expect(done, code)
    return done


def records(cluster, topic):
    done = cluster.drave("consume", topic, "-o", "beginning", "-e", "--json")
    return [json.loads(line) for line in done.stdout.splitlines()]


def letter(source, partition, offset, group="g", message="Offset rejected by client.", **more):
    said = {
        "topic": source,
        "partition": partition,
        "offset": offset,
        "group": group,
        "delivery.count": 2,
        "message": message,
        "timestamp": 1000,
    }
    return [("own", "kept"), ("__dlq.ttl-ms", "5")] + [(f"__dlq.errors.{k}", str(v)) for k, v in {**said, **more}.items()]


def put(cluster, topic, rows):
    """Rows (partition, key, value, headers)."""
    failed = []
    to = Producer({"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True, "log_level": 0})
    for partition, key, value, headers in rows:
        to.produce(topic, value, key, partition, headers=headers, on_delivery=lambda e, m: failed.append(e) if e else None)
    to.flush(60)
    assert not failed, failed[0]


def shown_and_brought_back(cluster):
    source, dead = f"source-{os.getpid()}", f"dlq.source-{os.getpid()}"
    cluster.create(source, 2)
    cluster.create(dead, 1, **GROUP_ON)
    binary = [
        ("kafka_dlt-original-topic", source),
        ("kafka_dlt-original-partition", (1).to_bytes(4, "big")),
        ("kafka_dlt-original-offset", (300).to_bytes(8, "big")),
        ("kafka_dlt-exception-message", "it threw"),
    ]
    put(
        cluster,
        dead,
        [
            (0, "a", "1", letter(source, 0, 10)),
            (0, "b", "2", letter(source, 1, 11, "h", "Offset delivery count exceeded the threshold.")),
            (0, None, None, letter(source, 1, 12, truncated="true")),
            (0, "d", "4", [("own", "x")]),
            (0, "e", "5", binary),
            (0, "f", None, [*letter(source, 0, 13), ("__dlq.redriven", "2")]),
        ],
    )
    assert {"topic": dead, "partitions": 1, "letters": 6} in json.loads(dlq(cluster, "list", "--json").stdout)
    rows = [json.loads(line) for line in dlq(cluster, "show", dead, "--json").stdout.splitlines()]
    said = [
        (r["letter"]["topic"], r["letter"]["partition"], r["letter"]["offset"], r["letter"]["group"], r["letter"]["deliveries"])
        for r in rows
    ]
    assert said[:2] == [(source, 0, 10, "g", 2), (source, 1, 11, "h", 2)] and said[3:5] == [(None,) * 5, (source, 1, 300, None, None)], said
    assert [r["letter"]["bare"] for r in rows] == [False, False, True, False, False, False]
    assert [r["letter"]["redriven"] for r in rows] == [0, 0, 0, 0, 0, 2]
    text = dlq(cluster, "show", dead, "-n", 2)
    assert len(text.stdout.splitlines()) == 3 and "Offset rejected by client." in text.stdout and "there are more" in text.stderr, text
    shown = [
        json.loads(line)["offset"] for line in dlq(cluster, "show", dead, "--json", "-G", "g", "--reason", "rejected").stdout.splitlines()
    ]
    assert shown == [0, 2, 5], shown
    done = dlq(cluster, "redrive", dead, "--json", code=1)
    wanted = [{"topic": source, "partition": p, "letters": 2, "dry_run": True} for p in (0, 1)]
    assert json.loads(done.stdout) == wanted and "1 letters are left out" in done.stderr and "1 records are left out" in done.stderr, done
    assert records(cluster, source) == []
    done = dlq(cluster, "redrive", dead, "--yes", "-o", "0:2", "--json")
    assert json.loads(done.stdout) == [{**row, "letters": 1, "dry_run": False} for row in wanted], done
    dlq(cluster, "redrive", dead, "--yes", "-o", "4", "--dry-run")
    dlq(cluster, "redrive", dead, "--yes", "-o", "4")
    back = sorted((r["partition"], r["key"], r["value"], [(h["key"], h["value"]) for h in r["headers"]]) for r in records(cluster, source))
    own, once = ("own", "kept"), ("__dlq.redriven", "1")
    springs = [r for r in back if r[1] == "e"][0]
    assert springs[3][-1] == once and springs[3][0] == ("kafka_dlt-original-topic", source), springs
    assert [r for r in back if r[1] != "e"] == [
        (0, "a", "1", [own, once]),
        (0, "f", None, [own, ("__dlq.redriven", "3")]),
        (1, "b", "2", [own, once]),
    ], back
    assert len(records(cluster, dead)) == 6


def refused(cluster):
    dead = f"dlq.lost-{os.getpid()}"
    cluster.create(dead, 1, **GROUP_ON)
    put(cluster, dead, [(0, "a", "1", letter("gone", 0, 10))])
    done = dlq(cluster, "redrive", dead, "--yes", code=1)
    assert 'topic "gone"' in done.stderr, done.stderr
    source, shrunk = f"shrunk-{os.getpid()}", f"dlq.shrunk-{os.getpid()}"
    cluster.create(source, 2)
    cluster.create(shrunk, 1, **GROUP_ON)
    put(cluster, shrunk, [(0, "a", "1", letter(source, 0, 10)), (0, "b", "2", letter(source, 7, 11))])
    done = dlq(cluster, "redrive", shrunk, "--yes", code=1)
    assert "0 to 1, not 7" in done.stderr and records(cluster, source) == [], done.stderr
    done = dlq(cluster, "show", "dlq.nothing", code=1)
    assert "dlq.nothing" in done.stderr, done.stderr


def many(cluster):
    """More than a producer's queue takes at a time: each once."""
    source, dead, count = f"many-{os.getpid()}", f"dlq.many-{os.getpid()}", 3000
    cluster.create(source, 3)
    cluster.create(dead, 2, **GROUP_ON)
    put(cluster, dead, [(i % 2, f"{i}", "v" * 500, letter(source, i % 3, i)) for i in range(count)])
    done = dlq(cluster, "redrive", dead, "--yes", "--json")
    assert sum(row["letters"] for row in json.loads(done.stdout)) == count, done.stdout
    back = records(cluster, source)
    assert sorted(int(r["key"]) for r in back) == list(range(count)) and all(int(r["key"]) % 3 == r["partition"] for r in back), len(back)


suite = Suite()
with Cluster(3) as shared:
    shared.wait_feature("share.version")
    for test in (shown_and_brought_back, refused, many):
        suite.run(test, shared)
suite.end()
