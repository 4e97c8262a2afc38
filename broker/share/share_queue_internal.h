/* What the files of the queue share. For others: share_queue.h. */
#ifndef BROKER_SHARE_SHARE_QUEUE_INTERNAL_H
#define BROKER_SHARE_SHARE_QUEUE_INTERNAL_H

#include "broker/share/share_queue.h"

struct share_lock *share_lock_at(const struct share_queue *queue, size_t place);
enum share_ending {
    SHARE_ENDS_ACCEPTED,
    SHARE_ENDS_REJECTED,
    SHARE_ENDS_NO_RECORD, /* for anybody */
    SHARE_ENDS_RELEASED,
    SHARE_ENDS_TIMED_OUT, /* or its holder has gone */
};
/* All of it comes to what follows from that, and is appended: archived instead of available, where
 * it was delivered as often as may be. Lies behind what was appended before. */
void share_lock_end(struct share_queue *queue, const struct share_limits *limits,
                    struct share_lock *lock, enum share_ending ending,
                    struct offset_ranges *outcomes);
/* Behind those that end: what was given of keys of which an earlier record comes back does too. */
void share_queue_followers_end(struct share_queue *queue, struct offset_ranges *outcomes);
/* Of one that has ended so: to that count, which is one of the queue's flow. */
enum share_end_why { SHARE_END_ACCEPTED, SHARE_END_REJECTED, SHARE_END_RELEASED, SHARE_END_TIME };
void share_lock_counts(const struct share_queue *queue, const struct share_lock *lock,
                       enum share_end_why why);

#endif
