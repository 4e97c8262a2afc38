/*
 * The decoder that every message shares: walks the table of a schema over a reader. The contract is
 * in schema.h.
 *
 * Happy path: each field of this version is read in the order of the table, then the tagged fields.
 * Failures are the reader's sticky error. Invariant: an array is allocated only after its count was
 * compared with the bytes that are left, at the size that its elements have at least in this
 * version.
 */
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "protocol/schema_values.h"

struct decoder {
    struct kp_reader *reader;
    struct kp_arena *arena;
    int version;
    bool flexible;
};

static void decode_struct(struct decoder *decoder, const struct kp_schema *schema, void *object);

/* The fewest bytes that a value can take on the wire. */
static size_t min_wire_size(const struct decoder *decoder, enum kp_kind kind,
                            const struct kp_schema *item) {
    switch (kind) {
    case KP_BOOL:
    case KP_INT8:
    case KP_INT16:
    case KP_INT32:
    case KP_INT64:
    case KP_UINT16:
    case KP_FLOAT64:
    case KP_UUID: return kp_value_size(kind, NULL); /* in memory as on the wire */
    case KP_STRING: return decoder->flexible ? 1 : 2;
    case KP_OPTIONAL: return 1; /* whether it is there */
    case KP_BYTES:
    case KP_RECORDS:
    case KP_ARRAY: return decoder->flexible ? 1 : 4;
    case KP_STRUCT: break;
    }
    size_t size = decoder->flexible ? 1 : 0; /* the count of tagged fields */
    for (uint32_t i = 0; i < item->field_count; i++) {
        const struct kp_field *field = &item->fields[i];
        if (kp_version_in(field->versions, decoder->version) &&
            !kp_version_in(field->tagged, decoder->version))
            size += min_wire_size(decoder, field->kind, field->item);
    }
    return size == 0 ? 1 : size;
}

static void decode_array(struct decoder *decoder, const struct kp_field *field, bool nullable,
                         void *value);

/* A byte says whether it is there: not if it is -1, or 0, as Kafka writes it in a tagged field. */
static void decode_optional(struct decoder *decoder, const struct kp_schema *item, void *value) {
    void *object = NULL;
    if (kp_read_int8(decoder->reader) > 0 && decoder->reader->error == ERR_NONE) {
        object = kp_arena_alloc(decoder->arena, item->size);
        if (object == NULL)
            kp_reader_fail(decoder->reader, ERR_TOO_LARGE);
        else
            decode_struct(decoder, item, object);
    }
    memcpy(value, &object, sizeof object);
}

/* Reads one value. `field` describes arrays, `item` structs. */
static void decode_value(struct decoder *decoder, enum kp_kind kind, const struct kp_field *field,
                         bool nullable, void *value) {
    struct kp_reader *reader = decoder->reader;
    switch (kind) {
    case KP_BOOL: *(bool *)value = kp_read_bool(reader); return;
    case KP_INT8: *(int8_t *)value = kp_read_int8(reader); return;
    case KP_INT16: *(int16_t *)value = kp_read_int16(reader); return;
    case KP_INT32: *(int32_t *)value = kp_read_int32(reader); return;
    case KP_INT64: *(int64_t *)value = kp_read_int64(reader); return;
    case KP_UINT16: *(uint16_t *)value = (uint16_t)kp_read_int16(reader); return;
    case KP_FLOAT64: memcpy(value, &(int64_t){kp_read_int64(reader)}, sizeof(double)); return;
    case KP_UUID: *(struct kp_uuid *)value = kp_read_uuid(reader); return;
    case KP_STRING:
        *(struct kp_string *)value = kp_read_string(reader, decoder->flexible, nullable);
        return;
    case KP_BYTES:
        *(struct kp_bytes *)value = kp_read_bytes(reader, decoder->flexible, nullable);
        return;
    case KP_RECORDS: {
        struct kp_bytes bytes = kp_read_bytes(reader, decoder->flexible, nullable);
        *(struct kp_records *)value = (struct kp_records){.data = bytes.data, .len = bytes.len};
        return;
    }
    case KP_ARRAY: decode_array(decoder, field, nullable, value); return;
    case KP_STRUCT: decode_struct(decoder, field->item, value); return;
    case KP_OPTIONAL: decode_optional(decoder, field->item, value); return;
    }
    CHECK(false); /* kinds are the tables', all above */
}

static void decode_array(struct decoder *decoder, const struct kp_field *field, bool nullable,
                         void *value) {
    struct kp_any_array array = {NULL, 0};
    size_t min_size = min_wire_size(decoder, field->element, field->item);
    array.count = kp_read_count(decoder->reader, decoder->flexible, nullable, min_size);
    if (array.count > 0) {
        size_t size = kp_value_size(field->element, field->item);
        array.items = kp_arena_alloc(decoder->arena, (size_t)array.count * size);
        if (array.items == NULL) {
            kp_reader_fail(decoder->reader, ERR_TOO_LARGE);
            array.count = 0;
        }
        uint8_t *item = array.items;
        for (int32_t i = 0; i < array.count && decoder->reader->error == ERR_NONE;
             i++, item += size)
            decode_value(decoder, field->element, field, false, item);
    }
    memcpy(value, &array, sizeof(array));
}

static const struct kp_field *find_tagged(const struct kp_schema *schema, int version,
                                          uint32_t tag) {
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (schema->fields[i].tag == tag && kp_version_in(schema->fields[i].tagged, version))
            return &schema->fields[i];
    return NULL;
}

static void decode_tagged(struct decoder *decoder, const struct kp_schema *schema, void *object) {
    struct kp_reader *reader = decoder->reader;
    for (uint32_t count = kp_read_uvarint(reader); count > 0 && reader->error == ERR_NONE;
         count--) {
        struct kp_reader inner;
        uint32_t tag = kp_read_tag(reader, &inner);
        const struct kp_field *field = find_tagged(schema, decoder->version, tag);
        if (field == NULL || reader->error != ERR_NONE)
            continue; /* KIP-482: unknown tags are skipped */
        struct decoder sub = {&inner, decoder->arena, decoder->version, true};
        decode_value(&sub, field->kind, field, kp_version_in(field->nullable, decoder->version),
                     (uint8_t *)object + field->offset);
        if (inner.error == ERR_NONE && kp_reader_left(&inner) > 0)
            kp_reader_fail(&inner, ERR_MALFORMED);
        if (inner.error != ERR_NONE) kp_reader_fail(reader, inner.error);
    }
}

static void decode_fields(struct decoder *decoder, const struct kp_schema *schema, uint32_t count,
                          void *object) {
    for (uint32_t i = 0; i < count; i++) {
        const struct kp_field *field = &schema->fields[i];
        if (kp_version_in(field->versions, decoder->version) &&
            !kp_version_in(field->tagged, decoder->version))
            decode_value(decoder, field->kind, field,
                         kp_version_in(field->nullable, decoder->version),
                         (uint8_t *)object + field->offset);
        else
            kp_field_set_fallback(field, object);
    }
}

static void decode_struct(struct decoder *decoder, const struct kp_schema *schema, void *object) {
    decode_fields(decoder, schema, schema->field_count, object);
    if (decoder->flexible) decode_tagged(decoder, schema, object);
}

int kp_decode(const struct kp_schema *schema, int version, struct kp_reader *reader,
              struct kp_arena *arena, void *object) {
    struct decoder decoder = {reader, arena, version, version >= schema->flexible_from};
    memset(object, 0, schema->size);
    decode_struct(&decoder, schema, object);
    return reader->error;
}

int kp_decode_front(const struct kp_schema *schema, int version, struct kp_reader *reader,
                    struct kp_arena *arena, void *object, int32_t *count) {
    struct decoder decoder = {reader, arena, version, version >= schema->flexible_from};
    const struct kp_field *last = &schema->fields[schema->field_count - 1];
    memset(object, 0, schema->size);
    decode_fields(&decoder, schema, schema->field_count - 1, object);
    *count = kp_read_count(reader, decoder.flexible, false,
                           min_wire_size(&decoder, last->element, last->item));
    return reader->error;
}
