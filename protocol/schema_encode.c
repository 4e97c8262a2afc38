/*
 * The encoder that every message shares: walks the table of a schema over a C struct. The contract
 * is in schema.h.
 *
 * The mirror of schema_decode.c. Tagged fields are written in the order of the table, which is the
 * order of their tags, and only when they differ from their fallback: so do other implementations,
 * and the bytes are equal.
 */
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"
#include "protocol/schema_values.h"

struct encoder {
    struct kp_writer *writer;
    int version;
    bool flexible;
};

static void encode_struct(struct encoder *encoder, const struct kp_schema *schema,
                          const void *object);

static void encode_records(struct encoder *encoder, const struct kp_records *records,
                           bool nullable) {
    if (records->slice_count == 0) {
        struct kp_bytes bytes = {records->data, records->len};
        kp_write_bytes(encoder->writer, bytes, encoder->flexible, nullable);
        return;
    }
    size_t len = 0;
    for (uint32_t i = 0; i < records->slice_count; i++)
        len += records->slices[i].len;
    if (len > INT32_MAX) {
        kp_writer_fail(encoder->writer, ERR_TOO_LARGE);
        return;
    }
    kp_write_count(encoder->writer, (int32_t)len, encoder->flexible,
                   nullable); /* bytes have the length of an array */
    for (uint32_t i = 0; i < records->slice_count; i++)
        kp_write_slice(encoder->writer, records->slices[i]);
}

static void encode_array(struct encoder *encoder, const struct kp_field *field, bool nullable,
                         const void *value);

static void encode_optional(struct encoder *encoder, const struct kp_schema *item,
                            const void *value) {
    const void *object = kp_optional(value);
    kp_write_int8(encoder->writer, object == NULL ? -1 : 1);
    if (object != NULL) encode_struct(encoder, item, object);
}

static int64_t float_bits(const void *value) {
    int64_t bits;
    memcpy(&bits, value, sizeof bits);
    return bits;
}

static void tell_error(struct kp_told_errors *told, int16_t code) {
    unsigned at = 0;
    while (at < told->count && told->codes[at] != code)
        at++;
    if (at == KP_TOLD_ERRORS_MAX) return;
    if (at == told->count) {
        told->count++;
        told->codes[at] = code;
        told->counts[at] = 0;
    }
    told->counts[at]++;
}

static void encode_int16(struct kp_writer *writer, const struct kp_field *field, int16_t value) {
    kp_write_int16(writer, value);
    if (value != 0 && writer->told != NULL && strcmp(field->name, "errorCode") == 0)
        tell_error(writer->told, value);
}

/* Writes one value. `field` describes arrays and structs. */
static void encode_value(struct encoder *encoder, enum kp_kind kind, const struct kp_field *field,
                         bool nullable, const void *value) {
    struct kp_writer *writer = encoder->writer;
    switch (kind) {
    case KP_BOOL: kp_write_bool(writer, *(const bool *)value); return;
    case KP_INT8: kp_write_int8(writer, *(const int8_t *)value); return;
    case KP_INT16: encode_int16(writer, field, *(const int16_t *)value); return;
    case KP_INT32: kp_write_int32(writer, *(const int32_t *)value); return;
    case KP_INT64: kp_write_int64(writer, *(const int64_t *)value); return;
    case KP_UINT16: kp_write_int16(writer, (int16_t)*(const uint16_t *)value); return;
    case KP_FLOAT64: kp_write_int64(writer, float_bits(value)); return;
    case KP_UUID: kp_write_uuid(writer, *(const struct kp_uuid *)value); return;
    case KP_STRING:
        kp_write_string(writer, *(const struct kp_string *)value, encoder->flexible, nullable);
        return;
    case KP_BYTES:
        kp_write_bytes(writer, *(const struct kp_bytes *)value, encoder->flexible, nullable);
        return;
    case KP_RECORDS: encode_records(encoder, value, nullable); return;
    case KP_ARRAY: encode_array(encoder, field, nullable, value); return;
    case KP_STRUCT: encode_struct(encoder, field->item, value); return;
    case KP_OPTIONAL: encode_optional(encoder, field->item, value); return;
    }
    CHECK(false); /* kinds are the tables', all above */
}

static void encode_array(struct encoder *encoder, const struct kp_field *field, bool nullable,
                         const void *value) {
    struct kp_any_array array;
    memcpy(&array, value, sizeof(array));
    kp_write_count(encoder->writer, array.count, encoder->flexible, nullable);
    size_t size = kp_value_size(field->element, field->item);
    const uint8_t *item = array.items;
    for (int32_t i = 0; i < array.count; i++, item += size)
        encode_value(encoder, field->element, field, false, item);
}

static bool writes_tagged(const struct encoder *encoder, const struct kp_field *field,
                          const void *object) {
    return kp_version_in(field->tagged, encoder->version) && !kp_field_has_fallback(field, object);
}

/* The size of a tagged field stands before it, so it is made apart first. These fields are small.
 */
static void encode_tagged_field(struct encoder *encoder, const struct kp_field *field,
                                const void *object) {
    struct kp_writer inner;
    kp_writer_init(&inner, encoder->writer->limit);
    inner.told = encoder->writer->told;
    struct encoder sub = {&inner, encoder->version, true};
    encode_value(&sub, field->kind, field, kp_version_in(field->nullable, encoder->version),
                 (const uint8_t *)object + field->offset);
    uint8_t *bytes;
    size_t len;
    int error = kp_writer_take(&inner, &bytes, &len);
    if (error != ERR_NONE) {
        kp_writer_fail(encoder->writer, error);
        return;
    }
    kp_write_uvarint(encoder->writer, field->tag);
    kp_write_uvarint(encoder->writer, (uint32_t)len);
    kp_write_raw(encoder->writer, bytes, len);
    mem_free(bytes);
}

static void encode_tagged(struct encoder *encoder, const struct kp_schema *schema,
                          const void *object) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (writes_tagged(encoder, &schema->fields[i], object)) count++;
    kp_write_uvarint(encoder->writer, count);
    for (uint32_t i = 0; i < schema->field_count && count > 0; i++)
        if (writes_tagged(encoder, &schema->fields[i], object))
            encode_tagged_field(encoder, &schema->fields[i], object);
}

static void encode_struct(struct encoder *encoder, const struct kp_schema *schema,
                          const void *object) {
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct kp_field *field = &schema->fields[i];
        if (kp_version_in(field->versions, encoder->version) &&
            !kp_version_in(field->tagged, encoder->version))
            encode_value(encoder, field->kind, field,
                         kp_version_in(field->nullable, encoder->version),
                         (const uint8_t *)object + field->offset);
    }
    if (encoder->flexible) encode_tagged(encoder, schema, object);
}

int kp_encode(const struct kp_schema *schema, int version, const void *object,
              struct kp_writer *writer) {
    struct encoder encoder = {writer, version, version >= schema->flexible_from};
    encode_struct(&encoder, schema, object);
    return writer->error;
}
