/*
 * A client that makes producer ids up and is never the same twice: it fills what a partition
 * remembers of producers, and is refused.
 *
 * It begins when every producer is known where it produces: new ones might find no place any more.
 * Each batch has one record, sent once, under another id: one of the first block, which some broker
 * was given, or one that nobody ever was given. What fails the run: a batch under an id that nobody
 * was given is taken; a refusal that is neither retriable nor Kafka's for an unknown producer.
 */
#ifndef SIM_STRANGER_H
#define SIM_STRANGER_H

#include "tests/sim/producer.h"

struct stranger;

struct stranger_options {
    unsigned number; /* in the history, which it declares itself to */
    int32_t partition;
    uint64_t interval_us;
    bool ids_are_given; /* a block of ids is, by the time that it may begin; else it uses none of it
                         */
    /* Whether every producer is known where it produces. */
    bool (*may_begin)(void *arg);
    void *arg;
};

struct stranger *stranger_new(struct kafka_client *client, struct history *history,
                              const struct stranger_options *options);
void stranger_finish(struct stranger *stranger); /* it sends nothing more */

#endif
