/* Commits beside what the partitions that are here say. */
#include "broker/lag/group_lag.h"

#include <string.h>

#include "broker/config/name_hash.h"
#include "broker/coordinator/serving/group_offsets.h"

void group_lag_open(struct group_lag_walk *walk, struct group_coordinator *coordinator,
                    const struct metadata *metadata, struct partition_set *partitions,
                    struct lag_exchange *exchange) {
    walk->env = group_coordinator_groups(coordinator)->env;
    walk->seed = group_coordinator_groups(coordinator)->seed;
    walk->metadata = metadata;
    walk->partitions = partitions;
    walk->exchange = exchange;
    walk->ends_of = NULL;
    walk->at = NULL;
    walk->left = 0;
    offset_cursor_open_all(&walk->cursor, group_offsets_store(coordinator));
}

void group_lag_close(struct group_lag_walk *walk) {
    offset_cursor_close(&walk->cursor);
}

static void take(struct group_lag *lag, int64_t start, int64_t end, int64_t age_ms, bool at_least) {
    int64_t from = lag->committed > start ? lag->committed : start;
    lag->known = true;
    lag->records = end > from ? end - from : 0;
    lag->age_ms = lag->records > 0 && age_ms > 0 ? age_ms : 0;
    lag->at_least = lag->records > 0 && at_least;
    lag->ahead = lag->committed > end ? lag->committed - end : 0;
    lag->lost = start > lag->committed ? start - lag->committed : 0;
}

static bool is_of(const struct committed_offset *offset, const struct metadata_topic *topic) {
    return kp_uuid_is_zero(offset->topic_id) ||
           memcmp(offset->topic_id.bytes, topic->id, sizeof offset->topic_id.bytes) == 0;
}

/* What a replica of the partition here knows. */
static void measure(const struct group_lag_walk *walk, struct partition *partition,
                    struct group_lag *lag) {
    static const int64_t no_windows[2] = {0, 0};
    int64_t start = partition_start_offset(partition), end = partition_high_watermark(partition);
    struct traffic_arrival arrival = traffic_arrival(
        partition_traffic(partition), (int64_t)env_now_ms(walk->env),
        lag->committed > start ? lag->committed : start, end, no_windows);
    take(lag, start, end, arrival.age_ms, arrival.at_least);
}

/* Nobody can choose the names of groups so that these are the same, or meet in a table. */
static uint64_t number_of(uint64_t seed, struct kp_string group) {
    uint64_t high = metadata_name_hash(seed, group.data, (size_t)group.len);
    return high << 32 | metadata_name_hash(~seed, group.data, (size_t)group.len);
}

/* What its leader has told, if it has. */
static void ask(const struct group_lag_walk *walk, const struct metadata_topic *topic,
                struct group_lag *lag) {
    const struct metadata_partition *partition = metadata_partition_at(topic, lag->partition);
    if (walk->exchange == NULL || partition == NULL) return;
    const struct lag_answer *answer = lag_exchange_find(
        walk->exchange, partition->group, number_of(walk->seed, lag->group), lag->committed);
    if (answer != NULL) take(lag, answer->start, answer->end, answer->age_ms, answer->at_least);
}

bool group_lag_begins(struct group_lag_walk *walk) {
    return walk->left == 0 || offset_cursor_at(&walk->cursor) != walk->at;
}

static void look(const struct group_lag_walk *walk, const struct metadata_topic *topic,
                 struct group_lag *lag) {
    const struct metadata_partition *known = metadata_partition_at(topic, lag->partition);
    struct partition *partition = known == NULL
                                      ? NULL
                                      : partition_set_find_group(walk->partitions, known->group);
    if (partition != NULL)
        measure(walk, partition, lag);
    else
        ask(walk, topic, lag);
}

static void tell(const struct group_lag_walk *walk, const struct metadata_topic *topic,
                 const struct committed_offset *offset, const struct lag_ends *ends,
                 void (*each)(void *arg, const struct group_lag *lag), void *arg) {
    int64_t now_ms = env_wall_ms(walk->env);
    struct group_lag lag = {.group = walk->group,
                            .topic = walk->topic,
                            .partition = offset->partition,
                            .committed = offset->offset};
    if (now_ms > offset->commit_time_ms) lag.commit_age_ms = now_ms - offset->commit_time_ms;
    if (ends != NULL && ends->known && offset->offset >= ends->end)
        take(&lag, ends->start, ends->end, 0, false);
    else
        look(walk, topic, &lag);
    each(arg, &lag);
}

/* From the end of a table to its beginning: when one goes, the last takes its place. */
bool group_lag_next(struct group_lag_walk *walk,
                    void (*each)(void *arg, const struct group_lag *lag), void *arg) {
    const struct topic_offsets *offsets = offset_cursor_at(&walk->cursor);
    if (offsets == NULL) return false;
    walk->group = topic_offsets_group(offsets)->id;
    walk->topic = topic_offsets_name(offsets);
    const struct metadata_topic *topic = metadata_topic_named(walk->metadata, walk->topic.data,
                                                              (size_t)walk->topic.len);
    uint32_t count = topic == NULL ? 0 : offsets->table.count;
    if (group_lag_begins(walk) || walk->left > count) walk->left = count;
    walk->at = offsets;
    int32_t known = 0;
    const struct lag_ends *ends = walk->ends_of == NULL || topic == NULL
                                      ? NULL
                                      : walk->ends_of(walk->ends_arg, topic, &known);
    for (int n = 0; walk->left > 0 && n < GROUP_LAG_AT_ONCE; n++) {
        const struct committed_offset *offset = &offsets->table.items[--walk->left];
        if (is_of(offset, topic))
            tell(walk, topic, offset, offset->partition < known ? &ends[offset->partition] : NULL,
                 each, arg);
    }
    walk->ends = walk->left == 0;
    if (walk->ends) offset_cursor_next(&walk->cursor);
    return true;
}
