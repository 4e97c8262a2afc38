/*
 * What of a log is on disk: one mark for every round of the journal that holds something of this
 * log.
 *
 * Happy path: an append or a hard state notes in the mark of the gathering round how far the log
 * will be durable with it; when the round is, the mark is reported, hard state first. Everything of
 * one round is one report.
 * Invariants: rounds become durable in order, so marks are reported in order. A truncation caps
 * every mark, because what those rounds hold from that index on is no longer in the log; what is
 * appended afterwards raises the mark of its own round only.
 */
#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "storage/log/applier_snapshot.h"
#include "storage/log/log_internal.h"
#include "storage/log/write_behind.h"
#include "storage/log_types.h"

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
    CHECK(mark == log->oldest_mark);
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

void partition_log_marks_truncate(struct partition_log *log, log_index index) {
    if (MUTANT(MUTANT_STALE_COMPLETION)) return;
    for (struct durable_mark *mark = log->oldest_mark; mark; mark = mark->next)
        if (mark->index >= index) mark->index = index - 1;
}
