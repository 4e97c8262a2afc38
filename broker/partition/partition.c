/*
 * Opening and closing a partition, and what its group tells: commits, leadership.
 *
 * Every replica applies every committed entry: the watermark moves, the appliers learn
 * (appliers.c). Only on a leader somebody waits for it.
 * Order at a commit: all entries of the step are applied, then produces are answered, then fetches
 * wake, then the group is offered what it did not take before.
 */
#include "broker/partition/partition.h"

#include <inttypes.h>
#include <stdio.h>

#include "broker/partition/partition_internal.h"
#include "broker/producer/producer_clock.h"
#include "protocol/kafka_error.h"

enum {
    LEADING_CHECK_US = 500 * 1000,
    START_CHECK_US = 1000 * 1000,
    /* Bytes of log after which the appliers are kept again: what a start replays. Records of a
       coordinator are many and short, and each is applied. */
    SNAPSHOT_EVERY = 64 << 20,
    SNAPSHOT_EVERY_OWN = 8 << 20,
    AWAY_MS = 5000,
};

/* ---- Commits ---- */

/* What is so old when a follower hears of it came while it was away. */
static void note_arrival(struct partition *partition, const struct entry *entry,
                         kafka_offset end_offset) {
    bool late = !partition->leading && entry->max_timestamp >= 0 &&
                env_wall_ms(partition->env) - entry->max_timestamp > AWAY_MS;
    traffic_committed(&partition->traffic, (int64_t)env_now_ms(partition->env), entry->base_offset,
                      end_offset, late);
}

static void on_committed(void *arg, struct entry *entry) {
    struct partition *partition = arg;
    kafka_offset end_offset = entry->base_offset;
    if (entry->type == ENTRY_BATCHES) {
        if (!appliers_batches(partition, entry)) return;
        end_offset += entry->records;
        note_arrival(partition, entry, end_offset);
        if (!partition->held_only) partition->moved_bytes += entry->raw_len;
        partition->held_only = false;
        if (partition->leading) {
            partition->flow.produced_records += entry->records;
            partition->flow.produced_bytes += entry->raw_len;
        }
    } else if (entry->type == ENTRY_COMMAND && !appliers_command(partition, entry)) {
        return;
    }
    /* the group hands over each index once, in order */
    CHECK(entry->index == partition->applied + 1 || partition->applied == 0);
    partition->applied = entry->index;
    if (end_offset > partition->high_watermark) partition->high_watermark = end_offset;
}

static void on_caught_up(void *arg) {
    struct partition *partition = arg;
    bool moved = partition->log_start_moved, began = partition->share_began;
    partition->log_start_moved = partition->share_began = false;
    if (moved) partition_let_go(partition);
    partition_produces_advance(partition);
    partition_trims_advance(partition);
    partition_delay_advance(partition);
    partition_releases_advance(partition);
    partition_retain_bytes(partition);
    partition_waiters_tell(partition, moved || began);
    if (partition->queue.first != NULL) partition_produces_flush(partition);
    partition_note_moved(partition);
}

struct slice partition_applied_state(struct partition *partition) {
    return appliers_encode(partition);
}

static void on_keep_wanted(void *arg) {
    appliers_keep(arg);
}

/* The snapshot does not say whether the last command left a record. */
static void let_go_as_before(struct partition *partition) {
    partition->log_start_at_end = partition->log_start ==
                                  partition_log_end_offset(raft_group_log(partition->group));
    partition_let_go(partition);
}

/* Perhaps no entry follows that says where offsets go on. */
static void on_restored(struct partition *partition, log_index index) {
    kafka_offset behind = partition_log_offset_behind(raft_group_log(partition->group), index);
    partition->applied = index;
    if (behind > partition->high_watermark) partition->high_watermark = behind;
    if (partition->log_start > partition->high_watermark)
        partition->high_watermark = partition->log_start;
    let_go_as_before(partition);
    raft_group_restored(partition->group, index);
}

/* Another log is in force: what was applied of the one before counts no more. */
static void forget_applied(struct partition *partition) {
    appliers_forget(partition);
    partition->applied = 0;
    partition->log_start_moved = true; /* it has not heard yet what may go */
    partition->clock_noted_ms = (int64_t)env_now_ms(partition->env);
}

/* Inside raft_group_open: the appliers as they were kept; the group delivers what is behind. A
 * state that cannot be read costs a longer replay. Again when the leader has given the beginning of
 * the log: its state, up to where that describes it. */
static bool on_restore(void *arg, struct partition_log *log) {
    struct partition *partition = arg;
    log_index index;
    struct slice state;
    uint64_t every_bytes = partition->applies_all ? SNAPSHOT_EVERY_OWN : SNAPSHOT_EVERY;
    if (partition->group != NULL) forget_applied(partition); /* it is open: that is another log */
    partition_log_on_seal(log, every_bytes, on_keep_wanted, partition);
    if (partition->high_watermark < partition_log_start_offset(log))
        partition->high_watermark = partition_log_start_offset(log);
    traffic_opened(&partition->traffic, partition_log_end_offset(log));
    if (!partition_log_snapshot(log, &index, &state)) return false;
    appliers_restore(partition, state, index, on_restored);
    return true;
}

static bool reads(void *arg, struct slice state) {
    return appliers_read(arg, state);
}

/* ---- Leadership ---- */

static uint64_t clock_step_ms(const struct partition *partition) {
    return (uint64_t)partition->settings.producer_expiration_ms / PRODUCER_CLOCK_STEPS;
}

/* Time that nobody tells (a restart, a change of leaders) makes producers younger, never older.
 * Nothing while nobody is remembered. */
static void tell_clock(struct partition *partition) {
    int64_t now_ms = (int64_t)env_now_ms(partition->env),
            passed_ms = now_ms - partition->clock_noted_ms;
    struct producer_clock clock = {.clock_ms = producer_state_clock_ms(partition->producers) +
                                               passed_ms,
                                   .expiration_ms = partition->settings.producer_expiration_ms};
    if (producer_state_count(partition->producers) == 0 ||
        passed_ms < (int64_t)clock_step_ms(partition))
        return;
    struct entry_spec spec = {
        .type = ENTRY_COMMAND, .max_timestamp = -1, .raw = producer_clock_encode(&clock)};
    spec.base_offset = partition_log_end_offset(raft_group_log(partition->group));
    log_index index;
    if (raft_group_submit(partition->group, &spec, &index) == ERR_NONE)
        partition->clock_noted_ms = now_ms;
    else
        slice_unref(&spec.raw); /* the next time */
}

/* In a quiet group only time goes on, and only where a producer is remembered; or files below the
 * log's start, which are about to be sealed or are kept by a member that is away. */
static void watch_later(struct partition *partition) {
    if (!partition->quiet) {
        env_timer_start(partition->leading_timer, LEADING_CHECK_US);
    } else if (partition_log_keeps_prefix(raft_group_log(partition->group))) {
        env_timer_start(partition->leading_timer, START_CHECK_US);
    } else if (producer_state_count(partition->producers) == 0) {
        env_timer_stop(partition->leading_timer);
    } else {
        uint64_t at_ms = (uint64_t)partition->clock_noted_ms + clock_step_ms(partition);
        env_timer_start(partition->leading_timer,
                        env_ms_until(partition->env, at_ms) * UINT64_C(1000) + LEADING_CHECK_US);
    }
}

static void watch_leading(void *arg) {
    struct partition *partition = arg;
    uint64_t in_sync = partition_in_sync_now(partition);
    tell_clock(partition);
    partition_trims_advance(partition);
    partition_start_catch_up(partition);
    watch_later(partition);
    if (in_sync == partition->in_sync) return;
    partition->in_sync = in_sync;
    partition->events->in_sync_changed(partition->arg, partition);
}

static void on_leading(void *arg, log_term term) {
    struct partition *partition = arg;
    /* a leader leads when all of its log is committed and applied, and offsets are dense */
    CHECK(partition_log_end_offset(raft_group_log(partition->group)) == partition->high_watermark);
    partition->leading = true;
    partition->epoch = term;
    partition->next_offset = partition->high_watermark;
    partition->in_sync = partition_in_sync_now(partition);
    partition->quiet = false;
    traffic_leading(&partition->traffic, (int64_t)env_now_ms(partition->env),
                    partition->high_watermark);
    partition->start_told = 0;
    partition->retained_to = 0;
    watch_later(partition);
    partition->events->leading(partition->arg, partition, term);
    appliers_leading(partition);
    partition_produces_leading(partition);
    partition_releases_advance(partition);
    partition_waiters_tell(partition, true);
}

static void on_lost(void *arg) {
    struct partition *partition = arg;
    partition->leading = false;
    env_timer_stop(partition->leading_timer);
    partition->events->lost(partition->arg, partition);
    partition_produces_fail(partition, KAFKA_NOT_LEADER_OR_FOLLOWER);
    partition_trims_fail(partition, KAFKA_NOT_LEADER_OR_FOLLOWER);
    appliers_lost(partition);
    partition_waiters_tell(partition, true);
}

static void on_quiet(void *arg, bool quiet) {
    struct partition *partition = arg;
    partition->quiet = quiet;
    watch_leading(partition);
}

/* Who waited for this replica to be elected waits no longer when another one is. */
static void on_leader_changed(void *arg, replica_id replica, log_term term) {
    struct partition *partition = arg;
    (void)term;
    if (partition->leading || replica == partition->replica) return;
    partition_produces_fail(partition, KAFKA_NOT_LEADER_OR_FOLLOWER);
    appliers_passed_over(partition);
    partition_waiters_tell(partition, true);
}

static const struct raft_group_events raft_group_events = {.restore = on_restore,
                                                           .reads = reads,
                                                           .committed = on_committed,
                                                           .caught_up = on_caught_up,
                                                           .leading = on_leading,
                                                           .lost = on_lost,
                                                           .quiet = on_quiet,
                                                           .leader_changed = on_leader_changed};

/* ---- Life ---- */

static struct partition *partition_make(struct shard *shard, const struct partition_spec *spec,
                                        const struct partition_events *events, void *arg) {
    struct env *env = shard_env(shard);
    struct partition *partition = mem_zalloc(sizeof *partition);
    partition->shard = shard;
    partition->env = env;
    partition->topic = mem_strdup(spec->topic);
    partition->index = spec->index;
    partition->replica = spec->replica;
    partition_take_members(partition, spec->members, spec->member_count);
    partition->settings = spec->settings;
    partition->checks = spec->checks;
    partition->events = events;
    partition->arg = arg;
    partition->ids = spec->ids;
    partition->counts = spec->counts;
    partition->carrier = spec->carrier;
    partition->max_producers = spec->settings.max_producers;
    partition->guards = guards_new(spec->asker, partition->topic, partition->index,
                                   env_random_u64(env));
    appliers_open(partition, &spec->applier);
    partition->clock_noted_ms = (int64_t)env_now_ms(env);
    partition->leading_timer = env_timer_new(env, watch_leading, partition);
    partition_produces_open(partition);
    partition_releases_open(partition);
    return partition;
}

static void free_partition(struct partition *partition) {
    partition_releases_close(partition);
    partition_produces_close(partition);
    guards_free(partition->guards);
    traffic_close(&partition->traffic);
    env_timer_free(partition->leading_timer);
    appliers_snapshot_stop(partition);
    appliers_close(partition);
    producer_state_free(partition->producers);
    mem_free(partition->members);
    mem_free(partition->topic);
    mem_free(partition);
}

void partition_label(const char *topic, int32_t index, char into[PARTITION_LABEL_MAX]) {
    snprintf(into, PARTITION_LABEL_MAX, "%s-%" PRId32, topic, index);
}

int partition_open(struct shard *shard, const struct partition_spec *spec,
                   const struct partition_events *events, void *arg, struct partition **result,
                   struct error_text *why) {
    struct partition *partition = partition_make(shard, spec, events, arg);
    char label[PARTITION_LABEL_MAX];
    partition_label(spec->topic, spec->index, label);
    struct raft_group_spec group = {.id = spec->group,
                                    .label = label,
                                    .replica = spec->replica,
                                    .members = spec->members,
                                    .member_count = spec->member_count,
                                    .bootstrap = spec->bootstrap,
                                    .first_members = spec->first_members,
                                    .first_member_count = spec->first_member_count,
                                    .first = spec->members[0].replica,
                                    .needs_room = true,
                                    .eager_commit = spec->applier.type != NULL,
                                    .opening = spec->opening};
    int error = raft_group_open(shard, &group, &raft_group_events, partition, &partition->group,
                                why);
    if (error != ERR_NONE) {
        free_partition(partition);
        return error;
    }
    partition_apply_settings(partition);
    if (partition->restoring == NULL) let_go_as_before(partition);
    appliers_opened(partition);
    *result = partition;
    return ERR_NONE;
}

void partition_close(struct partition *partition, bool deleted) {
    bool led = partition->leading;
    partition->closed = true;
    partition->deleted = deleted;
    partition->leading = false;
    env_timer_stop(partition->leading_timer);
    partition_count_expiring(partition, false);
    int16_t code = deleted ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION : KAFKA_NOT_LEADER_OR_FOLLOWER;
    partition_produces_fail(partition, code);
    partition_trims_fail(partition, code);
    if (led) appliers_lost(partition);
    partition_reads_fail(partition);
    partition_lookups_fail(partition);
    partition_waiters_tell(partition, true);
    while (partition->waiters != NULL)
        partition_wait_cancel(partition->waiters);
    raft_group_close(partition->group);
    free_partition(partition);
}
