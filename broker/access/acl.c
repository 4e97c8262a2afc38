/* What a rule may say, and which rules a filter means. */
#include "broker/access/acl.h"

#include <arpa/inet.h>
#include <string.h>

static const char *const resources[AUTHORIZE_RESOURCES] = {
    [AUTHORIZE_TOPIC] = "topic",
    [AUTHORIZE_GROUP] = "group",
    [AUTHORIZE_CLUSTER] = "cluster",
    [AUTHORIZE_TRANSACTIONAL_ID] = "transactional-id"};

static const char *const operations[AUTHORIZE_OPERATIONS] = {
    [AUTHORIZE_ALL] = "all",
    [AUTHORIZE_READ] = "read",
    [AUTHORIZE_WRITE] = "write",
    [AUTHORIZE_CREATE] = "create",
    [AUTHORIZE_DELETE] = "delete",
    [AUTHORIZE_ALTER] = "alter",
    [AUTHORIZE_DESCRIBE] = "describe",
    [AUTHORIZE_CLUSTER_ACTION] = "cluster-action",
    [AUTHORIZE_DESCRIBE_CONFIGS] = "describe-configs",
    [AUTHORIZE_ALTER_CONFIGS] = "alter-configs",
    [AUTHORIZE_IDEMPOTENT_WRITE] = "idempotent-write"};

const char *acl_resource_name(int resource) {
    return resource < 0 || resource >= AUTHORIZE_RESOURCES ? NULL : resources[resource];
}

const char *acl_operation_name(int operation) {
    return operation < 0 || operation >= AUTHORIZE_OPERATIONS ? NULL : operations[operation];
}

/* ---- Rules ---- */

static size_t length(struct kp_string text) {
    return text.len < 0 ? 0 : (size_t)text.len;
}

static bool is_plain(struct kp_string text) {
    for (size_t i = 0; i < length(text); i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f) return false;
    return true;
}

static bool write_ipv6(const uint8_t address[16], char into[ACL_HOST_MAX]) {
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address, mapped, sizeof mapped) == 0
               ? inet_ntop(AF_INET, address + sizeof mapped, into, ACL_HOST_MAX) != NULL
               : inet_ntop(AF_INET6, address, into, ACL_HOST_MAX) != NULL;
}

bool acl_host_write(struct kp_string host, char into[ACL_HOST_MAX]) {
    uint8_t address[sizeof(struct in6_addr)];
    if (length(host) >= ACL_HOST_MAX || length(host) == 0) return false;
    memcpy(into, host.data, length(host));
    into[length(host)] = '\0';
    if (kp_string_is(host, "*") || inet_pton(AF_INET, into, address) == 1) return true;
    return inet_pton(AF_INET6, into, address) == 1 && write_ipv6(address, into);
}

/* An address that is written otherwise would never be that of a connection. */
static bool is_host(struct kp_string host) {
    char text[ACL_HOST_MAX];
    return acl_host_write(host, text) && kp_string_is(host, text);
}

static bool is_principal(struct kp_string principal) {
    const char *colon = length(principal) == 0 ? NULL
                                               : memchr(principal.data, ':', length(principal));
    return colon != NULL && colon > principal.data &&
           colon + 1 < principal.data + length(principal);
}

static const char *text_fault(const struct acl_rule *rule) {
    if (length(rule->name) > ACL_NAME_MAX || length(rule->principal) > ACL_NAME_MAX)
        return "the names of resources and principals in a rule have 1000 bytes at the most";
    if (!is_plain(rule->name) || !is_plain(rule->principal))
        return "the names of resources and principals in a rule have no control characters";
    if (!is_principal(rule->principal)) return "a principal is TYPE:NAME, for example User:alice";
    if (!is_host(rule->host)) return "the host of a rule is an address, or * for all";
    return NULL;
}

const char *acl_rule_fault(const struct acl_rule *rule) {
    if (acl_resource_name(rule->resource) == NULL)
        return "rules are about topics (2), groups (3), the cluster (4) and transactional ids (5)";
    if (rule->pattern != ACL_LITERAL && rule->pattern != ACL_PREFIXED)
        return "the pattern of a rule is literal (3) or prefixed (4)";
    if (acl_operation_name(rule->operation) == NULL)
        return "a rule has one of the operations 2 to 12, and not any";
    if (rule->permission != ACL_DENY && rule->permission != ACL_ALLOW)
        return "a rule denies (2) or allows (3)";
    if (length(rule->name) == 0) return "the name of a resource is not empty";
    if (rule->resource == AUTHORIZE_CLUSTER &&
        (!kp_string_is(rule->name, ACL_CLUSTER_NAME) || rule->pattern != ACL_LITERAL))
        return "the cluster's name in a rule is " ACL_CLUSTER_NAME ", literally";
    return text_fault(rule);
}

static int compare_texts(struct kp_string one, struct kp_string other) {
    size_t a = length(one), b = length(other), least = a < b ? a : b;
    int order = least == 0 ? 0 : memcmp(one.data, other.data, least);
    return order != 0 ? order : (a > b) - (a < b);
}

int acl_rule_compare(const struct acl_rule *one, const struct acl_rule *other) {
    int order = one->resource - other->resource;
    if (order == 0) order = one->pattern - other->pattern;
    if (order == 0) order = compare_texts(one->name, other->name);
    if (order == 0) order = compare_texts(one->principal, other->principal);
    if (order == 0) order = compare_texts(one->host, other->host);
    if (order == 0) order = one->operation - other->operation;
    return order != 0 ? order : one->permission - other->permission;
}

/* ---- Filters ---- */

enum { UNKNOWN = 0, ANY = 1 };

const char *acl_filter_fault(const struct acl_rule *filter) {
    if (filter->resource <= UNKNOWN || filter->operation <= UNKNOWN ||
        filter->permission <= UNKNOWN || filter->permission > ACL_ALLOW ||
        filter->pattern <= UNKNOWN || filter->pattern > ACL_PREFIXED)
        return "the filter has a resource, a pattern, an operation or a permission that is none";
    return NULL;
}

static bool fits(int wanted, int is) {
    return wanted == ANY || wanted == is;
}

static bool text_fits(struct kp_string wanted, struct kp_string is) {
    return wanted.len < 0 || compare_texts(wanted, is) == 0;
}

/* Whether a rule holds for the resource of that name. */
static bool holds_for(const struct acl_rule *rule, struct kp_string name) {
    size_t len = length(rule->name);
    if (rule->pattern == ACL_LITERAL)
        return compare_texts(rule->name, name) == 0 || kp_string_is(rule->name, "*");
    return len <= length(name) && memcmp(rule->name.data, name.data, len) == 0;
}

static bool pattern_fits(const struct acl_rule *filter, const struct acl_rule *rule) {
    if (filter->pattern == ACL_MATCH) return filter->name.len < 0 || holds_for(rule, filter->name);
    return fits(filter->pattern, rule->pattern) && text_fits(filter->name, rule->name);
}

bool acl_filter_fits(const struct acl_rule *filter, const struct acl_rule *rule) {
    return fits(filter->resource, rule->resource) && pattern_fits(filter, rule) &&
           text_fits(filter->principal, rule->principal) && text_fits(filter->host, rule->host) &&
           fits(filter->operation, rule->operation) && fits(filter->permission, rule->permission);
}
