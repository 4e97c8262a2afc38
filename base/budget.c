/* Budgets: charges, and waiters, first come first served. */
#include "base/budget.h"

#include <utlist.h>

#include "base/check.h"

void budget_init(struct budget *budget, size_t limit) {
    *budget = (struct budget){.limit = limit};
}

bool budget_spent(const struct budget *budget) {
    return budget->used >= budget->limit;
}

void budget_set_limit(struct budget *budget, size_t limit) {
    budget->limit = limit;
    budget_release(budget, 0);
}

void budget_charge(struct budget *budget, size_t bytes) {
    CHECK(bytes <= SIZE_MAX - budget->used);
    budget->used += bytes;
}

void budget_release(struct budget *budget, size_t bytes) {
    CHECK(bytes <= budget->used);
    budget->used -= bytes;
    while (budget->waiters != NULL && !budget_spent(budget)) {
        struct budget_waiter *first = budget->waiters;
        budget_wait_cancel(budget, first);
        first->room(first);
    }
}

void budget_wait(struct budget *budget, struct budget_waiter *waiter) {
    CHECK(!waiter->waiting);
    waiter->waiting = true;
    budget->waiting++;
    budget->waits++;
    DL_APPEND(budget->waiters, waiter);
    if (budget->wanted != NULL) budget->wanted(budget->wanted_arg);
}

void budget_wait_cancel(struct budget *budget, struct budget_waiter *waiter) {
    if (!waiter->waiting) return;
    waiter->waiting = false;
    budget->waiting--;
    DL_DELETE(budget->waiters, waiter);
}

bool budget_may_pass(struct budget *budget, const void *who) {
    if (!budget_spent(budget)) return true;
    if (budget->passer == NULL) budget->passer = who;
    return budget->passer == who;
}

void budget_pass_on(struct budget *budget, const void *who, const void *to) {
    if (budget->passer == who) budget->passer = to;
}

void budget_end_pass(struct budget *budget, const void *who) {
    if (budget->passer != who) return;
    budget->passer = NULL;
    struct budget_waiter *last = budget->waiters != NULL ? budget->waiters->prev : NULL;
    for (bool more = last != NULL; more;) {
        struct budget_waiter *first = budget->waiters;
        more = first != last && first != NULL;
        if (first == NULL) break;
        budget_wait_cancel(budget, first);
        first->room(first);
    }
}
