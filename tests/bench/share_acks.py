"""Members of a share group on one partition that acknowledge record by record, on three brokers: acknowledgements a second, and how long each takes.

    tests/harness/build release share_acks && tests/harness/python tests/bench/share_acks.py [MEMBERS [SECONDS]]

50 members for 10 s by default; each has one record under way. Beside it, before and behind, how long a produce takes whose answer is waited for,
one after the other (drave bench produce --sync): an acknowledgement is to take no more than its p99 and 1 ms. Nothing fails for being slow:
what it prints is for a quiet machine (docs/performance.md).
"""

import json
import subprocess
import sys

from harness.cluster import BIN, Cluster, wait_until
from harness.command import expect, run

MEMBERS, SECONDS = (int(word) for word in (*sys.argv[1:], *("50", "10")[len(sys.argv) - 1 :]))
LIMIT_S = 120.0


def drave(cluster, *words):
    done = run(*map(str, words), env={"DRAVE_BOOTSTRAP": cluster.bootstrap}, timeout=LIMIT_S)
    expect(done, 0)
    return done.stdout


def produced(cluster, *words):
    return json.loads(drave(cluster, "bench", "produce", *words, "--json").splitlines()[-1])


with Cluster(3) as cluster:
    cluster.create("work", 1)
    cluster.create("beside", 1)
    drave(cluster, "config", "set", "group:workers", "share.auto.offset.reset=earliest")
    begins = ("share", "reset", "workers", "-t", "work", "--to", "earliest", "--yes")
    wait_until("share groups", lambda: run(*begins, env={"DRAVE_BOOTSTRAP": cluster.bootstrap}, timeout=LIMIT_S).returncode == 0, LIMIT_S)
    produced(cluster, "work", "--size", 100, "--connections", 4, "--seconds", 4)  # more than are acknowledged
    before = produced(cluster, "beside", "--sync", "--seconds", 3)
    port = cluster.bootstrap.split(",")[0].rsplit(":", 1)[1]
    done = subprocess.run(
        [str(BIN / "share_acks"), port, "work", "workers", str(MEMBERS), str(SECONDS)],
        capture_output=True,
        text=True,
        timeout=SECONDS + LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    behind = produced(cluster, "beside", "--sync", "--seconds", 3)
    print(json.dumps({"share_acks": json.loads(done.stdout), "produce_before": before, "produce_behind": behind}))
