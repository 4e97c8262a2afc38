/* What the files of the coordinator share. For others: group_coordinator.h. */
#ifndef BROKER_COORDINATOR_SERVING_GROUP_COORDINATOR_INTERNAL_H
#define BROKER_COORDINATOR_SERVING_GROUP_COORDINATOR_INTERNAL_H

#include "broker/coordinator/offsets/offset_store.h"
#include "broker/coordinator/offsets/offset_sweep.h"
#include "broker/coordinator/serving/group_coordinator.h"

struct group_coordinator {
    struct group_table groups;
    struct log *lines;
    struct offset_store *offsets;
    struct offset_sweep *sweep;
    struct metadata *metadata;
    struct metadata_listener listener; /* while it leads */
};

#endif
