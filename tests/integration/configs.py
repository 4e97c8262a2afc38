"""Settings of a running cluster through the administration of other clients: confluent-kafka (librdkafka) and kafka-python; what they set is shown with
where it comes from, holds for living members of a group, and two changes at once are both done. Kafka's own kafka-configs does its work when
$KAFKA_JARS names a folder with Apache Kafka's jars (tests/run configs)."""

import os
import re
import subprocess
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from kafka.admin import ConfigResource as PyResource
from kafka.admin import ConfigResourceType as PyType
from kafka.admin import KafkaAdminClient

from harness.cluster import Cluster, wait_until
from harness.suite import Suite

SESSION = "consumer.session.timeout.ms"


def librdkafka(cluster):
    """Topics: set, shown, refused with the broker's sentence, deleted, replaced as a whole; checked only."""
    cluster.create("rdkafka", 1)
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})

    def entry(name, value, operation=AlterConfigOpType.SET):
        return ConfigEntry(name, value, incremental_operation=operation)

    def alter(*entries, **more):
        resource = ConfigResource(ResourceType.TOPIC, "rdkafka", incremental_configs=list(entries))
        return list(admin.incremental_alter_configs([resource], **more).values())[0].result(10)

    def found():
        resource = ConfigResource(ResourceType.TOPIC, "rdkafka")
        entries = list(admin.describe_configs([resource]).values())[0].result(10)
        return {name: (e.value, e.source) for name, e in entries.items()}

    alter(entry("max.message.bytes", "200000"), validate_only=True)
    assert found()["max.message.bytes"] == ("1048588", 5)
    alter(entry("max.message.bytes", "200000"), entry("compression.type", "lz4"))
    assert found()["max.message.bytes"] == ("200000", 1) and found()["compression.type"] == ("lz4", 1)
    try:
        alter(entry("max.message.bytes", "-1"))
        raise AssertionError("-1 was accepted")
    except KafkaException as error:
        assert "it takes a whole number from 100" in error.args[0].str(), error
    alter(entry("compression.type", None, AlterConfigOpType.DELETE))
    assert found()["compression.type"] == ("producer", 5)
    whole = ConfigResource(ResourceType.TOPIC, "rdkafka", set_config={"message.timestamp.type": "LogAppendTime"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old clients have no other call
        list(admin.alter_configs([whole]).values())[0].result(10)
    assert found()["message.timestamp.type"] == ("LogAppendTime", 1) and found()["max.message.bytes"] == ("1048588", 5)


def kafka_python(cluster):
    """Groups: set and deleted, shown, listed."""
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap)

    def group(configs=None):
        return PyResource(PyType.GROUP, "readers", configs)

    def listed():
        return "readers" in str(admin.list_config_resources([PyType.GROUP]))

    assert not listed()
    admin.alter_configs([group({SESSION: "50000"})])
    assert listed() and "50000" in str(admin.describe_configs([group([SESSION])]))
    admin.close()


def brokers(cluster):
    """Of one broker, of all, and of a logger: shown with where they come from, obeyed at once, and after a restart; APPEND and SUBTRACT of a list."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    cluster.create("of-brokers", 1)

    def alter(kind, name, setting, value, operation=AlterConfigOpType.SET):
        entry = ConfigEntry(setting, value, incremental_operation=operation)
        return list(admin.incremental_alter_configs([ConfigResource(kind, name, incremental_configs=[entry])]).values())[0].result(10)

    def found(kind, name, setting):
        entry = list(admin.describe_configs([ConfigResource(kind, name)]).values())[0].result(10)[setting]
        return entry.value, entry.source, entry.is_read_only

    def of(node, setting="message.max.bytes"):
        return found(ResourceType.BROKER, str(node), setting)

    def size(node):
        return cluster.drave("config", "get", f"broker:{node}", "message.max.bytes", json_out=True)["settings"][0]

    assert of(2) == ("1048588", 5, False) and of(2, "data.dir")[2]
    cluster.drave("config", "set", "brokers", "message.max.bytes=3000")
    wait_until("all brokers have it", lambda: all(of(n)[:2] == ("3000", 3) for n in (1, 2, 3)), 10, 0.05)
    produce = Producer({"bootstrap.servers": cluster.bootstrap, "log_level": 0, "message.timeout.ms": 10000})
    said = []
    produce.produce("of-brokers", bytes(5000), on_delivery=lambda error, _: said.append(error))
    produce.flush(15)
    assert said[0].code() == KafkaError.MSG_SIZE_TOO_LARGE, said
    alter(ResourceType.BROKER, "2", "message.max.bytes", "4000")
    assert of(2)[:2] == ("4000", 2) and size(2)["source"] == "broker" and size(1)["source"] == "brokers"
    cluster[2].kill()
    cluster[2].start(ready=True)
    wait_until("broker 2 follows again", lambda: of(2)[:2] == ("4000", 2), 10, 0.05)
    cluster.drave("config", "unset", "brokers", "message.max.bytes")
    alter(ResourceType.BROKER, "2", "message.max.bytes", None, AlterConfigOpType.DELETE)
    wait_until("as before", lambda: all(of(n)[:2] == ("1048588", 5) for n in (1, 2, 3)), 10, 0.05)
    done = cluster.drave("config", "set", "broker:1", "node.id=4", check=False)
    assert done.returncode == 1 and "needs a restart" in done.stderr, done.stderr
    cluster.drave("config", "set", "logger:3", "log.level=debug")
    assert cluster.drave("config", "get", "logger:3", json_out=True)["settings"][0]["value"] == "debug"
    alter(ResourceType.TOPIC, "of-brokers", "cleanup.policy", "delete", AlterConfigOpType.SUBTRACT)
    assert found(ResourceType.TOPIC, "of-brokers", "cleanup.policy")[:2] == ("", 1)
    cluster.drave("topic", "alter", "of-brokers", "-c", "cleanup.policy+=delete")
    assert found(ResourceType.TOPIC, "of-brokers", "cleanup.policy")[:2] == ("delete", 1)


def at_once(cluster):
    """Eight clients set another setting each of one topic, at all brokers: all are there in the end."""
    cluster.create("contended", 1)
    pairs = [
        "max.message.bytes=200000",
        "compression.type=zstd",
        "message.timestamp.type=LogAppendTime",
        "min.insync.replicas=2",
        "message.timestamp.before.max.ms=1000",
        "message.timestamp.after.max.ms=2000",
        "flush.ms=0",
        "preallocate=false",
    ]
    gate = threading.Barrier(len(pairs))

    def change(place):
        gate.wait()
        return cluster.drave(
            "config", "set", "topic:contended", pairs[place], "-b", f"127.0.0.1:{cluster[place % 3 + 1].port}", check=False
        )

    with ThreadPoolExecutor(len(pairs)) as pool:
        for done in pool.map(change, range(len(pairs))):
            assert done.returncode == 0, done.stderr
    settings = cluster.drave("config", "get", "topic:contended", json_out=True)["settings"]
    assert {f"{s['name']}={s['value']}" for s in settings if s["source"] == "topic"} == set(pairs), settings


def kafkas_own(cluster):
    """kafka-configs of Apache Kafka: topics and groups are altered, described, and what is refused is said."""
    jars = os.environ.get("KAFKA_JARS")
    if not jars:
        return "without $KAFKA_JARS nothing is asked"
    cluster.create("tool", 1)

    def tool(*words, code=0):
        command = ["java", "-Xmx128m", "-cp", f"{jars}/*", "kafka.admin.ConfigCommand", "--bootstrap-server", cluster.bootstrap]
        done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=120)
        assert (done.returncode == 0) == (code == 0), done.stdout + done.stderr
        return done.stdout + done.stderr

    topic, group = ("--entity-type", "topics", "--entity-name", "tool"), ("--entity-type", "groups", "--entity-name", "readers of the tool")
    tool("--alter", *topic, "--add-config", "max.message.bytes=200000,compression.type=lz4")
    assert re.search(r"max\.message\.bytes=200000 .*DYNAMIC_TOPIC_CONFIG:max\.message\.bytes=200000", tool("--describe", *topic))
    tool("--alter", *topic, "--delete-config", "compression.type")
    assert "compression.type" not in tool("--describe", *topic)
    assert "compression.type=producer" in tool("--describe", *topic, "--all")
    tool("--alter", *group, "--add-config", f"{SESSION}=50000")
    assert re.search(rf"{SESSION}=50000 .*DYNAMIC_GROUP_CONFIG", tool("--describe", *group))
    assert "45000 to 60000" in tool("--alter", *group, "--add-config", f"{SESSION}=1", code=1)
    assert "readers of the tool" in tool("--describe", "--entity-type", "groups")
    tool("--alter", *group, "--delete-config", SESSION)
    one, every = ("--entity-type", "brokers", "--entity-name", "2"), ("--entity-type", "brokers", "--entity-default")
    logger = ("--entity-type", "broker-loggers", "--entity-name", "2")
    tool("--alter", *every, "--add-config", "message.max.bytes=2000000,log.retention.bytes=-1")
    tool("--alter", *one, "--add-config", "message.max.bytes=3000000")
    shown = tool("--describe", *one)
    assert re.search(
        r"message\.max\.bytes=3000000 .*DYNAMIC_BROKER_CONFIG:message\.max\.bytes=3000000, DYNAMIC_DEFAULT_BROKER_CONFIG:message\.max\.bytes=2000000",
        shown,
    )
    assert "message.max.bytes=2000000" in tool("--describe", *every)
    assert "of another architecture" in tool("--alter", *one, "--add-config", "num.replica.fetchers=2", code=1)
    assert "needs a restart" in tool("--alter", *one, "--add-config", "node.id=5", code=1)
    tool("--alter", *one, "--delete-config", "message.max.bytes")
    tool("--alter", *every, "--delete-config", "message.max.bytes,log.retention.bytes")
    assert "message.max.bytes" not in tool("--describe", *every)
    tool("--alter", *logger, "--add-config", "log.level=WARN")
    assert "log.level=warn" in tool("--describe", *logger)
    return None


suite = Suite()
with Cluster(3) as shared:
    for test in (librdkafka, kafka_python, brokers, at_once, kafkas_own):
        suite.run(test, shared)
suite.end()
