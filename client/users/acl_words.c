/* The two lists, and looking into them. */
#include "client/users/acl_words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "client/line/command.h"
#include "client/line/talk.h"

/* By Kafka's numbers. */
static const char *const resources[] = {NULL,    "any",     "topic",
                                        "group", "cluster", "transactional-id"};
static const char *const operations[ACL_OPERATIONS] = {NULL,
                                                       "any",
                                                       "all",
                                                       "read",
                                                       "write",
                                                       "create",
                                                       "delete",
                                                       "alter",
                                                       "describe",
                                                       "cluster-action",
                                                       "describe-configs",
                                                       "alter-configs",
                                                       "idempotent-write"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *name_of(const char *const *names, size_t count, int number) {
    return number > 0 && (size_t)number < count ? names[number] : "?";
}

static int8_t number_of(const char *const *names, size_t count, const char *word, size_t len) {
    for (size_t i = 1; i < count; i++) {
        const char *name = names[i];
        size_t at = 0;
        for (; at < len && *name; at++) {
            name += *name == '-' && word[at] != '-' && word[at] != '_';
            char letter = word[at] == '_' ? '-' : (char)tolower((unsigned char)word[at]);
            if (letter != *name) {
                break;
            }
            name++;
        }
        if (at == len && !*name) {
            return (int8_t)i;
        }
    }
    return 0;
}

static int wrong_word(const char *what, const char *word, const char *const *names, size_t count) {
    char list[256] = "";
    for (size_t i = 2; i < count; i++) {
        size_t len = strlen(list);
        snprintf(list + len, sizeof(list) - len, "%s%s", i == 2 ? "" : ", ", names[i]);
    }
    say("'%s' is no %s; there are %s", word, what, list);
    return EXIT_USAGE;
}

int8_t acl_resource_of(const char *word, size_t len) {
    return number_of(resources, COUNT(resources), word, len);
}

int8_t acl_operation_of(const char *word, size_t len) {
    return number_of(operations, COUNT(operations), word, len);
}

const char *acl_resource_word(int number) {
    return name_of(resources, COUNT(resources), number);
}

const char *acl_operation_word(int number) {
    return name_of(operations, COUNT(operations), number);
}

int acl_wrong_resource(const char *word) {
    return wrong_word("resource", word, resources, COUNT(resources));
}

int acl_wrong_operation(const char *word) {
    return wrong_word("operation", word, operations, COUNT(operations));
}

void acl_principal_text(const char *word, char into[ACL_TEXT_MAX]) {
    snprintf(into, ACL_TEXT_MAX, "%s%s", strchr(word, ':') ? "" : "User:", word);
}

int acl_implies(int operation, int other) {
    bool reads = operation == ACL_READ || operation == ACL_WRITE || operation == ACL_DELETE ||
                 operation == ACL_ALTER;
    return operation == other || operation == ACL_ALL || (reads && other == ACL_DESCRIBE) ||
           (operation == ACL_ALTER_CONFIGS && other == ACL_DESCRIBE_CONFIGS);
}
