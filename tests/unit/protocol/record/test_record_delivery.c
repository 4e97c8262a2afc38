/* What headers say of when a record is to be delivered, and batches of which some are held back. */
#include <string.h>

#include "base/mem.h"
#include "protocol/record/held_batch.h"
#include "protocol/record/record_batch_builder.h"
#include "protocol/record/record_batch_layout.h"
#include "protocol/record/record_check.h"
#include "protocol/record/record_delivery.h"
#include "protocol/record/transaction_marker.h"
#include "tests/unit/unit.h"

enum { NOW = 1000000 };

/* ---- Headers ---- */

struct asked {
    const char *name, *value;
};

static struct record_header header_of(struct asked asked) {
    return (struct record_header){.key = asked.name,
                                  .key_len = (int32_t)strlen(asked.name),
                                  .value = (const uint8_t *)asked.value,
                                  .value_len = asked.value ? (int32_t)strlen(asked.value) : -1};
}

/* A batch of one record with these headers. */
static uint8_t *batch_with(const struct asked *asked, int count, size_t *len) {
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    struct record_header headers[4];
    uint8_t *bytes;
    for (int i = 0; i < count; i++)
        headers[i] = header_of(asked[i]);
    record_batch_builder_append(builder, 5, "key", 3, "value", 5, headers, count);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, len), ERR_NONE);
    return bytes;
}

static int read_all(const struct asked *asked, int count, struct record_delivery *delivery) {
    size_t len;
    uint8_t *bytes = batch_with(asked, count, &len);
    struct record_batch batch;
    struct record_iterator records;
    struct record record;
    struct error_text why = {.text = ""};
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    assert_int_equal(record_iterator_open(&records, &batch, 1 << 20), ERR_NONE);
    assert_int_equal(record_iterator_next(&records, &record), ERR_NONE);
    int error = record_delivery_read(&record, NOW, delivery, &why);
    assert_true((error == ERR_NONE) == (why.text[0] == '\0'));
    record_iterator_close(&records);
    mem_free(bytes);
    return error;
}

static int read_one(const struct record_header *header, struct record_delivery *delivery) {
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    uint8_t *bytes;
    size_t len;
    struct record_batch batch;
    struct record_iterator records;
    struct record record;
    record_batch_builder_append(builder, 5, "key", 3, "value", 5, header, 1);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &len), ERR_NONE);
    assert_int_equal(record_batch_parse(bytes, len, &batch, NULL), ERR_NONE);
    assert_int_equal(record_iterator_open(&records, &batch, len), ERR_NONE);
    assert_int_equal(record_iterator_next(&records, &record), ERR_NONE);
    int error = record_delivery_read(&record, NOW, delivery, NULL);
    record_iterator_close(&records);
    mem_free(bytes);
    return error;
}

static int64_t due_of(const char *name, const char *value) {
    struct record_delivery delivery;
    int error = read_all(&(struct asked){name, value}, 1, &delivery);
    if (error != ERR_NONE) return -1;
    return delivery.kind == DELIVERY_LATER ? delivery.due_ms : 0;
}

/* Numbers, dates and durations; what is over is no delay. */
static void test_times(void **state) {
    (void)state;
    assert_int_equal(due_of("deliver-at", "1000001"), 1000001);
    assert_int_equal(due_of("deliver-at", "1000000"), 0);
    assert_int_equal(due_of("deliver-at", "0"), 0);
    assert_int_equal(due_of("deliver-at", "2026-11-28T10:00:00.5Z"), INT64_C(1795860000500));
    assert_int_equal(due_of("deliver-at", "2026-11-28T10:00:00+02:00"), INT64_C(1795852800000));
    assert_int_equal(due_of("deliver-at", "1970-01-01T00:00:00Z"), 0);
    assert_int_equal(due_of("deliver-in", "250"), NOW + 250);
    assert_int_equal(due_of("deliver-in", "0"), 0);
    assert_int_equal(due_of("deliver-in", "PT15M"), NOW + 900000);
    assert_int_equal(due_of("deliver-in", "P1DT0.5S"), NOW + 86400500);
    assert_int_equal(due_of("other", "PT15M"), 0);
    struct record_delivery delivery;
    assert_int_equal(read_all(&(struct asked){"deliver-cancel", "17"}, 1, &delivery), ERR_NONE);
    assert_int_equal(delivery.kind, DELIVERY_CANCEL);
    assert_int_equal(delivery.offset, 17);
}

/* What says nothing, or two things, is refused with a sentence. */
static void test_what_is_no_time(void **state) {
    (void)state;
    static const char *const at[] =
        {"", "-1", "1e3", " 5", "tomorrow", "2026-13-01", "1234567890123456789"},
                             *const in[] = {"", "-1", "15m", "PT", "-PT5S", "P1Y", "PT15M "};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        assert_int_equal(due_of("deliver-at", at[i]), -1);
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        assert_int_equal(due_of("deliver-in", in[i]), -1);
    assert_int_equal(due_of("deliver-at", NULL), -1);
    assert_int_equal(due_of("deliver-in", NULL), -1);
    assert_int_equal(due_of("deliver-cancel", "x"), -1);
    struct record_delivery delivery;
    struct record_header nul = {"deliver-in", 10, (const uint8_t *)"PT1M\0S", 6};
    for (; nul.value_len > 4; nul.value_len--)
        assert_int_equal(read_one(&nul, &delivery), ERR_MALFORMED);
    assert_int_equal(read_one(&nul, &delivery), ERR_NONE);
    struct asked both[] = {{"deliver-at", "1000001"}, {"a", "b"}, {"deliver-in", "5"}};
    struct asked twice[] = {{"deliver-in", "5"}, {"deliver-in", "5"}};
    assert_int_equal(read_all(both, 3, &delivery), ERR_MALFORMED);
    assert_int_equal(read_all(both, 2, &delivery), ERR_NONE);
    assert_int_equal(read_all(twice, 2, &delivery), ERR_MALFORMED);
}

/* Found where there is one, and not where the text stands elsewhere. */
static void test_may_be_in(void **state) {
    (void)state;
    struct asked with[] = {{"a", "b"}, {"deliver-cancel", "5"}}, without[] = {{"a", "b"}};
    for (int i = 0; i < 2; i++) {
        size_t len;
        uint8_t *bytes = batch_with(i == 0 ? with : without, i == 0 ? 2 : 1, &len);
        assert_int_equal(record_delivery_may_be_in(bytes, len), i == 0);
        mem_free(bytes);
    }
    assert_false(record_delivery_may_be_in((const uint8_t *)"we deliver-in time", 18));
    assert_false(record_delivery_may_be_in((const uint8_t *)"deliver-in", 10));
}

/* Also where it lies across pieces, whatever these are. */
static void test_may_be_in_pieces(void **state) {
    (void)state;
    struct asked with[] = {{"a", "b"}, {"deliver-cancel", "5"}}, without[] = {{"a", "b"}};
    for (int i = 0; i < 2; i++) {
        size_t len;
        uint8_t *bytes = batch_with(i == 0 ? with : without, i == 0 ? 2 : 1, &len);
        for (size_t size = 1; size <= len; size++) {
            struct delivery_search search = {0};
            for (size_t at = 0; at < len; at += size) {
                record_delivery_search(&search, bytes + at, len - at < size ? len - at : size);
                record_delivery_search(&search, bytes, 0);
            }
            assert_int_equal(search.found, i == 0);
        }
        mem_free(bytes);
    }
}

/* ---- Batches ---- */

static struct record_batch build(enum record_codec codec, uint8_t **bytes) {
    struct record_batch_options options = record_batch_plain();
    options.codec = codec;
    options.base_offset = 100;
    options.leader_epoch = 3;
    options.producer_id = 9;
    options.producer_epoch = 1;
    options.base_sequence = 70;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (int i = 0; i < 6; i++) {
        struct record_header header = header_of((struct asked){"deliver-in", i == 4 ? "0" : "10"});
        record_batch_builder_append(builder, 50 + i, "key", 3, "value", 5, &header,
                                    i == 0 || i == 3 ? 0 : 1);
    }
    size_t len;
    struct record_batch batch;
    assert_int_equal(record_batch_builder_finish(builder, bytes, &len), ERR_NONE);
    assert_int_equal(record_batch_parse(*bytes, len, &batch, NULL), ERR_NONE);
    return batch;
}

static enum deliveries look(const struct record_batch *batch, size_t most, uint8_t **out,
                            size_t *len) {
    struct record_check_options options = {.unfolded_max = 1 << 20, .recompress = -1};
    struct record_check *check = record_check_new(batch, &options);
    if (most > 0) record_check_find_deliveries(check, most);
    assert_int_equal(record_check_step(check, 1), ERR_AGAIN);
    record_check_reset(check);
    assert_int_equal(record_check_step(check, SIZE_MAX), ERR_NONE);
    enum deliveries deliveries = record_check_take_deliveries(check, out, len);
    record_check_free(check);
    return deliveries;
}

/* The check of a batch gives it uncompressed, if that is no more than it may be. */
static void test_check_finds_them(void **state) {
    (void)state;
    for (int codec = RECORD_CODEC_NONE; codec <= RECORD_CODEC_ZSTD; codec++) {
        uint8_t *bytes, *plain_bytes, *out;
        size_t len;
        struct record_batch batch = build((enum record_codec)codec, &bytes),
                            plain = build(RECORD_CODEC_NONE, &plain_bytes);
        size_t records = plain.size - RECORD_BATCH_HEADER;
        assert_int_equal(look(&batch, 0, &out, &len), DELIVERIES_NONE);
        assert_int_equal(look(&batch, records - 1, &out, &len), DELIVERIES_TOO_LARGE);
        assert_int_equal(look(&batch, records, &out, &len), DELIVERIES_MAY_BE);
        record_batch_seal(out, len);
        assert_int_equal(len, plain.size);
        assert_memory_equal(out, plain_bytes, len);
        mem_free(out);
        mem_free(plain_bytes);
        mem_free(bytes);
    }
}

/* Of a mixed batch consumers get the visible ones at their offsets, with the sequence, and nothing
 * says that there was more. */
static void test_visible_part(void **state) {
    (void)state;
    static const int64_t offsets[] = {100, 103, 104};
    uint8_t *bytes, *out;
    size_t len;
    struct record_batch batch = build(RECORD_CODEC_NONE, &bytes), held, seen;
    assert_false(record_batch_is_held(&batch));
    held_batch_make(bytes, batch.size, NOW);
    assert_int_equal(record_batch_parse(bytes, batch.size, &held, NULL), ERR_NONE);
    assert_true(record_batch_is_held(&held));
    assert_int_equal(record_batch_check_crc(&held), ERR_NONE);
    assert_int_equal(held.max_timestamp, NOW);
    assert_int_equal(held.base_sequence, 70);
    assert_int_equal(held_batch_visible(&held, &out, &len), ERR_NONE);
    assert_int_equal(record_batch_parse(out, len, &seen, NULL), ERR_NONE);
    assert_int_equal(record_batch_check_crc(&seen), ERR_NONE);
    assert_false(record_batch_is_held(&seen));
    assert_int_equal(seen.attributes, 0);
    assert_int_equal(seen.max_timestamp, 54);
    assert_int_equal(seen.last_offset_delta, 5);
    assert_int_equal(record_batch_last_sequence(&seen), 75);
    struct record_iterator records;
    struct record record;
    assert_int_equal(record_iterator_open(&records, &seen, 1 << 20), ERR_NONE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(record_iterator_next(&records, &record), ERR_NONE);
        assert_int_equal(record.offset, offsets[i]);
        assert_int_equal(record.timestamp_ms, offsets[i] - 50);
    }
    assert_int_equal(record_iterator_next(&records, &record), ERR_EOF);
    record_iterator_close(&records);
    mem_free(out);
    mem_free(bytes);
}

/* A hole is a marker of nobody at its last offset. */
static void test_hole(void **state) {
    (void)state;
    struct slice hole = hole_batch(100, 140, 7, 55);
    struct record_batch batch;
    struct record_iterator records;
    struct record record;
    struct transaction_marker marker;
    assert_int_equal(record_batch_parse(hole.data, hole.len, &batch, NULL), ERR_NONE);
    assert_int_equal(record_batch_check_crc(&batch), ERR_NONE);
    assert_true(record_batch_is_control(&batch));
    assert_false(record_batch_is_transactional(&batch));
    assert_int_equal(batch.base_offset, 100);
    assert_int_equal(record_batch_last_offset(&batch), 140);
    assert_int_equal(batch.leader_epoch, 7);
    assert_int_equal(batch.record_count, 1);
    assert_int_equal(batch.base_sequence, -1);
    assert_int_equal(transaction_marker_read(&batch, &marker), ERR_NONE);
    assert_int_equal(marker.producer_id, -1);
    assert_true(marker.commit);
    assert_int_equal(record_iterator_open(&records, &batch, 1 << 20), ERR_NONE);
    assert_int_equal(record_iterator_next(&records, &record), ERR_NONE);
    assert_int_equal(record.offset, 140);
    record_iterator_close(&records);
    slice_unref(&hole);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_what_is_no_time),
        cmocka_unit_test(test_may_be_in),
        cmocka_unit_test(test_may_be_in_pieces),
        cmocka_unit_test(test_check_finds_them),
        cmocka_unit_test(test_visible_part),
        cmocka_unit_test(test_hole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
