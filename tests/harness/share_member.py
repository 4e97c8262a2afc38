"""A member of a share group by bare requests (KIP-932): it takes records of one partition, and accepts, releases or rejects each of them."""

import base64
import struct
import uuid

from harness.cluster import wait_until
from harness.raw import Raw, text

FIND_COORDINATOR, HEARTBEAT, FETCH = 10, 76, 78
NOT_LEADER = 6
ACCEPT, RELEASE, REJECT = 1, 2, 3


def compact(value):
    if value is None:
        return b"\0"
    data = value if isinstance(value, bytes) else value.encode()
    return unsigned(len(data) + 1) + data


def unsigned(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def array(items):
    return unsigned(len(items) + 1) + b"".join(items)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(">" + form)
        return values[0] if len(values) == 1 else values

    def unsigned(self):
        value = shift = 0
        while True:
            byte = self.take("B")
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def bytes(self):
        n = self.unsigned() - 1
        self.at += max(n, 0)
        return None if n < 0 else self.data[self.at - n : self.at]

    def tags(self):
        assert self.unsigned() == 0


class Member:
    """Of a share group, at one partition's leader: takes records, and says what becomes of them."""

    def __init__(self, cluster, topic, group, partition):
        self.cluster, self.topic, self.group, self.partition = cluster, topic, group, partition
        self.id = str(uuid.uuid4())
        described = cluster.describe(topic)
        self.topic_id = uuid_of(described)
        leader = next(p["leader"] for p in described["partitions"] if p["id"] == partition)
        self.raw = Raw(cluster[leader].port)
        self.epoch = 0

    def ask(self, key, version, body):
        answer = Reader(self.raw.ask(key, version, b"\0" + body))
        answer.tags()
        return answer

    def join(self):
        """The coordinator begins the group at the partitions of the topic."""
        names = array([compact(self.topic)])
        for node in self.cluster:
            if node.alive() and self.join_at(node, names):
                return True
        return False

    def join_at(self, node, names):
        raw = Raw(node.port)
        try:
            raw.ask(FIND_COORDINATOR, 0, text(self.group))  # the coordinators' topic is made by that
            answer = Reader(
                raw.ask(HEARTBEAT, 1, b"\0" + compact(self.group) + compact(self.id) + struct.pack(">i", 0) + b"\0" + names + b"\0")
            )
            answer.tags()
            _, code = answer.take("ih")
            return code == 0
        except (OSError, EOFError):
            return False
        finally:
            raw.close()

    def take(self, acks=(), most=50, may_move=False):
        """(offset, count) of what is given; `acks`: (offset, what). `may_move`: when they are taken the lead may be elsewhere."""
        batches = array([struct.pack(">qq", o, o) + array([struct.pack("b", what)]) + b"\0" for o, what in acks])
        topics = array([self.topic_id + array([struct.pack(">i", self.partition) + batches + b"\0"]) + b"\0"])
        body = compact(self.group) + compact(self.id) + struct.pack(">iiiiii", self.epoch, 500, 1, 1 << 20, most, most)
        answer = self.ask(FETCH, 1, body + topics + array([]) + b"\0")
        _, code = answer.take("ih")
        answer.bytes()
        assert code == 0, f"ShareFetch: {code}"
        answer.take("i")
        self.epoch += 1
        given = []
        for _ in range(answer.unsigned() - 1):
            answer.take("16s")
            for _ in range(answer.unsigned() - 1):
                _, code = answer.take("ih")
                answer.bytes()
                ack_code = answer.take("h")
                answer.bytes()
                assert (code == 0 or (may_move and code == NOT_LEADER)) and ack_code == 0, f"ShareFetch: {code}, {ack_code}"
                answer.take("ii")
                answer.tags()
                answer.bytes()
                for _ in range(answer.unsigned() - 1):
                    first, last, count = answer.take("qqh")
                    answer.tags()
                    given += [(o, count) for o in range(first, last + 1)]
                answer.tags()
            answer.tags()
        return given

    def close(self):
        self.raw.close()


def uuid_of(described):
    """As it goes over the wire; the tool shows Kafka's base64."""
    shown = described["id"] if "id" in described and isinstance(described["id"], str) else described["topic_id"]
    return base64.urlsafe_b64decode(shown + "=" * (-len(shown) % 4))


def member_of(cluster, topic, group):
    """One that has joined, as soon as the coordinator and the leader of partition 0 are there."""
    made = []

    def tries():
        try:
            cluster.wait_leaders(topic)
            made.append(Member(cluster, topic, group, 0))
            return made[-1].join()
        except (OSError, AssertionError):
            return False

    wait_until("a member", tries, 60, 0.2)
    return made[-1]
