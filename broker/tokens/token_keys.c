/* Rows of JSON become keys of OpenSSL. */
#include "broker/tokens/token_keys.h"

#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/tokens/token_json.h"

enum { NUMBER_MAX = SIGNATURE_MAX + 1 };

struct named_key {
    char *kid;                     /* NULL: it has no name */
    enum signature_algorithm only; /* SIGNATURE_NONE: whatever it takes */
    struct signature_key *key;
};

struct token_keys {
    unsigned references;
    size_t count, len;
    char *text; /* as it was read */
    struct named_key keys[TOKEN_KEYS_MAX];
};

/* Whether it is there to check signatures. */
static bool is_for_signatures(const json_t *row) {
    const char *use = token_json_text(row, "use");
    const json_t *operations = json_object_get(row, "key_ops");
    bool verifies = operations == NULL;
    for (size_t i = 0; i < json_array_size(operations); i++) {
        const char *operation = json_string_value(json_array_get(operations, i));
        verifies = verifies || (operation != NULL && strcmp(operation, "verify") == 0);
    }
    return verifies && (use == NULL || strcmp(use, "sig") == 0);
}

static struct signature_key *key_of(const json_t *row) {
    unsigned char one[NUMBER_MAX], other[NUMBER_MAX];
    size_t one_len, other_len;
    const char *type = token_json_text(row, "kty"), *curve = token_json_text(row, "crv");
    if (type == NULL || !is_for_signatures(row)) return NULL;
    if (strcmp(type, "RSA") == 0 && token_json_bytes(row, "n", one, sizeof one, &one_len) &&
        token_json_bytes(row, "e", other, sizeof other, &other_len))
        return signature_key_rsa(one, one_len, other, other_len);
    if (strcmp(type, "EC") == 0 && curve != NULL &&
        token_json_bytes(row, "x", one, sizeof one, &one_len) &&
        token_json_bytes(row, "y", other, sizeof other, &other_len))
        return signature_key_ec(curve, one, one_len, other, other_len);
    return NULL;
}

static void add_row(struct token_keys *keys, const json_t *row) {
    const char *kid = token_json_text(row, "kid"), *only = token_json_text(row, "alg");
    enum signature_algorithm algorithm = only == NULL ? SIGNATURE_NONE : signature_named(only);
    struct signature_key *key = only != NULL && algorithm == SIGNATURE_NONE ? NULL : key_of(row);
    if (key == NULL || (only != NULL && !signature_key_takes(key, algorithm))) {
        signature_key_free(key);
        return;
    }
    keys->keys[keys->count++] = (struct named_key){
        .kid = kid == NULL ? NULL : mem_strdup(kid), .only = algorithm, .key = key};
}

int token_keys_read(const char *text, size_t len, struct token_keys **out, struct error_text *why) {
    *out = NULL;
    if (len > TOKEN_KEYS_TEXT_MAX)
        return error_set(why, ERR_INVALID, "it has more than %d bytes", TOKEN_KEYS_TEXT_MAX);
    json_t *json = token_json(text, len);
    const json_t *rows = json_object_get(json, "keys");
    if (!json_is_array(rows) || json_array_size(rows) > TOKEN_KEYS_MAX) {
        int error = error_set(why, ERR_INVALID,
                              json_is_array(rows) ? "it has more than %d keys"
                                                  : "it is no JSON Web Key Set: an object with an "
                                                    "array \"keys\" of up to %d",
                              TOKEN_KEYS_MAX);
        json_decref(json);
        return error;
    }
    struct token_keys *keys = mem_zalloc(sizeof *keys);
    keys->references = 1;
    for (size_t i = 0; i < json_array_size(rows); i++)
        add_row(keys, json_array_get(rows, i));
    json_decref(json);
    if (keys->count == 0) {
        token_keys_unref(keys);
        return error_set(why, ERR_INVALID,
                         "it has no key that checks signatures: RSA of 2048 to 8192 bits, or EC "
                         "with P-256 or P-384");
    }
    keys->text = mem_text(text, len);
    keys->len = len;
    *out = keys;
    return ERR_NONE;
}

struct token_keys *token_keys_ref(struct token_keys *keys) {
    keys->references++;
    return keys;
}

void token_keys_unref(struct token_keys *keys) {
    if (keys == NULL) return;
    CHECK(keys->references > 0); /* whoever gives it back has it */
    if (--keys->references > 0) return;
    for (size_t i = 0; i < keys->count; i++) {
        mem_free(keys->keys[i].kid);
        signature_key_free(keys->keys[i].key);
    }
    mem_free(keys->text);
    mem_free(keys);
}

size_t token_keys_count(const struct token_keys *keys) {
    return keys->count;
}

bool token_keys_same(const struct token_keys *one, const struct token_keys *other) {
    return one->len == other->len && memcmp(one->text, other->text, one->len) == 0;
}

const struct signature_key *token_keys_find(const struct token_keys *keys, const char *kid,
                                            enum signature_algorithm algorithm, bool *known) {
    *known = kid == NULL && keys->count == 1;
    for (size_t i = 0; i < keys->count; i++) {
        const struct named_key *one = &keys->keys[i];
        bool named = kid == NULL ? keys->count == 1
                                 : one->kid != NULL && strcmp(one->kid, kid) == 0;
        *known = *known || named;
        if (named && signature_key_takes(one->key, algorithm) &&
            (one->only == SIGNATURE_NONE || one->only == algorithm))
            return one->key;
    }
    return NULL;
}
