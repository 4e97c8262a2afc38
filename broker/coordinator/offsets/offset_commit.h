/*
 * One OffsetCommit or TxnOffsetCommit of a client, from its request to the answer.
 *
 * Happy path: offset_commit_open, offset_commit_add for each offset that may be committed (in
 * steps, if there are many), offset_commit_take: it shares a turn of the group with other commits,
 * is checked against the state behind what was decided before, and written as one batch; `done` of
 * the call follows when that is applied.
 * Failures, in call.error: those of offset_rules.h; INVALID_GROUP_ID (one that is too long to come
 * to be); INVALID_COMMIT_OFFSET_SIZE (too large for a batch); NOT_COORDINATOR,
 * COORDINATOR_NOT_AVAILABLE (may be committed all the same). An entry with
 * an error of its own was not committed: COORDINATOR_NOT_AVAILABLE while the memory of
 * groups is spent, and it would take more.
 * Of a transaction (TxnOffsetCommit): also those of coordinator_log.h; INVALID_COMMIT_OFFSET_SIZE
 * if the transaction would have more than PENDING_OFFSETS_MOST of them here, with those of other
 * requests that are being written. Invariant: an offset
 * that was acknowledged is committed, or pending until its transaction ends, and lies in the log
 * behind every decision of the group that was made before it was checked.
 */
#ifndef BROKER_COORDINATOR_OFFSETS_OFFSET_COMMIT_H
#define BROKER_COORDINATOR_OFFSETS_OFFSET_COMMIT_H

#include "broker/coordinator/group/group_batch.h"
#include "broker/coordinator/group/group_call.h"
#include "broker/coordinator/offsets/offset_rules.h"
#include "broker/coordinator/offsets/offset_table.h"
#include "broker/coordinator/offsets/pending_offsets.h"

/* For the rules, and for the answer. */
struct offset_commit_entry {
    struct kp_string topic; /* borrowed until `done` */
    struct kp_uuid topic_id;
    int32_t partition, metadata_len;
    int16_t error; /* out */
};

struct offset_commit {
    struct group_call call; /* first */
    /* Borrowed until `done`. */
    struct kp_string group_id, member_id;
    struct kp_string instance_id;        /* null: none */
    struct kp_string client_host;        /* who pays, if that is a new group; null: nobody */
    int32_t generation;                  /* or the member's epoch; -1: none */
    int16_t version;                     /* of the request: what the client understands */
    struct offset_commit_entry *entries; /* the asker's, with room for all that it adds */
    size_t count;
    struct group_batch records; /* one for each entry */
    /* NULL: of none. Borrowed until `done`; with it, where such offsets wait. */
    const struct coordinator_transaction *transaction;
    struct pending_offsets *pending;
    const struct offset_rules *rules;
};

/* Before the first entry; `call.done` and what goes in are set after it. */
void offset_commit_open(struct offset_commit *commit, struct offset_commit_entry *entries);
void offset_commit_add(struct offset_commit *commit, struct kp_string topic,
                       const struct committed_offset *offset);
/* Gives it up before offset_commit_take; and when it was canceled (group_call_cancel
 * said true). Else `done` does it. */
void offset_commit_close(struct offset_commit *commit);

/* It has entries; the coordinator leads (checked). A group that is not there comes into being with
 * its first offset. */
void offset_commit_take(struct group_table *table, const struct offset_rules *rules,
                        struct offset_commit *commit);

#endif
