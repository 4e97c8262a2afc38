/*
 * Brings the ends of transactions to the partitions that took part in them: the way from the
 * coordinator that has decided to the leaders that append the markers (KIP-98, KIP-890, KIP-1228).
 *
 * Happy path: marker_order_begin looks up who leads the partitions, and sends each leader what
 * there is for it at the end of the turn, of all orders together; the leaders append the markers,
 * and `done` comes when the last one has committed and was applied there: what depends on it (the
 * offsets of a group) can be seen then. A partition that this broker leads is given its marker
 * directly, by the same code.
 * Failures: a leader that changes, is not known, does not answer, or has no room: the marker is
 * sent again to whoever leads, as soon as the table of leaders says something else, at the latest
 * MARKER_RETRY_LEAST_MS to MARKER_RETRY_MOST_MS later, for as long as it takes: PREPARE is a
 * decision, nobody may give up but who has lost its lead (marker_order_cancel). A partition that
 * does not get its marker, because it has no majority, holds up its own transactions only.
 * Deleted partitions count as done: a partition that this broker's table does not have, after the
 * table was made as new as the metadata leader's. A topic made anew under the same name gets the
 * marker; it ends nothing there.
 * Invariants: a marker goes to a leader together with the term in which that one is believed to
 * lead, and is refused in another: what was held up on its way cannot end the next transaction. No
 * marker of an order is under way when `done` is called with KAFKA_NONE. At most
 * MARKER_CALLS_MOST calls of MARKERS_A_CALL markers are under way to one broker, and a few more
 * with what it did not do in time before, so that this holds nobody else up; MARKERS_MOST markers
 * are looked after at a time, the orders behind them wait in line.
 *
 * Of a broker there is one. It stands above the partitions, and below the coordinator.
 */
#ifndef BROKER_MARKERS_MARKER_SENDER_H
#define BROKER_MARKERS_MARKER_SENDER_H

#include "broker/cluster/leader_table.h"
#include "broker/markers/marker_exchange.h"
#include "broker/metadata/asking/producer_ids.h"
#include "broker/metadata/metadata.h"

enum {
    MARKER_RETRY_LEAST_MS = 20,
    MARKER_RETRY_MOST_MS = 200,
    MARKER_CALLS_MOST = 16,     /* to a broker */
    MARKER_SLOW_CALLS_MOST = 2, /* beside them, with what it did not answer in time before */
    MARKERS_MOST = 100 * 1000,
};

struct marker_sender_options {
    struct env *env;
    struct log *log;
    const struct metadata *metadata;
    struct leader_table *leaders; /* watched */
    struct marker_road road;      /* of the exchange (marker_exchange.h) */
    /* Makes the table as new as the metadata leader's: producer_ids_ask, and its cancel. */
    void (*ask)(void *arg, struct producer_ids_ask *question);
    void (*ask_cancel)(void *arg, struct producer_ids_ask *question);
    void *ask_arg;
};

struct marker_sender;
struct marker_sender *marker_sender_new(const struct marker_sender_options *options);
/* `done` is not called for what is left. Before its options go. NULL does nothing. */
void marker_sender_free(struct marker_sender *sender);

/* Partitions of one topic, as the record of a transaction has them. */
struct marker_topic {
    const char *name;
    size_t name_len;
    const int32_t *partitions; /* none twice */
    size_t partition_count;
};

/* One decision. Lies in whoever decided, and stays, with its topics, until it is over. */
struct marker_order {
    /* The caller's. Ids and epochs are not negative. */
    int64_t producer_id;
    int16_t producer_epoch;     /* of the marker: with transaction.version 2 the one above that of
                                   the transaction */
    int32_t coordinator_epoch;  /* the term of the coordinator's partition */
    int8_t transaction_version; /* 0, 1, 2 */
    bool commit;
    const struct marker_topic *topics; /* may be none */
    size_t topic_count;
    /* Called once, never within marker_order_begin; the order can be freed within:
     *   KAFKA_NONE: each partition has its marker, on the disks of a majority, or is gone.
     *   KAFKA_INVALID_PRODUCER_EPOCH: the same, but in some partition a later transaction of the
     *     producer was found, with nothing left to be ended. That can only be if somebody else has
     *     ended this one: the caller confirms that it leads (its record of the completion does),
     *     and says so in the log.
     *   KAFKA_TRANSACTION_COORDINATOR_FENCED: over, although partitions may be without a marker: a
     *     coordinator of a later term has sent some. The caller leads no more, or an administrator
     *     has made up a term (WriteTxnMarkers). */
    void (*done)(struct marker_order *order, int16_t error);
    /* The sender's, all below. */
    struct marker_sender *sender; /* NULL: it is not under way */
    enum { MARKER_ORDER_IN_LINE, MARKER_ORDER_SENT, MARKER_ORDER_ENDED } stage;
    size_t topic_at, partition_at; /* where to go on looking up */
    struct marker *markers;        /* that are not through, of those looked up */
    int16_t error;                 /* once it is over */
    bool told_late;                /* the log has been told how long it takes */
    uint64_t began_ms;
    struct marker_order *next, *prev;
};

void marker_order_begin(struct marker_sender *sender, struct marker_order *order);
/* The lead is lost: `done` is not called, and nothing of it is sent any more; what is on its way
 * may arrive. Nothing if it is not under way. */
void marker_order_cancel(struct marker_order *order);

/* For metrics and for whoever looks why nothing goes on: orders, and markers that are looked after
 * (what waits in line is not among the latter). */
size_t marker_sender_orders(const struct marker_sender *sender);
size_t marker_sender_markers(const struct marker_sender *sender);

#endif
