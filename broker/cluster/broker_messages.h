/*
 * What brokers say to each other beside Raft: announcements, and small requests with answers.
 *
 * Happy path: a call gets a number, goes out on the control channel, and its answer with that
 * number ends it. One handler answers each kind of request, now or later. Failures: the link breaks
 * (ERR_CONNECTION) or the time is over (ERR_TIMEOUT): what was asked for may have been done all the
 * same. Malformed messages are dropped with a log line.
 * Invariants: each call ends once, never inside broker_messages_call; answers to a broker that is
 * gone go nowhere.
 */
#ifndef BROKER_CLUSTER_BROKER_MESSAGES_H
#define BROKER_CLUSTER_BROKER_MESSAGES_H

#include "raft-glue/peer/peers.h"

/* Kinds of peer frames. */
enum broker_message_kind {
    BROKER_MESSAGE_LEADERS = PEER_KIND_BROKER, /* leader_table.h */
    BROKER_MESSAGE_RECORD,                     /* the cluster record, once it is made */
    BROKER_MESSAGE_REQUEST,                    /* u64 number, u8 what, body */
    BROKER_MESSAGE_ANSWER,                     /* u64 number, body */
    BROKER_MESSAGE_ADMITTED,    /* u64 replica id in group 0 of who gets it, the cluster record */
    BROKER_MESSAGE_ADDRESSES,   /* where the brokers of the roster are (broker_addresses.c) */
    BROKER_MESSAGE_INVITATIONS, /* transaction_invitations.h: these partitions take part in it */
};

enum broker_request {
    BROKER_REQUEST_METADATA = 1, /* metadata_group.h: change this */
    BROKER_REQUEST_LEASE,        /* broker_session.h: I am alive */
    BROKER_REQUEST_TRANSFER,     /* leader_transfer.h: hand this lead over */
    BROKER_REQUEST_QUORUM,       /* metadata_quorum.h: how far is each of us with the metadata */
    BROKER_REQUEST_CLEAN,        /* tombstone_marking.h: how far are these replicas clean */
    BROKER_REQUEST_LAG,          /* lag_exchange.h: what was not consumed of these partitions */
    BROKER_REQUEST_MARKERS,      /* marker_exchange.h: end these transactions in your partitions */
    BROKER_REQUEST_TRANSACTION,  /* transaction_asks.h: is this partition in this transaction */
    BROKER_REQUEST_ENTRY,        /* entry_exchange.h: a part of this entry of a log */
    BROKER_REQUEST_RANGE,        /* range_exchange.h: what is left of these entries of a log */
    BROKER_REQUEST_STATE,        /* state_exchange.h: what the appliers of a log know */
    BROKER_REQUEST_PLACE,        /* place_exchange.h: where a log begins */
    BROKER_REQUEST_SHARING,      /* sharing_exchange.h: of a group that shares these partitions */
    BROKER_REQUEST_CAUSE,   /* cause_exchange.h: who reads these partitions, what comes to them */
    BROKER_REQUEST_LETTERS, /* letter_exchange.h: dead letters into this partition */
    BROKER_REQUEST_FURTHER, /* further_exchange.h: one more entry of a log */
    BROKER_REQUESTS,
};

struct broker_messages;

struct broker_messages *broker_messages_new(struct env *env, struct log *log, struct peers *peers);
/* Calls under way end with ERR_CANCELED within this call. */
void broker_messages_free(struct broker_messages *messages);

/* ---- Asking ---- */

struct broker_call {
    /* ERR_NONE and the answer (valid during the call), or ERR_CONNECTION, ERR_TIMEOUT,
     * ERR_CANCELED. */
    void (*done)(struct broker_call *call, int error, const uint8_t *answer, size_t len);
    uint64_t number; /* ours, all below */
    int32_t node;
    uint64_t deadline_ms;
    bool waits;
    struct broker_call *next, *prev;
};
/* `body` is taken over. */
void broker_messages_call(struct broker_messages *messages, struct broker_call *call, int32_t node,
                          enum broker_request what, struct slice body, uint32_t timeout_ms);
/* `done` is not called. */
void broker_messages_call_cancel(struct broker_messages *messages, struct broker_call *call);

/* ---- Answering ---- */

/* Where an answer goes. Copy it to answer later. */
struct broker_caller {
    int32_t node;
    uint64_t number;
};
typedef void broker_request_handler(void *arg, struct broker_caller caller, const uint8_t *body,
                                    size_t len);
void broker_messages_serve(struct broker_messages *messages, enum broker_request what,
                           broker_request_handler *handler, void *arg);
void broker_messages_answer(struct broker_messages *messages, struct broker_caller caller,
                            struct slice body);

/* ---- From the peers ---- */

/* One-way, on the control channel; takes the slice over. */
void broker_messages_send(struct broker_messages *messages, int32_t node,
                          enum broker_message_kind kind, struct slice payload);
/* A REQUEST or ANSWER arrived; takes the payload over. */
void broker_messages_receive(struct broker_messages *messages, int32_t node, uint8_t kind,
                             struct slice payload);
/* A link broke: calls to brokers that are not up end. */
void broker_messages_down(struct broker_messages *messages);

#endif
