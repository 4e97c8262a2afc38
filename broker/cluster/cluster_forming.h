/*
 * How a cluster comes to be, once: from brokers that know only their own directory and the same
 * list, to one record in every directory. And, for ever after, who is let in.
 *
 *     FORMING_WAITING --- heard all others, none has a record --------> FORMING_DONE
 *           |      \----- heard a record that names our directory ----> FORMING_DONE
 *           |      \----- heard one without our directory, was admitted
 *           |             or took the place of our id ----------------> FORMING_DONE
 *           \------------ our id was taken out for good --------------> FORMING_REFUSED
 *
 * Happy path: every hello of another broker is judged here; when all of the list were heard, with
 * equal lists and no record anywhere, each broker computes the same record. Once there is a cluster
 * the list says only where to begin: who belongs to it the metadata says
 * (broker/metadata/metadata_roster.h), and a newcomer waits until somebody admits it, an empty
 * directory under a known id until somebody says that it takes the place of the lost one. Failures:
 * lists that differ while it is formed, another cluster, a directory that does not belong to it:
 * the other is refused with the sentence that says so. Invariants: while any broker of
 * the list is known to have a record, none is made; a broker whose directory does not belong to the
 * cluster is never let in, so it never votes. Pure: no I/O, no time; the owner makes the record
 * durable before it uses it.
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

/* Who belongs to the cluster that we are in, as the metadata says; from then on it counts instead
 * of the record. `replica`: that of group 0 which its record says it has; 0: none. */
enum forming_standing {
    FORMING_UNKNOWN, /* there is no such broker */
    FORMING_BELONGS, /* with that directory */
    FORMING_OTHER_DIRECTORY,
    FORMING_REMOVED,  /* it belonged to it */
    FORMING_GIVEN_UP, /* likewise: it was lost, and the metadata goes on without it */
    /* By its word it came, or took the place of another one, later than our metadata knows: let in,
     * for ours may come from nobody but it. */
    FORMING_AHEAD,
    /* The same, and our metadata comes by itself: it is to try again, whatever stands there now. */
    FORMING_LATER,
};
void cluster_forming_follow(struct cluster_forming *forming,
                            enum forming_standing (*standing)(
                                void *arg, int32_t node, const uint8_t directory[CLUSTER_UUID_SIZE],
                                replica_id replica),
                            void *arg);

/* Judges the hello of another broker (peers_events.judge). May change the state. ERR_NONE, or with
 * the sentence for both logs ERR_INVALID, ERR_NOT_FOUND (it may be admitted: drave broker add, or
 * replace),
 * ERR_DENIED (its directory is not of this cluster, and never will be). Sentences say what the
 * other has, and nothing of what we have. */
int cluster_forming_judge(struct cluster_forming *forming, const struct peer_hello *hello,
                          struct error_text *refusal);
/* A broker of the list refused us for good. That is the end, also of one that takes part: with
 * others of its kind it might be a majority of what was. */
void cluster_forming_refused(struct cluster_forming *forming, const char *sentence);
/* A broker that was let in has sent its record since. */
void cluster_forming_heard_record(struct cluster_forming *forming, const void *record, size_t len);

/* One that was let in says that we belong to its cluster, under that replica id of group 0. Nothing
 * unless its hello had that record. */
void cluster_forming_admitted(struct cluster_forming *forming, const void *record, size_t len,
                              replica_id replica);
/* There is a cluster, and nobody has admitted us yet. */
bool cluster_forming_is_outside(const struct cluster_forming *forming);
/* It has our id, with another directory. */
bool cluster_forming_would_replace(const struct cluster_forming *forming);

enum forming_state cluster_forming_state(const struct cluster_forming *forming);
/* FORMING_DONE: the record (NULL before). */
const struct cluster_record *cluster_forming_record(const struct cluster_forming *forming);
/* FORMING_REFUSED: why this broker cannot take part, and what to do. */
const char *cluster_forming_refusal(const struct cluster_forming *forming);
/* FORMING_WAITING: "brokers 2 (10.0.0.2:9093), 3 (10.0.0.3:9093)". */
void cluster_forming_waits_for(const struct cluster_forming *forming, char *into, size_t size);
/* Directories refused because another one has their place. */
uint64_t cluster_forming_directories_refused(const struct cluster_forming *forming);

/* What hellos carry as `nodes`: the list, and what else must be equal everywhere when the cluster
 * is formed. Into 20 KiB. */
enum { FORMING_LIST_MAX = 20 * 1024 };
void cluster_forming_list(const struct broker_settings *settings, char into[FORMING_LIST_MAX]);

#endif
