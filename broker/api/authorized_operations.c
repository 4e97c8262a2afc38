/* Authorized operations as bits: bit n is the operation with AclOperation code n. */
#include "broker/api/authorized_operations.h"

/* Those that there are of each kind of resource, as Kafka has them. */
static int32_t possible_of(enum authorize_resource resource) {
    enum { TOPIC = 0xdf8, GROUP = 0xd48, CLUSTER = 0x1fa0 };
    return resource == AUTHORIZE_CLUSTER ? CLUSTER : resource == AUTHORIZE_GROUP ? GROUP : TOPIC;
}

int32_t authorized_operations(const struct request_ctx *ctx, enum authorize_resource resource,
                              const void *name, size_t len) {
    static const uint8_t operations[] = {AUTHORIZE_READ,           AUTHORIZE_WRITE,
                                         AUTHORIZE_CREATE,         AUTHORIZE_DELETE,
                                         AUTHORIZE_ALTER,          AUTHORIZE_DESCRIBE,
                                         AUTHORIZE_CLUSTER_ACTION, AUTHORIZE_DESCRIBE_CONFIGS,
                                         AUTHORIZE_ALTER_CONFIGS,  AUTHORIZE_IDEMPOTENT_WRITE};
    int32_t bits = 0, possible = possible_of(resource);
    if (resource == AUTHORIZE_CLUSTER &&
        !authorize_could(ctx, AUTHORIZE_DESCRIBE, resource, name, len))
        return 0;
    for (size_t i = 0; i < sizeof operations; i++) {
        int32_t bit = 1 << operations[i];
        if ((possible & bit) != 0 &&
            authorize_could(ctx, (enum authorize_operation)operations[i], resource, name, len))
            bits |= bit;
    }
    return bits;
}
