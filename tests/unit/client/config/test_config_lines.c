/* What an editor leaves, against what a topic has. */
#include "client/config/config_lines.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/line/talk.h"
#include "tests/unit/unit.h"

enum { OWN = 1, BROKERS = 3, SETTINGS = 5, ARENA = 1 << 20 };

static struct kp_describe_configs_response_config settings[SETTINGS];
static struct kp_describe_configs_response_resource found;

static void set(int at, const char *name, const char *value, int8_t source) {
    settings[at] = (struct kp_describe_configs_response_config){
        .name = kp_string_of(name), .value = kp_string_of(value), .config_source = source};
}

/* Two of its own, one behind it; one that cannot be changed, and a secret. */
static int setup(void **state) {
    (void)state;
    set(0, "retention.ms", "1000", OWN);
    set(1, "cleanup.policy", "compact,delete", OWN);
    set(2, "segment.bytes", "5", BROKERS);
    set(3, "fixed", "1", OWN);
    settings[3].read_only = true;
    set(4, "secret", "", OWN);
    settings[4].is_sensitive = true;
    found.configs.items = settings;
    found.configs.count = SETTINGS;
    return 0;
}

/* The words behind the first with '|' between; what was said, if it was refused. */
static const char *compare(const char *written) {
    static char text[1000];
    struct held_talk talk;
    struct kp_arena arena;
    kp_arena_init(&arena, ARENA);
    char first[] = "topic:t", *words[1 + CONFIG_LINES_MOST] = {first}, *copy = mem_strdup(written);
    int count = 1;
    talk_hold();
    bool well = config_lines_compare(
        &(struct config_lines){.found = &found, .own_source = OWN, .arena = &arena}, copy, words,
        &count);
    talk_held(&talk);
    size_t len = 0;
    text[0] = '\0';
    if (!well) snprintf(text, sizeof text, "said: %.*s", (int)talk.said_len, talk.said);
    for (int i = 1; well && i < count && len < sizeof text - 1; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i == 1 ? "" : "|", words[i]);
    mem_free(talk.printed);
    mem_free(talk.said);
    mem_free(copy);
    kp_arena_close(&arena);
    return text;
}

#define BOTH "retention.ms=1000\ncleanup.policy=compact,delete\n"

/* The same lines, in any order and among others that say nothing, change nothing. */
static void test_nothing(void **state) {
    (void)state;
    assert_string_equal(compare(BOTH), "");
    assert_string_equal(compare("# a\n\ncleanup.policy=compact,delete\n  retention.ms=1000"), "");
}

/* Another value, a new line, a line that is taken out, or commented out. */
static void test_changes(void **state) {
    (void)state;
    assert_string_equal(compare("retention.ms=2000\ncleanup.policy=compact,delete\n"),
                        "retention.ms=2000");
    assert_string_equal(compare(BOTH "segment.bytes=5\n"), "segment.bytes=5");
    assert_string_equal(compare("retention.ms=1000\n"), "cleanup.policy");
    assert_string_equal(compare("#retention.ms=1000\ncleanup.policy=delete"),
                        "cleanup.policy=delete|retention.ms");
    assert_string_equal(compare(""), "retention.ms|cleanup.policy");
    assert_string_equal(compare(BOTH "retention.m=1\nretention.msx=1\n"),
                        "retention.m=1|retention.msx=1");
    assert_string_equal(compare("retention.ms=\ncleanup.policy=a=b\n"),
                        "retention.ms=|cleanup.policy=a=b");
}

/* A line that is none, and too many. */
static void test_refused(void **state) {
    (void)state;
    assert_non_null(strstr(compare(BOTH "what is this\n"), "\"what is this\" is not NAME=VALUE"));
    assert_non_null(strstr(compare(BOTH "=5\n"), "\"=5\" is not NAME=VALUE"));
    char *many = mem_zalloc((CONFIG_LINES_MOST + 1) * 4 + 1);
    for (int i = 0; i <= CONFIG_LINES_MOST; i++)
        memcpy(many + (size_t)i * 4, "a=1\n", 4);
    assert_non_null(strstr(compare(many), "more than 500 lines"));
    many[CONFIG_LINES_MOST * 4] = '\0';
    assert_non_null(strstr(compare(many), "more than 500 changes"));
    mem_free(many);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_nothing, setup),
        cmocka_unit_test_setup(test_changes, setup),
        cmocka_unit_test_setup(test_refused, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
