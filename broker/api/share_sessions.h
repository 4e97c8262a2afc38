/*
 * Share sessions: what a member of a share group fetches from this broker, and in whose name it
 * holds records here (KIP-932).
 *
 *   none -- epoch 0 --> open, 1 is next -- 1, 2, ... --> -- epoch -1, or its connection closes -->
 * none
 *
 * Happy path: a request of epoch 0 opens it, each further one says the epoch that is next.
 * Failures: SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH, SHARE_SESSION_LIMIT_REACHED.
 * Who asks from one host has no more sessions, and no more partitions in them, than are free: one
 * alone gets a half of all, the next one a half of what is left (as in group_memory.h).
 * Invariants: a session ends with its connection; when it ends, whatever it holds is released, of
 * many partitions in later turns; no number of a session comes twice.
 */
#ifndef BROKER_API_SHARE_SESSIONS_H
#define BROKER_API_SHARE_SESSIONS_H

#include "broker/api/key_set.h"
#include "broker/api/services.h"
#include "broker/server/request.h"

enum { SHARE_EPOCH_OPEN = 0, SHARE_EPOCH_CLOSE = -1, SHARE_SESSION_PARTITIONS_MAX = 10000 };
enum { SHARE_SESSION_UNKNOWN_MAX = 1000 }; /* partitions of topics that nobody knows (yet) */
enum {
    SHARE_SESSIONS_MAX = 2000, /* group.share.max.share.sessions */
    SHARE_SESSIONS_OF_A_CONNECTION = 8,
    SHARE_PLACES_MAX = 500000, /* of all sessions */
};

struct share_sessions;

/* A partition of a session. */
struct share_place {
    struct kp_uuid topic;
    int32_t index;
    bool forgotten; /* it is not fetched any more, and something may be held of it still */
    int16_t told;   /* the last error of it that its client has heard of; NONE: none yet */
};

struct share_session {
    uint64_t number; /* whose locks: share_queue.h */
    int32_t epoch;   /* the next one */
    struct share_place *places;
    size_t count, capacity;
    size_t unknown;        /* of these not known when they were put in, or at the last look */
    struct kp_arena arena; /* of `keys` */
    struct key_set keys;   /* of the places */
    /* The table's. */
    const void *connection;
    char *key; /* the length of the group, the group, the member */
    size_t key_len;
    struct kp_string group; /* in `key` */
};

/* So many sessions, and partitions in all of them, at most. */
struct share_sessions *share_sessions_new(size_t most, size_t most_places);
void share_sessions_free(struct share_sessions *sessions); /* no partition is open any more */

/* Opens one, in place of an older one; on this connection. NULL: there are too many,
 * of all, of the host or of the connection. */
struct share_session *share_sessions_open(struct broker_services *services,
                                          const struct request *request, struct kp_string group,
                                          struct kp_string member);
/* The one that is to have this epoch, which moves on: NONE, or an error and NULL. */
int16_t share_sessions_take(struct broker_services *services, struct kp_string group,
                            struct kp_string member, int32_t epoch, struct share_session **session);
/* How many partitions it has; 0: there is none. */
size_t share_sessions_places(const struct share_sessions *sessions, struct kp_string group,
                             struct kp_string member);
/* NULL: it has ended. */
struct share_session *share_sessions_numbered(struct share_sessions *sessions, uint64_t number);
/* Whether another one is of the same group. */
bool share_sessions_others(struct share_sessions *sessions, uint64_t number);
/* What it holds is released, before long: nobody finds it any more. */
void share_session_end(struct broker_services *services, struct share_session *session);
void share_sessions_gone(struct broker_services *services, const void *connection);

/* NONE, or SHARE_SESSION_LIMIT_REACHED: it would be too many. Where a session is full, one that was
 * forgotten makes room, and what is held of it is released. */
int16_t share_session_put(struct broker_services *services, struct share_session *session,
                          struct kp_uuid topic, int32_t index);
/* An error of a partition: the last one that was told; NONE: none, or it has it not. */
int16_t share_session_told(const struct share_session *session, struct kp_uuid topic,
                           int32_t index);
void share_session_tell(struct share_session *session, struct kp_uuid topic, int32_t index,
                        int16_t code);
void share_session_forget(struct share_session *session, struct kp_uuid topic, int32_t index);

#endif
