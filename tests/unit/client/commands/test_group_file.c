/* Files of offsets: what export prints, and what kafka-consumer-groups writes. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/commands/group_file.h"
#include "tests/unit/unit.h"

struct fixture {
    char path[32];
    struct group_file file;
    struct plan plan;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof(*f));
    snprintf(f->path, sizeof(f->path), "/tmp/drave-offsets-XXXXXX");
    int fd = mkstemp(f->path);
    *state = f;
    return fd < 0 || close(fd) ? -1 : 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    plan_close(&f->plan);
    group_file_close(&f->file);
    unlink(f->path);
    free(f);
    return 0;
}

static int open_text(struct fixture *f, const char *text) {
    FILE *to = fopen(f->path, "w");
    assert_non_null(to);
    assert_int_equal(fwrite(text, 1, strlen(text), to), strlen(text));
    fclose(to);
    group_file_close(&f->file);
    return group_file_open(&f->file, f->path);
}

static void assert_row(const struct fixture *f, size_t i, const char *topic, int32_t partition,
                       int64_t to) {
    assert_true(i < f->plan.count);
    assert_string_equal(f->plan.rows[i].topic, topic);
    assert_int_equal(f->plan.rows[i].partition, partition);
    assert_int_equal(f->plan.rows[i].to, to);
    assert_int_equal(f->plan.rows[i].from, -1);
}

/* What is exported comes back: names, offsets above 2^53, metadata; nothing for what is not
 * committed. */
static void test_export_and_back(void **state) {
    struct fixture *f = *state;
    struct group_offset offsets[] = {
        {.topic = "a", .partition = 0, .committed = 9007199254740993, .metadata = "m"},
        {.topic = "a", .partition = 1, .committed = -1, .metadata = ""},
        {.topic = "b", .partition = 7, .committed = 0, .metadata = ""},
    };
    const struct group_view view = {.group = "g", .offsets = offsets, .offset_count = 3};
    json_t *root = group_file_of(&view);
    char *text = json_dumps(root, 0);
    assert_int_equal(open_text(f, text), EXIT_DONE);
    assert_string_equal(f->file.group, "g");
    group_file_plan(&f->file, &f->plan);
    assert_int_equal(f->plan.count, 2);
    assert_row(f, 0, "a", 0, 9007199254740993);
    assert_string_equal(f->plan.rows[0].metadata, "m");
    assert_row(f, 1, "b", 7, 0);
    free(text);
    json_decref(root);
}

/* Lines with and without a group, quotes, ends of lines of Windows, empty lines; a partition named
 * twice has the last offset. */
static void test_lines(void **state) {
    struct fixture *f = *state;
    assert_int_equal(open_text(f, "a,0,5\r\n\n\"a\",1,6\na,0,7"), EXIT_DONE);
    assert_null(f->file.group);
    group_file_plan(&f->file, &f->plan);
    assert_int_equal(f->plan.count, 2);
    assert_row(f, 0, "a", 0, 7);
    assert_row(f, 1, "a", 1, 6);
    assert_int_equal(open_text(f, "g,a,0,5\n"), EXIT_DONE);
    assert_string_equal(f->file.group, "g");
}

/* Nothing is guessed: a wrong file is refused as a whole. */
static void test_wrong_files(void **state) {
    struct fixture *f = *state;
    const char *const wrong[] = {"a,0",
                                 "a,0,x",
                                 "a,-1,5",
                                 "a,0,5,6,7",
                                 "{",
                                 "{}",
                                 "{\"offsets\":[{\"topic\":\"a\",\"partition\":0}]}",
                                 "{\"offsets\":[{\"topic\":1,\"partition\":0,\"offset\":0}]}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(open_text(f, wrong[i]), EXIT_REFUSED);
    }
    group_file_close(&f->file);
    assert_int_equal(group_file_open(&f->file, "/nowhere/at/all"), EXIT_REFUSED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_export_and_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_files, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
