/* Profiles: the file, there and back, and which cluster a call is about. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/line/talk.h"
#include "client/profile/profile_use.h"
#include "tests/unit/unit.h"

static char folder[] = "/tmp/drave-profiles-XXXXXX", path[4096];

static int begin(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    setenv("XDG_CONFIG_HOME", folder, 1);
    profiles_path(path, sizeof(path));
    return 0;
}

static int end(void **state) {
    (void)state;
    char above[4096];
    snprintf(above, sizeof(above), "%s/drave", folder);
    unlink(path);
    rmdir(above);
    return rmdir(folder);
}

static int no_file(void **state) {
    (void)state;
    unlink(path);
    unsetenv("DRAVE_BOOTSTRAP");
    unsetenv("DRAVE_PROFILE");
    return 0;
}

static void write_file(const char *text) {
    struct profiles none = {.count = 0};
    struct error_text why;
    assert_int_equal(profiles_write(&none, &why), ERR_NONE); /* makes the folder */
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* What is written is read again; only its owner can read it, whatever the umask. */
static void test_file(void **state) {
    (void)state;
    struct profiles profiles;
    struct profile *one;
    struct error_text why = {""};
    assert_int_equal(profiles_read(&profiles, &why), ERR_NONE); /* there is no file yet */
    assert_int_equal(profiles.count, 0);
    assert_int_equal(profiles_add(&profiles, "prod", &one, &why), ERR_NONE);
    assert_int_equal(profile_set(one, "bootstrap=a:1,b:2", &why), ERR_NONE);
    assert_int_equal(profile_set(one, "read.only=true", &why), ERR_NONE);
    assert_int_equal(profile_set(one, "timeout=30s", &why), ERR_NONE);
    assert_int_equal(profile_set(one, "description=x = y", &why), ERR_NONE);
    assert_int_equal(profiles_add(&profiles, "test", &one, &why), ERR_NONE);
    snprintf(profiles.used, sizeof(profiles.used), "prod");
    mode_t before = umask(0);
    assert_int_equal(profiles_write(&profiles, &why), ERR_NONE);
    umask(before);
    profiles_free(&profiles);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(profiles_read(&profiles, &why), ERR_NONE);
    assert_int_equal(profiles.count, 2);
    assert_string_equal(profiles.used, "prod");
    one = profiles_find(&profiles, "prod");
    assert_string_equal(one->bootstrap, "a:1,b:2");
    assert_string_equal(one->timeout, "30s");
    assert_string_equal(one->description, "x = y");
    assert_true(one->read_only);
    assert_int_equal(profile_set(one, "description=", &why), ERR_NONE);
    assert_null(one->description);
    profiles_remove(&profiles, one);
    assert_string_equal(profiles.used, ""); /* what is gone is not used */
    assert_non_null(profiles_find(&profiles, "test"));
    assert_null(profiles_find(&profiles, "prod"));
    profiles_free(&profiles);
}

/* A line that makes no sense is named. */
static void test_wrong_lines(void **state) {
    (void)state;
    const struct {
        const char *text, *said;
    } rows[] = {{"[a]\nbootstrp=x\n",
                 "line 2: a profile has no setting \"bootstrp\"; did you mean bootstrap"},
                {"# x\n\nbootstrap=x\n", "line 3: \"bootstrap=x\" is neither"},
                {"[a]\n[b]\n[a]\n", "line 3: profile \"a\" is there twice"},
                {"[a b]\n", "line 1: \"a b\" is no name"},
                {"[a]\nread.only=yes\n", "read.only=yes is neither true nor false"},
                {"[a]\ntimeout=soon\n", "timeout=soon is no time"},
                {"use=a/b\n", "is neither use=NAME"}};
    struct profiles profiles;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct error_text why = {""};
        write_file(rows[i].text);
        assert_int_equal(profiles_read(&profiles, &why), ERR_INVALID);
        if (!strstr(why.text, rows[i].said)) fail_msg("%s", why.text);
        profiles_free(&profiles);
    }
}

/* More than there may be is refused, with memory that was given back. */
static void test_too_many(void **state) {
    (void)state;
    struct profiles profiles = {.count = 0};
    struct profile *one;
    struct error_text why = {""};
    for (int i = 0; i < PROFILES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "p%d", i);
        assert_int_equal(profiles_add(&profiles, name, &one, &why), ERR_NONE);
    }
    assert_int_equal(profiles_add(&profiles, "more", &one, &why), ERR_LIMIT);
    profiles_free(&profiles);
}

static const struct command_option dry_run[] = {{0, OPTION_DRY_RUN, "dry-run", NULL, ""}};
static const struct command reads = {.name = "info"};
static const struct command changes = {.name = "topic delete",
                                       .options = dry_run,
                                       .option_count = 1};

static int apply(struct invocation *in, char *said, size_t room) {
    struct profiles profiles;
    struct held_talk talk;
    char bootstrap[64] = "";
    talk_hold();
    int code = profile_apply(in, &profiles);
    talk_held(&talk);
    snprintf(said, room, "%.*s", (int)talk.said_len, talk.said ? talk.said : "");
    snprintf(bootstrap, sizeof(bootstrap), "%s", in->bootstrap ? in->bootstrap : "");
    profiles_free(&profiles);
    mem_free(talk.said);
    in->bootstrap = mem_strdup(bootstrap);
    return code;
}

static void expect_brokers(const char *given, const char *profile, const char *brokers) {
    struct invocation in = {.command = &reads, .bootstrap = given, .profile = profile};
    char said[600];
    assert_int_equal(apply(&in, said, sizeof(said)), EXIT_DONE);
    assert_string_equal(in.bootstrap, brokers);
    mem_free((void *)(uintptr_t)in.bootstrap);
}

/* -b, --profile, DRAVE_BOOTSTRAP, DRAVE_PROFILE, the one that is used, this machine. */
static void test_which_cluster(void **state) {
    (void)state;
    expect_brokers(NULL, NULL, "127.0.0.1:9092");
    write_file("use=used\n[used]\nbootstrap=u:1\n[named]\nbootstrap=n:1\n[bare]\n");
    expect_brokers(NULL, NULL, "u:1");
    setenv("DRAVE_PROFILE", "named", 1);
    expect_brokers(NULL, NULL, "n:1");
    setenv("DRAVE_BOOTSTRAP", "e:1", 1);
    expect_brokers(NULL, NULL, "e:1");
    expect_brokers(NULL, "used", "u:1");
    expect_brokers(NULL, "bare", "e:1"); /* which does not say */
    expect_brokers("b:1", "used", "b:1");
}

/* A file that cannot be opened, as another user's, is missed only by name; one that makes no sense
 * always. */
static void test_unreadable(void **state) {
    (void)state;
    char said[600];
    write_file("");
    unlink(path);
    assert_int_equal(symlink(path, path), 0); /* which nobody can open */
    expect_brokers(NULL, NULL, "127.0.0.1:9092");
    struct invocation in = {.command = &reads, .profile = "prod"};
    assert_int_not_equal(apply(&in, said, sizeof(said)), EXIT_DONE);
    mem_free((void *)(uintptr_t)in.bootstrap);
    assert_non_null(strstr(said, "cannot be read"));
    unlink(path);
    write_file("nonsense\n");
    in = (struct invocation){.command = &reads};
    assert_int_equal(apply(&in, said, sizeof(said)), EXIT_REFUSED);
    assert_non_null(strstr(said, "line 1"));
    mem_free((void *)(uintptr_t)in.bootstrap);
}

/* read.only refuses what changes a cluster, and nothing else; a profile that is only used does not
 * hold for brokers that were named. */
static void test_read_only(void **state) {
    (void)state;
    char said[600];
    write_file("use=safe\n[safe]\nbootstrap=s:1\nread.only=true\ntimeout=3s\n");
    const struct {
        const struct command *command;
        const char *given, *profile;
        bool dry_run;
        int code;
    } rows[] = {{&reads, NULL, NULL, false, EXIT_DONE},
                {&changes, NULL, NULL, false, EXIT_REFUSED},
                {&changes, NULL, NULL, true, EXIT_DONE},
                {&changes, "b:1", NULL, false, EXIT_DONE},
                {&changes, "b:1", "safe", false, EXIT_REFUSED}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct invocation in = {.command = rows[i].command,
                                .bootstrap = rows[i].given,
                                .profile = rows[i].profile,
                                .timeout_ms = 10000};
        in.values[0].key = OPTION_DRY_RUN;
        in.values[0].value = "";
        in.value_count = rows[i].dry_run;
        assert_int_equal(apply(&in, said, sizeof(said)), rows[i].code);
        assert_int_equal(in.timeout_ms, rows[i].given && !rows[i].profile ? 10000 : 3000);
        assert_int_equal(*said != 0, rows[i].code != EXIT_DONE);
        mem_free((void *)(uintptr_t)in.bootstrap);
    }
    assert_non_null(strstr(
        said, "profile \"safe\" is read-only (read.only=true), and drave topic delete changes"));
    struct invocation in = {.command = &reads, .profile = "saef"};
    assert_int_equal(apply(&in, said, sizeof(said)), EXIT_USAGE);
    assert_non_null(strstr(said, "did you mean \"safe\""));
    mem_free((void *)(uintptr_t)in.bootstrap);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_file, no_file),
        cmocka_unit_test_setup(test_wrong_lines, no_file),
        cmocka_unit_test_setup(test_too_many, no_file),
        cmocka_unit_test_setup(test_which_cluster, no_file),
        cmocka_unit_test_setup(test_unreadable, no_file),
        cmocka_unit_test_setup(test_read_only, no_file),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
