"""A broker that is not one, on the peer port: garbage_peers.py [--frames N] [--seed N].

Broker 1 of three is ended, and somebody who knows its name and directory takes its place at the other two: handshakes that are damaged, then
links that are let in and send what a broker sends, with fields by chance and checksums that are right. The others may drop it, refuse it and
break the link with a sentence; they do not end, and hold no more memory than before. (What a forged leader makes them believe is another
matter: without authentication between brokers nothing is promised there. One that it makes believe that the metadata went on without it ends
with that sentence, and is started again.)
"""

import argparse
import os
import random
import re
import select
import socket
import struct

from harness import peer
from harness.cluster import ROOT, Cluster, wait_until
from harness.raw import Raw, batch, crc32c
from harness.suite import Suite
from harness.suspects import read_frames

RECORD, PIECE, ENTRY = 56, 56, 64
LEADERS, CLUSTER_RECORD, REQUEST, ANSWER = 64, 65, 66, 67
GROWTH_MAX = 64 << 20
LEFT_BEHIND = "the metadata of the other brokers has gone on from an earlier place than what this broker knows of it"
ODD = (0, 1, 2, 3, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (1 << 62) - 1, (1 << 62) + 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)


class Impostor:
    """Links as broker 1, and what the others said on them: the beginnings of frames of our own."""

    def __init__(self, cluster, seed):
        self.cluster, self.rng = cluster, random.Random(seed)
        self.session = 1000
        self.hello = None
        self.records, self.pieces, self.others, self.sent, self.left_behind = [], [], [], 0, 0

    def learn_name(self):
        """Out of what broker 1 says when it dials broker 3: somebody else listens there for a moment."""
        self.cluster[3].kill()
        with socket.create_server(("127.0.0.1", self.cluster[3].peer_port)) as listener:
            listener.settimeout(10)
            while self.hello is None or self.hello.node != 1:  # broker 2 dials, too
                dialled = peer.Peer.of(listener.accept()[0])
                kind, payload = dialled.receive()
                assert kind == peer.HELLO, f"a broker began with a frame of kind {kind}"
                self.hello = peer.Hello.decode(payload)
                dialled.close()
        self.cluster[3].start(ready=True)

    def link(self, node):
        self.session += 1
        try:
            control, bulk = peer.link(self.cluster[node].peer_port, self.hello, self.session)
        except ConnectionError:
            self.all_go_on()
            control, bulk = peer.link(self.cluster[node].peer_port, self.hello, self.session)
        for one in (control, bulk):
            one.socket.settimeout(0.2)
        return control, bulk

    def all_go_on(self):
        for node in (2, 3):
            if not self.cluster[node].alive():
                assert LEFT_BEHIND in self.cluster[node].log_text(), f"broker {node} ended: {self.cluster[node].log_text()[-800:]}"
                self.cluster[node].start(ready=True)
                self.left_behind += 1

    def listen(self, node, frames=40):
        """Takes what the broker sends for a while, answering nothing: records, entries from where it thinks that we are, announcements."""
        for one in self.link(node):
            try:
                for _ in range(frames):
                    kind, payload = one.receive()
                    if kind == peer.MESSAGES:
                        self.records += [payload[at : at + RECORD] for at in range(0, len(payload), RECORD)]
                    elif kind == peer.ENTRIES:
                        self.pieces.append(payload)
                    elif kind >= 64:
                        self.others.append((kind, payload))
            except OSError:
                pass
            one.close()

    # ---- Frames ----

    def number(self, true):
        """Near the truth, or far from it."""
        chance = self.rng.random()
        return true if chance < 0.4 else (true + self.rng.choice((-1, 1, 2, 5))) & (1 << 64) - 1 if chance < 0.7 else self.rng.choice(ODD)

    def record(self, wild):
        group, sender, receiver, term, kind, flags, _, a, b, c = struct.unpack("<QQQIBBHQQQ", self.rng.choice(self.records))
        kind = self.rng.randint(1, 8) if self.rng.random() < 0.8 else kind
        flags = self.rng.choice((0, 0, 1, 2, 3, 4, 8, 15, 255)) if self.rng.random() < 0.5 else flags
        term = self.number(term) & 0xFFFFFFFF if wild else max(term + self.rng.choice((-1, 0, 0, 0, 0, 1)), 0)
        return struct.pack("<QQQIBBHQQQ", group, receiver, sender, term, kind, flags, 0, self.number(a), self.number(b), self.number(c))

    def damaged(self, data):
        data = bytearray(data)
        for _ in range(self.rng.randint(1, 4)):
            if data:
                at = self.rng.randrange(len(data))
                what = self.rng.randrange(4)
                if what == 0:
                    data[at] ^= 1 << self.rng.randrange(8)
                elif what == 1:
                    data[at : at + 4] = struct.pack("<I", self.rng.choice(ODD) & 0xFFFFFFFF)
                elif what == 2:
                    data[at:at] = self.rng.randbytes(self.rng.randint(1, 40))
                else:
                    del data[at : at + self.rng.randint(1, 40)]
        return bytes(data)

    def entry(self, header, body):
        """Header and body with some of it changed, sealed again."""
        fields = list(struct.unpack("<IIQQIBBHqIIqI", header[:60]))
        for _ in range(self.rng.randint(0, 2)):
            at, size = self.rng.choice(((2, 8), (3, 8), (4, 4), (5, 1), (6, 1), (7, 2), (9, 4), (10, 4)))
            fields[at] = self.number(fields[at]) & ((1 << 8 * size) - 1)
        if self.rng.random() < 0.2:
            fields[8] = self.rng.choice((0, fields[8], fields[8] + 1, (1 << 63) - 1, -1))
        if self.rng.random() < 0.3:
            body = self.damaged(body)
        fields[1], fields[12] = len(body), crc32c(body)
        if fields[6] & 1 == 0 and self.rng.random() < 0.9:
            fields[10] = len(body)
        head = struct.pack("<IIQQIBBHqIIqI", *fields)
        return head + struct.pack("<I", crc32c(head)), body

    def entries(self, wild):
        """A frame of entries like one that came, from us to its sender, in a term in which it may believe us."""
        payload = self.rng.choice(self.pieces)
        meta_len = struct.unpack("<I", payload[:4])[0]
        group, sender, receiver, term, count, prev, prev_term, _, commit = struct.unpack("<QQQIIQIIQ", payload[4 : 4 + PIECE])
        at, body_at, headers, bodies = 4 + PIECE, meta_len, b"", b""
        for _ in range(min(count, self.rng.randint(1, 8))):
            header = payload[at : at + ENTRY]
            size = struct.unpack("<I", header[4:8])[0]
            head, body = self.entry(header, payload[body_at : body_at + size])
            headers, bodies, at, body_at = headers + head, bodies + body, at + ENTRY, body_at + size
        term = self.number(term) & 0xFFFFFFFF if wild else term + self.rng.choice((0, 0, 1, 1, 2))
        count = len(headers) // ENTRY if self.rng.random() < 0.9 else self.rng.choice(ODD) & 0xFFFFFFFF
        if self.rng.random() < 0.3:
            prev, prev_term, commit = self.number(prev), self.number(prev_term) & 0xFFFFFFFF, self.number(commit)
        meta = struct.pack("<QQQIIQIIQ", group, receiver, sender, term, count, prev, prev_term, 0, commit) + headers
        return struct.pack("<I", 4 + len(meta)) + meta + bodies

    def frame(self, wild):
        """(kind, payload)"""
        chance = self.rng.random()
        if chance < 0.45 and self.records:
            data = b"".join(self.record(wild) for _ in range(self.rng.choice((1, 1, 1, 2, 10))))
            return peer.MESSAGES, data if self.rng.random() < 0.95 else self.damaged(data)
        if chance < 0.75 and self.pieces:
            return peer.ENTRIES, self.entries(wild)
        if chance < 0.9 and self.others:
            kind, payload = self.rng.choice(self.others)
            return self.rng.choice((kind, kind, kind, LEADERS, CLUSTER_RECORD, REQUEST, ANSWER)), self.damaged(payload)
        if chance < 0.96:
            kind = self.rng.choice((LEADERS, CLUSTER_RECORD, REQUEST, ANSWER, peer.JOURNAL, peer.PING, peer.STOPPING))
            return kind, self.rng.randbytes(self.rng.choice((0, 1, 8, 9, 12, 16, 17, 40, 300)))
        return self.rng.randrange(256), self.rng.randbytes(self.rng.randrange(200))

    def send(self, node, frames, wild):
        """Frames on links of that broker, a new link whenever one is broken."""
        links, control, bulk = 0, None, None
        for _ in range(frames):
            if control is None:
                control, bulk = self.link(node)
                links += 1
            kind, payload = self.frame(wild)
            channel = peer.BULK if kind == peer.ENTRIES else peer.CONTROL
            if self.rng.random() < 0.02:
                channel ^= 1
            try:
                (control, bulk)[channel].send(kind, channel, payload)
                self.sent += 1
                both = {one.socket: one for one in (control, bulk)}
                for ready in select.select(list(both), [], [], 0.001)[0]:  # long enough to see that the link is broken, mostly
                    self.take(both[ready])
            except OSError:
                control.close()
                bulk.close()
                control = None
        if control is not None:
            control.close()
            bulk.close()
        return links

    def take(self, one):
        one.socket.setblocking(False)
        try:
            while one.socket.recv(1 << 16):
                pass
            raise ConnectionError("it closed")
        except BlockingIOError:
            pass
        finally:
            one.socket.settimeout(0.2)


def damaged_hellos(cluster, impostor, frames):
    """Hellos and verdicts with bytes changed, and what is no hello at all: refused or closed."""
    good = impostor.hello.encode(5)
    for n in range(frames):
        node = 2 + n % 2
        one = peer.Peer(cluster[node].peer_port)
        try:
            if n % 4 == 3:
                one.socket.sendall(impostor.rng.randbytes(impostor.rng.randint(1, 300)))
            else:
                one.send(peer.HELLO, impostor.rng.choice((0, 0, 0, 1)), impostor.damaged(good))
                if n % 4 == 2:
                    # What it saw of their journals stays nothing: in that brokers believe each other (decision 11).
                    one.send(peer.VERDICT, 0, b"\1" + bytes(16) + impostor.damaged(peer.field(b"\0")))
        except OSError:
            pass
        one.close()
    impostor.all_go_on()
    return f"{frames} hellos"


def replay_regressions(cluster, impostor):
    """Frames that once ended a broker, on a link that was let in."""
    files = sorted((ROOT / "tests/garbage/regressions").glob("peer-*.hex"))
    frames = [f for path in files for f in read_frames(path)]
    for frame in frames:
        for node in (2, 3):
            links = impostor.link(node)
            links[frame[5] & 1].socket.sendall(frame)
            for one in links:
                one.close()
            impostor.all_go_on()
    return f"{len(frames)} frames"


def frames_with_fields_by_chance(cluster, impostor, frames, wild):
    before = {node: cluster[node].rss_bytes() for node in (2, 3)}
    sent, links = impostor.sent, 0
    for turn in range(frames // 100):
        links += impostor.send(2 + turn % 2, 100, wild)
        impostor.all_go_on()
    for node in (2, 3):
        grown = cluster[node].rss_bytes() - before[node]
        assert grown <= GROWTH_MAX, f"broker {node} grew by {grown >> 20} MiB"
    return f"{impostor.sent - sent} frames on {links} links, {impostor.left_behind} times somebody was left behind"


def clients_are_served(cluster):
    """ApiVersions and Metadata need no partition. And each broken link has a sentence."""
    for node in (2, 3):
        why = re.search(r"lost the connection with broker 1 at [^ ]*: it sent .*", cluster[node].log_text(whole=True))
        assert why, f"broker {node} does not say why it broke a link: {cluster[node].log_text()[-500:]}"
        with Raw(cluster[node].port) as raw:
            raw.ask(18, 0, b"")
            raw.ask(3, 1, struct.pack(">i", -1))


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--frames", type=int, default=20000)
    options.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    arguments = options.parse_args()
    frames = max(arguments.frames // 5, 4000)  # so many that each kind of sentence comes
    print(f"# garbage_peers: --frames {arguments.frames} --seed {arguments.seed}", flush=True)
    suite = Suite([])
    with Cluster(3, settings={"peer.receive.max.bytes": 16 << 20}) as cluster:
        impostor = Impostor(cluster, arguments.seed)
        impostor.learn_name()
        cluster.create("many", 6)
        cluster.wait_leaders("many", in_sync=3)
        cluster[1].kill()
        wait_until(
            "leaders among the others", lambda: None not in cluster.leaders("many").values() and 1 not in cluster.leaders("many").values()
        )
        for partition, node in cluster.leaders("many").items():
            with Raw(cluster[node].port) as raw:
                assert raw.produce("many", partition, batch([(b"k", b"v" * 300)] * 20))[0] == 0
        for _ in range(2):
            impostor.listen(2)
            impostor.listen(3)
        assert impostor.records and impostor.pieces and impostor.others, "what brokers say was not heard"
        suite.run(damaged_hellos, cluster, impostor, frames // 4)
        suite.run(replay_regressions, cluster, impostor)
        suite.run(frames_with_fields_by_chance, cluster, impostor, frames, False)
        suite.run(frames_with_fields_by_chance, cluster, impostor, frames // 2, True, name="frames_far_from_the_truth")
        suite.run(clients_are_served, cluster)
    suite.end()


main()
