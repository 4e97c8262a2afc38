"""What a broker says to clients that come early: one that starts again knows what was made while it was away; one that finds no
majority says what it knows; one that has to wait sends them away."""

import contextlib
import struct
import threading
import time

from harness.cluster import Cluster, wait_until
from harness.patience import within
from harness.raw import METADATA, Raw
from harness.suite import Suite

TOPICS, ROUNDS = 60, 2


def topics_at(port, seconds=20):
    """Names that the broker lists; raises ConnectionError or OSError if it does not say."""
    with Raw(port, timeout=seconds) as raw:
        answer = raw.ask(METADATA, 1, struct.pack(">i", -1))  # of all topics
    at = 0
    (brokers,) = struct.unpack_from(">i", answer, at)
    at += 4
    for _ in range(brokers):
        at += 4
        (size,) = struct.unpack_from(">h", answer, at)
        at += 2 + size + 4
        (rack,) = struct.unpack_from(">h", answer, at)
        at += 2 + max(rack, 0)
    at += 4
    (count,) = struct.unpack_from(">i", answer, at)
    at += 4
    names = []
    for _ in range(count):
        _, size = struct.unpack_from(">hh", answer, at)
        names.append(answer[at + 4 : at + 4 + size].decode())
        at += 4 + size + 1
        (partitions,) = struct.unpack_from(">i", answer, at)
        at += 4
        for _ in range(partitions):
            _, _, _, replicas = struct.unpack_from(">hiii", answer, at)
            at += 14 + 4 * replicas
            (in_sync,) = struct.unpack_from(">i", answer, at)
            at += 4 + 4 * in_sync
    return set(names)


def first_answer(port, found):
    while not found:
        with contextlib.suppress(OSError):
            found.append(topics_at(port))


def knows_what_was_made_meanwhile():
    """Whatever is asked first, and however soon: a topic that it does not know is one that is not there."""
    with Cluster(3) as cluster:
        made = set()
        for i in range(ROUNDS):
            cluster[3].kill()
            names = [f"t{i}-{n}" for n in range(TOPICS)]
            cluster.drave("topic", "create", *names, "-r", "2")
            made |= set(names)
            found = []
            asks = [threading.Thread(target=first_answer, args=(cluster[3].port, found)) for _ in range(4)]
            for ask in asks:
                ask.start()
            cluster[3].start()
            for ask in asks:
                ask.join(60)
            for names in found:
                assert made <= names, f"start {i + 1}: {len(made - names)} of {len(made)} topics were unknown"
            cluster[3].wait_ready()


def without_a_majority_it_says_what_it_knows():
    with Cluster(3) as cluster:
        cluster.drave("topic", "create", "t", "-r", "3")
        for broker in cluster:
            broker.kill()
        began = time.monotonic()
        cluster[2].start()
        names = wait_until("an answer", lambda: answered(cluster[2].port), 20)
        assert "t" in names, names
        return f"after {time.monotonic() - began:.1f} s"


def answered(port):
    with contextlib.suppress(OSError):
        return topics_at(port, 1)
    return None


def sends_clients_away_while_it_waits():
    """There is no cluster yet: a client is closed and not left without an answer, and let in when there is one."""
    with contextlib.closing(Cluster(3)) as cluster:
        cluster[1].start()
        cluster[1].wait_log("waiting for the other brokers")
        began = time.monotonic()
        try:
            topics_at(cluster[1].port)
            raise AssertionError("it answered")
        except ConnectionError:
            took = time.monotonic() - began
        assert within(took, 5), f"closed after {took:.1f} s"
        cluster[2].start()
        cluster[3].start()
        for broker in cluster:
            broker.wait_ready()
        assert isinstance(topics_at(cluster[1].port), set)


suite = Suite()
suite.run(knows_what_was_made_meanwhile)
suite.run(without_a_majority_it_says_what_it_knows)
suite.run(sends_clients_away_while_it_waits)
suite.end()
