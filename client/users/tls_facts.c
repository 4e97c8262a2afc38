/* Reading certificates one after the other, and asking OpenSSL what they say. */
#include "client/users/tls_facts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void name_text(const X509_NAME *name, char *into, size_t room) {
    BIO *bytes = BIO_new(BIO_s_mem());
    char *data;
    X509_NAME_print_ex(bytes, name, 0, XN_FLAG_RFC2253);
    long len = BIO_get_mem_data(bytes, &data);
    snprintf(into, room, "%.*s", len < 0 ? 0 : (int)len, data);
    BIO_free(bytes);
}

static int64_t seconds_of(const ASN1_TIME *time) {
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

/* "" for what is neither a name nor an address. */
static void one_name(const GENERAL_NAME *name, char *into, size_t room) {
    int kind;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &kind);
    const unsigned char *bytes = ASN1_STRING_get0_data(value);
    int len = ASN1_STRING_length(value);
    into[0] = '\0';
    if (kind == GEN_IPADD)
        inet_ntop(len == 4 ? AF_INET : AF_INET6, bytes, into, (socklen_t)room);
    else if (kind == GEN_DNS || kind == GEN_URI || kind == GEN_EMAIL)
        snprintf(into, room, "%.*s", len, (const char *)bytes);
}

static void names_text(const X509 *certificate, char *into, size_t room) {
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    size_t used = 0;
    into[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && used < room; i++) {
        char one[256];
        one_name(sk_GENERAL_NAME_value(names, i), one, sizeof one);
        if (one[0] != '\0')
            used += (size_t)snprintf(into + used, room - used, "%s%s", used > 0 ? "," : "", one);
    }
    GENERAL_NAMES_free(names);
}

static struct tls_facts facts_of(X509 *certificate, const EVP_PKEY *key) {
    struct tls_facts facts = {
        .begins_s = seconds_of(X509_get0_notBefore(certificate)),
        .ends_s = seconds_of(X509_get0_notAfter(certificate)),
        .with_key = key != NULL && X509_check_private_key(certificate, key) == 1,
        .authority = X509_check_ca(certificate) > 0,
        .signs_itself = X509_check_issued(certificate, certificate) == X509_V_OK};
    name_text(X509_get_subject_name(certificate), facts.subject, sizeof facts.subject);
    name_text(X509_get_issuer_name(certificate), facts.issuer, sizeof facts.issuer);
    names_text(certificate, facts.names, sizeof facts.names);
    return facts;
}

/* Nobody is asked at a terminal. */
static int no_password(char *into, int room, int writes, void *arg) {
    (void)into, (void)room, (void)writes, (void)arg;
    return -1;
}

int tls_facts_read(const char *path, struct tls_facts facts[TLS_FACTS_MAX], size_t *count,
                   struct error_text *why) {
    BIO *file = BIO_new_file(path, "r");
    X509 *one;
    *count = 0;
    if (file == NULL) {
        int error = error_from_errno(errno);
        ERR_clear_error();
        return error_set(why, error, "%s cannot be read: %s", path, error_phrase(error));
    }
    EVP_PKEY *key = PEM_read_bio_PrivateKey(file, NULL, no_password, NULL);
    BIO_seek(file, 0);
    while (*count < TLS_FACTS_MAX &&
           (one = PEM_read_bio_X509(file, NULL, no_password, NULL)) != NULL) {
        facts[(*count)++] = facts_of(one, key);
        X509_free(one);
    }
    BIO_free(file);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (*count > 0) return ERR_NONE;
    return error_set(
        why, ERR_INVALID,
        "%s has no certificate in PEM; of a PKCS12 file: openssl pkcs12 -in %s -nokeys", path,
        path);
}
