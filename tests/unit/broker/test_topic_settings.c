/* Names and settings of topics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "broker/topic_name.h"
#include "broker/topic_settings.h"
#include "protocol/record_batch.h"

static void refused(const char *name, const char *part) {
    struct error_text why;
    assert_int_equal(topic_name_check(name, strlen(name), &why), ERR_INVALID);
    if (strstr(why.text, part) == NULL) fail_msg("\"%s\" is not in: %s", part, why.text);
}

/* Kafka's rule for names. */
static void test_topic_name_rule(void **state) {
    (void)state;
    struct error_text why;
    char longest[251];
    memset(longest, 'a', sizeof longest);
    assert_int_equal(topic_name_check("a.B_c-9", 7, &why), ERR_NONE);
    assert_int_equal(topic_name_check(longest, 249, &why), ERR_NONE);
    assert_int_equal(topic_name_check(longest, 250, &why), ERR_INVALID);
    assert_int_equal(topic_name_check("a\0b", 3, &why), ERR_INVALID);
    refused("", "needs a name");
    refused(".", "cannot be called .");
    refused("..", "cannot be called ..");
    refused("bad name", "character 4");
    refused("\xc3\xa4", "character 1");
}

/* Names that only '.' and '_' tell apart. */
static void test_topic_names_collide(void **state) {
    (void)state;
    assert_true(topic_names_collide("a.b", 3, "a_b", 3));
    assert_false(topic_names_collide("a.b", 3, "a.b", 3));
    assert_false(topic_names_collide("a.b", 3, "a-b", 3));
    assert_false(topic_names_collide("a.b", 3, "a_bc", 4));
}

/* A topic's own value, else the broker's, else the default; unknown names get the nearest one. */
static void test_topic_settings_values(void **state) {
    (void)state;
    size_t count, rows;
    const struct setting *broker_table = broker_settings_table(&count);
    const struct topic_setting *table = topic_settings_table(&rows);
    struct settings *values = settings_new(broker_table, count);
    struct broker_settings settings;
    struct partition_settings partition;
    struct error_text why;
    struct metadata_config configs[] = {{"compression.type", "zstd"}, {"max.message.bytes", "2000"}};
    struct metadata_topic topic = {.configs = configs, .config_count = 2};
    assert_int_equal(settings_set_pair(values, "log.message.timestamp.type=LogAppendTime", &why), ERR_NONE);
    assert_int_equal(settings_set_pair(values, "message.max.bytes=5000", &why), ERR_NONE);
    assert_int_equal(broker_settings_from(values, &settings, &why), ERR_NONE);
    topic_settings_partition(&settings, &topic, &partition);
    assert_int_equal(partition.compression_type, 1 + RECORD_CODEC_ZSTD);
    assert_int_equal(partition.max_message_bytes, 2000);
    assert_true(partition.log_append_time);
    assert_int_equal(partition.min_insync_replicas, 1);
    assert_true(partition.store_lz4);
    topic_settings_partition(&settings, NULL, &partition);
    assert_int_equal(partition.max_message_bytes, 5000);
    for (size_t i = 0; i < rows; i++) { /* one meaning, two names: same kind, same default, same limits */
        const struct setting *row = setting_find(broker_table, count, table[i].broker_setting);
        assert_non_null(row);
        assert_int_equal(row->type, table[i].row.type);
        assert_string_equal(row->fallback, table[i].row.fallback);
        assert_int_equal(row->min, table[i].row.min);
        assert_int_equal(row->max, table[i].row.max);
        if (row->choices != NULL) assert_string_equal(row->choices, table[i].row.choices);
    }
    assert_int_equal(topic_settings_check("max.message.bytes", "0", &why), ERR_INVALID);
    assert_int_equal(topic_settings_check("max.mesage.bytes", "1000", &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "did you mean max.message.bytes?"));
    assert_int_equal(topic_settings_check("retention.ms", "1000", &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "there is no topic setting retention.ms"));
    settings_free(values);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topic_name_rule),
        cmocka_unit_test(test_topic_names_collide),
        cmocka_unit_test(test_topic_settings_values),
    };
    return cmocka_run_group_tests_name("topic_settings", tests, NULL, NULL);
}
