/*
 * Inside of the producer state, shared by producer_table.c (who is in it), producer_state.c (the
 * rules of batches), producer_transactions.c (those of markers) and producer_snapshot.c (the
 * bytes). Nobody else's.
 */
#ifndef BROKER_PRODUCER_PRODUCER_STATE_INTERNAL_H
#define BROKER_PRODUCER_PRODUCER_STATE_INTERNAL_H

#include "broker/producer/producer_hash.h"
#include "broker/producer/producer_refusals.h"
#include "broker/producer/producer_state.h"

/* What a leader took and what has not committed: a batch, or a marker. */
struct in_flight {
    struct producer_batch batch;   /* of a marker: its epoch, offset, and nothing else */
    struct producer_marker marker; /* if is_marker */
    bool is_marker;
};

struct producer_invited {
    int16_t epoch;
    size_t id_len;
    char id[];
};

struct producer {
    int64_t id;
    int64_t heard_ms; /* by the clock of the log, at or behind its last commit; HEARD_SINCE: the
                         clock has not gone on since */
    bool committed;   /* the next six hold: something has, and was not forgotten */
    int16_t epoch;
    int32_t coordinator_epoch; /* -1: of no marker */
    kafka_offset open_offset;  /* -1: no transaction is open */
    int64_t timestamp;         /* of the last batch or marker */
    /* The last that committed, all of this epoch, oldest first; none if only markers have. */
    struct producer_batch window[PRODUCER_WINDOW];
    uint32_t window_count;
    struct in_flight *in_flight; /* this leader's, oldest at in_flight_first */
    uint32_t in_flight_first, in_flight_count, in_flight_capacity;
    /* Of a batch in sequence; here, so that nobody else's takes its place. */
    struct refusal refusal;
    bool refused;                     /* `refusal` holds: nothing was taken since */
    struct producer_invited *invited; /* NULL: it is not; the leader's */
    struct producer *next, *prev;     /* those with something committed, by their last commit */
    struct producer *open_next,
        *open_prev; /* those with an open transaction, by its first offset */
    UT_hash_handle hh;
};

enum { HEARD_SINCE = -1 };

struct producer_state {
    struct producer_state_options options;
    struct producer *table;
    struct producer *oldest; /* and behind it the others, by their last commit */
    size_t committed_count;  /* of these */
    struct producer *open;   /* the first to have opened its transaction, and behind it others */
    struct aborted_list aborted;
    int64_t forgotten_id;        /* the highest id ever forgotten; -1: none */
    int64_t clock_ms;            /* of the log */
    struct refusals *refusals;   /* of producers that are not in the table */
    struct producer_walk *walks; /* into snapshots, under way */
    struct {
        bool begun, old;
        uint32_t producers, aborted; /* still to be read */
    } decoding;
};

/* In the order of the list, behind which whoever changes goes again: so he is met again. */
struct producer_walk {
    struct producer_state *state;
    struct producer *at; /* NULL: all have been met */
    bool stale;          /* something that was put is no more, or another one now: begin anew */
    struct snapshot_bytes producers, aborted;
    uint32_t producer_count, aborted_count;
    struct producer_walk *next, *prev;
};

/* A producer as it is with what is in flight. */
struct producer_outlook {
    int16_t epoch;
    int32_t coordinator_epoch;
    bool open;
    const struct producer_batch
        *last; /* the newest of this epoch that has a sequence; NULL: none */
};

struct producer *producer_find(const struct producer_state *state, int64_t producer_id);
struct producer *producer_find_or_make(struct producer_state *state, int64_t producer_id);
void producer_remove_if_empty(struct producer_state *state, struct producer *producer);
/* Into the list of those with something committed, as the newest, and out of it. */
void producer_list(struct producer_state *state, struct producer *producer);
void producer_unlist(struct producer_state *state, struct producer *producer);
/* Something that walks may have put is no more, or another one now. */
void producer_walks_stale(struct producer_state *state);
/* A producer with something committed, newest of all; what was restored of it before counts no
 * more. */
struct producer *producer_restore(struct producer_state *state, int64_t producer_id);
/* Something of it has committed, at the moment: it is the newest of all. */
void producer_heard(struct producer_state *state, struct producer *producer, int16_t epoch,
                    int64_t timestamp);
struct producer_outlook producer_outlook_of(const struct producer *producer);
/* Behind what is in flight of it already. Returns whose it is. */
struct producer *producer_put_in_flight(struct producer_state *state,
                                        const struct in_flight *taken);
/* It is invited no more. */
void producer_drop_invitation(struct producer *producer);
/* What is in flight at that offset, if that is the oldest, is so no more. */
void producer_landed(struct producer *producer, kafka_offset offset);
/* Its transaction begins there, behind those of all others; unless one is open. */
void producer_open(struct producer_state *state, struct producer *producer, kafka_offset offset);

#endif
