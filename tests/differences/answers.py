"""All cases, asked one after the other."""

from differences import (
    classic,
    consumers,
    duplicates,
    fetches,
    migration,
    moves,
    newest,
    offsets,
    reads,
    requests,
    sessions,
    settings,
    topics,
    transactions,
    trims,
    tuned,
    txn_log,
    txn_offsets,
    versions,
)
from differences.cases import CASES, Cluster

NAMES = list(CASES)  # in the order of their files
assert (
    classic
    and moves
    and settings
    and topics
    and consumers
    and duplicates
    and fetches
    and migration
    and newest
    and offsets
    and reads
    and sessions
)
assert requests and versions and transactions and trims and tuned and txn_log and txn_offsets


def answers(host, port):
    """What that cluster says, case by case."""
    cluster = Cluster(host, port)
    said = {}
    for name in NAMES:
        try:
            said[name] = CASES[name](cluster)
        except ConnectionError:
            said[name] = "the connection is closed"
        except TimeoutError:
            said[name] = "no answer"
    return said
