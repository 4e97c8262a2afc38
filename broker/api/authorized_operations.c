/* Authorized operations as bits: bit n is the operation with AclOperation code n. */
#include "broker/api/authorized_operations.h"

int32_t authorized_operations(const struct request_ctx *ctx, enum authorize_resource resource,
                              const void *name, size_t len) {
    static const struct {
        enum authorize_operation operation;
        int bit;
        bool of_cluster, of_topic, of_group;
    } rows[] = {
        {AUTHORIZE_READ, 3, false, true, true},
        {AUTHORIZE_WRITE, 4, false, true, false},
        {AUTHORIZE_CREATE, 5, true, true, false},
        {AUTHORIZE_DELETE, 6, false, true, true},
        {AUTHORIZE_ALTER, 7, true, true, false},
        {AUTHORIZE_DESCRIBE, 8, true, true, true},
        {AUTHORIZE_DESCRIBE_CONFIGS, 10, true, true, true},
        {AUTHORIZE_ALTER_CONFIGS, 11, true, true, true},
    };
    int32_t bits = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool possible = resource == AUTHORIZE_CLUSTER ? rows[i].of_cluster
                        : resource == AUTHORIZE_GROUP ? rows[i].of_group
                                                      : rows[i].of_topic;
        if (possible && authorize(ctx, rows[i].operation, resource, name, len))
            bits |= 1 << rows[i].bit;
    }
    return bits;
}
