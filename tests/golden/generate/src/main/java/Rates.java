/*
 * What Kafka's rates and quotas say of random use: a shape ("shape SAMPLES SAMPLE_MS"), then what is counted ("count MS VALUE"), and what its
 * quota says behind it ("rate MS LIMIT RATE THROTTLE_MS", as ClientQuotaManager has it: 0 is not above the limit).
 */
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.MetricName;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.metrics.stats.Rate;

final class Rates {
    private static final int RUNS = 60, STEPS = 60;

    static String lines() {
        Random random = new Random(90);
        StringBuilder lines = new StringBuilder();
        for (int run = 0; run < RUNS; run++) addRun(lines, random, run);
        return lines.toString();
    }

    private static void addRun(StringBuilder lines, Random random, int run) {
        int samples = run % 3 == 0 ? 11 : 1 + random.nextInt(12), seconds = run % 4 == 0 ? 1 + random.nextInt(3) : 1;
        MetricConfig config = new MetricConfig().samples(samples).timeWindow(seconds, TimeUnit.SECONDS);
        Rate rate = new Rate();
        long now = 1000 + random.nextInt(5000);
        double limit = 1 + random.nextInt(2000);
        lines.append("shape ").append(samples).append(' ').append(seconds * 1000).append('\n');
        for (int step = 0; step < STEPS; step++) {
            now += random.nextInt(20) == 0 ? random.nextInt(30000) : random.nextInt(run % 2 == 0 ? 300 : 2500);
            double value = random.nextInt(8) == 0 ? -random.nextInt(500) : random.nextInt(4000);
            if (random.nextInt(6) != 0) {
                rate.record(config, value, now);
                lines.append("count ").append(now).append(' ').append(value).append('\n');
            }
            double measured = rate.measure(config, now);
            long throttle = measured <= limit ? 0 : Math.round((measured - limit) / limit * rate.windowSize(config, now));
            lines.append("rate ").append(now).append(' ').append(limit).append(' ').append(measured).append(' ').append(throttle).append('\n');
        }
    }
}
