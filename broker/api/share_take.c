/* Batches that were read, one after the other. */
#include "broker/api/share_take.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/share/record_sight.h"
#include "protocol/record/record_batch.h"

/* What is sent: of each slice that was read one for each run of batches that are. */
struct sent {
    struct slice *slices;
    size_t count, capacity;
    bool open; /* the last one may go on */
};

static void send(struct sent *sent, const struct slice *slice, size_t from, size_t to) {
    if (sent->open) {
        sent->slices[sent->count - 1].len += to - from;
        return;
    }
    sent->slices = mem_grow(sent->slices, sent->count, &sent->capacity, sizeof *sent->slices);
    struct slice one = slice_ref(*slice);
    one.data += from;
    one.len = to - from;
    sent->slices[sent->count++] = one;
    sent->open = true;
}

/* Aborted ones are there by their first offset. */
static bool is_aborted(const struct partition_read *read, const struct record_batch *batch) {
    if (!record_batch_is_transactional(batch) || MUTANT(MUTANT_SHARE_ABORTED_GIVEN)) return false;
    for (size_t i = 0; i < read->aborted_count; i++) {
        const struct aborted_transaction *aborted = &read->aborted[i];
        if (aborted->first_offset > batch->base_offset) return false;
        if (aborted->producer_id == batch->producer_id &&
            aborted->marker_offset > batch->base_offset)
            return true;
    }
    return false;
}

static uint64_t acquire(const struct share_take *take, struct offset_range run, uint64_t taken) {
    return share_queue_acquire(take->queue, take->limits, run.first, run.last,
                               take->exact ? take->most - taken : UINT64_MAX, take->holder,
                               take->now_ms, take->given);
}

static uint64_t end_run(const struct share_take *take, struct offset_range run, bool over,
                        uint64_t taken) {
    if (run.last < run.first) return 0;
    if (!over) return acquire(take, run, taken);
    share_queue_archive(take->queue, take->limits, run.first, run.last, take->archived);
    return 0;
}

/* In runs of records that live, and of those that do not. */
static uint64_t take_living(const struct share_take *take, const struct record_batch *batch,
                            uint64_t taken, uint64_t *looked) {
    struct record_sights sights;
    struct record_sight sight;
    struct offset_range run = {batch->base_offset, batch->base_offset - 1};
    bool over = false;
    uint64_t got = 0;
    record_sights_open(&sights, batch, take->ttl_ms);
    *looked += sights.bytes;
    while (record_sights_next(&sights, &sight)) {
        bool is_over = sight.none || sight.until_ms <= take->wall_ms;
        if (is_over != over) {
            got += end_run(take, run, over, taken + got);
            run.first = sight.at.first;
            over = is_over;
        }
        run.last = sight.at.last;
    }
    record_sights_close(&sights);
    return got + end_run(take, run, over, taken + got);
}

static uint64_t take_batch(const struct share_take *take, const struct partition_read *read,
                           const struct record_batch *batch, uint64_t taken, uint64_t *looked) {
    kafka_offset last = record_batch_last_offset(batch);
    if (record_batch_is_control(batch) || is_aborted(read, batch)) {
        share_queue_archive(take->queue, take->limits, batch->base_offset, last, take->archived);
        return 0;
    }
    if (take->ttl_ms >= 0) return take_living(take, batch, taken, looked);
    return acquire(take, (struct offset_range){batch->base_offset, last}, taken);
}

uint64_t share_take(const struct share_take *take, struct partition_read *read) {
    struct sent sent = {0};
    kafka_offset next = take->from;
    uint64_t taken = 0, looked = 0;
    for (size_t i = 0; i < read->fetch.count && taken < take->most; i++) {
        const struct slice *slice = &read->fetch.slices[i];
        struct record_batch batch;
        size_t at = 0, from = 0;
        sent.open = false;
        for (; taken < take->most && looked < RECORD_SIGHT_MOST &&
               record_batch_next(slice->data, slice->len, &at, &batch, NULL) == ERR_NONE;
             from = at) {
            if (batch.base_offset > next)
                share_queue_archive(take->queue, take->limits, next, batch.base_offset - 1,
                                    take->archived);
            next = record_batch_last_offset(&batch) + 1;
            uint64_t got = take_batch(take, read, &batch, taken, &looked);
            taken += got;
            if (got > 0)
                send(&sent, slice, from, at);
            else
                sent.open = false;
        }
    }
    partition_log_fetch_release(&read->fetch);
    read->fetch.slices = sent.slices;
    read->fetch.count = sent.count;
    return taken;
}
