/*
 * The simulator's own reading of record batches whose records have headers (Kafka's format 2), not
 * compressed: of delayed records and of dead letters.
 *
 * As in tests/sim/decode.h nothing of protocol/ is asked. What is not sound fails the run.
 */
#ifndef SIM_QUEUES_RAW_RECORDS_H
#define SIM_QUEUES_RAW_RECORDS_H

#include "tests/sim/run.h"

struct raw_record {
    /* Of its batch. */
    int64_t base, last; /* offsets */
    int64_t max_timestamp_ms;
    uint16_t attributes;
    int64_t producer_id;
    int32_t sequence;
    /* Its own. */
    int64_t offset, timestamp_ms;
    const uint8_t *key, *value;
    int64_t key_len, value_len; /* -1: null */
    int64_t header_count;
    const uint8_t *headers;
    size_t headers_len;
};

/* Calls `each` for every record of batches that are no control batches. Returns the offset behind
 * the last batch, `from` without one; none begins below `from`, or before the one in front of it
 * has ended. `control`: whether there may be batches that clients pass over. */
int64_t raw_records(struct run *run, const uint8_t *data, size_t len, int64_t from, bool control,
                    void (*each)(void *arg, const struct raw_record *record), void *arg);

/* The last header of that name, as a text with its end in `into`. False: it has none. */
bool raw_header(struct run *run, const struct raw_record *record, const char *name, char *into,
                size_t room);
/* The same as a number. */
bool raw_header_number(struct run *run, const struct raw_record *record, const char *name,
                       int64_t *number);

#endif
