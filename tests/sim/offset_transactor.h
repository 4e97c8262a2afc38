/*
 * Transactions that commit where a group goes on reading, one after the other, by one producer of
 * its own: straight to whoever leads the group's partition of __consumer_offsets, as the
 * coordinator of transactions will let clients write and end them, whatever happens beside.
 *
 * Between them, and while one is open, the group commits offsets without a transaction, too. The
 * rules, for whoever reads: an offset of an open transaction is not read, but it is told that there
 * is one; when the transaction has committed its offset is read, unless another was committed
 * behind it; when it was aborted it never is. Where nobody knows whether a commit without a
 * transaction was written, it may be read from then on; if one in a transaction is not known, that
 * is aborted.
 */
#ifndef SIM_OFFSET_TRANSACTOR_H
#define SIM_OFFSET_TRANSACTOR_H

#include "tests/sim/kafka_client.h"

struct cluster;
struct offset_transactor;

/* `number` names the group. In the process of the client, which stays. */
struct offset_transactor *offset_transactor_new(struct cluster *cluster,
                                                struct kafka_client *client, unsigned number,
                                                uint64_t interval_us);
void offset_transactor_finish(struct offset_transactor *transactor); /* it begins no more */
/* Nothing is open or under way, and what is committed was read since. */
bool offset_transactor_is_done(const struct offset_transactor *transactor);

#endif
