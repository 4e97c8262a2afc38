/*
 * What is done every so often, where how often is a setting that may change while the broker runs.
 *
 * Happy path: begin; when its time is over `over` comes, which begins it again if it is to go on.
 * When settings of brokers have changed (dynamic_settings_follow) those that wait do so for the new
 * time, counted from when they began. Failures: none. Invariants: nobody arms a
 * timer with a setting by himself (a lint rule): it would wait out the time of before, hours
 * perhaps; `over` comes from the loop, never inside a call.
 */
#ifndef BROKER_CONFIG_INTERVAL_H
#define BROKER_CONFIG_INTERVAL_H

#include "base/env.h"

struct broker_settings;

/* Those of one broker that are open; begins as NULL. */
struct interval;
struct intervals {
    struct interval *first;
};

struct interval {
    uint64_t (*us)(const struct broker_settings *settings); /* how long */
    void (*over)(struct interval *interval);
    struct env *env; /* ours, all below */
    const struct broker_settings *settings;
    struct env_timer *timer;
    uint64_t began_us;
    bool waits;
    struct interval *next, *prev;
};

/* `settings` stay as long as it. */
void interval_open(struct interval *interval, struct env *env,
                   const struct broker_settings *settings,
                   uint64_t (*us)(const struct broker_settings *settings),
                   void (*over)(struct interval *interval));
void interval_close(struct interval *interval); /* nothing if it is not open */
void interval_begin(struct interval *interval); /* anew, if it waits */
void interval_stop(struct interval *interval);

void intervals_changed(struct intervals *intervals);

#endif
