"""Records through drave: where to begin and end, several topics, and every record there and back."""

import json
import random
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from harness.cluster import BIN, Cluster
from harness.command import expect
from harness.patience import within
from harness.suite import Suite

HOUR = 3600 * 1000
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def lines_of(done):
    return done.stdout.split("\n")[:-1]  # not splitlines: a record may hold other ends of lines


def records_of(cluster, topic, *words):
    return [json.loads(line) for line in lines_of(cluster.drave("consume", topic, "-e", "--json", *words))]


def put(cluster, topic, records, *words):
    return cluster.drave("produce", topic, "--json", *words, stdin="".join(json.dumps(r) + "\n" for r in records))


ODD = [
    {"partition": 0, "timestamp": 1000, "key": "k", "value": "v", "headers": []},
    {"partition": 0, "timestamp": -1, "key": None, "value": None, "headers": []},  # a tombstone without a key and a time
    {
        "partition": 0,
        "timestamp": 0,
        "key": "zero",
        "value": {"hex": "ff"},
        "headers": [{"key": "h", "value": None}, {"key": "h", "value": ""}],
    },  # librdkafka has no such time
    {"partition": 0, "timestamp": 0, "key": "zero", "value": None, "headers": []},
    {"partition": 0, "timestamp": 7, "key": "behind", "value": "zero", "headers": []},
    {"partition": 1, "timestamp": 9007199254740993, "key": "", "value": "", "headers": []},  # no double holds that number
    {
        "partition": 2,
        "timestamp": 1,
        "key": {"hex": "80"},
        "value": {"hex": "00ff"},
        "headers": [{"key": "a", "value": "1"}, {"key": "a", "value": None}, {"key": "a", "value": ""}],
    },
    {
        "partition": 2,
        "timestamp": 2,
        "key": "tombstone",
        "value": None,
        "headers": [{"key": "", "value": {"hex": "c328"}}, {"key": {"hex": "ff"}, "value": "é"}],
    },
    {"partition": 2, "timestamp": 3, "key": None, "value": 'a zero \0, \x1b[31m, \u2028, \U0001f600, "\\\n\t', "headers": []},
    {
        "partition": 1,
        "timestamp": 5,
        "key": '{"hex":"00"}',
        "value": '{"base64":"AA=="}',
        "headers": [],
    },  # text that looks like the form for bytes
]


def there_and_back(cluster):
    """consume --json | produce --json makes the same records: keys, values, headers, times, partitions, all bytes, in order."""
    for topic in ("odd", "copy", "narrow"):
        cluster.create(topic, 1 if topic == "narrow" else 3, **{"message.timestamp.after.max.ms": 2**63 - 1})
    put(cluster, "odd", ODD)
    read = records_of(cluster, "odd")
    for p in range(3):
        assert [{k: r[k] for k in ODD[0]} for r in read if r["partition"] == p] == [r for r in ODD if r["partition"] == p], read
    piped = subprocess.run(
        f"'{BIN}/drave' consume odd -e --json -b {cluster.bootstrap} | '{BIN}/drave' produce copy --json -b {cluster.bootstrap}",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert piped.returncode == 0 and json.loads(piped.stdout)["records"] == len(ODD), piped
    without_topic = [json.dumps({k: v for k, v in r.items() if k != "topic"}, sort_keys=True) for r in read]
    copied = [json.dumps({k: v for k, v in r.items() if k != "topic"}, sort_keys=True) for r in records_of(cluster, "copy")]
    assert sorted(copied) == sorted(without_topic), copied
    expect(
        cluster.drave("produce", "narrow", "--json", stdin=json.dumps(next(r for r in ODD if r["partition"] == 1)) + "\n", check=False),
        1,
        "line 1",
        "partition 1",
        "--repartition",
    )
    put(cluster, "narrow", ODD, "--repartition")
    assert len(records_of(cluster, "narrow")) == len(ODD)
    put(cluster, "copy", ODD[:1], "-p", 2)
    assert records_of(cluster, "copy", "-p", "2", "-o", "-1")[0]["value"] == "v"


def read_by_another_client(cluster, topic, partitions):
    """All records of a topic, by partition, as librdkafka's Python binding has them: (time, key, value, headers)."""
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "nobody", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    found, ended = {p: [] for p in range(partitions)}, 0
    while ended < partitions:
        m = consumer.poll(30)
        assert m is not None, "nothing came for 30 s"
        if m.error():
            assert m.error().code() == KafkaError._PARTITION_EOF, m.error()
            ended += 1
        else:
            found[m.partition()].append((m.timestamp()[1], m.key(), m.value(), m.headers()))
    consumer.close()
    return found


def random_records_there_and_back(cluster):
    """Random records, made by another client, go through the pipe and are the same to that client, byte for byte."""
    partitions, dice = 3, random.Random(20261129)
    for topic in ("random", "random-copy"):
        cluster.create(topic, partitions, **{"message.timestamp.after.max.ms": 2**63 - 1})

    def some(may_lack=True):
        kind = dice.randrange(5 if may_lack else 4)
        size = dice.choice((0, 1, 7, 300))
        text = "".join(dice.choice('az"\\/\n\t\x1b\u2028é😀{}') for _ in range(size)).encode()
        return None if kind == 4 else text if kind < 2 else dice.randbytes(size)

    producer = Producer({"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True})
    for _ in range(600):
        names = [dice.choice(("a", "a", "é", "x y", "")) for _ in range(dice.randrange(4))]
        producer.produce(
            "random",
            key=some(),
            value=some(),
            partition=dice.randrange(partitions),
            timestamp=dice.choice((1, 1795860000123, 9007199254740993)),
            headers=[(name, some()) for name in names] or None,
        )
    assert producer.flush(30) == 0
    piped = subprocess.run(
        f"'{BIN}/drave' consume random -e --json -b {cluster.bootstrap} | '{BIN}/drave' produce random-copy --json -b {cluster.bootstrap}",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert piped.returncode == 0 and json.loads(piped.stdout)["records"] == 600, piped
    made, copied = (read_by_another_client(cluster, topic, partitions) for topic in ("random", "random-copy"))
    assert sum(len(records) for records in made.values()) == 600
    for p in range(partitions):
        assert copied[p] == made[p], [(a, b) for a, b in zip(made[p], copied[p]) if a != b][:3]


def bad_json(cluster):
    """A line that is no record is named, with what is wrong; what stands before it is sent, nothing behind it."""
    cluster.create("strict")
    good = json.dumps({"value": "x"})
    wrong = [
        ("{", "no JSON"),
        ("[1]", "no JSON object"),
        ('{"key":"a"}', 'no "value"'),
        ('{"value":1}', "value is no string"),
        ('{"value":{"a":1}}', "value is no string"),
        ('{"value":{"hex":"abc"}}', "hex"),
        ('{"value":{"hex":"zz"}}', "hex"),
        ('{"value":{"base64":"A"}}', "base64"),
        ('{"value":"x","timestamp":1.5}', "timestamp"),
        ('{"value":"x","timestamp":-2}', "timestamp"),
        ('{"value":"x","timestamp":9223372036854775808}', "JSON"),
        ('{"value":"x","partition":-1}', "partition"),
        ('{"value":"x","partition":"0"}', "partition"),
        ('{"value":"x","headers":{"a":"b"}}', "headers"),
        ('{"value":"x","headers":[{"key":"a"}]}', "header"),
        ('{"value":"x","headers":[{"key":null,"value":"b"}]}', "header"),
        ('{"payload":"x","value":"x"}', "payload"),
        ('{"value":"x","value":"y"}', "JSON"),
    ]
    for line, why in wrong:
        done = cluster.drave("produce", "strict", "--json", stdin=f"{good}\n{line}\n{good}\n", check=False)
        expect(done, 1, "line 2 is not sent", re.escape(why))
    assert len(records_of(cluster, "strict")) == len(wrong)


def keys_and_tombstones(cluster):
    """-K, -k, -Z: a key in the line, a fixed one, none, an empty one; an empty value and none."""
    cluster.create("keys")
    cluster.drave("produce", "keys", "-K", "::", stdin="a::1\n::2\n3\nb::\n")
    cluster.drave("produce", "keys", "-K", "::", "-Z", stdin="a::\nb::1\n")
    cluster.drave("produce", "keys", "-k", "fixed", "-Z", stdin="4\n\n")
    got = [(r["key"], r["value"]) for r in records_of(cluster, "keys")]
    assert got == [("a", "1"), ("", "2"), (None, "3"), ("b", ""), ("a", None), ("b", "1"), ("fixed", "4"), ("fixed", None)], got
    assert lines_of(cluster.drave("consume", "keys", "-e", "-o", "4", "-n", 1, "-Z", "-f", "%k=%s %S\\n")) == ["a=NULL -1"]
    for words in (("-K", ":"), ("-k", "x"), ("-Z",), ("-H", "a=b")):
        expect(cluster.drave("produce", "keys", "--json", *words, stdin="", check=False), 2, "--json")


def where(cluster):
    """-o: the last N of each partition, offsets, moments and spans of them."""
    cluster.create("times", 2)
    now = int(time.time() * 1000)
    put(cluster, "times", [{"partition": p, "timestamp": now - (10 - i) * HOUR, "value": f"{p}.{i}"} for i in range(10) for p in range(2)])

    def read(*words):
        return sorted(lines_of(cluster.drave("consume", "times", "-e", *words)))

    both = lambda *which: sorted(f"{p}.{i}" for p in range(2) for i in which)  # noqa: E731
    assert read("-o", "-2") == both(8, 9)
    assert read("-o", -3, "-p", 1) == ["1.7", "1.8", "1.9"]
    assert read("-o", "-100") == both(*range(10)) and read("-o", "-0") == []
    assert read("-o", 7) == both(7, 8, 9) and read("-o", 10) == []
    assert read("-o", "@-150m") == both(8, 9)
    assert read("-o", "@-330m:-210m") == both(5, 6)
    assert read("-o", f"@{now - 4 * HOUR}:{now - 2 * HOUR}") == both(6, 7)
    assert read("-o", f"@0:@{now - 9 * HOUR}") == both(0)
    stamp = time.strftime("%Y-%m-%dT%H:%M", time.gmtime((now - 2 * HOUR) / 1000 + 60))
    assert read("-o", f"@{stamp}") == both(9), stamp
    assert read("-o", f"@{stamp}:00Z:@now") == both(9) and read("-o", "@now") == [] and read("-o", "end") == []
    assert lines_of(cluster.drave("consume", "times", "-o", "@0:now", timeout=20)), "a span that is over ends by itself"
    expect(cluster.drave("consume", "times", "-o", "@now:-1h", check=False), 2, "ends before it begins")
    expect(cluster.drave("consume", "times", "-o", "@2026-02-30", check=False), 2, "2026-02-30", "2026-11-28T10:00")
    expect(cluster.drave("consume", "times", "-o", 11, "-e", check=False), 1, "no offset 11")


def ranges(cluster):
    """-o as kcat and rpk have it: from and up to offsets, behind the first N, up to what is there, the two sides of a span; -r, -c."""
    cluster.create("ranges", 2)
    put(cluster, "ranges", [{"partition": p, "timestamp": 1000 * i, "value": f"{p}.{i}"} for i in range(10) for p in range(2)])

    def read(*words):
        return sorted(lines_of(cluster.drave("consume", "ranges", *words)))

    both = lambda *which: sorted(f"{p}.{i}" for p in range(2) for i in which)  # noqa: E731
    assert read("-o", ":end") == read("-o", "start:end") == both(*range(10))
    assert read("-o", "7:9") == both(7, 8) and read("-o", ":2") == both(0, 1)
    assert read("-o", "+8", "-e") == both(8, 9) and read("-o", "+8:9") == both(8) and read("-o", "+99", "-e") == []
    assert read("-o", "-3:9") == both(7, 8)
    assert read("-o", "s@3000", "-o", "e@5000") == both(3, 4) and read("-o", "@:2000") == both(0, 1)
    assert read("-o", "@8000:end") == both(8, 9) and read("-o", "@8000:", "-c", 2, "-p", 1) == ["1.8", "1.9"]
    assert lines_of(cluster.drave("consume", "ange", "-r", "-o", "9:end", "-p", 0)) == ["0.9"]
    expect(cluster.drave("consume", "^(", "-r", check=False), 2, "regular expression")
    expect(cluster.drave("consume", "ranges", "-o", "5:2", check=False), 2, "ends before it begins")
    expect(cluster.drave("consume", "ranges", "-o", "stored", check=False), 2, "name the group with -G")
    expect(cluster.drave("consume", "ranges", "-o", "1", "-o", "2", check=False), 2, "s@TIME and e@TIME")
    expect(cluster.drave("consume", "ranges", "-X", "isolation.level=read_committed", check=False), 2, "--read-committed")
    assert read("--read-committed", "-e") == both(*range(10))


def formats(cluster):
    """What consume prints by -f, -K, -D, -s, --meta-only; the units have every letter."""
    cluster.create("shapes")
    put(cluster, "shapes", [{"timestamp": 1795860000123, "key": {"hex": "0007"}, "value": "v", "headers": [{"key": "h", "value": "x"}]}])

    def read(*words):
        return cluster.drave("consume", "shapes", "-e", *words).stdout

    assert read("-f", "%i %t %d{strftime[%F]} %k{unpack[>H]} %v{base64} %h{%k=%v} %o{hex8}\\n") == "1 shapes 2026-11-28 7 dg== h=x 00\n"
    assert read("-K", "\\t%", "-D", ";", "-s", "key=>H") == "7\t%v;" and read("-u", "-s", "c") == "v\n"
    cluster.drave("produce", "shapes", "-z", "gzip", stdin="w" * 300 + "\n" + "x" * 300 + "\n")
    told = read("-o", "1:end", "-f", "%o %e %x %a{compression} %a{timestamp-type} %a{control-bit;bool} %[ %| %]\\n").splitlines()
    epoch = cluster.describe("shapes")["partitions"][0]["leader_epoch"]
    assert [re.sub(r"(?<= )\d+(?= gzip)", "ID", line) for line in told] == [f"{o} {epoch} ID gzip 0 false 0 3 3" for o in (1, 2)], told
    assert json.loads(read("--json", "--meta-only", "-o", ":1"))["value_size"] == 1
    cluster.create("framed")
    put(cluster, "framed", [{"value": {"hex": "000000000776"}}, {"value": None}])
    told = cluster.drave("consume", "framed", "-e", "-Z", "-f", "%v{unpack[>bxixs]}\\n")
    assert told.stdout == "0 7 v\nNULL\n" and "schema 7" in told.stderr, told
    for words, said in (
        (("-f", "%q"), "%q is no letter"),
        (("-f", "%s", "-K", ":"), "leave -K and -D out"),
        (("-D", "\\q"), "none of"),
        (("-s", "z"), "letter that is none"),
        (("-s", "avro"), "Avro"),
        (("--meta-only",), "--json without the values"),
        (("--json", "-f", "%s"), "--format means nothing"),
    ):
        expect(cluster.drave("consume", "shapes", *words, check=False), 2, re.escape(said))


def inputs(cluster):
    """What produce reads: -f, -D, -l, whole files; what it tells: -T, -o, --dry-run; -n ends it."""
    cluster.create("inputs", 2)
    with tempfile.TemporaryDirectory() as folder:
        one, two = Path(folder, "one"), Path(folder, "two")
        one.write_bytes(b"a\nb;c")
        two.write_bytes(b"")
        send = lambda *words, **options: cluster.drave("produce", "inputs", *words, **options)  # noqa: E731
        planned = send("--dry-run", "-f", "%p %k=%v\\n", stdin="0 a=b\n2 c=d\n", check=False)
        expect(planned, 1, "line 2 is not sent", "partition 2", "1 records would be sent")
        assert records_of(cluster, "inputs") == []
        told = send("-f", "%p %d %k{hex} %h{%k=%v,} %v\\n", "-o", "%p@%o %k %v\\n", stdin="1 1000 6b a=1,b=2 x y\n")
        assert told.stdout == "1@0 k x y\n", told
        assert send("-D", ";", "-T", "-p", 0, "-l", one).stdout == "a\nb;c;"
        send(one, two, "-p", 0, "-k", "file", "-Z")
        send("-n", 1, "-p", 0, "--acks", 1, stdin="only\nnot this\n")
        send("-K", "\\t", "-c", 1, "-p", 0, stdin="k\tv\nnot this\n")
        got = [(r["partition"], r["key"], r["value"]) for r in records_of(cluster, "inputs")]
        want = [(0, None, "a\nb"), (0, None, "c"), (0, "file", "a\nb;c"), (0, "file", None), (0, None, "only"), (0, "k", "v")]
        assert [r for r in got if r[0] == 0] == want, got
        (first,) = records_of(cluster, "inputs", "-p", "1")
        assert first["timestamp"] == 1000 and first["headers"] == [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}], first
        expect(send("-f", "%k:%v\\n", stdin="a:b\nc\n", check=False), 1, "line 2 is not sent", '":" does not stand behind %k')
        expect(send(Path(folder, "none"), check=False), 1, "none cannot be read")
        expect(send("-l", Path(folder, "none"), check=False), 1, "none cannot be read")
        for words, said in (
            (("--acks", "0"), "majority"),
            (("-K", ""), "--key-separator is empty"),
            (("-K", "\\q"), "stands behind a backslash"),
            (("-f", "%k%v"), "nothing stands between"),
            (("-f", "%v", "-K", ":"), "leave --key-separator out"),
            (("-f", "%v\\n", "-D", ";"), "leave -D out"),
            (("-T", "--report"), "leave -T and -o out"),
            ((one, "-l", two), "give one of the two"),
            ((one, "-D", ";"), "-l FILE reads lines"),
            (("-o", "%q"), "no letter"),
        ):
            expect(send(*words, stdin="", check=False), 2, re.escape(said))


def a_span_that_ends_ahead(cluster):
    """@-1m:TIME waits until the time has come, without -e, and then ends by itself."""
    cluster.create("ahead")
    cluster.drave("produce", "ahead", stdin="in time\n")
    until = int(time.time() * 1000) + 2000
    process = subprocess.Popen(
        [str(BIN / "drave"), "consume", "ahead", "-o", f"@-1m:{until}", "-b", cluster.bootstrap], stdout=subprocess.PIPE, text=True
    )
    assert process.communicate(timeout=30)[0] == "in time\n" and process.returncode == 0
    assert time.time() * 1000 >= until, "it ended before its time"


def several_topics(cluster):
    """Names, globs and regular expressions in one command; partitions by list."""
    for topic in ("eu-1", "eu-2", "us-1"):
        cluster.create(topic, 3)
        put(cluster, topic, [{"partition": p, "value": f"{topic}.{p}"} for p in range(3)])

    def read(*words):
        return sorted(lines_of(cluster.drave("consume", *words, "-e", "-f", "%t.%p\\n")))

    every = [f"{t}.{p}" for t in ("eu-1", "eu-2", "us-1") for p in range(3)]
    assert read("eu-1", "us-1") == every[:3] + every[6:]
    assert read("eu-*") == every[:6] and read("^(eu|us)-1$") == every[:3] + every[6:]
    assert read("eu-?", "eu-1", "^eu") == every[:6]
    assert read("^.*-1", "-p", "0,2") == ["eu-1.0", "eu-1.2", "us-1.0", "us-1.2"] and read("eu-1", "-p", "1-2") == ["eu-1.1", "eu-1.2"]
    expect(cluster.drave("consume", "asia-*", check=False), 1, "no topic matches")
    expect(cluster.drave("consume", "^(", check=False), 2, "regular expression")
    expect(cluster.drave("consume", "eu-1", "-p", "0,3", check=False), 1, "partitions 0 to 2, not 3")
    expect(cluster.drave("consume", "eu-1", "-p", "0,x", check=False), 2, "0,2,5-7")
    expect(cluster.drave("consume", "eu-1", "eu-3", check=False), 1, "eu-3", "did you mean")


def end_of_a_busy_topic(cluster):
    """-e ends at what was there when it began, however fast others write; a topic with nothing new ends at once."""
    cluster.create("busy")
    writer = subprocess.Popen(
        [str(BIN / "drave"), "bench", "produce", "busy", "--rate", "5000", "--seconds", "20", "--size", "64", "-b", cluster.bootstrap],
        stdout=subprocess.DEVNULL,
    )
    try:
        time_limit = 10
        cluster.drave("consume", "busy", "-n", 1000, "-f", "%o\\n", timeout=time_limit)
        cluster.drave("consume", "busy", "-e", "-f", "%o\\n", timeout=time_limit)
    finally:
        writer.send_signal(signal.SIGINT)
        writer.wait(30)


def properties(cluster):
    """-X: librdkafka's names; unknown ones, useless ones and those that would break a promise are told."""
    cluster.create("props")
    expect(cluster.drave("produce", "props", "-X", "linger.ms=0", "-X", "partitioner=murmur2_random", stdin="x\n", check=False), 0)
    assert lines_of(cluster.drave("consume", "props", "-e", "-X", "fetch.wait.max.ms=10")) == ["x"]
    expect(cluster.drave("produce", "props", "-X", "linger.mss=1", stdin="", check=False), 2, "did you mean linger.ms")
    expect(cluster.drave("produce", "props", "-X", "linger.ms", stdin="", check=False), 2, "NAME=VALUE")
    expect(cluster.drave("produce", "props", "-X", "linger.ms=soon", stdin="", check=False), 2, "linger.ms=soon")
    said = cluster.drave("produce", "props", "-X", "message.max.bytes=5", stdin="", check=False)  # librdkafka ends this one with a newline
    expect(said, 2, "allowed range")
    assert "x0a" not in said.stderr, said.stderr
    expect(cluster.drave("produce", "props", "-X", "acks=0", stdin="", check=False), 2, "majority")
    expect(cluster.drave("produce", "props", "-X", "enable.idempotence=false", stdin="", check=False), 2, "twice")
    expect(cluster.drave("produce", "props", "-X", "acks=all", "-X", "enable.idempotence=true", stdin="y\n", check=False), 0)
    expect(cluster.drave("produce", "props", "-X", "sasl.username=me", stdin="", check=False), 2, "--user NAME")
    expect(cluster.drave("consume", "props", "-X", "linger.ms=1", check=False), 2, "producers only")
    expect(cluster.drave("consume", "props", "-X", "group.id=g", check=False), 2, "named with -G")
    expect(cluster.drave("consume", "props", "-X", "auto.offset.reset=earliest", check=False), 2, "-o")
    expect(
        cluster.drave("bench", "produce", "props", "--seconds", 1, "--rate", 10, "-X", "lingr.ms=1", check=False),
        2,
        "did you mean linger.ms",
    )
    debugged = cluster.drave("produce", "props", "-X", "debug=broker", stdin="x\n")
    assert "librdkafka" in debugged.stderr, debugged.stderr[:200]


def frozen_leader():
    """A leader that is frozen costs the time until another is elected, not the whole of --timeout."""
    with Cluster(3) as cluster:
        cluster.create("cold", 3)
        cluster.drave("produce", "cold", stdin="".join(f"{i}\n" for i in range(100)))
        leader = cluster[cluster.leaders("cold")[0]]
        others = ",".join(f"127.0.0.1:{b.port}" for b in cluster if b is not leader)
        leader.pause()
        began = time.monotonic()
        try:
            assert sorted(map(int, lines_of(cluster.drave("consume", "cold", "-e", "--timeout", "20s", "-b", others)))) == list(range(100))
            took = time.monotonic() - began
            assert within(took, 12), f"it took {took:.1f} s"
        finally:
            leader.resume()


class Garbler:
    """Between a client and a broker: zstd frames lose their magic number on the way to the client."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.broker_port = None
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            broker = socket.create_connection(("127.0.0.1", self.broker_port))
            threading.Thread(target=self.carry, args=(client, broker), daemon=True).start()
            threading.Thread(target=self.carry, args=(broker, client, (ZSTD_MAGIC, bytes(4))), daemon=True).start()

    @staticmethod
    def carry(source, target, replace=None):
        try:
            while data := source.recv(1 << 20):
                target.sendall(data.replace(*replace) if replace else data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def garbled_on_the_way():
    """Records that no codec can read are told with their place and the way around them, in no library's words."""
    garbler = Garbler()
    with Cluster(1, settings={"advertised.listeners": f"PLAINTEXT://127.0.0.1:{garbler.port}"}) as cluster:
        garbler.broker_port = cluster[1].port
        cluster.create("poisoned")
        for line, codec in (("before\n", "none"), ("x" * 300 + "\n", "zstd"), ("behind\n", "none")):
            cluster.drave("produce", "poisoned", "-z", codec, stdin=line)
        expect(cluster.drave("consume", "poisoned", "-e", check=False), 1, "before", "offset 1 cannot be decompressed", "-p 0 -o 2")
        assert cluster.drave("consume", "poisoned", "-e", "-p", 0, "-o", 2).stdout == "behind\n"
    garbler.listener.close()


suite = Suite()
with Cluster(3) as shared:
    for test in (
        there_and_back,
        random_records_there_and_back,
        bad_json,
        keys_and_tombstones,
        where,
        ranges,
        formats,
        inputs,
        a_span_that_ends_ahead,
        several_topics,
        end_of_a_busy_topic,
        properties,
    ):
        suite.run(test, shared)
suite.run(frozen_leader)
suite.run(garbled_on_the_way)
suite.end()
