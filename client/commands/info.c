/*
 * drave info: the cluster, its brokers, who leads, whose disk has no room, who is drained; --wait
 * for scripts and health checks.
 *
 * Happy path: Metadata for leaders and replicas, the metadata tree for brokers that are not alive;
 * each broker that is tells of its disk, or is shown without when it does not answer at once.
 * Failures: not reachable (3);
 * with --wait, a partition without a leader when the time is over (1).
 */
#include <stdio.h>
#include <string.h>

#include "client/kafka/cluster_view.h"
#include "client/line/command.h"
#include "client/line/talk.h"
#include "protocol/messages/meta_query.h"

enum { ARENA_MAX = 512 << 20, PAUSE_MS = 100, DISK_MS = 1000 };

static const char NO_METADATA_LEADER[] =
    "a majority of the brokers that vote on metadata does not answer; start those that are not alive";

/* Counts of one node over all partitions. */
static void count_of(const struct kp_metadata_response *metadata, int32_t node, int *leads,
                     int *holds) {
    *leads = *holds = 0;
    for (int32_t t = 0; t < metadata->topics.count; t++) {
        for (int32_t p = 0; p < metadata->topics.items[t].partitions.count; p++) {
            const struct kp_metadata_response_partition *partition =
                &metadata->topics.items[t].partitions.items[p];
            *leads += partition->leader_id == node;
            for (int32_t r = 0; r < partition->replica_nodes.count; r++) {
                *holds += partition->replica_nodes.items[r] == node;
            }
        }
    }
}

/* What that broker says of its own disk; NULL: nothing. */
static json_t *disk_of(const char *bootstrap, struct kp_arena *arena, const json_t *broker) {
    struct kp_meta_query_request request;
    struct kp_meta_query_response tree;
    struct error_text why = {""};
    const char *host = json_string_value(json_object_get(broker, "host"));
    if (!json_is_true(json_object_get(broker, "alive")) || host == NULL) {
        return NULL;
    }
    struct admin_client *admin = admin_client_new_quiet(bootstrap, DISK_MS);
    kp_set_fallbacks(&kp_meta_query_request_schema, &request);
    request.path = kp_string_of("/disk");
    int error = admin_request_to(admin, host,
                                 (int)json_integer_value(json_object_get(broker, "port")),
                                 KP_META_QUERY, 0, &request, arena, &tree, NULL, &why);
    admin_client_free(admin);
    return error || tree.error_code ? NULL : json_loads(cluster_text(arena, tree.value), 0, NULL);
}

/* The brokers that the cluster knows, alive or not, as the metadata tree tells them; fills the
 * counts in. */
static int list_brokers(const struct invocation *in, struct admin_client *admin,
                        struct kp_arena *arena, const struct kp_metadata_response *metadata,
                        json_t *brokers) {
    struct error_text why = {""};
    int error = cluster_brokers_ask(admin, arena, brokers, &why);
    if (error) {
        return admin_failed(error, &why);
    }
    size_t i;
    json_t *broker;
    json_array_foreach(brokers, i, broker) {
        int leads, holds;
        count_of(metadata, (int32_t)json_integer_value(json_object_get(broker, "id")), &leads,
                 &holds);
        json_object_set_new(broker, "leaders", json_integer(leads));
        json_object_set_new(broker, "replicas", json_integer(holds));
        json_t *disk = disk_of(in->bootstrap, arena, broker);
        json_object_set_new(broker, "disk", disk != NULL ? disk : json_null());
    }
    return EXIT_DONE;
}

/* Partitions that nobody leads now, and the first of them by name. */
static int leaderless(const struct kp_metadata_response *metadata, char *first, size_t room) {
    int count = 0;
    for (int32_t t = 0; t < metadata->topics.count; t++) {
        const struct kp_metadata_response_topic *topic = &metadata->topics.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            const struct kp_metadata_response_partition *partition = &topic->partitions.items[p];
            if (partition->leader_id < 0 && count++ == 0) {
                char trouble[320];
                cluster_partition_trouble(metadata, partition, trouble, sizeof(trouble));
                snprintf(first, room, "partition %.*s-%d: %s", (int)topic->name.len,
                         topic->name.data, (int)partition->partition_index, trouble);
            }
        }
    }
    return count;
}

static void print_info(const struct kp_metadata_response *metadata, const json_t *brokers) {
    print_text("cluster %.*s  metadata leader ",
               metadata->cluster_id.len > 0 ? (int)metadata->cluster_id.len : 0,
               metadata->cluster_id.data);
    if (metadata->controller_id >= 0) {
        print_text("%d\n", (int)metadata->controller_id);
    } else {
        print_text("none: %s\n", NO_METADATA_LEADER);
    }
    static const char *const columns[] = {"BROKER", "ADDRESS", "RACK",
                                          "ALIVE",  "LEADS",   "REPLICAS"};
    struct table *table = table_new(columns, 6);
    size_t i;
    json_t *broker;
    json_array_foreach(brokers, i, broker) {
        char id[16], address[300], leads[16], replicas[16];
        const char *rack = json_string_value(json_object_get(broker, "rack"));
        snprintf(id, sizeof(id), "%d", (int)json_integer_value(json_object_get(broker, "id")));
        const char *host = json_string_value(json_object_get(broker, "host"));
        bool v6 = host && strchr(host, ':');
        snprintf(address, sizeof(address), "%s%s%s:%d", v6 ? "[" : "", host ? host : "",
                 v6 ? "]" : "", (int)json_integer_value(json_object_get(broker, "port")));
        snprintf(leads, sizeof(leads), "%d",
                 (int)json_integer_value(json_object_get(broker, "leaders")));
        snprintf(replicas, sizeof(replicas), "%d",
                 (int)json_integer_value(json_object_get(broker, "replicas")));
        table_row(table,
                  (const char *[]){id, address, rack && *rack ? rack : NULL,
                                   json_is_true(json_object_get(broker, "alive")) ? "yes" : "no",
                                   leads, replicas});
    }
    table_print(table);
    json_array_foreach(brokers, i, broker) {
        char left[DRAIN_TEXT];
        if (cluster_drain_text(broker, left)) {
            print_text("broker %d is being drained: %s\n",
                       (int)json_integer_value(json_object_get(broker, "id")), left);
        }
        const char *trouble = json_string_value(
            json_object_get(json_object_get(broker, "disk"), "trouble"));
        if (trouble) {
            print_text("broker %d: %s\n", (int)json_integer_value(json_object_get(broker, "id")),
                       trouble);
        }
    }
}

static int show(const struct invocation *in, struct admin_client *admin, struct kp_arena *arena,
                const struct kp_metadata_response *metadata) {
    json_t *brokers = json_array();
    int code = list_brokers(in, admin, arena, metadata, brokers);
    if (code) {
        json_decref(brokers);
        return code;
    }
    if (in->json) {
        print_json(json_pack("{s:s,s:i,s:o}", "cluster_id",
                             cluster_text(arena, metadata->cluster_id), "metadata_leader",
                             (int)metadata->controller_id, "brokers", brokers));
    } else {
        print_info(metadata, brokers);
        json_decref(brokers);
    }
    return EXIT_DONE;
}

/* Until every partition has a leader and the metadata group, too. */
static int wait_led(const struct invocation *in, uint64_t wait_ms) {
    struct patience patience;
    patience_begin(&patience);
    uint64_t end = now_ms() + wait_ms;
    for (;;) {
        struct admin_client *admin = admin_client_new_quiet(in->bootstrap, 1000);
        struct kp_arena arena;
        struct kp_metadata_response metadata;
        struct error_text why = {""};
        char trouble[512] = "";
        kp_arena_init(&arena, ARENA_MAX);
        bool reached = cluster_ask(admin, &arena, NULL, &metadata, &why) == ERR_NONE;
        int without = reached ? leaderless(&metadata, trouble, sizeof(trouble)) : 0;
        if (reached && metadata.controller_id < 0) {
            snprintf(trouble, sizeof(trouble), "no broker leads the metadata: %s",
                     NO_METADATA_LEADER);
            without++;
        }
        kp_arena_close(&arena);
        admin_client_free(admin);
        if (reached && without == 0) {
            return EXIT_DONE;
        }
        if (now_ms() > end) {
            say("%s%s", reached ? trouble : "no broker answers: ", why.text);
            return reached ? EXIT_REFUSED : EXIT_UNREACHABLE;
        }
        patience_say(&patience, "%s%s", reached ? "the cluster; " : "a broker to answer", trouble);
        pause_ms(PAUSE_MS);
    }
}

int command_info(struct invocation *in) {
    if (invocation_has(in, OPTION_WAIT)) {
        int code = wait_led(in, invocation_duration(in, OPTION_WAIT, 0, 0, 86400));
        if (code) {
            return code;
        }
    }
    struct admin_client *admin = admin_client_for(in);
    struct kp_arena arena;
    struct kp_metadata_response metadata;
    kp_arena_init(&arena, ARENA_MAX);
    int code = cluster_metadata(admin, &arena, NULL, &metadata);
    code = code ? code : show(in, admin, &arena, &metadata);
    kp_arena_close(&arena);
    admin_client_free(admin);
    return code;
}
