/* What the files of a connection share: connection_requests.c (the list, its memory), connection.c
 * (from frame to answer), connection_limits.c (whom the server closes, and why) and
 * connection_quotas.c (who is not read for a while). */
#ifndef BROKER_SERVER_CONNECTION_INTERNAL_H
#define BROKER_SERVER_CONNECTION_INTERNAL_H

#include "base/env.h"
#include "base/secure/either_stream.h"
#include "broker/login/login.h"
#include "broker/quotas/quotas.h"
#include "broker/server/connection.h"
#include "broker/server/server_stats.h"
#include "broker/server/strangers.h"

struct connection {
    const struct connection_host *host;
    void *owner;
    const char *listener;
    struct listener_stats *counts; /* of that listener */
    struct client_entry entry;     /* in the book of clients, until it is closed */
    struct either_stream stream;
    struct frame_reader *reader;
    struct login *login;             /* NULL: its listener wants none */
    const struct tls_listening *tls; /* NULL: it speaks no TLS, or logs in, or was looked at */
    char *certified;                 /* "User:..." of its certificate; NULL: it has none */
    struct stranger stranger;
    struct send_queue *queue; /* NULL: nobody listens any more */
    struct request *first, *last;
    uint32_t in_flight;
    uint32_t holds;               /* requests that hold the connection */
    uint32_t waits;               /* requests whose work waits for a place */
    uint32_t parked;              /* requests that wait for other clients */
    uint64_t muted_until_us;      /* it has used more than its quota; 0: it has not */
    uint64_t work_us;             /* of the loop on its requests, not charged yet */
    struct env_timer *mute_timer; /* NULL: it never had */
    size_t stored_bytes;          /* answers that wait in their requests */
    size_t charged_answers;       /* to host->answers */
    uint64_t passes_since_us; /* others wait until its client has taken what is past their limit; 0:
                                 they do not */
    bool tells_gone;          /* somebody wants to know when its client has gone */
    bool closing;             /* when what is queued is written */
    bool closed;
    struct env_task sweep; /* goes on to free requests that have ended */
    unsigned inside; /* calls that walk over its requests: what ends meanwhile is freed after */
    char peer[64];
    uint64_t connected_us;
};

/* ---- connection_requests.c ---- */

/* Takes the frame over. */
struct request *request_new(struct connection *connection, struct slice frame);
/* Gives back all that it holds but its answer, which may wait for those before it: they may need
 * the memory to get on. */
void request_give_back(struct request *request);
/* Whether it is read may have changed. */
void connection_update_reading(struct connection *connection);
/* It is in the list no more. */
void request_free(struct request *request);
/* The charge follows the size of the message, which has just been decoded. */
void request_charge_message(struct request *request);
/* What its answer tells is counted, before it is sent. */
void request_told(struct request *request, const struct kp_writer *answer);
/* It has ended, and its answer has its turn: for metrics. */
void request_leaves(const struct request *request);
/* It ends: for metrics, and for those who trace requests. */
void request_note(struct request *request);
/* Charged, and last of the list. */
void connection_add_request(struct connection *connection, struct request *request);
/* There is one: the oldest is in the list no more. */
struct request *connection_take_first(struct connection *connection);
/* The charge follows the bytes that the client has not taken yet. */
void connection_recount(struct connection *connection);

/* ---- connection_login.c ---- */

/* As its listener wants it, before its first byte; and at its end. */
void connection_begin_login(struct connection *connection, const struct connection_manner *manner);
void connection_end_login(struct connection *connection);
/* Who it is at present: "User:...". As long as the connection. */
const char *connection_principal(const struct connection *connection);
/* What is not due, or whose certificate is nobody's, is ERR_DENIED, with the complaint; a token
 * without a header becomes the message.
 */
int connection_admit(struct connection *connection, struct request *request,
                     struct error_text *why);

/* Whether it is known what its API asks (broker/access/access_rows.h). */
bool connection_may_serve(struct request *request);

/* What is wrong with a frame that claims to be so long. */
void connection_explain_length(const struct connection *connection, int error, uint32_t length,
                               struct error_text *why);

/* ---- request_work.c ---- */

/* From here on the loop works on this request, and on what follows from it. True: it is measured,
 * and request_work_ends is due, when the request may be gone. */
bool request_work_begins(struct request *request);
void request_work_ends(const struct connection_host *host);

/* ---- connection_quotas.c ---- */

/* What its connection has used of that is charged to its client, who has to wait for so long
 * because of all quotas, from now on: for the answer. */
uint32_t request_charge_work(struct request *request);

/* ---- connection.c ---- */

/* One line of the log about this client: what it did, and that it is closed. */
void connection_complain(struct connection *connection, const char *what);

#endif
