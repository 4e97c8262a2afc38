"""The language of the peer port by hand (raft-glue/peer/peer_frame.h): hellos right and wrong, and frames that no broker sends."""

import struct

from harness.framed import Framed
from harness.raw import crc32c

HELLO, VERDICT, PING, MESSAGES, ENTRIES, STOPPING, JOURNAL, BROKER = 1, 2, 3, 4, 5, 6, 7, 64
CONTROL, BULK = 0, 1
ACCEPTED = 1  # the first byte of a verdict; 0: refused, 2: for good
SEEN = 16  # bytes of a verdict: what the broker saw of our journal; zeros: nothing


def field(data):
    return struct.pack("<I", len(data)) + data


def frame(kind, channel, payload, crc=None):
    covered = payload[: struct.unpack("<I", payload[:4])[0]] if kind == ENTRIES and len(payload) >= 4 else payload
    return struct.pack(">I", len(payload) + 8) + struct.pack("<BBHI", kind, channel, 0, crc32c(covered) if crc is None else crc) + payload


class Hello:
    def __init__(self, node, directory=bytes(16), nodes=b"", record=b"", cluster_id=b"", shard=0, version=3):
        self.node, self.directory, self.nodes, self.record, self.cluster_id, self.shard, self.version = (
            node,
            directory,
            nodes,
            record,
            cluster_id,
            shard,
            version,
        )

    def encode(self, session):
        head = struct.pack("<IHHiI16sQI", 0x50455244, self.version, 0, self.node, self.shard, self.directory, session, 0)
        return head + field(self.cluster_id + b"\0") + field(self.nodes + b"\0") + field(self.record)

    @staticmethod
    def decode(payload):
        _, version, _, node, shard, directory, _, _ = struct.unpack("<IHHiI16sQI", payload[:44])
        fields, at = [], 44
        for _ in range(3):
            size = struct.unpack("<I", payload[at : at + 4])[0]
            fields.append(payload[at + 4 : at + 4 + size])
            at += 4 + size
        return Hello(node, directory, fields[1][:-1], fields[2], fields[0][:-1], shard, version)

    @staticmethod
    def of_directory(data, node):
        """What the broker `node` with that data directory says: the one secret that a hello holds is on its disk."""
        meta = dict(line.split("=", 1) for line in (data / "drave.meta").read_text().splitlines() if "=" in line)
        return Hello(
            node,
            bytes.fromhex(meta["directory"].replace("-", "")),
            record=bytes.fromhex(meta["record"]),
            cluster_id=meta["cluster"].encode(),
        )


class Peer(Framed):
    """One connection to a peer port."""

    def __init__(self, port, timeout=5):
        super().__init__("127.0.0.1", port, timeout)

    def send(self, kind, channel, payload):
        self.socket.sendall(frame(kind, channel, payload))

    def receive(self):
        """(kind, payload) of the next frame."""
        data = self.read_frame()
        return data[0], data[8:]

    def shake(self, hello, session, channel):
        """Says hello; (the other's hello, or None of one that refuses, whether it accepts, its sentence). Accepts the other."""
        self.send(HELLO, channel, hello.encode(session))
        kind, answer = self.receive()
        theirs = None
        if kind == HELLO:
            theirs = Hello.decode(answer)
            kind, answer = self.receive()
        assert kind == VERDICT, f"frame of kind {kind} instead of a verdict"
        accepted = answer[0] == ACCEPTED
        assert accepted == (theirs is not None), "who is refused got a hello, or who is accepted got none"
        if accepted:
            self.send(VERDICT, channel, bytes([ACCEPTED]) + bytes(SEEN) + field(b"\0"))
        return theirs, accepted, answer[SEEN + 5 : -1].decode()


def link(port, hello, session, tries=50):
    """Both connections of a link, established, as that broker's own ones would be. The true broker may come in between: then again."""
    for turn in range(tries):
        peers = []
        try:
            for channel in (CONTROL, BULK):
                peers.append(Peer(port))
                _, accepted, why = peers[-1].shake(hello, session + (turn << 32), channel)
                assert accepted, why
            return peers
        except ConnectionError:
            for peer in peers:
                peer.close()
    raise ConnectionError(f"no link as broker {hello.node} in {tries} tries")
