/* What a dead letter looks like. */
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "broker/letters/letter_batch.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/unit.h"

static const struct letter_origin origin = {.topic = "orders", .group = "g", .partition = 7};

static struct record_header header(const char *key, const char *value) {
    return (struct record_header){.key = key,
                                  .key_len = (int32_t)strlen(key),
                                  .value = (const uint8_t *)value,
                                  .value_len = (int32_t)strlen(value)};
}

/* A record that a topic has, with headers of its own and of an earlier death. */
static struct letter letter_of(const char *key, const char *value) {
    struct record_header headers[] = {header("mine", "1"),
                                      header("deliver-in", "x"),
                                      header("deliver-at", "2"),
                                      header("deliver-cancel", "3"),
                                      header("ttl-ms", "4"),
                                      header("ttl-m", "5"),
                                      header("__dlq.errors.group", "old"),
                                      header("__dlq.errors.truncated", "true")};
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    record_batch_builder_append(builder, 1000, key, key == NULL ? -1 : (int32_t)strlen(key), value,
                                value == NULL ? -1 : (int32_t)strlen(value), headers, 8);
    uint8_t *bytes;
    size_t len, at = 0;
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    struct record_batch batch;
    struct record_iterator records;
    struct record record;
    assert_int_equal(record_batch_next(bytes, len, &at, &batch, NULL), ERR_NONE);
    assert_int_equal(record_iterator_open(&records, &batch, 10000), ERR_NONE);
    assert_int_equal(record_iterator_next(&records, &record), ERR_NONE);
    struct letter letter = {.offset = 41, .died_ms = 5000, .count = 3, .reason = SHARE_EXHAUSTED};
    letter_take(&letter, &record);
    record_iterator_close(&records);
    mem_free(bytes);
    return letter;
}

static void assert_headers(struct record record, const char *const *wanted) {
    struct record_header got;
    for (; *wanted != NULL; wanted += 2) {
        assert_int_equal(record_header_next(&record, &got), ERR_NONE);
        assert_int_equal(got.key_len, strlen(wanted[0]));
        assert_memory_equal(got.key, wanted[0], strlen(wanted[0]));
        assert_int_equal(got.value_len, strlen(wanted[1]));
        assert_memory_equal(got.value, wanted[1], strlen(wanted[1]));
    }
    assert_int_equal(record_header_next(&record, &got), ERR_EOF);
}

struct written {
    uint8_t *bytes;
    struct record_batch batch;
    struct record_iterator records;
};

static void write(struct written *into, const struct letter *letters, size_t count, bool bare) {
    size_t len, at = 0;
    assert_true(letters_write(letters, count, &origin, 99, 12, bare, &into->bytes, &len));
    assert_int_equal(record_batch_next(into->bytes, len, &at, &into->batch, NULL), ERR_NONE);
    assert_int_equal(record_batch_check_crc(&into->batch), ERR_NONE);
    assert_int_equal(into->batch.producer_id, 99);
    assert_int_equal(into->batch.base_sequence, 12);
    assert_int_equal(into->batch.record_count, count);
    assert_int_equal(record_iterator_open(&into->records, &into->batch, 10000), ERR_NONE);
}

static void end(struct written *written) {
    record_iterator_close(&written->records);
    mem_free(written->bytes);
}

/* Its own headers first, ours behind; those of an earlier death are gone, and what asks for
 * something asks no more. */
static void test_whole(void **state) {
    (void)state;
    struct letter letters[] = {letter_of("k", "v"), letter_of(NULL, NULL)};
    struct written written;
    struct record record;
    letters[1].offset = 43;
    letters[1].reason = SHARE_REJECTED;
    write(&written, letters, 2, false);
    assert_int_equal(record_iterator_next(&written.records, &record), ERR_NONE);
    assert_int_equal(record.timestamp_ms, 5000);
    assert_int_equal(record.key_len, 1);
    assert_memory_equal(record.value, "v", 1);
    static const char *const first[] = {"mine",
                                        "1",
                                        "__dlq.deliver-in",
                                        "x",
                                        "__dlq.deliver-at",
                                        "2",
                                        "__dlq.deliver-cancel",
                                        "3",
                                        "__dlq.ttl-ms",
                                        "4",
                                        "ttl-m",
                                        "5",
                                        "__dlq.errors.topic",
                                        "orders",
                                        "__dlq.errors.partition",
                                        "7",
                                        "__dlq.errors.offset",
                                        "41",
                                        "__dlq.errors.group",
                                        "g",
                                        "__dlq.errors.delivery.count",
                                        "3",
                                        "__dlq.errors.message",
                                        "Offset delivery count exceeded the threshold.",
                                        "__dlq.errors.timestamp",
                                        "1000",
                                        NULL};
    assert_headers(record, first);
    assert_int_equal(record_iterator_next(&written.records, &record), ERR_NONE);
    assert_null(record.key);
    assert_null(record.value);
    static const char *const second[] = {"mine",
                                         "1",
                                         "__dlq.deliver-in",
                                         "x",
                                         "__dlq.deliver-at",
                                         "2",
                                         "__dlq.deliver-cancel",
                                         "3",
                                         "__dlq.ttl-ms",
                                         "4",
                                         "ttl-m",
                                         "5",
                                         "__dlq.errors.topic",
                                         "orders",
                                         "__dlq.errors.partition",
                                         "7",
                                         "__dlq.errors.offset",
                                         "43",
                                         "__dlq.errors.group",
                                         "g",
                                         "__dlq.errors.delivery.count",
                                         "3",
                                         "__dlq.errors.message",
                                         "Offset rejected by client.",
                                         "__dlq.errors.timestamp",
                                         "1000",
                                         NULL};
    assert_headers(record, second);
    end(&written);
    letter_drop(&letters[0]);
    letter_drop(&letters[1]);
}

/* What is said of their size is enough for a batch, however long the names are; else letters that
 * have room would come without their records. */
static void test_size(void **state) {
    (void)state;
    char topic[250], group[1000];
    memset(topic, 't', sizeof topic - 1);
    memset(group, 'g', sizeof group - 1);
    topic[sizeof topic - 1] = group[sizeof group - 1] = '\0';
    struct letter_origin named = {.topic = topic, .group = group, .partition = INT32_MAX};
    for (size_t count = 1; count <= 2; count++) {
        struct letter letters[] = {letter_of("k", "v"), letter_of(NULL, "value")};
        size_t len, said = 0;
        uint8_t *bytes;
        for (size_t i = 0; i < 2; i++) {
            letters[i].offset = letters[i].record.timestamp_ms = INT64_MAX - 2 + (int64_t)i;
            letters[i].count = UINT16_MAX;
            letters[i].died_ms = 0;
            if (i < count) said += letter_own_size(&named) + letter_size(&letters[i]);
        }
        assert_true(letters_write(letters, count, &named, INT64_MAX, 0, false, &bytes, &len));
        assert_in_range(len, said / 2, said);
        mem_free(bytes);
        assert_true(letters_write(letters, count, &named, INT64_MAX, 0, true, &bytes, &len));
        assert_in_range(len, 1, said);
        mem_free(bytes);
        letter_drop(&letters[0]);
        letter_drop(&letters[1]);
    }
}

/* One that is too large, and one that is gone, have only where they were. */
static void test_bare(void **state) {
    (void)state;
    struct letter letters[] = {
        letter_of("k", "v"), {.offset = 44, .died_ms = 6000, .count = 1, .reason = SHARE_REJECTED}};
    struct written written;
    struct record record;
    write(&written, letters, 2, true);
    assert_int_equal(record_iterator_next(&written.records, &record), ERR_NONE);
    assert_null(record.key);
    static const char *const first[] = {"__dlq.errors.topic",
                                        "orders",
                                        "__dlq.errors.partition",
                                        "7",
                                        "__dlq.errors.offset",
                                        "41",
                                        "__dlq.errors.group",
                                        "g",
                                        "__dlq.errors.delivery.count",
                                        "3",
                                        "__dlq.errors.message",
                                        "Offset delivery count exceeded the threshold.",
                                        "__dlq.errors.timestamp",
                                        "1000",
                                        "__dlq.errors.truncated",
                                        "true",
                                        NULL};
    assert_headers(record, first);
    assert_int_equal(record_iterator_next(&written.records, &record), ERR_NONE);
    static const char *const second[] = {"__dlq.errors.topic",
                                         "orders",
                                         "__dlq.errors.partition",
                                         "7",
                                         "__dlq.errors.offset",
                                         "44",
                                         "__dlq.errors.group",
                                         "g",
                                         "__dlq.errors.delivery.count",
                                         "1",
                                         "__dlq.errors.message",
                                         "Offset rejected by client.",
                                         NULL};
    assert_headers(record, second);
    end(&written);
    letter_drop(&letters[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_bare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
