"""Settings of a running cluster through the administration of other clients: confluent-kafka (librdkafka) and kafka-python; what they set is shown with
where it comes from, holds for living members of a group, and two changes at once are both done. Kafka's own kafka-configs does its work when
$KAFKA_JARS names a folder with Apache Kafka's jars (tests/run configs)."""

import os
import re
import subprocess
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from kafka.admin import ConfigResource as PyResource
from kafka.admin import ConfigResourceType as PyType
from kafka.admin import KafkaAdminClient

from harness.cluster import Cluster
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
    return None


suite = Suite()
with Cluster(3) as shared:
    for test in (librdkafka, kafka_python, at_once, kafkas_own):
        suite.run(test, shared)
suite.end()
