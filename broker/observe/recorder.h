/*
 * Writes the timeline of a broker: looks four times a second at what has a state (brokers, links,
 * disk, the loop itself), and is told at once of what comes and goes (leads, replicas in sync,
 * topics, settings, groups that are rebalanced).
 *
 * Happy path: new when the cluster is open, free before its parts close. Failures: none; a state
 * that came and went in between is not seen. Invariant: what the metadata says while this
 * broker replays it is no news: only from `registered` on is it noted.
 */
#ifndef BROKER_OBSERVE_RECORDER_H
#define BROKER_OBSERVE_RECORDER_H

#include "broker/coordinator/group/group.h"
#include "broker/metadata/metadata.h"
#include "broker/observe/observer.h"
#include "broker/observe/timeline.h"

struct recorder;
/* All of `observed` but `registered` is there, and stays as long as it. The timeline is the
 * caller's. */
struct recorder *recorder_new(const struct observed *observed, struct metadata *metadata,
                              struct timeline *timeline);
/* A group that is coordinated here is rebalanced; for group_watch. */
void recorder_rebalance(struct recorder *recorder, const struct group *group,
                        enum kp_group_event what);
void recorder_free(struct recorder *recorder); /* NULL does nothing */

#endif
