/*
 * Batches into entries, entries into the group: what is added before a flush shares entries of at
 * most 1 MiB.
 *
 * Happy path: append_queue_add copies a batch behind the others (a large one stays where it is, and
 * is an entry of its own); append_queue_flush submits. Failures: what the group does not take waits
 * here until it is flushed again, or withdrawn. How much may wait is for partition_produce.c to
 * say.
 * Invariants: offsets in the queue are dense and end with next_offset; entries are submitted in
 * order; nothing here is charged to the budget of requests, which may be gone before.
 */
#include <string.h>

#include "broker/config/broker_settings.h"
#include "broker/partition/partition_internal.h"
#include "protocol/record/transaction_marker.h"
#include "storage/log_types.h"

enum {
    ENTRY_BYTES = 1 << 20, /* an entry gathers up to so much */
    /* A batch of at least that size is not copied, if it is most of its buffer. */
    LARGE_BYTES = 128 << 10,
    LEAST_ROOM = 4 << 10,
    COMPRESS_MOST = 2 << 20, /* a larger one, a single batch, stays plain: it would stop the loop
                                for longer than 5 ms */
};
/* An entry holds what gathered, or one batch, which is no larger than any topic's
 * max.message.bytes. */
_Static_assert((int)ENTRY_BYTES <= (int)ENTRY_BODY_MAX &&
                   (int)BROKER_BATCH_MOST <= (int)ENTRY_BODY_MAX,
               "entry_new checks it");

static void forming_free(struct forming_entry *forming) {
    slice_unref(&forming->large);
    mem_free(forming->data);
    mem_free(forming);
}

static struct forming_entry *forming_new(struct partition *partition) {
    struct append_queue *queue = &partition->queue;
    struct forming_entry *forming = mem_zalloc(sizeof *forming);
    forming->base_offset = partition->next_offset;
    forming->max_timestamp = -1;
    *(queue->last != NULL ? &queue->last->next : &queue->first) = forming;
    queue->last = forming;
    return forming;
}

/* Whether the entry gathers one more batch. A compressed batch may have very many records: they are
 * counted, too. */
static bool takes(const struct forming_entry *forming, size_t size, int32_t records) {
    return forming->large.len == 0 && !forming->released && forming->len + size <= ENTRY_BYTES &&
           forming->batches < UINT16_MAX &&
           (uint64_t)forming->records + (uint64_t)records <= INT32_MAX;
}

/* The entry that the next batch of `size` goes to. */
static struct forming_entry *entry_for(struct partition *partition,
                                       const struct produced_batch *batch, size_t size) {
    struct forming_entry *last = partition->queue.last;
    bool alone = batch->kind == BATCH_RELEASED;
    if (last == NULL || alone || !takes(last, size, batch->header.record_count))
        last = forming_new(partition);
    if (last->len + size > last->room) {
        size_t room = last->room * 2;
        if (room == 0) room = partition->queue.usual_len;
        if (room > ENTRY_BYTES) room = ENTRY_BYTES;
        if (room < LEAST_ROOM) room = LEAST_ROOM;
        if (room < last->len + size) room = last->len + size;
        last->data = mem_realloc(last->data, room);
        last->room = room;
    }
    return last;
}

/* Whether the entry can keep the buffer in which the batch came: then nearly all of what it pins is
 * the batch. */
static bool keeps_buffer(const struct slice *bytes) {
    return bytes->buffer != NULL && bytes->len >= LARGE_BYTES &&
           bytes->len >= bytes->buffer->size - bytes->buffer->size / 8;
}

void append_queue_add(struct partition *partition, struct produced_batch *batch, int64_t now_ms,
                      uint64_t came_us) {
    const struct record_batch *header = &batch->header;
    size_t size = batch->bytes.len;
    buckets_add(&partition->counts->batch_bytes, &bounds_bytes, size);
    buckets_add(&partition->counts->batch_records, &bounds_count, (uint64_t)header->record_count);
    /* A marker has the time of its coordinator, and is no record whose time anybody looks for. */
    bool marker = record_batch_is_control(header),
         log_append_time = partition->settings.log_append_time && !marker;
    struct forming_entry *forming;
    uint8_t *bytes;
    if (keeps_buffer(&batch->bytes)) {
        forming = forming_new(partition);
        forming->large = batch->bytes;
        batch->bytes = (struct slice){0};
        buffer_discharge(forming->large.buffer);
        /* The frame is ours: nobody else writes or reads it. */
        bytes = (uint8_t *)forming->large.data;
    } else {
        forming = entry_for(partition, batch, size);
        bytes = forming->data + forming->len;
        memcpy(bytes, batch->bytes.data, size);
        slice_unref(&batch->bytes);
    }
    bool held = batch->kind == BATCH_HELD;
    int64_t timestamp = log_append_time && !held ? now_ms : batch->max_timestamp;
    produced_batch_place(bytes, size, partition->next_offset, partition->epoch, log_append_time,
                         timestamp);
    if (held && (!log_append_time || batch->all_held)) timestamp = batch->visible_timestamp;
    if (timestamp > forming->max_timestamp && !marker) forming->max_timestamp = timestamp;
    forming->released = batch->kind == BATCH_RELEASED;
    if (record_batch_codec(header) == RECORD_CODEC_NONE) forming->plain_bytes += size;
    if (batch->kind != BATCH_PLAIN) forming->delays = true;
    if (header->producer_id >= 0 || forming->delays) forming->numbered = true;
    if (forming->batches == 0 || came_us < forming->came_us) forming->came_us = came_us;
    forming->len += size;
    forming->records += (uint32_t)header->record_count;
    forming->batches++;
    partition->queue.bytes += size;
    partition->next_offset += header->record_count;
}

/* The bytes of the entry as one slice; the forming entry lets go of them. */
static struct slice take_bytes(struct forming_entry *forming) {
    struct slice bytes = forming->large;
    if (bytes.len > 0) {
        forming->large = (struct slice){0};
        return bytes;
    }
    if (forming->room - forming->len > forming->len / 8)
        forming->data = mem_realloc(forming->data, forming->len);
    bytes = slice_adopt(NULL, forming->data, forming->len);
    forming->data = NULL;
    return bytes;
}

static void give_back(struct forming_entry *forming, struct slice bytes) {
    forming->large = bytes; /* its own buffer now: it gathers no more */
}

static int queue_submit(struct partition *partition, struct forming_entry *forming) {
    struct entry_spec spec = {.type = ENTRY_BATCHES,
                              .batches = forming->batches,
                              .base_offset = forming->base_offset,
                              .records = forming->records,
                              .max_timestamp = forming->max_timestamp,
                              .raw = take_bytes(forming),
                              .numbered = forming->numbered,
                              .delays = forming->delays,
                              .compress = partition->settings.store_lz4 &&
                                          forming->len <= COMPRESS_MOST &&
                                          forming->plain_bytes * 2 > forming->len};
    log_index index;
    int error = raft_group_submit(partition->group, &spec, &index);
    if (error != ERR_NONE) {
        give_back(forming, spec.raw);
        return error;
    }
    buckets_add(&partition->counts->gather_us, &bounds_sync,
                env_now_us(partition->env) - forming->came_us);
    return ERR_NONE;
}

int append_queue_flush(struct partition *partition) {
    struct append_queue *queue = &partition->queue;
    partition_note_moved(partition);
    while (queue->first != NULL) {
        struct forming_entry *forming = queue->first;
        int error = queue_submit(partition, forming);
        if (error != ERR_NONE) return error;
        queue->usual_len = (queue->usual_len + forming->len) / 2;
        queue->bytes -= forming->len;
        queue->first = forming->next;
        if (queue->first == NULL) queue->last = NULL;
        forming_free(forming);
    }
    return ERR_NONE;
}

void append_queue_fill(struct partition *partition) {
    const struct partition_log *log = raft_group_log(partition->group);
    const struct transaction_marker nobodys = {
        .producer_id = -1, .producer_epoch = -1, .commit = true};
    if (!partition_log_lacks_record(log) || partition->next_offset != partition_log_end_offset(log))
        return;
    int64_t now_ms = env_wall_ms(partition->env);
    struct produced_batch batch = {.bytes = transaction_marker_batch(&nobodys, now_ms)};
    int error = record_batch_parse(batch.bytes.data, batch.bytes.len, &batch.header, NULL);
    CHECK(error == ERR_NONE); /* the builder made it */
    batch.max_timestamp = batch.header.max_timestamp;
    append_queue_add(partition, &batch, now_ms, env_now_us(partition->env));
}

int64_t append_queue_withdraw(struct partition *partition) {
    struct append_queue *queue = &partition->queue;
    if (queue->first != NULL) partition->next_offset = queue->first->base_offset;
    while (queue->first != NULL) {
        struct forming_entry *forming = queue->first;
        queue->first = forming->next;
        forming_free(forming);
    }
    queue->last = NULL;
    queue->bytes = 0;
    return partition->next_offset;
}
