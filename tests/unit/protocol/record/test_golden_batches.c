/*
 * Record batches that Apache Kafka's Java client made, in each codec (tests/golden/batches.txt): we
 * read in them what it reads, and what our builder makes of the same records is, without
 * compression, the same bytes.
 */
#include <string.h>

#include <inttypes.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/batches/record_batch_check.h"
#include "tests/unit/protocol/fixture_dump.h"
#include "tests/unit/protocol/fixture_golden.h"
#include "tests/unit/unit.h"

enum { LIMIT = 1 << 20, MOST_HEADERS = 4 };

/* As the generator shows bytes: in hex, or length and checksum. */
static void dump_bytes(struct text *text, const void *data, int32_t len) {
    if (len < 0) {
        text_add(text, "null");
    } else if (len > 100) {
        text_add(text, "\"%d:%08" PRIx32 "\"", len, crc32c(0, data, (size_t)len));
    } else {
        text_add(text, "\"");
        for (int32_t i = 0; i < len; i++)
            text_add(text, "%02x", ((const uint8_t *)data)[i]);
        text_add(text, "\"");
    }
}

static void dump_records(struct text *text, const struct record_batch *batch) {
    struct record_iterator iterator;
    struct record record;
    struct record_header header;
    assert_int_equal(record_iterator_open(&iterator, batch, LIMIT), ERR_NONE);
    for (int32_t i = 0; i < batch->record_count; i++) {
        assert_int_equal(record_iterator_next(&iterator, &record), ERR_NONE);
        text_add(text,
                 "%s{\"offset\":%" PRId64 ",\"timestamp\":%" PRId64 ",\"key\":", i > 0 ? "," : "",
                 record.offset, record.timestamp_ms);
        dump_bytes(text, record.key, record.key_len);
        text_add(text, ",\"value\":");
        dump_bytes(text, record.value, record.value_len);
        text_add(text, ",\"headers\":[");
        for (int32_t h = 0; record_header_next(&record, &header) == ERR_NONE; h++) {
            text_add(text, "%s[", h > 0 ? "," : "");
            dump_bytes(text, header.key, header.key_len);
            text_add(text, ",");
            dump_bytes(text, header.value, header.value_len);
            text_add(text, "]");
        }
        assert_int_equal(record_header_next(&record, &header), ERR_EOF);
        text_add(text, "]}");
    }
    assert_int_equal(record_iterator_next(&iterator, &record), ERR_EOF);
    record_iterator_close(&iterator);
}

static const char *yes_no(bool value) {
    return value ? "true" : "false";
}

static void dump_batch(struct text *text, const struct record_batch *batch) {
    int64_t offset, timestamp;
    assert_int_equal(
        record_batch_find_timestamp(batch, batch->max_timestamp, 0, LIMIT, &offset, &timestamp),
        ERR_NONE);
    assert_true(timestamp == batch->max_timestamp);
    text_add(text,
             "[{\"baseOffset\":%" PRId64 ",\"lastOffset\":%" PRId64
             ",\"leaderEpoch\":%d,\"size\":%zu",
             batch->base_offset, record_batch_last_offset(batch), batch->leader_epoch, batch->size);
    text_add(text, ",\"codec\":\"%s\",\"logAppendTime\":%s",
             record_codec_name(record_batch_codec(batch)),
             yes_no(record_batch_has_log_append_time(batch)));
    text_add(text, ",\"maxTimestamp\":%" PRId64 ",\"offsetOfMaxTimestamp\":%" PRId64,
             batch->max_timestamp, offset);
    text_add(text,
             ",\"producerId\":%" PRId64
             ",\"producerEpoch\":%d,\"baseSequence\":%d,\"lastSequence\":%d",
             batch->producer_id, batch->producer_epoch, batch->base_sequence,
             record_batch_last_sequence(batch));
    text_add(text, ",\"transactional\":%s,\"control\":%s,\"records\":[",
             yes_no(record_batch_is_transactional(batch)), yes_no(record_batch_is_control(batch)));
    dump_records(text, batch);
    text_add(text, "]}]");
}

static void parse_golden(const struct golden_line *line, struct record_batch *batch,
                         uint8_t **bytes) {
    size_t len;
    *bytes = golden_bytes(line->fields[1], &len);
    struct error_text why = {""};
    int error = record_batch_parse(*bytes, len, batch, &why);
    if (error != ERR_NONE) print_error("%s: %s\n", line->fields[0], why.text);
    assert_int_equal(error, ERR_NONE);
    assert_int_equal(batch->size, len);
    assert_int_equal(record_batch_check_crc(batch), ERR_NONE);
}

/* Every golden batch shows what Kafka's reader shows. */
static void test_golden_batches_read_as_in_kafka(void **state) {
    (void)state;
    struct golden_file *file = golden_open("batches.txt", 3);
    struct golden_line line;
    int count = 0;
    while (golden_next(file, &line)) {
        struct record_batch batch;
        uint8_t *bytes;
        parse_golden(&line, &batch, &bytes);
        struct text text = {0};
        dump_batch(&text, &batch);
        assert_string_equal(text.data, line.fields[2]);
        int expected = record_batch_is_control(&batch)            ? ERR_MALFORMED
                       : record_batch_has_log_append_time(&batch) ? ERR_INVALID
                                                                  : ERR_NONE;
        assert_int_equal(record_batch_check(&batch, NULL), expected);
        mem_free(text.data);
        mem_free(bytes);
        count++;
    }
    golden_close(file);
    assert_int_equal(count, 18);
}

/* The builder, fed with the records that were read. */
static void rebuild(const struct record_batch *batch, enum record_codec codec, uint8_t **out,
                    size_t *out_len) {
    struct record_batch_options options = {
        .codec = codec,
        .base_offset = batch->base_offset,
        .leader_epoch = batch->leader_epoch,
        .producer_id = batch->producer_id,
        .producer_epoch = batch->producer_epoch,
        .base_sequence = batch->base_sequence,
        .transactional = record_batch_is_transactional(batch),
        .control = record_batch_is_control(batch),
    };
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    struct record_iterator iterator;
    struct record record;
    assert_int_equal(record_iterator_open(&iterator, batch, LIMIT), ERR_NONE);
    while (record_iterator_next(&iterator, &record) == ERR_NONE) {
        struct record_header headers[MOST_HEADERS];
        int32_t count = 0;
        while (record_header_next(&record, &headers[count]) == ERR_NONE)
            count++;
        record_batch_builder_append(builder, record.timestamp_ms, record.key, record.key_len,
                                    record.value, record.value_len, headers, count);
    }
    record_iterator_close(&iterator);
    assert_int_equal(record_batch_builder_finish(builder, out, out_len), ERR_NONE);
}

/* Without compression there is one way to write a batch; with it, the records are the same in all
 * codecs. */
static void test_golden_batches_built_again(void **state) {
    (void)state;
    struct golden_file *file = golden_open("batches.txt", 3);
    struct golden_line line;
    while (golden_next(file, &line)) {
        struct record_batch batch, again;
        uint8_t *bytes, *built;
        size_t built_len;
        parse_golden(&line, &batch, &bytes);
        if (record_batch_has_log_append_time(
                &batch)) { /* the times that the producer gave are not to be seen any more */
            mem_free(bytes);
            continue;
        }
        rebuild(&batch, record_batch_codec(&batch), &built, &built_len);
        if (record_batch_codec(&batch) == RECORD_CODEC_NONE) {
            assert_int_equal(built_len, batch.size);
            assert_memory_equal(built, bytes, built_len);
        }
        assert_int_equal(record_batch_parse(built, built_len, &again, NULL), ERR_NONE);
        struct text first = {0}, second = {0};
        dump_records(&first, &batch);
        dump_records(&second, &again);
        assert_string_equal(first.data, second.data);
        mem_free(first.data);
        mem_free(second.data);
        mem_free(built);
        mem_free(bytes);
    }
    golden_close(file);
}

/* Flipped bytes behind a corrected checksum: reading never crashes, in any codec. */
static void test_golden_batches_with_flipped_bytes(void **state) {
    (void)state;
    struct golden_file *file = golden_open("batches.txt", 3);
    struct golden_line line;
    uint32_t seed = 20261121;
    while (golden_next(file, &line)) {
        size_t len;
        uint8_t *bytes = golden_bytes(line.fields[1], &len), *copy = mem_alloc(len);
        for (int i = 0; i < 300; i++) {
            memcpy(copy, bytes, len);
            for (int flips = 0; flips < 3; flips++) {
                seed = seed * 1664525 + 1013904223;
                copy[(seed >> 8) % (len < 400 ? len : 400)] ^= (uint8_t)(seed >> 24 | 1);
            }
            struct record_batch batch;
            struct record_iterator iterator;
            struct record record;
            struct record_header header;
            if (record_batch_parse(copy, len, &batch, NULL) != ERR_NONE) continue;
            if (record_iterator_open(&iterator, &batch, LIMIT) != ERR_NONE) continue;
            while (record_iterator_next(&iterator, &record) == ERR_NONE)
                while (record_header_next(&record, &header) == ERR_NONE)
                    ;
            record_iterator_close(&iterator);
        }
        mem_free(copy);
        mem_free(bytes);
    }
    golden_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_batches_read_as_in_kafka),
        cmocka_unit_test(test_golden_batches_built_again),
        cmocka_unit_test(test_golden_batches_with_flipped_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
