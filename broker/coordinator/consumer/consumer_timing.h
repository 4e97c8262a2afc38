/* What holds for the members of a group: what is set for it, else what the broker has. Looked up
 * when it is needed, so that a change holds from the next heartbeat on. */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_TIMING_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_TIMING_H

#include "broker/config/group_settings.h"
#include "broker/coordinator/group/group.h"

struct group_timing consumer_timing(const struct group *group);

#endif
