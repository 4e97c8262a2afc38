/* The names under way, and who waits for each. */
#include "broker/metadata/asking/auto_creation.h"

#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/config/topic_name.h"
#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"

#include <utlist.h>

enum { CREATE_TIMEOUT_MS = 5000, LEADERS_TIMEOUT_MS = 3000 };

/* A name that is being created. */
struct creating {
    struct auto_creation *creation;
    char *name;
    size_t name_len;
    struct auto_wait *waits;
    struct metadata_submit submit;
    struct leader_wait leaders;
    struct creating *next, *prev;
};

struct auto_creation {
    struct env *env;
    struct log *log;
    struct log_limiter limiter;
    const struct broker_settings *settings;
    const struct metadata *metadata;
    struct metadata_group *group;
    struct leader_table *leaders;
    struct creating *names;
    size_t count;
};

struct auto_creation *auto_creation_new(struct env *env, struct log *log,
                                        const struct broker_settings *settings,
                                        const struct metadata *metadata,
                                        struct metadata_group *group,
                                        struct leader_table *leaders) {
    struct auto_creation *creation = mem_zalloc(sizeof *creation);
    *creation = (struct auto_creation){.env = env,
                                       .log = log,
                                       .settings = settings,
                                       .metadata = metadata,
                                       .group = group,
                                       .leaders = leaders};
    return creation;
}

void auto_creation_cancel(struct auto_wait *wait) {
    if (wait->creating == NULL) return;
    DL_DELETE(wait->creating->waits, wait);
    wait->creating = NULL;
}

static void creation_finish(struct creating *creating, int16_t error) {
    DL_DELETE(creating->creation->names, creating);
    creating->creation->count--;
    while (creating->waits != NULL) {
        struct auto_wait *wait = creating->waits;
        auto_creation_cancel(wait);
        wait->done(wait, error);
    }
    mem_free(creating->name);
    mem_free(creating);
}

void auto_creation_free(struct auto_creation *creation) {
    if (creation == NULL) return;
    while (creation->names != NULL) {
        metadata_group_submit_cancel(&creation->names->submit);
        leader_table_wait_cancel(&creation->names->leaders);
        creation_finish(creation->names, KAFKA_BROKER_NOT_AVAILABLE);
    }
    mem_free(creation);
}

static void on_leaders(struct leader_wait *wait, int error) {
    struct creating *creating = CONTAINER_OF(wait, struct creating, leaders);
    (void)error; /* a topic whose leaders are not there yet is listed as such */
    creation_finish(creating, 0);
}

static void on_created(struct metadata_submit *submit, const struct metadata_result *result) {
    struct creating *creating = CONTAINER_OF(submit, struct creating, submit);
    const struct metadata_topic *topic = metadata_topic_named(
        creating->creation->metadata, creating->name, strlen(creating->name));
    if (result->error != 0 && result->error != KAFKA_TOPIC_ALREADY_EXISTS) {
        log_limited(creating->creation->log, &creating->creation->limiter, LOGGED_TOPIC_NOT_CREATED,
                    "topic %s, which a client asked for, was not created: %s", creating->name,
                    result->message);
        creation_finish(creating, result->error);
        return;
    }
    if (topic == NULL) { /* deleted again already */
        creation_finish(creating, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
        return;
    }
    uint64_t *groups = mem_alloc((size_t)topic->partition_count * sizeof *groups);
    for (int32_t p = 0; p < topic->partition_count; p++)
        groups[p] = topic->partitions[p].group;
    leader_table_wait(creating->creation->leaders, &creating->leaders, groups,
                      (size_t)topic->partition_count, LEADERS_TIMEOUT_MS);
    mem_free(groups);
}

static void submit(struct auto_creation *creation, struct creating *creating) {
    const struct broker_settings *settings = creation->settings;
    size_t brokers = metadata_roster_taking(creation->metadata);
    bool offsets = strcmp(creating->name, TOPIC_CONSUMER_OFFSETS) == 0;
    const char *segment_bytes = offsets ? settings->offsets_topic_segment_bytes
                                        : settings->transaction_segment_bytes;
    struct command_config own[] = {
        {kp_string_of("cleanup.policy"), kp_string_of("compact")},
        {kp_string_of("compression.type"), kp_string_of("producer")},
        {kp_string_of("segment.bytes"), kp_string_of(segment_bytes)},
        {kp_string_of("min.cleanable.dirty.ratio"), kp_string_of("0.3")},
        /* What begins must be able to end, whatever message.max.bytes is. */
        {kp_string_of("max.message.bytes"), kp_string_of("1048588")}};
    size_t own_count = sizeof own / sizeof own[0] - (offsets ? 1 : 0);
    struct metadata_change change = {0};
    metadata_command_init(&change.command, COMMAND_CREATE_TOPIC);
    if (topic_name_is_internal(creating->name, creating->name_len)) {
        int32_t replicas = offsets ? settings->offsets_topic_replication_factor
                                   : settings->transaction_replication_factor;
        change.place_partitions = offsets ? settings->offsets_topic_partitions
                                          : settings->transaction_partitions;
        change.replication_factor = (int16_t)(replicas < (int32_t)brokers ? replicas
                                                                          : (int32_t)brokers);
        change.command.create_topic.configs.items = own;
        change.command.create_topic.configs.count = (int32_t)own_count;
    } else {
        change.place_partitions = settings->num_partitions;
        change.replication_factor = broker_replication_factor(settings, brokers);
    }
    change.command.create_topic.name = kp_string_of(creating->name);
    env_random(creation->env, change.command.create_topic.id.bytes, METADATA_UUID_SIZE);
    metadata_group_submit(creation->group, &creating->submit, &change, CREATE_TIMEOUT_MS);
}

bool auto_creation_ask(struct auto_creation *creation, struct auto_wait *wait, const char *name,
                       size_t len) {
    struct creating *creating;
    DL_FOREACH(creation->names, creating)
    if (creating->name_len == len && memcmp(creating->name, name, len) == 0) break;
    if (creating == NULL && creation->count == AUTO_CREATIONS_MAX) return false;
    if (creating == NULL) {
        creating = mem_zalloc(sizeof *creating);
        creating->creation = creation;
        creating->name = mem_strndup(name, len);
        creating->name_len = len;
        creation->count++;
        creating->submit.done = on_created;
        creating->leaders.done = on_leaders;
        DL_APPEND(creation->names, creating);
        submit(creation, creating);
    }
    wait->creating = creating;
    DL_APPEND(creating->waits, wait);
    return true;
}
