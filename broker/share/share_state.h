/*
 * What has become of the records of one share-partition (KIP-932: a group, a topic, a partition),
 * as far as it was committed: equal on every replica that has applied the same outcomes.
 *
 *   offset:   0 1 2 3 4 | 5 6 7 8 9 10 ...
 *                       start
 *             all over    ranges: how often delivered, accepted, archived; none: never delivered
 *
 * Happy path: it is made with the offset at which the group begins; outcomes are set, in the order
 * of the log; the start moves over whatever is accepted or archived at the front. Who holds what at
 * the moment is not here: that is the leader's (share_queue.h). Failures: none. Pure.
 * Dead letters hold the start until they are archived. Invariants: nothing is kept of what lies
 * below the start; the record at the start is neither accepted nor archived; no two neighbours say
 * the same.
 */
#ifndef BROKER_SHARE_SHARE_STATE_H
#define BROKER_SHARE_SHARE_STATE_H

#include "broker/share/offset_ranges.h"

/* Kafka's numbers. */
enum share_record_state {
    SHARE_AVAILABLE = 0,
    SHARE_ACQUIRED = 1, /* of the leader alone: in no outcome */
    SHARE_ACKNOWLEDGED = 2,
    SHARE_ARCHIVING = 3, /* archived as soon as its copy in the dead-letter topic has committed */
    SHARE_ARCHIVED = 4,
};

/* Why a record is a dead letter. */
enum share_reason {
    SHARE_REJECTED = 1,
    SHARE_EXHAUSTED, /* given as often as it may be */
};

enum { SHARE_COUNT_MAX = 0xffff };
enum {
    SHARE_TIME_STEP_MS = 100
}; /* times of records are multiples of it, so that those of one
      moment are one run */

struct share_range {
    struct offset_range at;
    int64_t time_ms; /* Unix: available again, and to be given not before; 0: at once; of one that
                        is archiving, when it came to that */
    uint16_t count;  /* deliveries of each of them, the last one with it; 0 of what is over */
    uint8_t state;   /* enum share_record_state */
    uint8_t reason;  /* enum share_reason; of one that is archiving, else 0 */
};

enum { SHARE_MOVE_RECORDS = 200 /* dead letters that are copied at once, at most */ };

/* Dead letters that are copied, or were last, as one batch of an idempotent producer: whoever leads
 * sends the same one again, and the partition in which it is to be answers that it has it. */
struct share_move {
    int64_t producer_id;
    int32_t sequence;  /* of the first; its epoch is 0 */
    uint8_t topic[16]; /* to where: the id, and */
    int32_t partition;
    struct offset_ranges records; /* of struct offset_range; archiving when it begins */
    bool open;                    /* some of them are still; ends when none is */
};
/* How many records; the sequence behind the last one, -1: none is left of this producer. */
int32_t share_move_count(const struct share_move *move);
int32_t share_move_next(const struct share_move *move);
/* Whether two that lie side by side say the same. */
bool share_range_is_like(const struct share_range *a, const struct share_range *b);

struct share_state {
    kafka_offset start;
    struct offset_ranges ranges; /* of struct share_range */
    uint64_t archiving;          /* records that are */
    struct share_move move;      /* the last one; without records: there was none */
};

void share_state_open(struct share_state *state, kafka_offset start);
void share_state_close(struct share_state *state);

/* It cannot come back: accepted or archived. */
bool share_state_is_over(uint8_t state);
/* That is what these records are from now on, whatever they were. */
void share_state_set(struct share_state *state, const struct share_range *outcome);
/* That is copied now; its records are taken over. */
void share_state_move(struct share_state *state, struct share_move *move);
/* Behind all that one command, or the start, has changed: whether the move is over now. */
void share_state_settle(struct share_state *state);
/* What lies below is gone. Never backwards. */
void share_state_pass(struct share_state *state, kafka_offset start);
/* Of one record at or above the start. */
uint8_t share_state_of(const struct share_state *state, kafka_offset offset, uint16_t *count);
/* Behind the last record of which something is known; the start, if nothing is. */
kafka_offset share_state_end(const struct share_state *state);
/* How many at or above the start are over. */
uint64_t share_state_over_count(const struct share_state *state);

#endif
