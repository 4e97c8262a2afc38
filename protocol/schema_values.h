/*
 * What decoder and encoder of schemas share: where a field's value lies in a C struct, which
 * versions a field is in, and what value it has where it is absent. Private to protocol/schema*.c.
 */
#ifndef PROTOCOL_SCHEMA_VALUES_H
#define PROTOCOL_SCHEMA_VALUES_H

#include "protocol/schema.h"

/* Any KP_ARRAY_OF(...): copied in and out with memcpy, because its items have another type. */
struct kp_any_array {
    void *items;
    int32_t count;
};

/* What a KP_OPTIONAL field points to, whatever its type. */
const void *kp_optional(const void *value);

bool kp_version_in(struct kp_versions versions, int version);
/* The size in memory of one value of that kind. `item`: for KP_STRUCT. */
size_t kp_value_size(enum kp_kind kind, const struct kp_schema *item);
/* Sets one field of `object` to its fallback, or compares. */
void kp_field_set_fallback(const struct kp_field *field, void *object);
bool kp_field_has_fallback(const struct kp_field *field, const void *object);

#endif
