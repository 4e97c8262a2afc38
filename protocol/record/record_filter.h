/*
 * A batch without some of its records: what is left of it in a log that keeps the last record of
 * each key.
 *
 * Happy path: the records are looked at, and if some but not all of them stay a new batch is made
 * of these. It keeps base offset, last offset delta, leader epoch, producer, base sequence, codec
 * and attributes, so that the offsets and sequences of the records are what they were; the base
 * timestamp is the first one that is left, the largest is worked out again (but with LogAppendTime,
 * where it is that of all records), count and checksum are new. As Kafka's cleaner does.
 * Failures: bytes that are no batch; a rest that would be larger than `result_max` (strangers may
 * have compressed the batch better than we do), or whose timestamps lie too far apart for one batch
 * (its first one is the base of the others). Who keeps the batch as it is then is right in any
 * case. Pure; memory: the records of one batch, decompressed, and no more than as much again for
 * what is made of them.
 */
#ifndef PROTOCOL_RECORD_RECORD_FILTER_H
#define PROTOCOL_RECORD_RECORD_FILTER_H

#include "protocol/record/record_batch.h"

struct record_filter {
    /* Asked once of each record. */
    bool (*keeps)(void *arg, const struct record *record);
    void *arg;
    size_t unfolded_max; /* bytes of the records of one batch, decompressed */
    size_t result_max;   /* bytes of a new batch */
};

enum record_filter_result { RECORDS_ALL_STAY, RECORDS_SOME_STAY, RECORDS_NONE_STAY };

/* With RECORDS_SOME_STAY *out is the new batch, from mem_alloc and the caller's; else NULL, also
 * after an error, which comes with RECORDS_ALL_STAY. *unfolded: bytes of records that were worked
 * out, at most. ERR_NONE, ERR_CORRUPT, ERR_MALFORMED, ERR_TOO_LARGE. */
int record_filter_batch(const struct record_filter *filter, const struct record_batch *batch,
                        enum record_filter_result *result, uint8_t **out, size_t *out_len,
                        size_t *unfolded);

#endif
