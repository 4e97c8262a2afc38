/*
 * What coordinators of transactions tell the leaders of partitions ahead of the producers: that the
 * partitions take part, so that the leaders need not ask (transaction_asks.h) when the first
 * batches come.
 *
 * A message, big-endian: i8 format, string transactional.id, i64 producer id, i16 epoch, i32 epoch
 * of the coordinator, i32 count (1 to TRANSACTION_INVITED_MOST), for each: i64 Raft group, i32 term
 * of its leader.
 *
 * Happy path: when the partitions are in the coordinator's log, each of their leaders gets one
 * message, and keeps what it says (producer_state_invite). Failures: what gets lost, comes to
 * another leader than was meant, or is beyond TRANSACTION_INVITED_MOST, is asked for; a message
 * that makes no sense is dropped, which the log says. Invariants: it leaves on the connection on
 * which the markers of the same transaction will, before them; a leader of another term takes none.
 */
#ifndef BROKER_VERIFICATION_TRANSACTION_INVITATIONS_H
#define BROKER_VERIFICATION_TRANSACTION_INVITATIONS_H

#include "broker/cluster/broker_messages.h"
#include "broker/cluster/leader_table.h"
#include "broker/coordinator/transaction/transaction_partitions.h"
#include "broker/metadata/metadata.h"
#include "broker/partition_set/partition_set.h"
#include "broker/producer/producer_state.h"

enum { TRANSACTION_INVITED_MOST = 256 }; /* at a time: some 30 us */

struct transaction_invitations_options {
    struct log *log;
    int32_t node; /* this broker */
    const struct metadata *metadata;
    const struct leader_table *leaders;
    struct broker_messages *messages;
};

struct transaction_invitations;
struct transaction_invitations *transaction_invitations_new(
    const struct transaction_invitations_options *options);
void transaction_invitations_free(struct transaction_invitations *invitations);

/* To whoever leads the partitions, this broker included, which finds its own in `own`. */
void transaction_invitations_send(struct transaction_invitations *invitations,
                                  struct partition_set *own,
                                  const struct producer_invitation *invitation,
                                  const struct transaction_partitions *partitions);
/* Of another broker. */
void transaction_invitations_receive(struct transaction_invitations *invitations,
                                     struct partition_set *own, int32_t node,
                                     const struct slice *message);

#endif
