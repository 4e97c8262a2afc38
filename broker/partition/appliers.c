/* The appliers of a partition: what has committed goes to each of them. Their snapshot:
 * appliers_snapshot.c. */
#include <inttypes.h>

#include "broker/partition/partition_internal.h"

void appliers_open(struct partition *partition, const struct applier *own) {
    partition->appliers[partition->applier_count++] = producer_applier(partition);
    if (own->type != NULL) {
        partition->appliers[partition->applier_count++] = *own;
        partition->applies_all = !own->type->numbered_only;
    }
    partition->appliers[partition->applier_count++] = log_start_applier(partition);
    partition->appliers[partition->applier_count++] = tombstone_applier(partition);
    partition->appliers[partition->applier_count++] = share_applier(partition);
    partition->appliers[partition->applier_count++] = delay_applier(partition);
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
    log_event(shard_log(partition->shard), LOGGED_ENTRY_NOT_APPLIED,
              "entry %" PRIu64 " of %s-%" PRId32 " is %s (%s)%s", entry->index, partition->topic,
              partition->index, what, error_phrase(error), advice);
}

static int apply_batch(struct partition *partition, const struct record_batch *batch,
                       const struct entry *entry) {
    int error = ERR_NONE;
    for (size_t i = 0; error == ERR_NONE && i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        if (applier->type->apply != NULL && (entry->numbered || !applier->type->numbered_only))
            error = applier->type->apply(applier->state, batch);
    }
    if (error == ERR_NONE && entry->delays) error = partition_delay_apply(partition, entry, batch);
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
        error = apply_batch(partition, &batch, entry);
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

bool appliers_unsettled(const struct partition *partition) {
    for (size_t i = 0; i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        if (applier->type->unsettled != NULL && applier->type->unsettled(applier->state))
            return true;
    }
    return false;
}

void appliers_passed_over(struct partition *partition) {
    for (size_t i = 0; i < partition->applier_count; i++) {
        const struct applier *applier = &partition->appliers[i];
        if (applier->type->passed_over != NULL) applier->type->passed_over(applier->state);
    }
}
