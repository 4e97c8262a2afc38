/* The settings of a group, from the metadata of the cluster. */
#include "broker/coordinator/consumer/consumer_timing.h"

#include "broker/metadata/metadata.h"

struct group_timing consumer_timing(const struct group *group) {
    const struct group_table *table = group->table;
    const struct metadata_resource *set = metadata_resource_named(
        table->metadata, CONFIG_RESOURCE_GROUP, group->id.data, (size_t)group->id.len);
    return group_settings_timing(table->settings, set == NULL ? NULL : &set->configs);
}
