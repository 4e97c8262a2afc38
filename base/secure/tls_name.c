/* The parts from the last to the first, each as its type says. */
#include "base/secure/tls_name.h"

#include <stdint.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/objects.h>

struct text {
    char *into;
    size_t room, len;
    bool bad;
};

static void put(struct text *to, const char *bytes, size_t len) {
    if (len >= to->room - to->len) to->bad = true;
    if (to->bad) return;
    memcpy(to->into + to->len, bytes, len);
    to->len += len;
    to->into[to->len] = '\0';
}

static const char *keyword(int nid) {
    switch (nid) {
    case NID_commonName: return "CN";
    case NID_countryName: return "C";
    case NID_localityName: return "L";
    case NID_stateOrProvinceName: return "ST";
    case NID_organizationName: return "O";
    case NID_organizationalUnitName: return "OU";
    case NID_streetAddress: return "STREET";
    case NID_domainComponent: return "DC";
    case NID_userId: return "UID";
    default: return NULL;
    }
}

static bool is_text(int type) {
    return type == V_ASN1_UTF8STRING || type == V_ASN1_PRINTABLESTRING ||
           type == V_ASN1_T61STRING || type == V_ASN1_IA5STRING || type == V_ASN1_GENERALSTRING ||
           type == V_ASN1_BMPSTRING || type == V_ASN1_UNIVERSALSTRING;
}

/* Blanks at either end and what has a meaning in such names get a backslash. */
static void put_escaped(struct text *to, const char *bytes, size_t len) {
    size_t lead = 0, trail = len;
    while (lead < len && bytes[lead] == ' ')
        lead++;
    while (trail > lead && bytes[trail - 1] == ' ')
        trail--;
    for (size_t i = 0; i < len; i++) {
        bool special = i < lead || i >= trail || strchr(",=+<>#;\"\\", bytes[i]) != NULL;
        if (special) put(to, "\\", 1);
        put(to, &bytes[i], 1);
    }
}

static void put_text(struct text *to, const ASN1_STRING *value) {
    unsigned char *utf8;
    int len = ASN1_STRING_to_UTF8(&utf8, value);
    if (len < 0) {
        to->bad = true;
        ERR_clear_error();
        return;
    }
    if (memchr(utf8, 0, (size_t)len) != NULL) to->bad = true;
    if (!to->bad) put_escaped(to, (const char *)utf8, (size_t)len);
    OPENSSL_free(utf8);
}

static void put_digits(struct text *to, const ASN1_STRING *value) {
    static const char digits[] = "0123456789abcdef";
    ASN1_TYPE holder = {.type = ASN1_STRING_type(value), .value.asn1_string = (ASN1_STRING *)value};
    unsigned char *der = NULL;
    int len = i2d_ASN1_TYPE(&holder, &der);
    put(to, "#", 1);
    for (int i = 0; i < len; i++) {
        put(to, &digits[der[i] >> 4], 1);
        put(to, &digits[der[i] & 15], 1);
    }
    OPENSSL_free(der);
}

static void put_entry(struct text *to, const X509_NAME_ENTRY *entry) {
    const ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(entry);
    const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
    const char *word = keyword(OBJ_obj2nid(object));
    char number[128];
    if (word == NULL) {
        int len = OBJ_obj2txt(number, sizeof number, object, 1);
        if (len <= 0 || len >= (int)sizeof number) to->bad = true;
        word = number;
    }
    if (to->bad) return;
    put(to, word, strlen(word));
    put(to, "=", 1);
    if (word != number && is_text(ASN1_STRING_type(value)))
        put_text(to, value);
    else
        put_digits(to, value);
}

bool tls_name_text(const X509_NAME *name, char *into, size_t room) {
    struct text to = {.into = into, .room = room};
    into[0] = '\0';
    for (int end = X509_NAME_entry_count(name); end > 0 && !to.bad;) {
        int begin = end - 1, set = X509_NAME_ENTRY_set(X509_NAME_get_entry(name, begin));
        while (begin > 0 && X509_NAME_ENTRY_set(X509_NAME_get_entry(name, begin - 1)) == set)
            begin--;
        for (int i = begin; i < end; i++) {
            if (to.len > 0) put(&to, i > begin ? "+" : ",", 1);
            put_entry(&to, X509_NAME_get_entry(name, i));
        }
        end = begin;
    }
    return !to.bad;
}
