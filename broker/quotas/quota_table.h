/*
 * The quotas of a cluster: a part of the metadata table, the same on every broker.
 *
 * Happy path: they are set and taken away by commands, and asked at each request of a client: the
 * first that is set of (user, client-id), (user, default client), (user), (default user,
 * client-id), (default user, default client), (default user), (client-id), (default client), which
 * is Kafka's order. Failures: none; who sets one asks first whether it is sound, and whether there
 * is room. Pure. Invariants: rows are in the order of quota_entity_compare, each is there once and
 * has a value of some key; what points to a row is valid until the next change.
 */
#ifndef BROKER_QUOTAS_QUOTA_TABLE_H
#define BROKER_QUOTAS_QUOTA_TABLE_H

#include "broker/quotas/quota.h"

enum { QUOTA_FORMS = 16 }; /* which parts an entity has, and which of them are names */

struct quota_row {
    struct quota_entity entity;
    double values[QUOTA_KEYS]; /* 0: none */
};

/* A table that is all zero is empty. */
struct quota_table {
    struct quota_row **rows;
    size_t count, room;
    uint64_t
        changed; /* index in group 0 of the last command that changed a quota; 0: there is none */
    uint32_t forms[QUOTA_KEYS][QUOTA_FORMS]; /* quotas of that key and form */
    uint32_t keys[QUOTA_KEYS];               /* of that key */
};

void quota_table_close(struct quota_table *table);

/* The entity is sound and copied; so is the value, or it is 0: the quota goes. */
void quota_table_set(struct quota_table *table, const struct quota_entity *entity,
                     enum quota_key key, double value);
/* NULL: it has none. */
const struct quota_row *quota_table_find(const struct quota_table *table,
                                         const struct quota_entity *entity);

struct quota_limit {
    double value;
    unsigned types; /* those who share it are alike in these parts */
};
/* Of a user and a client that are there (neither null). False: there is no limit. */
bool quota_table_limit(const struct quota_table *table, enum quota_key key, struct kp_string user,
                       struct kp_string client, struct quota_limit *limit);
/* QUOTA_CONNECTIONS of an address: its own, or the default of addresses; 0: there is no limit. */
double quota_table_address_limit(const struct quota_table *table, struct kp_string address);

#endif
