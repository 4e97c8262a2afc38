/* The table of topic settings, and how the value of one is found. */
#include "broker/config/topic_settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "broker/config/setting_rows.h"

#define TOPIC_LETTERS "errors.deadletterqueue.group.enable"

static const struct topic_setting table[] = {
    {.row = CHOICE("compression.type", "producer", "producer,uncompressed,gzip,snappy,lz4,zstd",
                   "The codec in which batches are kept and served; producer: as they came."),
     .broker_setting = "compression.type"},
    {.row = NUMBER("max.message.bytes", "1048588", 100, BROKER_BATCH_MOST, "bytes",
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
    {.row = NUMBER(
         "retention.ms", WEEK_MS, -1, INT64_MAX, "ms",
         "How long records are kept, by the largest timestamp in their segment; -1: for ever."),
     .broker_setting = "log.retention.ms"},
    {.row = NUMBER(
         "retention.bytes", "-1", -1, INT64_MAX, "bytes",
         "What the segments of a partition may have together, as they are stored; beyond it the oldest go; -1: no limit."),
     .broker_setting = "log.retention.bytes"},
    {.row = NUMBER(
         "segment.ms", WEEK_MS, 1, INT64_MAX, "ms",
         "A segment ends when its first record has been in it for so long, also if nothing more comes."),
     .broker_setting = "log.roll.ms"},
    {.row = NUMBER(
         "segment.jitter.ms", "0", 0, INT64_MAX, "ms",
         "So much earlier at most a segment ends, drawn for each, so that not all do at once."),
     .broker_setting = "log.roll.jitter.ms"},
    {.row = NUMBER(
         "file.delete.delay.ms", "60000", 0, INT64_MAX, "ms",
         "How long the files of a segment stay when its log begins behind it; not at all while the disk has less free than "
         "disk.min.free.bytes. Those of a deleted topic go at once."),
     .broker_setting = "log.segment.delete.delay.ms"},
    /* Larger ones than the broker's least: whoever may make a topic must not make very many files.
     */
    {.row = NUMBER("segment.bytes", "1073741824", 64 * KIB, GIB, "bytes",
                   "A segment file of a partition ends when it is larger."),
     .broker_setting = "log.segment.bytes"},
    /* Of the whole broker: a topic may only ask for the same. */
    {.row = NUMBER("index.interval.bytes", "4096", 64, 16 * MIB, "bytes",
                   "One index entry for so many bytes of a segment."),
     .broker_setting = "log.index.interval.bytes",
     .as_broker = true},
    {.row = LIST_OF(
         "cleanup.policy", "delete", "compact,delete",
         "What becomes of old records: delete, by their age and size; compact, all but the last of each key go; both, or none."),
     .broker_setting = "log.cleanup.policy"},
    {.row = DECIMAL(
         "min.cleanable.dirty.ratio", "0.5", 0, 1,
         "A topic is cleaned when more than this share of its sealed segments has not been cleaned yet."),
     .broker_setting = "log.cleaner.min.cleanable.ratio"},
    {.row = NUMBER("min.compaction.lag.ms", "0", 0, INT64_MAX, "ms",
                   "So long each record stays, whatever comes behind it."),
     .broker_setting = "log.cleaner.min.compaction.lag.ms"},
    {.row = NUMBER(
         "max.compaction.lag.ms", LONG_MOST, 1, INT64_MAX, "ms",
         "A segment whose records are older than this is cleaned, however few there are of them."),
     .broker_setting = "log.cleaner.max.compaction.lag.ms"},
    {.row = NUMBER(
         "delete.retention.ms", "86400000", 0, INT64_MAX, "ms",
         "So long a record without a value, which says that its key is gone, stays at least once every replica has removed what came before it; then the next cleaning takes it."),
     .broker_setting = "log.cleaner.delete.retention.ms"},
    /* Ours. */
    {.row = NUMBER(
         "message.ttl.ms", "-1", -1, INT64_MAX, "ms",
         "How long after its timestamp share groups get a record: others are archived unread. A record's header ttl-ms (ms) says it for that one; 0: only headers count; -1: for ever, and headers are not looked at."),
     .broker_setting = NULL},
    {.row = SWITCH(
         "delay.enable", "false",
         "Records whose headers say deliver-at or deliver-in are delivered then, and deliver-cancel calls one off."),
     .broker_setting = NULL},
    {.row = NUMBER("delay.max.ms", "34560000000", 1000, INT64_MAX, "ms",
                   "How far ahead records may be delivered; delay.enable."),
     .broker_setting = NULL},
    {.row = NUMBER(
         "delay.max.pending.bytes", "16777216", 64 * KIB, 64 * MIB, "bytes",
         "What the records of one partition that wait for their time may take in the memory of each of its replicas; delay.enable."),
     .broker_setting = NULL},
    /* What is so. */
    {.row = NUMBER("segment.index.bytes", INT_MOST, 4, INT32_MAX, "bytes", NO_INDEX_LIMIT),
     .broker_setting = "log.index.size.max.bytes"},
    {.row = SO_SWITCH("preallocate", "false", NOT_PREALLOCATED),
     .broker_setting = "log.preallocate"},
    {.row = NUMBER("flush.messages", "1", 1, INT64_MAX, "records", ALWAYS_FLUSHED),
     .broker_setting = "log.flush.interval.messages"},
    {.row = NUMBER("flush.ms", "0", 0, INT64_MAX, "ms", ALWAYS_FLUSHED),
     .broker_setting = "log.flush.interval.ms"},
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
    {.row = SWITCH(TOPIC_LETTERS, "false",
                   "Whether share groups may put their dead letters into this topic (KIP-1191)."),
     .broker_setting = NULL},
    {.row = SO_LIST("leader.replication.throttled.replicas", "", NO_THROTTLES),
     .broker_setting = NULL},
    {.row = SO_LIST("follower.replication.throttled.replicas", "", NO_THROTTLES),
     .broker_setting = NULL},
};
static const struct setting_table settings_of_topics = {.kind = "topic",
                                                        .rows = table,
                                                        .count = sizeof table / sizeof table[0],
                                                        .stride = sizeof *table};

/* Names that people know and Kafka 4.3 has not, or keeps for itself. */
static const struct setting_absent gone[] = {
    {"message.downconversion.enable",
     "Kafka 4 has it no more: only record batches of format 2 are read and served."},
    {"message.format.version",
     "Kafka 4 has it no more: only record batches of format 2 are read and served."},
    {"message.timestamp.difference.max.ms",
     "Kafka 4 has it no more: message.timestamp.before.max.ms and message.timestamp.after.max.ms say the "
     "same."},
    {"internal.segment.bytes", "It is internal to Kafka; segment.bytes is what can be asked for."},
    {"compression.strategy", "It is no setting of Kafka's; compression.type chooses the codec."},
};

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
    const char *reason = setting_absent_why(gone, sizeof gone / sizeof gone[0], name);
    if (place < 0 && reason != NULL)
        return error_set(why, ERR_NOT_FOUND, "There is no topic setting %s. %s", name, reason);
    if (place < 0) return setting_table_unknown(&settings_of_topics, name, why);
    int error = setting_check(&table[place].row, value, why);
    return error == ERR_NONE && table[place].as_broker
               ? check_as_broker(settings, &table[place], value, why)
               : error;
}

const char *topic_settings_value(const struct broker_settings *settings,
                                 const struct config_set *set, const struct topic_setting *setting,
                                 bool *own) {
    const char *of_broker = setting->broker_setting == NULL
                                ? setting->row.fallback
                                : settings_text(settings->values, setting->broker_setting);
    *own = false;
    const char *of_topic = set == NULL ? NULL : config_set_find(set, setting->row.name);
    if (of_topic == NULL) return of_broker;
    *own = !setting->as_broker || strcmp(of_topic, of_broker) == 0;
    return *own ? of_topic : of_broker;
}

static const char *value_in(const struct broker_settings *settings, const struct config_set *set,
                            const char *name) {
    bool own;
    int place = setting_table_find(&settings_of_topics, name);
    return topic_settings_value(settings, set, &table[place], &own);
}

/* The copy that is delivered would be the newest of its key. */
static int check_delay(const struct broker_settings *settings, const struct config_set *set,
                       struct error_text *why) {
    if (strcmp(value_in(settings, set, "delay.enable"), "true") != 0 ||
        !setting_lists(value_in(settings, set, "cleanup.policy"), "compact"))
        return ERR_NONE;
    return error_set(
        why, ERR_INVALID,
        "delay.enable=true does not go with cleanup.policy=compact: a record that is delivered "
        "later would be the newest of its key; choose one of them");
}

bool topic_settings_takes_letters(const struct config_set *set) {
    const char *own = config_set_find(set, TOPIC_LETTERS);
    return own != NULL && strcmp(own, "true") == 0;
}

int topic_settings_check_set(const struct broker_settings *settings, const struct config_set *set,
                             struct error_text *why) {
    static const char *const names[] = {"min.compaction.lag.ms", "max.compaction.lag.ms"};
    int64_t lags[2];
    for (size_t i = 0; i < 2; i++)
        lags[i] = strtoll(value_in(settings, set, names[i]), NULL, 10);
    if (lags[0] <= lags[1]) return check_delay(settings, set, why);
    return error_set(why, ERR_INVALID,
                     "%s=%" PRId64 " is more than %s=%" PRId64 "; lower the one or raise the other",
                     names[0], lags[0], names[1], lags[1]);
}
