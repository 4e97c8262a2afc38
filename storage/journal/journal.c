/*
 * The journal as its owners see it: it is opened, records go into it, it is closed. The inside is
 * described in journal_internal.h.
 *
 * Happy path: a record is copied into the gathering round; what wants to be durable schedules the
 * end of this turn (journal_schedule.c). A round that is large enough is closed and another gathers
 * behind it.
 * Failures: none here; a write that fails ends the process (journal_writer.c). Invariants: indexes
 * of a group are recorded without holes; truncation never reaches what its owner said is synced; no
 * callback is called inside a call of an owner, or after journal_close.
 */
#include "storage/journal/journal.h"

#include "base/check.h"
#include "base/mutant.h"
#include "storage/journal/journal_internal.h"
#include "storage/journal/journal_recovery.h"

enum { READ_TRIES = 5 };

/* ---- Recording ---- */

static void record(struct journal *journal, const struct journal_record *record,
                   struct entry *entry, bool wanted) {
    CHECK(!journal->closing);
    size_t limit = journal_round_limit(journal);
    if (!journal_round_is_empty(journal->gathering) &&
        journal_round_bytes(journal->gathering) + journal_record_size(record) > limit)
        journal_close_round(journal);
    journal_round_add(journal->gathering, record, entry);
    if (wanted) journal->gathering->wanted = true;
    if (wanted || journal->stalled || journal->queue != journal->gathering)
        env_defer(journal->env, &journal->turn);
}

void journal_entry(struct journal *journal, struct entry *entry) {
    struct journal_group_state *group = journal_state_group(&journal->state, entry->group);
    CHECK(entry->index == group->asked_last + 1);
    group->asked_last = entry->index;
    struct journal_record of_entry = {.kind = JOURNAL_ENTRY,
                                      .entry = entry->header,
                                      .body = entry->body.data,
                                      .body_len = (uint32_t)entry->body.len};
    record(journal, &of_entry, entry, true);
}

void journal_hard_state(struct journal *journal, uint64_t group, log_term term,
                        uint64_t voted_for) {
    struct journal_record hard_state = {
        .kind = JOURNAL_HARD_STATE, .group = group, .term = term, .voted_for = voted_for};
    if (MUTANT(MUTANT_HARD_STATE_NOT_WRITTEN)) return;
    record(journal, &hard_state, NULL, true);
}

void journal_truncate(struct journal *journal, uint64_t group, log_index index) {
    struct journal_group_state *state = journal_state_group(&journal->state, group);
    CHECK(index > state->asked_progress);
    if (index <= state->asked_last) state->asked_last = index - 1;
    if (index < state->asked_void) state->asked_void = index;
    state->asked_truncates++;
    if (MUTANT(MUTANT_TRUNCATION_NOT_WRITTEN)) return;
    struct journal_record truncate = {.kind = JOURNAL_TRUNCATE, .group = group, .index = index};
    record(journal, &truncate, NULL, true);
}

void journal_commit(struct journal *journal, uint64_t group, log_index index) {
    struct journal_group_state *state = journal_state_group(&journal->state, group);
    if (index <= state->asked_commit) return;
    state->asked_commit = index;
    journal_state_release_committed(state);
    struct journal_record commit = {.kind = JOURNAL_COMMIT, .group = group, .index = index};
    record(journal, &commit, NULL, false);
}

void journal_progress(struct journal *journal, uint64_t group, log_index index, int64_t segment,
                      uint64_t position) {
    struct journal_group_state *state = journal_state_group(&journal->state, group);
    if (index < state->asked_progress) return;
    state->asked_progress = index;
    state->asked_segment = segment;
    state->asked_position = position;
    if (index > state->asked_last) state->asked_last = index;
    struct journal_record progress = {.kind = JOURNAL_PROGRESS,
                                      .group = group,
                                      .index = index,
                                      .segment = segment,
                                      .position = position};
    record(journal, &progress, NULL, false);
}

void journal_log_begins(struct journal *journal, uint64_t group, log_index index, int64_t segment,
                        uint64_t position) {
    struct journal_group_state *state = journal_state_group(&journal->state, group);
    CHECK(index > state->asked_progress); /* a log that has it needs no other */
    CHECK(state->asked_commit <= state->asked_progress ||
          state->asked_last <= state->asked_progress); /* log_staging_settle has waited for that */
    if (MUTANT(MUTANT_LOG_BEGINS_IN_TWO)) {
        journal_truncate(journal, group, state->asked_progress + 1);
        journal_progress(journal, group, index, segment, position);
        return;
    }
    state->asked_last = index;
    if (state->asked_progress + 1 < state->asked_void)
        state->asked_void = state->asked_progress + 1;
    state->asked_truncates++;
    if (index > state->asked_commit) state->asked_commit = index;
    struct journal_record begins = {.kind = JOURNAL_LOG_BEGINS,
                                    .group = group,
                                    .index = index,
                                    .segment = segment,
                                    .position = position};
    record(journal, &begins, NULL, true);
}

void journal_forget(struct journal *journal, uint64_t group) {
    journal_state_group(&journal->state, group)->asked_void = 0;
    struct journal_record forget = {.kind = JOURNAL_FORGET, .group = group};
    record(journal, &forget, NULL, false);
}

void journal_mark(struct journal *journal, uint64_t mark) {
    struct journal_record of_mark = {.kind = JOURNAL_MARK, .index = mark};
    record(journal, &of_mark, NULL, false);
}

void journal_witness(struct journal *journal, const struct journal_witness *witness) {
    struct journal_record of_witness = {.kind = JOURNAL_WITNESS,
                                        .directory = witness->directory,
                                        .run = witness->run,
                                        .sequence = witness->sequence};
    record(journal, &of_witness, NULL, true);
}

void journal_disown(struct journal *journal) {
    struct journal_record disowned = {.kind = JOURNAL_RUN, .run = 0};
    record(journal, &disowned, NULL, false);
}

/* ---- Opening and closing ---- */

void journal_close(struct journal *journal) {
    CHECK(!journal->closing);
    journal->closing = true;
    journal_waiters_init(&journal->waiters);
    journal_waiters_init(&journal->telling);
    journal->files.stopping = true;
    env_defer_cancel(journal->env, &journal->turn);
    env_defer_cancel(journal->env, &journal->tell);
    env_timer_stop(journal->again);
    if (journal->write.waits)
        journal_writer_give_up(journal);
    else
        journal_free_if_unused(journal);
}

static uint64_t bytes_above_commit(const struct journal_group *recovered) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < recovered->entry_count; i++)
        if (recovered->entries[i]->index > recovered->commit)
            bytes += entry_stored_size(recovered->entries[i]);
    return bytes;
}

static void take_over_groups(struct journal *journal) {
    struct journal_group_state *group, *next;
    uint64_t uncommitted = 0;
    HASH_ITER(hh, journal->state.groups, group, next) {
        group->asked_last = journal_state_last(group);
        group->asked_progress = group->progress;
        group->asked_segment = group->progress_segment;
        group->asked_position = group->progress_position;
        group->asked_commit = group->commit;
        journal_state_make_recovered(group);
        uncommitted += bytes_above_commit(group->recovered);
    }
    journal_room_recovered(journal, uncommitted);
}

/* Goes on where the rounds end. The sync is for a last round that a dead process had written and
 * not synced. */
static int continue_journal(struct journal *journal, struct journal_tail *tail,
                            struct error_text *why) {
    take_over_groups(journal);
    journal->stats.torn_tails = tail->torn;
    if (tail->torn > 0)
        log_event(
            journal->log, LOGGED_JOURNAL_TAIL_CUT,
            "the journal in %s ended with a write that was not finished; it is cut at position %llu",
            journal->files.path, (unsigned long long)tail->end);
    int error = env_file_sync(tail->file->file);
    if (error != ERR_NONE)
        return error_set(why, error, "cannot sync the journal in %s (%s)", journal->files.path,
                         error_phrase(error));
    return journal_writer_continue(journal, tail, why);
}

static int missing(const char *path, struct error_text *why) {
    return error_set(
        why, ERR_CORRUPT,
        "the journal in %s is missing, and this directory was in use: put it back as it was; the other brokers go on "
        "without this one",
        path);
}

static int recover(struct journal *journal, const char *path, struct error_text *why) {
    struct journal_tail tail = {0};
    int error = journal_recover(&journal->files, &journal->state, &tail, why);
    if (error == ERR_NONE && !tail.found && journal->options.must_exist) error = missing(path, why);
    if (error == ERR_NONE) error = journal_files_settle(&journal->files, why);
    if (error == ERR_NONE)
        error = tail.found ? continue_journal(journal, &tail, why)
                           : journal_writer_begin(journal, why);
    journal_round_free(tail.repeat);
    return error;
}

int journal_open(struct env *env, struct log *log, const char *path,
                 const struct journal_options *options, struct journal **journal,
                 struct error_text *why) {
    enum env_kind kind = ENV_NOTHING;
    if (options->must_exist && env_kind_of(env, path, &kind) == ERR_NONE && kind == ENV_NOTHING)
        return missing(path, why);
    struct journal *opened = journal_new(env, log, options);
    opened->turn.run = journal_turn_ends;
    opened->tell.run = journal_tells_on;
    int error = journal_files_open(&opened->files, env, path, opened->options.file_bytes, false,
                                   why);
    if (error == ERR_NONE) error = recover(opened, path, why);
    if (error != ERR_NONE) {
        journal_free(opened);
        return error;
    }
    opened->lane = env_lane_new(env, "journal");
    opened->again = env_timer_new(env, journal_room_again, opened);
    journal_writer_begin_tries(opened);
    journal_room_prepare(opened);
    *journal = opened;
    return ERR_NONE;
}

/* ---- Beside a running broker ---- */

static int read_once(struct env *env, const char *path,
                     void (*each)(void *arg, const struct journal_group *group), void *arg,
                     struct error_text *why) {
    struct journal_files files;
    struct journal_state state;
    struct journal_tail tail;
    int error = journal_files_open(&files, env, path, 0, true, why);
    if (error != ERR_NONE) return error;
    journal_state_init(&state);
    error = journal_recover(&files, &state, &tail, why);
    if (error == ERR_NONE) {
        struct journal_group_state *group, *next;
        HASH_ITER(hh, state.groups, group, next) {
            journal_state_make_recovered(group);
            each(arg, group->recovered);
        }
    }
    journal_round_free(tail.repeat);
    journal_state_close(&state);
    journal_files_close(&files);
    return error;
}

int journal_read_lineage(struct env *env, const char *path, struct journal_lineage *lineage,
                         struct error_text *why) {
    struct journal_files files;
    struct journal_state state;
    struct journal_tail tail = {0};
    int error = journal_files_open(&files, env, path, 0, true, why);
    *lineage = (struct journal_lineage){0};
    if (error != ERR_NONE) return error;
    journal_state_init(&state);
    error = journal_recover(&files, &state, &tail, why);
    if (error == ERR_NONE) {
        struct journal_record begins = {
            .kind = JOURNAL_RUN, .run = UINT64_MAX, .sequence = tail.last.sequence};
        *lineage = state.lineage;
        state.lineage = (struct journal_lineage){0};
        journal_lineage_apply(lineage, &begins);
    }
    journal_round_free(tail.repeat);
    journal_state_close(&state);
    journal_files_close(&files);
    return error;
}

/* What looks like damage may be a file that was begun anew while it was read: then it is whole the
 * next time. */
int journal_read(struct env *env, const char *path,
                 void (*each)(void *arg, const struct journal_group *group), void *arg,
                 struct error_text *why) {
    int error = ERR_CORRUPT;
    for (int tries = 0; tries < READ_TRIES && error == ERR_CORRUPT; tries++)
        error = read_once(env, path, each, arg, why);
    return error;
}

/* ---- Questions ---- */

const struct journal_group *journal_recovered(const struct journal *journal, uint64_t group) {
    const struct journal_group_state *state = journal_state_find(&journal->state, group);
    return state == NULL ? NULL : state->recovered;
}

bool journal_recovered_is_gone(const struct journal *journal, uint64_t group) {
    const struct journal_group_state *state = journal_state_find(&journal->state, group);
    return state != NULL && state->recovered == NULL;
}

void journal_each_group(const struct journal *journal, void (*each)(void *arg, uint64_t group),
                        void *arg) {
    struct journal_group_state *group, *next;
    HASH_ITER(hh, journal->state.groups, group, next) {
        if (group->known) each(arg, group->group);
    }
}

void journal_recovered_release(struct journal *journal, uint64_t group) {
    struct journal_group_state *state = journal_state_find(&journal->state, group);
    if (state == NULL) return;
    journal_state_free_recovered(state);
    journal_state_release_committed(state);
}

uint64_t journal_durable_mark(const struct journal *journal) {
    return journal->durable_mark;
}

void journal_on_pressure(struct journal *journal,
                         void (*pressed)(void *arg, uint64_t group, log_index index), void *arg) {
    journal->on_pressure = pressed;
    journal->on_pressure_arg = arg;
    env_defer(journal->env, &journal->turn);
}

uint64_t journal_live_bytes(const struct journal *journal) {
    return journal->files.live_bytes;
}

bool journal_is_direct(const struct journal *journal) {
    for (size_t i = 0; i < journal->files.count; i++)
        if (!env_file_is_direct(journal->files.all[i]->file)) return false;
    return true;
}

uint64_t journal_limit_bytes(const struct journal *journal) {
    return journal->limit;
}

uint64_t journal_disk_bytes(const struct journal *journal) {
    return journal->files.live_bytes + journal->files.free_bytes;
}

uint64_t journal_sequence(const struct journal *journal) {
    return journal->durable_sequence;
}

uint64_t journal_run(const struct journal *journal) {
    return journal->run;
}

bool journal_covers(const struct journal *journal, uint64_t run, uint64_t sequence) {
    return journal_lineage_covers(&journal->state.lineage, run, sequence);
}

const struct journal_witness *journal_witness_of(const struct journal *journal,
                                                 uint64_t directory) {
    return journal_lineage_witness(&journal->state.lineage, directory);
}

bool journal_is_disowned(const struct journal *journal) {
    return journal->state.lineage.disowned;
}

void journal_stats_get(const struct journal *journal, struct journal_stats *stats) {
    *stats = journal->stats;
    stats->files_made = journal->files.made;
    stats->files_reused = journal->files.reused;
    stats->sync_age_us = journal->write.busy ? env_now_us(journal->env) - journal->write.began_us
                                             : 0;
}
