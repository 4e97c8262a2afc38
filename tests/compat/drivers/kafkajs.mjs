// kafkajs. It pushes records; what poll has not taken yet is not committed.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { Records, serve } from "./line.mjs";

const require = createRequire(process.env.NODE_HOME + "/");
const { Kafka, logLevel } = require("kafkajs");
let records = new Records();
let consumer, producer, transaction, admin, assignment = {}, rebalances = 0;

const login = ({ security: s }) =>
  s ? { ssl: { ca: [readFileSync(s.ca)] }, sasl: { mechanism: s.mechanism.toLowerCase(), username: s.user, password: s.password } } : {};
const kafka = (q) =>
  new Kafka({ clientId: "kafkajs", brokers: q.bootstrap.split(","), logLevel: logLevel.ERROR, retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 20 }, ...login(q) });
const administer = async (q) => {
  if (!admin) await (admin = kafka(q).admin()).connect();
  return admin;
};
const byTopic = (rows, of) => [...new Set(rows.map((r) => r.topic))].map((topic) => ({ topic, ...of(rows.filter((r) => r.topic === topic)) }));
const partitions = (q) => q.partitions.map(([topic, p]) => ({ topic, partitions: [p] }));

serve({
  hello: () => ({ client: `kafkajs ${require("kafkajs/package.json").version}` }),
  async open(q) {
    records = new Records(q.session === true);
    consumer = kafka(q).consumer({
      groupId: q.group, sessionTimeout: q.session_ms, heartbeatInterval: 500, metadataMaxAge: 1000, maxWaitTimeInMs: 100, readUncommitted: q.isolation !== "read_committed",
    });
    consumer.on(consumer.events.GROUP_JOIN, (e) => (rebalances++, (assignment = e.payload.memberAssignment)));
    consumer.on(consumer.events.REBALANCING, () => (rebalances++, (assignment = {})));
    await consumer.connect();
    await consumer.subscribe({ topics: q.pattern ? [new RegExp(q.pattern)] : q.topics, fromBeginning: q.reset === "earliest" });
    await consumer.run({
      autoCommit: q.auto_commit, autoCommitInterval: 500,
      eachMessage: async ({ topic, partition, message }) => records.put(topic, partition, message.offset, message.value),
    });
  },
  poll: (q) => records.take(q.count, q.timeout_ms),
  assigned: () => ({ partitions: Object.entries(assignment).flatMap(([t, ps]) => ps.map((p) => [t, p])).sort(), rebalances }),
  commit: (q) => {
    const done = consumer.commitOffsets(records.taken().map((o) => ({ ...o, offset: String(o.offset) })));
    if (q.async) done.catch((e) => console.error(e));
    else return done.then(() => {});
  },
  async committed(q) {
    const found = await (await administer(q)).fetchOffsets({ groupId: q.group, topics: [...new Set(q.partitions.map(([t]) => t))] });
    const of = ([t, p]) => Number(found.find((f) => f.topic === t)?.partitions.find((x) => x.partition === p)?.offset ?? -1);
    return { offsets: q.partitions.map(of).map((o) => (o < 0 ? null : o)) };
  },
  seek: (q) => consumer.seek({ topic: q.topic, partition: q.partition, offset: String(q.offset) }),
  pause: (q) => consumer.pause(partitions(q)),
  resume: (q) => consumer.resume(partitions(q)),
  async close() {
    await consumer?.disconnect();
  },
  async producer(q) {
    producer = kafka(q).producer({ transactionalId: q.id, transactionTimeout: q.txn_timeout_ms, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    await (await producer.transaction()).abort(); // an empty one: takes over from whoever had the id before
  },
  async begin() {
    transaction = await producer.transaction();
  },
  async send(q) {
    // One partition at a time: 2.2.4 notes what was sent by broker, not by partition. Where one of two leaders is gone and leaders have moved when it
    // tries again, it sends what the other has taken once more, as something new, or leaves out what was refused.
    for (const [topic, partition] of new Map(q.records.map(([t, p]) => [`${t}\n${p}`, [t, p]])).values()) {
      const messages = q.records.filter(([t, p]) => t === topic && p === partition).map(([, , value]) => ({ partition, value }));
      await transaction.send({ topic, messages });
    }
  },
  async add_offsets(q) {
    const rows = records.taken().map((o) => ({ ...o, offset: String(o.offset) }));
    await transaction.sendOffsets({ consumerGroupId: q.group, topics: byTopic(rows, (partitions) => ({ partitions })) });
  },
  async end(q) {
    await (q.commit ? transaction.commit() : transaction.abort());
  },
  async list(q) {
    return { groups: Object.fromEntries((await (await administer(q)).listGroups()).groups.map((g) => [g.groupId, null])) };
  },
  async describe(q) {
    const g = (await (await administer(q)).describeGroups([q.group])).groups[0];
    return { state: g.state, members: g.members.length };
  },
  async delete(q) {
    await (await administer(q)).deleteGroups([q.group]);
  },
  async alter(q) {
    for (const topic of new Set(q.offsets.map(([t]) => t)))
      await (await administer(q)).setOffsets({
        groupId: q.group, topic, partitions: q.offsets.filter(([t]) => t === topic).map(([, partition, offset]) => ({ partition, offset: String(offset) })),
      });
  },
  async offsets(q) {
    const found = await (await administer(q)).fetchOffsets({ groupId: q.group });
    const rows = found.flatMap((f) => f.partitions.map((p) => [f.topic, p.partition, Number(p.offset)]));
    return { offsets: rows.filter(([, , o]) => o >= 0).sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1])) };
  },
});
