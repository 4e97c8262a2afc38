/*
 * DeleteRecords of one partition: the leader submits a command with the new start (log_start.h),
 * and whoever asked for it is answered when it is applied here.
 *
 *   partition_trim -> a topic that is only compacted -> POLICY_VIOLATION
 *                  -> not above the start -> done
 *                  -> above the watermark -> a majority confirms that we lead ->
 * OFFSET_OUT_OF_RANGE
 *                  -> else -> submitted -> applied -> done
 *
 * What the group does not take at present is offered again at the next commit.
 *
 * Retention: records that are too old, or too many, go from the front; a leader looks by its own
 * clock and its own segments (partition_log_expiry), now and then (broker/retention), and with a
 * limit of bytes behind every commit, which costs next to nothing while nothing goes. The other
 * replicas apply what it says. A timestamp in the future keeps its segment, and all behind it,
 * until then; the log says so.
 * Invariants: a trim that is not over is in the partition's list; nothing goes that is not below
 * the watermark.
 */
#include <inttypes.h>

#include <utlist.h>

#include "base/container_of.h"
#include "base/mutant.h"
#include "broker/errors/error_map.h"
#include "broker/log_start/log_start.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"

enum { HOUR_MS = 3600 * 1000 };
enum trim_stage { STAGE_OVER, STAGE_CONFIRM, STAGE_WAIT };

static enum completion trim_over(struct partition_trim *trim, int16_t error) {
    trim->error = error;
    trim->low_watermark = error == KAFKA_NONE ? partition_start_offset(trim->partition) : -1;
    if (trim->stage != STAGE_OVER) DL_DELETE(trim->partition->trims, trim);
    trim->stage = STAGE_OVER;
    if (!trim->inside) trim->done(trim);
    return DONE;
}

static void trim_begin(struct partition_trim *trim, enum trim_stage stage) {
    if (trim->stage == STAGE_OVER) DL_APPEND(trim->partition->trims, trim);
    trim->stage = stage;
}

int partition_submit_log_start(struct partition *partition, kafka_offset offset,
                               enum log_start_reason reason) {
    struct log_start start = {.offset = offset,
                              .everywhere = raft_group_everywhere(partition->group),
                              .reason = (uint8_t)reason};
    struct entry_spec spec = {
        .type = ENTRY_COMMAND,
        .max_timestamp = -1,
        .base_offset = partition_log_end_offset(raft_group_log(partition->group)),
        .raw = log_start_encode(&start)};
    log_index index;
    int error = raft_group_submit(partition->group, &spec, &index);
    if (error == ERR_NONE)
        partition->start_told = start.everywhere;
    else
        slice_unref(&spec.raw);
    if (error == ERR_NONE && MUTANT(MUTANT_LOG_START_AT_APPEND)) {
        partition->log_start = offset;
        partition_trims_advance(partition);
    }
    return error;
}

/* ---- Files ---- */

void partition_let_go(struct partition *partition) {
    struct partition_log *log = raft_group_log(partition->group);
    /* No record is left: also what is in the active segment may go. */
    if (partition->log_start_at_end) partition_log_roll(log);
    partition->log_start_at_end = false;
    if (partition->log_start > 0)
        partition_log_drop_prefix(log, partition->log_start, partition->everywhere,
                                  partition->settings.file_delete_delay_ms);
    partition_note_moved(partition);
}

/* The first member of which it is not known that it has the entry; -1: all are known to. */
static int32_t lagging_node(const struct partition *partition, log_index index) {
    for (size_t i = 0; i < partition->member_count; i++) {
        log_index match;
        uint64_t silent_ms;
        if (raft_group_member_progress(partition->group, partition->members[i].replica, &match,
                                       &silent_ms) &&
            match < index)
            return partition->members[i].node;
    }
    return -1;
}

void partition_size_get(struct partition *partition, struct partition_size *size) {
    struct partition_log *log = raft_group_log(partition->group);
    log_index waiting = partition_log_waiting_prefix(log);
    *size = (struct partition_size){.bytes = partition_log_committed_bytes(log),
                                    .pinned_bytes = partition_log_below_bytes(log),
                                    .pinned_by = -1};
    if (waiting > 0 && partition->leading) size->pinned_by = lagging_node(partition, waiting);
}

/* One line an hour for each partition. */
static void tell_waits(struct partition *partition, log_index index) {
    enum { PATIENCE_MS = 60 * 1000 };
    int64_t now_ms = (int64_t)env_now_ms(partition->env);
    if (partition->start_waits_ms == 0) partition->start_waits_ms = now_ms;
    if (now_ms - partition->start_waits_ms < PATIENCE_MS) return;
    partition->start_waits_ms = now_ms + HOUR_MS;
    log_event(shard_log(partition->shard), LOGGED_TRIM_WAITS,
              "%s-%" PRId32 " starts at offset %" PRId64
              ", and files below it stay on the disks: broker %" PRId32
              " lacks some of their entries, or was not heard since this one leads; start it",
              partition->topic, partition->index, partition->log_start,
              lagging_node(partition, index));
}

void partition_start_catch_up(struct partition *partition) {
    log_index waiting = partition_log_waiting_prefix(raft_group_log(partition->group));
    if (waiting == 0 || !partition->leading) {
        partition->start_waits_ms = 0;
    } else if (raft_group_everywhere(partition->group) >= waiting) {
        partition->start_waits_ms = 0;
        if (partition->start_told >= waiting) return; /* it is on its way */
        partition_submit_log_start(partition, partition->log_start, LOG_START_CAUGHT_UP);
    } else {
        tell_waits(partition, waiting);
    }
}

/* ---- Those that ask ---- */

/* One command covers all that ask for less. */
static void submit_furthest(struct partition *partition) {
    struct partition_trim *trim, *furthest = NULL;
    kafka_offset submitted = 0;
    DL_FOREACH(partition->trims, trim) {
        if (trim->stage != STAGE_WAIT) continue;
        if (trim->submitted && trim->offset > submitted) submitted = trim->offset;
        if (furthest == NULL || trim->offset > furthest->offset) furthest = trim;
    }
    if (furthest == NULL || furthest->offset <= submitted || !partition->leading) return;
    if (partition_submit_log_start(partition, furthest->offset, LOG_START_RECORDS_DELETED) ==
        ERR_NONE)
        furthest->submitted = true;
}

/* Those that ask for no more than there is. `done` may take out others. */
static struct partition_trim *next_ended(const struct partition *partition) {
    struct partition_trim *trim;
    DL_FOREACH(partition->trims, trim) {
        if (trim->stage == STAGE_WAIT && trim->offset <= partition_start_offset(partition))
            return trim;
    }
    return NULL;
}

void partition_trims_advance(struct partition *partition) {
    struct partition_trim *trim;
    while ((trim = next_ended(partition)) != NULL)
        trim_over(trim, KAFKA_NONE);
    if (partition->trims != NULL) submit_furthest(partition);
}

static void trim_confirmed(struct raft_group_read_index *confirm, int error) {
    struct partition_trim *trim = CONTAINER_OF(confirm, struct partition_trim, confirm);
    if (error != ERR_NONE) {
        trim_over(trim, error_map_group(error));
    } else if (trim->offset > trim->partition->high_watermark) {
        trim_over(trim, KAFKA_OFFSET_OUT_OF_RANGE);
    } else {
        trim->stage = STAGE_WAIT;
        partition_trims_advance(trim->partition);
    }
}

static enum completion trim_start(struct partition_trim *trim) {
    struct partition *partition = trim->partition;
    if (partition->settings.cleanup_compact && !partition->settings.cleanup_delete)
        return trim_over(trim, KAFKA_POLICY_VIOLATION);
    if (trim->offset == PARTITION_TRIM_ALL) trim->offset = partition->high_watermark;
    if (trim->offset < 0) return trim_over(trim, KAFKA_OFFSET_OUT_OF_RANGE);
    if (trim->offset <= partition_start_offset(partition)) return trim_over(trim, KAFKA_NONE);
    if (trim->offset > partition->high_watermark) {
        trim_begin(trim, STAGE_CONFIRM);
        raft_group_read_index(partition->group, &trim->confirm);
    } else {
        trim_begin(trim, STAGE_WAIT);
        submit_furthest(partition);
    }
    return trim->stage == STAGE_OVER ? DONE : PENDING;
}

enum completion partition_trim(struct partition *partition, kafka_offset offset,
                               struct partition_trim *trim) {
    bool electing;
    trim->partition = partition;
    trim->offset = offset;
    trim->submitted = false;
    trim->confirm = (struct raft_group_read_index){.done = trim_confirmed};
    trim->stage = STAGE_OVER;
    trim->inside = true;
    int16_t code = partition_leadership(partition, -1, &electing);
    enum completion completion = code != KAFKA_NONE ? trim_over(trim, code) : trim_start(trim);
    trim->inside = false;
    return completion;
}

void partition_trim_cancel(struct partition_trim *trim) {
    if (trim->stage == STAGE_CONFIRM)
        raft_group_read_index_cancel(trim->partition->group, &trim->confirm);
    if (trim->stage != STAGE_OVER) DL_DELETE(trim->partition->trims, trim);
    trim->stage = STAGE_OVER;
}

void partition_trims_fail(struct partition *partition, int16_t error) {
    while (partition->trims != NULL) {
        struct partition_trim *trim = partition->trims;
        partition_trim_cancel(trim);
        trim_over(trim, error);
    }
}

/* ---- Retention ---- */

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
