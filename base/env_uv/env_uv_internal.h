/*
 * What the files of the libuv environment share: the loop and its counts. Nobody else includes
 * this.
 *
 * From the ground to the top:
 *
 *   env_uv_ground.c   counts of the leak check, codes, clock, the log's descriptor; base/log.c
 *                     stands on these
 *   env_uv_process.c  what a process has once: its end, entropy, signals
 *   env_uv_turn.c     how long a turn is
 *   env_uv_time.c     timers, deferred tasks
 *   env_uv_jobs.c     lanes and pool
 *   env_uv_file.c     open files, locks; env_uv_file_bulk.c: those written in bulk; env_uv_dir.c:
 *                     names, folders
 *   env_uv_hangup.c   whose other side is gone
 *   env_uv_stream.c   reading and writing; env_uv_listen.c: listening; env_uv_connect.c: names and
 *                     connecting
 *   env_uv_thread.c   loops on other threads, and waking a loop from another thread
 *   env_uv.c          made, run, ended; the order of a turn
 */
#ifndef BASE_ENV_UV_ENV_UV_INTERNAL_H
#define BASE_ENV_UV_ENV_UV_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>
#include <uv.h>

#include "base/env_uv/env_uv.h"
#include "base/log.h"
#include "base/timer_heap.h"

struct env_report; /* a write that is over and waits to be reported */

/* A socket whose end is told while nobody reads. `broken`: both directions are over (a reset), else
 * the other side sends no more. */
struct env_hangup {
    void (*happened)(struct env_hangup *hangup, bool broken);
};

/* A turn is long after so much, by a clock with that grain (libuv's, which says when the poll
 * ended). What had yielded has time of its own, each of the two kinds: else it would starve where
 * events and deferred tasks alone make each turn long. */
enum { TURN_LONG_US = 2000, TURN_GRAIN_US = 1000, YIELDED_US = 1000 };

struct turn_watch {
    uint64_t warn_us;      /* 0: nobody measures */
    uint64_t processor_us; /* of this thread at the end of the last turn */
    uint64_t long_at_us;   /* from then on this turn is long; 0: nobody has asked yet */
    const char *running;   /* since since_ns */
    uint64_t since_ns;
    const char *stretch; /* what ran without a break for longest in this turn: stretch_ns */
    uint64_t stretch_ns;
    struct buckets turns;
    const char *worst; /* the same of the longest turn so far */
    uint64_t worst_us;
    struct log_limiter limiter;
};

/* Tasks that yielded. */
struct yielded {
    struct env_task *tasks;
    unsigned count;
};

struct env {
    uv_loop_t loop;
    uv_check_t turn_end; /* steps 2 and 3 of a turn, behind the poll */
    uv_idle_t spin; /* active: the next poll does not block, because something waits for the end of
                       a turn */
    int log_fd;
    struct log log; /* for what the environment itself has to say */

    /* Time. The deadlines of the heap are rounded up to milliseconds, libuv's own grain. */
    struct timer_heap timers;
    uv_timer_t wake;      /* ends the poll when the first timer is due; never fires one itself */
    uint64_t wake_at_ms;  /* while it is active */
    uint64_t earliest_ms; /* while timers fire: what is started now is not due before this */
    struct env_task *tasks;
    bool in_tasks;               /* tasks run: what is deferred now runs in the same turn */
    struct yielded first, later; /* by env_yield_first, by env_yield */
    struct turn_watch watch;

    /* Writes that were accepted whole by the kernel, in order. */
    struct env_report *reports, **reports_end;

    /* Streams that are not read before a later turn, the longest waiting first. */
    TAILQ_HEAD(held_streams, env_stream) held;

    /* Jobs of lanes that are done, from their threads to the loop. */
    pthread_mutex_t finished_lock;
    struct env_job *finished, **finished_end; /* under finished_lock */
    uv_async_t finished_wake;
    unsigned lane_jobs; /* given to lanes, not yet reported */

    /* The epoll of env_uv_hangup.c, and libuv's watch over it. */
    int hangups_fd;
    uv_poll_t hangups;

    struct env_signal *signals;
    struct log_limiter accept_limiter;

    /* For the leak check. `owned` is what callers must still give back (files are opened on other
     * threads, too); `ending` is what was given back and waits for libuv. */
    atomic_uint owned;
    unsigned ending;
};

/* ---- env_uv_ground.c ---- */

/* One more, one less thing that a caller must give back. Any thread. */
void env_uv_own(struct env *env);
void env_uv_disown(struct env *env);

/* The code for a status of libuv (a negative errno). */
int env_uv_error(int status);

/* ---- The others ---- */

/* env_uv_process.c */
void env_uv_signals_close(struct env *env); /* `ending` counts them */

/* env_uv_time.c: called by the loop. */
void env_uv_time_init(struct env *env);
void env_uv_time_close(struct env *env);
void env_uv_time_fire(struct env *env);      /* step 2 */
void env_uv_time_run_tasks(struct env *env); /* step 3 */
void env_uv_time_run_later(struct env *env); /* step 3, those that yielded */
bool env_uv_time_has_yielded(const struct env *env);
void env_uv_time_arm(struct env *env); /* sets `wake` for the first timer */
/* The next poll does not block. */
void env_uv_spin(struct env *env);

/* env_uv_turn.c: it is not long before so much has passed from here on. */
void env_uv_turn_has_more(struct env *env, uint64_t us);
/* Measures it, and says so if it was too long. */
void env_uv_turn_ended(struct env *env);

/* env_uv_jobs.c */
int env_uv_jobs_init(struct env *env);
void env_uv_jobs_close(struct env *env);

/* env_uv_hangup.c. What is watched must not go before its descriptor is closed. */
int env_uv_hangups_init(struct env *env);
void env_uv_hangups_close(struct env *env);
void env_uv_hangup_watch(struct env *env, int fd, struct env_hangup *hangup);

/* env_uv_listen.c: the host to look up: 127.0.0.1 for localhost, which needs no resolver (RFC 6761)
 * and no /etc/hosts. */
const char *env_uv_host(const char *host);

/* env_uv_stream.c: reports the writes that were over when the call began; true if there were any.
 */
bool env_uv_report_writes(struct env *env);
/* Begins to read some of those again that were held when a turn was long. True: there are more. */
bool env_uv_streams_resume(struct env *env);
/* A stream around a socket that is not connected yet. */
struct env_stream *env_uv_stream_new(struct env *env);
uv_tcp_t *env_uv_stream_tcp(struct env_stream *stream);
/* Connected: sets what every connection has and learns the peer's name. From here it counts as
 * owned. */
void env_uv_stream_opened(struct env_stream *stream);
/* Closes one that was never opened. */
void env_uv_stream_drop(struct env_stream *stream);

/* env_uv_file.c: an open file around a descriptor. */
struct env_file *env_uv_file_new(struct env *env, int fd, bool direct, bool drop_cache);
int env_uv_file_fd(const struct env_file *file);
/* env_uv_dir.c: of a call that makes a name there: `error`, or ERR_NO_INODES where ERR_NO_SPACE
 * means that. */
int env_uv_made(const char *path, int error);

#endif
