/*
 * A request to each broker that leads something of a topic (PartitionTraffic), and sums by client.
 *
 * Failures: nobody is reachable (3), the topic is not there (1); what a broker that does not answer
 * would have said is missing, and that is said. Of each partition the last eight writers and
 * readers are remembered.
 */
#include "client/health/client_topics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/kafka/cluster_view.h"
#include "client/kafka/topic_sizes.h"
#include "client/line/amount.h"
#include "client/line/talk.h"

enum { ARENA_MAX = 256 << 20, ASK_MS = 2000, CELL = 80 };

/* A client that produces to a topic, or reads it. */
struct user {
    bool produces;
    char client_id[CELL], peer[CELL];
    int64_t partitions, seen_age_ms;
    int64_t batches, records, bytes; /* -1: not known, of who reads */
};

struct users {
    const char *topic;
    struct user *items;
    size_t count, room;
};

static struct user *user_of(struct users *users, bool produces, struct kp_string client_id,
                            struct kp_string peer) {
    for (size_t i = 0; i < users->count; i++) {
        struct user *one = &users->items[i];
        if (one->produces == produces && kp_string_is(client_id, one->client_id) &&
            kp_string_is(peer, one->peer)) {
            return one;
        }
    }
    users->items = mem_grow(users->items, users->count, &users->room, sizeof(*users->items));
    struct user *user = &users->items[users->count++];
    *user = (struct user){.produces = produces, .seen_age_ms = INT64_MAX};
    snprintf(user->client_id, CELL, "%.*s", (int)client_id.len, client_id.data);
    snprintf(user->peer, CELL, "%.*s", (int)peer.len, peer.data);
    return user;
}

static void seen(struct user *user, int64_t age_ms) {
    user->partitions++;
    if (age_ms >= 0 && age_ms < user->seen_age_ms) {
        user->seen_age_ms = age_ms;
    }
}

static void take_partition(struct users *users,
                           const struct kp_partition_traffic_response_partition *partition) {
    for (int32_t i = 0; i < partition->writers.count; i++) {
        const struct kp_partition_traffic_response_writer *one = &partition->writers.items[i];
        struct user *user = user_of(users, true, one->client_id, one->peer);
        seen(user, one->seen_age_ms);
        user->batches += one->batches;
        user->records += one->records;
        user->bytes += one->bytes;
    }
    for (int32_t i = 0; i < partition->readers.count; i++) {
        const struct kp_partition_traffic_response_reader *one = &partition->readers.items[i];
        struct user *user = user_of(users, false, one->client_id, one->peer);
        seen(user, one->seen_age_ms);
        user->batches = user->records = user->bytes = -1;
    }
}

static void ask_leaders(struct admin_client *admin, struct kp_arena *arena,
                        const struct kp_metadata_response *metadata,
                        const struct kp_metadata_response_topic *topic, struct users *users) {
    for (int32_t b = 0; b < metadata->brokers.count; b++) {
        const struct kp_metadata_response_broker *broker = &metadata->brokers.items[b];
        struct kp_partition_traffic_response response;
        struct error_text why;
        if (!topic_leader_ask(admin, arena, topic, broker, &response, &why)) {
            if (why.text[0]) {
                say("broker %d tells nothing: %s", (int)broker->node_id, why.text);
            }
            continue;
        }
        for (int32_t t = 0; t < response.topics.count; t++) {
            for (int32_t p = 0; p < response.topics.items[t].partitions.count; p++) {
                take_partition(users, &response.topics.items[t].partitions.items[p]);
            }
        }
    }
}

/* Who produces first, the most bytes first. */
static int by_use(const void *a, const void *b) {
    const struct user *one = a, *other = b;
    if (one->produces != other->produces) {
        return one->produces ? -1 : 1;
    }
    if (one->bytes != other->bytes) {
        return one->bytes > other->bytes ? -1 : 1;
    }
    int order = strcmp(one->client_id, other->client_id);
    return order != 0 ? order : strcmp(one->peer, other->peer);
}

static json_t *count_or_null(int64_t count) {
    return count < 0 ? json_null() : json_integer(count);
}

static void show(const struct users *users, struct table *table, json_t *list) {
    for (size_t i = 0; i < users->count; i++) {
        const struct user *user = &users->items[i];
        double seconds = user->seen_age_ms == INT64_MAX ? -1 : (double)user->seen_age_ms / 1000;
        char partitions[AMOUNT_ROOM], records[AMOUNT_ROOM], bytes[AMOUNT_ROOM],
            batches[AMOUNT_ROOM], ago[AMOUNT_ROOM];
        if (table) {
            table_row(table, (const char *[]){users->topic, user->produces ? "produces" : "reads",
                                              *user->client_id ? user->client_id : NULL, user->peer,
                                              amount_count((double)user->partitions, partitions),
                                              amount_count((double)user->batches, batches),
                                              amount_count((double)user->records, records),
                                              amount_bytes((double)user->bytes, bytes),
                                              amount_time(seconds, ago)});
            continue;
        }
        json_array_append_new(
            list,
            json_pack("{s:s,s:s,s:s,s:s,s:I,s:o,s:o,s:o,s:f}", "topic", users->topic, "does",
                      user->produces ? "produces" : "reads", "client_id", user->client_id,
                      "address", user->peer, "partitions", (json_int_t)user->partitions, "batches",
                      count_or_null(user->batches), "records", count_or_null(user->records),
                      "bytes", count_or_null(user->bytes), "seen_seconds", seconds));
    }
}

static int list_topic(const struct invocation *in, struct admin_client *admin, const char *name,
                      struct table *table, json_t *list) {
    struct kp_metadata_response metadata;
    const struct kp_metadata_response_topic *topic;
    struct users users = {.topic = name};
    struct kp_arena arena;
    kp_arena_init(&arena, ARENA_MAX);
    int code = cluster_topic(admin, &arena, name, TOPIC_TO_USE, &metadata, &topic);
    if (code == EXIT_DONE) {
        struct admin_client *quiet = admin_client_new_quiet(in->bootstrap, ASK_MS);
        ask_leaders(quiet, &arena, &metadata, topic, &users);
        admin_client_free(quiet);
        if (users.count > 0) {
            qsort(users.items, users.count, sizeof(*users.items), by_use);
        }
        show(&users, table, list);
    }
    mem_free(users.items);
    kp_arena_close(&arena);
    return code;
}

int client_topics_list(const struct invocation *in) {
    static const char *const columns[] = {"TOPIC",   "DOES",       "CLIENT ID",
                                          "ADDRESS", "PARTITIONS", "BATCHES",
                                          "RECORDS", "BYTES",      "LAST"};
    struct table *table = in->json ? NULL
                                   : table_new(columns, sizeof(columns) / sizeof(columns[0]));
    struct admin_client *admin = admin_client_for(in);
    json_t *list = json_array();
    int code = EXIT_DONE;
    for (int i = 0; i < in->word_count && code == EXIT_DONE; i++) {
        code = list_topic(in, admin, in->words[i], table, list);
    }
    admin_client_free(admin);
    if (table) {
        table_print(table);
        json_decref(list);
    } else {
        print_json(list);
    }
    return code;
}
