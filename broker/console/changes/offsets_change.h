/*
 * What setting where a group goes on has in common for the kinds of groups (change_seek.c: of
 * consumers; change_share_reset.c: those that share). The form with dry_run=1: `name`, `topic` (or
 * nothing: all in which the group has begun), `to`: earliest, latest, offset (with `offset`), time
 * (`time`, ms), ago (`ago`: 90s, 15m, 6h, 7d), and for kinds that have it by (`by`: records, -N
 * back); the answer has each partition with its old and new offset. Without: the same, and
 * `offsets`: lines PARTITION OFFSET TOPIC as they are to be set.
 *
 * Happy path: seek_change reads the form and finds the coordinator, which kind->ask asks where the
 * group stands; seek_ask_topics makes the plan of that and answers. Without dry_run kind->set asks
 * the coordinator for the rows of seek_take_rows, and seek_set answers. Failures: what is no such
 * form, a partition of which nobody says where it begins and ends, and what a coordinator refuses
 * is said in words. Invariants: what is set is exactly what the plan had, not what it would be now;
 * nothing is joined.
 */
#ifndef BROKER_CONSOLE_CHANGES_OFFSETS_CHANGE_H
#define BROKER_CONSOLE_CHANGES_OFFSETS_CHANGE_H

#include "broker/console/changes/seek_plan.h"

struct seek_kind {
    const char *command; /* of drave, which does the same */
    const char *warning; /* a sentence of the plan; NULL: none */
    bool by;             /* whether to=by is there */
    void (*ask)(struct inquiry *inquiry);
    void (*set)(struct inquiry *inquiry);
};

/* What came of it: a coordinator takes partitions one by one. */
struct seek_outcome {
    size_t set;
    int16_t error; /* of the first one that was refused; 0: none was */
    struct kp_string topic;
    int32_t partition;
};

void seek_change(struct inquiry *inquiry, const struct seek_kind *kind);
/* With the wish of the form, as the inquiry's state. NULL: the memory is used up. */
struct seek_plan *seek_plan_new(struct inquiry *inquiry, const struct seek_kind *kind);
/* Where the group stands is in the rows: the rest of the plan. */
void seek_ask_topics(struct inquiry *inquiry, struct seek_plan *plan);
/* The rows of the form, of which topic, partition and `to` are set; rows of a topic follow each
 * other. False: refused. */
bool seek_take_rows(struct inquiry *inquiry, struct seek_plan *plan);
void seek_set(struct inquiry *inquiry, const struct seek_kind *kind,
              const struct seek_outcome *outcome);
void seek_refuse_members(struct inquiry *inquiry);

#endif
