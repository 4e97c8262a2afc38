/*
 * Inside of the sender of markers, shared by marker_sender.c (orders: from names to partitions, and
 * their ends) and marker_routes.c (partitions: to whom, when, how often). Nobody else's.
 */
#ifndef BROKER_MARKERS_MARKER_SENDER_INTERNAL_H
#define BROKER_MARKERS_MARKER_SENDER_INTERNAL_H

#include "broker/markers/marker_sender.h"

#include <uthash.h>

enum { MARKER_BACKOFFS = 4, MARKER_LANES = 2 };

/* One partition of an order that does not have its marker yet. */
struct marker {
    struct marker_order *order; /* NULL: given up, and free as soon as its call is over */
    struct marker_row *row;     /* NULL: the table does not have the partition */
    size_t topic;               /* of the order */
    int32_t partition;
    bool called;                 /* in a call, else in a list: the row's, or of the unknown */
    struct marker *next, *prev;  /* there */
    struct marker *left, *right; /* in the order's */
};

/* A partition for which there is a marker: of all orders. */
struct marker_row {
    uint64_t group;
    struct marker *ready; /* to be sent */
    size_t called;        /* under way */
    enum { ROW_IDLE, ROW_LISTED, ROW_PARKED } place;
    struct marker_peer *peer; /* if listed */
    bool slow;                /* its leader did not do it in time; in which lane it is listed */
    unsigned backoff;         /* for the next time, place in marker_backoffs_ms */
    unsigned parked_at;       /* if parked: in which list */
    uint64_t due_ms;
    int16_t code; /* why it was not done the last time; NONE: it was not asked, or not answered */
    struct marker_row *next, *prev;
    UT_hash_handle hh;
};

/* A broker that leads something, and what is under way to it; by lane: 1 are the slow. */
struct marker_peer {
    int32_t node;
    struct marker_row *rows[MARKER_LANES];
    size_t calls[MARKER_LANES];
    struct marker_peer *next;
};

struct marker_sender {
    struct marker_sender_options options;
    struct marker_order *orders[MARKER_ORDER_ENDED + 1]; /* by stage, each as they came there */
    size_t order_count, marker_count;
    struct env_task look_task, tell_task;
    struct env_timer *late_timer; /* looks for orders that take long */
    /* Of partitions that the table does not have: before the question, and in it. */
    struct marker *unknown, *asked;
    struct producer_ids_ask question;
    bool asking;
    /* What the routes tell. It has its marker, or is gone: frees it, and the order ends with its
     * last one, in a later task. Or the order is over before: none of its markers is sent any more.
     */
    void (*through)(struct marker *marker);
    void (*fail)(struct marker_order *order, int16_t error);
    /* marker_routes.c */
    struct marker_row *rows;
    struct marker_row *parked[MARKER_BACKOFFS]; /* each by due_ms */
    struct marker_peer *peers;
    struct marker_sending *sendings;
    struct env_task send_task, retry_task;
    struct env_timer *retry_timer;
    struct leader_watch watch;
};

/* ---- marker_routes.c ---- */

/* `through` and `fail` are set. */
void marker_routes_open(struct marker_sender *sender);
void marker_routes_close(struct marker_sender *sender); /* no order is left */
/* The marker goes to whoever leads that group; sent at the end of the turn at the earliest. */
void marker_route(struct marker_sender *sender, struct marker *marker, uint64_t group);
/* It is not sent, or, if it is under way, its answer means nothing. Frees it. */
void marker_unroute(struct marker_sender *sender, struct marker *marker);

#endif
