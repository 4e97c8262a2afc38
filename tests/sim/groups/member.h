/*
 * One process of a simulated member of a consumer group: it finds its coordinator, joins, is told
 * its partitions, reads them from what is committed on, processes and commits, until it is killed
 * or leaves.
 *
 * member.c has what both protocols share; classic_member.c and kip848_member.c drive it. All that
 * happens goes to the book, which judges. Failures: calls without an answer and errors of
 * coordinators that move are tried again; an error that no coordinator may give there fails the
 * run. Invariants: a partition is given up before the request that says so leaves; a process has
 * one request of its protocol, one fetch and one commit under way at most; nothing is committed but
 * what was processed.
 */
#ifndef SIM_GROUPS_MEMBER_H
#define SIM_GROUPS_MEMBER_H

#include "tests/sim/groups/group_book.h"
#include "tests/sim/kafka_client.h"

enum { MEMBER_ID_MAX = 100, MEMBER_CALL_US = 1200000 };

/* What a member of that seat is, whichever process it is. */
struct member_options {
    struct book *book;
    struct book_group *group;
    /* What it speaks from its next process on. */
    enum member_protocol { MEMBER_EAGER, MEMBER_COOPERATIVE, MEMBER_KIP_848 } protocol;
    const struct history *history;
    unsigned seat;     /* over all groups */
    char instance[16]; /* "": a dynamic member */
    uint64_t session_us, rebalance_us, interval_us;
    const char *topic;
    unsigned brokers;
    int32_t partitions;
    int16_t replicas;
    /* KIP-848: what it subscribes to now; one of the two. May change at any time. */
    const char *regex; /* NULL: the topic by its name */
    /* The term in which that broker leads the group's partition of __consumer_offsets, if no newer
     * one is known; else 0. */
    uint32_t (*leads)(void *arg, const struct book_group *group, int32_t node);
    /* Up to where that broker knows that partition committed; 0: it has none. */
    int64_t (*log_end)(void *arg, const struct book_group *group, int32_t node);
    /* It is fenced for good, or has left: its process ends. */
    void (*ended)(void *arg, unsigned seat);
    void *arg;
};

struct member;
/* In its process. The options stay, and change while it lives. */
struct member *member_new(struct run *run, struct env *env, const struct member_options *options);
/* Leaves in good order; `ended` follows, soon or late. */
void member_leave(struct member *member);
/* Its process is gone. */
void member_died(struct member *member);
/* It holds that partition of the run's topic. */
bool member_reads(const struct member *member, int32_t partition);

#endif
