/* What the files of the simulated environment share; the product sees base/env.h, the tests node.h.
 * Nobody else includes it. */
#ifndef SIM_ENV_SIM_H
#define SIM_ENV_SIM_H

#include <setjmp.h>

#include "base/env.h"
#include "tests/sim/env/node.h"

/* Something that is handed to the product in step 1 of a turn. */
struct delivery {
    struct delivery *next, *prev; /* NULL: not queued */
    void (*run)(struct delivery *delivery);
};

struct env_timer {
    struct env *env;
    struct env_timer *next, *prev; /* armed ones */
    bool armed;
    uint64_t at_us;    /* on the world's clock */
    uint64_t sequence; /* of the start: those that were started first fire first */
    void (*fire)(void *arg);
    void *arg;
};

struct work;

/* Tasks that yielded. */
struct yielded {
    struct env_task *tasks, *last;
    unsigned count;
};

/* One process. */
struct env {
    struct world *world;
    struct node *node;
    bool dead;
    enum node_death death;
    char last_words[600];

    struct event turn;
    uint64_t busy_until_us, paused_until_us;
    bool after_pause;             /* until the first turn */
    uint64_t blocked_us;          /* what blocking calls cost in this turn */
    struct delivery inbox, batch; /* list heads */
    struct env_timer timers;      /* list head */
    uint64_t timer_sequence;
    struct env_task *tasks, *last_task;
    struct yielded first, later; /* by env_yield_first, by env_yield */
    unsigned turn_length;        /* questions until this turn is long; 0: not asked yet */
    struct work *work;           /* jobs that were given and have not reported */

    uint64_t clock_offset_us;
    int64_t wall_offset_ms;

    bool guarded; /* product code is running, and can be left by longjmp */
    jmp_buf leave;
    bool in_job;
    uint64_t die_in; /* effects left to live; 0: no end in sight */
    enum node_death die_how;
};

struct node {
    struct world *world;
    int id;
    struct disk *disk;
    struct env *env;
    bool dark;
    const struct node_events *events;
    void *arg;
    struct node_faults faults;
    int64_t wall_offset_ms;
    uint64_t longest_turn_us; /* since somebody asked */
    uint64_t effects, failed_syncs, full_writes, survived_syncs, failed_name_calls[NAME_CALLS];
    uint64_t die_in; /* for the next process */
    enum node_death die_how;
};

/* One effect is about to happen: the process may die before it. */
void env_effect(struct env *env);
/* Runs product code; false: the process died in it. */
bool env_guard(struct env *env, void (*run)(void *arg), void *arg);
/* In a guard: leaves it, dead. */
_Noreturn void env_die(struct env *env, enum node_death how);

/* After a guard that returned false: the process is over; tells everybody. */
void env_ended(struct env *env);

void env_deliver(struct env *env, struct delivery *delivery); /* nothing if it is queued already */
void env_undeliver(struct delivery *delivery);
void env_want_turn(struct env *env, uint64_t at_us);

/* env_sim_jobs.c: what was under way when the process died: each job may have happened in part. */
void env_jobs_end(struct env *env, enum node_death how);

/* A pause ended early. */
void env_jobs_go_on(struct env *env);

/* network.c: what the machine's kernel does with the connections of a process. */
void network_process_died(struct network *network, struct env *env, bool dark);
void network_power_on(struct network *network, int node);

#endif
