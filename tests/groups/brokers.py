"""Three brokers that can be killed and come back: of drave, or of Apache Kafka 4.3.1 in the same setting."""

import os
import signal
import subprocess

from bench.kafka_cluster import KafkaCluster

from harness.cluster import Cluster, wait_until

NODES = (1, 2, 3)


def group_settings(timing):
    """What both know by the same names."""
    return {
        "group.consumer.session.timeout.ms": timing["session_ms"],
        "group.consumer.min.session.timeout.ms": timing["session_ms"],
        "group.consumer.heartbeat.interval.ms": timing["heartbeat_ms"],
        "group.consumer.min.heartbeat.interval.ms": timing["heartbeat_ms"],
        "group.min.session.timeout.ms": timing["session_ms"],
    }


class Drave(Cluster):
    name = "drave"

    def __init__(self, timing):
        super().__init__(3, settings=group_settings(timing))

    def kill(self, node):
        self[node].kill()

    def back(self, node):
        self[node].start()

    def wait_back(self, node, seconds):
        self[node].wait_ready(seconds)

    def logs(self):
        return [b.log_path for b in self]


class Kafka(KafkaCluster):
    name = "kafka"

    def __init__(self, timing):
        super().__init__()
        self.timing = timing

    def configure(self, n):
        place = super().configure(n)
        with open(place / "server.properties", "a") as f:
            f.writelines(f"{k}={v}\n" for k, v in group_settings(self.timing).items())
        return place

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    def kill(self, node):
        os.killpg(self.processes[node - 1].pid, signal.SIGKILL)
        self.processes[node - 1].wait()

    def back(self, node):
        place = self.directory / str(node)
        with open(place / "out.log", "ab") as log:
            self.processes[node - 1] = subprocess.Popen(
                self.java(place, "kafka.Kafka"), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def wait_back(self, node, seconds):
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

        def there():
            try:
                return len(admin.list_topics(timeout=2).brokers) == 3
            except Exception:  # whatever a broker that starts may answer
                return False

        wait_until(f"Kafka's broker {node}", there, seconds, 0.3)
