/*
 * Raft configurations as bytes: the payload of ENTRY_CHANGE, in the engine's own encoding (format
 * 1: u8 format, u64 count, then for each server u64 id, address with its zero byte, u8 role; padded
 * with zeros to 8).
 *
 * The engine's decoder checks no bounds, so ours looks at the bytes first, always. The address of a
 * server is its id as text.
 */
#ifndef RAFT_GLUE_ENGINE_CONFIGURATION_H
#define RAFT_GLUE_ENGINE_CONFIGURATION_H

#include <raft.h>

#include "base/buffer.h"
#include "storage/log_types.h"

enum { CHANGE_SERVERS_MAX = 256 };

struct configuration_server {
    replica_id replica;
    bool voter; /* false: stand-by */
};

/* The configuration of these servers, in their order. */
struct slice configuration_encode(const struct configuration_server *servers, size_t n);
/* ERR_MALFORMED unless the engine's decoder would take exactly these bytes, to the last one: known
 * format and roles, 1 to CHANGE_SERVERS_MAX servers, ids not 0 and not repeated, each address its
 * id. */
int configuration_decode(const void *bytes, size_t len,
                         struct configuration_server servers[CHANGE_SERVERS_MAX], size_t *n);

#endif
