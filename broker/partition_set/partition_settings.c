/* Texts of the two tables of settings as the values that a partition works with. */
#include "broker/partition_set/partition_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "broker/config/topic_name.h"
#include "broker/config/topic_settings.h"

static const struct topic_setting *row_of(const char *name) {
    size_t count;
    const struct topic_setting *table = topic_settings_table(&count);
    int place = setting_table_find(topic_settings_rows(), name);
    CHECK(place >= 0); /* names are ours, in the code; a client's go through topic_settings_check */
    return &table[place];
}

static const char *value_of(const struct broker_settings *settings,
                            const struct metadata_topic *topic, const char *name) {
    bool own;
    return topic_settings_value(settings, topic == NULL ? NULL : &topic->configs, row_of(name),
                                &own);
}

static int64_t number_of(const struct broker_settings *settings, const struct metadata_topic *topic,
                         const char *name) {
    return strtoll(value_of(settings, topic, name), NULL, 10);
}

/* The place of the value among the choices of the setting. */
static int choice_of(const struct broker_settings *settings, const struct metadata_topic *topic,
                     const char *name) {
    return setting_choice(&row_of(name)->row, value_of(settings, topic, name));
}

/* Which records go. What the broker keeps for itself stays, however old: its coordinators read it
 * from the beginning. */
static void read_retention(const struct broker_settings *settings,
                           const struct metadata_topic *topic, struct partition_settings *into) {
    const char *policy = value_of(settings, topic, "cleanup.policy");
    bool internal = topic != NULL && topic_name_is_internal(topic->name, strlen(topic->name));
    into->cleanup_delete = setting_lists(policy, "delete") && !internal;
    into->cleanup_compact = setting_lists(policy, "compact");
    into->retention_ms = number_of(settings, topic, "retention.ms");
    into->retention_bytes = number_of(settings, topic, "retention.bytes");
    into->segment_bytes = (uint64_t)number_of(settings, topic, "segment.bytes");
    into->segment_ms = number_of(settings, topic, "segment.ms");
    into->segment_jitter_ms = number_of(settings, topic, "segment.jitter.ms");
    into->file_delete_delay_ms = (uint64_t)number_of(settings, topic, "file.delete.delay.ms");
    into->min_cleanable_ratio = strtod(value_of(settings, topic, "min.cleanable.dirty.ratio"),
                                       NULL);
    into->min_compaction_lag_ms = number_of(settings, topic, "min.compaction.lag.ms");
    into->max_compaction_lag_ms = number_of(settings, topic, "max.compaction.lag.ms");
    into->delete_retention_ms = number_of(settings, topic, "delete.retention.ms");
    into->message_ttl_ms = number_of(settings, topic, "message.ttl.ms");
}

void partition_settings_of(const struct broker_settings *settings,
                           const struct metadata_topic *topic, struct partition_settings *into) {
    memset(into, 0, sizeof *into);
    into->max_message_bytes = (int32_t)number_of(settings, topic, "max.message.bytes");
    into->compression_type = (int8_t)choice_of(settings, topic, "compression.type");
    into->log_append_time = choice_of(settings, topic, "message.timestamp.type") == 1;
    into->timestamp_before_max_ms = number_of(settings, topic, "message.timestamp.before.max.ms");
    into->timestamp_after_max_ms = number_of(settings, topic, "message.timestamp.after.max.ms");
    into->unfolded_max_bytes = settings->message_unfolded_max_bytes;
    into->store_lz4 = settings->log_compression_lz4;
    into->producer_expiration_ms = (int64_t)settings->producer_id_expiration_ms;
    into->max_producers = settings->partition_max_producers;
    into->min_insync_replicas = (int32_t)number_of(settings, topic, "min.insync.replicas");
    read_retention(settings, topic, into);
}

void partition_delay_settings_of(const struct broker_settings *settings,
                                 const struct metadata_topic *topic, struct delay_settings *into) {
    *into = (struct delay_settings){
        .enable = strcmp(value_of(settings, topic, "delay.enable"), "true") == 0,
        .max_ms = number_of(settings, topic, "delay.max.ms"),
        .max_pending_bytes = (uint64_t)number_of(settings, topic, "delay.max.pending.bytes")};
}
