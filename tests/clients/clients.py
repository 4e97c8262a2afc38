"""Real clients against a real cluster: kcat, confluent-kafka, kafka-python, kafkajs. Keys, headers, codecs, large records, a million records in order.

RECORDS (1,000,000) is the size of the two volume tests.
"""

import json
import os
import re
import struct
import subprocess
import sys
import time
from collections import defaultdict

import kafka
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

from harness.cluster import BIN, ROOT, Cluster, wait_until
from harness.raw import API_VERSIONS, PRODUCE, Raw
from harness.suite import Suite

RECORDS = int(os.environ.get("RECORDS") or 1_000_000)
BIG = 1_000_000 - 200


def keyed_lines(n):
    """key:value lines; values of one key ascend."""
    return "".join(f"key-{i % 5000}:{i}\n" for i in range(n))


def check_volume(rows, n):
    """rows: (partition, offset, key, value) in the order read, per partition."""
    next_offset, last_of_key, partition_of_key, seen = defaultdict(int), {}, {}, set()
    for partition, offset, key, value in rows:
        assert offset == next_offset[partition], f"partition {partition}: offset {offset} instead of {next_offset[partition]}"
        next_offset[partition] += 1
        number = int(value)
        assert number % 5000 == int(key[4:]) and number > last_of_key.get(key, -1), f"{key}: {number} after {last_of_key.get(key)}"
        assert partition_of_key.setdefault(key, partition) == partition, f"{key} in two partitions"
        last_of_key[key] = number
        assert number not in seen, f"{number} came twice"
        seen.add(number)
    assert len(seen) == n, f"{len(seen)} records of {n}"


def volume_kcat(cluster):
    """A million keyed records through an idempotent kcat: kcat and drave read all, per key in order, offsets without holes."""
    cluster.create("million", 12)
    subprocess.run(
        ["kcat", "-P", "-b", cluster.bootstrap, "-t", "million", "-K", ":", "-X", "enable.idempotence=true"],
        input=keyed_lines(RECORDS),
        text=True,
        check=True,
    )
    for reader in (
        ["kcat", "-C", "-b", cluster.bootstrap, "-t", "million", "-e", "-q", "-o", "beginning", "-f", "%p %o %k %s\\n"],
        [str(BIN / "drave"), "consume", "million", "-b", cluster.bootstrap, "-o", "beginning", "-e", "-f", "%p %o %k %s\\n"],
    ):
        process = subprocess.Popen(reader, stdout=subprocess.PIPE, text=True)
        rows = ((int(p), int(o), k, v) for p, o, k, v in (line.split() for line in process.stdout))
        check_volume(rows, RECORDS)
        assert process.wait() == 0, reader[0]
    return f"{RECORDS} records"


def consumer_of(cluster, **settings):
    return Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": "unused",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            **settings,
        }
    )


def read_assigned(cluster, topic, partitions, **settings):
    """All records by assign(), without any error."""
    consumer, rows, left = consumer_of(cluster, **settings), [], set(range(partitions))
    consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    end = time.monotonic() + 300
    while left and time.monotonic() < end:
        for m in consumer.consume(10000, 0.5):
            if m.error() is None:
                rows.append(m)
            elif m.error().code() == KafkaError._PARTITION_EOF:
                left.discard(m.partition())
            else:
                raise AssertionError(str(m.error()))
    consumer.close()
    assert not left, f"partitions {left} were not read to their end"
    return rows


def volume_confluent(cluster):
    """The same with confluent-kafka from PyPI."""
    cluster.create("million-confluent", 12)
    errors = []
    producer = Producer(
        {"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True, "linger.ms": 5, "queue.buffering.max.messages": 1000000}
    )
    for i in range(RECORDS):
        while True:
            try:
                producer.produce(
                    "million-confluent", key=f"key-{i % 5000}", value=str(i), on_delivery=lambda e, m: errors.append(e) if e else None
                )
                break
            except BufferError:
                producer.poll(0.1)
        if i % 1000 == 0:
            producer.poll(0)
    assert producer.flush(120) == 0 and not errors, f"{len(errors)} failed: {errors[:1]}"
    rows = read_assigned(cluster, "million-confluent", 12)
    check_volume(((m.partition(), m.offset(), m.key().decode(), m.value().decode()) for m in rows), RECORDS)
    return f"{RECORDS} records"


def confluent_features(cluster):
    """confluent-kafka: keys, headers, null values, every codec, 1 MB records, times, and administration."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    for f in admin.create_topics(
        [NewTopic("conf", num_partitions=2, replication_factor=3, config={"max.message.bytes": "2000000"})]
    ).values():
        f.result(30)
    for f in admin.create_partitions([NewPartitions("conf", 3)]).values():
        f.result(30)
    described = [f.result(30) for f in admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, "conf")]).values()]
    assert described[0]["max.message.bytes"].value == "2000000"
    assert len(admin.describe_cluster().result(30).nodes) == 3
    sent = {}
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        producer = Producer({"bootstrap.servers": cluster.bootstrap, "compression.type": codec, "message.max.bytes": 2000000})
        for i, value in enumerate([b"small", b"", None, os.urandom(BIG), b"repeat " * 10000]):
            name = f"{codec}-{i}"
            sent[name] = (value, [("codec", codec.encode()), ("n", b"%d" % i)])
            producer.produce(
                "conf",
                key=name,
                value=value,
                headers=sent[name][1],
                on_delivery=lambda e, m: None if e is None else sys.exit(f"not ok delivery: {e}"),
            )
        assert producer.flush(60) == 0
    rows = read_assigned(cluster, "conf", 3, **{"check.crcs": True})
    got = {m.key().decode(): (m.value(), m.headers()) for m in rows}
    assert got == sent, f"differs: {[k for k in sent if got.get(k) != sent[k]][:5]}"
    stamps = [m.timestamp()[1] for m in rows if m.partition() == rows[0].partition()]
    consumer = consumer_of(cluster)
    found = consumer.offsets_for_times([TopicPartition("conf", rows[0].partition(), stamps[0])], timeout=20)
    assert found[0].offset == 0, found
    assert consumer.get_watermark_offsets(TopicPartition("conf", 0), timeout=20)[0] == 0
    consumer.close()
    for f in admin.delete_topics(["conf"]).values():
        f.result(30)
    return f"{len(sent)} records"


def kafka_python(cluster):
    """kafka-python without an LZ4 add-on produces (none, gzip) and reads what drave stores compressed."""
    try:
        import lz4  # noqa: F401

        raise AssertionError("the lz4 package is installed: this would prove nothing")
    except ImportError:
        pass
    cluster.create("kpy", 3)
    wanted = {}
    for codec in (None, "gzip"):
        producer = kafka.KafkaProducer(
            bootstrap_servers=cluster.bootstrap.split(","), compression_type=codec, acks="all", max_request_size=2000000
        )
        for i in range(200):
            key, value = f"{codec}-{i}".encode(), (b"the same line " * 50 if i else os.urandom(BIG))
            wanted[key] = value
            producer.send("kpy", key=key, value=value, headers=[("h", b"1")])
        producer.flush(60)
        producer.close()
    consumer = kafka.KafkaConsumer(
        "kpy",
        bootstrap_servers=cluster.bootstrap.split(","),
        group_id=None,
        auto_offset_reset="earliest",
        consumer_timeout_ms=5000,
        check_crcs=True,
    )
    got = {}
    for m in consumer:
        assert list(m.headers) == [("h", b"1")], m.headers
        got[m.key] = m.value
        if len(got) == len(wanted):
            break
    consumer.close()
    assert got == wanted, f"{len(got)} of {len(wanted)}"
    admin = kafka.KafkaAdminClient(bootstrap_servers=cluster.bootstrap.split(","))
    configs = admin.describe_configs([kafka.admin.ConfigResource("TOPIC", "kpy")], config_filter="all")
    admin.close()
    assert "max.message.bytes" in str(configs), configs
    return f"{len(wanted)} records, kafka-python {kafka.__version__}"


def kafka_python_follows_leaders(cluster):
    """A consumer at the tail goes on after its leaders were killed, and misses and repeats nothing (it asks for the ends of leader epochs)."""
    cluster.create("follow", 6)
    cluster.wait_leaders("follow", in_sync=3)
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=cluster.bootstrap.split(","), group_id=None, auto_offset_reset="none", enable_auto_commit=False
    )
    partitions = [kafka.TopicPartition("follow", p) for p in range(6)]
    consumer.assign(partitions)
    next_offset = {p: 0 for p in partitions}
    for p in partitions:
        consumer.seek(p, 0)

    def read_to(end):
        for p, records in consumer.poll(200).items():
            for m in records:
                assert m.offset == next_offset[p], f"{p}: offset {m.offset} instead of {next_offset[p]}"
                next_offset[p] += 1
        return all(n == end for n in next_offset.values())

    def produce_and_read(end):
        for p in range(6):
            subprocess.run(
                ["kcat", "-P", "-b", cluster.bootstrap, "-t", "follow", "-p", str(p), "-X", "enable.idempotence=true"],
                input="x\n" * 20,
                text=True,
                check=True,
            )
        wait_until(f"{end} records of each partition, not {sorted(next_offset.values())}", lambda: read_to(end), 30)

    produce_and_read(20)
    for turn in (2, 3):
        leaders = list(cluster.leaders("follow").values())
        most = max(set(leaders), key=leaders.count)
        cluster[most].kill()
        wait_until("other leaders", lambda: not {None, most} & set(cluster.leaders("follow").values()))
        produce_and_read(20 * turn)
        cluster[most].start(ready=True)
        cluster.wait_leaders("follow", in_sync=3)
    consumer.close()
    return f"{leaders.count(most)} of 6 leaders killed"


def kafkajs(cluster):
    """kafkajs creates, describes, produces with none and gzip, and deletes; what it sent is read back."""
    home = ROOT / "build" / "kafkajs"
    if not (home / "node_modules" / "kafkajs").exists():
        home.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(home), "kafkajs@2.2.4"],
            check=True,
            capture_output=True,
        )
    done = subprocess.run(
        ["node", str(ROOT / "tests/clients/kafkajs.mjs"), cluster.bootstrap, "js", "300"],
        capture_output=True,
        text=True,
        timeout=120,
        env=dict(os.environ, KAFKAJS_HOME=str(home)),
    )
    assert done.returncode == 0, done.stderr[-600:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert (
        report["created"]
        and report["gone"]
        and report["brokers"] == 3
        and report["records"] == 600
        and report["partitions"] == 4
        and report["configs"] > 0
    ), report
    values = cluster.drave("consume", "js", "-e").stdout.splitlines()
    assert sorted(values) == sorted(f"value {c} {i}" for c in (0, 1) for i in range(300))
    return f"{report['records']} records"


def kcat_features(cluster):
    """kcat lists, auto-creates, sends every codec with keys and headers, and reads from offsets and times."""
    listed = subprocess.run(["kcat", "-L", "-b", cluster.bootstrap], capture_output=True, text=True, check=True).stdout
    assert "3 brokers" in listed, listed
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        subprocess.run(
            ["kcat", "-P", "-b", cluster.bootstrap, "-t", "kcat", "-z", codec, "-K", ":", "-H", f"codec={codec}"],
            input=f"k:{codec}\n" * 10,
            text=True,
            check=True,
        )
    out = subprocess.run(
        ["kcat", "-C", "-b", cluster.bootstrap, "-t", "kcat", "-e", "-q", "-f", "%k %s %h\\n", "-o", "beginning", "-X", "check.crcs=true"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert out.splitlines() == [f"k {c} codec={c}" for c in ("none", "gzip", "snappy", "lz4", "zstd") for _ in range(10)], out[:300]
    tail = subprocess.run(
        ["kcat", "-C", "-b", cluster.bootstrap, "-t", "kcat", "-e", "-q", "-o", "-3", "-f", "%o\\n"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert tail.split() == ["47", "48", "49"], tail
    asked = subprocess.run(["kcat", "-Q", "-b", cluster.bootstrap, "-t", "kcat:0:-1"], capture_output=True, text=True, check=True).stdout
    assert re.search(r"offset 50", asked), asked


def answer_of_any(cluster, frame):
    """Of the first broker that does not close the connection: that is how OffsetFetch is told that the group lives elsewhere."""
    for broker in cluster:
        try:
            with Raw(broker.port) as raw:
                raw.socket.sendall(frame)
                return raw.receive()
        except ConnectionError:
            pass
    raise AssertionError(f"API {struct.unpack('>hh', frame[4:8])}: every broker closed the connection")


def every_version_is_used(cluster):
    """Each version of each API that is advertised answers a request that Apache Kafka's own client wrote; one that nothing tries fails here."""
    frames = {}
    for path in sorted((ROOT / "tests" / "golden").glob("*.txt")):
        for line in path.read_text().splitlines():
            words = line.split(" ")
            if words[2:4] == ["request", "full"]:
                frame = bytes.fromhex(words[5])
                frames[struct.unpack(">hh", frame[4:8])] = frame
    with Raw(cluster[1].port) as raw:
        answer = raw.ask(API_VERSIONS, 0, b"")
    error, count = struct.unpack(">hi", answer[:6])
    served = [struct.unpack(">hhh", answer[6 + 6 * i : 12 + 6 * i]) for i in range(count)]
    assert error == 0 and count > 10, f"error {error}, {count} APIs"
    tried = 0
    assert "does not exist" in cluster.drave("group", "describe", "nobody", check=False).stderr  # from now on groups have coordinators
    for key, first, last in served:
        for version in range(3 if key == PRODUCE else first, last + 1):  # Produce 0 to 2 are advertised only
            assert (key, version) in frames, f"version {version} of API {key} is served, and neither a client nor a golden frame uses it"
            frame = frames[key, version]
            correlation, body = answer_of_any(cluster, frame)
            assert correlation == struct.unpack(">i", frame[8:12])[0] and body, f"API {key}, version {version}"
            tried += 1
    return f"{tried} versions of {count} APIs"


suite = Suite()
with Cluster(3) as shared:
    for test in (
        every_version_is_used,
        kcat_features,
        confluent_features,
        kafka_python,
        kafka_python_follows_leaders,
        kafkajs,
        volume_kcat,
        volume_confluent,
    ):
        suite.run(test, shared)
suite.end()
