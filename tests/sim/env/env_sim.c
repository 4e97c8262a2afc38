/*
 * The simulated process: turns of its loop, time, timers, deferred tasks, chance, its end.
 *
 * A turn is one event of the world. It hands over what has arrived, fires due timers, runs deferred
 * tasks, as base/env.h demands, and costs a little virtual time, so that what arrives meanwhile
 * waits for the next turn. Product code runs under a guard; env_fatal and a crash between two
 * effects leave it by longjmp, and nothing of that process ever runs again.
 */
#include "tests/sim/env/env_sim.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

/* 2026-01-01T00:00:00Z, where the wall clocks of all simulations begin. */
#define WALL_START_MS INT64_C(1767225600000)

bool env_is_dead(const struct env *env) {
    return env->dead;
}

/* A process that dies leaves its memory as it is, on purpose: leaks mean nothing here. Asked for by
 * the address sanitizer. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "detect_leaks=0";
}

/* ---- Guard and death ---- */

bool env_guard(struct env *env, void (*run)(void *arg), void *arg) {
    CHECK(!env->guarded);
    if (env->dead) return false;
    env->guarded = true;
    if (setjmp(env->leave) == 0) run(arg);
    env->guarded = false;
    return !env->dead;
}

_Noreturn void env_die(struct env *env, enum node_death how) {
    CHECK(env->guarded);
    env->dead = true;
    env->death = how;
    longjmp(env->leave, 1);
}

void env_effect(struct env *env) {
    env->node->effects++;
    if (env->die_in > 0 && --env->die_in == 0) env_die(env, env->die_how);
}

_Noreturn void env_fatal(struct env *env, const char *format, ...) {
    va_list args;

    va_start(args, format);
    vsnprintf(env->last_words, sizeof env->last_words, format, args);
    va_end(args);
    env_die(env, NODE_FATAL);
}

void env_log_line(struct env *env, const char *line) {
    world_trace(env->world, env->node->id, "log", "", strlen(line), 0,
                trace_content(line, strlen(line)));
    if (world_verbose(env->world)) printf("%12s n%-3d | %s\n", "", env->node->id, line);
    if (env->node->events != NULL && env->node->events->logged != NULL)
        env->node->events->logged(env->node->arg, env->node, line);
}

/* ---- Time and chance ---- */

uint64_t env_now_us(struct env *env) {
    return world_now_us(env->world) + env->clock_offset_us;
}

uint64_t env_now_ms(struct env *env) {
    return env_now_us(env) / 1000;
}

int64_t env_wall_ms(struct env *env) {
    return WALL_START_MS + (int64_t)(world_now_us(env->world) / 1000) + env->node->wall_offset_ms;
}

void env_random(struct env *env, void *into, size_t len) {
    world_fill(env->world, into, len);
}

uint64_t env_random_u64(struct env *env) {
    return world_random(env->world);
}

/* ---- Turns ---- */

void env_want_turn(struct env *env, uint64_t at_us) {
    if (at_us < env->busy_until_us) at_us = env->busy_until_us;
    if (at_us < env->paused_until_us) at_us = env->paused_until_us;
    if (env->turn.place == 0 || at_us < env->turn.at_us)
        world_schedule(env->world, &env->turn, at_us);
}

void env_deliver(struct env *env, struct delivery *delivery) {
    if (env->dead || delivery->next != NULL) return;
    delivery->prev = env->inbox.prev;
    delivery->next = &env->inbox;
    env->inbox.prev->next = delivery;
    env->inbox.prev = delivery;
    env_want_turn(env, world_now_us(env->world));
}

void env_undeliver(struct delivery *delivery) {
    if (delivery->next == NULL) return;
    delivery->prev->next = delivery->next;
    delivery->next->prev = delivery->prev;
    delivery->next = delivery->prev = NULL;
}

/* In which order what came during a pause is found is for the kernel to say. */
static struct delivery *next_delivery(struct env *env) {
    struct delivery *delivery = env->batch.next;

    if (!env->after_pause) return delivery;
    for (uint64_t steps = world_below(env->world, 8); steps > 0 && delivery->next != &env->batch;
         steps--)
        delivery = delivery->next;
    return delivery;
}

static void hand_over_deliveries(struct env *env) {
    if (env->inbox.next == &env->inbox) return;
    env->batch.next = env->inbox.next;
    env->batch.prev = env->inbox.prev;
    env->batch.next->prev = env->batch.prev->next = &env->batch;
    env->inbox.next = env->inbox.prev = &env->inbox;
    while (env->batch.next != &env->batch) {
        struct delivery *delivery = next_delivery(env);
        env_undeliver(delivery);
        env_effect(env);
        delivery->run(delivery);
    }
    env->after_pause = false;
}

static struct env_timer *earliest_timer(struct env *env, uint64_t started_until) {
    struct env_timer *best = NULL;

    for (struct env_timer *timer = env->timers.next; timer != &env->timers; timer = timer->next) {
        if (timer->sequence > started_until) continue;
        if (best == NULL || timer->at_us < best->at_us ||
            (timer->at_us == best->at_us && timer->sequence < best->sequence))
            best = timer;
    }
    return best;
}

static void fire_timers(struct env *env) {
    uint64_t started_until =
        env->timer_sequence; /* one that is started by another's callback waits for the next turn */
    struct env_timer *timer;

    while ((timer = earliest_timer(env, started_until)) != NULL &&
           timer->at_us <= world_now_us(env->world)) {
        env_timer_stop(timer);
        env_effect(env);
        timer->fire(timer->arg);
    }
}

static void run_tasks(struct env *env) {
    while (env->tasks != NULL) {
        struct env_task *task = env->tasks;
        env->tasks = task->next;
        task->queued = false;
        env_effect(env);
        task->run(task);
    }
}

static void run_yielded(struct env *env, struct yielded *yielded) {
    bool one = true;

    for (unsigned left = yielded->count;
         left > 0 && yielded->count > 0 && (one || !env_turn_is_long(env)); left--) {
        struct env_task *task = yielded->tasks;
        yielded->tasks = task->next;
        yielded->count--;
        task->queued = false;
        env_effect(env);
        task->run(task);
        one = false;
    }
}

static void run_turn(void *arg) {
    struct env *env = arg;

    env->turn_length = 0;
    hand_over_deliveries(env);
    fire_timers(env);
    run_tasks(env);
    run_yielded(env, &env->first);
    run_yielded(env, &env->later);
    run_tasks(env);
}

/* No time passes within a turn: a turn is long when so much was asked, which is little now and
 * then. */
bool env_turn_is_long(struct env *env) {
    if (env->turn_length == 0)
        env->turn_length = 1 + (unsigned)world_below(env->world,
                                                     world_chance(env->world, 200000) ? 3 : 200);
    if (env->turn_length > 1) env->turn_length--;
    return env->turn_length == 1;
}

const char *env_running(struct env *env, const char *what) {
    (void)env;
    (void)what;
    return NULL;
}

/* What comes behind every piece of product code on the loop: the cost in time, and the next turn;
 * or the end. */
static void after_turn(struct env *env, bool alive);

static void turn_event(struct event *event) {
    struct env *env = event->owner;

    if (env->paused_until_us > world_now_us(env->world)) {
        env_want_turn(env, env->paused_until_us);
        return;
    }
    after_turn(env, env_guard(env, run_turn, env));
}

static void after_turn(struct env *env, bool alive) {
    const struct node_faults *faults = &env->node->faults;

    if (!alive) {
        env_ended(env);
        return;
    }
    uint64_t cost = 5 + world_below(env->world, 40) + env->blocked_us;
    if (faults->stall_ppm > 0 && world_chance(env->world, faults->stall_ppm))
        cost += world_below(env->world, faults->stall_us + 1);
    if (env->blocked_us > env->node->longest_turn_us) env->node->longest_turn_us = env->blocked_us;
    env->blocked_us = 0;
    env->busy_until_us = world_now_us(env->world) + cost;
    if (env->inbox.next != &env->inbox || env->tasks != NULL ||
        env->first.count + env->later.count > 0)
        env_want_turn(env, 0);
    struct env_timer *timer = earliest_timer(env, UINT64_MAX);
    if (timer != NULL) env_want_turn(env, timer->at_us);
}

/* ---- Timers and tasks ---- */

struct env_timer *env_timer_new(struct env *env, void (*fire)(void *arg), void *arg) {
    struct env_timer *timer = mem_zalloc(sizeof *timer);

    timer->env = env;
    timer->fire = fire;
    timer->arg = arg;
    return timer;
}

static void arm(struct env_timer *timer, uint64_t at_us) {
    struct env *env = timer->env;

    env_timer_stop(timer);
    timer->armed = true;
    timer->at_us = at_us;
    timer->sequence = ++env->timer_sequence;
    timer->prev = env->timers.prev;
    timer->next = &env->timers;
    env->timers.prev->next = timer;
    env->timers.prev = timer;
    env_want_turn(env, at_us);
}

void env_timer_start(struct env_timer *timer, uint64_t delay_us) {
    uint64_t now = world_now_us(timer->env->world);

    arm(timer, delay_us > UINT64_MAX - now ? UINT64_MAX : now + delay_us);
}

void env_timer_start_at(struct env_timer *timer, uint64_t at_us) {
    uint64_t offset = timer->env->clock_offset_us;

    arm(timer, at_us < offset ? 0 : at_us - offset);
}

void env_timer_stop(struct env_timer *timer) {
    if (!timer->armed) return;
    timer->armed = false;
    timer->prev->next = timer->next;
    timer->next->prev = timer->prev;
}

void env_timer_free(struct env_timer *timer) {
    if (timer == NULL) return;
    env_timer_stop(timer);
    mem_free(timer);
}

static void append(struct env_task **first, struct env_task **last, struct env_task *task) {
    task->queued = true;
    task->next = NULL;
    if (*first == NULL)
        *first = task;
    else
        (*last)->next = task;
    *last = task;
}

void env_defer(struct env *env, struct env_task *task) {
    if (task->queued) return;
    task->yielded = false;
    append(&env->tasks, &env->last_task, task);
}

static struct yielded *yielded_with(struct env *env, const struct env_task *task) {
    return task->goes_first ? &env->first : &env->later;
}

static void sim_yield(struct env *env, struct env_task *task, bool goes_first) {
    if (task->queued) return;
    task->yielded = true;
    task->goes_first = goes_first;
    struct yielded *yielded = yielded_with(env, task);
    append(&yielded->tasks, &yielded->last, task);
    yielded->count++;
}

void env_yield(struct env *env, struct env_task *task) {
    sim_yield(env, task, false);
}

void env_yield_first(struct env *env, struct env_task *task) {
    sim_yield(env, task, true);
}

static void take_out(struct env_task **first, struct env_task **last, struct env_task *task) {
    struct env_task *before = NULL;

    for (struct env_task *at = *first; at != task; at = at->next)
        before = at;
    if (before == NULL)
        *first = task->next;
    else
        before->next = task->next;
    if (*last == task) *last = before;
    task->queued = false;
}

void env_defer_cancel(struct env *env, struct env_task *task) {
    if (!task->queued) return;
    if (task->yielded) {
        struct yielded *yielded = yielded_with(env, task);
        take_out(&yielded->tasks, &yielded->last, task);
        yielded->count--;
    } else {
        take_out(&env->tasks, &env->last_task, task);
    }
}

/* ---- The machine ---- */

struct node *node_new(struct world *world, int id, uint64_t disk_bytes,
                      const struct node_events *events, void *arg) {
    struct node *node = mem_zalloc(sizeof *node);

    CHECK(id > 0 && id < NODE_MAX);
    node->world = world;
    node->id = id;
    node->disk = disk_new(world, id, disk_bytes == 0 ? UINT64_MAX / 2 : disk_bytes);
    node->events = events;
    node->arg = arg;
    node->faults.disk_typical_us = 300;
    return node;
}

struct node *node_new_over(struct world *world, int id, struct disk *disk) {
    struct node *node = node_new(world, id, 0, NULL, NULL);

    disk_free(node->disk);
    node->disk = disk;
    return node;
}

void node_free(struct node *node) {
    CHECK(node->env == NULL);
    disk_free(node->disk);
    mem_free(node);
}

static const char *const death_names[] = {"exited", "fatal", "killed", "power cut"};

void env_ended(struct env *env) {
    struct node *node = env->node;
    enum node_death how = env->death;

    env->dead = true;
    world_unschedule(env->world, &env->turn);
    node->env = NULL;
    node->faults.disk_stalled_until_us = 0;
    env_jobs_end(env, how);
    if (how == NODE_POWER_CUT)
        disk_power_cut(node->disk);
    else
        disk_process_died(node->disk);
    node->dark = how == NODE_POWER_CUT;
    if (world_network(node->world) != NULL)
        network_process_died(world_network(node->world), env, node->dark);
    world_trace(node->world, node->id, "end", death_names[how], 0, 0, 0);
    if (world_verbose(node->world) && env->last_words[0] != '\0')
        printf("%12s n%-3d | fatal: %s\n", "", node->id, env->last_words);
    if (node->events != NULL && node->events->died != NULL)
        node->events->died(node->arg, node, how, env->last_words);
}

static struct env *process_new(struct node *node) {
    struct env *env = mem_zalloc(sizeof *env);

    env->world = node->world;
    env->node = node;
    env->turn.owner = env;
    env->turn.run = turn_event;
    env->inbox.next = env->inbox.prev = &env->inbox;
    env->batch.next = env->batch.prev = &env->batch;
    env->timers.next = env->timers.prev = &env->timers;
    env->die_in = node->die_in;
    env->die_how = node->die_how;
    node->die_in = 0;
    env->clock_offset_us = 1 + world_below(node->world, UINT64_C(1000000000000));
    return env;
}

struct main_call {
    struct env *env;
    void (*main)(struct env *env, void *arg);
    void *arg;
};

static void run_main(void *arg) {
    struct main_call *call = arg;

    call->main(call->env, call->arg);
    run_tasks(call->env);
}

void node_start(struct node *node, void (*main)(struct env *env, void *arg), void *arg) {
    CHECK(node->env == NULL && !node->dark);
    struct env *env = node->env = process_new(node);
    struct main_call call = {env, main, arg};

    world_trace(node->world, node->id, "start", "", 0, 0, 0);
    after_turn(env, env_guard(env, run_main, &call));
}

bool node_call(struct node *node, void (*call)(struct env *env, void *arg), void *arg) {
    struct env *env = node->env;

    if (env == NULL) return false;
    struct main_call packed = {env, call, arg};
    bool alive = env_guard(env, run_main, &packed);
    after_turn(env, alive);
    return alive;
}

static void end_from_outside(struct node *node, enum node_death how) {
    struct env *env = node->env;

    if (env == NULL) return;
    CHECK(!env->guarded);
    env->dead = true;
    env->death = how;
    env_ended(env);
}

void node_exit(struct node *node) {
    end_from_outside(node, NODE_EXITED);
}

void node_kill(struct node *node) {
    end_from_outside(node, NODE_KILLED);
}

void node_power_cut(struct node *node) {
    if (node->env != NULL) {
        end_from_outside(node, NODE_POWER_CUT);
    } else if (!node->dark) { /* the process had ended before: its page cache goes now */
        disk_power_cut(node->disk);
        node->dark = true;
        world_trace(node->world, node->id, "dark", "", 0, 0, 0);
    }
}

void node_power_on(struct node *node) {
    if (!node->dark) return;
    node->dark = false;
    world_trace(node->world, node->id, "power on", "", 0, 0, 0);
    if (world_network(node->world) != NULL) network_power_on(world_network(node->world), node->id);
}

void node_die_after(struct node *node, uint64_t effects, enum node_death how) {
    CHECK(effects > 0 && (how == NODE_KILLED || how == NODE_POWER_CUT));
    if (node->env == NULL) {
        node->die_in = effects;
        node->die_how = how;
        return;
    }
    node->env->die_in = effects;
    node->env->die_how = how;
}

void node_die_never(struct node *node) {
    node->die_in = 0;
    if (node->env != NULL) node->env->die_in = 0;
}

void node_pause(struct node *node, uint64_t for_us) {
    if (node->env == NULL) return;
    world_trace(node->world, node->id, "pause", "", for_us, 0, 0);
    node->env->after_pause = for_us > 0;
    node->env->paused_until_us = for_us == 0 ? 0 : world_now_us(node->world) + for_us;
    if (for_us > 0) return;
    env_want_turn(node->env, 0);
    env_jobs_go_on(node->env);
}

void node_jump_wall_clock(struct node *node, int64_t by_ms) {
    node->wall_offset_ms += by_ms;
    world_trace(node->world, node->id, "clock", "", (uint64_t)by_ms, 0, 0);
}

int64_t node_wall_offset_ms(const struct node *node) {
    return node->wall_offset_ms;
}

uint64_t node_failed_name_calls(const struct node *node, enum name_call call) {
    return node->failed_name_calls[call];
}

struct node_faults *node_faults(struct node *node) {
    return &node->faults;
}

int node_id(const struct node *node) {
    return node->id;
}

struct world *node_world(const struct node *node) {
    return node->world;
}

struct disk *node_disk(const struct node *node) {
    return node->disk;
}

bool node_is_running(const struct node *node) {
    return node->env != NULL;
}

bool node_is_dark(const struct node *node) {
    return node->dark;
}

struct env *node_env(const struct node *node) {
    return node->env;
}

uint64_t node_effects(const struct node *node) {
    return node->effects;
}

uint64_t node_survived_syncs(const struct node *node) {
    return node->survived_syncs;
}

uint64_t node_longest_turn_us(struct node *node) {
    uint64_t longest_us = node->longest_turn_us;

    node->longest_turn_us = 0;
    return longest_us;
}

uint64_t node_full_writes(const struct node *node) {
    return node->full_writes;
}

uint64_t node_failed_syncs(const struct node *node) {
    return node->failed_syncs;
}
