/*
 * What librdkafka does not tell of a record: its batch's producer, leader epoch and attributes, and
 * where its partition starts and ends.
 *
 * Happy path: one Fetch to the partition's leader for each batch, which answers for all records of
 * that batch. It costs the batch a second time on the wire, and only formats that ask for it pay.
 * Failures: a leader that cannot be asked, a batch that is no longer there: `why` has the sentence.
 * Invariant: memory is one entry for each partition that was read.
 */
#ifndef CLIENT_FORMAT_BATCH_LOOKUP_H
#define CLIENT_FORMAT_BATCH_LOOKUP_H

#include "base/error.h"
#include "client/line/command.h"
#include "protocol/record/record_batch.h"

struct batch_facts {
    struct record_batch batch;                      /* its header; the bytes are gone */
    int64_t log_start, last_stable, high_watermark; /* when it was asked for */
};

struct batch_lookup;

/* Never NULL. `in` must outlive it. */
struct batch_lookup *batch_lookup_new(const struct invocation *in);
void batch_lookup_free(struct batch_lookup *lookup); /* NULL does nothing */
/* ERR_NONE: *facts lives until the next call. */
int batch_lookup_of(struct batch_lookup *lookup, const char *topic, int32_t partition,
                    int64_t offset, const struct batch_facts **facts, struct error_text *why);

#endif
