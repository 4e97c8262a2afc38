/* Log lines: their form, levels, what strangers put in them, and the limiter. */
#include <stdio.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/base/fixture_loop.h"
#include "tests/unit/unit.h"

static char text[65536];

/* Time in UTC with milliseconds, the level in five places, the message, one newline. */
static void test_log_form(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    struct log log = {.env = loop.env, .level = LOG_INFO};
    log_event(&log, LOGGED_PEER_LOST, "peer %d is not reachable", 2);
    log_debug(&log, "not said");
    loop_log(&loop, text, sizeof text);
    assert_int_equal(
        strlen(text),
        strlen("2026-11-21T10:00:00.123Z warn  peer 2 is not reachable [peer_lost]\n"));
    assert_string_equal(text + 24, " warn  peer 2 is not reachable [peer_lost]\n");
    for (size_t i = 0; i < 24; i++)
        assert_int_equal(text[i], "dddd-dd-ddTdd:dd:dd.dddZ"[i] == 'd'
                                      ? text[i]
                                      : "dddd-dd-ddTdd:dd:dd.dddZ"[i]);
    loop_close(&loop);
}

/* Control characters never make a second line; a line that is too long is cut and says so. */
static void test_log_what_strangers_send(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    struct log log = {.env = loop.env, .level = LOG_DEBUG};
    log_event(&log, LOGGED_DISK_FULL, "client \"%s\"", "a\nb\r\x1b[31m");
    loop_log(&loop, text, sizeof text);
    assert_non_null(strstr(text, "error client \"a?b??[31m\" [disk_full]\n"));
    char long_name[5000];
    memset(long_name, 'n', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    log_event(&log, LOGGED_STARTING, "%s", long_name);
    loop_log(&loop, text, sizeof text);
    assert_true(strlen(text) < 2100);
    assert_string_equal(text + strlen(text) - 16, "n... [starting]\n");
    loop_close(&loop);
}

/* A line for programs: the message quoted, what would end it escaped; for journald the level alone.
 */
static void test_log_formats(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    struct log log = {.env = loop.env, .level = LOG_INFO, .format = LOG_JSON};
    struct log_limiter limiter = {0};
    log.bursts[LOGGED_DISK_FULL].left_out = 7;
    log_event(&log, LOGGED_PEER_LOST, "a \"%s\" \\ b\n", "name");
    loop_log(&loop, text, sizeof text);
    assert_non_null(strstr(
        text,
        "Z\",\"level\":\"warn\",\"event\":\"peer_lost\",\"message\":\"a \\\"name\\\" \\\\ b?\"}\n"));
    assert_memory_equal(text, "{\"time\":\"20", 11);
    log_limited(&log, &limiter, LOGGED_DISK_FULL, "again");
    loop_log(&loop, text, sizeof text);
    assert_non_null(strstr(text, "\"message\":\"again\",\"left_out\":7}\n"));
    log.format = LOG_LOGFMT;
    log_event(&log, LOGGED_STARTING, "it is \"%d\"", 5);
    loop_log(&loop, text, sizeof text);
    assert_non_null(strstr(text, "Z level=info event=starting msg=\"it is \\\"5\\\"\"\n"));
    log.format = LOG_JOURNAL;
    log_event(&log, LOGGED_DISK_FULL, "%d", 1);
    loop_log(&loop, text, sizeof text);
    assert_string_equal(text, "<3>1 [disk_full]\n");
    assert_int_equal(log.lines[LOG_WARN] + log.lines[LOG_ERROR] + log.lines[LOG_INFO], 4);
    char wide[6001];
    for (size_t i = 0; i + 1 < sizeof wide; i += 3)
        memcpy(wide + i, "\xe2\x82\xac", 3);
    wide[sizeof wide - 1] = '\0';
    log.format = LOG_JSON;
    for (int i = 0; i < 3; i++) { /* wherever it is cut, no character is */
        log_event(&log, LOGGED_STARTING, "%.*s%s", i, "xxx", wide);
        loop_log(&loop, text, sizeof text);
        size_t len = strlen(text);
        assert_string_equal(text + len - 6, "...\"}\n");
        assert_memory_equal(text + len - 9, "\xe2\x82\xac", 3);
    }
    loop_close(&loop);
}

/* Of what happens often one line a second is written, and the next says how many were left out. */
static void test_log_limited(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    struct log log = {.env = loop.env, .level = LOG_INFO};
    struct log_limiter limiter = {0};
    for (int i = 0; i < 100; i++)
        log_limited(&log, &limiter, LOGGED_PEER_LOST, "bad frame %d", i);
    loop_log(&loop, text, sizeof text);
    assert_non_null(strstr(text, "bad frame 0 ["));
    assert_null(strstr(text, "bad frame 1 ["));
    limiter.next_us = 0; /* a second later */
    log_limited(&log, &limiter, LOGGED_PEER_LOST, "bad frame again");
    loop_log(&loop, text, sizeof text);
    assert_non_null(strstr(text, "bad frame again (99 more like it left out) [peer_lost]\n"));
    log_limited(&log, &limiter, LOGGED_DETAIL, "below the level: not counted");
    assert_int_equal(log.left_out, 99);
    loop_close(&loop);
}

/* Of one event a burst is written and no more, whoever logs it; the next line says how many were
 * left out; other events go on. */
static void test_log_burst(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    struct log log = {.env = loop.env, .level = LOG_DEBUG};
    struct log_limiter one = {0}, other = {0};
    log_limited(&log, &one, LOGGED_PEER_LOST, "limited");
    for (int i = 1; i < LOG_BURST + 30; i++)
        log_event(&log, LOGGED_PEER_LOST, "peer %d", i);
    log_limited(&log, &other, LOGGED_PEER_LOST, "limited");
    assert_int_equal(log.lines[LOG_WARN], LOG_BURST);
    assert_int_equal(log.left_out, 31);
    log_event(&log, LOGGED_DISK_FULL, "another");
    for (int i = 0; i < 2 * LOG_BURST; i++)
        log_debug(&log, "never left out");
    assert_int_equal(log.lines[LOG_ERROR], 1);
    assert_int_equal(log.lines[LOG_DEBUG], 2 * LOG_BURST);
    log.bursts[LOGGED_PEER_LOST].until_us = 0; /* a second later */
    log_event(&log, LOGGED_PEER_LOST, "peer again");
    loop_log(&loop, text, sizeof text);
    assert_non_null(strstr(text, "peer again (31 more like it left out) [peer_lost]\n"));
    loop_close(&loop);
}

/* What is left out is told although no other line comes, once; what changes who may do what is
 * written however much of it there is. */
static void test_log_left_out_is_told(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    struct log log = {.env = loop.env, .level = LOG_INFO};
    struct log_limiter limiter = {0};
    for (int i = 0; i < LOG_BURST + 5; i++) {
        log_limited(&log, &limiter, LOGGED_ACCESS_DENIED, "no %d", i);
        log_event(&log, LOGGED_ACCESS_DENIED, "no");
        log_event(&log, LOGGED_ACLS_CHANGED, "rule %d", i);
        log_event(&log, LOGGED_USERS_CHANGED, "user %d", i);
        log_event(&log, LOGGED_CONFIGS_CHANGED, "setting %d", i);
    }
    assert_int_equal(log.lines[LOG_INFO], 3 * (LOG_BURST + 5));
    assert_int_equal(log.lines[LOG_WARN], LOG_BURST);
    log_tell_left_out(&log); /* within the second: a line may come */
    assert_int_equal(log.lines[LOG_WARN], LOG_BURST);
    log.bursts[LOGGED_ACCESS_DENIED].until_us = 0; /* a second later */
    log_tell_left_out(&log);
    log_tell_left_out(&log);
    loop_log(&loop, text, sizeof text);
    assert_non_null(strstr(text, "rule 24 [acls_changed]\n"));
    assert_non_null(strstr(text, " (12 more like it left out) [access_denied]\n"));
    assert_int_equal(log.lines[LOG_WARN], LOG_BURST + 1);
    loop_close(&loop);
}

/* Each event has a name of its own, which no search takes for another form, and says what it means;
 * a warning says what to do, too. */
static void test_log_event_table(void **state) {
    (void)state;
    const struct log_event_row *rows = log_event_table();
    for (int i = 0; i < LOG_EVENTS; i++) {
        assert_int_equal(strspn(rows[i].name, "abcdefghijklmnopqrstuvwxyz_"), strlen(rows[i].name));
        assert_true(strlen(rows[i].name) < 32 && rows[i].means[0] != '\0');
        assert_true(rows[i].level > LOG_WARN || rows[i].todo[0] != '\0');
        for (int j = 0; j < i; j++)
            assert_string_not_equal(rows[i].name, rows[j].name);
    }
}

/* A fatal error is one line of the log and exit code 1. */
static void test_env_fatal(void **state) {
    (void)state;
    struct loop loop;
    loop_open(&loop);
    pid_t child = fork();
    if (child == 0) env_fatal(loop.env, "cannot write %s", "journal-3");
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    loop_log(&loop, text, sizeof text);
    assert_non_null(strstr(text, "error cannot write journal-3 [process_ends]\n"));
    loop_close(&loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_form),        cmocka_unit_test(test_log_what_strangers_send),
        cmocka_unit_test(test_log_formats),     cmocka_unit_test(test_log_limited),
        cmocka_unit_test(test_log_burst),       cmocka_unit_test(test_log_left_out_is_told),
        cmocka_unit_test(test_log_event_table), cmocka_unit_test(test_env_fatal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
