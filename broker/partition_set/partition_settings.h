/*
 * What holds for the partitions of a topic: what is set for the topic, else the broker's. Pure.
 */
#ifndef BROKER_PARTITION_SET_PARTITION_SETTINGS_H
#define BROKER_PARTITION_SET_PARTITION_SETTINGS_H

#include "broker/config/broker_settings.h"
#include "broker/metadata/metadata.h"
#include "broker/partition/partition.h"
#include "broker/partition/partition_delay.h"

/* `topic` NULL: one of which nothing is set. */
void partition_settings_of(const struct broker_settings *settings,
                           const struct metadata_topic *topic, struct partition_settings *into);
void partition_delay_settings_of(const struct broker_settings *settings,
                                 const struct metadata_topic *topic, struct delay_settings *into);

#endif
