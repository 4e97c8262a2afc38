/* Rates, and how long to wait, as Apache Kafka's classes say them (tests/golden/quota_rates.txt,
 * written by tests/golden/generate). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "broker/quotas/rate_window.h"
#include "tests/unit/unit.h"

enum { LEAST = 3000 };

/* From wherever this is run: this program is build/PRESET/bin/NAME. */
static FILE *open_rates(void) {
    char path[4096], golden[4200];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(len > 0);
    path[len] = '\0';
    for (int up = 0; up < 4; up++)
        *strrchr(path, '/') = '\0';
    snprintf(golden, sizeof golden, "%s/tests/golden/quota_rates.txt", path);
    return fopen(golden, "re");
}

static void assert_near(double is, double wanted) {
    double off = is > wanted ? is - wanted : wanted - is, size = wanted < 0 ? -wanted : wanted;
    assert_true(off <= size * 1e-12);
}

/* Bursts, rests, what is given back, of one sample and of twelve: each rate, and each wait. */
static void test_rate_window_kafka(void **state) {
    char line[256];
    struct rate_shape shape = {0};
    struct rate_window *window = NULL;
    size_t rates = 0, waits = 0;
    FILE *file = open_rates();
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        long long now_ms, wait_ms;
        double value, limit, rate;
        if (sscanf(line, "shape %u %u", &shape.samples, &shape.sample_ms) == 2) {
            mem_free(window);
            window = mem_zalloc(rate_window_size(&shape));
        } else if (sscanf(line, "count %lld %lf", &now_ms, &value) == 2) {
            rate_record(window, &shape, value, now_ms);
        } else {
            assert_int_equal(
                sscanf(line, "rate %lld %lf %lf %lld", &now_ms, &limit, &rate, &wait_ms), 4);
            assert_near(rate_of(window, &shape, now_ms), rate);
            assert_int_equal(rate_throttle_ms(window, &shape, limit, now_ms), wait_ms);
            rates++;
            waits += wait_ms > 0;
        }
    }
    fclose(file);
    mem_free(window);
    assert_true(rates > LEAST && waits > LEAST / 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rate_window_kafka)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
