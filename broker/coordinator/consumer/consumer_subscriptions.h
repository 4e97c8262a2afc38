/*
 * What the members of a group subscribe to, compared with the topics that there are.
 *
 * Failures: none; names without a topic are left out. Invariant: the time is linear in the names of
 * all subscriptions that differ, of which a group has CONSUMER_NAMES_MAX at most.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_SUBSCRIPTIONS_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_SUBSCRIPTIONS_H

#include "broker/coordinator/assignment/assignment.h"
#include "broker/coordinator/consumer/consumer_records.h"
#include "broker/metadata/metadata.h"

/* A member as it is after the decision at hand. */
struct consumer_candidate {
    struct kp_string id, instance;
    const struct shared_bytes *names, *regex_names; /* topic_names.h; NULL: none */
    struct kp_string assignor;                      /* null: the group's */
    const struct consumer_member *is;               /* it was this one; NULL: it is new */
    const struct consumer_member *replaces;         /* and this one goes; NULL: nobody */
};

enum { CONSUMER_NAMES_MAX = 10000, CONSUMER_REGEXES_MAX = 16 };
/* Names of all subscriptions that differ, with what regular expressions stand for. */
size_t consumer_names_total(const struct consumer_group *group,
                            const struct consumer_candidate *candidate);

/* Of the topics that all members and the candidate (NULL: none) subscribe to; 0: no topic. Equal
 * metadata give equal hashes, whatever the order. */
int64_t consumer_metadata_hash(const struct consumer_group *group, const struct metadata *metadata,
                               const struct consumer_candidate *candidate);

/* What an assignor is given, and gives: a copy that needs neither group nor metadata. */
struct consumer_assignment {
    struct assignment_input input;
    uint32_t *owner;
    struct kp_uuid *topic_ids;     /* by place */
    struct shared_bytes **members; /* ids, by place */
    struct assignment_topic *topics;
    struct assignment_member *rows;
    uint32_t *held, **subscribed; /* all held numbers; arrays of places */
    size_t subscribed_count;
    size_t work; /* subscriptions, members and partitions in all */
};

void consumer_assignment_init(struct consumer_assignment *assignment,
                              const struct consumer_group *group, const struct metadata *metadata,
                              const struct consumer_candidate *candidate);
void consumer_assignment_close(struct consumer_assignment *assignment);
/* What each member gets: by place of member, with the group's numbers of topics. For
 * consumer_targets_free. */
struct partition_list *consumer_targets(const struct consumer_assignment *assignment,
                                        struct consumer_group *group);
void consumer_targets_free(struct partition_list *targets, size_t count);

#endif
