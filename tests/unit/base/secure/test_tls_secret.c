/* Secrets of brokers: their lines and their file. What TLS makes of them: test_peers_tls.c. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/secure/tls_secret.h"
#include "tests/unit/unit.h"

#define FILE_NAME "peers.secret"

static void write_file(const char *text, mode_t mode) {
    remove(FILE_NAME);
    FILE *file = fopen(FILE_NAME, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
    assert_int_equal(chmod(FILE_NAME, mode), 0);
}

static void assert_good(const char *text) {
    struct tls_secrets *secrets = NULL;
    struct error_text why = {""};
    write_file(text, 0600);
    if (tls_secrets_read(FILE_NAME, &secrets, &why) != ERR_NONE) fail_msg("%s", why.text);
    tls_secrets_free(secrets);
}

static void assert_bad(const char *text, const char *sentence) {
    struct tls_secrets *secrets = NULL;
    struct error_text why = {""};
    write_file(text, 0600);
    assert_int_equal(tls_secrets_read(FILE_NAME, &secrets, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, FILE_NAME));
    if (strstr(why.text, sentence) == NULL) fail_msg("%s", why.text);
}

/* Each that is made is another one, and is read. */
static void test_tls_secret_is_made(void **state) {
    (void)state;
    char one[TLS_SECRET_LINE], other[TLS_SECRET_LINE], text[3 * TLS_SECRET_LINE];
    for (int i = 0; i < 200; i++) {
        assert_int_equal(tls_secret_make(one), ERR_NONE);
        assert_int_equal(tls_secret_make(other), ERR_NONE);
        assert_int_equal(strlen(one), TLS_SECRET_LINE - 1);
        assert_string_not_equal(one, other);
        snprintf(text, sizeof text, "%s\n%s\n", one, other);
        assert_good(text);
    }
}

/* 32 bytes are 42 digits and four bits. */
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void test_tls_secret_lines(void **state) {
    (void)state;
    assert_good(ZEROS "A");
    assert_good("# of the first cluster\n\n" ZEROS "8  \r\n\n# the old one\n" ZEROS "E\n");
    assert_bad(ZEROS "B\n", "line 1 of"); /* bits that are of no byte */
    assert_bad("# one\n" ZEROS "\n", "line 2 of");
    assert_bad(ZEROS "AA\n", "line 1 of");
    assert_bad(ZEROS "=\n", "line 1 of");
    assert_bad(ZEROS "+\n", "line 1 of");
    assert_bad(" " ZEROS "A\n", "line 1 of");
}

static void write_lines(char *into, size_t room, int count) {
    for (int i = 0; i < count; i++)
        snprintf(into + (size_t)i * (TLS_SECRET_LINE), room - (size_t)i * TLS_SECRET_LINE, "%s",
                 ZEROS "A\n");
}

/* What is in the file is no part of a sentence. */
static void test_tls_secret_files(void **state) {
    (void)state;
    struct tls_secrets *secrets = NULL;
    struct error_text why = {""};
    static char much[6000];
    memset(much, '#', sizeof much - 1);
    assert_bad("", "has no secret");
    assert_bad("\n# none\n", "drave cluster secret > ");
    assert_bad("hunter2\n", "is no secret");
    assert_bad(much, "has more than 4096 bytes");
    write_lines(much, sizeof much, TLS_SECRETS_MOST);
    assert_good(much);
    write_lines(much, sizeof much, TLS_SECRETS_MOST + 1);
    assert_bad(much, "more than 8 secrets");
    write_file("hunter2\n", 0600);
    assert_int_equal(tls_secrets_read(FILE_NAME, &secrets, &why), ERR_INVALID);
    assert_null(strstr(why.text, "hunter2"));
    write_file(ZEROS "A\n", 0644);
    assert_int_equal(tls_secrets_read(FILE_NAME, &secrets, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "chmod 600"));
    write_file(ZEROS "A\n", 0640);
    assert_int_equal(tls_secrets_read(FILE_NAME, &secrets, &why), ERR_NONE);
    tls_secrets_free(secrets);
    assert_int_equal(remove(FILE_NAME), 0);
    assert_int_equal(mkfifo(FILE_NAME, 0600), 0);
    assert_int_equal(tls_secrets_read(FILE_NAME, &secrets, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "cannot be read"));
    remove(FILE_NAME);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls_secret_is_made),
        cmocka_unit_test(test_tls_secret_lines),
        cmocka_unit_test(test_tls_secret_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
