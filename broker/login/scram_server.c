/* Cursors over the two messages; what was said is kept, because the proof is about it. */
#include "broker/login/scram_server.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/secure/base64.h"

/* What is left of a message. */
struct cursor {
    const char *at, *end;
};

static bool take_text(struct cursor *cursor, const char *text) {
    size_t len = strlen(text);
    if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, text, len) != 0)
        return false;
    cursor->at += len;
    return true;
}

/* Up to the next comma or the end. */
static struct cursor take_value(struct cursor *cursor) {
    struct cursor value = {cursor->at, cursor->end};
    const char *comma = memchr(cursor->at, ',', (size_t)(cursor->end - cursor->at));
    if (comma != NULL) value.end = comma;
    cursor->at = value.end;
    return value;
}

static size_t length(struct cursor value) {
    return (size_t)(value.end - value.at);
}

static bool take_name(struct cursor *cursor, char into[USER_NAME_MAX + 1]) {
    struct cursor name = take_value(cursor);
    return user_name_of_sasl(name.at, length(name), into);
}

/* Printable, and no comma. */
static bool is_nonce(struct cursor value) {
    for (const char *at = value.at; at < value.end; at++)
        if (*at <= ' ' || *at > '~' || *at == ',') return false;
    return true;
}

/* ---- The first message: gs2-header client-first-bare ---- */

static bool read_header(struct scram_server *server, struct cursor *cursor,
                        char authorized[USER_NAME_MAX + 1]) {
    const char *begin = cursor->at;
    authorized[0] = '\0';
    if (!take_text(cursor, "n,") && !take_text(cursor, "y,")) return false;
    if (take_text(cursor, "a=")) {
        struct cursor name = take_value(cursor);
        if (length(name) > 0 && !user_name_of_sasl(name.at, length(name), authorized)) return false;
    }
    if (!take_text(cursor, ",")) return false;
    server->header_len = (size_t)(cursor->at - begin);
    if (server->header_len > sizeof server->header) return false;
    memcpy(server->header, begin, server->header_len);
    return true;
}

/* Further attributes, of which one means something: a token instead of a password (KIP-48). */
static bool read_extensions(struct scram_server *server, struct cursor *cursor) {
    while (cursor->at < cursor->end) {
        if (!take_text(cursor, ",")) return false;
        struct cursor value = take_value(cursor);
        const char *equals = memchr(value.at, '=', length(value));
        if (equals == NULL || equals == value.at) return false;
        server->token = server->token || take_text(&value, "tokenauth=");
    }
    return true;
}

bool scram_server_hear(struct scram_server *server, enum scram_mechanism mechanism,
                       const void *message, size_t len) {
    char authorized[USER_NAME_MAX + 1];
    struct cursor cursor = {message, (const char *)message + len};
    memset(server, 0, sizeof *server);
    server->mechanism = mechanism;
    if (len > SCRAM_MESSAGE_MAX || !read_header(server, &cursor, authorized)) return false;
    struct cursor bare = cursor;
    if (!take_text(&cursor, "n=") || !take_name(&cursor, server->user)) return false;
    if (authorized[0] != '\0' && strcmp(authorized, server->user) != 0) return false;
    if (!take_text(&cursor, ",r=")) return false;
    struct cursor nonce = take_value(&cursor);
    server->client_nonce_len = length(nonce);
    if (server->client_nonce_len < SCRAM_NONCE_MIN || server->client_nonce_len > SCRAM_NONCE_MAX ||
        !is_nonce(nonce) || !read_extensions(server, &cursor))
        return false;
    memcpy(server->nonce, nonce.at, server->client_nonce_len);
    server->said_len = length(bare);
    memcpy(server->said, bare.at, server->said_len);
    return true;
}

const char *scram_server_challenge(struct scram_server *server, const struct user_key *key,
                                   const uint8_t *random, size_t *len) {
    char salt[4 * ((SCRAM_SALT_MAX + 2) / 3) + 1];
    server->keys = key->keys;
    base64_encode(BASE64_PADDED, key->salt, key->salt_len, salt);
    size_t own = base64_encode(BASE64_PADDED, random, SCRAM_NONCE_RANDOM,
                               server->nonce + server->client_nonce_len);
    CHECK(own == SCRAM_NONCE_OWN); /* of 18 bytes */
    server->nonce_len = server->client_nonce_len + own;
    server->said[server->said_len++] = ',';
    char *answer = server->said + server->said_len;
    int wrote = snprintf(answer, sizeof server->said - server->said_len, "r=%s,s=%s,i=%d",
                         server->nonce, salt, (int)key->iterations);
    *len = (size_t)wrote;
    server->said_len += *len;
    CHECK(server->said_len < sizeof server->said); /* a message, and three texts with limits */
    return answer;
}

/* ---- The last message: c= , r= [, further] , p= ---- */

static bool same_header(const struct scram_server *server, struct cursor value) {
    char header[sizeof server->header];
    size_t len;
    return base64_decode(BASE64_PADDED, value.at, length(value), header, sizeof header, &len) &&
           len == server->header_len && memcmp(header, server->header, len) == 0;
}

/* The whole nonce, or with the client's part twice. */
static bool same_nonce(const struct scram_server *server, struct cursor value) {
    size_t len = length(value), twice = server->client_nonce_len + server->nonce_len;
    if (len == twice && memcmp(value.at, server->nonce, server->client_nonce_len) == 0)
        value.at += server->client_nonce_len;
    return length(value) == server->nonce_len &&
           memcmp(value.at, server->nonce, server->nonce_len) == 0;
}

/* The proof is the last attribute, and has no comma in it. */
static const char *find_proof(struct cursor message) {
    for (const char *at = message.end; at - message.at >= 3; at--)
        if (memcmp(at - 3, ",p=", 3) == 0) return at - 3;
    return NULL;
}

bool scram_server_judge(struct scram_server *server, const void *message, size_t len, char *answer,
                        size_t *answer_len) {
    struct cursor cursor = {message, (const char *)message + len};
    uint8_t proof[SCRAM_HASH_MAX], signature[SCRAM_HASH_MAX];
    size_t size = scram_hash_size(server->mechanism), proof_len;
    const char *proof_at = len > SCRAM_MESSAGE_MAX ? NULL : find_proof(cursor);
    if (proof_at == NULL || !take_text(&cursor, "c=") || !same_header(server, take_value(&cursor)))
        return false;
    if (!take_text(&cursor, ",r=") || !same_nonce(server, take_value(&cursor))) return false;
    struct cursor between = {cursor.at, proof_at};
    if (cursor.at > proof_at || !read_extensions(server, &between)) return false;
    if (!base64_decode(BASE64_PADDED, proof_at + 3, (size_t)(cursor.end - proof_at) - 3, proof,
                       sizeof proof, &proof_len) ||
        proof_len != size)
        return false;
    size_t without = (size_t)(proof_at - (const char *)message);
    server->said[server->said_len++] = ',';
    /* two messages of SCRAM_MESSAGE_MAX, and ours */
    CHECK(server->said_len + without <= sizeof server->said);
    memcpy(server->said + server->said_len, message, without);
    server->said_len += without;
    if (!scram_proof_is_good(server->mechanism, &server->keys, server->said, server->said_len,
                             proof))
        return false;
    scram_hmac(server->mechanism, server->keys.server, size, server->said, server->said_len,
               signature);
    memcpy(answer, "v=", 2);
    *answer_len = 2 + base64_encode(BASE64_PADDED, signature, size, answer + 2);
    return true;
}
