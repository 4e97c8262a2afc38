/* Certificates by OpenSSL; the bytes of a file are whole in memory before it is made. */
#include "client/users/tls_authority.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/io/output.h"
#include "base/mem.h"

enum {
    SERIAL_BYTES = 16,
    BEFORE_S = 60 * 60, /* clocks differ */
    DAY_S = 24 * 60 * 60,
    HOST_MAX = 253,
    OPENED_MODE = 0644, /* of what everybody may read: certificates */
    KEY_MODE = 0600,
};

struct tls_authority {
    X509 *certificate;
    EVP_PKEY *key;
};

/* ---- Words ---- */

static bool is_one_of(char c, const char *more) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr(more, c) != NULL;
}

static bool is_name(const char *text, size_t most, const char *more) {
    size_t len = strlen(text);
    bool fine = len > 0 && len <= most;
    for (size_t i = 0; i < len && fine; i++)
        fine = is_one_of(text[i], more);
    return fine;
}

/* The bytes of an address; 0: it is none. */
static int address_of(const char *text, unsigned char bytes[16]) {
    if (inet_pton(AF_INET, text, bytes) == 1) return 4;
    return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}

int tls_wish_check(const struct tls_wish *wish, struct error_text *why) {
    unsigned char bytes[16];
    if (!is_name(wish->name, TLS_NAME_MAX, "._-@"))
        return error_set(why, ERR_INVALID,
                         "'%.80s' cannot be the name of a certificate; it has 1 to %d letters, "
                         "digits and . _ - @",
                         wish->name, TLS_NAME_MAX);
    for (size_t i = 0; i < wish->host_count; i++)
        if (address_of(wish->hosts[i], bytes) == 0 && !is_name(wish->hosts[i], HOST_MAX, ".-*"))
            return error_set(why, ERR_INVALID,
                             "'%.80s' is neither the name of a host nor an address",
                             wish->hosts[i]);
    return ERR_NONE;
}

/* ---- Files ---- */

/* What OpenSSL has, in a file that was not there. */
static int write_whole(BIO *from, const char *path, int mode, struct error_text *why) {
    char *data;
    size_t len = (size_t)BIO_get_mem_data(from, &data);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0 && errno == EEXIST)
        return error_set(why, ERR_EXISTS,
                         "%s is there already, and stays as it is; take it away or choose another "
                         "folder",
                         path);
    if (fd < 0)
        return error_set(why, error_from_errno(errno), "%s cannot be made: %s", path,
                         error_phrase(error_from_errno(errno)));
    int failed = output_write(fd, data, len);
    if (failed == 0 && fsync(fd) != 0) failed = errno;
    int error = failed == 0 ? ERR_NONE : error_from_errno(failed);
    bool fine = failed == 0;
    fine = close(fd) == 0 && fine;
    if (fine) return ERR_NONE;
    unlink(path);
    return error_set(why, error == ERR_NONE ? ERR_SYSTEM : error, "%s cannot be written: %s", path,
                     error_phrase(error == ERR_NONE ? ERR_SYSTEM : error));
}

/* Either may be NULL. */
static int write_file(X509 *certificate, EVP_PKEY *key, const char *path, struct error_text *why) {
    BIO *bytes = BIO_new(BIO_s_secmem());
    bool fine = bytes != NULL &&
                (certificate == NULL || PEM_write_bio_X509(bytes, certificate) == 1) &&
                (key == NULL ||
                 PEM_write_bio_PKCS8PrivateKey(bytes, key, NULL, NULL, 0, NULL, NULL) == 1);
    int error = fine ? write_whole(bytes, path, key == NULL ? OPENED_MODE : KEY_MODE, why)
                     : error_set(why, ERR_SYSTEM, "OpenSSL cannot write %s", path);
    BIO_free(bytes);
    return error;
}

static BIO *opened(const char *path, struct error_text *why, int *error) {
    BIO *file = BIO_new_file(path, "r");
    if (file == NULL)
        *error = error_set(why, error_from_errno(errno), "%s cannot be read: %s", path,
                           error_phrase(error_from_errno(errno)));
    return file;
}

/* ---- Certificates ---- */

static bool add_extension(X509 *certificate, int nid, const char *value, X509 *issuer) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool fine = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return fine;
}

static GENERAL_NAME *host_name(const char *host) {
    unsigned char bytes[16];
    int len = address_of(host, bytes);
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *text = len > 0 ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    if (name == NULL || text == NULL ||
        ASN1_STRING_set(text, len > 0 ? (const void *)bytes : host,
                        len > 0 ? len : (int)strlen(host)) != 1) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(text);
        return NULL;
    }
    GENERAL_NAME_set0_value(name, len > 0 ? GEN_IPADD : GEN_DNS, text);
    return name;
}

static bool add_hosts(X509 *certificate, const struct tls_wish *wish) {
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    bool fine = names != NULL;
    for (size_t i = 0; i < wish->host_count && fine; i++) {
        GENERAL_NAME *name = host_name(wish->hosts[i]);
        fine = name != NULL && sk_GENERAL_NAME_push(names, name) > 0;
        if (!fine) GENERAL_NAME_free(name);
    }
    fine = fine && X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1;
    GENERAL_NAMES_free(names);
    return fine;
}

static bool set_serial(X509 *certificate) {
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and as long as it looks */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool fine = number != NULL &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return fine;
}

/* All but extensions and signature; NULL: OpenSSL cannot. */
static X509 *certificate_of(const char *name, EVP_PKEY *key, const X509 *issuer, int days) {
    X509 *certificate = X509_new();
    bool fine = certificate != NULL && X509_set_version(certificate, X509_VERSION_3) == 1 &&
                set_serial(certificate) &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), -BEFORE_S) != NULL &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), (long)days * DAY_S) != NULL &&
                X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                           (const unsigned char *)name, -1, -1, 0) == 1 &&
                X509_set_pubkey(certificate, key) == 1;
    fine = fine && X509_set_issuer_name(certificate, issuer != NULL
                                                         ? X509_get_subject_name(issuer)
                                                         : X509_get_subject_name(certificate)) == 1;
    if (fine) return certificate;
    X509_free(certificate);
    return NULL;
}

/* ---- The CA ---- */

void tls_authority_free(struct tls_authority *authority) {
    if (authority == NULL) return;
    X509_free(authority->certificate);
    EVP_PKEY_free(authority->key);
    mem_free(authority);
}

int tls_authority_make(const char *certificate_path, const char *key_path, int days,
                       struct tls_authority **authority, struct error_text *why) {
    struct tls_authority *made = mem_zalloc(sizeof *made);
    made->key = EVP_EC_gen("P-256");
    if (made->key != NULL) made->certificate = certificate_of("drave CA", made->key, NULL, days);
    X509 *certificate = made->certificate;
    int error = certificate != NULL &&
                        add_extension(certificate, NID_basic_constraints,
                                      "critical,CA:TRUE,pathlen:0", certificate) &&
                        add_extension(certificate, NID_key_usage, "critical,keyCertSign,cRLSign",
                                      certificate) &&
                        add_extension(certificate, NID_subject_key_identifier, "hash",
                                      certificate) &&
                        X509_sign(certificate, made->key, EVP_sha256()) > 0
                    ? ERR_NONE
                    : error_set(why, ERR_SYSTEM, "OpenSSL cannot make a CA");
    if (error == ERR_NONE) error = write_file(NULL, made->key, key_path, why);
    if (error == ERR_NONE) {
        error = write_file(certificate, NULL, certificate_path, why);
        if (error != ERR_NONE) unlink(key_path);
    }
    if (error == ERR_NONE)
        *authority = made;
    else
        tls_authority_free(made);
    ERR_clear_error();
    return error;
}

int tls_authority_read(const char *certificate_path, const char *key_path,
                       struct tls_authority **authority, struct error_text *why) {
    struct tls_authority *found = mem_zalloc(sizeof *found);
    int error = ERR_NONE;
    BIO *certificate = opened(certificate_path, why, &error);
    BIO *key = error == ERR_NONE ? opened(key_path, why, &error) : NULL;
    if (error == ERR_NONE) {
        found->certificate = PEM_read_bio_X509(certificate, NULL, NULL, NULL);
        found->key = PEM_read_bio_PrivateKey(key, NULL, NULL, (void *)"");
        if (found->certificate == NULL || found->key == NULL ||
            X509_check_private_key(found->certificate, found->key) != 1 ||
            X509_check_ca(found->certificate) == 0)
            error = error_set(why, ERR_INVALID,
                              "%s and %s are no CA with its key (PEM, not encrypted)",
                              certificate_path, key_path);
        else if (X509_cmp_current_time(X509_get0_notAfter(found->certificate)) < 0)
            error = error_set(why, ERR_INVALID, "%s has ended; make a new CA in another folder",
                              certificate_path);
    }
    BIO_free(certificate);
    BIO_free(key);
    if (error == ERR_NONE)
        *authority = found;
    else
        tls_authority_free(found);
    ERR_clear_error();
    return error;
}

/* Signs it with what all have; extensions of its own are there. */
static bool sign(const struct tls_authority *authority, X509 *made) {
    X509 *issuer = authority->certificate;
    return add_extension(made, NID_basic_constraints, "critical,CA:FALSE", issuer) &&
           add_extension(made, NID_key_usage, "critical,digitalSignature", issuer) &&
           add_extension(made, NID_subject_key_identifier, "hash", issuer) &&
           add_extension(made, NID_authority_key_identifier, "keyid", issuer) &&
           X509_sign(made, authority->key, EVP_sha256()) > 0;
}

int tls_authority_issue(const struct tls_authority *authority, const struct tls_wish *wish,
                        const char *path, struct error_text *why) {
    int error = tls_wish_check(wish, why);
    if (error != ERR_NONE) return error;
    bool serves = wish->host_count > 0;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *issuer = authority->certificate;
    X509 *made = key == NULL ? NULL : certificate_of(wish->name, key, issuer, wish->days);
    bool fine = made != NULL &&
                add_extension(made, NID_ext_key_usage,
                              serves ? "serverAuth,clientAuth" : "clientAuth", issuer) &&
                (!serves || add_hosts(made, wish)) && sign(authority, made);
    error = fine ? write_file(made, key, path, why)
                 : error_set(why, ERR_SYSTEM, "OpenSSL cannot make a certificate for %s",
                             wish->name);
    X509_free(made);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return error;
}

/* ---- In the place of one that is there ---- */

/* The first certificate of the file, if this CA has signed it. */
static int read_own(const struct tls_authority *authority, const char *path, X509 **own,
                    struct error_text *why) {
    int error = ERR_NONE;
    BIO *file = opened(path, why, &error);
    if (error != ERR_NONE) return error;
    *own = PEM_read_bio_X509(file, NULL, NULL, NULL);
    BIO_free(file);
    if (*own != NULL && X509_check_issued(authority->certificate, *own) == X509_V_OK &&
        X509_verify(*own, authority->key) == 1 && X509_check_ca(*own) == 0)
        return ERR_NONE;
    error = error_set(why, ERR_INVALID,
                      *own == NULL ? "%s has no certificate (PEM) that could be renewed"
                                   : "the certificate in %s is not of this CA, which cannot renew "
                                     "it; whoever made it can",
                      path);
    X509_free(*own);
    *own = NULL;
    return error;
}

/* The extension as it is there; true where there is none. */
static bool copy_extension(X509 *made, const X509 *from, int nid) {
    int place = X509_get_ext_by_NID(from, nid, -1);
    return place < 0 || X509_add_ext(made, X509_get_ext(from, place), -1) == 1;
}

static bool renew_certificate(const struct tls_authority *authority, const X509 *old, EVP_PKEY *key,
                              int days, X509 **made) {
    *made = certificate_of("renewed", key, authority->certificate, days);
    return *made != NULL && X509_set_subject_name(*made, X509_get_subject_name(old)) == 1 &&
           copy_extension(*made, old, NID_ext_key_usage) &&
           copy_extension(*made, old, NID_subject_alt_name) && sign(authority, *made);
}

/* The new file is whole, and is the old one's owner's, before it takes its place. */
static int replace(const char *fresh, const char *path, struct error_text *why) {
    struct stat is;
    if (stat(path, &is) == 0 && chown(fresh, is.st_uid, is.st_gid) == 0 &&
        chmod(fresh, is.st_mode & 0777) == 0 && rename(fresh, path) == 0)
        return ERR_NONE;
    int error = error_from_errno(errno);
    unlink(fresh);
    return error_set(why, error, "%s cannot be replaced: %s", path, error_phrase(error));
}

int tls_authority_renew(const struct tls_authority *authority, const char *named, int days,
                        bool dry, struct error_text *why) {
    char *path = realpath(named, NULL); /* a link stays one */
    X509 *old = NULL, *made = NULL;
    char fresh[PATH_MAX + 8];
    if (path == NULL)
        return error_set(why, error_from_errno(errno), "%s cannot be read: %s", named,
                         error_phrase(error_from_errno(errno)));
    snprintf(fresh, sizeof fresh, "%s.new", path);
    int error = read_own(authority, path, &old, why);
    EVP_PKEY *key = error == ERR_NONE ? EVP_EC_gen("P-256") : NULL;
    if (error == ERR_NONE && (key == NULL || !renew_certificate(authority, old, key, days, &made)))
        error = error_set(why, ERR_SYSTEM, "OpenSSL cannot make a certificate for %s", path);
    if (error == ERR_NONE && !dry) error = write_file(made, key, fresh, why);
    if (error == ERR_NONE && !dry) error = replace(fresh, path, why);
    X509_free(old);
    X509_free(made);
    EVP_PKEY_free(key);
    mem_free(path);
    ERR_clear_error();
    return error;
}
