/*
 * What the files of Fetch share. From the ground to the top:
 *
 *   fetch_set.c, fetch_sessions.c   the partitions, and those of clients that come again
 *   fetch_answer.c                  what was read becomes the answer
 *   fetch_round.c                   reading what is to be looked at, once
 *   fetch.c                         the request: what it asks, when it reads, how long it waits
 */
#ifndef BROKER_API_FETCH_INTERNAL_H
#define BROKER_API_FETCH_INTERNAL_H

#include "broker/api/fetch_sessions.h"
#include "broker/api/leader_hint.h"
#include "broker/memory/parking.h"

/* What a fetch has of one partition: an error, batches, or something else that the client does not
 * know yet. */
struct fetch_part {
    struct partition_read read; /* first */
    struct fetch_state *owner;
    struct fetch_entry *entry;
    struct fetch_part *next;
    struct fetch_part *holds; /* the next one that holds batches */
    int16_t code;
};

struct fetch_parts {
    struct fetch_part *first, *last;
    size_t count;
};

struct fetch_state {
    struct broker_services *services;
    struct request *request;
    struct kp_fetch_response response;
    struct leader_hints hints;
    struct fetch_set *set;         /* the session's, or the request's own: */
    struct fetch_session *session; /* NULL: it has none */
    struct fetch_set own;
    void (*round_over)(struct fetch_state *state);
    void (*no_memory)(struct fetch_state *state); /* for the answer: ends the request */
    bool full; /* the answer has every partition: it is no going on of a session */
    /* While preparing: where to go on in the request, and with which of its partitions. */
    int32_t topic, of;
    struct fetch_topic *into; /* that topic, in the set */
    bool forgetting;
    /* Reading. */
    struct fetch_entry *next;   /* to be read in this round; NULL: no more */
    struct fetch_part *current; /* that is read; else NULL */
    struct fetch_parts parts;   /* of this round, as they were read; those that hold batches: */
    struct fetch_part *holders; /* by `holds` */
    struct fetch_part *spare;
    uint64_t min_bytes; /* worth an answer */
    uint64_t max_bytes;
    uint64_t bytes; /* read in this round */
    uint64_t worth; /* the same, and what would be read if no limit of the partitions were in the
                       way, up to these limits */
    size_t closed;  /* partitions that can bring no more, however much is produced */
    bool limit_reached; /* that of all */
    uint64_t charged;   /* for what is held of it */
    uint64_t arrived;   /* became visible since the round began */
    bool changed;       /* a leadership has, since then */
    bool reading;       /* a round is under way */
    bool waiting;       /* for something to move */
    bool must_answer;   /* a partition has an error */
    bool time_is_over;
    bool looks_late; /* in a later turn */
    struct deadline deadline;
    struct parked parked; /* while it waits */
    struct env_task look; /* reads again, at the end of the turn in which something moved */
    /* Answering. */
    struct traffic_reader_id reader;          /* who is noted at each partition */
    size_t at;                                /* place in the set, also of leaving it */
    bool too_large;                           /* there is no memory for what it has to tell */
    struct fetch_part *answered;              /* of the parts, the next one */
    struct kp_fetch_response_partition *out;  /* the next one */
    const struct fetch_topic *topic_answered; /* to which it belongs */
    void (*end)(struct request *request);     /* once the set is left */
};

/* ---- fetch_round.c ---- */

/* Reads what is listed, in steps; then round_over, or no_memory. */
void fetch_round(struct fetch_state *state);
/* The read under way is canceled, and no other one begins. */
void fetch_round_stop(struct fetch_state *state);
/* Batches are given back; what is known of the partitions stays. */
void fetch_drop_batches(struct fetch_state *state);

/* ---- fetch_answer.c ---- */

/* Ends the request with what was read, in steps; or no_memory. */
void fetch_answer(struct fetch_state *state);

#endif
