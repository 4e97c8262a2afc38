/*
 * Refusals of batches whose producers a partition does not remember: what such a producer sent
 * behind one is to be refused likewise.
 *
 * A table of its own, because anybody can fill it with made-up producers: it never takes a place of
 * what has committed. Each refusal counts for PRODUCER_REFUSED_MS. Failures: when the table is full
 * the oldest one goes; if it still counted, refusals_lost_one() says so for as long, and who was
 * never heard of gets the benefit of the doubt. Pure.
 */
#ifndef BROKER_PRODUCER_PRODUCER_REFUSALS_H
#define BROKER_PRODUCER_PRODUCER_REFUSALS_H

#include <stdbool.h>
#include <stdint.h>

enum { PRODUCER_REFUSED_MS = 10000 };

struct refusal {
    int16_t epoch;
    int32_t sequence; /* the first of the batch */
    int64_t when_ms;
};

struct refusals;

/* At most `most` are kept. `seed`: for the hash table. */
struct refusals *refusals_new(uint32_t most, uint64_t seed);
void refusals_free(struct refusals *refusals);
/* The newest one of that producer counts. */
void refusals_note(struct refusals *refusals, int64_t producer_id, const struct refusal *refusal);
void refusals_drop(struct refusals *refusals, int64_t producer_id); /* nothing if there is none */
void refusals_clear(struct refusals *refusals);
/* NULL: none. */
const struct refusal *refusals_find(const struct refusals *refusals, int64_t producer_id);
bool refusals_lost_one(const struct refusals *refusals, int64_t now_ms);
uint32_t refusals_count(const struct refusals *refusals);

#endif
