"""Judges what the members of a group were told and did, beside what was done to them. python judge.py FILE prints the report, exits 1 on an anomaly.

A history is rows [t_us, who, kind, ...], of the members (member.py) and of the run:

    [t, "run", "chaos" | "calm" | "whole" | "end"]       faults begin; everything is healed; each partition has one owner that is up to date; over
    [t, "run", "join" | "leave" | "pause" | "resume" | "kill", member]
    [t, "run", "broker killed" | "broker back", node]
    [t, "run", "type", is, should be]
    [t, "run", "acked", {partition: number of records, all below it}]
    [t, "run", "committed", began_us, {partition: offset}]        somebody else asked

Anomalies, each with its evidence:

  lost     a record that was acknowledged to the producer and processed by nobody
  wrong    a record with another value than was produced at its offset, or at two offsets
  back     a partition's committed offset that is lower than one that had been taken, or seen, before the question or the commit was sent
  double   two owners at a time: a member is told that a partition is its own while another one has not given it back. A fenced member does not
           know it yet, so it does not count while it is asleep for so long that the coordinator may give away what it has, nor when it is told
           that it has lost the partition afterwards; but a commit of its own, sent after that and taken, is one always.
           Nor does what a member hears when it wakes up, for it was said before it fell asleep, if it hears at once that it has lost that.
  stuck    no owner that is up to date within the limit after the calm began, or no owner for longer than the timeouts of several rebalances
  type     the group is of another protocol than its members

Gaps are the times in which a partition has no owner, by what began them: "join, leave" its owner gave it back; "kill, pause" its owner ended or
slept, and never worked on it again; "broker" a broker was killed shortly before its middle or during it.
"""

import json
import statistics
import sys
from collections import defaultdict

BROKER_US = 12_000_000  # how long after its kill a gap is the broker's
WAKING_US = 1_000_000  # how long a member that was asleep may take to hear that it is none any more
MOVES = ("join, leave", "kill, pause", "broker")


class Holding:
    """One member has one partition from..until; how it ended."""

    def __init__(self, member, partition, begin):
        self.member, self.partition, self.begin, self.end, self.how = member, partition, begin, None, None

    def finish(self, t, how):
        self.end, self.how = t, how


class Sleep:
    def __init__(self, begin):
        self.begin, self.end = begin, None


class History:
    """The rows, sorted by time and taken apart."""

    def __init__(self, rows):
        self.rows = sorted(rows, key=lambda r: r[0])
        self.holdings, self.sleeps = [], defaultdict(list)
        self.processed = []  # (t, member, partition, first, last, value)
        self.commits, self.asked, self.acked = [], [], {}
        self.broker_kills, self.marks, self.counts = [], [], defaultdict(int)
        self.fatal, self.types = [], []
        self.held = {}
        for row in self.rows:
            self.take(*row)
        self.holdings = [h for h in self.holdings if not self.is_stale(h)]

    def take(self, t, who, kind, *more):
        self.counts[kind] += 1
        if who == "run":
            self.take_run(t, kind, *more)
        elif kind == "assigned":
            for p in more[0]:
                self.give_back(t, who, p, "told twice")
                self.held[who, p] = Holding(who, p, t)
                self.holdings.append(self.held[who, p])
        elif kind in ("revoked", "lost"):
            for p in more[0]:
                self.give_back(t, who, p, kind)
        elif kind == "processed":
            self.processed += [(t, who, *stretch) for stretch in more[0]]
        elif kind == "commit":
            began, taken, refused = more
            self.counts["commits refused"] += bool(refused)
            self.commits += [(began, t, who, int(p), offset) for p, offset in taken.items()]
        elif kind in ("fatal", "closed"):
            self.everything_back(t, who, kind)
            if kind == "fatal":
                self.fatal.append([t, who, more[0]])

    def take_run(self, t, kind, *more):
        if kind == "kill":
            self.everything_back(t, more[0], "kill")
        elif kind == "pause":
            self.sleeps[more[0]].append(Sleep(t))
        elif kind == "resume":
            self.sleeps[more[0]][-1].end = t
        elif kind == "broker killed":
            self.broker_kills.append(t)
        elif kind == "acked":
            self.acked = {int(p): n for p, n in more[0].items()}
        elif kind == "committed":
            self.asked += [(more[0], t, int(p), offset) for p, offset in more[1].items()]
        elif kind == "type" and more[0] != more[1]:
            self.types.append([t, *more])
        elif kind in ("chaos", "calm", "whole", "end"):
            self.marks.append((t, kind))

    def give_back(self, t, who, p, how):
        holding = self.held.pop((who, p), None)
        if holding:
            holding.finish(t, how)

    def everything_back(self, t, who, how):
        for member, p in [k for k in self.held if k[0] == who]:
            self.give_back(t, member, p, how)

    def is_stale(self, h):
        """Told before its member fell asleep, heard when it woke up, and lost at once; it has committed nothing of it."""
        if h.how != "lost" or h.end - h.begin > WAKING_US:
            return False
        woke = any(s.end is not None and s.end <= h.begin <= s.end + WAKING_US for s in self.sleeps[h.member])
        return woke and not any(c[2] == h.member and c[3] == h.partition and h.begin < c[0] < h.end for c in self.commits)

    def asleep_since(self, member, t):
        """When the sleep began in which the member is at t, or None."""
        for s in self.sleeps[member]:
            if s.begin <= t and (s.end is None or t <= s.end):
                return s.begin
        return None


# ---- Anomalies ----


def records(history):
    """(lost, wrong, how many were processed more than once)"""
    at, wrong, twice = defaultdict(dict), [], 0
    for t, member, p, first, last, value in history.processed:
        for offset in range(first, last + 1):
            v = value + offset - first
            twice += offset in at[p]
            if at[p].setdefault(offset, v) != v:
                wrong.append([t, member, p, offset, v, at[p][offset]])
    for p, values in at.items():
        places = defaultdict(list)
        for offset, v in values.items():
            places[v].append(offset)
        wrong += [["value at", p, offsets, v] for v, offsets in places.items() if len(offsets) > 1]
    lost = [[p, v] for p, n in history.acked.items() for v in sorted(set(range(n)) - set(at[p].values()))]
    return lost, wrong, twice


def offsets_back(history):
    """Whatever was over before something else began must not be above it."""
    back = []
    over, begun = defaultdict(list), defaultdict(list)
    for began, t, who, p, offset in history.commits:
        over[p].append((t, offset, who))
        begun[p].append((began, offset, who))
    for began, t, p, offset in history.asked:
        over[p].append((t, offset, "asked"))
        begun[p].append((began, offset, "asked"))
    for p in over:
        ends, i, highest = sorted(over[p]), 0, (0, -1, None)
        for began, offset, who in sorted(begun[p]):
            while i < len(ends) and ends[i][0] < began:
                highest = max(highest, ends[i], key=lambda e: e[1])
                i += 1
            if offset < highest[1]:
                back.append([p, began, who, offset, "after", *highest])
    return back


def double_owners(history, fence_us):
    """fence_us: how long a member must be asleep at least before the coordinator may give away what it has."""
    doubles, by_partition = [], defaultdict(list)
    for h in history.holdings:
        by_partition[h.partition].append(h)
    for p, holdings in by_partition.items():
        for i, new in enumerate(holdings):
            for old in holdings[:i]:
                if old.member == new.member or (old.end is not None and old.end <= new.begin):
                    continue
                until = new.end if new.end is not None else float("inf")
                taken = [c for c in history.commits if c[2] == old.member and c[3] == p and new.begin < c[0] < min(until, old.end or until)]
                asleep = history.asleep_since(old.member, new.begin)
                fenced = old.how == "lost" or (asleep is not None and new.begin - asleep >= fence_us)
                if taken or not fenced:
                    doubles.append([p, old.member, old.begin, old.end, old.how, new.member, new.begin, "commits taken", len(taken)])
    return doubles


# ---- Gaps ----


def end_of_work(history, holding, taken):
    """(when, how) the owner was none any more: asleep, when somebody else was told (`taken`, or None) or it woke up to hear that it has lost all."""
    if holding.how == "kill":
        return holding.end, "kill"
    over = holding.end
    if taken is not None and (over is None or taken < over):
        over = taken
    sleeps = [s for s in history.sleeps[holding.member] if holding.begin <= s.begin and (over is None or s.begin <= over)]
    if sleeps and over is not None and (sleeps[-1].end is None or over <= sleeps[-1].end + WAKING_US):
        if over == taken or holding.how == "lost":
            return sleeps[-1].begin, "pause"
    return holding.end, holding.how


def gaps(history):
    """kind -> lengths in s, in the order of time; of each partition from when it was first owned."""
    found, by_partition = {kind: [] for kind in MOVES}, defaultdict(list)
    for h in history.holdings:
        by_partition[h.partition].append(h)
    longest = []
    for p, holdings in by_partition.items():
        for old, new in zip(holdings, holdings[1:]):
            end, how = end_of_work(history, old, new.begin if new.member != old.member else None)
            if end is None or end >= new.begin:
                continue
            kind = "kill, pause" if how in ("kill", "pause", "fatal") else "join, leave"
            if any(k <= new.begin and end <= k + BROKER_US for k in history.broker_kills):
                kind = "broker"
            found[kind].append((new.begin - end) / 1e6)
            longest.append([round((new.begin - end) / 1e6, 2), p, old.member, how, end, new.member, kind])
    return found, sorted(longest, reverse=True)


def settled(history):
    """Seconds from each calm to whole; None: never."""
    times, calm = [], None
    for t, kind in history.marks:
        if kind == "calm":
            calm = t
        elif kind == "whole" and calm is not None:
            times.append(round((t - calm) / 1e6, 2))
            calm = None
    return times + ([None] if calm is not None else [])


def judge(rows, settings):
    """settings: session_ms, rebalance_ms, heartbeat_ms, settle_s (limit of a calm), stuck_s (limit of a gap). Returns the report."""
    history = History(rows)
    lost, wrong, twice = records(history)
    found, longest = gaps(history)
    settle = settled(history)
    stuck = [["calm", i] for i, s in enumerate(settle) if s is None or s > settings["settle_s"]]
    stuck += [["gap", *g] for g in longest if g[0] > settings["stuck_s"]]
    fence_us = (settings["session_ms"] - settings["heartbeat_ms"]) * 1000
    anomalies = {
        "lost": lost,
        "wrong": wrong,
        "back": offsets_back(history),
        "double": double_owners(history, fence_us),
        "stuck": stuck,
        "fatal": history.fatal,
        "type": history.types,
    }
    counts = history.counts
    return {
        "ok": not any(anomalies.values()),
        "anomalies": {k: len(v) for k, v in anomalies.items()},
        "evidence": {k: v[:5] for k, v in anomalies.items() if v},
        "gaps_s": {
            kind: {"gaps": len(g), "median": round(statistics.median(g), 2) if g else None, "max": round(max(g), 2) if g else None}
            for kind, g in found.items()
        },
        "longest_gaps": longest[:3],
        "settled_s": settle,
        "records": sum(history.acked.values()),
        "twice": twice,
        "commits": counts["commit"],
        "commits_refused": counts["commits refused"],
        "fenced": counts["lost"],
        "events": {k: counts[k] for k in ("join", "leave", "pause", "kill", "broker killed")},
    }


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        first, *lines = [json.loads(line) for line in f]
    report = judge(lines, first)
    print(json.dumps(report, indent=1))
    sys.exit(0 if report["ok"] else 1)
