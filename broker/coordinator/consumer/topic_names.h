/*
 * The names of topics that a member subscribes to, as bytes: sorted, each once, so that equal
 * subscriptions are one piece of memory in a pool.
 *
 * Happy path: topic_names_of, then topic_names_next until it says false. Failures: none; a name is
 * cut at 65,535 bytes, which no topic has.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_TOPIC_NAMES_H
#define BROKER_COORDINATOR_CONSUMER_TOPIC_NAMES_H

#include "broker/coordinator/group/shared_bytes.h"

/* With a reference for the caller. */
struct shared_bytes *topic_names_of(struct shared_pool *pool, const struct kp_string *names,
                                    size_t count);
/* `names` NULL: none. `*at` begins at 0. The name is borrowed from `names`. */
bool topic_names_next(const struct shared_bytes *names, size_t *at, struct kp_string *name);
bool topic_names_contain(const struct shared_bytes *names, struct kp_string name);
size_t topic_names_count(const struct shared_bytes *names);

#endif
