/*
 * All that the groups of a coordinator are made of, as records, a step at a time.
 *
 * Happy path: group_records_step until it says true, with records applied between as they come.
 * Failures: none. Invariant: a step gives about as many records as asked for, however large a
 * group is.
 */
#ifndef BROKER_COORDINATOR_SERVING_GROUP_RECORDS_H
#define BROKER_COORDINATOR_SERVING_GROUP_RECORDS_H

#include "broker/coordinator/group/group.h"
#include "broker/coordinator/offsets/offset_store.h"

/* As coordinator_state.records and records_stop (coordinator_log.h). */
bool group_records_step(struct group_table *groups, struct offset_store *offsets, void **walk,
                        size_t most,
                        void (*sink)(void *arg, const struct coordinator_record *record),
                        void *arg);
void group_records_stop(void *walk);

#endif
