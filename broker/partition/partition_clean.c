/*
 * When a partition is cleaned, and how far.
 *
 * Each replica cleans what it has, sealed segments that are applied. Entries that were cleaned can
 * be given to nobody by their index, so they are only those that every member that is waited for
 * has on its disk: the leader says so in a command, LOG_START with the same start (decision 33),
 * because followers do not know it of each other. Who was away for longer is given files. And they
 * lie below the last stable offset: of each transaction in them it is known how it ended.
 */
#include <string.h>

#include "base/mem.h"
#include "broker/config/topic_name.h"
#include "broker/partition/partition_internal.h"

enum {
    PAUSE_MAX_MS = 60 * 60 * 1000,
    ABORTED_MAX = 1 << 18, /* are copied for a round, in one turn */
};

static struct log_clean_limits limits_up_to(const struct partition *partition, log_index index) {
    const struct partition_settings *settings = &partition->settings;
    struct log_clean_limits limits = {
        .index = index, .young_ms = INT64_MAX, .stable = partition_stable_offset(partition)};
    if (partition->applied < limits.index) limits.index = partition->applied;
    if (settings->min_compaction_lag_ms > 0)
        limits.young_ms = env_wall_ms(partition->env) - settings->min_compaction_lag_ms;
    return limits;
}

static bool is_overdue(const struct partition *partition, const struct log_cleanable *cleanable) {
    int64_t age_ms = env_wall_ms(partition->env) - cleanable->dirty_since_ms;
    return cleanable->dirty_since_ms >= 0 && age_ms > partition->settings.max_compaction_lag_ms;
}

static bool is_enough(const struct partition *partition, const struct log_cleanable *cleanable,
                      struct partition_dirt *dirt) {
    if (cleanable->dirty_bytes == 0) return false;
    dirt->ratio = (double)cleanable->dirty_bytes /
                  (double)(cleanable->dirty_bytes + cleanable->clean_bytes);
    dirt->overdue = is_overdue(partition, cleanable);
    dirt->internal = topic_name_is_internal(partition->topic, strlen(partition->topic));
    return dirt->overdue || dirt->ratio > partition->settings.min_cleanable_ratio;
}

/* More could be cleaned if it were known to be everywhere, and by now it is. */
static void tell_everywhere(struct partition *partition, const struct log_cleanable *cleanable) {
    if (!partition->leading || cleanable->last_index <= partition->everywhere ||
        cleanable->last_index <= partition->start_told ||
        raft_group_everywhere(partition->group) < cleanable->last_index)
        return;
    partition_submit_log_start(partition, partition->log_start, LOG_START_CAUGHT_UP);
}

/* What has failed for want of room waits no longer when there clearly is some. */
static bool is_paused(const struct partition *partition, const struct log_cleanable *cleanable) {
    if (env_now_ms(partition->env) >= partition->clean_paused_to_ms) return false;
    return !partition->clean_lacked_room ||
           !log_cleaning_has_room(raft_group_log(partition->group), 2 * cleanable->output_bytes);
}

bool partition_is_dirty(struct partition *partition, struct partition_dirt *dirt) {
    struct partition_log *log = raft_group_log(partition->group);
    struct log_clean_limits limits = limits_up_to(partition, UINT64_MAX);
    struct log_cleanable all, now;
    if (!partition->settings.cleanup_compact) return false;
    /* It had delay.enable: what is held back there must not count as the newest of its key. */
    if (partition_delay_end(partition) > partition_start_offset(partition)) return false;
    log_cleanable_look_below(log, &limits, partition->everywhere, &all, &now);
    if (!is_enough(partition, &all, dirt)) return false;
    tell_everywhere(partition, &all);
    if (is_paused(partition, &now) || !is_enough(partition, &now, dirt)) return false;
    dirt->no_room = !log_cleaning_has_room(log, now.output_bytes);
    return true;
}

/* What was aborted from where no round has been. Where that is too much, the round goes only as far
 * as all that it meets was decided by those that it knows. */
static void know_aborted(const struct partition *partition, struct clean_aborted *into,
                         kafka_offset *stable) {
    size_t count;
    kafka_offset from = log_clean_to(raft_group_log(partition->group));
    const struct aborted_transaction *aborted = aborted_list_since(
        producer_state_aborted(partition->producers), from, &count);
    *into = (struct clean_aborted){.from = from};
    if (count > ABORTED_MAX) {
        count = ABORTED_MAX;
        if (aborted[count - 1].stable_offset < *stable) *stable = aborted[count - 1].stable_offset;
    }
    if (count == 0) return;
    into->items = mem_alloc(count * sizeof *into->items);
    for (; into->count < count; into->count++, aborted++)
        into->items[into->count] = (struct clean_aborted_one){
            aborted->producer_id, aborted->first_offset, aborted->marker_offset};
}

int partition_clean(struct partition *partition, const struct log_clean_options *options,
                    struct log_cleaning *cleaning) {
    struct partition_log *log = raft_group_log(partition->group);
    struct partition_dirt dirt;
    struct log_cleanable cleanable;
    struct log_clean_limits limits = limits_up_to(partition, partition->everywhere);
    struct log_clean_options with_marks = *options;
    with_marks.tombstones_below = partition_tombstones_below(partition);
    know_aborted(partition, &with_marks.aborted, &limits.stable);
    log_cleanable_look(log, &limits, &cleanable);
    int error = is_enough(partition, &cleanable, &dirt)
                    ? log_cleaning_begin(log, &limits, &with_marks, cleaning)
                    : ERR_AGAIN;
    if (error) clean_aborted_close(&with_marks.aborted);
    return error;
}

void partition_was_cleaned(struct partition *partition, int error, uint64_t first_pause_ms) {
    uint64_t pause_ms = partition->clean_pause_ms * 2;
    if (pause_ms == 0) pause_ms = first_pause_ms;
    if (pause_ms > PAUSE_MAX_MS) pause_ms = PAUSE_MAX_MS;
    partition->clean_lacked_room = error_is_no_room(error);
    partition->clean_pause_ms = error == ERR_NONE ? 0 : pause_ms;
    partition->clean_paused_to_ms = error == ERR_NONE ? 0 : env_now_ms(partition->env) + pause_ms;
    partition_note_moved(partition);
}
