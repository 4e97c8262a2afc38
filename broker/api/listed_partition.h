/*
 * A partition as it is listed to clients: who leads it, where its replicas are, which of them are
 * in sync or down. From the local tables.
 */
#ifndef BROKER_API_LISTED_PARTITION_H
#define BROKER_API_LISTED_PARTITION_H

#include "broker/api/services.h"
#include "protocol/schema.h"

struct listed_partition {
    /* NONE; LEADER_NOT_AVAILABLE; LISTENER_NOT_FOUND: the leader has no address for this listener
     */
    int16_t error_code;
    int32_t leader_id; /* LEADER_NONE with an error */
    int32_t leader_epoch;
    KP_ARRAY_OF(int32_t) replicas;
    KP_ARRAY_OF(int32_t) in_sync;
    KP_ARRAY_OF(int32_t) offline;
};

/* The arrays are made in `arena`. False: its limit is passed. */
bool list_partition(const struct broker_services *services, const char *listener,
                    const struct metadata_partition *partition, struct kp_arena *arena,
                    struct listed_partition *into);

#endif
