/*
 * The coordinators of this broker: from a key (a group id) to the state on the partition that has
 * it, if that is led here.
 *
 * Happy path: the partitions of the topic get their states when they are opened
 * (coordinators_make); coordinators_find gives the state of a key. Failures: NOT_COORDINATOR, when
 * there is no such topic, or another broker leads the partition; for one that is being elected here
 * it is waited, COORDINATOR_WAIT_MS at most. Invariants: a state is given only while its partition
 * leads; a find ends once.
 */
#ifndef BROKER_COORDINATOR_COORDINATORS_H
#define BROKER_COORDINATOR_COORDINATORS_H

#include "broker/coordinator/coordinator_log.h"
#include "broker/metadata/metadata.h"
#include "broker/partition/applier.h"

enum { COORDINATOR_WAIT_MS = 1000 };

struct coordinators;

struct coordinators_options {
    struct env *env;
    const struct metadata *metadata;
    const char *topic; /* stays */
    uint32_t write_timeout_ms;
    const struct coordinator_state *type;
    /* An empty state for a partition, which writes to `log`. */
    void *(*state_new)(void *arg, struct coordinator_log *log, int32_t partition);
    void *arg;
};

struct coordinators *coordinators_new(const struct coordinators_options *options);
void coordinators_free(struct coordinators *coordinators); /* all partitions are closed */

/* For struct applier_factory (arg: the coordinators): the state of a partition of the topic. */
void coordinators_make(void *coordinators, const struct metadata_partition *partition,
                       struct applier *applier);

/* The partition of the topic that a key lives in; NULL: there is no such topic. */
const struct metadata_partition *coordinators_partition_of(const struct coordinators *coordinators,
                                                           const char *key, size_t len);

/* Lies in whoever looks for a state. */
struct coordinator_find {
    /* `state` with error 0, else NULL and NOT_COORDINATOR. May be called within
     * coordinators_find. */
    void (*done)(struct coordinator_find *find, void *state, int16_t error);
    struct coordinators *coordinators; /* the coordinators', all below; NULL: not under way */
    int32_t partition;
    uint64_t until_ms;
    struct coordinator_find *next, *prev;
};
void coordinators_find(struct coordinators *coordinators, const char *key, size_t len,
                       struct coordinator_find *find);
void coordinators_find_cancel(struct coordinator_find *find); /* nothing if it is over */

/* Calls `each` for every state that leads here. Returns how many are about to. */
size_t coordinators_each(struct coordinators *coordinators, void (*each)(void *arg, void *state),
                         void *arg);

#endif
