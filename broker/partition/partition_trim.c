/*
 * DeleteRecords of one partition: the leader submits a command with the new start (log_start.h),
 * and whoever asked for it is answered when it is applied here.
 *
 *   partition_trim -> not above the start -> done
 *                  -> above the watermark -> a majority confirms that we lead ->
 * OFFSET_OUT_OF_RANGE
 *                  -> else -> submitted -> applied -> done
 *
 * What the group does not take at present is offered again at the next commit. Invariant: a trim
 * that is not over is in the partition's list.
 */
#include <utlist.h>

#include "base/container_of.h"
#include "broker/log_start/log_start.h"
#include "broker/partition/error_map.h"
#include "broker/partition/partition_internal.h"
#include "protocol/kafka_error.h"

enum trim_stage { STAGE_OVER, STAGE_CONFIRM, STAGE_WAIT };

static enum completion trim_over(struct partition_trim *trim, int16_t error) {
    trim->error = error;
    trim->low_watermark = error == KAFKA_NONE ? partition_start_offset(trim->partition) : -1;
    if (trim->stage != STAGE_OVER) DL_DELETE(trim->partition->trims, trim);
    trim->stage = STAGE_OVER;
    if (!trim->inside) trim->done(trim);
    return DONE;
}

static void trim_begin(struct partition_trim *trim, enum trim_stage stage) {
    if (trim->stage == STAGE_OVER) DL_APPEND(trim->partition->trims, trim);
    trim->stage = stage;
}

int partition_submit_log_start(struct partition *partition, kafka_offset offset,
                               enum log_start_reason reason) {
    struct log_start start = {.offset = offset,
                              .everywhere = raft_group_everywhere(partition->group),
                              .reason = (uint8_t)reason};
    struct entry_spec spec = {
        .type = ENTRY_COMMAND,
        .max_timestamp = -1,
        .base_offset = partition_log_end_offset(raft_group_log(partition->group)),
        .raw = log_start_encode(&start)};
    log_index index;
    int error = raft_group_submit(partition->group, &spec, &index);
    if (error != ERR_NONE) slice_unref(&spec.raw);
    return error;
}

/* One command covers all that ask for less. */
static void submit_furthest(struct partition *partition) {
    struct partition_trim *trim, *furthest = NULL;
    kafka_offset submitted = 0;
    DL_FOREACH(partition->trims, trim) {
        if (trim->stage != STAGE_WAIT) continue;
        if (trim->submitted && trim->offset > submitted) submitted = trim->offset;
        if (furthest == NULL || trim->offset > furthest->offset) furthest = trim;
    }
    if (furthest == NULL || furthest->offset <= submitted || !partition->leading) return;
    if (partition_submit_log_start(partition, furthest->offset, LOG_START_RECORDS_DELETED) ==
        ERR_NONE)
        furthest->submitted = true;
}

/* Those that ask for no more than there is. `done` may take out others. */
static struct partition_trim *next_ended(const struct partition *partition) {
    struct partition_trim *trim;
    DL_FOREACH(partition->trims, trim) {
        if (trim->stage == STAGE_WAIT && trim->offset <= partition_start_offset(partition))
            return trim;
    }
    return NULL;
}

void partition_trims_advance(struct partition *partition) {
    struct partition_trim *trim;
    while ((trim = next_ended(partition)) != NULL)
        trim_over(trim, KAFKA_NONE);
    if (partition->trims != NULL) submit_furthest(partition);
}

static void trim_confirmed(struct raft_group_read_index *confirm, int error) {
    struct partition_trim *trim = CONTAINER_OF(confirm, struct partition_trim, confirm);
    if (error != ERR_NONE) {
        trim_over(trim, error_map_group(error));
    } else if (trim->offset > trim->partition->high_watermark) {
        trim_over(trim, KAFKA_OFFSET_OUT_OF_RANGE);
    } else {
        trim->stage = STAGE_WAIT;
        partition_trims_advance(trim->partition);
    }
}

static enum completion trim_start(struct partition_trim *trim) {
    struct partition *partition = trim->partition;
    if (trim->offset == PARTITION_TRIM_ALL) trim->offset = partition->high_watermark;
    if (trim->offset < 0) return trim_over(trim, KAFKA_OFFSET_OUT_OF_RANGE);
    if (trim->offset <= partition_start_offset(partition)) return trim_over(trim, KAFKA_NONE);
    if (trim->offset > partition->high_watermark) {
        trim_begin(trim, STAGE_CONFIRM);
        raft_group_read_index(partition->group, &trim->confirm);
    } else {
        trim_begin(trim, STAGE_WAIT);
        submit_furthest(partition);
    }
    return trim->stage == STAGE_OVER ? DONE : PENDING;
}

enum completion partition_trim(struct partition *partition, kafka_offset offset,
                               struct partition_trim *trim) {
    bool electing;
    trim->partition = partition;
    trim->offset = offset;
    trim->submitted = false;
    trim->confirm = (struct raft_group_read_index){.done = trim_confirmed};
    trim->stage = STAGE_OVER;
    trim->inside = true;
    int16_t code = partition_leadership(partition, -1, &electing);
    enum completion completion = code != KAFKA_NONE ? trim_over(trim, code) : trim_start(trim);
    trim->inside = false;
    return completion;
}

void partition_trim_cancel(struct partition_trim *trim) {
    if (trim->stage == STAGE_CONFIRM)
        raft_group_read_index_cancel(trim->partition->group, &trim->confirm);
    if (trim->stage != STAGE_OVER) DL_DELETE(trim->partition->trims, trim);
    trim->stage = STAGE_OVER;
}

void partition_trims_fail(struct partition *partition, int16_t error) {
    while (partition->trims != NULL) {
        struct partition_trim *trim = partition->trims;
        partition_trim_cancel(trim);
        trim_over(trim, error);
    }
}
