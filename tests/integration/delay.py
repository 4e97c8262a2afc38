"""Records that are delivered later, on real brokers: what is refused, what consumers see, and each once over kills of the leader."""

import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPartition

from harness.cluster import Cluster, wait_until
from harness.suite import Suite

ON = {"delay.enable": "true"}


def producer(cluster, **more):
    return Producer({"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True, "linger.ms": 0, "log_level": 0, **more})


def send(to, topic, value, **headers):
    """The offset, or the name of the error."""
    told = []
    names = {name.replace("_", "-"): text for name, text in headers.items()}
    to.produce(topic, value, headers=names, on_delivery=lambda e, m: told.append(e.name() if e else m.offset()))
    to.flush(60)
    return told[0]


def read(cluster, topic, until):
    """Rows from the beginning on, each (offset, value, headers, time in s), until there are so many and the end is reached."""
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "none", "enable.partition.eof": True, "log_level": 0})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    rows, end = [], time.monotonic() + 60
    while time.monotonic() < end:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error() and message.error().code() == KafkaError._PARTITION_EOF:
            if len(rows) >= until:
                consumer.close()
                return rows
        elif message.error():
            raise KafkaException(message.error())
        else:
            rows.append((message.offset(), message.value().decode(), dict(message.headers() or []), message.timestamp()[1] / 1000))
    raise AssertionError(f"{len(rows)} of {until} records came within 60 s: {rows[-3:]}")


def read_in_python(cluster, topic):
    """The same by kafka-python, which shares no code with librdkafka: (offset, value) up to the end, and where it stands then."""
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap, enable_auto_commit=False)
    place, rows, limit = KafkaPartition(topic, 0), [], time.monotonic() + 60
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    end = consumer.end_offsets([place])[place]
    while consumer.position(place) < end:
        assert time.monotonic() < limit, f"it stands at {consumer.position(place)} of {end}"
        for records in consumer.poll(500).values():
            rows += [(r.offset, r.value.decode()) for r in records]
    consumer.close()
    return rows


def refusals(cluster):
    cluster.create("refusing", 1, **ON)
    to = producer(cluster, **{"enable.idempotence": False})
    assert send(to, "refusing", "x", deliver_at="soon") == "INVALID_RECORD"
    assert send(to, "refusing", "x", deliver_at="5", deliver_in="5") == "INVALID_RECORD"
    assert send(to, "refusing", "x", deliver_in="P500D") == "INVALID_TIMESTAMP"
    assert send(to, "refusing", "x", deliver_cancel="x") == "INVALID_RECORD"
    assert send(to, "refusing", "now", deliver_at="5") == 0
    cluster.create("plain", 1)
    assert send(to, "plain", "x", deliver_in="PT1H") == 0
    assert [r[1] for r in read(cluster, "plain", 1)] == ["x"]
    for wrong, why in (
        ({**ON, "cleanup.policy": "compact"}, "does not go with cleanup.policy=compact"),
        ({"delay.enable": "perhaps"}, "perhaps"),
    ):
        words = [word for name, value in wrong.items() for word in ("-c", f"{name}={value}")]
        done = cluster.drave("topic", "create", "wrong", "-p", 1, "-r", 3, *words, check=False)
        assert done.returncode == 1 and why in done.stderr, (done.returncode, done.stderr)


def at_their_time(cluster):
    cluster.create("timed", 1, **ON)
    to, began = producer(cluster), time.time()
    due_ms = round((began + 6) * 1000)
    assert send(to, "timed", "second", deliver_in="PT9S", own="kept") == 0
    assert send(to, "timed", "first", deliver_at=str(due_ms)) == 1
    assert send(to, "timed", "never", deliver_in="PT6S") == 2
    assert send(to, "timed", "cancel", deliver_cancel="2") == 3
    assert send(to, "timed", "now") == 4
    assert [r[:2] for r in read(cluster, "timed", 1)][:1] == [(4, "now")]
    assert send(to, "timed", "far", deliver_in="PT1H") == 5
    assert read_in_python(cluster, "timed")[0] == (4, "now")
    rows = read(cluster, "timed", 3)
    assert [r[:2] for r in rows] == [(4, "now"), (6, "first"), (7, "second")], rows
    assert read_in_python(cluster, "timed") == [r[:2] for r in rows]
    assert due_ms / 1000 <= rows[1][3] < began + 20 and began + 9 <= rows[2][3] < began + 23, (began, rows)
    assert rows[2][2]["x-delayed-offset"] == b"0" and rows[2][2]["own"] == b"kept" and "deliver-in" not in rows[2][2], rows[2]


def once_over_kills(cluster):
    """The leader is killed again and again while records come and are due: each acknowledged one is there once, none before its time."""
    cluster.create("killed", 1, **ON)
    to, due, told = producer(cluster), {}, {}
    for round_ in range(4):
        for i in range(100):
            name, at = f"{round_}-{i}", time.time() + (i % 40) / 10
            due[name] = at
            to.produce(
                "killed",
                name,
                headers={"deliver-at": str(int(at * 1000))},
                on_delivery=lambda e, m: told.setdefault(m.value().decode(), e),
            )
            to.poll(0.01)
        node = cluster.leaders("killed")[0]
        cluster[node].kill()
        to.flush(60)
        cluster[node].start(ready=True)
    assert len(told) == len(due) and not any(told.values()), [e for e in told.values() if e][:3]
    time.sleep(4)
    rows = read(cluster, "killed", len(due))
    names = [r[1] for r in rows]
    assert sorted(names) == sorted(due), (len(names), len(set(names)), len(due))
    for offset, name, headers, came in rows:
        if "x-delayed-offset" in headers:
            assert came >= due[name] - 0.002, (offset, name, due[name], came)
    wait_until("all replicas have the same", lambda: cluster.wait_leaders("killed", in_sync=3) or True, 60)


def after_a_restart_of_all(cluster):
    cluster.create("restarted", 1, **ON)
    to = producer(cluster)
    for i in range(50):
        send(to, "restarted", f"{i}", deliver_in="8000")
    for broker in cluster:
        broker.kill()
    for broker in cluster:
        broker.start(ready=False)
    cluster.wait_leaders("restarted", in_sync=3)
    rows = read(cluster, "restarted", 50)
    assert [r[1] for r in rows] == [f"{i}" for i in range(50)], rows[:3]


suite = Suite()
with Cluster(3) as shared:
    shared.wait_feature("delay.version")
    for test in (refusals, at_their_time, once_over_kills, after_a_restart_of_all):
        suite.run(test, shared)
suite.end()
