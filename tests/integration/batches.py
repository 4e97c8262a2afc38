"""What producers may send: every rule for batches against what Apache Kafka 4.3.1 answers, batches that grow, times that are wrong."""

import ctypes
import ctypes.util
import gzip
import os
import struct
import threading
import time

from confluent_kafka import Consumer, KafkaError, TopicPartition

from harness.cluster import ROOT, Cluster, wait_until
from harness.patience import within
from harness.raw import CODECS, PRODUCE, Raw, crc32c, record, snappy_literal, text, varint
from harness.suite import Suite

NONE, CORRUPT, TOO_LARGE, REQUEST, TIMESTAMP, TXN, CODEC, RECORD, UNKNOWN = 0, 2, 10, 42, 32, 53, 76, 87, -1
INVALID_EPOCH, COORDINATOR_FENCED = 47, 52
WRITE_TXN_MARKERS = 27
YEARS = 10 * 365 * 86_400_000
NOW = int(time.time() * 1000)
MIB = 1 << 20


def zstd(data):
    """By the library that the broker uses itself."""
    library = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
    library.ZSTD_compressBound.restype = library.ZSTD_compress.restype = ctypes.c_size_t
    library.ZSTD_compressBound.argtypes = [ctypes.c_size_t]
    library.ZSTD_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int]
    room = library.ZSTD_compressBound(len(data))
    into = ctypes.create_string_buffer(room)
    size = library.ZSTD_compress(into, room, data, len(data), 3)
    return into.raw[:size]


def lz4_stored(data, linked=False):
    """A frame of LZ4 with one block that is not compressed; its header's checksum is a constant."""
    head = b"\x40\x40\xc0" if linked else b"\x60\x40\x82"
    return b"\x04\x22\x4d\x18" + head + struct.pack("<I", 1 << 31 | len(data)) + data + bytes(4)


def odd_record(
    delta=0,
    key=b"k",
    value=b"v",
    time_delta=0,
    headers=(),
    attributes=0,
    behind=b"",
    key_len=None,
    value_len=None,
    count=None,
    header_key_len=None,
    length=None,
):
    """A record in which any number may be wrong."""
    body = bytes([attributes]) + varint(time_delta) + varint(delta)
    body += varint(len(key) if key_len is None else key_len) + key + varint(len(value) if value_len is None else value_len) + value
    body += varint(len(headers) if count is None else count)
    for k, v in headers:
        body += (varint(len(k)) + k if header_key_len is None else varint(header_key_len)) + varint(len(v)) + v
    return varint(len(body + behind) if length is None else length) + body + behind


def odd_batch(
    records,
    codec="none",
    base=0,
    count=None,
    last=None,
    attributes=0,
    first=NOW,
    most=NOW,
    producer=(-1, -1, -1),
    magic=2,
    payload=None,
    crc=None,
    length=None,
):
    """A batch in which any field may be wrong, with a checksum that is right."""
    body = b"".join(records)
    if payload is None:
        payload = {"none": bytes, "gzip": gzip.compress, "snappy": snappy_literal, "zstd": zstd}[codec](body)
    count = len(records) if count is None else count
    tail = (
        struct.pack(">hiqqqhii", attributes | CODECS.get(codec, codec), count - 1 if last is None else last, first, most, *producer, count)
        + payload
    )
    return struct.pack(">qiibI", base, 9 + len(tail) if length is None else length, -1, magic, crc32c(tail) if crc is None else crc) + tail


def some(n, **fields):
    return [odd_record(i, **fields) for i in range(n)]


def cases():
    """(batch, what Kafka 4.3.1 answers, what drave answers, if it is another: the row of docs/protocol.md)."""
    junk, one, three = b"this is not compressed at all, not by anybody", some(1), some(3)
    packed = gzip.compress(b"".join(three))
    garbage, deltas, lengths, small = (
        "records that do not decompress",
        "offset deltas that are not 0, 1, 2, ...",
        "a record that is shorter or longer than its length says, compressed",
        "a key or value of a length below -1",
    )

    def same(batch, code):
        return (batch, code, code, None)

    yield from (same(odd_batch(three, codec), NONE) for codec in ("none", "gzip", "snappy", "zstd"))
    yield from ((odd_batch(three, codec, payload=junk), UNKNOWN, RECORD, garbage) for codec in ("gzip", "snappy", "lz4", "zstd"))
    yield odd_batch(three, "gzip", payload=packed[:-12]), UNKNOWN, RECORD, garbage
    yield odd_batch(three, "gzip", payload=b""), UNKNOWN, RECORD, garbage
    yield odd_batch(three, "gzip", payload=packed + b"garbage"), NONE, RECORD, "bytes behind the last gzip member or the LZ4 frame"
    stored = b"".join(three)
    yield same(odd_batch(three, "lz4", payload=lz4_stored(stored)), NONE)
    yield odd_batch(three, "lz4", payload=lz4_stored(stored, linked=True)), UNKNOWN, RECORD, "an LZ4 frame of linked blocks"
    yield odd_batch(three, "lz4", payload=lz4_stored(stored) + bytes(4)), NONE, RECORD, "bytes behind the last gzip member or the LZ4 frame"
    for codec in ("none", "gzip"):
        yield from (same(odd_batch(three, codec, count=n), RECORD) for n in (2, 4, 2**31 - 1, 0))
        yield same(odd_batch(three, codec, base=7), RECORD)
        yield same(odd_batch([odd_record(count=-1)], codec), RECORD)
        yield same(odd_batch([odd_record(headers=[(b"h", b"v")], header_key_len=-1)], codec), RECORD)
        yield same(odd_batch([odd_record(key_len=1000)], codec), RECORD)
        yield same(odd_batch([odd_record(behind=b"xx")], codec), RECORD)
        yield same(odd_batch([odd_record(attributes=7)], codec), NONE)
        yield same(odd_batch(three, codec, first=NOW + YEARS), TIMESTAMP)
        yield same(odd_batch(three, codec, first=NOW + 59 * 60_000), NONE)
        yield odd_batch([odd_record(key=b"", key_len=-2)], codec), NONE, RECORD, small
    yield same(odd_batch(three, last=5), RECORD)
    yield same(odd_batch(three, base=-1), RECORD)
    yield same(odd_batch([odd_record(count=5)]), RECORD)
    yield same(odd_batch(one, payload=one[0] + b"zzz"), RECORD)
    yield from (same(odd_batch([odd_record(value=b"abc", length=n)]), RECORD) for n in (5, 50))
    yield from ((odd_batch([odd_record(value=b"abc", length=n)], "gzip"), NONE, RECORD, lengths) for n in (5, 50))
    yield odd_batch([odd_record(0), odd_record(2), odd_record(1)]), NONE, RECORD, deltas
    yield odd_batch([odd_record(0), odd_record(2), odd_record(1)], "gzip"), UNKNOWN, RECORD, deltas
    yield same(odd_batch(one, attributes=0x20), RECORD)
    yield odd_batch(one, attributes=0x10, producer=(1, 0, 0)), TXN, TXN, "a transactional batch in a request without transactional.id"
    yield odd_batch(one, attributes=8), NONE, TIMESTAMP, "timestamp type LogAppendTime, set by the client"
    yield same(odd_batch(one, attributes=0x40), NONE)
    yield odd_batch(one, attributes=0x4000), NONE, RECORD, "attribute bit 14, set by the client"
    yield from ((odd_batch(one, codec, payload=junk), UNKNOWN, RECORD, "a codec above 4") for codec in (5, 7))
    yield same(odd_batch(one, producer=(5, 0, -1)), RECORD)
    yield odd_batch(one, producer=(5, -1, 0)), NONE, RECORD, "a producer id with an epoch below 0"
    yield same(odd_batch(one, producer=(-1, -1, 5)), NONE)
    yield same(odd_batch(three, crc=5), CORRUPT)
    yield from (same(odd_batch(three, magic=m), code) for m, code in ((0, RECORD), (1, RECORD), (3, CORRUPT), (-1, CORRUPT)))
    yield same(odd_batch(one) * 2, RECORD)
    yield same(odd_batch(three)[:-3], RECORD)
    yield same(b"", RECORD)
    yield from (same(odd_batch(one, length=n), CORRUPT) for n in (-1, 0))
    yield odd_batch(one) + b"abcde", NONE, RECORD, "a few bytes behind the batch"
    yield from (same(odd_batch(three, first=t, most=t), NONE) for t in (-1, -2))
    yield odd_batch([odd_record(time_delta=2**63 - 1)], first=2**62), NONE, RECORD, "a timestamp beyond 2^63"
    yield from (same(odd_batch(three, most=t), NONE) for t in (0, -1, NOW + YEARS))


def produce(raw, topic, *parts, version=8):
    """[(partition, error, base offset, sentence, [(record, sentence)])] by Produce 8."""
    body = text(None) + struct.pack(">hii", -1, 20000, 1) + text(topic) + struct.pack(">i", len(parts))
    for partition, batch in parts:
        body += struct.pack(">i", partition) + (struct.pack(">i", -1) if batch is None else struct.pack(">i", len(batch)) + batch)
    answer, at, out = raw.ask(PRODUCE, version, body), 4 + 2 + len(topic) + 4, []

    def take(form):
        nonlocal at
        values = struct.unpack_from(form, answer, at)
        at += struct.calcsize(form)
        return values

    def take_text():
        nonlocal at
        (n,) = take(">h")
        at += max(n, 0)
        return None if n < 0 else answer[at - n : at].decode()

    for _ in parts:
        partition, error, offset, _, _ = take(">ihqqq")
        errors = [(take(">i")[0], take_text()) for _ in range(take(">i")[0])]
        out.append((partition, error, offset, take_text(), errors))
    return out


def end_of(raw, topic):
    error, _, offset = raw.list_offset(topic, 0, -1)
    assert error == 0
    return offset


def leader_of(cluster, topic, timeout=20):
    return Raw(cluster[cluster.leaders(topic)[0]].port, timeout=timeout)


def rules(cluster):
    """Every rule has Kafka's answer, or its row in docs/protocol.md; what is refused takes no offset, and says why."""
    cluster.create("rules")
    told, seen, count = (ROOT / "docs/protocol.md").read_text(), set(), 0
    with leader_of(cluster, "rules") as raw:
        end = 0
        for batch, kafka, wanted, row in cases():
            ((_, error, offset, sentence, _),) = produce(raw, "rules", (0, batch))
            assert error == wanted, f"case {count} ({row}): error {error} ({sentence}) instead of {wanted}"
            assert (offset == end) == (error == NONE) and (error == NONE or sentence), f"case {count}: offset {offset}, {sentence}"
            assert row is not None or kafka == wanted
            seen.add(row)
            if error == NONE:
                end = end_of(raw, "rules")
            assert end_of(raw, "rules") == end, f"case {count} was stored"
            count += 1
    missing = [row for row in seen - {None} if f"| {row} |" not in told]
    assert not missing, f"docs/protocol.md does not tell: {missing}"
    return f"{count} batches"


def one_partition_twice(cluster):
    """A request that names a partition twice stores neither; its others are stored."""
    cluster.create("twice", partitions=1)
    good = odd_batch(some(1))
    with leader_of(cluster, "twice") as raw:
        answers = produce(raw, "twice", (0, good), (7, good), (0, good))
        assert [a[1] for a in answers] == [REQUEST, 3, REQUEST], answers
        assert end_of(raw, "twice") == 0
        assert produce(raw, "twice", (0, None))[0][1] == RECORD
        assert produce(raw, "twice", (0, good))[0][1:3] == (NONE, 0)


def record_errors(cluster):
    """A record that is ten years ahead is named; the batch is not stored; LogAppendTime takes it."""
    cluster.create("ahead")
    cluster.create("arrival", **{"message.timestamp.type": "LogAppendTime"})
    cluster.create("wide", **{"message.timestamp.after.max.ms": str(2 * YEARS), "message.timestamp.before.max.ms": "1000"})
    ahead = odd_batch([odd_record(0), odd_record(1, time_delta=YEARS), odd_record(2)], "gzip")
    with leader_of(cluster, "ahead") as raw:
        ((_, error, _, sentence, errors),) = produce(raw, "ahead", (0, ahead))
        assert error == TIMESTAMP and sentence == "One or more records have been rejected due to invalid timestamp", (error, sentence)
        assert [place for place, _ in errors] == [1] and f"Timestamp {NOW + YEARS} of message with offset 1 is out of range" in errors[0][
            1
        ], errors
        assert end_of(raw, "ahead") == 0
    with leader_of(cluster, "arrival") as raw:
        assert produce(raw, "arrival", (0, ahead))[0][1] == NONE
    with leader_of(cluster, "wide") as raw:
        assert produce(raw, "wide", (0, odd_batch([odd_record(time_delta=YEARS)], first=int(time.time() * 1000))))[0][1] == NONE
        assert produce(raw, "wide", (0, odd_batch(some(1), first=NOW - 3_600_000)))[0][1] == TIMESTAMP


def largest_timestamps(cluster):
    """Whatever a client claims to be its largest timestamp: what is served has that of the records, and searches by time find them."""
    cluster.create("times")
    with leader_of(cluster, "times") as raw:
        for n, claim in enumerate((-1, 0, NOW - YEARS, NOW + YEARS)):
            for codec in ("none", "gzip", "zstd"):
                at, base = NOW - 1_000_000 + n * 1000, end_of(raw, "times")
                sent = odd_batch([odd_record(0), odd_record(1, time_delta=500), odd_record(2, time_delta=100)], codec, first=at, most=claim)
                assert produce(raw, "times", (0, sent))[0][1] == NONE
                got = raw.fetch("times", 0, base)[4]
                assert struct.unpack(">q", got[35:43])[0] == at + 500, f"claim {claim}, {codec}"
                assert struct.unpack(">I", got[17:21])[0] == crc32c(got[21:])
                assert got[21:35] == sent[21:35] and got[43:] == sent[43:], "more than the largest timestamp changed"
        for n in range(4):
            error, found, offset = raw.list_offset("times", 0, NOW - 1_000_000 + n * 1000 + 400)
            assert (error, found, offset) == (0, NOW - 1_000_000 + n * 1000 + 500, n * 9 + 1), (n, error, found, offset)
        assert raw.list_offset("times", 0, NOW)[2] == -1


class Honest:
    """Produces a small batch again and again to a topic of its own, and remembers how long each took and what failed."""

    def __init__(self, cluster, topic):
        self.raw, self.topic, self.ending = leader_of(cluster, topic), topic, False
        self.times, self.errors = [], []
        self.thread = threading.Thread(target=self.go)
        self.thread.start()

    def go(self):
        batch = odd_batch(some(10), "gzip")
        while not self.ending:
            began = time.monotonic()
            try:
                error = produce(self.raw, self.topic, (0, batch))[0][1]
            except OSError as e:
                self.errors.append(e)
                return
            self.times.append(time.monotonic() - began)
            if error:
                self.errors.append(error)
            time.sleep(0.002)

    def end(self):
        self.ending = True
        self.thread.join()
        self.raw.close()
        assert not self.errors, f"an honest producer got {self.errors[:3]}"
        return max(self.times)


def batches_that_grow(cluster):
    """A few kilobytes that unfold to 150 MiB, and 900,000 log lines, for a topic with a codec of its own: an answer, and nobody ends or waits."""
    cluster.create("grows", **{"compression.type": "gzip", "max.message.bytes": str(8 * MIB)})
    cluster.create("plain", **{"compression.type": "uncompressed", "max.message.bytes": str(8 * MIB)})
    cluster.create("quiet")
    bomb = odd_batch([record(0, None, bytes(150 * MIB))], "zstd")
    line = b"2026-11-28T04:21:%02d.%03dZ INFO request %d from 10.0.0.%d was served by orders, and the answer took %d ms"
    lines = odd_batch([record(i, None, line % (i // 20000, i // 20 % 1000, i, i * i % 7, i * i % 3)) for i in range(900_000)], "zstd")
    assert len(lines) < 8 * MIB
    pids, honest = [b.pid for b in cluster], Honest(cluster, "quiet")
    memory = {b.node: b.rss_bytes() for b in cluster}
    with leader_of(cluster, "grows", 60) as raw, leader_of(cluster, "plain", 60) as plain:
        answers = {
            "bomb": produce(raw, "grows", (0, bomb))[0][1],
            "bomb, plain": produce(plain, "plain", (0, bomb))[0][1],
            "lines": produce(raw, "grows", (0, lines))[0][1],
            "lines, plain": produce(plain, "plain", (0, lines))[0][1],
        }
    longest = honest.end()
    assert answers == {"bomb": NONE, "bomb, plain": TOO_LARGE, "lines": answers["lines"], "lines, plain": TOO_LARGE}, answers
    assert answers["lines"] in (NONE, TOO_LARGE)
    assert [b.pid for b in cluster] == pids and all(b.alive() for b in cluster)
    grown = max(b.rss_bytes() - memory[b.node] for b in cluster)
    assert grown < 160 * MIB, f"a broker grew by {grown >> 20} MiB"
    assert within(longest, 2), f"an honest producer waited for {longest:.1f} s"
    return f"{len(bomb)} bytes and {len(lines) / 1e6:.1f} MB; lines: {answers['lines']}; memory grew by {grown >> 20} MiB, others waited for {longest * 1000:.0f} ms"


def pipelined_work(cluster):
    """40 kB of pipelined batches that unfold to 32 MiB each and want another codec: answered in order, nobody waits, no leader is deposed."""
    cluster.create("work", **{"compression.type": "gzip"})
    cluster.create("beside")
    bomb = odd_batch([record(0, None, os.urandom(3500) + bytes(32 * MIB))], "zstd")
    epochs = [p["leader_epoch"] for t in ("work", "beside") for p in cluster.describe(t)["partitions"]]
    honest = Honest(cluster, "beside")
    with leader_of(cluster, "work", 120) as raw:
        body = text(None) + struct.pack(">hii", -1, 60000, 1) + text("work") + struct.pack(">iii", 1, 0, len(bomb)) + bomb
        ids = [raw.send(PRODUCE, 7, body) for _ in range(40_000 // len(bomb))]
        for n, wanted in enumerate(ids):
            got, answer = raw.receive()
            error, offset = struct.unpack(">hq", answer[4 + 2 + 4 + 4 + 4 : 4 + 2 + 4 + 4 + 4 + 10])
            assert (got, error, offset) == (wanted, NONE, n), (n, got, error, offset)
    longest = honest.end()
    assert epochs == [p["leader_epoch"] for t in ("work", "beside") for p in cluster.describe(t)["partitions"]], "a leader was deposed"
    assert within(longest, 2), f"an honest producer waited for {longest:.1f} s"
    return f"{len(ids)} requests; others waited for {longest * 1000:.0f} ms"


def write_marker(raw, topic, producer, epoch, coordinator, commit):
    """The error of WriteTxnMarkers 1 for partition 0."""
    marker = struct.pack(">qhb", producer, epoch, commit) + b"\2" + bytes([len(topic) + 1]) + topic.encode()
    marker += b"\2" + struct.pack(">i", 0) + b"\0" + struct.pack(">i", coordinator) + b"\0"
    answer = raw.ask(WRITE_TXN_MARKERS, 1, b"\0\2" + marker + b"\0")
    return struct.unpack(">h", answer[-6:-4])[0]  # the tags of four structs follow


def read_all(cluster, topic, isolation):
    """By librdkafka: [(offset, value)], and where it stands at the end."""
    consumer = Consumer(
        {"bootstrap.servers": cluster.bootstrap, "group.id": "markers", "isolation.level": isolation, "enable.partition.eof": True}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    records, until = [], time.monotonic() + 30
    while time.monotonic() < until:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            break
        records.append((message.offset(), message.value()))
    (place,) = consumer.position([TopicPartition(topic, 0)])
    consumer.close()
    return records, place.offset


def markers_between_records(cluster):
    """Markers take offsets, real clients pass over them, whatever their isolation, and they are there after a kill of all brokers."""
    cluster.create("markers", partitions=1)
    with leader_of(cluster, "markers") as raw:
        error, producer, _ = raw.init_producer_id()
        assert error == NONE
        for n in range(5):
            assert produce(raw, "markers", (0, odd_batch([odd_record(value=b"%d" % n)])))[0][1:3] == (NONE, 2 * n)
            assert write_marker(raw, "markers", producer, n, 1, n % 2) == NONE
            assert write_marker(raw, "markers", producer, n, 1, n % 2) == NONE  # the same: nothing is written
        assert write_marker(raw, "markers", producer, 3, 1, 1) == INVALID_EPOCH
        assert write_marker(raw, "markers", producer, 4, 0, 1) == COORDINATOR_FENCED
        assert end_of(raw, "markers") == 10
        _, high, stable, _, _ = raw.fetch("markers", 0, 0)
        assert (high, stable) == (10, 10)
    wanted = ([(2 * n, b"%d" % n) for n in range(5)], 10)
    for isolation in ("read_committed", "read_uncommitted"):
        assert read_all(cluster, "markers", isolation) == wanted, isolation
    for broker in cluster:
        broker.kill()
    cluster.start()
    cluster.wait_leaders("markers")
    assert read_all(cluster, "markers", "read_committed") == wanted

    def old_epoch_is_refused():  # by whoever leads by now
        with leader_of(cluster, "markers") as raw:
            return write_marker(raw, "markers", producer, 3, 1, 1) == INVALID_EPOCH

    wait_until("a leader that refuses an old epoch", old_epoch_is_refused)


suite = Suite()
with Cluster(3) as shared:
    for test in (
        rules,
        one_partition_twice,
        record_errors,
        largest_timestamps,
        batches_that_grow,
        pipelined_work,
        markers_between_records,
    ):
        suite.run(test, shared)
suite.end()
