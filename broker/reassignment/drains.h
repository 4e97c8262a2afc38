/*
 * Brokers that are drained: whoever leads the metadata plans their replicas away, a few at a time.
 *
 * Happy path: while a broker of the roster drains, the next of its partitions that does not move is
 * planned onto the broker that placement would choose (rack, then load), in the same place of the
 * list; the partition's leader takes the steps (reassignments.h). Before that its vote on the
 * metadata goes to another one, chosen likewise (metadata_servers.h), or to nobody, where all
 * others vote already and three are left. Nothing is remembered, so another metadata leader goes on
 * where this one was. Failures: a partition for which there is no other broker stays, and is looked
 * at again in each round, because one may come; a plan that is refused likewise. Every broker,
 * leading or not, notes since when it sees one drain, and tells how far that is. Invariant: at most
 * DRAIN_PLANS_MAX plans are under way when one is added.
 */
#ifndef BROKER_REASSIGNMENT_DRAINS_H
#define BROKER_REASSIGNMENT_DRAINS_H

#include "broker/metadata/metadata_group.h"

enum { DRAIN_PLANS_MAX = 4 };

struct drains;

struct drains *drains_new(struct env *env, struct log *log, const struct metadata *metadata,
                          struct metadata_group *group);
void drains_free(struct drains *drains); /* NULL does nothing */
/* Commands were applied, or this broker leads the metadata: there may be something to do. */
void drains_look(struct drains *drains);

/* How far a broker that drains is. */
struct drain_progress {
    uint32_t replicas; /* that it holds still, those that are on their way included */
    bool votes;        /* on the metadata */
    int64_t left_s;    /* at the pace since this broker has seen it; -1: nothing has gone yet */
};
/* False: it does not drain. */
bool drains_progress(const struct drains *drains, int32_t node, struct drain_progress *progress);

#endif
