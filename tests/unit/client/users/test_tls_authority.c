/* A CA and what it issues: good for TLS, never written over, readable by its owner alone; and files
 * that are none, whole or damaged anywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/secure/tls_context.h"
#include "client/users/tls_authority.h"
#include "client/users/tls_facts.h"
#include "tests/unit/unit.h"

enum { PATH = 512, FILE_MOST = 16384, DAYS = 30, DAY_MS = 24 * 3600 * 1000 };

struct fixture {
    char folder[PATH], ca[PATH], key[PATH], file[PATH];
    struct tls_authority *authority;
};

static int set_up(void **state) {
    static struct fixture f;
    struct error_text why;
    f = (struct fixture){.folder = "/tmp/drave-authority-XXXXXX"};
    assert_non_null(mkdtemp(f.folder));
    snprintf(f.ca, PATH, "%.400s/ca.pem", f.folder);
    snprintf(f.key, PATH, "%.400s/ca.key", f.folder);
    snprintf(f.file, PATH, "%.400s/one.pem", f.folder);
    assert_int_equal(tls_authority_make(f.ca, f.key, DAYS, &f.authority, &why), 0);
    *state = &f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    tls_authority_free(f->authority);
    unlink(f->ca);
    unlink(f->key);
    unlink(f->file);
    return rmdir(f->folder);
}

static size_t load(const char *path, char bytes[FILE_MOST]) {
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t len = fread(bytes, 1, FILE_MOST, file);
    fclose(file);
    assert_true(len > 0 && len < FILE_MOST);
    return len;
}

static void store(const char *path, const char *bytes, size_t len) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static unsigned mode_of(const char *path) {
    struct stat is;
    assert_int_equal(stat(path, &is), 0);
    return is.st_mode & 0777;
}

static const struct tls_wish broker = {.name = "broker-1",
                                       .hosts = {"broker1.example.com", "10.0.0.1", "::1"},
                                       .host_count = 3,
                                       .days = 7};

/* What is issued is what a listener reads, for these names and so long. */
static void test_tls_authority_issues(void **state) {
    struct fixture *f = *state;
    struct tls_context *context;
    struct error_text why;
    assert_int_equal(tls_authority_issue(f->authority, &broker, f->file, &why), 0);
    assert_int_equal(mode_of(f->file), 0600);
    assert_int_equal(mode_of(f->key), 0600);
    assert_int_equal(mode_of(f->ca) & 0133, 0);
    const struct tls_options options = {.own = {.path = f->file, .type = "", .password = ""},
                                        .key_password = "",
                                        .trusted = {.path = f->ca, .type = "", .password = ""},
                                        .protocols = "TLSv1.2,TLSv1.3",
                                        .cipher_suites = "",
                                        .client_auth = TLS_CLIENT_CERTIFIED,
                                        .own_name = "own",
                                        .trusted_name = "trusted"};
    assert_int_equal(tls_context_new(&options, &context, &why), 0);
    for (size_t i = 0; i < broker.host_count; i++)
        assert_true(tls_context_covers(context, broker.hosts[i]));
    assert_false(tls_context_covers(context, "broker2.example.com"));
    assert_false(tls_context_covers(context, "10.0.0.2"));
    int64_t days = (tls_context_expires_ms(context) - (int64_t)time(NULL) * 1000) / DAY_MS;
    assert_true(days == broker.days || days == broker.days - 1);
    tls_context_unref(context);
}

/* It is found again, and what is there stays as it is. */
static void test_tls_authority_keeps(void **state) {
    struct fixture *f = *state;
    char before[FILE_MOST], after[FILE_MOST];
    struct tls_authority *again;
    struct error_text why;
    size_t len = load(f->ca, before);
    assert_int_equal(tls_authority_read(f->ca, f->key, &again, &why), 0);
    assert_int_equal(tls_authority_issue(again, &broker, f->file, &why), 0);
    assert_int_equal(tls_authority_issue(again, &broker, f->file, &why), ERR_EXISTS);
    assert_non_null(strstr(why.text, "is there already, and stays as it is"));
    tls_authority_free(again);
    assert_int_equal(tls_authority_make(f->ca, f->key, DAYS, &again, &why), ERR_EXISTS);
    assert_int_equal(load(f->ca, after), len);
    assert_memory_equal(before, after, len);
}

/* What is renewed is for the same names, with another key, and longer; what is of another CA, or no
 * certificate, stays as it is. */
static void test_tls_authority_renews(void **state) {
    struct fixture *f = *state;
    struct tls_facts was[TLS_FACTS_MAX], is[TLS_FACTS_MAX];
    char before[FILE_MOST], after[FILE_MOST];
    struct error_text why;
    size_t count;
    assert_int_equal(tls_authority_issue(f->authority, &broker, f->file, &why), 0);
    assert_int_equal(tls_facts_read(f->file, was, &count, &why), 0);
    assert_int_equal(count, 1);
    assert_string_equal(was[0].names, "broker1.example.com,10.0.0.1,::1");
    size_t len = load(f->file, before);
    assert_int_equal(tls_authority_renew(f->authority, f->file, DAYS, true, &why), 0);
    assert_int_equal(load(f->file, after), len);
    assert_memory_equal(before, after, len);
    assert_int_equal(tls_authority_renew(f->authority, f->file, DAYS, false, &why), 0);
    assert_int_equal(mode_of(f->file), 0600);
    assert_int_equal(tls_facts_read(f->file, is, &count, &why), 0);
    assert_int_equal(count, 1);
    assert_true(is[0].with_key && is[0].ends_s - was[0].ends_s > (int64_t)(DAYS - 8) * 86400);
    assert_string_equal(is[0].names, was[0].names);
    assert_string_equal(is[0].subject, was[0].subject);
    assert_string_equal(is[0].issuer, was[0].issuer);
    size_t renewed = load(f->file, after);
    assert_false(renewed == len && memcmp(before, after, len) == 0);
    assert_int_equal(tls_authority_renew(f->authority, f->ca, DAYS, false, &why), ERR_INVALID);
    store(f->file, "nothing", 7);
    assert_int_equal(tls_authority_renew(f->authority, f->file, DAYS, false, &why), ERR_INVALID);
    assert_non_null(strstr(why.text, "has no certificate (PEM)"));
}

/* A CA that is cut or changed anywhere is refused with a sentence, or is the same CA still; another
 * one's key is refused. */
static void test_tls_authority_damaged(void **state) {
    enum { STEP = 13 };
    struct fixture *f = *state;
    struct tls_authority *read;
    struct error_text why;
    const char *files[] = {f->ca, f->key};
    for (size_t i = 0; i < 2; i++) {
        char whole[FILE_MOST], damaged[FILE_MOST];
        size_t len = load(files[i], whole), refused = 0;
        for (size_t at = 0; at < len; at += STEP) {
            memcpy(damaged, whole, len);
            damaged[at] ^= 1;
            store(files[i], damaged, at % 2 == 0 ? len : at);
            if (tls_authority_read(f->ca, f->key, &read, &why) == ERR_NONE) {
                tls_authority_free(read);
                continue;
            }
            assert_non_null(strstr(why.text, "are no CA with its key"));
            refused++;
        }
        assert_true(refused > len / STEP / 2);
        store(files[i], whole, len);
    }
    char certificate[FILE_MOST];
    size_t len = load(f->ca, certificate);
    store(f->key, certificate, len);
    assert_int_equal(tls_authority_read(f->ca, f->key, &read, &why), ERR_INVALID);
}

#define LONG_NAME "0123456789012345678901234567890123456789012345678901234567890123456789"

/* Words that are no names, or no hosts. */
static void test_tls_authority_wishes(void **state) {
    static const char *const names[] = {"",     "a b", "../a",     "a/b",
                                        "CN=a", "a\n", "\xc3\xa9", LONG_NAME};
    static const char *const hosts[] = {"", "a b", "DNS:a", "a,b", "10.0.0.1:80", "a\n", "[::1]"};
    struct error_text why;
    (void)state;
    assert_int_equal(tls_wish_check(&broker, &why), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const struct tls_wish wish = {.name = names[i], .days = 1};
        if (tls_wish_check(&wish, &why) != ERR_INVALID) fail_msg("'%s'", names[i]);
    }
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        const struct tls_wish wish = {
            .name = "a", .hosts = {"good.example.com", hosts[i]}, .host_count = 2, .days = 1};
        if (tls_wish_check(&wish, &why) != ERR_INVALID) fail_msg("'%s'", hosts[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_tls_authority_issues, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tls_authority_keeps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tls_authority_renews, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_tls_authority_damaged, set_up, tear_down),
        cmocka_unit_test(test_tls_authority_wishes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
