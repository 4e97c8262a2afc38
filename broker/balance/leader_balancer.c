/*
 * The check that comes with the interval, as a small state machine, and the moves that follow it.
 *
 *   idle --- interval ---> looking (a slice a millisecond) ---> moving ---> idle
 *                             '--- nothing to move, or another broker leads the metadata ---> idle
 *
 * A plan that was full is followed by the next look at once.
 */
#include "broker/balance/leader_balancer.h"

#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/balance/leader_plan.h"
#include "broker/config/interval.h"

enum { SLICE = 2000, SLICE_US = 1000, MOVES_AT_ONCE = 8, MOVE_TIMEOUT_MS = 5000 };

/* A broker that was well at the last check. */
struct well {
    int32_t node;
    bool now, before;
};

struct move_slot {
    struct leader_balancer *balancer;
    struct leader_ask ask;
    bool busy;
};

struct leader_balancer {
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    const struct metadata *metadata;
    const struct metadata_group *group;
    const struct leader_table *leaders;
    const struct peers *peers;
    struct leader_asks *asks;
    struct interval check;
    struct env_timer *slice;
    struct well *wells;
    size_t well_count, well_room;

    /* Looking: the next partition; its topic may be gone by then. */
    struct leader_plan *balance;
    uint8_t topic[METADATA_UUID_SIZE];
    int32_t partition;

    /* Moving. */
    struct leader_move *moves;
    size_t move_count, move_next, moved, in_vain;
    struct move_slot slots[MOVES_AT_ONCE];
};

static uint64_t check_us(const struct broker_settings *settings) {
    return (uint64_t)settings->leader_check_interval_s * 1000 * 1000;
}

static void wait_for_check(struct leader_balancer *balancer) {
    interval_begin(&balancer->check);
}

/* ---- Who is well ---- */

static bool is_alive(const struct leader_balancer *balancer, const struct metadata_broker *broker) {
    if (broker->fenced) return false;
    return broker->node == balancer->settings->node_id ||
           peers_is_up(balancer->peers, broker->node);
}

static struct well *well_of(struct leader_balancer *balancer, int32_t node) {
    for (size_t i = 0; i < balancer->well_count; i++)
        if (balancer->wells[i].node == node) return &balancer->wells[i];
    balancer->wells = mem_grow(balancer->wells, balancer->well_count, &balancer->well_room,
                               sizeof *balancer->wells);
    balancer->wells[balancer->well_count] = (struct well){.node = node};
    return &balancer->wells[balancer->well_count++];
}

static void look_at_brokers(struct leader_balancer *balancer) {
    for (size_t i = 0; i < metadata_broker_count(balancer->metadata); i++) {
        const struct metadata_broker *broker = metadata_broker_at(balancer->metadata, i);
        struct well *well = well_of(balancer, broker->node);
        well->before = well->now;
        well->now = is_alive(balancer, broker);
    }
}

static bool may_take(struct leader_balancer *balancer, int32_t node) {
    const struct well *well = well_of(balancer, node);
    return well->now && well->before;
}

/* ---- Moving ---- */

static void look_again(struct leader_balancer *balancer);
static void move_on(struct leader_balancer *balancer);

static void on_moved(struct leader_ask *ask, enum leader_ask_outcome outcome) {
    struct move_slot *slot = CONTAINER_OF(ask, struct move_slot, ask);
    struct leader_balancer *balancer = slot->balancer;
    slot->busy = false;
    if (outcome == ASK_DONE || outcome == ASK_NOT_NEEDED)
        balancer->moved++;
    else
        balancer->in_vain++;
    move_on(balancer);
}

static bool is_moving(const struct leader_balancer *balancer) {
    for (size_t i = 0; i < MOVES_AT_ONCE; i++)
        if (balancer->slots[i].busy) return true;
    return false;
}

static void end_moves(struct leader_balancer *balancer) {
    bool full = balancer->move_count == LEADER_MOVES_MAX && balancer->moved > 0;
    if (balancer->moved > 0)
        log_event(balancer->log, LOGGED_LEADS_MOVED_BACK,
                  "%zu partition%s led by the preferred broker again", balancer->moved,
                  balancer->moved == 1 ? " is" : "s are");
    if (balancer->in_vain > 0)
        log_debug(balancer->log,
                  "%zu leads could not be moved now; they are left to the next check",
                  balancer->in_vain);
    mem_free(balancer->moves);
    balancer->moves = NULL;
    if (full && metadata_group_is_leading(balancer->group))
        look_again(balancer);
    else
        wait_for_check(balancer);
}

/* The leader may have changed since the plan was made. */
static bool still_wanted(const struct leader_balancer *balancer, const struct leader_move *move) {
    return leader_table_get(balancer->leaders, move->group).node == move->from;
}

static void move_on(struct leader_balancer *balancer) {
    if (!metadata_group_is_leading(balancer->group)) balancer->move_next = balancer->move_count;
    for (size_t i = 0; i < MOVES_AT_ONCE; i++) {
        struct move_slot *slot = &balancer->slots[i];
        while (!slot->busy && balancer->move_next < balancer->move_count) {
            const struct leader_move *move = &balancer->moves[balancer->move_next++];
            if (!still_wanted(balancer, move)) continue;
            slot->busy = true;
            leader_ask_begin(balancer->asks, &slot->ask, move->group, move->to, MOVE_TIMEOUT_MS);
        }
    }
    if (!is_moving(balancer)) end_moves(balancer);
}

/* ---- Looking ---- */

static void add_partition(struct leader_balancer *balancer,
                          const struct metadata_partition *partition) {
    struct leader leader = leader_table_get(balancer->leaders, partition->group);
    struct leader_plan_partition row = {
        .group = partition->group, .preferred = partition->replicas[0].node, .leader = leader.node};
    for (size_t i = 0; i < leader.in_sync_count; i++)
        row.ready = row.ready ||
                    (leader.in_sync[i] == row.preferred && may_take(balancer, row.preferred));
    leader_plan_add(balancer->balance, &row);
}

/* False: the next slice goes on. */
static bool look_at_slice(struct leader_balancer *balancer) {
    const struct metadata_topic *topic = metadata_topic_with_id(balancer->metadata,
                                                                balancer->topic);
    for (size_t left = SLICE; topic != NULL; balancer->partition = 0) {
        while (balancer->partition < topic->partition_count && left-- > 0)
            add_partition(balancer, &topic->partitions[balancer->partition++]);
        if (balancer->partition < topic->partition_count) {
            memcpy(balancer->topic, topic->id, METADATA_UUID_SIZE);
            return false;
        }
        topic = metadata_next_topic(balancer->metadata, topic);
    }
    return true;
}

static void end_look(struct leader_balancer *balancer) {
    balancer->moves = mem_alloc(LEADER_MOVES_MAX * sizeof *balancer->moves);
    balancer->move_count = leader_plan_plan(
        balancer->balance, balancer->settings->leader_imbalance_percentage, balancer->moves);
    leader_plan_free(balancer->balance);
    balancer->balance = NULL;
    balancer->move_next = balancer->moved = balancer->in_vain = 0;
    if (balancer->move_count > 0) {
        move_on(balancer);
        return;
    }
    mem_free(balancer->moves);
    balancer->moves = NULL;
    wait_for_check(balancer);
}

static void look_on(struct leader_balancer *balancer) {
    if (!metadata_group_is_leading(balancer->group)) {
        leader_plan_free(balancer->balance);
        balancer->balance = NULL;
        wait_for_check(balancer);
    } else if (look_at_slice(balancer)) {
        end_look(balancer);
    } else {
        env_timer_start(balancer->slice, SLICE_US);
    }
}

static void look_again(struct leader_balancer *balancer) {
    const struct metadata_topic *first = metadata_next_topic(balancer->metadata, NULL);
    if (first == NULL) {
        wait_for_check(balancer);
        return;
    }
    memcpy(balancer->topic, first->id, METADATA_UUID_SIZE);
    balancer->partition = 0;
    balancer->balance = leader_plan_begin();
    env_timer_start(balancer->slice, SLICE_US);
}

static void on_slice(void *arg) {
    look_on(arg);
}

static void on_check(struct interval *interval) {
    struct leader_balancer *balancer = CONTAINER_OF(interval, struct leader_balancer, check);
    look_at_brokers(balancer);
    if (balancer->settings->leader_rebalance && metadata_group_is_leading(balancer->group))
        look_again(balancer);
    else
        wait_for_check(balancer);
}

/* ---- Life ---- */

struct leader_balancer *leader_balancer_new(struct env *env, struct log *log,
                                            const struct broker_settings *settings,
                                            const struct metadata *metadata,
                                            const struct metadata_group *group,
                                            const struct leader_table *leaders,
                                            const struct peers *peers, struct leader_asks *asks) {
    struct leader_balancer *balancer = mem_zalloc(sizeof *balancer);
    *balancer = (struct leader_balancer){.env = env,
                                         .log = log,
                                         .settings = settings,
                                         .metadata = metadata,
                                         .group = group,
                                         .leaders = leaders,
                                         .peers = peers,
                                         .asks = asks};
    for (size_t i = 0; i < MOVES_AT_ONCE; i++) {
        balancer->slots[i].balancer = balancer;
        balancer->slots[i].ask.done = on_moved;
    }
    balancer->slice = env_timer_new(env, on_slice, balancer);
    interval_open(&balancer->check, env, settings, check_us, on_check);
    wait_for_check(balancer);
    return balancer;
}

void leader_balancer_free(struct leader_balancer *balancer) {
    if (balancer == NULL) return;
    for (size_t i = 0; i < MOVES_AT_ONCE; i++)
        leader_ask_cancel(&balancer->slots[i].ask);
    leader_plan_free(balancer->balance);
    mem_free(balancer->moves);
    mem_free(balancer->wells);
    interval_close(&balancer->check);
    env_timer_free(balancer->slice);
    mem_free(balancer);
}
