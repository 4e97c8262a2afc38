/*
 * The connections between brokers: two for each pair (control: votes, heartbeats, results, broker
 * messages; bulk: entries), dialled by the broker with the lower node id, with a handshake that
 * says who is who.
 *
 * Happy path: dial, hello both ways, both sides accept, `up`; frames flow; each turn's frames to a
 * peer leave in one write.
 * Failures: a hello that is refused is answered with the sentence why, which the other side logs
 * and reports; a broken link gives `down` and is dialled again with a short growing pause; names
 * are resolved anew each time. When the link broke, the side that does not dial probes by
 * connecting too: a refused connection says that the process is dead, not slow. Strangers: a hello
 * is believed only from an address that the host of that broker resolves to, never while that
 * broker is connected and speaks; nothing is told to who is refused; places of the handshake are
 * counted for each address (peer_admission.c). With TLS (peer_tls_mode) who does not have what the
 * contexts want is no broker; the dialling side reports that as a refusal.
 * Invariants: `up` and `down` alternate; a message arrives whole and in order per channel, or not
 * at all; control is always read; bulk is not read while the owner paused it; nothing is queued to
 * a peer that is not up.
 *
 * Frame: u32 length (big-endian, frame_reader), then u8 kind, u8 channel, u16 zero, u32 CRC-32C of
 * the payload's first bytes as peer_frame.h says, payload. Little-endian inside.
 */
#ifndef RAFT_GLUE_PEER_PEERS_H
#define RAFT_GLUE_PEER_PEERS_H

#include "base/buffer.h"
#include "base/env.h"
#include "base/log.h"
#include "base/secure/tls_context.h"
#include "raft-glue/peer/peer_hello.h"

enum { PEER_KIND_BROKER = 64, PEER_BULK_LOW = 256 << 10 };

struct peers_events {
    /* Whether this other broker may talk to us, which need not have been added; called for every
     * connection before any of its messages. ERR_NONE, or an error (ERR_DENIED: for good) with the
     * sentence for both logs, which tells nothing of us that a stranger should not know. Forming a
     * cluster happens here (broker/cluster/cluster_forming.c). */
    int (*judge)(void *arg, const struct peer_hello *hello, struct error_text *refusal);
    void (*up)(void *arg, int32_t node);
    /* The link broke. `dead`: reconnecting was refused, nobody listens there; may be called a
     * second time, with true, when that is found out later. */
    void (*down)(void *arg, int32_t node, bool dead);
    /* A message of kind >= PEER_KIND_BROKER (below it they are raft-glue's own). `payload` is the
     * receiver's. */
    void (*message)(void *arg, int32_t node, uint8_t kind, struct slice payload);
    /* The other side refused our hello, with its sentence. Called once for each change of the
     * sentence. `for_good`: this directory is not of its cluster. */
    void (*refused)(void *arg, int32_t node, bool for_good, const char *sentence);
    /* So much of the bulk channel's queue was written that more may be queued. May be NULL. */
    void (*drained)(void *arg, int32_t node);
    /* What goes with our acceptance of that broker, which is one of ours: what was seen of its
     * journal. May be NULL. */
    void (*seen)(void *arg, const struct peer_hello *hello, struct peer_journal *of_its);
    /* It accepts us, and has seen that of our journal. False: the link is not made, nothing of it
     * is heard. May be NULL. */
    bool (*accepted)(void *arg, int32_t node, const struct peer_journal *of_ours);
};

/* On one port: the first byte tells TLS from a hello. A living cluster climbs from each to the next
 * one, all brokers at one step before any at the next but one (docs/decisions/0084). */
enum peer_tls_mode {
    PEER_TLS_OFF,
    PEER_TLS_ALLOW,   /* takes both, dials plainly */
    PEER_TLS_PREFER,  /* takes both, dials by TLS, with no way back */
    PEER_TLS_REQUIRE, /* refuses who is plain, with a sentence */
};

struct peers;
struct peers_options {
    int32_t node;            /* ours */
    const char *listen_host; /* NULL: nobody listens (a cluster of one) */
    int listen_port;         /* 0: the system picks */
    /* Bytes of received bulk frames that are not yet durable, over all peers. */
    size_t entry_budget;
    size_t queue_limit; /* bytes queued to one peer's bulk channel before the sender must wait */
    uint32_t frame_max;
    uint32_t lag_max_ms; /* a control connection on which something is under way for longer is made
                            anew: nobody can be elected over it */
    /* Between two signs of life, at most: what else is sent does not stand for them. */
    uint32_t ping_ms;
    bool any_address; /* a broker may connect from elsewhere than where its host is (NAT) */
    enum peer_tls_mode tls;
    struct tls_context *serving, *dialling; /* NULL when off; references are taken */
};

/* Listens and starts nothing else. ERR_BUSY (port), ERR_NAME, ERR_DENIED. */
int peers_open(struct env *env, struct log *log, const struct peers_options *options,
               const struct peers_events *events, void *arg, struct peers **peers,
               struct error_text *why);
void peers_close(struct peers *peers);
int peers_port(const struct peers *peers);
/* What we say of ourselves from now on; copied. Must be set before peers_add. Connections that were
 * refused are tried again. */
void peers_set_hello(struct peers *peers, const struct peer_hello *hello);
/* Another broker to be connected with. Adding again changes the address. */
void peers_add(struct peers *peers, int32_t node, const char *host, int port);
/* Is no peer any more; `down` comes within the call if the link was up, with the middle of a
 * sentence on the log. Nothing if there is none. */
void peers_remove(struct peers *peers, int32_t node, const char *why);
/* Says hello once to those that are not connected, also where it is for them to dial: they may not
 * know of us, and say so. */
void peers_knock(struct peers *peers);
/* That one lets us in, and knows who belongs to the cluster. */
void peers_answered(struct peers *peers, int32_t node);
/* Each of them did, since it was added. One of an older program, which does not say what it knows,
 * when it was connected. */
bool peers_all_answered(const struct peers *peers);
bool peers_is_up(const struct peers *peers, int32_t node);
/* For how long there has been no link with it, since it was added at the most; 0: there is one. */
uint64_t peers_down_ms(const struct peers *peers, int32_t node);
/* When something of it came last, by env_now_ms; 0: never. */
uint64_t peers_heard_ms(const struct peers *peers, int32_t node);
uint32_t peers_minor(const struct peers *peers, int32_t node); /* of its hello; 0: not up */
bool peers_is_dead(const struct peers *peers, int32_t node);   /* the last attempt was refused */
/* Bytes over all connections with it so far, and how long the way there and back took the last
 * time; 0 of one that is not known. */
struct peer_traffic {
    uint64_t sent, received, round_trip_us;
};
struct peer_traffic peers_traffic(const struct peers *peers, int32_t node);
/* Queues one message; slices are taken over (dropped if the peer is not up). kind <
 * PEER_KIND_BROKER only from raft-glue. */
void peers_send(struct peers *peers, int32_t node, enum peer_channel channel, uint8_t kind,
                struct slice *slices, size_t n);
/* Bytes queued and under way to the peer's bulk channel. */
size_t peers_bulk_queued(const struct peers *peers, int32_t node);
/* ... are few: at most PEER_BULK_LOW, or half of queue_limit. `drained` comes when it becomes so.
 */
bool peers_bulk_is_low(const struct peers *peers, int32_t node);
/* Whether entries are read from the peers; what is here already may still be delivered. Control is
 * always read. */
void peers_pause_bulk(struct peers *peers, bool pause);
/* The owner found that what this peer sent makes no sense: logs the sentence's middle, closes the
 * link, `down` comes within the call. */
void peers_break(struct peers *peers, int32_t node, const char *why);

#endif
