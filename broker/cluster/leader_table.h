/*
 * Who leads which partition, as the leaders themselves say: group -> (term, node, in-sync brokers).
 *
 * Happy path: a replica that begins to lead is entered here and announced to all other brokers at
 * the end of the turn; what they announce is entered the same way; the highest term wins. A broker
 * that comes up gets our whole table of what we lead.
 * Failures: an announcement that makes no sense is dropped and counted. A leader that lost its term
 * says so; a leader whose process is known to be dead is not shown until somebody announces again.
 * For LEADER_DOUBT_MS after a leader was lost, or the link to its broker, it is in doubt: either it
 * is back soon, or another one is announced; who asks in that time does well to wait, because a
 * client that hears the old name again may ask no more for a second. Invariant: the term of a group
 * never goes back.
 */
#ifndef BROKER_CLUSTER_LEADER_TABLE_H
#define BROKER_CLUSTER_LEADER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/env.h"
#include "base/log.h"
#include "storage/log_types.h"

enum { LEADER_NONE = -1, LEADER_DOUBT_MS = 200 };

struct leader {
    int32_t node;  /* LEADER_NONE: not known at present */
    log_term term; /* the highest heard of; the leader epoch */
    /* Brokers, the leader first, as it last said; valid until the next turn. */
    const int32_t *in_sync;
    size_t in_sync_count;
};

struct leader_table;

/* Sends one announcement to a broker that is up; takes the slice over. */
typedef void leader_table_send(void *arg, int32_t node, struct slice announcement);

struct leader_table *leader_table_new(struct env *env, struct log *log, int32_t own_node,
                                      leader_table_send *send, void *arg);
void leader_table_free(struct leader_table *table);

/* What is known of a group; node LEADER_NONE and term 0 if nothing. */
struct leader leader_table_get(const struct leader_table *table, uint64_t group);
/* How many groups that broker leads at present. */
size_t leader_table_led_by(const struct leader_table *table, int32_t node);

/* This broker leads `group` in `term` (announced), its in-sync brokers changed, or it lost the
 * lead. */
void leader_table_lead(struct leader_table *table, uint64_t group, log_term term,
                       const int32_t *in_sync, size_t count);
void leader_table_lost(struct leader_table *table, uint64_t group);
void leader_table_forget(struct leader_table *table, uint64_t group); /* the partition is gone */

/* From the peers: a broker came up (gets our table), its link broke, its process is known to be
 * dead, or it announced something. */
void leader_table_peer_up(struct leader_table *table, int32_t node);
void leader_table_peer_down(struct leader_table *table, int32_t node);
void leader_table_peer_dead(struct leader_table *table, int32_t node);
void leader_table_receive(struct leader_table *table, int32_t node,
                          const struct slice *announcement);

/* How long the leader of that group is in doubt, at most; 0: it is not. And whether any may be. */
uint32_t leader_table_doubt_ms(const struct leader_table *table, uint64_t group);
bool leader_table_in_doubt(const struct leader_table *table);

/* Who is told whenever another node leads a group, or the same in another term, or none, or others
 * are in sync: within the call by which the table hears of it. Lies in whoever listens. What was so
 * before is not told. */
struct leader_watch {
    void (*changed)(void *arg, uint64_t group);
    void *arg;
    struct leader_watch *next, *prev; /* the table's */
};
void leader_table_watch(struct leader_table *table, struct leader_watch *watch);
void leader_table_unwatch(struct leader_table *table, struct leader_watch *watch);

/* Waits until each of `groups` has a leader that is not in doubt, or `timeout_ms`. `done` is called
 * once, never inside this call; ERR_NONE or ERR_TIMEOUT. `groups` is copied. */
struct leader_wait {
    void (*done)(struct leader_wait *wait, int error);
    uint32_t term_above; /* and its term is above this one; 0: any will do. The caller's */
    uint64_t *groups;    /* the table's, all below */
    size_t group_count,
        next_group; /* where to look first: the one that had no leader the last time */
    struct env_timer *timer;
    struct leader_table *table;
    struct leader_wait *next, *prev;
};
void leader_table_wait(struct leader_table *table, struct leader_wait *wait, const uint64_t *groups,
                       size_t count, uint32_t timeout_ms);
void leader_table_wait_cancel(struct leader_wait *wait); /* nothing if it does not wait */

#endif
