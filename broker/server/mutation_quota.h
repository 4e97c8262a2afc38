/* The quota of changes that make and delete partitions (controller_mutation_rate, KIP-599): for the
 * APIs that do. Nothing while nobody has one. */
#ifndef BROKER_SERVER_MUTATION_QUOTA_H
#define BROKER_SERVER_MUTATION_QUOTA_H

#include "broker/server/request.h"

/* Its client makes or deletes so many. Returns for how long it is not read from now on, which its
 * answer tells without the handler; 0: it is read. Not `given`: it may not now, which is only said
 * to a `strict` one. */
uint32_t request_try_mutation(struct request *request, uint64_t partitions, bool strict,
                              bool *given);

#endif
