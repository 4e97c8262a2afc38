/*
 * The whole check of a batch (protocol/record/record_check.h) in one call, for tests.
 */
#ifndef TESTS_BATCHES_RECORD_BATCH_CHECK_H
#define TESTS_BATCHES_RECORD_BATCH_CHECK_H

#include "protocol/record/record_batch.h"

/* `why` may be NULL. */
int record_batch_check(const struct record_batch *batch, struct error_text *why);

#endif
