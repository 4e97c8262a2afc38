/*
 * A coordinator of groups on a log without a partition and a virtual clock, and the calls of
 * members with what came out of them.
 *
 * Happy path: groups_open, calls (each runs what is deferred), groups_commit for what they wrote,
 * groups_pass for time, groups_close. Invariant: with every commit, and at the end, the state is
 * compared with a replay of the log from zero.
 */
#ifndef TESTS_UNIT_BROKER_COORDINATOR_FIXTURE_GROUPS_H
#define TESTS_UNIT_BROKER_COORDINATOR_FIXTURE_GROUPS_H

#include "broker/coordinator/classic/classic_group.h"
#include "broker/coordinator/group/group_batch.h"
#include "broker/coordinator/serving/group_coordinator.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_group_clock.h"
#include "tests/unit/broker/fixture_coordinator_log.h"
#include "tests/unit/unit.h"

struct groups {
    struct group_clock clock;
    struct broker_settings settings;
    struct group_memory memory;
    struct fake_log log;
    struct metadata *metadata;
    struct group_coordinator *coordinator;
    struct group_table *table;
};

/* It leads. */
void groups_open(struct groups *groups);
void groups_close(struct groups *groups);
/* Runs what is deferred. */
void groups_turn(struct groups *groups);
/* What was written commits, and what that causes; returns how many batches. */
size_t groups_commit(struct groups *groups);
void groups_compare(struct groups *groups);
void groups_pass(struct groups *groups, uint64_t ms);
/* Another broker leads, then this one again: what is here is as a new leader has it. */
void groups_move(struct groups *groups);
struct group *groups_find(struct groups *groups, const char *id);
/* "Stable 3 m1,m2" of group g, members by id in order of coming, the leader first marked with '*'.
 */
const char *groups_state(struct groups *groups);

/* ---- Calls ---- */

enum { CALL_TEXT = 200, NOT_DONE = 1000 };

/* What a member asks; fields that are not set have the value of an everyday member. */
struct asks {
    const char *group;    /* NULL: "g" */
    const char *member;   /* NULL: "" */
    const char *instance; /* NULL: none */
    const char *type;     /* NULL: "consumer" */
    const char
        *protocols;       /* NULL: "range"; names with commas, each with the metadata "name:meta" */
    const char *meta;     /* NULL: "t" */
    const char *protocol; /* of Sync; NULL: not said */
    const char *assign;   /* of Sync: "m1=a,m2=b" */
    const char *client;   /* NULL: "c" */
    const char *host;     /* NULL: "/127.0.0.1" */
    int version;          /* of Join; 0: 9 */
    int session_ms;       /* 0: 10000 */
    int rebalance_ms;     /* 0: 60000; -1: really -1 */
    int generation;
    const void *asker;
};

/* One call of any kind, and what came out; static, for one that waits is told when the test is
 * over. One that waits and is used again is canceled. */
struct asked {
    union {
        struct group_call call;
        struct group_join join;
        struct group_sync sync;
        struct group_heartbeat heartbeat;
        struct group_leave leave;
    };
    struct asks asks;
    struct group_protocol protocols[8];
    struct group_assignment assignments[8];
    struct group_leaver leavers[8];
    char names[CALL_TEXT], metadata[8][CALL_TEXT], assigned[CALL_TEXT];
    bool kept;
    /* Out; error NOT_DONE: it waits. */
    int error;
    int generation;
    bool skip;
    size_t member_count;
    char type[CALL_TEXT], protocol[CALL_TEXT], leader[CALL_TEXT], member[CALL_TEXT],
        members[CALL_TEXT], /* "m1=metadata,m2=metadata" */
        assignment[CALL_TEXT];
};

void ask_join(struct groups *groups, struct asked *asked, struct asks asks);
void ask_sync(struct groups *groups, struct asked *asked, struct asks asks);
/* Ends at once, or the test fails: returns the error. */
int ask_heartbeat(struct groups *groups, struct asks asks);
/* Members with commas: "m1,m2", or instances "/i1". */
void ask_leave(struct groups *groups, struct asked *asked, const char *group, const char *leavers);
int ask_commit_check(struct groups *groups, struct asks asks);

/* A group of `count` members with the ids m1 to mN in the generation that `generation` says,
 * Stable; with `instances` they are static: i1 to iN. */
void groups_stable(struct groups *groups, int count, bool instances);
/* The groups g0 to gN like that, on a replica that does not lead yet. */
void groups_many_stable(struct groups *groups, int count, int members);

#endif
