/* Who is parked, and who is told to leave: a list, the longest waiting first; told in a task of its
 * own, a few a turn. */
#include "broker/memory/parking.h"

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"

static bool memory_is_wanted(const struct parking *parking) {
    for (size_t i = 0; i < parking->budget_count; i++) {
        if (parking->budgets[i]->waiters != NULL && budget_spent(parking->budgets[i])) return true;
    }
    return false;
}

static void relieve(struct env_task *task) {
    struct parking *parking = CONTAINER_OF(task, struct parking, relief);
    while (parking->oldest != NULL && memory_is_wanted(parking)) {
        struct parked *first = parking->oldest;
        bool others = parking->before != NULL && parking->before->oldest != NULL;
        if (!others) {
            parking_leave(parking, first);
            first->give_way(first);
        }
        if (others || env_turn_is_long(parking->env)) {
            env_yield(parking->env, &parking->relief);
            return;
        }
    }
}

void parking_wanted(struct parking *parking) {
    if (parking->oldest != NULL) env_yield(parking->env, &parking->relief);
}

void parking_open(struct parking *parking, struct env *env, struct parking *before) {
    *parking = (struct parking){.env = env, .before = before, .relief.run = relieve};
}

void parking_for(struct parking *parking, const struct budget *budget) {
    CHECK(parking->budget_count < PARKING_BUDGETS);
    parking->budgets[parking->budget_count++] = budget;
}

void parking_close(struct parking *parking) {
    CHECK(parking->oldest == NULL); /* all requests have ended */
    env_defer_cancel(parking->env, &parking->relief);
}

void parking_park(struct parking *parking, struct parked *parked) {
    CHECK(!parked->waiting); /* a handler parks when it begins to wait, once */
    parked->waiting = true;
    DL_APPEND(parking->oldest, parked);
    parking->count++;
    if (memory_is_wanted(parking)) parking_wanted(parking);
}

void parking_leave(struct parking *parking, struct parked *parked) {
    if (!parked->waiting) return;
    parked->waiting = false;
    DL_DELETE(parking->oldest, parked);
    parking->count--;
}
