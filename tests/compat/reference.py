"""Three brokers of Apache Kafka on loopback, in place of drave's: they say what is right. compat.py --kafka

Jars as tests/differences has them: from tests/golden/kafka/pom.xml, or from the folder $KAFKA_JARS.
"""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from confluent_kafka.admin import AdminClient
from differences.record import JARS, install

from harness.cluster import free_ports, wait_until

JAVA = ["java", "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*"]
TOPICS_OF_ITS_OWN = {
    "default.replication.factor": 3,
    "min.insync.replicas": 2,
    "offsets.topic.replication.factor": 3,
    "transaction.state.log.replication.factor": 3,
    "transaction.state.log.min.isr": 2,
    "share.coordinator.state.topic.replication.factor": 3,
    "share.coordinator.state.topic.min.isr": 2,
}


class Broker:
    def __init__(self, cluster, node):
        self.cluster, self.node, self.place, self.process = cluster, node, cluster.directory / str(node), None
        self.place.mkdir()
        settings = {
            "process.roles": "broker,controller",
            "node.id": node,
            "controller.quorum.voters": ",".join(f"{i + 1}@127.0.0.1:{p}" for i, p in enumerate(cluster.controllers)),
            "listeners": f"PLAINTEXT://127.0.0.1:{cluster.ports[node - 1]},CONTROLLER://127.0.0.1:{cluster.controllers[node - 1]}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{cluster.ports[node - 1]}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self.place / "data",
            **TOPICS_OF_ITS_OWN,
            **cluster.settings,
        }
        (self.place / "server.properties").write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
        words = ["kafka.tools.StorageTool", "format", "-t", "draveCompatAAAAAAAAAAA", "-c", f"{self.place}/server.properties"]
        subprocess.run([*JAVA, *words], check=True, capture_output=True)

    def start(self, ready=False):
        with open(self.place / "out.log", "ab") as log:
            self.process = subprocess.Popen(
                [*JAVA, "kafka.Kafka", f"{self.place}/server.properties"],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        if ready:
            self.cluster.wait_ready()

    def kill(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class KafkaCluster:
    """As harness.cluster.Cluster, as far as compat.py needs it."""

    def __init__(self, settings):
        install()
        self.size, self.settings, self.place = 3, settings, tempfile.TemporaryDirectory(prefix="kafka-compat-")
        self.directory, ports = Path(self.place.name), free_ports(6)
        self.ports, self.controllers = ports[:3], ports[3:]
        self.brokers = {n: Broker(self, n) for n in (1, 2, 3)}

    def __getitem__(self, node):
        return self.brokers[node]

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{p}" for p in self.ports)

    def wait_ready(self):
        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

        def all_there():
            try:
                return len(admin.list_topics(timeout=2).brokers) == 3
            except Exception:
                return False

        wait_until("three brokers of Apache Kafka", all_there, 120, 0.3)

    def __enter__(self):
        for broker in self.brokers.values():
            broker.start()
        self.wait_ready()
        return self

    def __exit__(self, kind, value, trace):
        for broker in self.brokers.values():
            broker.kill()
        self.place.cleanup()
