/* The table of topic settings and how their values are found. See the header. */
#include "broker/topic_settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/nearest_name.h"

static const struct topic_setting table[] = {
    {{.name = "compression.type",
      .type = SETTING_CHOICE,
      .fallback = "producer",
      .choices = "producer,uncompressed,gzip,snappy,lz4,zstd",
      .unit = "",
      .help = "The codec in which batches are kept and served; producer: as they came."},
     "compression.type"},
    {{.name = "max.message.bytes",
      .type = SETTING_INT,
      .fallback = "1048588",
      .min = 100,
      .max = 100 * 1024 * 1024,
      .unit = "bytes",
      .help = "The largest record batch that is accepted."},
     "message.max.bytes"},
    {{.name = "message.timestamp.type",
      .type = SETTING_CHOICE,
      .fallback = "CreateTime",
      .choices = "CreateTime,LogAppendTime",
      .unit = "",
      .help = "Whether records carry the producer's time or the time of their arrival."},
     "log.message.timestamp.type"},
    {{.name = "min.insync.replicas",
      .type = SETTING_INT,
      .fallback = "1",
      .min = 1,
      .max = 64,
      .unit = "replicas",
      .help = "Produce is refused while fewer replicas than this are in sync; a majority always has to acknowledge."},
     "min.insync.replicas"},
};
enum { ROWS = sizeof table / sizeof table[0] };

const struct topic_setting *topic_settings_table(size_t *n) {
    *n = ROWS;
    return table;
}

int topic_settings_check(const char *name, const char *value, struct error_text *why) {
    const char *names[ROWS];
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(table[i].row.name, name) == 0) return setting_check(&table[i].row, value, why);
        names[i] = table[i].row.name;
    }
    const char *near = nearest_name(name, names, ROWS);
    if (near != NULL)
        return error_set(why, ERR_NOT_FOUND, "there is no topic setting %.80s; did you mean %s?", name, near);
    return error_set(why, ERR_NOT_FOUND, "there is no topic setting %.80s; there are %s, %s, %s and %s", name, names[0],
                     names[1], names[2], names[3]);
}

const char *topic_settings_value(const struct broker_settings *settings, const struct metadata_topic *topic,
                                 const struct topic_setting *setting, bool *own) {
    for (size_t i = 0; topic != NULL && i < topic->config_count; i++) {
        if (strcmp(topic->configs[i].name, setting->row.name) != 0) continue;
        *own = true;
        return topic->configs[i].value;
    }
    *own = false;
    return settings_text(settings->values, setting->broker_setting);
}

static const struct topic_setting *row_of(const char *name) {
    size_t i = 0;
    while (i < ROWS && strcmp(table[i].row.name, name) != 0)
        i++;
    CHECK(i < ROWS);
    return &table[i];
}

static const char *value_of(const struct broker_settings *settings, const struct metadata_topic *topic,
                            const char *name) {
    bool own;
    return topic_settings_value(settings, topic, row_of(name), &own);
}

/* The place of the value among the choices of the setting. */
static int choice_of(const struct broker_settings *settings, const struct metadata_topic *topic, const char *name) {
    return setting_choice(&row_of(name)->row, value_of(settings, topic, name));
}

void topic_settings_partition(const struct broker_settings *settings, const struct metadata_topic *topic,
                              struct partition_settings *into) {
    memset(into, 0, sizeof *into);
    into->max_message_bytes = (int32_t)strtol(value_of(settings, topic, "max.message.bytes"), NULL, 10);
    into->compression_type = (int8_t)choice_of(settings, topic, "compression.type");
    into->log_append_time = choice_of(settings, topic, "message.timestamp.type") == 1;
    into->store_lz4 = settings->log_compression_lz4;
    into->producer_expiration_ms = (int64_t)settings->producer_id_expiration_ms;
    into->min_insync_replicas = (int32_t)strtol(value_of(settings, topic, "min.insync.replicas"), NULL, 10);
}
