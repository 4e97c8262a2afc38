/* A topic of as many partitions as one may have in an image: read, told, and told to be gone, in
 * steps that leave room for others. */
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "base/mem.h"
#include "broker/metadata/image/metadata_image.h"
#include "broker/metadata/image/metadata_restoring.h"
#include "tests/unit/unit.h"

enum { PARTITIONS = METADATA_PARTITIONS_MAX, STEP_PARTITIONS_MOST = 500, IMAGE_MOST = 4 << 20 };

struct fixture {
    struct env *env;
    struct metadata *table; /* who listens is told of this one */
    struct metadata_listener listener;
    bool told[PARTITIONS + 2]; /* by group */
    int topics, partitions;    /* that are known by what was told */
    int error;
};

/* ---- An image ---- */

static void append(uint8_t *bytes, size_t *len, struct slice part) {
    assert_true(part.len <= IMAGE_MOST - *len);
    memcpy(bytes + *len, part.data, part.len);
    *len += part.len;
    slice_unref(&part);
}

static struct slice image_of(const struct metadata *table) {
    uint8_t *bytes = mem_alloc(IMAGE_MOST);
    size_t len = 0;
    append(bytes, &len, image_of_head(table));
    append(bytes, &len, image_of_roster(table));
    append(bytes, &len, image_of_retired(table));
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(table, topic)) != NULL;)
        append(bytes, &len, image_of_topic((const struct topic_row *)topic));
    append(bytes, &len, image_of_requests(&table->resources));
    append(bytes, &len, image_of_plans(table));
    return slice_adopt(NULL, bytes, len);
}

static void make_topic(struct metadata *table) {
    static int32_t nodes[] = {1, 2, 3};
    struct metadata_command command;
    struct metadata_result result;
    struct slice bytes;
    struct command_partition *partitions = mem_zalloc(PARTITIONS * sizeof *partitions);
    for (size_t p = 0; p < PARTITIONS; p++) {
        partitions[p].nodes.items = nodes;
        partitions[p].nodes.count = 3;
    }
    metadata_command_init(&command, COMMAND_CREATE_TOPIC);
    command.create_topic.name = kp_string_of("large");
    memset(command.create_topic.id.bytes, 7, METADATA_UUID_SIZE);
    command.create_topic.partitions.items = partitions;
    command.create_topic.partitions.count = PARTITIONS;
    assert_int_equal(metadata_command_encode(&command, &bytes), ERR_NONE);
    assert_int_equal(metadata_apply(table, 1, bytes.data, bytes.len, &result), ERR_NONE);
    assert_int_equal(result.error, 0);
    slice_unref(&bytes);
    mem_free(partitions);
}

/* ---- Who listens ---- */

static void on_added(void *arg, const struct metadata_partition *partition) {
    struct fixture *f = arg;
    assert_false(f->told[partition->group]);
    f->told[partition->group] = true;
    f->partitions++;
}

static void on_removed(void *arg, const struct metadata_partition *partition) {
    struct fixture *f = arg;
    assert_true(f->told[partition->group]);
    f->told[partition->group] = false;
    f->partitions--;
}

static void on_topic_added(void *arg, const struct metadata_topic *topic) {
    (void)topic;
    ((struct fixture *)arg)->topics++;
}

static void on_topic_removed(void *arg, const struct metadata_topic *topic) {
    (void)topic;
    ((struct fixture *)arg)->topics--;
}

static const struct metadata_events events = {.partition_added = on_added,
                                              .partition_removed = on_removed,
                                              .topic_added = on_topic_added,
                                              .topic_removed = on_topic_removed};

static void on_restored(void *arg, int error) {
    struct fixture *f = arg;
    f->error = error;
    env_uv_stop(f->env);
}

static void restore(struct fixture *f, struct slice image) {
    f->error = -1;
    metadata_restoring_begin(f->env, f->table, slice_ref(image), 1, 7, on_restored, f);
    env_uv_run(f->env);
    assert_int_equal(f->error, ERR_NONE);
}

static int setup(void **state) {
    static struct fixture fixture;
    fixture = (struct fixture){.listener = {.events = &events, .arg = &fixture}};
    assert_int_equal(env_uv_new(&fixture.env, 2), ERR_NONE);
    fixture.table = metadata_new(3, 1);
    metadata_listen(fixture.table, &fixture.listener);
    *state = &fixture;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    metadata_unlisten(f->table, &f->listener);
    metadata_free(f->table);
    assert_true(env_uv_free(f->env));
    return 0;
}

/* ---- Tests ---- */

/* No step reads more than some hundred partitions. */
static void test_large_topic_is_read_in_steps(void **state) {
    (void)state;
    struct metadata *from = metadata_new(3, 1);
    make_topic(from);
    struct slice image = image_of(from);
    struct image_reader reader = {
        .into = metadata_new(0, 1), .index = 1, .bytes = image.data, .len = image.len};
    size_t before = 0, now;
    int error;
    while ((error = image_read_part(&reader)) == ERR_NONE) {
        now = metadata_partition_count(reader.into);
        assert_in_range(now - before, 0, STEP_PARTITIONS_MOST);
        before = now;
    }
    assert_int_equal(error, ERR_EOF);
    assert_int_equal(before, PARTITIONS);
    struct slice again = image_of(reader.into);
    assert_int_equal(again.len, image.len);
    assert_memory_equal(again.data, image.data, image.len);
    /* What ends in the middle of its partitions is no image. */
    metadata_free(reader.into);
    reader = (struct image_reader){
        .into = metadata_new(0, 1), .index = 1, .bytes = image.data, .len = image.len / 2};
    while ((error = image_read_part(&reader)) == ERR_NONE) {}
    assert_int_equal(error, ERR_MALFORMED);
    metadata_free(reader.into);
    metadata_free(from);
    slice_unref(&again);
    slice_unref(&image);
}

/* Each partition is told once when it comes, and once when it goes; nothing is told of what stays.
 */
static void test_large_topic_is_told_once(void **state) {
    struct fixture *f = *state;
    struct metadata *from = metadata_new(3, 1);
    struct slice none = image_of(from);
    make_topic(from);
    struct slice image = image_of(from);
    for (int i = 0; i < 2; i++) {
        restore(f, image);
        assert_int_equal(f->topics, 1);
        assert_int_equal(f->partitions, PARTITIONS);
    }
    restore(f, none);
    assert_int_equal(f->topics, 0);
    assert_int_equal(f->partitions, 0);
    metadata_free(from);
    slice_unref(&none);
    slice_unref(&image);
}

/* ---- What is given up ---- */

/* An image that cannot be read to its end: nobody is told of anything, and what was read of it is
 * forgotten before that is said. */
static void test_large_topic_of_a_bad_image(void **state) {
    struct fixture *f = *state;
    struct metadata *from = metadata_new(3, 1);
    make_topic(from);
    struct slice image = image_of(from);
    struct slice cut = slice_copy(NULL, image.data, image.len - 2);
    metadata_restoring_begin(f->env, f->table, cut, 1, 7, on_restored, f);
    env_uv_run(f->env);
    assert_int_equal(f->error, ERR_MALFORMED);
    assert_int_equal(f->topics, 0);
    assert_int_equal(f->partitions, 0);
    metadata_free(from);
    slice_unref(&image);
}

struct leaving {
    struct env_task task;
    struct fixture *f;
    struct metadata_restoring *restoring;
    unsigned turns; /* until it is left */
};

static void leave(struct env_task *task) {
    struct leaving *leaving = (struct leaving *)task;
    struct fixture *f = leaving->f;
    if (leaving->turns-- > 0) {
        env_yield_first(f->env, task);
        return;
    }
    f->error = ERR_NONE;
    metadata_restoring_leave(leaving->restoring, on_restored, f);
    assert_int_equal(f->error, ERR_NONE); /* not within the call */
}

/* Left in any turn: what was read, or was before, is forgotten, and then it says so; or all of it
 * at once. Whoever listens has been told of nothing, or of all that the table says. */
static void test_large_topic_is_left(void **state) {
    struct fixture *f = *state;
    struct metadata *from = metadata_new(3, 1);
    struct slice none = image_of(from);
    make_topic(from);
    struct slice image = image_of(from);
    f->error = ERR_CANCELED;
    for (unsigned at = 0; f->error == ERR_CANCELED; at++) { /* until it is over before */
        struct leaving leaving = {.task = {.run = leave}, .f = f, .turns = at};
        leaving.restoring = metadata_restoring_begin(f->env, f->table, slice_ref(image), 1, 7,
                                                     on_restored, f);
        env_yield_first(f->env, &leaving.task);
        env_uv_run(f->env);
        env_defer_cancel(f->env, &leaving.task);
        assert_int_equal(f->partitions, metadata_partition_count(f->table));
        assert_int_equal(f->topics, metadata_topic_count(f->table));
        int error = f->error;
        restore(f, none);
        assert_int_equal(f->partitions, 0);
        f->error = error;
    }
    assert_int_equal(f->error, ERR_NONE);
    metadata_restoring_end(
        metadata_restoring_begin(f->env, f->table, slice_ref(image), 1, 7, on_restored, f));
    metadata_free(from);
    slice_unref(&none);
    slice_unref(&image);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_large_topic_is_read_in_steps),
        TEST(test_large_topic_is_told_once),
        TEST(test_large_topic_of_a_bad_image),
        TEST(test_large_topic_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
