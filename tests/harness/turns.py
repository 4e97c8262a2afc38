"""Long turns of a broker's loop, as it tells of them itself (loop.turn.warn.ms), and many requests at once that may cause none."""

import struct

from harness.raw import Raw


def array(items):
    items = list(items)
    return struct.pack(">i", len(items)) + b"".join(items)


class Turns:
    """Long turns that the broker has told of."""

    def __init__(self, broker):
        self.broker, self.seen = broker, 0

    def new(self):
        lines = [line for line in self.broker.log_text().splitlines() if "a turn of the loop took" in line]
        found, self.seen = lines[self.seen :], len(lines)
        return found

    def assert_short(self):
        found = self.new()
        assert not found, f"{len(found)} long turns: {found[0]}"


def worst(cluster, requests, connections=1, timeout=120):
    """Sends all of them at once on each connection, then reads every answer. Returns the bytes of the largest answer."""
    turns = Turns(cluster[1])
    turns.new()
    raws = [Raw(cluster[1].port, timeout=timeout) for _ in range(connections)]
    largest = 0
    for raw in raws:
        for key, version, body in requests:
            raw.send(key, version, body)
    for raw in raws:
        for _ in requests:
            largest = max(largest, len(raw.receive()[1]))
        raw.close()
    turns.assert_short()
    return largest
