/*
 * Values of fields outside of any encoding: sizes, fallbacks, new items.
 */
#include "protocol/schema_values.h"

#include <string.h>

#include "base/check.h"

_Static_assert(sizeof(KP_ARRAY_OF(int8_t)) == sizeof(struct kp_any_array),
               "every array of a message has this shape");
_Static_assert(sizeof(bool) == 1, "a bool is read and written as one byte");
_Static_assert(sizeof(double) == 8, "a double is read and written as its 64 bits");

const void *kp_optional(const void *value) {
    const void *object;
    memcpy(&object, value, sizeof object);
    return object;
}

bool kp_version_in(struct kp_versions versions, int version) {
    return version >= versions.from && version < versions.below;
}

size_t kp_value_size(enum kp_kind kind, const struct kp_schema *item) {
    switch (kind) {
    case KP_BOOL:
    case KP_INT8: return 1;
    case KP_INT16:
    case KP_UINT16: return 2;
    case KP_INT32: return 4;
    case KP_INT64:
    case KP_FLOAT64: return 8;
    case KP_UUID: return sizeof(struct kp_uuid);
    case KP_STRING: return sizeof(struct kp_string);
    case KP_BYTES: return sizeof(struct kp_bytes);
    case KP_RECORDS: return sizeof(struct kp_records);
    case KP_ARRAY: return sizeof(struct kp_any_array);
    case KP_STRUCT: return item->size;
    case KP_OPTIONAL: return sizeof(void *);
    }
    CHECK(false); /* kinds are the tables', all above */
    return 0;
}

static int32_t empty_count(const struct kp_field *field) {
    return field->null_fallback ? -1 : 0;
}

void kp_field_set_fallback(const struct kp_field *field, void *object) {
    void *value = (uint8_t *)object + field->offset;
    switch (field->kind) {
    case KP_BOOL: *(bool *)value = field->fallback != 0; return;
    case KP_INT8: *(int8_t *)value = (int8_t)field->fallback; return;
    case KP_INT16: *(int16_t *)value = (int16_t)field->fallback; return;
    case KP_INT32: *(int32_t *)value = (int32_t)field->fallback; return;
    case KP_INT64: *(int64_t *)value = field->fallback; return;
    case KP_UINT16: *(uint16_t *)value = (uint16_t)field->fallback; return;
    case KP_FLOAT64: *(double *)value = (double)field->fallback; return;
    case KP_UUID: memset(value, 0, sizeof(struct kp_uuid)); return;
    case KP_STRING:
        *(struct kp_string *)value = field->null_fallback ? KP_NULL_STRING : kp_string_of("");
        return;
    case KP_BYTES: *(struct kp_bytes *)value = (struct kp_bytes){.len = empty_count(field)}; return;
    case KP_RECORDS: *(struct kp_records *)value = (struct kp_records){.len = -1}; return;
    case KP_ARRAY: {
        struct kp_any_array array = {NULL, empty_count(field)};
        memcpy(value, &array, sizeof array);
        return;
    }
    case KP_OPTIONAL: memset(value, 0, sizeof(void *)); return;
    case KP_STRUCT: kp_set_fallbacks(field->item, value); return;
    }
    CHECK(false); /* kinds are the tables', all above */
}

static bool is_fallback_struct(const struct kp_schema *schema, const void *object) {
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (!kp_field_has_fallback(&schema->fields[i], object)) return false;
    return true;
}

bool kp_field_has_fallback(const struct kp_field *field, const void *object) {
    const void *value = (const uint8_t *)object + field->offset;
    switch (field->kind) {
    case KP_BOOL: return *(const bool *)value == (field->fallback != 0);
    case KP_INT8: return *(const int8_t *)value == field->fallback;
    case KP_INT16: return *(const int16_t *)value == field->fallback;
    case KP_INT32: return *(const int32_t *)value == field->fallback;
    case KP_INT64: return *(const int64_t *)value == field->fallback;
    case KP_UINT16: return *(const uint16_t *)value == field->fallback;
    case KP_FLOAT64: return *(const double *)value == (double)field->fallback;
    case KP_UUID: return kp_uuid_is_zero(*(const struct kp_uuid *)value);
    case KP_STRING: return ((const struct kp_string *)value)->len == empty_count(field);
    case KP_BYTES: return ((const struct kp_bytes *)value)->len == empty_count(field);
    case KP_RECORDS:
        return ((const struct kp_records *)value)->len == -1 &&
               ((const struct kp_records *)value)->slice_count == 0;
    case KP_ARRAY: {
        struct kp_any_array array;
        memcpy(&array, value, sizeof(array));
        return array.count == empty_count(field);
    }
    case KP_STRUCT: return is_fallback_struct(field->item, value);
    case KP_OPTIONAL: return kp_optional(value) == NULL;
    }
    CHECK(false); /* kinds are the tables', all above */
    return false;
}

void kp_set_fallbacks(const struct kp_schema *schema, void *object) {
    memset(object, 0, schema->size);
    for (uint32_t i = 0; i < schema->field_count; i++)
        kp_field_set_fallback(&schema->fields[i], object);
}

void *kp_new_items(struct kp_arena *arena, const struct kp_schema *item, void *array,
                   int32_t count) {
    CHECK(count >= 0); /* handlers pass the counts of arrays that were decoded, null ones apart */
    struct kp_any_array made = {kp_arena_alloc(arena, (size_t)count * item->size), count};
    if (made.items == NULL) made.count = 0;
    for (int32_t i = 0; i < made.count; i++)
        kp_set_fallbacks(item, (uint8_t *)made.items + (size_t)i * item->size);
    memcpy(array, &made, sizeof(made));
    return made.items;
}
