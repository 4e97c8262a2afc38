/*
 * Writes the names of all settings of Apache Kafka, so that ours are complete by a test and not by care:
 *
 *   mvn -q -B -f tests/golden/kafka/pom.xml dependency:copy-dependencies -DoutputDirectory=$PWD/build/golden-kafka
 *   java -cp 'build/golden-kafka/*' tests/golden/kafka/Settings.java > tests/golden/kafka_settings.txt
 *
 * One line a setting: topic|group|broker name TYPE synonyms default. Synonyms are the broker's settings behind one of a topic or group, with
 * commas, or "-"; what is internal to Kafka is left out for topics (nobody can set it) and kept for brokers. Behind them, one line for each of the
 * broker's that may change while it runs: dynamic name cluster-wide|per-broker - -.
 */
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.coordinator.group.GroupConfig;
import org.apache.kafka.server.config.ConfigSynonym;
import org.apache.kafka.server.config.DynamicBrokerConfig;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.storage.internals.log.LogConfig;

public final class Settings {
    public static void main(String[] args) {
        print("topic", LogConfig.configDefCopy());
        print("group", GroupConfig.CONFIG_DEF);
        print("broker", kafka.server.KafkaConfig.configDef());
        new TreeMap<>(DynamicBrokerConfig.dynamicConfigUpdateModes()).forEach((name, mode) -> System.out.println("dynamic " + name + " " + mode + " - -"));
    }

    private static void print(String kind, ConfigDef settings) {
        for (ConfigDef.ConfigKey key : new TreeMap<>(settings.configKeys()).values()) {
            if (kind.equals("topic") && key.internalConfig) continue;
            System.out.println(kind + " " + key.name + " " + key.type + " " + synonyms(kind, key.name) + " " + (key.hasDefault() ? key.defaultValue : "-"));
        }
    }

    private static String synonyms(String kind, String name) {
        if (kind.equals("group")) return GroupConfig.brokerSynonym(name).orElse("-");
        List<ConfigSynonym> synonyms = ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS.getOrDefault(name, List.of());
        return kind.equals("broker") || synonyms.isEmpty() ? "-" : synonyms.stream().map(ConfigSynonym::name).collect(Collectors.joining(","));
    }
}
