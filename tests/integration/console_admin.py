"""What the console changes: nothing without admin mode; with it only for whoever sends the token, from no other page; topics, settings, records and offsets
of groups, each said before it is done, with the command that does the same."""

import base64
import json
import os
import socket
import subprocess
import time
import urllib.parse

from confluent_kafka import Consumer

from harness.cluster import BIN, wait_until
from harness.patience import within
from harness.programs import program
from harness.suite import Suite

console_api = program("integration/console.py")

TOKEN = "0123456789abcdefghijklmnopqrstuv-+/="
FORM = "application/x-www-form-urlencoded"
CHANGES = (
    "unlock", "create-topic", "delete-topic", "settings", "seek", "share-reset", "produce", "add-partitions", "move-leader", "delete-group", "drain",
)  # fmt: skip


class Admin(console_api.Seen):
    """A cluster whose consoles may change things."""

    def __init__(self, size, **settings):
        super().__init__(size, **settings)
        self.token_file = self.directory / "token"
        self.token_file.write_text(TOKEN + "\n")
        self.token_file.chmod(0o600)
        for broker in self:
            plain = broker.arguments
            broker.arguments = lambda plain=plain: [
                *plain(),
                "--set",
                "console.admin=true",
                "--set",
                f"console.token.file={self.token_file}",
            ]

    def post(self, change, form=None, headers=None, body=None, node=1, drop=()):
        """(status, text)"""
        sent = {"Authorization": f"Bearer {TOKEN}", "X-Drave": "1", "Content-Type": FORM, **(headers or {})}
        for name in drop:
            del sent[name]
        connection = console_api.http.client.HTTPConnection("127.0.0.1", self.http[node], timeout=15)
        try:
            connection.request(
                "POST", f"/api/change/{change}", body=urllib.parse.urlencode(form or {}) if body is None else body, headers=sent
            )
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def change(self, change, status=200, **form):
        got, text = self.post(change, form)
        assert got == status, (change, form, got, text)
        return json.loads(text)

    def shell(self, command, of="sh"):
        """Runs a command as the console shows it."""
        words = [of, "-c", command.replace("drave ", f"{BIN}/drave ", 1) + f" -b {self.bootstrap}"]
        done = subprocess.run(words, check=False, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout


# ---- Who may ----


def read_only(cluster):
    """Without admin mode there is no route that changes anything, whatever is sent along."""
    for change in CHANGES:
        connection = console_api.http.client.HTTPConnection("127.0.0.1", cluster.http[1], timeout=15)
        connection.request(
            "POST",
            f"/api/change/{change}",
            body="name=x",
            headers={"Authorization": f"Bearer {TOKEN}", "X-Drave": "1", "Content-Type": FORM},
        )
        assert connection.getresponse().status == 404, change
        connection.close()
    assert cluster.ask("mode") == {"admin": False}


def guarded(cluster):
    """Only with the token, from a page of this very console, as a form; the token is nowhere to be read."""
    assert cluster.ask("mode") == {"admin": True}
    assert cluster.change("unlock") == {"unlocked": True}
    host = f"127.0.0.1:{cluster.http[1]}"
    for headers, drop, wanted in (
        ({}, ("Authorization",), 401),
        ({"Authorization": "Bearer " + TOKEN[:-1] + "x"}, (), 401),
        ({"Authorization": "Bearer " + TOKEN + "x"}, (), 401),
        ({"Authorization": "Bearer "}, (), 401),
        ({"Authorization": f"Basic {TOKEN}"}, (), 401),
        ({}, ("X-Drave",), 403),
        ({"Content-Type": "text/plain"}, (), 415),
        ({"Content-Type": "application/json"}, (), 415),
        ({"Origin": "http://evil.example"}, (), 403),
        ({"Origin": "null"}, (), 403),
        ({"Origin": f"http://{host}.evil.example"}, (), 403),
        ({"Origin": f"http://evil.example/{host}"}, (), 403),
        ({"Sec-Fetch-Site": "cross-site"}, (), 403),
        ({"Sec-Fetch-Site": "same-site"}, (), 403),
        ({"Host": "evil.example"}, (), 421),
        ({"Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}, (), 200),
        ({"Origin": f"https://{host}"}, (), 200),
        ({"Content-Type": FORM + ";charset=UTF-8"}, (), 200),
    ):
        status, text = cluster.post("unlock", headers=headers, drop=drop)
        assert status == wanted, (headers, drop, status, text)
    for path, allowed in (("/api/change/unlock", "POST"), ("/api/overview", "GET, HEAD"), ("/metrics", "GET, HEAD")):
        for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST"):
            if method not in allowed.split(", "):
                status, headers, _ = cluster.get(1, path, method=method)
                assert status == 405 and headers["Allow"] == allowed, (method, path, status, headers)
    assert cluster.post("nothing")[0] == 404
    for route in ("config?broker=1", "overview", "events"):
        assert TOKEN.encode() not in cluster.get(1, f"/api/{route}")[2]
    assert TOKEN not in cluster.drave("config", "get", "broker:1", "--all").stdout
    assert TOKEN not in cluster[1].log_text()


def refused_starts(cluster):
    """A token that others can read, that is too short, or is not there: the broker does not start, and says why."""
    broker = cluster[1]
    plain = broker.arguments()
    short = cluster.directory / "short"
    short.write_text("secret\n")
    short.chmod(0o600)
    long = cluster.directory / "long"
    long.write_text("secret" * 43 + "\n")
    long.chmod(0o600)
    os.mkfifo(cluster.directory / "fifo", 0o600)
    cluster.token_file.chmod(0o644)
    try:
        for more, wanted in (
            ([], "chmod 600"),
            (["--set", f"console.token.file={short}"], "no line of 32 to 256"),
            (["--set", f"console.token.file={long}"], "no line of 32 to 256"),
            (["--set", f"console.token.file={cluster.directory / 'none'}"], "cannot be read"),
            (["--set", f"console.token.file={cluster.directory / 'fifo'}"], "cannot be read (a FIFO"),
            (["--set", "console.token.file="], "needs console.token.file"),
            (["--set", "console.serve=never"], "no console is served"),
        ):
            done = subprocess.run([*plain, *more], check=False, capture_output=True, text=True, timeout=20)
            assert done.returncode != 0 and wanted in done.stderr and TOKEN not in done.stderr and "secret" not in done.stderr, (
                more,
                done.stderr,
            )
    finally:
        cluster.token_file.chmod(0o600)


def raw(cluster, text, wanted, timeout=20):
    with socket.create_connection(("127.0.0.1", cluster.http[1]), timeout) as connection:
        connection.sendall(text)
        got = b""
        while b"\r\n" not in got and (piece := connection.recv(4096)):
            got += piece
    assert got.startswith(b"HTTP/1.1 " + wanted) if wanted else got == b"", (text[:200], got[:200])


def bodies(cluster):
    """Bodies that are too long, are told twice, are chunked, never come, or come in pieces; nothing of a body is taken before the token is seen."""
    head = f"POST /api/change/unlock HTTP/1.1\r\nHost: localhost\r\nX-Drave: 1\r\nContent-Type: {FORM}\r\n".encode()
    good = head + f"Authorization: Bearer {TOKEN}\r\n".encode()
    raw(cluster, good + b"\r\n", b"411")
    raw(cluster, good + b"Content-Length: 4000000\r\n\r\n", b"413")
    raw(cluster, good + b"Content-Length: 99999999999999999999\r\n\r\n", b"413")
    raw(cluster, good + b"Content-Length: -1\r\n\r\n", b"400")
    raw(cluster, good + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", b"400")
    raw(cluster, good + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", b"400")
    raw(cluster, good + b"X-A: b\rc\r\nContent-Length: 3\r\n\r\nabc", b"400")
    raw(cluster, good + f"Authorization: Bearer {TOKEN}\r\nContent-Length: 3\r\n\r\nabc".encode(), b"401")
    raw(cluster, head + b"Content-Length: 3000000\r\n\r\n", b"401")  # at once, without the body
    raw(cluster, good + b"Content-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n", b"200")
    with socket.create_connection(("127.0.0.1", cluster.http[1]), 20) as connection:
        for piece in (good[:50], good[50:], b"Content-Length: 6\r\n\r\na", b"=1&", b"b="):
            connection.sendall(piece)
            time.sleep(0.02)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    slow = []
    for _ in range(8):  # of bodies that never end there are four at most
        connection = socket.create_connection(("127.0.0.1", cluster.http[1]), 20)
        connection.sendall(good + b"Content-Length: 3000000\r\n\r\nname=")
        slow.append(connection)
    assert cluster.get(1, "/health/live", timeout=2)[0] == 200
    refused = 0
    for connection in slow:
        with connection:
            began = time.monotonic()
            refused += connection.recv(4096).startswith(b"HTTP/1.1 503")
            assert within(time.monotonic() - began, 15)
    assert refused == 4, refused
    assert cluster.post("unlock")[0] == 200


# ---- What is changed ----


def topic(cluster):
    """Created, altered, deleted: each said before, and done by the command that is shown, too."""
    wish = {"name": "made", "partitions": 4, "replicas": 3, "settings": "retention.ms=3600000\ncleanup.policy=compact"}
    plan = cluster.change("create-topic", dry_run=1, **wish)
    assert plan["dry_run"] and "4 partitions, 3 replicas" in plan["plan"][0], plan
    assert plan["command"] == "drave topic create made -p 4 -r 3 -c retention.ms=3600000 -c cleanup.policy=compact", plan
    cluster.ask("topic", name="made", status=404)
    assert not cluster.change("create-topic", **wish)["dry_run"]
    wait_until("the new topic", lambda: cluster.get(1, "/api/topic?name=made")[0] == 200)
    cluster.wait_leaders("made", in_sync=3)
    assert cluster.change("create-topic", status=409, **wish)["error"]["code"] == "TOPIC_ALREADY_EXISTS"
    other = cluster.change("create-topic", dry_run=1, **{**wish, "name": "made2"})["command"]
    cluster.shell(other)
    wait_until("the topic of the command", lambda: cluster.get(1, "/api/topic?name=made2")[0] == 200)
    for bad, status in (
        ({"name": "a b"}, 409),
        ({"name": "x" * 300}, 409),
        ({"name": ""}, 400),
        ({"name": "x", "settings": "nonsense"}, 400),
        ({"name": "x", "settings": "nonsense=1"}, 409),
        ({"name": "x", "partitions": 1000000}, 409),
        ({"name": "x\r\nSet-Cookie: a=b"}, 409),
        ({"name": "x" * 3000}, 400),
        ({"name": "x", "partitions": "1O"}, 400),
        ({"name": "x", "replicas": "three"}, 400),
        ({"name": "x", "dry_run": "true"}, 400),
        ({"name": "x", "dry_run": ""}, 400),
    ):
        cluster.change("create-topic", status=status, **bad)
    cluster.ask("topic", name="x", status=404)
    plan = cluster.change("settings", dry_run=1, topic="made", settings="retention.ms=7200000\ncleanup.policy")
    assert plan["plan"] == ["retention.ms: 3600000 -> 7200000", "cleanup.policy: compact -> its default"], plan
    assert plan["command"] == "drave topic alter made -c retention.ms=7200000 -d cleanup.policy", plan

    def now(name, setting):
        return {s["name"]: s["value"] for s in cluster.ask("config", topic=name)["settings"]}[setting]

    assert now("made", "retention.ms") == "3600000"
    cluster.change("settings", topic="made", settings="retention.ms=7200000\ncleanup.policy")
    wait_until("the new setting", lambda: now("made", "retention.ms") == "7200000" and now("made", "cleanup.policy") == "delete")
    cluster.shell(plan["command"].replace("made", "made2"))
    wait_until("the setting of the command", lambda: now("made2", "retention.ms") == "7200000")
    cluster.change("settings", status=409, topic="made", settings="retention.ms=never")
    cluster.change("settings", status=404, topic="nowhere", settings="retention.ms=1")
    cluster.change("settings", status=400, topic="made")
    plan = cluster.change("delete-topic", dry_run=1, name="made")
    assert plan["command"] == "drave topic delete made" and "4 partitions" in plan["plan"][0]
    cluster.change("delete-topic", status=400, name="made")
    cluster.change("delete-topic", status=400, name="made", confirm="mad")
    cluster.change("delete-topic", status=404, name="nowhere", confirm="nowhere")
    cluster.change("delete-topic", status=400, name="__consumer_offsets", confirm="__consumer_offsets")
    cluster.change("delete-topic", name="made", confirm="made")
    wait_until("the topic to be gone", lambda: cluster.get(1, "/api/topic?name=made")[0] == 404)
    log = cluster[1].log_text()
    assert "console, from 127.0.0.1: topic made created" in log and "topic made deleted" in log and "retention.ms=7200000" in log


def produce(cluster):
    """Bytes as they are given: text, base64, null, headers; the command makes the same record."""
    cluster.create("hand", 2)
    cluster.wait_leaders("hand", in_sync=3)
    binary = base64.b64encode(bytes(range(256))).decode()
    for form, key, value in (
        ({"key": "it's <b>\u202e", "value": '{"a": 1}', "headers": "trace=1=2\nnone"}, {"text": "it's <b>\u202e"}, {"text": '{"a": 1}'}),
        ({"key_base64": binary, "value_base64": binary}, {"base64": binary}, {"base64": binary}),
        ({"key": "gone"}, {"text": "gone"}, None),
        ({"value": ""}, None, {"text": ""}),
        ({"value": "$(touch /tmp/owned) `x` \\ \" ' %s\n\t"}, None, {"text": "$(touch /tmp/owned) `x` \\ \" ' %s\n\t"}),
    ):
        plan = cluster.change("produce", dry_run=1, topic="hand", partition=1, **form)
        assert plan["dry_run"] and "partition 1 of hand" in plan["plan"][0]
        done = cluster.change("produce", topic="hand", partition=1, **form)
        one = cluster.ask("records", topic="hand", partition=1, limit=1)["records"][0]
        assert one["offset"] == done["offset"] and one["key"] == key and one["value"] == value, one
        cluster.shell(plan["command"])
        again = cluster.ask("records", topic="hand", partition=1, limit=1)["records"][0]
        assert int(again["offset"]) == int(one["offset"]) + 1, again
        assert (again["key"], again["value"], again["headers"]) == (one["key"], one["value"], one["headers"]), (plan["command"], again)
    big = "x" * (900 << 10)
    plan = cluster.change("produce", dry_run=1, topic="hand", partition=0, value=big)
    assert plan["command"] == "drave produce hand --json < record.json"
    assert cluster.change("produce", topic="hand", partition=0, value=big)["offset"] == "0"
    for bad, status in (
        ({"topic": "nowhere", "partition": 0}, 404),
        ({"topic": "hand", "partition": 2}, 404),
        ({"topic": "hand"}, 404),
        ({"partition": 0}, 400),
        ({"topic": "hand", "partition": 0, "value_base64": "@"}, 400),
        ({"topic": "hand", "partition": 0, "headers": "\n".join(f"h{i}=" for i in range(101))}, 400),
        ({"topic": "__consumer_offsets", "partition": 0, "value": "x"}, 400),
        ({"topic": "hand", "partition": 0, "value": "x" * (2 << 20)}, 409),
    ):
        cluster.change("produce", status=status, **bad)
    for size in (5000, 1 << 20, 5 << 19):  # too much for a command that is shown
        got = cluster.post("produce", body=b"topic=hand&partition=0&dry_run=1&headers=h%3D" + b"\1" * size)
        assert got[0] == 200 and json.loads(got[1])["command"] == plan["command"], (size, got[0], got[1][:200])


def committed(cluster, name):
    return {
        (o["topic"], o["partition"]): int(o["committed"]) for o in cluster.ask("group", name=name)["offsets"] if o["committed"] is not None
    }


def rows(plan):
    return "\n".join(f"{r['partition']} {r['to']} {r['topic']}" for r in plan["rows"])


def seek(cluster):
    """Where a group goes on: the plan has each partition, and exactly that is committed; a group with members is left alone."""
    cluster.create("way", 2)
    cluster.wait_leaders("way", in_sync=3)
    producer = console_api.Producer({"bootstrap.servers": cluster.bootstrap})
    for i in range(200):
        producer.produce("way", value=f"{i}", partition=i % 2, timestamp=1700000000000 + i * 1000)
    producer.flush()
    name = "o'clock <b>"
    consumer = Consumer(
        {"bootstrap.servers": cluster.bootstrap, "group.id": name, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    )
    consumer.subscribe(["way"])
    got = []
    wait_until("its records", lambda: got.extend(consumer.consume(200, 1)) or len(got) >= 200)
    consumer.commit(asynchronous=False)
    plan = cluster.change("seek", dry_run=1, name=name, to="earliest")
    assert [(r["topic"], r["partition"], r["from"], r["to"]) for r in plan["rows"]] == [("way", 0, "100", "0"), ("way", 1, "100", "0")]
    assert "0 records will be skipped, 200 read again" in plan["plan"][0], plan
    assert cluster.change("seek", status=409, name=name, to="earliest", offsets=rows(plan))["error"]["code"] == "members"
    assert committed(cluster, name) == {("way", 0): 100, ("way", 1): 100}
    consumer.close()
    # What is not there is brought within the log, and said, as drave group seek does both.
    beyond = cluster.change("seek", dry_run=1, name=name, to="offset", offset=9999)
    assert beyond["plan"][1:] == ["way-0 has the offsets 0 to 100, not 9999; it is 100 instead.",
                                  "1 other partition has no such offset either."], beyond  # fmt: skip
    told = cluster.drave("group", "seek", name, "--to", 9999, check=False).stderr
    assert beyond["plan"][1].rstrip(".") in told, told
    cluster.change("seek", name=name, to="earliest", offsets=rows(plan))
    assert committed(cluster, name) == {("way", 0): 0, ("way", 1): 0}
    for wish, wanted in (
        ({"to": "offset", "offset": 30}, (30, 30)),
        ({"to": "offset", "offset": 9999}, (100, 100)),
        ({"to": "by", "by": -10}, (0, 0)),
        ({"to": "by", "by": 10}, (10, 10)),
        ({"to": "time", "time": 1700000000000 + 101 * 1000}, (51, 50)),
        ({"to": "time", "time": 1900000000000}, (100, 100)),
        ({"to": "ago", "ago": "1h"}, (100, 100)),
        ({"to": "latest"}, (100, 100)),
    ):
        plan = cluster.change("seek", dry_run=1, name=name, topic="way", **wish)
        assert tuple(int(r["to"]) for r in plan["rows"]) == wanted, (wish, plan)
    cluster.change("seek", name=name, to="time", time=1700000101000, offsets="0 51 way\n1 50 way")
    assert committed(cluster, name) == {("way", 0): 51, ("way", 1): 50}
    plan = cluster.change("seek", dry_run=1, name=name, to="offset", offset=77, topic="way")
    cluster.shell(plan["command"])
    assert committed(cluster, name) == {("way", 0): 77, ("way", 1): 77}, plan["command"]
    plan = cluster.change("seek", dry_run=1, name="new one", to="latest", topic="way")
    assert [r["from"] for r in plan["rows"]] == ["-1", "-1"]
    cluster.change("seek", name="new one", to="latest", offsets=rows(plan))
    assert committed(cluster, "new one") == {("way", 0): 100, ("way", 1): 100}
    keys = "^C\x03\n'it\\s'\x7f\t\u00e9"  # nothing of a command is a key that a terminal would take for pressed
    command = cluster.change("seek", dry_run=1, name=keys, to="offset", offset=3, topic="way")["command"]
    assert command.isprintable() and "\u00e9" in command, command
    cluster.shell(command, of="bash")
    assert committed(cluster, keys) == {("way", 0): 3, ("way", 1): 3}
    for bad, status in (
        ({"name": name}, 400),
        ({"name": name, "to": "nowhere"}, 400),
        ({"name": name, "to": "by"}, 400),
        ({"name": name, "to": "ago", "ago": "1"}, 400),
        ({"name": name, "to": "offset"}, 400),
        ({"name": name, "to": "latest"}, 400),
        ({"name": name, "to": "latest", "offsets": "0 -1 way"}, 400),
        ({"name": name, "to": "latest", "offsets": "x"}, 400),
        ({"name": "nobody", "to": "latest", "dry_run": 1}, 409),
        ({"name": name, "to": "latest", "topic": "nowhere", "dry_run": 1}, 409),
    ):
        cluster.change("seek", status=status, **bad)
    assert cluster.change("seek", status=409, name=name, to="latest", offsets="7 0 way")["error"]["code"] == "UNKNOWN_TOPIC_OR_PARTITION"
    told = cluster.change("seek", status=409, name=name, to="latest", offsets="1 44 way\n7 0 way")["error"]["text"]
    assert told.startswith("Partition 7 of way: ") and told.endswith(" 1 other partition was set."), told
    assert committed(cluster, name) == {("way", 0): 77, ("way", 1): 44}
    assert f"group {name}: offsets of 1 partitions set (latest)" in cluster[1].log_text()


def share_reset(cluster):
    """Where a group that shares begins: the plan has each partition, and exactly that is set, by the command that is shown too."""
    cluster.create("ledger", 2)
    cluster.wait_leaders("ledger", in_sync=3)
    for partition in (0, 1):
        cluster.drave("produce", "ledger", "-p", partition, stdin="x\n" * 10)
    name = "it's <b>"
    cluster.drave("config", "set", f"group:{name}", "share.auto.offset.reset=earliest")
    cluster.drave("consume", "ledger", "--share", name, "-e")

    def starts():
        return [int(one["start"]) for one in cluster.ask("group", name=name)["offsets"]]

    wait_until("what it is done with", lambda: starts() == [10, 10])
    plan = cluster.change("share-reset", dry_run=1, name=name, to="earliest")
    assert [(r["partition"], r["from"], r["to"]) for r in plan["rows"]] == [(0, "10", "0"), (1, "10", "0")], plan
    assert "0 records will be skipped, 20 read again" in plan["plan"][0] and "forgotten" in plan["plan"][1], plan
    assert starts() == [10, 10]
    cluster.change("share-reset", name=name, to="earliest", offsets="0 0 ledger\n1 4 ledger")
    wait_until("the starts", lambda: starts() == [0, 4])
    assert f"group {name}: offsets of 2 partitions set (earliest)" in cluster[1].log_text()
    cluster.shell(cluster.change("share-reset", dry_run=1, name=name, to="offset", offset=7, topic="ledger")["command"])
    wait_until("the starts", lambda: starts() == [7, 7])
    for bad, status in (
        ({"name": name}, 400),
        ({"name": name, "to": "by", "by": -1}, 400),
        ({"name": name, "to": "latest"}, 400),
        ({"name": name, "to": "latest", "offsets": "0 -1 ledger"}, 400),
        ({"name": name, "to": "latest", "topic": "nowhere", "dry_run": 1}, 409),
        ({"name": "nobody", "to": "latest", "dry_run": 1}, 409),
        ({"name": name, "to": "latest", "offsets": "7 0 ledger"}, 409),
    ):
        cluster.change("share-reset", status=status, **bad)
    assert starts() == [7, 7]


def placing(cluster):
    """Partitions are added, leads are moved, brokers are drained, groups are deleted: each said before, and done by the command that is shown."""
    cluster.create("placed", 2)
    cluster.wait_leaders("placed", in_sync=3)
    plan = cluster.change("add-partitions", dry_run=1, topic="placed", more=2)
    assert plan["plan"][0] == "Topic placed: 2 -> 4 partitions." and plan["command"] == "drave topic add-partitions placed -n 2", plan
    assert len(cluster.describe("placed")["partitions"]) == 2
    cluster.change("add-partitions", topic="placed", more=2)
    cluster.shell(plan["command"])
    wait_until("six partitions", lambda: len(cluster.describe("placed")["partitions"]) == 6)
    cluster.wait_leaders("placed", in_sync=3)
    for form, status in (
        ({"topic": "placed"}, 400), ({"topic": "placed", "more": "x"}, 400), ({"topic": "nowhere", "more": 1}, 404),
        ({"topic": "__consumer_offsets", "more": 1}, 400), ({"more": 1}, 400),
    ):  # fmt: skip
        cluster.change("add-partitions", status=status, **form)
    for partition in (0, 4):
        now = next(p for p in cluster.describe("placed")["partitions"] if p["id"] == partition)
        to = next(node for node in now["replicas"] if node != now["leader"])
        plan = cluster.change("move-leader", dry_run=1, topic="placed", partition=partition, to=to)
        assert f"broker {to} will lead in place of broker {now['leader']}" in plan["plan"][0], plan
        assert cluster.leaders("placed")[partition] == now["leader"]
        cluster.change("move-leader", topic="placed", partition=partition, to=to)
        wait_until("the lead", lambda partition=partition, to=to: cluster.leaders("placed")[partition] == to)
        then = next(p for p in cluster.describe("placed")["partitions"] if p["id"] == partition)
        assert then["replicas"][0] == to and set(then["replicas"]) == set(now["replicas"]), (now, then)
        back = cluster.change("move-leader", dry_run=1, topic="placed", partition=partition, to=now["leader"])["command"]
        cluster.shell(back)
        first = next(p for p in cluster.describe("placed")["partitions"] if p["id"] == partition)["replicas"][0]
        assert first == now["leader"], (back, first)
    for form, status in (
        ({"topic": "placed", "partition": 99, "to": 1}, 404), ({"topic": "placed", "partition": 0, "to": 77}, 400), ({"topic": "nowhere"}, 404),
    ):  # fmt: skip
        cluster.change("move-leader", status=status, **form)
    cluster.drave("produce", "placed", stdin="x\n" * 3)
    for group in ("gone too", "-gone"):
        cluster.drave("consume", "placed", "-G", group, "-o", "beginning", "-n", 3)
        plan = cluster.change("delete-group", dry_run=1, name=group)
        cluster.change("delete-group", status=400, name=group)
        if group == "gone too":
            assert plan["command"] == "drave group delete 'gone too'", plan
            cluster.change("delete-group", name=group, confirm=group)
        else:
            assert plan["command"] == "drave group delete -- -gone", plan
            cluster.shell(plan["command"].replace(" -- ", f" -b {cluster.bootstrap} -- ") + " #")
        assert group not in [g["group"] for g in cluster.drave("group", "list", json_out=True)]
    cluster.change("delete-group", status=409, name="nobody", confirm="nobody")
    assert cluster.change("create-topic", dry_run=1, name="-x", partitions=1, replicas=1)["command"] == "drave topic create -p 1 -r 1 -- -x"
    plan = cluster.change("drain", dry_run=1, broker=3, undo=1)
    assert plan["command"] == "drave broker drain 3 --undo", plan
    cluster.change("drain", status=400)
    cluster.change("drain", status=409, broker=99)
    log = cluster[1].log_text()
    for line in ("topic placed: 2 partitions more than 2", "group gone too deleted", "leads in place of broker"):
        assert line in log, line


def drained(cluster):
    """A broker is drained, and taken back."""
    plan = cluster.change("drain", dry_run=1, broker=4)
    assert "no new replicas" in plan["plan"][0] and plan["command"] == "drave broker drain 4", plan
    cluster.change("drain", broker=4)
    wait_until("broker 4 to be drained", lambda: not any(4 in p["replicas"] for p in cluster.describe("spread")["partitions"]), 60)
    cluster.change("drain", broker=4, undo=1)
    assert "broker 4 is drained" in cluster[1].log_text() and "broker 4 is as any other again" in cluster[1].log_text()


def unreached(cluster):
    """A leader that is fenced and does not answer is asked for nothing, and what another one said is not taken for its answer."""
    cluster.create("lone", 6, 1)
    cluster.wait_leaders("lone")
    (partition, *_) = (p["partition"] for p in cluster.ask("topic", name="lone")["partitions"] if p["leader"] == 2)
    cluster[2].pause()
    try:
        wait_until("broker 2 to be fenced", lambda: [b for b in cluster.ask("overview")["brokers"] if b["id"] == 2 and b["fenced"]])
        told = cluster.change("produce", status=502, topic="lone", partition=partition, value="x")
        assert "it is not reached" in told["error"]["text"], told
        assert "a record is to be appended to lone" in cluster[1].log_text() and "how that ended is not known" in cluster[1].log_text()
    finally:
        cluster[2].resume()


def main():
    suite = Suite()
    with console_api.Seen(1) as cluster:
        suite.run(read_only, cluster, name="console_admin_read_only")
    with Admin(3) as cluster:
        suite.run(guarded, cluster, name="console_admin_guarded")
        suite.run(bodies, cluster, name="console_admin_bodies")
        suite.run(seek, cluster, name="console_admin_seek")
        suite.run(share_reset, cluster, name="console_admin_share_reset")
        suite.run(topic, cluster, name="console_admin_topic")
        suite.run(produce, cluster, name="console_admin_produce")
        suite.run(placing, cluster, name="console_admin_placing")
        suite.run(unreached, cluster, name="console_admin_unreached")
        suite.run(refused_starts, cluster, name="console_admin_refused_starts")
    with Admin(4) as cluster:
        cluster.create("spread", 4)
        cluster.wait_leaders("spread", in_sync=3)
        suite.run(drained, cluster, name="console_admin_drained")
    assert not os.path.exists("/tmp/owned")
    suite.end()


if __name__ == "__main__":
    main()
