/*
 * The appliers of a partition: what has committed goes to each of them, and all of them are kept in
 * one snapshot.
 *
 * A snapshot, little-endian: u32 "DRAS", u32 appliers; for each u32 mark, u32 version, u32 length,
 * its bytes. What holds it has a checksum (storage/log/applier_snapshot.h). Before there were
 * several appliers a snapshot was the producer state alone, and before the start of a log could
 * move there was none of it; both are still read.
 * Invariant: after a failed restore all of them are empty.
 */
#include <inttypes.h>
#include <string.h>

#include "broker/partition/partition_internal.h"
#include "storage/little_endian.h"

enum {
    SNAPSHOT_MARK = 0x53415244, /* "DRAS" */
    HEAD_SIZE = 8,
    APPLIER_HEAD_SIZE = 12,
};

void appliers_open(struct partition *partition, const struct applier *own) {
    partition->appliers[partition->applier_count++] = producer_applier(partition);
    if (own->type != NULL) {
        partition->appliers[partition->applier_count++] = *own;
        partition->applies_all = !own->type->numbered_only;
    }
    partition->appliers[partition->applier_count++] = log_start_applier(partition);
}

void appliers_opened(struct partition *partition) {
    for (size_t i = 0; i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        if (applier->type->opened != NULL) applier->type->opened(applier->state, partition);
    }
}

void appliers_close(struct partition *partition) {
    for (size_t i = 0; i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        if (applier->type->free != NULL) applier->type->free(applier->state);
    }
    partition->applier_count = 0;
}

/* ---- Commits ---- */

/* The replica ends here. */
static void stop(struct partition *partition, const struct entry *entry, int error,
                 const char *what, const char *advice) {
    log_error(shard_log(partition->shard), "entry %" PRIu64 " of %s-%" PRId32 " is %s (%s)%s",
              entry->index, partition->topic, partition->index, what, error_phrase(error), advice);
}

static int apply_batch(struct partition *partition, const struct record_batch *batch,
                       bool numbered) {
    int error = ERR_NONE;
    for (size_t i = 0; error == ERR_NONE && i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        if (applier->type->apply != NULL && (numbered || !applier->type->numbered_only))
            error = applier->type->apply(applier->state, batch);
    }
    return error;
}

bool appliers_batches(struct partition *partition, struct entry *entry) {
    struct slice raw = {0};
    struct record_batch batch;
    size_t at = 0;
    if (!entry->numbered && !partition->applies_all) return true;
    int error = entry_raw(entry, NULL, false, &raw);
    while (error == ERR_NONE &&
           (error = record_batch_next(raw.data, raw.len, &at, &batch, NULL)) == ERR_NONE)
        error = apply_batch(partition, &batch, entry->numbered);
    slice_unref(&raw);
    if (error == ERR_EOF) return true;
    stop(partition, entry, error, "committed, but it cannot be read", "");
    raft_group_stop(
        partition->group,
        "its leader sent an entry with a right checksum around batches that make no sense");
    return false;
}

static int give_command(struct partition *partition, const struct slice *raw,
                        kafka_offset end_offset) {
    if (raw->len < 2 || raw->data[0] != APPLIER_COMMAND_FORMAT) return ERR_VERSION;
    for (size_t i = 0; i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        if (applier->type->command != NULL && applier->type->command_kind == raw->data[1])
            return applier->type->command(applier->state, raw->data, raw->len, end_offset);
    }
    return ERR_VERSION;
}

bool appliers_command(struct partition *partition, struct entry *entry) {
    struct slice raw = {0};
    int error = entry_raw(entry, NULL, false, &raw);
    if (error == ERR_NONE) error = give_command(partition, &raw, entry->base_offset);
    slice_unref(&raw);
    if (error == ERR_NONE) return true;
    stop(partition, entry, error, "a command that this version does not know",
         "; run the version that the other brokers run");
    raft_group_stop(partition->group, "its leader sent a command that this version does not know");
    return false;
}

/* ---- Leadership ---- */

void appliers_leading(struct partition *partition) {
    for (size_t i = 0; partition->leading && i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        if (applier->type->leading != NULL) applier->type->leading(applier->state);
    }
}

void appliers_lost(struct partition *partition) {
    for (size_t i = 0; i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        if (applier->type->lost != NULL) applier->type->lost(applier->state);
    }
}

void appliers_passed_over(struct partition *partition) {
    for (size_t i = 0; i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        if (applier->type->passed_over != NULL) applier->type->passed_over(applier->state);
    }
}

/* ---- Snapshots ---- */

struct slice appliers_encode(const struct partition *partition) {
    struct slice parts[APPLIERS_MAX];
    size_t size = HEAD_SIZE;
    for (size_t i = 0; i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        parts[i] = applier->type->encode(applier->state);
        size += APPLIER_HEAD_SIZE + parts[i].len;
    }
    struct buffer *buffer = buffer_new(NULL, size);
    uint8_t *at = buffer->data;
    le_put_u32(at, SNAPSHOT_MARK);
    le_put_u32(at + 4, (uint32_t)partition->applier_count);
    at += HEAD_SIZE;
    for (size_t i = 0; i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        le_put_u32(at, applier->type->mark);
        le_put_u32(at + 4, applier->type->version);
        le_put_u32(at + 8, (uint32_t)parts[i].len);
        if (parts[i].len > 0) memcpy(at + APPLIER_HEAD_SIZE, parts[i].data, parts[i].len);
        at += APPLIER_HEAD_SIZE + parts[i].len;
        slice_unref(&parts[i]);
    }
    struct slice slice = slice_of(buffer, 0, size);
    buffer_unref(buffer);
    return slice;
}

/* `count` of the appliers of ours, and no others, in our order. */
static int restore_all(struct partition *partition, size_t count, const uint8_t *at, size_t left) {
    for (size_t i = 0; i < count; i++) {
        const struct applier *applier = &partition->appliers[i];
        if (left < APPLIER_HEAD_SIZE || le_get_u32(at) != applier->type->mark) return ERR_MALFORMED;
        size_t len = le_get_u32(at + 8);
        if (left - APPLIER_HEAD_SIZE < len) return ERR_MALFORMED;
        int error = applier->type->restore(applier->state, le_get_u32(at + 4),
                                           at + APPLIER_HEAD_SIZE, len);
        if (error != ERR_NONE) return error;
        at += APPLIER_HEAD_SIZE + len;
        left -= APPLIER_HEAD_SIZE + len;
    }
    return left == 0 ? ERR_NONE : ERR_MALFORMED;
}

bool appliers_restore(struct partition *partition, const struct slice *snapshot) {
    int error = ERR_MALFORMED;
    bool of_several = snapshot->len >= HEAD_SIZE && le_get_u32(snapshot->data) == SNAPSHOT_MARK;
    size_t count = of_several ? le_get_u32(snapshot->data + 4) : 1;
    size_t of_old = partition->applier_count - 1; /* the last one is the log's start */
    if (of_several && (count == partition->applier_count || count == of_old)) {
        error = restore_all(partition, count, snapshot->data + HEAD_SIZE,
                            snapshot->len - HEAD_SIZE);
    } else if (!of_several && of_old == 1) {
        const struct applier *producers = &partition->appliers[0];
        error = producers->type->restore(producers->state, producers->type->version, snapshot->data,
                                         snapshot->len);
    }
    for (size_t i = 0; error != ERR_NONE && i < partition->applier_count; i++)
        partition->appliers[i].type->reset(partition->appliers[i].state);
    return error == ERR_NONE;
}
