/*
 * One description for each message, from which both its decoder and its encoder come.
 *
 * A schema is a table of fields: Kafka's name, type, the versions that have it, may hold null or
 * write it as a tagged field, its value where a version lacks it, and its place in a plain C
 * struct. Decoded strings and records point into the frame; arrays come from an arena that the
 * caller owns, so a decoded message lives as long as frame and arena. Failures: kp_decode gives
 * ERR_MALFORMED or ERR_TOO_LARGE (arena limit);
 * the struct is then to be thrown away. Invariant: memory taken is bounded by the bytes received
 * and by the arena's limit, never by a count that was only claimed. Unknown tagged fields are
 * skipped.
 *
 * Every struct kp_NAME of a message has a schema named kp_NAME_schema.
 */
#ifndef PROTOCOL_SCHEMA_H
#define PROTOCOL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "protocol/arena.h"
#include "protocol/wire.h"

/* ---- What the C structs of messages are made of ---- */

/* An array of `type`: items[0 .. count-1]; count -1: null. */
#define KP_ARRAY_OF(type) \
    struct {              \
        type *items;      \
        int32_t count;    \
    }

/* The records field of Produce and Fetch. Decoding points `data` into the frame. For encoding,
 * slices (if any) are written one after the other instead of data: large ones by reference, so that
 * the broker sends them without a copy. */
struct kp_records {
    const uint8_t *data;
    int32_t len; /* of data; -1: null, unless there are slices */
    const struct slice *slices;
    uint32_t slice_count;
};

/* ---- Tables ---- */

enum kp_kind {
    KP_BOOL,     /* bool */
    KP_INT8,     /* int8_t */
    KP_INT16,    /* int16_t */
    KP_INT32,    /* int32_t */
    KP_INT64,    /* int64_t */
    KP_UINT16,   /* uint16_t: ports */
    KP_FLOAT64,  /* double; its bits as they are, also those that are no number */
    KP_UUID,     /* struct kp_uuid */
    KP_STRING,   /* struct kp_string */
    KP_BYTES,    /* struct kp_bytes */
    KP_RECORDS,  /* struct kp_records */
    KP_ARRAY,    /* KP_ARRAY_OF(...) */
    KP_STRUCT,   /* the struct itself */
    KP_OPTIONAL, /* a pointer to the struct; NULL: null */
};

/* Versions from `from` up to, not including, `below`. All zero: never. */
struct kp_versions {
    int8_t from, below;
};
#define KP_SINCE(first) {(first), INT8_MAX}
#define KP_RANGE(first, last) {(first), (last) + 1}

struct kp_field {
    const char *name; /* Kafka's, in its JSON form: maxWaitMs */
    enum kp_kind kind;
    enum kp_kind element; /* KP_ARRAY: of what */
    struct kp_versions versions;
    struct kp_versions nullable;
    struct kp_versions
        tagged;         /* versions where it is a tagged field, left out when it has its fallback */
    uint32_t tag;       /* its number there */
    int64_t fallback;   /* numbers: the value where the field is absent */
    bool null_fallback; /* strings, bytes, arrays: null where the field is absent; else empty */
    const struct kp_schema *item; /* KP_STRUCT, KP_OPTIONAL, and KP_ARRAY of structs */
    uint32_t offset, size;        /* in the C struct: KP_AT */
};

/* Tags from here on are our own. */
enum { KP_PRIVATE_TAG = 10000 };

#define KP_AT(owner, member) \
    .offset = offsetof(struct owner, member), .size = sizeof(((struct owner *)0)->member)

struct kp_schema {
    const char *name; /* Kafka's: "FetchRequest" */
    size_t size;      /* of the C struct */
    const struct kp_field *fields;
    uint32_t field_count;
    int8_t flexible_from; /* messages: first version with KIP-482 forms; of no meaning for the
                             structs inside */
};

#define KP_SCHEMA(kafka_name, struct_name, table)                                \
    .name = (kafka_name), .size = sizeof(struct struct_name), .fields = (table), \
    .field_count = sizeof(table) / sizeof((table)[0])

/* Sets every field of a C struct to its fallback. Begin every message that you fill with it: later
 * versions add fields. */
void kp_set_fallbacks(const struct kp_schema *schema, void *object);

/* Points an array field at `count` new items from the arena, all with their fallbacks. `array` is
 * the address of the KP_ARRAY_OF member, `item` the schema of its structs. Returns the items; NULL
 * (and an empty array) when the arena's limit is passed. kp_arena_alloc does for arrays of numbers.
 */
void *kp_new_items(struct kp_arena *arena, const struct kp_schema *item, void *array,
                   int32_t count);

/* Decodes what is next in `reader`. Bytes behind it are nobody's business: Kafka ignores them, and
 * librdkafka 2.8 sends three behind a Metadata request for all topics. ERR_NONE, ERR_MALFORMED,
 * ERR_TOO_LARGE. `version` is checked by the caller. */
int kp_decode(const struct kp_schema *schema, int version, struct kp_reader *reader,
              struct kp_arena *arena, void *object);

/* The same for a struct of which the last field in its table is an array of structs, not tagged, of
 * more than should be decoded at once. It is left empty; `count` is how many items follow in the
 * reader, each for kp_decode, and behind them kp_skip_tags. */
int kp_decode_front(const struct kp_schema *schema, int version, struct kp_reader *reader,
                    struct kp_arena *arena, void *object, int32_t *count);

/* Encodes. The error is writer->error, which is also returned: ERR_INVALID for null where the
 * version has none. Fields that the version lacks are left out. `object` and all it points to may
 * go away after, except the buffers of record slices, of which the writer holds references. */
int kp_encode(const struct kp_schema *schema, int version, const void *object,
              struct kp_writer *writer);

#endif
