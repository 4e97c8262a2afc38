/* Transactions as what --json prints. */
#ifndef CLIENT_TRANSACTIONS_TRANSACTION_JSON_H
#define CLIENT_TRANSACTIONS_TRANSACTION_JSON_H

#include <jansson.h>

#include "client/transactions/open_transactions.h"
#include "client/transactions/transaction_view.h"

/* {id, state, producer_id, producer_epoch, coordinator, timeout_ms, start_ms, open_seconds,
 * partitions: [{topic, partition}]}; null is not known, of start_ms and open_seconds also: none is
 * open. */
json_t *transaction_json(const struct transaction_row *row);

/* {topic, partition, leader, producer_id, producer_epoch, first_offset, written_ms, id}; `id` is a
 * transactional id that has this producer, NULL: none. */
json_t *open_transaction_json(const struct open_transaction *row, const char *id);

#endif
