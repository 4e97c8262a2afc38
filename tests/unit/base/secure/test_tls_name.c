/* Names of certificates as Java writes them: tests/golden/tls_names.pem, and in tls_names.txt what
 * X500Principal.getName() of Java 17 says of each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/secure/tls_name.h"
#include "tests/unit/unit.h"

static FILE *golden(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/tests/golden/%s", getenv("DRAVE_ROOT"), name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    return file;
}

static void test_tls_name_as_java(void **state) {
    FILE *certificates = golden("tls_names.pem"), *names = golden("tls_names.txt");
    char wanted[512], text[512];
    X509 *one;
    int count = 0;
    (void)state;
    while ((one = PEM_read_X509(certificates, NULL, NULL, NULL)) != NULL) {
        assert_non_null(fgets(wanted, sizeof wanted, names));
        wanted[strcspn(wanted, "\n")] = '\0';
        assert_true(tls_name_text(X509_get_subject_name(one), text, sizeof text));
        assert_string_equal(text, wanted);
        X509_free(one);
        count++;
    }
    assert_int_equal(count, 10);
    fclose(certificates);
    fclose(names);
}

static X509_NAME *name_of(int type, const char *bytes, int len) {
    X509_NAME *name = X509_NAME_new();
    assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName, type,
                                                (const unsigned char *)bytes, len, -1, 0),
                     1);
    return name;
}

/* A zero byte would end the name early for who reads texts in C; what is no UTF-8 is no text; and
 * what does not fit is not cut. */
static void test_tls_name_bad(void **state) {
    char text[64];
    (void)state;
    X509_NAME *zero = name_of(V_ASN1_UTF8STRING, "admin\0.evil", 11);
    assert_false(tls_name_text(zero, text, sizeof text));
    X509_NAME *broken = name_of(V_ASN1_UTF8STRING, "\xff\xfe", 2);
    assert_false(tls_name_text(broken, text, sizeof text));
    X509_NAME *good = name_of(V_ASN1_UTF8STRING, "abc", 3);
    assert_true(tls_name_text(good, text, 7));
    assert_string_equal(text, "CN=abc");
    assert_false(tls_name_text(good, text, 6));
    X509_NAME_free(zero);
    X509_NAME_free(broken);
    X509_NAME_free(good);
}

static void add(X509_NAME *name, int nid, const char *text, int set) {
    assert_int_equal(X509_NAME_add_entry_by_NID(name, nid, V_ASN1_UTF8STRING,
                                                (const unsigned char *)text, -1, -1, set),
                     1);
}

/* Names that are not the same have other texts: parts in another order, twice, together, or with
 * what looks like a part in one of them. */
static void test_tls_name_differ(void **state) {
    enum { NAMES = 6 };
    X509_NAME *names[NAMES];
    char texts[NAMES][128];
    (void)state;
    for (int i = 0; i < NAMES; i++)
        names[i] = X509_NAME_new();
    add(names[0], NID_organizationName, "x", 0), add(names[0], NID_commonName, "admin", 0);
    add(names[1], NID_commonName, "admin", 0), add(names[1], NID_organizationName, "x", 0);
    add(names[2], NID_organizationName, "x", 0), add(names[2], NID_commonName, "admin", -1);
    add(names[3], NID_commonName, "admin,O=x", 0);
    add(names[4], NID_organizationName, "x", 0), add(names[4], NID_organizationName, "x", 0),
        add(names[4], NID_commonName, "admin", 0);
    add(names[5], NID_organizationName, "x", 0), add(names[5], NID_commonName, "admin ", 0);
    for (int i = 0; i < NAMES; i++) {
        assert_true(tls_name_text(names[i], texts[i], sizeof texts[i]));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(texts[i], texts[k]);
        X509_NAME_free(names[i]);
    }
    assert_string_equal(texts[0], "CN=admin,O=x");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_tls_name_as_java),
                                       cmocka_unit_test(test_tls_name_bad),
                                       cmocka_unit_test(test_tls_name_differ)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
