"""Judges a history: the anomalies of Jepsen's Kafka workload (docs/decisions/0005).

A client whose name begins with "idempotent" must show neither duplicates nor reordering; a plain one may duplicate what was
retried. python checker.py FILE prints the report as JSON and exits 1 when an anomaly was found.
"""

import json
import sys
from collections import defaultdict


def check(rows, drained=True):
    """rows as of history.read, in the order in which they happened. Returns the report."""
    at = {}  # (partition, offset) -> value, over all sends and polls
    bad = defaultdict(list)
    sent, acked, failed, polled = set(), {}, set(), defaultdict(list)
    order = defaultdict(list)  # (client, partition) -> values in order of invocation
    last_poll, counts = {}, defaultdict(int)
    acks = defaultdict(list)  # partition -> times
    for t, op, client, partition, value, offset in rows:
        counts[op] += 1
        if op == "invoke":
            sent.add(value)
            order[client, partition].append(value)
        elif op == "fail":
            failed.add(value)
        elif op in ("ok", "poll"):
            known = at.setdefault((partition, offset), value)
            if known != value:
                bad["inconsistent offsets"].append([partition, offset, known, value])
            if op == "ok":
                acked[value] = (partition, offset)
                acks[partition].append(t)
                continue
            if not polled[value] or polled[value][-1] != (partition, offset):
                if (partition, offset) not in polled[value]:
                    polled[value].append((partition, offset))
            if value not in sent:
                bad["unexpected"].append([partition, offset, value])
            if value in failed:
                bad["aborted read"].append([partition, offset, value])
            before = last_poll.get((client, partition))
            if before is not None and offset <= before:
                bad["poll back"].append([client, partition, before, offset])
            if before is not None and offset > before + 1:
                bad["poll skip"].append([client, partition, before, offset])
            last_poll[client, partition] = offset
    if drained:
        for value, place in acked.items():
            if value not in polled:
                bad["lost"].append([*place, value])
    for (client, partition), values in order.items():
        if not client.startswith("idempotent"):
            continue
        offsets = [polled[v][0][1] for v in values if v in polled]
        bad["send reordered"] += [[client, partition, a, b] for a, b in zip(offsets, offsets[1:]) if b <= a]
        bad["duplicate"] += [[client, partition, v, polled[v]] for v in values if len(polled.get(v, ())) > 1]
    gaps = {p: max((b - a for a, b in zip(ts, ts[1:])), default=0) / 1e3 for p, ts in ((p, sorted(ts)) for p, ts in acks.items())}
    plain_twice = sum(1 for v, places in polled.items() if len(places) > 1)
    return {
        "invoked": counts["invoke"],
        "acknowledged": len(acked),
        "failed": counts["fail"],
        "unknown": counts["info"],
        "polled": counts["poll"],
        "lost": len(bad["lost"]),
        "duplicated_idempotent": len(bad["duplicate"]),
        "reordered_idempotent": len(bad["send reordered"]),
        "duplicated_any": plain_twice,
        "longest_gap_ms": max(gaps.values(), default=0),
        "gap_ms": gaps,
        "anomalies": {k: {"count": len(v), "first": v[:5]} for k, v in bad.items() if v},
    }


def main():
    from harness import history

    report = check(history.read(sys.argv[1]))
    print(json.dumps(report, indent=1))
    return 1 if report["anomalies"] else 0


if __name__ == "__main__":
    sys.exit(main())
