/* Those that are held are a ring, in the order in which they came: one whose wait is shorter than
 * that of one before it is closed with that. No wait is longer than a sample of quotas. */
#include "broker/arrival/coming.h"

#include "broker/access/access.h"

static void go_on(void *arg) {
    struct coming *coming = arg;
    coming->hasty = false;
    coming->changed(coming->owner);
}

static void close_first(struct coming *coming) {
    env_stream_close(coming->held[coming->first].stream);
    coming->first = (coming->first + 1) % COMING_HELD;
    coming->count--;
}

static void close_due(void *arg) {
    struct coming *coming = arg;
    uint64_t now_us = env_now_us(coming->env);
    while (coming->count > 0 && coming->held[coming->first].until_us <= now_us)
        close_first(coming);
    if (coming->count > 0)
        env_timer_start_at(coming->held_timer, coming->held[coming->first].until_us);
}

void coming_open(struct coming *coming, struct env *env, struct quotas *quotas,
                 void (*changed)(void *owner), void *owner) {
    coming->env = env;
    coming->quotas = quotas;
    coming->changed = changed;
    coming->owner = owner;
    coming->pace_timer = env_timer_new(env, go_on, coming);
    coming->held_timer = env_timer_new(env, close_due, coming);
}

void coming_stop(struct coming *coming) {
    env_timer_stop(coming->pace_timer);
    env_timer_stop(coming->held_timer);
    while (coming->count > 0)
        close_first(coming);
}

void coming_close(struct coming *coming) {
    env_timer_free(coming->pace_timer);
    env_timer_free(coming->held_timer);
}

void coming_set_rate(struct coming *coming, uint32_t rate) {
    coming->hasty = false;
    env_timer_stop(coming->pace_timer);
    coming->pace = rate == 0 ? (struct pace){0}
                             : (struct pace){.every_us = 1000 * 1000 / rate, .burst = rate};
}

/* The next one is for later, if this one was the last for the moment. */
void coming_count(struct coming *coming) {
    uint64_t now_us = env_now_us(coming->env);
    if (coming->pace.every_us == 0) return;
    pace_take(&coming->pace, now_us);
    if (coming->pace.next_us <= now_us) return;
    coming->hasty = true;
    coming->changed(coming->owner);
    env_timer_start_at(coming->pace_timer, pace_again_us(&coming->pace));
}

bool coming_holds(struct coming *coming, struct env_stream *stream, const char *peer) {
    uint32_t wait_ms = quotas_connect(coming->quotas, access_host(peer));
    if (wait_ms == 0) return false;
    if (coming->count == COMING_HELD) close_first(coming);
    coming->held[(coming->first + coming->count++) % COMING_HELD] = (struct held_stream){
        stream, env_now_us(coming->env) + (uint64_t)wait_ms * 1000};
    close_due(coming);
    return true;
}
