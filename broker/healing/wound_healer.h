/*
 * One log that cannot be opened (storage/heal/wound.h) is mended with what other brokers give.
 *
 * Happy path: begin -> each entry that is lacking, or the range, is asked of those brokers, in
 * their order -> done, and the log may be opened again. Failures: none of them can give it; what
 * the disk says. Invariant: `done` comes once, never within begin.
 */
#ifndef BROKER_HEALING_WOUND_HEALER_H
#define BROKER_HEALING_WOUND_HEALER_H

#include "broker/healing/entry_exchange.h"
#include "broker/healing/range_exchange.h"
#include "storage/heal/wound.h"

struct wound_healer {
    /* `entries`: so many are mended; `node` gave the last of them. */
    void (*done)(struct wound_healer *healer, int error, uint64_t entries, int32_t node);
    struct wound_mending *mending; /* ours, all below; NULL: none is under way */
    struct entry_exchange *exchange;
    struct range_exchange *ranges;
    uint64_t group;
    int32_t nodes[ENTRY_ASKED_MOST];
    size_t count, at; /* `at`: the one that gives the range */
    int32_t from;
    struct entry_ask ask;
    struct range_ask range;
};

/* The path of the wound is taken over; `done` was set. */
void wound_healer_begin(struct wound_healer *healer, struct env *env,
                        struct entry_exchange *exchange, struct range_exchange *ranges,
                        const struct wound *wound, const int32_t *nodes, size_t count);
void wound_healer_cancel(struct wound_healer *healer); /* nothing if none is under way */

#endif
