/*
 * What the leaders of partitions know that a cause needs: where the log begins and ends, since when
 * the next record has been there, how fast records come, and who reads them for the member that has
 * the partition; of a share group instead of the reader, what it does there.
 *
 * Happy path: cause_exchange_ask; each leader is asked once, with one message; `done` when all have
 * answered. Failures: a leader that does not answer, or that nobody knows, leaves its partitions
 * unwatched. Invariants: one asking at a time; `done` is called once, never inside, and not after
 * cause_exchange_stop.
 */
#ifndef BROKER_CAUSES_CAUSE_EXCHANGE_H
#define BROKER_CAUSES_CAUSE_EXCHANGE_H

#include "broker/causes/cause_facts.h"
#include "broker/cluster/broker_messages.h"
#include "broker/cluster/leader_table.h"
#include "broker/partition_set/partition_set.h"

struct cause_exchange_options {
    struct env *env;
    int32_t node;
    const struct leader_table *leaders;
    struct partition_set *partitions;
    struct broker_messages *messages;
    /* When that fetch session was used last, of env_now_ms; 0: there is none. Who goes on with a
     * session names no partition. */
    uint64_t (*session_used_ms)(void *sessions, int32_t session_id);
    void *sessions;
    void (*done)(void *arg); /* `facts` of the asking are filled in */
    void *arg;
};

struct cause_exchange;
struct cause_exchange *cause_exchange_new(const struct cause_exchange_options *options);
void cause_exchange_free(struct cause_exchange *exchange); /* NULL does nothing */

/* `asked` stays until `done`. Nothing is under way. */
void cause_exchange_ask(struct cause_exchange *exchange, struct cause_facts *asked);
void cause_exchange_stop(struct cause_exchange *exchange); /* nothing if nothing is under way */

#endif
