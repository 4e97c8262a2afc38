/*
 * The environment seam: the only way to time, timers, files, streams and randomness.
 *
 * Two implementations from the first commit: env_uv.c (libuv, real) and tests/sim/env/env_sim.h
 * (virtual clock, simulated disk and network, one seed). Everything above this header is
 * single-threaded code driven by callbacks. A program links exactly one of the two; there is no
 * table of functions to fill.
 *
 * One turn of the loop, in this order:
 *   1. bytes that arrived are delivered, finished jobs report, accepted and finished connections
 *      report
 *   2. timers that are due fire (after 1, so that a stall of the loop does not look like silence of
 *      the others)
 *   3. deferred tasks run, in the order in which they were deferred; tasks deferred by a task run
 *      in the same turn; then tasks that yielded, first those of env_yield_first, of each kind as
 *      many as fit
 * Callbacks never run inside the call that asked for them, except where a function says so.
 */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct env;

/* ---- Process ---- */

/* Ends this node at once, without any clean-up, with the sentence on the log. For errors after
 * which nothing that is in memory or in the page cache can be believed. The process exits with code
 * 1; the simulator ends the node. */
_Noreturn void env_fatal(struct env *env, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One line of the log, without newline. Use base/log.h. */
void env_log_line(struct env *env, const char *line);

/* ---- Time and entropy ---- */

uint64_t env_now_us(struct env *env); /* monotonic */
uint64_t env_now_ms(struct env *env); /* env_now_us / 1000 */
/* How long until that time of env_now_ms; 0: it is over. What is left of a deadline is never worked
 * out by hand: a difference of a deadline that has passed is nearly for ever. */
static inline uint32_t env_ms_until(struct env *env, uint64_t at_ms) {
    uint64_t now_ms = env_now_ms(env), left_ms = at_ms > now_ms ? at_ms - now_ms : 0;
    return left_ms < UINT32_MAX ? (uint32_t)left_ms : UINT32_MAX;
}
int64_t env_wall_ms(struct env *env); /* Unix time; may jump */
void env_random(struct env *env, void *into, size_t len);
uint64_t env_random_u64(struct env *env);

struct env_timer;
struct env_timer *env_timer_new(struct env *env, void (*fire)(void *arg), void *arg);
/* Fires once, never early. Starting again moves it. */
void env_timer_start(struct env_timer *timer, uint64_t delay_us);
/* The same, at a time of env_now_us. One that is over: this turn or the next. */
void env_timer_start_at(struct env_timer *timer, uint64_t at_us);
void env_timer_stop(struct env_timer *timer);
void env_timer_free(struct env_timer *timer); /* NULL does nothing */

/* Runs once at the end of the current turn (step 3). The caller keeps the memory until `run` was
 * called. */
struct env_task {
    void (*run)(struct env_task *task);
    struct env_task *next, *prev; /* the environment's, as what follows */
    bool queued, yielded, goes_first;
};
void env_defer(struct env *env, struct env_task *task); /* nothing if it is queued already */
/* Of env_yield and env_yield_first, too. */
void env_defer_cancel(struct env *env, struct env_task *task);

/* ---- Length of turns: what may be much is done in pieces, over several turns ---- */

/* Whether this turn has run for so long (about 2 ms) that whatever can wait for a later one does:
 * env_yield. */
bool env_turn_is_long(struct env *env);
/* Runs the task once in a later turn. First come, first served: at least one a turn, and further
 * ones until the turn is long. */
void env_yield(struct env *env, struct env_task *task); /* nothing if it is queued already */
/* The same, in a queue of its own that runs before the other, however much waits there. For what
 * keeps the brokers together (what they say to each other, who waits for the journal, links that
 * change), of which there is little at any time: never for work whose amount clients decide. */
void env_yield_first(struct env *env, struct env_task *task);
/* Names what runs from here on, for the measure of turns; returns the name before. The text stays.
 */
const char *env_running(struct env *env, const char *what);

/* ---- Jobs off the loop ---- */

/*
 * `work` runs on another thread: it may use the file calls below and pure computation, and touches
 * nothing that the loop touches until `done`, which runs on the loop. A lane is one thread with a
 * queue: its jobs run one after the other in the order given. The pool runs jobs in any order,
 * several at once.
 */
struct env_job {
    void (*work)(struct env_job *job);
    void (*done)(struct env_job *job);
    struct env_job *next;  /* the environment's */
    struct env_lane *lane; /* the environment's */
    void *env_private[2];  /* the environment's */
};
struct env_lane;
struct env_lane *env_lane_new(struct env *env, const char *name);
void env_lane_free(struct env_lane *lane); /* when its jobs are done; NULL does nothing */
void env_lane_run(struct env_lane *lane, struct env_job *job);
void env_pool_run(struct env *env, struct env_job *job);

/* ---- Files: these block, and may be called on the loop (start, rare) or in a job ----
 * What makes a file or a name says ERR_NO_INODES rather than ERR_NO_SPACE when it is files that the
 * disk has no room for. */

enum env_open_flags {
    ENV_READ = 1,
    ENV_WRITE = 2,
    ENV_CREATE = 4,    /* when missing */
    ENV_EXCLUSIVE = 8, /* with ENV_CREATE: ERR_EXISTS if it is there */
    ENV_DIRECT = 16, /* O_DIRECT where the file system has it, else a plain file whose page cache is
                        dropped behind */
};
struct env_file;
struct env_iov {
    const void *base;
    size_t len;
};

/* ERR_DIRECTORY, ERR_NO_FILE (at once: it waits for nobody at the other end): no file. */
int env_file_open(struct env *env, const char *path, int flags, struct env_file **file);
void env_file_close(struct env_file *file); /* NULL does nothing; no sync */
int env_file_size(struct env_file *file, uint64_t *size);
/* Whether ENV_DIRECT was asked for and is what it has: it goes past the page cache. */
bool env_file_is_direct(const struct env_file *file);
/* Reads until `len` or the end of the file: *got < len is the end. ENV_DIRECT: memory, offset and
 * len in 4096s. */
int env_file_read(struct env_file *file, void *into, size_t len, uint64_t offset, size_t *got);
/* The same, but only from memory: ERR_AGAIN when a disk would have to be asked. */
int env_file_read_cached(struct env_file *file, void *into, size_t len, uint64_t offset,
                         size_t *got);
/* All of it or an error. `sync`: the data is durable on return (as by env_file_sync). */
int env_file_write(struct env_file *file, const struct env_iov *iov, unsigned n, uint64_t offset,
                   bool sync);
/* The same, not durable, for much at once that nobody reads soon: goes around the page cache where
 * it can. */
int env_file_write_bulk(struct env_file *file, const struct env_iov *iov, unsigned n,
                        uint64_t offset);
/* Data, and the size needed to read it back (fdatasync). */
int env_file_sync(struct env_file *file);
int env_file_truncate(struct env_file *file, uint64_t size);

int env_mkdir(struct env *env, const char *path); /* one level; ERR_EXISTS */
/* Replaces; durable after env_sync_dir. */
int env_rename(struct env *env, const char *from, const char *to);
int env_unlink(struct env *env, const char *path);
int env_rmdir(struct env *env, const char *path);
int env_sync_dir(struct env *env, const char *path);
/* What the file system of `path` has left for this user, and how large it is; UINT64_MAX: it does
 * not count that. */
struct env_disk_room {
    uint64_t free_bytes, free_files, total_bytes;
};
int env_disk_free(struct env *env, const char *path, struct env_disk_room *room);
enum env_kind { ENV_NOTHING, ENV_FILE, ENV_DIRECTORY, ENV_OTHER };
int env_kind_of(struct env *env, const char *path, enum env_kind *kind);
/* Calls `each` for every name but "." and "..", in no order. */
int env_list_dir(struct env *env, const char *path, void (*each)(void *arg, const char *name),
                 void *arg);
/* An exclusive lock that ends with the process; the file holds the pid as text. ERR_BUSY:
 * *holder_pid says who. */
int env_lock_file(struct env *env, const char *path, struct env_file **lock, int *holder_pid);

/* ---- Streams (TCP) ---- */

struct env_listener;
struct env_stream;
struct env_connect;

/* Listens on host (an address, "localhost" or a name; "0.0.0.0", "::") and port (0: the system
 * picks; *bound_port says). ERR_BUSY: taken. `accepted` gets a stream that it owns. */
int env_listen(struct env *env, const char *host, int port, int backlog,
               void (*accepted)(void *arg, struct env_stream *stream), void *arg,
               struct env_listener **listener, int *bound_port);
/* Paused: connections wait in the kernel. */
void env_listener_pause(struct env_listener *listener, bool pause);
void env_listener_close(struct env_listener *listener); /* NULL does nothing */

/* Resolves the name anew, then connects. `connected` gets ERR_NONE and a stream that it owns, or an
 * error and NULL (ERR_REFUSED, ERR_NAME, ERR_TIMEOUT, ERR_CONNECTION). */
struct env_connect *env_connect(struct env *env, const char *host, int port, uint64_t timeout_us,
                                void (*connected)(void *arg, int error, struct env_stream *stream),
                                void *arg);
void env_connect_cancel(struct env_connect *connect); /* `connected` will not be called */

/* The addresses that a host has now, as text ("10.0.0.2", "::1"); an address is its own, and none
 * means that the name does not resolve. `resolved` is never called inside this call. */
enum { ENV_RESOLVE_MOST = 8, ENV_ADDRESS_SIZE = 48 };
struct env_resolve;
struct env_resolve *env_resolve(
    struct env *env, const char *host,
    void (*resolved)(void *arg, const char (*addresses)[ENV_ADDRESS_SIZE], unsigned n), void *arg);
/* `resolved` will not be called; NULL does nothing. */
void env_resolve_cancel(struct env_resolve *resolve);

struct env_stream_events {
    /* Where the next bytes go: sets *into, returns how many fit (> 0). */
    size_t (*room)(void *arg, void **into);
    /* `len` bytes have arrived there. The stream may be closed inside. */
    void (*received)(void *arg, size_t len);
    /* The stream ended (ERR_EOF) or broke: no further event comes. The owner calls
     * env_stream_close. A stream that is not read breaks all the same, but its end, behind which
     * bytes may wait, comes only by reading. */
    void (*ended)(void *arg, int error);
    /* May be NULL. The other side sends no more, and in practice has gone: told at once, also while
     * the stream is not read, and possibly before bytes that came earlier. Once at most. The stream
     * may be closed inside. */
    void (*hung_up)(void *arg);
};
/* Starts in the paused state of reading: call env_stream_read(stream, true). */
void env_stream_attach(struct env_stream *stream, const struct env_stream_events *events,
                       void *arg);
void env_stream_read(struct env_stream *stream, bool on);
/* For streams of clients. When a turn grows long it is read in a later one: of strangers ten
 * thousand may have bytes at the same moment. And what comes is acknowledged at once: a client that
 * gathers what is small (Nagle's algorithm, librdkafka's default) holds its further requests back
 * until then, and an answer that waits for a majority would be the first that acknowledges it. */
void env_stream_set_patient(struct env_stream *stream);
/* Writes all of it, in order with other writes. The iov array (n <= ENV_WRITE_IOV) may go away on
 * return, the bytes stay until `done`, which is never called inside this call, and is called for
 * every write, also after env_stream_close. */
enum { ENV_WRITE_IOV = 256 };
struct env_write {
    void (*done)(struct env_write *write, int error);
    void *env_private[24]; /* the environment's */
};
void env_stream_write(struct env_stream *stream, struct env_write *write, const struct env_iov *iov,
                      unsigned n);
/* Closes and frees; writes under way end with ERR_CANCELED. No event comes after this call. */
void env_stream_close(struct env_stream *stream);
/* "127.0.0.1:41234", for messages; into 64 bytes. */
void env_stream_peer(struct env_stream *stream, char into[64]);

#endif
