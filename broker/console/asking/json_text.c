/* Text grows by doubling; escapes are those of base/printable.h, read as JSON means them. */
#include "broker/console/asking/json_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "base/printable.h"
#include "base/secure/base64.h"

enum { FIRST_ROOM = 4096, NUMBER_ROOM = 40 };

static char *room_for(struct json *json, size_t more) {
    if (json->len + more > json->room) {
        size_t room = json->room == 0 ? FIRST_ROOM : json->room;
        while (room < json->len + more)
            room *= 2;
        json->data = mem_realloc(json->data, room);
        json->room = room;
    }
    return json->data + json->len;
}

static void add(struct json *json, const char *data, size_t len) {
    if (json->len + len > JSON_MOST) json_drop(json);
    if (json->dropped) return;
    memcpy(room_for(json, len), data, len);
    json->len += len;
}

static void add_words(struct json *json, const char *text) {
    add(json, text, strlen(text));
}

/* ---- Levels ---- */

static void begin_value(struct json *json, const char *key) {
    if (json->follows) add(json, ",", 1);
    json->follows = true;
    if (key == NULL) return;
    add(json, "\"", 1);
    add_words(json, key);
    add(json, "\":", 2);
}

static void open_level(struct json *json, const char *key, const char *bracket, char end) {
    if (json->dropped) return;
    CHECK(json->depth < JSON_DEPTH_MAX); /* the code decides how deep it goes, not the data */
    begin_value(json, key);
    add(json, bracket, 1);
    json->ends[json->depth++] = end;
    json->follows = false;
}

void json_object(struct json *json, const char *key) {
    open_level(json, key, "{", '}');
}

void json_array(struct json *json, const char *key) {
    open_level(json, key, "[", ']');
}

void json_end(struct json *json) {
    if (json->dropped) return;
    CHECK(json->depth > 0);
    add(json, &json->ends[--json->depth], 1);
    json->follows = true;
}

struct slice json_take(struct json *json) {
    CHECK(json->depth == 0 && !json->dropped);
    add(json, "\n", 1);
    struct slice text = slice_adopt(NULL, json->data, json->len);
    *json = (struct json){0};
    return text;
}

void json_drop(struct json *json) {
    mem_free(json->data);
    *json = (struct json){.dropped = true};
}

/* ---- Texts ---- */

/* The character at hand as it stands in a string; `escape` is what printable_step says of it. */
static void add_character(struct json *json, const char *text, size_t len, const char *escape) {
    if (escape[0] == '\0' && (*text == '"' || *text == '\\')) add(json, "\\", 1);
    if (escape[0] == '\0') {
        add(json, text, len);
    } else if (escape[1] == 'u') {
        add_words(json, escape);
    } else if ((unsigned char)*text < 0x80) {
        add(json, "\\u00", 4);
        add(json, escape + 2, 2);
    } else {
        add_words(json, "\\ufffd");
    }
}

static void add_text(struct json *json, const char *text, size_t len) {
    add(json, "\"", 1);
    for (size_t at = 0; at < len;) {
        char escape[PRINTABLE_ESCAPE];
        size_t size = printable_step(text + at, len - at, escape);
        add_character(json, text + at, size, escape);
        at += size;
    }
    add(json, "\"", 1);
}

void json_text(struct json *json, const char *key, const char *text, size_t len) {
    begin_value(json, key);
    add_text(json, text, len);
}

void json_words(struct json *json, const char *key, const char *text) {
    if (text == NULL)
        json_null(json, key);
    else
        json_text(json, key, text, strlen(text));
}

void json_string(struct json *json, const char *key, struct kp_string text) {
    if (text.len < 0)
        json_null(json, key);
    else
        json_text(json, key, text.data, (size_t)text.len);
}

/* ---- Numbers ---- */

void json_int(struct json *json, const char *key, int32_t value) {
    char text[NUMBER_ROOM];
    begin_value(json, key);
    snprintf(text, sizeof text, "%" PRId32, value);
    add_words(json, text);
}

void json_size(struct json *json, const char *key, size_t value) {
    char text[NUMBER_ROOM];
    begin_value(json, key);
    snprintf(text, sizeof text, "%zu", value);
    add_words(json, text);
}

void json_long(struct json *json, const char *key, int64_t value) {
    char text[NUMBER_ROOM];
    begin_value(json, key);
    snprintf(text, sizeof text, "\"%" PRId64 "\"", value);
    add_words(json, text);
}

void json_real(struct json *json, const char *key, double value) {
    char text[NUMBER_ROOM];
    if (!isfinite(value)) {
        json_null(json, key);
        return;
    }
    begin_value(json, key);
    snprintf(text, sizeof text, "%.15g", value);
    add_words(json, text);
}

void json_bool(struct json *json, const char *key, bool value) {
    begin_value(json, key);
    add_words(json, value ? "true" : "false");
}

void json_null(struct json *json, const char *key) {
    begin_value(json, key);
    add_words(json, "null");
}

/* ---- Bytes ---- */

/* As long as one that is escaped ("\u0001"), however it is. */
static size_t size_in_json(const char *text, size_t size, const char *escape) {
    if (escape[0] != '\0') return PRINTABLE_ESCAPE - 1;
    return size + (*text == '"' || *text == '\\');
}

/* How much of the text ends with a whole character, and takes no more than that in JSON; SIZE_MAX:
 * it is no UTF-8. */
static size_t whole_text(const char *text, size_t len, size_t most, size_t text_most) {
    size_t at = 0, used = 0;
    while (at < len && at < most) {
        char escape[PRINTABLE_ESCAPE];
        size_t size = printable_step(text + at, len - at, escape);
        if (escape[0] != '\0' && escape[1] == 'x' && (unsigned char)text[at] >= 0x80)
            return SIZE_MAX;
        used += size_in_json(text + at, size, escape);
        if (at + size > most || used > text_most) break;
        at += size;
    }
    return at;
}

static void add_base64(struct json *json, const uint8_t *data, size_t len) {
    enum { PIECE = 3 * 256 };
    char text[BASE64_SIZE(PIECE)];
    add(json, "\"", 1);
    for (size_t at = 0; at < len; at += PIECE) {
        size_t piece = len - at < PIECE ? len - at : PIECE;
        add(json, text, base64_encode(BASE64_PADDED, data + at, piece, text));
    }
    add(json, "\"", 1);
}

void json_exact(struct json *json, const char *key, const uint8_t *data, size_t len) {
    if (data == NULL) {
        json_null(json, key);
        return;
    }
    if (whole_text((const char *)data, len, len, SIZE_MAX) != SIZE_MAX) {
        json_text(json, key, (const char *)data, len);
        return;
    }
    json_object(json, key);
    begin_value(json, "base64");
    add_base64(json, data, len);
    json_end(json);
}

void json_bytes(struct json *json, const char *key, const uint8_t *data, size_t len, size_t most,
                size_t text_most) {
    if (data == NULL) {
        json_null(json, key);
        return;
    }
    size_t shown = whole_text((const char *)data, len, most, text_most);
    json_object(json, key);
    if (shown != SIZE_MAX) {
        json_text(json, "text", (const char *)data, shown);
    } else {
        shown = len < most ? len : most;
        if (shown > text_most / 4 * 3) shown = text_most / 4 * 3;
        begin_value(json, "base64");
        add_base64(json, data, shown);
    }
    if (shown < len) json_size(json, "left_out", len - shown);
    json_end(json);
}
