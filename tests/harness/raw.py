"""A Kafka client by hand: record batches byte for byte, requests as one likes them, also wrong ones. For what real clients never send."""

import gzip
import struct
import time

from harness.framed import Framed

PRODUCE, FETCH, LIST_OFFSETS, METADATA, API_VERSIONS, INIT_PRODUCER_ID = 0, 1, 2, 3, 18, 22
NOW = int(time.time() * 1000)  # when this process began: what is older than a week does not stay
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def _crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = (n >> 1) ^ (0x82F63B78 if n & 1 else 0)
        table.append(n)
    return table


_TABLE = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for b in data:
        crc = _TABLE[(crc ^ b) & 255] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def varint(n):
    n = (n << 1) ^ (n >> 63)
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def record(offset_delta, key, value, timestamp_delta=0, headers=()):
    body = b"\0" + varint(timestamp_delta) + varint(offset_delta)
    body += varint(-1) if key is None else varint(len(key)) + key
    body += varint(-1) if value is None else varint(len(value)) + value
    body += varint(len(headers)) + b"".join(varint(len(k)) + k + varint(len(v)) + v for k, v in headers)
    return varint(len(body)) + body


def snappy_literal(data):
    """Snappy without compression: a length and literals; valid for every reader."""
    out, n = bytearray(), len(data)
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    for at in range(0, len(data), 60):
        piece = data[at : at + 60]
        out += bytes([(len(piece) - 1) << 2]) + piece
    return bytes(out)


COMPRESS = {"none": lambda d: d, "gzip": gzip.compress, "snappy": snappy_literal}


def batch(records, codec="none", compressed=None, producer=(-1, -1, -1), timestamp=NOW, attributes=0, magic=2, count=None):
    """A record batch of (key, value) pairs; `compressed` overrides the records section."""
    body = b"".join(record(i, *kv) for i, kv in enumerate(records))
    payload = compressed(body) if compressed else COMPRESS[codec](body)
    n = len(records) if count is None else count
    tail = struct.pack(">hiqqqhii", attributes | CODECS[codec], n - 1, timestamp, timestamp, *producer, n) + payload
    return struct.pack(">qiibI", 0, 9 + len(tail), -1, magic, crc32c(tail)) + tail


def text(s):
    return struct.pack(">h", -1) if s is None else struct.pack(">h", len(s)) + s.encode()


class Raw(Framed):
    """One connection; requests of old, inflexible versions, and where it is said of flexible ones."""

    def __init__(self, port, host="127.0.0.1", timeout=20, client="raw"):
        super().__init__(host, port, timeout)
        self.correlation, self.client = 0, client

    def send(self, key, version, body, flexible=False):
        self.correlation += 1
        head = struct.pack(">hhi", key, version, self.correlation) + text(self.client) + (b"\0" if flexible else b"")
        self.write_frame(head + body)
        return self.correlation

    def receive(self):
        """(correlation id, body) of the next answer."""
        frame = self.read_frame()
        return struct.unpack(">i", frame[:4])[0], frame[4:]

    def ask(self, key, version, body, flexible=False):
        wanted = self.send(key, version, body, flexible)
        got, answer = self.receive()
        assert got == wanted, f"answer to request {got} instead of {wanted}"
        return answer

    def produce(self, topic, partition, records, acks=-1, timeout_ms=10000, version=7):
        """(error, base offset); None when acks is 0."""
        body = (
            text(None) + struct.pack(">hii", acks, timeout_ms, 1) + text(topic) + struct.pack(">iii", 1, partition, len(records)) + records
        )
        if acks == 0:
            return self.send(PRODUCE, version, body)
        answer = self.ask(PRODUCE, version, body)
        at = 4 + 2 + len(topic) + 4 + 4
        return struct.unpack(">hq", answer[at : at + 10])

    def fetch(self, topic, partition, offset, max_bytes=1 << 20, wait_ms=500, min_bytes=1, epoch=-1):
        """(error, high watermark, last stable offset, log start offset, records) by Fetch 11."""
        body = struct.pack(">iiiibii", -1, wait_ms, min_bytes, max_bytes, 0, 0, -1)
        body += (
            struct.pack(">i", 1)
            + text(topic)
            + struct.pack(">iiiqqi", 1, partition, epoch, offset, -1, max_bytes)
            + struct.pack(">i", 0)
            + text("")
        )
        answer = self.ask(FETCH, 11, body)
        at = 4 + 2 + 4 + 4 + 2 + len(topic) + 4 + 4
        error, high, stable, start, aborted = struct.unpack(">hqqqi", answer[at : at + 30])
        at += 30 + max(aborted, 0) * 16 + 4
        size = struct.unpack(">i", answer[at : at + 4])[0]
        return error, high, stable, start, answer[at + 4 : at + 4 + max(size, 0)]

    def list_offset(self, topic, partition, timestamp, epoch=-1):
        """(error, timestamp, offset) by ListOffsets 5."""
        body = struct.pack(">ibi", -1, 0, 1) + text(topic) + struct.pack(">iiiq", 1, partition, epoch, timestamp)
        answer = self.ask(LIST_OFFSETS, 5, body)
        at = 4 + 4 + 2 + len(topic) + 4 + 4
        return struct.unpack(">hqq", answer[at : at + 18])

    def init_producer_id(self):
        """(error, id, epoch)."""
        return struct.unpack(">hqh", self.ask(INIT_PRODUCER_ID, 1, text(None) + struct.pack(">i", 60000))[4:16])
