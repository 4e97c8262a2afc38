/*
 * What a topic's settings say of records that are delivered later, for a partition that is open
 * (broker/partition/partition.h), and what waits there (broker/delay/delayed.h).
 */
#ifndef BROKER_PARTITION_PARTITION_DELAY_H
#define BROKER_PARTITION_PARTITION_DELAY_H

#include "broker/partition/partition.h"

struct delayed;

struct delay_settings {
    bool enable;                /* delay.enable */
    int64_t max_ms;             /* delay.max.ms */
    uint64_t max_pending_bytes; /* delay.max.pending.bytes */
};

/* From the next batch on. A partition that was not told holds nothing back. */
void partition_set_delay(struct partition *partition, const struct delay_settings *settings);
struct delayed *partition_delayed(const struct partition *partition);

#endif
