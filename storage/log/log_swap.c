/*
 * A segment that was written again takes the place of those that it stands for: in the files, in
 * the lane of the group (clean_swap.h), then in the tables, on the loop.
 *
 * Happy path: nothing at the front is about to go, and nothing is being given away; nobody opens
 * the old files any more; the new one takes its name, and the tables follow. Whoever reads an old
 * one goes on in it. Failures: without room or files nothing has changed, and the owner hears so;
 * where the name has changed and the directory cannot be synced, that is tried again until it is;
 * of the disk: the process ends. Invariants: once a name may have changed it goes to its end,
 * whether anybody waits for it or not, and the tables follow; while one is under way no segment of
 * the log is dropped.
 */
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "storage/clean/clean_swap.h"
#include "storage/log/log_internal.h"
#include "storage/log/log_reading.h"

enum { TRY_AGAIN_US = 1000 * 1000 };

struct log_swap {
    struct env_job job; /* first: a job is its swap */
    struct log_store *store;
    struct partition_log *log; /* NULL: it is closed, or another one has taken its place */
    struct clean_swap swap;
    struct segment **segments; /* held */
    size_t count;
    enum clean_swap_outcome outcome;
    int error;
    bool begun, busy; /* a job is under way */
    struct env_timer *again;
    void (*done)(void *arg, int error); /* NULL: nobody waits */
    void *arg;
};

/* ---- Its end ---- */

static void let_go_of_segments(struct log_swap *swap) {
    for (size_t i = 0; i < swap->count; i++)
        segment_let_go(swap->segments[i]);
    swap->count = 0;
}

/* What was not put in its place goes. */
static void swap_free(struct log_swap *swap) {
    struct log_store *store = swap->store;
    if (!swap->swap.renamed && !store->closed)
        dropped_segments_add_unfinished(&store->dropped, swap->swap.group_path,
                                        swap->swap.output.index.header.base_offset);
    let_go_of_segments(swap);
    env_timer_free(swap->again);
    clean_swap_close(&swap->swap);
    mem_free(swap->segments);
    mem_free(swap);
}

/* Its log is free for another one. */
static struct partition_log *swap_leave_log(struct log_swap *swap) {
    struct partition_log *log = swap->log;
    log->swap = NULL;
    log->prefix.swapping = false;
    log->prefix.idle = NULL;
    env_timer_stop(swap->again);
    swap->log = NULL;
    return log;
}

static void swap_over(struct log_swap *swap, int error) {
    void (*done)(void *, int) = swap->done;
    void *arg = swap->arg;
    struct partition_log *log = swap_leave_log(swap);
    swap_free(swap);
    log_readings_go_on(log);
    partition_log_look_prefix(log);
    if (done) done(arg, error);
}

void log_swap_leave(struct log_swap *swap) {
    swap->done = NULL;
    if (swap->begun) return; /* files change: so must the tables */
    swap_leave_log(swap);
    swap_free(swap);
}

void log_swap_end(struct partition_log *log) {
    struct log_swap *swap = log->swap;
    if (!swap) return;
    swap->done = NULL;
    swap_leave_log(swap);
    if (!swap->busy) swap_free(swap);
}

/* ---- The tables ---- */

/* Where its segments are in the table; the count: they are not there any more. */
static size_t place_of(const struct log_swap *swap) {
    const struct partition_log *log = swap->log;
    size_t at = 0;
    while (at < log->segment_count && log->segments[at] != swap->segments[0])
        at++;
    for (size_t i = 0; i < swap->count && at < log->segment_count; i++)
        if (at + i >= log->segment_count || log->segments[at + i] != swap->segments[i])
            at = log->segment_count;
    return at;
}

static void swap_tables(struct log_swap *swap) {
    struct partition_log *log = swap->log;
    const struct clean_output *output = &swap->swap.output;
    size_t at = place_of(swap), count = swap->count;
    CHECK(at < log->segment_count); /* begin; none may go since */
    let_go_of_segments(swap);       /* the table has them until then */
    struct segment *segment = segment_new(&log->store->files, log->path, &output->index.header,
                                          partition_log_index_interval(log), NULL);
    segment->end = output->index.end;
    segment->synced = segment->end.position;
    segment->sealed_ms = output->index.sealed_ms;
    log->size_bytes += segment->end.position;
    for (size_t i = 0; i < count; i++) {
        log->size_bytes -= log->segments[at + i]->end.position;
        segment_drop_replaced(log->segments[at + i]);
    }
    log->segments[at] = segment;
    log->losses++;
    log->below_count = 0; /* counted anew */
    log->below_bytes = 0;
    for (size_t i = at + count; i < log->segment_count; i++)
        log->segments[i - count + 1] = log->segments[i];
    log->segment_count -= count - 1;
    partition_log_note_whole(log);
}

/* ---- The files ---- */

static void swap_work(struct env_job *base) {
    struct log_swap *swap = (struct log_swap *)base;
    swap->outcome = clean_swap_put(&swap->swap, &swap->error);
}

static void swap_done(struct env_job *base);

static void run_swap(void *arg) {
    struct log_swap *swap = arg;
    swap->busy = true;
    swap->job = (struct env_job){.work = swap_work, .done = swap_done};
    log_store_run_job(swap->store, log_store_lane(swap->store, swap->log->group), &swap->job);
}

/* Nobody opens them under a name that is about to be another's. */
static void set_moving(struct log_swap *swap, bool moving) {
    for (size_t i = 0; i < swap->count; i++)
        swap->segments[i]->moving = moving;
}

static void settle(struct log_swap *swap) {
    switch (swap->outcome) {
    case CLEAN_SWAP_DONE:
        swap_tables(swap);
        swap_over(swap, ERR_NONE);
        break;
    case CLEAN_SWAP_NOT_BEGUN: /* its segments are as they were */
        set_moving(swap, false);
        swap_over(swap, swap->error);
        break;
    case CLEAN_SWAP_HALF: env_timer_start(swap->again, TRY_AGAIN_US); break;
    case CLEAN_SWAP_UNKNOWN:
        env_fatal(
            swap->store->env,
            "cannot put a cleaned segment in its place in %s (%s); %s, and start this broker again: what it acknowledged is "
            "in its segments and its journal",
            swap->log->path, error_phrase(swap->error), error_advice(swap->error));
    }
}

static void swap_done(struct env_job *base) {
    struct log_swap *swap = (struct log_swap *)base;
    struct log_store *store = swap->store;
    swap->busy = false;
    if (swap->log)
        settle(swap);
    else
        swap_free(swap);
    log_store_job_done(store);
}

/* ---- Its beginning ---- */

static void begin(struct partition_log *log) {
    struct log_swap *swap = log->swap;
    if (place_of(swap) == log->segment_count) { /* they were dropped meanwhile */
        swap_over(swap, ERR_NOT_FOUND);
        return;
    }
    swap->begun = true;
    set_moving(swap, true);
    run_swap(swap);
}

static void begin_later(void *arg) {
    struct log_swap *swap = arg;
    if (swap->begun)
        run_swap(swap);
    else
        begin(swap->log);
}

struct log_swap *log_swap_begin(struct partition_log *log, const struct clean_output *output,
                                const struct clean_input *inputs, struct segment *const *segments,
                                void (*done)(void *arg, int error), void *arg) {
    struct log_swap *swap = mem_zalloc(sizeof *swap);
    CHECK(!log->swap); /* who writes segments again has looked */
    swap->store = log->store;
    swap->log = log;
    swap->done = done;
    swap->arg = arg;
    swap->count = output->count;
    swap->segments = mem_alloc(output->count * sizeof(struct segment *));
    memcpy(swap->segments, segments, output->count * sizeof(struct segment *));
    swap->again = env_timer_new(log->store->env, begin_later, swap);
    clean_swap_open(&swap->swap, log->store->env, log->path, output, inputs);
    log_store_took_room(log->store, output->index.end.position + swap->swap.index_len);
    log->swap = swap;
    log->prefix.swapping = true;
    if (log->prefix.job || log->prefix.pins > 0)
        log->prefix.idle = begin; /* also of what is being given away nothing is replaced */
    else
        env_timer_start(swap->again, 0);
    return swap;
}
