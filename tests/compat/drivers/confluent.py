"""confluent-kafka (librdkafka), both group protocols."""

import time

import confluent_kafka
from compat.drivers.line import Taken, login, serve
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

QUIET = {"log_level": 3, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 500}
PATIENCE_S = 90  # with what the library says may be tried again


class Driver:
    def __init__(self):
        self.consumer, self.taken, self.rebalances, self.owned = None, Taken(), 0, set()

    def hello(self, q):
        version, library = confluent_kafka.version(), confluent_kafka.libversion()[0]
        return {"client": f"confluent-kafka {version if isinstance(version, str) else version[0]}, librdkafka {library}"}

    def make(self, q):
        settings = {
            "bootstrap.servers": q["bootstrap"],
            "group.id": q["group"],
            "auto.offset.reset": q["reset"],
            "enable.auto.commit": q["auto_commit"],
            "auto.commit.interval.ms": 500,
            "isolation.level": q["isolation"],
            "topic.metadata.refresh.interval.ms": 1000,
            "fetch.wait.max.ms": 100,
            **QUIET,
            **login(q),
        }
        if q.get("instance"):
            settings["group.instance.id"] = q["instance"]
        if q["protocol"] == "consumer":
            settings["group.protocol"] = "consumer"
        else:
            settings |= {"session.timeout.ms": q["session_ms"], "heartbeat.interval.ms": 500}
            settings["partition.assignment.strategy"] = "cooperative-sticky" if q["cooperative"] else "range"
        self.consumer = Consumer(settings)

    def open(self, q):
        self.make(q)
        cooperative = q["protocol"] == "consumer" or q["cooperative"]

        def assigned(consumer, partitions):
            self.rebalances += 1
            self.owned |= {(p.topic, p.partition) for p in partitions}
            (consumer.incremental_assign if cooperative else consumer.assign)(partitions)

        def gone(consumer, partitions):
            self.rebalances += 1
            self.owned -= {(p.topic, p.partition) for p in partitions}
            (consumer.incremental_unassign(partitions) if cooperative else consumer.unassign())

        self.consumer.subscribe([q["pattern"]] if q.get("pattern") else q["topics"], on_assign=assigned, on_revoke=gone, on_lost=gone)

    def assign(self, q):
        self.make(q)
        self.consumer.assign([TopicPartition(t, p, confluent_kafka.OFFSET_STORED if o is None else o) for t, p, o in q["partitions"]])

    def poll(self, q):
        records, end = [], time.monotonic() + q["timeout_ms"] / 1000
        while len(records) < q["count"] and (left := end - time.monotonic()) > 0:
            m = self.consumer.poll(left)
            if m is None:
                continue
            if m.error():
                if m.error().fatal():
                    raise KafkaException(m.error())
                print(m.error())
                continue
            self.taken.note(m.topic(), m.partition(), m.offset())
            records.append([m.topic(), m.partition(), m.offset(), m.value().decode()])
        return {"records": records}

    def assigned(self, q):
        return {"partitions": sorted(self.owned), "rebalances": self.rebalances}

    def commit(self, q):
        offsets = [TopicPartition(t, p, o) for (t, p), o in self.taken.take().items()]
        done = self.consumer.commit(offsets=offsets, asynchronous=q["async"])
        for p in done or []:
            if p.error:
                raise KafkaException(p.error)

    def committed(self, q):
        found = self.consumer.committed([TopicPartition(t, p) for t, p in q["partitions"]], timeout=20)
        for p in found:
            if p.error:
                raise KafkaException(p.error)
        return {"offsets": [p.offset if p.offset >= 0 else None for p in found]}

    def seek(self, q):
        self.consumer.seek(TopicPartition(q["topic"], q["partition"], q["offset"]))

    def pause(self, q):
        self.consumer.pause([TopicPartition(t, p) for t, p in q["partitions"]])

    def resume(self, q):
        self.consumer.resume([TopicPartition(t, p) for t, p in q["partitions"]])

    def close(self, q):
        if self.consumer:
            self.consumer.close()

    # ---- Transactions ----

    def insist(self, call, *arguments):
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                return call(*arguments, 20)
            except KafkaException as e:
                if not e.args[0].retriable() or time.monotonic() > end:
                    raise

    def producer(self, q):
        id_and_time = {"transactional.id": q["id"], "transaction.timeout.ms": q["txn_timeout_ms"]}
        self.writer = Producer({"bootstrap.servers": q["bootstrap"], **id_and_time, **QUIET, **login(q)})
        self.insist(self.writer.init_transactions)

    def begin(self, q):
        self.writer.begin_transaction()

    def send(self, q):
        failed = []
        for topic, partition, value in q["records"]:
            self.writer.produce(topic, value, partition=partition, on_delivery=lambda e, m: failed.append(e) if e else None)
        self.writer.flush()
        if failed:
            raise KafkaException(failed[0])

    def add_offsets(self, q):
        offsets = [TopicPartition(t, p, o) for (t, p), o in self.taken.take().items()]
        self.insist(self.writer.send_offsets_to_transaction, offsets, self.consumer.consumer_group_metadata())

    def end(self, q):
        self.insist(self.writer.commit_transaction if q["commit"] else self.writer.abort_transaction)

    # ---- Administration ----

    def admin(self, q):
        self.kept = AdminClient({"bootstrap.servers": q["bootstrap"], **QUIET, **login(q)})  # a future does not keep its client
        return self.kept

    def list(self, q):
        done = self.admin(q).list_consumer_groups(request_timeout=20).result()
        if done.errors:
            raise done.errors[0]
        return {"groups": {g.group_id: g.state.name if g.state else None for g in done.valid}}

    def describe(self, q):
        g = self.admin(q).describe_consumer_groups([q["group"]], request_timeout=20)[q["group"]].result()
        return {"state": g.state.name, "members": len(g.members)}

    def delete(self, q):
        self.admin(q).delete_consumer_groups([q["group"]], request_timeout=20)[q["group"]].result()

    def alter(self, q):
        offsets = ConsumerGroupTopicPartitions(q["group"], [TopicPartition(t, p, o) for t, p, o in q["offsets"]])
        done = self.admin(q).alter_consumer_group_offsets([offsets], request_timeout=20)[q["group"]].result()
        for p in done.topic_partitions:
            if p.error:
                raise KafkaException(p.error)

    def offsets(self, q):
        asked = ConsumerGroupTopicPartitions(q["group"])
        done = self.admin(q).list_consumer_group_offsets([asked], request_timeout=20)[q["group"]].result()
        return {"offsets": sorted([p.topic, p.partition, p.offset] for p in done.topic_partitions if p.offset >= 0)}


serve(Driver())
