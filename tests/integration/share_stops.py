"""A broker that is stopped while members of share groups hold records of what it leads: how long that takes, and what is given a second time."""

import json
import os
import threading
import time

from harness.cluster import Cluster
from harness.command import expect, run
from harness.patience import within
from harness.raw import API_VERSIONS, Raw
from harness.share_member import ACCEPT, member_of
from harness.suite import Suite

LIMIT_S = 60.0
PROMPT_S, SILENT_S, MOST_S = 3.0, 3.5, 8.0  # docker stop kills after 10


def drave(cluster, *words, **more):
    return run(*words, env={"DRAVE_BOOTSTRAP": cluster.bootstrap}, timeout=LIMIT_S, **more)


def produce(cluster, topic, first, count):
    lines = "".join(json.dumps({"partition": 0, "value": f"v{i}"}) + "\n" for i in range(first, first + count))
    expect(drave(cluster, "produce", topic, "--json", stdin=lines), 0)


def taken(member, count):
    """So many records: (offset, deliveries)."""
    given, deadline = [], time.monotonic() + LIMIT_S
    while len(given) < count:
        assert time.monotonic() < deadline, given
        given += member.take()
    return given


def holding(cluster, name, count):
    """A topic, a group, its leader, and a member that holds the first records."""
    topic, group = f"{name}-{os.getpid()}", f"g-{name}-{os.getpid()}"
    for broker in cluster:
        if not broker.alive():
            broker.start()
    for broker in cluster:
        broker.wait_ready()
    cluster.create(topic, 1)
    expect(drave(cluster, "config", "set", f"group:{group}", "share.auto.offset.reset=earliest"), 0)
    produce(cluster, topic, 0, count)
    member = member_of(cluster, topic, group)
    assert sorted(taken(member, count)) == [(i, 1) for i in range(count)]
    return topic, group, cluster[cluster.leaders(topic)[0]], member


class Stop:
    """SIGTERM, and how long it takes."""

    def __init__(self, broker):
        self.broker, self.took, self.code = broker, None, None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        broker.wait_log("handing leaderships over and stopping")

    def run(self):
        began = time.monotonic()
        self.code = self.broker.stop(LIMIT_S)
        self.took = time.monotonic() - began

    def over(self, limit_s):
        self.thread.join()
        assert self.code == 0, self.code
        assert within(self.took, limit_s), f"the stop took {self.took:.1f} s"


def who_acknowledges_is_waited_for(cluster):
    """Nothing of it is given again; nor is anything given meanwhile, but by the next leader."""
    topic, group, leader, member = holding(cluster, "prompt", 10)
    produce(cluster, topic, 10, 5)
    stop = Stop(leader)
    assert member.take([(i, ACCEPT) for i in range(10)], may_move=True) == []
    stop.over(PROMPT_S)
    member.close()
    member = member_of(cluster, topic, group)
    assert sorted(taken(member, 5)) == [(10 + i, 1) for i in range(5)]
    member.close()


def who_says_nothing_keeps_nobody(cluster):
    """Others may come to what it leads all the while; what was held is given again, and nothing else is."""
    topic, group, leader, member = holding(cluster, "silent", 10)
    assert member.take([(i, ACCEPT) for i in range(4)]) == []
    stop = Stop(leader)
    raw = Raw(leader.port)
    assert raw.ask(API_VERSIONS, 0, b"")
    raw.close()
    stop.over(SILENT_S)
    member.close()
    member = member_of(cluster, topic, group)
    assert sorted(taken(member, 6)) == [(i, 1) for i in range(4, 10)]
    member.close()


def who_goes_on_is_waited_for(cluster):
    """One record after the other, in longer than anybody who says nothing is waited for."""
    topic, group, leader, member = holding(cluster, "steady", 6)
    stop = Stop(leader)
    for offset in range(6):
        assert member.take([(offset, ACCEPT)], may_move=offset == 5) == []  # which takes 500 ms: there is nothing to be had
    stop.over(MOST_S)
    member.close()
    produce(cluster, topic, 6, 1)
    member = member_of(cluster, topic, group)
    assert taken(member, 1) == [(6, 1)]
    member.close()


def without_the_others_it_ends_as_well(cluster):
    """Nobody takes over, and nothing can be said the last of."""
    _, _, leader, member = holding(cluster, "alone", 3)
    for broker in cluster:
        if broker is not leader:
            broker.kill()
    Stop(leader).over(MOST_S)
    member.close()


suite = Suite()
with Cluster(3) as cluster:
    for test in (
        who_acknowledges_is_waited_for,
        who_says_nothing_keeps_nobody,
        who_goes_on_is_waited_for,
        without_the_others_it_ends_as_well,
    ):
        suite.run(test, cluster)
suite.end()
