/*
 * A collection: what has changed of partitions, topics, groups, so many in a step, a step in a
 * turn. What is made or deleted meanwhile is in it, or is not.
 */
#include "broker/observe/observer.h"

#include <string.h>

#include <utlist.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/observe/observer_internal.h"

enum { TOPICS_OF_A_STEP = 256 };

/* ---- Topics ---- */

static struct partition_flow difference(const struct partition_flow *now,
                                        const struct partition_flow *before) {
    return (struct partition_flow){now->produced_records - before->produced_records,
                                   now->produced_bytes - before->produced_bytes,
                                   now->fetched_records - before->fetched_records,
                                   now->fetched_bytes - before->fetched_bytes};
}

static void show_topic(struct observer *observer, struct tally_topic *topic) {
    struct topic_sum sum = {.led = topic->led,
                            .records = topic->records,
                            .stored_bytes = topic->stored,
                            .flow = topic->flow,
                            .fresh = difference(&topic->flow, &topic->told)};
    topic->told = topic->flow;
    bool flowed = topic->flow.produced_bytes > 0 || topic->flow.fetched_bytes > 0;
    if (topic->here || flowed)
        topic_sums_add(&observer->sums, observer->snapshot, topic->name, &sum);
}

/* False: all were looked at. */
static bool look(struct observer *observer) {
    struct tally *tally = observer->observed->tally;
    struct tally_topic *topic = NULL;
    if (tally == NULL) return false;
    observer->looked = observer->looked || !tally_step(tally);
    if (!observer->looked) return true;
    for (int n = 0; n < TOPICS_OF_A_STEP && (topic = tally_next_topic(tally)) != NULL; n++)
        show_topic(observer, topic);
    return topic != NULL;
}

/* ---- A collection ---- */

/* Who asks inside is told later; so are those for whom there is no time in this turn. */
static void tell_due(struct observer *observer) {
    struct env *env = observer->observed->env;
    struct snapshot *snapshot = snapshot_ref(observer->recent);
    while (observer->wishes != NULL && observer->wishes->round < observer->due) {
        struct observer_wish *wish = observer->wishes;
        observer_ask_cancel(wish);
        wish->done(wish, snapshot);
        if (!env_turn_is_long(env)) continue;
        env_yield(env, &observer->tell);
        break;
    }
    snapshot_unref(snapshot);
}

/* All who have asked by now. */
static void tell_all(struct observer *observer) {
    observer->due = ++observer->round;
    tell_due(observer);
}

static void forget(struct observer *observer) {
    observe_groups_end(observer);
    observe_lag_end(observer);
    topic_sums_close(&observer->sums);
    observer->snapshot = NULL;
}

static void finish(struct observer *observer) {
    struct snapshot *snapshot = observer->snapshot;
    observe_counts(observer);
    observe_groups_show(observer);
    observe_lag_show(observer);
    observe_shares_show(observer);
    topic_sums_show(&observer->sums, snapshot, &observer->other);
    observe_health(observer);
    snapshot_add(snapshot, METRIC_BUILD_SECONDS, (double)observer->took_us / 1e6);
    snapshot->taken_us = env_now_us(observer->observed->env);
    if (observer->turns != NULL)
        snapshot_add_histogram(snapshot, METRIC_LOOP_TURN, observer->turns, 0);
    forget(observer);
    snapshot_unref(observer->recent);
    observer->recent = snapshot;
    tell_all(observer);
}

static void step(struct env_task *task) {
    struct observer *observer = CONTAINER_OF(task, struct observer, step);
    struct env *env = observer->observed->env;
    uint64_t began_us = env_now_us(env);
    bool more = look(observer) || observe_groups_step(observer) || observe_lag_step(observer) ||
                observe_shares_step(observer);
    observer->took_us += env_now_us(env) - began_us;
    if (more)
        env_yield(env, &observer->step);
    else
        finish(observer);
}

static void collect(struct observer *observer) {
    struct env *env = observer->observed->env;
    uint64_t began_us = env_now_us(env);
    observer->snapshot = snapshot_new();
    observer->looked = false;
    topic_sums_open(&observer->sums, observer->observed->settings->metrics_topics);
    if (observer->observed->tally != NULL) tally_begin(observer->observed->tally);
    observe_numbers(observer);
    observe_groups_begin(observer);
    observe_lag_begin(observer);
    observe_shares_begin(observer);
    observer->took_us = env_now_us(env) - began_us;
    env_yield(env, &observer->step);
}

/* ---- Who asks ---- */

static bool is_fresh(const struct observer *observer) {
    return observer->recent != NULL &&
           env_now_us(observer->observed->env) - observer->recent->taken_us <
               OBSERVER_FRESH_MS * UINT64_C(1000);
}

/* Who has asked since a collection began waits for what comes of it. */
static void tell(struct env_task *task) {
    struct observer *observer = CONTAINER_OF(task, struct observer, tell);
    if (observer->snapshot == NULL)
        tell_all(observer);
    else
        tell_due(observer);
}

void observer_ask(struct observer *observer, struct observer_wish *wish) {
    wish->observer = observer;
    wish->round = observer->round;
    DL_APPEND(observer->wishes, wish);
    if (observer->snapshot != NULL) return;
    if (is_fresh(observer))
        env_defer(observer->observed->env, &observer->tell);
    else
        collect(observer);
}

void observer_ask_cancel(struct observer_wish *wish) {
    if (wish->observer == NULL) return;
    DL_DELETE(wish->observer->wishes, wish);
    wish->observer = NULL;
}

bool observer_look_at_partitions(struct observer *observer, const char *glob,
                                 void (*done)(void *arg, struct snapshot *snapshot), void *arg) {
    return partition_look_begin(&observer->partitions, observer->observed, glob, done, arg);
}

/* ---- Life ---- */

struct observer *observer_new(const struct observed *observed) {
    struct observer *observer = mem_zalloc(sizeof *observer);
    observer->observed = observed;
    observer->step.run = step;
    observer->tell.run = tell;
    observer->started_us = env_now_us(observed->env);
    return observer;
}

void observer_free(struct observer *observer) {
    if (observer == NULL) return;
    while (observer->wishes != NULL)
        observer_ask_cancel(observer->wishes);
    env_defer_cancel(observer->observed->env, &observer->step);
    env_defer_cancel(observer->observed->env, &observer->tell);
    if (observer->snapshot != NULL) {
        snapshot_unref(observer->snapshot);
        forget(observer);
    }
    partition_look_stop(&observer->partitions);
    snapshot_unref(observer->recent);
    mem_free(observer);
}

uint64_t observer_uptime_ms(const struct observer *observer) {
    return (env_now_us(observer->observed->env) - observer->started_us) / 1000;
}

void observer_show_turns(struct observer *observer, const struct buckets *turns) {
    observer->turns = turns;
}
