/*
 * What share groups want to know of the records of a batch before they are given: whether the time
 * that they live is over, and, in the order of keys, which key they have.
 *
 * A record lives for message.ttl.ms of its topic, or for what its header ttl-ms says instead (ms,
 * ASCII digits; anything else counts as no header), from its timestamp on. Happy path:
 * record_sights_open, next until false, close. Failures: a batch that cannot be read, or unfolds to
 * more than RECORD_SIGHT_MOST, is one sight, and lives as long as its newest record by the topic's
 * setting. Pure. Invariant: the sights of a batch are in order, and cover all of its offsets.
 */
#ifndef BROKER_SHARE_RECORD_SIGHT_H
#define BROKER_SHARE_RECORD_SIGHT_H

#include <stdbool.h>

#include "broker/share/offset_ranges.h"
#include "protocol/record/record_batch.h"

#define RECORD_TTL "ttl-ms"
enum { RECORD_SIGHT_MOST = 1 << 20 /* bytes: on the loop, gzip takes 3 ms for them */ };

/* One record, or offsets that none has. */
struct record_sight {
    struct offset_range at;
    bool none;        /* compaction left out what was there */
    int64_t until_ms; /* of the wall clock: when its time is over; INT64_MAX: never */
};

struct record_sights {
    const struct record_batch *batch; /* stays */
    int64_t ttl_ms; /* message.ttl.ms; 0: only headers count; -1: they live for ever */
    struct record_iterator records;
    bool blind, waits; /* it cannot be read; `record` is behind offsets that none has */
    struct record record;
    kafka_offset next;
    size_t bytes; /* that were unfolded, or take as long */
};

void record_sights_open(struct record_sights *sights, const struct record_batch *batch,
                        int64_t ttl_ms);
/* False: that was all. */
bool record_sights_next(struct record_sights *sights, struct record_sight *sight);
enum { RECORD_KEY_NONE = 0, RECORD_KEY_ANY = 1 /* it cannot be read */, RECORD_KEY_LEAST };
/* A hash of the key of the last sight. */
uint64_t record_sights_key(const struct record_sights *sights);
void record_sights_close(struct record_sights *sights);

#endif
