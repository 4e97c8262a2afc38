"""Dead letters of share groups: what a member rejects, and what was given too often, is in the dead-letter topic once, with brokers killed meanwhile; what keeps it from there, and which settings are refused."""

import collections
import json
import os
import random
import time

from harness.cluster import Cluster, wait_until
from harness.command import expect, run
from harness.share_member import ACCEPT, REJECT, RELEASE, Member
from harness.suite import Suite

LIMIT_S = 120.0
LONG_S = 12.0  # beyond the longest pause of who copies


def drave(cluster, *words, **more):
    return run(*words, env={"DRAVE_BOOTSTRAP": cluster.bootstrap}, timeout=LIMIT_S, **more)


def prepared(cluster, name, replicas=3, **group):
    topic, dead, id = f"{name}-{os.getpid()}", f"dlq.{name}-{os.getpid()}", f"g-{name}-{os.getpid()}"
    cluster.create(topic, 1)
    cluster.create(dead, 2, replicas, **{"errors.deadletterqueue.group.enable": "true"})
    settings = {"share.auto.offset.reset": "earliest", "errors.deadletterqueue.topic.name": dead, **group}
    expect(drave(cluster, "config", "set", f"group:{id}", *[f"{k}={v}" for k, v in settings.items()]), 0)
    return topic, dead, id


def put(cluster, topic, count):
    lines = "".join(
        json.dumps({"partition": 0, "key": f"k{i}", "value": f"v{i}", "headers": [{"key": "own", "value": str(i)}]}) + "\n"
        for i in range(count)
    )
    expect(drave(cluster, "produce", topic, "--json", stdin=lines), 0)


def letters(cluster, dead):
    done = drave(cluster, "consume", dead, "-o", "beginning", "-e", "--json")
    expect(done, 0)
    return [json.loads(line) for line in done.stdout.splitlines()]


def headers_of(letter):
    return {h["key"]: h["value"] for h in letter["headers"]}


def sure_member(cluster, topic, group):
    """Whoever leads, when somebody does."""
    made = []

    def tries():
        try:
            cluster.wait_leaders(topic)
            member = Member(cluster, topic, group, 0)
            if not member.join():
                return False
            made.append(member)
            return True
        except (OSError, AssertionError):
            return False

    wait_until("a member", tries, LIMIT_S, 0.2)
    return made[0]


def work(cluster, topic, group, fate, until):
    """What `fate` says of (offset, count) is what becomes of it, whatever brokers do, until that is so."""
    deadline = time.monotonic() + LIMIT_S
    while not until():
        assert time.monotonic() < deadline, "it takes too long"
        member = sure_member(cluster, topic, group)
        try:
            acks = []
            while not until() and time.monotonic() < deadline:
                given = member.take(acks)
                acks = [(offset, fate(offset, count)) for offset, count in given]
            if acks:
                member.take(acks)
        except (OSError, AssertionError, EOFError):
            pass
        member.close()


def of_source(cluster, dead):
    return collections.Counter(int(headers_of(letter)["__dlq.errors.offset"]) for letter in letters(cluster, dead))


def rejected_and_exhausted(cluster):
    """Each is there once, with what it had and why; what was accepted is not."""
    topic, dead, group = prepared(cluster, "fates", **{"share.delivery.count.limit": "2"})
    put(cluster, topic, 30)

    def fate(offset, count):
        return [ACCEPT, REJECT, RELEASE][offset % 3]

    work(cluster, topic, group, fate, lambda: len(letters(cluster, dead)) >= 20)
    found = letters(cluster, dead)
    assert sorted(int(headers_of(one)["__dlq.errors.offset"]) for one in found) == [i for i in range(30) if i % 3 > 0], found
    for one in found:
        said = headers_of(one)
        offset = int(said["__dlq.errors.offset"])
        assert one["partition"] == 0 and one["key"] == f"k{offset}" and one["value"] == f"v{offset}", one
        assert one["headers"][0] == {"key": "own", "value": str(offset)}, one
        assert said["__dlq.errors.topic"] == topic and said["__dlq.errors.group"] == group and said["__dlq.errors.partition"] == "0", said
        message = "Offset rejected by client." if offset % 3 == 1 else "Offset delivery count exceeded the threshold."
        assert said["__dlq.errors.message"] == message, said
        assert said["__dlq.errors.delivery.count"] == ("1" if offset % 3 == 1 else "2"), said
    wait_until("the start", lambda: start_of(cluster, group) == 30, LIMIT_S)


def start_of(cluster, group):
    (one,) = json.loads(drave(cluster, "share", "offsets", group, "--json").stdout)
    return one["start"]


def without_the_records(cluster):
    """With copy.record.enable=false a letter says where the record was, and no more."""
    topic, dead, group = prepared(cluster, "bare", **{"errors.deadletterqueue.copy.record.enable": "false"})
    put(cluster, topic, 3)
    work(cluster, topic, group, lambda offset, count: REJECT, lambda: len(letters(cluster, dead)) >= 3)
    for one in letters(cluster, dead):
        assert one["key"] is None and one["value"] is None and "own" not in headers_of(one), one


def each_once_with_kills(cluster):
    """Brokers die and come back while letters are copied: each is there once, and nothing is left."""
    topic, dead, group = prepared(cluster, "kills")
    count = 600
    put(cluster, topic, count)
    draw = random.Random(7)
    kills = {"left": 6, "next": time.monotonic() + 1}
    down = []

    def until():
        now = time.monotonic()
        if kills["left"] > 0 and now >= kills["next"]:
            kills["left"] -= 1
            kills["next"] = now + 2
            for node in down:
                node.start()
            down.clear()
            victim = cluster[draw.choice([1, 2, 3])]
            victim.kill()
            down.append(victim)
        if kills["left"] == 0 and down and now >= kills["next"]:
            for node in down:
                node.start()
            down.clear()
        return kills["left"] == 0 and not down and start_is(cluster, group, count)

    work(cluster, topic, group, lambda offset, n: REJECT if offset % 2 else ACCEPT, until)
    cluster.wait_leaders(dead, in_sync=3, seconds=LIMIT_S)
    assert of_source(cluster, dead) == {i: 1 for i in range(1, count, 2)}


def start_is(cluster, group, wanted):
    done = drave(cluster, "share", "offsets", group, "--json")
    try:
        return json.loads(done.stdout)[0]["start"] == wanted
    except (ValueError, IndexError):
        return False


def waits_for_its_topic(cluster):
    """Closed to letters: they wait, the start stays before them, others are given; opened again all of them are there."""
    topic, dead, group = prepared(cluster, "closed")
    put(cluster, topic, 10)
    expect(drave(cluster, "config", "set", f"topic:{dead}", "errors.deadletterqueue.group.enable=false"), 0)
    done = set()

    def fate(offset, count):
        done.add(offset)
        return REJECT if offset < 5 else ACCEPT

    work(cluster, topic, group, fate, lambda: len(done) == 10)
    assert letters(cluster, dead) == [] and start_of(cluster, group) == 0
    expect(drave(cluster, "config", "set", f"topic:{dead}", "errors.deadletterqueue.group.enable=true"), 0)
    wait_until("the letters", lambda: of_source(cluster, dead) == {i: 1 for i in range(5)}, LIMIT_S)
    wait_until("the start", lambda: start_of(cluster, group) == 10, LIMIT_S)


def nobody_leads_its_topic(cluster):
    """For long: the letters wait, the group goes on behind them; when it is led again each is there once."""
    topic, dead, group = prepared(cluster, "leaderless", replicas=1)
    put(cluster, topic, 300)
    cluster.wait_leaders(dead)
    node = cluster[cluster.leaders(dead)[0]]
    node.kill()
    done = set()

    def fate(offset, count):
        done.add(offset)
        return REJECT if offset < 250 else ACCEPT

    work(cluster, topic, group, fate, lambda: len(done) == 300)
    time.sleep(LONG_S)
    assert start_is(cluster, group, 0)
    assert any("dead letters of share group" in one.log_text() for one in cluster if one.alive()), "nobody says that they wait"
    node.start(ready=True)
    wait_until("the start", lambda: start_is(cluster, group, 300), LIMIT_S, 0.2)
    assert of_source(cluster, dead) == {i: 1 for i in range(250)}


def its_topic_does_not_answer(cluster):
    """Whoever leads it is halted: nothing is archived before its copy has committed, and what was sent to it again and again is there once."""
    for i in range(10):
        topic, dead, group = prepared(cluster, f"silent{i}", replicas=1)
        cluster.wait_leaders(topic)
        cluster.wait_leaders(dead)
        node = cluster[cluster.leaders(dead)[0]]
        if cluster.leaders(topic)[0] != node.node:
            break
    put(cluster, topic, 20)
    member = sure_member(cluster, topic, group)
    given = member.take([])
    assert len(given) == 20, given
    node.pause()
    try:
        member.take([(offset, REJECT) for offset, count in given])
        time.sleep(LONG_S)
        wait_until("an answer about the group", lambda: start_is(cluster, group, 0), LIMIT_S, 0.2)
    finally:
        node.resume()
    member.close()
    wait_until("the start", lambda: start_is(cluster, group, 20), LIMIT_S, 0.2)
    assert of_source(cluster, dead) == {i: 1 for i in range(20)}


def what_cannot_work_is_refused(cluster):
    group = f"group:g-refused-{os.getpid()}"
    name = "errors.deadletterqueue.topic.name"
    cluster.create(f"dlq.plain-{os.getpid()}", 1)
    cluster.create(f"dlq.compacted-{os.getpid()}", 1, **{"errors.deadletterqueue.group.enable": "true", "cleanup.policy": "compact"})
    for value, why in (
        ("__consumer_offsets", "topic of the brokers"),
        (f"letters-{os.getpid()}", "begins with dlq."),
        (f"dlq.missing-{os.getpid()}", "does not exist"),
        (f"dlq.plain-{os.getpid()}", "takes no dead letters"),
        (f"dlq.compacted-{os.getpid()}", "is compacted"),
    ):
        told = drave(cluster, "config", "set", group, f"{name}={value}")
        assert told.returncode != 0 and why in told.stderr, f"{value}: {told.returncode} {told.stderr}"


suite = Suite()
with Cluster(3) as cluster:
    cluster.wait_feature("share.version")
    for test in (
        rejected_and_exhausted,
        without_the_records,
        waits_for_its_topic,
        nobody_leads_its_topic,
        its_topic_does_not_answer,
        each_once_with_kills,
        what_cannot_work_is_refused,
    ):
        suite.run(test, cluster)
suite.end()
