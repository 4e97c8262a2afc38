/* What network.c, env_sim_streams.c and env_sim_connect.c share: a connection and its two ends.
 * Nobody else includes it. */
#ifndef SIM_CONNECTION_H
#define SIM_CONNECTION_H

#include "tests/sim/env/env_sim.h"
#include "tests/sim/env/network.h"

enum chunk_kind { CHUNK_DATA, CHUNK_FIN, CHUNK_RESET };

/* Bytes, or an end, on the way. */
struct chunk {
    struct chunk *next;
    enum chunk_kind kind;
    uint64_t at_us; /* when it arrives, if the link is open */
    size_t len, read;
    uint8_t data[];
};

struct chunks {
    struct chunk *first, *last;
};

/* A write of the product; lives until it was reported. */
struct sent {
    struct delivery delivery;
    struct sent *next;
    struct env_write *write;
    struct env *env;
    int error;
    unsigned n, part; /* pieces, and the one that goes next */
    size_t offset;    /* into that one */
    struct env_iov iov[];
};

struct connection;

/* One end, and the pipe that leads away from it. */
struct end {
    struct connection *connection;
    struct end *peer;
    int node, port;
    struct env *env;           /* the process; NULL when it closed or died */
    struct env_stream *stream; /* NULL before accept or connect, and after close */
    bool closed; /* the process closed or died: what arrives is answered with a reset */
    bool gone;   /* its machine lost power: what arrives is not answered */
    /* received, and not yet read */
    struct chunks received;
    bool fin, reset;
    /* the pipe to the peer */
    struct event arrive;
    struct chunks flying;
    uint64_t last_at_us;
    bool stalled;      /* the first chunk met a blocked link */
    bool hung;         /* nothing arrives through this pipe any more, whatever its link does */
    uint64_t extra_us; /* on top of the link's latency */
    uint64_t accepted, read_by_peer, acked;
    struct sent *queue, *queue_last;
};

struct connection {
    struct connection *next, *prev;
    struct network *network;
    uint64_t id;
    uint64_t capacity;
    struct end ends[2];
};

struct link {
    bool blocked;
    uint64_t blocked_since_us, extra_us;
};

struct network {
    struct world *world;
    struct node *nodes[NODE_MAX];
    struct link links[NODE_MAX][NODE_MAX];
    uint64_t typical_us, capacity, next_id;
    int next_port;
    struct connection connections; /* list head */
    struct env_listener *listeners;
};

/* network.c */
uint64_t network_latency_us(struct network *network, int from, int to);
struct connection *network_connection_new(struct network *network, int from, int from_port, int to,
                                          int to_port);
void end_send(struct end *end, enum chunk_kind kind, const void *data, size_t len);

/* env_sim_streams.c */
struct env_stream *stream_new(struct env *env, struct end *end);
void end_pump(struct end *end);       /* moves what the sender has queued as far as there is room */
void end_notify(struct end *end);     /* something can be read */
void end_break(struct end *end);      /* a reset arrived: writes fail */
void end_drop_queue(struct end *end); /* the process died */
void end_close(struct end *end);      /* FIN, or a reset when there is something unread */

/* env_sim_connect.c */
void listeners_end(struct network *network, struct env *env);

#endif
