/* Three parts, each checked before the next is read. */
#include "broker/tokens/token.h"

#include <stdio.h>
#include <string.h>

#include "base/io/host_port.h"
#include "base/mem.h"
#include "base/secure/base64.h"
#include "broker/tokens/token_json.h"

static const double LATEST_S = 253402300799.0; /* the end of the year 9999 */

struct parts {
    const char *header, *claims, *signature;
    size_t header_len, claims_len, signature_len;
};

/* Two dots, not one more. */
static bool cut(const char *token, size_t len, struct parts *into) {
    const char *end = token + len, *first = memchr(token, '.', len);
    const char *second = first == NULL ? NULL : memchr(first + 1, '.', (size_t)(end - first) - 1);
    if (second == NULL || memchr(second + 1, '.', (size_t)(end - second) - 1) != NULL) return false;
    *into = (struct parts){token,
                           first + 1,
                           second + 1,
                           (size_t)(first - token),
                           (size_t)(second - first) - 1,
                           (size_t)(end - second) - 1};
    return true;
}

/* The object that a part is; NULL: it is none. */
static json_t *object_of(const char *part, size_t len) {
    char *text = mem_alloc(len + 1);
    size_t got;
    json_t *object = base64_decode(BASE64_URL, part, len, text, len, &got) ? token_json(text, got)
                                                                           : NULL;
    mem_free(text);
    return object;
}

/* ---- Header and signature ---- */

static int refuse(struct error_text *why, const char *what) {
    return error_set(why, ERR_DENIED, "%s", what);
}

/* NULL: refused. */
static const struct signature_key *key_of(const struct token_keys *keys, const json_t *header,
                                          enum signature_algorithm *algorithm, bool *unknown_key,
                                          struct error_text *why) {
    const char *name = token_json_text(header, "alg"), *kid = token_json_text(header, "kid");
    bool known;
    *unknown_key = false;
    *algorithm = name == NULL ? SIGNATURE_NONE : signature_named(name);
    if (*algorithm == SIGNATURE_NONE) {
        refuse(why, "its \"alg\" is none that is taken; there are RS256, RS384, RS512, PS256, "
                    "ES256 and ES384");
        return NULL;
    }
    if (json_object_get(header, "crit") != NULL) {
        refuse(why, "its header calls something critical (\"crit\"), which no token here needs");
        return NULL;
    }
    if (kid == NULL && json_object_get(header, "kid") != NULL) {
        refuse(why, "its \"kid\" is no text");
        return NULL;
    }
    const struct signature_key *key = token_keys_find(keys, kid, *algorithm, &known);
    if (key != NULL) return key;
    *unknown_key = !known;
    refuse(why, known         ? "its key signs with another \"alg\""
                : kid == NULL ? "it does not say which key has signed it (\"kid\"), and there "
                                "are several"
                              : "there is no key with its \"kid\" in the key set");
    return NULL;
}

static int check_signature(const struct token_keys *keys, const struct parts *parts,
                           bool *unknown_key, struct error_text *why) {
    enum signature_algorithm algorithm;
    unsigned char signature[SIGNATURE_MAX];
    size_t len;
    json_t *header = object_of(parts->header, parts->header_len);
    if (header == NULL) return refuse(why, "its header is no JSON object in base64url");
    const struct signature_key *key = key_of(keys, header, &algorithm, unknown_key, why);
    json_decref(header);
    if (key == NULL) return ERR_DENIED;
    if (!base64_decode(BASE64_URL, parts->signature, parts->signature_len, signature,
                       sizeof signature, &len))
        return refuse(why, "its signature is no base64url");
    size_t signed_len = parts->header_len + 1 + parts->claims_len;
    return signature_is_good(key, algorithm, parts->header, signed_len, signature, len)
               ? ERR_NONE
               : refuse(why, "its signature is not that of the key");
}

/* ---- Claims ---- */

enum claim { CLAIM_ABSENT, CLAIM_TIME, CLAIM_WRONG };

/* In ms of Unix time. */
static enum claim time_of(const json_t *claims, const char *name, int64_t *ms) {
    const json_t *value = json_object_get(claims, name);
    double seconds = json_number_value(value);
    if (value == NULL) return CLAIM_ABSENT;
    if (!json_is_number(value) || !(seconds >= 0 && seconds <= LATEST_S)) return CLAIM_WRONG;
    *ms = (int64_t)(seconds * 1000);
    return CLAIM_TIME;
}

static int check_times(const json_t *claims, const struct token_rules *rules, int64_t now_ms,
                       int64_t *ends_ms, struct error_text *why) {
    int64_t issued_ms, begins_ms = 0, skew_ms = rules->skew_s * 1000;
    if (time_of(claims, "exp", ends_ms) != CLAIM_TIME)
        return refuse(why, "it does not say until when it is good (\"exp\")");
    if (time_of(claims, "iat", &issued_ms) != CLAIM_TIME)
        return refuse(why, "it does not say when it was issued (\"iat\")");
    if (time_of(claims, "nbf", &begins_ms) == CLAIM_WRONG)
        return refuse(why, "its \"nbf\" is no time");
    if (now_ms - skew_ms >= *ends_ms)
        return error_set(why, ERR_DENIED, "it ended %lld s ago (\"exp\")",
                         (long long)((now_ms - *ends_ms) / 1000));
    if (now_ms + skew_ms < begins_ms)
        return error_set(why, ERR_DENIED, "it is not good before %lld s from now (\"nbf\")",
                         (long long)((begins_ms - now_ms) / 1000));
    return ERR_NONE;
}

static bool is_text(const json_t *value, const char *text, size_t len) {
    return json_is_string(value) && json_string_length(value) == len &&
           memcmp(json_string_value(value), text, len) == 0;
}

/* Whether it is for one of those: a text, or an array with one of them. */
static bool is_for(const json_t *value, const char *audiences) {
    const char *piece;
    size_t len;
    while (host_port_next(&audiences, &piece, &len)) {
        if (is_text(value, piece, len)) return true;
        for (size_t i = 0; i < json_array_size(value); i++)
            if (is_text(json_array_get(value, i), piece, len)) return true;
    }
    return false;
}

static int check_claims(const json_t *claims, const struct token_rules *rules, int64_t now_ms,
                        struct token_facts *facts, struct error_text *why) {
    const char *issuer = token_json_text(claims, "iss"),
               *user = token_json_text(claims, rules->user_claim);
    int error = check_times(claims, rules, now_ms, &facts->ends_ms, why);
    if (error != ERR_NONE) return error;
    if (rules->issuer[0] != '\0' && (issuer == NULL || strcmp(issuer, rules->issuer) != 0))
        return refuse(why, "its \"iss\" is not sasl.oauthbearer.expected.issuer");
    if (rules->audiences[0] != '\0' && !is_for(json_object_get(claims, "aud"), rules->audiences))
        return refuse(why, "its \"aud\" has none of sasl.oauthbearer.expected.audience");
    if (user == NULL || user_name_fault(user, strlen(user)) != NULL)
        return error_set(why, ERR_DENIED,
                         "its \"%.100s\" is no name of a user: a text of 1 to %d bytes without "
                         "control characters",
                         rules->user_claim, USER_NAME_MAX);
    snprintf(facts->user, sizeof facts->user, "%s", user);
    return ERR_NONE;
}

int token_check(const struct token_keys *keys, const struct token_rules *rules, const char *token,
                size_t len, int64_t now_ms, struct token_facts *facts, struct error_text *why) {
    struct parts parts;
    *facts = (struct token_facts){.ends_ms = 0};
    if (len > TOKEN_MAX)
        return error_set(why, ERR_DENIED, "it has %zu bytes, and %d are the most", len, TOKEN_MAX);
    if (!cut(token, len, &parts))
        return refuse(why, "it is no signed token: three parts with dots between them");
    int error = check_signature(keys, &parts, &facts->unknown_key, why);
    if (error != ERR_NONE) return error;
    json_t *claims = object_of(parts.claims, parts.claims_len);
    if (claims == NULL) return refuse(why, "its claims are no JSON object in base64url");
    error = check_claims(claims, rules, now_ms, facts, why);
    json_decref(claims);
    return error;
}
