/* Who is parked, and who is told to leave: a list, the longest waiting first; told in a task of its own, a few a turn. */
#include "broker/server/parking.h"

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"

static bool is_wanted(const struct budget *budget) {
    return budget->waiters != NULL && budget_spent(budget);
}

static void relieve(struct env_task *task) {
    struct parking *parking = CONTAINER_OF(task, struct parking, relief);
    while (parking->oldest != NULL && (is_wanted(parking->requests) || is_wanted(parking->answers))) {
        struct parked *first = parking->oldest;
        parking_leave(parking, first);
        first->give_way(first);
        if (env_turn_is_long(parking->env)) {
            env_yield(parking->env, &parking->relief);
            return;
        }
    }
}

static void wanted(void *arg) {
    struct parking *parking = arg;
    if (parking->oldest != NULL) env_yield(parking->env, &parking->relief);
}

void parking_open(struct parking *parking, struct env *env, struct budget *requests, struct budget *answers) {
    *parking = (struct parking){.env = env, .requests = requests, .answers = answers, .relief.run = relieve};
    requests->wanted = answers->wanted = wanted;
    requests->wanted_arg = answers->wanted_arg = parking;
}

void parking_close(struct parking *parking) {
    CHECK(parking->oldest == NULL); /* all requests have ended */
    parking->requests->wanted = parking->answers->wanted = NULL;
    env_defer_cancel(parking->env, &parking->relief);
}

void parking_park(struct parking *parking, struct parked *parked) {
    CHECK(!parked->waiting); /* a handler parks when it begins to wait, once */
    parked->waiting = true;
    DL_APPEND(parking->oldest, parked);
    if (is_wanted(parking->requests) || is_wanted(parking->answers)) wanted(parking);
}

void parking_leave(struct parking *parking, struct parked *parked) {
    if (!parked->waiting) return;
    parked->waiting = false;
    DL_DELETE(parking->oldest, parked);
}
