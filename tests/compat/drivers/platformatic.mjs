// @platformatic/kafka: a stream of records; what poll has not taken yet is not committed.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Records, serve } from "./line.mjs";

const require = createRequire(process.env.NODE_HOME + "/");
const { Admin, Consumer, Producer, stringSerializers } = await import(pathToFileURL(require.resolve("@platformatic/kafka")));
const version = JSON.parse(readFileSync(`${process.env.NODE_HOME}/node_modules/@platformatic/kafka/package.json`)).version;
const records = new Records();
const last = new Map(); // of each partition the newest message, which tells whose it is
let consumer, producer, first, transaction, stream, admin, closing = false, rebalances = 0;

const login = ({ security: s }) => (s ? { tls: { ca: readFileSync(s.ca) }, sasl: { mechanism: s.mechanism, username: s.user, password: s.password } } : {});
const base = (q) => ({ clientId: "platformatic", bootstrapBrokers: q.bootstrap.split(","), retries: 20, retryDelay: 200, metadataMaxAge: 1000, ...login(q) });
const administer = (q) => (admin ??= new Admin(base(q)));

// A fetch goes to the broker that was chosen for it until its retries are spent (4 s), whoever leads meanwhile; then the stream is destroyed, and
// the program opens another one, which goes on from the committed offsets.
async function read(q) {
  stream = await consumer.consume({
    topics: q.topics, mode: "committed", fallbackMode: q.reset, autocommit: q.auto_commit ? 500 : false, maxWaitTime: 100,
    isolationLevel: q.isolation === "read_committed" ? 1 : 0,
  });
  stream.on("data", (m) => (last.set(`${m.topic}\n${m.partition}`, m), records.put(m.topic, m.partition, m.offset, m.value)));
  stream.on("error", (e) => {
    console.error(e);
    if (!closing) again(q);
  });
}

async function again(q) {
  try {
    await read(q);
  } catch (e) {
    console.error(e);
    if (!closing) setTimeout(() => again(q), 200);
  }
}

serve({
  hello: () => ({ client: `@platformatic/kafka ${version}` }),
  async open(q) {
    const group = q.protocol === "consumer" ? { groupProtocol: "consumer" } : { sessionTimeout: q.session_ms, heartbeatInterval: 500, rebalanceTimeout: 20000 };
    consumer = new Consumer({ ...base(q), groupId: q.group, groupInstanceId: q.instance, ...group });
    consumer.on("consumer:group:join", () => rebalances++);
    consumer.on("consumer:group:rebalance", () => rebalances++);
    await read(q);
  },
  poll: (q) => records.take(q.count, q.timeout_ms),
  assigned: () => ({ partitions: (consumer.assignments ?? []).flatMap((a) => a.partitions.map((p) => [a.topic, p])).sort(), rebalances }),
  commit: (q) => {
    const done = consumer.commit({ offsets: records.taken().map((o) => ({ ...o, offset: BigInt(o.offset), leaderEpoch: -1 })) });
    if (q.async) done.catch((e) => console.error(e));
    else return done.then(() => {});
  },
  async committed(q) {
    const topics = [...new Set(q.partitions.map(([t]) => t))].map((topic) => ({ topic, partitions: q.partitions.filter(([t]) => t === topic).map(([, p]) => p) }));
    const found = await consumer.listCommittedOffsets({ topics });
    return { offsets: q.partitions.map(([t, p]) => Number(found.get(t)?.[p] ?? -1)).map((o) => (o < 0 ? null : o)) };
  },
  async close() {
    closing = true;
    await stream?.close();
    await consumer?.close(true);
  },
  async producer(q) {
    const id = { transactionalId: q.id, producerId: -1n, producerEpoch: -1, timeout: q.txn_timeout_ms };
    producer = new Producer({ ...base(q), ...id, idempotent: true, serializers: stringSerializers });
    first = await producer.beginTransaction(); // takes over from whoever had the id before
  },
  async begin() {
    transaction = first ?? (await producer.beginTransaction());
    first = null;
  },
  async send(q) {
    await transaction.send({ messages: q.records.map(([topic, partition, value]) => ({ topic, partition, value })) });
  },
  async add_offsets() {
    await transaction.addConsumer(consumer);
    for (const { topic, partition, offset } of records.taken()) {
      const { metadata } = last.get(`${topic}\n${partition}`);
      await transaction.addOffset({ topic, partition, offset: BigInt(offset - 1), metadata });
    }
  },
  async end(q) {
    await (q.commit ? transaction.commit() : transaction.abort());
  },
  async list(q) {
    return { groups: Object.fromEntries([...(await administer(q).listGroups()).values()].map((g) => [g.id, g.state])) };
  },
  async describe(q) {
    const g = (await administer(q).describeGroups({ groups: [q.group] })).get(q.group);
    return { state: g.state, members: g.members.size };
  },
  async delete(q) {
    await administer(q).deleteGroups({ groups: [q.group] });
  },
  async alter(q) {
    const topics = [...new Set(q.offsets.map(([t]) => t))].map((name) => ({
      name, partitionOffsets: q.offsets.filter(([t]) => t === name).map(([, partition, offset]) => ({ partition, offset: BigInt(offset) })),
    }));
    await administer(q).alterConsumerGroupOffsets({ groupId: q.group, topics });
  },
  async offsets(q) {
    const [group] = await administer(q).listConsumerGroupOffsets({ groups: [q.group] });
    const rows = group.topics.flatMap((t) => t.partitions.map((p) => [t.name, p.partitionIndex, Number(p.committedOffset)]));
    return { offsets: rows.filter(([, , o]) => o >= 0).sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[1] - b[1])) };
  },
});
