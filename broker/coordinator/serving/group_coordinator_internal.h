/* What the files of the coordinator share. For others: group_coordinator.h. */
#ifndef BROKER_COORDINATOR_SERVING_GROUP_COORDINATOR_INTERNAL_H
#define BROKER_COORDINATOR_SERVING_GROUP_COORDINATOR_INTERNAL_H

#include "broker/coordinator/serving/group_coordinator.h"

struct group_coordinator {
    struct group_table groups;
    struct log *lines;
};

#endif
