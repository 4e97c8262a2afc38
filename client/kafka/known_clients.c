/* The table of clients, and the comparison. */
#include "client/kafka/known_clients.h"

#include <stdio.h>

#include "protocol/messages/api_table.h"

/* Keys by the names of KIPs' messages; api_table.h lists those that this drave speaks itself. */
enum {
    PRODUCE = 0,
    FETCH = 1,
    LIST_OFFSETS = 2,
    METADATA = 3,
    OFFSET_COMMIT = 8,
    OFFSET_FETCH = 9,
    FIND_COORDINATOR = 10,
    JOIN_GROUP = 11,
    HEARTBEAT = 12,
    LEAVE_GROUP = 13,
    SYNC_GROUP = 14,
    DESCRIBE_GROUPS = 15,
    LIST_GROUPS = 16,
    INIT_PRODUCER_ID = 22,
    ADD_PARTITIONS_TO_TXN = 24,
    END_TXN = 26,
    DELETE_GROUPS = 42,
    CONSUMER_GROUP_HEARTBEAT = 68,
};

#define GROUP(commit, fetch, find, join, beat, leave, sync)                            \
    {OFFSET_COMMIT, 0, commit}, {OFFSET_FETCH, 0, fetch}, {FIND_COORDINATOR, 0, find}, \
        {JOIN_GROUP, 0, join}, {HEARTBEAT, 0, beat}, {LEAVE_GROUP, 0, leave}, {        \
        SYNC_GROUP, 0, sync                                                            \
    }

const struct known_client known_clients[] = {
    {"librdkafka 2.0 (kcat)",
     "produce",
     {{PRODUCE, 0, 7}, {METADATA, 0, 4}, {INIT_PRODUCER_ID, 0, 4}}},
    {"librdkafka 2.0 (kcat)",
     "groups",
     {{FETCH, 0, 11}, {LIST_OFFSETS, 0, 2}, {METADATA, 0, 4}, GROUP(7, 7, 2, 5, 3, 1, 3)}},
    {"librdkafka 2.16 (confluent-kafka)",
     "produce",
     {{PRODUCE, 0, 10}, {METADATA, 0, 13}, {INIT_PRODUCER_ID, 0, 4}}},
    {"librdkafka 2.16 (confluent-kafka)",
     "groups",
     {{FETCH, 4, 16}, {LIST_OFFSETS, 1, 7}, {METADATA, 0, 13}, GROUP(9, 9, 2, 5, 3, 1, 3)}},
    {"librdkafka 2.16 (confluent-kafka)",
     "group.protocol=consumer",
     {{CONSUMER_GROUP_HEARTBEAT, 1, 1},
      {OFFSET_COMMIT, 9, 9},
      {OFFSET_FETCH, 9, 9},
      {METADATA, 10, 13}}},
    {"kafka-clients 4.3 (Java)",
     "produce",
     {{PRODUCE, 3, 13}, {METADATA, 0, 13}, {INIT_PRODUCER_ID, 0, 5}}},
    {"kafka-clients 4.3 (Java)",
     "groups",
     {{FETCH, 4, 18}, {LIST_OFFSETS, 1, 11}, {METADATA, 0, 13}, GROUP(10, 10, 6, 9, 4, 5, 5)}},
    {"kafka-clients 4.3 (Java)",
     "group.protocol=consumer",
     {{CONSUMER_GROUP_HEARTBEAT, 1, 1},
      {OFFSET_COMMIT, 9, 10},
      {OFFSET_FETCH, 9, 10},
      {METADATA, 10, 13}}},
    {"kafka-clients 4.3 (Java)",
     "transactions",
     {{FIND_COORDINATOR, 1, 6},
      {INIT_PRODUCER_ID, 0, 5},
      {ADD_PARTITIONS_TO_TXN, 0, 3},
      {END_TXN, 0, 5}}},
    {"kafka-consumer-groups",
     "administration of groups",
     {{LIST_GROUPS, 0, 5},
      {DESCRIBE_GROUPS, 0, 6},
      {DELETE_GROUPS, 0, 2},
      {OFFSET_FETCH, 1, 10},
      {OFFSET_COMMIT, 2, 10}}},
    {"kafka-python 3.0", "produce", {{PRODUCE, 0, 9}, {METADATA, 0, 13}, {INIT_PRODUCER_ID, 0, 4}}},
    {"kafka-python 3.0",
     "groups",
     {{FETCH, 0, 12}, {LIST_OFFSETS, 0, 11}, {METADATA, 0, 13}, GROUP(8, 8, 6, 7, 4, 5, 5)}},
    {"kafkajs 2.2", "produce", {{PRODUCE, 0, 7}, {METADATA, 0, 6}, {INIT_PRODUCER_ID, 0, 1}}},
    {"kafkajs 2.2",
     "groups",
     {{FETCH, 0, 11}, {LIST_OFFSETS, 0, 3}, {METADATA, 0, 6}, GROUP(5, 4, 2, 5, 3, 3, 3)}},
    {"franz-go 1.22", "produce", {{PRODUCE, 0, 13}, {METADATA, 0, 13}, {INIT_PRODUCER_ID, 0, 5}}},
    {"franz-go 1.22",
     "groups",
     {{FETCH, 0, 18}, {LIST_OFFSETS, 0, 11}, {METADATA, 0, 13}, GROUP(10, 10, 6, 9, 4, 5, 5)}},
};

const size_t known_client_count = sizeof(known_clients) / sizeof(known_clients[0]);

/* "JoinGroup", or the number of one that this drave does not speak itself. */
static void request_name(int key, char *text, size_t room) {
    const struct kp_api *api = kp_api_find(key);
    if (api) {
        snprintf(text, room, "%s", api->name);
    } else {
        snprintf(text, room, "request %d", key);
    }
}

bool known_client_fits(const struct known_client *client, known_client_served served,
                       const void *arg, struct error_text *why) {
    int compared = 0;
    for (int i = 0; i < KNOWN_CLIENT_NEEDS_MAX; i++) {
        int key = client->needs[i].key, from, to;
        char name[64];
        if (key == 0 && client->needs[i].to == 0) {
            break;
        }
        request_name(key, name, sizeof(name));
        compared++;
        if (!served(arg, key, &from, &to)) {
            error_set(why, ERR_NOT_FOUND, "%s is not served", name);
            return false;
        }
        if (from > client->needs[i].to || to < client->needs[i].from) {
            error_set(why, ERR_VERSION, "%s is served in %d-%d, it speaks %d-%d", name, from, to,
                      client->needs[i].from, client->needs[i].to);
            return false;
        }
    }
    error_set(why, ERR_NONE, "all %d requests have a common version", compared);
    return true;
}
