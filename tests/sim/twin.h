/*
 * An idempotent producer that sends each batch more than once although it was answered: to two
 * brokers, or twice to one.
 *
 *   batch k -> the newest leader -> acknowledged (and again, on another connection, in flight)
 *           -> again to whoever else believes that it leads, or to anybody -> batch k + 1
 *
 * It has connections of its own, and gives an answer up much sooner than a client would: so it is
 * with the new leader while the old one, cut off or paused, does not know yet that it is deposed.
 * What fails the run: the same batch at two offsets; an error that is final, because one batch at a
 * time is among the last five whatever happens.
 */
#ifndef SIM_TWIN_H
#define SIM_TWIN_H

#include "tests/sim/produce_call.h"

struct twin;

struct twin_options {
    unsigned number; /* in the history, which it declares itself to */
    int32_t partition;
    uint64_t interval_us; /* between batches, typically */
    /* Who believes that it leads the partition, as bits (1: n1); `newest`: the node with the
     * highest term among them, or -1. */
    uint32_t (*leaders)(void *arg, int32_t partition, int32_t *newest);
    /* Inside the answer: the record is acknowledged. */
    void (*acknowledged)(void *arg, int32_t partition, int64_t offset, unsigned producer,
                         uint64_t number);
    void *arg;
};

struct twin *twin_new(struct kafka_client *client, struct history *history,
                      const struct twin_options *options);
void twin_finish(struct twin *twin);         /* no new batches */
bool twin_is_known(const struct twin *twin); /* its partition has acknowledged something */
bool twin_is_idle(const struct twin *twin);  /* nothing is outstanding */

#endif
