/*
 * The metadata tree: paths are cut into at most four pieces, each level has one function. See the header.
 *
 *     /                              brokers cluster controller topics
 *     /brokers/ids/<id>              {"id","host","port","rack","alive","listeners"}
 *     /cluster, /controller          {"id","brokers","metadata_voters","version"}, {"id"}
 *     /topics/<name>                 {"name","id","partitions","config"}, child: partitions
 *     /topics/<name>/partitions/<p>  {"partition","leader","leader_epoch","replicas","in_sync","group"}
 */
#include "broker/meta_tree.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "broker/cluster_record.h"
#include "broker/metadata_group.h"

enum { PIECES_MAX = 4 };

struct query {
    const struct broker_services *services;
    const char *listener;
    struct kp_arena *arena;
    struct kp_meta_query_response *response;
    bool too_large;
};

/* ---- JSON text ---- */

struct json {
    char *text;
    size_t len;
};

static void put(struct json *json, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct json *json, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    json->text = mem_realloc(json->text, json->len + (size_t)len + 1);
    vsnprintf(json->text + json->len, (size_t)len + 1, format, again);
    json->len += (size_t)len;
    va_end(again);
    va_end(args);
}

static void put_text(struct json *json, const char *text) {
    put(json, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            put(json, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            put(json, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            put(json, "%c", *text);
    }
    put(json, "\"");
}

static struct kp_string take(struct query *query, struct json *json) {
    struct kp_string string = kp_arena_string(query->arena, json->text, json->len);
    query->too_large = query->too_large || string.len < 0;
    mem_free(json->text);
    return string;
}

/* ---- Values ---- */

static struct kp_string value_of_broker(struct query *query, const struct metadata_broker *broker) {
    struct json json = {0};
    const struct metadata_endpoint *endpoint = metadata_endpoint_of(broker, query->listener);
    put(&json, "{\"id\":%" PRId32 ",\"host\":", broker->node);
    put_text(&json, endpoint == NULL ? "" : endpoint->host);
    put(&json, ",\"port\":%" PRId32 ",\"rack\":", endpoint == NULL ? 0 : endpoint->port);
    put_text(&json, broker->rack);
    put(&json, ",\"alive\":%s,\"listeners\":[", services_broker_is_down(query->services, broker) ? "false" : "true");
    for (size_t i = 0; i < broker->endpoint_count; i++) {
        put(&json, "%s{\"name\":", i == 0 ? "" : ",");
        put_text(&json, broker->endpoints[i].listener);
        put(&json, ",\"host\":");
        put_text(&json, broker->endpoints[i].host);
        put(&json, ",\"port\":%" PRId32 "}", broker->endpoints[i].port);
    }
    put(&json, "]}");
    return take(query, &json);
}

static struct kp_string value_of_topic(struct query *query, const struct metadata_topic *topic) {
    struct json json = {0};
    struct kp_uuid id;
    char id_text[23];
    memcpy(id.bytes, topic->id, sizeof id.bytes);
    kp_uuid_text(id, id_text);
    put(&json, "{\"name\":");
    put_text(&json, topic->name);
    put(&json, ",\"id\":\"%s\",\"partitions\":%" PRId32 ",\"config\":{", id_text, topic->partition_count);
    for (size_t i = 0; i < topic->config_count; i++) {
        put(&json, "%s", i == 0 ? "" : ",");
        put_text(&json, topic->configs[i].name);
        put(&json, ":");
        put_text(&json, topic->configs[i].value);
    }
    put(&json, "}}");
    return take(query, &json);
}

static struct kp_string value_of_partition(struct query *query, const struct metadata_partition *partition) {
    struct json json = {0};
    struct leader leader = leader_table_get(query->services->leaders, partition->group);
    put(&json, "{\"partition\":%" PRId32 ",\"leader\":%" PRId32 ",\"leader_epoch\":%" PRIu32 ",\"replicas\":[",
        partition->index, leader.node, leader.term);
    for (size_t r = 0; r < partition->replica_count; r++)
        put(&json, "%s%" PRId32, r == 0 ? "" : ",", partition->replicas[r].node);
    put(&json, "],\"in_sync\":[");
    for (size_t i = 0; i < leader.in_sync_count; i++)
        put(&json, "%s%" PRId32, i == 0 ? "" : ",", leader.in_sync[i]);
    put(&json, "],\"group\":%" PRIu64 "}", partition->group);
    return take(query, &json);
}

static struct kp_string value_of_cluster(struct query *query) {
    struct json json = {0};
    const struct cluster_record *cluster = query->services->cluster;
    put(&json, "{\"id\":\"%s\",\"brokers\":%" PRIu32 ",\"metadata_voters\":%" PRIu32 ",\"version\":%" PRIu64 "}",
        cluster->id, cluster->node_count, cluster->voters, metadata_version(query->services->metadata));
    return take(query, &json);
}

static struct kp_string value_of_controller(struct query *query) {
    struct json json = {0};
    put(&json, "{\"id\":%" PRId32 "}", metadata_group_leader(query->services->metadata_group));
    return take(query, &json);
}

/* ---- Children ---- */

static struct kp_meta_query_response_entry *new_entries(struct query *query, size_t count) {
    struct kp_meta_query_response_entry *entries = kp_new_items(query->arena, &kp_meta_query_response_entry_schema,
                                                                &query->response->entries, (int32_t)count);
    query->too_large = query->too_large || (entries == NULL && count > 0);
    for (size_t i = 0; entries != NULL && i < count; i++)
        entries[i].value = KP_NULL_STRING;
    return entries;
}

static int compare_entries(const void *a, const void *b) {
    const struct kp_meta_query_response_entry *left = a, *right = b;
    int32_t shorter = left->name.len < right->name.len ? left->name.len : right->name.len;
    int order = memcmp(left->name.data, right->name.data, (size_t)shorter);
    return order != 0 ? order : left->name.len - right->name.len;
}

static void list_names(struct query *query, const char *const *names, size_t count) {
    struct kp_meta_query_response_entry *entries = new_entries(query, count);
    for (size_t i = 0; entries != NULL && i < count; i++)
        entries[i].name = kp_string_of(names[i]);
}

static void list_brokers(struct query *query) {
    size_t count = metadata_broker_count(query->services->metadata);
    struct kp_meta_query_response_entry *entries = new_entries(query, count);
    for (size_t i = 0; entries != NULL && i < count; i++) {
        const struct metadata_broker *broker = metadata_broker_at(query->services->metadata, i);
        entries[i].name = kp_arena_printf(query->arena, "%" PRId32, broker->node);
        entries[i].value = value_of_broker(query, broker);
    }
}

static void list_topics(struct query *query) {
    size_t count = metadata_topic_count(query->services->metadata), i = 0;
    struct kp_meta_query_response_entry *entries = new_entries(query, count);
    if (entries == NULL) return;
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(query->services->metadata, topic)) != NULL; i++) {
        entries[i].name = kp_string_of(topic->name);
        entries[i].value = value_of_topic(query, topic);
    }
    qsort(entries, count, sizeof *entries, compare_entries);
}

static void list_partitions(struct query *query, const struct metadata_topic *topic) {
    size_t count = (size_t)topic->partition_count;
    struct kp_meta_query_response_entry *entries = new_entries(query, count);
    for (size_t p = 0; entries != NULL && p < count; p++) {
        entries[p].name = kp_arena_printf(query->arena, "%zu", p);
        entries[p].value = value_of_partition(query, &topic->partitions[p]);
    }
}

/* ---- Levels ---- */

/* A number without sign or leading zeros; -1: it is none. */
static int32_t number_of(struct kp_string piece) {
    int64_t number = 0;
    if (piece.len < 1 || piece.len > 10 || (piece.len > 1 && piece.data[0] == '0')) return -1;
    for (int32_t i = 0; i < piece.len; i++) {
        if (piece.data[i] < '0' || piece.data[i] > '9') return -1;
        number = number * 10 + (piece.data[i] - '0');
    }
    return number > INT32_MAX ? -1 : (int32_t)number;
}

static bool get_broker(struct query *query, const struct kp_string *pieces, size_t count) {
    static const char *const ids[] = {"ids"};
    if (count == 1) {
        list_names(query, ids, 1);
        return true;
    }
    if (!kp_string_is(pieces[1], "ids") || count > 3) return false;
    if (count == 2) {
        list_brokers(query);
        return true;
    }
    const struct metadata_broker *broker = metadata_broker_of(query->services->metadata, number_of(pieces[2]));
    if (broker == NULL) return false;
    query->response->value = value_of_broker(query, broker);
    return true;
}

static bool get_topic(struct query *query, const struct kp_string *pieces, size_t count) {
    static const char *const partitions[] = {"partitions"};
    if (count == 1) {
        list_topics(query);
        return true;
    }
    const struct metadata_topic *topic = metadata_topic_named(query->services->metadata, pieces[1].data,
                                                              (size_t)pieces[1].len);
    if (topic == NULL || (count > 2 && !kp_string_is(pieces[2], "partitions"))) return false;
    if (count == 2) {
        query->response->value = value_of_topic(query, topic);
        list_names(query, partitions, 1);
        return true;
    }
    if (count == 3) {
        list_partitions(query, topic);
        return true;
    }
    const struct metadata_partition *partition = metadata_partition_at(topic, number_of(pieces[3]));
    if (partition == NULL) return false;
    query->response->value = value_of_partition(query, partition);
    return true;
}

static bool get(struct query *query, const struct kp_string *pieces, size_t count) {
    static const char *const roots[] = {"brokers", "cluster", "controller", "topics"};
    if (count == 0) {
        list_names(query, roots, sizeof roots / sizeof roots[0]);
        return true;
    }
    if (kp_string_is(pieces[0], "brokers")) return get_broker(query, pieces, count);
    if (kp_string_is(pieces[0], "topics")) return get_topic(query, pieces, count);
    if (count > 1) return false;
    if (kp_string_is(pieces[0], "cluster"))
        query->response->value = value_of_cluster(query);
    else if (kp_string_is(pieces[0], "controller"))
        query->response->value = value_of_controller(query);
    else
        return false;
    return true;
}

int meta_tree_get(const struct broker_services *services, const char *listener, struct kp_string path,
                  struct kp_arena *arena, struct kp_meta_query_response *response) {
    struct query query = {.services = services, .listener = listener, .arena = arena, .response = response};
    struct kp_string pieces[PIECES_MAX];
    size_t count = 0;
    for (int32_t at = 0; at < path.len;) {
        int32_t end = at;
        while (end < path.len && path.data[end] != '/')
            end++;
        if (end > at) {
            if (count == PIECES_MAX) return ERR_NOT_FOUND;
            pieces[count++] = (struct kp_string){path.data + at, end - at};
        }
        at = end + 1;
    }
    if (!get(&query, pieces, count)) return ERR_NOT_FOUND;
    return query.too_large ? ERR_TOO_LARGE : ERR_NONE;
}
