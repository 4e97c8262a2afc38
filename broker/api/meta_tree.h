/*
 * The metadata as a tree to browse, the way one browses ZooKeeper: /brokers/ids/1,
 * /topics/orders/partitions/0, /controller, /cluster.
 *
 * A node has a value (JSON), children, or both. Reads the local table. Failures: no such path.
 */
#ifndef BROKER_API_META_TREE_H
#define BROKER_API_META_TREE_H

#include "broker/api/services.h"
#include "broker/server/request.h"
#include "protocol/messages/meta_query.h"

/* One answer under construction. */
struct meta_tree_walk {
    const struct broker_services *services;
    const struct request_ctx *ctx; /* whose listener chooses the addresses of brokers; topics that
                                      he may not describe are not there */
    struct kp_arena *arena;
    struct kp_meta_query_response
        *response; /* value and entries (by name) are filled; nothing in it points into the table */
    bool too_large;      /* the arena's limit was passed */
    struct kp_uuid *ids; /* ours, all below: of the topics that are listed, or of the one whose
                            partitions are */
    size_t count, at;
    bool of_one;
};
/* Fills what is little. ERR_NONE; ERR_NOT_FOUND. */
int meta_tree_begin(struct meta_tree_walk *walk, struct kp_string path);
/* Adds one more entry of what may be much. False when all are there, or too_large. */
bool meta_tree_next(struct meta_tree_walk *walk);

#endif
