/*
 * The value types of the wire: strings that are not terminated, and ids with their text form. Pure
 * functions.
 */
#include "protocol/wire.h"

#include <string.h>

#include "base/check.h"
#include "base/secure/base64.h"

struct kp_string kp_string_of(const char *text) {
    if (text == NULL) return KP_NULL_STRING;
    size_t len = strlen(text);
    CHECK(len <= INT32_MAX); /* literals, names and sentences of ours */
    return (struct kp_string){text, (int32_t)len};
}

bool kp_string_is(struct kp_string string, const char *text) {
    return text != NULL && kp_string_equal(string, kp_string_of(text));
}

bool kp_string_equal(struct kp_string a, struct kp_string b) {
    if (a.len < 0 || a.len != b.len) return false;
    return a.len == 0 || memcmp(a.data, b.data, (size_t)a.len) == 0;
}

bool kp_uuid_is_zero(struct kp_uuid uuid) {
    return kp_uuid_equal(uuid, (struct kp_uuid){{0}});
}

bool kp_uuid_equal(struct kp_uuid a, struct kp_uuid b) {
    return memcmp(a.bytes, b.bytes, sizeof(a.bytes)) == 0;
}

void kp_uuid_text(struct kp_uuid uuid, char into[23]) {
    char text[BASE64_SIZE(sizeof uuid.bytes)];
    memcpy(into, text, base64_encode(BASE64_URL, uuid.bytes, sizeof uuid.bytes, text) + 1);
}
