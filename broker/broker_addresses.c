/*
 * Where brokers are that another one may not know of.
 *
 * The lower id dials. A broker whose table is behind, or empty because its directory was replaced,
 * knows those of its cluster.nodes and of that table; if one that came later leads the metadata and
 * has a higher id, nobody would ever connect the two, and the table would stay as it is. So
 * whoever is connected is told where all brokers of the roster are reached.
 *
 * Happy path: told when the link comes up; those that are not known are dialled, and the handshake
 * says whether they are let in (broker_roster.c, who is ahead of us). Failures: an address that is
 * out of date is dialled in vain, until this process ends. Bytes that make no sense are dropped; a
 * version that does not know this message drops it, too. Invariant: what cluster.nodes or the own
 * table says of a broker counts, and no word of others.
 */
#include <string.h>

#include "base/mem.h"
#include "broker/broker_internal.h"
#include "broker/metadata/metadata_roster.h"
#include "storage/little_endian.h"

/* Of each: u32 node, u16 port, u8 length of the host, the host. */
enum { HEAD = 7 };

static bool is_told(const struct roster_broker *row, int32_t to) {
    size_t len = strlen(row->host);
    return row->node != to && len > 0 && len <= UINT8_MAX && row->port > 0 &&
           row->port <= UINT16_MAX;
}

void broker_tell_addresses(struct broker *broker, int32_t to) {
    if (broker->metadata == NULL || broker->closed) return;
    size_t size = 0, count = metadata_roster_count(broker->metadata);
    for (size_t i = 0; i < count; i++) {
        const struct roster_broker *row = metadata_roster_at(broker->metadata, i);
        if (is_told(row, to)) size += HEAD + strlen(row->host);
    }
    if (size == 0) return;
    struct buffer *buffer = buffer_new(NULL, size);
    uint8_t *at = buffer->data;
    for (size_t i = 0; i < count; i++) {
        const struct roster_broker *row = metadata_roster_at(broker->metadata, i);
        if (!is_told(row, to)) continue;
        size_t len = strlen(row->host);
        le_put_u32(at, (uint32_t)row->node);
        le_put_u16(at + 4, (uint16_t)row->port);
        at[6] = (uint8_t)len;
        memcpy(at + HEAD, row->host, len);
        at += HEAD + len;
    }
    broker_messages_send(broker->messages, to, BROKER_MESSAGE_ADDRESSES, slice_of(buffer, 0, size));
    buffer_unref(buffer);
}

static bool is_known(const struct broker *broker, int32_t node) {
    if (node < 0 || node == broker->settings->node_id) return true;
    for (size_t i = 0; i < broker->settings->node_count; i++)
        if (broker->settings->nodes[i].node == node) return true;
    return broker->metadata != NULL && (metadata_roster_of(broker->metadata, node) != NULL ||
                                        metadata_roster_is_retired(broker->metadata, node));
}

void broker_heard_addresses(struct broker *broker, const struct slice *payload) {
    const uint8_t *at = payload->data, *end = at + payload->len;
    for (size_t count = 0; count < ROSTER_MAX && end - at >= HEAD; count++) {
        size_t len = at[6];
        if ((size_t)(end - at) < HEAD + len) return;
        int32_t node = (int32_t)le_get_u32(at);
        uint16_t port = le_get_u16(at + 4);
        char *host = mem_strndup((const char *)at + HEAD, len);
        if (!is_known(broker, node) && host[0] != '\0' && port > 0)
            peers_add(shard_peers(broker->shard), node, host, port);
        mem_free(host);
        at += HEAD + len;
    }
}
