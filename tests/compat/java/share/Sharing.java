import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicIdPartition;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * A member of a share group (KafkaShareConsumer), and what an administrator does with such groups. The line protocol of tests/compat/member.py.
 */
public class Sharing {
    static final ObjectMapper json = new ObjectMapper();
    static KafkaShareConsumer<String, String> consumer;
    static Admin admin;
    static final Map<String, ConsumerRecord<String, String>> held = new HashMap<>();

    public static void main(String[] words) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            JsonNode q = json.readTree(line);
            ObjectNode answer = json.createObjectNode();
            try {
                act(q, answer);
            } catch (Exception e) {
                Throwable why = e.getCause() == null ? e : e.getCause();
                answer.put("error", why.getClass().getSimpleName() + ": " + why.getMessage());
            }
            out.println(answer);
            out.flush();
            if (q.get("do").asText().equals("close")) break;
        }
        Runtime.getRuntime().halt(0);
    }

    static void act(JsonNode q, ObjectNode answer) throws Exception {
        switch (q.get("do").asText()) {
            case "hello" -> answer.put("client", "java-share 4.4.0");
            case "open" -> open(q);
            case "poll" -> poll(q, answer);
            case "acknowledge" -> {
                for (JsonNode one : q.get("records"))
                    consumer.acknowledge(held.get(one.get("partition").asInt() + ":" + one.get("offset").asLong()),
                        AcknowledgeType.valueOf(one.get("type").asText().toUpperCase()));
            }
            case "commit" -> {
                ArrayNode failed = answer.putArray("failed");
                Map<TopicIdPartition, Optional<KafkaException>> results = consumer.commitSync(Duration.ofSeconds(20));
                for (Map.Entry<TopicIdPartition, Optional<KafkaException>> one : results.entrySet())
                    one.getValue().ifPresent(e -> failed.add(one.getKey().partition() + " " + e));
            }
            case "set" -> set(q);
            case "groups" -> groups(answer);
            case "describe" -> answer.put("state", admin.describeShareGroups(List.of(q.get("group").asText())).all().get()
                .get(q.get("group").asText()).toString());
            case "offsets" -> offsets(q, answer);
            case "alter" -> {
                Map<TopicPartition, Long> to = new HashMap<>();
                for (JsonNode one : q.get("offsets"))
                    to.put(new TopicPartition(q.get("topic").asText(), one.get(0).asInt()), one.get(1).asLong());
                admin.alterShareGroupOffsets(q.get("group").asText(), to).all().get();
            }
            case "forget" -> admin.deleteShareGroupOffsets(q.get("group").asText(), Set.of(q.get("topic").asText())).all().get();
            case "delete" -> admin.deleteShareGroups(List.of(q.get("group").asText())).all().get();
            case "close" -> {
                if (consumer != null) consumer.close(Duration.ofSeconds(20));
                if (admin != null) admin.close(Duration.ofSeconds(5));
            }
            default -> answer.put("error", "there is no " + q.get("do"));
        }
    }

    static void open(JsonNode q) {
        Properties p = new Properties();
        p.put("bootstrap.servers", q.get("bootstrap").asText());
        q.path("security").path("java").fields().forEachRemaining(e -> p.put(e.getKey(), e.getValue().asText()));
        admin = Admin.create(p);
        if (!q.hasNonNull("topic")) return;
        p.put("group.id", q.get("group").asText());
        p.put("key.deserializer", StringDeserializer.class);
        p.put("value.deserializer", StringDeserializer.class);
        q.get("config").fields().forEachRemaining(e -> p.put(e.getKey(), e.getValue().asText()));
        consumer = new KafkaShareConsumer<>(p);
        consumer.subscribe(List.of(q.get("topic").asText()));
    }

    static void poll(JsonNode q, ObjectNode answer) {
        ArrayNode records = answer.putArray("records");
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(q.get("ms").asInt()))) {
            held.put(record.partition() + ":" + record.offset(), record);
            ObjectNode one = records.addObject();
            one.put("partition", record.partition());
            one.put("offset", record.offset());
            one.put("value", record.value());
            one.put("count", record.deliveryCount().orElse((short) 0));
        }
    }

    static void set(JsonNode q) throws Exception {
        ConfigResource group = new ConfigResource(ConfigResource.Type.GROUP, q.get("group").asText());
        ConfigEntry entry = new ConfigEntry(q.get("name").asText(), q.get("value").asText());
        admin.incrementalAlterConfigs(Map.of(group, List.of(new AlterConfigOp(entry, AlterConfigOp.OpType.SET)))).all().get();
    }

    static void groups(ObjectNode answer) throws Exception {
        ArrayNode all = answer.putArray("groups");
        for (GroupListing group : admin.listGroups(ListGroupsOptions.forShareGroups()).all().get())
            all.add(group.groupId() + " " + group.type().get() + " " + group.groupState().get());
    }

    static void offsets(JsonNode q, ObjectNode answer) throws Exception {
        ArrayNode all = answer.putArray("offsets");
        String group = q.get("group").asText();
        admin.listShareGroupOffsets(Map.of(group, new ListShareGroupOffsetsSpec())).partitionsToOffsetInfo(group).get()
            .forEach((tp, info) -> {
                ArrayNode one = all.addArray().add(tp.partition());
                if (info != null) one.add(info.startOffset()).add(info.lag().orElse(-1L));
            });
    }
}
