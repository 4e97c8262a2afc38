/*
 * Group 0's configuration follows the roster: whoever leads it brings in who was admitted, takes
 * out who was removed or replaced, and has those vote that are to.
 *
 * Happy path: as with the replicas of a partition (reassignments.h) no step is remembered, whoever
 * leads compares the two and takes the next one (reassignment_step.h); a voter that is to vote no
 * more is taken out and comes back as a stand-by. Failures: a change that is refused at present is
 * tried at the next look; a voter that does not come keeps nothing but its own promotion waiting.
 * Invariants: one step at a time; who votes changes by one at a time.
 */
#ifndef BROKER_REASSIGNMENT_METADATA_SERVERS_H
#define BROKER_REASSIGNMENT_METADATA_SERVERS_H

#include "broker/metadata/metadata_group.h"

struct metadata_servers;

struct metadata_servers *metadata_servers_new(struct env *env, struct log *log,
                                              const struct broker_settings *settings,
                                              const struct metadata *metadata,
                                              struct metadata_group *group);
void metadata_servers_free(struct metadata_servers *servers); /* NULL does nothing */
/* The roster changed, or this broker leads the metadata. */
void metadata_servers_look(struct metadata_servers *servers);

#endif
