// kafkajs against drave: administers and produces (its consumer needs groups). node kafkajs.mjs BOOTSTRAP TOPIC COUNT
// Prints one JSON line: what it created, the offsets it was given, and what describing said.
import { createRequire } from "node:module";

const require = createRequire(process.env.KAFKAJS_HOME + "/");
const { Kafka, CompressionTypes, logLevel } = require("kafkajs");
const [bootstrap, topic, count] = process.argv.slice(2);
const kafka = new Kafka({ clientId: "kafkajs", brokers: bootstrap.split(","), logLevel: logLevel.NOTHING });

const admin = kafka.admin();
await admin.connect();
const created = await admin.createTopics({ topics: [{ topic, numPartitions: 3, replicationFactor: 3 }], waitForLeaders: true });
await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
const cluster = await admin.describeCluster();
const configs = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: topic }] });

const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
await producer.connect();
const offsets = {};
for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
  const messages = Array.from({ length: Number(count) }, (_, i) => ({ key: `k${i}`, value: `value ${compression} ${i}`, headers: { from: "kafkajs" } }));
  for (const r of await producer.send({ topic, acks: -1, compression, messages })) offsets[r.partition] = r.baseOffset;
}
await producer.disconnect();
let metadata; // of any broker, which may hear of the fourth partition a moment later than the one that made it
for (const end = Date.now() + 5000; Date.now() < end && !(metadata?.topics[0].partitions.length === 4);) metadata = await admin.fetchTopicMetadata({ topics: [topic] });
let ends = []; // an admin keeps what it heard first
for (const end = Date.now() + 5000; Date.now() < end && ends.length !== 4;) {
  const fresh = kafka.admin();
  await fresh.connect();
  ends = await fresh.fetchTopicOffsets(topic);
  await fresh.disconnect();
}
await admin.createTopics({ topics: [{ topic: topic + "-gone", numPartitions: 1 }], waitForLeaders: true });
await admin.deleteTopics({ topics: [topic + "-gone"] });
let topics; // likewise of any broker
for (const end = Date.now() + 5000; Date.now() < end && topics?.includes(topic + "-gone") !== false;) topics = await admin.listTopics();
await admin.disconnect();
console.log(JSON.stringify({ created, brokers: cluster.brokers.length, controller: cluster.controller, configs: configs.resources[0].configEntries.length, offsets,
  records: ends.reduce((n, p) => n + Number(p.high), 0), partitions: metadata.topics[0].partitions.length, gone: !topics.includes(topic + "-gone") }));
