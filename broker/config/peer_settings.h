/*
 * The other brokers: cluster.nodes, the peer port, and what is spoken there.
 *
 * Happy path: the list sorted by node id, this broker in it. Failure: an error with a sentence, for
 * a list that cannot be, an address that is another one's, TLS without a secret. Invariant: a
 * broker that others reach over a network says at every start if that is open to anybody.
 */
#ifndef BROKER_CONFIG_PEER_SETTINGS_H
#define BROKER_CONFIG_PEER_SETTINGS_H

#include "broker/config/broker_settings.h"

/* Fills nodes*, peer_* from into->values; listeners are read. */
int peer_settings_read(struct broker_settings *into, struct error_text *why);
/* As broker_settings_warnings. */
void peer_settings_warnings(const struct broker_settings *settings,
                            void (*warn)(void *arg, const char *sentence), void *arg);

#endif
