/*
 * The words of rules, as Kafka numbers them: what they are about, and what they are for.
 *
 * Happy path: a number of a word and a word of a number. Kafka's ways to write them
 * (DescribeConfigs, DESCRIBE_CONFIGS) are understood, too. Failure: 0, "?".
 */
#ifndef CLIENT_USERS_ACL_WORDS_H
#define CLIENT_USERS_ACL_WORDS_H

#include <stddef.h>
#include <stdint.h>

enum { ACL_TEXT_MAX = 1100 }; /* of a principal or a name, with its end */
/* Of Kafka: filters, patterns, permissions, a resource, operations. */
enum { ACL_ANY = 1, ACL_MATCH = 2, ACL_LITERAL = 3, ACL_PREFIXED = 4, ACL_DENY = 2, ACL_ALLOW = 3 };
enum { ACL_CLUSTER = 4 };
enum acl_operation {
    ACL_ALL = 2,
    ACL_READ,
    ACL_WRITE,
    ACL_CREATE,
    ACL_DELETE,
    ACL_ALTER,
    ACL_DESCRIBE,
    ACL_CLUSTER_ACTION,
    ACL_DESCRIBE_CONFIGS,
    ACL_ALTER_CONFIGS,
    ACL_IDEMPOTENT_WRITE,
    ACL_OPERATIONS
};

int8_t acl_resource_of(const char *word, size_t len);
int8_t acl_operation_of(const char *word, size_t len);
const char *acl_resource_word(int number);
const char *acl_operation_word(int number);
/* Says that the word is none, and which there are; EXIT_USAGE. */
int acl_wrong_resource(const char *word);
int acl_wrong_operation(const char *word);
/* With "User:" before it where it has no type. */
void acl_principal_text(const char *word, char into[ACL_TEXT_MAX]);

/* To be allowed the first is to be allowed the second. */
int acl_implies(int operation, int other);

#endif
