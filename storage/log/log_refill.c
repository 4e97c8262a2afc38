/*
 * A damaged segment, sealed, is written again with what others have of its entries, where nobody
 * has all of them any more: it was cleaned, or lies below the start of the log elsewhere.
 *
 *   0 the appliers know all up to its end; if they cannot, because a start would have to apply what
 *     is damaged, they are given the state of another replica (log_healing.h)
 *   1 what is given goes into `<base>.clean`, in the format of a cleaned segment, synced
 *   2 the progress of the journal is durable beyond it, and `start` says that its entries are gone
 *     (partition_log_raise_start): from here on entries may be missing
 *   3 it takes the place of the damaged one (log_swap.c)
 *
 * Why that is right: at or below S a segment may be as it was, or cleaned as far as anybody likes,
 * as long as no tombstone went before what it deletes. A tombstone goes only below a mark that says
 * that all replicas have cleaned what it replaces; all that is given was held at one moment
 * (range_source.h), so where a tombstone is missing in it, or was missing here before, the older
 * values are, too. While the segment is damaged this replica says no more that it is clean there
 * (log_clean_to), so no mark passes it meanwhile; the new one counts as not read by any cleaning.
 *
 * Crash: as a cleaning's (log_cleaning.h). Failures: a full disk, no files, nobody that has it: the
 * segment stays as it is. Invariants: no cleaning of this log goes on beside it; an entry is taken
 * only where it goes on (segment_index_takes).
 */
#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "storage/clean/clean_filter.h"
#include "storage/clean/segment_output.h"
#include "storage/log/log_internal.h"
#include "storage/log/write_behind.h"

/* For a state of the appliers, which know enough: others wait to be mended. */
enum { RAISE_PATIENCE_US = 10 * 1000 * 1000 };

enum refill_stage {
    REFILL_OPEN,
    REFILL_STATE,
    REFILL_ASK,
    REFILL_ADD,
    REFILL_JOURNAL,
    REFILL_RAISE,
    REFILL_SWAP
};

struct log_refill {
    struct env_job job; /* first: a job is its refill */
    struct log_store *store;
    struct partition_log *log; /* NULL: it was left */
    const struct log_refill_events *events;
    void *arg;
    enum refill_stage stage;
    struct segment *segment; /* held; NULL: the swap has it */
    struct segment_header header;
    char *group_path, *path;
    uint64_t interval_bytes;
    struct segment_output output;
    struct entry **given; /* that are to be added */
    size_t given_count;
    bool through; /* those are the last */
    uint64_t entries;
    bool busy;
    int error;
    struct journal_waiter waiter;
    struct env_timer *patience;
    struct log_swap *swap;
};

/* ---- Its end ---- */

static void drop_given(struct log_refill *refill) {
    for (size_t i = 0; i < refill->given_count; i++)
        entry_unref(refill->given[i]);
    mem_free(refill->given);
    refill->given = NULL;
    refill->given_count = 0;
}

static void refill_free(struct log_refill *refill) {
    kafka_offset unfinished;
    struct log_store *store = refill->store;
    segment_output_close(&refill->output, &unfinished);
    if (unfinished >= 0 && !store->closed)
        dropped_segments_add_unfinished(&store->dropped, refill->group_path, unfinished);
    if (refill->segment) segment_let_go(refill->segment);
    drop_given(refill);
    env_timer_free(refill->patience);
    mem_free(refill->group_path);
    mem_free(refill->path);
    mem_free(refill);
}

void log_refill_leave(struct log_refill *refill) {
    struct partition_log *log = refill->log;
    if (refill->stage == REFILL_JOURNAL)
        journal_wait_cancel(refill->store->journal, &refill->waiter);
    if (refill->stage == REFILL_RAISE) log->prefix.raised = NULL;
    if (refill->swap) log_swap_leave(refill->swap);
    env_timer_stop(refill->patience);
    log->refill = NULL;
    refill->log = NULL;
    if (!refill->busy) refill_free(refill);
}

static void refill_over(struct log_refill *refill, int error) {
    const struct log_refill_events *events = refill->events;
    void *arg = refill->arg;
    uint64_t entries = refill->entries;
    log_refill_leave(refill);
    events->done(arg, error, entries);
}

/* ---- Taking its place ---- */

static void on_swapped(void *arg, int error) {
    struct log_refill *refill = arg;
    refill->swap = NULL;
    refill_over(refill, error);
}

static void begin_swap(struct log_refill *refill) {
    struct partition_log *log = refill->log;
    struct clean_output output = {.count = 1, .index = refill->output.index};
    struct clean_input input = {
        .header = refill->header, .end = refill->segment->end, .path = refill->path};
    struct segment *segment = refill->segment;
    env_timer_stop(refill->patience);
    refill->stage = REFILL_SWAP;
    refill->output.index = (struct segment_index){0};
    output.index.sealed_ms = segment->sealed_ms;
    log_memory_forget(&log->memory, segment->end.last_index);
    refill->swap = log_swap_begin(log, &output, &input, &segment, on_swapped, refill);
    refill->segment = NULL;
}

static void on_raised(struct partition_log *log, int error) {
    if (error)
        refill_over(log->refill, error);
    else
        begin_swap(log->refill);
}

/* Nobody has let go of it meanwhile. */
static bool is_there(const struct log_refill *refill) {
    return refill->segment->files != NULL;
}

static void on_durable(struct journal_waiter *waiter) {
    struct log_refill *refill = CONTAINER_OF(waiter, struct log_refill, waiter);
    struct partition_log *log = refill->log;
    refill->stage = REFILL_RAISE;
    if (!is_there(refill)) {
        refill_over(refill, ERR_NOT_FOUND);
    } else if (log->prefix.start.index >= refill->segment->end.last_index) {
        begin_swap(refill);
    } else {
        env_timer_start(refill->patience, RAISE_PATIENCE_US);
        partition_log_raise_start(log, refill->segment, on_raised);
    }
}

static void wait_for_journal(struct log_refill *refill) {
    refill->stage = REFILL_JOURNAL;
    refill->waiter.durable = on_durable;
    journal_wait(refill->store->journal, &refill->waiter);
}

static void patience_over(void *arg) {
    refill_over(arg, ERR_TIMEOUT);
}

/* ---- What is given ---- */

static struct segment_header header_of_output(const struct log_refill *refill) {
    struct segment_header header = refill->header;
    header.generation++;
    header.unread = UINT32_MAX;
    header.keeps_stale = false;
    return header;
}

static int open_output(struct log_refill *refill) {
    struct segment_header header = header_of_output(refill);
    kafka_offset ignored;
    segment_output_close(&refill->output, &ignored); /* of a try before */
    refill->entries = 0;
    return segment_output_begin(&refill->output, refill->store->env, refill->group_path, &header,
                                refill->interval_bytes);
}

static int add_given(struct log_refill *refill) {
    int error = ERR_NONE;
    for (size_t i = 0; i < refill->given_count && !error; i++) {
        const struct entry *entry = refill->given[i];
        if (entry->type != ENTRY_BATCHES) continue; /* nobody needs it any more */
        if (entry->group != refill->header.group ||
            !segment_index_takes(&refill->output.index, entry))
            return ERR_CORRUPT;
        error = segment_output_add(&refill->output, entry);
        refill->entries++;
    }
    return !error && refill->through ? segment_output_finish(&refill->output) : error;
}

static void refill_work(struct env_job *job) {
    struct log_refill *refill = (struct log_refill *)job;
    refill->error = refill->stage == REFILL_OPEN ? open_output(refill) : add_given(refill);
}

/* A state on the disk, in both of its files, or `start`, reaches to the segment's end. */
static bool reaches(const struct log_refill *refill) {
    const struct partition_log *log = refill->log;
    log_index last = refill->header.last_index;
    return log->prefix.start.index >= last ||
           (log->kept_index >= last && log->copied_index >= last);
}

static void take_result(struct log_refill *refill) {
    drop_given(refill);
    if (refill->error) {
        refill_over(refill, refill->error);
    } else if (refill->stage == REFILL_ADD && refill->through) {
        wait_for_journal(refill);
    } else if (refill->stage == REFILL_OPEN && !reaches(refill)) {
        refill->stage = REFILL_STATE;
        refill->events->lacks_state(refill->arg);
    } else {
        bool begins = refill->stage == REFILL_OPEN;
        refill->stage = REFILL_ASK;
        refill->events->lacks(refill->arg, begins);
    }
}

static void refill_done(struct env_job *job) {
    struct log_refill *refill = (struct log_refill *)job;
    struct log_store *store = refill->store;
    refill->busy = false;
    if (refill->output.sync_failed)
        env_fatal(
            store->env,
            "cannot sync a mended segment in %s (%s); %s, and start this broker again: what it acknowledged is in its "
            "segments and its journal",
            refill->group_path, error_phrase(refill->error), error_advice(refill->error));
    if (refill->log)
        take_result(refill);
    else
        refill_free(refill);
    log_store_job_done(store);
}

static void run(struct log_refill *refill, enum refill_stage stage) {
    refill->stage = stage;
    refill->busy = true;
    refill->job = (struct env_job){.work = refill_work, .done = refill_done};
    log_store_run_job(refill->store, refill->store->clean_lane, &refill->job);
}

void log_refill_give(struct log_refill *refill, struct entry *const *entries, size_t count,
                     bool through) {
    CHECK(refill->stage == REFILL_ASK && !refill->busy); /* the owner's own state */
    refill->given = count > 0 ? mem_alloc(count * sizeof(struct entry *)) : NULL;
    for (size_t i = 0; i < count; i++)
        refill->given[i] = entry_ref(entries[i]);
    refill->given_count = count;
    refill->through = through;
    run(refill, REFILL_ADD);
}

void log_refill_applied(struct log_refill *refill) {
    CHECK(refill->stage == REFILL_STATE && !refill->busy); /* as above */
    refill->stage = REFILL_ASK;
    refill->events->lacks(refill->arg, true);
}

void log_refill_again(struct log_refill *refill) {
    CHECK(refill->stage == REFILL_ASK && !refill->busy);
    run(refill, REFILL_OPEN);
}

void log_refill_give_up(struct log_refill *refill) {
    CHECK((refill->stage == REFILL_ASK || refill->stage == REFILL_STATE) && !refill->busy);
    refill_over(refill, ERR_NOT_FOUND);
}

/* ---- Its beginning ---- */

bool log_refill_may(const struct partition_log *log, const struct segment *segment) {
    struct log_store *store = log->store;
    bool sealed = !segment->active && segment->synced == segment->end.position &&
                  segment->end.last_index < log->synced &&
                  segment->header.base_offset < log->progress_segment &&
                  segment->end.last_index < log->last_index;
    bool room = !store->room || disk_space_above_limit(store->room) >= segment->end.position;
    bool idle = !log->install && !log->end_cleaning && !log->swap && !log->refill &&
                log->prefix.pins == 0; /* `start` does not move while its beginning is given away */
    return sealed && room && idle && !paced_removal_waits_in(&store->removals, log->path);
}

bool log_refill_prepare(struct partition_log *log, const struct segment *segment) {
    if (segment->active)
        partition_log_roll(log);
    else if (segment->end.last_index >= log->last_index)
        return false;
    else
        write_behind_sync(log, log->committed);
    return true;
}

struct log_refill *log_refill_begin(struct partition_log *log, struct segment *segment,
                                    const struct log_refill_events *events, void *arg) {
    struct log_refill *refill = mem_zalloc(sizeof *refill);
    segment_hold(segment);
    refill->store = log->store;
    refill->log = log;
    refill->events = events;
    refill->arg = arg;
    refill->segment = segment;
    refill->header = segment->header;
    refill->header.last_index = segment->end.last_index;
    refill->header.end_offset = segment->end.offset;
    refill->group_path = mem_strdup(log->path);
    refill->path = segment_path(segment, SEGMENT_FILE_LOG);
    refill->interval_bytes = partition_log_index_interval(log);
    refill->patience = env_timer_new(log->store->env, patience_over, refill);
    log->refill = refill;
    run(refill, REFILL_OPEN);
    return refill;
}
