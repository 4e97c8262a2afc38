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
    if (given.everywhere > partition->everywhere) partition->everywhere = given.everywhere;
    partition->log_start_moved = true;
    partition->log_start_at_end = given.offset == end_offset;
    return ERR_NONE;
}

static struct slice encode(const void *state) {
    const struct partition *partition = state;
    struct buffer *buffer = buffer_new(NULL, SNAPSHOT_SIZE);
    le_put_u64(buffer->data, (uint64_t)partition->log_start);
    le_put_u64(buffer->data + 8, partition->everywhere);
    struct slice slice = slice_of(buffer, 0, SNAPSHOT_SIZE);
    buffer_unref(buffer);
    return slice;
}

static int restore(void *state, uint32_t version, const uint8_t *bytes, size_t len) {
    struct partition *partition = state;
    if (version != 1) return ERR_VERSION;
    if (len != SNAPSHOT_SIZE || (int64_t)le_get_u64(bytes) < 0) return ERR_MALFORMED;
    partition->log_start = (int64_t)le_get_u64(bytes);
    partition->everywhere = le_get_u64(bytes + 8);
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
