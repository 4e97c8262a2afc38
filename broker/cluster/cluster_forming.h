/*
 * How a cluster comes to be, once: from brokers that know only their own directory and the same
 * list, to one record in every directory. And, for ever after, who is let in.
 *
 *     FORMING_WAITING --- heard all others, none has a record --------> FORMING_DONE
 *           |      \----- heard a record that names our directory ----> FORMING_DONE
 *           \------------ heard a record that does not -------------> FORMING_REFUSED
 *
 * Happy path: every hello of another broker is judged here; when all of the list were heard, with
 * equal lists and no record anywhere, each broker computes the same record. Failures: lists that
 * differ, another cluster, a directory that the record does not name: the other is refused with the
 * sentence that says so.
 * Invariants: while any broker is known to have a record, none is made; a broker whose directory is
 * not in the record is never let in, so it never votes. Pure: no I/O, no time; the owner makes the
 * record durable before it uses it.
 */
#ifndef BROKER_CLUSTER_CLUSTER_FORMING_H
#define BROKER_CLUSTER_CLUSTER_FORMING_H

#include "broker/cluster/cluster_record.h"
#include "broker/config/broker_settings.h"
#include "raft-glue/peer/peers.h"

enum forming_state { FORMING_WAITING, FORMING_DONE, FORMING_REFUSED };

struct cluster_forming;

/* `record`: of our directory, NULL while it has none. A cluster of one is formed at once.
 * `settings` stays. */
struct cluster_forming *cluster_forming_new(const struct broker_settings *settings,
                                            const uint8_t directory[CLUSTER_UUID_SIZE],
                                            const struct cluster_record *record);
void cluster_forming_free(struct cluster_forming *forming);

/* Judges the hello of another broker (peers_events.judge). May change the state. ERR_NONE, or with
 * the sentence for both logs ERR_INVALID, ERR_DENIED (its directory is not of this cluster, and
 * never will be). Sentences say what the other has, and nothing of what we have. */
int cluster_forming_judge(struct cluster_forming *forming, const struct peer_hello *hello,
                          struct error_text *refusal);
/* A broker of the list refused us for good: without a record of our own that is the end. */
void cluster_forming_refused(struct cluster_forming *forming, const char *sentence);
/* A broker that was let in has sent its record since. */
void cluster_forming_heard_record(struct cluster_forming *forming, const void *record, size_t len);

enum forming_state cluster_forming_state(const struct cluster_forming *forming);
/* FORMING_DONE: the record (NULL before). */
const struct cluster_record *cluster_forming_record(const struct cluster_forming *forming);
/* FORMING_REFUSED: why this broker cannot take part, and what to do. */
const char *cluster_forming_refusal(const struct cluster_forming *forming);
/* FORMING_WAITING: "brokers 2 (10.0.0.2:9093), 3 (10.0.0.3:9093)". */
void cluster_forming_waits_for(const struct cluster_forming *forming, char *into, size_t size);
/* Directories refused because the record does not name them. */
uint64_t cluster_forming_directories_refused(const struct cluster_forming *forming);

/* What hellos carry as `nodes`: the list, and what else must be equal everywhere when the cluster
 * is formed. Into 20 KiB. */
enum { FORMING_LIST_MAX = 20 * 1024 };
void cluster_forming_list(const struct broker_settings *settings, char into[FORMING_LIST_MAX]);

#endif
