"""Asks Apache Kafka 4.3.1 every case of cases.py and keeps what it says: tests/suites/differences.sh.

Three KRaft brokers on loopback, with Kafka's own defaults, but that groups do not wait for their first members; jars from tests/golden/kafka/pom.xml, or from the folder $KAFKA_JARS.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from differences.answers import answers

from harness.cluster import ROOT, free_ports, wait_until

KEPT = ROOT / "tests/differences/kafka.json"
JARS = Path(os.environ.get("KAFKA_JARS", ROOT / "build/golden-kafka"))


def install():
    if not any(JARS.glob("kafka_2.13-4.3.1.jar")):
        subprocess.run(
            [
                "mvn",
                "-q",
                "-B",
                "-f",
                str(ROOT / "tests/golden/kafka/pom.xml"),
                "dependency:copy-dependencies",
                f"-DoutputDirectory={JARS}",
            ],
            check=True,
        )


class Kafka:
    def __init__(self, directory):
        self.directory, self.processes = Path(directory), []
        ports = free_ports(6)
        self.ports, self.controllers = ports[:3], ports[3:]

    def start(self, n):
        place = self.directory / str(n)
        place.mkdir()
        (place / "server.properties").write_text(
            "\n".join(
                [
                    "process.roles=broker,controller",
                    f"node.id={n}",
                    "controller.quorum.voters=" + ",".join(f"{i + 1}@127.0.0.1:{p}" for i, p in enumerate(self.controllers)),
                    f"listeners=PLAINTEXT://127.0.0.1:{self.ports[n - 1]},CONTROLLER://127.0.0.1:{self.controllers[n - 1]}",
                    f"advertised.listeners=PLAINTEXT://127.0.0.1:{self.ports[n - 1]}",
                    "controller.listener.names=CONTROLLER",
                    "inter.broker.listener.name=PLAINTEXT",
                    "group.initial.rebalance.delay.ms=0",
                    f"log.dirs={place}/data",
                ]
            )
            + "\n"
        )
        java = ["java", "-Xmx512m", "-cp", f"{JARS}/*"]
        subprocess.run(
            [*java, "kafka.tools.StorageTool", "format", "-t", "draveDifferencesAAAAAA", "-c", f"{place}/server.properties"],
            check=True,
            capture_output=True,
        )
        with open(place / "out.log", "ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [*java, "kafka.Kafka", f"{place}/server.properties"],
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )

    def ready(self):
        from differences.cases import Cluster

        try:
            return len(Cluster("127.0.0.1", self.ports[0]).addresses) == 3
        except (OSError, AssertionError):
            return False

    def close(self):
        for p in self.processes:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()


def main():
    install()
    with tempfile.TemporaryDirectory(prefix="kafka-differences-") as directory:
        kafka = Kafka(directory)
        try:
            for n in (1, 2, 3):
                kafka.start(n)
            wait_until("three Kafka brokers", kafka.ready, 120, 0.5)
            said = answers("127.0.0.1", kafka.ports[0])
        finally:
            kafka.close()
    text = json.dumps(said, indent=1, ensure_ascii=False) + "\n"
    same = KEPT.exists() and KEPT.read_text() == text
    KEPT.write_text(text)
    print(
        f"ok record - {len(said)} answers"
        if same
        else f"not ok record: the answers of Kafka are others than those kept; {KEPT.relative_to(ROOT)} has the new ones"
    )
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
