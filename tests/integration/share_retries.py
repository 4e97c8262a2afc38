"""Records that come back to a share group and wait before they are given again (share.retry.*), over a kill of their leader."""

import json
import os
import time

from harness.cluster import Cluster
from harness.command import expect, run
from harness.share_member import ACCEPT, RELEASE, member_of
from harness.suite import Suite

LIMIT_S = 60.0
BACKOFF_S = 3.0


def drave(cluster, *words, **more):
    return run(*words, env={"DRAVE_BOOTSTRAP": cluster.bootstrap}, timeout=LIMIT_S, **more)


def prepared(cluster, name, count, **settings):
    topic, group = f"{name}-{os.getpid()}", f"g-{name}-{os.getpid()}"
    cluster.create(topic, 1)
    settings = {"share.auto.offset.reset": "earliest", **settings}
    expect(drave(cluster, "config", "set", f"group:{group}", *[f"{k}={v}" for k, v in settings.items()]), 0)
    lines = "".join(json.dumps({"partition": 0, "value": f"v{i}"}) + "\n" for i in range(count))
    expect(drave(cluster, "produce", topic, "--json", stdin=lines), 0)
    return topic, group


def taken_until(member, wanted, acks=()):
    """What is given until that offset is; each is accepted but for that one."""
    given, deadline = [], time.monotonic() + LIMIT_S
    while wanted not in [offset for offset, _ in given]:
        assert time.monotonic() < deadline, given
        got = member.take(acks)
        acks = [(offset, ACCEPT) for offset, _ in got if offset != wanted]
        given += got
    return given


def waits_and_others_go_on(cluster):
    """It is given again when its time has come, twice as long behind the second delivery; what lies behind it is given meanwhile."""
    topic, group = prepared(cluster, "waits", 10, **{"share.retry.backoff.ms": 1000, "share.delivery.count.limit": 5})
    member = member_of(cluster, topic, group)
    assert taken_until(member, 0)[0] == (0, 1)
    for count, least in ((2, 1.0), (3, 2.0)):
        began = time.monotonic()
        given = taken_until(member, 0, [(0, RELEASE)])
        took = time.monotonic() - began
        assert given[-1] == (0, count) and took >= least - 0.05, (given, took)
    member.take([(0, ACCEPT)])
    member.close()


def whoever_leads_next_waits_on(cluster):
    topic, group = prepared(cluster, "moves", 3, **{"share.retry.backoff.ms": int(BACKOFF_S * 1000)})
    member = member_of(cluster, topic, group)
    given = taken_until(member, 0)
    released = time.time()
    member.take([(offset, RELEASE) for offset, _ in given])
    member.close()
    leader = cluster[cluster.leaders(topic)[0]]
    leader.kill()
    member = member_of(cluster, topic, group)
    given = taken_until(member, 0)
    assert time.time() - released >= BACKOFF_S - 0.05, (given, time.time() - released)
    assert (0, 2) in given, given
    member.close()
    leader.start(ready=True)


suite = Suite()
with Cluster(3) as cluster:
    for test in (waits_and_others_go_on, whoever_leads_next_waits_on):
        suite.run(test, cluster)
suite.end()
