import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.Stores;

/**
 * Kafka Streams: how often each last character of a value came, from one topic to another (`c 5`), over a topic that it makes itself to bring what
 * belongs together into one partition. With exactly_once each record changes the count once, and each change is told. The state is in memory, and in a compacted topic from which the next process has it. The line protocol of
 * tests/compat/member.py.
 */
public class Counting {
    static KafkaStreams streams;
    static volatile String failure = "";

    public static void main(String[] words) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err);
        ObjectMapper json = new ObjectMapper();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            JsonNode q = json.readTree(line);
            ObjectNode answer = json.createObjectNode();
            try {
                switch (q.get("do").asText()) {
                    case "hello" -> answer.put("client", "kafka-streams " + AppInfoParser.getVersion());
                    case "open" -> open(q);
                    case "state" -> answer.put("state", streams.state() + " " + failure);
                    case "close" -> answer.put("closed", streams == null || streams.close(Duration.ofSeconds(30)));
                    default -> answer.put("error", "there is no " + q.get("do"));
                }
            } catch (Exception e) {
                e.printStackTrace();
                answer.put("error", e.toString());
            }
            out.println(answer);
            out.flush();
            if (q.get("do").asText().equals("close")) break;
        }
        Runtime.getRuntime().halt(0);
    }

    static void open(JsonNode q) throws Exception {
        Properties p = new Properties();
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, q.get("bootstrap").asText());
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, q.get("group").asText());
        p.put(StreamsConfig.STATE_DIR_CONFIG, q.get("folder").asText());
        p.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 200);
        if (q.get("exactly_once").asBoolean()) {
            p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
            p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        }
        p.put(StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, q.path("standbys").asInt(0));
        p.put(StreamsConfig.PROBING_REBALANCE_INTERVAL_MS_CONFIG, 60000); // the least: a standby that has caught up gets work
        p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, -1);
        p.put("auto.offset.reset", "earliest");
        p.put(StreamsConfig.consumerPrefix("session.timeout.ms"), 6000); // it does not leave its group when it is closed
        q.path("security").path("java").fields().forEachRemaining(e -> p.put(e.getKey(), e.getValue().asText()));
        StreamsBuilder builder = new StreamsBuilder();
        var store = Materialized.<String, Long>as(Stores.inMemoryKeyValueStore("counts"))
            .withLoggingEnabled(Map.of("segment.ms", "1000", "min.cleanable.dirty.ratio", "0.01")) // so that it is cleaned meanwhile
            .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long());
        builder.stream(q.get("topics").get(0).asText(), Consumed.with(Serdes.String(), Serdes.String()))
            .groupBy((key, value) -> value.substring(value.length() - 1), Grouped.with(Serdes.String(), Serdes.String()))
            .count(store)
            .toStream()
            .mapValues((key, n) -> key + " " + n)
            .to(q.get("topics").get(1).asText(), Produced.with(Serdes.String(), Serdes.String()));
        streams = new KafkaStreams(builder.build(), p);
        streams.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            failure = e + " " + e.getCause();
            return StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.start();
    }
}
