"""Cases about offsets that transactions commit (TxnOffsetCommit): see cases.py."""

import time

from differences.cases import COORDINATOR, ERRORS, INIT, case
from differences.offsets import asked, commit, fetch, remove

ADD_OFFSETS, END, COMMIT_IN, STABLE, DELETE_GROUPS = 25, 26, 28, 9, 42
WAITED = 14, 15, 16, 51


def of_transactions(c, name, ask):
    """The answer of the coordinator of that transactional id, once it says something: (answer, error)."""
    for _ in range(200):
        error, _, node, _, _ = c.ask(COORDINATOR, 2, False, ("s", "c"), (name, 1), ("i", "h", "s", "i", "s", "i"))[1:6]
        if error == 0:
            try:
                answer, error = ask(node)
            except ConnectionError:
                error = 16
            if error not in WAITED:
                return answer
        time.sleep(0.05)
    raise TimeoutError(f"{name} has no coordinator")


def begin(c, name):
    """(id, epoch) of a producer with that transactional id."""

    def ask(node):
        answer = c.ask(INIT, 1, False, ("s", "i"), (name, 60000), ("i", "h", "q", "h"), node=node)
        return (answer[2], answer[3]), answer[1]

    return of_transactions(c, name, ask)


def add_offsets(c, name, producer, group):
    def ask(node):
        answer = c.ask(ADD_OFFSETS, 0, False, ("s", "q", "h", "s"), (name, *producer, group), ("i", "h"), node=node)
        return ERRORS[answer[1]], answer[1]

    return of_transactions(c, name, ask)


def end(c, name, producer, commits):
    def ask(node):
        answer = c.ask(END, 0, False, ("s", "q", "h", "b"), (name, *producer, commits), ("i", "h"), node=node)
        return ERRORS[answer[1]], answer[1]

    return of_transactions(c, name, ask)


def commit_in(c, name, producer, group, topic, parts, version=3, generation=-1, member="", instance=None):
    """parts: (partition, offset, metadata) each."""
    topics = [(topic, [(p, offset, -1, text) if version >= 2 else (p, offset, text) for p, offset, text in parts])]
    part = ("i", "q", "i", "s") if version >= 2 else ("i", "q", "s")
    if version >= 3:
        request, values = (
            ("s", "s", "q", "h", "i", "s", "s", [("s", [part])]),
            (name, group, *producer, generation, member, instance, topics),
        )
    else:
        request, values = ("s", "s", "q", "h", [("s", [part])]), (name, group, *producer, topics)

    def ask(node):
        answer = c.ask(COMMIT_IN, version, version >= 3, request, values, ("i", [("s", [("i", "h")])]), node=node)
        codes = sorted((p[0], p[1]) for t in answer[1] for p in t[1])
        return ", ".join(ERRORS[code] for _, code in codes), codes[-1][1] if codes else 0

    return asked(c, group, ask)


def stable(c, group, topics):
    """OffsetFetch with require_stable."""

    def ask(node):
        answer = c.ask(
            STABLE,
            7,
            True,
            ("s", [("s", ["i"])], "b"),
            (group, topics, True),
            ("i", [("s", [("i", "q", "i", "s", "h")])], "h"),
            node=node,
        )
        parts = sorted((t[0][-1], p[0], p[1], p[3], ERRORS[p[4]]) for t in answer[1] for p in t[1])
        return f"{ERRORS[answer[2]]}: {'; '.join(f'{p} at {o}, {m!r}, {e}' for _, p, o, m, e in parts) or 'nothing'}", answer[2]

    return asked(c, group, ask)


def at_last(c, group):
    """The same of all partitions, when nothing is pending any more."""
    for _ in range(200):
        said = stable(c, group, [("pending", [0, 1, 2])])
        if "UNSTABLE" not in said:
            return said
        time.sleep(0.05)
    raise TimeoutError(f"something of {group} is pending for ever")


def begun(c, name, group, topic="pending"):
    """A producer in whose transaction the group's partition is."""
    if topic not in MADE:
        c.make(topic, 3)
        MADE.add(topic)
    producer = begin(c, name)
    said = add_offsets(c, name, producer, group)
    assert said == "NONE", said
    return producer


MADE = set()


@case("TxnOffsetCommit: until the transaction commits")
def _(c):
    p = begun(c, "pending-1", "pending-1")
    said = [commit_in(c, "pending-1", p, "pending-1", "pending", [(0, 5, "in"), (2, 6, None)])]
    said += [stable(c, "pending-1", [("pending", [0, 1, 2])]), stable(c, "pending-1", None), fetch(c, "pending-1", [("pending", [0, 2])])]
    said += [end(c, "pending-1", p, True), at_last(c, "pending-1")]
    return " | ".join(said)


@case("TxnOffsetCommit: aborted, over a committed one")
def _(c):
    p = begun(c, "pending-2", "pending-2")
    said = [commit(c, "pending-2", "pending", [(0, 3, "plain")]), commit_in(c, "pending-2", p, "pending-2", "pending", [(0, 5, "in")])]
    said += [stable(c, "pending-2", None), fetch(c, "pending-2", None), end(c, "pending-2", p, False), at_last(c, "pending-2")]
    return " | ".join(said)


@case("TxnOffsetCommit: what is committed behind it stays")
def _(c):
    p = begun(c, "pending-3", "pending-3")
    said = [
        commit_in(c, "pending-3", p, "pending-3", "pending", [(0, 5, "in"), (1, 5, "in")]),
        commit(c, "pending-3", "pending", [(0, 3, "plain")]),
    ]
    return " | ".join([*said, end(c, "pending-3", p, True), at_last(c, "pending-3")])


@case("TxnOffsetCommit: twice in a transaction, and twice in a request")
def _(c):
    p = begun(c, "pending-4", "pending-4")
    said = [
        commit_in(c, "pending-4", p, "pending-4", "pending", [(0, 5, "a")]),
        commit_in(c, "pending-4", p, "pending-4", "pending", [(0, 7, "b"), (0, 6, "c")]),
    ]
    return " | ".join([*said, end(c, "pending-4", p, True), at_last(c, "pending-4")])


@case("TxnOffsetCommit: OffsetDelete while it is pending")
def _(c):
    p = begun(c, "pending-5", "pending-5")
    said = [commit_in(c, "pending-5", p, "pending-5", "pending", [(0, 5, ""), (1, 5, "")]), remove(c, "pending-5", [("pending", [(0,)])])]
    said += [stable(c, "pending-5", [("pending", [0, 1])]), end(c, "pending-5", p, True), at_last(c, "pending-5")]
    return " | ".join(said)


@case("TxnOffsetCommit: DeleteGroups while it is pending")
def _(c):
    p = begun(c, "pending-6", "pending-6")
    said = [commit_in(c, "pending-6", p, "pending-6", "pending", [(0, 5, "")])]

    def ask(node):
        answer = c.ask(DELETE_GROUPS, 0, False, (["s"],), (["pending-6"],), ("i", [("s", "h")]), node=node)
        return ERRORS[answer[1][0][1]], answer[1][0][1]

    said += [asked(c, "pending-6", ask), stable(c, "pending-6", [("pending", [0])]), end(c, "pending-6", p, True)]
    return " | ".join([*said, at_last(c, "pending-6")])


@case("TxnOffsetCommit: who is not in the group")
def _(c):
    p = begun(c, "pending-7", "pending-7")
    said = [commit_in(c, "pending-7", p, "pending-7", "pending", [(0, 5, "")], generation=3, member="m")]
    said += [commit_in(c, "pending-7", p, "pending-7", "pending", [(0, 5, "")], version=version) for version in (0, 2, 3)]
    said += [commit_in(c, "pending-7", p, "pending-7", "pending", [(0, 5, "")], generation=3, member="m")]
    said += [commit_in(c, "pending-7", p, "pending-7", "pending", [(0, 5, "")], member="m")]
    said += [commit_in(c, "pending-7", p, "pending-7", "pending", [(0, 5, "")], instance="i")]
    return " | ".join([*said, end(c, "pending-7", p, False), at_last(c, "pending-7")])


@case("TxnOffsetCommit: what is not there, and too long metadata")
def _(c):
    p = begun(c, "pending-8", "pending-8")
    said = [commit_in(c, "pending-8", p, "pending-8", "pending", [(0, 5, ""), (3, 5, ""), (-1, 5, ""), (1, 5, "x" * 4097)])]
    said += [
        commit_in(c, "pending-8", p, "pending-8", "nowhere", [(0, 5, "")]),
        commit_in(c, "pending-8", p, "pending-8", "pending", []) or "nothing",
    ]
    return " | ".join([*said, end(c, "pending-8", p, True), at_last(c, "pending-8")])


@case("TxnOffsetCommit: another producer's transaction")
def _(c):
    p = begun(c, "pending-9", "pending-9")
    said = [
        commit_in(c, "pending-9", producer, "pending-9", "pending", [(0, 5, "")], version=4)
        for producer in ((p[0] + 1000000, 0), (p[0], p[1] + 1))
    ]
    said += [commit_in(c, "pending-nobody", p, "pending-9", "pending", [(0, 5, "")], version=4)]
    again = begin(c, "pending-9")
    said += [f"epoch {again[1] - p[1]} later", commit_in(c, "pending-9", p, "pending-9", "pending", [(0, 5, "")], version=4)]
    return " | ".join(said)


@case("TxnOffsetCommit: the group's partition is not in the transaction")
def _(c):
    p = begin(c, "pending-10")
    return " | ".join(commit_in(c, "pending-10", p, "pending-10", "pending", [(0, 5, "")], version=version) for version in (0, 3, 4))


@case("TxnOffsetCommit: the empty group")
def _(c):
    p = begun(c, "pending-12", "pending-12")
    said = commit_in(c, "pending-12", p, "", "pending", [(0, 5, ""), (9, 5, "")])
    end(c, "pending-12", p, False)  # or it is among those that are listed
    return said
