/* Batches by chance. A batch is made right, then some of it is made wrong, then its checksum is
 * set. */
#include "tests/garbage/batches.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "protocol/record/codec.h"
#include "protocol/record/record_batch_builder.h"

enum {
    CODECS = 5,
    CRC_AT = 17,
    ATTRIBUTES_AT = 21,
    BOMB = 4 << 20,         /* what most bombs unfold to */
    GREAT_BOMB = 150 << 20, /* and the greatest, in zstd: under 20 kB */
    GREAT_PERCENT = 10,
    RECORDS_MAX = 30,
};

static void put_u32(uint8_t *at, uint32_t value) {
    value = htobe32(value);
    memcpy(at, &value, sizeof value);
}

static void seal(uint8_t *batch, size_t len) {
    if (len < ATTRIBUTES_AT) return;
    put_u32(batch + 8, (uint32_t)(len - RECORD_BATCH_LENGTH_PREFIX));
    put_u32(batch + CRC_AT, crc32c(0, batch + ATTRIBUTES_AT, len - ATTRIBUTES_AT));
}

static struct kp_bytes keep(struct kp_arena *arena, uint8_t *data, size_t len) {
    uint8_t *kept = kp_arena_alloc(arena, len);
    if (kept != NULL) memcpy(kept, data, len);
    mem_free(data);
    return (struct kp_bytes){kept, kept == NULL ? -1 : (int32_t)len};
}

static int64_t timestamp_by_chance(struct chance *chance) {
    static const int64_t odd[] = {-1, 0, INT64_MAX, INT64_MIN, 1, INT64_C(4102444800000)};
    return chance_of(chance, 90) ? INT64_C(1764300000000) + (int64_t)chance_below(chance, 100000)
                                 : odd[chance_below(chance, 6)];
}

static uint8_t *right_batch(struct chance *chance, size_t *len) {
    static const char text[] =
        "the same line of a log that is rather alike from one line to the next line";
    struct record_batch_options options = record_batch_plain();
    options.codec = (enum record_codec)chance_below(chance, CODECS);
    options.control = chance_of(chance, 2);
    options.transactional = chance_of(chance, 3);
    if (chance_of(chance, 15)) {
        options.producer_id = (int64_t)chance_below(chance, 4);
        options.producer_epoch = (int16_t)chance_below(chance, 2);
        options.base_sequence = (int32_t)chance_below(chance, 3);
    }
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    for (size_t n = 1 + chance_below(chance, chance_of(chance, 80) ? 3 : RECORDS_MAX); n > 0; n--) {
        struct record_header header = {
            .key = "h", .key_len = 1, .value = (const uint8_t *)text, .value_len = 3};
        record_batch_builder_append(
            builder, timestamp_by_chance(chance), text, (int32_t)chance_below(chance, 10) - 1, text,
            (int32_t)chance_below(chance, sizeof text), &header, (int32_t)chance_below(chance, 2));
    }
    uint8_t *batch;
    record_batch_builder_finish(builder, &batch, len);
    return batch;
}

/* A batch whose records are whatever `data` is, in a codec. */
static uint8_t *batch_around(struct chance *chance, const void *data, size_t data_len, int codec,
                             size_t *len) {
    size_t head_len;
    uint8_t *head = right_batch(chance, &head_len);
    *len = RECORD_BATCH_HEADER + data_len;
    uint8_t *batch = mem_alloc(*len);
    memcpy(batch, head, RECORD_BATCH_HEADER);
    memcpy(batch + RECORD_BATCH_HEADER, data, data_len);
    mem_free(head);
    batch[ATTRIBUTES_AT + 1] = (uint8_t)((batch[ATTRIBUTES_AT + 1] & ~7) | codec);
    seal(batch, *len);
    return batch;
}

/* One record whose value is zeros; made once for each codec. */
static struct kp_bytes bomb_of(int which) {
    static struct kp_bytes bombs[CODECS + 1];
    struct kp_bytes *bomb = &bombs[which];
    if (bomb->data != NULL) return *bomb;
    size_t unfolded = which == CODECS ? GREAT_BOMB : BOMB, len;
    struct record_batch_options options = record_batch_plain();
    options.codec = which == CODECS ? RECORD_CODEC_ZSTD : (enum record_codec)which;
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    uint8_t *zeros = mem_zalloc(unfolded), *batch;
    record_batch_builder_append(builder, 0, NULL, -1, zeros, (int32_t)unfolded, NULL, 0);
    record_batch_builder_finish(builder, &batch, &len);
    mem_free(zeros);
    *bomb = (struct kp_bytes){batch, (int32_t)len};
    return *bomb;
}

static uint8_t *bomb_batch(struct chance *chance, size_t *len) {
    struct kp_bytes bomb = bomb_of(
        chance_of(chance, GREAT_PERCENT) ? CODECS : 1 + (int)chance_below(chance, CODECS - 1));
    uint8_t *batch = mem_alloc((size_t)bomb.len);
    memcpy(batch, bomb.data, (size_t)bomb.len);
    *len = (size_t)bomb.len;
    return batch;
}

static uint8_t *noise_batch(struct chance *chance, size_t *len) {
    uint8_t noise[300];
    size_t noise_len = chance_below(chance, sizeof noise);
    chance_fill(chance, noise, noise_len);
    return batch_around(chance, noise, noise_len, (int)chance_below(chance, 8), len);
}

/* Fields of the header that say something else than the records do. */
static void lie(struct chance *chance, uint8_t *batch) {
    static const uint8_t fields[] = {21, 23, 27, 35, 43, 51, 53, 57}; /* record_batch.h */
    static const uint32_t lies[] = {0,          1, 0x7fffffff, 0x80000000,
                                    0xffffffff, 2, 0xfffffffe, 1000000};
    for (size_t n = 1 + chance_below(chance, 3); n > 0; n--)
        put_u32(batch + fields[chance_below(chance, sizeof fields)], lies[chance_below(chance, 8)]);
}

static void damage(struct chance *chance, uint8_t *batch, size_t len) {
    for (size_t n = 1 + chance_below(chance, 4); n > 0; n--)
        batch[ATTRIBUTES_AT + chance_below(chance, len - ATTRIBUTES_AT)] = (uint8_t)chance_next(
            chance);
}

static struct kp_bytes one_batch(struct chance *chance, struct kp_arena *arena) {
    size_t len, kind = chance_below(chance, 1000);
    uint8_t *batch = kind < 3    ? bomb_batch(chance, &len)
                     : kind < 80 ? noise_batch(chance, &len)
                                 : right_batch(chance, &len);
    if (kind >= 80 && kind < 250) lie(chance, batch);
    if (kind >= 250 && kind < 450) damage(chance, batch, len);
    if (kind >= 450 && kind < 500) len = chance_below(chance, len);
    if (kind < 450) seal(batch, len);
    if (kind >= 500 && kind < 520)
        batch[chance_below(chance, len)] ^= 1; /* and the checksum is wrong */
    return keep(arena, batch, len);
}

struct kp_bytes batches_by_chance(struct chance *chance, struct kp_arena *arena) {
    size_t kind = chance_below(chance, 100);
    if (kind < 1) return (struct kp_bytes){NULL, -1};
    if (kind < 2) return (struct kp_bytes){(const uint8_t *)"", 0};
    struct kp_bytes one = one_batch(chance, arena);
    if (kind > 4 || one.data == NULL) return one;
    struct kp_bytes two = one_batch(chance, arena);
    if (two.data == NULL) return one;
    uint8_t *both = kp_arena_alloc(arena, (size_t)one.len + (size_t)two.len + 1);
    if (both == NULL) return one;
    memcpy(both, one.data, (size_t)one.len);
    memcpy(both + one.len, two.data, (size_t)two.len);
    return (struct kp_bytes){both, one.len + two.len};
}
