"""kafka-python, 2 and 3."""

import logging
import os
import time
from collections import deque

import kafka
from compat.drivers.line import Taken, serve
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

logging.basicConfig(level=os.environ.get("DRIVER_LOG", "WARNING"))
MAJOR = int(kafka.__version__.split(".")[0])

SHORTEST_POLL_MS = 2000  # 2.3.3 and 3.0.12 forget an assignment that comes just when their poll is over, and never join again


def login(q):
    s = q.get("security")
    if not s:
        return {}
    user = {"sasl_mechanism": s["mechanism"], "sasl_plain_username": s["user"], "sasl_plain_password": s["password"]}
    return {"security_protocol": "SASL_SSL", "ssl_cafile": s["ca"], **user}


class Listener(kafka.ConsumerRebalanceListener):
    def __init__(self, driver):
        self.driver = driver

    def on_partitions_revoked(self, revoked):
        self.driver.rebalances += 1

    def on_partitions_assigned(self, assigned):
        self.driver.rebalances += 1


class Driver:
    def __init__(self):
        self.consumer, self.taken, self.rebalances, self.waiting = None, Taken(), 0, deque()

    def hello(self, q):
        return {"client": f"kafka-python {kafka.__version__}"}

    def make(self, q):
        more = {"group_instance_id": q["instance"]} if q.get("instance") else {}
        self.consumer = KafkaConsumer(
            bootstrap_servers=q["bootstrap"].split(","),
            group_id=q["group"],
            auto_offset_reset=q["reset"],
            enable_auto_commit=q["auto_commit"],
            auto_commit_interval_ms=500,
            isolation_level=q["isolation"],
            session_timeout_ms=q["session_ms"],
            heartbeat_interval_ms=500,
            metadata_max_age_ms=1000,
            fetch_max_wait_ms=100,
            **more,
            **login(q),
        )

    def open(self, q):
        self.make(q)
        if q.get("pattern"):
            self.consumer.subscribe(pattern=q["pattern"], listener=Listener(self))
        else:
            if MAJOR >= 3:
                self.know(q["topics"])
            self.consumer.subscribe(topics=q["topics"], listener=Listener(self))

    def know(self, topics, seconds=30):
        """3.0.12 may hang without partitions when it leads a group before it knows the topic, with Apache Kafka as well."""
        end = time.monotonic() + seconds
        while not all(self.consumer.partitions_for_topic(t) for t in topics):
            if time.monotonic() > end:
                raise TimeoutError(f"{topics} are not known after {seconds} s")
            time.sleep(0.1)

    def poll_once(self, q, timeout_ms, count):
        """3.0.12 tells the program of a connection that was refused, and goes on when it is asked again."""
        try:
            return self.consumer.poll(timeout_ms=max(timeout_ms, SHORTEST_POLL_MS), max_records=count).values()
        except kafka.errors.KafkaConnectionError:
            if not q["rough"]:
                raise
            return ()

    def assign(self, q):
        self.make(q)
        self.consumer.assign([TopicPartition(t, p) for t, p, _ in q["partitions"]])
        for t, p, o in q["partitions"]:
            if o is not None:
                self.consumer.seek(TopicPartition(t, p), o)

    def poll(self, q):
        """max_records is what keeps position, and so an automatic commit, at what was given out."""
        records, end = [], time.monotonic() + q["timeout_ms"] / 1000
        while len(records) < q["count"] and (left := end - time.monotonic()) > 0:
            for many in self.poll_once(q, max(1, int(left * 1000)), q["count"] - len(records)):
                for m in many:
                    self.taken.note(m.topic, m.partition, m.offset)
                    records.append([m.topic, m.partition, m.offset, m.value.decode()])
        return {"records": records}

    def assigned(self, q):
        return {"partitions": sorted([p.topic, p.partition] for p in self.consumer.assignment()), "rebalances": self.rebalances}

    def taken_offsets(self):
        return {TopicPartition(t, p): OffsetAndMetadata(o, "", -1) for (t, p), o in self.taken.take().items()}

    def commit(self, q):
        offsets = self.taken_offsets()
        if q["async"]:
            self.consumer.commit_async(offsets)
        else:
            self.consumer.commit(offsets)

    def committed(self, q):
        return {"offsets": [self.consumer.committed(TopicPartition(t, p)) for t, p in q["partitions"]]}

    def seek(self, q):
        self.consumer.seek(TopicPartition(q["topic"], q["partition"]), q["offset"])

    def pause(self, q):
        self.consumer.pause(*[TopicPartition(t, p) for t, p in q["partitions"]])

    def resume(self, q):
        self.consumer.resume(*[TopicPartition(t, p) for t, p in q["partitions"]])

    def close(self, q):
        if self.consumer:
            self.consumer.close()

    # ---- Transactions ----

    def producer(self, q):
        self.writer = KafkaProducer(
            bootstrap_servers=q["bootstrap"].split(","),
            transactional_id=q["id"],
            transaction_timeout_ms=q["txn_timeout_ms"],
            reconnect_backoff_max_ms=500,
            **login(q),
        )
        self.writer.init_transactions()

    def begin(self, q):
        self.writer.begin_transaction()

    def send(self, q):
        futures = [self.writer.send(t, value=v.encode(), partition=p) for t, p, v in q["records"]]
        self.writer.flush()
        for future in futures:
            future.get(30)

    def add_offsets(self, q):
        group = self.consumer.group_metadata() if MAJOR > 2 else q["group"]
        self.writer.send_offsets_to_transaction(self.taken_offsets(), group)

    def end(self, q):
        if q["commit"]:
            self.writer.commit_transaction()
        else:
            self.writer.abort_transaction()

    # ---- Administration ----

    def admin(self, q):
        return KafkaAdminClient(bootstrap_servers=q["bootstrap"].split(","), **login(q))

    def list(self, q):
        admin = self.admin(q)
        groups = admin.list_groups() if MAJOR > 2 else admin.list_consumer_groups()
        return {"groups": {g["group_id"] if isinstance(g, dict) else g[0]: None for g in groups}}

    def describe(self, q):
        admin = self.admin(q)
        if MAJOR > 2:
            g = admin.describe_groups([q["group"]])[q["group"]]
            return {"state": g["group_state"], "members": len(g["members"])}
        g = admin.describe_consumer_groups([q["group"]])[0]
        return {"state": g.state, "members": len(g.members)}

    def delete(self, q):
        admin = self.admin(q)
        if MAJOR > 2:
            done = admin.delete_groups([q["group"]])
            if done[q["group"]] not in (None, "OK", "NoError"):
                raise RuntimeError(str(done))
        else:
            for _, error in admin.delete_consumer_groups([q["group"]]):
                if error.errno:
                    raise error

    def alter(self, q):
        offsets = {TopicPartition(t, p): OffsetAndMetadata(o, "", -1) for t, p, o in q["offsets"]}
        self.admin(q).alter_group_offsets(q["group"], offsets)

    def offsets(self, q):
        admin = self.admin(q)
        if MAJOR > 2:
            found = admin.list_group_offsets({q["group"]: None})[q["group"]]
        else:
            found = admin.list_consumer_group_offsets(q["group"])
        return {"offsets": sorted([p.topic, p.partition, o.offset] for p, o in found.items() if o.offset >= 0)}


serve(Driver())
