"""What the console's API tells: brokers, topics, records, groups and events as they are, within its limits, to nobody who has no business there; it never
changes anything. With --short, as a part of the integration suite, with fewer topics."""

import contextlib
import gzip
import http.client
import json
import re
import socket
import sys
import threading
import time
import urllib.parse

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from harness.cluster import Cluster, free_ports, wait_until
from harness.patience import within
from harness.suite import Suite

SHORT = "--short" in sys.argv
TOPICS = 500 if SHORT else 10000


class Seen(Cluster):
    """A cluster whose brokers serve the console, each on a port of its own."""

    def __init__(self, size, **settings):
        super().__init__(size, settings={"broker.session.timeout.ms": 2000, "broker.heartbeat.interval.ms": 500, **settings})
        self.http = dict(zip(range(1, size + 1), free_ports(size), strict=True))
        for broker in self:
            plain = broker.arguments
            broker.arguments = lambda plain=plain, node=broker.node: [*plain(), "--set", f"http.listen=127.0.0.1:{self.http[node]}"]

    def get(self, node, path, method="GET", headers=None, timeout=15):
        """(status, headers, body)"""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.http[node], timeout=timeout)) as connection:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            body = answer.read()
            return answer.status, answer.headers, gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body

    def ask(self, route, node=1, status=200, **query):
        got, _, body = self.get(node, f"/api/{route}?{urllib.parse.urlencode(query)}")
        assert got == status, (route, query, got, body[:300])
        return json.loads(body)


def payload(of):
    return None if of is None else of.get("text", of.get("base64"))


# ---- Pages ----


def pages(cluster):
    """The files are there, compressed, kept by browsers, under a policy that lets nothing else in; nothing takes a write."""
    status, headers, body = cluster.get(1, "/")
    assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8" and headers["Cache-Control"] == "no-cache"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert not re.search(rb"<script(?![^>]*src=)|\sstyle=|\son[a-z]+=", body), "the page has inline code"
    files = re.findall(r'(?:src|href)="(/console/[^"]+)"', body.decode())
    assert len(files) == 3, files
    place = files[0].rsplit("/", 1)[0]
    queue, seen, size = [f.rsplit("/", 1)[1] for f in files], {}, 0
    while queue:
        name = queue.pop()
        status, headers, body = cluster.get(1, f"{place}/{name}")
        assert status == 200 and "immutable" in headers["Cache-Control"] and headers["X-Content-Type-Options"] == "nosniff", name
        seen[name], size = body, size + int(headers["Content-Length"])
        queue += [i for i in re.findall(r'from "\./([a-z]+\.js)"', body.decode()) if i not in seen]
    assert size < 100 << 10 and "records.js" in seen, (size, sorted(seen))
    assert cluster.get(1, f"{place}/../app.js")[0] == 404 and cluster.get(1, "/console/app.js")[0] == 404
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        for path in ("/", "/api/topics", "/api/topic?name=t", "/api/groups"):
            assert cluster.get(1, path, method=method)[0] == 405, (method, path)
    assert cluster.get(1, "/api/nothing")[0] == 404 and cluster.get(1, "/metrics")[0] == 200
    return f"{size} bytes compressed"


def names(cluster):
    """Only addresses, localhost and the names of console.hosts are answered: no stranger's name that leads here."""
    for host, wanted in (
        ("127.0.0.1:80", 200),
        ("[::1]:8092", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("drave.example", 200),
        ("drave.example:8092", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("example", 421),
        ("", 421),
    ):
        for path in ("/", "/api/overview"):
            assert cluster.get(1, path, headers={"Host": host})[0] == wanted, (host, path)
    assert cluster.get(1, "/metrics", headers={"Host": "evil.example"})[0] == 200
    for site, wanted in (("same-origin", 200), ("none", 200), ("cross-site", 403), ("same-site", 403), ("", 403)):
        for path in ("/api/overview", "/api/tail?topic="):
            assert cluster.get(1, path, headers={"Sec-Fetch-Site": site})[0] == wanted, (site, path)
        assert cluster.get(1, "/", headers={"Sec-Fetch-Site": site})[0] == 200, "a link may lead here"


# ---- What it tells ----


def overview(cluster):
    told = cluster.ask("overview")
    assert [b["id"] for b in told["brokers"]] == [1, 2, 3] and all(b["answers"] for b in told["brokers"])
    assert told["metadata_leader"] in (1, 2, 3) and told["served_by"] == 1
    for broker in told["brokers"]:
        assert {h["name"] for h in broker["health"]} == {"ready", "stoppable", "cluster"}
        metrics = broker["metrics"]
        assert metrics["drave_partitions"]["samples"] and metrics["drave_request_seconds"]["bounds"]
        assert len(metrics["drave_request_seconds"]["samples"][0]["counts"]) == len(metrics["drave_request_seconds"]["bounds"]) + 1
    assert cluster.ask("overview", node=2)["served_by"] == 2
    wait_until(
        "the brokers to tell that they were started",
        lambda: all("started" in [e["kind"] for e in b["events"]] for b in cluster.ask("events")["brokers"]),
    )


def metadata(cluster):
    """The tree of the metadata, a page of it at a time; a place that is not there, or is none."""
    root = cluster.ask("meta")
    assert root["path"] == "/" and root["value"] is None and {"brokers", "topics"} <= {one["name"] for one in root["children"]}, root
    here = cluster.ask("meta", path="/brokers/ids/2")
    assert json.loads(here["value"])["id"] == 2 and here["children"] == [] and here["total"] == 0
    page = cluster.ask("meta", path="/brokers/ids", **{"from": 1, "limit": 1})
    assert page["total"] == 3 and [one["name"] for one in page["children"]] == ["2"] and page["from"] == 1, page
    for path in ("/nowhere", "/topics/" + "x" * 300, "/brokers/ids/2/3", "/\x01"):
        status, _, body = cluster.get(1, "/api/meta?" + urllib.parse.urlencode({"path": path}))
        assert status == 404 and b"there is no /" in body, (path[:20], status, body)


def topics(cluster):
    cluster.create("alpha", 4)
    cluster.create("Beta", 1, **{"retention.ms": 1234567, "cleanup.policy": "compact"})
    cluster.wait_leaders("alpha", in_sync=3)
    cluster.drave("produce", "alpha", stdin="".join(f"{i}\n" for i in range(100)))
    listed = wait_until("the new topics in the list", lambda: (t := cluster.ask("topics"))["total"] >= 2 and t)
    assert {"alpha", "Beta"} <= {t["name"] for t in listed["topics"]} and not any(t["internal"] for t in listed["topics"])
    assert [t["name"] for t in cluster.ask("topics", search="bet")["topics"]] == ["Beta"]
    assert cluster.ask("topics", sort="partitions", order="falling", limit=1)["topics"][0]["partitions"] == 4
    assert cluster.ask("topics", **{"from": 1, "limit": 1})["from"] == 1
    wait_until("its records in the list", lambda: cluster.ask("topics", search="alpha")["topics"][0]["records"] == 100)
    one = cluster.ask("topic", name="alpha")
    assert one["total"] == 4 and sum(int(p["end"]) - int(p["start"]) for p in one["partitions"]) == 100
    assert all(sorted(p["replicas"]) == [1, 2, 3] == sorted(p["in_sync"]) and p["leader"] in (1, 2, 3) for p in one["partitions"])
    settings = {s["name"]: s for s in cluster.ask("config", topic="Beta")["settings"]}
    assert settings["retention.ms"]["value"] == "1234567" and settings["retention.ms"]["source"] == "topic"
    assert settings["segment.bytes"]["source"] == "default" and settings["segment.bytes"]["meaning"]
    broker = {s["name"]: s for s in cluster.ask("config", broker=2)["settings"]}
    assert broker["node.id"]["value"] == "2" and broker["node.id"]["source"] == "settings file"
    assert cluster.ask("topic", name="nowhere", status=404)["error"]["code"] == "topic"
    assert cluster.ask("topic", status=400)["error"]["text"].startswith("Which topic")
    assert cluster.ask("config", topic="nowhere", status=404) and cluster.ask("config", broker=77, status=404)


def records(cluster):
    """From everywhere, by what they have in them, going on where it ended; bytes as they are."""
    cluster.create("data", 2)
    cluster.wait_leaders("data", in_sync=3)
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 50, "compression.type": "zstd"})
    odd = [
        (b"<script>alert(1)</script>", b'{"n": 9223372036854775807, "s": "\xe2\x80\xae"}'),
        (b"\xff\x00\xfe", b"\x00\x01\x02"),
        (None, None),
        (b"", b""),
    ]
    for i in range(2000):
        key, value = odd[i] if i < len(odd) else (f"key-{i}".encode(), f"value {i}".encode())
        producer.produce(
            "data",
            key=key,
            value=value,
            partition=i % 2,
            timestamp=1700000000000 + i,
            headers=[("trace", f"t{i}".encode()), ("none", None)],
        )
    producer.flush()
    newest = cluster.ask("records", topic="data")
    assert len(newest["records"]) == 50 and newest["done"], newest["partitions"]
    assert {payload(r["key"]) for r in newest["records"]} == {f"key-{i}" for i in range(1950, 2000)}
    told = cluster.ask("records", topic="data", **{"from": "oldest", "limit": 500})
    first = {(r["partition"], r["offset"]): r for r in told["records"]}
    assert len(first) == 500 and not told["done"] and sorted(told["next"].split(",")) == ["0:250", "1:250"], told["next"]
    assert payload(first[0, "0"]["key"]) == "<script>alert(1)</script>" and payload(first[0, "0"]["value"]) == odd[0][1].decode()
    assert first[1, "0"]["key"] == {"base64": "/wD+"} and first[1, "0"]["value"] == {"text": "\x00\x01\x02"}
    assert first[0, "1"]["key"] is None and first[0, "1"]["value"] is None and first[0, "1"]["value_bytes"] == -1
    assert first[1, "1"]["key"] == {"text": ""} and first[1, "1"]["headers"][1]["value"] is None
    assert first[0, "0"]["time_ms"] == "1700000000000" and first[0, "0"]["codec"] == "zstd"
    one = cluster.ask("records", topic="data", partition=1, **{"from": "offset", "offset": 500, "limit": 2})
    assert [r["offset"] for r in one["records"]] == ["500", "501"] and one["next"] == "1:502" and not one["done"]
    on = cluster.ask("records", topic="data", at=one["next"], limit=1)
    assert [(r["partition"], r["offset"]) for r in on["records"]] == [(1, "502")]
    late = cluster.ask("records", topic="data", partition=0, **{"from": "time", "time": 1700000001000, "limit": 1})
    assert late["records"][0]["offset"] == "500"
    assert cluster.ask("records", topic="data", **{"from": "time", "time": 1900000000000})["records"] == []
    for query, wanted in (
        ({"key": "key-77"}, 11),
        ({"value": "value 1999"}, 1),
        ({"header": "t1234"}, 1),
        ({"any": "key-5"}, 111),
        ({"any": "nowhere"}, 0),
        ({"json": "/n=9223372036854775807"}, 1),
        ({"json": "/n=9223372036854775806"}, 0),
        ({"json": "/s=\u202e"}, 1),
        ({"json": "/n", "key": "alert"}, 1),
    ):
        found = cluster.ask("records", topic="data", **{"from": "oldest", "limit": 500}, **query)
        assert len(found["records"]) == wanted and found["done"] and found["scanned_records"] == 2000, (
            query,
            len(found["records"]),
            found["scanned_records"],
        )
    producer.produce("data", value=b"x" * 900000, partition=0)
    producer.flush()
    large = cluster.ask("records", topic="data", partition=0, limit=1)["records"][0]
    assert large["value_bytes"] == 900000 and large["value"]["left_out"] == 900000 - 16384
    whole = cluster.ask("records", topic="data", partition=0, **{"from": "offset", "offset": large["offset"], "limit": 1, "bytes": 1 << 20})
    assert whole["records"][0]["value"]["text"] == "x" * 900000
    newest = cluster.ask("records", topic="data", limit=1)
    assert len(newest["records"]) == 2 and newest["done"]  # the last one of each
    follow = newest["next"]
    producer.produce("data", value=b"new one", partition=1)
    producer.flush()
    assert [payload(r["value"]) for r in cluster.ask("records", topic="data", at=follow)["records"]] == ["new one"]
    for query, status in (
        ({"topic": "nowhere"}, 404),
        ({}, 400),
        ({"topic": "data", "partition": 9}, 404),
        ({"topic": "data", "at": "0:x"}, 400),
        ({"topic": "data", "at": "7:1"}, 400),
        ({"topic": "data", "json": "n=1"}, 400),
    ):
        cluster.ask("records", status=status, **query)
    assert "OUT_OF_RANGE" in cluster.ask("records", topic="data", at="0:99999999")["partitions"][0]["trouble"]


class Tail:
    """A stream of events, read as it comes."""

    def __init__(self, cluster, query, last_id=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", cluster.http[1], timeout=20)
        self.connection.request("GET", f"/api/tail?{urllib.parse.urlencode(query)}", headers={"Last-Event-ID": last_id} if last_id else {})
        self.answer = self.connection.getresponse()
        self.id = None

    def __enter__(self):
        assert self.answer.status == 200 and self.answer.headers["Content-Type"] == "text/event-stream", self.answer.status
        assert self.answer.headers["Cache-Control"] == "no-store" and "default-src" in self.answer.headers["Content-Security-Policy"]
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.answer.close()
        self.connection.close()

    def event(self):
        """(kind, what it tells)"""
        fields = {}
        while line := self.answer.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        if "event" not in fields:
            return self.event() if fields else (None, None)
        self.id = fields["id"]
        return fields["event"], json.loads(fields["data"])

    def values(self, count):
        got = []
        while len(got) < count:
            kind, told = self.event()
            assert kind == "records", (kind, told)
            got += [payload(r["value"]) for r in told["records"]]
        return got


def tail(cluster):
    """New records as they come, once each, also over streams that break off; filters hold; what is refused is told."""
    cluster.create("live", 2)
    cluster.wait_leaders("live", in_sync=3)
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 0})

    def send(first, last):
        for i in range(first, last):
            producer.produce("live", value=f"v{i}", partition=i % 2)
        producer.flush()

    send(0, 10)
    with Tail(cluster, {"topic": "live", "from": "oldest"}) as stream:
        assert sorted(stream.values(10)) == sorted(f"v{i}" for i in range(10))
        send(10, 20)
        assert sorted(stream.values(10)) == sorted(f"v{i}" for i in range(10, 20))
        place = stream.id
    send(20, 1500)
    with Tail(cluster, {"topic": "live", "at": "0:0,1:0", "limit": 500}, last_id=place) as stream:
        assert sorted(stream.values(1480)) == sorted(f"v{i}" for i in range(20, 1500))
    with Tail(cluster, {"topic": "live", "at": place, "value": "v77"}) as stream:
        assert sorted(stream.values(11)) == sorted(["v77"] + [f"v77{i}" for i in range(10)])
    large = [f"{i:03}" + "x" * 50000 for i in range(300)]
    with Tail(cluster, {"topic": "live", "at": stream.id, "bytes": 65536}) as stream:  # of which nothing is read until all is there
        for value in large:
            producer.produce("live", value=value, partition=1)
        producer.flush()
        wait_until(
            "the large ones", lambda: cluster.ask("records", topic="live", partition=1, limit=1)["records"][0]["value_bytes"] == 50003
        )
        assert stream.values(300) == large, "some are missing, or came twice"
    with socket.socket() as deaf:  # for whom reads nothing, nothing is read
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", cluster.http[1]))
        deaf.sendall(b"GET /api/tail?topic=live&from=oldest&limit=500&bytes=65536 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        seen = [0]

        def at_rest():
            pages = (cluster.get(node, "/metrics")[2].decode() for node in (1, 2, 3))
            seen.append(sum(int(n) for page in pages for n in re.findall(r'drave_requests_total{api="Fetch".*} (\d+)', page)))
            return seen[-1] == seen[-2]

        wait_until("the fetches of a stream to rest", at_rest, 20, 2.5)
    for query in ({"topic": "nowhere"}, {}, {"topic": "live", "at": "x"}):
        with Tail(cluster, query) as stream:
            kind, told = stream.event()
            assert kind == "trouble" and told["error"]["text"], (query, kind, told)
            assert stream.event() == (None, None), "the stream goes on"
    with Tail(cluster, {"topic": "live"}, last_id="0:1\t\x7f'") as stream:
        assert stream.event()[0] == "trouble"
    open_ones = [Tail(cluster, {"topic": "live"}) for _ in range(14)]
    assert [t.answer.status for t in open_ones].count(503) >= 2
    assert cluster.ask("topic", name="live")["total"] == 2
    for one in open_ones:
        one.close()
    wait_until("their places to be free", lambda: cluster.get(1, "/api/tail?topic=")[0] == 200)
    assert cluster.get(1, "/api/tail", method="POST")[0] == 405


def groups(cluster):
    """Both protocols, lag, members, and why; names as odd as they may be."""
    cluster.create("work", 3)
    cluster.wait_leaders("work", in_sync=3)
    cluster.drave("produce", "work", stdin="".join(f"{i}\n" for i in range(300)))
    odd = "a group <b>\"&' \u202e"
    for name, protocol in (("plain", "classic"), (odd, "consumer")):
        consumer = Consumer(
            {
                "bootstrap.servers": cluster.bootstrap,
                "group.id": name,
                "auto.offset.reset": "earliest",
                "group.protocol": protocol,
                "enable.auto.commit": False,
            }
        )
        consumer.subscribe(["work"])
        got = []
        wait_until(f"records for {name}", lambda consumer=consumer, got=got: got.extend(consumer.consume(60, 1)) or len(got) >= 60)
        consumer.commit(asynchronous=False)
        told = cluster.ask("group", name=name)
        assert told["type"] == protocol and len(told["members"]) == 1 and told["members"][0]["partitions"] == 3, told
        assert told["coordinator"] in (1, 2, 3) and len(told["offsets"]) == 3
        lag = sum(int(o["end"]) - int(o["committed"]) for o in told["offsets"] if o["committed"] is not None)
        assert sum(int(o["lag"]) for o in told["offsets"] if o["lag"] is not None) == lag, told["offsets"]
        assert {o["member"] for o in told["offsets"]} == {told["members"][0]["id"]}
        consumer.close()
        left = cluster.ask("group", name=name)
        assert left["members"] == [] and left["findings"], left
    listed = cluster.ask("groups")
    assert {g["group"] for g in listed["groups"]} >= {"plain", odd} and listed["missing"] == []
    assert [g["group"] for g in cluster.ask("groups", search="<b>")["groups"]] == [odd]
    wait_until("its lag in the list", lambda: (cluster.ask("groups", search="plain")["groups"][0]["lag_records"] or 0) > 0)
    assert cluster.ask("groups", sort="lag", order="falling", limit=1)["groups"][0]["lag_records"] > 0
    assert cluster.ask("group", name="nobody", status=404)["error"]["code"] == "group"
    why = json.loads(cluster.drave("group", "why", "plain", "--json", check=False).stdout)
    wait_until(
        "the console's cause to be that of the command line",
        lambda: (
            cluster.ask("group", name="plain")["findings"][0]["cause"]
            == json.loads(cluster.drave("group", "why", "plain", "--json", check=False).stdout)["cause"]
        ),
    )
    return f"cause {why['cause']}"


def clients(cluster):
    """Who is connected, to all brokers, and who produced to a topic."""
    cluster.create("talk", 1)
    cluster.wait_leaders("talk", in_sync=3)
    odd = "a <client> 'x'"
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "client.id": odd})
    for i in range(10):
        producer.produce("talk", value=f"{i}")
    producer.flush()
    told = wait_until("the client", lambda: (t := cluster.ask("clients", search=odd))["total"] > 0 and t)
    assert all(c["client_id"] == odd and c["software"] == "confluent-kafka-python" and c["broker"] in (1, 2, 3) for c in told["clients"]), (
        told
    )
    assert told["missing"] == [] and told["all"] > told["total"]
    assert cluster.ask("clients", search="nobody like that")["total"] == 0
    most = [c["requests"] for c in cluster.ask("clients", sort="requests", order="falling")["clients"]]
    assert most == sorted(most, reverse=True) and len(cluster.ask("clients", limit=1)["clients"]) == 1
    writers = cluster.ask("topic", name="talk")["partitions"][0]["producing"]
    assert [(w["client_id"], w["records"]) for w in writers] == [(odd, 10)], writers


# ---- Limits and failures ----


def many(cluster):
    """A list of very many topics is cut, sorted and searched without anybody's waiting."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    for begin in range(0, TOPICS, 500):
        for made in admin.create_topics(
            [NewTopic(f"many-{i:05}", 1, 1) for i in range(begin, min(begin + 500, TOPICS))], request_timeout=60
        ).values():
            made.result()
    wait_until("all topics in the list", lambda: cluster.ask("topics", search="many-")["total"] == TOPICS)
    began = time.monotonic()
    for at in range(0, TOPICS, max(1, TOPICS // 20)):
        page = cluster.ask("topics", **{"from": at, "limit": 100, "search": "many-"})
        assert page["topics"][0]["name"] == f"many-{at:05}"
    took_ms = (time.monotonic() - began) * 1000 / 20
    assert within(took_ms / 1000, 0.2), f"a page of {TOPICS} topics took {took_ms:.0f} ms"
    return f"{TOPICS} topics, {took_ms:.1f} ms a page"


def broker_lost(cluster):
    """A broker that hangs, and one that is dead: the others are told, in time, and records are read from whoever leads then."""
    cluster.create("lost", 6)
    cluster.wait_leaders("lost", in_sync=3)
    cluster.drave("produce", "lost", stdin="".join(f"{i}\n" for i in range(600)))
    cluster[3].pause()
    began = time.monotonic()
    told = cluster.ask("overview")
    took = time.monotonic() - began
    answers = {b["id"]: b["answers"] for b in told["brokers"]}
    assert answers[1] and answers[2] and not answers[3] and within(took, 8), (answers, took)
    states, lock = [], threading.Lock()

    def crowd():
        status = cluster.get(1, "/api/events")[0]
        with lock:
            states.append(status)

    threads = [threading.Thread(target=crowd) for _ in range(20)]
    for t in threads:
        t.start()
    assert cluster.get(1, "/health/live", timeout=2)[0] == 200
    for t in threads:
        t.join()
    assert set(states) <= {200, 503} and len(states) == 20, states
    cluster[3].resume()
    wait_until("broker 3 in the overview", lambda: all(b["answers"] for b in cluster.ask("overview")["brokers"]))
    cluster[3].kill()
    wait_until("broker 3 to be away", lambda: any(b["fenced"] for b in cluster.ask("overview")["brokers"]), 20)
    cluster.wait_leaders("lost", in_sync=2)
    read, values = cluster.ask("records", topic="lost", **{"from": "oldest", "limit": 500}), []
    for _ in range(20):
        assert not any(p["trouble"] for p in read["partitions"]), read["partitions"]
        values += [int(payload(r["value"])) for r in read["records"]]
        if read["done"]:
            break
        read = cluster.ask("records", topic="lost", at=read["next"], limit=500)
    assert sorted(values) == list(range(600)), (len(values), read["partitions"])
    topic = cluster.ask("topic", name="lost")
    assert all(3 in p["replicas"] and 3 not in p["in_sync"] and p["leader"] in (1, 2) for p in topic["partitions"])
    assert cluster.ask("topics", troubled=1)["total"] > 0
    events = wait_until(
        "survivors to tell of it",
        lambda: (told := cluster.ask("events")) and any(e["kind"] == "broker_away" for b in told["brokers"] for e in b["events"]) and told,
    )
    assert {b["id"]: b["answers"] for b in events["brokers"]} == {1: True, 2: True, 3: False}
    cluster[3].start(ready=True)
    return f"{states.count(503)} of 20 were told to ask again"


def switched_off():
    """console.serve: never; and by itself only where nobody else reaches the port."""
    for serve, listen, wanted in (("never", "127.0.0.1", 404), ("loopback", "0.0.0.0", 404), ("always", "0.0.0.0", 200)):
        with Seen(1, **{"console.serve": serve}) as cluster:
            cluster[1].stop()
            plain = cluster[1].arguments
            cluster[1].arguments = lambda plain=plain, cluster=cluster, listen=listen: [
                *plain(),
                "--set",
                f"http.listen={listen}:{cluster.http[1]}",
            ]
            cluster[1].start(ready=True)
            for path in ("/", "/api/overview", "/api/topics"):
                assert cluster.get(1, path)[0] == wanted, (serve, listen, path)
            assert cluster.get(1, "/health/live")[0] == 200
            assert ("console: http" in cluster[1].log_text()) == (wanted == 200)


def main():
    suite = Suite()
    with Seen(3, **{"console.hosts": "drave.example, other.example"}) as cluster:
        suite.run(pages, cluster, name="console_pages")
        suite.run(names, cluster, name="console_names")
        suite.run(overview, cluster, name="console_overview")
        suite.run(metadata, cluster, name="console_metadata")
        suite.run(topics, cluster, name="console_topics")
        suite.run(records, cluster, name="console_records")
        suite.run(tail, cluster, name="console_tail")
        suite.run(groups, cluster, name="console_groups")
        suite.run(clients, cluster, name="console_clients")
        suite.run(broker_lost, cluster, name="console_broker_lost")
    with Seen(1) as cluster:
        suite.run(many, cluster, name="console_many_topics")
    suite.run(switched_off, name="console_switched_off")
    suite.end()


if __name__ == "__main__":
    main()
