"""aiokafka: its loop runs in a thread of its own, as it does in a program, so that heartbeats go on between two polls."""

import asyncio
import threading
import time

import aiokafka
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.helpers import create_ssl_context
from compat.drivers.line import Taken, serve


def login(q):
    s = q.get("security")
    if not s:
        return {}
    user = {"sasl_mechanism": s["mechanism"], "sasl_plain_username": s["user"], "sasl_plain_password": s["password"]}
    return {"security_protocol": "SASL_SSL", "ssl_context": create_ssl_context(cafile=s["ca"]), **user}


class Listener(ConsumerRebalanceListener):
    def __init__(self, driver):
        self.driver = driver

    async def on_partitions_revoked(self, revoked):
        self.driver.rebalances += 1

    async def on_partitions_assigned(self, assigned):
        self.driver.rebalances += 1


class Driver:
    def __init__(self):
        self.loop, self.consumer, self.taken, self.rebalances = asyncio.new_event_loop(), None, Taken(), 0
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result()

    def hello(self, q):
        return {"client": f"aiokafka {aiokafka.__version__}"}

    async def make(self, q):
        self.consumer = AIOKafkaConsumer(
            bootstrap_servers=q["bootstrap"].split(","),
            group_id=q["group"],
            group_instance_id=q.get("instance"),
            auto_offset_reset=q["reset"],
            enable_auto_commit=q["auto_commit"],
            auto_commit_interval_ms=500,
            isolation_level=q["isolation"],
            session_timeout_ms=q["session_ms"],
            heartbeat_interval_ms=500,
            metadata_max_age_ms=1000,
            fetch_max_wait_ms=100,
            **login(q),
        )

    def open(self, q):
        async def go():
            await self.make(q)
            if q.get("pattern"):
                self.consumer.subscribe(pattern=q["pattern"], listener=Listener(self))
            else:
                self.consumer.subscribe(topics=q["topics"], listener=Listener(self))
            await self.consumer.start()

        self.run(go())

    def assign(self, q):
        async def go():
            await self.make(q)
            self.consumer.assign([TopicPartition(t, p) for t, p, _ in q["partitions"]])
            await self.consumer.start()
            for t, p, o in q["partitions"]:
                if o is not None:
                    self.consumer.seek(TopicPartition(t, p), o)

        self.run(go())

    def poll(self, q):
        async def go():
            records, end = [], time.monotonic() + q["timeout_ms"] / 1000
            while len(records) < q["count"] and (left := end - time.monotonic()) > 0:
                found = await self.consumer.getmany(timeout_ms=max(1, int(left * 1000)), max_records=q["count"] - len(records))
                for many in found.values():
                    for m in many:
                        self.taken.note(m.topic, m.partition, m.offset)
                        records.append([m.topic, m.partition, m.offset, m.value.decode()])
            return {"records": records}

        return self.run(go())

    def assigned(self, q):
        return {"partitions": sorted([p.topic, p.partition] for p in self.consumer.assignment()), "rebalances": self.rebalances}

    def commit(self, q):
        done = self.consumer.commit({TopicPartition(t, p): o for (t, p), o in self.taken.take().items()})
        future = asyncio.run_coroutine_threadsafe(done, self.loop)
        if not q["async"]:
            future.result()

    def committed(self, q):
        async def go():
            return [await self.consumer.committed(TopicPartition(t, p)) for t, p in q["partitions"]]

        return {"offsets": self.run(go())}

    async def act(self, what, *arguments):
        what(*arguments)

    def seek(self, q):
        self.run(self.act(self.consumer.seek, TopicPartition(q["topic"], q["partition"]), q["offset"]))

    def pause(self, q):
        self.run(self.act(self.consumer.pause, *[TopicPartition(t, p) for t, p in q["partitions"]]))

    def resume(self, q):
        self.run(self.act(self.consumer.resume, *[TopicPartition(t, p) for t, p in q["partitions"]]))

    def close(self, q):
        if self.consumer:
            self.run(self.consumer.stop())

    # ---- Transactions ----

    def producer(self, q):
        async def go():
            self.writer = AIOKafkaProducer(
                bootstrap_servers=q["bootstrap"].split(","),
                transactional_id=q["id"],
                transaction_timeout_ms=q["txn_timeout_ms"],
                **login(q),
            )
            await self.writer.start()

        self.run(go())

    def begin(self, q):
        self.run(self.writer.begin_transaction())

    def send(self, q):
        async def go():
            sent = [await self.writer.send(t, v.encode(), partition=p) for t, p, v in q["records"]]
            await asyncio.gather(*sent)

        self.run(go())

    def add_offsets(self, q):
        offsets = {TopicPartition(t, p): o for (t, p), o in self.taken.take().items()}
        self.run(self.writer.send_offsets_to_transaction(offsets, q["group"]))

    def end(self, q):
        self.run(self.writer.commit_transaction() if q["commit"] else self.writer.abort_transaction())

    # ---- Administration ----

    def administer(self, q, act):
        async def go():
            admin = AIOKafkaAdminClient(bootstrap_servers=q["bootstrap"], **login(q))
            await admin.start()
            try:
                return await act(admin)
            finally:
                await admin.close()

        return self.run(go())

    def list(self, q):
        return {"groups": {g[0]: None for g in self.administer(q, lambda a: a.list_consumer_groups())}}

    def describe(self, q):
        answers = self.administer(q, lambda a: a.describe_consumer_groups([q["group"]]))
        g = answers[0].groups[0]
        return {"state": g[2], "members": len(g[5])}

    def offsets(self, q):
        found = self.administer(q, lambda a: a.list_consumer_group_offsets(q["group"]))
        return {"offsets": sorted([p.topic, p.partition, o.offset] for p, o in found.items() if o.offset >= 0)}


serve(Driver())
