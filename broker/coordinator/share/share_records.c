/* What is written of a share group, and what is set for it. */
#include "broker/coordinator/share/share_group_internal.h"
#include "broker/metadata/metadata.h"
#include "protocol/coordinator_records/coordinator_record.h"

static void add_record(struct kp_string id, const struct kp_share_group_value *value,
                       struct group_batch *batch) {
    const struct kp_record_type *type = kp_record_type_numbered(KP_RECORD_SHARE_GROUP);
    struct kp_consumer_group_key key = {id};
    struct kp_writer *writer = group_batch_begin(batch);
    kp_record_key_encode(type, &key, writer);
    size_t key_len = writer->len;
    if (value != NULL) kp_record_value_encode(type, type->written, value, writer);
    group_batch_end(batch, key_len, value == NULL);
}

void share_group_record(const struct share_group *group, struct group_batch *batch) {
    struct kp_share_group_value value = {.epoch = group->first_epoch};
    add_record(group->row->id, &value, batch);
    if (group->places.count > 0) share_places_record(&group->places, group->row->id, batch);
}

void share_group_tombstone(const struct share_group *group, struct group_batch *batch) {
    if (group->places.count > 0) share_places_tombstone(group->row->id, batch);
    add_record(group->row->id, NULL, batch);
}

struct group_sharing share_group_sharing(const struct group *row) {
    const struct metadata_resource *set = metadata_resource_named(
        row->table->metadata, CONFIG_RESOURCE_GROUP, row->id.data, (size_t)row->id.len);
    return group_settings_sharing(set == NULL ? NULL : &set->configs);
}
