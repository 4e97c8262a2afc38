/*
 * The rules of a cluster: a part of the metadata table, the same on every broker.
 *
 * Happy path: rules are added and removed by commands, and asked at each request. A question looks
 * at the pattern of that very name, at that of all names, and at those prefixes of the name that
 * have a length which some prefix has; in what it finds the grants of the asker and of everybody
 * are found by search, so that the number of rules does not matter. Failures: none; who adds asks
 * first whether rules are sound, and whether there is room. Pure. Invariants: rows are in the order
 * of acl_rule_compare and each is there once; what points to a row is valid until the next change;
 * the index says of every question what a look at all rows would.
 */
#ifndef BROKER_ACCESS_ACL_TABLE_H
#define BROKER_ACCESS_ACL_TABLE_H

#include "broker/access/acl.h"

struct acl_row;
struct acl_node;
struct acl_slot;

struct acl_lengths {
    struct acl_length *items; /* of prefixes, by length */
    size_t count, room;
};

/* A table that is all zero is empty. */
struct acl_table {
    struct acl_row **rows;
    size_t count, room;
    uint64_t changed; /* index in group 0 of the last command that changed a rule; 0: none did */
    /* The index; acl_table.c's. */
    struct acl_slot *slots;
    size_t slot_count, node_count;
    uint64_t next_id;
    size_t host_count;                           /* rows that are of one host */
    struct acl_node *every[AUTHORIZE_RESOURCES]; /* the pattern of all names; NULL: none */
    struct acl_lengths lengths[AUTHORIZE_RESOURCES];
};

void acl_table_close(struct acl_table *table);

/* `rule` is sound (acl_rule_fault) and copied. False: it was there, or was not. */
bool acl_table_add(struct acl_table *table, const struct acl_rule *rule);
bool acl_table_remove(struct acl_table *table, const struct acl_rule *rule);
bool acl_table_has(const struct acl_table *table, const struct acl_rule *rule);
/* The first place behind a rule, which need not be there. */
size_t acl_table_behind(const struct acl_table *table, const struct acl_rule *rule);
const struct acl_rule *acl_table_at(const struct acl_table *table, size_t place);

/* Who asks. */
struct acl_asker {
    struct kp_string principal, host;
};

enum acl_answer {
    ACL_SAYS_NOTHING, /* no rule holds for that name, whoever it is for */
    ACL_SAYS_NO,      /* none allows it */
    ACL_FORBIDS,      /* one denies it */
    ACL_ALLOWS
};
/* A denial counts before what allows. READ, WRITE, DELETE and ALTER allow DESCRIBE, too, and
 * ALTER_CONFIGS DESCRIBE_CONFIGS; to deny them denies nothing else. */
enum acl_answer acl_table_ask(const struct acl_table *table, const struct acl_asker *asker,
                              enum authorize_operation operation, enum authorize_resource resource,
                              struct kp_string name);
/* Whether some name of that kind is allowed for it (of KIP-679: Authorizer.authorizeByResourceType,
 * without its first question). A look at all rules. */
bool acl_table_allows_some(const struct acl_table *table, const struct acl_asker *asker,
                           enum authorize_operation operation, enum authorize_resource resource);

#endif
