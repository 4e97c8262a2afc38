/*
 * A change of the metadata and its outcome; and both as bytes, on the way between a broker and the metadata leader.
 *
 * Change: u8 format, i32 partitions to place, i16 replication factor, bool validate only, then the command's bytes.
 * Outcome: u8 format, u8 status, i16 error, i64 value, i64 index of group 0, message. Failures: ERR_MALFORMED, ERR_VERSION, ERR_TOO_LARGE.
 */
#ifndef BROKER_METADATA_CHANGE_H
#define BROKER_METADATA_CHANGE_H

#include "broker/metadata.h"
#include "broker/metadata_commands.h"

/* What is to be changed. For new partitions either the command has them with their brokers, or the leader places them. */
struct metadata_change {
    struct metadata_command command;
    int32_t place_partitions;   /* CREATE_TOPIC, CREATE_PARTITIONS without partitions: so many */
    int16_t replication_factor; /* CREATE_TOPIC without partitions */
    bool validate_only; /* check the placement, change nothing; a barrier: the table is as new as the leader's then */
};

enum change_status {
    CHANGE_DONE,  /* `result` is what came of it, committed at `index`; refused: what the leader had applied */
    CHANGE_AGAIN, /* try again; `result` is what to say when the time is over */
};

struct change_outcome {
    enum change_status status;
    struct metadata_result result;
    uint64_t index;
};

int metadata_change_encode(const struct metadata_change *change, struct slice *bytes);
int metadata_change_decode(const void *data, size_t len, struct kp_arena *arena, struct metadata_change *change);
struct slice change_outcome_encode(const struct change_outcome *outcome);
int change_outcome_decode(const void *data, size_t len, struct change_outcome *outcome);

#endif
