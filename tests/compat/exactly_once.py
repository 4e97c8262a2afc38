"""The contract, programs that are exact by transactions: Kafka Streams, Kafka Connect, and Apache Kafka's commands about transactions.

Processes are ended with kill -9 in the middle of their work, brokers too where the weather is rough; with Job.minutes it goes on for so long.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from compat.job import Failed, Jobs
from compat.member import Refused
from compat.transactions import Writer, is_exact

job = Jobs()

LIFE_S = 60  # of a process among many


def has_ended(said):
    return "ERROR" in said or "ended" in said


def lives(j, start, work):
    """Processes at work, one after the other, each ended with kill -9 while it is at it but for the last, which is returned. start() gives one that is
    ready; work(process) gives it more to do."""
    end, life = time.monotonic() + 60 * j.minutes, 1
    while True:
        m = start()
        over, last = time.monotonic() + LIFE_S, life >= 3 and time.monotonic() + LIFE_S > end
        while True:
            work(m)
            said = m.ask("state")["state"]
            if has_ended(said):
                if not j.rough:
                    raise Failed(f"it is {said}")
                j.notes.append(said)
                break  # whoever runs it starts it again
            if j.minutes == 0 or time.monotonic() > over:
                if last:
                    return m
                break
        m.kill()
        life += 1


def goes_on(j, m, topic, give):
    """The process is at work: of what it is given something comes out."""

    def there():
        return sum(j.cluster.ends(topic, j.partitions[topic]))

    had, end = j.cluster.retry(there), time.monotonic() + 3 * j.limit
    give()
    while j.cluster.retry(there) <= had and not has_ended(said := m.ask("state")["state"]):
        if time.monotonic() > end:
            raise Failed(f"nothing came out any more; it is {said}")
        time.sleep(0.3)


def comes_out(j, m, topic, wanted, of):
    """What is committed in the end is what is wanted: of(values by partition) == wanted."""
    end, said = time.monotonic() + 3 * j.limit, "just there"
    while (found := of(j.cluster.committed_values(topic, j.partitions[topic], j.limit))) != wanted:
        if time.monotonic() > end:
            raise Failed(f"it is {said}; there are {str(found)[:600]}, and there should be {str(wanted)[:600]}")
        said = m.ask("state")["state"]
        time.sleep(0.3)


def changes_by_word(values):
    """[1, 2, 3] of a word that was counted three times."""
    changes = {}
    for word, count in (v.split() for p in values.values() for v in p):
        changes.setdefault(word, []).append(int(count))
    return changes


@job("streams")
def a_stream_processor_counts_exactly_once(j):
    """exactly_once_v2: each record changes the count of its word once, whoever dies when. Every change is told, in its order, none twice."""
    t, out, wanted = j.topic(3), j.topic(2, "-counts"), {}
    with TemporaryDirectory() as folder:

        def start():
            m = j.started({"group": j.group, **j.settings(), "folder": folder, "exactly_once": True}, "hello")
            m.ask("open", topics=[t, out])
            return m

        def give():
            for value in j.produce(t, 200):
                wanted.setdefault(value[-1], []).append(len(wanted.get(value[-1], [])) + 1)

        m = lives(j, start, lambda m: goes_on(j, m, out, give))
        comes_out(j, m, out, wanted, changes_by_word)
        j.notes.append(f"{sum(map(len, wanted.values()))} records were counted")
        j.close(m)


@job("streams")
def standbys_take_over(j):
    """The same by two processes, each with a copy of the other's state: whoever dies, the other goes on from its copy, and a third rebalance gives half of it back."""
    t, out, wanted = j.topic(4), j.topic(2, "-counts"), {}
    with TemporaryDirectory() as folder:

        def start(place):
            own = {"folder": f"{folder}/{place}", "exactly_once": True, "standbys": 1}
            m = j.started({"group": j.group, **j.settings(), **own}, "hello")
            m.ask("open", topics=[t, out])
            return m

        def give():
            for value in j.produce(t, 200):
                wanted.setdefault(value[-1], []).append(len(wanted.get(value[-1], [])) + 1)

        members, end, life = [start(0), start(1)], time.monotonic() + 60 * j.minutes, 0
        while life < 3 or time.monotonic() < end:
            goes_on(j, members[1 - life % 2], out, give)
            give()  # is being counted when one of them dies
            members[life % 2].kill()
            goes_on(j, members[1 - life % 2], out, give)
            members[life % 2] = start(life % 2)
            life += 1
        comes_out(j, members[0], out, wanted, changes_by_word)
        j.notes.append(f"{sum(map(len, wanted.values()))} records were counted")
        for m in members:
            j.close(m)


@job("connect")
def a_file_is_copied_exactly_once(j):
    """Kafka Connect with exactly.once.source.support: each line of the file is one record, in order, whoever dies when."""
    t, lines = j.topic(1), []
    with TemporaryDirectory() as folder:
        file = Path(folder) / "lines.txt"
        file.touch()

        def start():
            while True:
                m = j.process({"group": j.group, **j.settings(), "folder": folder, "file": str(file)})
                try:
                    m.ask("open", topics=[t], seconds=180)
                    return m
                except Refused:
                    m.kill()
                    if not j.rough:
                        raise

        def give():
            more = j.cluster.values(200)
            lines.extend(more)
            with file.open("a") as f:
                f.write("".join(f"{v}\n" for v in more))

        m = lives(j, start, lambda m: goes_on(j, m, t, give))
        comes_out(j, m, t, lines, lambda values: values[0])
        j.notes.append(f"{len(lines)} lines were copied")
        j.close(m)


def transactions_tool(j, *words, **more):
    return j.admin("tool", main="org.apache.kafka.tools.TransactionsCommand", words=list(map(str, words)), **more)["text"]


def rows_of(text):
    """A table that a command prints: each row by the heads of its columns."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    head = next(i for i, line in enumerate(lines) if "ProducerId" in line or "Topic" in line)
    return [dict(zip(lines[head], line, strict=False)) for line in lines[head + 1 :]]


@job("tool", "transactions")
def the_command_line_tool_shows_and_ends_transactions(j):
    """kafka-transactions: list, describe, describe-producers, find-hanging, abort."""
    t, w = j.topic(2), Writer(j)
    w.transaction(t, 10)
    values = w.begin(t, 4)
    name = w.asked["id"]
    (row,) = [r for r in rows_of(transactions_tool(j, "list")) if r["TransactionalId"] == name]
    if row["TransactionState"] != "Ongoing":
        raise Failed(f"list says {row}")
    (said,) = rows_of(transactions_tool(j, "describe", "--transactional-id", name))
    found = (said["ProducerId"], said["TransactionState"], sorted(said["TopicPartitions"].split(",")))
    if found != (row["ProducerId"], "Ongoing", [f"{t}-0", f"{t}-1"]):
        raise Failed(f"describe says {said}")
    (producer,) = rows_of(transactions_tool(j, "describe-producers", "--topic", t, "--partition", 1))
    if (producer["ProducerId"], producer["CurrentTransactionStartOffset"]) != (row["ProducerId"], "6"):
        raise Failed(f"describe-producers says {producer}")
    hanging = rows_of(transactions_tool(j, "find-hanging", "--topic", t, "--max-transaction-timeout", 0))
    if hanging:
        raise Failed(f"find-hanging says {hanging} of what its coordinator knows")
    for partition in range(2):
        transactions_tool(j, "abort", "--topic", t, "--partition", partition, "--start-offset", 6)
    behind = j.produce(t, 2)
    m = j.member([t])
    j.read([m], w.committed + behind, not_these=set(values))
    w.member.kill()
    w.start()
    w.transaction(t, 4)
    j.read([m], w.committed[-4:], not_these=set(values))
    w.committed += behind
    is_exact(j, t, [w])
    j.close(m)


@job("tool", "transactions")
def the_performance_test_commits(j):
    """kafka-producer-perf-test --transactional-id."""
    t = j.topic(2)
    words = ["--topic", t, "--num-records", "20000", "--record-size", "100", "--throughput", "-1"]
    words += [
        "--transactional-id",
        f"x-{j.name}",
        "--transaction-duration-ms",
        "50",
        "--producer-props",
        f"bootstrap.servers={j.settings()['bootstrap']}",
    ]
    text = j.admin("tool", main="org.apache.kafka.tools.ProducerPerformance", words=words, bare=True)["text"]
    found = sum(map(len, j.cluster.committed_values(t, 2, j.limit).values()))
    if found != 20000 and not j.rough:
        raise Failed(f"20000 records were written, and {found} are committed")
    j.notes.append(text.strip().splitlines()[-1])
