/* Tokens, and how long to wait for them, as Apache Kafka's class says them
 * (tests/golden/quota_tokens.txt, written by tests/golden/generate). */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/quotas/token_bucket.h"
#include "tests/unit/unit.h"

enum { LEAST = 1500 };

/* From wherever this is run: this program is build/PRESET/bin/NAME. */
static FILE *open_tokens(void) {
    char path[4096], golden[4200];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(len > 0);
    path[len] = '\0';
    for (int up = 0; up < 4; up++)
        *strrchr(path, '/') = '\0';
    snprintf(golden, sizeof golden, "%s/tests/golden/quota_tokens.txt", path);
    return fopen(golden, "re");
}

static void assert_near(double is, double wanted) {
    double off = is > wanted ? is - wanted : wanted - is;
    assert_true(off <= 1e-6);
}

/* Full at first, debts, rests: what is in it, and each wait. */
static void test_token_bucket_kafka(void **state) {
    char line[256];
    struct rate_shape shape = {0};
    struct token_bucket bucket = {0};
    size_t looks = 0, waits = 0;
    double rate = 0, tokens;
    long long now_ms, wait_ms;
    FILE *file = open_tokens();
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "shape %u %u %lf", &shape.samples, &shape.sample_ms, &rate) == 3) {
            bucket = (struct token_bucket){0};
        } else if (sscanf(line, "take %lld %lf", &now_ms, &tokens) == 2) {
            token_bucket_fill(&bucket, &shape, rate, now_ms);
            token_bucket_take(&bucket, tokens);
        } else {
            assert_int_equal(sscanf(line, "has %lld %lf %lld", &now_ms, &tokens, &wait_ms), 3);
            assert_near(token_bucket_fill(&bucket, &shape, rate, now_ms), tokens);
            assert_int_equal(token_bucket_wait_ms(&bucket, rate), wait_ms);
            looks++;
            waits += wait_ms > 0;
        }
    }
    fclose(file);
    assert_true(looks > LEAST && waits > LEAST / 5);
}

/* A clock that goes back gives nothing and takes nothing. */
static void test_token_bucket_clock(void **state) {
    const struct rate_shape shape = {.samples = 2, .sample_ms = 1000};
    struct token_bucket bucket = {0};
    (void)state;
    assert_near(token_bucket_fill(&bucket, &shape, 5, 10000), 10);
    token_bucket_take(&bucket, 12);
    assert_near(token_bucket_fill(&bucket, &shape, 5, 9000), -2);
    assert_near(token_bucket_fill(&bucket, &shape, 5, 10200), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_token_bucket_kafka),
                                       cmocka_unit_test(test_token_bucket_clock)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
