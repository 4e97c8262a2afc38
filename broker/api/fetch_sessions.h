/*
 * Fetch sessions: what clients fetch again and again is kept here, so that they name only what is
 * new in it. KIP-227.
 *
 * Happy path: a full fetch makes a session; each further fetch names it and the epoch that is next,
 * which counts up.
 *
 * Failures: Kafka's codes. When there is no room (their number, their memory) a new one takes the
 * place of one that nobody has used for two minutes, or of a smaller one that is older than that,
 * as in Kafka; else of one of the host that has most, if that has more than the one that asks; else
 * there is none, and the client goes on without. A client that makes one after the other on a
 * connection loses its own.
 *
 * Invariants: memory is charged as it is taken, and is bounded for each and for all; a session is
 * only found by the principal that made it; what is removed is taken apart in steps, because it may
 * wait at a hundred thousand partitions.
 */
#ifndef BROKER_API_FETCH_SESSIONS_H
#define BROKER_API_FETCH_SESSIONS_H

#include "base/buffer.h"
#include "broker/api/fetch_set.h"

enum {
    FETCH_SESSION_PARTITIONS_MAX = 100000,
    FETCH_SESSION_OLD_MS = 120 * 1000, /* Kafka's, which has no setting for it */
    FETCH_SESSIONS_OF_A_CONNECTION = 8,
};

struct fetch_sessions;

struct fetch_session {
    struct fetch_set set;
    int32_t id;    /* above 0 */
    int32_t epoch; /* that the next request must have */
    /* The fetch that is under way, and whether it still takes over what the client asks. */
    void *fetch;
    bool preparing;
    /* The table's. */
    struct fetch_sessions *sessions;
    struct kp_arena arena;
    size_t charged;
    char *principal, *peer; /* of the client that made it */
    uint64_t made_ms, used_ms;
    bool removed;
    struct fetch_session *next, *prev; /* by their last use, the longest unused first; or removed */
};

/* At most `slots`, with `bytes` in all. */
struct fetch_sessions *fetch_sessions_new(struct env *env, size_t slots, size_t bytes);
/* From now on; those that are there beyond it stay until they end. */
void fetch_sessions_set_limits(struct fetch_sessions *sessions, size_t slots, size_t bytes);
void fetch_sessions_free(
    struct fetch_sessions *sessions); /* no fetch may be under way; NULL: nothing */
size_t fetch_sessions_count(const struct fetch_sessions *sessions);
size_t fetch_sessions_bytes(
    const struct fetch_sessions *sessions); /* also of what is taken apart */

/* Who asks: a session is of a principal, and was made on a connection. */
struct fetch_asker {
    const char *principal;
    const char *peer; /* address and port */
    uint64_t now_ms;
};

/* A new one, for so many topics and partitions; NULL: there is no room. */
struct fetch_session *fetch_sessions_make(struct fetch_sessions *sessions,
                                          const struct fetch_asker *asker, bool by_id,
                                          size_t topics, size_t partitions);
/* The one that this request goes on with; from now on the next epoch is expected. Else
 * FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR. */
int16_t fetch_sessions_take(struct fetch_sessions *sessions, const struct fetch_asker *asker,
                            int32_t id, int32_t epoch, bool by_id, struct fetch_session **session);
/* When the one with that id was asked for last; 0: there is none. */
uint64_t fetch_sessions_used_ms(const struct fetch_sessions *sessions, int32_t id);
/* Ends the one with that id, if it is this principal's. */
void fetch_sessions_end(struct fetch_sessions *sessions, const struct fetch_asker *asker,
                        int32_t id);

/* Charges what its set has grown by. False: all of them together have too much now. */
bool fetch_session_charge(struct fetch_session *session);
/* It is found no more. Its memory goes once no fetch is under way in it. */
void fetch_session_remove(struct fetch_session *session);
/* The fetch under way is over. */
void fetch_session_leave(struct fetch_session *session);

#endif
