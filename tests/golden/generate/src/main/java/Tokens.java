/*
 * What Kafka's token buckets say of random use: a shape and a rate ("shape SAMPLES SAMPLE_MS RATE"), then what is in the bucket
 * ("has MS TOKENS THROTTLE_MS", as ControllerMutationQuotaManager has it), and what is taken ("take MS TOKENS").
 */
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.metrics.Quota;
import org.apache.kafka.common.metrics.stats.TokenBucket;

final class Tokens {
    private static final int RUNS = 40, STEPS = 50;

    static String lines() {
        Random random = new Random(101);
        StringBuilder lines = new StringBuilder();
        for (int run = 0; run < RUNS; run++) addRun(lines, random);
        return lines.toString();
    }

    private static void addRun(StringBuilder lines, Random random) {
        int samples = 1 + random.nextInt(12), seconds = 1 + random.nextInt(3);
        double rate = random.nextInt(3) == 0 ? random.nextDouble() : 1 + random.nextInt(50);
        MetricConfig config = new MetricConfig().samples(samples).timeWindow(seconds, TimeUnit.SECONDS).quota(Quota.upperBound(rate));
        TokenBucket bucket = new TokenBucket();
        long now = 1000000000L + random.nextInt(5000);
        lines.append("shape ").append(samples).append(' ').append(seconds * 1000).append(' ').append(rate).append('\n');
        for (int step = 0; step < STEPS; step++) {
            now += random.nextInt(10) == 0 ? random.nextInt(60000) : random.nextInt(900);
            if (random.nextInt(3) != 0) {
                int taken = 1 + random.nextInt(random.nextInt(5) == 0 ? 1000 : 40);
                bucket.record(config, taken, now);
                lines.append("take ").append(now).append(' ').append(taken).append('\n');
            }
            double tokens = bucket.measure(config, now);
            long throttle = tokens >= 0 ? 0 : Math.round(-tokens / rate * 1000);
            lines.append("has ").append(now).append(' ').append(tokens).append(' ').append(throttle).append('\n');
        }
    }
}
