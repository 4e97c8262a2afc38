/*
 * ListOffsets and OffsetForLeaderEpoch of one partition: the earliest offset at once, the rest
 * after a majority confirmed that we lead.
 *
 *   partition_lookup -> earliest -> done
 *                    -> else -> confirm -> latest, end of an epoch -> done
 *                                       -> search in the log -> done
 *
 * The search, too, waits for the confirmation: "no such record" makes a client go to the end, where
 * a deposed leader's is not.
 */
#include <utlist.h>

#include "base/container_of.h"
#include "broker/errors/error_map.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"
#include "storage/log_types.h"

enum lookup_stage { STAGE_OVER, STAGE_CONFIRM, STAGE_SEARCH };

static void lookup_begin(struct partition_lookup *lookup) {
    struct partition *partition = lookup->partition;
    lookup->stage = STAGE_CONFIRM;
    DL_PREPEND(partition->lookups, lookup);
}

static void lookup_end(struct partition_lookup *lookup) {
    DL_DELETE(lookup->partition->lookups, lookup);
    lookup->stage = STAGE_OVER;
}

static enum completion lookup_over(struct partition_lookup *lookup, int16_t error,
                                   kafka_offset offset, int64_t timestamp, int32_t leader_epoch) {
    CHECK(error == KAFKA_NONE || offset == -1); /* the callers below, none of a client's numbers */
    lookup->error = error;
    lookup->offset = offset;
    lookup->timestamp = timestamp;
    lookup->leader_epoch = leader_epoch;
    if (lookup->stage != STAGE_OVER) lookup_end(lookup);
    if (!lookup->inside) lookup->done(lookup);
    return DONE;
}

static kafka_offset lookup_end_offset(const struct partition_lookup *lookup) {
    return lookup->committed ? partition_stable_offset(lookup->partition)
                             : lookup->partition->high_watermark;
}

static void search_log(struct partition_lookup *lookup) {
    struct partition *partition = lookup->partition;
    lookup->stage = STAGE_SEARCH;
    partition_log_search(raft_group_log(partition->group), lookup->wanted,
                         partition_start_offset(partition), lookup_end_offset(lookup),
                         &lookup->search);
}

static void searched(struct partition_log_search *search, int error) {
    struct partition_lookup *lookup = CONTAINER_OF(search, struct partition_lookup, search);
    if (error == ERR_AGAIN)
        search_log(lookup);
    else if (error != ERR_NONE)
        lookup_over(lookup, error_map_log(error), -1, -1, -1);
    else if (search->offset < 0)
        lookup_over(lookup, KAFKA_NONE, -1, -1, -1);
    else
        lookup_over(lookup, KAFKA_NONE, search->offset, search->timestamp,
                    (int32_t)search->leader_epoch);
}

/* As Kafka: an epoch before the first that is known, or of which no record is served any more, ends
 * where the log starts, under its own name; -1 is none, and one above the present is not known. */
kafka_offset partition_epoch_end(const struct partition *partition, int32_t epoch, int32_t *found) {
    uint32_t known = 0;
    kafka_offset end_offset = epoch < 0 ? -1
                                        : partition_log_epoch_end(raft_group_log(partition->group),
                                                                  (uint32_t)epoch, &known);
    *found = (int32_t)known;
    kafka_offset start = partition_start_offset(partition);
    if (end_offset >= 0 && (end_offset > start || start == 0)) return end_offset;
    bool unknown = epoch == -1 || epoch > (int64_t)partition->epoch;
    *found = unknown ? -1 : epoch;
    return unknown ? -1 : start;
}

static void end_of_epoch(struct partition_lookup *lookup) {
    int32_t found;
    kafka_offset end_offset = partition_epoch_end(lookup->partition, lookup->wanted_epoch, &found);
    lookup_over(lookup, KAFKA_NONE, end_offset, -1, found);
}

static void lookup_confirmed(struct raft_group_read_index *confirm, int error) {
    struct partition_lookup *lookup = CONTAINER_OF(confirm, struct partition_lookup, confirm);
    struct partition *partition = lookup->partition;
    if (error != ERR_NONE) {
        lookup_over(lookup, error_map_group(error), -1, -1, -1);
    } else if (lookup->by_epoch) {
        end_of_epoch(lookup);
    } else if (lookup->wanted == PARTITION_LATEST) {
        lookup_over(lookup, KAFKA_NONE, lookup_end_offset(lookup), -1, (int32_t)partition->epoch);
    } else {
        search_log(lookup);
    }
}

static enum completion earliest(struct partition_lookup *lookup) {
    struct partition *partition = lookup->partition;
    kafka_offset start = partition_start_offset(partition);
    uint32_t epoch = partition_log_epoch_at(raft_group_log(partition->group), start);
    return lookup_over(lookup, KAFKA_NONE, start, -1, epoch == 0 ? -1 : (int32_t)epoch);
}

static enum completion lookup_start(struct partition_lookup *lookup) {
    struct partition *partition = lookup->partition;
    if (!lookup->by_epoch && lookup->wanted == PARTITION_EARLIEST) return earliest(lookup);
    lookup_begin(lookup);
    raft_group_read_index(partition->group, &lookup->confirm);
    return lookup->stage == STAGE_OVER ? DONE : PENDING;
}

static enum completion look_up(struct partition *partition, int32_t leader_epoch,
                               struct partition_lookup *lookup) {
    lookup->partition = partition;
    lookup->search = (struct partition_log_search){.done = searched};
    lookup->confirm = (struct raft_group_read_index){.done = lookup_confirmed};
    lookup->stage = STAGE_OVER;
    lookup->inside = true;
    int16_t code = partition_leadership(partition, leader_epoch, &lookup->electing);
    enum completion completion = code != KAFKA_NONE ? lookup_over(lookup, code, -1, -1, -1)
                                                    : lookup_start(lookup);
    lookup->inside = false;
    return completion;
}

enum completion partition_lookup(struct partition *partition, int64_t timestamp,
                                 int32_t leader_epoch, struct partition_lookup *lookup) {
    lookup->wanted = timestamp;
    lookup->by_epoch = false;
    return look_up(partition, leader_epoch, lookup);
}

enum completion partition_lookup_epoch(struct partition *partition, int32_t epoch,
                                       int32_t leader_epoch, struct partition_lookup *lookup) {
    lookup->by_epoch = true;
    lookup->wanted_epoch = epoch;
    return look_up(partition, leader_epoch, lookup);
}

void partition_lookup_cancel(struct partition_lookup *lookup) {
    if (lookup->stage == STAGE_CONFIRM)
        raft_group_read_index_cancel(lookup->partition->group, &lookup->confirm);
    if (lookup->stage == STAGE_SEARCH) partition_log_search_cancel(&lookup->search);
    if (lookup->stage != STAGE_OVER) lookup_end(lookup);
}

void partition_lookups_fail(struct partition *partition) {
    bool electing;
    int16_t code = partition_leadership(partition, -1, &electing);
    while (partition->lookups != NULL) {
        struct partition_lookup *lookup = partition->lookups;
        partition_lookup_cancel(lookup);
        lookup_over(lookup, code, -1, -1, -1);
    }
}
