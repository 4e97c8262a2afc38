/*
 * One TCP connection between two brokers: the handshake, then frames. Private to peer_link.c.
 *
 *            both send HELLO, judge the other's, send VERDICT (who is refused gets no hello)
 *   shaking ---------------------------------------------------> established ---> closed
 *      |                                             (peer_connection_close, at any time)
 *      +-- one verdict says no --> refused (lingers, so that the sentence arrives)
 *
 * The dialling side speaks first; the accepting one answers hello and verdict together, or a
 * verdict alone that refuses: whoever is refused learns nothing of us but the sentence. Failures:
 * anything malformed, a refusal and a broken stream end in `ended`, after which the owner closes.
 * Invariants: `frame` only while established; before, nobody makes us hold more than a hello has.
 */
#ifndef RAFT_GLUE_PEER_PEER_CONNECTION_H
#define RAFT_GLUE_PEER_PEER_CONNECTION_H

#include "base/io/frame_reader.h"
#include "base/io/send_queue.h"
#include "base/secure/either_stream.h"
#include "raft-glue/peer/peer_flow.h"
#include "raft-glue/peer/peer_frame.h"

enum { PEER_HANDSHAKE_MS = 2000 }; /* TLS and hellos */

struct peer;
struct peers;
struct peer_connection;

enum peer_connection_state { CONNECTION_SHAKING, CONNECTION_REFUSED, CONNECTION_ESTABLISHED };

/* Each but `hello` and `accepted` may close the connection, as its last act. */
struct peer_connection_events {
    /* One that connected to us says that it is broker `node`; peer_connection_judge or
     * peer_connection_refuse, now or later, goes on. */
    void (*named)(struct peers *peers, struct peer_connection *connection, int32_t node);
    /* The other's hello: ERR_NONE, with what was seen of its journal, or an error with the sentence
     * that the other side gets (ERR_DENIED: it is refused for good; ERR_AGAIN: nothing is said, the
     * connection ends). Sets connection->peer. */
    int (*hello)(struct peers *peers, struct peer_connection *connection,
                 const struct peer_hello *hello, struct peer_journal *seen,
                 struct error_text *refusal);
    /* The other accepts us, with what it saw of our journal. False: the connection ends. */
    bool (*accepted)(struct peers *peers, struct peer_connection *connection,
                     const struct peer_journal *seen);
    void (*established)(struct peers *peers, struct peer_connection *connection);
    void (*refused)(struct peers *peers, struct peer_connection *connection, bool for_good,
                    const char *sentence);
    void (*frame)(struct peers *peers, struct peer_connection *connection, uint8_t kind,
                  struct slice payload);
    void (*ping)(struct peers *peers, struct peer_connection *connection,
                 const struct peer_ping *ping);
    void (*ended)(struct peers *peers, struct peer_connection *connection, const char *why);
    void (*drained)(struct peers *peers, struct peer_connection *connection);
};

/* Whose connections they are: the same for all, and outlives them. */
struct peer_connection_owner {
    struct peers *peers;
    const struct peer_connection_events *events;
    struct env *env;
    const struct peer_hello *hello; /* ours, as it is when one is sent */
    uint32_t frame_max;
    size_t low_bytes; /* `drained` comes when so little is queued again */
};

struct peer_connection {
    const struct peer_connection_owner *owner;
    struct peer *peer; /* NULL until an accepted one said who it is */
    struct either_stream stream;
    struct frame_reader *reader;
    struct send_queue *queue;
    enum peer_connection_state state;
    uint8_t channel;
    bool dialled;
    bool heard_hello, accepted_other, accepted_by_other;
    bool malformed; /* it ended because of what it sent, */
    bool disagreed; /* or because TLS could not be agreed on */
    uint64_t session;
    uint64_t started_ms;
    uint64_t heard_ms, sent_ms; /* 0: never */
    struct slice said;          /* the other's hello while it is not judged; else empty */
    /* Of an accepted one, peer_admission.c's: */
    char address[ENV_ADDRESS_SIZE];
    bool of_list;           /* that address was one of a broker of the list when it came */
    struct peer *waits_for; /* whom it says it is, until it is judged; NULL */
    bool claims;            /* that one is connected already, */
    uint64_t claimed_ms;    /* and was when this one came */
    uint64_t admission_round;
    struct peer_flow flow;               /* what goes out */
    struct peer_connection *next, *prev; /* in peers */
};

/* Takes the stream over. A dialled one says hello at once; an accepted one when it knows the
 * session (channel and session given here do not count then). */
struct peer_connection *peer_connection_new(const struct peer_connection_owner *owner,
                                            struct either_stream stream, bool dialled,
                                            uint8_t channel, uint64_t session);
void peer_connection_close(struct peer_connection *connection);
/* Whether what comes on it was said by one who has the secret. */
bool peer_connection_is_tls(const struct peer_connection *connection);
/* TLS was to begin, and has not ended yet. */
bool peer_connection_awaits_tls(const struct peer_connection *connection);
/* Judges the hello that came, and answers it. */
void peer_connection_judge(struct peer_connection *connection);
/* Answers the hello that came with a sentence and nothing else. */
void peer_connection_refuse(struct peer_connection *connection, const char *sentence);
void peer_connection_pause(struct peer_connection *connection, bool pause);
/* Takes the slices over. */
void peer_connection_send(struct peer_connection *connection, uint8_t kind, struct slice *slices,
                          size_t n);
/* All bytes that came in on it. */
uint64_t peer_connection_received(const struct peer_connection *connection);
size_t peer_connection_queued(const struct peer_connection *connection);

#endif
