/*
 * Groups with members of both protocols: how a group changes from one to the other (upgrade.h,
 * downgrade.h), for whoever decides about consumer groups. What members of the classic protocol ask
 * of a consumer group is in consumer_classic.h.
 */
#ifndef BROKER_COORDINATOR_MIGRATION_MIGRATION_H
#define BROKER_COORDINATOR_MIGRATION_MIGRATION_H

#include "broker/coordinator/consumer/consumer_decision.h"

extern const struct consumer_conversions migration_conversions;

#endif
