/* The walk, its timer, and the disk that is short of room. */
#include "broker/retention/retention.h"

#include "base/container_of.h"
#include "base/mem.h"

enum { PRESSED_MS = 10 * 1000 };

struct retention {
    struct env *env;
    const struct broker_settings *settings;
    struct log_store *store;
    struct partition_set *partitions;
    struct env_timer *timer;
    struct partition_walk walk;
    bool again; /* another walk follows the one under way */
    struct log_store_room_listener room;
};

static bool is_pressed(const struct retention *retention) {
    return disk_space_is_short(log_store_room(retention->store), DISK_ROOM_LEADER);
}

static void wait_on(struct retention *retention) {
    uint64_t ms = retention->settings->retention_check_interval_ms;
    if (is_pressed(retention) && ms > PRESSED_MS) ms = PRESSED_MS;
    env_timer_start(retention->timer, ms * 1000);
}

static void meet(struct partition_walk *walk, struct partition *partition) {
    (void)walk;
    partition_retain(partition);
}

static void walk_begin(void *arg);

static void on_over(struct partition_walk *walk) {
    struct retention *retention = CONTAINER_OF(walk, struct retention, walk);
    if (retention->again)
        walk_begin(retention);
    else
        wait_on(retention);
}

static void walk_begin(void *arg) {
    struct retention *retention = arg;
    if (partition_walk_is_on(&retention->walk)) return;
    retention->again = false;
    env_timer_stop(retention->timer);
    partition_walk_begin(retention->partitions, &retention->walk);
}

void retention_look(struct retention *retention) {
    if (partition_walk_is_on(&retention->walk)) /* it may have been passed already */
        retention->again = true;
    else
        walk_begin(retention);
}

static void on_room(struct log_store_room_listener *listener) {
    struct retention *retention = CONTAINER_OF(listener, struct retention, room);
    if (is_pressed(retention)) walk_begin(retention);
}

struct retention *retention_new(struct env *env, const struct broker_settings *settings,
                                struct log_store *store, struct partition_set *partitions) {
    struct retention *retention = mem_zalloc(sizeof *retention);
    retention->env = env;
    retention->settings = settings;
    retention->store = store;
    retention->partitions = partitions;
    retention->walk.meet = meet;
    retention->walk.over = on_over;
    retention->timer = env_timer_new(env, walk_begin, retention);
    retention->room.changed = on_room;
    log_store_on_room(store, &retention->room);
    wait_on(retention);
    return retention;
}

void retention_free(struct retention *retention) {
    if (retention == NULL) return;
    log_store_off_room(retention->store, &retention->room);
    partition_walk_end(&retention->walk);
    env_timer_free(retention->timer);
    mem_free(retention);
}
