"""Producers and a draining consumer for the fault suites, on confluent-kafka; every operation goes into a History.

Each client (one idempotent, one plain) sends at a steady rate to every partition, open loop: a slow cluster does not slow the
offer down. Values are "client-partition-number" and unique.
"""

import threading
import time

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from harness.checker import check
from harness.cluster import wait_until

# A client that is told quickly that a leader moved; the rest is librdkafka's own choice.
QUICK = {
    "reconnect.backoff.ms": 10,
    "reconnect.backoff.max.ms": 100,
    "retry.backoff.ms": 20,
    "topic.metadata.refresh.fast.interval.ms": 50,
    "topic.metadata.refresh.interval.ms": 5000,
    "socket.connection.setup.timeout.ms": 2000,
}


class Load:
    def __init__(self, history, bootstrap, topic, partitions, rate, clients=("idempotent", "plain"), settings=None):
        self.history, self.topic, self.partitions, self.rate = history, topic, partitions, rate
        self.stopping = threading.Event()
        self.acked = dict.fromkeys(range(partitions), 0)
        self.threads = []
        for name in clients:
            producer = Producer(
                {
                    "bootstrap.servers": bootstrap,
                    "enable.idempotence": name.startswith("idempotent"),
                    "acks": "all",
                    "linger.ms": 0,
                    "message.timeout.ms": 120000,
                    "request.timeout.ms": 10000,
                    "log_level": 0,
                    **QUICK,
                    **(settings or {}),
                }
            )
            self.threads.append(threading.Thread(target=self.run, args=(name, producer), name=name))

    def start(self):
        for t in self.threads:
            t.start()
        return self

    def run(self, name, producer):
        step, n, begin = 1.0 / self.rate, 0, time.monotonic()
        while not self.stopping.is_set():
            for p in range(self.partitions):
                self.send(producer, name, p, f"{name}-{p}-{n}")
            n += 1
            producer.poll(0)
            while (wait := begin + n * step - time.monotonic()) > 0:  # a poll ends with each report
                producer.poll(wait)
        producer.flush(120)

    def send(self, producer, name, partition, value):
        def delivered(error, message, value=value):
            if error is None:
                self.history.add("ok", name, partition, value, message.offset())
                self.acked[partition] += 1
            else:  # a timeout may still have been written; what never left the queue was not, but librdkafka does not always tell
                self.history.add("info", name, partition, value)

        self.history.add("invoke", name, partition, value)
        try:
            producer.produce(self.topic, value.encode(), partition=partition, on_delivery=delivered)
        except BufferError:
            self.history.add("fail", name, partition, value)

    def stop(self):
        """Stops offering and waits until everything is answered."""
        self.stopping.set()
        for t in self.threads:
            t.join()


class Reader:
    """A consumer that reads all partitions as they grow, into the history; what it is told of errors is in `errors`."""

    def __init__(self, history, bootstrap, topic, partitions):
        self.history, self.errors, self.stopping = history, [], threading.Event()
        self.consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "reader",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "error_cb": self.told,
                "log_level": 0,
                **QUICK,
            }
        )
        self.consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
        self.thread = threading.Thread(target=self.run, name="reader")
        self.thread.start()

    def told(self, error):
        self.errors.append(str(error))

    def run(self):
        while not self.stopping.is_set():
            for m in self.consumer.consume(1000, 0.1):
                if m.error() is None:
                    self.history.add("poll", "reader", m.partition(), m.value().decode(), m.offset())
                else:
                    self.told(m.error())
        self.consumer.close()

    def stop(self):
        self.stopping.set()
        self.thread.join()


def drain(history, bootstrap, topic, partitions, client="drain", seconds=120):
    """Reads everything from the start to the present end; every record is a poll."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "drain",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "log_level": 0,
            **QUICK,
        }
    )
    consumer.assign([TopicPartition(topic, p, 0) for p in range(partitions)])
    open_partitions, end, count = set(range(partitions)), time.monotonic() + seconds, 0
    while open_partitions:
        if time.monotonic() > end:
            raise TimeoutError(f"partitions {sorted(open_partitions)} not read to their end in {seconds} s")
        for m in consumer.consume(5000, 0.5):
            error = m.error()
            if error is None:
                history.add("poll", client, m.partition(), m.value().decode(), m.offset())
                count += 1
            elif error.code() == KafkaError._PARTITION_EOF:
                open_partitions.discard(m.partition())
            elif error.code() == KafkaError.OFFSET_OUT_OF_RANGE:
                raise RuntimeError(f"partition {m.partition()}: {error}")
    consumer.close()
    return count


def under_load(cluster, history, topic, partitions, rate, faults):
    """The results of faults(load) on a new topic under load, after which everything was read back; and what the checker found: no anomaly."""
    cluster.create(topic, partitions)
    cluster.wait_leaders(topic, in_sync=3)
    load = Load(history, cluster.bootstrap, topic, partitions, rate).start()
    try:
        wait_until("load on every partition", lambda: all(n > 100 for n in load.acked.values()))
        results = faults(load)
    finally:
        load.stop()
    drain(history, cluster.bootstrap, topic, partitions)
    history.close()
    found = check(history.ops)
    assert not found["anomalies"], found
    return results, found
