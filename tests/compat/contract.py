"""The contract: everyday jobs of a consumer, each written once, for every client. clients.py says who cannot do which, and why. (Those of
transactions are in transactions.py and exactly_once.py.)

A job gets a Job (job.py), and fails with a sentence.
"""

import time
from collections import Counter
from tempfile import TemporaryDirectory

from compat.job import Failed, Jobs
from compat.member import Refused
from confluent_kafka import Consumer, TopicPartition

job = Jobs()


# ---- Reading and going on ----


@job("subscribe")
def reads_from_earliest(j):
    t = j.topic(3)
    values = j.produce(t, 90)
    m = j.member([t])
    rows = j.read([m], values)
    for p in range(3):
        offsets = [r[3] for r in rows if r[2] == p]
        if not j.rough and offsets != list(range(30)):
            raise Failed(f"partition {p} was read as {offsets}")
    j.close(m)


@job("subscribe")
def reads_from_latest(j):
    t = j.topic(2)
    old = j.produce(t, 20)
    m = j.member([t], reset="latest")
    new, began = [], time.monotonic()
    while not j.poll([m], count=1):  # where the end lies is asked some time after the assignment
        new += j.produce(t, 2)
        if time.monotonic() - began > j.limit:
            raise Failed(f"nothing of {len(new)} new records came within {j.limit} s")
    j.commit([m])
    after = j.produce(t, 20)
    j.read([m], after, not_these=set(old), again=True)
    j.close(m)


@job("subscribe", "control records")
def reads_over_delayed_records(j):
    """What waits for its time is a hole to readers: among records, in their batches, and at the end; it comes once, at another offset."""
    if not j.cluster.is_drave:
        return
    t = j.topic(1, config={"delay.enable": "true"})
    first = j.produce(t, 5)
    j.cluster.send_later(t, [(f"{t}-never-{i}", "PT1H") for i in range(3)])
    later = [f"{t}-later-{i}" for i in range(3)]
    j.cluster.send_later(t, [(value, "3000") for value in later])
    mixed = [f"{t}-{i}" for i in range(10)]
    j.cluster.send_later(t, [(value, None if i % 2 else "PT1H") for i, value in enumerate(mixed)])
    m = j.member([t])
    j.read([m], first + mixed[1::2])
    j.read([m], later)
    j.cluster.send_later(t, [(f"{t}-never-at-the-end-{i}", "PT1H") for i in range(3)])
    time.sleep(1)  # the member waits in the hole at the end
    rows = j.poll([m])
    if rows and not j.rough:
        raise Failed(f"{rows} came, and nothing should")
    second = j.produce(t, 5)
    j.read([m], second)
    j.close(m)
    j.cluster.send_later(t, [(f"{t}-never-behind-all", "PT1H")])
    again = j.member([t], group=j.group + "-again", auto_commit=True)
    rows = j.read([again], first + mixed[1::2] + later + second, again=True)
    if not j.rough and [r[3] for r in rows] != sorted({r[3] for r in rows}):
        raise Failed(f"a second group read offsets {[r[3] for r in rows]}")
    time.sleep(1)  # in the hole, and to commit
    j.close(again)
    j.notes.append(f"of {j.cluster.ends(t, 1)[0]} it committed {j.cluster.committed(j.group + '-again', t, 1)[0]}")


def restarts(j, how):
    t = j.topic(3)
    values = j.produce(t, 90)
    m = j.member([t])
    taken = {r[4] for r in j.take(m, 40)}
    j.commit([m], how)
    j.close(m)
    m = j.member([t])
    j.read([m], set(values) - taken, not_these=set() if j.rough else taken)
    j.close(m)


@job("commit")
def restarts_from_a_synchronous_commit(j):
    restarts(j, False)


@job("commit async")
def restarts_from_an_asynchronous_commit(j):
    restarts(j, True)


@job("subscribe", "auto-commit")
def restarts_from_an_automatic_commit(j):
    t = j.topic(3)
    first = j.produce(t, 60)
    m = j.member([t], auto_commit=True)
    j.read([m], first)
    j.close(m)
    second = j.produce(t, 30)
    m = j.member([t], auto_commit=True)
    j.read([m], second, not_these=set() if j.rough else set(first))
    j.close(m)


@job("commit", "committed")
def committed_offsets_are_told(j):
    t = j.topic(2)
    values = j.produce(t, 10, only=[0])
    m = j.member([t])
    j.read([m], values)
    j.commit([m])
    told = j.insist(m, "committed", partitions=[[t, 0], [t, 1]])["offsets"]
    if told not in ([10, None], [10, 0]):  # some commit the position of a partition that gave nothing
        raise Failed(f"committed offsets are {told}, not 10 and none")
    j.close(m)


@job("subscribe")
def two_groups_are_independent(j):
    t = j.topic(2)
    values = j.produce(t, 40)
    for group in (j.group + "-a", j.group + "-b"):
        m = j.member([t], group=group)
        j.read([m], values, again=True)
        j.commit([m])
        j.close(m)


@job("seek")
def seeks(j):
    t = j.topic(1)
    values = j.produce(t, 30)
    m = j.member([t])
    j.read([m], values)
    j.insist(m, "seek", topic=t, partition=0, offset=5)
    rows = j.read([m], values[5:], again=True)
    if rows[0][3] != 5 and not j.rough:
        raise Failed(f"after a seek to 5 came offset {rows[0][3]}")
    j.close(m)


@job("pause")
def pauses_and_resumes(j):
    t = j.topic(2)
    m = j.member([t])
    j.settle([m], lambda owned: set(owned[0]) == j.all_of(t), "one member should have all")
    first = j.produce(t, 20)
    j.read([m], first)
    j.insist(m, "pause", partitions=[[t, 0]])
    zero, one = j.produce(t, 10, only=[0]), j.produce(t, 10, only=[1])
    j.read([m], one, not_these=set() if j.rough else set(zero))
    j.insist(m, "resume", partitions=[[t, 0]])
    j.read([m], zero)
    j.close(m)


@job("pattern")
def subscribes_by_pattern(j):
    a, b, other = j.topic(1, "-in-a"), j.topic(2, "-in-b"), j.topic(1, "-out")
    values, unwanted = j.produce(a, 10) + j.produce(b, 20), j.produce(other, 10)
    m = j.member(pattern=f"^t-{j.name.replace('.', '[.]')}-in-.*")
    j.read([m], values, not_these=set(unwanted))
    j.close(m)


@job("subscribe", "grow")
def finds_new_partitions(j):
    t = j.topic(1)
    first = j.produce(t, 10)
    m = j.member([t])
    j.read([m], first)
    j.commit([m])
    j.grow(t, 3)
    j.read([m], j.produce(t, 30, only=[0, 1, 2]), again=True)  # some give all up for it, and go on from the commit
    j.close(m)


# ---- Members ----


@job("subscribe", "assigned")
def two_members_share_and_one_leaves(j):
    t = j.topic(4)
    a, b = j.pair(t)
    rows = j.read([a, b], j.produce(t, 80))
    if {id(r[0]) for r in rows} != {id(a), id(b)} and not j.rough:
        raise Failed("one of the two members read nothing")
    j.commit([a, b])
    j.close(b)
    j.settle([a], lambda owned: set(owned[0]) == j.all_of(t), "the member that stays should have all")
    j.read([a], j.produce(t, 40))
    j.close(a)


@job("subscribe", "assigned")
def a_killed_member_is_replaced(j):
    t = j.topic(4)
    a, b = j.pair(t)
    first = j.produce(t, 40)
    j.read([a, b], first)
    j.commit([a, b])
    b.kill()
    second = j.produce(t, 40)
    j.read([a], second, again=True)  # what was read since the commit comes again with the new assignment
    j.close(a)


@job("static", "assigned")
def a_static_member_comes_back_unnoticed(j):
    t = j.topic(4)
    a, b = j.pair(t, {"instance": "one", "session_ms": 20000}, {"instance": "two", "session_ms": 20000})
    had = j.owned([b])[0]
    rebalances = a.ask("assigned")["rebalances"]
    j.close(b)
    b = j.member([t], instance="two", session_ms=20000)
    if j.rough:
        j.shared(t, [a, b])
    else:
        j.settle([a, b], lambda owned: owned[1] == had, f"the static member should have {had} again")
    j.read([a, b], j.produce(t, 40))
    after = a.ask("assigned")["rebalances"]
    if after != rebalances and not j.rough:
        raise Failed(f"the other member went through {after - rebalances} rebalance events")
    j.close(a)
    j.close(b)


def changes_its_protocol(j, before, after, cooperative=False):
    """A member of one protocol is replaced by one of the other, in a group that lives: every record comes once, for all is committed."""
    t = j.topic(4)
    old = j.member([t], protocol=before, cooperative=cooperative)
    j.settle([old], lambda owned: set(owned[0]) == j.all_of(t), "one member should have all")
    j.read([old], j.produce(t, 20))
    j.commit([old])
    new = j.member([t], protocol=after, cooperative=cooperative)
    j.shared(t, [old, new])
    j.read([old, new], j.produce(t, 40))
    j.commit([old, new])
    j.close(old)
    j.settle([new], lambda owned: set(owned[0]) == j.all_of(t), f"the member of the {after} protocol should have all")
    j.read([new], j.produce(t, 20))
    j.commit([new])
    another = j.member([t], protocol=after, cooperative=cooperative)
    j.shared(t, [new, another])
    j.read([new, another], j.produce(t, 20))
    j.close(new)
    j.close(another)


@job("mixed protocols", "assigned")
def a_group_changes_its_protocol_while_it_lives(j):
    changes_its_protocol(j, "classic", "consumer")


@job("mixed protocols", "assigned")
def a_group_changes_its_protocol_back(j):
    changes_its_protocol(j, "consumer", "classic")


@job("mixed protocols", "assigned")
def a_cooperative_group_changes_its_protocol(j):
    """librdkafka's cannot with Apache Kafka: its assignor repeats user data in assignments."""
    changes_its_protocol(j, "classic", "consumer", cooperative=True)


@job("mixed protocols", "assigned")
def a_cooperative_group_changes_its_protocol_back(j):
    changes_its_protocol(j, "consumer", "classic", cooperative=True)


@job("subscribe")
def two_members_keep_up_with_a_stream(j):
    """Records come all the time, and are committed as they are read: none is missed, and the group's offsets never go back."""
    t = j.topic(4)
    members = j.pair(t)
    values, seen, committed = [], set(), {}
    looker = Consumer({"bootstrap.servers": j.cluster.bootstrap, "group.id": j.group, "log_level": 0})
    asked = [TopicPartition(t, p) for p in range(4)]
    for _ in range(80 if j.rough else 12):
        values += j.produce(t, 20)
        seen |= {r[4] for r in j.poll(members)}
        j.commit(members)
        for p in j.cluster.retry(lambda: looker.committed(asked, timeout=10), j.limit):
            if p.error or p.offset < committed.get(p.partition, -1001):
                raise Failed(
                    f"{t}-{p.partition}: the committed offset went from {committed.get(p.partition)} back to {p.offset} {p.error or ''}"
                )
            committed[p.partition] = p.offset
    looker.close()
    j.read(members, set(values) - seen, again=True)
    for m in members:
        j.close(m)


# ---- Without membership, and administration ----


@job("assign")
def a_simple_consumer_commits(j):
    t = j.topic(2)
    values = j.produce(t, 40)
    m = j.simple([[t, 0, 0], [t, 1, 0]])
    taken = {r[4] for r in j.take(m, 15)}
    j.commit([m])
    j.close(m)
    m = j.simple([[t, 0, None], [t, 1, None]])
    j.read([m], set(values) - taken, not_these=set() if j.rough else taken)
    j.close(m)


def same_state(state, wanted):
    return str(state).upper().replace("_", "") in (wanted.upper(), "")


@job("describe", "commit")
def a_group_is_listed_and_described(j):
    t = j.topic(2)
    m = j.member([t])
    j.read([m], j.produce(t, 20))
    j.commit([m])
    j.admin("list", until=lambda answer: j.group in answer["groups"])
    j.admin("describe", until=lambda answer: same_state(answer["state"], "Stable") and answer["members"] == 1)
    j.close(m)
    j.admin("describe", until=lambda answer: same_state(answer["state"], "Empty") and answer["members"] == 0)


@job("delete", "commit", "list")
def a_group_is_deleted_when_it_is_empty(j):
    t = j.topic(2)
    values = j.produce(t, 20)
    m = j.member([t])
    j.read([m], values)
    j.commit([m])
    try:
        j.once("delete")
    except Refused:
        pass
    else:
        raise Failed("a group with a member was deleted")
    j.close(m)
    j.admin("list", until=lambda answer: j.group in answer["groups"])
    j.delete_group()
    j.admin("list", until=lambda answer: j.group not in answer["groups"])
    m = j.member([t])
    j.read([m], values, again=True)  # from the beginning: nothing is committed
    j.close(m)


@job("alter", "offsets", "commit")
def offsets_of_an_empty_group_are_reset(j):
    t = j.topic(2)
    values = j.produce(t, 40)  # in turn: partition 0 has those with an even place
    m = j.member([t])
    j.read([m], values)
    j.commit([m])
    j.close(m)
    j.admin("offsets", until=lambda answer: answer["offsets"] == [[t, 0, 20], [t, 1, 20]])
    end = time.monotonic() + j.limit
    while True:
        try:
            j.once("alter", offsets=[[t, 0, 3], [t, 1, 15]])
            break
        except Refused:  # the leave may be on its way still
            if time.monotonic() > end:
                raise
    j.admin("offsets", until=lambda answer: answer["offsets"] == [[t, 0, 3], [t, 1, 15]])
    wanted = values[6::2] + values[31::2]
    m = j.member([t])
    j.read([m], wanted, again=True, not_these=set() if j.rough else set(values) - set(wanted))
    j.close(m)


@job("tool", "commit")
def the_command_line_tool_does_all(j):
    """kafka-consumer-groups: list, describe, reset in every way, delete."""
    t = j.topic(2)
    m = j.member([t])
    j.read([m], j.produce(t, 40))
    j.commit([m])
    text = j.admin("tool", words=["--describe", "--group", j.group])["text"]
    rows = [line.split() for line in text.splitlines() if line.startswith(j.group)]
    if sorted(r[2:6] for r in rows) != [["0", "20", "20", "0"], ["1", "20", "20", "0"]]:
        raise Failed(f"--describe says {text!r}")
    for more, word in ((["--state"], "Stable"), (["--members", "--verbose"], "0,1")):
        text = j.admin("tool", words=["--describe", "--group", j.group, *more])["text"]
        if word not in text:
            raise Failed(f"--describe {' '.join(more)} says {text!r}")
    j.close(m)
    j.admin("tool", words=["--describe", "--group", j.group, "--state"], until=lambda answer: "Empty" in answer["text"])
    ways = (
        (["--to-earliest"], 0),
        (["--shift-by", "7"], 7),
        (["--to-offset", "12"], 12),
        (["--to-latest"], 20),
        (["--by-duration", "PT1H"], 0),
    )
    for way, offset in ways:
        if j.rough and way[0] == "--shift-by":
            continue  # one whose answer was lost would be done twice
        j.admin("tool", words=["--reset-offsets", "--group", j.group, "--topic", t, *way, "--execute"])
        found = j.admin("offsets")["offsets"]
        if found != [[t, 0, offset], [t, 1, offset]]:
            raise Failed(f"after {' '.join(way)} the offsets are {found}")
    if j.group not in j.admin("tool", words=["--list"])["text"]:
        raise Failed("--list does not have the group")
    j.admin("tool", words=["--delete-offsets", "--group", j.group, "--topic", f"{t}:0"])
    found = j.admin("offsets")["offsets"]
    if found != [[t, 1, 0]]:
        raise Failed(f"after --delete-offsets of partition 0 they are {found}")
    j.delete_group("tool", words=["--delete", "--group", j.group])
    if j.group in j.admin("tool", words=["--list"])["text"]:
        raise Failed("--list still has the deleted group")


def counts_come(j, m, reader, counts, wanted):
    end = time.monotonic() + 2 * j.limit
    while counts != wanted:
        for record in reader.consume(100, 0.3):
            if not record.error():
                word, count = record.value().decode().split()
                counts[word] = int(count)
        if time.monotonic() > end:
            raise Failed(f"counted {counts}, not {dict(wanted)}; it is {m.ask('state')['state']}")
        if any(n > wanted[word] for word, n in counts.items()) and not j.rough:
            raise Failed(f"counted {counts}, more than {dict(wanted)}")


@job("streams")
def a_stream_processor_counts(j):
    """Kafka Streams, over a topic that it makes for itself: what it counts is what was sent; the next process goes on from the compacted changelog."""
    t, out = j.topic(2), j.topic(2, "-counts")
    reader = Consumer({"bootstrap.servers": j.cluster.bootstrap, "group.id": "unused", "log_level": 0})
    reader.assign([TopicPartition(out, p, 0) for p in range(2)])
    counts, wanted = {}, Counter()
    for _ in range(3):
        with TemporaryDirectory() as folder:
            m = j.process({"group": j.group, **j.settings()})
            m.ask("open", topics=[t, out], folder=folder, exactly_once=False)
            wanted.update(v[-1] for v in j.produce(t, 100))
            counts_come(j, m, reader, counts, wanted)
            j.close(m)
    reader.close()
