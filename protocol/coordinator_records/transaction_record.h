/*
 * The records of __transaction_state, in Kafka's format: the key is a transactional id, the value
 * all that is known of it; a record without a value says that the id is gone.
 *
 * They are read and written like those of __consumer_offsets (coordinator_record.h); the numbers of
 * keys are another count, in which there is only 0.
 *
 * Specification: TransactionLogKey.json, TransactionLogValue.json of Kafka's transaction
 * coordinator; KIP-890 for the tagged fields. Versions of the value 0 and 1: 1 is written, as Kafka
 * does from transaction.version 1 on. The last epoch is ours: Kafka forgets it when its coordinator
 * moves, and then fences who asks again for what it did not hear (KAFKA-20357).
 */
#ifndef PROTOCOL_COORDINATOR_RECORDS_TRANSACTION_RECORD_H
#define PROTOCOL_COORDINATOR_RECORDS_TRANSACTION_RECORD_H

#include "protocol/coordinator_records/coordinator_record.h"

struct kp_transaction_key {
    struct kp_string transactional_id;
};

struct kp_transaction_partitions {
    struct kp_string topic;
    KP_ARRAY_OF(int32_t) partitions;
};

struct kp_transaction_value {
    int64_t producer_id;
    int64_t previous_producer_id; /* 1, tagged; -1: none */
    int64_t next_producer_id;     /* 1, tagged; -1: none */
    int16_t producer_epoch;
    int32_t timeout_ms;
    int8_t status;                                        /* Kafka's number of the state */
    KP_ARRAY_OF(struct kp_transaction_partitions) topics; /* null: none */
    int64_t last_update_ms;
    int64_t start_ms;                   /* -1: no transaction was begun */
    int16_t client_transaction_version; /* 1, tagged; of who began or ended it */
    int16_t last_producer_epoch;        /* 1, tagged, private; -1: none */
};

extern const struct kp_schema kp_transaction_key_schema;
extern const struct kp_schema kp_transaction_partitions_schema;
extern const struct kp_schema kp_transaction_value_schema;

/* For kp_record_key_decode and the others. */
extern const struct kp_record_type kp_transaction_record_type;
/* The key is one of a transactional id. */
bool kp_is_transaction_key(const void *key, size_t len);

#endif
