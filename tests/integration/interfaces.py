"""What interfaces for people ask of a cluster, page by page, read off their sources: Redpanda Console and kminion (franz-go), kafbat UI and AKHQ (Java's Admin).

Each call is made at the version that the library would choose: the newest that both sides have. It must be advertised, be answered on the same connection,
and the answer must make sense. Apache Kafka 4.3.1 passes the same replay.
"""

import struct
import time

from differences.cases import ERRORS
from differences.frames import Connection

from harness.cluster import Cluster, wait_until
from harness.raw import Raw, batch
from harness.suite import Suite

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR, DESCRIBE_GROUPS, LIST_GROUPS = (
    0,
    1,
    2,
    3,
    8,
    9,
    10,
    15,
    16,
)
API_VERSIONS, DESCRIBE_ACLS, DESCRIBE_CONFIGS, DESCRIBE_LOG_DIRS, LIST_REASSIGNMENTS, DESCRIBE_QUOTAS = 18, 29, 32, 35, 46, 48
DESCRIBE_USERS, DESCRIBE_CLUSTER, DESCRIBE_PRODUCERS, CONSUMER_GROUP_DESCRIBE, DESCRIBE_TOPIC_PARTITIONS = 50, 60, 61, 69, 75

LEADERS_MOVED_MOST = 5  # in one page
PARTITIONS, RECORDS, TOPIC, GROUP = 3, 10, "orders", "billing"
NO_ID = bytes(16)

# ---- What the libraries speak at the most ----

FRANZ_GO = {
    FETCH: 18,
    LIST_OFFSETS: 11,
    METADATA: 13,
    OFFSET_FETCH: 10,
    FIND_COORDINATOR: 6,
    DESCRIBE_GROUPS: 6,
    LIST_GROUPS: 5,
    API_VERSIONS: 4,
    DESCRIBE_ACLS: 3,
    DESCRIBE_CONFIGS: 4,
    DESCRIBE_LOG_DIRS: 4,
    LIST_REASSIGNMENTS: 0,
    DESCRIBE_QUOTAS: 1,
    DESCRIBE_USERS: 0,
}
JAVA = {
    FETCH: 18,
    LIST_OFFSETS: 11,
    METADATA: 13,
    OFFSET_FETCH: 10,
    FIND_COORDINATOR: 6,
    DESCRIBE_GROUPS: 6,
    LIST_GROUPS: 5,
    API_VERSIONS: 4,
    DESCRIBE_ACLS: 3,
    DESCRIBE_CONFIGS: 4,
    DESCRIBE_LOG_DIRS: 5,
    DESCRIBE_QUOTAS: 1,
    DESCRIBE_CLUSTER: 2,
    DESCRIBE_PRODUCERS: 0,
    CONSUMER_GROUP_DESCRIBE: 1,
    DESCRIBE_TOPIC_PARTITIONS: 0,
}

# ---- The forms of requests and answers, for frames.py; all of these versions are flexible ----

MEMBER_PARTITIONS = ([("u", "s", ["i"])],)
FORMS = {
    (API_VERSIONS, 4): (("s", "s"), ("h", [("h", "h", "h")], "i")),
    (METADATA, 13): (
        ([("u", "s")], "b", "b"),
        ("i", [("i", "s", "i", "s")], "s", "i", [("h", "s", "u", "b", [("h", "i", "i", "i", ["i"], ["i"], ["i"])], "i")], "h"),
    ),
    (LIST_OFFSETS, 11): (("i", "c", [("s", [("i", "i", "q")])], "i"), ("i", [("s", [("i", "h", "q", "q", "i")])])),
    (FETCH, 18): (
        ("i", "i", "i", "c", "i", "i", [("u", [("i", "i", "q", "i", "q", "i")])], [("u", ["i"])], "s"),
        ("i", "h", "i", [("u", [("i", "h", "q", "q", "q", [("q", "q")], "i", "y")])]),
    ),
    (FIND_COORDINATOR, 6): (("c", ["s"]), ("i", [("s", "i", "s", "i", "h", "s")])),
    (LIST_GROUPS, 5): ((["s"], ["s"]), ("i", "h", [("s", "s", "s", "s")])),
    (DESCRIBE_GROUPS, 6): ((["s"], "b"), ("i", [("h", "s", "s", "s", "s", "s", [("s", "s", "s", "s", "y", "y")], "i")])),
    (CONSUMER_GROUP_DESCRIBE, 1): (
        (["s"], "b"),
        (
            "i",
            [
                (
                    "h",
                    "s",
                    "s",
                    "s",
                    "i",
                    "i",
                    "s",
                    [("s", "s", "s", "i", "s", "s", ["s"], "s", MEMBER_PARTITIONS, MEMBER_PARTITIONS, "c")],
                    "i",
                )
            ],
        ),
    ),
    (OFFSET_FETCH, 10): (
        ([("s", "s", "i", [("u", ["i"])])], "b"),
        ("i", [("s", [("u", [("i", "q", "i", "s", "h")])], "h")]),
    ),
    (OFFSET_COMMIT, 9): (("s", "i", "s", "s", [("s", [("i", "q", "i", "s")])]), ("i", [("s", [("i", "h")])])),
    (DESCRIBE_CONFIGS, 4): (
        ([("c", "s", ["s"])], "b", "b"),
        ("i", [("h", "s", "c", "s", [("s", "s", "b", "c", "b", [("s", "s", "c")], "c", "s")])]),
    ),
    (DESCRIBE_ACLS, 3): (("c", "s", "c", "s", "s", "c", "c"), ("i", "h", "s", [("c", "s", "c", [("s", "s", "c", "c")])])),
    (DESCRIBE_LOG_DIRS, 4): (([("s", ["i"])],), ("i", "h", [("h", "s", [("s", [("i", "q", "q", "b")])], "q", "q")])),
    (DESCRIBE_LOG_DIRS, 5): (([("s", ["i"])],), ("i", "h", [("h", "s", [("s", [("i", "q", "q", "b")])], "q", "q", "b")])),
    (LIST_REASSIGNMENTS, 0): (("i", [("s", ["i"])]), ("i", "h", "s", [("s", [("i", ["i"], ["i"], ["i"])])])),
    (DESCRIBE_QUOTAS, 1): (([("s", "c", "s")], "b"), ("i", "h", "s", [([("s", "s")], [("s", "d")])])),
    (DESCRIBE_USERS, 0): (([("s",)],), ("i", "h", "s", [("s", "h", "s", [("c", "i")])])),
    (DESCRIBE_CLUSTER, 2): (("b", "c", "b"), ("i", "h", "s", "c", "s", "i", [("i", "s", "i", "s", "b")], "i")),
    (DESCRIBE_PRODUCERS, 0): (([("s", ["i"])],), ("i", [("s", [("i", "h", "s", [("q", "i", "i", "q", "i", "q")])])])),
    (DESCRIBE_TOPIC_PARTITIONS, 0): (
        ([("s",)], "i", {("s", "i")}),
        ("i", [("h", "s", "u", "b", [("h", "i", "i", "i", ["i"], ["i"], ["i"], ["i"], ["i"])], "i")], {("s", "i")}),
    ),
}


# ---- The cluster that is looked at ----


class World:
    leaders, controller, coordinator = {}, None, None

    def __init__(self, cluster):
        self.nodes = {b.node: b for b in cluster}
        self.connections = {n: Connection("127.0.0.1", b.port) for n, b in self.nodes.items()}
        with Raw(cluster[1].port) as raw:
            while (given := raw.init_producer_id())[0] != 0:  # the first ids are being fetched
                time.sleep(0.05)
            self.producer = given[1]
        versions = self.ask(1, API_VERSIONS, 4, ("test", "1"))
        self.served = {key: (first, last) for key, first, last in versions[1]}
        wait_until("a coordinator", lambda: self.ask(1, FIND_COORDINATOR, 6, (0, [GROUP]))[1][0][4] == 0)
        self.look()
        for partition in range(PARTITIONS):
            wait_until(f"records of partition {partition}", lambda p=partition: self.filled(p))
        wait_until(f"a commit of the group {GROUP}", self.committed)

    def ask(self, node, key, version, value):
        request, response = FORMS[key, version]
        return self.connections[node].ask(key, version, True, request, value, response)

    def look(self):
        """Who leads what, when every broker says the same, with all replicas in sync. True if it is not what it was."""

        def told():
            said = [self.ask(n, METADATA, 13, (None, False, False)) for n in self.nodes]
            whole = all(p[0] == 0 and p[2] in self.nodes and len(p[5]) == 3 for s in said for t in s[4] for p in t[4])
            alike = all((s[3], s[4]) == (said[0][3], said[0][4]) for s in said)
            coordinators = [self.ask(n, FIND_COORDINATOR, 6, (0, [GROUP]))[1][0] for n in self.nodes]
            agreed = all((c[1], c[4]) == (coordinators[0][1], 0) for c in coordinators)
            return whole and alike and agreed and (said[0], coordinators[0][1])

        before = self.roles()
        metadata, self.coordinator = wait_until("all brokers to tell the same leaders", told)
        (topic,) = [t for t in metadata[4] if t[1] == TOPIC]
        self.topic_id, self.controller = topic[2], metadata[3]
        self.leaders = {p[1]: p[2] for p in topic[4]}
        return self.roles() != before

    def roles(self):
        return self.leaders, self.controller, self.coordinator

    def filled(self, partition):
        """False, here and below: not yet, for a lead has moved."""
        records = batch([(None, b"%d" % i) for i in range(RECORDS)], producer=(self.producer, 0, 0))
        with Raw(self.nodes[self.leaders[partition]].port) as raw:
            done = raw.produce(TOPIC, partition, records) == (0, 0)  # also when they were there already
        if not done:
            self.look()
        return done

    def committed(self):
        """A group without members, that has read half of each partition."""
        asked = [(TOPIC, [(p, RECORDS // 2, -1, "") for p in range(PARTITIONS)])]
        answer = self.ask(self.coordinator, OFFSET_COMMIT, 9, (GROUP, -1, "", None, asked))
        done = all(p[1] == 0 for t in answer[1] for p in t[1])
        if not done:
            self.look()
        return done

    def led_by(self, node):
        return [p for p, leader in self.leaders.items() if leader == node]

    def where(self, place):
        return {
            ANY: [1],
            EVERY: list(self.nodes),
            CONTROLLER: [self.controller],
            COORDINATOR: [self.coordinator],
            LEADERS: sorted(set(self.leaders.values())),
        }[place]


ANY, EVERY, CONTROLLER, COORDINATOR, LEADERS = "any", "every broker", "controller", "coordinator", "leaders"


# ---- What is asked: (API, of whom, request) ----


def value(of):
    """A request that is the same for every cluster."""
    return lambda world, node: of


def hello(name):
    return (API_VERSIONS, EVERY, value((name, "1")))


def offsets(timestamp):
    def ask(world, node):
        return (-1, 0, [(TOPIC, [(p, -1, timestamp) for p in world.led_by(node)])], 30000)

    return (LIST_OFFSETS, LEADERS, ask)


def read_from(offset):
    def ask(world, node):
        return (500, 1, 1 << 20, 0, 0, -1, [(world.topic_id, [(p, -1, offset, -1, -1, 1 << 20) for p in world.led_by(node)])], [], "")

    return (FETCH, LEADERS, ask)


def configs(kind, name=None, synonyms=False, documentation=False):
    """kind 2: topics, all of them when no name is given; 4: the broker that is asked."""

    def ask(world, node):
        names = [str(node)] if kind == 4 else [name] if name else all_topics(world)
        return ([(kind, n, None) for n in names], synonyms, documentation)

    return (DESCRIBE_CONFIGS, EVERY if kind == 4 else ANY, ask)


def all_topics(world):
    return [t[1] for t in world.ask(1, METADATA, 13, (None, False, False))[4]]


ALL_METADATA = (METADATA, ANY, value((None, False, False)))
BROKERS_ALONE = (METADATA, ANY, value(([], False, False)))
TOPIC_METADATA = (METADATA, ANY, value(([(NO_ID, TOPIC)], False, False)))
ALL_ACLS = (DESCRIBE_ACLS, ANY, value((1, None, 1, None, None, 1, 1)))
CLUSTER = (DESCRIBE_CLUSTER, ANY, value((False, 1, False)))
CLUSTER_WITH_OPERATIONS = (DESCRIBE_CLUSTER, ANY, value((True, 1, False)))
TOPIC_BY_PAGES = (DESCRIBE_TOPIC_PARTITIONS, ANY, value(([(TOPIC,)], 2000, None)))
ALL_DIRS = (DESCRIBE_LOG_DIRS, EVERY, value((None,)))
TOPIC_DIRS = (DESCRIBE_LOG_DIRS, EVERY, value(([(TOPIC, list(range(PARTITIONS)))],)))
GROUPS = (LIST_GROUPS, EVERY, value(([], [])))
COORDINATORS = (FIND_COORDINATOR, ANY, value((0, [GROUP])))
CLASSIC_GROUP = (DESCRIBE_GROUPS, COORDINATOR, value(([GROUP], False)))
NEW_GROUP = (CONSUMER_GROUP_DESCRIBE, COORDINATOR, value(([GROUP], False)))
COMMITTED = (OFFSET_FETCH, COORDINATOR, value(([(GROUP, None, -1, None)], False)))
MOVES = (LIST_REASSIGNMENTS, CONTROLLER, value((60000, None)))
QUOTAS = (DESCRIBE_QUOTAS, ANY, value(([], False)))
USERS = (DESCRIBE_USERS, CONTROLLER, value((None,)))
PRODUCERS = (DESCRIBE_PRODUCERS, LEADERS, lambda world, node: ([(TOPIC, world.led_by(node))],))

PAGES = {
    ("Redpanda Console", "kgo"): {
        "start": [hello("kgo"), ALL_METADATA],
        "overview": [ALL_METADATA, hello("kgo"), ALL_ACLS, configs(4), ALL_DIRS],
        "brokers": [ALL_METADATA, ALL_DIRS, configs(4)],
        "topics": [ALL_METADATA, configs(2), ALL_DIRS],
        "a topic's partitions": [TOPIC_METADATA, TOPIC_DIRS, offsets(-2), offsets(-1)],
        "a topic's messages": [TOPIC_METADATA, offsets(-2), offsets(-1), offsets(0), read_from(0)],
        "a topic's configuration": [configs(2, TOPIC, True, True)],
        "a topic's consumers": [GROUPS, COORDINATORS, CLASSIC_GROUP, COMMITTED, TOPIC_METADATA, offsets(-1)],
        "a topic's ACLs": [(DESCRIBE_ACLS, ANY, value((2, TOPIC, 2, None, None, 1, 1)))],
        "consumer groups": [GROUPS, COORDINATORS, CLASSIC_GROUP, COMMITTED, TOPIC_METADATA, offsets(-1)],
        "ACLs": [ALL_ACLS],
        "users": [USERS],
        "quotas": [QUOTAS],
        "reassign partitions": [MOVES, ALL_METADATA, ALL_DIRS],
    },
    ("kminion", "kgo"): {
        "start": [hello("kgo"), ALL_METADATA],
        "broker info, cluster info": [ALL_METADATA, hello("kgo")],
        "topic info": [ALL_METADATA, configs(2)],
        "offsets of topics": [ALL_METADATA, offsets(-2), offsets(-1)],
        "consumer groups": [GROUPS, COORDINATORS, CLASSIC_GROUP],
        "consumer group lags": [GROUPS, COORDINATORS, COMMITTED, offsets(-1)],
        "log directories": [ALL_DIRS],
        "ACLs": [ALL_ACLS],
    },
    ("kafbat UI", "java"): {
        "start": [hello("apache-kafka-java"), BROKERS_ALONE, CLUSTER, configs(4), ALL_ACLS],
        "statistics, every 30 s": [
            CLUSTER_WITH_OPERATIONS,
            ALL_DIRS,
            BROKERS_ALONE,
            GROUPS,
            ALL_METADATA,
            TOPIC_BY_PAGES,
            configs(2, None, True),
            TOPIC_METADATA,
            offsets(-1),
            offsets(-2),
            COORDINATORS,
            NEW_GROUP,
            CLASSIC_GROUP,
            COMMITTED,
        ],
        "brokers": [CLUSTER, ALL_DIRS, configs(4)],
        "a topic": [TOPIC_BY_PAGES, configs(2, TOPIC, True, True), offsets(-1), offsets(-2), PRODUCERS],
        "a topic's messages": [TOPIC_METADATA, offsets(-2), offsets(-1), read_from(0)],
        "consumers": [GROUPS, COORDINATORS, NEW_GROUP, CLASSIC_GROUP, COMMITTED, offsets(-1)],
        "ACLs": [ALL_ACLS],
        "quotas": [QUOTAS],
    },
    ("AKHQ", "java"): {
        "start": [hello("apache-kafka-java"), BROKERS_ALONE, CLUSTER],
        "nodes": [CLUSTER, ALL_DIRS, configs(4)],
        "topics": [
            ALL_METADATA,
            TOPIC_BY_PAGES,
            TOPIC_METADATA,
            offsets(-2),
            offsets(-1),
            ALL_DIRS,
            GROUPS,
            COORDINATORS,
            NEW_GROUP,
            COMMITTED,
        ],
        "a topic's data": [TOPIC_BY_PAGES, offsets(-2), offsets(-1), read_from(0)],
        "a topic's configuration": [configs(2, TOPIC, True)],
        "consumer groups": [GROUPS, COORDINATORS, NEW_GROUP, CLASSIC_GROUP, COMMITTED, offsets(-1)],
        "ACLs": [ALL_ACLS],
    },
}
NEWEST = {"kgo": FRANZ_GO, "java": JAVA}

# ---- What makes sense: (world, the broker that was asked, the request, the answer) ----


def check_versions(world, node, asked, answer):
    assert answer[0] == 0
    assert {key: (first, last) for key, first, last in answer[1]} == world.served, "brokers of one version speak alike"


def check_metadata(world, node, asked, answer):
    throttle, brokers, cluster, controller, topics, error = answer
    assert (error, sorted(b[0] for b in brokers)) == (0, [1, 2, 3])
    assert len(cluster) == 22 and controller in world.nodes
    for error, name, _, internal, partitions, _ in topics:
        assert error == 0 and internal == (name[:2] == "__")
        assert all(p[0] == 0 and p[2] in world.nodes and len(p[4]) == len(p[5]) == 3 and not p[6] for p in partitions), name
    told = [t[1] for t in topics if t[1] == TOPIC]
    assert len(told) == (0 if asked[0] == [] else 1)


def check_cluster(world, node, asked, answer):
    assert answer[1] == 0 and len(answer[4]) == 22 and answer[5] in world.nodes
    assert sorted(b[0] for b in answer[6]) == [1, 2, 3]
    assert (answer[7] > 0) == asked[0], "operations as asked for"


def check_topic_by_pages(world, node, asked, answer):
    (topic,) = answer[1]
    assert topic[:4] == [0, TOPIC, world.topic_id, 0] and answer[2] is None
    assert [p[1] for p in topic[4]] == list(range(PARTITIONS))
    assert all(p[0] == 0 and p[2] in world.nodes and len(p[4]) == len(p[5]) == 3 for p in topic[4])


def check_offsets(world, node, asked, answer):
    (topic,) = answer[1]
    timestamp = asked[2][0][1][0][2]
    assert sorted(p[0] for p in topic[1]) == world.led_by(node)
    for _, error, _, offset, _ in topic[1]:
        assert (error, offset) == (0, RECORDS if timestamp == -1 else 0)


def check_fetch(world, node, asked, answer):
    assert answer[1] == 0
    for _, error, high, stable, start, aborted, _, records in answer[3][0][1]:
        assert (error, high, stable, start, aborted) == (0, RECORDS, RECORDS, 0, None)
        assert struct.unpack(">i", records[57:61])[0] == RECORDS


def check_configs(world, node, asked, answer):
    needed = {2: {"cleanup.policy", "retention.ms", "max.message.bytes", "min.insync.replicas", "retention.bytes", "segment.bytes"}}
    needed[4] = {"delete.topic.enable", "node.id", "log.retention.ms", "default.replication.factor", "num.partitions"}
    assert [(r[2], r[3]) for r in answer[1]] == [a[:2] for a in asked[0]]
    for error, _, kind, name, entries in answer[1]:
        assert error == 0 and needed[kind] <= {e[0] for e in entries}, f"{name}: {needed[kind] - {e[0] for e in entries}} is missing"
        assert any(e[5] for e in entries) == bool(asked[1]), "synonyms as asked for"
        assert all(bool(e[7]) == bool(asked[2]) for e in entries), "documentation as asked for"


def check_acls(world, node, asked, answer):
    assert ERRORS[answer[1]] == "SECURITY_DISABLED" and answer[3] == []


def check_dirs(world, node, asked, answer):
    assert answer[1] == 0
    (directory,) = answer[2]
    assert directory[0] == 0 and directory[1][0] == "/" and 0 < directory[4] <= directory[3]
    sizes = {t[0]: {p[0]: p[1] for p in t[1]} for t in directory[2]}
    assert sorted(sizes[TOPIC]) == list(range(PARTITIONS)) and all(size > 0 for size in sizes[TOPIC].values())


def check_groups(world, node, asked, answer):
    assert answer[1] == 0
    listed = [g for g in answer[2] if g[0] == GROUP]
    assert [(g[2], g[3].lower()) for g in listed] == ([("Empty", "classic")] if node == world.coordinator else [])


def check_coordinators(world, node, asked, answer):
    assert [(c[0], c[1], c[4]) for c in answer[1]] == [(GROUP, world.coordinator, 0)]


def check_classic_group(world, node, asked, answer):
    (group,) = answer[1]
    assert (ERRORS[group[0]], group[2], group[3], group[6]) == ("NONE", GROUP, "Empty", [])


def check_new_group(world, node, asked, answer):
    """It is of the classic protocol: Java's Admin asks with DescribeGroups then."""
    (group,) = answer[1]
    assert (ERRORS[group[0]], group[2]) == ("GROUP_ID_NOT_FOUND", GROUP)


def check_committed(world, node, asked, answer):
    (group,) = answer[1]
    (topic,) = group[1]
    assert (group[0], group[2], topic[0]) == (GROUP, 0, world.topic_id)
    assert sorted((p[0], p[1], p[4]) for p in topic[1]) == [(p, RECORDS // 2, 0) for p in range(PARTITIONS)]


def check_moves(world, node, asked, answer):
    assert (answer[1], answer[3]) == (0, [])


def check_quotas(world, node, asked, answer):
    assert (answer[1], answer[3]) == (0, [])


def check_users(world, node, asked, answer):
    assert (answer[1], answer[3]) == (0, [])


def check_producers(world, node, asked, answer):
    (topic,) = answer[1]
    assert sorted(p[0] for p in topic[1]) == world.led_by(node)
    for _, error, _, known in topic[1]:
        assert error == 0 and [(k[0], k[2]) for k in known] == [(world.producer, RECORDS - 1)]


CHECKS = {
    API_VERSIONS: check_versions,
    METADATA: check_metadata,
    DESCRIBE_CLUSTER: check_cluster,
    DESCRIBE_TOPIC_PARTITIONS: check_topic_by_pages,
    LIST_OFFSETS: check_offsets,
    FETCH: check_fetch,
    DESCRIBE_CONFIGS: check_configs,
    DESCRIBE_ACLS: check_acls,
    DESCRIBE_LOG_DIRS: check_dirs,
    LIST_GROUPS: check_groups,
    FIND_COORDINATOR: check_coordinators,
    DESCRIBE_GROUPS: check_classic_group,
    CONSUMER_GROUP_DESCRIBE: check_new_group,
    OFFSET_FETCH: check_committed,
    LIST_REASSIGNMENTS: check_moves,
    DESCRIBE_QUOTAS: check_quotas,
    DESCRIBE_USERS: check_users,
    DESCRIBE_PRODUCERS: check_producers,
}

# ---- The replay ----


def replay(world, newest, calls):
    """How many calls were made."""
    made = 0
    for key, place, request in calls:
        assert key in world.served, f"API key {key} is not served"
        first, last = world.served[key]
        version = min(newest[key], last)
        assert first <= version, f"API key {key}: versions {first} to {last} are served, and {newest[key]} is asked for"
        for node in world.where(place):
            asked = request(world, node)
            answer = world.ask(node, key, version, asked)  # ConnectionError if it was closed
            made += 1
            try:
                CHECKS[key](world, node, asked, answer)
            except (AssertionError, KeyError, ValueError) as e:
                raise AssertionError(f"API key {key} version {version} at broker {node}: {e}; {asked} was answered {answer}") from e
    return made


def replayed(world, interface, newest, pages):
    def run():
        made = 0
        for page, calls in pages.items():
            for turn in range(LEADERS_MOVED_MOST):
                try:
                    made += replay(world, newest, calls)
                    break
                except AssertionError as e:  # as clients do: who leads now, and again; on a busy machine leads may move
                    if turn + 1 == LEADERS_MOVED_MOST or not world.look():
                        raise AssertionError(f"{interface}, {page}: {e}") from e
        return f"{len(pages)} pages, {made} calls"

    return run


suite = Suite()
with Cluster(3, settings={"offsets.topic.num.partitions": 5}) as cluster:
    cluster.create(TOPIC, PARTITIONS, replicas=3)
    cluster.wait_leaders(TOPIC, in_sync=3)
    world = World(cluster)
    for (interface, library), pages in PAGES.items():
        suite.run(replayed(world, interface, NEWEST[library], pages), name=f"interface_{interface.replace(' ', '_')}")
    for broker in cluster:
        broker.assert_no_bug()
suite.end()
