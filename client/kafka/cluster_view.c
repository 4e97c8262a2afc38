/* Asking one broker for the cluster, and finding topics and brokers in its answer. */
#include "client/kafka/cluster_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/nearest_name.h"
#include "client/line/amount.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/meta_query.h"

enum { TRY_MS = 1000, ARENA_MAX = 512 << 20, VERSION_WITH_TOPIC_ID = 10 };

const char *cluster_text(struct kp_arena *arena, struct kp_string string) {
    if (string.len < 0) {
        return "";
    }
    char *copy = kp_arena_alloc(arena, (size_t)string.len + 1);
    if (!copy) {
        return "";
    }
    memcpy(copy, string.data, (size_t)string.len);
    return copy;
}

int cluster_ask_topics(struct admin_client *admin, struct kp_arena *arena, char *const *topics,
                       size_t count, struct kp_metadata_response *response,
                       struct error_text *why) {
    struct kp_metadata_request request;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    request.allow_auto_topic_creation = false;
    if (!topics) {
        request.topics.count = -1;
    } else if (!kp_new_items(arena, &kp_metadata_request_topic_schema, &request.topics,
                             (int32_t)count)) {
        return error_set(why, ERR_TOO_LARGE, "%zu topics are more than can be asked for at once",
                         count);
    }
    for (size_t i = 0; topics && i < count; i++) {
        request.topics.items[i].name = kp_string_of(topics[i]);
    }
    return admin_request(admin, KP_METADATA, VERSION_WITH_TOPIC_ID, &request, arena, response, NULL,
                         why);
}

int cluster_ask(struct admin_client *admin, struct kp_arena *arena, const char *topic,
                struct kp_metadata_response *response, struct error_text *why) {
    char *name = (char *)(uintptr_t)topic;
    return cluster_ask_topics(admin, arena, topic ? &name : NULL, topic ? 1 : 0, response, why);
}

enum cluster_state cluster_state(const char *bootstrap, int brokers) {
    struct admin_client *admin = admin_client_new_quiet(bootstrap, TRY_MS);
    struct kp_arena arena;
    struct kp_metadata_response response;
    struct error_text why = {""};
    kp_arena_init(&arena, ARENA_MAX);
    enum cluster_state state = CLUSTER_SILENT;
    if (cluster_ask(admin, &arena, NULL, &response, &why) == ERR_NONE) {
        bool usable = response.controller_id >= 0 && response.brokers.count >= brokers;
        state = usable ? CLUSTER_USABLE : CLUSTER_ANSWERS;
    }
    kp_arena_close(&arena);
    admin_client_free(admin);
    return state;
}

int cluster_metadata(struct admin_client *admin, struct kp_arena *arena, const char *topic,
                     struct kp_metadata_response *response) {
    struct error_text why = {""};
    int error = cluster_ask(admin, arena, topic, response, &why);
    return error ? admin_failed(error, &why) : EXIT_DONE;
}

static const char *nearest_topic(struct admin_client *admin, struct kp_arena *arena,
                                 const char *topic) {
    struct kp_metadata_response all;
    struct error_text why = {""};
    if (cluster_ask(admin, arena, NULL, &all, &why) != ERR_NONE || all.topics.count <= 0) {
        return NULL;
    }
    const char **names = mem_alloc((size_t)all.topics.count * sizeof(*names));
    for (int32_t i = 0; i < all.topics.count; i++) {
        names[i] = cluster_text(arena, all.topics.items[i].name);
    }
    const char *near = nearest_name(topic, names, (size_t)all.topics.count);
    mem_free(names);
    return near;
}

int cluster_topic_missing(struct admin_client *admin, struct kp_arena *arena, const char *topic,
                          enum cluster_topic_use use) {
    const char *near = nearest_topic(admin, arena, topic);
    char meant[320] = "";
    if (near) {
        snprintf(meant, sizeof(meant), "; did you mean \"%s\"?", near);
    }
    if (use == TOPIC_TO_CHANGE) {
        say("topic \"%s\" does not exist%s", topic,
            near ? meant : "; drave topic list shows those that do");
    } else {
        say("topic \"%s\" does not exist%s %s it with: drave topic create %s", topic,
            near ? meant : ";", near ? "Create" : "create", topic);
    }
    return EXIT_REFUSED;
}

int cluster_topic(struct admin_client *admin, struct kp_arena *arena, const char *topic,
                  enum cluster_topic_use use, struct kp_metadata_response *response,
                  const struct kp_metadata_response_topic **found) {
    int code = cluster_metadata(admin, arena, topic, response);
    if (code) {
        return code;
    }
    *found = response->topics.count > 0 ? &response->topics.items[0] : NULL;
    if (!*found || (*found)->error_code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION) {
        return cluster_topic_missing(admin, arena, topic, use);
    }
    if ((*found)->error_code && (*found)->error_code != KAFKA_LEADER_NOT_AVAILABLE) {
        say("topic \"%s\": %s", topic, kafka_error_message((*found)->error_code));
        return EXIT_REFUSED;
    }
    return EXIT_DONE;
}

int cluster_no_such_partition(const char *topic, int32_t count, int32_t wanted) {
    say("topic \"%s\" has partitions 0 to %d, not %d; drave topic add-partitions %s -n %d would make it",
        topic, (int)count - 1, (int)wanted, topic, (int)(wanted - count + 1));
    return EXIT_REFUSED;
}

int cluster_partitions(const struct invocation *in, const char *topic, int32_t only,
                       int32_t *count) {
    struct admin_client *admin = admin_client_for(in);
    struct kp_arena arena;
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *found;
    kp_arena_init(&arena, ARENA_MAX);
    int code = cluster_topic(admin, &arena, topic, TOPIC_TO_USE, &metadata, &found);
    *count = code ? 0 : found->partitions.count;
    if (!code && only >= *count) {
        code = cluster_no_such_partition(topic, *count, only);
    }
    kp_arena_close(&arena);
    admin_client_free(admin);
    return code;
}

const struct kp_metadata_response_broker *cluster_broker(
    const struct kp_metadata_response *response, int32_t node) {
    for (int32_t i = 0; i < response->brokers.count; i++) {
        if (response->brokers.items[i].node_id == node) {
            return &response->brokers.items[i];
        }
    }
    return NULL;
}

bool cluster_has_node(const int32_t *nodes, int32_t count, int32_t node) {
    for (int32_t i = 0; i < count; i++) {
        if (nodes[i] == node) {
            return true;
        }
    }
    return false;
}

const struct kp_metadata_response_topic *cluster_find_topic(
    const struct kp_metadata_response *metadata, const char *name) {
    for (int32_t i = 0; i < metadata->topics.count; i++) {
        if (kp_string_is(metadata->topics.items[i].name, name)) {
            return &metadata->topics.items[i];
        }
    }
    return NULL;
}

const struct kp_metadata_response_partition *cluster_find_partition(
    const struct kp_metadata_response_topic *topic, int32_t partition) {
    /* Also of what others say, such as members of a classic group of what they have. */
    if (!topic || partition < 0 || partition >= topic->partitions.count) {
        return NULL;
    }
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        /* they come in order, so that the first look is enough */
        int32_t at = (partition + i) % topic->partitions.count;
        if (topic->partitions.items[at].partition_index == partition) {
            return &topic->partitions.items[at];
        }
    }
    return NULL;
}

void cluster_partition_trouble(const struct kp_metadata_response *response,
                               const struct kp_metadata_response_partition *partition, char *text,
                               size_t room) {
    char down[256] = "";
    size_t used = 0;
    int count = 0;
    text[0] = 0;
    for (int32_t i = 0; i < partition->replica_nodes.count && used < sizeof(down); i++) {
        int32_t node = partition->replica_nodes.items[i];
        bool offline = cluster_broker(response, node) == NULL;
        for (int32_t k = 0; k < partition->offline_replicas.count; k++) {
            offline = offline || partition->offline_replicas.items[k] == node;
        }
        if (offline) {
            used += (size_t)snprintf(down + used, sizeof(down) - used, "%s%d", count ? ", " : "",
                                     (int)node);
            count++;
        }
    }
    if (2 * count >= partition->replica_nodes.count && count > 0) {
        int missing = count - ((int)partition->replica_nodes.count - 1) / 2;
        used = (size_t)snprintf(text, room, "%d of %d replicas are down: broker%s %s; start ",
                                count, (int)partition->replica_nodes.count, count > 1 ? "s" : "",
                                down);
        if (used < room && missing < count) {
            snprintf(text + used, room - used, "%d of them", missing);
        } else if (used < room) {
            snprintf(text + used, room - used, "%s", count > 1 ? "them" : "it");
        }
    } else if (partition->leader_id < 0) {
        snprintf(
            text, room,
            "it has no leader yet; its replicas elect one within seconds, or drave info shows who is missing");
    }
}

/* ---- The metadata tree ---- */

static int by_id(const void *a, const void *b) {
    json_int_t one = json_integer_value(json_object_get(*(json_t *const *)a, "id"));
    json_int_t other = json_integer_value(json_object_get(*(json_t *const *)b, "id"));
    return (one > other) - (one < other);
}

int cluster_brokers_ask(struct admin_client *admin, struct kp_arena *arena, json_t *brokers,
                        struct error_text *why) {
    struct kp_meta_query_request request;
    struct kp_meta_query_response tree;
    kp_set_fallbacks(&kp_meta_query_request_schema, &request);
    request.path = kp_string_of("/brokers/ids");
    int error = admin_request(admin, KP_META_QUERY, 0, &request, arena, &tree, NULL, why);
    json_t **rows = NULL;
    size_t count = 0;
    if (!error && tree.entries.count > 0) {
        rows = kp_arena_alloc(arena, (size_t)tree.entries.count * sizeof(*rows));
    }
    for (int32_t i = 0; rows && i < tree.entries.count; i++) {
        json_t *broker = json_loads(cluster_text(arena, tree.entries.items[i].value), 0, NULL);
        if (broker) {
            rows[count++] = broker;
        }
    }
    if (rows) {
        qsort(rows, count, sizeof(*rows), by_id);
    }
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(brokers, rows[i]);
    }
    return error;
}

bool cluster_drain_text(const json_t *broker, char text[DRAIN_TEXT]) {
    const json_t *draining = json_object_get(broker, "draining");
    const json_t *left_s = json_object_get(draining, "seconds_left");
    if (!json_is_object(draining)) {
        return false;
    }
    json_int_t replicas = json_integer_value(json_object_get(draining, "replicas"));
    bool votes = json_is_true(json_object_get(draining, "votes"));
    char pace[AMOUNT_ROOM + 16] = "", time[AMOUNT_ROOM];
    if (json_integer_value(left_s) > 0) {
        snprintf(pace, sizeof(pace), ", about %s",
                 amount_time((double)json_integer_value(left_s), time));
    }
    if (replicas == 0 && !votes) {
        snprintf(text, DRAIN_TEXT, "nothing is left on it");
    } else if (replicas == 0) {
        snprintf(text, DRAIN_TEXT, "its vote on the metadata is left");
    } else {
        snprintf(text, DRAIN_TEXT, "%lld replica%s%s left%s", (long long)replicas,
                 replicas == 1 ? "" : "s",
                 votes           ? " and its vote on the metadata are"
                 : replicas == 1 ? " is"
                                 : " are",
                 pace);
    }
    return true;
}
