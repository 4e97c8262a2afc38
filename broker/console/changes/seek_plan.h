/*
 * Where a group stands and where it is to stand: the rows of offsets_change.h.
 *
 * Happy path: rows are made of where the group stands, or of all partitions of one topic; their
 * leaders are asked where they begin and end, and where a time is; then each row has its new
 * offset. Failures: a partition without a leader, or whose leader does not answer, leaves its row
 * without limits. Invariants: rows are sorted by topic and partition, SEEK_ROWS of them at most; a
 * new offset lies between the beginning and the end.
 */
#ifndef BROKER_CONSOLE_CHANGES_SEEK_PLAN_H
#define BROKER_CONSOLE_CHANGES_SEEK_PLAN_H

#include "broker/console/asking/inquiry.h"
#include "broker/console/asking/partition_facts.h"
#include "protocol/messages/describe_share_group_offsets.h"
#include "protocol/messages/offset_fetch.h"

enum { SEEK_ROWS = 10000 };

enum seek_to { SEEK_EARLIEST, SEEK_LATEST, SEEK_OFFSET, SEEK_TIME, SEEK_BY };

struct seek_row {
    struct kp_string topic;
    int32_t partition, leader;
    int64_t from;           /* -1: the group has not begun there */
    int64_t found;          /* where the time is; -1: no record is that young */
    int64_t start, end, to; /* -1: not known */
    int64_t wanted;         /* may lie outside of these: `to` does not */
};

struct seek_kind;

struct seek_plan {
    const struct seek_kind *kind;
    const char *topic; /* NULL: all in which the group stands somewhere */
    enum seek_to to;
    int64_t value; /* of an offset, a time (ms), or how far */
    struct seek_row *rows;
    size_t count;
    struct partition_fact *facts; /* of each row */
    const struct ask *before;     /* asks for those are before it */
};

/* False: the memory is used up, or it is more than SEEK_ROWS; refused. */
bool seek_plan_take_committed(struct inquiry *inquiry, struct seek_plan *plan,
                              const struct kp_offset_fetch_response *response);
/* The same, of a group that shares. */
bool seek_plan_take_started(struct inquiry *inquiry, struct seek_plan *plan,
                            const struct kp_describe_share_group_offsets_response_group *group);
/* A row for each partition of plan->topic; those that are there stay. */
bool seek_plan_take_topic(struct inquiry *inquiry, struct seek_plan *plan,
                          const struct kp_metadata_response *metadata);
/* Asks the leaders, as the metadata names them; the answers are there in the next step. */
bool seek_plan_ask(struct inquiry *inquiry, struct seek_plan *plan,
                   const struct kp_metadata_response *metadata);
/* Computes `to` of each row. The first one for which that cannot be; NULL: none. */
const struct seek_row *seek_plan_compute(struct inquiry *inquiry, struct seek_plan *plan);

#endif
