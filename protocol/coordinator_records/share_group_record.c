/* The fields of a share group's records. The golden records prove each row. */
#include "protocol/coordinator_records/share_group_record.h"

static const struct kp_field fields[] = {
    {"epoch", KP_INT32, .versions = KP_SINCE(0), KP_AT(kp_share_group_value, epoch)},
    {"metadataHash", KP_INT64, .versions = KP_SINCE(0), KP_AT(kp_share_group_value, metadata_hash)},
};
const struct kp_schema kp_share_group_value_schema = {
    KP_SCHEMA("ShareGroupMetadataValue", kp_share_group_value, fields)};

static const struct kp_field topic_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(0), KP_AT(kp_share_places_topic, id)},
    {"topicName", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_share_places_topic, name)},
    {"partitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     KP_AT(kp_share_places_topic, partitions)},
    {"laterPartitions", KP_ARRAY, .element = KP_INT32, .versions = KP_SINCE(0),
     .tagged = KP_SINCE(0), .tag = KP_PRIVATE_TAG, KP_AT(kp_share_places_topic, later)},
};
const struct kp_schema kp_share_places_topic_schema = {
    KP_SCHEMA("TopicPartitionsInfo", kp_share_places_topic, topic_fields)};

static const struct kp_field gone_fields[] = {
    {"topicId", KP_UUID, .versions = KP_SINCE(0), KP_AT(kp_share_places_gone, id)},
    {"topicName", KP_STRING, .versions = KP_SINCE(0), KP_AT(kp_share_places_gone, name)},
};
const struct kp_schema kp_share_places_gone_schema = {
    KP_SCHEMA("TopicInfo", kp_share_places_gone, gone_fields)};

static const struct kp_field places_fields[] = {
    {"initializingTopics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_places_topic_schema, KP_AT(kp_share_places_value, beginning)},
    {"initializedTopics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_places_topic_schema, KP_AT(kp_share_places_value, begun)},
    {"deletingTopics", KP_ARRAY, .element = KP_STRUCT, .versions = KP_SINCE(0),
     .item = &kp_share_places_gone_schema, KP_AT(kp_share_places_value, deleting)},
    {"metadataVersion", KP_INT64, .versions = KP_SINCE(0), .tagged = KP_SINCE(0),
     .tag = KP_PRIVATE_TAG, KP_AT(kp_share_places_value, metadata)},
};
const struct kp_schema kp_share_places_value_schema = {
    KP_SCHEMA("ShareGroupStatePartitionMetadataValue", kp_share_places_value, places_fields)};
