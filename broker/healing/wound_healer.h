/*
 * One log that cannot be opened (storage/heal/wound.h) is mended with what other brokers give.
 *
 *   begin -> the entries that are lacking, or the range -> done, and the log may be opened again
 *              \-> nobody has them: the place where the log of another one begins, and, where ours
 *                  do not reach it, a state of the appliers (later_start.h) -> done: the next try
 *                  finds that all of the segment may be written again
 *
 * Happy path: each is asked of those brokers, in their order. Failures: none of them can give it;
 * what the disk says. Invariant: `done` comes once, never within begin.
 */
#ifndef BROKER_HEALING_WOUND_HEALER_H
#define BROKER_HEALING_WOUND_HEALER_H

#include "broker/healing/entry_exchange.h"
#include "broker/healing/place_exchange.h"
#include "broker/healing/range_exchange.h"
#include "broker/healing/state_exchange.h"
#include "storage/heal/later_start.h"
#include "storage/heal/wound.h"

/* Of whom others are asked; the caller's, as long as anything is under way. */
struct wound_exchanges {
    struct entry_exchange *entries;
    struct range_exchange *ranges;
    struct state_exchange *states;
    struct place_exchange *places;
};

struct wound_result {
    int error;
    uint64_t entries; /* so many are mended */
    log_index begins; /* the log begins behind this entry now; 0: where it did */
    int32_t node;     /* gave the last of them, or the place */
};

/* One line, of what the log of `label` has now; none where it is as it was. */
void wound_result_tell(const struct wound_result *result, struct log *log, const char *label);

struct wound_healer {
    void (*done)(struct wound_healer *healer, const struct wound_result *result);
    bool busy; /* ours, all below */
    struct wound_mending *mending;
    struct env *env;
    struct wound_exchanges exchanges;
    uint64_t group;
    char *group_path;
    struct later_limits limits;
    int32_t nodes[ENTRY_ASKED_MOST];
    size_t count, at; /* `at`: the one that gives the range */
    int32_t from;
    struct entry_ask ask;
    struct range_ask range;
    struct place_ask place;
    struct state_ask state;
    struct later_start *later; /* NULL: the log is mended where it begins */
    log_index begins;
};

/* The path of the wound is taken over; `done` was set. */
void wound_healer_begin(struct wound_healer *healer, struct env *env,
                        const struct wound_exchanges *exchanges, const struct wound *wound,
                        const int32_t *nodes, size_t count);
void wound_healer_cancel(struct wound_healer *healer); /* nothing if none is under way */

#endif
