/*
 * A consumer group of KIP-848: what the records of types 3 to 8 and 16 made of it, on every
 * replica, and two deadlines of each member on the leader. Members may speak the classic protocol
 * (migration/consumer_classic.h).
 *
 * Happy path: consumer_records_apply (consumer_records.h) makes it and changes it; everybody else
 * reads. Failures: none; what refers to something that is not there makes it, or is nothing.
 * Invariants: the epoch of the owner of a partition is that of the member in whose assigned or
 * pending partitions it is, and CONSUMER_FREE when it is in none; an instance id belongs to the
 * member whose record came last; members that have no record of their own (type 5) yet are counted
 * nowhere.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_GROUP_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_GROUP_H

#include "broker/coordinator/consumer/partition_list.h"
#include "broker/coordinator/group/group.h"
#include "broker/coordinator/group/group_presence.h"
#include "broker/coordinator/group/topic_set.h"
#include "protocol/coordinator_records/consumer_group_record.h"

enum { CONSUMER_FREE = -1 };

/* Epochs that a member says and a record holds. */
enum { CONSUMER_EPOCH_JOIN = 0, CONSUMER_EPOCH_LEAVE = -1, CONSUMER_EPOCH_LEAVE_STATIC = -2 };

enum consumer_state {
    CONSUMER_STABLE = 0,
    CONSUMER_UNREVOKED = 1,  /* it has to give partitions back before it goes on */
    CONSUMER_UNRELEASED = 2, /* others have not given back yet what it is to get */
};

/* What runs in the pool for a group: first member of it. */
struct consumer_work {
    struct consumer_group *group; /* NULL: it comes to nothing */
    struct consumer_work **slot;  /* where the group has it */
};

/* Topics have numbers in their group while a member has or is to have partitions of them. */
struct consumer_topic {
    struct kp_uuid id;
    uint32_t number;
    size_t uses;     /* entries in lists of members */
    int32_t *owners; /* by partition: the epoch of its owner, or CONSUMER_FREE */
    size_t owner_count;
    UT_hash_handle hh;
};

/* A regular expression, and the topics that it stood for when that was looked at last. */
struct consumer_regex {
    struct shared_bytes *text;
    struct shared_bytes *names; /* topic_names.h; NULL: not known yet */
    int64_t metadata_version, time_ms;
    size_t members; /* that subscribe by it */
    /* With the decision at hand, and in no other: how many of them go, and what it stands for then
     * (NULL: as before). */
    size_t going;
    struct shared_bytes *next_names;
    UT_hash_handle hh;
};

/* A protocol that members of the classic protocol name, and how many do. */
struct consumer_protocol_name {
    struct shared_bytes *text;
    size_t members;
    UT_hash_handle hh;
};

struct consumer_protocol {
    struct consumer_protocol_name *name;
    struct shared_bytes *metadata;
};

/* What a member of the classic protocol said in its Join. */
struct consumer_classic {
    int32_t session_timeout_ms;
    uint32_t protocol_count;
    struct consumer_protocol protocols[]; /* in the order in which it likes them */
};

/* What a member of the classic protocol has to do in its rebalance timeout. */
enum consumer_owes { CONSUMER_OWES_NOTHING, CONSUMER_OWES_JOIN, CONSUMER_OWES_SYNC };

/* What a member has: all of it is one record. */
struct consumer_standing {
    int32_t epoch, previous_epoch;
    int8_t state;
    struct partition_list assigned, pending;
};

struct consumer_member {
    struct consumer_group *group;
    struct shared_bytes *id;
    bool written; /* it has a record of type 5, with what follows */
    struct shared_bytes *instance, *rack, *client_id, *client_host, *regex, *assignor;
    struct shared_bytes *names;       /* topic_names.h */
    struct consumer_classic *classic; /* NULL: it speaks the protocol of KIP-848 */
    size_t charged;                   /* to the memory of groups, while it is written */
    int32_t rebalance_timeout_ms;
    bool has_standing; /* a record of type 8 */
    struct consumer_standing standing;
    bool has_target; /* a record of type 7 */
    struct partition_list target;
    UT_hash_handle hh, by_instance;
    struct walk_place *place; /* of cursors that stand at it */
    /* Soft. */
    struct group_timer session, rebalance;
    struct group_presence presence;
    uint32_t told_ms;                  /* how soon its last answer asks for the next; 0: none */
    int32_t rebalance_epoch;           /* `rebalance` is about this one; of KIP-848 */
    enum consumer_owes owes;           /* `rebalance` is about this; of the classic protocol */
    bool session_over, rebalance_over; /* their time came */
    bool goes;                         /* with the decision at hand, and in no other */
};

struct consumer_group {
    struct group *row;
    int32_t epoch, assignment_epoch;
    int64_t metadata_hash, assignment_time_ms;
    struct consumer_member *members;   /* by id, also those without a record of their own */
    struct consumer_member *instances; /* by instance id */
    struct consumer_regex *regexes;
    struct consumer_protocol_name *protocols; /* that its members of the classic protocol name */
    struct consumer_topic *topics;            /* by id */
    struct consumer_topic **numbered;
    size_t numbered_count, numbered_capacity;
    size_t unused_topics, unused_numbers; /* topics without uses; places without a topic */
    size_t member_count, classic_count;   /* those with a record; of the classic protocol */
    struct consumer_cursor *cursors;
    struct consumer_member *made; /* the last one that a record was of; NULL: it is gone */
    /* Soft. */
    uint64_t metadata_version;          /* with which the hash was compared last; 0: not yet */
    uint64_t hurry_until_ms;            /* somebody may be about to go: members speak soon */
    bool expiring;                      /* a turn for members whose time is over waits */
    uint64_t looked_ms, looked_version; /* regular expressions: of env_now_ms, 0: not yet */
    struct consumer_work *assigning, *looking; /* in the pool; NULL: nothing is */
};

/* NULL: none. */
struct consumer_member *consumer_member_find(const struct consumer_group *group,
                                             struct kp_string id);
struct consumer_member *consumer_member_of_instance(const struct consumer_group *group,
                                                    struct kp_string instance);
struct consumer_regex *consumer_regex_find(const struct consumer_group *group,
                                           struct kp_string text);
const struct consumer_topic *consumer_topic_find(const struct consumer_group *group,
                                                 struct kp_uuid id);
/* CONSUMER_FREE: nobody has it. */
int32_t consumer_owner_epoch(const struct consumer_group *group, struct kp_uuid topic,
                             int32_t partition);

/* NULL: no member of the classic protocol names it. */
const struct consumer_protocol_name *consumer_protocol_find(const struct consumer_group *group,
                                                            struct kp_string text);

/* A walk over the members, over as many turns as it takes: those that are there all the time are
 * met once, whatever comes and goes meanwhile. */
struct consumer_cursor {
    struct consumer_group *group; /* NULL: not open, or the group is gone; the group's, all of it */
    struct walk_place *at;        /* the next one's; NULL: no more */
    struct consumer_cursor *next, *prev;
};
void consumer_cursor_open(struct consumer_cursor *cursor, struct consumer_group *group);
struct consumer_member *consumer_cursor_next(
    struct consumer_cursor *cursor);                        /* NULL: that was all */
void consumer_cursor_close(struct consumer_cursor *cursor); /* nothing if it is not open */

/* "Empty", "Assigning", "Reconciling", "Stable". */
const char *consumer_group_state(const struct consumer_group *group);
/* Adds the topics to which members subscribe, by name or by what a regular expression stands for.
 */
void consumer_group_reads(const struct consumer_group *group, struct topic_set *topics);

/* One of a kind at a time. */
void consumer_work_begin(struct consumer_work *work, struct consumer_group *group,
                         struct consumer_work **slot);
/* It is over, or the group goes, or this replica leads no more. Nothing for NULL. */
void consumer_work_end(struct consumer_work *work);

/* ---- For those who change it (consumer_apply.c) ---- */

/* An empty one, of which the row does not know: for decisions about a group that is not there. */
struct consumer_group *consumer_group_new(struct group *row);
void consumer_group_free(struct consumer_group *group);
struct consumer_group *consumer_group_make(struct group *row); /* row->consumer, or a new one */
void consumer_group_drop(struct group *row);                   /* row->consumer, if there is one */
struct consumer_member *consumer_member_make(struct consumer_group *group, struct kp_string id);
/* Forgets it if no record of it is left. */
void consumer_member_settle(struct consumer_member *member);
/* What it says of itself goes; or, set before, comes to count. */
void consumer_member_clear(struct consumer_member *member);
void consumer_member_enter(struct consumer_member *member);
/* Before it is entered: it speaks the classic protocol. `said` NULL: it does not. */
void consumer_member_speaks(struct consumer_member *member,
                            const struct kp_consumer_classic_member *said);
/* What it has goes, or is `standing` from now on (taken over). */
void consumer_standing_drop(struct consumer_member *member);
void consumer_standing_take(struct consumer_member *member,
                            const struct consumer_standing *standing);
struct consumer_regex *consumer_regex_make(struct consumer_group *group, struct kp_string text);
/* What it stands for from now on (taken over); NULL: not known. */
void consumer_regex_name(struct consumer_group *group, struct consumer_regex *regex,
                         struct shared_bytes *names);
void consumer_regex_settle(struct consumer_group *group, struct consumer_regex *regex);
/* The number of the topic, new if it has none. Those that come to no use go with
 * consumer_topics_settle. */
uint32_t consumer_topic_number(struct consumer_group *group, struct kp_uuid id);
void consumer_topics_settle(struct consumer_group *group);
void consumer_list_use(struct consumer_group *group, const struct partition_list *list);
void consumer_list_drop(struct consumer_group *group, struct partition_list *list); /* closes it */

#endif
