/* Counting, as little as that costs. */
#include "broker/server/server_stats.h"

#include <stdbool.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/api_table.h"

const char *api_class_name(enum api_class class) {
    static const char *const names[API_CLASSES] = {[API_PRODUCE] = "produce",
                                                   [API_FETCH] = "fetch",
                                                   [API_LIST_OFFSETS] = "list_offsets",
                                                   [API_METADATA] = "metadata",
                                                   [API_OFFSET_COMMIT] = "offset_commit",
                                                   [API_OFFSET_FETCH] = "offset_fetch",
                                                   [API_JOIN_GROUP] = "join_group",
                                                   [API_SYNC_GROUP] = "sync_group",
                                                   [API_HEARTBEAT] = "heartbeat",
                                                   [API_OTHER] = "other"};
    return names[class];
}

static enum api_class class_of(int16_t api_key) {
    switch (api_key) {
    case KP_PRODUCE: return API_PRODUCE;
    case KP_FETCH: return API_FETCH;
    case KP_LIST_OFFSETS: return API_LIST_OFFSETS;
    case KP_METADATA: return API_METADATA;
    case KP_OFFSET_COMMIT: return API_OFFSET_COMMIT;
    case KP_OFFSET_FETCH: return API_OFFSET_FETCH;
    case KP_JOIN_GROUP: return API_JOIN_GROUP;
    case KP_SYNC_GROUP: return API_SYNC_GROUP;
    case KP_HEARTBEAT:
    case KP_CONSUMER_GROUP_HEARTBEAT: return API_HEARTBEAT;
    default: return API_OTHER;
    }
}

void server_stats_open(struct server_stats *stats) {
    kp_api_table(&stats->rows);
    stats->requests = mem_zalloc(stats->rows * sizeof *stats->requests);
    stats->errors = mem_zalloc(stats->rows * sizeof *stats->errors);
}

void server_stats_close(struct server_stats *stats) {
    for (size_t row = 0; row < stats->rows && stats->errors != NULL; row++)
        mem_free(stats->errors[row]);
    mem_free(stats->errors);
    client_book_close(&stats->clients);
    mem_free(stats->requests);
    stats->errors = NULL;
    stats->requests = NULL;
}

struct listener_stats *server_stats_listener(struct server_stats *stats, const char *name) {
    for (size_t i = 0; i < stats->listener_count; i++)
        if (stats->listeners[i].name == name) return &stats->listeners[i];
    CHECK(stats->listener_count < SERVER_STATS_LISTENERS);
    struct listener_stats *listener = &stats->listeners[stats->listener_count++];
    listener->name = name;
    return listener;
}

void server_stats_request(struct server_stats *stats, int16_t api_key, int16_t version) {
    size_t count;
    const struct kp_api *api = kp_api_find(api_key);
    if (api == NULL || version < 0) return;
    if (version >= SERVER_STATS_VERSIONS) version = SERVER_STATS_VERSIONS - 1;
    stats->requests[api - kp_api_table(&count)][version]++;
}

void server_stats_answered(struct server_stats *stats, int16_t api_key, uint64_t took_us) {
    buckets_add(&stats->seconds[class_of(api_key)], &bounds_latency, took_us);
}

void server_stats_told(struct server_stats *stats, int16_t api_key,
                       const struct kp_told_errors *told) {
    size_t count;
    const struct kp_api *api = kp_api_find(api_key);
    if (api == NULL || told->count == 0) return;
    uint32_t **errors = &stats->errors[api - kp_api_table(&count)];
    if (*errors == NULL) *errors = mem_zalloc(SERVER_STATS_ERRORS * sizeof **errors);
    for (unsigned i = 0; i < told->count; i++) {
        int place = told->codes[i] + 1;
        bool listed = strcmp(kafka_error_name(told->codes[i]), kafka_error_name(INT16_MAX)) != 0;
        if (!listed || place >= SERVER_STATS_ERRORS) place = SERVER_STATS_ERRORS - 1;
        (*errors)[place] += told->counts[i];
    }
}
