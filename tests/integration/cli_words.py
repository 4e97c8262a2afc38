"""The command line in the hands of people who know other tools: their words, settings in an editor, a test of a cluster."""

import json
import os
import re

from harness.cluster import Cluster
from harness.command import expect, run
from harness.suite import Suite


def words_of_others(cluster):
    """What hands type from rpk, kcat, nats and Kafka's scripts is done, or named here."""
    for name in ("sixth-a", "sixth-b"):
        cluster.create(name, 2)
    expect(cluster.drave("topic", "list", "-d", "-r", "xth-"), 0, "PARTITION +LEADER", r"sixth-a +1 ", r"sixth-b +0 ")
    listed = json.loads(cluster.drave("topic", "list", "--detailed", "-r", "^sixth-b", "--json").stdout)
    assert [t["name"] for t in listed] == ["sixth-b"] and [p["id"] for p in listed[0]["placed"]] == [0, 1], listed
    assert set(listed[0]["placed"][0]) == {"id", "leader", "replicas", "in_sync"}, listed
    whole, all_of_it = (cluster.drave("topic", "describe", "sixth-a", *more).stdout for more in ((), ("-a",)))
    assert whole == all_of_it
    expect(cluster.drave("topic", "alter", "-r", "sixth", "-c", "retention.ms=60000", "--dry-run"), 0, "sixth-a", "sixth-b")
    expect(cluster.drave("topic", "delete", "-r", "^sixth-b$", check=False), 1, "sixth-b", "--yes")
    expect(cluster.drave("topic", "delete", "-r", "^sixth-b$", "--yes"), 0, "deleted")
    expect(cluster.drave("topic", "list", "-r", "(", check=False), 2, "regular expression|parenthes")
    cluster.drave("produce", "sixth-a", stdin="x\n" * 3)
    for group in ("sixth-1", "sixth-2"):
        cluster.drave("consume", "sixth-a", "-G", group, "-o", "beginning", "-n", 3)
    both = cluster.drave("group", "describe", "sixth-1", "sixth-2", "--json", json_out=True)
    assert [g["group"] for g in both] == ["sixth-1", "sixth-2"]
    found = json.loads(cluster.drave("group", "describe", "-r", "xth-2", "--json").stdout)
    assert [g["group"] for g in found] == ["sixth-2"], found
    expect(cluster.drave("group", "describe", "-r", "nobody$", check=False), 1, "no group matches")
    summary, commits, sums = (cluster.drave("group", "describe", "sixth-1", flag).stdout for flag in ("-s", "-c", "-t"))
    assert summary.startswith("group sixth-1: ") and len(summary.splitlines()) == 1, summary
    assert commits.startswith("TOPIC ") and "group sixth-1" not in commits, commits
    assert "PARTITIONS" in sums and "COMMITTED" not in sums, sums
    for words, here in (
        (("topic", "trim-prefix", "x"), "drave topic trim"),
        (("topic", "alter-config", "x"), "drave topic alter"),
        (("cluster", "health"), "drave health"),
        (("cluster", "self-test", "start"), "drave selftest"),
        (("cluster", "maintenance", "enable", "1"), "drave broker drain"),
        (("context", "ls"), "drave profile"),
        (("health", "-e"), "--wait"),
        (("topic", "list", "-i"), "listed with the others"),
        (("disk", "-H"), "--json has the bytes"),
    ):
        expect(cluster.drave(*words, check=False), 2, here)


def edited(cluster):
    """config edit: what an editor leaves is shown, checked, changed; what is refused, or is no setting, is not lost."""
    cluster.create("edited", 1)

    def edit(script, *more, check=True, resource="topic:edited"):
        env = {"EDITOR": f"sed -i -E {script!r}", "VISUAL": ""}
        done = run("config", "edit", resource, *more, "-b", cluster.bootstrap, env=env)
        assert done.returncode == 0 or not check, done
        return done

    set_it = "s/^# retention.ms=.*/retention.ms=3600000/"
    expect(edit(set_it, "--dry-run"), 0, "retention.ms=3600000", "nothing was changed")
    assert cluster.describe("edited")["config"] == {}
    expect(edit(set_it), 0, "retention.ms=3600000", "it holds now")
    assert cluster.describe("edited")["config"] == {"retention.ms": "3600000"}
    expect(edit("s/^$//"), 0, "nothing was changed")
    expect(edit("s/^retention.ms=.*/retention.ms=7200000/; s/^# max.message.bytes=.*/max.message.bytes=2000000/"), 0, "7200000", "2000000")
    assert cluster.describe("edited")["config"] == {"retention.ms": "7200000", "max.message.bytes": "2000000"}
    expect(edit("/^retention.ms/d"), 0, "goes back to what holds behind its own retention.ms")
    assert cluster.describe("edited")["config"] == {"max.message.bytes": "2000000"}
    for script, why in (
        ("s/^# retention.ms=.*/retention.ms=never/", "retention.ms=never"),
        ("s/^# retention.ms=.*/nonsense/", "NAME=VALUE"),
    ):
        refused = edit(script, check=False)
        expect(refused, 1, why, "nothing was changed")
        kept = re.search(r"/tmp/drave-config-\w+", refused.stderr).group()
        assert "never" in open(kept).read() or "nonsense" in open(kept).read()
        os.unlink(kept)
    assert cluster.describe("edited")["config"] == {"max.message.bytes": "2000000"}
    broken = run("config", "edit", "topic:edited", "-b", cluster.bootstrap, env={"EDITOR": "false", "VISUAL": ""})
    expect(broken, 1, "did not end well", "nothing was changed")
    expect(edit("s/^$//", resource="topic:nobody", check=False), 1, "nobody")
    expect(edit("s/^# log.level=.*/log.level=debug/", "--dry-run", resource="broker:1"), 0, "log.level=debug")


def selftested(cluster):
    """selftest: each broker is measured, all comes back as it was sent, nothing is left; a broker that is gone is not forgotten."""
    expect(cluster.drave("selftest", "--dry-run"), 0, "3 brokers", "dry-run")
    found = json.loads(cluster.drave("selftest", "--seconds", 1, "--json", timeout=120).stdout)
    assert [b["broker"] for b in found] == [1, 2, 3], found
    for broker in found:
        assert broker["ok"] and broker["wrong"] == 0 and broker["records"] > 10, broker
        assert 0 < broker["way_us"] < 1_000_000 and 0 < broker["ack_p50_us"] <= broker["ack_p99_us"], broker
        assert broker["write_bytes_per_second"] > 1000 and broker["read_bytes_per_second"] > 1000, broker
    left = [t["name"] for t in cluster.drave("topic", "list", json_out=True) if "selftest" in t["name"]]
    assert left == [], left


suite = Suite()
with Cluster(3) as shared:
    for test in (words_of_others, edited, selftested):
        suite.run(test, shared)
suite.end()
