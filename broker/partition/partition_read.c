/*
 * Reads of consumers, and who waits for the watermark.
 *
 *   partition_read -> below the watermark -> the log (memory: at once, segment: later) -> done
 *                     (where records are held back: then holes in their place;
 *                     of a committed reader: then what was aborted of it)
 *                  -> between watermark and end -> nothing yet
 *                     (of a committed reader: the last stable offset in the watermark's place)
 *                  -> above the end -> a majority confirms that we lead -> OFFSET_OUT_OF_RANGE
 *                  -> of another history -> the same                     -> where it begins to be
 *
 * Invariant: a read that is not over is in the partition's list, so that closing the partition ends
 * it.
 */
#include <utlist.h>

#include "base/container_of.h"
#include "base/mutant.h"
#include "broker/errors/error_map.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"
#include "protocol/record/held_batch.h"
#include "storage/log_types.h"

enum read_stage { STAGE_OVER, STAGE_LOG, STAGE_HOLES, STAGE_ABORTED, STAGE_CONFIRM };

/* What was aborted of what was read, which may be much. */
struct aborted_finding {
    struct env_task task; /* first */
    struct partition_read *read;
    struct aborted_search search;
};

/* ---- Reads ---- */

static void read_begin(struct partition_read *read, enum read_stage stage) {
    struct partition *partition = read->partition;
    read->stage = stage;
    DL_PREPEND(partition->reads, read);
}

static void read_end(struct partition_read *read) {
    DL_DELETE(read->partition->reads, read);
    read->stage = STAGE_OVER;
}

/* No error carries the two ends, as in Kafka: only a leader knows them, and with
 * NOT_LEADER_OR_FOLLOWER clients would reset to them. DONE, for who is in the call that began it.
 */
static enum completion partition_read_over(struct partition_read *read, int16_t error) {
    bool known = error == KAFKA_NONE;
    read->error = error;
    read->high_watermark = known ? read->partition->high_watermark : -1;
    read->stable_offset = known ? partition_stable_offset(read->partition) : -1;
    read->start_offset = known ? partition_start_offset(read->partition) : -1;
    read->diverges = known && read->diverges;
    read->more = known && read->fetch.next_offset < read->end_offset;
    if (read->stage != STAGE_OVER) read_end(read);
    if (!read->inside) read->done(read);
    return DONE;
}

static void finding_end(struct partition_read *read) {
    struct aborted_finding *finding = read->finding;
    env_defer_cancel(read->partition->env, &finding->task);
    aborted_search_drop(&finding->search);
    mem_free(finding);
    read->finding = NULL;
}

/* Of what was read and lies below the log's start by now, nobody knows any more what was aborted.
 */
static void find_some(struct env_task *task) {
    struct aborted_finding *finding = (struct aborted_finding *)task;
    struct partition_read *read = finding->read;
    struct partition *partition = read->partition;
    int16_t code = KAFKA_NONE;
    if (read->offset < partition_start_offset(partition)) {
        partition_log_fetch_release(&read->fetch);
        code = KAFKA_OFFSET_OUT_OF_RANGE;
    }
    while (code == KAFKA_NONE &&
           !aborted_search_step(producer_state_aborted(partition->producers), &finding->search))
        if (env_turn_is_long(partition->env)) {
            env_yield(partition->env, &finding->task);
            return;
        }
    if (code == KAFKA_NONE) {
        read->aborted = finding->search.found;
        read->aborted_count = finding->search.count;
        finding->search.found = NULL;
    }
    finding_end(read);
    partition_read_over(read, code);
}

static void find_aborted(struct partition_read *read) {
    struct aborted_finding *finding = mem_zalloc(sizeof *finding);
    finding->task.run = find_some;
    finding->read = read;
    finding->search.from = read->offset;
    finding->search.to = read->fetch.next_offset;
    read->finding = finding;
    read->stage = STAGE_ABORTED;
    find_some(&finding->task);
}

/* ---- Holes ---- */

/* Where records are held back (partition_delay.c): batches without those, and where nothing visible
 * follows in the answer one hole, which ends before the first batch that was not read. In steps. */
struct hole_making {
    struct env_task task; /* first */
    struct partition_read *read;
    struct hole_making *next, *prev; /* in the partition's list */
    void (*done)(struct partition_read *read, int error);
    size_t slice, at; /* the next batch: in which slice, where */
    struct slice *visible;
    size_t count, room;
    uint64_t bytes;
    /* Behind the last visible one; first -1: nothing is hidden there. */
    kafka_offset hole_first, hole_last;
    int32_t hole_epoch;
    int64_t hole_timestamp_ms;
};

static void holes_add(struct hole_making *making, struct slice slice) {
    making->visible = mem_grow(making->visible, making->count, &making->room,
                               sizeof *making->visible);
    making->visible[making->count++] = slice;
    making->bytes += slice.len;
    making->hole_first = -1;
}

/* A batch as it is; it may follow the one before in the same piece. */
static void add_as_is(struct hole_making *making, const struct slice *of,
                      const struct record_batch *batch) {
    struct slice *last = making->count > 0 ? &making->visible[making->count - 1] : NULL;
    if (last != NULL && last->buffer == of->buffer && last->data + last->len == batch->data) {
        last->len += batch->size;
        making->bytes += batch->size;
        return;
    }
    struct slice piece = *of;
    piece.data = batch->data;
    piece.len = batch->size;
    holes_add(making, slice_ref(piece));
}

static void hide(struct hole_making *making, const struct record_batch *batch) {
    if (making->hole_first < 0)
        making->hole_first = batch->base_offset > making->read->offset ? batch->base_offset
                                                                       : making->read->offset;
    making->hole_last = record_batch_last_offset(batch);
    making->hole_epoch = batch->leader_epoch;
    making->hole_timestamp_ms = batch->max_timestamp;
}

static int take_batch(struct hole_making *making, const struct slice *of,
                      const struct record_batch *batch) {
    uint8_t *bytes;
    size_t size;
    if (!record_batch_is_held(batch)) {
        add_as_is(making, of, batch);
        return ERR_NONE;
    }
    int error = held_batch_visible(batch, &bytes, &size);
    if (error != ERR_NONE) return error;
    if (bytes != NULL)
        holes_add(making, slice_adopt(NULL, bytes, size));
    else
        hide(making, batch);
    return ERR_NONE;
}

/* ERR_EOF: that was the last one. */
static int next_batch(struct hole_making *making) {
    const struct partition_log_fetch *fetch = &making->read->fetch;
    while (making->slice < fetch->count) {
        const struct slice *of = &fetch->slices[making->slice];
        struct record_batch batch;
        int error = record_batch_next(of->data, of->len, &making->at, &batch, NULL);
        if (error == ERR_NONE) return take_batch(making, of, &batch);
        if (error != ERR_EOF) return error;
        making->slice++;
        making->at = 0;
    }
    return ERR_EOF;
}

static void add_hole(struct hole_making *making) {
    kafka_offset first = making->hole_first, last = making->hole_last;
    if (first < 0) return;
    if (MUTANT(MUTANT_HOLE_SHORT) && --last < first) return;
    if (MUTANT(MUTANT_HOLE_OVER_VISIBLE)) last = making->read->partition->high_watermark - 1;
    if (last - first > INT32_MAX) first = last - INT32_MAX;
    holes_add(making, hole_batch(first, last, making->hole_epoch, making->hole_timestamp_ms));
}

static void holes_drop(struct hole_making *making) {
    DL_DELETE(making->read->partition->holes, making);
    for (size_t i = 0; i < making->count; i++)
        slice_unref(&making->visible[i]);
    mem_free(making->visible);
    mem_free(making);
}

static void holes_over(struct hole_making *making, int error) {
    struct partition_read *read = making->read;
    void (*done)(struct partition_read *, int) = making->done;
    partition_log_fetch_release(&read->fetch);
    read->fetch.bytes = 0;
    if (error == ERR_NONE) {
        add_hole(making);
        read->fetch.slices = making->visible;
        read->fetch.count = making->count;
        read->fetch.bytes = making->bytes;
        making->visible = NULL;
        making->count = 0;
    }
    holes_drop(making);
    done(read, error);
}

static void make_some(struct env_task *task) {
    struct hole_making *making = (struct hole_making *)task;
    int error;
    while ((error = next_batch(making)) == ERR_NONE)
        if (env_turn_is_long(making->read->partition->env)) {
            env_yield(making->read->partition->env, &making->task);
            return;
        }
    holes_over(making, error == ERR_EOF ? ERR_NONE : ERR_CORRUPT);
}

static void holes_make(struct partition_read *read,
                       void (*done)(struct partition_read *read, int error)) {
    struct hole_making *making = mem_zalloc(sizeof *making);
    making->task.run = make_some;
    making->read = read;
    making->done = done;
    making->hole_first = -1;
    DL_PREPEND(read->partition->holes, making);
    make_some(&making->task);
}

static void holes_cancel(struct partition_read *read) {
    struct hole_making *making = read->partition->holes;
    while (making->read != read)
        making = making->next;
    env_defer_cancel(read->partition->env, &making->task);
    holes_drop(making);
    partition_log_fetch_release(&read->fetch);
}

/* ---- From the log ---- */

static void batches_done(struct partition_read *read, int error) {
    if (error == ERR_NONE && read->committed && read->fetch.count > 0)
        find_aborted(read);
    else
        partition_read_over(read, error == ERR_NONE ? KAFKA_NONE : error_map_log(error));
}

static void log_done(struct partition_log_fetch *fetch, int error) {
    struct partition_read *read = CONTAINER_OF(fetch, struct partition_read, fetch);
    bool plain = read->offset >= partition_delay_end(read->partition);
    if (error != ERR_NONE || plain || fetch->count == 0) {
        batches_done(read, error);
        return;
    }
    read->stage = STAGE_HOLES;
    holes_make(read, batches_done);
}

/* OFFSET_OUT_OF_RANGE above the end, or behind an epoch that is not known; NONE with
 * read->diverges. */
static int16_t judge(struct partition_read *read) {
    const struct partition *partition = read->partition;
    kafka_offset end_offset = partition_log_end_offset(raft_group_log(partition->group));
    read->diverges = false;
    if (read->last_epoch >= 0) {
        read->epoch_end_offset = partition_epoch_end(partition, read->last_epoch, &read->end_epoch);
        if (read->epoch_end_offset < 0) return KAFKA_OFFSET_OUT_OF_RANGE;
        if ((uint32_t)read->last_epoch == partition->epoch) read->end_epoch = read->last_epoch;
        read->diverges = read->end_epoch < read->last_epoch ||
                         read->epoch_end_offset < read->offset;
        if (read->diverges) return KAFKA_NONE;
    }
    return read->offset > end_offset ? KAFKA_OFFSET_OUT_OF_RANGE : KAFKA_NONE;
}

static void read_confirmed(struct raft_group_read_index *confirm, int error) {
    struct partition_read *read = CONTAINER_OF(confirm, struct partition_read, confirm);
    int16_t code = error_map_group(error);
    partition_read_over(read, code == KAFKA_NONE ? judge(read) : code);
}

static enum completion read_start(struct partition_read *read, uint64_t max_bytes) {
    struct partition *partition = read->partition;
    struct partition_log *log = raft_group_log(partition->group);
    if (read->offset < partition_start_offset(partition))
        return partition_read_over(read, KAFKA_OFFSET_OUT_OF_RANGE);
    if (judge(read) != KAFKA_NONE || read->diverges) {
        read_begin(read, STAGE_CONFIRM);
        raft_group_read_index(partition->group, &read->confirm);
        return read->stage == STAGE_OVER ? DONE : PENDING;
    }
    if (read->offset >= read->end_offset || max_bytes == 0)
        return partition_read_over(read, KAFKA_NONE);
    read_begin(read, STAGE_LOG);
    partition_log_fetch(log, read->offset, read->end_offset, max_bytes, &read->fetch);
    return read->stage == STAGE_OVER ? DONE : PENDING;
}

enum completion partition_read(struct partition *partition, kafka_offset offset,
                               int32_t leader_epoch, int32_t last_epoch, uint64_t max_bytes,
                               struct partition_read *read) {
    read->partition = partition;
    read->offset = offset;
    read->last_epoch = last_epoch;
    read->diverges = false;
    read->end_offset = read->committed ? partition_stable_offset(partition)
                                       : partition->high_watermark;
    read->fetch = (struct partition_log_fetch){.done = log_done, .next_offset = offset};
    read->confirm = (struct raft_group_read_index){.done = read_confirmed};
    read->stage = STAGE_OVER;
    read->inside = true;
    int16_t code = partition_leadership(partition, leader_epoch, &read->electing);
    enum completion completion = code != KAFKA_NONE ? partition_read_over(read, code)
                                                    : read_start(read, max_bytes);
    read->inside = false;
    return completion;
}

void partition_read_cancel(struct partition_read *read) {
    if (read->stage == STAGE_LOG) partition_log_fetch_cancel(&read->fetch);
    if (read->stage == STAGE_HOLES) holes_cancel(read);
    if (read->stage == STAGE_ABORTED) finding_end(read);
    if (read->stage == STAGE_CONFIRM)
        raft_group_read_index_cancel(read->partition->group, &read->confirm);
    if (read->stage != STAGE_OVER) read_end(read);
}

void partition_read_release(struct partition_read *read) {
    partition_log_fetch_release(&read->fetch);
    mem_free(read->aborted);
    read->aborted = NULL;
    read->aborted_count = 0;
}

void partition_reads_fail(struct partition *partition) {
    bool electing;
    int16_t code = partition_leadership(partition, -1, &electing);
    while (partition->reads != NULL) {
        struct partition_read *read = partition->reads;
        partition_read_cancel(read);
        partition_read_over(read, code);
    }
}

/* ---- Waits ---- */

void partition_wait(struct partition *partition, struct partition_waiter *waiter) {
    CHECK(waiter->partition == NULL); /* a fetch waits once for each partition (fetch.c) */
    waiter->partition = partition;
    DL_PREPEND(partition->waiters, waiter);
}

void partition_wait_cancel(struct partition_waiter *waiter) {
    if (waiter->partition == NULL) return;
    DL_DELETE(waiter->partition->waiters, waiter);
    waiter->partition = NULL;
}

/* Bytes that lie below the last stable offset since the last time. */
static uint64_t stable_bytes(struct partition *partition) {
    kafka_offset stable = partition_stable_offset(partition);
    uint64_t bytes = partition->unstable_bytes;
    if (stable == partition->stable_told) return 0;
    partition->stable_told = stable;
    if (stable == partition->high_watermark) partition->unstable_bytes = 0;
    return bytes;
}

void partition_waiters_tell(struct partition *partition, bool changed) {
    uint64_t bytes = partition->moved_bytes;
    partition->unstable_bytes += bytes;
    partition->moved_bytes = 0;
    if (bytes == 0 && !changed) return;
    uint64_t stable = stable_bytes(partition);
    struct partition_waiter *waiter, *next;
    DL_FOREACH_SAFE(partition->waiters, waiter, next) {
        uint64_t visible = waiter->stable ? stable : bytes;
        if (visible > 0 || changed) waiter->moved(waiter, visible, changed);
    }
}
