/*
 * Who may do what to which resource, by which rules: the words of Kafka's ACLs, and what one rule
 * is.
 *
 * Numbers are Kafka's (KIP-140, KIP-290), so that they travel as they are. Failures: none. Pure.
 */
#ifndef BROKER_ACCESS_ACL_H
#define BROKER_ACCESS_ACL_H

#include "protocol/schema.h"

/* UNKNOWN 0, ANY 1 (in filters). */
enum authorize_operation {
    AUTHORIZE_NOTHING = 0, /* of who was asked already */
    AUTHORIZE_ALL = 2,
    AUTHORIZE_READ = 3,
    AUTHORIZE_WRITE = 4,
    AUTHORIZE_CREATE = 5,
    AUTHORIZE_DELETE = 6,
    AUTHORIZE_ALTER = 7,
    AUTHORIZE_DESCRIBE = 8,
    AUTHORIZE_CLUSTER_ACTION = 9, /* what brokers do */
    AUTHORIZE_DESCRIBE_CONFIGS = 10,
    AUTHORIZE_ALTER_CONFIGS = 11,
    AUTHORIZE_IDEMPOTENT_WRITE = 12,
    AUTHORIZE_OPERATIONS
};

enum authorize_resource {
    AUTHORIZE_TOPIC = 2,
    AUTHORIZE_GROUP = 3,
    AUTHORIZE_CLUSTER = 4,
    AUTHORIZE_TRANSACTIONAL_ID = 5,
    AUTHORIZE_RESOURCES
};

enum acl_pattern { ACL_ANY = 1, ACL_MATCH = 2, ACL_LITERAL = 3, ACL_PREFIXED = 4 };
enum acl_permission { ACL_DENY = 2, ACL_ALLOW = 3 };

enum {
    ACL_RULES_MAX = 10000, /* all of them are written in one turn of the loop, as users are */
    ACL_NAME_MAX = 1000,   /* bytes; of principals, too */
};

#define ACL_CLUSTER_NAME "kafka-cluster"
#define ACL_ANYBODY "User:*"

/* Texts are whose they are; `data` of an empty one may be NULL. */
struct acl_rule {
    int8_t resource, pattern, operation, permission;
    struct kp_string name, principal, host; /* host: an address, or "*" */
};

/* "topic", "read", in the words of the command line; NULL: there is none of that number. */
const char *acl_resource_name(int resource);
const char *acl_operation_name(int operation);

enum { ACL_HOST_MAX = 46 }; /* with its end */
/* The one way in which an address is written in rules, and compared: that of the peers of
 * connections (Java writes 0:0:0:0:0:0:0:1 for ::1). "*" stays. False: it is neither. */
bool acl_host_write(struct kp_string host, char into[ACL_HOST_MAX]);
/* Whether a rule may be kept: NULL, or what is wrong with it, for the middle of a sentence. */
const char *acl_rule_fault(const struct acl_rule *rule);
/* The order of tables and answers: by resource, pattern, name, principal, host, operation,
 * permission. */
int acl_rule_compare(const struct acl_rule *one, const struct acl_rule *other);

/* Of a filter texts may be null (any), numbers ANY (1), the pattern also MATCH: what holds for that
 * name. NULL, or what is wrong with it. */
const char *acl_filter_fault(const struct acl_rule *filter);
bool acl_filter_fits(const struct acl_rule *filter, const struct acl_rule *rule);

#endif
