/*
 * The table of record types, and what all of them share: a number before the fields.
 */
#include "protocol/coordinator_records/coordinator_record.h"

#include "base/check.h"
#include "base/error.h"
#include "protocol/coordinator_records/classic_group_record.h"
#include "protocol/coordinator_records/consumer_group_record.h"
#include "protocol/coordinator_records/offset_record.h"
#include "protocol/coordinator_records/share_group_record.h"

static const struct kp_record_type types[] = {
    {KP_RECORD_LEGACY_OFFSET, "LegacyOffsetCommit", &kp_offset_key_schema, &kp_offset_value_schema,
     .from = 0, .to = 0, .written = -1},
    {KP_RECORD_OFFSET, "OffsetCommit", &kp_offset_key_schema, &kp_offset_value_schema, .from = 0,
     .to = 4, .written = 4},
    {KP_RECORD_CLASSIC_GROUP, "GroupMetadata", &kp_classic_group_key_schema,
     &kp_classic_group_value_schema, .from = 0, .to = 4, .written = 3},
    {KP_RECORD_CONSUMER_GROUP, "ConsumerGroupMetadata", &kp_consumer_group_key_schema,
     &kp_consumer_group_value_schema, .from = 0, .to = 0, .written = 0},
    {KP_RECORD_CONSUMER_MEMBER, "ConsumerGroupMemberMetadata", &kp_consumer_member_key_schema,
     &kp_consumer_member_value_schema, .from = 0, .to = 0, .written = 0},
    {KP_RECORD_CONSUMER_TARGET, "ConsumerGroupTargetAssignmentMetadata",
     &kp_consumer_group_key_schema, &kp_consumer_target_value_schema, .from = 0, .to = 0,
     .written = 0},
    {KP_RECORD_CONSUMER_MEMBER_TARGET, "ConsumerGroupTargetAssignmentMember",
     &kp_consumer_member_key_schema, &kp_consumer_member_target_value_schema, .from = 0, .to = 0,
     .written = 0},
    {KP_RECORD_CONSUMER_CURRENT, "ConsumerGroupCurrentMemberAssignment",
     &kp_consumer_member_key_schema, &kp_consumer_current_value_schema, .from = 0, .to = 0,
     .written = 0},
    {KP_RECORD_SHARE_GROUP, "ShareGroupMetadata", &kp_consumer_group_key_schema,
     &kp_share_group_value_schema, .from = 0, .to = 0, .written = 0},
    {KP_RECORD_SHARE_PLACES, "ShareGroupStatePartitionMetadata", &kp_consumer_group_key_schema,
     &kp_share_places_value_schema, .from = 0, .to = 0, .written = 0},
    {KP_RECORD_CONSUMER_REGEX, "ConsumerGroupRegularExpression", &kp_consumer_regex_key_schema,
     &kp_consumer_regex_value_schema, .from = 0, .to = 0, .written = 0},
};
enum { TYPES = sizeof types / sizeof *types };

const struct kp_record_type *kp_record_types(size_t *count) {
    *count = TYPES;
    return types;
}

const struct kp_record_type *kp_record_type_numbered(int number) {
    for (size_t i = 0; i < TYPES; i++)
        if (types[i].number == number) return &types[i];
    return NULL;
}

const struct kp_record_type *kp_record_type_of(const void *key, size_t len) {
    struct kp_reader reader;
    kp_reader_init(&reader, key, len);
    int16_t number = kp_read_int16(&reader);
    return reader.error == ERR_NONE ? kp_record_type_numbered(number) : NULL;
}

int kp_record_key_decode(const struct kp_record_type *type, const void *key, size_t len,
                         void *object) {
    struct kp_reader reader;
    kp_reader_init(&reader, key, len);
    int16_t number = kp_read_int16(&reader);
    CHECK(reader.error != ERR_NONE || number == type->number); /* the caller asked the key */
    return kp_decode(type->key, 0, &reader, NULL, object);
}

int kp_record_value_decode(const struct kp_record_type *type, const void *value, size_t len,
                           struct kp_arena *arena, void *object, int *version) {
    struct kp_reader reader;
    kp_reader_init(&reader, value, len);
    int16_t number = kp_read_int16(&reader);
    if (reader.error != ERR_NONE) return reader.error;
    if (number < type->from || number > type->to) return ERR_VERSION;
    if (version != NULL) *version = number;
    return kp_decode(type->value, number, &reader, arena, object);
}

void kp_record_key_encode(const struct kp_record_type *type, const void *object,
                          struct kp_writer *writer) {
    kp_write_int16(writer, type->number);
    kp_encode(type->key, 0, object, writer);
}

void kp_record_value_encode(const struct kp_record_type *type, int version, const void *object,
                            struct kp_writer *writer) {
    CHECK(version >= type->from && version <= type->to); /* ours to choose */
    kp_write_int16(writer, (int16_t)version);
    kp_encode(type->value, version, object, writer);
}
