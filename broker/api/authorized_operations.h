/* The bit set of operations that Metadata, DescribeCluster and others show when asked (KIP-430). */
#ifndef BROKER_API_AUTHORIZED_OPERATIONS_H
#define BROKER_API_AUTHORIZED_OPERATIONS_H

#include "broker/server/request.h"

int32_t authorized_operations(const struct request_ctx *ctx, enum authorize_resource resource,
                              const void *name, size_t len);

#endif
