"""Three KRaft brokers of Apache Kafka (Maven Central) on loopback, as a reference for speed: 1 GiB heaps, G1, its own defaults otherwise."""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from harness.cluster import ROOT, free_ports, wait_until

JARS = ROOT / "build" / "kafka" / "jars"
JVM = [
    "-server",
    "-Xms1g",
    "-Xmx1g",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-Djava.awt.headless=true",
]
LOG4J = "status=error\nappender.f.type=File\nappender.f.name=F\nappender.f.fileName=${sys:kafka.logs.dir}/server.log\nappender.f.layout.type=PatternLayout\nappender.f.layout.pattern=[%d] %p %m (%c)%n\nrootLogger.level=warn\nrootLogger.appenderRef.f.ref=F\n"


def install():
    if not any(JARS.glob("kafka_2.13-*.jar")):
        subprocess.run(
            [
                "mvn",
                "-q",
                "-B",
                "-f",
                str(ROOT / "tests/bench/kafka/pom.xml"),
                "dependency:copy-dependencies",
                "-DincludeScope=runtime",
                f"-DoutputDirectory={JARS}",
            ],
            check=True,
        )


class KafkaCluster:
    def __init__(self):
        install()
        self.directory = Path(tempfile.mkdtemp(prefix="kafka-bench-"))
        ports = free_ports(6)
        self.ports, self.controllers, self.processes = ports[:3], ports[3:], []

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{p}" for p in self.ports)

    def configure(self, n):
        place = self.directory / str(n)
        place.mkdir()
        (place / "log4j2.properties").write_text(LOG4J)
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
                    f"log.dirs={place}/data",
                    "num.partitions=16",
                    "default.replication.factor=3",
                    "min.insync.replicas=2",
                    "offsets.topic.replication.factor=3",
                ]
            )
            + "\n"
        )
        return place

    def java(self, place, *words):
        return [
            "java",
            *JVM,
            f"-Dkafka.logs.dir={place}",
            f"-Dlog4j2.configurationFile={place}/log4j2.properties",
            "-cp",
            f"{JARS}/*",
            *words,
            f"{place}/server.properties",
        ]

    def start(self):
        for n in (1, 2, 3):
            place = self.configure(n)
            format_words = [
                "java",
                "-Xmx128m",
                "-cp",
                f"{JARS}/*",
                "kafka.tools.StorageTool",
                "format",
                "-t",
                "draveBenchAAAAAAAAAAAA",
                "-c",
                f"{place}/server.properties",
            ]
            subprocess.run(format_words, check=True, capture_output=True)
            with open(place / "out.log", "ab") as log:
                self.processes.append(
                    subprocess.Popen(
                        self.java(place, "kafka.Kafka"), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
                    )
                )
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})

        def all_there():
            try:
                return len(admin.list_topics(timeout=2).brokers) == 3
            except Exception:
                return False

        wait_until("three Kafka brokers", all_there, 120, 0.3)
        return self

    def cpu_seconds(self):
        total = 0
        for p in self.processes:
            fields = Path(f"/proc/{p.pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return total

    def close(self):
        for p in self.processes:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
        subprocess.run(["rm", "-rf", str(self.directory)], check=False)
