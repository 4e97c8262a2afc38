import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

/** Apache Kafka's own client, both group protocols, transactions, and command-line tools: the line protocol of tests/compat/member.py. */
public class Driver implements ConsumerRebalanceListener {
    static final ObjectMapper json = new ObjectMapper();
    final ArrayDeque<ConsumerRecord<String, String>> waiting = new ArrayDeque<>();
    final Map<TopicPartition, OffsetAndMetadata> taken = new HashMap<>();
    final Set<TopicPartition> owned = new HashSet<>();
    KafkaConsumer<String, String> consumer;
    KafkaProducer<String, String> producer;
    int rebalances;

    public static void main(String[] words) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err); // what a library prints is no answer
        Driver driver = new Driver();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            JsonNode q = json.readTree(line);
            ObjectNode answer = json.createObjectNode();
            try {
                driver.act(q.get("do").asText(), q, answer);
            } catch (Exception e) {
                e.printStackTrace();
                Throwable cause = e.getCause() != null ? e.getCause() : e;
                answer.put("error", cause.toString());
            }
            out.println(answer);
            out.flush();
            if (q.get("do").asText().equals("close")) break;
        }
        Runtime.getRuntime().halt(0);
    }

    void act(String what, JsonNode q, ObjectNode answer) throws Exception {
        switch (what) {
            case "hello" -> answer.put("client", "kafka-clients " + AppInfoParser.getVersion());
            case "open" -> open(q);
            case "assign" -> assign(q);
            case "poll" -> poll(q, answer);
            case "assigned" -> {
                ArrayNode list = answer.putArray("partitions");
                for (TopicPartition p : sorted(owned)) list.addArray().add(p.topic()).add(p.partition());
                answer.put("rebalances", rebalances);
            }
            case "commit" -> {
                if (q.get("async").asBoolean()) consumer.commitAsync(new HashMap<>(taken), null);
                else consumer.commitSync(new HashMap<>(taken));
            }
            case "committed" -> {
                List<TopicPartition> asked = partitions(q.get("partitions"));
                Map<TopicPartition, OffsetAndMetadata> found = consumer.committed(new HashSet<>(asked));
                ArrayNode list = answer.putArray("offsets");
                for (TopicPartition p : asked) {
                    if (found.get(p) == null) list.addNull();
                    else list.add(found.get(p).offset());
                }
            }
            case "seek" -> {
                TopicPartition p = new TopicPartition(q.get("topic").asText(), q.get("partition").asInt());
                waiting.removeIf(r -> r.topic().equals(p.topic()) && r.partition() == p.partition());
                consumer.seek(p, q.get("offset").asLong());
            }
            case "pause" -> consumer.pause(partitions(q.get("partitions")));
            case "resume" -> consumer.resume(partitions(q.get("partitions")));
            case "close" -> {
                if (consumer != null) consumer.close();
            }
            case "producer" -> {
                Properties p = new Properties();
                p.put("bootstrap.servers", q.get("bootstrap").asText());
                p.put("transactional.id", q.get("id").asText());
                p.put("transaction.timeout.ms", q.get("txn_timeout_ms").asText());
                p.put("reconnect.backoff.max.ms", "500");
                p.putAll(login(q));
                producer = new KafkaProducer<>(p, new StringSerializer(), new StringSerializer());
                producer.initTransactions();
            }
            case "begin" -> producer.beginTransaction();
            case "send" -> {
                List<Future<RecordMetadata>> sent = new ArrayList<>();
                for (JsonNode r : q.get("records"))
                    sent.add(producer.send(new ProducerRecord<>(r.get(0).asText(), r.get(1).asInt(), null, r.get(2).asText())));
                producer.flush();
                for (Future<RecordMetadata> f : sent) f.get();
            }
            case "add_offsets" -> producer.sendOffsetsToTransaction(new HashMap<>(taken), consumer.groupMetadata());
            case "end" -> {
                if (q.get("commit").asBoolean()) producer.commitTransaction();
                else producer.abortTransaction();
            }
            case "tool" -> tool(q, answer);
            default -> administer(what, q, answer);
        }
    }

    static List<TopicPartition> sorted(Collection<TopicPartition> set) {
        List<TopicPartition> list = new ArrayList<>(set);
        list.sort((a, b) -> a.topic().equals(b.topic()) ? a.partition() - b.partition() : a.topic().compareTo(b.topic()));
        return list;
    }

    static List<TopicPartition> partitions(JsonNode list) {
        List<TopicPartition> all = new ArrayList<>();
        for (JsonNode p : list) all.add(new TopicPartition(p.get(0).asText(), p.get(1).asInt()));
        return all;
    }

    /** How this client comes in; nothing where nobody has to log in. */
    static Map<String, Object> login(JsonNode q) {
        Map<String, Object> settings = new HashMap<>();
        q.path("security").path("java").fields().forEachRemaining(e -> settings.put(e.getKey(), e.getValue().asText()));
        return settings;
    }

    void make(JsonNode q) {
        Properties p = new Properties();
        p.put("bootstrap.servers", q.get("bootstrap").asText());
        p.put("group.id", q.get("group").asText());
        p.put("auto.offset.reset", q.get("reset").asText());
        p.put("enable.auto.commit", q.get("auto_commit").asText());
        p.put("auto.commit.interval.ms", "500");
        p.put("isolation.level", q.get("isolation").asText());
        p.put("metadata.max.age.ms", "1000");
        p.put("fetch.max.wait.ms", "100");
        p.put("reconnect.backoff.max.ms", "500");
        p.putAll(login(q));
        if (q.hasNonNull("instance")) p.put("group.instance.id", q.get("instance").asText());
        if (q.get("protocol").asText().equals("consumer")) {
            p.put("group.protocol", "consumer");
        } else {
            p.put("session.timeout.ms", q.get("session_ms").asText());
            p.put("heartbeat.interval.ms", "500");
            if (q.get("cooperative").asBoolean())
                p.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
        }
        consumer = new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer());
    }

    void open(JsonNode q) {
        make(q);
        if (q.hasNonNull("pattern")) {
            consumer.subscribe(Pattern.compile(q.get("pattern").asText()), this);
        } else {
            List<String> topics = new ArrayList<>();
            for (JsonNode t : q.get("topics")) topics.add(t.asText());
            consumer.subscribe(topics, this);
        }
    }

    void assign(JsonNode q) {
        make(q);
        consumer.assign(partitions(q.get("partitions")));
        for (JsonNode p : q.get("partitions"))
            if (!p.get(2).isNull()) consumer.seek(new TopicPartition(p.get(0).asText(), p.get(1).asInt()), p.get(2).asLong());
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        rebalances++;
        owned.addAll(partitions);
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        rebalances++;
        owned.removeAll(partitions);
        waiting.removeIf(r -> partitions.contains(new TopicPartition(r.topic(), r.partition())));
    }

    void poll(JsonNode q, ObjectNode answer) {
        int count = q.get("count").asInt();
        long end = System.nanoTime() + q.get("timeout_ms").asLong() * 1_000_000;
        while (waiting.size() < count && System.nanoTime() < end)
            for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofNanos(Math.max(0, end - System.nanoTime())))) waiting.add(r);
        ArrayNode list = answer.putArray("records");
        for (int i = 0; i < count && !waiting.isEmpty(); i++) {
            ConsumerRecord<String, String> r = waiting.remove();
            taken.put(new TopicPartition(r.topic(), r.partition()), new OffsetAndMetadata(r.offset() + 1));
            list.addArray().add(r.topic()).add(r.partition()).add(r.offset()).add(r.value());
        }
    }

    @SuppressWarnings("deprecation") // the calls that 3.9 and 4.x share
    void administer(String what, JsonNode q, ObjectNode answer) throws Exception {
        String group = q.get("group").asText();
        Map<String, Object> settings = login(q);
        settings.putAll(Map.of("bootstrap.servers", q.get("bootstrap").asText(), "default.api.timeout.ms", "20000", "request.timeout.ms", "10000"));
        try (Admin admin = Admin.create(settings)) {
            switch (what) {
                case "list" -> {
                    ObjectNode groups = answer.putObject("groups");
                    for (var g : admin.listConsumerGroups().all().get()) groups.put(g.groupId(), g.state().map(Object::toString).orElse(null));
                }
                case "describe" -> {
                    var g = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                    answer.put("state", g.state().toString()).put("members", g.members().size());
                }
                case "delete" -> admin.deleteConsumerGroups(List.of(group)).all().get();
                case "alter" -> {
                    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                    for (JsonNode o : q.get("offsets"))
                        offsets.put(new TopicPartition(o.get(0).asText(), o.get(1).asInt()), new OffsetAndMetadata(o.get(2).asLong()));
                    admin.alterConsumerGroupOffsets(group, offsets).all().get();
                }
                case "offsets" -> {
                    var found = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
                    ArrayNode list = answer.putArray("offsets");
                    for (TopicPartition p : sorted(found.keySet()))
                        if (found.get(p) != null) list.addArray().add(p.topic()).add(p.partition()).add(found.get(p).offset());
                }
                default -> throw new IllegalArgumentException("there is no " + what);
            }
        }
    }

    /** kafka-consumer-groups.sh starts this class, others what `main` names. */
    static void tool(JsonNode q, ObjectNode answer) throws Exception {
        List<String> line = new ArrayList<>(List.of("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path"),
            q.hasNonNull("main") ? q.get("main").asText() : "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"));
        if (!q.path("bare").asBoolean()) line.addAll(List.of("--bootstrap-server", q.get("bootstrap").asText()));
        if (!q.hasNonNull("main")) line.addAll(List.of("--timeout", "30000")); // its 5 s are few where others are busy
        if (q.hasNonNull("security")) {
            Path file = Files.createTempFile("login", ".properties");
            file.toFile().deleteOnExit();
            Properties p = new Properties();
            p.putAll(login(q));
            try (Writer out = Files.newBufferedWriter(file)) {
                p.store(out, null);
            }
            line.addAll(List.of(q.path("bare").asBoolean() ? "--producer.config" : "--command-config", file.toString()));
        }
        for (JsonNode w : q.get("words")) line.add(w.asText());
        Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes());
        int code = process.waitFor();
        if (code != 0 || text.contains("Error: ")) throw new IllegalStateException(String.join(" ", line.subList(7, line.size())) + " ended with " + code + ": " + text);
        answer.put("text", text);
    }
}
