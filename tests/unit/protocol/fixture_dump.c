/* Messages as JSON, by walking their schemas. */
#include "tests/unit/protocol/fixture_dump.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/schema_values.h"

void text_add(struct text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int more = vsnprintf(NULL, 0, format, args);
    va_end(args);
    CHECK(more >= 0);
    if (text->len + (size_t)more + 1 > text->capacity) {
        text->capacity = (text->len + (size_t)more + 1) * 2;
        text->data = mem_realloc(text->data, text->capacity);
    }
    va_start(args, format);
    vsnprintf(text->data + text->len, text->capacity - text->len, format, args);
    va_end(args);
    text->len += (size_t)more;
}

static void dump_string(struct text *text, struct kp_string string) {
    if (string.len < 0) {
        text_add(text, "null");
        return;
    }
    text_add(text, "\"");
    for (int32_t i = 0; i < string.len; i++) {
        unsigned char c = (unsigned char)string.data[i];
        if (c < 0x20)
            text_add(text, "\\u%04X", c);
        else
            text_add(text, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    text_add(text, "\"");
}

/* Base64, as Kafka's JSON shows bytes. */
static void dump_bytes(struct text *text, struct kp_bytes bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (bytes.len < 0) {
        text_add(text, "null");
        return;
    }
    text_add(text, "\"");
    for (int32_t i = 0; i < bytes.len; i += 3) {
        uint32_t three = 0;
        for (int32_t j = i; j < i + 3; j++)
            three = three << 8 | (j < bytes.len ? bytes.data[j] : 0);
        for (int32_t j = 0; j < 4; j++)
            text_add(text, "%c", i + j > bytes.len ? '=' : digits[three >> (18 - 6 * j) & 63]);
    }
    text_add(text, "\"");
}

static void dump_value(struct text *text, enum kp_kind kind, const struct kp_field *field,
                       int version, const void *value) {
    switch (kind) {
    case KP_BOOL: text_add(text, *(const bool *)value ? "true" : "false"); return;
    case KP_INT8: text_add(text, "%d", *(const int8_t *)value); return;
    case KP_INT16: text_add(text, "%d", *(const int16_t *)value); return;
    case KP_INT32: text_add(text, "%" PRId32, *(const int32_t *)value); return;
    case KP_INT64: text_add(text, "%" PRId64, *(const int64_t *)value); return;
    case KP_UINT16: text_add(text, "%u", *(const uint16_t *)value); return;
    case KP_FLOAT64: text_add(text, "%.17g", *(const double *)value); return;
    case KP_STRING: dump_string(text, *(const struct kp_string *)value); return;
    case KP_BYTES: dump_bytes(text, *(const struct kp_bytes *)value); return;
    case KP_RECORDS:
        text_add(text, ((const struct kp_records *)value)->len < 0 ? "null" : "\"\"");
        return;
    case KP_STRUCT: dump_message(text, field->item, version, value); return;
    case KP_OPTIONAL:
        if (kp_optional(value) == NULL)
            text_add(text, "null");
        else
            dump_message(text, field->item, version, kp_optional(value));
        return;
    case KP_UUID: {
        char shown[23];
        kp_uuid_text(*(const struct kp_uuid *)value, shown);
        text_add(text, "\"%s\"", shown);
        return;
    }
    case KP_ARRAY: {
        struct kp_any_array array;
        memcpy(&array, value, sizeof(array));
        if (array.count < 0) {
            text_add(text, "null");
            return;
        }
        text_add(text, "[");
        for (int32_t i = 0; i < array.count; i++) {
            text_add(text, i > 0 ? "," : "");
            dump_value(text, field->element, field, version,
                       (const uint8_t *)array.items +
                           (size_t)i * kp_value_size(field->element, field->item));
        }
        text_add(text, "]");
        return;
    }
    }
    CHECK(false);
}

void dump_message(struct text *text, const struct kp_schema *schema, int version,
                  const void *object) {
    bool first = true;
    text_add(text, "{");
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct kp_field *field = &schema->fields[i];
        if (!kp_version_in(field->versions, version)) continue;
        if (kp_version_in(field->tagged, version) && kp_field_has_fallback(field, object)) continue;
        text_add(text, "%s\"%s\":", first ? "" : ",", field->name);
        first = false;
        dump_value(text, field->kind, field, version, (const uint8_t *)object + field->offset);
    }
    text_add(text, "}");
}
