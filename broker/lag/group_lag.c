/* Commits beside what the partitions that are here say. */
#include "broker/lag/group_lag.h"

#include <string.h>

#include "broker/coordinator/serving/group_offsets.h"

void group_lag_open(struct group_lag_walk *walk, struct group_coordinator *coordinator,
                    const struct metadata *metadata, struct partition_set *partitions) {
    walk->env = group_coordinator_groups(coordinator)->env;
    walk->metadata = metadata;
    walk->partitions = partitions;
    offset_cursor_open_all(&walk->cursor, group_offsets_store(coordinator));
}

void group_lag_close(struct group_lag_walk *walk) {
    offset_cursor_close(&walk->cursor);
}

/* What the leader of the partition knows. */
static void measure(const struct group_lag_walk *walk, struct partition *partition,
                    struct group_lag *lag) {
    static const int64_t no_windows[2] = {0, 0};
    int64_t start = partition_start_offset(partition), end = partition_high_watermark(partition);
    int64_t from = lag->committed > start ? lag->committed : start;
    struct traffic_arrival arrival = traffic_arrival(
        partition_traffic(partition), (int64_t)env_now_ms(walk->env), from, end, no_windows);
    lag->here = true;
    lag->records = end > from ? end - from : 0;
    lag->age_ms = arrival.age_ms > 0 ? arrival.age_ms : 0;
    lag->at_least = arrival.at_least;
    lag->ahead = lag->committed > end ? lag->committed - end : 0;
    lag->lost = start > lag->committed ? start - lag->committed : 0;
}

static bool is_of(const struct committed_offset *offset, const struct metadata_topic *topic) {
    return kp_uuid_is_zero(offset->topic_id) ||
           memcmp(offset->topic_id.bytes, topic->id, sizeof offset->topic_id.bytes) == 0;
}

bool group_lag_next(struct group_lag_walk *walk,
                    void (*each)(void *arg, const struct group_lag *lag), void *arg) {
    const struct topic_offsets *offsets = offset_cursor_next(&walk->cursor);
    if (offsets == NULL) return false;
    struct kp_string name = topic_offsets_name(offsets);
    const struct metadata_topic *topic = metadata_topic_named(walk->metadata, name.data,
                                                              (size_t)name.len);
    int64_t now_ms = env_wall_ms(walk->env);
    for (uint32_t i = 0; topic != NULL && i < offsets->table.count; i++) {
        const struct committed_offset *offset = &offsets->table.items[i];
        if (!is_of(offset, topic)) continue;
        struct group_lag lag = {.group = topic_offsets_group(offsets)->id,
                                .topic = name,
                                .partition = offset->partition,
                                .committed = offset->offset};
        if (now_ms > offset->commit_time_ms) lag.commit_age_ms = now_ms - offset->commit_time_ms;
        struct partition *partition = partition_set_find(walk->partitions, name.data,
                                                         (size_t)name.len, offset->partition);
        if (partition != NULL && partition_is_leading(partition)) measure(walk, partition, &lag);
        each(arg, &lag);
    }
    return true;
}
