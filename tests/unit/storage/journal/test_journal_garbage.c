/* Journals that nobody wrote: random damage, with and without corrected checksums. They are refused
 * or opened, never believed blindly, and never crash. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/storage/fixture_journal_image.h"
#include "tests/unit/storage/fixture_journal_model.h"

enum { TRIES = 400 };

static struct model *make_journal(struct journal_fixture *fixture) {
    struct model *model = model_new(fixture, 11);
    journal_fixture_open(fixture);
    for (int round = 0; round < 30; round++) {
        for (int i = 0; i < 10; i++)
            model_do_any(model, 400);
        if (round % 5 == 4)
            for (uint64_t id = 1; id <= MODEL_GROUPS; id++)
                model_sync(model, id, UINT64_MAX);
        model_flush(model);
    }
    journal_fixture_close(fixture);
    return model;
}

/* Opens what is there: either it works, or there is a sentence. */
static void open_whatever(struct journal_fixture *fixture) {
    int error = journal_fixture_try_open(fixture);
    if (error == ERR_NONE) {
        journal_fixture_close(fixture);
        return;
    }
    assert_true(error == ERR_CORRUPT || error == ERR_VERSION);
    assert_true(strlen(fixture->why.text) > 20);
}

static void damage(struct model *model, struct image *image) {
    struct image_file *file = &image->files[model_random(model, image->file_count)];
    if (file->len == 0) return;
    size_t at = model_random(model, file->len), blocks = file->len / JOURNAL_BLOCK;
    switch (model_random(model, 5)) {
    case 0: file->bytes[at] ^= (uint8_t)(1 << model_random(model, 8)); break;
    case 1: file->len = at; break;
    case 2:
        memset(file->bytes + at, (int)model_random(model, 256),
               model_random(model, file->len - at));
        break;
    case 3: { /* a block where it does not belong */
        const struct image_file *from = &image->files[model_random(model, image->file_count)];
        if (blocks == 0 || from->len < JOURNAL_BLOCK) break;
        memcpy(file->bytes + model_random(model, blocks) * JOURNAL_BLOCK,
               from->bytes + model_random(model, from->len / JOURNAL_BLOCK) * JOURNAL_BLOCK,
               JOURNAL_BLOCK);
        break;
    }
    default:
        for (int i = 0; i < 20; i++)
            file->bytes[model_random(model, file->len)] = (uint8_t)model_random(model, 256);
    }
}

/* Anything may happen to the files. */
static void test_journal_garbage_random_damage(void **state) {
    struct journal_fixture *fixture = *state;
    struct model *model = make_journal(fixture);
    struct image *whole = image_load(fixture);
    for (int i = 0; i < TRIES; i++) {
        image_store(whole, fixture);
        struct image *image = image_load(fixture);
        for (uint64_t n = model_random(model, 4); n < 4; n++)
            damage(model, image);
        image_store(image, fixture);
        open_whatever(fixture);
        image_free(image);
    }
    image_store(whole, fixture);
    image_free(whole);
    model_free(model);
}

/* A random record that decodes; what it says makes sense only by chance. */
static struct journal_record any_record(struct model *model) {
    static const uint64_t numbers[] = {1, 2, 3, 7, 50, 1000, INT64_MAX - 2, INT64_MAX - 1};
    enum { NUMBERS = sizeof numbers / sizeof numbers[0] };
    static const uint8_t kinds[] = {JOURNAL_HARD_STATE, JOURNAL_TRUNCATE, JOURNAL_COMMIT,
                                    JOURNAL_PROGRESS,   JOURNAL_FORGET,   JOURNAL_MARK,
                                    JOURNAL_RUN,        JOURNAL_WITNESS,  JOURNAL_GROUP,
                                    JOURNAL_LOG_BEGINS};
    return (struct journal_record){.kind = kinds[model_random(model, sizeof kinds)],
                                   .group = numbers[model_random(model, NUMBERS)],
                                   .index = numbers[model_random(model, NUMBERS)],
                                   .commit = numbers[model_random(model, NUMBERS)],
                                   .term = (uint32_t)numbers[model_random(model, NUMBERS)],
                                   .voted_for = numbers[model_random(model, NUMBERS)],
                                   .position = numbers[model_random(model, NUMBERS)]};
}

static void add_any(struct model *model, struct journal_round *round) {
    static const uint64_t indexes[] = {1, 2, 3, 50, 51, 1000, 1001, INT64_MAX - 2, INT64_MAX - 1};
    if (model_random(model, 2) == 0) {
        struct journal_record record = any_record(model);
        journal_round_add(round, &record, NULL);
        return;
    }
    struct entry *entry = make_entry(model_random(model, 6), indexes[model_random(model, 9)], 3,
                                     model_random(model, 100));
    journal_round_add_entry(round, model_random(model, 2) ? JOURNAL_ENTRY : JOURNAL_COPY, entry);
    entry_unref(entry);
}

/* Rounds with right checksums at the right place, and nonsense in them. */
static void test_journal_garbage_with_right_checksums(void **state) {
    struct journal_fixture *fixture = *state;
    struct model *model = make_journal(fixture);
    struct image *whole = image_load(fixture);
    const struct image_round last = *image_round_from_end(whole, 0);
    unsigned opened = 0;
    for (int i = 0; i < TRIES; i++) {
        image_store(whole, fixture);
        struct image *image = image_load(fixture);
        struct journal_round *round = journal_round_new();
        for (uint64_t n = model_random(model, 8); n < 9; n++)
            add_any(model, round);
        struct journal_round_header header = last.header;
        header.offset += last.size;
        header.base = header.follows = last.header.sequence;
        header.sequence++;
        if (model_random(model, 4) == 0) header.flags = (uint16_t)model_random(model, 4);
        if (model_random(model, 8) == 0) header.oldest = 1 + model_random(model, 20);
        if (model_random(model, 8) == 0) header.sequence = UINT64_MAX - model_random(model, 2000);
        image_put_round(image, round, header);
        image_store(image, fixture);
        open_whatever(fixture);
        opened += fixture->why.text[0] == '\0';
        journal_round_free(round);
        image_free(image);
    }
    assert_in_range(opened, TRIES / 20, TRIES - TRIES / 20); /* both happen */
    image_store(whole, fixture);
    image_free(whole);
    model_free(model);
}

int main(void) {
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, journal_fixture_setup, journal_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_journal_garbage_random_damage),
        TEST(test_journal_garbage_with_right_checksums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
