"""The contract, share groups (KIP-932): members of one group, what they say of each record, and what an administrator does with the group."""

import time

from compat.job import Failed, Jobs

job = Jobs()

EXPLICIT = {"share.acknowledgement.mode": "explicit"}


def sharer(j, topic, **config):
    """A member that has been given partitions of the topic; its group begins with the log."""
    m = j.process({"group": j.group, **j.settings()})
    m.ask("open")
    m.ask("set", name="share.auto.offset.reset", value="earliest")
    m.ask("open", topic=topic, config=config)
    return m


def polled(j, members, until, say):
    """Records as members get them in turn, each told to say(member, records), until until(records so far)."""
    found, end = [], time.monotonic() + j.limit
    while not until(found):
        if time.monotonic() > end:
            raise Failed(f"{len(found)} records came, the last ones {found[-3:]}")
        for m in members:
            records = m.ask("poll", ms=300)["records"]
            found += records
            say(m, records)
    return found


def acknowledge(m, records, kind):
    m.ask("acknowledge", records=[{"partition": r["partition"], "offset": r["offset"], "type": kind} for r in records])


def commit(j, m):
    failed = m.ask("commit")["failed"]
    if failed and not j.rough:
        raise Failed(f"what was acknowledged was refused: {failed}")


def each_accepted(j, config):
    topic = j.topic(3)
    wanted = sorted(j.produce(topic, 300))
    members = [sharer(j, topic, **EXPLICIT, **config) for _ in range(2)]

    def accept(m, records):
        acknowledge(m, records, "accept")
        commit(j, m)

    found = polled(j, members, lambda so_far: len({r["value"] for r in so_far}) == len(wanted), accept)
    values = sorted(r["value"] for r in found)
    if values != wanted and not j.rough:
        raise Failed(f"{len(values)} records were given for {len(wanted)}")
    for m in members:
        j.close(m)


@job("share")
def each_record_is_accepted_once(j):
    """Two members of a share group: every record is given to one of them."""
    each_accepted(j, {"share.acquire.mode": "batch_optimized"})


@job("share")
def each_record_is_accepted_once_by_its_limit(j):
    """The same where no more than ten records are acquired at once."""
    each_accepted(j, {"share.acquire.mode": "record_limit", "max.poll.records": 10})


@job("share")
def records_are_released_rejected_and_renewed(j):
    """What is released comes again and counts; what is rejected does not; what is renewed stays with its member."""
    topic = j.topic(1)
    values = j.produce(topic, 3)
    m = sharer(j, topic, **EXPLICIT)

    def first(_, records):
        for r, kind in zip(records, ("accept", "release", "reject")):
            acknowledge(m, [r], kind)
        if records:
            commit(j, m)

    polled(j, [m], lambda so_far: len(so_far) == 3, first)
    again = polled(j, [m], lambda so_far: len(so_far) >= 1, lambda m, records: acknowledge(m, records, "renew"))
    if [(r["value"], r["count"]) for r in again] != [(values[1], 2)]:
        raise Failed(f"what was released came again as {again}")
    commit(j, m)
    if [r["value"] for r in m.ask("poll", ms=300)["records"]] != [values[1]]:  # that is how it is given back to be acknowledged
        raise Failed("what was renewed is not with its member")
    acknowledge(m, again, "accept")
    commit(j, m)
    if left := m.ask("poll", ms=1500)["records"]:
        raise Failed(f"{left} came once more")
    j.close(m)


@job("share")
def records_are_accepted_by_the_next_poll(j):
    """The default: what poll gave is accepted by the next one."""
    topic = j.topic(2)
    wanted = sorted(j.produce(topic, 50))
    m = sharer(j, topic)
    found = polled(j, [m], lambda so_far: len({r["value"] for r in so_far}) == 50, lambda m, records: None)
    if sorted(r["value"] for r in found) != wanted and not j.rough:
        raise Failed(f"{len(found)} records were given for 50")
    m.ask("poll", ms=300)
    j.close(m)
    m = j.process({"group": j.group, **j.settings()})
    m.ask("open")
    offsets = sorted(m.ask("offsets")["offsets"])
    if [lag for _, _, lag in offsets] != [0, 0] and not j.rough:
        raise Failed(f"the group stands at {offsets}")
    j.close(m)


@job("share")
def an_administrator_moves_and_deletes_a_group(j):
    topic = j.topic(2)
    j.produce(topic, 10)
    m = sharer(j, topic)
    polled(j, [m], lambda so_far: len(so_far) >= 10, lambda m, records: None)
    j.close(m)
    m = j.process({"group": j.group, **j.settings()})
    m.ask("open")
    m.ask("alter", topic=topic, offsets=[[0, 2], [1, 5]])
    if (offsets := sorted(m.ask("offsets")["offsets"])) != [[0, 2, 3], [1, 5, 0]]:
        raise Failed(f"it was moved, and stands at {offsets}")
    if f"{j.group} Share Empty" not in m.ask("groups")["groups"]:
        raise Failed("it is not in the list of share groups")
    m.ask("forget", topic=topic)
    if m.ask("offsets")["offsets"]:
        raise Failed("it has not forgotten the topic")
    m.ask("delete")
    if any(g.startswith(f"{j.group} ") for g in m.ask("groups")["groups"]):
        raise Failed("it is deleted, and listed")
    j.close(m)
