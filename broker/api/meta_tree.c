/*
 * The metadata tree: paths are cut into at most four pieces, each level has one function.
 *
 *     /                              brokers cluster controller topics
 *     /brokers/ids/<id>              {"id","host","port","rack","alive","draining","listeners"};
 *                                    draining: null, or {"replicas","votes","seconds_left"}
 *     /disk                          of the broker that answers: {"path","free_bytes","free_files",
 *                                    "promised_bytes","min_free_bytes","trouble"}
 *     /cluster, /controller          {"id","brokers","metadata_voters","version"}, {"id"}
 *     /topics/<name>                 {"name","id","partitions","config"}, child: partitions
 *     /topics/<name>/partitions/<p>  {"partition","leader","leader_epoch","replicas","in_sync",
 *                                    "group"}
 */
#include "broker/api/meta_tree.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "broker/cluster/cluster_record.h"
#include "broker/metadata/metadata_group.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/reassignment/drains.h"
#include "storage/disk_space.h"

enum { PIECES_MAX = 4 };

/* ---- JSON text ---- */

struct json {
    char *text;
    size_t len;
};

static void tree_put(struct json *json, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void tree_put(struct json *json, const char *format, ...) {
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
    tree_put(json, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            tree_put(json, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            tree_put(json, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            tree_put(json, "%c", *text);
    }
    tree_put(json, "\"");
}

static struct kp_string tree_take(struct meta_tree_walk *walk, struct json *json) {
    struct kp_string string = kp_arena_string(walk->arena, json->text, json->len);
    walk->too_large = walk->too_large || string.len < 0;
    mem_free(json->text);
    return string;
}

/* ---- Values ---- */

/* What is left of it where it is drained. */
static void put_draining(const struct meta_tree_walk *walk, struct json *json, int32_t node) {
    struct drain_progress progress;
    if (!drains_progress(walk->services->drains, node, &progress)) {
        tree_put(json, "\"draining\":null,");
        return;
    }
    tree_put(json, "\"draining\":{\"replicas\":%" PRIu32 ",\"votes\":%s,\"seconds_left\":",
             progress.replicas, progress.votes ? "true" : "false");
    if (progress.left_s < 0)
        tree_put(json, "null},");
    else
        tree_put(json, "%" PRId64 "},", progress.left_s);
}

static struct kp_string value_of_broker(struct meta_tree_walk *walk,
                                        const struct metadata_broker *broker) {
    struct json json = {0};
    const struct metadata_endpoint *endpoint = metadata_endpoint_of(broker, walk->ctx->listener);
    tree_put(&json, "{\"id\":%" PRId32 ",\"host\":", broker->node);
    put_text(&json, endpoint == NULL ? "" : endpoint->host);
    tree_put(&json, ",\"port\":%" PRId32 ",\"rack\":", endpoint == NULL ? 0 : endpoint->port);
    put_text(&json, broker->rack);
    tree_put(&json, ",\"alive\":%s,",
             services_broker_is_down(walk->services, broker) ? "false" : "true");
    put_draining(walk, &json, broker->node);
    tree_put(&json, "\"listeners\":[");
    for (size_t i = 0; i < broker->endpoint_count; i++) {
        tree_put(&json, "%s{\"name\":", i == 0 ? "" : ",");
        put_text(&json, broker->endpoints[i].listener);
        tree_put(&json, ",\"host\":");
        put_text(&json, broker->endpoints[i].host);
        tree_put(&json, ",\"port\":%" PRId32 "}", broker->endpoints[i].port);
    }
    tree_put(&json, "]}");
    return tree_take(walk, &json);
}

static struct kp_string value_of_topic(struct meta_tree_walk *walk,
                                       const struct metadata_topic *topic) {
    struct json json = {0};
    struct kp_uuid id;
    char id_text[23];
    memcpy(id.bytes, topic->id, sizeof id.bytes);
    kp_uuid_text(id, id_text);
    tree_put(&json, "{\"name\":");
    put_text(&json, topic->name);
    tree_put(&json, ",\"id\":\"%s\",\"partitions\":%" PRId32 ",\"config\":{", id_text,
             topic->partition_count);
    for (size_t i = 0; i < topic->configs.count; i++) {
        tree_put(&json, "%s", i == 0 ? "" : ",");
        put_text(&json, topic->configs.pairs[i].name);
        tree_put(&json, ":");
        put_text(&json, topic->configs.pairs[i].value);
    }
    tree_put(&json, "}}");
    return tree_take(walk, &json);
}

static struct kp_string value_of_partition(struct meta_tree_walk *walk,
                                           const struct metadata_partition *partition) {
    struct json json = {0};
    struct leader leader = leader_table_get(walk->services->leaders, partition->group);
    tree_put(&json,
             "{\"partition\":%" PRId32 ",\"leader\":%" PRId32 ",\"leader_epoch\":%" PRIu32
             ",\"replicas\":[",
             partition->index, leader.node, leader.term);
    for (size_t r = 0; r < partition->replica_count; r++)
        tree_put(&json, "%s%" PRId32, r == 0 ? "" : ",", partition->replicas[r].node);
    tree_put(&json, "],\"in_sync\":[");
    for (size_t i = 0; i < leader.in_sync_count; i++)
        tree_put(&json, "%s%" PRId32, i == 0 ? "" : ",", leader.in_sync[i]);
    tree_put(&json, "],\"group\":%" PRIu64 "}", partition->group);
    return tree_take(walk, &json);
}

static struct kp_string value_of_cluster(struct meta_tree_walk *walk) {
    struct json json = {0};
    const struct cluster_record *cluster = walk->services->cluster;
    tree_put(&json,
             "{\"id\":\"%s\",\"brokers\":%zu,\"metadata_voters\":%" PRIu32 ",\"version\":%" PRIu64
             "}",
             cluster->id, metadata_roster_count(walk->services->metadata), cluster->voters,
             metadata_version(walk->services->metadata));
    return tree_take(walk, &json);
}

static struct kp_string value_of_controller(struct meta_tree_walk *walk) {
    struct json json = {0};
    tree_put(&json, "{\"id\":%" PRId32 "}", metadata_group_leader(walk->services->metadata_group));
    return tree_take(walk, &json);
}

static void put_known(struct json *json, const char *name, uint64_t number) {
    if (number == UINT64_MAX)
        tree_put(json, "\"%s\":null,", name);
    else
        tree_put(json, "\"%s\":%" PRIu64 ",", name, number);
}

static struct kp_string value_of_disk(struct meta_tree_walk *walk) {
    struct json json = {0};
    struct disk_space_facts facts;
    const char *trouble = disk_space_sentence(walk->services->room);
    disk_space_facts_get(walk->services->room, &facts);
    tree_put(&json, "{\"path\":");
    put_text(&json, facts.path);
    tree_put(&json, ",");
    put_known(&json, "free_bytes", facts.free_bytes);
    put_known(&json, "free_files", facts.free_files);
    put_known(&json, "promised_bytes", facts.promised_bytes);
    put_known(&json, "min_free_bytes", facts.min_free_bytes);
    tree_put(&json, "\"trouble\":");
    if (trouble[0] == '\0')
        tree_put(&json, "null");
    else
        put_text(&json, trouble);
    tree_put(&json, "}");
    return tree_take(walk, &json);
}

/* ---- Children ---- */

/* A topic that is hidden from who asks is none. */
static bool may_see(const struct meta_tree_walk *walk, const struct metadata_topic *topic) {
    return authorize_seeing(walk->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, topic->name,
                            strlen(topic->name));
}

static struct kp_meta_query_response_entry *new_entries(struct meta_tree_walk *walk, size_t count) {
    struct kp_meta_query_response_entry *entries = kp_new_items(
        walk->arena, &kp_meta_query_response_entry_schema, &walk->response->entries,
        (int32_t)count);
    walk->too_large = walk->too_large || (entries == NULL && count > 0);
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

static void list_names(struct meta_tree_walk *walk, const char *const *names, size_t count) {
    struct kp_meta_query_response_entry *entries = new_entries(walk, count);
    for (size_t i = 0; entries != NULL && i < count; i++)
        entries[i].name = kp_string_of(names[i]);
}

static void list_brokers(struct meta_tree_walk *walk) {
    size_t count = metadata_broker_count(walk->services->metadata);
    struct kp_meta_query_response_entry *entries = new_entries(walk, count);
    for (size_t i = 0; entries != NULL && i < count; i++) {
        const struct metadata_broker *broker = metadata_broker_at(walk->services->metadata, i);
        entries[i].name = kp_arena_printf(walk->arena, "%" PRId32, broker->node);
        entries[i].value = value_of_broker(walk, broker);
    }
}

/* Topics may come and go between two steps, so their ids are taken down first. */
static void list_topics(struct meta_tree_walk *walk) {
    const struct metadata *metadata = walk->services->metadata;
    size_t count = metadata_topic_count(metadata), i = 0;
    walk->ids = kp_arena_alloc(walk->arena, (count + 1) * sizeof *walk->ids);
    walk->response->entries.items = kp_arena_alloc(
        walk->arena, (count + 1) * sizeof *walk->response->entries.items);
    if (walk->ids == NULL || walk->response->entries.items == NULL) {
        walk->too_large = true;
        return;
    }
    for (const struct metadata_topic *topic = NULL;
         (topic = metadata_next_topic(metadata, topic)) != NULL;)
        memcpy(walk->ids[i++].bytes, topic->id, sizeof topic->id);
    walk->count = count;
}

static void list_partitions(struct meta_tree_walk *walk, const struct metadata_topic *topic) {
    walk->count = (size_t)topic->partition_count;
    walk->ids = kp_arena_alloc(walk->arena, sizeof *walk->ids);
    walk->response->entries.items = kp_arena_alloc(
        walk->arena, walk->count * sizeof *walk->response->entries.items);
    walk->too_large = walk->ids == NULL || walk->response->entries.items == NULL;
    if (walk->too_large) return;
    memcpy(walk->ids->bytes, topic->id, sizeof topic->id);
    walk->of_one = true;
}

static struct kp_meta_query_response_entry *next_entry(struct meta_tree_walk *walk) {
    struct kp_meta_query_response_entry *entry =
        &walk->response->entries.items[walk->response->entries.count++];
    kp_set_fallbacks(&kp_meta_query_response_entry_schema, entry);
    return entry;
}

bool meta_tree_next(struct meta_tree_walk *walk) {
    if (walk->too_large || walk->at == walk->count) {
        if (!walk->of_one && walk->count > 0)
            qsort(walk->response->entries.items, (size_t)walk->response->entries.count,
                  sizeof *walk->response->entries.items, compare_entries);
        return false;
    }
    size_t at = walk->at++;
    const struct metadata_topic *topic = metadata_topic_with_id(
        walk->services->metadata, walk->ids[walk->of_one ? 0 : at].bytes);
    if (topic == NULL) return true; /* deleted meanwhile */
    if (!may_see(walk, topic)) return true;
    struct kp_meta_query_response_entry *entry = next_entry(walk);
    entry->name = walk->of_one ? kp_arena_printf(walk->arena, "%zu", at)
                               : kp_arena_string(walk->arena, topic->name, strlen(topic->name));
    entry->value = walk->of_one ? value_of_partition(walk, &topic->partitions[at])
                                : value_of_topic(walk, topic);
    walk->too_large = walk->too_large || entry->name.len < 0;
    return true;
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

static bool get_broker(struct meta_tree_walk *walk, const struct kp_string *pieces, size_t count) {
    static const char *const ids[] = {"ids"};
    if (count == 1) {
        list_names(walk, ids, 1);
        return true;
    }
    if (!kp_string_is(pieces[1], "ids") || count > 3) return false;
    if (count == 2) {
        list_brokers(walk);
        return true;
    }
    const struct metadata_broker *broker = metadata_broker_of(walk->services->metadata,
                                                              number_of(pieces[2]));
    if (broker == NULL) return false;
    walk->response->value = value_of_broker(walk, broker);
    return true;
}

static bool get_topic(struct meta_tree_walk *walk, const struct kp_string *pieces, size_t count) {
    static const char *const partitions[] = {"partitions"};
    if (count == 1) {
        list_topics(walk);
        return true;
    }
    const struct metadata_topic *topic = metadata_topic_named(
        walk->services->metadata, pieces[1].data, (size_t)pieces[1].len);
    if (topic == NULL || !may_see(walk, topic)) return false;
    if (count > 2 && !kp_string_is(pieces[2], "partitions")) return false;
    if (count == 2) {
        walk->response->value = value_of_topic(walk, topic);
        list_names(walk, partitions, 1);
        return true;
    }
    if (count == 3) {
        list_partitions(walk, topic);
        return true;
    }
    const struct metadata_partition *partition = metadata_partition_at(topic, number_of(pieces[3]));
    if (partition == NULL) return false;
    walk->response->value = value_of_partition(walk, partition);
    return true;
}

static bool tree_get(struct meta_tree_walk *walk, const struct kp_string *pieces, size_t count) {
    static const char *const roots[] = {"brokers", "cluster", "controller", "disk", "topics"};
    if (count == 0) {
        list_names(walk, roots, sizeof roots / sizeof roots[0]);
        return true;
    }
    if (kp_string_is(pieces[0], "brokers")) return get_broker(walk, pieces, count);
    if (kp_string_is(pieces[0], "topics")) return get_topic(walk, pieces, count);
    if (count > 1) return false;
    if (kp_string_is(pieces[0], "cluster"))
        walk->response->value = value_of_cluster(walk);
    else if (kp_string_is(pieces[0], "disk"))
        walk->response->value = value_of_disk(walk);
    else if (kp_string_is(pieces[0], "controller"))
        walk->response->value = value_of_controller(walk);
    else
        return false;
    return true;
}

int meta_tree_begin(struct meta_tree_walk *walk, struct kp_string path) {
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
    return tree_get(walk, pieces, count) ? ERR_NONE : ERR_NOT_FOUND;
}
