"""The console's port against who means it ill: requests that a careless reader takes for others, records and names that grow when they are shown, members of
groups that claim what is not there, forms that are understood by half."""

import contextlib
import json
import re
import socket
import struct
import threading
import time
import urllib.parse

from confluent_kafka import Producer

from harness.cluster import wait_until
from harness.patience import within
from harness.programs import program
from harness.raw import Raw, text
from harness.suite import Suite
from harness.turns import array

console_api, admin = program("integration/console.py"), program("integration/console_admin.py")
FORM, TOKEN = admin.FORM, admin.TOKEN
FIND_COORDINATOR, JOIN_GROUP, SYNC_GROUP = 10, 11, 14


def heads(cluster):
    """What is asked of the head alone, of a stream too; a query that cannot be read is refused, not read as less."""
    cluster.create("heads", 1)
    cluster.wait_leaders("heads")
    cluster.drave("produce", "heads", stdin="one\n")
    for path in ("/", "/api/overview", "/api/tail?topic=heads&from=oldest", "/metrics"):
        with socket.create_connection(("127.0.0.1", cluster.http[1]), 10) as connection:
            connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200") and body == b"", (path, head, body)
    for query in ("value=100%", "value=%00", "value=%zz&limit=1", "value", "offset=x&from=offset", "limit=1O", "partition=-", "bytes=1e9"):
        for route in ("records", "tail") if "=%" in query else ("records",):
            status, _, body = cluster.get(1, f"/api/{route}?topic=heads&{query}")
            assert status == 400 and body, (route, query, status, body)


def escaped(cluster):
    """Records that become six times as long when they are escaped: told within limits, also to eight at once, and a stream goes on behind them."""
    cluster.create("escaped", 1)
    cluster.wait_leaders("escaped")
    control, large = b"\1", 2 << 20
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "compression.type": "zstd", "message.max.bytes": 20 << 20})
    for key, value, headers in (
        (None, control * 690_000, []),
        (control * large, control * large, [("\1" * 4096, control * 4096)] * 100),
        (None, b"behind", []),
    ):
        producer.produce("escaped", key=key, value=value, headers=headers)
        producer.flush()
    wish = {"topic": "escaped", "from": "oldest", "bytes": large}
    whole = cluster.ask("records", **wish)
    assert [r["offset"] for r in whole["records"]] == ["0", "1"] and not whole["done"], whole["next"]
    assert len(whole["records"][0]["value"]["text"]) > 300_000 and whole["records"][1]["key"]["left_out"] > 0
    assert console_api.payload(cluster.ask("records", **wish, at=whole["next"])["records"][0]["value"]) == "behind"
    found = []
    asking = [
        threading.Thread(target=lambda: found.append(len(cluster.get(1, "/api/records?" + urllib.parse.urlencode(wish))[2])))
        for _ in range(4)
    ]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert len(found) == 4 and len(set(found)) == 1 and found[0] < 8 << 20, found
    with console_api.Tail(cluster, wish) as stream:
        while console_api.payload(stream.event()[1]["records"][-1]["value"]) != "behind":
            pass


def claimed(cluster):
    """A member of a classic group says itself what it has, and a client what it is called: any partitions, thousands of them, under long names."""
    cluster.create("claimed", 2000)
    cluster.wait_leaders("claimed", seconds=120)
    cases = {
        "below": range(-1999, 0),
        "ends": (-(2**31), -1, 2000, 2**31 - 1),
        "beyond": range(5_000_000, 5_030_000),
        "many": range(60_000),
        "same": [7] * 40_000,
    }
    members = []
    for name, partitions in cases.items():
        raw = Raw(cluster[1].port, client="\1" * 1000)
        members.append(raw)
        join_claiming(raw, name, "claimed", partitions)
    for name, partitions in cases.items():
        began = time.monotonic()
        told = cluster.ask("group", name=name)
        assert within(time.monotonic() - began, 1), f"{name} takes {time.monotonic() - began:.1f} s"
        assert len(told["members"]) == 1 and len(told["offsets"]) + told["left_out"] == len(set(partitions)), (
            name,
            len(told["members"]),
            len(told["offsets"]),
            told["left_out"],
        )
        assert len(json.dumps(told)) < 6 << 20
        if name in ("below", "ends", "same"):
            began = time.monotonic()
            assert name in cluster.drave("group", "why", name).stdout and name in cluster.drave("group", "describe", name).stdout
            assert within(time.monotonic() - began, 9), f"drave group why and describe {name} take {time.monotonic() - began:.1f} s"
    for raw in members:
        raw.close()


def join_claiming(raw, group, topic, partitions):
    """One member of a classic group, which leads it, and so says what it has."""
    said = b"\0\0" + array([text(topic)]) + struct.pack(">i", 0)
    protocol = text("range") + struct.pack(">i", len(said)) + said
    joins = text(group) + struct.pack(">ii", 300_000, 60_000) + text("") + text("consumer") + array([protocol])

    def joined():
        if raw.ask(FIND_COORDINATOR, 0, text(group))[:2] != b"\0\0":
            return None
        answer = raw.ask(JOIN_GROUP, 2, joins)
        return answer[4:6] == b"\0\0" and answer

    answer = wait_until("it to join", joined)
    at = 12 + int.from_bytes(answer[10:12], "big")
    at += 2 + int.from_bytes(answer[at : at + 2], "big")
    member = answer[at : at + 2 + int.from_bytes(answer[at : at + 2], "big")]
    has = b"\0\0" + array([text(topic) + array(struct.pack(">i", p) for p in partitions)]) + struct.pack(">i", 0)
    body = text(group) + answer[6:10] + member + array([member + struct.pack(">i", len(has)) + has])
    assert raw.ask(SYNC_GROUP, 0, body)[:2] == b"\0\0"


def understood(cluster):
    """What is not understood is not done: a wish to try beside the form, misspelt, or said twice; what is not encoded; what is no number."""
    cluster.create("stays", 1, **{"cleanup.policy": "compact"})
    cluster.wait_leaders("stays")
    gone = "name=stays&confirm=stays"
    for change, body in (
        ("delete-topic?dry_run=1", gone),
        ("delete-topic?", gone + "&dry-run=1"),
        ("delete-topic", gone + "&dryrun=1"),
        ("delete-topic", gone + "&dry_run"),
        ("delete-topic", gone + "&dry%5Frun=1"),
        ("delete-topic", gone + "&dry_run=0&dry_run=1"),
        ("produce", "topic=stays&partition=0&key=k&value=100%"),
        ("produce", "topic=stays&partition=0&key=k&value=a%00b"),
        ("produce", "topic=stays&partition=0&key=k&vlaue=a"),
        ("produce", "topic=stays&partition=0&key=k&value=a;b&&headers=x%3"),
        ("create-topic", "name=made-by-mistake&settings=cleanup.policy%3Dcompact%"),
        ("drain", "broker=1&undo=yes"),
        ("move-leader", "topic=stays&partition=O&to=2"),
    ):
        status, text = cluster.post(change, body=body)
        assert status == 400 and json.loads(text)["error"]["text"], (change, body, status, text)
    assert cluster.ask("topic", name="stays")["partitions"][0]["end"] == "0" and not json.loads(
        cluster.ask("meta", path="/brokers/ids/1")["value"]
    ).get("draining")
    cluster.ask("topic", name="made-by-mistake", status=404)
    assert cluster.post("produce", body="topic=stays&partition=0&&key=k&value=a+%25&")[0] == 200
    assert cluster.ask("records", topic="stays")["records"][0]["value"] == {"text": "a %"}


def continues(cluster):
    """Who asks whether the body is wanted hears it, when the token is right, and at once what else is to be said."""
    head = f"POST /api/change/unlock HTTP/1.1\r\nHost: localhost\r\nX-Drave: 1\r\nContent-Type: {FORM}\r\nExpect: 100-continue\r\nContent-Length: 3\r\n"
    good = f"{head}Authorization: Bearer {TOKEN}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", cluster.http[1]), 8) as connection:
        connection.sendall(good)
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"a=b")
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        connection.sendall(good + b"a=b")  # all of it at once: nothing is to be said before
        assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
    admin.raw(cluster, head.encode() + b"\r\n", b"401")


def counted(cluster):
    """Requests that are refused are counted by what they were refused with, however many kinds of it there are."""
    head = f"POST /api/change/unlock HTTP/1.1\r\nX-Drave: 1\r\nAuthorization: Bearer {TOKEN}\r\n"
    form, here, one = f"Content-Type: {FORM}\r\n", "Host: localhost\r\n", "Content-Length: 1\r\n\r\na"
    full = [socket.create_connection(("127.0.0.1", cluster.http[1]), 20) for _ in range(4)]
    for connection in full:
        connection.sendall(f"{head}{here}{form}Content-Length: 3000000\r\n\r\n".encode())
    wanted = {
        400: "GET x HTTP/1.1\r\nHost: a\r\n\r\n",
        401: head.replace(TOKEN, "x") + here + form + one,
        403: head.replace("X-Drave: 1", "X-Drave: 2") + here + form + one,
        404: "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n",
        405: "PUT / HTTP/1.1\r\nHost: a\r\n\r\n",
        411: head + here + form + "\r\n",
        413: head + here + form + "Content-Length: 4000000\r\n\r\n",
        414: f"GET /{'a' * 3000} HTTP/1.1\r\nHost: a\r\n\r\n",
        415: head + here + one,
        421: head + "Host: evil\r\n" + form + one,
        431: f"GET / HTTP/1.1\r\nHost: a\r\nX: {'a' * 9000}\r\n\r\n",
        503: head + here + form + "Content-Length: 3000000\r\n\r\n",
        505: "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    }

    def seen():
        page = cluster.get(1, "/metrics")[2].decode()
        return {int(code): int(n) for code, n in re.findall(r'drave_http_requests_total\{path="other",code="(\d+)"\} (\d+)', page)}

    def is_full():
        with socket.create_connection(("127.0.0.1", cluster.http[1]), 20) as connection:
            connection.sendall(wanted[503].encode())
            connection.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                return connection.recv(4096).startswith(b"HTTP/1.1 503")

    wait_until("bodies to be waited for", is_full)
    time.sleep(0.5)  # pages of numbers are for all who ask within a quarter of that
    before = seen()
    for status, asked in wanted.items():
        admin.raw(cluster, asked.encode(), str(status).encode())
    wanted_now = {status: before.get(status, 0) + 1 for status in wanted}
    wait_until(f"{wanted_now} instead of {seen()}", lambda: seen() == wanted_now, 10, 0.5)
    for connection in full:
        connection.close()


def main():
    suite = Suite()
    with admin.Admin(1) as cluster:
        suite.run(heads, cluster, name="console_hostile_heads")
        suite.run(escaped, cluster, name="console_hostile_escaped")
        suite.run(continues, cluster, name="console_hostile_continues")
        suite.run(counted, cluster, name="console_hostile_counted")
        suite.run(understood, cluster, name="console_hostile_understood")
        suite.run(claimed, cluster, name="console_hostile_claimed")
    suite.end()


if __name__ == "__main__":
    main()
