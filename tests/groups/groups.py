"""Groups under chaos: members join, leave, sleep (SIGSTOP) and die (kill -9), brokers are killed and come back, and a judge reads what happened.

tests/run groups: the short form, all protocols at once, 4 members over 12 partitions each. tests/run groups --rounds N [--kills N] [--seed N]: each
protocol for N minutes, 8 members over 64 partitions, something happens to a member every 2 s, --kills brokers a minute (2); after each minute all is
healed, and the group must be whole within its session and rebalance timeout. "upgrade" is a group whose members are replaced by those of the other
protocol in each round. By hand, also beside Apache Kafka 4.3.1 in the same setting:

    tests/harness/python tests/groups/groups.py --rounds 5 [--system drave|kafka] [--protocol eager|cooperative|consumer|upgrade]

What is judged, and how gaps are measured: judge.py. Histories: build/groups/SYSTEM-PID/PROTOCOL/history.jsonl.
"""

import argparse
import json
import os
import random
import threading
import time

from groups import judge_test
from groups.brokers import NODES, Drave, Kafka
from groups.judge import judge
from groups.party import PATIENCE_S, Party

from harness.cluster import wait_until
from harness.suite import Suite

PROTOCOLS = ("eager", "cooperative", "consumer", "upgrade")
CYCLE = ("join", "leave", "join", "kill", "pause")  # as many come as go
TIMING = {"session_ms": 6000, "rebalance_ms": 8000, "heartbeat_ms": 2000}
ROUND_S, EVERY_S = 60, 2
SLEEPS_S = (1, 3, 8, 12)


class Chaos:
    """Minutes of faults, drawn from the seed, for one party; each ends with a calm in which the group must come together."""

    def __init__(self, brokers, party, *, seed, kills):
        """kills: how many brokers are killed in a minute."""
        self.brokers, self.party, self.kills = brokers, party, kills
        self.members, self.nodes = random.Random(f"{seed} members"), random.Random(f"{seed} brokers")
        self.cycle = []

    def next_kind(self):
        if not self.cycle:
            self.cycle = self.members.sample(CYCLE, len(CYCLE))
        return self.cycle.pop()

    def kill_brokers(self, over):
        """One at a time, evenly over the round; every second one is the coordinator. It comes back after 3 to 6 s."""
        pause_s = ROUND_S / self.kills
        for i in range(self.kills):
            if over.wait(pause_s / 2 if i == 0 else pause_s):
                return
            node = self.nodes.choice(NODES)
            if i % 2 == 0:
                node = self.party.coordinator() or node
            self.party.note("broker killed", node)
            self.brokers.kill(node)
            over.wait(self.nodes.uniform(3, 6))
            self.brokers.back(node)
            self.brokers.wait_back(node, 120)
            self.party.note("broker back", node)

    def round(self):
        party, over, end = self.party, threading.Event(), time.monotonic() + ROUND_S
        party.note("chaos")
        if party.protocol == "upgrade":
            party.change_over()
        killer = threading.Thread(target=self.kill_brokers, args=(over,), daemon=True)
        killer.start()
        due = time.monotonic()
        while (now := time.monotonic()) < end:
            if now >= due:
                party.event(self.next_kind(), self.members.choice(SLEEPS_S))
                due += EVERY_S
            party.wake()
            time.sleep(0.02)
        over.set()
        killer.join(150)
        party.heal()
        party.wait_whole(party.limits["settle_s"] + 1)


def with_parties(parties, chaos):
    """protocol -> report; all protocols at the same time."""
    try:
        for party in parties:
            party.start()
        for party in parties:
            if not party.wait_whole(120):
                raise TimeoutError(f"{party.group} never came together")
        chaos()
        return {party.protocol: report_of(party, party.finish(PATIENCE_S)) for party in parties}
    finally:
        for party in parties:
            party.kill_all()


def report_of(party, rows):
    report = judge(rows, party.limits)
    if party.failures:
        report["ok"] = False
        report["evidence"]["failures"] = party.failures[:5]
    return report


def verdict(system, protocol, seed, report):
    print(json.dumps({"system": system, "protocol": protocol, "seed": seed, **report}), flush=True)
    gaps = "; ".join(f"{k}: {g['gaps']} gaps, {g['median']} / {g['max']} s" for k, g in report["gaps_s"].items() if g["gaps"])
    assert report["ok"], f"{report['anomalies']} {json.dumps(report['evidence'])[:1500]}"
    return f"{report['records']} records, {report['twice']} twice; without an owner, median / max: {gaps}"


def short(seed):
    """All protocols at once, each fault once, each after what the one before had to bring; the limits are long: nothing depends on how fast the machine is."""
    limits = {**TIMING, "settle_s": PATIENCE_S, "stuck_s": PATIENCE_S}
    with Drave(TIMING) as brokers:
        parties = [Party(brokers, p, size=4, partitions=12, limits=limits, seed=seed) for p in PROTOCOLS]
        return with_parties(parties, lambda: each_fault_once(brokers, parties))


def each_fault_once(brokers, parties):
    for party in parties:
        party.note("chaos")
        if party.protocol == "upgrade":
            party.change_over()
    sleepers = [(party, party.event("pause", float("inf"))) for party in parties]
    for kind in ("kill", "join", "leave"):
        for party in parties:
            party.event(kind)
        time.sleep(0.5)  # the pace of the faults
    for party, sleeper in sleepers:
        wait_until(f"{party.group} to give away what {sleeper.name} has, who sleeps", lambda: party.given_away(sleeper), PATIENCE_S)
        party.wake(all_of_them=True)
    for party, sleeper in sleepers:
        wait_until(f"{sleeper.name} of {party.group} to hear that it has lost all", sleeper.has_lost, PATIENCE_S)
    node = wait_until("a coordinator", parties[0].coordinator, PATIENCE_S)
    for party in parties:
        party.note("broker killed", node)
    brokers.kill(node)
    for party in parties:
        party.event("join")
        party.wait_whole(PATIENCE_S, note=False)
    brokers.back(node)
    brokers.wait_back(node, PATIENCE_S)
    for party in parties:
        party.heal()
    for party in parties:
        party.wait_whole(PATIENCE_S)


def long(brokers, protocol, seed, rounds, kills):
    settle_s = (TIMING["session_ms"] + TIMING["rebalance_ms"]) / 1000
    limits = {**TIMING, "settle_s": settle_s, "stuck_s": 2 * settle_s}
    party = Party(brokers, protocol, size=8, partitions=64, limits=limits, seed=seed)
    chaos = Chaos(brokers, party, seed=seed, kills=kills)

    def all_rounds():
        for _ in range(rounds):
            chaos.round()

    return with_parties([party], all_rounds)[protocol]


def main():
    words = argparse.ArgumentParser()
    words.add_argument("--rounds", type=int, default=int(os.environ.get("ROUNDS") or 0))
    words.add_argument("--kills", type=int, default=int(os.environ.get("KILLS") or 2))
    words.add_argument("--seed", type=int, default=int(os.environ.get("SEED") or 1))
    words.add_argument("--system", choices=("drave", "kafka"), default="drave")
    words.add_argument("--protocol", choices=PROTOCOLS, action="append")
    o = words.parse_args()
    suite = Suite(only=[])
    print(f"# seed {o.seed}, load {os.getloadavg()[0]:.1f} when it began", flush=True)
    if not o.rounds:
        judge_test.run(suite)
        reports = short(o.seed)
        for protocol in PROTOCOLS:
            suite.run(lambda p=protocol: verdict("drave", p, o.seed, reports[p]), name=f"chaos {protocol}")
        suite.end()
    for protocol in o.protocol or PROTOCOLS:
        with {"drave": Drave, "kafka": Kafka}[o.system](TIMING) as brokers:
            suite.run(
                lambda p=protocol, b=brokers: verdict(o.system, p, o.seed, long(b, p, o.seed, o.rounds, o.kills)),
                name=f"{o.system} {protocol}",
            )
        print(f"# load {os.getloadavg()[0]:.1f}", flush=True)
    suite.end()


main()
