"""Metrics of transactions: each moves when it must, and rests behind."""

from confluent_kafka import Producer

from harness.cluster import wait_until
from harness.suite import Suite
from harness.watched import Watched, total


def transacting(cluster):
    """What is open in transactions, since when, what waits behind it; how they end."""
    cluster.create("held", 3)

    def summed(name, **labels):
        return sum(cluster.value(n, name, **labels) or 0 for n in cluster.brokers)

    def begun(name, timeout_ms):
        made = Producer({"bootstrap.servers": cluster.bootstrap, "transactional.id": name, "transaction.timeout.ms": timeout_ms})
        made.init_transactions(30)
        made.begin_transaction()
        for partition in range(3):
            made.produce("held", "x", partition=partition)
        return made.flush() or made

    first, second, _ = begun("commits", 60000), begun("aborts", 60000), begun("times-out", 10000)
    wait_until("what is open", lambda: summed("drave_transactions_open", state="ongoing") == 3, 30, 0.3)
    wait_until("what waits", lambda: summed("drave_transactional_ids") == 3 and summed("drave_unstable_records") == 9, 30, 0.3)
    wait_until("its age", lambda: 1 < summed("drave_transactions_oldest_seconds") < 60, 30, 0.3)
    first.commit_transaction(30)
    second.abort_transaction(30)
    ends = {"commit": 1, "abort": 1, "timeout": 1}
    wait_until("the ends", lambda: {how: summed("drave_transactions_ended_total", how=how) for how in ends} == ends, 60, 0.3)
    quiet = [f"drave_{name}" for name in ("transactions_open", "transactions_oldest_seconds", "unstable_records", "transaction_markers")]
    wait_until("rest", lambda: sum(total(cluster.metrics(n), name) for n in cluster.brokers for name in quiet) == 0, 30, 0.3)


suite = Suite()
with Watched(3) as shared:
    suite.run(transacting, shared)
suite.end()
