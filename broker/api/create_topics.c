/*
 * CreateTopics (key 19), answered by any broker: checked here, placed and committed by the metadata
 * leader.
 *
 * Happy path: each topic is answered when it is in this broker's table and its partitions have
 * leaders, so that a produce right after works. Failures are per topic, with a sentence: name,
 * number of partitions, replicas, assignments, settings (with the nearest name), one that exists
 * already. A leader that is late is no failure: the topic is there.
 */
#include "protocol/messages/create_topics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "broker/api/config_changes.h"
#include "broker/api/config_entries.h"
#include "broker/api/handlers.h"
#include "broker/api/topic_changes.h"
#include "broker/config/topic_name.h"
#include "broker/config/topic_settings.h"
#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"

/* ---- Checking ---- */

static bool check_name(struct topic_change *item,
                       const struct kp_create_topics_request_topic *asked) {
    const struct broker_services *services = item->changes->services;
    const struct kp_string name = asked->name;
    struct error_text why;
    if (item->twice) {
        topic_change_refuse(
            item, KAFKA_INVALID_REQUEST,
            "Duplicate topic name: it is in the request more than once, and was not created.");
        return false;
    }
    if (topic_name_check(name.data, (size_t)name.len, &why) != ERR_NONE) {
        topic_change_refuse(item, KAFKA_INVALID_TOPIC, "%s", why.text);
        return false;
    }
    snprintf(item->name, sizeof item->name, "%.*s", (int)name.len, name.data);
    const struct request_ctx *ctx = &item->changes->request->ctx;
    if (!authorize_has(ctx, AUTHORIZE_CREATE, AUTHORIZE_CLUSTER, NULL, 0) &&
        !authorize(ctx, AUTHORIZE_CREATE, AUTHORIZE_TOPIC, name.data, (size_t)name.len)) {
        topic_change_refuse(item, KAFKA_TOPIC_AUTHORIZATION_FAILED,
                            "topic %s may not be created by this user", item->name);
        return false;
    }
    const struct metadata_topic *present = metadata_topic_named(services->metadata, item->name,
                                                                strlen(item->name));
    /* One with the wanted id was made by an earlier sending of this very request. */
    if (present != NULL && memcmp(present->id, asked->wanted_id.bytes, METADATA_UUID_SIZE) != 0) {
        topic_change_refuse(item, KAFKA_TOPIC_ALREADY_EXISTS, "Topic '%s' already exists.",
                            item->name);
        return false;
    }
    return true;
}

/* The first topic that it may be mistaken for is told, in a line as rare as all that a stranger can
 * cause. */
static void warn_of_twin(const struct topic_change *item) {
    const struct broker_services *services = item->changes->services;
    size_t len = strlen(item->name);
    if (strpbrk(item->name, "._") == NULL) return;
    const struct metadata_topic *topic = metadata_next_topic(services->metadata, NULL);
    while (topic != NULL && !topic_names_collide(topic->name, strlen(topic->name), item->name, len))
        topic = metadata_next_topic(services->metadata, topic);
    if (topic == NULL) return;
    log_limited(
        services->log, services->twins, LOGGED_TOPIC_NAMES_ALIKE,
        "topics %s and %s differ only in '.' and '_', which metrics cannot tell apart; name one of them otherwise",
        topic->name, item->name);
}

static bool take_assignments(struct topic_change *item,
                             const struct kp_create_topics_request_topic *asked,
                             struct metadata_change *change, struct kp_arena *arena) {
    int32_t count = asked->assignments.count;
    if (count > METADATA_PARTITIONS_MAX) {
        topic_change_refuse(item, KAFKA_INVALID_PARTITIONS,
                            "a topic has 1 to %d partitions, not %" PRId32, METADATA_PARTITIONS_MAX,
                            count);
        return false;
    }
    struct command_partition *rows = kp_new_items(arena, &command_partition_schema,
                                                  &change->command.create_topic.partitions, count);
    bool *seen = kp_arena_alloc(arena, (size_t)count * sizeof *seen);
    if (asked->num_partitions != -1 || asked->replication_factor != -1) {
        topic_change_refuse(
            item, KAFKA_INVALID_REQUEST,
            "a topic has either assignments or a number of partitions and replicas, not both");
        return false;
    }
    for (int32_t i = 0; rows != NULL && seen != NULL && i < count; i++) {
        const struct kp_create_topics_request_assignment *one = &asked->assignments.items[i];
        if (one->partition_index < 0 || one->partition_index >= count ||
            seen[one->partition_index]) {
            topic_change_refuse(item, KAFKA_INVALID_REPLICA_ASSIGNMENT,
                                "the assigned partitions must be 0 to %" PRId32 ", each once",
                                count - 1);
            return false;
        }
        seen[one->partition_index] = true;
        rows[one->partition_index].nodes.items = one->broker_ids.items;
        rows[one->partition_index].nodes.count = one->broker_ids.count;
    }
    if (rows != NULL && seen != NULL) return true;
    topic_change_refuse(item, KAFKA_INVALID_REQUEST, "the request has more assignments than fit");
    return false;
}

/* What is asked for, or the cluster's own when the creator does not say (-1, KIP-464). */
static int32_t partitions_of(const struct broker_services *services,
                             const struct kp_create_topics_request_topic *asked) {
    return asked->num_partitions == -1 ? services->settings->num_partitions : asked->num_partitions;
}

static int16_t factor_of(const struct broker_services *services,
                         const struct kp_create_topics_request_topic *asked) {
    return asked->replication_factor == -1
               ? broker_replication_factor(services->settings,
                                           metadata_roster_taking(services->metadata))
               : asked->replication_factor;
}

static bool take_numbers(struct topic_change *item,
                         const struct kp_create_topics_request_topic *asked,
                         struct metadata_change *change) {
    const struct broker_services *services = item->changes->services;
    change->place_partitions = partitions_of(services, asked);
    change->replication_factor = factor_of(services, asked);
    if (change->place_partitions < 1 || change->place_partitions > METADATA_PARTITIONS_MAX) {
        topic_change_refuse(item, KAFKA_INVALID_PARTITIONS,
                            "a topic has 1 to %d partitions, not %" PRId32, METADATA_PARTITIONS_MAX,
                            asked->num_partitions);
        return false;
    }
    if (change->replication_factor < 1) {
        topic_change_refuse(item, KAFKA_INVALID_REPLICATION_FACTOR,
                            "a partition has 1 replica at least, not %d",
                            asked->replication_factor);
        return false;
    }
    return true;
}

/* One setting of a topic: what is wrong with it. */
static int check_config(const struct broker_settings *settings,
                        const struct kp_create_topics_request_config *one, struct config_pair pair,
                        struct error_text *why) {
    if (one->value.len < 0)
        return error_set(why, ERR_INVALID, "the topic setting %.80s has no value", pair.name);
    if (!text_is_plain(one->name.data, (size_t)one->name.len) ||
        !text_is_plain(one->value.data, (size_t)one->value.len))
        return error_set(
            why, ERR_INVALID,
            "the topic setting %.80s=%.80s is not possible; names and values are UTF-8 without control "
            "characters",
            pair.name, pair.value);
    return topic_settings_check(settings, pair.name, pair.value, why);
}

static bool too_many_configs(struct topic_change *item) {
    topic_change_refuse(item, KAFKA_INVALID_REQUEST, "the request has more settings than fit");
    return false;
}

static bool take_configs(struct topic_change *item,
                         const struct kp_create_topics_request_topic *asked,
                         struct metadata_change *change, struct kp_arena *arena) {
    const struct broker_settings *settings = item->changes->services->settings;
    if (asked->configs.count <= 0) return true;
    size_t count = (size_t)asked->configs.count;
    struct command_config *rows = kp_new_items(
        arena, &command_config_schema, &change->command.create_topic.configs, asked->configs.count);
    struct config_pair *pairs = kp_arena_alloc(arena, count * sizeof *pairs);
    struct config_set set = {pairs, 0};
    struct error_text why;
    if (rows == NULL || pairs == NULL) return too_many_configs(item);
    for (size_t i = 0; i < count; i++) {
        struct kp_create_topics_request_config one = asked->configs.items[i];
        one.name = kp_arena_string(arena, one.name.data, (size_t)one.name.len);
        if (one.name.data == NULL ||
            !config_value_trim(topic_settings_rows(), one.name.data, &one.value, arena))
            return too_many_configs(item);
        struct kp_string value = one.value.len < 0 ? kp_string_of("")
                                                   : kp_arena_string(arena, one.value.data,
                                                                     (size_t)one.value.len);
        if (value.data == NULL) return too_many_configs(item);
        pairs[i] = (struct config_pair){one.name.data, value.data};
        int error = check_config(settings, &one, pairs[i], &why);
        if (error == ERR_NONE)
            error = config_is_served(item->changes->services->metadata, pairs[i].name,
                                     pairs[i].value, &why);
        if (error == ERR_NONE && config_set_find(&set, pairs[i].name) != NULL)
            error = error_set(&why, ERR_INVALID, "the topic setting %.80s is given twice",
                              pairs[i].name);
        set.count++;
        if (error == ERR_NONE && set.count == count)
            error = topic_settings_check_set(settings, &set, &why);
        if (error != ERR_NONE) {
            topic_change_refuse(item, KAFKA_INVALID_CONFIG, "%s", why.text);
            return false;
        }
        rows[i].name = one.name;
        rows[i].value = value;
    }
    return true;
}

static struct key key(const struct topic_changes *changes, size_t i) {
    const struct kp_create_topics_request *asked = changes->asked;
    return (struct key){.text = asked->topics.items[i].name};
}

static int64_t partitions(const struct topic_changes *changes, size_t i) {
    const struct kp_create_topics_request *asked = changes->asked;
    const struct kp_create_topics_request_topic *topic = &asked->topics.items[i];
    return topic->assignments.count > 0 ? topic->assignments.count
                                        : partitions_of(changes->services, topic);
}

static void create(struct topic_changes *changes, size_t place) {
    const struct kp_create_topics_request *asked = changes->asked;
    struct topic_change *item = changes->items[place];
    const struct kp_create_topics_request_topic *topic = &asked->topics.items[place];
    struct metadata_change change = {.validate_only = asked->validate_only};
    struct kp_arena arena;
    kp_arena_init(&arena, METADATA_COMMAND_ARENA);
    metadata_command_init(&change.command, COMMAND_CREATE_TOPIC);
    bool good = check_name(item, topic) && topic_change_fits_request(item) &&
                (topic->assignments.count > 0 ? take_assignments(item, topic, &change, &arena)
                                              : take_numbers(item, topic, &change)) &&
                take_configs(item, topic, &change, &arena) &&
                (asked->validate_only || topic_change_fits_quota(item, partitions(changes, place)));
    if (good) {
        if (!asked->validate_only) warn_of_twin(item);
        item->id = topic->wanted_id;
        if (kp_uuid_is_zero(item->id))
            env_random(item->changes->services->env, item->id.bytes, sizeof item->id.bytes);
        change.command.create_topic.name = topic->name;
        change.command.create_topic.id = item->id;
        topic_change_submit(item, &change, !asked->validate_only);
    }
    kp_arena_close(&arena);
}

/* ---- Answering ---- */

static bool add_configs(const struct broker_services *services, const struct metadata_topic *topic,
                        struct kp_arena *arena, struct kp_create_topics_response_topic *into) {
    size_t rows;
    const struct topic_setting *table = topic_settings_table(&rows);
    const struct config_set *set = topic == NULL ? NULL : &topic->configs;
    struct kp_create_topics_response_config *items = kp_new_items(
        arena, &kp_create_topics_response_config_schema, &into->configs, (int32_t)rows);
    if (items == NULL) return false;
    for (size_t i = 0; i < rows; i++) {
        bool own;
        items[i].name = kp_string_of(table[i].row.name);
        const char *value = topic_settings_value(services->settings, set, &table[i], &own);
        items[i].value = kp_arena_string(arena, value, strlen(value));
        if (items[i].value.data == NULL) return false;
        items[i].config_source = (int8_t)config_source_of(services->settings, set, &table[i]);
    }
    return true;
}

/* What was made, or would have been. */
static bool add_facts(const struct topic_change *item,
                      const struct kp_create_topics_request_topic *asked, struct kp_arena *arena,
                      struct kp_create_topics_response_topic *into) {
    const struct broker_services *services = item->changes->services;
    const struct metadata_topic *topic = metadata_topic_with_id(services->metadata, item->id.bytes);
    if (topic != NULL) {
        into->topic_id = item->id;
        into->num_partitions = topic->partition_count;
        into->replication_factor = (int16_t)topic->partitions[0].replica_count;
    } else if (asked->assignments.count > 0) {
        into->num_partitions = asked->assignments.count;
        into->replication_factor = (int16_t)asked->assignments.items[0].broker_ids.count;
    } else {
        into->num_partitions = partitions_of(services, asked);
        into->replication_factor = factor_of(services, asked);
    }
    if (authorize_seeing(&item->changes->request->ctx, AUTHORIZE_DESCRIBE_CONFIGS, AUTHORIZE_TOPIC,
                         asked->name.data, (size_t)asked->name.len))
        return add_configs(services, topic, arena, into);
    into->topic_config_error_code = KAFKA_TOPIC_AUTHORIZATION_FAILED;
    into->num_partitions = -1;
    into->replication_factor = -1;
    return true;
}

static bool topics_add(struct topic_changes *changes, size_t i) {
    const struct kp_create_topics_request *asked = changes->asked;
    struct kp_create_topics_response *response = changes->response;
    struct kp_create_topics_response_topic *into =
        &response->topics.items[response->topics.count++];
    struct topic_change *item = changes->items[i];
    kp_set_fallbacks(&kp_create_topics_response_topic_schema, into);
    into->name = asked->topics.items[i].name;
    into->error_code = item->error;
    into->error_message = topic_change_message(item);
    into->configs.count = -1;
    return item->error != 0 ||
           add_facts(item, &asked->topics.items[i], &changes->request->arena, into);
}

static const struct topic_changes_api api = {.key = key,
                                             .start = create,
                                             .add = topics_add,
                                             .partitions = partitions,
                                             .strict_from = 6,
                                             .once_in_answer = true};

void api_create_topics(void *service, struct request *request) {
    const struct kp_create_topics_request *asked = request->message;
    struct kp_create_topics_response *response = kp_arena_alloc(&request->arena, sizeof *response);
    kp_set_fallbacks(&kp_create_topics_response_schema, response);
    response->topics.items = kp_arena_alloc(&request->arena, ((size_t)asked->topics.count + 1) *
                                                                 sizeof *response->topics.items);
    topic_changes_run(service, request, asked->topics.count, asked->timeout_ms, &api, asked,
                      response->topics.items == NULL ? NULL : response);
}
