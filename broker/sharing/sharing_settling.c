/* Walks over the partitions, until one has met nothing that is held. */
#include "broker/sharing/sharing_settling.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/share/shares.h"

enum { AGAIN_MS = 50, PAUSE_MS = 60 * 1000 /* longer than any stop */ };

struct sharing_settling {
    struct env *env;
    struct partition_set *partitions;
    struct partition_walk walk;
    struct env_timer *timer; /* of the next walk */
    struct sharing_settling_limits limits;
    uint64_t began_ms, fell_ms; /* when `least` became so little */
    uint64_t held;              /* records, as of this walk */
    uint64_t least;             /* of the walks before */
    void (*done)(void *arg);
    void *arg;
};

static void meet(struct partition_walk *walk, struct partition *partition) {
    struct sharing_settling *settling = CONTAINER_OF(walk, struct sharing_settling, walk);
    struct shares *shares = partition_shares(partition);
    if (!partition_is_leading(partition)) return;
    if (shares_count(shares) > 0) shares_pause(shares, PAUSE_MS);
    settling->held += shares_held(shares);
}

static void over(struct partition_walk *walk) {
    struct sharing_settling *settling = CONTAINER_OF(walk, struct sharing_settling, walk);
    uint64_t now_ms = env_now_ms(settling->env);
    if (settling->held < settling->least) {
        settling->least = settling->held;
        settling->fell_ms = now_ms;
    }
    if (settling->held == 0 || now_ms - settling->fell_ms >= settling->limits.quiet_ms ||
        now_ms - settling->began_ms >= settling->limits.most_ms)
        settling->done(settling->arg);
    else
        env_timer_start(settling->timer, AGAIN_MS * UINT64_C(1000));
}

static void walk_again(void *arg) {
    struct sharing_settling *settling = arg;
    settling->held = 0;
    partition_walk_begin(settling->partitions, &settling->walk);
}

struct sharing_settling *sharing_settling_new(struct env *env, struct partition_set *partitions,
                                              const struct sharing_settling_limits *limits,
                                              void (*done)(void *arg), void *arg) {
    struct sharing_settling *settling = mem_zalloc(sizeof *settling);
    *settling = (struct sharing_settling){.env = env,
                                          .partitions = partitions,
                                          .walk = {.meet = meet, .over = over},
                                          .limits = *limits,
                                          .began_ms = env_now_ms(env),
                                          .least = UINT64_MAX,
                                          .done = done,
                                          .arg = arg};
    settling->timer = env_timer_new(env, walk_again, settling);
    walk_again(settling);
    return settling;
}

void sharing_settling_free(struct sharing_settling *settling) {
    if (settling == NULL) return;
    partition_walk_end(&settling->walk);
    env_timer_free(settling->timer);
    mem_free(settling);
}
