/*
 * The leader's side of moving a lead: this broker hands a partition that it leads to another broker
 * when it is asked to.
 *
 * Happy path: the target is a replica that has nearly everything; the group hands over
 * (raft_group_transfer_begin), and the asker is told when this broker leads no more. The new leader
 * announces itself. Failures: an outcome that says why the lead stayed; nothing is harmed by asking
 * again. Invariant: at most LEADER_TRANSFERS_MAX partitions at a time; who asks for more is told to
 * ask again. Who asks: leader_ask.h.
 */
#ifndef BROKER_BALANCE_LEADER_TRANSFER_H
#define BROKER_BALANCE_LEADER_TRANSFER_H

#include "broker/cluster/broker_messages.h"
#include "broker/metadata/metadata.h"
#include "broker/partition_set/partition_set.h"

enum { LEADER_TRANSFERS_MAX = 32 };

enum leader_transfer_outcome {
    TRANSFER_DONE,       /* this broker leads no more */
    TRANSFER_NOT_NEEDED, /* the target led already */
    TRANSFER_NOT_LEADER, /* this broker does not lead it; somebody else may */
    TRANSFER_NOT_READY,  /* the target is no replica, is not connected, or lags behind */
    TRANSFER_BUSY,       /* too many are under way: ask again */
    TRANSFER_IN_VAIN,    /* the target did not take over in time; the lead stayed */
    TRANSFER_OUTCOMES,
};

struct leader_transfers;

/* Serves the other brokers' requests, too. */
struct leader_transfers *leader_transfers_new(int32_t node, const struct metadata *metadata,
                                              struct partition_set *partitions,
                                              struct broker_messages *messages);
/* Nobody is told any more. NULL does nothing. */
void leader_transfers_free(struct leader_transfers *transfers);

struct leader_handover {
    void (*done)(struct leader_handover *handover, enum leader_transfer_outcome outcome);
    struct leader_transfers *transfers; /* ours, all below; NULL: not under way */
    struct raft_group_transfer transfer;
    struct leader_handover *next, *prev;
};
/* Hands the group to that broker. True: under way, `done` comes later. False: *outcome, it is over.
 */
bool leader_handover_begin(struct leader_transfers *transfers, struct leader_handover *handover,
                           uint64_t group, int32_t target, enum leader_transfer_outcome *outcome);
/* `done` is not called. Nothing if it is not under way. */
void leader_handover_cancel(struct leader_handover *handover);

/* The bytes of a request of the others and of its answer. ERR_MALFORMED. */
struct slice leader_transfer_request(uint64_t group, int32_t target);
int leader_transfer_answer_decode(const uint8_t *body, size_t len,
                                  enum leader_transfer_outcome *outcome);

#endif
