/*
 * What the brokers need to speak TLS with each other: contexts of the secret that they share.
 *
 * Happy path: peer_tls_prepare reads peer.secret.file and fills the part of the options that is
 * TLS's; peers_open takes references; peer_tls_done gives ours back. Failures: a sentence, nothing
 * to be given back. Without a secret nothing is done.
 */
#ifndef BROKER_TLS_PEER_TLS_H
#define BROKER_TLS_PEER_TLS_H

#include "broker/config/broker_settings.h"
#include "raft-glue/peer/peers.h"

/* Blocks on the file. */
int peer_tls_prepare(const struct broker_settings *settings, struct peers_options *into,
                     struct error_text *why);
void peer_tls_done(const struct peers_options *options);

#endif
