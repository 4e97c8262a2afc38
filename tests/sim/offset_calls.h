/*
 * What simulated members of consumer groups ask about their coordinator and their offsets: one
 * partition of the client's topic at a time, in any version.
 */
#ifndef SIM_OFFSET_CALLS_H
#define SIM_OFFSET_CALLS_H

#include "tests/sim/kafka_client.h"

enum { OFFSET_CALL_US = 3000000 };

/* Who asks. */
struct offset_asker {
    const char *group;
    struct kp_string member_id;   /* empty: nobody in particular */
    struct kp_string instance_id; /* null: not static */
    int32_t epoch;                /* or generation; -1: none */
    bool is_kip_848;              /* versions below 9 are not for it */
};

/* FindCoordinator, to any broker. The answer: its error, and with KAFKA_NONE the node. */
void coordinator_call(struct kafka_client *client, struct kafka_call *call, const char *group);
int16_t coordinator_answer(const struct kafka_call *call, const void *answer, int32_t *node);

void offset_commit_call(struct kafka_client *client, struct kafka_link *link,
                        struct kafka_call *call, const struct offset_asker *asker,
                        int32_t partition, int64_t offset, const char *note);
int16_t offset_commit_answer(const void *answer);

/* As a member, if it is one of KIP-848 (which versions below 9 cannot say). */
void offset_fetch_call(struct kafka_client *client, struct kafka_link *link,
                       struct kafka_call *call, const struct offset_asker *asker,
                       int32_t partition);
/* The offset with KAFKA_NONE. */
int16_t offset_fetch_answer(const struct kafka_call *call, const void *answer, int64_t *offset);

#endif
