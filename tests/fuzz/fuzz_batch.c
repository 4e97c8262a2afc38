/*
 * Record batches with every codec: one byte (odd: length and checksum are made right first), then a batch.
 *
 * All that a broker or a tool does with one: check it, walk through its records and their headers, search it, give it another codec.
 */
#include <endian.h>
#include <string.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "protocol/record_batch.h"

enum { LIMIT = 1 << 20, CRC_AT = 17, ATTRIBUTES_AT = 21 };

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

static void walk(const struct record_batch *batch) {
    struct record_iterator iterator;
    struct record record;
    struct record_header header;
    if (record_iterator_open(&iterator, batch, LIMIT) != ERR_NONE) return;
    while (record_iterator_next(&iterator, &record) == ERR_NONE) {
        touch(record.key, record.key_len);
        touch(record.value, record.value_len);
        while (record_header_next(&record, &header) == ERR_NONE) {
            touch(header.key, header.key_len);
            touch(header.value, header.value_len);
        }
    }
    record_iterator_close(&iterator);
}

static void recompress(const struct record_batch *batch, enum record_codec codec) {
    uint8_t *out;
    size_t out_len;
    struct record_batch made;
    if (record_batch_recompress(batch, codec, LIMIT, &out, &out_len) != ERR_NONE) return;
    CHECK(record_batch_parse(out, out_len, &made, NULL) == ERR_NONE);
    CHECK(made.size == out_len && record_batch_check_crc(&made) == ERR_NONE);
    CHECK(record_batch_codec(&made) == codec && made.record_count == batch->record_count);
    walk(&made);
    mem_free(out);
}

static void use(const uint8_t *bytes, size_t len) {
    struct record_batch batch;
    struct error_text why;
    for (size_t at = 0; record_batch_next(bytes, len, &at, &batch, &why) == ERR_NONE;) {
        int64_t offset, found_ms;
        bool sound = record_batch_validate(&batch, &why) == ERR_NONE;
        record_batch_last_offset(&batch);
        record_batch_last_sequence(&batch);
        walk(&batch);
        record_batch_find_timestamp(&batch, 1764300000000, LIMIT, &offset, &found_ms);
        for (int codec = RECORD_CODEC_NONE; sound && codec <= RECORD_CODEC_ZSTD; codec++)
            recompress(&batch, (enum record_codec)codec);
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
