/*
 * Transactions in a partition, one after the other, by one producer: some records, then a marker
 * that commits or aborts them. They go straight to whoever leads, as the coordinator of
 * transactions will let clients write and end them, whatever happens beside.
 *
 * Half of the producers have an epoch for each transaction (transaction.version 2): then a marker
 * may come once more while the next transaction is open, which it must not end. Those of the others
 * look all the same: they come once more only as they do in a cluster, meant for a leader of an
 * earlier term.
 *
 * A record is sent once: if nobody knows whether it was written, the transaction is aborted. A
 * marker is sent until it is known to be there. The rules, for a consumer that reads what has
 * committed: nothing of an open transaction is read; with what was aborted comes an entry that says
 * so, and none with what was committed. What every reader must find is the history's business.
 */
#ifndef SIM_TRANSACTOR_H
#define SIM_TRANSACTOR_H

#include "protocol/messages/fetch.h"
#include "tests/sim/kafka_client.h"

struct cluster;
struct transactor;

/* `number`: of the producer in the history. In the process of the client, which stays. */
struct transactor *transactor_new(struct cluster *cluster, struct kafka_client *client,
                                  int32_t partition, unsigned number, uint64_t interval_us);
/* What a consumer that reads what has committed was answered; NULL: the answer is through. */
void transactor_told(struct transactor *transactor,
                     const struct kp_fetch_response_partition *answer);
/* It read that record, of whatever producer. */
void transactor_read(struct transactor *transactor, int64_t offset, unsigned producer,
                     uint64_t number);
/* That record may be given to who gets nothing that is open or was aborted. */
bool transactor_may_give(const struct transactor *transactor, unsigned producer, uint64_t number);
void transactor_finish(struct transactor *transactor); /* it begins no more */
/* Nothing is open, and nothing under way. */
bool transactor_is_done(const struct transactor *transactor);

#endif
