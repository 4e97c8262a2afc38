/* What the files of a member share. For others: member.h. */
#ifndef SIM_GROUPS_MEMBER_INTERNAL_H
#define SIM_GROUPS_MEMBER_INTERNAL_H

#include "protocol/kafka_error.h"
#include "tests/sim/groups/consumer_bytes.h"
#include "tests/sim/groups/leader_shares.h"
#include "tests/sim/groups/member.h"

/* Where a member stands in a partition of the run's topic. */
struct place {
    uint32_t tenure;  /* 0: it does not hold it */
    int64_t position; /* the next record; -1: what is committed is not known yet */
    int64_t committed;
};

/* One commit under way, or one more that is late on purpose. */
struct member_commit {
    struct member *member;
    struct kafka_call call;
    bool under_way;
    uint32_t number;
    int32_t partition;
    int64_t offset;
    uint32_t tenure;
};

/* What is to be committed late. */
struct member_late {
    char id[MEMBER_ID_MAX];
    int32_t partition, epoch;
    uint32_t tenure;
    int64_t offset;
};

struct member {
    enum member_protocol protocol;
    struct run *run;
    struct env *env;
    const struct member_options *options;
    struct kafka_client *client;
    struct kafka_link *links[CLIENT_BROKERS_MAX + 1];  /* to coordinators */
    struct kafka_link *strays[CLIENT_BROKERS_MAX + 1]; /* for commits that come late */
    struct holder *holder;
    char id[MEMBER_ID_MAX]; /* "": not known */
    int32_t epoch;          /* or generation */
    int32_t coordinator;    /* -1: not known */
    bool leaving, gone;
    /* The request of the protocol that is under way. */
    struct kafka_call call;
    struct env_timer *timer;
    uint64_t sent_us;
    int32_t asked;    /* whom */
    int64_t asked_at; /* its log_end then */
    uint32_t in_term; /* in which that one led then; 0: not for sure */
    /* Work. */
    struct env_timer *work;
    struct kafka_call fetch_call, offset_call;
    bool fetching, asking_offset;
    int32_t at; /* the partition that is fetched, or whose offset is asked for */
    uint32_t at_tenure;
    int64_t offset_floor;
    struct place places[HISTORY_PARTITIONS_MAX];
    uint64_t next_commit_us;
    struct member_commit commit, late_commit;
    struct member_late late;
    struct env_timer *late_timer;
    /* Classic. */
    enum { JOINS, SYNCS, STEADY } state;
    int32_t joined_generation;
    struct leader_shares shares; /* of the leader; of others none */
    unsigned joins;              /* Joins sent since it was told an assignment */
    /* The broker that told it its id, when, and in which term; 0: that is over. */
    int32_t told_id_by;
    uint32_t told_id_in;
    uint64_t told_id_us;
    unsigned told_id_on; /* that connection, as kafka_link_ended counts */
    int64_t told_id_at;  /* its log_end when it was asked for it */
    /* KIP-848. */
    bool must_say_all, must_say_owned;
    const char *said_regex;
    struct owned_list has; /* as it was told last */
    uint64_t give_at_us;   /* what it has beyond that it gives back then; 0: nothing */
};

static inline uint64_t member_draw(struct member *member, uint64_t limit) {
    return world_below(member->run->world, limit);
}
/* The next step of the protocol comes around then. */
void member_later(struct member *member, uint64_t typical_us);
bool member_is_static(const struct member *member);
struct kp_string member_instance(const struct member *member); /* null: dynamic */

/* Sends the request of the protocol to its coordinator. */
void member_call(struct member *member, enum kp_api_key key, int version, const void *request,
                 uint64_t timeout_us);
/* Inside its answer: the term in which it is true; else 0. */
uint32_t member_answered_in(const struct member *member);
/* Of whom was asked last: as in the options. */
int64_t member_log_end(const struct member *member);
/* Of an error that a coordinator gives that moves: it is looked for again, and true. */
bool member_coordinator_moved(struct member *member, int error, int16_t code);
_Noreturn void member_fail(struct member *member, int16_t code, const char *what);

/* A new identity, or none. */
void member_begins(struct member *member);
void member_told(struct member *member, int32_t epoch, const struct owned_list *list);
/* It stops with what it holds and is not in the list, after a last commit perhaps. True: there was
 * something. */
bool member_keeps_only(struct member *member, const struct owned_list *list);
void member_gives_up_all(struct member *member);
/* The process ends and comes again as another member of its seat. */
void member_ends(struct member *member);

/* The next request of the protocol: its leave if it leaves. */
void classic_member_step(struct member *member);
void kip848_member_step(struct member *member);

#endif
