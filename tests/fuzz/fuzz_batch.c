/*
 * Record batches with every codec: one byte (odd: length and checksum are made right first), then a
 * batch.
 *
 * All that a broker or a tool does with one: check it, walk through its records and their headers,
 * search it, give it another codec.
 */
#include <endian.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "protocol/record/record_check.h"

enum { LIMIT = 1 << 20, STEP = 1000, CRC_AT = 17, ATTRIBUTES_AT = 21 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void seal(uint8_t *batch, size_t len) {
    if (len < ATTRIBUTES_AT) return;
    uint32_t number = htobe32((uint32_t)(len - RECORD_BATCH_LENGTH_PREFIX));
    memcpy(batch + 8, &number, sizeof number);
    number = htobe32(crc32c(0, batch + ATTRIBUTES_AT, len - ATTRIBUTES_AT));
    memcpy(batch + CRC_AT, &number, sizeof number);
}

/* Every byte that it points to is there. */
static uint32_t touch(const void *bytes, int32_t len) {
    return len > 0 ? crc32c(0, bytes, (size_t)len) : 0;
}

/* ERR_NONE: all of it could be read. */
static int walk(const struct record_batch *batch) {
    struct record_iterator iterator;
    struct record record;
    struct record_header header;
    int error = record_iterator_open(&iterator, batch, LIMIT);
    if (error != ERR_NONE) return error;
    while ((error = record_iterator_next(&iterator, &record)) == ERR_NONE) {
        touch(record.key, record.key_len);
        touch(record.value, record.value_len);
        while ((error = record_header_next(&record, &header)) == ERR_NONE) {
            touch(header.key, header.key_len);
            touch(header.value, header.value_len);
        }
        if (error != ERR_EOF) break;
    }
    record_iterator_close(&iterator);
    return error == ERR_EOF ? ERR_NONE : error;
}

/* As the broker checks what it is to store; *made is the batch in the other codec, or NULL. */
static int check(const struct record_batch *batch, int codec, uint8_t **made, size_t *made_len,
                 int64_t *max_timestamp) {
    struct record_check_options options = {
        .unfolded_max = LIMIT, .recompress = codec, .result_max = LIMIT};
    struct record_check *check = record_check_new(batch, &options);
    size_t bytes;
    int error = ERR_NONE;
    record_check_estimate_ns(check, &bytes);
    record_check_memory(check, bytes);
    while (error == ERR_NONE && (error = record_check_step(check, STEP)) == ERR_AGAIN)
        error = ERR_NONE;
    *made = NULL;
    if (error == ERR_NONE) {
        *max_timestamp = record_check_max_timestamp(check);
        *made = record_check_take_result(check, made_len);
    } else if (error != ERR_MALFORMED && error != ERR_TOO_LARGE) {
        CHECK(strlen(record_check_why(check)->text) > 0);
    }
    record_check_free(check);
    return error;
}

/* What is accepted can be read by consumers, and is the same in every codec. */
static void check_all(const struct record_batch *batch) {
    int64_t max_timestamp, again_ms;
    uint8_t *made, *nothing;
    size_t len;
    if (check(batch, -1, &made, &len, &max_timestamp) != ERR_NONE) return;
    CHECK(made == NULL);
    CHECK(walk(batch) == ERR_NONE);
    for (int codec = RECORD_CODEC_NONE; codec <= RECORD_CODEC_ZSTD; codec++) {
        struct record_batch other;
        if (check(batch, codec, &made, &len, &again_ms) != ERR_NONE || made == NULL) continue;
        CHECK(again_ms == max_timestamp);
        CHECK(record_batch_parse(made, len, &other, NULL) == ERR_NONE);
        CHECK(other.size == len && (int)record_batch_codec(&other) == codec &&
              other.record_count == batch->record_count);
        CHECK(check(&other, -1, &nothing, &len, &again_ms) == ERR_NONE &&
              again_ms == max_timestamp);
        mem_free(made);
    }
}

static void use(const uint8_t *bytes, size_t len) {
    struct record_batch batch;
    struct error_text why;
    for (size_t at = 0; record_batch_next(bytes, len, &at, &batch, &why) == ERR_NONE;) {
        int64_t offset, found_ms;
        record_batch_last_offset(&batch);
        record_batch_last_sequence(&batch);
        walk(&batch);
        record_batch_find_timestamp(&batch, 1764300000000, 0, LIMIT, &offset, &found_ms);
        record_batch_largest_timestamp(&batch, batch.base_offset + 1, LIMIT, &found_ms);
        check_all(&batch);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len == 0) return 0;
    uint8_t *batch = mem_alloc(len);
    memcpy(batch, data + 1, len - 1);
    if (data[0] & 1) seal(batch, len - 1);
    use(batch, len - 1);
    mem_free(batch);
    return 0;
}
