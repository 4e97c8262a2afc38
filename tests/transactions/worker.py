"""A client of the chaos of transactions, in a process of its own that can be killed and frozen: worker.py SPEC, with SPEC as JSON.

`transfer` moves amounts between accounts, two records in one transaction; `copy` reads a topic as a member of a group and writes what it
read, with its offsets, in one transaction. Some are aborted. It writes what it does and what it was told to the file `events`, a line each:
[what, id], whole lines at once, so that a kill loses none that was written; `committing` stands there before the commit is asked for.
"""

import json
import os
import random
import sys

from confluent_kafka import Consumer, KafkaException, Producer

PATIENCE_S = 30  # of one call; a call that is asked again goes on
ABORTED = 0.1


class Worker:
    def __init__(self, spec):
        self.spec, self.name = spec, spec["name"]
        self.events = os.open(spec["events"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.dice = random.Random(f"{spec['seed']}{self.name}{spec['life']}")
        self.client = {"bootstrap.servers": spec["bootstrap"], "log_level": 0, "reconnect.backoff.max.ms": 500}
        self.producer, self.count = None, 0

    def tell(self, what, which=None):
        os.write(self.events, (json.dumps([what, which]) + "\n").encode())

    def again(self, call, *arguments):
        """Calls until it has an end: of a call that took too long the end is to come."""
        while True:
            try:
                return call(*arguments, PATIENCE_S)
            except KafkaException as e:
                if not e.args[0].retriable():
                    raise
                self.tell("retry", str(e.args[0]))

    def new_producer(self):
        self.producer = Producer(
            {**self.client, "transactional.id": self.name, "transaction.timeout.ms": self.spec["timeout_ms"], "linger.ms": 0}
        )
        self.again(self.producer.init_transactions)
        self.tell("up")

    def end(self, which):
        """Commits, or aborts now and then. Whether it was committed."""
        if self.dice.random() < ABORTED:
            self.producer.flush(PATIENCE_S)  # or nothing of it would be there
            self.again(self.producer.abort_transaction)
            self.tell("aborted", which)
            return False
        self.tell("committing", which)
        self.again(self.producer.commit_transaction)
        self.tell("committed", which)
        return True

    def failed(self, error, which):
        """Makes a new producer, unless this one can go on behind an abort."""
        self.tell("failed", f"{which}: {error}")
        if error.txn_requires_abort():
            try:
                self.again(self.producer.abort_transaction)
                self.tell("aborted", which)
                return
            except KafkaException as e:
                self.tell("failed", f"{which}: abort: {e.args[0]}")
        self.new_producer()

    def transaction(self, fill):
        """Whether it was committed; `fill` writes into it."""
        self.count += 1
        which = f"{self.name}.{self.spec['life']}.{self.count}"
        try:
            self.producer.begin_transaction()
            fill(which)
            return self.end(which)
        except KafkaException as e:
            self.failed(e.args[0], which)
            return False

    # ---- Transfers ----

    def move(self, which):
        accounts = self.dice.sample(range(self.spec["accounts"]), 2)
        amount = self.dice.randrange(1, 1000)
        for account, change in zip(accounts, (-amount, amount), strict=True):
            self.producer.produce(
                self.spec["topic"],
                json.dumps({"id": which, "change": change}),
                key=str(account),
                partition=account % self.spec["partitions"],
            )

    def transfer(self):
        self.new_producer()
        while True:
            self.transaction(self.move)

    # ---- Copies ----

    def new_reader(self):
        reader = Consumer(
            {
                **self.client,
                "group.id": "copiers",
                "isolation.level": "read_committed",
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 6000,
            }
        )
        reader.subscribe([self.spec["source"]])
        return reader

    def rewound(self, reader):
        """Back to where the group stands: what was read since was not copied. The reader, or a new one where that fails."""
        try:
            for place in reader.committed(reader.assignment(), PATIENCE_S):
                place.offset = max(place.offset, 0)
                reader.seek(place)
            return reader
        except KafkaException as e:
            self.tell("failed", f"rewind: {e.args[0]}")
            reader.close()
            return self.new_reader()

    def copy(self):
        self.new_producer()
        reader = self.new_reader()

        def fill(which):
            for m in messages:
                self.producer.produce(self.spec["topic"], m.value(), partition=m.partition())
            self.again(self.producer.send_offsets_to_transaction, reader.position(reader.assignment()), reader.consumer_group_metadata())

        while True:
            messages = [m for m in reader.consume(50, 0.2) if not m.error()]
            if messages and not self.transaction(fill):
                reader = self.rewound(reader)


if __name__ == "__main__":
    spec = json.loads(sys.argv[1])
    getattr(Worker(spec), spec["what"])()
