/*
 * Makes this broker known to the cluster: who it is, its directory, its addresses (also that for
 * the other brokers), its rack, which features of the cluster it knows.
 *
 * Happy path: waits until the table is as new as the metadata leader's, renews the lease, compares
 * the table's row with what is true, and commits a command only if they differ; `done` when the
 * table has it. Failures: without a metadata leader, or refused, it goes on trying every few
 * seconds, with a line in the log.
 */
#ifndef BROKER_METADATA_ASKING_REGISTRATION_H
#define BROKER_METADATA_ASKING_REGISTRATION_H

#include "broker/metadata/asking/broker_session.h"

struct registration;

/* What is true of this broker; copied. */
struct registration_facts {
    const uint8_t *directory; /* METADATA_UUID_SIZE bytes */
    struct metadata_endpoint endpoints[BROKER_LISTENERS_MAX];
    size_t endpoint_count;
    const char *peer_host; /* where the other brokers reach it; "": nowhere */
    int32_t peer_port;
};

/* Each is called once, in this order, never inside of registration_start. */
struct registration_events {
    void (*caught_up)(void *arg); /* the table is as new as the leader's */
    void (*done)(void *arg);
};

struct registration *registration_start(struct log *log, const struct broker_settings *settings,
                                        const struct registration_facts *facts,
                                        const struct metadata *metadata,
                                        struct metadata_group *group,
                                        struct broker_sessions *leases,
                                        const struct registration_events *events, void *arg);
/* The facts have changed, all but the directory: they are committed if the table has others. */
void registration_update(struct registration *registration, const struct registration_facts *facts);
/* Another broker leads the metadata, or this one: says it again, if its row is not true, or may not
 * be in the leader's table: a leader of an older version passed on what it knew, and one that was
 * of an older version kept what it knew. */
void registration_leader_changed(struct registration *registration);
/* Nothing is called any more; NULL does nothing. */
void registration_free(struct registration *registration);

#endif
