/*
 * Who waits for memory, who for a place, and the slices of those that run.
 *
 *   check_pool_run -> small or large --memory--> ready --a place--> running ... -> done
 *                                                  ^--its slice is over--'
 *
 * A run is freed by whoever sees its end: the report of its last slice, or the cancel when no slice
 * runs.
 */
#include "broker/checks/check_pool.h"

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"

enum {
    AT_ONCE = 2, /* slices that run: the pool has other work, too (reads of cold segments) */
    SLICE_BYTES = 1 << 20,   /* of decompressed records */
    INLINE_BYTES = 64 << 10, /* the same, that a check on the loop may come to at least before it is
                                given up there; and a slice there */
    INLINE_MEMORY = 32 << 20, /* a window that is claimed, of which little is touched */
    SMALL_SHARE = 32, /* of the memory: who wants no more need not wait behind larger ones */
    PASSED_MOST = 32, /* small ones go before a large one */
};

struct check_run {
    struct env_job job; /* first */
    struct check_pool *pool;
    struct check_task *task; /* NULL: cancelled */
    struct record_check *check;
    struct slice bytes;
    size_t memory;
    unsigned passed; /* by how many behind it, while it was the first large one that waits */
    int error;
    struct run_list *list; /* in which it waits; NULL: a slice of it runs */
    struct check_run *next, *prev;
};

struct run_list {
    struct check_run *first, *last;
    size_t count;
};

struct check_pool {
    struct env *env;
    struct check_pool_options options;
    struct run_list small, large; /* that wait for memory */
    struct run_list ready;
    unsigned running;
    size_t memory; /* of ready and running ones */
    uint64_t turn_ns;
    struct env_task turn; /* forgets what this turn spent */
    bool freed;           /* when nothing runs any more */
    struct check_pool_stats stats;
};

static void list_append(struct run_list *list, struct check_run *run) {
    run->next = NULL;
    run->prev = list->last;
    *(list->last != NULL ? &list->last->next : &list->first) = run;
    list->last = run;
    list->count++;
    run->list = list;
}

static void list_remove(struct check_run *run) {
    struct run_list *list = run->list;
    *(run->prev != NULL ? &run->prev->next : &list->first) = run->next;
    *(run->next != NULL ? &run->next->prev : &list->last) = run->prev;
    run->next = run->prev = NULL;
    run->list = NULL;
    list->count--;
}

/* ---- On the loop ---- */

static void turn_ends(struct env_task *task) {
    CONTAINER_OF(task, struct check_pool, turn)->turn_ns = 0;
}

/* No more than so many bytes, and no longer than it may take on the loop: records of nothing but
 * headers take far longer than their estimate. */
static int step_inline(const struct check_pool *pool, struct record_check *check, size_t bytes,
                       uint64_t began_us) {
    int error = ERR_AGAIN;
    for (size_t done = 0; error == ERR_AGAIN && done < bytes; done += INLINE_BYTES) {
        if (done > 0 && env_now_us(pool->env) - began_us > pool->options.inline_us) break;
        error = record_check_step(check, INLINE_BYTES);
    }
    return error;
}

bool check_pool_inline(struct check_pool *pool, struct record_check *check, int *error) {
    size_t bytes;
    uint64_t estimate_ns = record_check_estimate_ns(check, &bytes);
    if (estimate_ns > (uint64_t)pool->options.inline_us * 1000) return false;
    if (pool->turn_ns + estimate_ns > (uint64_t)pool->options.turn_us * 1000) return false;
    bytes = bytes < INLINE_BYTES ? INLINE_BYTES : bytes + 1; /* one more finds the end */
    if (record_check_memory(check, bytes) > INLINE_MEMORY) return false;
    uint64_t began_us = env_now_us(pool->env);
    *error = step_inline(pool, check, bytes, began_us);
    uint64_t took_ns = (env_now_us(pool->env) - began_us) * 1000;
    pool->turn_ns += took_ns > estimate_ns ? took_ns : estimate_ns;
    env_defer(pool->env, &pool->turn);
    if (*error == ERR_AGAIN) return false;
    pool->stats.inline_checks++;
    return true;
}

/* ---- In the pool ---- */

static void check_pool_work(struct env_job *job) {
    struct check_run *run = (struct check_run *)job;
    run->error = record_check_step(run->check, SLICE_BYTES);
}

static void free_run(struct check_run *run) {
    record_check_free(run->check);
    slice_unref(&run->bytes);
    mem_free(run);
}

static void go_on(struct check_pool *pool);

static void slice_is_over(struct env_job *job) {
    struct check_run *run = (struct check_run *)job;
    struct check_pool *pool = run->pool;
    struct check_task *task = run->task;
    pool->running--;
    if (task != NULL && run->error == ERR_AGAIN) {
        list_append(&pool->ready, run);
        go_on(pool);
        return;
    }
    pool->memory -= run->memory;
    struct record_check *check = run->check;
    int error = run->error;
    if (task != NULL) {
        task->run = NULL;
        run->check = NULL;
    }
    free_run(run);
    go_on(pool);
    /* Its tasks are cancelled: nobody is to be told. */
    if (pool->freed && pool->running == 0) mem_free(pool);
    if (task != NULL) task->done(task, check, error);
}

static bool take_first(struct check_pool *pool, struct run_list *list) {
    struct check_run *run = list->first;
    if (run == NULL || run->memory > pool->options.memory_bytes - pool->memory) return false;
    list_remove(run);
    pool->memory += run->memory;
    list_append(&pool->ready, run);
    return true;
}

/* A small one goes before the large one that waits longest, but only so many: then all that is
 * given back is left to that. */
static bool take_small(struct check_pool *pool) {
    struct check_run *large = pool->large.first;
    if (large != NULL && large->passed >= PASSED_MOST) return false;
    if (!take_first(pool, &pool->small)) return false;
    if (large != NULL) large->passed++;
    return true;
}

static void go_on(struct check_pool *pool) {
    struct check_run *run;
    while (take_small(pool) || take_first(pool, &pool->large)) {}
    while (pool->running < AT_ONCE && (run = pool->ready.first) != NULL) {
        list_remove(run);
        pool->running++;
        pool->stats.slices++;
        env_pool_run(pool->env, &run->job);
    }
}

int check_pool_run(struct check_pool *pool, struct record_check *check, const struct slice *bytes,
                   struct check_task *task, struct error_text *why) {
    size_t memory = record_check_memory(check, SIZE_MAX);
    if (memory > pool->options.memory_bytes)
        return error_set(
            why, ERR_TOO_LARGE,
            "The batch takes %zu bytes of memory to be checked, and the broker has %zu for it "
            "(produce.check.memory.bytes): compress with a smaller window, or raise that limit.",
            memory, pool->options.memory_bytes);
    struct check_run *run = mem_zalloc(sizeof *run);
    run->job.work = check_pool_work;
    run->job.done = slice_is_over;
    run->pool = pool;
    run->task = task;
    run->check = check;
    run->bytes = slice_ref(*bytes);
    run->memory = memory;
    task->run = run;
    pool->stats.pool_checks++;
    struct run_list *waits = memory <= pool->options.memory_bytes / SMALL_SHARE ? &pool->small
                                                                                : &pool->large;
    list_append(waits, run);
    go_on(pool);
    /* What the loop began is charged to nobody yet. */
    if (run->list == waits) record_check_reset(check);
    return ERR_NONE;
}

void check_pool_cancel(struct check_task *task) {
    struct check_run *run = task->run;
    if (run == NULL) return;
    struct check_pool *pool = run->pool;
    task->run = NULL;
    run->task = NULL;
    if (run->list == NULL) { /* its slice reports, and frees it */
        if (run->bytes.buffer != NULL) buffer_discharge(run->bytes.buffer);
        return;
    }
    if (run->list == &pool->ready) pool->memory -= run->memory;
    list_remove(run);
    free_run(run);
    go_on(pool);
}

struct check_pool *check_pool_new(struct env *env, const struct check_pool_options *options) {
    struct check_pool *pool = mem_zalloc(sizeof *pool);
    pool->env = env;
    pool->options = *options;
    pool->turn.run = turn_ends;
    return pool;
}

void check_pool_free(struct check_pool *pool) {
    if (pool == NULL) return;
    /* All partitions are closed: they cancelled. */
    CHECK(pool->small.first == NULL && pool->large.first == NULL && pool->ready.first == NULL);
    env_defer_cancel(pool->env, &pool->turn);
    pool->freed = true;
    if (pool->running == 0) mem_free(pool);
}

void check_pool_stats_get(const struct check_pool *pool, struct check_pool_stats *stats) {
    *stats = pool->stats;
    stats->waiting = pool->small.count + pool->large.count;
    stats->under_way = pool->ready.count + pool->running;
    stats->memory = pool->memory;
}
