/* The table of metrics, and snapshots as text. */

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/observe/snapshot_text.h"
#include "broker/observe/topic_sums.h"
#include "tests/unit/unit.h"

static char *text_of(struct slice slice) {
    char *text = mem_strndup((const char *)slice.data, slice.len);
    slice_unref(&slice);
    return text;
}

/* Every metric has its row; names are those of a counter or not, and no two are the same. */
static void test_metric_table_is_whole(void **state) {
    (void)state;
    const struct metric_row *table = metric_table();
    for (int i = 0; i < METRICS; i++) {
        assert_non_null(table[i].name);
        size_t len = strlen(table[i].name);
        bool total = len > 6 && strcmp(table[i].name + len - 6, "_total") == 0;
        assert_int_equal(total, table[i].type == METRIC_COUNTER);
        assert_int_equal(table[i].kind != NULL, table[i].type == METRIC_HISTOGRAM);
        assert_true(strncmp(table[i].name, "drave_", 6) == 0 ||
                    strncmp(table[i].name, "process_", 8) == 0);
        for (const char *at = table[i].name; *at != '\0'; at++)
            assert_true(islower((unsigned char)*at) || *at == '_');
        assert_null(strpbrk(table[i].help, "\\\n"));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(table[i].name, table[j].name);
    }
}

/* Numbers, labels and histograms as Prometheus reads them; those of the second behind the first. */
static void test_metrics_text(void **state) {
    (void)state;
    struct snapshot *first = snapshot_new(), *second = snapshot_new();
    snapshot_add(first, METRIC_READY, 1);
    snapshot_add2(first, METRIC_REQUESTS, 9007199254740991.0, snapshot_text(first, "Produce", 7),
                  snapshot_text(first, "9", 1));
    snapshot_add2(second, METRIC_REQUESTS, 0.25, snapshot_text(second, "Fetch", 5),
                  snapshot_text(second, "", 0));
    struct buckets sync = {0};
    buckets_add(&sync, &bounds_sync, 100);
    buckets_add(&sync, &bounds_sync, 101);
    buckets_add(&sync, &bounds_sync, 60000000);
    snapshot_add_histogram(first, METRIC_JOURNAL_SYNC, &sync, 0);
    char *text = text_of(metrics_text(first, second));
    assert_non_null(strstr(text, "# TYPE drave_ready gauge\ndrave_ready 1\n"));
    assert_non_null(strstr(text, "# TYPE drave_requests_total counter\n"
                                 "drave_requests_total{api=\"Produce\",version=\"9\"} "
                                 "9007199254740991\n"
                                 "drave_requests_total{api=\"Fetch\",version=\"\"} 0.25\n"));
    assert_non_null(strstr(text, "drave_journal_sync_seconds_bucket{le=\"0.0001\"} 1\n"
                                 "drave_journal_sync_seconds_bucket{le=\"0.0002\"} 2\n"));
    assert_non_null(strstr(text, "drave_journal_sync_seconds_bucket{le=\"5\"} 2\n"
                                 "drave_journal_sync_seconds_bucket{le=\"+Inf\"} 3\n"
                                 "drave_journal_sync_seconds_sum 60.000201\n"
                                 "drave_journal_sync_seconds_count 3\n"));
    assert_null(strstr(text, "drave_topics")); /* nobody has added one */
    mem_free(text);
    snapshot_unref(first);
    snapshot_unref(second);
}

/* Names that would break a line, or are no UTF-8, break nothing and stay different. */
static void test_metrics_text_odd_names(void **state) {
    (void)state;
    struct snapshot *snapshot = snapshot_new();
    static const char odd[] = "\n\xff\"\\\xc3\xa9";
    snapshot_add1(snapshot, METRIC_TOPIC_RECORDS, 1, snapshot_text(snapshot, odd, strlen(odd)));
    char *text = text_of(metrics_text(snapshot, NULL));
    assert_non_null(strstr(text, "{topic=\"\\\\x0a\\\\xff\\\"\\\\\xc3\xa9\"} 1\n"));
    mem_free(text);
    snapshot_unref(snapshot);
}

/* The largest topics keep their names, the sum stays right. */
static void test_topic_sums_fold(void **state) {
    (void)state;
    struct snapshot *snapshot = snapshot_new();
    struct topic_sums sums;
    topic_sums_open(&sums, 3);
    for (uint64_t i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", (int)(i * 37 % 100));
        struct topic_sum sum = {.led = 1,
                                .records = 10,
                                .stored_bytes = i * 37 % 100,
                                .fresh = {.produced_records = 2}};
        topic_sums_add(&sums, snapshot, name, &sum);
    }
    struct partition_flow ever = {.produced_records = 5};
    topic_sums_show(&sums, snapshot, &ever);
    topic_sums_close(&sums);
    char *text = text_of(metrics_text(snapshot, NULL));
    for (int i = 97; i < 100; i++) {
        char line[64];
        snprintf(line, sizeof line, "drave_topic_stored_bytes{topic=\"t%d\"} %d\n", i, i);
        assert_non_null(strstr(text, line));
    }
    assert_null(strstr(text, "t96"));
    assert_non_null(strstr(text, "drave_topic_stored_bytes{topic=\"(other)\"} 4656\n"));
    assert_non_null(strstr(text, "drave_topic_records{topic=\"(other)\"} 970\n"));
    assert_non_null(strstr(text, "drave_topic_produced_records_total{topic=\"(other)\"} 199\n"));
    assert_non_null(strstr(text, "drave_metrics_folded{kind=\"topics\"} 97\n"));
    mem_free(text);
    snapshot_unref(snapshot);
}

/* Reasons as JSON, cut when asked; beyond the limit they are counted. */
static void test_health_text(void **state) {
    (void)state;
    struct snapshot *snapshot = snapshot_new();
    char *text = text_of(health_text(&snapshot->health[HEALTH_READY], 10));
    assert_string_equal(text, "{\"ok\":true,\"reasons\":[]}\n");
    mem_free(text);
    snapshot_unwell(snapshot, HEALTH_READY, "a", "one \"%s\"", "x");
    snapshot_unwell(snapshot, HEALTH_READY, "b", "two");
    text = text_of(health_text(&snapshot->health[HEALTH_READY], 1));
    assert_string_equal(text,
                        "{\"ok\":false,\"reasons\":[{\"code\":\"a\",\"text\":\"one \\\"x\\\"\"}],"
                        "\"left_out\":1}\n");
    mem_free(text);
    for (int i = 0; i < SNAPSHOT_REASONS_MAX; i++)
        snapshot_unwell(snapshot, HEALTH_READY, "c", "more");
    assert_int_equal(snapshot->health[HEALTH_READY].count, SNAPSHOT_REASONS_MAX);
    assert_int_equal(snapshot->health[HEALTH_READY].left_out, 2);
    snapshot_unref(snapshot);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric_table_is_whole),
        cmocka_unit_test(test_metrics_text),
        cmocka_unit_test(test_metrics_text_odd_names),
        cmocka_unit_test(test_topic_sums_fold),
        cmocka_unit_test(test_health_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
