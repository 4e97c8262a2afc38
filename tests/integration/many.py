"""Many partitions and few files: made at once, idle, fetched in a session, a broker killed, all killed, a lower limit than last time, a clean stop; and short turns all the while.

tests/run many: 10,000 partitions with 3 replicas within ulimit -n 1024, against the limits below. With --short, as a part of the integration
suite: 1,000 within 256, where the times are only bounds that a busy machine keeps.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from differences.cases import FETCH
from differences.frames import Connection

from harness.cluster import BIN, Cluster, wait_until
from harness.suite import Suite

SHORT = "--short" in sys.argv
PARTITIONS, FILES, LESS = (1000, 256, 200) if SHORT else (10000, 1024, 768)
QUIET_PARTITIONS = 3
IDLE_S = 5 if SHORT else 20
# Seconds and per cent of a core; None: measured and shown, not judged.
CREATED_S, LED_AGAIN_S, FIRST_ACK_S, STOPPED_S, IDLE_CORE, QUIET_P99_MS = (20, 10, 20, 20, None, None) if SHORT else (5, 0.5, 3, 3, 2, 50)

PACED_S = (PARTITIONS - 64) / 4000  # 64 at once, the others at the pace of decision 24
TURN_MS = 25  # of processor time, so that a busy machine does not count; it is 7, with a factor of three for a slower one


def judge(what, value, limit, unit="s"):
    assert limit is None or value <= limit, f"{what}: {value:.2f} {unit}, more than {limit:g}"
    return f"{what} {value:.2f} {unit}"


def open_files(broker):
    return len(list(Path(f"/proc/{broker.pid}/fd").iterdir()))


class Bench:
    """A quiet producer of 100 records a second, from now until it is asked."""

    def __init__(self, cluster, seconds):
        env = dict(os.environ, DRAVE_BOOTSTRAP=cluster.bootstrap)
        self.process = subprocess.Popen(
            [str(BIN / "drave"), "bench", "produce", "quiet", "--rate", "100", "--size", "100", "--seconds", str(seconds), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
        )

    def report(self):
        out, _ = self.process.communicate(timeout=120)
        return json.loads(out)


def epochs(cluster):
    return {(p["id"], p["leader"], p["leader_epoch"]) for p in cluster.describe("quiet")["partitions"]}


def all_led(cluster, victim=None):
    """By one request for the metadata, which costs the brokers little."""
    brokers = cluster.drave("info", json_out=True)["brokers"]
    return sum(b["leaders"] for b in brokers if b["id"] != victim) == PARTITIONS + QUIET_PARTITIONS


def made_at_once(cluster):
    """All of them are made in one request, and no leader of another topic moves, nor does its producer notice."""
    cluster.create("quiet", QUIET_PARTITIONS)
    cluster.wait_leaders("quiet", in_sync=3)
    before = epochs(cluster)
    bench = Bench(cluster, 10 if SHORT else 20)
    time.sleep(2)
    began = time.monotonic()
    cluster.drave("topic", "create", "many", "-p", PARTITIONS, "-r", 3, timeout=120)
    took = time.monotonic() - began
    assert took >= PACED_S, f"created within {took:.2f} s: nothing was left for others meanwhile (decision 24)"
    wait_until("leaders", lambda: all_led(cluster), 60, 0.1)
    led = time.monotonic() - began
    report = bench.report()
    assert epochs(cluster) == before, f"leaders of the other topic were {sorted(before)} and are {sorted(epochs(cluster))}"
    files = max(open_files(b) for b in cluster)
    assert files < FILES / 2, f"{files} files are open for idle partitions"
    return ", ".join(
        [
            judge("created in", took, CREATED_S),
            f"all led after {led:.2f} s",
            f"{files} files open",
            judge("p99 of a quiet producer", report["p99_us"] / 1000, QUIET_P99_MS, "ms"),
        ]
    )


def idle(cluster):
    """They cost next to nothing while nobody uses them."""
    time.sleep(2 if SHORT else 10)
    before = {b.node: b.cpu_seconds() for b in cluster}
    time.sleep(IDLE_S)
    percent = max(100 * (b.cpu_seconds() - before[b.node]) / IDLE_S for b in cluster)
    rss = max(b.rss_bytes() for b in cluster) / (1 << 20)
    return judge("at most", percent, IDLE_CORE, "% of a core") + f", {rss:.0f} MiB"


def as_placed(cluster):
    return all(p["leader"] == p["replicas"][0] for p in cluster.describe("many")["partitions"])


def fetched_in_a_session(cluster):
    """A consumer of all partitions that a broker leads names them once; as long as nothing happens its further fetches cost next to nothing (decision 28)."""
    wait_until("leaders as they were placed", lambda: as_placed(cluster), 60, 0.5)  # then none moves meanwhile
    node = 1
    led = sorted(p for p, leader in cluster.leaders("many").items() if leader == node)
    session, epoch = 0, 0
    connection = Connection("127.0.0.1", cluster[node].port)

    def fetch(names, epoch):
        rows = [(p, -1, 0, -1, 1 << 20) for p in names]
        return connection.ask(
            FETCH,
            11,
            False,
            ("i", "i", "i", "i", "c", "i", "i", [("s", [("i", "i", "q", "q", "i")])], [("s", ["i"])], "s"),
            (-1, 0, 1, 1 << 20, 0, session, epoch, [("many", rows)] if rows else [], [], ""),
            ("i", "h", "i", [("s", [("i", "h", "q", "q", "q", [("q", "q")], "i", "y")])]),
        )

    def cost_us(times, *arguments):
        before = cluster[node].cpu_seconds()
        for n in range(times):
            answer = fetch(*arguments) if arguments else fetch([], epoch + n)
            assert answer[1] == 0, f"error {answer[1]}"
            assert len(answer[3]) == (1 if arguments else 0), "idle partitions of a session are answered"
        return (cluster[node].cpu_seconds() - before) * 1e6 / times

    whole = cost_us(100000 // PARTITIONS, led, -1)
    answer = fetch(led, 0)
    session, epoch = answer[2], 1
    assert session > 0 and [p[1] for p in answer[3][0][1]] == [0] * len(led)
    changed = cost_us(1000)
    connection.close()
    assert changed * 4 < whole, f"{changed:.0f} us instead of {whole:.0f} us"
    return f"{len(led)} partitions: {whole:.0f} us of processor time for each fetch of all, {changed:.0f} us in a session"


def one_killed(cluster):
    """Another broker leads what a killed one led."""
    victim = cluster.leaders("quiet")[0]
    cluster[victim].kill()
    began = time.monotonic()
    wait_until("other leaders", lambda: all_led(cluster, victim), 60, 0.01)
    gap = time.monotonic() - began
    cluster[victim].start(ready=True)
    return judge("all led again after", gap, LED_AGAIN_S)


def all_killed_and_less_files(cluster):
    """All die, and start again with fewer files than they had; what was acknowledged is there."""
    sent = "".join(f"{i}\n" for i in range(20000))
    cluster.drave("produce", "many", "-p", 5, stdin=sent)
    for b in cluster:
        b.kill()
    resource.setrlimit(resource.RLIMIT_NOFILE, (LESS, LESS))
    began = time.monotonic()
    for b in cluster:
        b.start()
    wait_until(
        "an acknowledgement",
        lambda: cluster.drave("produce", "many", "-p", 7, "--timeout", "2s", stdin="first\n", check=False).returncode == 0,
        60,
        0.02,
    )
    first = time.monotonic() - began
    for b in cluster:
        b.wait_ready()
    wait_until("leaders", lambda: all_led(cluster), 60, 0.1)
    led = time.monotonic() - began
    out = cluster.drave("consume", "many", "-p", 5, "-e").stdout.splitlines()
    missing = set(sent.splitlines()) - set(out)
    assert not missing, f"{len(missing)} of 20000 acknowledged records are gone"
    assert max(open_files(b) for b in cluster) < LESS
    return judge("first acknowledgement after", first, FIRST_ACK_S) + f", all led after {led:.2f} s"


def clean_stop(cluster):
    """A clean stop of each, one after the other, ends with 0."""
    times = []
    for b in cluster:
        began = time.monotonic()
        code = b.stop(60)
        times.append(time.monotonic() - began)
        assert code == 0, f"broker {b.node} ended with {code}"
    return judge("stopped in at most", max(times), STOPPED_S)


def turns(cluster):
    """While all of this was going on no broker had a long turn of its loop, in which nobody else is served; its own end does not count."""
    for b in cluster:
        until_its_end = b.log_text(whole=True).split("handing leaderships over")[0]
        long = [line for line in until_its_end.splitlines() if "a turn of the loop took" in line]
        assert not long, f"broker {b.node}: {long[0]}"
    return f"none of {TURN_MS} ms"


resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
suite = Suite()
with Cluster(3, settings={"loop.turn.warn.ms": TURN_MS}) as shared:
    for test in (made_at_once, idle, fetched_in_a_session, one_killed, all_killed_and_less_files, clean_stop, turns):
        suite.run(test, shared, name=f"many {test.__name__}")
suite.end()
