"""The contract of consumers' everyday jobs (contract.py) with every client of clients.py, against three brokers.

tests/run compat [--kills 1] [--rounds N] [--json]: with --kills a broker is killed every 20 s meanwhile, and comes back 5 s later; with --rounds
Kafka Streams and Kafka Connect are at work for N minutes.
By hand: tests/harness/python tests/compat/compat.py [WORD...] [--short] [--kills] [--minutes N] [--against BOOTSTRAP]: jobs and clients whose names have one of the words
(a word with = is a whole name); --short is what CI runs; --secure lets clients in by SCRAM over TLS
alone, with the rights that they need; --kafka starts brokers of Apache Kafka instead, which say what is right; --against asks those that run already.
"""

import argparse
import json
import os
import queue
import subprocess
import sys
import threading
import time
import traceback

from compat import contract, exactly_once, rights, sharing, transactions
from compat.clients import clients
from compat.job import Cluster as Brokers
from compat.job import Failed, Job
from compat.member import Refused
from compat.reference import KafkaCluster
from compat.secure import Doorkeeper, SecureCluster

from harness.cluster import BIN, ROOT, Cluster

jobs = contract.job | transactions.job | exactly_once.job | sharing.job
LANES = 3  # clients side by side; they wait most of the time
SETTINGS = {
    "group.initial.rebalance.delay.ms": 0,
    "group.consumer.session.timeout.ms": 15000,  # time enough for a JVM that comes back as a static member
    "group.consumer.min.session.timeout.ms": 6000,
    "group.consumer.heartbeat.interval.ms": 1000,
    "group.consumer.min.heartbeat.interval.ms": 1000,
}
SHORT = {
    "clients": ("librdkafka", "kafka-python", "kafkajs"),
    "jobs": ("restarts_from_a_synchronous_commit", "two_members_share_and_one_leaves", "a_group_is_listed_and_described")
    + ("an_aborted_transaction_is_not_read", "what_is_read_is_written_once", "what_it_may_not_read_does_not_come"),
}
KILL_EVERY, DOWN = 20, 5
LOGS = ROOT / "build/compat/logs"


def known(settings):
    """Those that draved has."""
    table = subprocess.run([str(BIN / "draved"), "--help-config"], capture_output=True, text=True, check=True).stdout
    return {k: v for k, v in settings.items() if f"\n{k}=" in table}


def OpenCluster(settings):
    return Cluster(3, settings=settings)


class Killer:
    """One broker after the other, while the jobs run."""

    def __init__(self, cluster):
        self.cluster, self.over, self.kills = cluster, threading.Event(), 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.wait(KILL_EVERY - DOWN):
            broker = self.cluster[self.kills % self.cluster.size + 1]
            broker.kill()
            self.kills += 1
            self.over.wait(DOWN)
            broker.start(ready=True)

    def stop(self):
        self.over.set()
        self.thread.join()


class Run:
    def __init__(self, brokers, arguments):
        self.brokers, self.arguments = brokers, arguments
        self.lock, self.reports, self.failed = threading.Lock(), [], 0

    def wanted(self, kind, name):
        words = [w for w in self.arguments.words if any(w.strip("=") in n for n in (self.names[kind]))]
        return not words or any(w == f"={name}" or (w[0] != "=" and w in name) for w in words)

    def say(self, text):
        with self.lock:
            print(text, flush=True)

    def one_job(self, client, name, function):
        job = Job(self.brokers, client, name, self.arguments.kills, LOGS, self.arguments.minutes)
        try:
            function(job)
            return None, job.notes
        except (Refused, Failed) as e:
            return str(e), []
        except Exception as e:
            self.say("# " + traceback.format_exc().replace("\n", "\n# "))
            return f"{type(e).__name__}: {e}", []
        finally:
            job.end()

    def one_client(self, client):
        began, passed, failed, cannot = time.monotonic(), [], {}, {}
        title = f"compat {client.name}" + (" secure" if self.arguments.secure else "")
        try:
            client.install()
            probe = Job(self.brokers, client, "hello", logs=LOGS)
            says = probe.process({}).ask("hello")["client"]
            probe.end()
        except Exception as e:
            self.say(f"not ok {title}: it could not be installed: {str(e)[-300:]}")
            with self.lock:
                self.failed += 1
            return
        for name, (function, needs) in (jobs | (rights.job if self.arguments.secure else {})).items():
            missing = sorted(needs & set(client.cannot))
            if not self.wanted("jobs", name) or (self.arguments.short and name not in SHORT["jobs"]):
                continue
            if missing:
                cannot[name] = client.cannot[missing[0]]
                continue
            at = time.monotonic()
            why, notes = self.one_job(client, name, function)
            seconds = time.monotonic() - at
            if why is None:
                passed.append(name)
                more = "".join(f": {' '.join(n.split())[:200]}" for n in notes)
                self.say(f"ok {title}: {name} ({seconds:.1f} s){more}")
            else:
                failed[name] = why
                self.say(f"not ok {title}: {name}: {' '.join(why.split())[:1500]}")
        report = {"client": client.name, "version": says, "passed": len(passed), "failed": failed, "cannot": cannot}
        with self.lock:
            self.failed += len(failed)
            self.reports.append({**report, "seconds": round(time.monotonic() - began)})

    def all_clients(self):
        every = clients()
        self.names = {"clients": [c.name for c in every], "jobs": list(jobs | rights.job)}
        todo = queue.Queue()
        for client in every:
            if self.wanted("clients", client.name) and (not self.arguments.short or client.name in SHORT["clients"]):
                todo.put(client)

        def lane():
            while True:
                try:
                    client = todo.get_nowait()
                except queue.Empty:
                    return
                self.one_client(client)

        threads = [threading.Thread(target=lane) for _ in range(LANES)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("words", nargs="*")
    parse.add_argument("--short", action="store_true")
    parse.add_argument("--against")
    parse.add_argument("--kafka", action="store_true")
    parse.add_argument("--secure", action="store_true")
    parse.add_argument("--kills", action="store_true", default=bool(int(os.environ.get("KILLS") or 0)))
    parse.add_argument("--minutes", type=int, default=int(os.environ.get("ROUNDS") or 0))
    arguments = parse.parse_args()
    LOGS.mkdir(parents=True, exist_ok=True)
    kills = None
    if arguments.against:
        run = Run(Brokers(arguments.against, replicas=-1, is_drave=False), arguments)
        run.all_clients()
    else:
        kind = KafkaCluster if arguments.kafka else SecureCluster if arguments.secure else OpenCluster
        with kind(known(SETTINGS) if kind != KafkaCluster else SETTINGS) as cluster:
            door = Doorkeeper(cluster) if arguments.secure else None
            run = Run(Brokers(cluster.bootstrap, replicas=3, door=door, is_drave=not arguments.kafka), arguments)
            killer = Killer(cluster) if arguments.kills else None
            try:
                run.all_clients()
            finally:
                if killer:
                    killer.stop()
                    kills = killer.kills
                cluster.keeps = run.failed > 0
    if os.environ.get("JSON"):
        print(json.dumps({"suite": "compat", "kills": kills, "clients": sorted(run.reports, key=lambda r: r["client"])}))
    for r in sorted(run.reports, key=lambda r: r["client"]):
        print(
            f"# {r['version']} ({r['client']}): {r['passed']} passed, {len(r['failed'])} failed, {len(r['cannot'])} do not apply, {r['seconds']} s"
        )
    sys.exit(1 if run.failed else 0)


main()
