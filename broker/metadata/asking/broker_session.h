/*
 * Leases: every broker tells the metadata leader that it is alive; a broker that is not heard for
 * too long is fenced.
 *
 * Happy path: each broker renews every broker.heartbeat.interval.ms; the leader notes when.
 * Failures: a broker that is silent for broker.session.timeout.ms gets a committed FENCE command,
 * one that is fenced and renews the opposite; who tried to register and was refused is fenced,
 * renew as it may, until it does register. A new metadata leader begins all leases anew, so that
 * nobody is fenced for what its predecessor did not hear.
 * Invariant: renewals are never log entries; fencing changes placement and listings, never who
 * leads.
 */
#ifndef BROKER_METADATA_ASKING_BROKER_SESSION_H
#define BROKER_METADATA_ASKING_BROKER_SESSION_H

#include "broker/metadata/metadata_group.h"

struct broker_sessions;

struct broker_sessions *broker_sessions_new(struct env *env, struct log *log,
                                            const struct broker_settings *settings,
                                            const struct metadata *metadata,
                                            struct metadata_group *group,
                                            struct broker_messages *messages);
void broker_sessions_free(struct broker_sessions *leases);

/* This broker leads the metadata now: everybody's lease begins anew. */
void broker_sessions_restart(struct broker_sessions *leases);
/* Somebody else leads, or this broker has just registered: renew now. */
void broker_sessions_renew(struct broker_sessions *leases);
/* This broker is about to stop: gives its lease back, so that it is fenced at once. No answer is
 * waited for. */
void broker_sessions_give_back(struct broker_sessions *leases);

#endif
