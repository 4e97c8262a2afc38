/*
 * The world of one simulation: one virtual clock, one queue of events, one source of chance, one
 * trace.
 *
 * Happy path: whoever wants something to happen schedules an event; world_step takes the earliest
 * (first scheduled first among equals), moves the clock to it and runs it. Everything random is
 * drawn here, from one seed, so that a seed is a run.
 * Failures: none of its own; a world without events stands still, and world_step says so.
 * Invariants: time never goes back; an event whose owner has died is never run; everything that
 * happens goes through world_trace, whose hash is equal for two runs of one seed.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;
struct env;

/* ---- Life ---- */

/* `verbose`: every event is printed on stdout as it happens. */
struct world *world_new(uint64_t seed, bool verbose);
/* For unit tests; a simulated cluster just ends its process. Scheduled events belong to their
 * owners. */
void world_free(struct world *world);
uint64_t world_now_us(const struct world *world);
bool world_verbose(const struct world *world);

/* ---- Chance ---- */

uint64_t world_random(struct world *world);
uint64_t world_below(struct world *world, uint64_t limit); /* [0, limit); limit > 0 */
uint64_t world_between(struct world *world, uint64_t low, uint64_t high); /* [low, high] */
bool world_chance(struct world *world, uint32_t per_million);
/* Nothing unlikely happens any more: the same work takes the same time and the same pieces,
 * whatever else has drawn before. */
void world_keep_calm(struct world *world);
/* A delay: mostly around `typical_us`, now and then ten or a hundred times that. */
uint64_t world_delay_us(struct world *world, uint64_t typical_us);
void world_fill(struct world *world, void *into, size_t len);

/* ---- Events ---- */

/* Belongs to who schedules it. `owner` dead: it is dropped instead of run. NULL: the world's own
 * (faults, network). */
struct event {
    uint64_t at_us;
    uint64_t sequence;
    size_t place; /* in the queue, 1-based; 0: not scheduled */
    struct env *owner;
    void (*run)(struct event *event);
};
/* Schedules, or moves if it is scheduled already. The past means now. */
void world_schedule(struct world *world, struct event *event, uint64_t at_us);
void world_unschedule(struct world *world,
                      struct event *event); /* nothing if it is not scheduled */
/* Runs the next event. False: there is none up to `until_us`; the clock then stands at `until_us`.
 */
bool world_step(struct world *world, uint64_t until_us);
void world_run_until(struct world *world, uint64_t until_us);
/* For env_sim.c: how the world learns whether an owner is dead. */
bool env_is_dead(const struct env *env);

/* ---- Trace ---- */

/* One thing that happened: on which node (0: none), what, to what, two numbers, and a hash of the
 * bytes concerned (0: none). */
void world_trace(struct world *world, int node, const char *kind, const char *subject,
                 uint64_t first, uint64_t second, uint64_t content);
uint64_t world_trace_hash(const struct world *world);
uint64_t world_trace_count(const struct world *world);
/* A hash of bytes for world_trace. */
uint64_t trace_content(const void *data, size_t len);

/* ---- What else belongs to a world; each is made by its own file ---- */

struct network;
void world_set_network(struct world *world, struct network *network);
struct network *world_network(const struct world *world);

#endif
