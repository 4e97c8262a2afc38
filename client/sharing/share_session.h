/*
 * A share session with the leader of partitions: what is fetched there, and what is said of it
 * (KIP-932; ShareFetch, ShareAcknowledge).
 *
 * Happy path: open; put what is wanted into `wanted`; fetch, and acknowledge what came, any number
 * of times; end, which gives back whatever is still held there; free.
 * Failures: a broker that does not answer, or no longer knows the session, ends it: it begins anew
 * with the next fetch, on a connection of its own, and what was held there is given to somebody
 * again. Invariant: one request is under way at a time, and takes no longer than what it waits for
 * and ANSWER_MS.
 */
#ifndef CLIENT_SHARING_SHARE_SESSION_H
#define CLIENT_SHARING_SHARE_SESSION_H

#include "client/kafka/admin_client.h"
#include "client/sharing/share_outcomes.h"
#include "client/sharing/share_places.h"
#include "protocol/messages/share_fetch.h"

struct share_session {
    int32_t node;
    struct share_places wanted; /* the caller's: what this broker leads of what is assigned */
    uint64_t rest_until_ms;     /* the caller's: it failed, and is not asked before */
    /* Its own. */
    char host[256];
    int port;
    const char *bootstrap, *group, *member;
    struct admin_client *admin; /* its one connection */
    struct share_places known;  /* what the broker has in the session */
    int32_t epoch;              /* of the next request; 0: there is no session */
};

struct share_wants {
    int32_t wait_ms; /* for the first record */
    int32_t records; /* at most */
    bool exact;      /* also where a batch has more; else what belongs to it comes, too */
};

/* `bootstrap`, `group` and `member`, which the caller sets before, outlive it. */
void share_session_open(struct share_session *session, int32_t node, const char *host, int port);
/* ERR_NONE: what the broker gives of `wanted`. Else there is no session any more: ERR_AGAIN when
 * the broker says so, ERR_* of admin_request when it cannot be asked; `why` has the sentence. */
int share_session_fetch(struct share_session *session, const struct share_wants *wants,
                        struct kp_arena *arena, struct kp_share_fetch_response *response,
                        struct error_text *why);
/* Tells outcomes of what was fetched. ERR_NONE: `refused` is how many accepted offsets do not count
 * (their time was over, say), and *why names one reason. Else as above: none may count. */
int share_session_acknowledge(struct share_session *session, const struct share_outcomes *outcomes,
                              struct kp_arena *arena, uint64_t *refused, struct error_text *why);
/* What it holds is given back. */
void share_session_end(struct share_session *session);
void share_session_free(struct share_session *session);

#endif
