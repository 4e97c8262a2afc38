/*
 * What coordinators ask of partitions about a group that shares them, between brokers: to whoever
 * leads the partitions, and from there the answer, or this broker itself by the same calls.
 *
 * A request, big-endian: i8 format 2, i64 Raft group and i32 term of the coordinator that asks, i8
 * what (sharing_order.h), i16 length and the group's id, i32 count (1 to SHARING_A_CALL), for each
 * i64 Raft group, i8 exact, i64 start; format 1 has no coordinator. Its answer: i8 format 1,
 * i32 count (the same), for each i16 code, i64 start, i32 epoch, i64 lag.
 *
 * Happy path: sharing_order_begin looks up who leads each partition, asks each leader for all that
 * it leads, SHARING_ORDER_MOST partitions at a time, and `done` comes when every partition has
 * answered. Failures: a leader that changes, is not known, does not answer or has no room is asked
 * again, whoever it is then, until the time of these partitions is over; what is not done then has
 * the last code, NOT_LEADER_OR_FOLLOWER or REQUEST_TIMED_OUT, and may happen yet. A request that
 * makes no sense is not answered. Invariants: `done` comes once, never within the call; an order
 * may be of any size, it is then over later.
 */
#ifndef BROKER_SHARING_SHARING_EXCHANGE_H
#define BROKER_SHARING_SHARING_EXCHANGE_H

#include "broker/cluster/broker_messages.h"
#include "broker/cluster/leader_table.h"
#include "broker/sharing/sharing_taker.h"

enum {
    SHARING_CALL_MS = 2000,
    SHARING_RETRY_MS = 100,
};

struct sharing_exchange_options {
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    int32_t node; /* this broker */
    const struct leader_table *leaders;
    struct partition_set *partitions;
    struct broker_messages *messages;
};

struct sharing_exchange;
struct sharing_exchange *sharing_exchange_new(const struct sharing_exchange_options *options);
/* Before the partitions are freed. `done` is not called for what is left. NULL does nothing. */
void sharing_exchange_free(struct sharing_exchange *exchange);

/* An order lies in whoever orders. */
void sharing_order_begin(struct sharing_exchange *exchange, struct sharing_order *order);
void sharing_order_cancel(struct sharing_order *order); /* nothing if it is over */

#endif
