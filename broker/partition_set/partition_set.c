/*
 * The rows of the set: what each is to be, opening, closing, trying again.
 *
 * What a partition here can be, by the command that made it and what this directory knows
 * (bootstrap only in the first row):
 *
 *   created          stored     it is
 *   above the mark   nothing    new here: bootstrapped
 *   above the mark   something  opened as it is: a crash came between its first entry and the mark
 *   at or below it   something  opened as it is
 *   at or below it   nothing    lost: opened empty, never bootstrapped, brought up by its leader
 *
 * The first two are one case for raft_group_open, which bootstraps only an empty log. The mark is
 * moved by partition_set_mark.c.
 *
 * The way of a row: waiting -> opening (its log is looked at in the store's lane, a few at a time)
 * -> open. When that fails it is closed, and waits again after a pause that doubles each time. A
 * row that is removed while its log is looked at is only marked, and goes when that is over.
 */
#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/config/broker_settings.h"
#include "broker/partition_set/partition_set_internal.h"
#include "broker/partition_set/partition_settings.h"
#include "storage/journal/journal.h"

enum {
    OPENINGS_MAX = 32, /* at one time */
    TRY_AGAIN_MOST_MS = 30 * 1000,
    /* 10,000 in 2.5 s: as fast as they can be, three brokers take all of two cores, and whoever
       produces meanwhile waits for 100 ms and more. */
    NEW_EVERY_US = 250,
    NEW_AT_ONCE = 64,
    CHECKS_OF_A_TURN_US = 3 * 1000, /* of produced batches, on the loop */
};

static void note_stored(void *set, uint64_t group) {
    if (group != METADATA_GROUP) group_notes_add(&((struct partition_set *)set)->stored, group);
}

static void go_on(struct env_task *task);
static void try_closed(void *arg);
static void on_paced(void *arg);

struct partition_set *partition_set_new(struct shard *shard, const struct broker_settings *settings,
                                        struct leader_table *leaders, struct producer_ids *ids,
                                        const struct transaction_asker *asker,
                                        const struct applier_factory *appliers) {
    struct partition_set *set = mem_zalloc(sizeof *set);
    set->shard = shard;
    set->env = shard_env(shard);
    set->log = shard_log(shard);
    set->settings = settings;
    set->leaders = leaders;
    set->ids = ids;
    set->asker = asker;
    if (appliers != NULL) set->appliers = *appliers;
    struct check_pool_options checks = {.memory_bytes = settings->produce_check_memory_bytes,
                                        .inline_us = settings->produce_check_inline_us,
                                        .turn_us = CHECKS_OF_A_TURN_US};
    set->checks = check_pool_new(set->env, &checks);
    set->marked = journal_durable_mark(log_store_journal(shard_store(shard)));
    set->go_on.run = go_on;
    set->looked_end = &set->looked;
    set->left_end = &set->left;
    set->try_again = env_timer_new(set->env, try_closed, set);
    set->pace = (struct pace){.every_us = NEW_EVERY_US, .burst = NEW_AT_ONCE};
    set->paced = env_timer_new(set->env, on_paced, set);
    log_store_each_group(shard_store(shard), note_stored, set);
    return set;
}

/* ---- Rows that are not open ---- */

static struct row *take_waiting(struct partition_set *set) {
    while (set->next_waiting != NULL && (set->next_waiting->state != ROW_WAITING ||
                                         group_notes_have(set->removing, set->next_waiting->group)))
        set->next_waiting = set->next_waiting->next;
    return set->next_waiting;
}

void partition_set_close(struct partition_set *set) {
    for (struct row *row = set->unopened; row != NULL; row = row->next)
        if (row->opening != NULL) partition_log_open_cancel(row->opening, NULL, NULL);
    while (set->rows != NULL)
        partition_set_drop_row(set->rows, false);
    partition_walk_end(&set->settling);
    set->looked = NULL;
    set->looked_end = &set->looked;
    env_defer_cancel(set->env, &set->go_on);
    env_timer_stop(set->try_again);
    env_timer_stop(set->paced);
    set->metadata = NULL; /* nothing is found any more */
}

void partition_set_free(struct partition_set *set) {
    if (set == NULL) return;
    partition_set_close(set);
    check_pool_free(set->checks);
    env_timer_free(set->try_again);
    env_timer_free(set->paced);
    group_notes_clear(&set->stored);
    group_notes_clear(&set->removed);
    partition_set_forget_left(set);
    mem_free(set->added.groups);
    mem_free(set);
}

/* ---- Who leads ---- */

static bool is_among(int32_t node, const int32_t *nodes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (nodes[i] == node) return true;
    return false;
}

/* Who is in sync now and was not, and the other way round. */
static void tell_in_sync(struct row *row, struct partition *partition, const int32_t *in_sync,
                         size_t count) {
    const struct partition_set_watch *watch = row->set->watch;
    struct leader before = leader_table_get(row->set->leaders, row->group);
    if (watch == NULL || env_now_ms(row->set->env) - row->led_since_ms < PARTITION_SETTLED_MS ||
        before.node != row->set->settings->node_id)
        return;
    for (size_t i = 0; i < before.in_sync_count; i++)
        if (!is_among(before.in_sync[i], in_sync, count))
            watch->in_sync(watch->arg, partition, before.in_sync[i], false);
    for (size_t i = 0; i < count; i++)
        if (!is_among(in_sync[i], before.in_sync, before.in_sync_count))
            watch->in_sync(watch->arg, partition, in_sync[i], true);
}

static void announce(struct row *row, struct partition *partition) {
    struct raft_group *group = partition_group(partition);
    int32_t in_sync[METADATA_REPLICAS_MAX];
    size_t count = 0;
    in_sync[count++] = row->set->settings->node_id;
    for (size_t i = 0; i < row->member_count; i++)
        if (row->members[i].node != row->set->settings->node_id &&
            raft_group_member_in_sync(group, row->members[i].replica))
            in_sync[count++] = row->members[i].node;
    tell_in_sync(row, partition, in_sync, count);
    leader_table_lead(row->set->leaders, row->group, partition_leader_epoch(partition), in_sync,
                      count);
}

static void on_leading(void *arg, struct partition *partition, log_term term) {
    struct row *row = arg;
    const struct partition_set_watch *watch = row->set->watch;
    (void)term;
    row->led_since_ms = env_now_ms(row->set->env);
    announce(row, partition);
    if (watch != NULL) watch->leading(watch->arg, partition);
}

static void on_lost(void *arg, struct partition *partition) {
    struct row *row = arg;
    const struct partition_set_watch *watch = row->set->watch;
    leader_table_lost(row->set->leaders, row->group);
    if (watch != NULL) watch->lost(watch->arg, partition);
}

static void on_in_sync_changed(void *arg, struct partition *partition) {
    if (partition_is_leading(partition)) announce(arg, partition);
}

static void on_moved(void *arg, struct partition *partition) {
    const struct row *row = arg;
    const struct partition_set_counter *counter = row->set->counter;
    (void)partition;
    if (counter != NULL) counter->moved(counter->arg, row->group);
}

static const struct partition_events partition_events = {on_leading, on_lost, on_in_sync_changed,
                                                         on_moved};

const struct produce_counts *partition_set_counts(const struct partition_set *set) {
    return &set->counts;
}

/* ---- Opening ---- */

static void remove_files(struct partition_set *set, uint64_t group) {
    if (!group_notes_take(&set->stored, group)) return;
    int error = log_store_remove_group(shard_store(set->shard), group);
    if (error != ERR_NONE && error != ERR_NOT_FOUND)
        log_event(set->log, LOGGED_FILES_NOT_REMOVED,
                  "the files of the deleted group %" PRIu64 " cannot be removed (%s)", group,
                  error_phrase(error));
}

/* It is tried again: what was in the way may pass, and damaged files may be put back. */
static void stay_closed(struct row *row, const struct metadata_partition *source, int error,
                        const struct error_text *why) {
    struct partition_set *set = row->set;
    uint64_t pause_ms = row->pause_ms == 0 ? TRY_AGAIN_FIRST_MS : row->pause_ms * 2;
    bool first = row->pause_ms == 0;
    row->state = ROW_CLOSED;
    row->damaged = error_is_damage(error);
    row->passing = error == ERR_LIMIT || error == ERR_BUSY || error_is_no_room(error);
    row->pause_ms = pause_ms < TRY_AGAIN_MOST_MS ? pause_ms : TRY_AGAIN_MOST_MS;
    row->try_at_ms = env_now_ms(set->env) + row->pause_ms;
    if (!MUTANT(MUTANT_MARK_PASSES_CLOSED))
        env_timer_start(set->try_again, TRY_AGAIN_FIRST_MS * 1000);
    if (first)
        log_limited(
            set->log, &set->complaints, LOGGED_PARTITION_NOT_OPENED,
            "partition %s-%" PRId32
            " cannot be opened: %s; it is closed on this broker and tried again, the others go on",
            source->topic->name, source->index, why->text);
}

/* No replica of it has been here before, as far as it is known for certain. */
static bool is_new(const struct row *row) {
    return row->created > journal_durable_mark(log_store_journal(shard_store(row->set->shard))) ||
           MUTANT(MUTANT_NEWCOMER_BOOTSTRAPPED);
}

static void set_delay(const struct partition_set *set, const struct metadata_topic *topic,
                      struct partition *partition) {
    struct delay_settings settings;
    partition_delay_settings_of(set->settings, topic, &settings);
    partition_set_delay(partition, &settings);
}

static void open_partition(struct row *row, const struct metadata_partition *source) {
    struct partition_set *set = row->set;
    struct raft_group_member first[METADATA_REPLICAS_MAX];
    for (size_t i = 0; i < source->first_count; i++)
        first[i] = (struct raft_group_member){.replica = source->first_replica + i, .voter = true};
    struct partition_spec spec = {.group = row->group,
                                  .topic = source->topic->name,
                                  .index = source->index,
                                  .replica = row->replica,
                                  .members = row->members,
                                  .member_count = row->member_count,
                                  .first_members = MUTANT(MUTANT_NEWCOMER_BOOTSTRAPPED) ? NULL
                                                                                        : first,
                                  .first_member_count = source->first_count,
                                  .bootstrap = is_new(row),
                                  .opening = row->opening};
    spec.checks = set->checks;
    spec.ids = set->ids;
    spec.counts = &set->counts;
    spec.asker = set->asker;
    spec.carrier = &set->carrier;
    if (set->appliers.make != NULL) set->appliers.make(set->appliers.arg, source, &spec.applier);
    partition_settings_of(set->settings, source->topic, &spec.settings);
    struct error_text why;
    row->opening = NULL;
    int error = partition_open(set->shard, &spec, &partition_events, row, &row->partition, &why);
    if (error != ERR_NONE) {
        row->partition = NULL;
        stay_closed(row, source, error, &why);
        if (error == ERR_BUSY && row->created == 0) partition_set_met_other(row);
        return;
    }
    set_delay(set, source->topic, row->partition);
    set->bootstrapped = set->bootstrapped || spec.bootstrap;
    partition_set_unlist_unopened(row);
    row->state = ROW_OPEN;
    set->open_count++;
    if (set->counter != NULL) set->counter->moved(set->counter->arg, row->group);
    if (row->pause_ms > 0)
        log_limited(set->log, &set->complaints, LOGGED_PARTITION_OPENED,
                    "partition %s-%" PRId32 " is open now", source->topic->name, source->index);
}

/* Its log was looked at. */
static void on_looked(void *arg) {
    struct row *row = arg;
    struct partition_set *set = row->set;
    row->next_looked = NULL;
    *set->looked_end = row;
    set->looked_end = &row->next_looked;
    env_defer(set->env, &set->go_on);
}

static void end_opening(struct row *row) {
    struct partition_set *set = row->set;
    const struct metadata_partition *source = metadata_partition_of_group(set->metadata,
                                                                          row->group);
    set->openings--;
    if (row->removed) {
        uint64_t group = row->group;
        if (row->opening != NULL) partition_log_open_cancel(row->opening, NULL, NULL);
        partition_set_drop_row(row, true);
        remove_files(set, group);
    } else if (source == NULL || partition_set_has_left(row)) { /* the next reconcile removes it */
        partition_log_open_cancel(row->opening, NULL, NULL);
        row->opening = NULL;
        row->state = ROW_CLOSED;
    } else {
        open_partition(row, source);
    }
}

/* False: the rest is for a later turn. */
static bool end_openings(struct partition_set *set) {
    while (set->looked != NULL) {
        struct row *row = set->looked;
        set->looked = row->next_looked;
        if (set->looked == NULL) set->looked_end = &set->looked;
        end_opening(row);
        if (set->looked != NULL && env_turn_is_long(set->env)) return false;
    }
    return true;
}

/* False: it is not its time yet. What a start finds is opened as fast as it can be. */
static bool keeps_pace(const struct row *row) {
    struct partition_set *set = row->set;
    if (!is_new(row) || pace_take(&set->pace, env_now_us(set->env))) return true;
    env_timer_start_at(set->paced, pace_again_us(&set->pace));
    return false;
}

static void begin_openings(struct partition_set *set) {
    struct row *row;
    while (set->openings < OPENINGS_MAX && (row = take_waiting(set)) != NULL && keeps_pace(row)) {
        const struct metadata_partition *source = metadata_partition_of_group(set->metadata,
                                                                              row->group);
        char label[PARTITION_LABEL_MAX];
        if (source == NULL) { /* the table is of a snapshot, and this is told in a later turn */
            row->state = ROW_CLOSED;
            row->try_at_ms = env_now_ms(set->env) + TRY_AGAIN_FIRST_MS;
            env_timer_start(set->try_again, TRY_AGAIN_FIRST_MS * 1000);
            continue;
        }
        partition_label(source->topic->name, source->index, label);
        row->state = ROW_OPENING;
        row->opening = partition_log_open_begin(shard_store(set->shard), row->group,
                                                row->created == 0 ? row->replica : 0, label,
                                                on_looked, row);
        set->openings++;
    }
}

static void on_paced(void *arg) {
    struct partition_set *set = arg;
    env_defer(set->env, &set->go_on);
}

static void try_closed(void *arg) {
    struct partition_set *set = arg;
    uint64_t now_ms = env_now_ms(set->env);
    bool any = partition_set_look_at_held(set);
    for (struct row *row = set->unopened; row != NULL; row = row->next) {
        if (row->state != ROW_CLOSED) continue;
        if (row->try_at_ms <= now_ms)
            row->state = ROW_WAITING;
        else
            any = true;
    }
    set->next_waiting = set->unopened;
    if (any) env_timer_start(set->try_again, TRY_AGAIN_FIRST_MS * 1000);
    env_defer(set->env, &set->go_on);
}

static void add_row(struct partition_set *set, const struct metadata_partition *source) {
    struct row *row = mem_zalloc(sizeof *row);
    row->set = set;
    partition_set_fill_row(row, source);
    HASH_ADD(hh, set->rows, group, sizeof row->group, row);
    group_notes_add(&set->stored, source->group);
    partition_set_list_unopened(row);
}

static void remove_group(struct partition_set *set, uint64_t group) {
    struct row *row;
    HASH_FIND(hh, set->rows, &group, sizeof group, row);
    leader_table_forget(set->leaders, group);
    if (row != NULL && row->state == ROW_OPENING) {
        row->removed = true;
        return;
    }
    if (row != NULL) partition_set_drop_row(row, true);
    remove_files(set, group);
}

void partition_set_added(struct partition_set *set, const struct metadata_partition *partition) {
    if (partition_set_is_ours(set, partition)) group_queue_push(&set->added, partition->group);
}

void partition_set_removed(struct partition_set *set, const struct metadata_partition *partition) {
    group_notes_add(&set->removed, partition->group);
}

void partition_set_configs_changed(struct partition_set *set, const struct metadata_topic *topic) {
    struct partition_settings settings;
    partition_settings_of(set->settings, topic, &settings);
    for (int32_t p = 0; p < topic->partition_count; p++) {
        struct partition *partition = partition_set_find_group(set, topic->partitions[p].group);
        if (partition == NULL) continue;
        partition_set_settings(partition, &settings);
        set_delay(set, topic, partition);
    }
}

static void settle(struct partition_walk *walk, struct partition *partition) {
    const struct partition_set *set = walk->set;
    const struct metadata_partition *source = metadata_partition_of_group(
        set->metadata, raft_group_id(partition_group(partition)));
    struct partition_settings settings;
    if (source == NULL) return; /* it goes */
    partition_settings_of(set->settings, source->topic, &settings);
    partition_set_settings(partition, &settings);
}

void partition_set_settings_changed(struct partition_set *set) {
    set->settling.meet = settle;
    partition_walk_begin(set, &set->settling);
}

static void reconcile_one(struct partition_set *set) {
    if (set->removed != NULL) {
        remove_group(set, group_notes_pop(&set->removed));
        return;
    }
    const struct metadata_partition *partition = metadata_partition_of_group(
        set->metadata, group_queue_pop(&set->added));
    if (partition == NULL) return; /* it has gone as it came */
    struct row *row;
    HASH_FIND(hh, set->rows, &partition->group, sizeof row->group, row);
    if (row != NULL)
        partition_set_change_row(row, partition);
    else if (partition_set_is_ours(set, partition))
        add_row(set, partition);
}

/* Some of what was noted, and the rest in later turns. Only when nothing is noted the set is as the
 * metadata is, and all that waits is in it. */
static void go_on(struct env_task *task) {
    struct partition_set *set = CONTAINER_OF(task, struct partition_set, go_on);
    if (set->metadata != NULL) partition_set_remove_left(set);
    while (set->metadata != NULL && (set->removed != NULL || set->added.count > 0)) {
        reconcile_one(set);
        if (!env_turn_is_long(set->env)) continue;
        env_yield(set->env, task);
        return;
    }
    set->applied = set->told;
    bool all = end_openings(set);
    if (set->metadata != NULL) partition_set_remove_left(set);
    begin_openings(set);
    partition_set_move_mark(set);
    if (!all) env_yield(set->env, task);
}

void partition_set_reconcile(struct partition_set *set, const struct metadata *metadata,
                             uint64_t applied) {
    set->metadata = metadata;
    set->told = applied;
    go_on(&set->go_on);
}

/* ---- Finding ---- */

struct partition *partition_set_find_group(struct partition_set *set, uint64_t group) {
    struct row *row;
    HASH_FIND(hh, set->rows, &group, sizeof group, row);
    return row == NULL ? NULL : row->partition;
}

bool partition_set_is_closed(struct partition_set *set, uint64_t group) {
    struct row *row;
    HASH_FIND(hh, set->rows, &group, sizeof group, row);
    return row != NULL && row->state == ROW_CLOSED && !row->passing;
}

struct partition *partition_set_find(struct partition_set *set, const char *topic, size_t topic_len,
                                     int32_t index) {
    if (set->metadata == NULL) return NULL;
    const struct metadata_topic *found = metadata_topic_named(set->metadata, topic, topic_len);
    const struct metadata_partition *partition = found == NULL
                                                     ? NULL
                                                     : metadata_partition_at(found, index);
    return partition == NULL ? NULL : partition_set_find_group(set, partition->group);
}

size_t partition_set_count(const struct partition_set *set) {
    return set->open_count;
}
