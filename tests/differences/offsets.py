"""Cases about committed offsets of groups without members: see cases.py."""

import time

from differences.cases import COORDINATOR, ERRORS, LONG_MAX, NO_ID, case

COMMIT, FETCH, REMOVE = 8, 9, 47
RETRIED = 14, 15, 16


def coordinator(c, group):
    for _ in range(200):
        error, _, node, _, _ = c.ask(COORDINATOR, 2, False, ("s", "c"), (group, 0), ("i", "h", "s", "i", "s", "i"))[1:6]
        if error == 0:
            return node
        time.sleep(0.05)
    raise TimeoutError(f"{group} has no coordinator")


def asked(c, group, ask):
    """The answer of the coordinator, once there is one that says something."""
    for _ in range(100):
        try:
            answer, error = ask(coordinator(c, group))
        except ConnectionError:
            time.sleep(0.1)
            continue
        if error not in RETRIED:
            return answer
        time.sleep(0.1)
    raise TimeoutError(f"the coordinator of {group} is not there")


def commit(c, group, topic, parts, version=8, generation=-1, member="", instance=None, retention=-1):
    """parts: (partition, offset, metadata) each."""
    if version >= 6:
        request = ("s", "i", "s", "s", [("s", [("i", "q", "i", "s")])])
        values = (group, generation, member, instance, [(topic, [(p, offset, -1, text) for p, offset, text in parts])])
    else:
        request = ("s", "i", "s", "q", [("s", [("i", "q", "s")])])
        values = (group, generation, member, retention, [(topic, list(parts))])

    def ask(node):
        answer = c.ask(COMMIT, version, version >= 8, request, values, ("i", [("s", [("i", "h")])]), node=node)
        codes = sorted((p[0], p[1]) for t in answer[1] for p in t[1])  # Kafka tells those that it refuses first
        return ", ".join(ERRORS[code] for _, code in codes), codes[-1][1] if codes else 0

    return asked(c, group, ask)


def fetch(c, group, topics, version=5):
    """topics: (name, partitions) each, or None for all."""

    def ask(node):
        answer = c.ask(
            FETCH, version, False, ("s", [("s", ["i"])]), (group, topics), ("i", [("s", [("i", "q", "i", "s", "h")])], "h"), node=node
        )
        parts = sorted((t[0][-1], p[0], p[1], p[2], p[3], ERRORS[p[4]]) for t in answer[1] for p in t[1])
        shown = "; ".join(f"{p} at {offset}, epoch {epoch}, {text!r}, {error}" for _, p, offset, epoch, text, error in parts)
        return f"{ERRORS[answer[2]]}: {shown or 'nothing'}", answer[2]

    return asked(c, group, ask)


def remove(c, group, topics):
    def ask(node):
        answer = c.ask(REMOVE, 0, False, ("s", [("s", [("i",)])]), (group, topics), ("h", "i", [("s", [("i", "h")])]), node=node)
        codes = ", ".join(ERRORS[p[1]] for p in sorted(tuple(p) for t in answer[2] for p in t[1]))
        return f"{ERRORS[answer[0]]}: {codes or 'nothing'}", answer[0]

    return asked(c, group, ask)


@case("OffsetCommit: a group that is not there, no generation")
def _(c):
    c.make("offset-simple", 3)
    said = commit(c, "offset-simple", "offset-simple", [(0, 5, "text"), (2, 7, None)])
    return f"{said}; then {fetch(c, 'offset-simple', None)}"


@case("OffsetCommit: a group that is not there, a generation (version 8)")
def _(c):
    return commit(c, "offset-nobody", "offset-simple", [(0, 5, "")], generation=3, member="m")


@case("OffsetCommit: a group that is not there, a generation (version 9)")
def _(c):
    return commit(c, "offset-nobody", "offset-simple", [(0, 5, "")], version=9, generation=3, member="m")


@case("OffsetCommit: a simple group, a generation")
def _(c):
    return commit(c, "offset-simple", "offset-simple", [(0, 5, "")], generation=0, member="m")


@case("OffsetCommit: a simple group, a member without a generation")
def _(c):
    return commit(c, "offset-simple", "offset-simple", [(0, 6, "")], member="m")


@case("OffsetCommit: the empty group")
def _(c):
    return f"{commit(c, '', 'offset-simple', [(0, 5, '')])}; then {fetch(c, '', [('offset-simple', [0])])}"


@case("OffsetCommit: a partition and a topic that are not there")
def _(c):
    said = commit(c, "offset-odd", "offset-simple", [(0, 5, ""), (3, 5, ""), (-1, 5, "")])
    return f"{said}; {commit(c, 'offset-odd', 'offset-nowhere', [(0, 5, '')])}"


@case("OffsetCommit: metadata of 4096 and of 4097 units")
def _(c):
    return commit(c, "offset-odd", "offset-simple", [(0, 5, "x" * 4096), (1, 5, "x" * 4097), (2, 5, "\u20ac" * 4096)])


@case("OffsetCommit: negative and far offsets")
def _(c):
    said = commit(c, "offset-far", "offset-simple", [(0, -1, ""), (1, -5, ""), (2, LONG_MAX, "")])
    return f"{said}; then {fetch(c, 'offset-far', [('offset-simple', [0, 1, 2])])}"


@case("OffsetCommit: twice in a request")
def _(c):
    said = commit(c, "offset-twice", "offset-simple", [(0, 5, "a"), (0, 6, "b")])
    return f"{said}; then {fetch(c, 'offset-twice', [('offset-simple', [0])])}"


@case("OffsetCommit: a retention (version 4)")
def _(c):
    said = commit(c, "offset-kept", "offset-simple", [(0, 5, "a")], version=4, retention=1000000)
    return f"{said}; then {fetch(c, 'offset-kept', [('offset-simple', [0])])}"


@case("OffsetCommit: nothing")
def _(c):
    return commit(c, "offset-none", "offset-simple", []) or "nothing"


@case("OffsetFetch: a group that is not there")
def _(c):
    return f"{fetch(c, 'offset-nobody', [('offset-simple', [0])])}; all: {fetch(c, 'offset-nobody', None)}"


@case("OffsetFetch: partitions and topics that are not there")
def _(c):
    return fetch(c, "offset-simple", [("offset-simple", [0, 7]), ("offset-nowhere", [0])])


@case("OffsetFetch: no topics, and a topic without partitions")
def _(c):
    return f"{fetch(c, 'offset-simple', [])}; {fetch(c, 'offset-simple', [('offset-simple', [])])}"


@case("OffsetFetch: twice in a request")
def _(c):
    return fetch(c, "offset-simple", [("offset-simple", [2, 2])])


@case("OffsetFetch: many groups (version 8), one that is not there")
def _(c):
    def ask(node):
        topics = [("offset-simple", [2])]
        answer = c.ask(
            FETCH,
            8,
            True,
            ([("s", [("s", ["i"])])], "b"),
            ([("offset-simple", topics)], False),
            ("i", [("s", [("s", [("i", "q", "i", "s", "h")])], "h")]),
            node=node,
        )
        return "; ".join(f"{g[0]} {ERRORS[g[2]]} {[p[:3] for t in g[1] for p in t[1]]}" for g in answer[1]), answer[1][0][2]

    return asked(c, "offset-simple", ask)


@case("OffsetFetch: a topic by an id that is not there (version 10)")
def _(c):
    def ask(node):
        answer = c.ask(
            FETCH,
            10,
            True,
            ([("s", "s", "i", [("u", ["i"])])], "b"),
            ([("offset-simple", None, -1, [(NO_ID, [2])])], False),
            ("i", [("s", [("u", [("i", "q", "i", "s", "h")])], "h")]),
            node=node,
        )
        return "; ".join(f"{ERRORS[g[2]]} {[(p[1], ERRORS[p[4]]) for t in g[1] for p in t[1]]}" for g in answer[1]), answer[1][0][2]

    return asked(c, "offset-simple", ask)


@case("OffsetDelete: of no group, the empty group")
def _(c):
    return f"{remove(c, 'offset-nobody', [('offset-simple', [(0,)])])}; {remove(c, '', [('offset-simple', [(0,)])])}"


@case("OffsetDelete: what is there, what is not, twice")
def _(c):
    said = remove(c, "offset-twice", [("offset-simple", [(0,), (0,), (1,), (9,)]), ("offset-nowhere", [(0,)])])
    return f"{said}; then {fetch(c, 'offset-twice', None)}"


@case("OffsetDelete: of a group whose last offset has gone")
def _(c):
    return remove(c, "offset-twice", [("offset-simple", [(0,)])])


@case("OffsetFetch: of a topic that was deleted and made again")
def _(c):
    c.make("offset-again", 1)
    commit(c, "offset-again", "offset-again", [(0, 5, "")])
    c.delete("offset-again")
    for _ in range(200):
        if c.metadata(["offset-again"])[4][0][0] == 3:
            break
        time.sleep(0.05)
    c.make("offset-again", 1)
    time.sleep(1)
    return f"{fetch(c, 'offset-again', [('offset-again', [0])])}; all: {fetch(c, 'offset-again', None)}"
