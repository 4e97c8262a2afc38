/*
 * What the files of the peers share; private to them.
 */
#ifndef RAFT_GLUE_PEER_PEERS_INTERNAL_H
#define RAFT_GLUE_PEER_PEERS_INTERNAL_H

#include "raft-glue/peer/peer_connection.h"
#include "raft-glue/peer/peers.h"

struct peer {
    struct peers *peers;
    int32_t node;
    char *host;
    int port;
    bool up, dead;
    bool was_up;       /* a link broke and `down` with dead = true was not called since */
    bool refused;      /* by the other's verdict, or by ours */
    bool answered;     /* peers_all_answered */
    bool knocks;       /* the connection under way says hello, though the other is to dial */
    char *refusal;     /* the last sentence that it gave us */
    unsigned unagreed; /* connections in a row that ended before TLS was agreed on, without a why */
    uint64_t up_since_ms, pinged_ms;
    uint64_t echo_us, echoed_us; /* when the last ping was sent, by its clock, and came, by ours */
    uint64_t down_since_ms;      /* while it is not up */
    bool bulk_was_paused;        /* for some time since the last ping */
    uint64_t heard_ms;           /* over connections that are gone, as the next */
    struct peer_traffic traffic;
    struct peer_connection *connections[2];
    uint64_t session;
    uint32_t minor; /* of its last hello */
    struct env_connect *connect;
    struct env_timer *retry;
    uint64_t retry_us;
    struct log_limiter limiter, up_limiter, down_limiter;
    /* The addresses from which it may connect, as last resolved. */
    struct env_resolve *resolve;
    char addresses[ENV_RESOLVE_MOST][ENV_ADDRESS_SIZE];
    unsigned address_count;
    bool resolved; /* once at least */
    uint64_t resolved_ms;
    struct env_task again; /* those that wait to be it are looked at again */
    struct peer *next;
};

struct peers {
    struct env *env;
    struct log *log;
    struct peers_options options;
    uint64_t ping_ms; /* between two pings on a link */
    const struct peers_events *events;
    void *arg;
    struct env_listener *listener;
    struct secure_host *secure; /* NULL: no TLS */
    int port;
    bool has_hello, bulk_paused;
    struct peer_hello hello; /* its texts and record are ours */
    struct peer_connection_owner owner;
    struct peer *peers;
    struct peer_connection *connections;
    uint64_t admission_round;
    struct env_timer *tick;
    struct log_limiter limiter;
};

/* ---- peer_link.c ---- */

/* Before any link is made. */
void peer_links_init(struct peers *peers);
/* Says nothing until a connection is asked for. */
struct peer *peer_new(struct peers *peers, int32_t node, const char *host, int port);
void peer_free(struct peer *peer);
/* Dials, if it is for us to do. */
void peer_link_begin(struct peer *peer);
/* Says hello once to one that is to dial us and does not. */
void peer_link_knock(struct peer *peer);
/* Closes both connections. `down` comes within the call if the link was up. */
void peer_link_break(struct peer *peer, const char *why);
/* The same for good, and for those that wait to be it; before it is freed. */
void peer_link_end(struct peer *peer, const char *why);
/* Somebody connected to our port; the stream is taken over. */
void peer_links_accept(struct peers *peers, struct env_stream *stream);
/* Closes all connections, without events. */
void peer_links_close(struct peers *peers);

/* ---- peer_liveness.c ---- */

/* Now and then: ends what is silent, stuck or half made, and keeps the others from ending us. */
void peer_links_check(struct peers *peers);

/* ---- peer_admission.c ---- */

struct peer *peers_find(const struct peers *peers, int32_t node); /* NULL: none */
/* Learns the addresses of the peer's host, unless that is under way. */
void peer_admission_resolve(struct peer *peer);
/* Somebody connected: closes the oldest of those that did not say who they are when there are too
 * many. Sets where it comes from, and whether a broker of the list has that address. */
void peer_admission_make_room(struct peers *peers, struct env_stream *stream,
                              char address[ENV_ADDRESS_SIZE], bool *of_list);
/* An accepted connection says that it is `node`: it is judged, refused or waits. */
void peer_admission_hello(struct peers *peers, struct peer_connection *connection, int32_t node);
/* Something changed for those that wait to be this peer: addresses, its link, time. */
void peer_admission_again(struct peer *peer);

#endif
