/*
 * What the leader of a coordinator clears away by itself: offsets that are too old (KIP-211),
 * groups of which nothing is left, offsets of topics that are gone.
 *
 * Happy path: while it leads, every offsets.retention.check.interval.ms all groups are looked at,
 * in pieces; a topic that is deleted is told with offset_sweep_topic_gone; a new leader asks once
 * whether its metadata is up to date, and then compares all offsets with it, for topics may have
 * gone during the failover. What goes are committed tombstones (offset_removal.h), one group at a
 * time.
 * Failures: what cannot be written, or asked, now is tried again after RETRY_MS.
 * Invariants: only the leader sweeps; nothing goes because this broker's metadata lags behind; a
 * wall clock that jumps ahead makes nothing older than the time that has passed since this replica
 * leads.
 */
#ifndef BROKER_COORDINATOR_OFFSETS_OFFSET_SWEEP_H
#define BROKER_COORDINATOR_OFFSETS_OFFSET_SWEEP_H

#include "broker/coordinator/offsets/offset_rules.h"
#include "broker/coordinator/offsets/offset_store.h"
#include "broker/metadata/asking/producer_ids.h"
#include "broker/metadata/metadata.h"

struct offset_sweep;

struct offset_sweep_options {
    struct group_table *table; /* all of it stays */
    struct offset_store *store;
    const struct offset_rules *rules;
    const struct metadata *metadata;
    /* Asks whether the metadata is up to date, as producer_ids_ask does. */
    void (*ask)(void *arg, struct producer_ids_ask *question);
    void (*ask_cancel)(void *arg, struct producer_ids_ask *question);
    void *ask_arg;
};

struct offset_sweep *offset_sweep_new(const struct offset_sweep_options *options);
void offset_sweep_free(struct offset_sweep *sweep); /* not while it leads; NULL does nothing */
void offset_sweep_leading(struct offset_sweep *sweep);
/* When turns that wait were refused, or before they are. */
void offset_sweep_lost(struct offset_sweep *sweep);
/* A topic was deleted, as a committed command says. Nothing while it does not lead. */
void offset_sweep_topic_gone(struct offset_sweep *sweep, const char *name,
                             const uint8_t id[METADATA_UUID_SIZE]);
/* Whether the metadata is known to have every topic for which something was committed before this
 * replica began to lead: what it lacks then is gone. */
bool offset_sweep_knows_topics(const struct offset_sweep *sweep);

#endif
