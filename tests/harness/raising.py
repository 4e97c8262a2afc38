"""A producer of transactions as transaction.version 2 has them (KIP-890): no partition is added by hand, each end raises the epoch. For what needs no JVM.

Whatever can be asked again is, for a minute: also what a broker did not answer, with the same epoch and sequence. Refused is an answer that no client would
repeat.
"""

import time

from differences.cases import ERRORS
from differences.frames import Connection

from harness.raw import batch

PRODUCE, METADATA, COORDINATOR, INIT, END, UPDATE, DESCRIBE = 0, 3, 10, 22, 26, 57, 65
TRANSACTIONAL = 0x10
AGAIN = {
    "COORDINATOR_LOAD_IN_PROGRESS",
    "COORDINATOR_NOT_AVAILABLE",
    "NOT_COORDINATOR",
    "CONCURRENT_TRANSACTIONS",
    "NOT_LEADER_OR_FOLLOWER",
    "UNKNOWN_TOPIC_OR_PARTITION",
    "NOT_ENOUGH_REPLICAS",
    "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
    "REQUEST_TIMED_OUT",
    "KAFKA_STORAGE_ERROR",
}
UPGRADE, SAFE_DOWNGRADE = 1, 2


class Refused(Exception):
    def __init__(self, what, error):
        super().__init__(f"{what}: {error}")
        self.error = error


class Links:
    """A connection to each broker, made anew when it breaks."""

    def __init__(self, cluster):
        self.cluster, self.open = cluster, {}

    def ask(self, node, *arguments):
        try:
            if node not in self.open:
                self.open[node] = Connection("127.0.0.1", self.cluster[node].port)
            return self.open[node].ask(*arguments)
        except (OSError, AssertionError):
            broken = self.open.pop(node, None)
            if broken is not None:
                broken.close()
            raise

    def any(self, *arguments):
        """Of whoever answers."""
        last = None
        for broker in self.cluster:
            try:
                return self.ask(broker.node, *arguments)
            except OSError as e:
                last = e
        raise last

    def close(self):
        for link in self.open.values():
            link.close()
        self.open.clear()


def again(what, once, seconds=60):
    """What `once` answers, (error name, anything), when it is a word that stands."""
    until, why = time.monotonic() + seconds, None
    while time.monotonic() < until:
        try:
            why, answer = once()
            if why == "NONE":
                return answer
            if why not in AGAIN:
                raise Refused(what, why)
        except OSError as e:
            why = e
        time.sleep(0.02)
    raise TimeoutError(f"{what}: {why}")


def set_level(cluster, level, change):
    """transaction.version."""
    links = Links(cluster)

    def once():
        request = (10000, [("transaction.version", level, change)], False)
        answer = links.any(UPDATE, 1, True, ("i", [("s", "h", "c")], "b"), request, ("i", "h", "s", [("s", "h", "s")]))
        return ERRORS[answer[1]], None

    again("UpdateFeatures", once)
    links.close()


def of_coordinator(links, name, what, *arguments, error, take):
    """The coordinator of that transactional id; `error` and `take` find their parts in an answer."""

    def once():
        found = links.any(COORDINATOR, 1, False, ("s", "c"), (name, 1), ("i", "h", "s", "i", "s", "i"))
        if found[1] != 0:
            return ERRORS[found[1]], None
        answer = links.ask(found[3], *arguments)
        return ERRORS[error(answer)], take(answer)

    return again(what, once)


def epoch_of(cluster, name):
    """At which the producer of that transactional id is."""
    links = Links(cluster)
    row = ("h", "s", "s", "i", "q", "q", "h", [("s", ["i"])])
    arguments = (DESCRIBE, 0, True, (["s"],), ([name],), ("i", [row]))
    epoch = of_coordinator(links, name, "DescribeTransactions", *arguments, error=lambda a: a[1][0][0], take=lambda a: a[1][0][6])
    links.close()
    return epoch


class RaisingProducer:
    def __init__(self, cluster, name, timeout_ms=10000):
        self.links, self.name, self.timeout_ms, self.leaders = Links(cluster), name, timeout_ms, {}
        self.producer, self.epoch, self.sequences = -1, -1, {}
        self.init()

    def close(self):
        self.links.close()

    def identify(self, what, *arguments):
        """Asks for who it is from now on."""
        self.producer, self.epoch = of_coordinator(
            self.links, self.name, what, *arguments, ("i", "h", "q", "h"), error=lambda a: a[1], take=lambda a: a[2:4]
        )
        self.sequences = {}

    def init(self):
        request = (self.name, self.timeout_ms, -1, -1)
        self.identify("InitProducerId", INIT, 4, True, ("s", "i", "q", "h"), request)

    def leader(self, topic, partition):
        if (topic, partition) not in self.leaders:
            rows = ("i", [("i", "s", "i", "s")], "s", "i", [("h", "s", "b", [("h", "i", "i", ["i"], ["i"])])])
            answer = self.links.any(METADATA, 4, False, (["s"], "b"), ([topic], False), rows)
            for row in answer[4][0][3]:
                if row[0] == 0:
                    self.leaders[topic, row[1]] = row[2]
        return self.leaders.get((topic, partition))

    def produce(self, topic, value, partition):
        """When it is stored: the partition is taken into the transaction by it."""
        sequence = self.sequences.get((topic, partition), 0)
        records = batch([(None, value.encode())], producer=(self.producer, self.epoch, sequence), attributes=TRANSACTIONAL)

        def once():
            node = self.leader(topic, partition)
            if node is None:
                return "NOT_LEADER_OR_FOLLOWER", None
            row = ("i", "h", "q", "q", "q", [("i", "s")], "s")
            try:
                answer = self.links.ask(
                    node,
                    PRODUCE,
                    12,
                    True,
                    ("s", "h", "i", [("s", [("i", "y")])]),
                    (self.name, -1, 5000, [(topic, [(partition, records)])]),
                    ([("s", [row])], "i"),
                )
            except OSError:
                self.leaders.clear()
                raise
            error = ERRORS[answer[0][0][1][0][1]]
            if error in AGAIN:
                self.leaders.clear()
            return error, None

        again("Produce", once)
        self.sequences[topic, partition] = sequence + 1

    def end(self, commit):
        request = (self.name, self.producer, self.epoch, commit)
        self.identify("EndTxn", END, 5, True, ("s", "q", "h", "b"), request)
