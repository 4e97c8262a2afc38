"""The promises on the wire, by a client that says exactly what it wants: bytes, offsets, watermarks, duplicates, limits, garbage."""

import contextlib
import os
import random
import shutil
import socket
import struct
import subprocess
import threading
import time

from harness import peer as peer_port
from harness.cluster import Cluster, wait_until
from harness.raw import Raw, batch
from harness.suite import Suite

NOT_LEADER, OFFSET_OUT_OF_RANGE, CORRUPT, TOO_LARGE, TIMED_OUT, OUT_OF_ORDER, FENCED_EPOCH, UNKNOWN_EPOCH, INVALID_RECORD = (
    6,
    1,
    2,
    10,
    7,
    45,
    74,
    75,
    87,
)


def leader_connection(cluster, topic, partition=0):
    return Raw(cluster[cluster.leaders(topic)[partition]].port)


def tool(name, *words):
    """A compressor of the system, or None."""
    return (lambda data: subprocess.run([name, *words], input=data, capture_output=True, check=True).stdout) if shutil.which(name) else None


def bytes_come_back(cluster):
    """Promise 5: a fetched batch has the bytes, codec and CRC with which it was produced, for every codec and for compressible data."""
    cluster.create("bytes")
    pairs = [(f"k{i}".encode(), b"the same line " * 20) for i in range(50)]
    sent = [batch(pairs), batch(pairs, "gzip"), batch(pairs, "snappy"), batch([(None, os.urandom(3000))]), batch([(b"k", None)])]
    for codec, compress in (("lz4", tool("lz4", "-c", "-BI", "--no-frame-crc")), ("zstd", tool("zstd", "-c"))):
        if compress:
            sent.append(batch(pairs, codec, compressed=compress))
    with leader_connection(cluster, "bytes") as raw:
        for one in sent:
            error, _ = raw.produce("bytes", 0, one)
            assert error == 0, f"produce: error {error}"
        data, offset, got = b"", 0, []
        while len(got) < len(sent):
            error, _, _, _, data = raw.fetch("bytes", 0, offset)
            assert error == 0 and data, f"fetch at {offset}: error {error}, {len(data)} bytes"
            while data:
                base, length, epoch = struct.unpack(">qii", data[:16])
                got.append((base, epoch, data[16 : 12 + length]))
                offset = base + struct.unpack(">i", data[23:27])[0] + 1
                data = data[12 + length :]
        for one, (_, epoch, rest) in zip(sent, got):
            assert rest == one[16:], "a batch came back with other bytes"
            assert epoch > 0, f"leader epoch {epoch}"
    return f"{len(sent)} batches"


def offsets_are_dense(cluster):
    """Promise 2: offsets begin at 0 and have no holes, over changes of leader."""
    cluster.create("dense")
    wanted = 0
    for _turn in range(4):
        node = wait_until("a leader", lambda: cluster.leaders("dense")[0])
        with Raw(cluster[node].port) as raw:
            for size in (1, 3, 2):
                error, base = raw.produce("dense", 0, batch([(None, b"x")] * size))
                assert (error, base) == (0, wanted), f"error {error}, offset {base} instead of {wanted}"
                wanted += size
        assert cluster[node].stop() == 0, f"broker {node} did not end cleanly"
        cluster[node].start(ready=True)
        cluster.wait_leaders("dense", in_sync=3)
    with leader_connection(cluster, "dense") as raw:
        assert raw.list_offset("dense", 0, -2)[2] == 0 and raw.list_offset("dense", 0, -1)[2] == wanted


def unacknowledged_is_unseen(cluster):
    """Promises 1 and 3: without a majority nothing is acknowledged, read, or seen by the watermark; with it again all is well."""
    cluster.create("unseen")
    cluster.wait_leaders("unseen", in_sync=3)
    leader = cluster.leaders("unseen")[0]
    others = [b for b in cluster if b.node != leader]
    with Raw(cluster[leader].port) as raw, Raw(cluster[leader].port) as reader:
        assert raw.produce("unseen", 0, batch([(None, b"seen")]))[0] == 0
        for acks in (1, -1):
            for b in others:
                b.pause()
            try:
                error, base = raw.produce("unseen", 0, batch([(None, b"pending %d" % acks)]), acks=acks, timeout_ms=600)
                assert error in (TIMED_OUT, NOT_LEADER) and base == -1, f"acks={acks} without a majority: error {error}, offset {base}"
                error, high, _, _, data = reader.fetch("unseen", 0, 0)
                assert error != 0 or b"pending %d" % acks not in data, "a record that a majority does not have was read"
            finally:
                for b in others:
                    b.resume()
            cluster.wait_leaders("unseen", in_sync=3)
            leader_now = cluster.leaders("unseen")[0]
            if leader_now != leader:
                return f"leadership moved from {leader} to {leader_now}"
    return "the leader stayed"


def duplicates_are_recognised(cluster):
    """Promise 4: a retry gets the original offset, five batches deep; gaps and old epochs are refused; also after a change of leader."""
    cluster.create("dedup")
    with leader_connection(cluster, "dedup") as raw:
        _, pid, epoch = raw.init_producer_id()
        for n in range(6):
            assert raw.produce("dedup", 0, batch([(None, b"%d" % n)] * 2, producer=(pid, epoch, 2 * n))) == (0, 2 * n)
        for n in range(1, 6):
            got = raw.produce("dedup", 0, batch([(None, b"%d" % n)] * 2, producer=(pid, epoch, 2 * n)))
            assert got == (0, 2 * n), f"retry of batch {n}: {got}"
        error, _ = raw.produce("dedup", 0, batch([(None, b"gap")], producer=(pid, epoch, 20)))
        assert error == OUT_OF_ORDER, f"a gap in the sequence: error {error}"
    leader = cluster.leaders("dedup")[0]
    cluster[leader].kill()
    wait_until("another leader", lambda: cluster.leaders("dedup")[0] not in (None, leader))
    with leader_connection(cluster, "dedup") as raw:
        got = raw.produce("dedup", 0, batch([(None, b"5")] * 2, producer=(pid, epoch, 10)))
        assert got == (0, 10), f"retry at the new leader: {got}"
        assert raw.produce("dedup", 0, batch([(None, b"6")], producer=(pid, epoch, 12))) == (0, 12)
    cluster[leader].start(ready=True)
    cluster.wait_leaders("dedup", in_sync=3)


def leaders_say_what_is_sure(cluster):
    """Epochs are fenced; an offset beyond the end is out of range, below the end it waits; followers refuse."""
    cluster.create("sure")
    cluster.wait_leaders("sure", in_sync=3)
    leader = cluster.leaders("sure")[0]
    with Raw(cluster[leader].port) as raw:
        raw.produce("sure", 0, batch([(None, b"x")]))
        epoch = struct.unpack(">i", raw.fetch("sure", 0, 0)[4][12:16])[0]
        assert raw.fetch("sure", 0, 0, epoch=epoch)[0] == 0
        assert raw.fetch("sure", 0, 0, epoch=epoch + 5)[0] == UNKNOWN_EPOCH
        assert raw.fetch("sure", 0, 0, epoch=epoch - 1)[0] == FENCED_EPOCH
        assert raw.fetch("sure", 0, 99)[0] == OFFSET_OUT_OF_RANGE
        begin = time.monotonic()
        error, high, stable, start, data = raw.fetch("sure", 0, 1, wait_ms=300)
        assert (error, high, stable, start, data) == (0, 1, 1, 0, b"") and time.monotonic() - begin >= 0.29
    follower = next(b for b in cluster if b.node != leader)
    with Raw(follower.port) as raw:
        assert raw.produce("sure", 0, batch([(None, b"x")]))[0] == NOT_LEADER
        assert raw.fetch("sure", 0, 0)[0] == NOT_LEADER
        assert raw.list_offset("sure", 0, -1)[0] == NOT_LEADER


def bad_batches_are_refused(cluster):
    """Promise 7: a wrong checksum, count, size or record gets Kafka's error, and what was stored stays."""
    cluster.create("bad")
    good = batch([(b"k", b"v")])
    flipped = good[:-1] + bytes([good[-1] ^ 1])
    with leader_connection(cluster, "bad") as raw:
        assert raw.produce("bad", 0, good) == (0, 0)
        assert raw.produce("bad", 0, flipped)[0] == CORRUPT
        assert raw.produce("bad", 0, batch([(b"k", b"v")], count=5))[0] in (CORRUPT, INVALID_RECORD)
        assert raw.produce("bad", 0, batch([(b"k", os.urandom(2 << 20))]))[0] == TOO_LARGE
        assert raw.produce("bad", 0, good[:40])[0] in (CORRUPT, INVALID_RECORD)
        assert raw.produce("bad", 0, good) == (0, 1)


def garbage_harms_nobody(cluster):
    """Promise 7: garbage, hostile lengths and half frames on every port close that connection, and others are served; memory stays bounded."""
    cluster.create("garbage")
    rng = random.Random(7)
    ports = [p for b in cluster for p in (b.port, b.peer_port)]
    before = max(b.rss_bytes() for b in cluster)
    held = []
    for turn in range(60):
        for port in ports:
            try:
                s = socket.create_connection(("127.0.0.1", port), 5)
            except OSError:
                continue
            kind = turn % 6
            data = [
                rng.randbytes(rng.randint(1, 4000)),
                struct.pack(">i", 0x7FFFFFFF),
                struct.pack(">i", -5),
                struct.pack(">i", 100 << 20) + b"x" * 1000,
                struct.pack(">ihhi", 20, rng.randint(0, 90), rng.randint(0, 20), 1) + rng.randbytes(12),
                b"GET / HTTP/1.1\r\n\r\n",
            ][kind]
            try:
                s.sendall(data)
            except OSError:
                pass
            if kind == 3:
                held.append(s)  # claims 100 MB and sends nothing more
            else:
                s.close()
    for b in cluster:
        assert b.alive(), f"broker {b.node} ended: {b.log_text()[-500:]}"
    grown = max(b.rss_bytes() for b in cluster) - before
    assert grown < 100 << 20, f"memory grew by {grown >> 20} MiB"
    cluster.wait_leaders("garbage")
    with leader_connection(cluster, "garbage") as raw:
        assert raw.produce("garbage", 0, batch([(None, b"x")]))[0] == 0
    for s in held:
        s.close()
    return f"memory grew by {grown >> 20} MiB"


def false_peers_harm_nobody(cluster):
    """On the peer port: wrong hellos are refused with a sentence, long ones end before they came, and a peer that is let in and sends nonsense loses its link."""
    cluster.create("peers")
    cluster.wait_leaders("peers", in_sync=3)
    rng, port = random.Random(11), cluster[2].peer_port
    before = cluster[2].rss_bytes()
    one = peer_port.Hello.of_directory(cluster[1].data, 1)
    one.nodes = f"{cluster.nodes_setting()} metadata.voters=3".encode()
    refusals = {}

    def are_refused(*strangers):
        for name, hello in strangers:
            stranger = peer_port.Peer(port)
            _, accepted, refusals[name] = stranger.shake(hello, 1, peer_port.CONTROL)
            stranger.close()
            assert not accepted and len(refusals[name]) > 20, f"{name}: {refusals[name]}"
            told = [
                secret for secret in (one.cluster_id.decode(), str(cluster[1].peer_port), one.directory.hex()) if secret in refusals[name]
            ]
            assert not told, f"{name} is told {told}: {refusals[name]}"

    are_refused(("itself", peer_port.Hello(2)), ("a stranger", peer_port.Hello(77)))
    lost = cluster[2].log_text(whole=True).count("lost the connection with broker 1")
    for session in range(5):  # even who knows what only broker 1 knows does not take its place while it is there
        thief = peer_port.Peer(port)
        try:
            thief.shake(one, session, peer_port.CONTROL)
            raise AssertionError("a second broker 1 was let in")
        except ConnectionError:
            thief.close()
    assert cluster[2].log_text(whole=True).count("lost the connection with broker 1") == lost, "the link of the true broker 1 broke"
    cluster[1].kill()
    are_refused(
        ("another directory", peer_port.Hello(1)),
        ("another shard", peer_port.Hello(1, shard=3)),
        ("another version", peer_port.Hello(1, version=9)),
    )
    for _ in range(20):  # 100 MB are promised, and nothing is kept of what comes: a hello is short
        stranger = peer_port.Peer(port, timeout=1)
        try:
            stranger.socket.sendall(struct.pack(">I", 100 << 20) + bytes([peer_port.HELLO]) + bytes(1 << 20))
            assert stranger.socket.recv(1) == b"", "it was not closed"
        except ConnectionError:
            pass
        stranger.close()
    kinds = [
        peer_port.MESSAGES,
        peer_port.ENTRIES,
        peer_port.HELLO,
        peer_port.VERDICT,
        peer_port.STOPPING,
        peer_port.JOURNAL,
        50,
        *range(64, 70),
        255,
    ]
    for turn in range(40):
        control, bulk = peer_port.link(port, one, 1000 + turn)
        try:
            for _ in range(30):
                data = rng.randbytes(rng.choice([0, 3, 56, 112, 200, 3000]))
                if turn % 2:
                    data = struct.pack("<I", rng.choice([4, len(data), 120, 0xFFFFFFF0])) + data
                channel = rng.choice((peer_port.CONTROL, peer_port.BULK))
                (control, bulk)[channel].send(rng.choice(kinds), channel, data)
        except OSError:
            pass  # it has had enough of us
        control.close()
        bulk.close()
    assert cluster[2].alive(), f"broker 2 ended: {cluster[2].log_text()[-500:]}"
    grown = cluster[2].rss_bytes() - before
    assert grown < 60 << 20, f"memory grew by {grown >> 20} MiB"
    quiet, _ = cluster[2].descriptors()
    crowd = [
        socket.create_connection(("127.0.0.1", port)) for _ in range(1000)
    ]  # and 1,000 that say nothing or half a hello, and come again, keep nobody out
    for stranger in crowd[::2]:
        with contextlib.suppress(OSError):  # it had to make room
            stranger.sendall(struct.pack(">I", 96) + bytes([peer_port.HELLO]))
    crowded, _ = cluster[2].descriptors()
    assert crowded <= quiet + 2 * 16 + 4, f"{crowded} sockets, {quiet} before"
    cluster[1].start()

    def back():
        for place in range(0, 64, 4):
            crowd[place].close()
            crowd[place] = socket.create_connection(("127.0.0.1", port))
        return all(len(p["in_sync"]) == 3 for p in cluster.describe("peers")["partitions"])

    wait_until("the true broker 1 to be connected again, through the crowd", back, 20, 0.2)
    wait_until("the crowd to be gone although nobody of it left", lambda: cluster[2].descriptors()[0] <= quiet + 6, 20)
    for stranger in crowd:
        stranger.close()
    wait_until(
        "the true broker 1 to be connected again", lambda: all(len(p["in_sync"]) == 3 for p in cluster.describe("peers")["partitions"]), 20
    )
    with leader_connection(cluster, "peers") as raw:
        assert raw.produce("peers", 0, batch([(None, b"x")]))[0] == 0
    return f"memory grew by {grown >> 20} MiB; said to itself: {refusals['itself']}"


def foreign_protocols_are_named(cluster):
    """Who comes to the wrong door is told apart on the log: TLS and HTTP at either port, a Kafka client at the one of the brokers."""
    versions = struct.pack(">ihhi", 10, 18, 0, 1) + struct.pack(">h", -1)
    for port, bytes_, said in (
        (
            cluster[3].port,
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
            "it speaks TLS, and this listener serves Kafka's protocol in plain text",
        ),
        (cluster[3].port, b"POST /topics HTTP/1.1\r\n\r\n", "it speaks HTTP, and this listener"),
        (cluster[3].peer_port, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "it speaks TLS, which no broker does"),
        (cluster[3].peer_port, b"GET /metrics HTTP/1.1\r\n\r\n", "it speaks HTTP, which no broker does"),
        (cluster[3].peer_port, versions, "a client belongs at an address of listeners"),
    ):

        def told(port=port, bytes_=bytes_, said=said):
            with socket.create_connection(("127.0.0.1", port), 5) as stranger:
                stranger.sendall(bytes_)
                with contextlib.suppress(ConnectionError):
                    assert stranger.recv(1) == b"", "it was answered"
            return said in cluster[3].log_text()

        wait_until(f"'{said}' on the log", told, 20, 0.3)  # lines like these come once a second at most


def acks_0_while_electing(cluster):
    """Producers that want no answer and go at once, by FIN or RST, while leaders die and no majority is there: brokers stay whole, and give everything back."""
    cluster.create("electing", 3)
    cluster.wait_leaders("electing", in_sync=3)
    over, records = threading.Event(), batch([(None, b"x" * 100)] * 50)

    def throw(seed):
        rng = random.Random(seed)
        while not over.is_set():
            try:
                with Raw(cluster[rng.choice((1, 2, 3))].port) as raw:
                    for partition in range(3):
                        raw.produce("electing", partition, records, acks=0)
                    if rng.random() < 0.3:
                        raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                over.wait(0.02)  # that broker is down

    throwing = [threading.Thread(target=throw, args=(seed,)) for seed in range(3)]
    for thread in throwing:
        thread.start()
    try:
        for victims in ((1,), (2,), (3,), (2, 3)):
            for node in victims:
                cluster[node].kill()
            over.wait(0.5)
            for node in victims:
                cluster[node].start()
        cluster.wait_leaders("electing", in_sync=3)
    finally:
        over.set()
        for thread in throwing:
            thread.join()
    with leader_connection(cluster, "electing") as raw:
        assert raw.produce("electing", 0, batch([(None, b"x")]))[0] == 0
    for broker in cluster:
        assert broker.stop() == 0  # which says so if anything is still charged
        broker.assert_no_bug()
        broker.start()
    cluster.wait_leaders("electing", in_sync=3)


def answers_come_in_order(cluster):
    """Requests that are sent without waiting are answered in their order, also when a waiting fetch is in front."""
    cluster.create("order")
    with leader_connection(cluster, "order") as raw:
        ids = []
        for n in range(50):
            one = batch([(None, b"%d" % n)])
            ids.append(
                raw.send(
                    0,
                    7,
                    struct.pack(">h", -1)
                    + struct.pack(">hii", -1, 5000, 1)
                    + struct.pack(">h", 5)
                    + b"order"
                    + struct.pack(">iii", 1, 0, len(one))
                    + one,
                )
            )
        assert [raw.receive()[0] for _ in ids] == ids


suite = Suite()
with Cluster(3) as shared:
    for test in (
        bytes_come_back,
        leaders_say_what_is_sure,
        bad_batches_are_refused,
        answers_come_in_order,
        duplicates_are_recognised,
        unacknowledged_is_unseen,
        offsets_are_dense,
        garbage_harms_nobody,
        false_peers_harm_nobody,
        foreign_protocols_are_named,
        acks_0_while_electing,
    ):
        suite.run(test, shared)
suite.end()
