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

int main(void) {
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, journal_fixture_setup, journal_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_journal_tail_torn_at_every_sector),
        TEST(test_journal_tail_flipped_bit_in_a_body),
        TEST(test_journal_tail_damage_before_it_is_refused),
        TEST(test_journal_tail_torn_at_every_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
