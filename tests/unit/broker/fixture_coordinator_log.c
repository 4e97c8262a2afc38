/*
 * A coordinator's log for tests: two lists of batches in memory.
 */
#include "fixture_coordinator_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/mem.h"
#include "broker/coordinator/snapshot_records.h"
#include "protocol/kafka_error.h"

enum { TAKES_LONG = 7 }; /* so many times others are restored before one that is kept */

struct fake_batch {
    struct fake_batch *next;
    struct coordinator_write *write; /* NULL: canceled, or of nobody here */
    struct coordinator_record *records;
    size_t count;
    kafka_offset base_offset;
    int64_t timestamp_ms;
    int64_t producer_id; /* -1: of no transaction */
    enum { RECORDS, COMMITS, ABORTS } kind;
    int16_t refusal;
    bool late;
};

/* ---- Batches ---- */

static uint8_t *bytes_copy(const uint8_t *bytes, size_t len) {
    uint8_t *copy = mem_alloc(len + 1);
    if (len > 0) memcpy(copy, bytes, len);
    return copy;
}

static struct fake_batch *batch_new(struct fake_log *fake, const struct coordinator_record *records,
                                    size_t count) {
    struct fake_batch *batch = mem_zalloc(sizeof *batch);
    batch->records = mem_zalloc((count + 1) * sizeof *batch->records);
    batch->count = count;
    batch->producer_id = -1;
    batch->timestamp_ms = fake->now_ms;
    for (size_t i = 0; i < count; i++) {
        batch->records[i] = records[i];
        batch->records[i].key = bytes_copy(records[i].key, records[i].key_len);
        batch->records[i].value = bytes_copy(records[i].value, records[i].value_len);
    }
    return batch;
}

static void batch_free(struct fake_batch *batch) {
    for (size_t i = 0; i < batch->count; i++) {
        mem_free((void *)batch->records[i].key);
        mem_free((void *)batch->records[i].value);
    }
    mem_free(batch->records);
    mem_free(batch);
}

static void list_append(struct fake_batch **list, struct fake_batch *batch) {
    while (*list != NULL)
        list = &(*list)->next;
    *list = batch;
    batch->next = NULL;
}

static void list_free(struct fake_batch **list) {
    while (*list != NULL) {
        struct fake_batch *batch = *list;
        *list = batch->next;
        batch_free(batch);
    }
}

static struct coordinator_place place_of(const struct fake_batch *batch, size_t i) {
    return (struct coordinator_place){.offset = batch->base_offset + (kafka_offset)i,
                                      .timestamp_ms = batch->timestamp_ms,
                                      .producer_id = batch->producer_id,
                                      .producer_epoch = -1};
}

static void batch_apply(const struct fake_log *fake, const struct fake_batch *batch, void *state) {
    if (batch->kind != RECORDS) {
        fake->type->ended(state, batch->producer_id, batch->kind == COMMITS);
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        struct coordinator_place place = place_of(batch, i);
        fake->type->apply(state, &batch->records[i], &place);
    }
}

/* ---- The snapshot ---- */

/* A state on its way into a snapshot, as the product keeps it: what the walk gave and what was
 * applied meanwhile, in the order in which that was. */
struct fake_snapshot {
    struct snapshot_bytes bytes;
    void *walk;
    bool begun, whole;
    unsigned steps, restores;
};

static void snapshot_add(void *arg, const struct coordinator_record *record) {
    snapshot_records_put(&((struct fake_snapshot *)arg)->bytes, record);
}

static void snapshot_step(struct fake_log *fake, size_t most) {
    struct fake_snapshot *snapshot = fake->snapshot;
    snapshot->begun = true;
    while (!snapshot->whole && most-- > 0)
        snapshot->whole = fake->type->records(fake->state, &snapshot->walk, 1, snapshot_add,
                                              snapshot);
}

static void snapshot_free(struct fake_log *fake) {
    struct fake_snapshot *snapshot = fake->snapshot;
    if (snapshot->walk != NULL) fake->type->records_stop(fake->state, snapshot->walk);
    snapshot_bytes_drop(&snapshot->bytes);
    mem_free(snapshot);
    fake->snapshot = NULL;
}

static void snapshot_add_batch(struct fake_snapshot *snapshot, const struct fake_batch *batch) {
    if (batch->kind != RECORDS)
        snapshot_records_put_end(&snapshot->bytes, batch->producer_id, batch->kind == COMMITS);
    for (size_t i = 0; i < batch->count; i++) {
        struct coordinator_place stood = place_of(batch, i);
        struct coordinator_record record = batch->records[i];
        record.stood = &stood;
        snapshot_add(snapshot, &record);
    }
}

static void batch_commit(struct fake_log *fake, struct fake_batch *batch) {
    struct fake_snapshot *snapshot = fake->snapshot;
    batch->base_offset = fake->end_offset;
    fake->end_offset += batch->kind == RECORDS ? (kafka_offset)batch->count : 1;
    list_append(&fake->committed, batch);
    batch_apply(fake, batch, fake->state);
    if (snapshot == NULL) return;
    if (snapshot->begun) snapshot_add_batch(snapshot, batch);
    snapshot_step(fake, snapshot->steps++ % 3);
}

static void write_end(struct coordinator_write *write, int16_t error) {
    if (write == NULL) return;
    write->inside = NULL;
    write->log = NULL;
    write->done(write, error);
}

/* ---- The log ---- */

static void fake_write(struct coordinator_log *log, const struct coordinator_record *records,
                       size_t count, struct coordinator_write *write) {
    struct fake_log *fake = (struct fake_log *)log;
    CHECK(count > 0); /* as the product's */
    struct fake_batch *batch = batch_new(fake, records, count);
    batch->write = write;
    if (write->transaction != NULL) batch->producer_id = write->transaction->producer_id;
    batch->refusal = fake->leading ? fake->refusal : KAFKA_NOT_COORDINATOR;
    fake->refusal = 0;
    write->inside = batch;
    list_append(&fake->waiting, batch);
    fake->waiting_count++;
}

static void fake_write_cancel(struct coordinator_write *write) {
    struct fake_batch *batch = write->inside;
    if (batch != NULL) batch->write = NULL;
    write->inside = NULL;
    write->log = NULL;
}

static bool fake_in_doubt(const struct coordinator_log *log) {
    const struct fake_batch *batch = ((const struct fake_log *)log)->waiting;
    while (batch != NULL && !batch->late)
        batch = batch->next;
    return batch != NULL;
}

static void confirms_end(struct fake_log *fake, int16_t error) {
    struct coordinator_confirm *ended[64];
    size_t count = fake->confirm_count;
    memcpy(ended, fake->confirms, sizeof ended);
    fake->confirm_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (ended[i] == NULL) continue;
        ended[i]->log = NULL;
        ended[i]->done(ended[i], error);
    }
}

static void fake_confirm(struct coordinator_log *log, struct coordinator_confirm *confirm) {
    struct fake_log *fake = (struct fake_log *)log;
    if (!fake->leading || (fake->confirms_at_once && fake->waiting == NULL)) {
        confirm->log = NULL;
        confirm->done(confirm, fake->leading ? 0 : KAFKA_NOT_COORDINATOR);
        return;
    }
    CHECK(fake->confirm_count < 64); /* a test asks a few times */
    fake->confirms[fake->confirm_count++] = confirm;
}

static void fake_confirm_cancel(struct coordinator_confirm *confirm) {
    struct fake_log *fake = (struct fake_log *)confirm->log;
    for (size_t i = 0; i < fake->confirm_count; i++)
        if (fake->confirms[i] == confirm) fake->confirms[i] = NULL;
    confirm->log = NULL;
}

static int32_t fake_epoch(const struct coordinator_log *log) {
    return ((const struct fake_log *)log)->epoch;
}

static const struct coordinator_log_type fake_type = {.write = fake_write,
                                                      .write_cancel = fake_write_cancel,
                                                      .in_doubt = fake_in_doubt,
                                                      .confirm = fake_confirm,
                                                      .confirm_cancel = fake_confirm_cancel,
                                                      .epoch = fake_epoch};

void fake_log_open(struct fake_log *fake, const struct coordinator_state *type, void *state) {
    *fake = (struct fake_log){.log.type = &fake_type,
                              .type = type,
                              .state = state,
                              .now_ms = 1000000,
                              .confirms_at_once = true};
}

void fake_log_close(struct fake_log *fake) {
    list_free(&fake->waiting);
    list_free(&fake->committed);
}

void fake_log_lead(struct fake_log *fake) {
    fake->leading = true;
    fake->epoch++;
    fake->type->leading(fake->state);
}

void fake_log_lose(struct fake_log *fake, bool commits_later) {
    struct fake_batch *lost = fake->waiting;
    fake->leading = false;
    fake->waiting = NULL;
    fake->waiting_count = 0;
    for (struct fake_batch *batch = lost; batch != NULL; batch = batch->next) {
        struct coordinator_write *write = batch->write;
        batch->write = NULL;
        write_end(write, KAFKA_NOT_COORDINATOR);
    }
    confirms_end(fake, KAFKA_NOT_COORDINATOR);
    fake->type->lost(fake->state);
    while (lost != NULL) {
        struct fake_batch *batch = lost;
        lost = lost->next;
        if (commits_later && batch->refusal == 0)
            batch_commit(fake, batch);
        else
            batch_free(batch);
    }
}

size_t fake_log_commit(struct fake_log *fake, size_t count) {
    size_t ended = 0;
    for (; ended < count && fake->waiting != NULL; ended++) {
        struct fake_batch *batch = fake->waiting;
        struct coordinator_write *write = batch->write;
        int16_t refusal = batch->refusal;
        bool late = batch->late;
        fake->waiting = batch->next;
        fake->waiting_count--;
        batch->write = NULL;
        if (refusal == 0)
            batch_commit(fake, batch);
        else
            batch_free(batch);
        write_end(write, refusal);
        if (late && !fake_in_doubt(&fake->log) && fake->type->settled != NULL)
            fake->type->settled(fake->state);
    }
    if (fake->waiting == NULL) confirms_end(fake, 0);
    return ended;
}

size_t fake_log_commit_all(struct fake_log *fake) {
    size_t ended = 0;
    while (fake->waiting != NULL)
        ended += fake_log_commit(fake, 1);
    confirms_end(fake, 0);
    return ended;
}

void fake_log_late(struct fake_log *fake) {
    for (struct fake_batch *batch = fake->waiting; batch != NULL; batch = batch->next)
        batch->late = true;
    for (struct fake_batch *batch = fake->waiting; batch != NULL; batch = batch->next) {
        struct coordinator_write *write = batch->write;
        batch->write = NULL;
        write_end(write, KAFKA_COORDINATOR_NOT_AVAILABLE);
    }
}

void fake_log_refuse(struct fake_log *fake, int16_t error) {
    fake->refusal = error;
}

void fake_log_apply(struct fake_log *fake, const struct coordinator_record *records, size_t count) {
    batch_commit(fake, batch_new(fake, records, count));
}

void fake_log_apply_in(struct fake_log *fake, int64_t producer_id,
                       const struct coordinator_record *records, size_t count) {
    struct fake_batch *batch = batch_new(fake, records, count);
    batch->producer_id = producer_id;
    batch_commit(fake, batch);
}

void fake_log_end(struct fake_log *fake, int64_t producer_id, bool commit) {
    struct fake_batch *batch = batch_new(fake, NULL, 0);
    batch->producer_id = producer_id;
    batch->kind = commit ? COMMITS : ABORTS;
    batch_commit(fake, batch);
}

/* ---- Looking at it ---- */

void fake_log_replay(const struct fake_log *fake, void *state) {
    for (const struct fake_batch *batch = fake->committed; batch != NULL; batch = batch->next)
        batch_apply(fake, batch, state);
}

void fake_log_keep(struct fake_log *fake, bool keep) {
    if (fake->snapshot != NULL) snapshot_free(fake);
    if (keep) fake->snapshot = mem_zalloc(sizeof *fake->snapshot);
}

static void restore_from(struct fake_log *fake, void *restored) {
    struct slice whole = snapshot_bytes_whole(&fake->snapshot->bytes);
    for (size_t at = 0, took; at < whole.len; at += took) {
        int error = snapshot_records_restore(fake->type, restored, whole.data + at, whole.len - at,
                                             &took);
        CHECK(error == ERR_NONE); /* snapshot_add made them */
    }
    snapshot_bytes_put(&fake->snapshot->bytes, whole.data, whole.len);
    slice_unref(&whole);
}

void fake_log_restore(struct fake_log *fake, void *restored) {
    struct fake_snapshot *kept = fake->snapshot;
    bool uses = kept != NULL && ++kept->restores == TAKES_LONG;
    if (!uses) {
        fake->snapshot = NULL;
        fake_log_keep(fake, true);
    }
    snapshot_step(fake, SIZE_MAX);
    restore_from(fake, restored);
    fake_log_keep(fake, uses);
    if (!uses) fake->snapshot = kept;
}

struct lines {
    struct slice_of_bytes {
        uint8_t *bytes;
        size_t len;
    } items[100000];
    size_t count;
};

static void lines_add(void *arg, const struct coordinator_record *record) {
    struct lines *lines = arg;
    CHECK(lines->count < sizeof lines->items / sizeof *lines->items); /* a test has fewer */
    struct coordinator_place stood = {-1, -1, -1, -1};
    if (record->stood != NULL) stood = *record->stood;
    size_t body = sizeof record->key_len + record->key_len + record->value_len + 1;
    size_t len = body + sizeof stood.offset + sizeof stood.producer_id;
    uint8_t *bytes = mem_zalloc(len);
    memcpy(bytes + body, &stood.offset, sizeof stood.offset);
    memcpy(bytes + body + sizeof stood.offset, &stood.producer_id, sizeof stood.producer_id);
    memcpy(bytes, &record->key_len, sizeof record->key_len);
    if (record->key_len > 0) memcpy(bytes + sizeof record->key_len, record->key, record->key_len);
    if (record->value_len > 0)
        memcpy(bytes + sizeof record->key_len + record->key_len, record->value, record->value_len);
    bytes[body - 1] = record->tombstone;
    lines->items[lines->count].bytes = bytes;
    lines->items[lines->count++].len = len;
}

static int lines_order(const void *a, const void *b) {
    const struct slice_of_bytes *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len : y->len);
    return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static struct lines *lines_of(const struct fake_log *fake, void *state) {
    struct lines *lines = mem_zalloc(sizeof *lines);
    void *walk = NULL;
    while (!fake->type->records(state, &walk, 1, lines_add, lines))
        continue;
    qsort(lines->items, lines->count, sizeof *lines->items, lines_order);
    return lines;
}

static void lines_free(struct lines *lines) {
    for (size_t i = 0; i < lines->count; i++)
        mem_free(lines->items[i].bytes);
    mem_free(lines);
}

void fake_log_compare(const struct fake_log *fake, void *state, void *replayed) {
    struct lines *live = lines_of(fake, state), *again = lines_of(fake, replayed);
    CHECK(live->count == again->count); /* or the replay has made another state */
    for (size_t i = 0; i < live->count; i++)
        CHECK(lines_order(&live->items[i], &again->items[i]) == 0); /* likewise */
    lines_free(live);
    lines_free(again);
}

size_t fake_log_newest(const struct fake_log *fake, const struct coordinator_record **records) {
    const struct fake_batch *batch = fake->waiting != NULL ? fake->waiting : fake->committed;
    while (batch != NULL && batch->next != NULL)
        batch = batch->next;
    *records = batch != NULL ? batch->records : NULL;
    return batch != NULL ? batch->count : 0;
}
