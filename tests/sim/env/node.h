/*
 * One simulated machine: a host name, a disk, and at most one process (struct env) at a time.
 *
 *        node_start             node_kill, node_exit, env_fatal             node_start
 *   off -----------> running ------------------------------------> ended ---------------> running
 *                       |                                                      node_power_on
 *                       +------------- node_power_cut --------------> dark -----------------> ended
 *
 * Happy path: node_start makes a process and runs its `main`, which starts the product and returns;
 * the loop then turns by events of the world. Failures: a process dies by env_fatal, by a kill
 * between any two effects, or with its machine; no callback of it ever comes again, its memory is
 * left as it is (one seed is one process of the operating system).
 * Invariants: the disk outlives the process; `died` is called once for each process, outside of any
 * callback of the product.
 */
#ifndef SIM_NODE_H
#define SIM_NODE_H

#include "tests/sim/env/disk.h"
#include "tests/sim/env/world.h"

enum node_death {
    NODE_EXITED,    /* ended in good order, by node_exit */
    NODE_FATAL,     /* env_fatal: the product gave up */
    NODE_KILLED,    /* SIGKILL: what was written is in the page cache */
    NODE_POWER_CUT, /* what was not synced may be lost; nobody answers until node_power_on */
};

struct node;

struct node_events {
    /* `sentence`: the last words of env_fatal, else "". */
    void (*died)(void *arg, struct node *node, enum node_death how, const char *sentence);
    /* One line of the product's log. */
    void (*logged)(void *arg, struct node *node, const char *line);
};

/* `id` from 1 up to NODE_MAX - 1, unique; the host is "n<id>" or "10.0.0.<id>". disk_bytes 0: as
 * large as is needed. */
enum { NODE_MAX = 32 };
struct node *node_new(struct world *world, int id, uint64_t disk_bytes,
                      const struct node_events *events, void *arg);
/* A machine with that disk, which it takes over. */
struct node *node_new_over(struct world *world, int id, struct disk *disk);
/* After its process ended; the processes' own memory is not freed. */
void node_free(struct node *node);

int node_id(const struct node *node);
struct world *node_world(const struct node *node);
struct disk *node_disk(const struct node *node);
bool node_is_running(const struct node *node);
bool node_is_dark(const struct node *node);
struct env *node_env(const struct node *node); /* the running process, else NULL */

/* Makes a process and runs `main` in its first turn. Must not be running nor dark. */
void node_start(struct node *node, void (*main)(struct env *env, void *arg), void *arg);
/* Runs `call` in the process as if a signal came: deferred tasks run behind it. False: it died in
 * it (or before). */
bool node_call(struct node *node, void (*call)(struct env *env, void *arg), void *arg);
/* The process ends in good order. Not from within its callbacks. */
void node_exit(struct node *node);
/* The same behind the callback in which the product says that it is done. */
void node_exit_soon(struct node *node);
void node_kill(struct node *node);
void node_power_cut(struct node *node);
void node_power_on(struct node *node);
/* Dies before the `effects`-th effect from now on (a file or stream call, a callback), by
 * NODE_KILLED or NODE_POWER_CUT. When nothing is running, the next process does. */
void node_die_after(struct node *node, uint64_t effects, enum node_death how);
/* Takes node_die_after back. */
void node_die_never(struct node *node);
/* SIGSTOP for that long: nothing runs, connections stay, the kernel goes on to receive. 0: it goes
 * on now. */
void node_pause(struct node *node, uint64_t for_us);
/* The wall clock jumps; the monotonic one does not. */
void node_jump_wall_clock(struct node *node, int64_t by_ms);
int64_t node_wall_offset_ms(const struct node *node); /* ahead of the world's */

/* What goes wrong with the disk of a node; all zero at first. */
struct node_faults {
    uint32_t read_error_ppm, write_error_ppm, sync_error_ppm; /* chance of each call */
    uint32_t sync_cut_ppm;   /* the power fails while a sync is under way */
    uint32_t cache_miss_ppm; /* env_file_read_cached asks the disk */
    /* Chance that a call about names or sizes (open, mkdir, rename, truncate, sync or list a
     * directory) fails, and nothing happened: no room, no more files, or the device. And: the n-th
     * such call from now on fails once; 0: none. */
    uint32_t name_error_ppm;
    uint64_t name_error_in;
    uint32_t stall_ppm; /* chance that a turn of the loop takes up to stall_us longer */
    uint64_t stall_us;
    uint64_t disk_typical_us;       /* latency of one job; 300 at first */
    uint64_t disk_stalled_until_us; /* jobs finish after that */
};
struct node_faults *node_faults(struct node *node);

/* Effects so far, over all processes. */
uint64_t node_effects(const struct node *node);
/* The most that blocking calls on the loop cost in one turn, since this was asked last. */
uint64_t node_longest_turn_us(struct node *node);
uint64_t node_failed_syncs(const struct node *node);
uint64_t node_full_writes(const struct node *node); /* that found the disk full */
/* Calls about names or sizes that failed by name_error_ppm or name_error_in; by what they would
 * have done. */
enum name_call {
    NAME_OPEN,
    NAME_CREATE,
    NAME_MKDIR,
    NAME_RENAME,
    NAME_TRUNCATE,
    NAME_SYNC_DIR,
    NAME_LIST,
    NAME_CALLS
};
uint64_t node_failed_name_calls(const struct node *node, enum name_call call);
/* Syncs that failed in a job whose `done` came back all the same: the product went on as if nothing
 * were wrong. */
uint64_t node_survived_syncs(const struct node *node);

#endif
