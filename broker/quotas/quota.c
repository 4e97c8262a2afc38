/* What a quota may be of, and what it may say. */
#include "broker/quotas/quota.h"

#include <arpa/inet.h>
#include <math.h>
#include <string.h>

enum { ADDRESS_ROOM = 64 };

static const char *const keys[QUOTA_KEYS] = {[QUOTA_PRODUCED] = "producer_byte_rate",
                                             [QUOTA_FETCHED] = "consumer_byte_rate",
                                             [QUOTA_TIME] = "request_percentage",
                                             [QUOTA_MUTATIONS] = "controller_mutation_rate",
                                             [QUOTA_CONNECTIONS] = "connection_creation_rate"};

static const char *const types[QUOTA_TYPES] =
    {[QUOTA_USER] = "user", [QUOTA_CLIENT] = "client-id", [QUOTA_IP] = "ip"};

const char *quota_key_name(int key) {
    return key <= 0 || key >= QUOTA_KEYS ? NULL : keys[key];
}

const char *quota_type_name(int type) {
    return type < 0 || type >= QUOTA_TYPES ? NULL : types[type];
}

enum quota_key quota_key_of(struct kp_string name) {
    int key = QUOTA_KEYS - 1;
    while (key > 0 && !kp_string_is(name, keys[key]))
        key--;
    return (enum quota_key)key;
}

int quota_type_of(struct kp_string name) {
    int type = QUOTA_TYPES - 1;
    while (type >= 0 && !kp_string_is(name, types[type]))
        type--;
    return type;
}

/* ---- Entities ---- */

static bool is_plain(struct kp_string text) {
    for (int32_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f) return false;
    return true;
}

/* As the addresses of clients are written: with them it is compared. */
static bool is_address(struct kp_string text) {
    char copy[ADDRESS_ROOM], written[ADDRESS_ROOM];
    uint8_t address[sizeof(struct in6_addr)];
    if (text.len <= 0 || text.len >= ADDRESS_ROOM) return false;
    memcpy(copy, text.data, (size_t)text.len);
    copy[text.len] = '\0';
    int family = strchr(copy, ':') == NULL ? AF_INET : AF_INET6;
    return inet_pton(family, copy, address) == 1 &&
           inet_ntop(family, address, written, sizeof written) != NULL &&
           strcmp(copy, written) == 0 && strncmp(copy, "::ffff:", 7) != 0;
}

const char *quota_entity_fault(const struct quota_entity *entity) {
    const unsigned every = (1u << QUOTA_TYPES) - 1, ip = 1u << QUOTA_IP;
    if (entity->types == 0) return "a quota is of a user, a client-id, both, or an ip";
    if (entity->types > every)
        return "there is no such type of entity; there are user, client-id and ip";
    if ((entity->types & ip) != 0 && entity->types != ip)
        return "quotas of an ip stand alone, without user and client-id";
    for (int type = 0; type < QUOTA_TYPES; type++) {
        struct kp_string name = entity->names[type];
        if ((entity->types & 1u << type) == 0 && name.len >= 0)
            return "a name belongs to a part of the entity";
        if (name.len == 0) return "the name of an entity is not empty; null is the default";
        if (name.len > QUOTA_NAME_MAX) return "the name of an entity has 255 bytes at the most";
        if (!is_plain(name)) return "the name of an entity has no control characters";
    }
    if (entity->names[QUOTA_IP].len >= 0 && !is_address(entity->names[QUOTA_IP]))
        return "the name of an ip is an address in its shortest form, for example 10.0.0.7 or "
               "2001:db8::7";
    return NULL;
}

const char *quota_value_fault(const struct quota_entity *entity, enum quota_key key, double value) {
    static const double long_end = 9223372036854775808.0, int_most = 2147483647.0;
    bool of_ip = (entity->types & 1u << QUOTA_IP) != 0;
    bool whole = key == QUOTA_PRODUCED || key == QUOTA_FETCHED || key == QUOTA_CONNECTIONS;
    if (quota_key_name(key) == NULL || of_ip != (key == QUOTA_CONNECTIONS))
        return of_ip
                   ? "the quota of an ip is connection_creation_rate"
                   : "the quotas of users and clients are producer_byte_rate, consumer_byte_rate, "
                     "request_percentage and controller_mutation_rate";
    if (!isfinite(value) || value <= 0.0) return "a quota is greater than 0";
    if (!whole) return NULL;
    if (key == QUOTA_CONNECTIONS ? value > int_most : value >= long_end)
        return "the quota is too large";
    if (value - floor(value) > 1e-6) return "this quota is a whole number";
    return value < 1 ? "this quota is 1 at the least" : NULL;
}

static int compare_names(struct kp_string one, struct kp_string other) {
    int32_t least = one.len < other.len ? one.len : other.len;
    int order = least <= 0 ? 0 : memcmp(one.data, other.data, (size_t)least);
    return order != 0 ? order : (one.len > other.len) - (one.len < other.len);
}

int quota_entity_compare(const struct quota_entity *one, const struct quota_entity *other) {
    int order = (one->types > other->types) - (one->types < other->types);
    for (int type = 0; order == 0 && type < QUOTA_TYPES; type++)
        order = compare_names(one->names[type], other->names[type]);
    return order;
}
