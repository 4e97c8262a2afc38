/*
 * A change and its outcome as bytes, on the way between a broker and the metadata leader.
 *
 * Change: u8 format, i32 partitions to place, i16 replication factor, bool validate only; in format
 * 2, of changes with operations, i32 their number and i8 each; then the command's bytes. A leader
 * of a version that knows format 1 alone refuses the other, where it would take what is to be
 * appended for the whole value. Outcome: u8 format, u8 status, i16 error, i64 value, i64 index of
 * group 0, message. Failures: ERR_MALFORMED, ERR_VERSION, ERR_TOO_LARGE.
 */
#ifndef BROKER_METADATA_METADATA_CHANGE_H
#define BROKER_METADATA_METADATA_CHANGE_H

#include "broker/metadata/metadata_group.h"
#include "storage/log_types.h"

enum change_status {
    CHANGE_DONE,  /* `result` is what came of it, committed at `index`; refused: what the leader had
                     applied */
    CHANGE_AGAIN, /* try again; `result` is what to say when the time is over */
};

struct change_outcome {
    enum change_status status;
    struct metadata_result result;
    log_index index;
};

int metadata_change_encode(const struct metadata_change *change, struct slice *bytes);
int metadata_change_decode(const void *data, size_t len, struct kp_arena *arena,
                           struct metadata_change *change);
struct slice change_outcome_encode(const struct change_outcome *outcome);
int change_outcome_decode(const void *data, size_t len, struct change_outcome *outcome);

#endif
