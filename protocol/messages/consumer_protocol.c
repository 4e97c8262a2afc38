/*
 * The fields of what consumers say to each other, version by version, as tables; protocol/schema.h
 * says how they are read.
 *
 * Specification: ConsumerProtocolSubscription and ConsumerProtocolAssignment of the Kafka protocol.
 */
#include "protocol/messages/consumer_protocol.h"

#include "base/error.h"

static const struct kp_field partitions_fields[] = {
    {"topic", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_consumer_protocol_partitions, topic)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_protocol_partitions, partitions)},
};
const struct kp_schema kp_consumer_protocol_partitions_schema = {
    KP_SCHEMA("TopicPartition", kp_consumer_protocol_partitions, partitions_fields),
    .flexible_from = INT8_MAX};

static const struct kp_field subscription_fields[] = {
    {"topics", KP_ARRAY, .element = KP_STRING, .versions = KP_SINCE(0),
     KP_AT(kp_consumer_subscription, topics)},
    {"userData", KP_BYTES, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_consumer_subscription, user_data)},
    {"ownedPartitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(1),
     .item = &kp_consumer_protocol_partitions_schema, KP_AT(kp_consumer_subscription, owned)},
    {"generationId", KP_INT32, .versions = KP_SINCE(2), .fallback = -1,
     KP_AT(kp_consumer_subscription, generation)},
    {"rackId", KP_STRING, .versions = KP_SINCE(3), .nullable = KP_SINCE(3), .null_fallback = true,
     KP_AT(kp_consumer_subscription, rack)},
};
const struct kp_schema kp_consumer_subscription_schema = {
    KP_SCHEMA("ConsumerProtocolSubscription", kp_consumer_subscription, subscription_fields),
    .flexible_from = INT8_MAX};

static const struct kp_field assignment_fields[] = {
    {"assignedPartitions", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_consumer_protocol_partitions_schema, KP_AT(kp_consumer_assignment, assigned)},
    {"userData", KP_BYTES, .versions = KP_SINCE(0), .nullable = KP_SINCE(0), .null_fallback = true,
     KP_AT(kp_consumer_assignment, user_data)},
};
const struct kp_schema kp_consumer_assignment_schema = {
    KP_SCHEMA("ConsumerProtocolAssignment", kp_consumer_assignment, assignment_fields),
    .flexible_from = INT8_MAX};

/* -1: there is none that could be. */
static int read_version(struct kp_reader *reader) {
    int version = kp_read_int16(reader);
    if (reader->error != ERR_NONE || version < 0) return -1;
    return version > KP_CONSUMER_PROTOCOL_NEWEST ? KP_CONSUMER_PROTOCOL_NEWEST : version;
}

static int read(const struct kp_schema *schema, struct kp_bytes bytes, struct kp_arena *arena,
                void *into) {
    struct kp_reader reader;
    kp_reader_init(&reader, bytes.data, bytes.len < 0 ? 0 : (size_t)bytes.len);
    int version = read_version(&reader);
    if (version < 0) return ERR_MALFORMED;
    return kp_decode(schema, version, &reader, arena, into);
}

int kp_consumer_subscription_read(struct kp_bytes bytes, struct kp_arena *arena,
                                  struct kp_consumer_subscription *into) {
    return read(&kp_consumer_subscription_schema, bytes, arena, into);
}

int kp_consumer_assignment_read(struct kp_bytes bytes, struct kp_arena *arena,
                                struct kp_consumer_assignment *into) {
    if (bytes.len > 0) return read(&kp_consumer_assignment_schema, bytes, arena, into);
    kp_set_fallbacks(&kp_consumer_assignment_schema, into);
    return ERR_NONE;
}

void kp_consumer_assignment_write(const struct kp_consumer_assignment *assignment,
                                  struct kp_bytes like, struct kp_writer *writer) {
    struct kp_reader reader;
    kp_reader_init(&reader, like.data, like.len < 0 ? 0 : (size_t)like.len);
    int version = read_version(&reader);
    if (version < 0) version = KP_CONSUMER_PROTOCOL_NEWEST;
    kp_write_int16(writer, (int16_t)version);
    kp_encode(&kp_consumer_assignment_schema, version, assignment, writer);
}
