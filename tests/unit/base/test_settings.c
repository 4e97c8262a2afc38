/* Settings: defaults, files, --set, and every sentence that a wrong one gets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "base/settings.h"
#include "tests/unit/unit.h"

static const struct setting table[] = {
    {.name = "data.dir",
     .type = SETTING_TEXT,
     .fallback = "./drave-data",
     .unit = "",
     .help = "Where data is."},
    {.name = "node.id",
     .type = SETTING_INT,
     .fallback = "1",
     .min = 0,
     .max = 1000,
     .unit = "",
     .help = "Who we are."},
    {.name = "log.segment.bytes",
     .type = SETTING_INT,
     .fallback = "1073741824",
     .min = 4096,
     .max = INT32_MAX,
     .unit = "bytes",
     .help = "Size of a segment."},
    {.name = "offset.from",
     .type = SETTING_INT,
     .fallback = "-1",
     .min = INT64_MIN,
     .max = INT64_MAX,
     .unit = ""},
    {.name = "auto.create.topics.enable",
     .type = SETTING_BOOL,
     .fallback = "true",
     .unit = "",
     .help = "Yes or no."},
    {.name = "compression.type",
     .type = SETTING_CHOICE,
     .fallback = "producer",
     .choices = "producer,uncompressed,gzip,lz4",
     .unit = "",
     .help = "The codec."},
};
enum { ROWS = sizeof table / sizeof table[0] };

static struct settings *settings;
static struct error_text why;
static char path[64];

static int open_settings(void **state) {
    (void)state;
    settings = settings_new(table, ROWS);
    why.text[0] = '\0';
    snprintf(path, sizeof path, "/tmp/drave-unit-settings-XXXXXX");
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int close_settings(void **state) {
    (void)state;
    settings_free(settings);
    return unlink(path);
}

static int read_text(const char *text, size_t len) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    fclose(file);
    return settings_read_file(settings, path, &why);
}

static void assert_refused(const char *text, const char *sentence) {
    char expected[600];
    assert_int_equal(read_text(text, strlen(text)), ERR_INVALID);
    snprintf(expected, sizeof expected, "%s:%s", path, sentence);
    assert_string_equal(why.text, expected);
}

/* Without a file everything has its default, and says so. */
static void test_settings_defaults(void **state) {
    (void)state;
    assert_string_equal(settings_text(settings, "data.dir"), "./drave-data");
    assert_int_equal(settings_int(settings, "log.segment.bytes"), 1073741824);
    assert_int_equal(settings_int(settings, "offset.from"), -1);
    assert_true(settings_bool(settings, "auto.create.topics.enable"));
    assert_true(settings_is_default(settings, "node.id"));
    assert_null(settings_source(settings, "node.id"));
    settings_free(NULL);
}

/* Layers: the higher goes before the lower, and any before what was read, which stays; a copy has
 * them, too, and texts of other settings stay where they are. */
static void test_settings_layers(void **state) {
    (void)state;
    assert_int_equal(settings_set_pair(settings, "node.id=7", &why), ERR_NONE);
    const char *dir = settings_text(settings, "data.dir");
    assert_int_equal(settings_lay(settings, 0, "node.id", "8", &why), ERR_NONE);
    assert_int_equal(settings_lay(settings, 1, "node.id", "9", &why), ERR_NONE);
    assert_int_equal(settings_lay(settings, 0, "offset.from", "5", &why), ERR_NONE);
    assert_int_equal(settings_int(settings, "node.id"), 9);
    assert_int_equal(settings_int(settings, "offset.from"), 5);
    assert_false(settings_is_default(settings, "offset.from"));
    assert_string_equal(settings_read_text(settings, "node.id"), "7");
    assert_string_equal(settings_laid(settings, 0, "node.id"), "8");
    assert_null(settings_laid(settings, 1, "offset.from"));
    assert_string_equal(settings_source(settings, "node.id"), "--set");
    struct settings *copy = settings_copy(settings);
    assert_int_equal(settings_lay(settings, 1, "node.id", NULL, &why), ERR_NONE);
    assert_int_equal(settings_int(settings, "node.id"), 8);
    assert_int_equal(settings_lay(settings, 0, "node.id", NULL, &why), ERR_NONE);
    assert_int_equal(settings_int(settings, "node.id"), 7);
    assert_int_equal(settings_int(copy, "node.id"), 9);
    assert_string_equal(settings_source(copy, "node.id"), "--set");
    settings_free(copy);
    assert_int_equal(settings_lay(settings, 0, "node.id", "1001", &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "from 0 to 1000"));
    assert_int_equal(settings_lay(settings, 0, "node.idd", "1", &why), ERR_INVALID);
    assert_int_equal(settings_int(settings, "node.id"), 7);
    assert_ptr_equal(settings_text(settings, "data.dir"), dir);
}

/* A file in Kafka's form: comments, blanks, values with '=' and '#', CRLF, no newline at the end.
 */
static void test_settings_file(void **state) {
    (void)state;
    static const char text[] =
        "# a comment\n\n  node.id = 7 \r\n\t# another\ndata.dir=/data/a=b #c\n"
        "compression.type=lz4\nauto.create.topics.enable=False\nlog.segment.bytes=4096";
    assert_int_equal(read_text(text, strlen(text)), ERR_NONE);
    assert_int_equal(settings_int(settings, "node.id"), 7);
    assert_string_equal(settings_text(settings, "data.dir"), "/data/a=b #c");
    assert_string_equal(settings_text(settings, "compression.type"), "lz4");
    assert_false(settings_bool(settings, "auto.create.topics.enable"));
    assert_int_equal(settings_int(settings, "log.segment.bytes"), 4096);
    assert_false(settings_is_default(settings, "node.id"));
    char source[80];
    snprintf(source, sizeof source, "%s:3", path);
    assert_string_equal(settings_source(settings, "node.id"), source);
    assert_true(settings_is_default(settings, "offset.from"));
}

/* A value longer than any line of a reader's buffer comes whole: a cut voter list would be a
 * disaster. */
static void test_settings_long_value(void **state) {
    (void)state;
    static char text[100000];
    memset(text, 'v', sizeof text - 1);
    memcpy(text, "data.dir=", 9);
    assert_int_equal(read_text(text, strlen(text)), ERR_NONE);
    assert_int_equal(strlen(settings_text(settings, "data.dir")), strlen(text) - 9);
}

/* Each wrong line is refused with file, line and what would be right; nothing of it is kept. */
static void test_settings_wrong_lines(void **state) {
    (void)state;
    assert_refused("\nnode.idd=3\n", "2: there is no setting node.idd; did you mean node.id?");
    assert_refused("log.segment.byte=1",
                   "1: there is no setting log.segment.byte; did you mean log.segment.bytes?");
    assert_refused(
        "zookeeper.connect=x",
        "1: there is no setting zookeeper.connect; --help-config lists those that exist");
    assert_refused("node.id=1001",
                   "1: node.id=1001 is not possible; it takes a whole number from 0 to 1000");
    assert_refused("node.id=-1",
                   "1: node.id=-1 is not possible; it takes a whole number from 0 to 1000");
    assert_refused("node.id=",
                   "1: node.id= is not possible; it takes a whole number from 0 to 1000");
    assert_refused("node.id=+1",
                   "1: node.id=+1 is not possible; it takes a whole number from 0 to 1000");
    assert_refused("node.id=1x",
                   "1: node.id=1x is not possible; it takes a whole number from 0 to 1000");
    assert_refused(
        "log.segment.bytes=99999999999999999999",
        "1: log.segment.bytes=99999999999999999999 is not possible; it takes a whole number from 4096 to "
        "2147483647 bytes");
    assert_refused("auto.create.topics.enable=yes",
                   "1: auto.create.topics.enable=yes is not possible; it takes true or false");
    assert_refused("compression.type=lz", "1: compression.type=lz is not possible; it takes one of "
                                          "producer,uncompressed,gzip,lz4");
    assert_refused("compression.type=gzip,lz4",
                   "1: compression.type=gzip,lz4 is not possible; it takes one of "
                   "producer,uncompressed,gzip,lz4");
    assert_refused("compression.type=", "1: compression.type= is not possible; it takes one of "
                                        "producer,uncompressed,gzip,lz4");
    assert_refused("just words", "1: a line must be key=value, or a comment that begins with #");
    assert_refused("=5", "1: a line must be key=value, or a comment that begins with #");
    for (size_t i = 0; i < ROWS; i++)
        assert_true(settings_is_default(settings, table[i].name));
    assert_refused("data.dir=a\n\ndata.dir=a\n",
                   "3: data.dir is set a second time (first on line 1); remove one");
    static const char zero[] = "node.id=\0"
                               "7";
    assert_int_equal(read_text(zero, sizeof zero - 1), ERR_INVALID);
    assert_non_null(strstr(why.text, "zero byte"));
}

/* A file that is not there, or is a folder, is named in the sentence. */
static void test_settings_no_file(void **state) {
    (void)state;
    assert_int_equal(settings_read_file(settings, "/nowhere/draved.conf", &why), ERR_NOT_FOUND);
    assert_string_equal(why.text,
                        "cannot read the configuration file /nowhere/draved.conf (not found)");
    assert_int_not_equal(settings_read_file(settings, "/tmp", &why), ERR_NONE);
    assert_non_null(strstr(why.text, "/tmp"));
}

/* --set comes over the file; a value may be set from itself; wrong pairs are refused. */
static void test_settings_pairs(void **state) {
    (void)state;
    assert_int_equal(read_text("node.id=3\n", 10), ERR_NONE);
    assert_int_equal(settings_set_pair(settings, "node.id = 4", &why), ERR_NONE);
    assert_int_equal(settings_int(settings, "node.id"), 4);
    assert_string_equal(settings_source(settings, "node.id"), "--set");
    assert_int_equal(
        settings_set(settings, "node.id", settings_text(settings, "node.id"), "again", &why),
        ERR_NONE);
    assert_int_equal(settings_int(settings, "node.id"), 4);
    assert_int_equal(settings_choice(settings, "compression.type"), 0);
    assert_int_equal(settings_set_pair(settings, "compression.type=lz4", &why), ERR_NONE);
    assert_int_equal(settings_choice(settings, "compression.type"), 3);
    assert_int_equal(settings_set_pair(settings, "node.id", &why), ERR_INVALID);
    assert_string_equal(why.text,
                        "--set node.id is not key=value; write for example --set node.id=1");
    assert_int_equal(settings_set_pair(settings, "node.id=a", &why), ERR_INVALID);
    assert_string_equal(why.text,
                        "--set: node.id=a is not possible; it takes a whole number from 0 to 1000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_settings_defaults, open_settings, close_settings),
        cmocka_unit_test_setup_teardown(test_settings_layers, open_settings, close_settings),
        cmocka_unit_test_setup_teardown(test_settings_file, open_settings, close_settings),
        cmocka_unit_test_setup_teardown(test_settings_long_value, open_settings, close_settings),
        cmocka_unit_test_setup_teardown(test_settings_wrong_lines, open_settings, close_settings),
        cmocka_unit_test_setup_teardown(test_settings_no_file, open_settings, close_settings),
        cmocka_unit_test_setup_teardown(test_settings_pairs, open_settings, close_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
