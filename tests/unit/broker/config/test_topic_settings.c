/* Names and settings of topics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/config/topic_name.h"
#include "broker/config/topic_settings.h"
#include "broker/partition_set/partition_settings.h"
#include "protocol/record/record_batch.h"
#include "tests/unit/unit.h"

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
    refused("", "Topic name is invalid: the empty string");
    refused(".", "'.' is not allowed");
    refused("..", "'..' is not allowed");
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
    struct config_pair configs[] = {{"compression.type", "zstd"}, {"max.message.bytes", "2000"}};
    struct metadata_topic topic = {.name = "orders", .configs = {configs, 2}};
    assert_int_equal(settings_set_pair(values, "log.message.timestamp.type=LogAppendTime", &why),
                     ERR_NONE);
    assert_int_equal(settings_set_pair(values, "message.max.bytes=5000", &why), ERR_NONE);
    assert_int_equal(broker_settings_from(values, &settings, &why), ERR_NONE);
    partition_settings_of(&settings, &topic, &partition);
    assert_int_equal(partition.compression_type, 1 + RECORD_CODEC_ZSTD);
    assert_int_equal(partition.max_message_bytes, 2000);
    assert_int_equal(partition.retention_ms, 604800000);
    assert_int_equal(partition.retention_bytes, -1);
    assert_int_equal(partition.file_delete_delay_ms, 60000);
    assert_true(partition.log_append_time);
    assert_int_equal(partition.min_insync_replicas, 1);
    assert_true(partition.store_lz4);
    partition_settings_of(&settings, NULL, &partition);
    assert_int_equal(partition.max_message_bytes, 5000);
    for (size_t i = 0; i < rows;
         i++) { /* one meaning, two names: same kind, same default, same limits */
        if (table[i].broker_setting == NULL) continue;
        const struct setting *row = setting_find(broker_table, count, table[i].broker_setting);
        assert_non_null(row);
        assert_int_equal(row->type, table[i].row.type);
        assert_string_equal(row->fallback, table[i].row.fallback);
        assert_int_equal(strcmp(table[i].row.name, "segment.bytes") == 0 ? 65536 : row->min,
                         table[i].row.min);
        assert_int_equal(row->max, table[i].row.max);
        if (row->choices != NULL) assert_string_equal(row->choices, table[i].row.choices);
        assert_string_equal(row->help, table[i].row.help);
        assert_int_equal(row->fixed, table[i].row.fixed);
    }
    assert_int_equal(topic_settings_check(&settings, "max.message.bytes", "0", &why), ERR_INVALID);
    assert_int_equal(topic_settings_check(&settings, "max.mesage.bytes", "1000", &why),
                     ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "did you mean max.message.bytes?"));
    assert_int_equal(topic_settings_check(&settings, "message.format.version", "3.0", &why),
                     ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "Kafka 4 has it no more"));
    assert_int_equal(topic_settings_check(&settings, "frobnicate", "1000", &why), ERR_NOT_FOUND);
    assert_non_null(strstr(why.text, "Unknown topic config name: frobnicate"));
    settings_free(values);
}

struct asked {
    const char *name, *value, *said; /* NULL: accepted */
};

/* What asks for what is so is accepted; all else is refused with the reason and with what would do,
 * in a message of Kafka's size. */
static void test_topic_settings_only_what_is_so(void **state) {
    (void)state;
    static const struct asked cases[] = {
        {"cleanup.policy", "delete", NULL},
        {"cleanup.policy", "", NULL}, /* KIP-1161: nothing is cleaned */
        {"cleanup.policy", "compact", NULL},
        {"cleanup.policy", "compact,delete", NULL},
        {"cleanup.policy", "delete,compact", NULL},
        {"cleanup.policy", "compact,compact", "each once"},
        {"cleanup.policy", "compact,", "some of compact,delete"},
        {"cleanup.policy", ",compact", "some of compact,delete"},
        {"cleanup.policy", "compactor", "some of compact,delete"},
        {"min.cleanable.dirty.ratio", "0", NULL},
        {"min.cleanable.dirty.ratio", "1.0", NULL},
        {"min.cleanable.dirty.ratio", "1.1", "from 0 to 1"},
        {"min.cleanable.dirty.ratio", "-0.1", "from 0 to 1"},
        {"min.cleanable.dirty.ratio", "half", "from 0 to 1"},
        {"min.cleanable.dirty.ratio", "nan", "from 0 to 1"},
        {"min.cleanable.dirty.ratio", "", "from 0 to 1"},
        {"min.compaction.lag.ms", "1000", NULL},
        {"max.compaction.lag.ms", "0", "1 to"},
        {"delete.retention.ms", "0", NULL},
        {"delete.retention.ms", "9223372036854775807", NULL},
        {"delete.retention.ms", "-1", "from 0"},
        {"retention.ms", "-1", NULL},
        {"retention.ms", "604800000", NULL},
        {"retention.ms", "-2", "-1"},
        {"retention.bytes", "1073741824", NULL},
        {"segment.ms", "0", "1"},
        {"file.delete.delay.ms", "0", NULL},
        {"flush.messages", "1", NULL},
        {"flush.messages", "10000", NULL},
        {"flush.ms", "9223372036854775807", NULL},
        {"flush.messages", "0", "from 1"},
        {"segment.index.bytes", "10485760", NULL},
        {"unclean.leader.election.enable", "false", NULL},
        {"unclean.leader.election.enable", "FALSE", NULL},
        {"unclean.leader.election.enable", "true", "never leads"},
        {"preallocate", "false", NULL},
        {"min.cleanable.dirty.ratio", "0.5", NULL},
        {"segment.bytes", "1073741824", NULL},
        {"segment.bytes", "52428800", NULL},
        {"segment.bytes", "65536", NULL},
        {"segment.bytes", "65535", "from 65536 to 1073741824"},
        {"index.interval.bytes", "8192",
         "All topics have the broker's log.index.interval.bytes=4096"},
        {"local.retention.ms", "-1", NULL},
        {"remote.storage.enable", "true", "on the brokers alone"},
        {"leader.replication.throttled.replicas", "", NULL},
        {"leader.replication.throttled.replicas", "*",
         "not throttled by topic. Leave it out, or empty"},
        {"compression.type", "gz\x1b[31mip", "UTF-8"},
        {"retention.ms", "-1\x01", "UTF-8 without control characters"},
        {"compression.type", "\xff", "UTF-8 without control characters"},
    };
    size_t count;
    const struct setting *broker_table = broker_settings_table(&count);
    struct settings *values = settings_new(broker_table, count);
    struct broker_settings settings;
    struct error_text why;
    assert_int_equal(broker_settings_from(values, &settings, &why), ERR_NONE);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int error = topic_settings_check(&settings, cases[i].name, cases[i].value, &why);
        assert_int_equal(error, cases[i].said == NULL ? ERR_NONE : ERR_INVALID);
        if (cases[i].said != NULL && strstr(why.text, cases[i].said) == NULL)
            fail_msg("\"%s\" is not in: %s", cases[i].said, why.text);
        assert_true(error == ERR_NONE || strlen(why.text) < 300);
    }
    settings_free(values);
}

/* What a topic asked for and the broker has no more is not shown as if it were so. */
static void test_topic_settings_of_the_broker(void **state) {
    (void)state;
    size_t count, rows;
    const struct setting *broker_table = broker_settings_table(&count);
    const struct topic_setting *table = topic_settings_table(&rows), *interval = NULL;
    struct settings *values = settings_new(broker_table, count);
    struct broker_settings settings;
    struct error_text why;
    struct config_pair configs[] = {{"index.interval.bytes", "1000000"}};
    struct config_set set = {configs, 1};
    bool own;
    for (size_t i = 0; i < rows; i++)
        if (strcmp(table[i].row.name, "index.interval.bytes") == 0) interval = &table[i];
    assert_non_null(interval);
    assert_int_equal(settings_set_pair(values, "log.index.interval.bytes=1000000", &why), ERR_NONE);
    assert_int_equal(broker_settings_from(values, &settings, &why), ERR_NONE);
    assert_int_equal(topic_settings_check(&settings, "index.interval.bytes", "1000000", &why),
                     ERR_NONE);
    assert_string_equal(topic_settings_value(&settings, &set, interval, &own), "1000000");
    assert_true(own);
    assert_int_equal(settings_set_pair(values, "log.index.interval.bytes=2000000", &why), ERR_NONE);
    assert_string_equal(topic_settings_value(&settings, &set, interval, &own), "2000000");
    assert_false(own);
    settings_free(values);
}

/* ---- Every setting of Kafka (tests/golden/kafka_settings.txt) ---- */

static void check_kafka_topic_setting(const char *name, const char *type, const char *synonyms) {
    size_t rows;
    const struct topic_setting *table = topic_settings_table(&rows), *found = NULL;
    for (size_t i = 0; i < rows; i++)
        if (strcmp(table[i].row.name, name) == 0) found = &table[i];
    if (found == NULL)
        fail_msg("Kafka's topic setting %s is not in the table of broker/config/topic_settings.c",
                 name);
    enum setting_type expected = strcmp(type, "BOOLEAN") == 0 ? SETTING_BOOL
                                 : strcmp(type, "INT") == 0 || strcmp(type, "LONG") == 0
                                     ? SETTING_INT
                                 : strcmp(type, "LIST") == 0   ? SETTING_LIST
                                 : strcmp(type, "DOUBLE") == 0 ? SETTING_DECIMAL
                                                               : found->row.type;
    assert_int_equal(found->row.type, expected);
    if (strcmp(type, "LONG") == 0) assert_true(found->row.max > INT32_MAX);
    if (strcmp(type, "INT") == 0) assert_true(found->row.max <= INT32_MAX);
    if (found->broker_setting == NULL) {
        assert_string_equal(synonyms, "-");
        return;
    }
    const char *at = strstr(synonyms, found->broker_setting);
    if (at == NULL)
        fail_msg("%s of a topic is not %s of Kafka's broker", name, found->broker_setting);
}

static bool is_rate(const char *name) {
    return strstr(name, ".replication.throttled.rate") != NULL ||
           strcmp(name, "replica.alter.log.dirs.io.max.bytes.per.second") == 0;
}

/* From wherever this is run. */
static FILE *open_kafka_settings(void) {
    const char *root = getenv("DRAVE_ROOT");
    char path[512];
    snprintf(path, sizeof path, "%s/tests/golden/kafka_settings.txt", root == NULL ? "." : root);
    return fopen(path, "re");
}

enum { LATER = 2 /* of dead letters, which Kafka has from 4.4 on */ };

/* The table has each topic setting of Kafka with its type and its broker's name; each broker
 * setting of Kafka is either in the table or has a sentence, and no sentence is for a name that
 * Kafka does not have. */
static void test_settings_are_all_of_kafkas(void **state) {
    (void)state;
    size_t count, absent_count, kafka_count = 0, found = 0;
    const struct setting *table = broker_settings_table(&count);
    const struct setting_absent *absent = broker_settings_absent(&absent_count);
    FILE *file = open_kafka_settings();
    assert_non_null(file);
    char kind[16], name[128], type[16], synonyms[256];
    for (; fscanf(file, "%15s %127s %15s %255s%*[^\n]", kind, name, type, synonyms) == 4;
         kafka_count++) {
        if (strcmp(kind, "topic") == 0) {
            check_kafka_topic_setting(name, type, synonyms);
            continue;
        }
        bool is_absent = setting_absent_why(absent, absent_count, name) != NULL;
        bool is_row = setting_find(table, count, name) != NULL;
        /* Some can be set in no file: only while a broker runs. */
        if (strcmp(kind, "broker") != 0 && (strcmp(kind, "dynamic") != 0 || !is_rate(name)))
            continue;
        if (is_absent == is_row)
            fail_msg(
                "Kafka's setting %s is in %s of broker_settings_table.c and broker_settings_absent.c",
                name, is_row ? "both" : "neither");
        found += is_absent;
    }
    assert_true(feof(file));
    fclose(file);
    assert_true(kafka_count > 300);
    assert_int_equal(found + LATER, absent_count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topic_name_rule),
        cmocka_unit_test(test_topic_names_collide),
        cmocka_unit_test(test_topic_settings_values),
        cmocka_unit_test(test_topic_settings_only_what_is_so),
        cmocka_unit_test(test_topic_settings_of_the_broker),
        cmocka_unit_test(test_settings_are_all_of_kafkas),
    };
    return cmocka_run_group_tests_name("topic_settings", tests, NULL, NULL);
}
