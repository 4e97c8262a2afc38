/*
 * A simulated consumer that keeps its place: a group of its own, which commits one offset after the
 * other for a partition, and reads back what is committed.
 *
 * What is read must be the last commit that was acknowledged, or one whose outcome is unknown:
 * never an older one, never nothing, from whichever broker. It finds its coordinator as clients do;
 * while several believe that they are, it tries to catch one that does not know better.
 */
#ifndef SIM_COMMITTER_H
#define SIM_COMMITTER_H

#include "tests/sim/kafka_client.h"

struct committer_options {
    unsigned number; /* names the group */
    int32_t partition;
    uint64_t interval_us;
    /* The brokers that believe that they are the coordinator of that group, as bits; `newest`: the
     * node id of the last one that was elected. */
    uint32_t (*believers)(void *arg, const char *group, int32_t *newest);
    void *arg;
};

struct committer;
struct committer *committer_new(struct kafka_client *client,
                                const struct committer_options *options);
/* No further commits; once it has read its place again it is finished. */
void committer_finish(struct committer *committer);
bool committer_is_finished(const struct committer *committer);

#endif
