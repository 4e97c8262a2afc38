"""What is asked of both: each case asks one thing of a cluster of three brokers and says the answer in a few words.

Answers are made comparable: epochs are said relative to the present one, ids and addresses are left out. A case has topics of its own. The cases are in
topics.py (CreateTopics, DeleteTopics, CreatePartitions, settings), tuned.py (settings of brokers), classic.py (groups of the classic protocol), consumers.py (groups of KIP-848), duplicates.py (what is named twice), fetches.py (Fetch, the largest timestamp),
migration.py (groups of both protocols), moves.py (replicas that move), newest.py (newest versions, DescribeTopicPartitions), offsets.py (committed offsets), settings.py (settings of
groups), sessions.py (fetch sessions, topic ids, leader hints), transactions.py (their coordinator), trims.py (DeleteRecords), txn_log.py (what is in the log of transactions), txn_offsets.py (offsets of transactions) and versions.py (levels of features, transaction.version 2; the last, for others count what there is) and requests.py (all
others).
"""

import time
from pathlib import Path

from differences.frames import Connection

from harness.cluster import wait_until

ROOT = Path(__file__).resolve().parents[2]
(
    PRODUCE,
    FETCH,
    LIST,
    METADATA,
    COORDINATOR,
    VERSIONS,
    CREATE,
    DELETE,
    INIT,
    EPOCH,
    CONFIGS,
    ALTER,
    PARTITIONS,
    ELECT,
    INCREMENTAL,
    CLUSTER,
    PAGES,
) = 0, 1, 2, 3, 10, 18, 19, 20, 22, 23, 32, 33, 37, 43, 44, 60, 75
NO_ID = bytes(16)
INT_MAX, LONG_MAX = 2**31 - 1, 2**63 - 1


def error_names():
    rows = [line.split(" ") for line in (ROOT / "tests/golden/errors.txt").read_text().splitlines()]
    return {int(row[0]): row[1] for row in rows}


ERRORS = error_names()


class Cluster:
    """Connections to a cluster at (host, port) of one broker, the others by their metadata."""

    def __init__(self, host, port):
        self.first, self.addresses, self.leaders_of = (host, port), {}, {}
        self.metadata([])

    def ask(self, *arguments, node=None):
        connection = Connection(*(self.first if node is None else self.addresses[node]))
        try:
            return connection.ask(*arguments)
        finally:
            connection.close()

    def metadata(self, topics, allow=False, operations=False):
        answer = self.ask(
            METADATA,
            8,
            False,
            (["s"], "b", "b", "b"),
            (topics, allow, False, operations),
            ("i", [("i", "s", "i", "s")], "s", "i", [("h", "s", "b", [("h", "i", "i", "i", ["i"], ["i"], ["i"])], "i")], "i"),
        )
        self.addresses = {b[0]: (b[1], b[2]) for b in answer[1]}
        return answer

    def create(self, name, partitions=1, factor=1, assignments=(), configs=(), validate=False, also=()):
        topics = [(name, partitions, factor, [(p, nodes) for p, nodes in assignments], list(configs)), *also]
        answer = self.ask(
            CREATE,
            4,
            False,
            ([("s", "i", "h", [("i", ["i"])], [("s", "s")])], "i", "b"),
            (topics, 15000, validate),
            ("i", [("s", "h", "s")]),
        )
        return ", ".join(ERRORS[t[1]] for t in answer[1])

    def make(self, name, partitions=1, factor=3, configs=()):
        said = self.create(name, partitions, factor, configs=configs)
        assert said == "NONE", f"{name}: {said}"
        self.leader(name)

    def leader(self, name):
        """(node, epoch) of partition 0, when there is one."""
        for _ in range(200):
            topic = self.metadata([name])[4][0]
            if topic[0] == 0 and topic[3] and all(p[0] == 0 and p[2] >= 0 for p in topic[3]):
                node, epoch = topic[3][0][2], topic[3][0][3]
                if self.list_at(node, name)[1] == 0:  # metadata is known before the replica is there
                    return node, epoch
            time.sleep(0.05)
        raise TimeoutError(f"{name} has no leader")

    def list_at(self, node, topic, partition=0, timestamp=-1, epoch=-1, replica=-1, isolation=0):
        """The answer's partition by ListOffsets 5."""
        answer = self.ask(
            LIST,
            5,
            False,
            ("i", "c", [("s", [("i", "i", "q")])]),
            (replica, isolation, [(topic, [(partition, epoch, timestamp)])]),
            ("i", [("s", [("i", "h", "q", "q", "i")])]),
            node=node,
        )
        return answer[1][0][1][0]

    def delete(self, *names):
        answer = self.ask(DELETE, 3, False, (["s"], "i"), (list(names), 15000), ("i", [("s", "h")]))
        return ", ".join(sorted(ERRORS[t[1]] for t in answer[1]))

    def delete_6(self, *topics):
        answer = self.ask(DELETE, 6, True, ([("s", "u")], "i"), (list(topics), 15000), ("i", [("s", "u", "h", "s")]))
        return ", ".join(sorted(ERRORS[t[2]] for t in answer[1]))

    def grow(self, name, count, assignments=None, validate=False, twice=False):
        topic = (name, count, None if assignments is None else [(nodes,) for nodes in assignments])
        answer = self.ask(
            PARTITIONS,
            1,
            False,
            ([("s", "i", [(["i"],)])], "i", "b"),
            ([topic] * (2 if twice else 1), 15000, validate),
            ("i", [("s", "h", "s")]),
        )
        return ", ".join(ERRORS[t[1]] for t in answer[1])

    def describe(self, kind, name, keys=None, node=None):
        answer = self.ask(
            CONFIGS,
            3,
            False,
            ([("c", "s", ["s"])], "b", "b"),
            ([(kind, name, keys)], True, False),
            ("i", [("h", "s", "c", "s", [("s", "s", "b", "c", "b", [("s", "s", "c")], "c", "s")])]),
            node=node,
        )
        return answer[1]

    def alter(self, kind, name, configs, validate=False, twice=False):
        """AlterConfigs: all settings of one resource, those not named go back to their default."""
        answer = self.ask(
            ALTER,
            1,
            False,
            ([("c", "s", [("s", "s")])], "b"),
            ([(kind, name, configs)] * (2 if twice else 1), validate),
            ("i", [("h", "s", "c", "s")]),
        )
        return ", ".join(ERRORS[r[0]] for r in answer[1])

    def change(self, kind, name, configs, validate=False, twice=False, node=None):
        """IncrementalAlterConfigs: (name, 0 set 1 delete 2 append 3 subtract, value) each."""
        answer = self.ask(
            INCREMENTAL,
            0,
            False,
            ([("c", "s", [("s", "c", "s")])], "b"),
            ([(kind, name, configs)] * (2 if twice else 1), validate),
            ("i", [("h", "s", "c", "s")]),
            node=node,
        )
        return ", ".join(ERRORS[r[0]] for r in answer[1])

    def elect(self, kind, topics):
        answer = self.ask(ELECT, 1, False, ("c", [("s", ["i"])], "i"), (kind, topics, 10000), ("i", "h", [("s", [("i", "h", "s")])]))
        return ERRORS[answer[1]] + "".join(f", {ERRORS[p[1]]}" for t in answer[2] for p in t[1])

    def config(self, topic, name):
        result = self.describe(2, topic, [name])[0]
        return ", ".join(f"{c[1]} (source {c[3]})" for c in result[4]) or f"{ERRORS[result[0]]}, nothing"

    def list_offsets(self, topic, partition, timestamp, epoch=None, twice=False, replica=-1):
        node, present = self.leader(topic)
        part = (partition, -1 if epoch is None else present + epoch, timestamp)
        answer = self.ask(
            LIST,
            5,
            False,
            ("i", "c", [("s", [("i", "i", "q")])]),
            (replica, 0, [(topic, [part] * (2 if twice else 1))]),
            ("i", [("s", [("i", "h", "q", "q", "i")])]),
            node=node,
        )
        return "; ".join(f"{ERRORS[p[1]]}, time {p[2]}, offset {p[3]}, epoch {relative(p[4], present)}" for p in answer[1][0][1])

    def list_offsets_7(self, topic, timestamp):
        node, present = self.leader(topic)
        answer = self.ask(
            LIST,
            7,
            True,
            ("i", "c", [("s", [("i", "i", "q")])]),
            (-1, 0, [(topic, [(0, -1, timestamp)])]),
            ("i", [("s", [("i", "h", "q", "q", "i")])]),
            node=node,
        )
        p = answer[1][0][1][0]
        return f"{ERRORS[p[1]]}, time {p[2]}, offset {p[3]}, epoch {relative(p[4], present)}"

    def epoch_end(self, topic, epoch, current=None, partition=0, absolute=False):
        node, present = self.leader(topic)
        part = (partition, -1 if current is None else present + current, epoch if absolute else present + epoch)
        answer = self.ask(
            EPOCH, 3, False, ("i", [("s", [("i", "i", "i")])]), (-1, [(topic, [part])]), ("i", [("s", [("h", "i", "i", "q")])]), node=node
        )
        p = answer[1][0][1][0]
        return f"{ERRORS[p[0]]}, epoch {relative(p[2], present)}, end {p[3]}"

    def produce(self, topic, records, acks=-1, partition=0, twice=False, version=8, transactional=None):
        node, _ = self.leader(topic)
        parts = [(partition, records)] * (2 if twice else 1)
        answer = self.ask(
            PRODUCE,
            version,
            False,
            ("s", "h", "i", [("s", [("i", "y")])]),
            (transactional, acks, 10000, [(topic, parts)]),
            ([("s", [("i", "h", "q", "q", "q", [("i", "s")], "s")])], "i"),
            node=node,
        )
        return "; ".join(f"{ERRORS[p[1]]}, offset {p[2]}" for p in answer[0][0][1])

    def put(self, topic, records, partition=0):
        """Produces what a case needs, as a client would: again while the leader that the metadata name does not lead yet."""
        said = []

        def stored():
            said[:] = [self.produce(topic, records, partition=partition)]
            return not said[0].startswith("NOT_LEADER_OR_FOLLOWER")

        wait_until(f"a leader of {topic}-{partition} takes records", stored)
        assert said[0].startswith("NONE"), said[0]


def relative(epoch, present):
    return "none" if epoch == -1 else str(epoch) if epoch < 0 else "present" if epoch == present else f"present{epoch - present:+d}"


CASES = {}


def case(name):
    def add(function):
        assert name not in CASES, name
        CASES[name] = function
        return function

    return add
