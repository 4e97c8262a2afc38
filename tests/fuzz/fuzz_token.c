/* What strangers say who come with a token: the message, the token in it, its parts as JSON; and
 * key sets. The keys are real, so that signatures are looked at: none is good. */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "broker/tokens/bearer.h"
#include "broker/tokens/token.h"
#include "broker/tokens/token_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The point that RFC 6979, A.2.5, has for its examples. */
static const char KEYS[] = "{\"keys\":[{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\","
                           "\"x\":\"YP7UuiVanTHJYet0xjVtaMBJuJI7Yfps5mliLmDyn7Y\","
                           "\"y\":\"eQP-EAi4vJmkGunpVii8ZPLxsgwtfp9Rd6PClNRGIpk\"}]}";

static void check(const struct token_keys *keys, const char *token, size_t len) {
    static const struct token_rules rules = {
        .issuer = "i", .audiences = "a", .user_claim = "sub", .skew_s = 30};
    struct token_facts facts;
    struct error_text why;
    CHECK(token_check(keys, &rules, token, len, 1800000000000, &facts, &why) == ERR_DENIED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static struct token_keys *keys;
    struct token_keys *others;
    struct bearer_message message;
    struct error_text why;
    const char *text = (const char *)data;
    if (keys == NULL) CHECK(token_keys_read(KEYS, sizeof KEYS - 1, &keys, &why) == ERR_NONE);
    check(keys, text, len);
    if (bearer_read(text, len, &message)) {
        CHECK(message.token > text && message.token + message.token_len < text + len);
        check(keys, message.token, message.token_len);
    }
    json_decref(token_json(text, len));
    if (token_keys_read(text, len, &others, &why) == ERR_NONE) {
        CHECK(token_keys_count(others) > 0 && token_keys_count(others) <= TOKEN_KEYS_MAX);
        check(others, text, len);
        token_keys_unref(others);
    }
    return 0;
}
