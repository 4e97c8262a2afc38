/* The table of journal_recovery.c, row by row. Row 3 and the first half of row 9 are in
 * test_journal_tail.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "storage/little_endian.h"
#include "tests/unit/storage/fixture_journal_image.h"
#include "tests/unit/storage/fixture_journal_model.h"

/* A journal over several files, and its image. The end is at least one ordinary round into the
 * newest generation. */
struct scene {
    struct journal_fixture *fixture;
    struct model *model;
    struct image *image;
    size_t all; /* operations */
};

static struct scene make_scene(struct journal_fixture *fixture) {
    struct scene scene = {.fixture = fixture, .model = model_new(fixture, 7)};
    journal_fixture_open(fixture);
    struct journal_stats stats = {0};
    for (int round = 0; round < 60 || stats.rounds % 7 != 3; round++) {
        for (int i = 0; i < 12; i++)
            model_do_any(scene.model, 700);
        if (round % 20 == 5)
            for (uint64_t id = 1; id <= MODEL_GROUPS; id++)
                model_sync(scene.model, id, UINT64_MAX);
        model_do(scene.model, (struct model_op){MODEL_MARK, 0, scene.model->mark + 1, 0, 0});
        model_flush(scene.model);
        journal_stats_get(fixture->journal, &stats);
    }
    journal_fixture_close(fixture);
    scene.image = image_load(fixture);
    scene.all = scene.model->count;
    assert_true(image_round_from_end(scene.image, 0)->header.generation >
                scene.image->rounds[0].header.generation + 1);
    assert_int_equal(image_round_from_end(scene.image, 0)->header.flags, 0);
    return scene;
}

static void free_scene(struct scene *scene) {
    image_free(scene->image);
    model_free(scene->model);
}

/* Opens what the image says; the state is that after at least `least` operations; returns how many.
 */
static size_t open_scene(struct scene *scene, size_t least) {
    image_store(scene->image, scene->fixture);
    journal_fixture_open(scene->fixture);
    scene->model->count = scene->all;
    return model_compare(scene->model, least);
}

static void assert_refused(struct scene *scene, int error, const char *text) {
    image_store(scene->image, scene->fixture);
    assert_int_equal(journal_fixture_try_open(scene->fixture), error);
    if (strstr(scene->fixture->why.text, text) == NULL)
        fail_msg("not \"%s\": %s", text, scene->fixture->why.text);
    image_assert_unchanged(scene->image, scene->fixture);
}

static void ruin(struct image *image, const struct image_round *round) {
    memset(image_at(image, round), 0xa5, round->size);
}

static const struct image_round *checkpoint_of(const struct image *image, uint64_t generation,
                                               bool copy) {
    for (size_t i = 0; i < image->round_count; i++) {
        const struct image_round *round = &image->rounds[i];
        bool is_copy = (round->header.flags & JOURNAL_REPEATS) != 0;
        if (round->header.generation == generation &&
            (round->header.flags & JOURNAL_CHECKPOINT) != 0 && is_copy == copy)
            return round;
    }
    fail_msg("no checkpoint of generation %d", (int)generation);
    return NULL;
}

/* Removes all rounds behind the newest checkpoint, as if the power was cut when it had just been
 * written. */
static void end_with_checkpoint(struct scene *scene) {
    const struct image_round *last;
    while (last = image_round_from_end(scene->image, 0),
           (last->header.flags & JOURNAL_CHECKPOINT) == 0) {
        ruin(scene->image, last);
        scene->image->round_count--;
    }
}

/* Row 1: nothing there is a new journal, or a missing one where there must be one; files without a
 * round are the same. */
static void test_journal_recovery_nothing_there(void **state) {
    struct journal_fixture *fixture = *state;
    fixture->options.must_exist = true;
    assert_int_equal(journal_fixture_try_open(fixture), ERR_CORRUPT);
    assert_non_null(strstr(fixture->why.text, "is missing, and this directory was in use"));
    assert_int_not_equal(access(fixture->path, F_OK), 0);
    fixture->options.must_exist = false;
    struct scene scene = make_scene(fixture);
    for (size_t i = 0; i < scene.image->file_count; i++)
        memset(scene.image->files[i].bytes, 0, scene.image->files[i].len);
    fixture->options.must_exist = true;
    assert_refused(&scene, ERR_CORRUPT, "is missing, and this directory was in use");
    fixture->options.must_exist = false;
    assert_int_equal(open_scene(&scene, 0), 0);
    free_scene(&scene);
}

/* Rows 2 and 4: a whole end counts in full, and the old rounds that lie behind it in a file that
 * was used before do not. */
static void test_journal_recovery_old_life_behind_the_end(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    const struct image_round last = *image_round_from_end(scene.image, 0);
    struct journal_round *old = journal_round_new();
    struct journal_record hard_state = {
        .kind = JOURNAL_HARD_STATE, .group = 1, .term = 999, .voted_for = 1};
    journal_round_add(old, &hard_state, NULL);
    struct journal_round_header header = last.header;
    header.generation -= 2;
    header.offset += last.size;
    header.base = header.follows = last.header.sequence;
    header.sequence++;
    image_put_round(scene.image, old, header);
    assert_int_equal(open_scene(&scene, scene.all), scene.all);
    journal_round_free(old);
    free_scene(&scene);
}

/* Row 5: after a cut the rounds go on with higher sequences, so one that was cut is not taken when
 * it turns up whole. */
static void test_journal_recovery_cut_round_turns_up(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    open_scene(&scene, scene.all);
    journal_fixture_close(fixture);
    const struct image_round before = *image_round_from_end(scene.image, 0);
    image_free(scene.image);
    scene.image = image_load(fixture);
    const struct image_round last = *image_round_from_end(scene.image, 0);
    assert_true(last.header.flags & JOURNAL_START);
    struct journal_round *cut = journal_round_new();
    struct journal_record hard_state = {
        .kind = JOURNAL_HARD_STATE, .group = 1, .term = 999, .voted_for = 1};
    journal_round_add(cut, &hard_state, NULL);
    struct journal_round_header header = before.header;
    header.offset = last.header.offset + last.size;
    header.base = header.follows = before.header.sequence;
    header.sequence = before.header.sequence + 1;
    image_put_round(scene.image, cut, header);
    assert_int_equal(open_scene(&scene, scene.all), scene.all);
    journal_round_free(cut);
    free_scene(&scene);
}

/* Rows 6 to 8: of the two checkpoints that begin a generation one is enough, and when neither is
 * whole the generation before is the end. */
static void test_journal_recovery_checkpoints(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    end_with_checkpoint(&scene);
    uint64_t newest = image_round_from_end(scene.image, 0)->header.generation;
    size_t least = open_scene(&scene, 1);
    journal_fixture_close(fixture);
    const struct image_round first = *checkpoint_of(scene.image, newest, false);
    const struct image_round copy = *checkpoint_of(scene.image, newest, true);
    for (int damage = 1; damage <= 3; damage++) {
        struct image *whole = scene.image;
        image_store(whole, fixture);
        scene.image = image_load(fixture);
        if (damage & 1) ruin(scene.image, &first);
        if (damage & 2) ruin(scene.image, &copy);
        assert_int_equal(open_scene(&scene, least), least);
        journal_fixture_close(fixture);
        image_free(scene.image);
        scene.image = whole;
    }
    free_scene(&scene);
}

/* Rows 7 and 8 with rounds behind the checkpoints, in every generation: either copy may be bad,
 * both are damage. */
static void test_journal_recovery_checkpoints_with_rounds_behind(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    struct image *whole = scene.image;
    uint64_t newest = image_round_from_end(whole, 0)->header.generation;
    for (uint64_t generation = whole->rounds[0].header.generation; generation <= newest;
         generation++) {
        for (int damage = 1; damage <= 3; damage++) {
            image_store(whole, fixture);
            scene.image = image_load(fixture);
            if (damage & 1) ruin(scene.image, checkpoint_of(scene.image, generation, false));
            if (damage & 2) ruin(scene.image, checkpoint_of(scene.image, generation, true));
            if (damage < 3) {
                assert_int_equal(open_scene(&scene, scene.all), scene.all);
                journal_fixture_close(fixture);
            } else {
                assert_refused(&scene, ERR_CORRUPT, "is damaged at position 0");
            }
            image_free(scene.image);
        }
    }
    scene.image = whole;
    free_scene(&scene);
}

/* Row 6: a file that is being begun again looks like its old life, or like nothing; a single block
 * of the old life at its beginning does not hide the new one. */
static void test_journal_recovery_stale_block_at_the_beginning(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    uint64_t newest = image_round_from_end(scene.image, 0)->header.generation;
    const struct image_round first = *checkpoint_of(scene.image, newest, false);
    struct journal_round *old = journal_round_new();
    struct journal_record mark = {.kind = JOURNAL_MARK, .index = 1};
    journal_round_add(old, &mark, NULL);
    struct journal_round_header header = first.header;
    header.generation -= 5;
    header.sequence = header.follows = header.base = 3;
    assert_true(scene.image->rounds[0].header.generation > header.generation);
    image_put_round(scene.image, old, header);
    assert_int_equal(open_scene(&scene, scene.all), scene.all);
    journal_round_free(old);
    free_scene(&scene);
}

/* Row 10: the end of an older file is bad. */
static void test_journal_recovery_older_file_ends_early(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    char text[128];
    size_t at = scene.image->round_count - 1;
    uint64_t newest = scene.image->rounds[at].header.generation;
    while (scene.image->rounds[at].header.generation == newest)
        at--;
    const struct image_round round = scene.image->rounds[at];
    ruin(scene.image, &round);
    snprintf(text, sizeof text, "%08u.journal is damaged at position %llu", round.header.file,
             (unsigned long long)round.header.offset);
    assert_refused(&scene, ERR_CORRUPT, text);
    free_scene(&scene);
}

/* Row 11: a file that is needed is missing; two files claim the same generation. */
static void test_journal_recovery_missing_and_double_files(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    uint64_t missing = scene.image->rounds[0].header.generation + 1;
    size_t file = checkpoint_of(scene.image, missing, false)->file;
    struct image_file saved = scene.image->files[file];
    char text[64];
    scene.image->files[file].number =
        39; /* another name: the rounds in it are not at their place */
    snprintf(text, sizeof text, "lacks the file of generation %d", (int)missing);
    assert_refused(&scene, ERR_CORRUPT, text);
    scene.image->files[file] = saved;
    struct image_file *twin = &scene.image->files[scene.image->file_count++];
    *twin = (struct image_file){.number = 38, .bytes = calloc(1, saved.len), .len = saved.len};
    struct journal_round *round = journal_round_new();
    struct journal_round_header header = checkpoint_of(scene.image, missing, false)->header;
    header.file = 38;
    image_put_round(scene.image, round, header);
    snprintf(text, sizeof text, "both say that they hold generation %d", (int)missing);
    assert_refused(&scene, ERR_CORRUPT, text);
    journal_round_free(round);
    free_scene(&scene);
}

/* Row 12: the last round of a process is repeated by the next one, so it may get lost afterwards;
 * that and the repetition may not. */
static void test_journal_recovery_repetition_stands_in(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    const struct image_round last = *image_round_from_end(scene.image, 0);
    open_scene(&scene, scene.all);
    journal_fixture_close(fixture);
    journal_fixture_open(fixture);
    model_compare(scene.model, scene.all);
    journal_hard_state(fixture->journal, 1, 5000, 1);
    journal_fixture_flush(fixture);
    journal_fixture_close(fixture);
    image_free(scene.image);
    scene.image = image_load(fixture);
    assert_int_equal(image_round_from_end(scene.image, 4)->header.sequence, last.header.sequence);
    ruin(scene.image, image_round_from_end(scene.image, 4));
    ruin(scene.image, image_round_from_end(
                          scene.image, 2)); /* of the first start; that of the second stands in */
    image_store(scene.image, fixture);
    journal_fixture_open(fixture);
    assert_int_equal(journal_recovered(fixture->journal, 1)->term, 5000);
    const struct journal_group *group = journal_recovered(fixture->journal, 2);
    const struct model_group *expected = &scene.model->groups[1];
    assert_int_equal(group->entry_count, expected->last - expected->progress);
    journal_fixture_close(fixture);
    ruin(scene.image, image_round_from_end(scene.image, 3));
    assert_refused(&scene, ERR_CORRUPT, "is damaged at position");
    free_scene(&scene);
}

static size_t image_bytes(const struct image *image) {
    size_t bytes = 0;
    for (size_t i = 0; i < image->file_count; i++)
        bytes += image->files[i].len;
    return bytes;
}

/* Row 18: who is started without end and gets no further takes no room, and what any of these runs
 * told is covered; of the last one until its round is lost. */
static void test_journal_recovery_starts_take_turns(void **state) {
    enum { STARTS = 40 };
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    struct journal_witness told[STARTS];
    size_t bytes = 0;
    for (size_t start = 0; start < STARTS; start++) {
        assert_int_equal(open_scene(&scene, scene.all), scene.all);
        for (size_t i = 0; i < start; i++)
            assert_true(journal_covers(fixture->journal, told[i].run, told[i].sequence));
        told[start].run = journal_run(fixture->journal);
        told[start].sequence = journal_sequence(fixture->journal);
        journal_fixture_close(fixture);
        image_free(scene.image);
        scene.image = image_load(fixture);
        if (start == 1) bytes = image_bytes(scene.image);
        if (start > 1) assert_int_equal(image_bytes(scene.image), bytes);
    }
    for (size_t lost = 0; lost < 2; lost++) { /* in either place */
        ruin(scene.image, image_round_from_end(scene.image, 0));
        assert_int_equal(open_scene(&scene, scene.all), scene.all);
        for (size_t i = 0; i < STARTS; i++)
            assert_int_equal(journal_covers(fixture->journal, told[i].run, told[i].sequence),
                             i < STARTS - 1);
        journal_fixture_close(fixture);
        image_free(scene.image);
        scene.image = image_load(fixture);
    }
    free_scene(&scene);
}

/* A start that gets no further than to repeat the last round does not make an old copy look like
 * the newest one. */
static void test_journal_recovery_start_ends_behind_repetition(void **state) {
    struct journal_fixture *fixture = *state;
    journal_fixture_open(fixture);
    journal_hard_state(fixture->journal, 1, 7, 1);
    journal_fixture_flush(fixture);
    uint64_t run = journal_run(fixture->journal), sequence = journal_sequence(fixture->journal);
    journal_fixture_close(fixture);
    journal_fixture_open(fixture);
    journal_fixture_close(fixture);
    struct image *image = image_load(fixture);
    assert_true(image_round_from_end(image, 1)->header.flags & JOURNAL_REPEATS);
    ruin(image, image_round_from_end(image, 0)); /* it was not written */
    image_store(image, fixture);
    journal_fixture_open(fixture);
    assert_true(journal_covers(fixture->journal, run, sequence));
    assert_false(journal_covers(fixture->journal, run, sequence + 1)); /* told behind the copy */
    assert_int_equal(journal_recovered(fixture->journal, 1)->term, 7);
    journal_fixture_close(fixture);
    image_free(image);
}

/* Row 13: a round that was written to the wrong place counts neither there nor, of course, where it
 * should be. */
static void test_journal_recovery_misdirected_round(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    const struct image_round last = *image_round_from_end(scene.image, 0);
    const struct image_round older = *image_round_from_end(scene.image, 5);
    uint8_t *bytes = malloc(last.size);
    memcpy(bytes, image_at(scene.image, &last), last.size);
    uint8_t *place = image_at(scene.image, &last);
    memset(place, 0, last.size);
    memcpy(place + JOURNAL_BLOCK, bytes, last.size);
    size_t before = open_scene(&scene, 1);
    assert_true(before < scene.all);
    journal_fixture_close(fixture);
    memcpy(place, bytes, last.size);
    memcpy(image_at(scene.image, &older), bytes, last.size < older.size ? last.size : older.size);
    assert_refused(&scene, ERR_CORRUPT, "is damaged at position");
    free(bytes);
    free_scene(&scene);
}

/* Row 14: a free file that is too short was being made; one with rounds in it was cut off, if that
 * can be seen. */
static void test_journal_recovery_short_files(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    const struct image_round last = *image_round_from_end(scene.image, 0);
    scene.image->files[last.file].len = last.header.offset + last.size + 100;
    assert_refused(&scene, ERR_CORRUPT, "it ends there, and was longer before");
    scene.image->files[last.file].len -= 100;
    for (size_t i = 0; i < 20; i++) { /* cut between blocks, within a round */
        const struct image_round *round = image_round_from_end(scene.image, i);
        if (round->size <= JOURNAL_BLOCK || round->file != last.file) continue;
        size_t len = scene.image->files[last.file].len;
        scene.image->files[last.file].len = round->header.offset + round->size - JOURNAL_BLOCK;
        assert_refused(&scene, ERR_CORRUPT, "it ends there, and was longer before");
        scene.image->files[last.file].len = len;
        break;
    }
    struct image_file *half = &scene.image->files[scene.image->file_count++];
    *half = (struct image_file){.number = 38, .bytes = calloc(1, 5000), .len = 5000};
    assert_int_equal(open_scene(&scene, scene.all), scene.all);
    char name[128];
    snprintf(name, sizeof name, "%s/00000038.journal", fixture->path);
    assert_int_not_equal(access(name, F_OK), 0);
    model_do(scene.model, (struct model_op){MODEL_MARK, 0, 5000, 0, 0});
    model_flush(scene.model);
    journal_fixture_close(fixture);
    journal_fixture_open(fixture);
    assert_int_equal(journal_durable_mark(fixture->journal), 5000);
    free_scene(&scene);
}

/* Rows 3 and 14: the first round of a process may let a file grow, and a kill in the middle of that
 * leaves any size. */
static void test_journal_recovery_torn_growth(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    const struct image_round last = *image_round_from_end(scene.image, 0);
    struct image_file *file = &scene.image->files[last.file];
    struct journal_round *round = journal_round_new();
    const struct journal_record record = {.kind = JOURNAL_COMMIT, .group = 0, .index = 1};
    struct journal_round_header header = last.header;
    for (int i = 0; i < 3000; i++)
        journal_round_add(round, &record, NULL);
    header.flags = 0;
    header.offset = last.header.offset + last.size;
    header.sequence = last.header.sequence + 1;
    header.base = header.follows = last.header.sequence;
    size_t whole = header.offset + journal_round_bytes(round), made = file->len;
    file->bytes = realloc(file->bytes, whole);
    memset(file->bytes + made, 0, whole - made);
    file->len = whole;
    image_put_round(scene.image, round, header);
    file->len = made + 7762;
    assert_int_equal(open_scene(&scene, scene.all), scene.all);
    journal_round_free(round);
    free_scene(&scene);
}

/* Row 15: the files of another journal. */
static void test_journal_recovery_two_journals(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    struct image_file *other = &scene.image->files[scene.image->file_count++];
    *other = (struct image_file){.number = 37, .bytes = calloc(1, 65536), .len = 65536};
    struct journal_round *round = journal_round_new();
    struct journal_round_header header = scene.image->rounds[0].header;
    header.file = 37;
    header.offset = 0;
    header.salt++;
    image_put_round(scene.image, round, header);
    assert_refused(&scene, ERR_CORRUPT, "holds files of two journals");
    journal_round_free(round);
    free_scene(&scene);
}

/* Row 16: a newer format is refused by name, but bytes in a record that only look like it are
 * nothing. */
static void test_journal_recovery_newer_format(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    const struct image_round last = *image_round_from_end(scene.image, 0);
    uint8_t *forged = image_at(scene.image, &last) + last.size;
    memcpy(forged, image_at(scene.image, &last), JOURNAL_BLOCK);
    le_put_u16(forged + 4, JOURNAL_FORMAT + 1);
    le_put_u64(forged + 8, 12345); /* who writes records does not know the salt */
    le_put_u32(forged + 92, crc32c(0, forged, 92));
    assert_int_equal(open_scene(&scene, scene.all), scene.all);
    journal_fixture_close(fixture);
    uint8_t *first = scene.image->files[last.file].bytes;
    le_put_u16(first + 4, JOURNAL_FORMAT + 1);
    le_put_u32(first + 92, crc32c(0, first, 92));
    assert_refused(&scene, ERR_VERSION, "is of a newer format than this program knows (2)");
    free_scene(&scene);
}

/* Row 17: whole rounds, but an entry that is missing. */
static void test_journal_recovery_hole_in_a_group(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    const struct image_round last = *image_round_from_end(scene.image, 0);
    uint64_t next = scene.model->groups[2].last + 1;
    struct journal_round *round = journal_round_new();
    struct entry *entry = make_entry(3, next + 1, 1, 10);
    journal_round_add_entry(round, JOURNAL_ENTRY, entry);
    struct journal_round_header header = last.header;
    header.offset += last.size;
    header.base = header.follows = last.header.sequence;
    header.sequence++;
    image_put_round(scene.image, round, header);
    char text[64];
    snprintf(text, sizeof text, "lacks entry %d of group 3", (int)next);
    assert_refused(&scene, ERR_CORRUPT, text);
    entry_unref(entry);
    journal_round_free(round);
    free_scene(&scene);
}

struct seen {
    struct scene *scene;
    size_t groups;
};

static void look(void *arg, const struct journal_group *group) {
    struct seen *seen = arg;
    const struct model_group *expected = &seen->scene->model->groups[group->group - 1];
    assert_int_equal(group->term, expected->term);
    assert_int_equal(group->commit, expected->commit);
    assert_int_equal(group->entry_count, expected->last - expected->progress);
    seen->groups++;
}

/* Reading beside a broker gives the same and changes nothing. */
static void test_journal_recovery_read_only(void **state) {
    struct journal_fixture *fixture = *state;
    struct scene scene = make_scene(fixture);
    struct seen seen = {.scene = &scene};
    image_store(scene.image, fixture);
    assert_int_equal(journal_read(fixture->env, fixture->path, look, &seen, &fixture->why),
                     ERR_NONE);
    assert_int_equal(seen.groups, MODEL_GROUPS);
    image_assert_unchanged(scene.image, fixture);
    assert_int_equal(journal_read(fixture->env, "/nonexistent/journal", look, &seen, &fixture->why),
                     ERR_NOT_FOUND);
    free_scene(&scene);
}

int main(void) {
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, journal_fixture_setup, journal_fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_journal_recovery_nothing_there),
        TEST(test_journal_recovery_old_life_behind_the_end),
        TEST(test_journal_recovery_cut_round_turns_up),
        TEST(test_journal_recovery_checkpoints),
        TEST(test_journal_recovery_checkpoints_with_rounds_behind),
        TEST(test_journal_recovery_stale_block_at_the_beginning),
        TEST(test_journal_recovery_older_file_ends_early),
        TEST(test_journal_recovery_missing_and_double_files),
        TEST(test_journal_recovery_repetition_stands_in),
        TEST(test_journal_recovery_starts_take_turns),
        TEST(test_journal_recovery_start_ends_behind_repetition),
        TEST(test_journal_recovery_misdirected_round),
        TEST(test_journal_recovery_short_files),
        TEST(test_journal_recovery_torn_growth),
        TEST(test_journal_recovery_two_journals),
        TEST(test_journal_recovery_newer_format),
        TEST(test_journal_recovery_hole_in_a_group),
        TEST(test_journal_recovery_read_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
