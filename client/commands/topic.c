/*
 * drave topic list, describe.
 *
 * Happy path: one request to any broker; describe adds the offsets, asked at each leader.
 * Failures: a topic that is not there is said, with the nearest name.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "client/commands/topic_words.h"
#include "client/kafka/cluster_view.h"
#include "client/kafka/offsets.h"
#include "client/kafka/topic_sizes.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"
#include "protocol/messages/describe_configs.h"

enum { RESOURCE_TOPIC = 2, SOURCE_TOPIC = 1, TROUBLES_SHOWN = 5 };

/* ---- list ---- */

/* Partitions of a topic that nobody leads, and that lack a replica in sync. */
static void count_troubles(const struct kp_metadata_response_topic *topic, int *leaderless,
                           int *under_replicated) {
    *leaderless = *under_replicated = 0;
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        const struct kp_metadata_response_partition *p = &topic->partitions.items[i];
        *leaderless += p->leader_id < 0;
        *under_replicated += p->isr_nodes.count < p->replica_nodes.count;
    }
}

static json_t *ids(const int32_t *items, int32_t count) {
    json_t *list = json_array();
    for (int32_t i = 0; i < count; i++) {
        json_array_append_new(list, json_integer(items[i]));
    }
    return list;
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

/* -d: a row for each partition of the topic, and its members of JSON. */
static json_t *list_partitions(const struct kp_metadata_response_topic *topic, const char *name,
                               struct table *table) {
    json_t *list = json_array();
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        const struct kp_metadata_response_partition *p = &topic->partitions.items[i];
        json_t *replicas = ids(p->replica_nodes.items, p->replica_nodes.count),
               *in_sync = ids(p->isr_nodes.items, p->isr_nodes.count);
        char cells[4][128];
        snprintf(cells[0], sizeof(cells[0]), "%d", (int)p->partition_index);
        snprintf(cells[1], sizeof(cells[1]), "%d", (int)p->leader_id);
        join(replicas, cells[2], sizeof(cells[2]));
        join(in_sync, cells[3], sizeof(cells[3]));
        if (table) {
            table_row(table, (const char *[]){name, cells[0], p->leader_id < 0 ? NULL : cells[1],
                                              cells[2], cells[3]});
        }
        json_array_append_new(list, json_pack("{s:i,s:i,s:o,s:o}", "id", (int)p->partition_index,
                                              "leader", (int)p->leader_id, "replicas", replicas,
                                              "in_sync", in_sync));
    }
    return list;
}

static void list_topic(const struct kp_metadata_response_topic *topic, const char *name,
                       const struct invocation *in, struct table *table, json_t *list) {
    bool unhealthy = invocation_has(in, OPTION_UNHEALTHY), detailed = invocation_has(in, 'd');
    int partitions = (int)topic->partitions.count, leaderless, under_replicated;
    int replicas = partitions > 0 ? (int)topic->partitions.items[0].replica_nodes.count : 0;
    char cells[4][16];
    count_troubles(topic, &leaderless, &under_replicated);
    if (unhealthy && leaderless == 0 && under_replicated == 0) {
        return;
    }
    const int numbers[] = {partitions, replicas, leaderless, under_replicated};
    for (int i = 0; i < 4; i++) {
        snprintf(cells[i], sizeof(cells[i]), "%d", numbers[i]);
    }
    if (table && !detailed) {
        table_row(table, (const char *[]){name, cells[0], cells[1], cells[2], cells[3]});
    }
    json_t *row = json_pack("{s:s,s:i,s:i,s:i,s:i}", "name", name, "partitions", partitions,
                            "replicas", replicas, "leaderless", leaderless, "under_replicated",
                            under_replicated);
    if (detailed) {
        json_object_set_new(row, "placed", list_partitions(topic, name, table));
    }
    json_array_append_new(list, row);
}

static bool is_asked_for(const struct invocation *in, const char *name) {
    for (int i = 0; i < in->word_count; i++) {
        if (strcmp(in->words[i], name) == 0) {
            return true;
        }
    }
    return in->word_count == 0;
}

static void say_no_topics(const struct invocation *in,
                          const struct kp_metadata_response *response) {
    if (!invocation_has(in, OPTION_UNHEALTHY) && in->word_count > 0) {
        say("no topic has such a name; drave topic list shows all of them");
    } else if (response->topics.count == 0) {
        say_plain("the cluster has no topics; make one with: drave topic create NAME");
    } else {
        say_plain("all topics have leaders, and all replicas are in sync");
    }
}

static int list_topics(struct invocation *in) {
    struct session session;
    struct kp_metadata_response response;
    session_begin(&session, in);
    int code = cluster_metadata(session.admin, &session.arena, NULL, &response);
    if (code) {
        return session_end(&session, code);
    }
    json_t *list = json_array();
    static const char *const columns[] = {"TOPIC", "PARTITIONS", "REPLICAS", "LEADERLESS",
                                          "UNDER-REPLICATED"};
    static const char *const details[] = {"TOPIC", "PARTITION", "LEADER", "REPLICAS", "IN SYNC"};
    struct table *table = in->json ? NULL
                                   : table_new(invocation_has(in, 'd') ? details : columns, 5);
    for (int32_t i = 0; i < response.topics.count; i++) {
        const struct kp_metadata_response_topic *topic = &response.topics.items[i];
        const char *name = cluster_text(&session.arena, topic->name);
        if (is_asked_for(in, name)) {
            list_topic(topic, name, in, table, list);
        }
    }
    if (json_array_size(list) == 0) {
        say_no_topics(in, &response);
    }
    if (!table) {
        print_json(list);
        return session_end(&session, EXIT_DONE);
    }
    table_print(table);
    json_decref(list);
    return session_end(&session, EXIT_DONE);
}

int command_topic_list(struct invocation *in) {
    return topic_words_run(in, NULL, list_topics);
}

/* ---- describe ---- */

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

/* null: not known. */
static json_t *known(int64_t value) {
    return value < 0 ? json_null() : json_integer(value);
}

static json_t *describe_partitions(const struct invocation *in, struct session *session,
                                   const struct kp_metadata_response *metadata, const char *name,
                                   const struct kp_metadata_response_topic *topic) {
    json_t *list = json_array();
    const struct topic_size *sizes = topic_sizes_ask(in, &session->arena, metadata, topic);
    struct partition_offset *start = ask_offsets(session, metadata, name, topic, OFFSETS_EARLIEST),
                            *end = ask_offsets(session, metadata, name, topic, OFFSETS_LATEST);
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        const struct kp_metadata_response_partition *p = &topic->partitions.items[i];
        json_array_append_new(
            list,
            json_pack("{s:i,s:i,s:i,s:o,s:o,s:I,s:I,s:o,s:I,s:o}", "id", (int)p->partition_index,
                      "leader", (int)p->leader_id, "leader_epoch", (int)p->leader_epoch, "replicas",
                      ids(p->replica_nodes.items, p->replica_nodes.count), "in_sync",
                      ids(p->isr_nodes.items, p->isr_nodes.count), "start_offset",
                      (json_int_t)start[i].offset, "high_watermark", (json_int_t)end[i].offset,
                      "size_bytes", known(sizes ? sizes[i].bytes : -1), "pinned_bytes",
                      (json_int_t)(sizes ? sizes[i].pinned_bytes : 0), "pinned_by",
                      known(sizes ? sizes[i].pinned_by : -1)));
    }
    mem_free(start);
    mem_free(end);
    return list;
}

/* Of the leaders; null if one is not known. */
static json_t *sum_of_sizes(const json_t *partitions) {
    json_int_t sum = 0;
    for (size_t i = 0; i < json_array_size(partitions); i++) {
        const json_t *size = json_object_get(json_array_get(partitions, i), "size_bytes");
        if (!json_is_integer(size)) {
            return json_null();
        }
        sum += json_integer_value(size);
    }
    return json_integer(sum);
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

static void print_summary(const json_t *topic) {
    print_text("topic %s  id %s\n", json_string_value(json_object_get(topic, "name")),
               json_string_value(json_object_get(topic, "id")));
    const json_t *size = json_object_get(topic, "size_bytes");
    if (json_is_integer(size)) {
        print_text("  %" JSON_INTEGER_FORMAT " bytes, of one replica each\n",
                   json_integer_value(size));
    }
}

static void print_settings(const json_t *topic) {
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(topic, "config"), key, value) {
        print_text("  %s=%s\n", key, json_string_value(value));
    }
}

static void print_partitions(const json_t *topic) {
    static const char *const columns[] = {"PARTITION", "LEADER", "EPOCH", "REPLICAS",
                                          "IN SYNC",   "START",  "END",   "BYTES"};
    static const char *const keys[] = {"id",      "leader",       "leader_epoch",   "replicas",
                                       "in_sync", "start_offset", "high_watermark", "size_bytes"};
    enum { COLUMNS = sizeof columns / sizeof columns[0] };
    struct table *table = table_new(columns, COLUMNS);
    size_t i;
    json_t *partition;
    json_array_foreach(json_object_get(topic, "partitions"), i, partition) {
        char cells[COLUMNS][128];
        const char *row[COLUMNS];
        for (int k = 0; k < COLUMNS; k++) {
            json_t *field = json_object_get(partition, keys[k]);
            if (json_is_array(field)) {
                join(field, cells[k], sizeof(cells[k]));
            } else {
                snprintf(cells[k], sizeof(cells[k]), "%" JSON_INTEGER_FORMAT,
                         json_integer_value(field));
            }
            bool known = json_is_array(field) ||
                         (json_is_integer(field) && json_integer_value(field) >= 0);
            row[k] = known ? cells[k] : NULL;
        }
        table_row(table, row);
    }
    table_print(table);
}

/* Which partitions keep files below their starts, and for whom; the first few. */
static void print_pinned(const json_t *topic) {
    int count = 0;
    size_t i;
    json_t *partition;
    json_array_foreach(json_object_get(topic, "partitions"), i, partition) {
        json_t *by = json_object_get(partition, "pinned_by");
        if (json_is_integer(by) && ++count <= TROUBLES_SHOWN) {
            print_text("partition %zu: %" JSON_INTEGER_FORMAT
                       " bytes below its start are pinned: broker %" JSON_INTEGER_FORMAT
                       " lacks some of them, or was not heard since this one leads; start it\n",
                       i, json_integer_value(json_object_get(partition, "pinned_bytes")),
                       json_integer_value(by));
        }
    }
    if (count > TROUBLES_SHOWN) {
        print_text("and %d partitions more\n", count - TROUBLES_SHOWN);
    }
}

/* All of it, or the sections that were asked for. */
static void print_description(const json_t *topic, const struct invocation *in) {
    bool all = invocation_has(in, 'a') ||
               (!invocation_has(in, 's') && !invocation_has(in, 'c') && !invocation_has(in, 'p'));
    if (all || invocation_has(in, 's')) {
        print_summary(topic);
    }
    if (all || invocation_has(in, 'c')) {
        print_settings(topic);
    }
    if (all || invocation_has(in, 'p')) {
        print_partitions(topic);
        print_pinned(topic);
    }
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

/* One topic; what is printed as JSON goes into `list`. */
static int describe_topic(const struct invocation *in, const char *name, json_t *list) {
    struct session session;
    struct kp_metadata_response response;
    const struct kp_metadata_response_topic *topic;
    session_begin(&session, in);
    int code = cluster_topic(session.admin, &session.arena, name, TOPIC_TO_USE, &response, &topic);
    if (code) {
        return session_end(&session, code);
    }
    char id[23];
    kp_uuid_text(topic->topic_id, id);
    json_t *partitions = describe_partitions(in, &session, &response, name, topic);
    json_t *description = json_pack("{s:s,s:s,s:o,s:o,s:o}", "name", name, "id", id, "size_bytes",
                                    sum_of_sizes(partitions), "partitions", partitions, "config",
                                    describe_config(&session, name));
    json_array_append_new(list, description);
    if (!in->json) {
        print_description(description, in);
        print_troubles(&response, topic);
    }
    return session_end(&session, EXIT_DONE);
}

static int describe_topics(struct invocation *in) {
    int code = EXIT_DONE;
    json_t *list = json_array();
    for (int i = 0; i < in->word_count && code != EXIT_UNREACHABLE; i++) {
        if (i > 0 && !in->json) {
            print_text("\n");
        }
        int one = describe_topic(in, in->words[i], list);
        code = one ? one : code;
    }
    if (in->json && in->word_count > 1) {
        print_json(json_incref(list));
    } else if (in->json && json_array_size(list) == 1) {
        print_json(json_incref(json_array_get(list, 0)));
    }
    json_decref(list);
    return code;
}

int command_topic_describe(struct invocation *in) {
    return topic_words_run(in, NULL, describe_topics);
}
