"""What a cluster costs that has nothing to do. tests/run idle: 100 partitions with 3 replicas, 60 s; then a kill must still fail over."""

import os
import time

from harness.cluster import Cluster, wait_until
from harness.patience import within
from harness.suite import Suite

SECONDS = int(os.environ.get("IDLE_SECONDS") or 60)
CORE_PERCENT, RSS_MIB, GAP_S = 2.0, 64, 1.5


def idle_costs(cluster):
    """Each broker stays under 2 % of a core and 64 MiB."""
    cluster.create("idle", 100)
    cluster.wait_leaders("idle", in_sync=3, seconds=60)
    time.sleep(5)  # calm after the creation; what is measured is the quiet state
    before = {b.node: b.cpu_seconds() for b in cluster}
    time.sleep(SECONDS)
    percent = {b.node: 100 * (b.cpu_seconds() - before[b.node]) / SECONDS for b in cluster}
    rss = {b.node: b.rss_bytes() / (1 << 20) for b in cluster}
    note = ", ".join(f"broker {n}: {percent[n]:.2f} % of a core, {rss[n]:.1f} MiB" for n in percent)
    assert max(percent.values()) < CORE_PERCENT and max(rss.values()) < RSS_MIB, note
    return note


def kill_after_idle(cluster):
    """A broker that dies after a quiet time is replaced as leader of all its partitions as quickly as under load."""
    victim = cluster.leaders("idle")[0]
    cluster[victim].kill()
    begin = time.monotonic()
    wait_until("other leaders", lambda: all(l not in (None, victim) for l in cluster.leaders("idle").values()), 10)
    gap = time.monotonic() - begin
    cluster.drave("produce", "idle", stdin="".join(f"{i}\n" for i in range(1000)))
    assert within(gap, GAP_S), f"{gap:.2f} s"
    return f"{gap:.2f} s until every partition had another leader"


suite = Suite()
with Cluster(3) as shared:
    suite.run(idle_costs, shared)
    suite.run(kill_after_idle, shared)
suite.end()
