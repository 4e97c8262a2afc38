/* Batches that were read, one after the other. */
#include "broker/api/share_take.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/share/record_sight.h"
#include "broker/share/waiting_keys.h"
#include "protocol/record/record_batch.h"

enum {
    LOOKED_MOST = 2 << 20,
    LOOK_BYTES = 200, /* that one record by its key, or one run, counts for: as long as it takes */
};

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

/* How far it has looked. */
struct looking {
    uint64_t bytes;
    struct waiting_keys passed; /* keys of which a record was not given */
    bool ends;                  /* nothing further is to be looked at */
};

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
                            uint64_t taken, struct looking *looking) {
    struct record_sights sights;
    struct record_sight sight;
    struct offset_range run = {batch->base_offset, batch->base_offset - 1};
    bool over = false;
    uint64_t got = 0;
    record_sights_open(&sights, batch, take->ttl_ms);
    looking->bytes += sights.bytes;
    while (!looking->ends && record_sights_next(&sights, &sight)) {
        bool is_over = sight.none || sight.until_ms <= take->wall_ms;
        if (is_over != over) {
            got += end_run(take, run, over, taken + got);
            run.first = sight.at.first;
            over = is_over;
            looking->bytes += LOOK_BYTES;
        }
        run.last = sight.at.last;
        looking->ends = looking->bytes >= LOOKED_MOST;
    }
    record_sights_close(&sights);
    return got + end_run(take, run, over, taken + got);
}

/* Of a key that the holder may have, with nothing of it passed over before. */
static bool may_have(const struct share_take *take, const struct looking *looking, uint64_t key) {
    return !waiting_keys_has(&looking->passed, key) &&
           share_queue_key_is_free(take->queue, RECORD_KEY_ANY, take->holder) &&
           share_queue_key_is_free(take->queue, key, take->holder);
}

/* What cannot be read may have all keys: it is given when nothing with a key is held, or was passed
 * over, and nothing behind it is given before it is over. */
static uint64_t take_unread(const struct share_take *take, struct offset_range at, uint64_t taken,
                            struct looking *looking) {
    bool alone = take->queue->keys.runs.count == 0 && looking->passed.count == 0 && taken == 0;
    looking->ends = true;
    return alone
               ? share_queue_acquire_keyed(take->queue, take->limits, at, take->most,
                                           RECORD_KEY_ANY, take->holder, take->now_ms, take->given)
               : 0;
}

/* One record. What is not given has its key wait. */
static uint64_t take_one(const struct share_take *take, struct offset_range at, uint64_t key,
                         struct looking *looking) {
    uint64_t got = 0;
    if (key == RECORD_KEY_NONE)
        return share_queue_acquire(take->queue, take->limits, at.first, at.last, 1, take->holder,
                                   take->now_ms, take->given);
    if (may_have(take, looking, key))
        got = share_queue_acquire_keyed(take->queue, take->limits, at, 1, key, take->holder,
                                        take->now_ms, take->given);
    if (got == 0 && !waiting_keys_add(&looking->passed, key)) looking->ends = true;
    return got;
}

/* One record after the other, each by its key. */
static uint64_t take_by_key(const struct share_take *take, const struct record_batch *batch,
                            uint64_t taken, struct looking *looking) {
    struct record_sights sights;
    struct record_sight sight;
    uint64_t got = 0;
    record_sights_open(&sights, batch, take->ttl_ms);
    looking->bytes += sights.bytes;
    while (!looking->ends && taken + got < take->most && record_sights_next(&sights, &sight)) {
        kafka_offset first = share_queue_available(take->queue, sight.at.first);
        if (first < 0 || first > sight.at.last) continue;
        looking->bytes += LOOK_BYTES;
        if (sight.none || sight.until_ms <= take->wall_ms)
            share_queue_archive(take->queue, take->limits, first, sight.at.last, take->archived);
        else if (sights.blind)
            got += take_unread(take, sight.at, taken + got, looking);
        else
            got += take_one(take, sight.at, record_sights_key(&sights), looking);
        if (looking->bytes >= LOOKED_MOST) looking->ends = true;
    }
    record_sights_close(&sights);
    return got;
}

static uint64_t take_batch(const struct share_take *take, const struct partition_read *read,
                           const struct record_batch *batch, uint64_t taken,
                           struct looking *looking) {
    kafka_offset last = record_batch_last_offset(batch);
    if (record_batch_is_control(batch) || is_aborted(read, batch)) {
        share_queue_archive(take->queue, take->limits, batch->base_offset, last, take->archived);
        return 0;
    }
    if (take->limits->keyed) return take_by_key(take, batch, taken, looking);
    if (take->ttl_ms >= 0) return take_living(take, batch, taken, looking);
    return acquire(take, (struct offset_range){batch->base_offset, last}, taken);
}

uint64_t share_take(const struct share_take *take, struct partition_read *read) {
    struct sent sent = {0};
    kafka_offset next = take->from;
    uint64_t taken = 0;
    struct looking looking = {0};
    for (size_t i = 0; i < read->fetch.count && taken < take->most && !looking.ends; i++) {
        const struct slice *slice = &read->fetch.slices[i];
        struct record_batch batch;
        size_t at = 0, from = 0;
        sent.open = false;
        for (; taken < take->most && looking.bytes < LOOKED_MOST && !looking.ends &&
               record_batch_next(slice->data, slice->len, &at, &batch, NULL) == ERR_NONE;
             from = at) {
            if (batch.base_offset > next)
                share_queue_archive(take->queue, take->limits, next, batch.base_offset - 1,
                                    take->archived);
            next = record_batch_last_offset(&batch) + 1;
            uint64_t got = take_batch(take, read, &batch, taken, &looking);
            taken += got;
            if (got > 0)
                send(&sent, slice, from, at);
            else
                sent.open = false;
        }
    }
    waiting_keys_close(&looking.passed);
    partition_log_fetch_release(&read->fetch);
    read->fetch.slices = sent.slices;
    read->fetch.count = sent.count;
    return taken;
}
