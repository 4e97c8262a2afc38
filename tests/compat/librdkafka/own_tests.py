"""librdkafka's own tests against three brokers of drave, compared with the list of what passes (expected.txt).

tests/run librdkafka. By hand: tests/harness/python tests/compat/librdkafka/own_tests.py [NUMBER|NAME...] [--protocol classic|consumer] [--update]
[--kafka]: only these tests; only this protocol of groups; --update writes what was found into the list (reasons stay, new ones are to be written);
--kafka asks Apache Kafka instead, which says what is right.

Happy path: the sources come with an npm package (pinned: newer than Debian's, and with the tests of KIP-848), are built once under
build/compat/librdkafka, and each number runs as a process of its own, with topics of random names. Failures: a test that passed and does not now; one
that fails in the list and passes now (the list is to be corrected); one that is not in the list. Tests that need no broker (their mocks) are left out.
"""

import argparse
import os
import queue
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

from compat.clients import HOME, java, once
from compat.reference import KafkaCluster

from harness.cluster import Cluster

PACKAGE, INSIDE = "@confluentinc/kafka-javascript@1.10.1", "package/deps/librdkafka"  # librdkafka 2.15.1
PLACE = HOME / "librdkafka"
TESTS = PLACE / INSIDE / "tests"
LIST = Path(__file__).with_name("expected.txt")
PROTOCOLS = ("classic", "consumer")
LANES = 4  # they wait most of the time
LIMIT = 1500  # seconds of one number
LONGEST = "0113"  # nearly ten minutes: it begins first
# What its authors run it against.
SETTINGS = {
    "num.partitions": 4,
    "group.consumer.min.session.timeout.ms": 6000,
    "group.consumer.session.timeout.ms": 10000,
    "group.consumer.min.heartbeat.interval.ms": 1000,
    "group.consumer.heartbeat.interval.ms": 1000,
}
# For a test that asks for something else than the default.
SCENARIOS = {"default": {}, "noautocreate": {"auto.create.topics.enable": "false"}}
# Apache Kafka's own commands, which some tests call.
TOOLS = {"kafka-topics": "org.apache.kafka.tools.TopicCommand", "kafka-acls": "org.apache.kafka.tools.AclCommand"}
WORDS = {"PASSED": "passes", "FAILED": "fails", "SKIPPED": "skips", "RUNNING": "fails"}
HEADER = """\
# librdkafka's own tests (2.15.1) against three brokers, with groups of the classic and of the consumer protocol.
# own_tests.py compares a run with this list; with --update it writes it. passes, fails, skips (the test itself says that it does not apply);
# varies: one that is not sure to pass with Apache Kafka either. Behind a | the reason of each that does not pass.
"""


def build():
    """The test program, once."""
    PLACE.mkdir(parents=True, exist_ok=True)
    once("librdkafka-source", "npm", "pack", "--silent", "--pack-destination", PLACE, PACKAGE)
    if not (TESTS / "test-runner").exists():
        tarball = next(PLACE.glob("*.tgz"))
        shutil.rmtree(PLACE / "package", ignore_errors=True)
        steps = (
            (PLACE, "tar", "xzf", tarball, INSIDE),
            (TESTS.parent, "bash", "configure", "--disable-gssapi", "--disable-lz4-ext"),
            (TESTS.parent, "make", "-s", "-j2", "libs"),
            (TESTS, "make", "-s", "-j2", "test-runner"),
        )
        with open(PLACE / "build.log", "ab") as log:
            for folder, *words in steps:
                subprocess.run(list(map(str, words)), cwd=folder, check=True, stdout=log, stderr=log)


def tools():
    """What KAFKA_PATH names."""
    command, install = java("4.3.1")
    install()
    (PLACE / "kafka/bin").mkdir(parents=True, exist_ok=True)
    for name, main_class in TOOLS.items():
        script = PLACE / f"kafka/bin/{name}.sh"
        script.write_text(f'#!/bin/sh\nexec {shlex.join(command[:-1])} {main_class} "$@"\n')
        script.chmod(0o755)


def tests_of_source(scenario):
    """{number: [names]} of those that need a broker, from its table of tests."""
    found = {}
    table = (TESTS / "test.c").read_text().split("    _TEST(0000_unittests", 1)[1]
    for row in table.split("\n    _TEST(")[1:]:
        name, asked = re.match(r"\w+", row)[0], re.search(r'scenario = "([^"]*)"', row)
        here = scenario in (asked[1] if asked else "default").split(",")
        if here and "TEST_F_LOCAL" not in row and "TEST_F_MANUAL" not in row and name[0] == "0" and not name.endswith("_mock"):
            found.setdefault(name[:4], []).append(name)
    return found


def run_number(bootstrap, number, names, protocol, scenario):
    """{name: (outcome, words of the test on it)}"""
    folder = TESTS.parent / f"run-{protocol}-{scenario}-{number}"  # one of them looks into ../src
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "test.conf").write_text(f"bootstrap.servers={bootstrap}\ntest.topic.random=true\ntest.timeout.multiplier=2\n")
    environment = dict(
        {k: v for k, v in os.environ.items() if k != "CI"},
        TESTS=number,
        TEST_KAFKA_VERSION="4.1.0",  # from 4.2 on share groups are asked for
        TEST_CONSUMER_GROUP_PROTOCOL=protocol,
        KAFKA_PATH=str(PLACE / "kafka"),
        BROKERS=bootstrap,
        LD_LIBRARY_PATH=f"{TESTS.parent}/src:{TESTS.parent}/src-cpp",
    )
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [TESTS / "test-runner", "-p1", "-L", "-s", scenario],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    text = re.sub(r"\x1b\[\d*m", "", (folder / "log").read_text(errors="replace"))
    found = {}
    for name in names:  # the program may have ended before its table of results
        said = re.search(rf"^\| *{name} +\| +(\w+) \|[^|]*\|(.*)$", text, re.M) or re.search(rf"=== Test {name} (\w+)( )=", text)
        broken = re.search(rf'^### Test "{name}[" ].*failed at (\S+?):\S* at .*###\n(.*)', text, re.M)
        state, words = (said[1], said[2].strip()) if said else ("FAILED", f"the test program ended with {process.returncode}")
        if state not in ("PASSED", "SKIPPED") and broken:
            words = f"{broken[1]} {broken[2]}"
        found[name] = (WORDS.get(state, "fails"), words[:300])
    return found


def read_list():
    """{name: [outcome of each protocol, reason]}"""
    rows = {}
    for line in LIST.read_text().splitlines() if LIST.exists() else []:
        if line and line[0] != "#":
            columns, _, reason = line.partition("|")
            name, *outcomes = columns.split()
            rows[name] = [*outcomes, reason.strip()]
    return rows


def write_list(rows):
    lines = (f"{name:48} {classic:8} {consumer:8} {'| ' + reason if reason else ''}".rstrip() for name, (classic, consumer, reason) in rows)
    LIST.write_text(HEADER + "\n".join(lines) + "\n")


class Run:
    def __init__(self, arguments):
        self.arguments, self.expected, self.found = arguments, read_list(), {}
        self.lock, self.failed = threading.Lock(), 0

    def judge(self, name, protocol, outcome, words, seconds):
        listed = self.expected.get(name)
        wanted = listed[PROTOCOLS.index(protocol)] if listed else "nothing"
        good = self.arguments.update or self.arguments.kafka or outcome == wanted or wanted == "varies"
        with self.lock:
            self.found[name, protocol] = (outcome, words)
            self.failed += not good
            if good:
                print(f"ok librdkafka {protocol} {name}: {outcome} ({seconds:.1f} s){' ' + words if words else ''}", flush=True)
            else:
                print(f"not ok librdkafka {protocol} {name}: {outcome}, and the list says {wanted}: {words}", flush=True)

    def wanted(self, scenario):
        """[(number, names)]"""
        words = self.arguments.tests
        found = sorted(tests_of_source(scenario).items())
        return [(number, names) for number, names in found if not words or any(w == number or w in n for w in words for n in names)]

    def all(self, bootstrap, protocol, scenario):
        todo = queue.Queue()
        for row in sorted(self.wanted(scenario), key=lambda row: (row[0] != LONGEST, row)):
            todo.put(row)

        def lane():
            while True:
                try:
                    number, names = todo.get_nowait()
                except queue.Empty:
                    return
                began = time.monotonic()
                for name, (outcome, words) in run_number(bootstrap, number, names, protocol, scenario).items():
                    self.judge(name, protocol, outcome, words, time.monotonic() - began)

        threads = [threading.Thread(target=lane, daemon=True) for _ in range(self.arguments.lanes)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()

    def update(self):
        rows = self.expected
        for (name, protocol), (outcome, words) in sorted(self.found.items()):
            row = rows.setdefault(name, ["?", "?", ""])
            if row[PROTOCOLS.index(protocol)] != "varies":
                row[PROTOCOLS.index(protocol)] = outcome
            if row[:2] == ["passes", "passes"]:
                row[2] = ""
            elif not row[2]:
                row[2] = words
        write_list(sorted(rows.items()))


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("tests", nargs="*")
    parse.add_argument("--protocol", action="append", choices=PROTOCOLS)
    parse.add_argument("--update", action="store_true")
    parse.add_argument("--kafka", action="store_true")
    parse.add_argument("--lanes", type=int, default=LANES)
    arguments = parse.parse_args()
    arguments.protocol = arguments.protocol or PROTOCOLS
    build()
    tools()
    run = Run(arguments)
    for scenario, more in SCENARIOS.items():
        for protocol in arguments.protocol if run.wanted(scenario) else ():  # some of its groups have the same name always
            with KafkaCluster(SETTINGS | more) if arguments.kafka else Cluster(3, settings=SETTINGS | more) as cluster:
                run.all(cluster.bootstrap, protocol, scenario)
    if arguments.update and not arguments.kafka:
        run.update()
    counts = {word: sum(1 for outcome, _ in run.found.values() if outcome == word) for word in ("passes", "fails", "skips")}
    print(f"# {counts['passes']} pass, {counts['fails']} fail, {counts['skips']} skip themselves")
    sys.exit(1 if run.failed else 0)


main()
