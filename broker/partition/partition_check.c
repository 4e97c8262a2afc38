/*
 * Batches on their way through their checks: short ones at once, long ones in the check pool, those
 * of one sender one after the other.
 *
 *   partition_check -> short, and no line of the sender: over within the call
 *                   -> line: waits --first--> check pool (or at once) -> partition->checked, next
 *
 * A batch must not overtake an earlier one of the same connection: its sequence number would be out
 * of order, and plain producers count on order, too. Batches of others need not wait for it.
 * Ownership: the partition owns its lines, a line what its first batch holds while it is under way,
 * the check pool the check itself. Failures: leadership lost, partition closed, client gone: the
 * produce is taken out, which cancels its check; nothing of it was appended.
 * Invariants: a line has a batch under way, or is in a loop, or waits for lines_task; an empty line
 * is freed.
 */
#include <uthash.h>

#include "base/container_of.h"
#include "broker/errors/error_map.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"
#include "protocol/record/held_batch.h"

struct check_line {
    struct check_task task; /* first; of the first one in the list */
    struct partition *partition;
    const void *sender;
    struct produce_list list;
    size_t bytes;                /* of what is in the list */
    struct produced_batch batch; /* of the first one, without its check, which the pool has */
    bool busy;                   /* in a loop over it: not freed before that ends */
    UT_hash_handle hh;
};

/* ---- Lists ---- */

void produce_list_remove(struct produce_list *list, struct partition_produce *produce) {
    *(produce->prev != NULL ? &produce->prev->next : &list->first) = produce->next;
    *(produce->next != NULL ? &produce->next->prev : &list->last) = produce->prev;
    produce->next = produce->prev = NULL;
}

void produce_list_insert(struct produce_list *list, struct partition_produce *produce,
                         struct partition_produce *before) {
    produce->prev = before;
    produce->next = before != NULL ? before->next : list->first;
    *(before != NULL ? &before->next : &list->first) = produce;
    *(produce->next != NULL ? &produce->next->prev : &list->last) = produce;
}

/* ---- One batch ---- */

/* Begins a check, and ends it if it is short. False: batch->check is for the pool. */
static bool check_begin(struct partition *partition, const struct partition_produce *produce,
                        struct produced_batch *batch, int16_t *code,
                        struct produce_refusal *refusal) {
    int error;
    refusal->why.text[0] = '\0';
    refusal->reject_count = 0;
    *code = produced_batch_begin(&partition->settings, &produce->records,
                                 env_wall_ms(partition->env), batch, &refusal->why);
    if (*code != KAFKA_NONE) return true;
    if (partition->delay.settings.enable)
        record_check_find_deliveries(batch->check, HELD_BATCH_MOST);
    if (!check_pool_inline(partition->checks, batch->check, &error)) return false;
    *code = produced_batch_end(&produce->records, batch, error, refusal);
    return true;
}

/* Gives what was begun to the pool. False: it cannot, with the error in *code. */
static bool check_give(struct check_line *line, const struct partition_produce *produce,
                       int16_t *code, struct produce_refusal *refusal) {
    struct produced_batch *batch = &line->batch;
    *code = error_map_batch(check_pool_run(line->partition->checks, batch->check,
                                           &produce->records.frame, &line->task, &refusal->why));
    if (*code == KAFKA_NONE)
        batch->check = NULL;
    else
        produced_batch_release(batch);
    return *code == KAFKA_NONE;
}

/* ---- Lines ---- */

static void free_if_empty(struct check_line *line) {
    if (line->busy || line->list.first != NULL) return;
    HASH_DEL(line->partition->lines, line);
    mem_free(line);
}

static size_t bytes_of(const struct partition_produce *produce) {
    return produce->records.len > 0 ? (size_t)produce->records.len : 0;
}

static void check_leave(struct check_line *line, struct partition_produce *produce) {
    produce_list_remove(&line->list, produce);
    line->bytes -= bytes_of(produce);
    produce->line = NULL;
}

static void check_tell(struct check_line *line, struct produced_batch *batch, int16_t code,
                       struct produce_refusal *refusal) {
    struct partition_produce *produce = line->list.first;
    check_leave(line, produce);
    line->partition->checked(produce, batch, code, refusal);
}

/* Begins with the first one that is left, until one takes long. The line may be gone when it
 * returns. */
static void go_on(struct check_line *line) {
    line->busy = true;
    while (line->task.run == NULL && line->list.first != NULL) {
        struct produce_refusal refusal;
        int16_t code;
        const struct partition_produce *first = line->list.first;
        if (!check_begin(line->partition, first, &line->batch, &code, &refusal) &&
            check_give(line, first, &code, &refusal))
            break;
        struct produced_batch batch = line->batch;
        check_tell(line, &batch, code, &refusal);
    }
    line->busy = false;
    free_if_empty(line);
}

static void check_is_over(struct check_task *task, struct record_check *check, int error) {
    struct check_line *line = (struct check_line *)task;
    struct produce_refusal refusal = {.reject_count = 0};
    struct produced_batch batch = line->batch;
    batch.check = check;
    int16_t code = produced_batch_end(&line->list.first->records, &batch, error, &refusal);
    line->busy = true;
    check_tell(line, &batch, code, &refusal);
    go_on(line);
}

static struct check_line *line_new(struct partition *partition, const void *sender) {
    struct check_line *line = mem_zalloc(sizeof *line);
    line->task.done = check_is_over;
    line->partition = partition;
    line->sender = sender;
    HASH_ADD_PTR(partition->lines, sender, line);
    return line;
}

bool partition_check(struct partition *partition, struct partition_produce *produce,
                     struct produced_batch *batch, int16_t *code, struct produce_refusal *refusal) {
    struct check_line *line;
    const void *sender = produce->records.sender;
    HASH_FIND_PTR(partition->lines, &sender, line);
    if (line == NULL) {
        if (check_begin(partition, produce, batch, code, refusal)) return true;
        line = line_new(partition, sender);
        line->batch = *batch;
        if (!check_give(line, produce, code, refusal)) {
            free_if_empty(line);
            return true;
        }
    }
    produce_list_insert(&line->list, produce, line->list.last);
    line->bytes += bytes_of(produce);
    produce->line = line;
    return false;
}

void partition_check_cancel(struct partition_produce *produce) {
    struct check_line *line = produce->line;
    bool first = line->list.first == produce;
    check_leave(line, produce);
    if (first) check_pool_cancel(&line->task);
    /* The next one is begun later: a client that has gone has all of its batches taken out, one
     * after the other. */
    if (first && line->list.first != NULL)
        env_defer(line->partition->env, &line->partition->lines_task);
    free_if_empty(line);
}

size_t partition_check_bytes(const struct partition_produce *produce) {
    return produce->line->bytes;
}

struct partition_produce *partition_check_last(const struct partition_produce *produce) {
    return produce->line->list.last;
}

struct partition_produce *partition_check_take(struct partition *partition) {
    for (struct check_line *line = partition->lines; line != NULL; line = line->hh.next) {
        struct partition_produce *first = line->list.first;
        if (first == NULL) continue;
        partition_check_cancel(first);
        return first;
    }
    return NULL;
}

/* A line that is gone on with may free others: they are looked for from the start each time. */
static void go_on_with_lines(struct env_task *task) {
    struct partition *partition = CONTAINER_OF(task, struct partition, lines_task);
    struct check_line *line = partition->lines;
    while (line != NULL) {
        bool stands = !line->busy && line->task.run == NULL;
        if (stands) go_on(line);
        line = stands ? partition->lines : line->hh.next;
    }
}

void partition_checks_open(struct partition *partition) {
    partition->lines_task.run = go_on_with_lines;
}

void partition_checks_close(struct partition *partition) {
    /* Every produce was taken out, and with the last one of a line the line. */
    CHECK(partition->lines == NULL);
    env_defer_cancel(partition->env, &partition->lines_task);
}
