import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * Apache Kafka's own producer, transaction after transaction, for tests/integration/tools.py: bootstrap, transactional.id, topic, partitions, how many. One
 * value into each partition, every fourth transaction aborted. Prints "committed VALUE" or "unknown VALUE".
 */
public class Raising {
    static KafkaProducer<String, String> make(String[] words) {
        Properties p = new Properties();
        p.put("bootstrap.servers", words[0]);
        p.put("transactional.id", words[1]);
        p.put("transaction.timeout.ms", "10000");
        p.put("metadata.max.age.ms", "1000");
        p.put("reconnect.backoff.max.ms", "200");
        KafkaProducer<String, String> producer = new KafkaProducer<>(p, new StringSerializer(), new StringSerializer());
        producer.initTransactions();
        return producer;
    }

    /** A commit that was not heard is asked for again. */
    static void commit(KafkaProducer<String, String> producer) {
        for (;;) {
            try {
                producer.commitTransaction();
                return;
            } catch (TimeoutException e) {
                System.err.println(e);
            }
        }
    }

    public static void main(String[] words) throws Exception {
        KafkaProducer<String, String> producer = make(words);
        int partitions = Integer.parseInt(words[3]), count = Integer.parseInt(words[4]);
        for (int n = 1; n <= count; n++) {
            String value = words[1] + "-" + n;
            boolean commits = n % 4 > 0, begun = false;
            try {
                producer.beginTransaction();
                for (int i = 0; i < partitions; i++) producer.send(new ProducerRecord<>(words[2], i, null, value));
                producer.flush();
                begun = commits;
                if (commits) {
                    commit(producer);
                    System.out.println("committed " + value);
                } else {
                    producer.abortTransaction();
                    System.out.println("aborted " + value);
                }
            } catch (KafkaException e) {
                System.err.println(e);
                System.out.println((begun ? "unknown " : "aborted ") + value);
                producer.close();
                producer = make(words);
            }
            System.out.flush();
        }
        producer.close();
    }
}
