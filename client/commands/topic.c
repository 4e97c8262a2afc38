/*
 * drave topic create, list, describe, delete.
 *
 * Happy path: one request to any broker, which forwards it where it must; describe adds the
 * offsets, asked at each leader.
 * Failures: the broker's own sentence is shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "client/commands/topic_session.h"
#include "client/kafka/cluster_view.h"
#include "client/kafka/offsets.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/describe_configs.h"

enum { RESOURCE_TOPIC = 2, SOURCE_TOPIC = 1, TROUBLES_SHOWN = 5 };

/* ---- create ---- */

static int take_configs(const struct invocation *in, struct session *session,
                        struct kp_create_topics_request_topic *topic) {
    size_t count = 0;
    while (invocation_nth(in, 'c', count)) {
        count++;
    }
    struct kp_create_topics_request_config *configs = kp_new_items(
        &session->arena, &kp_create_topics_request_config_schema, &topic->configs, (int32_t)count);
    for (size_t i = 0; i < count; i++) {
        if (!session_setting(session, invocation_nth(in, 'c', i), &configs[i].name,
                             &configs[i].value)) {
            return EXIT_USAGE;
        }
    }
    return EXIT_DONE;
}

/* So that the broker that is asked next, when the connection to the first one breaks, knows the
 * topic as what was asked for. */
static void draw_id(struct kp_uuid *id) {
    size_t got = 0;
    while (got < sizeof id->bytes) {
        ssize_t n = getrandom(id->bytes + got, sizeof id->bytes - got, 0);
        got += n > 0 ? (size_t)n : 0;
    }
}

/* `id` NULL: it has none, because it was not created. */
static void print_created(const struct invocation *in, const struct kp_uuid *id, int partitions,
                          int replicas, bool created) {
    char text[23];
    if (id) {
        kp_uuid_text(*id, text);
    }
    print_json(json_pack("{s:s,s:o,s:i,s:i,s:b,s:b}", "name", in->words[0], "id",
                         id ? json_string(text) : json_null(), "partitions", partitions, "replicas",
                         replicas, "created", (int)created, "dry_run",
                         (int)invocation_has(in, OPTION_DRY_RUN)));
}

static int tell_existing(const struct invocation *in, struct session *session) {
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *found;
    if (!in->json) {
        say_plain("topic \"%s\" exists", in->words[0]);
        return EXIT_DONE;
    }
    int code = cluster_topic(session->admin, &session->arena, in->words[0], TOPIC_TO_USE, &metadata,
                             &found);
    if (code == EXIT_DONE) {
        int replicas = found->partitions.count > 0
                           ? (int)found->partitions.items[0].replica_nodes.count
                           : 0;
        print_created(in, &found->topic_id, (int)found->partitions.count, replicas, false);
    }
    return code;
}

int command_topic_create(struct invocation *in) {
    struct session session;
    session_begin(&session, in);
    struct kp_create_topics_request request;
    struct kp_create_topics_request_topic topic;
    struct kp_create_topics_response response;
    struct error_text why = {""};
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    topic.name = kp_string_of(in->words[0]);
    draw_id(&topic.wanted_id);
    topic.num_partitions = (int32_t)invocation_number(in, 'p', -1, 1, 100000);
    topic.replication_factor = (int16_t)invocation_number(in, 'r', -1, 1, 99);
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = admin_client_answer_ms(session.admin);
    request.validate_only = invocation_has(in, OPTION_DRY_RUN);
    int code = take_configs(in, &session, &topic);
    if (code) {
        return session_end(&session, code);
    }
    int error = admin_request(session.admin, KP_CREATE_TOPICS, 5, &request, &session.arena,
                              &response, NULL, &why);
    if (error) {
        return session_end(&session, admin_failed(error, &why));
    }
    const struct kp_create_topics_response_topic *made = response.topics.items;
    if (response.topics.count != 1) {
        say("the broker did not answer about topic \"%s\"", in->words[0]);
        return session_end(&session, EXIT_REFUSED);
    }
    if (made->error_code == KAFKA_TOPIC_ALREADY_EXISTS &&
        invocation_has(in, OPTION_IF_NOT_EXISTS)) {
        return session_end(&session, tell_existing(in, &session));
    }
    if (made->error_code) {
        return session_end(&session, session_refused(&session, in->words[0], made->error_code,
                                                     made->error_message));
    }
    if (in->json) {
        print_created(in, request.validate_only ? NULL : &made->topic_id, made->num_partitions,
                      made->replication_factor, !request.validate_only);
    } else {
        say_plain("topic \"%s\" %s: %d partition%s, %d replica%s", in->words[0],
                  request.validate_only ? "would be created (--dry-run)" : "created",
                  (int)made->num_partitions, made->num_partitions == 1 ? "" : "s",
                  (int)made->replication_factor, made->replication_factor == 1 ? "" : "s");
    }
    return session_end(&session, EXIT_DONE);
}

/* ---- list ---- */

int command_topic_list(struct invocation *in) {
    struct session session;
    struct kp_metadata_response response;
    session_begin(&session, in);
    int code = cluster_metadata(session.admin, &session.arena, NULL, &response);
    if (code) {
        return session_end(&session, code);
    }
    json_t *list = json_array();
    static const char *const columns[] = {"TOPIC", "PARTITIONS", "REPLICAS"};
    struct table *table = in->json ? NULL : table_new(columns, 3);
    for (int32_t i = 0; i < response.topics.count; i++) {
        const struct kp_metadata_response_topic *topic = &response.topics.items[i];
        const char *name = cluster_text(&session.arena, topic->name);
        int replicas = topic->partitions.count > 0
                           ? (int)topic->partitions.items[0].replica_nodes.count
                           : 0;
        char partitions_text[16], replicas_text[16];
        snprintf(partitions_text, sizeof(partitions_text), "%d", (int)topic->partitions.count);
        snprintf(replicas_text, sizeof(replicas_text), "%d", replicas);
        if (table) {
            table_row(table, (const char *[]){name, partitions_text, replicas_text});
        }
        json_array_append_new(list, json_pack("{s:s,s:i,s:i}", "name", name, "partitions",
                                              (int)topic->partitions.count, "replicas", replicas));
    }
    if (response.topics.count == 0) {
        say_plain("the cluster has no topics; make one with: drave topic create NAME");
    }
    if (!table) {
        print_json(list);
        return session_end(&session, EXIT_DONE);
    }
    table_print(table);
    json_decref(list);
    return session_end(&session, EXIT_DONE);
}

/* ---- describe ---- */

static json_t *ids(const int32_t *items, int32_t count) {
    json_t *list = json_array();
    for (int32_t i = 0; i < count; i++) {
        json_array_append_new(list, json_integer(items[i]));
    }
    return list;
}

/* The offsets of all partitions as their leaders tell them now; -1: could not be had. */
static struct partition_offset *ask_offsets(struct session *session,
                                            const struct kp_metadata_response *metadata,
                                            const char *name,
                                            const struct kp_metadata_response_topic *topic,
                                            int64_t which) {
    struct partition_offset *items = mem_zalloc(((size_t)topic->partitions.count + 1) *
                                                sizeof(*items));
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        items[i] = (struct partition_offset){
            .topic = name, .partition = topic->partitions.items[i].partition_index, .offset = -1};
    }
    offsets_ask_once(session->admin, &session->arena, metadata, which, OFFSETS_UNCOMMITTED, items,
                     (size_t)topic->partitions.count);
    return items;
}

static json_t *describe_partitions(struct session *session,
                                   const struct kp_metadata_response *metadata, const char *name,
                                   const struct kp_metadata_response_topic *topic) {
    json_t *list = json_array();
    struct partition_offset *start = ask_offsets(session, metadata, name, topic, OFFSETS_EARLIEST),
                            *end = ask_offsets(session, metadata, name, topic, OFFSETS_LATEST);
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        const struct kp_metadata_response_partition *p = &topic->partitions.items[i];
        json_array_append_new(
            list,
            json_pack("{s:i,s:i,s:i,s:o,s:o,s:I,s:I}", "id", (int)p->partition_index, "leader",
                      (int)p->leader_id, "leader_epoch", (int)p->leader_epoch, "replicas",
                      ids(p->replica_nodes.items, p->replica_nodes.count), "in_sync",
                      ids(p->isr_nodes.items, p->isr_nodes.count), "start_offset",
                      (json_int_t)start[i].offset, "high_watermark", (json_int_t)end[i].offset));
    }
    mem_free(start);
    mem_free(end);
    return list;
}

/* The settings that the topic itself has. */
static json_t *describe_config(struct session *session, const char *name) {
    struct kp_describe_configs_request request;
    struct kp_describe_configs_request_resource resource;
    struct kp_describe_configs_response response;
    struct error_text why = {""};
    kp_set_fallbacks(&kp_describe_configs_request_schema, &request);
    kp_set_fallbacks(&kp_describe_configs_request_resource_schema, &resource);
    resource.resource_type = RESOURCE_TOPIC;
    resource.resource_name = kp_string_of(name);
    resource.configuration_keys.count = -1;
    request.resources.items = &resource;
    request.resources.count = 1;
    json_t *config = json_object();
    int error = admin_request(session->admin, KP_DESCRIBE_CONFIGS, 1, &request, &session->arena,
                              &response, NULL, &why);
    if (error || response.results.count != 1) {
        return config;
    }
    for (int32_t i = 0; i < response.results.items[0].configs.count; i++) {
        const struct kp_describe_configs_response_config *one =
            &response.results.items[0].configs.items[i];
        if (one->config_source == SOURCE_TOPIC) {
            json_object_set_new(config, cluster_text(&session->arena, one->name),
                                json_string(cluster_text(&session->arena, one->value)));
        }
    }
    return config;
}

/* "1,2,3" of a JSON list of numbers. */
static void join(const json_t *list, char *text, size_t room) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < json_array_size(list) && used < room; i++) {
        used += (size_t)snprintf(text + used, room - used, "%s%" JSON_INTEGER_FORMAT, i ? "," : "",
                                 json_integer_value(json_array_get(list, i)));
    }
}

static void print_description(const json_t *topic) {
    print_text("topic %s  id %s\n", json_string_value(json_object_get(topic, "name")),
               json_string_value(json_object_get(topic, "id")));
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(topic, "config"), key, value) {
        print_text("  %s=%s\n", key, json_string_value(value));
    }
    static const char *const columns[] = {"PARTITION", "LEADER", "EPOCH", "REPLICAS",
                                          "IN SYNC",   "START",  "END"};
    static const char *const keys[] = {"id",      "leader",       "leader_epoch",  "replicas",
                                       "in_sync", "start_offset", "high_watermark"};
    struct table *table = table_new(columns, 7);
    size_t i;
    json_t *partition;
    json_array_foreach(json_object_get(topic, "partitions"), i, partition) {
        char cells[7][128];
        const char *row[7];
        for (int k = 0; k < 7; k++) {
            json_t *field = json_object_get(partition, keys[k]);
            if (json_is_array(field)) {
                join(field, cells[k], sizeof(cells[k]));
            } else {
                snprintf(cells[k], sizeof(cells[k]), "%" JSON_INTEGER_FORMAT,
                         json_integer_value(field));
            }
            row[k] = json_is_integer(field) && json_integer_value(field) < 0 ? NULL : cells[k];
        }
        table_row(table, row);
    }
    table_print(table);
}

/* Why partitions do not move, of the first few that do not. */
static void print_troubles(const struct kp_metadata_response *metadata,
                           const struct kp_metadata_response_topic *topic) {
    int count = 0;
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        char trouble[400];
        cluster_partition_trouble(metadata, &topic->partitions.items[i], trouble, sizeof(trouble));
        if (*trouble && ++count <= TROUBLES_SHOWN) {
            print_text("partition %d: %s\n", (int)topic->partitions.items[i].partition_index,
                       trouble);
        }
    }
    if (count > TROUBLES_SHOWN) {
        print_text("and %d partitions more\n", count - TROUBLES_SHOWN);
    }
}

int command_topic_describe(struct invocation *in) {
    struct session session;
    struct kp_metadata_response response;
    const struct kp_metadata_response_topic *topic;
    const char *name = in->words[0];
    session_begin(&session, in);
    int code = cluster_topic(session.admin, &session.arena, name, TOPIC_TO_USE, &response, &topic);
    if (code) {
        return session_end(&session, code);
    }
    char id[23];
    kp_uuid_text(topic->topic_id, id);
    json_t *description = json_pack("{s:s,s:s,s:o,s:o}", "name", name, "id", id, "partitions",
                                    describe_partitions(&session, &response, name, topic), "config",
                                    describe_config(&session, name));
    if (in->json) {
        print_json(description);
    } else {
        print_description(description);
        json_decref(description);
        print_troubles(&response, topic);
    }
    return session_end(&session, EXIT_DONE);
}

/* ---- delete ---- */

static void tell_deleted(const struct invocation *in, const char *name, json_t *list) {
    bool dry_run = invocation_has(in, OPTION_DRY_RUN);
    json_array_append_new(list, json_pack("{s:s,s:b,s:b}", "name", name, "deleted", (int)!dry_run,
                                          "dry_run", (int)dry_run));
    if (!in->json && !dry_run) {
        say_plain("topic \"%s\" deleted", name);
    }
}

/* One topic, with a session and a timeout of its own; into `list` if it is gone, or would be. */
static int delete_topic(const struct invocation *in, const char *name, json_t *list) {
    struct session session;
    session_begin(&session, in);
    struct kp_delete_topics_request request;
    struct kp_delete_topics_request_topic topic;
    struct kp_delete_topics_response response;
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *found;
    struct error_text why = {""};
    int code = cluster_topic(session.admin, &session.arena, name, TOPIC_TO_CHANGE, &metadata,
                             &found);
    if (code) {
        return session_end(&session, code);
    }
    if (invocation_has(in, OPTION_DRY_RUN)) {
        if (!in->json) {
            say_plain("topic \"%s\" would be deleted, with %d partition%s (--dry-run)", name,
                      (int)found->partitions.count, found->partitions.count == 1 ? "" : "s");
        }
        tell_deleted(in, name, list);
        return session_end(&session, EXIT_DONE);
    }
    kp_set_fallbacks(&kp_delete_topics_request_schema, &request);
    kp_set_fallbacks(&kp_delete_topics_request_topic_schema, &topic);
    topic.name = kp_string_of(name);
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = admin_client_answer_ms(session.admin);
    int error = admin_request(session.admin, KP_DELETE_TOPICS, 6, &request, &session.arena,
                              &response, NULL, &why);
    if (error) {
        return session_end(&session, admin_failed(error, &why));
    }
    bool gone = admin_client_repeated(session.admin) && response.responses.count == 1 &&
                response.responses.items[0].error_code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
    if (!gone && response.responses.count == 1 && response.responses.items[0].error_code) {
        return session_end(&session,
                           session_refused(&session, name, response.responses.items[0].error_code,
                                           response.responses.items[0].error_message));
    }
    tell_deleted(in, name, list);
    return session_end(&session, EXIT_DONE);
}

int command_topic_delete(struct invocation *in) {
    int code = EXIT_DONE;
    json_t *list = json_array();
    for (int i = 0; i < in->word_count && code != EXIT_UNREACHABLE; i++) {
        int one = delete_topic(in, in->words[i], list);
        code = one ? one : code;
    }
    if (in->json) {
        print_json(list);
    } else {
        json_decref(list);
    }
    return code;
}
