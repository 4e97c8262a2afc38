/* The table of topic settings, and how the value of one is found. */
#include "broker/partition/topic_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "broker/config/setting_rows.h"

static const struct topic_setting table[] = {
    {.row = CHOICE("compression.type", "producer", "producer,uncompressed,gzip,snappy,lz4,zstd",
                   "The codec in which batches are kept and served; producer: as they came."),
     .broker_setting = "compression.type"},
    {.row = NUMBER("max.message.bytes", "1048588", 100, PARTITION_BATCH_MOST, "bytes",
                   "The largest record batch that is accepted."),
     .broker_setting = "message.max.bytes"},
    {.row = CHOICE("message.timestamp.type", "CreateTime", "CreateTime,LogAppendTime",
                   "Whether records carry the producer's time or the time of their arrival."),
     .broker_setting = "log.message.timestamp.type"},
    {.row = NUMBER(
         "message.timestamp.before.max.ms", LONG_MOST, 0, INT64_MAX, "ms",
         "How far a record's own time may lie before the broker's; unless its time is that of its arrival."),
     .broker_setting = "log.message.timestamp.before.max.ms"},
    {.row = NUMBER(
         "message.timestamp.after.max.ms", "3600000", 0, INT64_MAX, "ms",
         "How far a record's own time may lie behind the broker's; unless its time is that of its arrival."),
     .broker_setting = "log.message.timestamp.after.max.ms"},
    {.row = NUMBER(
         "min.insync.replicas", "1", 1, 64, "replicas",
         "Produce is refused while fewer replicas than this, or than there are, are in sync; a majority always has to acknowledge."),
     .broker_setting = "min.insync.replicas"},
    /* Of the whole broker: a topic may only ask for the same. */
    {.row = NUMBER("segment.bytes", "1073741824", 1024, GIB, "bytes",
                   "A segment file of a partition ends when it is larger."),
     .broker_setting = "log.segment.bytes",
     .as_broker = true},
    {.row = NUMBER("index.interval.bytes", "4096", 64, 16 * MIB, "bytes",
                   "One index entry for so many bytes of a segment."),
     .broker_setting = "log.index.interval.bytes",
     .as_broker = true},
    /* What is so. */
    {.row = SO_EITHER("cleanup.policy", SETTING_LIST, 0, "delete", "", NO_COMPACTION),
     .broker_setting = "log.cleanup.policy"},
    {.row = SO_LONG("retention.ms", "-1", NO_RETENTION), .broker_setting = "log.retention.ms"},
    {.row = SO_LONG("retention.bytes", "-1", NO_RETENTION),
     .broker_setting = "log.retention.bytes"},
    {.row = SO_LONG("delete.retention.ms", "86400000", NO_COMPACTION),
     .broker_setting = "log.cleaner.delete.retention.ms"},
    {.row = SO_LONG("min.compaction.lag.ms", "0", NO_COMPACTION),
     .broker_setting = "log.cleaner.min.compaction.lag.ms"},
    {.row = SO_LONG("max.compaction.lag.ms", LONG_MOST, NO_COMPACTION),
     .broker_setting = "log.cleaner.max.compaction.lag.ms"},
    {.row = SO_DECIMAL("min.cleanable.dirty.ratio", "0.5", NO_COMPACTION),
     .broker_setting = "log.cleaner.min.cleanable.ratio"},
    {.row = SO_LONG("segment.ms", LONG_MOST, NO_ROLL_BY_TIME), .broker_setting = "log.roll.ms"},
    {.row = SO_LONG("segment.jitter.ms", "0", NO_ROLL_BY_TIME),
     .broker_setting = "log.roll.jitter.ms"},
    {.row = SO_INT("segment.index.bytes", INT_MOST, NO_INDEX_LIMIT),
     .broker_setting = "log.index.size.max.bytes"},
    {.row = SO_LONG("file.delete.delay.ms", "0", FILES_GO_AT_ONCE),
     .broker_setting = "log.segment.delete.delay.ms"},
    {.row = SO_SWITCH("preallocate", "false", NOT_PREALLOCATED),
     .broker_setting = "log.preallocate"},
    {.row = SO_LONG("flush.messages", "1", ALWAYS_FLUSHED),
     .broker_setting = "log.flush.interval.messages"},
    {.row = SO_LONG("flush.ms", "0", ALWAYS_FLUSHED), .broker_setting = "log.flush.interval.ms"},
    {.row = SO_INT("compression.gzip.level", "-1", NO_LEVELS),
     .broker_setting = "compression.gzip.level"},
    {.row = SO_INT("compression.lz4.level", "9", NO_LEVELS),
     .broker_setting = "compression.lz4.level"},
    {.row = SO_INT("compression.zstd.level", "3", NO_LEVELS),
     .broker_setting = "compression.zstd.level"},
    {.row = SO_SWITCH("unclean.leader.election.enable", "false", NEVER_UNCLEAN),
     .broker_setting = "unclean.leader.election.enable"},
    {.row = SO_EITHER("local.retention.ms", SETTING_INT, INT64_MAX, "-2", "-1", NO_TIERS),
     .broker_setting = "log.local.retention.ms"},
    {.row = SO_EITHER("local.retention.bytes", SETTING_INT, INT64_MAX, "-2", "-1", NO_TIERS),
     .broker_setting = "log.local.retention.bytes"},
    {.row = SO_SWITCH("remote.storage.enable", "false", NO_TIERS), .broker_setting = NULL},
    {.row = SO_SWITCH("remote.log.copy.disable", "false", NO_TIERS), .broker_setting = NULL},
    {.row = SO_SWITCH("remote.log.delete.on.disable", "false", NO_TIERS), .broker_setting = NULL},
    {.row = SO_LIST("leader.replication.throttled.replicas", "", NO_THROTTLES),
     .broker_setting = NULL},
    {.row = SO_LIST("follower.replication.throttled.replicas", "", NO_THROTTLES),
     .broker_setting = NULL},
};
static const struct setting_table settings_of_topics = {.kind = "topic",
                                                        .rows = table,
                                                        .count = sizeof table / sizeof table[0],
                                                        .stride = sizeof *table};

const struct topic_setting *topic_settings_table(size_t *n) {
    *n = settings_of_topics.count;
    return table;
}

const struct setting_table *topic_settings_rows(void) {
    return &settings_of_topics;
}

static int check_as_broker(const struct broker_settings *settings,
                           const struct topic_setting *setting, const char *value,
                           struct error_text *why) {
    const char *of_broker = settings_text(settings->values, setting->broker_setting);
    if (strcmp(value, of_broker) == 0) return ERR_NONE;
    return error_set(
        why, ERR_INVALID,
        "%s=%.40s is not possible. All topics have the broker's %s=%s; leave it out, or set it to that",
        setting->row.name, value, setting->broker_setting, of_broker);
}

int topic_settings_check(const struct broker_settings *settings, const char *name,
                         const char *value, struct error_text *why) {
    int place = setting_table_find(&settings_of_topics, name);
    if (place < 0) return setting_table_unknown(&settings_of_topics, name, why);
    int error = setting_check(&table[place].row, value, why);
    return error == ERR_NONE && table[place].as_broker
               ? check_as_broker(settings, &table[place], value, why)
               : error;
}

const char *topic_settings_value(const struct broker_settings *settings,
                                 const struct metadata_topic *topic,
                                 const struct topic_setting *setting, bool *own) {
    const char *of_broker = setting->broker_setting == NULL
                                ? setting->row.fallback
                                : settings_text(settings->values, setting->broker_setting);
    *own = false;
    const char *of_topic = topic == NULL ? NULL
                                         : config_set_find(&topic->configs, setting->row.name);
    if (of_topic == NULL) return of_broker;
    *own = !setting->as_broker || strcmp(of_topic, of_broker) == 0;
    return *own ? of_topic : of_broker;
}

static const struct topic_setting *row_of(const char *name) {
    int place = setting_table_find(&settings_of_topics, name);
    CHECK(place >= 0); /* names are ours, in the code; a client's go through topic_settings_check */
    return &table[place];
}

static const char *value_of(const struct broker_settings *settings,
                            const struct metadata_topic *topic, const char *name) {
    bool own;
    return topic_settings_value(settings, topic, row_of(name), &own);
}

/* The place of the value among the choices of the setting. */
static int choice_of(const struct broker_settings *settings, const struct metadata_topic *topic,
                     const char *name) {
    return setting_choice(&row_of(name)->row, value_of(settings, topic, name));
}

void topic_settings_partition(const struct broker_settings *settings,
                              const struct metadata_topic *topic, struct partition_settings *into) {
    memset(into, 0, sizeof *into);
    into->max_message_bytes = (int32_t)strtol(value_of(settings, topic, "max.message.bytes"), NULL,
                                              10);
    into->compression_type = (int8_t)choice_of(settings, topic, "compression.type");
    into->log_append_time = choice_of(settings, topic, "message.timestamp.type") == 1;
    into->timestamp_before_max_ms = strtoll(
        value_of(settings, topic, "message.timestamp.before.max.ms"), NULL, 10);
    into->timestamp_after_max_ms = strtoll(
        value_of(settings, topic, "message.timestamp.after.max.ms"), NULL, 10);
    into->unfolded_max_bytes = settings->message_unfolded_max_bytes;
    into->store_lz4 = settings->log_compression_lz4;
    into->producer_expiration_ms = (int64_t)settings->producer_id_expiration_ms;
    into->max_producers = settings->partition_max_producers;
    into->min_insync_replicas = (int32_t)strtol(value_of(settings, topic, "min.insync.replicas"),
                                                NULL, 10);
}
