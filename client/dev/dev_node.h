/*
 * One broker of a `drave dev` directory: DIR/<id>/{draved.conf,draved.pid,draved.log,data}.
 *
 * Who runs is found by client/dev/dev_process.h. Invariants: a conf that exists is never rewritten;
 * data/ is never touched.
 */
#ifndef CLIENT_DEV_DEV_NODE_H
#define CLIENT_DEV_DEV_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

enum { DEV_NODES_MAX = 99, DEV_PATH = 512 };

struct dev_node {
    int id;
    char directory[DEV_PATH]; /* DIR/<id> */
    int port, peer_port;      /* peer_port 0: a cluster of one has none */
    int http_port;            /* of a new one; 0: the system picks */
    bool tls, sasl;           /* what its listener wants of clients */
    bool votes;               /* for the metadata leader */
    pid_t child;              /* the process that dev_node_start made; 0: none */
};

/* The nodes that DIR holds, by id. ERR_NOT_FOUND: no directory, or none in it; ERR_MALFORMED: a
 * conf without its ports. */
int dev_nodes_read(const char *dir, struct dev_node *nodes, size_t room, size_t *count,
                   struct error_text *why);

/* Makes DIR/<id> with its conf for each node; ports are set. `settings` are "key=value", may be
 * NULL-terminated. ERR_* with sentence. */
int dev_nodes_make(const char *dir, struct dev_node *nodes, size_t count,
                   const char *const *settings, struct error_text *why);

/* Takes away what dev_nodes_make has made, as far as nothing else is in it. */
void dev_nodes_unmake(const char *dir, const struct dev_node *nodes, size_t count);

/* Whether draved takes the node's conf; ERR_INVALID with its sentence if not. */
int dev_node_check(const struct dev_node *node, struct error_text *why);

/* Starts draved (found beside this program, else on PATH) in a session of its own; sets `child`,
 * writes draved.pid. */
int dev_node_start(struct dev_node *node, struct error_text *why);

/* The last lines of draved.log that say why it ended, into `text`. */
void dev_node_last_words(const struct dev_node *node, char *text, size_t room);

/* ERR_BUSY with a sentence when somebody listens on 127.0.0.1:port: a cluster there would answer
 * for ours. */
int dev_port_check(int port, struct error_text *why);

/* `count` ports of 127.0.0.1 that nobody listens on, different from each other. */
int dev_free_ports(int *ports, size_t count, struct error_text *why);

#endif
