/*
 * Records that are too old, or too many, are deleted from the front: a partition's leader looks by
 * its own clock and its own segments (partition_log_expiry), and submits the new start like that of
 * DeleteRecords. The other replicas do not look: they apply what it says.
 *
 * Happy path: partition_retain is called now and then (broker/retention), and with a limit of bytes
 * behind every commit, which costs next to nothing while nothing goes. Failures: what the group
 * does not take is looked at again the next time. A timestamp in the future keeps its segment, and
 * all behind it, until then; the log says so. Invariant: nothing goes that is not below the
 * watermark.
 */
#include <inttypes.h>

#include "broker/partition/partition_internal.h"

enum { HOUR_MS = 3600 * 1000 };

/* One line an hour for each partition. */
static void tell_future(struct partition *partition, int64_t future_ms, int64_t wall_ms) {
    int64_t now_ms = (int64_t)env_now_ms(partition->env);
    if (partition->future_told_ms != 0 && now_ms - partition->future_told_ms < HOUR_MS) return;
    partition->future_told_ms = now_ms;
    log_event(
        shard_log(partition->shard), LOGGED_RETENTION_WAITS,
        "%s-%" PRId32 " keeps a segment, and all behind it, for %" PRId64
        " s longer than retention.ms says: a record in it has a timestamp that lies so far in the "
        "future; message.timestamp.after.max.ms keeps such records out",
        partition->topic, partition->index, (future_ms - wall_ms) / 1000);
}

static void retain(struct partition *partition, const struct log_limits *limits) {
    int64_t wall_ms = env_wall_ms(partition->env);
    struct log_expiry expiry = partition_log_expiry(raft_group_log(partition->group), limits,
                                                    wall_ms);
    if (expiry.future_ms >= 0) tell_future(partition, expiry.future_ms, wall_ms);
    if (expiry.offset <= partition->log_start || expiry.offset <= partition->retained_to ||
        expiry.offset > partition->high_watermark)
        return;
    if (partition_submit_log_start(partition, expiry.offset, LOG_START_RETENTION) == ERR_NONE)
        partition->retained_to = expiry.offset;
}

void partition_retain(struct partition *partition) {
    const struct partition_settings *settings = &partition->settings;
    struct log_limits limits = {.age_ms = settings->retention_ms,
                                .bytes = settings->retention_bytes};
    if (partition->leading && settings->cleanup_delete) retain(partition, &limits);
}

void partition_retain_bytes(struct partition *partition) {
    const struct partition_settings *settings = &partition->settings;
    struct log_limits limits = {.age_ms = -1, .bytes = settings->retention_bytes};
    if (partition->leading && settings->cleanup_delete && settings->retention_bytes >= 0)
        retain(partition, &limits);
}
