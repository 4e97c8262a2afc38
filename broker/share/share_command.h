/*
 * What a leader decides about the share-partitions of its partition, as commands in the partition's
 * own log: one that begins (or begins anew), outcomes, one that is dropped.
 *
 * Bytes: u8 format 1, u8 command 4, u8 what; of BEGIN i64 start, i32 epoch, i32 length and the
 * group's id; of OUTCOMES i32 number, and of each outcome varlong gap (from behind the one before,
 * first from 0), varlong records - 1, u8 state, varint deliveries; of TIMED_OUTCOMES the same, and
 * of each varlong time in SHARE_TIME_STEP_MS, with the reason of a dead letter in the upper half of
 * the state; of MOVE i32 number, i64 producer id, i32 sequence, 16 bytes topic id, i32 partition,
 * and of each range varlong gap and records - 1; of DROP i32 number. Outcomes are encoded as timed
 * where one of them has a time, and decoded as OUTCOMES: versions that know share.version 1 alone
 * do not know them. Pure. Failures: bytes of another format or command, or that make no sense.
 */
#ifndef BROKER_SHARE_SHARE_COMMAND_H
#define BROKER_SHARE_SHARE_COMMAND_H

#include "base/buffer.h"
#include "broker/share/share_state.h"
#include "protocol/wire.h"

enum { SHARE_COMMAND = 4 };

enum share_command_what {
    SHARE_BEGIN = 1,
    SHARE_OUTCOMES = 2,
    SHARE_DROP = 3,
    SHARE_TIMED_OUTCOMES = 4, /* in bytes alone */
    SHARE_MOVE = 5,
};

struct share_command {
    uint8_t what;
    struct kp_string group; /* BEGIN; borrowed */
    kafka_offset start;     /* BEGIN: all below is over, and nothing is known of what is not */
    int32_t epoch;          /* BEGIN: of the state, as Kafka shows it */
    int32_t number;         /* all others: of the share-partition, by order of their BEGINs */
    struct offset_ranges outcomes; /* of struct share_range; when decoded the caller's to free */
    struct share_move move;        /* MOVE; likewise its records */
};

struct slice share_command_encode(const struct share_command *command);
/* ERR_VERSION: another format, command, or what; ERR_MALFORMED. */
int share_command_decode(const void *bytes, size_t len, struct share_command *into);
/* What was decoded goes. */
void share_command_drop(struct share_command *command);

#endif
