/*
 * The start of the log as an applier: what lies below it is not served any more, on any replica,
 * and neither of its two numbers goes back.
 *
 * In a snapshot, little-endian: i64 offset, u64 everywhere. Invariant: the start is not above what
 * is committed before its command.
 */
#include "broker/log_start/log_start.h"
#include "broker/partition/partition_internal.h"
#include "storage/little_endian.h"

enum { SNAPSHOT_SIZE = 16 };

static int command(void *state, const uint8_t *bytes, size_t len, kafka_offset end_offset) {
    struct partition *partition = state;
    struct log_start given;
    int error = log_start_decode(bytes, len, &given);
    if (error != ERR_NONE) return error;
    if (given.offset > end_offset) return ERR_MALFORMED;
    if (given.offset > partition->log_start) partition->log_start = given.offset;
    producer_state_log_start(partition->producers, partition->log_start);
    shares_pass(partition->shares, partition->log_start);
    if (given.everywhere > partition->everywhere) partition->everywhere = given.everywhere;
    partition->log_start_moved = true;
    partition->log_start_at_end = partition->log_start == end_offset;
    return ERR_NONE;
}

static bool encode(void *state, void **walk, struct snapshot_bytes *into) {
    const struct partition *partition = state;
    uint8_t bytes[SNAPSHOT_SIZE];
    (void)walk;
    le_put_u64(bytes, (uint64_t)partition->log_start);
    le_put_u64(bytes + 8, partition->everywhere);
    snapshot_bytes_put(into, bytes, sizeof bytes);
    return true;
}

static int restore(void *state, const uint8_t *bytes, size_t len, size_t *took) {
    struct partition *partition = state;
    *took = len;
    if (len != SNAPSHOT_SIZE || (int64_t)le_get_u64(bytes) < 0) return ERR_MALFORMED;
    partition->log_start = (int64_t)le_get_u64(bytes);
    partition->everywhere = le_get_u64(bytes + 8);
    shares_pass(partition->shares, partition->log_start);
    return ERR_NONE;
}

static void reset(void *state) {
    struct partition *partition = state;
    partition->log_start = 0;
    partition->everywhere = 0;
}

static const struct applier_type type = {.mark = 0x5453474c, /* "LGST" */
                                         .version = 1,
                                         .numbered_only = true,
                                         .command_kind = LOG_START_COMMAND,
                                         .command = command,
                                         .encode = encode,
                                         .restore = restore,
                                         .reset = reset};

struct applier log_start_applier(struct partition *partition) {
    return (struct applier){.type = &type, .state = partition};
}
