/* Configurations as bytes; configuration.h draws the layout. */
#include "raft-glue/engine/configuration.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "raft-glue/peer/peer_frame.h"
#include "storage/little_endian.h"

enum { CHANGE_FORMAT = 1, SERVER_MIN_SIZE = 8 + 2 + 1 };

struct slice configuration_encode(const struct configuration_server *servers, size_t n) {
    CHECK(n > 0 && n <= CHANGE_SERVERS_MAX); /* the metadata refuses more replicas
                                                (METADATA_REPLICAS_MAX), and none */
    struct peer_bytes bytes = {0};
    *peer_bytes_extend(&bytes, 1) = CHANGE_FORMAT;
    le_put_u64(peer_bytes_extend(&bytes, 8), n);
    for (size_t i = 0; i < n; i++) {
        char address[24];
        int len = snprintf(address, sizeof address, "%" PRIu64, servers[i].replica);
        le_put_u64(peer_bytes_extend(&bytes, 8), servers[i].replica);
        peer_bytes_add(&bytes, address, (size_t)len + 1);
        *peer_bytes_extend(&bytes, 1) = servers[i].voter ? RAFT_VOTER : RAFT_STANDBY;
    }
    size_t padding = (8 - bytes.len % 8) % 8;
    memset(peer_bytes_extend(&bytes, padding), 0, padding);
    return peer_bytes_take(&bytes);
}

static int decode_server(const uint8_t **at, const uint8_t *end,
                         struct configuration_server *server) {
    if (end - *at < SERVER_MIN_SIZE) return ERR_MALFORMED;
    server->replica = le_get_u64(*at);
    char address[24];
    size_t size = (size_t)snprintf(address, sizeof address, "%" PRIu64, server->replica) + 1;
    *at += 8;
    if ((size_t)(end - *at) < size + 1 || memcmp(*at, address, size) != 0) return ERR_MALFORMED;
    *at += size;
    uint8_t role = *(*at)++;
    server->voter = role == RAFT_VOTER;
    return server->replica != 0 && (role == RAFT_VOTER || role == RAFT_STANDBY) ? ERR_NONE
                                                                                : ERR_MALFORMED;
}

int configuration_decode(const void *bytes, size_t len,
                         struct configuration_server servers[CHANGE_SERVERS_MAX], size_t *n) {
    const uint8_t *at = bytes, *end = at + len;
    if (len < 9 || at[0] != CHANGE_FORMAT) return ERR_MALFORMED;
    uint64_t count = le_get_u64(at + 1);
    if (count == 0 || count > CHANGE_SERVERS_MAX) return ERR_MALFORMED;
    at += 9;
    for (uint64_t i = 0; i < count; i++) {
        if (decode_server(&at, end, &servers[i]) != ERR_NONE) return ERR_MALFORMED;
        for (uint64_t j = 0; j < i; j++)
            if (servers[j].replica == servers[i].replica) return ERR_MALFORMED;
    }
    if (end - at >= 8) return ERR_MALFORMED;
    for (; at < end; at++)
        if (*at != 0) return ERR_MALFORMED;
    *n = (size_t)count;
    return ERR_NONE;
}
