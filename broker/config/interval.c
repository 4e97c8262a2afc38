/* A timer for each, and a list of them. */
#include "broker/config/interval.h"

#include <utlist.h>

#include "broker/config/broker_settings.h"

static void on_timer(void *arg) {
    struct interval *interval = arg;
    interval->waits = false;
    interval->over(interval);
}

void interval_open(struct interval *interval, struct env *env,
                   const struct broker_settings *settings,
                   uint64_t (*us)(const struct broker_settings *settings),
                   void (*over)(struct interval *interval)) {
    *interval = (struct interval){.us = us, .over = over, .env = env, .settings = settings};
    interval->timer = env_timer_new(env, on_timer, interval);
    if (settings->intervals != NULL) DL_APPEND(settings->intervals->first, interval);
}

void interval_close(struct interval *interval) {
    if (interval->timer == NULL) return;
    if (interval->settings->intervals != NULL)
        DL_DELETE(interval->settings->intervals->first, interval);
    env_timer_free(interval->timer);
    *interval = (struct interval){0};
}

/* That long from its beginning on, or now if that is past. */
static void arm(struct interval *interval) {
    uint64_t us = interval->us(interval->settings);
    env_timer_start_at(interval->timer,
                       us < UINT64_MAX - interval->began_us ? interval->began_us + us : UINT64_MAX);
}

void interval_begin(struct interval *interval) {
    interval->began_us = env_now_us(interval->env);
    interval->waits = true;
    arm(interval);
}

void interval_stop(struct interval *interval) {
    interval->waits = false;
    env_timer_stop(interval->timer);
}

void intervals_changed(struct intervals *intervals) {
    struct interval *interval;
    DL_FOREACH(intervals->first, interval) if (interval->waits) arm(interval);
}
