/*
 * The records of __consumer_offsets, in Kafka's formats: a key is a type and its fields, a value a
 * version and its fields; a record without a value (a tombstone) says that what the key names is
 * gone.
 *
 * Happy path: kp_record_type_of a key's bytes, kp_record_key_decode and kp_record_value_decode into
 * the structs of that type; the other way with the two that encode. Failures: bytes that are no
 * such record are ERR_MALFORMED, a type or version that this program does not know ERR_VERSION; the
 * struct is then to be thrown away. Invariant: decoded texts and bytes point into the record,
 * arrays into the arena, whose limit bounds them.
 *
 * Specification: CoordinatorRecordType and the *Key.json, *Value.json of Kafka's group coordinator.
 * Keys are never flexible (KIP-482), values from `flexible_from` of their schema on.
 */
#ifndef PROTOCOL_COORDINATOR_RECORDS_COORDINATOR_RECORD_H
#define PROTOCOL_COORDINATOR_RECORDS_COORDINATOR_RECORD_H

#include "protocol/schema.h"

/* Kafka's numbers. What is missing belongs to kinds of groups that are not served. */
enum kp_record_number {
    KP_RECORD_LEGACY_OFFSET = 0, /* before Kafka 0.9: read only */
    KP_RECORD_OFFSET = 1,        /* offset_record.h */
    KP_RECORD_CLASSIC_GROUP = 2, /* classic_group_record.h */
    /* consumer_group_record.h */
    KP_RECORD_CONSUMER_GROUP = 3,
    KP_RECORD_CONSUMER_MEMBER = 5,
    KP_RECORD_CONSUMER_TARGET = 6,
    KP_RECORD_CONSUMER_MEMBER_TARGET = 7,
    KP_RECORD_CONSUMER_CURRENT = 8,
    KP_RECORD_SHARE_GROUP = 11, /* share_group_record.h, as the next */
    KP_RECORD_SHARE_PLACES = 15,
    KP_RECORD_CONSUMER_REGEX = 16,
};

struct kp_record_type {
    int16_t number;
    const char *name; /* Kafka's: "OffsetCommit" */
    const struct kp_schema *key, *value;
    int8_t from, to; /* versions of the value that are read */
    int8_t written;  /* the one to write; -1: it is only read */
};

/* All of them, by number. */
const struct kp_record_type *kp_record_types(size_t *count);
/* NULL: none that is known. */
const struct kp_record_type *kp_record_type_numbered(int number);
/* The type of the record with that key. NULL: the key is too short, or its type is not known. */
const struct kp_record_type *kp_record_type_of(const void *key, size_t len);

/* `object`: the struct of type->key. The key begins with that type's number (checked). ERR_NONE,
 * ERR_MALFORMED. No key has arrays. */
int kp_record_key_decode(const struct kp_record_type *type, const void *key, size_t len,
                         void *object);
/* `object`: the struct of type->value. ERR_NONE, ERR_MALFORMED, ERR_VERSION, ERR_TOO_LARGE (the
 * arena's limit). `arena` may be NULL for values without arrays. `version` may be NULL. */
int kp_record_value_decode(const struct kp_record_type *type, const void *value, size_t len,
                           struct kp_arena *arena, void *object, int *version);

/* Append to `writer`, whose error says how it went: ERR_INVALID for null where there may be none,
 * ERR_TOO_LARGE. */
void kp_record_key_encode(const struct kp_record_type *type, const void *object,
                          struct kp_writer *writer);
void kp_record_value_encode(const struct kp_record_type *type, int version, const void *object,
                            struct kp_writer *writer);

#endif
