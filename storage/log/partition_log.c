/*
 * The log of one Raft group: its end, its hard state, its positions. The inside is described in
 * log_internal.h; recovery is in partition_log_recovery.c, reading in
 * partition_log_{read,fetch,search}.c.
 *
 * Happy path: append puts entries into memory and journal; commit lets write-behind have them.
 * What is on disk: an append or a hard state notes in the mark of the gathering round of the
 * journal how far the log will be durable with it; when the round is, the mark is reported, hard
 * state first. Everything of one round is one report.
 * Failures: none; what could fail happens in the journal and in write-behind, which end the
 * process.
 * Invariants: entries continue the log (index, offset, term); only uncommitted entries are
 * truncated. Rounds become durable in order, so marks are reported in order; a truncation caps
 * every mark, because what those rounds hold from that index on is no longer in the log; what is
 * appended afterwards raises the mark of its own round only.
 */
#include "storage/log/partition_log.h"

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/log/applier_snapshot.h"
#include "storage/log/log_reading.h"
#include "storage/log/write_behind.h"

/* ---- What of it is on disk ---- */

static void raise_durable(struct partition_log *log, log_index index) {
    if (index <= log->durable) return;
    for (uint64_t i = log->durable + 1; i <= index; i++) {
        const struct entry *entry = log_memory_at(&log->memory, i);
        CHECK(entry); /* nothing leaves memory before it is durable */
        log->undurable_bytes -= entry_stored_size(entry);
        log->store->undurable_bytes -= entry_stored_size(entry);
    }
    log->durable = index;
    applier_snapshot_durable(log);
    write_behind_look(log);
    log->events.durable(log->arg, index);
}

/* The journal's round with this mark is durable. */
static void round_is_durable(struct journal_waiter *waiter) {
    struct durable_mark *mark = (struct durable_mark *)waiter;
    struct partition_log *log = mark->log;
    CHECK(mark == log->oldest_mark); /* the journal's rounds become durable in order */
    log->busy++;
    if (!log->closed && mark->version > 0) log->events.hard_state_durable(log->arg, mark->version);
    log_index index = mark->index; /* read behind the event, which may have truncated the log */
    log->oldest_mark = mark->next;
    if (!log->oldest_mark) log->newest_mark = NULL;
    mem_free(mark);
    if (!log->closed) raise_durable(log, index);
    log->busy--;
    if (log->closed) partition_log_free_if_unused(log);
}

/* The mark of the round that gathers now. */
static struct durable_mark *gathering_mark(struct partition_log *log) {
    struct journal *journal = log->store->journal;
    struct durable_mark *newest = log->newest_mark;
    if (newest && newest->waiter.round == journal_round(journal)) return newest;
    struct durable_mark *mark = mem_alloc(sizeof *mark);
    *mark = (struct durable_mark){.waiter = {.durable = round_is_durable}, .log = log};
    if (newest)
        newest->next = mark;
    else
        log->oldest_mark = mark;
    log->newest_mark = mark;
    journal_wait(journal, &mark->waiter);
    return mark;
}

#ifdef DRAVE_MUTANTS
static void report_early(struct env_task *task) {
    struct partition_log *log = CONTAINER_OF(task, struct partition_log, early_report);
    if (!log->closed) raise_durable(log, log->last_index);
}
#endif

void partition_log_mark_durable(struct partition_log *log, log_index index, uint64_t version) {
    struct durable_mark *mark = gathering_mark(log);
    if (index > 0) mark->index = index;
    if (version > 0) mark->version = version;
#ifdef DRAVE_MUTANTS
    if (index > 0 && MUTANT(MUTANT_DURABLE_AT_APPEND)) {
        log->early_report.run = report_early;
        env_defer(log->store->env, &log->early_report);
    }
#endif
}

/* ---- Changing the log ---- */

/* What is committed by the index that we were told, as far as the log goes. */
static void advance_commit(struct partition_log *log) {
    uint64_t committed = log->commit < log->last_index ? log->commit : log->last_index;
    if (committed <= log->committed) return;
    for (uint64_t i = log->committed + 1; i <= committed; i++) {
        const struct entry *entry = log_memory_at(&log->memory, i);
        CHECK(entry); /* what is not committed never leaves memory */
        uint64_t stored = entry_stored_size(entry);
        log->uncommitted_bytes -= stored;
        log->store->uncommitted_bytes -= stored;
        log->unwritten_bytes += stored;
        log->store->write_behind.unwritten_bytes += stored;
    }
    partition_log_set_positions(log, log->synced, log->written, committed);
    journal_commit(log->store->journal, log->group, committed);
    write_behind_look(log);
}

void partition_log_append(struct partition_log *log, struct entry *const *entries, size_t n) {
    CHECK(!log->closed); /* the group closes its log last */
    if (n == 0) return;
    CHECK(!log->install); /* the engine takes none meanwhile */
    for (size_t i = 0; i < n; i++) {
        struct entry *entry = entries[i];
        /* entries_fit (receive.c) has compared it, or it is ours. */
        CHECK(entry->group == log->group);
        /* As above; the engine has truncated what was in the way. */
        CHECK(entry->index == log->last_index + 1);
        /* goes_on (admit.c) has compared it, or it is ours. */
        CHECK(entry->base_offset == log->end_offset);
        term_table_add(&log->terms, entry->index, entry->base_offset, entry->term);
        if (entry->type == ENTRY_CHANGE) partition_log_add_change(log, entry->index);
        log_memory_push(&log->memory, entry);
        log->last_index = entry->index;
        log->end_offset += entry->records;
        if (entry->type == ENTRY_BATCHES) segment_age_begin(log, entry);
        log->uncommitted_bytes += entry_stored_size(entry);
        log->store->uncommitted_bytes += entry_stored_size(entry);
        if (entry->index > log->durable) {
            log->undurable_bytes += entry_stored_size(entry);
            log->store->undurable_bytes += entry_stored_size(entry);
        }
        journal_entry(log->store->journal, entry);
        /* Of each round that they take: what waits for room may wait for the first of them to go
         * into a segment. */
        partition_log_mark_durable(log, entry->index, 0);
    }
    advance_commit(log);
}

void partition_log_truncate(struct partition_log *log, log_index index) {
    CHECK(!log->closed);           /* the group closes its log last */
    CHECK(index > log->committed); /* contradicts_commit (admit.c) has stopped the group */
    if (index > log->last_index) return;
    for (uint64_t i = index; i <= log->last_index; i++) {
        uint64_t stored = entry_stored_size(log_memory_at(&log->memory, i));
        log->uncommitted_bytes -= stored;
        log->store->uncommitted_bytes -= stored;
        if (i <= log->durable) continue;
        log->undurable_bytes -= stored;
        log->store->undurable_bytes -= stored;
    }
    log->end_offset = log_memory_at(&log->memory, index)->base_offset;
    log_memory_truncate(&log->memory, index);
    term_table_truncate(&log->terms, index);
    while (log->change_count > 0 && log->changes[log->change_count - 1] >= index)
        log->change_count--;
    log->last_index = index - 1;
    if (log->durable >= index && !MUTANT(MUTANT_STALE_COMPLETION)) log->durable = index - 1;
    partition_log_marks_truncate(log, index);
    journal_truncate(log->store->journal, log->group, index);
}

void partition_log_commit(struct partition_log *log, log_index index) {
    CHECK(!log->closed); /* the group closes its log last */
    if (index <= log->commit) return;
    log->commit = index;
    advance_commit(log);
}

uint64_t partition_log_set_hard_state(struct partition_log *log, log_term term,
                                      uint64_t voted_for) {
    CHECK(!log->closed);      /* the group closes its log last */
    CHECK(term >= log->term); /* the engine's terms do not go back */
    log->term = term;
    log->voted_for = voted_for;
    journal_hard_state(log->store->journal, log->group, term, voted_for);
    partition_log_mark_durable(log, 0, ++log->hard_state_version);
    return log->hard_state_version;
}

/* ---- Answers ---- */

uint64_t partition_log_first_index(const struct partition_log *log) {
    return log->first_index;
}

uint64_t partition_log_last_index(const struct partition_log *log) {
    return log->last_index;
}

uint64_t partition_log_durable_index(const struct partition_log *log) {
    return log->durable;
}

uint64_t partition_log_commit_index(const struct partition_log *log) {
    return log->commit;
}

uint32_t partition_log_term_at(const struct partition_log *log, log_index index) {
    return index > log->last_index ? 0 : term_table_at(&log->terms, index);
}

int64_t partition_log_start_offset(const struct partition_log *log) {
    return log->start_offset;
}

int64_t partition_log_end_offset(const struct partition_log *log) {
    return log->end_offset;
}

int64_t partition_log_offset_behind(const struct partition_log *log, log_index index) {
    if (index == log->last_index) return log->end_offset;
    if (index + 1 == log->first_index) return log->prefix.start.next_offset;
    const struct entry *next = log_memory_at(&log->memory, index + 1);
    if (next) return next->base_offset;
    return index == log->written ? log->written_end : -1;
}

uint64_t partition_log_uncommitted_bytes(const struct partition_log *log) {
    return log->uncommitted_bytes;
}

uint64_t partition_log_undurable_bytes(const struct partition_log *log) {
    return log->undurable_bytes;
}

bool partition_log_is_damaged(const struct partition_log *log) {
    return log->damaged;
}

uint64_t partition_log_size_bytes(const struct partition_log *log) {
    return log->size_bytes;
}

uint64_t partition_log_committed_bytes(const struct partition_log *log) {
    return partition_log_size_bytes(log) + log->unwritten_bytes;
}

/* Of so many bytes of the entries behind `before` up to `last`, what lies behind `index`, as if all
 * were of one size. */
static uint64_t share_behind(uint64_t bytes, log_index before, log_index last, log_index index) {
    if (index >= last) return 0;
    if (index <= before) return bytes;
    return (uint64_t)((double)bytes * (double)(last - index) / (double)(last - before));
}

uint64_t partition_log_bytes_behind(const struct partition_log *log, log_index index) {
    uint64_t bytes = share_behind(log->unwritten_bytes + log->uncommitted_bytes, log->written,
                                  log->last_index, index);
    for (size_t i = log->segment_count; i > 0; i--) {
        const struct segment *segment = log->segments[i - 1];
        if (segment->end.last_index <= index) break;
        bytes += share_behind(segment->end.position, segment->header.first_index - 1,
                              segment->end.last_index, index);
    }
    return bytes;
}

size_t partition_log_segments(const struct partition_log *log) {
    return log->segment_count;
}

void partition_log_each_term(const struct partition_log *log,
                             void (*each)(void *arg, uint64_t first, uint64_t count, log_term term),
                             void *arg) {
    uint64_t least = log->prefix.start.index;
    for (size_t i = 0; i < log->terms.count; i++) {
        const struct index_term *range = &log->terms.ranges[i];
        uint64_t first = range->first_index > least ? range->first_index : least;
        uint64_t behind = i + 1 < log->terms.count ? range[1].first_index : log->last_index + 1;
        if (behind > first) each(arg, first, behind - first, range->term);
    }
}

size_t partition_log_changes(const struct partition_log *log, uint64_t *into, size_t room) {
    for (size_t i = 0; i < log->change_count && i < room; i++)
        into[i] = log->changes[i];
    return log->change_count;
}

bool partition_log_base_change(const struct partition_log *log, log_index *index,
                               struct slice *body) {
    *index = log->prefix.start.change_index;
    *body = log->prefix.start.change;
    return *index > 0;
}

void partition_log_know_change(struct partition_log *log, log_index index, struct slice body) {
    slice_unref(&log->prefix.change);
    log->prefix.change = slice_copy(NULL, body.data, body.len);
    log->prefix.change_index = index;
}

void partition_log_set_segment_bytes(struct partition_log *log, uint64_t bytes) {
    const struct segment *active = partition_log_active(log);
    log->segment_bytes = log->active_bytes = bytes;
    /* What is found full must be synced (segment_for_next): it is, once more has been written. */
    if (active != NULL && active->index->end.position > bytes)
        log->active_bytes = active->index->end.position;
}

bool partition_log_lacks_record(const struct partition_log *log) {
    const struct segment *active = partition_log_active(log);
    return active != NULL && active->end.position > log->active_bytes &&
           log->end_offset == active->header.base_offset;
}

void partition_log_roll(struct partition_log *log) {
    CHECK(!log->closed); /* the group closes its log last */
    write_behind_roll(log);
}

uint32_t partition_log_term(const struct partition_log *log) {
    return log->term;
}

uint64_t partition_log_voted_for(const struct partition_log *log) {
    return log->voted_for;
}

uint32_t partition_log_epoch_at(const struct partition_log *log, kafka_offset offset) {
    return term_table_of_offset(&log->terms, offset);
}

int64_t partition_log_epoch_end(const struct partition_log *log, uint32_t epoch,
                                uint32_t *epoch_found) {
    return term_table_epoch_end(&log->terms, epoch, log->end_offset, epoch_found);
}

void partition_log_on_seal(struct partition_log *log, uint64_t every_bytes,
                           void (*wanted)(void *arg), void *arg) {
    log->seal_every_bytes = every_bytes;
    log->seal_wanted = wanted;
    log->seal_arg = arg;
}

bool partition_log_snapshot(struct partition_log *log, log_index *index, struct slice *state) {
    if (!log->has_snapshot) return false;
    log->has_snapshot = false;
    *index = log->snapshot_index;
    *state = log->snapshot;
    return true;
}

void partition_log_set_snapshot(struct partition_log *log, log_index index, struct slice state) {
    CHECK(index <= log->last_index); /* raft_group_take_state has compared its term */
    if (log->has_snapshot) slice_unref(&log->snapshot);
    log->has_snapshot = true;
    log->snapshot_index = index;
    log->snapshot = state;
}

void partition_log_refuse_snapshot(struct partition_log *log) {
    log->kept_index = log->copied_index = 0;
}

/* ---- The end ---- */

void partition_log_close(struct partition_log *log) {
    if (!log) return;
    CHECK(!log->closed); /* the group closes its log last */
    log->closed = true;
    log->store->uncommitted_bytes -= log->uncommitted_bytes;
    log->store->undurable_bytes -= log->undurable_bytes;
    log->store->write_behind.unwritten_bytes -= log->unwritten_bytes;
    log_readings_detach(log); /* that of the prefix among them */
    if (log->end_cleaning) log->end_cleaning(log);
    if (log->end_healing) log->end_healing(log);
    log_swap_end(log);
    partition_log_end_install(log);
    write_behind_forget(log);
    applier_snapshot_close(log);
    log_store_check_flush(log->store);
    for (size_t i = 0; i < log->segment_count; i++)
        segment_drop(log->segments[i]);
    log->segment_count = 0;
    log_memory_close(&log->memory);
#ifdef DRAVE_MUTANTS
    env_defer_cancel(log->store->env, &log->early_report);
#endif
    env_timer_free(log->prefix.pause);
    log->prefix.pause = NULL;
    partition_log_free_if_unused(log);
}
