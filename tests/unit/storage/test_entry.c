/* Entries: encoding, checksums, compression, and what bad bytes get. */
#include <string.h>

#include "base/crc32c.h"
#include "storage/entry.h"
#include "storage/little_endian.h"
#include "tests/unit/unit.h"

static struct entry *make(struct budget *budget, size_t len, bool repeat, bool compress) {
    struct buffer *buffer = buffer_new(budget, len);
    uint32_t x = 12345;
    for (size_t i = 0; i < len; i++) {
        x = x * 1664525 + 1013904223;
        buffer->data[i] = repeat ? (uint8_t)('a' + i % 5) : (uint8_t)(x >> 24);
    }
    struct entry_spec spec = {.type = ENTRY_BATCHES,
                              .batches = 3,
                              .base_offset = 77,
                              .records = 9,
                              .max_timestamp = 1234567890123,
                              .raw = {buffer, buffer->data, len},
                              .numbered = len % 2 == 0,
                              .delays = len % 4 == 0,
                              .compress = compress};
    struct entry *entry = entry_new(budget, &spec);
    assert_null(spec.raw.buffer);
    return entry;
}

static void assert_same_fields(const struct entry *a, const struct entry *b) {
    assert_int_equal(a->group, b->group);
    assert_int_equal(a->index, b->index);
    assert_int_equal(a->term, b->term);
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->codec, b->codec);
    assert_int_equal(a->numbered, b->numbered);
    assert_int_equal(a->delays, b->delays);
    assert_int_equal(a->batches, b->batches);
    assert_int_equal(a->base_offset, b->base_offset);
    assert_int_equal(a->records, b->records);
    assert_int_equal(a->raw_len, b->raw_len);
    assert_int_equal(a->max_timestamp, b->max_timestamp);
    assert_int_equal(a->body_crc, b->body_crc);
    assert_memory_equal(a->header, b->header, ENTRY_HEADER_SIZE);
}

/* What was sealed comes back from its bytes, plain or compressed, with every field and the raw
 * body. */
static void test_entry_round_trip(void **state) {
    (void)state;
    for (int turn = 0; turn < 4; turn++) {
        bool compress = turn % 2 != 0;
        size_t len = turn < 2 ? 5000 : 5001;
        struct budget budget;
        budget_init(&budget, 1 << 20);
        struct entry *entry = make(&budget, len, true, compress);
        assert_int_equal(entry->numbered, turn < 2);
        assert_int_equal(entry->delays, turn < 2);
        entry_seal(entry, 0xfeedface00000001, 42, 7);
        assert_int_equal(entry->codec, compress ? ENTRY_LZ4 : ENTRY_PLAIN);
        struct entry *back = NULL;
        assert_int_equal(entry_from_bytes(entry->header, slice_ref(entry->body), &back), ERR_NONE);
        assert_same_fields(entry, back);
        struct slice raw, original;
        assert_int_equal(entry_raw(back, &budget, false, &raw), ERR_NONE);
        assert_int_equal(entry_raw(entry, &budget, false, &original), ERR_NONE);
        assert_int_equal(raw.len, len);
        assert_memory_equal(raw.data, original.data, len);
        slice_unref(&raw);
        slice_unref(&original);
        entry_unref(back);
        entry_unref(entry);
        assert_int_equal(budget.used, 0);
    }
}

/* Bytes that do not compress stay as they are; so does what is too small to gain. */
static void test_entry_keeps_what_does_not_compress(void **state) {
    (void)state;
    struct entry *random = make(NULL, 4096, false, true);
    assert_int_equal(random->codec, ENTRY_PLAIN);
    assert_int_equal(random->body.len, 4096);
    entry_unref(random);
    struct entry *small = make(NULL, 20, true, true);
    assert_int_equal(small->codec, ENTRY_PLAIN);
    entry_unref(small);
    struct entry *empty = make(NULL, 0, true, true);
    entry_seal(empty, 1, 1, 1);
    struct entry *back;
    assert_int_equal(entry_from_bytes(empty->header, slice_ref(empty->body), &back), ERR_NONE);
    entry_unref(back);
    entry_unref(empty);
}

/* The raw body is kept only on request, and is charged to the budget for as long as it is. */
static void test_entry_raw_is_charged_while_kept(void **state) {
    (void)state;
    struct budget budget;
    budget_init(&budget, 1 << 20);
    struct entry *made = make(NULL, 3000, true, true);
    entry_seal(made, 1, 1, 1);
    struct entry *entry;
    assert_int_equal(entry_from_bytes(made->header, slice_ref(made->body), &entry), ERR_NONE);
    struct slice raw;
    assert_int_equal(entry_raw(entry, &budget, false, &raw), ERR_NONE);
    slice_unref(&raw);
    assert_int_equal(budget.used, 0);
    assert_int_equal(entry_raw(entry, &budget, true, &raw), ERR_NONE);
    slice_unref(&raw);
    assert_int_equal(budget.used, 3000);
    struct slice again;
    assert_int_equal(entry_raw(entry, &budget, true, &again), ERR_NONE);
    assert_ptr_equal(again.data, entry->raw.data);
    slice_unref(&again);
    entry_unref(entry);
    assert_int_equal(budget.used, 0);
    entry_unref(made);
}

/* Every flipped bit of a header is noticed, and every flipped byte of a body; nothing is taken over
 * then. */
static void test_entry_damage_is_noticed(void **state) {
    (void)state;
    struct entry *entry = make(NULL, 300, true, true);
    entry_seal(entry, 5, 6, 7);
    struct entry *back = NULL;
    for (int bit = 0; bit < ENTRY_HEADER_SIZE * 8; bit++) {
        uint8_t header[ENTRY_HEADER_SIZE];
        memcpy(header, entry->header, sizeof header);
        header[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int error = entry_from_bytes(header, entry->body, &back);
        assert_int_equal(error, bit < 32 ? ERR_MALFORMED : ERR_CORRUPT);
    }
    for (size_t i = 0; i < entry->body.len; i++) {
        struct slice body = slice_copy(NULL, entry->body.data, entry->body.len);
        body.buffer->data[i] ^= 0x10;
        assert_int_equal(entry_from_bytes(entry->header, body, &back), ERR_CORRUPT);
        slice_unref(&body);
    }
    struct slice shorter = slice_of(entry->body.buffer, 0, entry->body.len - 1);
    assert_int_equal(entry_from_bytes(entry->header, shorter, &back), ERR_MALFORMED);
    slice_unref(&shorter);
    assert_null(back);
    entry_unref(entry);
}

static void set_field(uint8_t header[ENTRY_HEADER_SIZE], size_t at, size_t width, uint64_t value) {
    for (size_t i = 0; i < width; i++)
        header[at + i] = (uint8_t)(value >> (8 * i));
    le_put_u32(header + 60, crc32c(0, header, 60));
}

/* A header whose checksum is right is still not believed: types, codecs and lengths have limits. */
static void test_entry_limits_hold_with_a_right_checksum(void **state) {
    (void)state;
    static const struct {
        size_t at, width;
        uint64_t value;
    } bad[] = {
        {4, 4, ENTRY_BODY_MAX + 1u},
        {16, 8, 0},
        {28, 1, 0},
        {28, 1, 5},
        {29, 1, 2},
        {44, 4, ENTRY_BODY_MAX + 1u},
        {44, 4, 10000}, /* plain, but another raw length */
        {16, 8, INT64_MAX},
        {32, 8, UINT64_MAX},
        {32, 8, INT64_MAX - 3}, /* nothing could follow */
        {28, 1, ENTRY_BARRIER}, /* takes no offsets, but has records */
    };
    struct entry *entry = make(NULL, 300, false, false);
    entry_seal(entry, 5, 6, 7);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t header[ENTRY_HEADER_SIZE];
        struct entry into;
        uint32_t body_len;
        memcpy(header, entry->header, sizeof header);
        set_field(header, bad[i].at, bad[i].width, bad[i].value);
        assert_int_equal(entry_decode_header(header, &into, &body_len), ERR_MALFORMED);
    }
    entry_unref(entry);
}

/* A compressed entry that promises more than LZ4 can give is refused before memory is taken for it;
 * one whose block gives less than promised is corrupt when it is unpacked. */
static void test_entry_false_raw_length(void **state) {
    (void)state;
    struct entry *entry = make(NULL, 4000, true, true);
    entry_seal(entry, 5, 6, 7);
    uint8_t header[ENTRY_HEADER_SIZE];
    struct entry *back;
    memcpy(header, entry->header, sizeof header);
    set_field(header, 44, 4, 256 * (entry->body.len + 1));
    assert_int_equal(entry_from_bytes(header, entry->body, &back), ERR_MALFORMED);
    set_field(header, 44, 4, 4001);
    assert_int_equal(entry_from_bytes(header, slice_ref(entry->body), &back), ERR_NONE);
    struct slice raw;
    assert_int_equal(entry_raw(back, NULL, true, &raw), ERR_CORRUPT);
    entry_unref(back);
    entry_unref(entry);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry_round_trip),
        cmocka_unit_test(test_entry_keeps_what_does_not_compress),
        cmocka_unit_test(test_entry_raw_is_charged_while_kept),
        cmocka_unit_test(test_entry_damage_is_noticed),
        cmocka_unit_test(test_entry_limits_hold_with_a_right_checksum),
        cmocka_unit_test(test_entry_false_raw_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
