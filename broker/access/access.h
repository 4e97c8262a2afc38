/*
 * Whether a request may do what it asks for: the rules of the cluster, super users, and what to do
 * where no rule says anything.
 *
 * Happy path: access_allows() for each right that a handler asks for (broker/server/dispatch.c).
 * A refusal is counted, and told on the log: who may not do what to which resource, by which API,
 * and the command that would allow it; of one principal and resource one line a second at most.
 * With authorizer.mode=observe it is counted and told, and let through; but for who would change
 * rules or users, which must hold for those who may when it enforces. Failures: none; without
 * rules yet nobody but super users may do anything. Invariants: what is let through stands in the
 * row of its API (access_rows.h); a broker whose authorizer is off has no struct access at all.
 *
 * Brokers ask each other for nothing here: they have the peer port.
 */
#ifndef BROKER_ACCESS_ACCESS_H
#define BROKER_ACCESS_ACCESS_H

#include "base/log.h"
#include "broker/access/acl_table.h"
#include "broker/config/broker_settings.h"

struct access_options {
    enum broker_authorizer mode;
    bool allow_everyone;     /* where no rule holds for a resource */
    const char *super_users; /* "User:a;User:b": they may everything, whatever rules deny; stays */
};

struct access;

/* NULL: it is off. */
struct access *access_new(struct log *log, const struct access_options *options);
void access_free(struct access *access); /* NULL does nothing */
/* The rules stay until others, or NULL, are followed. */
void access_follow(struct access *access, const struct acl_table *rules);

/* The host of env_stream_peer's text, as rules and quotas name it: an IPv4 address that came over
 * IPv6 is one of IPv4. */
struct kp_string access_host(const char *peer);

struct access_question {
    int16_t api_key;
    const char *principal; /* "User:alice" */
    const char *peer;      /* "10.0.0.7:41234" */
    const char *listener;
    enum authorize_operation operation;
    enum authorize_resource resource;
    struct kp_string name; /* of CLUSTER: any */
};

/* Whether the API has a row, so that a handler of it may run. */
bool access_serves(const struct access *access, int16_t api_key);
/* Whether it may. Without an effect: for what is shown only if it may be seen, and is left out
 * else. */
bool access_may(const struct access *access, const struct access_question *question);
/* The same, strictly: also while it only observes. */
bool access_has(const struct access *access, const struct access_question *question);
/* access_may(); a refusal is counted and told. */
bool access_allows(struct access *access, const struct access_question *question);
/* access_allows() for any resource of that kind (KIP-679). */
bool access_allows_some(struct access *access, const struct access_question *question);
/* access_may() of one who wants to know what he may, and not to do it: whatever the row says. */
bool access_could(const struct access *access, const struct access_question *question);

/* How many refusals there were of that operation on that kind of resource. */
uint64_t access_refusals(const struct access *access, enum authorize_operation operation,
                         enum authorize_resource resource);

#endif
