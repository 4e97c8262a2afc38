"""Requests and answers of Kafka's protocol from one-line schemas, for requests that no client sends.

A schema: b bool, c int8, h int16, i int32, q int64, d float64, s string (None: null), y bytes, u uuid; a tuple is a struct, a list of one an array, a set of one a
struct or null. An answer's struct may end with a dict of the tagged fields that are looked at: it is read as one of those that are there.
"""

import struct

from harness.framed import Framed

INTS = {"b": ">b", "c": ">b", "h": ">h", "i": ">i", "q": ">q", "d": ">d"}


def uvarint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out + bytes([n]))


def encode(schema, value, flexible):
    if isinstance(schema, tuple):
        assert len(schema) == len(value), (schema, value)
        return b"".join(encode(s, v, flexible) for s, v in zip(schema, value)) + (b"\0" if flexible else b"")
    if isinstance(schema, set):
        return b"\xff" if value is None else b"\1" + encode(*schema, value, flexible)
    if isinstance(schema, list):
        n = -1 if value is None else len(value)
        head = uvarint(n + 1) if flexible else struct.pack(">i", n)
        return head + b"".join(encode(schema[0], v, flexible) for v in value or [])
    if schema in INTS:
        return struct.pack(INTS[schema], value)
    if schema == "u":
        return value
    data = value.encode() if isinstance(value, str) else value
    n = -1 if data is None else len(data)
    head = uvarint(n + 1) if flexible else struct.pack(">h" if schema == "s" else ">i", n)
    return head + (data or b"")


class Maybe:
    """Like a set of one, of what holds an array."""

    def __init__(self, of):
        self.of = of


class Reader:
    def __init__(self, data, flexible):
        self.data, self.at, self.flexible = data, 0, flexible

    def take(self, n):
        assert self.at + n <= len(self.data), "the answer is shorter than its schema"
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def uvarint(self):
        n = shift = 0
        while True:
            b = self.take(1)[0]
            n |= (b & 127) << shift
            shift += 7
            if b < 128:
                return n

    def tags(self, known=()):
        found = {}
        for _ in range(self.uvarint()):
            tag, data = self.uvarint(), self.take(self.uvarint())
            if tag in known:
                found[tag] = Reader(data, True).read(known[tag])
        return found

    def length(self, form):
        return self.uvarint() - 1 if self.flexible else self.number(form)

    def read(self, schema):
        if isinstance(schema, tuple):
            known = schema[-1] if isinstance(schema[-1], dict) else None
            value = [self.read(s) for s in schema if s is not known]
            found = self.tags(known or {}) if self.flexible else {}
            return value if known is None else [*value, found]
        if isinstance(schema, set | Maybe):
            return None if self.number(">b") < 0 else self.read(schema.of if isinstance(schema, Maybe) else next(iter(schema)))
        if isinstance(schema, list):
            n = self.length(">i")
            return None if n < 0 else [self.read(schema[0]) for _ in range(n)]
        if schema in INTS:
            return self.number(INTS[schema])
        if schema == "u":
            return self.take(16)
        n = self.length(">h" if schema == "s" else ">i")
        return None if n < 0 else self.take(n).decode() if schema == "s" else self.take(n)


class Connection(Framed):
    def __init__(self, host, port, timeout=15):
        super().__init__(host, port, timeout)

    def ask(self, key, version, flexible, request, value, response, flexible_answer=None):
        """The answer; a ConnectionError if the broker closed the connection instead."""
        head = struct.pack(">hhih", key, version, 7, 4) + b"hand" + (b"\0" if flexible else b"")
        self.write_frame(head + encode(request, value, flexible))
        flexible = flexible if flexible_answer is None else flexible_answer
        reader = Reader(self.read_frame(), flexible)
        assert reader.number(">i") == 7
        if flexible and key != 18:
            reader.tags()
        answer = reader.read(response)
        assert reader.at == len(reader.data), "the answer is longer than its schema"
        return answer
