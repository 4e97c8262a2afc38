/*
 * What drave dev --tls and --sasl put beside the brokers of a directory, for brokers and clients:
 *
 *   DIR/tls/{ca.pem,ca.key,broker-<id>.pem,peers.secret}     --tls
 *   DIR/login/{users,dev.password}                           --sasl
 *   DIR/{kcat.conf,java.properties}                          what clients read
 *
 * Happy path: dev_nodes_make, whose confs name the files by dev_secure_conf; dev_secure_make;
 * whenever brokers are asked, dev_secure_use before. Failures: sentences with the file. Invariants:
 * keys, secrets and the password are readable by their owner alone from their first byte on; what
 * is there is never written over; the password is shown nowhere but in the files.
 */
#ifndef CLIENT_DEV_DEV_SECURE_H
#define CLIENT_DEV_DEV_SECURE_H

#include "base/io/output.h"
#include "client/dev/dev_node.h"

/* The lines of the node's conf; the listener is named in another. */
void dev_secure_conf(struct output *conf, const struct dev_node *node, size_t count);
/* Nothing if the nodes want neither. */
int dev_secure_make(const struct dev_node *nodes, size_t count, struct error_text *why);
/* Takes away what dev_secure_make has made. */
void dev_secure_unmake(const struct dev_node *nodes, size_t count);
/* This program's connections to the brokers, from now on until it ends, speak what they want. */
int dev_secure_use(const struct dev_node *node, struct error_text *why);
/* What clients need to know. */
void dev_secure_print(const struct dev_node *node, const char *bootstrap);

#endif
