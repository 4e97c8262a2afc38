"""drave delay list, count, cancel on real brokers: what waits, page by page; what is called off is not delivered, and what was delivered before is told."""

import json
import os
import selectors
import struct
import time

from confluent_kafka import Producer

from harness.cluster import Cluster, wait_until
from harness.command import expect
from harness.raw import Raw, batch
from harness.suite import Suite
from harness.turns import Turns

ON = {"delay.enable": "true"}
HOUR_MS = 3600 * 1000
TURN_MS = 30 if os.environ.get("CI") else 15  # of processor time; neighbours cost caches
DELAYED_RECORDS = 10008


def put(cluster, topic, rows, partition=0):
    """Rows (key, headers); their offsets."""
    told = {}
    to = Producer(
        {"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True, "log_level": 0, "queue.buffering.max.messages": 1000000}
    )
    for at, (key, headers) in enumerate(rows):
        to.produce(
            topic, "v", key, partition, headers=headers, on_delivery=lambda e, m, at=at: told.update({at: e.name() if e else m.offset()})
        )
    to.flush(120)
    return [told[at] for at in range(len(rows))]


def delay(cluster, *words, code=0):
    done = cluster.drave("delay", *words, check=False)
    expect(done, code)
    return done


def as_json(cluster, *words, code=0):
    return json.loads(delay(cluster, *words, "--json", code=code).stdout)


def values(cluster, topic):
    done = cluster.drave("consume", topic, "-o", "beginning", "-e", "--json")
    return [json.loads(line) for line in done.stdout.splitlines()]


def lists_and_counts(cluster):
    cluster.create("listed", 2, **ON)
    now = time.time()
    late, soon = str(int((now + 7200) * 1000)), str(int((now + 600) * 1000))
    put(cluster, "listed", [("b", {"deliver-at": late}), ("a", {"deliver-at": soon}), (None, {}), (b"\xff", {"deliver-in": "PT3H"})])
    put(cluster, "listed", [("a", {"deliver-in": "PT30M"})], 1)
    rows = as_json(cluster, "list", "listed")
    assert [(r["partition"], r["offset"], r["key"]) for r in rows] == [(0, 1, "a"), (1, 0, "a"), (0, 0, "b"), (0, 3, {"hex": "ff"})], rows
    assert [rows[0]["due"], rows[2]["due"]] == [int(soon), int(late)] and rows[0]["value_size"] == 1, rows
    assert [r["offset"] for r in as_json(cluster, "list", "listed", "--until", "1h")] == [1, 0]
    assert [(r["partition"], r["offset"]) for r in as_json(cluster, "list", "listed", "-k", "a", "-p", 1)] == [(1, 0)]
    text = delay(cluster, "list", "listed").stdout
    assert text.splitlines()[0].split()[:3] == ["TOPIC", "PARTITION", "OFFSET"] and len(text.splitlines()) == 5, text
    counts = as_json(cluster, "count", "listed")
    assert [(c["partition"], c["count"], c["waiting"]) for c in counts] == [(0, 3, 3), (1, 1, 1)] and counts[0]["next_due"] == int(soon), (
        counts
    )
    assert [c["count"] for c in as_json(cluster, "count", "listed", "--until", "1h")] == [1, 1]
    cluster.create("unlisted", 1)
    assert as_json(cluster, "list", "unlisted") == [] and as_json(cluster, "count", "unlisted")[0]["next_due"] is None
    for words, code, why in (
        (("list", "listde"), 1, "listed"),
        (("list", "listed", "-p", 7), 1, "not 7"),
        (("list", "listed", "--until", "soon"), 2, "is no time"),
        (("cancel", "listed", "x", "1"), 2, "is no partition"),
        (("cancel", "listed", 0, "1x"), 2, "is no offset"),
        (("cancel", "listed", 5, 1), 1, "not 5"),
    ):
        done = cluster.drave("delay", *words, check=False)
        assert done.returncode == code and why in done.stderr, (words, done.returncode, done.stderr)


def page_by_page(cluster):
    """More than a page has: all are shown once, no more than asked for are kept, and what is left is said."""
    cluster.create("paged", 1, **ON)
    count = 2500
    offsets = put(cluster, "paged", [(f"k{i % 10}", {"deliver-in": str(HOUR_MS + i)}) for i in range(count)])
    rows = as_json(cluster, "list", "paged", "-n", 100000)
    assert sorted(r["offset"] for r in rows) == sorted(offsets) and len(rows) == count, len(rows)
    assert [r["due"] for r in rows] == sorted(r["due"] for r in rows)
    done = delay(cluster, "list", "paged", "--json")
    assert len(json.loads(done.stdout)) == 1000 and "1500 more wait" in done.stderr, done.stderr
    assert len(as_json(cluster, "list", "paged", "-k", "k3", "-n", 100000)) == count / 10
    assert as_json(cluster, "count", "paged", "-k", "k3")[0]["count"] == count / 10


def called_off(cluster):
    cluster.create("off", 1, **ON)
    put(cluster, "off", [("x", {"deliver-in": "5000"}), ("y", {"deliver-in": "5000"}), ("z", {"deliver-in": "PT1H"})])
    (row,) = as_json(cluster, "cancel", "off", 0, 0, "--dry-run")
    assert row == {"topic": "off", "partition": 0, "offset": 0, "outcome": "cancelled", "delivered_at": None, "dry_run": True}, row
    assert as_json(cluster, "count", "off")[0]["count"] == 3
    rows = as_json(cluster, "cancel", "off", 0, 0, 2)
    assert [(r["offset"], r["outcome"]) for r in rows] == [(0, "cancelled"), (2, "cancelled")], rows
    assert [r["offset"] for r in as_json(cluster, "list", "off")] == [1]
    done = delay(cluster, "cancel", "off", 0, 0, code=1)
    assert "does not wait" in done.stderr, done.stderr
    wait_until("its delivery", lambda: values(cluster, "off"), 30)
    assert [r["key"] for r in values(cluster, "off")] == ["y"]
    assert as_json(cluster, "cancel", "off", 0, 1, code=1)[0]["outcome"] == "not_waiting"


def races(cluster):
    """What is called off about when it is due is either delivered or not, as the command says."""
    cluster.create("raced", 1, **ON)
    count, told = 12, {}
    due_ms = int((time.time() + 3) * 1000)
    offsets = put(cluster, "raced", [(f"{i}", {"deliver-at": str(due_ms + i * 250)}) for i in range(count)])
    for i, offset in enumerate(offsets):
        time.sleep(max(0.0, (due_ms + i * 250) / 1000 - 0.05 * i - time.time()))
        done = cluster.drave("delay", "cancel", "raced", "0", str(offset), "--json", check=False)
        (row,) = json.loads(done.stdout)
        assert row["outcome"] in ("cancelled", "delivered", "not_waiting") and done.returncode == (
            0 if row["outcome"] == "cancelled" else 1
        ), done
        told[f"{i}"] = row
    wait_until("all are over", lambda: as_json(cluster, "count", "raced")[0]["count"] == 0, 30)
    came = {r["key"]: r["offset"] for r in values(cluster, "raced")}
    assert set(came) == {key for key, row in told.items() if row["outcome"] != "cancelled"}, (came, told)
    for key, row in told.items():
        assert row["outcome"] != "delivered" or row["delivered_at"] == came[key], (key, row, came)
    print({row["outcome"] for row in told.values()}, flush=True)


def is_led(cluster):
    with Raw(cluster[1].port) as raw:
        return raw.produce("delayed", 0, batch([(None, b"one")]))[0] == 0


def looks_at_delayed(cluster):
    """As in garbage_worst.py: 1,500 clients count again and again what waits for its time, while 30,000 records are delivered: what is delivered takes no longer for it."""
    make = ("topic", "create", "delayed", "-p", 1, "-r", 1, "-c", "delay.enable=true")
    wait_until("delays", lambda: cluster.drave(*make, check=False).returncode == 0)
    wait_until("its leader", lambda: is_led(cluster))
    at = str(int(time.time() * 1000) + 4000).encode()
    few = batch([(None, b"", 0, ((b"deliver-at", at),))] * 5_000)
    count = b"\x08delayed" + struct.pack(">iqq", 0, -1, (1 << 63) - 1) + b"\0" + struct.pack(">i", 0) + b"\0"
    raws, turns = [Raw(cluster[1].port, timeout=60) for _ in range(1_500)], Turns(cluster[1])
    with Raw(cluster[1].port, timeout=60) as raw:
        for _ in range(6):
            error, _ = raw.produce("delayed", 0, few)
            assert error == 0, f"produce: error {error}"
        turns.new()
        selector, end, waits = selectors.DefaultSelector(), time.monotonic() + 30, 30_000
        for asks in raws:
            asks.send(DELAYED_RECORDS, 0, count, flexible=True)
            selector.register(asks.socket, selectors.EVENT_READ, asks)
        while waits > 0 and time.monotonic() < end:
            for key, _ in selector.select(0.1):
                answer = key.data.receive()[1]
                waits = struct.unpack(">q", answer[12:20])[0]
                key.data.send(DELAYED_RECORDS, 0, count, flexible=True)
    for asks in raws:
        asks.close()
    assert waits == 0, f"{waits} still wait"
    turns.assert_short()


suite = Suite()
with Cluster(3) as shared:
    shared.wait_feature("delay.version")
    for test in (lists_and_counts, page_by_page, called_off, races):
        suite.run(test, shared)
with Cluster(1, settings={"loop.turn.warn.ms": TURN_MS}) as alone:
    suite.run(looks_at_delayed, alone)
suite.end()
