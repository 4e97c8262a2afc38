/*
 * What is asked of partitions about a group that shares them, and where to: for those who order it
 * without a look at who leads what (sharing_exchange.h does that).
 */
#ifndef BROKER_SHARING_SHARING_ORDER_H
#define BROKER_SHARING_SHARING_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"
#include "storage/log_types.h"

struct env_timer;

enum sharing_what {
    SHARING_LOOK = 1, /* changes nothing */
    SHARING_BEGIN,    /* where it has not begun yet */
    SHARING_MOVE,     /* begins anew */
    SHARING_DROP,     /* nothing if it is not there */
};

enum { SHARING_LATEST = -1, SHARING_EARLIEST = -2 };

/* Of one partition, named by its Raft group. */
struct sharing_ask {
    uint64_t partition;
    bool exact;    /* MOVE: `start` is an offset; it is brought within the log */
    int64_t start; /* else a time in ms, for the first record that is not older, or one of the two
                      above */
};

/* The coordinator that orders. Behind the term in which another one leads it changes nothing more.
 */
struct sharing_orderer {
    uint64_t group; /* Raft's, of its partition; 0: nobody's, it only looks */
    int32_t term;   /* in which it leads */
};

struct sharing_answer {
    int16_t code;       /* sharing_taker.h */
    kafka_offset start; /* -1: the group has not begun there */
    int32_t epoch;      /* of the partition's leader */
    int64_t lag;        /* records that are not over; -1: it has not begun */
};

enum {
    SHARING_ORDER_MS = 5000,        /* for those who have no reason for another time */
    SHARING_ORDER_MOST = 20 * 1000, /* are asked at once; the others of an order behind them */
};

/* Lies in whoever orders. */
struct sharing_order {
    /* The orderer's; they stay until it is over. */
    enum sharing_what what;
    struct sharing_orderer orderer; /* its group is filled by the road */
    struct kp_string group;
    const struct sharing_ask *asks;
    struct sharing_answer *answers; /* as many */
    size_t count;
    uint32_t timeout_ms; /* of each SHARING_ORDER_MOST of them */
    void (*done)(struct sharing_order *order);
    /* The exchange's, all below. */
    struct sharing_exchange *exchange; /* NULL: it is not under way */
    bool *over;                        /* of each ask */
    struct sharing_call *calls;        /* under way */
    struct env_timer *timer;
    size_t from; /* the first of those that are asked now */
    uint64_t until_ms;
    struct sharing_order *next, *prev;
};

/* Where orders go. `begin` NULL: nowhere. `done` comes once, never within the call. */
struct sharing_road {
    void (*begin)(void *arg, struct sharing_order *order);
    void (*cancel)(struct sharing_order *order); /* nothing if it is over */
    void *arg;
};

#endif
