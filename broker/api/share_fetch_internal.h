/* Inside of ShareFetch, shared by share_fetch.c (rounds, waiting, the answer),
 * share_fetch_part.c (one partition of a round), share_fetch_session.c (what it names and forgets).
 * Nobody else's. */
#ifndef BROKER_API_SHARE_FETCH_INTERNAL_H
#define BROKER_API_SHARE_FETCH_INTERNAL_H

#include "broker/api/share_request.h"
#include "broker/memory/parking.h"
#include "protocol/messages/share_fetch.h"

/* One request on its way; in its arena. */
struct fetching {
    struct share_request share; /* first */
    struct kp_share_fetch_response response;
    struct deadline deadline;
    struct parked parked; /* while it waits */
    struct env_task look;
    bool (*next)(struct request *request); /* the steps of a round */
    struct share_part *reading;            /* NULL: none is read */
    int32_t topic, partition; /* of what the request names, or forgets: how far it is */
    bool forgetting;
    size_t first, at; /* of the round: where it began, and how far it is */
    uint64_t bytes, records, most_bytes, most_records;
    uint64_t least_bytes;  /* that are waited for */
    uint64_t lacks;        /* of them, when it was looked last; 0: any record is waited for */
    uint64_t part_records; /* of the partition that is read */
    size_t failed;         /* partitions of the round */
    bool has_news;         /* the client has not heard of one of these errors */
    bool exact, time_is_over, waiting;
    bool gave_back;    /* there was less than it wants */
    bool may_take_all; /* others who wait for as much had a part of what there was, in this round */
    bool takes_all;    /* its part was too little: in this round it takes theirs */
    bool others;       /* are of the same group, as of the round's beginning */
    int16_t refusal;   /* is all that it hears, when its time is over; NONE: it has a session */
};

enum share_naming {
    SHARE_NAMING_MORE,
    SHARE_NAMING_DONE,
    SHARE_NAMING_REFUSED,
    SHARE_NAMING_TOO_LARGE
};
/* Some of the partitions that the request names, then of those that it forgets. REFUSED: with
 * *code; DONE: those of the session are listed, if it goes on. */
enum share_naming share_fetch_name_some(struct fetching *state, int16_t *code);

struct fetching *share_fetching_of(const struct share_part *part);
/* NULL: it has ended. */
struct share_session *share_fetch_session(const struct fetching *state);
/* The share of the group there; NULL: none, or not here any more. */
struct share *share_fetch_share(struct fetching *state, const struct share_part *part,
                                struct partition **partition);
/* What there is for it is taken. False: it is read yet, and the round goes on behind that. */
bool share_fetch_part(struct fetching *state, struct share_part *part);

#endif
