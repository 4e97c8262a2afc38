/*
 * Requests of a transactional producer, each in a version at random among those that it may use,
 * and what their answers say.
 */
#ifndef SIM_TRANSACTIONS_TRANSACTION_CALLS_H
#define SIM_TRANSACTIONS_TRANSACTION_CALLS_H

#include "tests/sim/kafka_client.h"

struct transactional_name {
    const char *id; /* transactional.id */
    int64_t producer_id;
    int16_t epoch;
    bool raises; /* transaction.version 2: what it sends adds partitions, each end raises its epoch
                  */
};

/* How a call leaves. */
struct calling {
    struct kafka_client *client;
    struct kafka_link *link;
    struct kafka_call *call;
    uint64_t patience_us;
};

/* Of a group, or of a transactional id. The answer: coordinator_answer (offset_calls.h). */
void find_call(const struct calling *calling, const char *key, bool of_group);
/* `given`: it names who it was. */
void init_call(const struct calling *calling, const struct transactional_name *name,
               int32_t timeout_ms, bool given);
void add_partitions_call(const struct calling *calling, const struct transactional_name *name,
                         int32_t *partitions, int32_t count);
/* Of all partitions: whatever is not NONE, and not OPERATION_NOT_ATTEMPTED, if there is such. */
int16_t add_partitions_answer(const void *answer);
void transactional_produce_call(const struct calling *calling,
                                const struct transactional_name *name, int32_t partition,
                                const uint8_t *bytes, size_t len);
void add_offsets_call(const struct calling *calling, const struct transactional_name *name,
                      const char *group);
/* Of partition 0 of the client's topic, all three. */
void commit_in_transaction_call(const struct calling *calling,
                                const struct transactional_name *name, const char *group,
                                int64_t offset);
int16_t commit_in_transaction_answer(const void *answer);
/* With require_stable. The answer: offset_fetch_answer (offset_calls.h). */
void stable_offset_call(const struct calling *calling, const char *group);
void end_call(const struct calling *calling, const struct transactional_name *name, bool commit);

#endif
