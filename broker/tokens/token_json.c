/* jansson, with the depth looked at before: it goes down by recursion. */
#include "broker/tokens/token_json.h"

#include <string.h>

#include "base/secure/base64.h"

static bool is_too_deep(const char *text, size_t len) {
    unsigned depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && depth > 0)
            depth--;
        if (depth > TOKEN_JSON_DEPTH) return true;
    }
    return false;
}

json_t *token_json(const char *text, size_t len) {
    if (is_too_deep(text, len)) return NULL;
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    if (json == NULL || json_is_object(json)) return json;
    json_decref(json);
    return NULL;
}

const char *token_json_text(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name)); /* NULL of what is no text */
}

bool token_json_bytes(const json_t *object, const char *name, void *into, size_t room,
                      size_t *got) {
    const char *text = token_json_text(object, name);
    return text != NULL && base64_decode(BASE64_URL, text, strlen(text), into, room, got);
}
