/*
 * A heartbeat while it is decided: between the files of consumer_heartbeat.h.
 *
 * Happy path: check, then the steps one after the other, each of which reads what the ones before
 * left here. Invariant: nothing of the group changes before the batch has committed, but topics
 * that got a number.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_DECISION_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_DECISION_H

#include "broker/coordinator/consumer/consumer_heartbeat.h"
#include "broker/coordinator/consumer/consumer_records.h"
#include "broker/coordinator/consumer/consumer_subscriptions.h"

struct consumer_decision {
    struct consumer_heartbeat *heartbeat;
    struct group *row;
    struct consumer_group *group; /* row->consumer, or an empty one of the decision's own */
    struct kp_string member_id;
    struct consumer_member *member;   /* NULL: it is new */
    struct consumer_member *replaced; /* whose instance it takes over; NULL: nobody's */
    struct group_batch batch;
    struct partition_list owned; /* what the member says that it has */
    bool says_owned, owns_strangers;
    /* The member as it will be. */
    struct shared_bytes *names, *regex, *regex_names;
    struct consumer_candidate candidate;
    bool subscribes_anew;
    /* The group as it will be. */
    int32_t epoch, assignment_epoch;
    int64_t metadata_hash;
    struct partition_list target;
    struct consumer_standing standing;
};

/* All that is checked before anything is decided (the table of KIP-848, in its order): sets
 * `member`, `replaced` and `owned`. 0, or the error, with its sentence. */
int16_t consumer_check_request(struct consumer_heartbeat *heartbeat);
int16_t consumer_check_member(struct consumer_decision *decision);
/* Sets the sentence; returns `error`. */
int16_t consumer_refuse(struct consumer_heartbeat *heartbeat, int16_t error, const char *format,
                        ...) __attribute__((format(printf, 3, 4)));

#endif
