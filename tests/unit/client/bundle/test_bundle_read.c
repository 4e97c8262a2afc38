/* What a bundle gives back in place of a cluster, and how it is refused where it cannot. */
#include "client/bundle/bundle_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/bundle/archive.h"
#include "client/bundle/bundle_files.h"
#include "client/line/talk.h"
#include "tests/unit/unit.h"

static const struct command_option options[] = {{0, OPTION_FROM, "from", "FILE", "as it was then"},
                                                {'a', 'a', "all", NULL, "all of it"}};
static const struct command topic_list = {.name = "topic list",
                                          .options = options,
                                          .option_count = 2};

static char path[] = "bundle.tar.gz";

/* ---- Bundles ---- */

static bool to_file(void *arg, const void *data, size_t len) {
    return fwrite(data, 1, len, arg) == len;
}

struct row {
    const char *name, *text;
};

static void make(const char *manifest, const struct row *rows, size_t count) {
    char name[ARCHIVE_NAME];
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    struct archive *archive = archive_new(to_file, file);
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, BUNDLE_FOLDER "%s", rows[i].name);
        archive_add(archive, name, rows[i].text, strlen(rows[i].text), 1000);
    }
    if (manifest != NULL)
        archive_add(archive, BUNDLE_FOLDER BUNDLE_MANIFEST, manifest, strlen(manifest), 1000);
    assert_true(archive_end(archive));
    assert_int_equal(fclose(file), 0);
}

static const struct row lists[] = {{"topics.txt", "orders\nboxes\n"},
                                   {"topics.json", "[\"orders\"]\n"},
                                   {"topics-all.txt", "orders\n__consumer_offsets\n"},
                                   {"other.failed.txt", "not shown"}};

static void make_usual(void) {
    make(
        "{\"time_ms\":86400000,\"files\":{"
        "\"topics.txt\":{\"call\":[\"topic list\"],\"exit\":0},"
        "\"topics.json\":{\"call\":[\"topic list\"],\"exit\":0},"
        "\"topics-all.txt\":{\"call\":[\"topic list\",\"--all\"],\"exit\":1,\"said\":\"a remark\\n\"},"
        "\"other.failed.txt\":{\"call\":[\"topic list\",\"broken\"],\"exit\":3,\"said\":\"no broker\\n\"}}}",
        lists, 4);
}

/* ---- Reading ---- */

struct shown {
    int code;
    char printed[400], said[1000];
};

static struct shown show(bool json, bool all, char *word) {
    struct shown shown = {.code = -1};
    struct held_talk talk;
    struct invocation in = {.command = &topic_list,
                            .json = json,
                            .words = &word,
                            .word_count = word != NULL,
                            .values = {{OPTION_FROM, path}, {'a', ""}},
                            .value_count = all ? 2 : 1};
    talk_hold();
    shown.code = bundle_show(&in);
    talk_held(&talk);
    snprintf(shown.printed, sizeof shown.printed, "%.*s", (int)talk.printed_len,
             talk.printed == NULL ? "" : talk.printed);
    snprintf(shown.said, sizeof shown.said, "%.*s", (int)talk.said_len,
             talk.said == NULL ? "" : talk.said);
    mem_free(talk.printed);
    mem_free(talk.said);
    return shown;
}

/* A call is known by its words and flags; people and programs get what was made for them, with the
 * exit code and the remarks of then. */
static void test_calls(void **state) {
    (void)state;
    make_usual();
    struct shown shown = show(false, false, NULL);
    assert_int_equal(shown.code, EXIT_DONE);
    assert_string_equal(shown.printed, "orders\nboxes\n");
    assert_non_null(strstr(shown.said, "as it was at 1970-01-02 00:00:00 UTC"));
    assert_string_equal(show(true, false, NULL).printed, "[\"orders\"]\n");
    shown = show(false, true, NULL);
    assert_int_equal(shown.code, EXIT_REFUSED);
    assert_string_equal(shown.printed, "orders\n__consumer_offsets\n");
    assert_non_null(strstr(shown.said, "a remark"));
}

/* One that failed fails again, with what it said then and nothing printed. */
static void test_failed_call(void **state) {
    (void)state;
    make_usual();
    struct shown shown = show(false, false, (char[]){"broken"});
    assert_int_equal(shown.code, EXIT_UNREACHABLE);
    assert_string_equal(shown.printed, "");
    assert_non_null(strstr(shown.said, "no broker"));
}

/* What it does not hold is refused, with what it does. */
static void test_other_call(void **state) {
    (void)state;
    make_usual();
    struct shown shown = show(false, false, (char[]){"never"});
    assert_int_equal(shown.code, EXIT_REFUSED);
    assert_string_equal(shown.printed, "");
    assert_non_null(strstr(shown.said, "does not hold what drave topic list never prints"));
    assert_non_null(strstr(shown.said, "drave topic list --all"));
}

static void cut(long by) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    fclose(file);
    assert_int_equal(truncate(path, size - by), 0);
}

/* What is no bundle, or not all of one, is refused. */
static void test_no_bundle(void **state) {
    (void)state;
    unlink(path);
    assert_non_null(strstr(show(false, false, NULL).said, "cannot be read"));
    make_usual();
    cut(20);
    assert_non_null(strstr(show(false, false, NULL).said, "cannot be unpacked"));
    make(NULL, lists, 4);
    assert_non_null(strstr(show(false, false, NULL).said, "it has no manifest.json"));
    static const char *const odd[] = {"", "[]", "{\"files\":[]}", "{\"files\":7}", "{", "null"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        make(odd[i], lists, 4);
        struct shown shown = show(false, false, NULL);
        assert_int_equal(shown.code, EXIT_REFUSED);
        assert_string_equal(shown.printed, "");
    }
}

/* A manifest that names what is not there, or makes no sense within, prints nothing. */
static void test_odd_manifest(void **state) {
    (void)state;
    static const char *const odd[] = {
        "{\"files\":{\"gone.txt\":{\"call\":[\"topic list\"],\"exit\":0}}}",
        "{\"files\":{\"topics.txt\":{\"call\":[7,null],\"exit\":\"x\"}}}",
        "{\"files\":{\"topics.txt\":{\"call\":\"topic list\"}}}",
        "{\"files\":{\"topics.txt\":null}}", "{\"files\":{\"\":{\"call\":[\"topic list\",7]}}}"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        make(odd[i], lists, 4);
        struct shown shown = show(false, false, NULL);
        assert_int_equal(shown.code, EXIT_REFUSED);
        assert_string_equal(shown.printed, "");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),        cmocka_unit_test(test_failed_call),
        cmocka_unit_test(test_other_call),   cmocka_unit_test(test_no_bundle),
        cmocka_unit_test(test_odd_manifest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
