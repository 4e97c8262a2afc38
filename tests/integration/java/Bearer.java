import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.security.auth.callback.Callback;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerTokenCallback;
import org.apache.kafka.common.serialization.StringSerializer;

/** Bearer BROKERS FILE SECONDS: writes to t for so long, logged in with the tokens of the file, one a line, one after the other. */
public class Bearer {
    static Path file;
    static int taken;

    record Token(String value, long lifetimeMs, Long startTimeMs, String principalName, Set<String> scope) implements OAuthBearerToken {}

    static long number(String claims, String name) {
        Matcher found = Pattern.compile("\"" + name + "\": ?(\\d+)").matcher(claims);
        if (!found.find()) throw new IllegalArgumentException(claims);
        return Long.parseLong(found.group(1)) * 1000;
    }

    public static class Handler implements AuthenticateCallbackHandler {
        public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) {}

        public void close() {}

        public void handle(Callback[] callbacks) {
            for (Callback one : callbacks)
                if (one instanceof OAuthBearerTokenCallback wanted) wanted.token(next());
        }

        /** One after the other, then the last. */
        static Token next() {
            try {
                List<String> lines = Files.readAllLines(file);
                String line = lines.get(Math.min(taken++, lines.size() - 1));
                String claims = new String(Base64.getUrlDecoder().decode(line.split("\\.")[1]));
                return new Token(line, number(claims, "exp"), number(claims, "iat"), "alice", Set.of());
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
    }

    public static void main(String[] words) throws Exception {
        file = Path.of(words[1]);
        long end = System.currentTimeMillis() + 1000 * Long.parseLong(words[2]);
        int written = 0;
        Map<String, Object> properties = Map.of(
            "bootstrap.servers", words[0],
            "security.protocol", "SASL_PLAINTEXT",
            "sasl.mechanism", "OAUTHBEARER",
            "sasl.login.callback.handler.class", Handler.class,
            "sasl.login.refresh.min.period.seconds", "0",
            "sasl.login.refresh.buffer.seconds", "1",
            "sasl.login.refresh.window.factor", "0.5",
            "max.block.ms", "10000",
            "sasl.jaas.config", "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
            do {
                producer.send(new ProducerRecord<>("t", "from Java")).get();
                written++;
                Thread.sleep(100);
            } while (System.currentTimeMillis() < end);
        }
        System.out.println(written + " written");
    }
}
