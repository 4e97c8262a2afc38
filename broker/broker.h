/*
 * One broker: everything of a node put together on an environment. draved starts one; the simulator
 * starts many.
 *
 *   broker_start -> directory, journal, ports -> forming the cluster (once in its life) -> group 0
 *                -> registration -> ready (serves) -> broker_stop -> stopped
 *
 * Happy path: broker_start opens what is local and reports errors at once; the rest goes on in the
 * background; `ready` comes when clients are served and the cluster knows this broker.
 * Failures: a directory, port or setting that cannot be used fails broker_start with a sentence;
 * what can only be found later with the others (a directory that the cluster does not know, another
 * cluster, lists that differ) is reported by `failed`, after which only broker_free may be called.
 * Errors of the disk end the process (env_fatal).
 * Invariants: no libuv, no threads of its own, no global state; `ready`, `failed` and `stopped`
 * each come at most once, never inside the call that starts them.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include "base/env.h"
#include "base/log.h"
#include "broker/config/broker_settings.h"

struct broker;

struct broker_events {
    /* Serves clients; registered. Must not free the broker. `summary`: "127.0.0.1:9092 (3 brokers,
     * 2 topics, 0.2 s)". */
    void (*ready)(void *arg, const char *summary);
    /* It cannot take part in the cluster; the sentence says why and what to do. */
    void (*failed)(void *arg, const char *sentence);
};

/* `settings` must stay until broker_free (it may differ from run to run of the same directory).
 * `log` is copied. On an error nothing is left behind. Errors: ERR_BUSY (directory or port in use),
 * ERR_INVALID, ERR_VERSION, ERR_DENIED, ERR_NAME, ERR_CORRUPT, ERR_IO, ERR_NO_SPACE; `why` has the
 * sentence. */
int broker_start(struct env *env, const struct log *log, const struct broker_settings *settings,
                 const struct broker_events *events, void *arg, struct broker **broker,
                 struct error_text *why);

/* Clean end: takes no new connections, hands its leaderships over, writes and syncs what is
 * committed, closes all. `stopped` is called when that is done; then broker_free. Takes at most
 * about 5 s (nobody to hand over to, a slow disk). */
void broker_stop(struct broker *broker, void (*stopped)(void *arg), void *arg);
/* After `failed` or `stopped`, or instead of them: closes everything at once, without handing over;
 * NULL does nothing. */
void broker_free(struct broker *broker);

/* Reads the files of TLS anew, as those who run a broker ask for it (SIGHUP); the log says what
 * came of it. False: no listener speaks TLS, and there is nothing to be read. Not for one that
 * stops. */
bool broker_read_anew(struct broker *broker);

/* The port on which the client listener of that name (NULL: the first) is bound: for port 0. */
int broker_port(const struct broker *broker, const char *listener);

/* What the handlers work with; for tests that look inside (the simulator). */
struct broker_services;
struct shard;
const struct broker_services *broker_services(const struct broker *broker);
struct shard *broker_shard(const struct broker *broker);

/* Takes snapshots for metrics and health; NULL: it is closing. */
struct observer;
struct observer *broker_observer(const struct broker *broker);

/* Counters for tests and logs. */
struct broker_stats {
    uint64_t
        directories_refused; /* hellos of directories that the cluster's record does not name */
};
void broker_stats_get(const struct broker *broker, struct broker_stats *stats);

#endif
