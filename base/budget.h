/*
 * Budgets: limits in bytes, and who waits for room in them.
 *
 * Happy path: what takes memory charges it, and releases it when the memory is given back. A budget
 * never refuses what is already here; readers ask budget_spent() before they read more, and are
 * called back when there is room again. Invariants: `used` is the sum of what was charged and not
 * released; a waiter is taken off the list before it is called, so that it may wait again or
 * release more inside.
 */
#ifndef BASE_BUDGET_H
#define BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Waits for a budget to have room. Fields belong to the budget between budget_wait and `room`. */
struct budget_waiter {
    void (*room)(struct budget_waiter *waiter); /* called once, from the release that made room */
    struct budget_waiter *next, *prev;
    bool waiting;
};

struct budget {
    size_t limit; /* bytes */
    size_t used;  /* bytes; may exceed the limit by what was under way when it was reached */
    struct budget_waiter *waiters;
    size_t waiting;     /* how many these are, */
    uint64_t waits;     /* and how often one began to wait */
    const void *passer; /* who alone may go on past the limit; NULL: nobody */
    /* Pays for large frames that are half here, so that those who send halves keep only each other
     * waiting; NULL: this one does. */
    struct budget *halves;
    /* Pays for whole large frames, so that they keep only each other waiting; NULL: this one does.
     */
    struct budget *larges;
    void (*wanted)(void *arg); /* somebody begins to wait for room; NULL: nobody needs to know */
    void *wanted_arg;
};

void budget_init(struct budget *budget, size_t limit);
bool budget_spent(const struct budget *budget); /* used >= limit */
/* Another limit from now on; what is charged stays. Wakes waiters if there is room. */
void budget_set_limit(struct budget *budget, size_t limit);
void budget_charge(struct budget *budget, size_t bytes);
/* Wakes waiters, first come first served, while there is room. */
void budget_release(struct budget *budget, size_t bytes);
void budget_wait(struct budget *budget, struct budget_waiter *waiter);
/* Nothing if it does not wait. */
void budget_wait_cancel(struct budget *budget, struct budget_waiter *waiter);
/* Whether `who` may go on with what he has half done: there is room, or he is the one who may pass
 * the limit. So halves never wait for each other: they are finished one after the other. The first
 * who asks is the one, until budget_end_pass. */
bool budget_may_pass(struct budget *budget, const void *who);
/* It is done, or given up: wakes those who wait, of whom one may be the next. Nothing if `who` is
 * not the one. */
void budget_end_pass(struct budget *budget, const void *who);
/* What he took past the limit is not given back yet: `to` is the one now. Nothing if `who` is not
 * the one. */
void budget_pass_on(struct budget *budget, const void *who, const void *to);

#endif
