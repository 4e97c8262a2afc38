"""Apache Kafka's own commands do their work on drave: kafka-topics, kafka-get-offsets, kafka-delete-records, kafka-log-dirs, kafka-reassign-partitions, kafka-features, kafka-cluster, kafka-share-groups, kafka-console-share-consumer; and its producer goes over to
transaction.version 2. $KAFKA_JARS names a folder with
Apache Kafka's jars (tests/run tools)."""

import json
import os
import re
import subprocess

from harness.cluster import ROOT, Cluster, wait_until
from harness.exact import PARTITIONS, all_decided, assert_exact, read
from harness.raising import SAFE_DOWNGRADE, UPGRADE, epoch_of, set_level
from harness.raw import Raw, batch
from harness.suite import Suite

JARS = os.environ["KAFKA_JARS"]
RECORDS = 100
PROGRAM, TRANSACTIONS = str(ROOT / "tests/integration/java/Raising.java"), 200


def tool(cluster, main_class, *words, code=0, action=()):
    command = ["java", "-Xmx128m", "-cp", f"{JARS}/*", main_class, *action, "--bootstrap-server", cluster.bootstrap]
    done = subprocess.run([*command, *map(str, words)], capture_output=True, text=True, timeout=120)
    assert (done.returncode == 0) == (code == 0), done.stdout + done.stderr
    return done.stdout + done.stderr


def fill(cluster, topic):
    cluster.wait_leaders(topic)
    for partition, node in cluster.leaders(topic).items():
        with Raw(cluster[node].port) as raw:
            assert raw.produce(topic, int(partition), batch([(None, b"x")] * RECORDS))[0] == 0


def topics(cluster):
    """kafka-topics: created with retention, shown, listed, grown, deleted."""

    def ask(*words):
        return tool(cluster, "org.apache.kafka.tools.TopicCommand", *words)

    ask("--create", "--topic", "tool", "--partitions", 2, "--replication-factor", 3, "--config", "retention.ms=3600000")
    said = ask("--describe", "--topic", "tool")
    assert "retention.ms=3600000" in said and "PartitionCount: 2" in said, said
    ask("--alter", "--topic", "tool", "--partitions", 3)
    assert "tool" in ask("--list").split()
    ask("--delete", "--topic", "tool")
    assert "tool" not in ask("--list").split()


def offsets_of(cluster, topic, when):
    said = tool(cluster, "org.apache.kafka.tools.GetOffsetShell", "--topic", topic, "--time", when)
    return [int(n) for n in re.findall(rf"^{topic}:\d+:(\d+)$", said, re.M)]


def delete_records(cluster):
    """kafka-delete-records moves the starts, also to the end (-1), and says what cannot be; kafka-get-offsets shows it."""
    cluster.create("deleted", 3)
    fill(cluster, "deleted")
    assert offsets_of(cluster, "deleted", -2) == [0, 0, 0] and offsets_of(cluster, "deleted", -1) == [RECORDS] * 3

    def delete(*pairs):
        place = cluster.directory / "offsets.json"
        rows = [{"topic": "deleted", "partition": p, "offset": o} for p, o in pairs]
        place.write_text(json.dumps({"partitions": rows, "version": 1}))
        return tool(cluster, "org.apache.kafka.tools.DeleteRecordsCommand", "--offset-json-file", place)

    said = delete((0, 40), (1, -1))
    assert re.search(r"partition: deleted-0\s+low_watermark: 40", said) and re.search(r"partition: deleted-1\s+low_watermark: 100", said), (
        said
    )
    assert offsets_of(cluster, "deleted", -2) == [40, RECORDS, 0]
    said = delete((2, RECORDS + 1))
    assert re.search(r"partition: deleted-2\s+error: .*OffsetOutOfRange", said), said
    assert offsets_of(cluster, "deleted", -2) == [40, RECORDS, 0]


def log_dirs(cluster):
    """kafka-log-dirs: one directory a broker, with the bytes of each replica."""
    cluster.create("sized", 2)
    fill(cluster, "sized")
    said = tool(cluster, "org.apache.kafka.tools.LogDirsCommand", "--describe", "--topic-list", "sized")
    found = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
    assert sorted(b["broker"] for b in found["brokers"]) == [1, 2, 3]
    for broker in found["brokers"]:
        (directory,) = broker["logDirs"]
        sizes = {p["partition"]: p["size"] for p in directory["partitions"]}
        assert directory["error"] is None and set(sizes) == {"sized-0", "sized-1"} and all(s > RECORDS for s in sizes.values()), found


def reassign(cluster):
    """kafka-reassign-partitions: executed, verified until it is done; nothing is left to cancel then."""
    cluster.create("moved", 2)
    fill(cluster, "moved")
    place = cluster.directory / "plan.json"

    def ask(what, replicas, code=0):
        rows = [{"topic": "moved", "partition": p, "replicas": replicas} for p in range(2)]
        place.write_text(json.dumps({"partitions": rows, "version": 1}))
        return tool(
            cluster, "org.apache.kafka.tools.reassign.ReassignPartitionsCommand", "--reassignment-json-file", place, what, code=code
        )

    said = ask("--execute", [2, 1])
    assert "Successfully started partition reassignments" in said, said
    wait_until("the replicas to be there", lambda: ask("--verify", [2, 1]).count("is completed.") == 2, 60, 0.5)
    assert all(sorted(p["replicas"]) == [1, 2] for p in cluster.describe("moved")["partitions"])
    assert "None of the specified partition moves are active" in ask("--cancel", [2, 1]), "nothing is left to cancel"


def features(cluster):
    """kafka-features: describe shows the level that a new cluster has by itself; downgrade and upgrade change it."""

    def ask(*words, code=0):
        return tool(cluster, "org.apache.kafka.tools.FeatureCommand", *words, code=code)

    def shown():
        said = ask("describe")
        found = re.search(
            r"Feature: transaction.version\s+SupportedMinVersion: (\d+)\s+SupportedMaxVersion: (\d+)\s+FinalizedVersionLevel: (\d+)\s+Epoch: (\d+)",
            said,
        )
        assert found, said
        return [int(n) for n in found.groups()]

    low, high, level, first = shown()
    assert (low, high, level) == (0, 2, 2)
    ask("upgrade", "--feature", "transaction.version=2")
    assert "could not" in ask("upgrade", "--feature", "transaction.version=3", code=1).lower()
    ask("downgrade", "--feature", "transaction.version=1", "--dry-run")
    ask("downgrade", "--feature", "transaction.version=1")
    _, _, level, then = shown()
    assert level == 1 and then > first
    ask("upgrade", "--feature", "transaction.version=2")
    _, _, level, last = shown()
    assert level == 2 and last > then


def raising(cluster):
    """kafka-clients' producer goes over to transaction.version 2 when the level is raised under it, and a broker is killed: each transaction is there as a whole, or
    not at all."""
    cluster.create("raising", PARTITIONS)
    set_level(cluster, 0, SAFE_DOWNGRADE)
    place = cluster.directory / "raising.out"
    words = ["java", "-Xmx128m", "-cp", f"{JARS}/*", PROGRAM, cluster.bootstrap, "raising", "raising", str(PARTITIONS), str(TRANSACTIONS)]

    def lines():
        return place.read_text().splitlines()

    with open(place, "w") as out, subprocess.Popen(words, stdout=out, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until("transactions of before", lambda: len(lines()) >= 20, 180)
            kept = epoch_of(cluster, "raising")
            set_level(cluster, 2, UPGRADE)
            wait_until("transactions behind it", lambda: len(lines()) >= 60, 120)
            cluster[2].kill()
            cluster[2].start(ready=True)
            code = process.wait(120)
        finally:
            process.kill()
    said = [line.split() for line in lines()]
    assert code == 0 and len(said) == TRANSACTIONS, (code, said[-3:])
    assert kept == 0 and epoch_of(cluster, "raising") > 20, (kept, epoch_of(cluster, "raising"))
    wait_until("the end of all transactions", lambda: all_decided(cluster, "raising"), 30)
    of = {word: {value for w, value in said if w == word} for word in ("committed", "unknown")}
    assert_exact(read(cluster, "raising", "read_committed")[0], of["committed"], of["unknown"])
    return f"{len(of['committed'])} committed"


def unregister(cluster):
    """kafka-cluster unregister: who is not there, holds replicas or serves is refused with the reason; one that is drained and stopped goes."""
    four = cluster.newcomer().start()
    four.wait_log("is not admitted yet", 15)
    cluster.drave("broker", "add", "4", "--wait", "30s")
    cluster.create("held", 8, 3)

    def ask(node, code=0):
        return tool(cluster, "org.apache.kafka.tools.ClusterTool", "--id", node, code=code, action=["unregister"])

    def said(node, sentence):
        told = ask(node, code=1)
        assert sentence in told, told

    said(9, "there is no broker 9")
    said(4, "drave broker drain 4 moves them away")
    cluster.drave("broker", "drain", "4", "--wait", "60s", timeout=90)
    said(4, "is alive; stop it first")
    four.stop()
    wait_until("broker 4 to be fenced", lambda: not json.loads(cluster.drave("meta", "get", "/brokers/ids/4").stdout)["alive"], 30)
    assert "Broker 4 is no longer registered" in ask(4)
    assert [b["id"] for b in cluster.drave("info", json_out=True)["brokers"]] == [1, 2, 3]


def share_tool(cluster, *words, code=0):
    return tool(cluster, "org.apache.kafka.tools.consumer.group.ShareGroupCommand", *words, code=code)


def share_rows(cluster, *words):
    """Rows of a table that kafka-share-groups prints, as dicts."""
    said = [line.split() for line in share_tool(cluster, *words).splitlines()]
    head, *rows = [line for line in said if line[:1] in (["GROUP"], ["sharers"])]
    return [dict(zip(head, row)) for row in rows]


def share_consume(cluster, *words):
    """Values that kafka-console-share-consumer prints, until none has come for a while."""
    words = ["--topic", "shared", "--group", "sharers", "--timeout-ms", 8000, *words]
    said = tool(cluster, "org.apache.kafka.tools.consumer.ConsoleShareConsumer", *words)
    return [line for line in said.splitlines() if re.fullmatch(r"v\d+", line)]


def share_groups(cluster):
    """kafka-share-groups moves, shows, lists and deletes a group of kafka-console-share-consumer, which accepts, releases and rejects."""
    values = [f"v{i}" for i in range(30)]
    cluster.create("shared", 1)
    cluster.wait_leaders("shared")
    (node,) = cluster.leaders("shared").values()
    with Raw(cluster[node].port) as raw:
        for value in values:
            assert raw.produce("shared", 0, batch([(None, value.encode())]))[0] == 0
    share_tool(cluster, "--group", "sharers", "--topic", "shared", "--reset-offsets", "--to-earliest", "--execute")
    (row,) = share_rows(cluster, "--describe", "--group", "sharers", "--offsets")
    assert (row["TOPIC"], row["START-OFFSET"], row["LAG"]) == ("shared", "0", "30"), row
    given = share_consume(cluster, "--max-messages", 10)
    assert len(given) == 10 and set(given) <= set(values), given
    assert sorted(share_consume(cluster, "--release", "--max-messages", 5)) <= sorted(set(values) - set(given))
    rejected = share_consume(cluster, "--reject", "--max-messages", 5)
    assert len(rejected) == 5 and not set(rejected) & set(given), (given, rejected)
    rest = share_consume(cluster)
    assert sorted(given + rejected + rest) == sorted(values), (given, rejected, rest)
    (row,) = share_rows(cluster, "--describe", "--group", "sharers", "--offsets")
    assert (row["START-OFFSET"], row["LAG"]) == ("30", "0"), row
    assert "Empty" in share_tool(cluster, "--describe", "--group", "sharers", "--state")
    assert "sharers" in share_tool(cluster, "--list").split()
    share_tool(cluster, "--group", "sharers", "--delete-offsets", "--topic", "shared")
    share_tool(cluster, "--group", "sharers", "--delete")
    assert "sharers" not in share_tool(cluster, "--list").split()


suite = Suite()
with Cluster(3) as shared:
    for test in (topics, delete_records, log_dirs, reassign, share_groups, features, raising, unregister):
        suite.run(test, shared)
suite.end()
