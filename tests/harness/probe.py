"""How long the brokers themselves took: a producer by hand that asks every broker in turn and never waits for one that does not answer.

What a library's client sees besides is its own: until when it waits for a broker that is frozen, and when it asks again who leads.
"""

import threading
import time

from harness.raw import Raw, batch

ANSWER_S, ANSWER_MOST_S = 0.2, 0.8  # who takes longer is left for the next one; twice as long is waited when nobody answered in time


class Probe:
    """One record after the other on every partition of a topic of its own."""

    def __init__(self, cluster, partitions, topic="probe"):
        self.cluster, self.topic, self.stopping = cluster, topic, threading.Event()
        self.oks = {p: [] for p in range(partitions)}  # monotonic seconds
        cluster.create(topic, partitions)
        cluster.wait_leaders(topic, in_sync=cluster.size)
        self.threads = [threading.Thread(target=self.run, args=(p,), daemon=True) for p in self.oks]
        for thread in self.threads:
            thread.start()

    def run(self, partition):
        record, answer_s = batch([(None, b"probe")]), ANSWER_S
        while not self.stopping.is_set():
            slow, before = False, len(self.oks[partition])
            for broker in self.cluster:
                try:
                    with Raw(broker.port, timeout=answer_s) as raw:
                        while not self.stopping.is_set() and raw.produce(self.topic, partition, record)[0] == 0:
                            self.oks[partition].append(time.monotonic())
                            self.stopping.wait(0.01)
                except TimeoutError:
                    slow = True
                except OSError:
                    pass
            answered = len(self.oks[partition]) > before
            answer_s = ANSWER_S if answered else min(2 * answer_s, ANSWER_MOST_S) if slow else answer_s
            self.stopping.wait(0.005)

    def gap_ms(self, begin, end):
        """The longest silence of any partition that reaches into [begin, end]."""
        worst = 0
        for times in self.oks.values():
            around = [begin] + [t for t in times if t > begin - 1 and t < end] + [end]
            around.sort()
            worst = max([worst] + [b - a for a, b in zip(around, around[1:]) if b > begin])
        return round(worst * 1000)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
