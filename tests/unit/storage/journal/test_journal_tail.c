/* The end of a journal after a power cut: the last round torn at every sector, in several ways. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/storage/fixture_journal_image.h"
#include "tests/unit/storage/fixture_journal_model.h"

enum tear { ZERO_BEHIND, GARBAGE_BEHIND, ZERO_SECTOR, GARBAGE_SECTOR, TEARS };

/* A journal that ends with two rounds of several records; *before: the operations up to the last
 * round. */
static struct model *make_journal(struct journal_fixture *fixture, size_t *before) {
    struct model *model = model_new(fixture, 42);
    journal_fixture_open(fixture);
    for (int round = 0; round < 40; round++) {
        *before = model->count;
        for (int i = 0; i < 12; i++)
            model_do_any(model, 700);
        model_do(model, (struct model_op){MODEL_MARK, 0, model->mark + 1, 0, 0});
        model_flush(model);
    }
    journal_fixture_close(fixture);
    return model;
}

/* Tears the bytes from `sector` on; false if that changes nothing. */
static bool tear(uint8_t *bytes, size_t len, size_t sector, enum tear how) {
    uint8_t *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    bool one = how == ZERO_SECTOR || how == GARBAGE_SECTOR;
    size_t end = one ? sector + JOURNAL_SECTOR : len;
    for (size_t i = sector; i < end; i++)
        bytes[i] = how == ZERO_BEHIND || how == ZERO_SECTOR ? 0 : (uint8_t)(i * 131 + 17);
    bool changed = memcmp(copy, bytes, len) != 0;
    free(copy);
    return changed;
}

/* Bytes of the round that mean something: all but the zeros behind the footer. */
static size_t meaning_end(const struct image_round *round) {
    return journal_footer_at(round->header.payload_len) + JOURNAL_FOOTER_HEAD +
           round->header.entries * JOURNAL_FOOTER_ENTRY;
}

/* However the last round is torn, the journal opens with exactly the rounds before it; what is
 * written then stays, and the torn round does not come back. */
static void test_journal_tail_torn_at_every_sector(void **state) {
    struct journal_fixture *fixture = *state;
    size_t before;
    struct model *model = make_journal(fixture, &before);
    size_t all = model->count, cut = 0;
    struct image *image = image_load(fixture);
    const struct image_round last = *image_round_from_end(image, 0);
    assert_true(last.size >= 8 * JOURNAL_SECTOR);
    for (size_t sector = 0; sector < last.size; sector += JOURNAL_SECTOR) {
        for (enum tear how = 0; how < TEARS; how++) {
            struct image *torn = image_load(fixture);
            bool changed = tear(image_at(torn, &last), last.size, sector, how);
            image_store(torn, fixture);
            journal_fixture_open(fixture);
            model->count = all;
            size_t found = model_compare(model, before);
            assert_int_equal(found, changed && sector < meaning_end(&last) ? before : all);
            cut += found == before;
            struct model_op saved = model->ops[found];
            model_do(model, (struct model_op){MODEL_MARK, 0, 1000 + sector, 0, 0});
            model_flush(model);
            journal_fixture_close(fixture);
            journal_fixture_open(fixture);
            model_compare(model, model->count);
            journal_fixture_close(fixture);
            model->ops[found] = saved;
            image_store(image, fixture);
            image_free(torn);
        }
    }
    assert_true(cut > 20);
    image_free(image);
    model_free(model);
}

/* One bit of one body in the last round: the whole round is cut. */
static void test_journal_tail_flipped_bit_in_a_body(void **state) {
    struct journal_fixture *fixture = *state;
    size_t before, bodies = 0;
    struct model *model = make_journal(fixture, &before);
    size_t all = model->count;
    struct image *image = image_load(fixture);
    const struct image_round last = *image_round_from_end(image, 0);
    const uint8_t *payload = image_at(image, &last) + JOURNAL_HEADER_SIZE;
    struct journal_record record;
    for (size_t at = 0;
         journal_record_next(payload, last.header.payload_len, &at, &record, NULL) == ERR_NONE;) {
        if (record.entry == NULL || record.body_len == 0) continue;
        uint8_t *byte = image_at(image, &last) + JOURNAL_HEADER_SIZE + (record.body - payload) +
                        record.body_len / 2;
        *byte ^= 0x40;
        image_store(image, fixture);
        *byte ^= 0x40;
        journal_fixture_open(fixture);
        model->count = all;
        assert_int_equal(model_compare(model, before), before);
        journal_fixture_close(fixture);
        bodies++;
    }
    assert_true(bodies > 2);
    image_free(image);
    model_free(model);
}

/* The same damage to a round that is not the last is refused, with the place, and nothing on disk
 * is changed. */
static void test_journal_tail_damage_before_it_is_refused(void **state) {
    struct journal_fixture *fixture = *state;
    size_t before;
    struct model *model = make_journal(fixture, &before);
    struct image *image = image_load(fixture);
    char place[64];
    size_t back = image_round_from_end(image, 1)->file == image_round_from_end(image, 0)->file ? 1
                                                                                               : 2;
    const struct image_round round = *image_round_from_end(image, back);
    snprintf(place, sizeof place, "is damaged at position %llu",
             (unsigned long long)round.header.offset);
    for (size_t sector = 0; sector < meaning_end(&round); sector += JOURNAL_SECTOR) {
        struct image *damaged = image_load(fixture);
        tear(image_at(damaged, &round), round.size, sector, GARBAGE_SECTOR);
        image_store(damaged, fixture);
        assert_int_equal(journal_fixture_try_open(fixture), ERR_CORRUPT);
        assert_non_null(strstr(fixture->why.text, place));
        assert_non_null(strstr(fixture->why.text, "Nothing was changed"));
        bool footer_is_whole = sector + JOURNAL_SECTOR <=
                               journal_footer_at(round.header.payload_len);
        assert_int_equal(strstr(fixture->why.text, "it held") != NULL, footer_is_whole);
        image_assert_unchanged(damaged, fixture);
        image_store(image, fixture);
        image_free(damaged);
    }
    image_free(image);
    model_free(model);
}

/* The end is torn again and again, before anything new is written: every start finds the same. */
static void test_journal_tail_torn_at_every_start(void **state) {
    struct journal_fixture *fixture = *state;
    size_t before;
    struct model *model = make_journal(fixture, &before);
    for (int life = 0; life < 30; life++) {
        struct image *image = image_load(fixture);
        const struct image_round *last = image_round_from_end(image, 0);
        if (life > 0)
            tear(image_at(image, last), last->size, 0, life % 2 ? GARBAGE_BEHIND : GARBAGE_SECTOR);
        image_store(image, fixture);
        image_free(image);
        journal_fixture_open(fixture);
        model_compare(model, model->count);
        journal_fixture_close(fixture);
    }
    model_free(model);
}

/* A group with three entries begins anew behind entry 50, in a round that is nearly full: `fill`
 * bytes of another group are before it. */
static void begin_anew(struct journal_fixture *fixture, uint64_t group, uint64_t *others,
                       size_t fill) {
    journal_fixture_open(fixture);
    for (uint64_t index = 1; index <= 3; index++)
        record_entry(fixture, group, index, 3, 100);
    journal_fixture_flush(fixture);
    record_entry(fixture, 1, ++*others, 3, 10);
    journal_fixture_flush(fixture);
    record_entry(fixture, 1, ++*others, 3, fill);
    journal_log_begins(fixture->journal, group, 50, 77, 64);
    record_entry(fixture, group, 51, 4, 10);
    journal_fixture_flush(fixture);
    journal_fixture_close(fixture);
}

/* That a log begins anew is one record: wherever rounds end, and whichever of them are lost, all of
 * the old entries are there, or none and the place. Only such a round has the newer format. */
static void test_journal_tail_log_begins_whole(void **state) {
    struct journal_fixture *fixture = *state;
    enum { STEPS = 12, ROUNDS_LOST = 2 };
    size_t block = JOURNAL_BLOCK - JOURNAL_SECTOR - JOURNAL_HEADER_SIZE;
    uint64_t others = 0;
    unsigned olds = 0, news = 0;
    for (size_t step = 0; step < STEPS; step++) {
        uint64_t group = 100 + step;
        size_t fill = block - JOURNAL_RECORD_HEAD - ENTRY_HEADER_SIZE - 8 * step;
        begin_anew(fixture, group, &others, fill);
        struct image *image = image_load(fixture);
        for (size_t lost = 0; lost <= ROUNDS_LOST; lost++) {
            struct image *cut = image_load(fixture);
            for (size_t back = 0; back < lost; back++) {
                const struct image_round *round = image_round_from_end(cut, back);
                memset(image_at(cut, round), 0, round->size);
            }
            image_store(cut, fixture);
            image_free(cut);
            journal_fixture_open(fixture);
            const struct journal_group *found = journal_recovered(fixture->journal, group);
            assert_non_null(found);
            bool old = found->progress == 0;
            assert_int_equal(found->progress, old ? 0 : 50);
            if (old) assert_int_equal(found->entry_count, 3);
            if (!old) assert_in_range(found->entry_count, 0, 1);
            if (!old) assert_int_equal(found->progress_segment, 77);
            if (!old) assert_int_equal(found->progress_position, 64);
            olds += old;
            news += !old;
            journal_fixture_close(fixture);
            image_store(image, fixture);
        }
        image_free(image);
    }
    assert_true(olds > 0 && news > 0);
}

int main(void) {
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, journal_fixture_setup, journal_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_journal_tail_torn_at_every_sector),
        TEST(test_journal_tail_flipped_bit_in_a_body),
        TEST(test_journal_tail_damage_before_it_is_refused),
        TEST(test_journal_tail_torn_at_every_start),
        TEST(test_journal_tail_log_begins_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
