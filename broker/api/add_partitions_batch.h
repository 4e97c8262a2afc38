/* AddPartitionsToTxn from version 4 on, for add_partitions_to_txn.c. */
#ifndef BROKER_API_ADD_PARTITIONS_BATCH_H
#define BROKER_API_ADD_PARTITIONS_BATCH_H

#include "broker/server/request.h"

void add_partitions_batch(void *service, struct request *request);

#endif
