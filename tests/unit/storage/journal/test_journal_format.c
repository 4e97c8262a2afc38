/* The bytes of rounds, records and footers. */
#include <string.h>

#include "base/crc32c.h"
#include "storage/journal/journal_round.h"
#include "storage/little_endian.h"
#include "tests/unit/storage/fixture_journal.h"

static const struct journal_record every_kind[] = {
    {.kind = JOURNAL_HARD_STATE, .group = 5, .term = 6, .voted_for = 7},
    {.kind = JOURNAL_TRUNCATE, .group = 8, .index = 9},
    {.kind = JOURNAL_COMMIT, .group = 10, .index = 11},
    {.kind = JOURNAL_PROGRESS, .group = 12, .index = 13, .segment = -1, .position = 15},
    {.kind = JOURNAL_FORGET, .group = 16},
    {.kind = JOURNAL_MARK, .index = 17},
    {.kind = JOURNAL_WITNESS,
     .directory = UINT64_MAX - 18,
     .run = UINT64_MAX - 19,
     .sequence = UINT64_MAX - 20},
    {.kind = JOURNAL_RUN, .run = UINT64_MAX - 21, .sequence = UINT64_MAX - 22},
    {.kind = JOURNAL_GROUP,
     .group = 1,
     .term = 2,
     .voted_for = 3,
     .commit = 4,
     .index = 5,
     .segment = 6,
     .position = 7},
    {.kind = JOURNAL_LOG_BEGINS, .group = 23, .index = 24, .segment = 25, .position = 26},
};
enum { KINDS = sizeof every_kind / sizeof every_kind[0] };

static const struct journal_round_header place = {
    .flags = JOURNAL_CHECKPOINT,
    .salt = 0x1122334455667788,
    .generation = 3,
    .sequence = 1000,
    .base = 997,
    .follows = 999,
    .oldest = 2,
    .offset = 8192,
    .file = 42,
};

/* A round of every record and two entries, sealed. */
static struct journal_round *make_round(struct journal_round_header *header) {
    struct journal_round *round = journal_round_new();
    for (size_t i = 0; i < KINDS; i++)
        journal_round_add(round, &every_kind[i], NULL);
    for (uint64_t index = 1; index <= 2; index++) {
        struct entry *entry = make_entry(77, index, 9, 1001);
        journal_round_add_entry(round, index == 1 ? JOURNAL_ENTRY : JOURNAL_COPY, entry);
        entry_unref(entry);
    }
    *header = place;
    size_t bytes = journal_round_seal(round, header);
    assert_int_equal(bytes, journal_round_size(header->payload_len, header->entries));
    assert_int_equal(bytes % JOURNAL_BLOCK, 0);
    return round;
}

/* Every kind of record comes back with all its fields; the entries with their bodies. */
static void test_journal_format_records(void **state) {
    (void)state;
    struct journal_round_header header;
    struct journal_round *round = make_round(&header);
    struct journal_record record;
    size_t at = 0;
    for (size_t i = 0; i < KINDS; i++) {
        const struct journal_record *expected = &every_kind[i];
        assert_int_equal(journal_record_next(round->data + JOURNAL_HEADER_SIZE, header.payload_len,
                                             &at, &record, NULL),
                         ERR_NONE);
        assert_int_equal(record.kind, expected->kind);
        assert_int_equal(record.group, expected->group);
        assert_int_equal(record.index, expected->index);
        assert_int_equal(record.term, expected->term);
        assert_int_equal(record.voted_for, expected->voted_for);
        assert_int_equal(record.commit, expected->commit);
        assert_int_equal(record.segment, expected->segment);
        assert_int_equal(record.position, expected->position);
        assert_int_equal(record.directory, expected->directory);
        assert_int_equal(record.run, expected->run);
        assert_int_equal(record.sequence, expected->sequence);
    }
    for (uint64_t index = 1; index <= 2; index++) {
        assert_int_equal(journal_record_next(round->data + JOURNAL_HEADER_SIZE, header.payload_len,
                                             &at, &record, NULL),
                         ERR_NONE);
        assert_int_equal(record.kind, index == 1 ? JOURNAL_ENTRY : JOURNAL_COPY);
        struct entry *entry;
        struct slice body = slice_copy(NULL, record.body, record.body_len);
        assert_int_equal(entry_from_bytes(record.entry, body, &entry), ERR_NONE);
        assert_entry(entry, 77, index, 9, 1001);
        entry_unref(entry);
    }
    assert_int_equal(journal_record_next(round->data + JOURNAL_HEADER_SIZE, header.payload_len, &at,
                                         &record, NULL),
                     ERR_EOF);
    journal_round_free(round);
}

/* The header comes back; where its fields are on disk does not change unnoticed. */
static void test_journal_format_header(void **state) {
    (void)state;
    struct journal_round_header header, back;
    struct journal_round *round = make_round(&header);
    assert_int_equal(journal_round_decode(round->data, &back), ERR_NONE);
    uint8_t *again = test_malloc(journal_round_size(header.payload_len, header.entries));
    memcpy(again, round->data, journal_round_size(header.payload_len, header.entries));
    memset(again, 0, JOURNAL_HEADER_SIZE);
    journal_round_encode(again, &back);
    const uint8_t *bytes = round->data;
    assert_memory_equal(again, bytes, journal_round_size(header.payload_len, header.entries));
    test_free(again);
    assert_memory_equal(bytes, "DRJ1", 4);
    assert_int_equal(le_get_u16(bytes + 4), 2); /* one of the records came with that format */
    assert_int_equal(le_get_u64(bytes + 8), place.salt);
    assert_int_equal(le_get_u64(bytes + 16), place.generation);
    assert_int_equal(le_get_u64(bytes + 24), place.sequence);
    assert_int_equal(le_get_u64(bytes + 56), place.offset);
    assert_int_equal(le_get_u32(bytes + 64), place.file);
    assert_int_equal(le_get_u32(bytes + 68), header.payload_len);
    assert_int_equal(le_get_u32(bytes + 92), crc32c(0, bytes, 92));
    journal_round_free(round);
}

/* What an older program knows all records of stays in its format. */
static void test_journal_format_is_the_oldest_that_will_do(void **state) {
    (void)state;
    struct journal_round *round = journal_round_new();
    for (size_t i = 0; i < KINDS; i++) {
        struct journal_round_header header = place, back;
        bool newer = every_kind[i].kind == JOURNAL_LOG_BEGINS;
        journal_round_add(round, &every_kind[i], NULL);
        journal_round_seal(round, &header);
        assert_int_equal(journal_round_decode(round->data, &back), ERR_NONE);
        assert_int_equal(back.format, newer ? 2 : 1);
        assert_int_equal(le_get_u16(round->data + 4), back.format);
        journal_round_reset(round, SIZE_MAX);
    }
    journal_round_free(round);
}

/* The footer lies in a sector of its own and names the entries, also when header and records are
 * gone. */
static void test_journal_format_footer(void **state) {
    (void)state;
    struct journal_round_header header;
    struct journal_round *round = make_round(&header);
    size_t at = journal_footer_at(header.payload_len);
    assert_int_equal(at % JOURNAL_SECTOR, 0);
    assert_true(at >= JOURNAL_HEADER_SIZE + header.payload_len);
    memset(round->data, 0xee, at);
    struct journal_round_header where = {.salt = place.salt,
                                         .generation = place.generation,
                                         .file = place.file,
                                         .offset = place.offset};
    assert_int_equal(journal_footer_decode(round->data + at, JOURNAL_SECTOR, &where), 2);
    struct journal_footer_entry named;
    struct entry *entry = make_entry(77, 2, 9, 1001);
    journal_footer_entry_at(round->data + at, 1, &named);
    assert_int_equal(named.group, 77);
    assert_int_equal(named.index, 2);
    assert_int_equal(named.term, 9);
    assert_int_equal(named.type, ENTRY_BATCHES);
    assert_int_equal(named.body_crc, entry->body_crc);
    assert_int_equal(named.header_crc, le_get_u32(entry->header + 60));
    where.offset += JOURNAL_BLOCK;
    assert_int_equal(journal_footer_decode(round->data + at, JOURNAL_SECTOR, &where), -1);
    entry_unref(entry);
    journal_round_free(round);
}

/* Every bit of header, records, bodies and footer counts; only the zeros between do not. */
static void test_journal_format_every_bit_counts(void **state) {
    (void)state;
    struct journal_round_header header, back;
    struct journal_round *round = make_round(&header);
    size_t footer = journal_footer_at(header.payload_len);
    size_t end = footer + JOURNAL_FOOTER_HEAD + header.entries * JOURNAL_FOOTER_ENTRY;
    size_t missed = 0;
    for (size_t bit = 0; bit < end * 8; bit++) {
        round->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        int error = journal_round_decode(round->data, &back);
        if (error == ERR_NONE) error = journal_round_check(round->data, &back);
        missed += error == ERR_NONE;
        round->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    size_t padding = footer - JOURNAL_HEADER_SIZE - header.payload_len +
                     2 * (1008 - 1001); /* behind the bodies */
    assert_int_equal(missed, padding * 8);
    journal_round_free(round);
}

/* A record that is cut short at any place is malformed, not read beyond. */
static void test_journal_format_cut_records(void **state) {
    (void)state;
    struct journal_round_header header;
    struct journal_round *round = make_round(&header);
    struct journal_record record;
    for (size_t len = 0; len < header.payload_len; len++) {
        uint8_t *copy = test_malloc(len + 1);
        memcpy(copy, round->data + JOURNAL_HEADER_SIZE, len);
        size_t at = 0;
        int error;
        while ((error = journal_record_next(copy, len, &at, &record, NULL)) == ERR_NONE) {}
        assert_true(error == ERR_MALFORMED || (error == ERR_EOF && at == len));
        test_free(copy);
    }
    journal_round_free(round);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal_format_records),
        cmocka_unit_test(test_journal_format_header),
        cmocka_unit_test(test_journal_format_is_the_oldest_that_will_do),
        cmocka_unit_test(test_journal_format_footer),
        cmocka_unit_test(test_journal_format_every_bit_counts),
        cmocka_unit_test(test_journal_format_cut_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
