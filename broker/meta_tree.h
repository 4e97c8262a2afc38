/*
 * The metadata as a tree to browse, the way one browses ZooKeeper: /brokers/ids/1, /topics/orders/partitions/0, /controller, /cluster.
 *
 * A node has a value (JSON), children, or both. Reads the local table. Failures: no such path.
 */
#ifndef BROKER_META_TREE_H
#define BROKER_META_TREE_H

#include "broker/services.h"
#include "protocol/meta_query.h"

/* Fills value and entries (by name) from `arena`; `listener` chooses the addresses of brokers. ERR_NOT_FOUND; ERR_TOO_LARGE (arena). */
int meta_tree_get(const struct broker_services *services, const char *listener, struct kp_string path,
                  struct kp_arena *arena, struct kp_meta_query_response *response);

#endif
