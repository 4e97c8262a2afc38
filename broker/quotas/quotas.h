/*
 * What clients have used of their quotas at this broker, and how long they have to wait.
 *
 * Happy path: what a request used is charged to the entity whose quota counts for its client
 * (quota_table.h); if that has used more than it may, the answer is how long its connection is not
 * to be read (KIP-219). Whoever is alike in what the quota is of shares a counter: all clients of a
 * user where it is the user's. Failures: none; beyond QUOTA_COUNTERS_MAX counters those that were
 * not used for longest go, and who comes back begins anew. Invariants: while the table has no quota
 * of that key nothing is kept, and no clock is read; a counter that nobody used for an hour goes
 * when the next one is asked for.
 */
#ifndef BROKER_QUOTAS_QUOTAS_H
#define BROKER_QUOTAS_QUOTAS_H

#include "base/env.h"
#include "broker/quotas/quota_table.h"
#include "broker/quotas/rate_window.h"

enum { QUOTA_COUNTERS_MAX = 100000 };

struct quotas;

struct quotas_options {
    struct rate_shape shape; /* quota.window.num, quota.window.size.seconds */
    uint32_t longest_ms;     /* nobody waits for longer */
};

struct quota_asker {
    const char *principal;   /* "User:alice" */
    struct kp_string client; /* as it calls itself; null counts as "" */
};

struct quotas *quotas_new(struct env *env, const struct quotas_options *options);
void quotas_free(struct quotas *quotas);
/* The table stays until another, or NULL, is given. */
void quotas_follow(struct quotas *quotas, const struct quota_table *table);
void quotas_set_longest(struct quotas *quotas, uint32_t longest_ms);

/* Whether anybody has a quota of that key: for who would have to measure first. */
bool quotas_any(const struct quotas *quotas, enum quota_key key);

/* How long the client has to wait, now that it has used so much more; 0: it need not. Of
 * QUOTA_TIME it waits for one sample at the most, as in Kafka. */
uint32_t quotas_charge(struct quotas *quotas, enum quota_key key, const struct quota_asker *asker,
                       double used);
/* The same of what it may not get now: `given` says whether it has used it. What is more than it
 * may ever use at once is given, if it has used nothing lately: or it would wait for ever. */
uint32_t quotas_try(struct quotas *quotas, enum quota_key key, const struct quota_asker *asker,
                    double wanted, bool *given);
/* The same of partitions made and deleted (QUOTA_MUTATIONS), in tokens (token_bucket.h): a change
 * may make a debt, and while there is one the next has to wait. `strict`: it is not `given` until
 * then; else it is, and the client waits behind it. */
uint32_t quotas_mutate(struct quotas *quotas, const struct quota_asker *asker, double partitions,
                       bool strict, bool *given);
/* A connection comes from that address. Not 0: from there come more than may
 * (QUOTA_CONNECTIONS); it does not count, and is to be closed after so long, one sample at the
 * most. */
uint32_t quotas_connect(struct quotas *quotas, struct kp_string address);
/* The most that it may ever use at once; UINT64_MAX: there is no limit. */
uint64_t quotas_most(const struct quotas *quotas, enum quota_key key,
                     const struct quota_asker *asker);

/* ---- For metrics ---- */

size_t quotas_counters(const struct quotas *quotas);
/* Told to wait, for that quota, since the start. */
uint64_t quotas_throttled_ms(const struct quotas *quotas, enum quota_key key);

#endif
