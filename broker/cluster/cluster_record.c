/*
 * The cluster record as a struct and as bytes. Pure.
 *
 * Bytes, big-endian: u8 format, u8 voters, u8 nodes, then for each i32 node and its UUID. The id is
 * not among them: it is computed from them.
 */
#include "broker/cluster/cluster_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "protocol/wire.h"

enum { FORMAT = 1, HEAD = 3, PAIR = 4 + CLUSTER_UUID_SIZE };
_Static_assert(HEAD + PAIR * CLUSTER_NODES_MAX <= CLUSTER_RECORD_MAX, "the largest record fits");

static int compare_nodes(const void *a, const void *b) {
    const struct cluster_node *left = a, *right = b;
    return left->node < right->node ? -1 : left->node > right->node;
}

/* 128 bits of FNV-1a: the UUIDs are random already, the hash only has to carry all of them. */
static void compute_id(struct cluster_record *record) {
    uint8_t bytes[CLUSTER_RECORD_MAX];
    size_t len = cluster_record_encode(record, bytes);
    __extension__ typedef unsigned __int128 uint128;
    uint128 hash = ((uint128)0x6c62272e07bb0142ULL << 64) | 0x62b821756295c58dULL;
    const uint128 prime = ((uint128)1 << 88) | 0x13b;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * prime;
    struct kp_uuid uuid;
    for (int i = 0; i < CLUSTER_UUID_SIZE; i++)
        uuid.bytes[i] = (uint8_t)(hash >> (8 * (CLUSTER_UUID_SIZE - 1 - i)));
    kp_uuid_text(uuid, record->id);
}

void cluster_record_make(struct cluster_record *record, const struct cluster_node *nodes,
                         size_t count, uint32_t voters) {
    /* cluster.nodes was checked; a record of somebody else goes through cluster_record_decode */
    CHECK(count >= 1 && count <= CLUSTER_NODES_MAX);
    CHECK(voters >= 1); /* a setting with that limit */
    memset(record, 0, sizeof *record);
    memcpy(record->nodes, nodes, count * sizeof *nodes);
    record->node_count = (uint32_t)count;
    record->voters = voters < count ? voters : (uint32_t)count;
    qsort(record->nodes, count, sizeof *nodes, compare_nodes);
    for (size_t i = 1; i < count; i++) {
        /* The settings refuse a node that is named twice. */
        CHECK(record->nodes[i - 1].node < record->nodes[i].node);
    }
    compute_id(record);
}

size_t cluster_record_encode(const struct cluster_record *record,
                             uint8_t into[CLUSTER_RECORD_MAX]) {
    uint8_t *at = into;
    *at++ = FORMAT;
    *at++ = (uint8_t)record->voters;
    *at++ = (uint8_t)record->node_count;
    for (uint32_t i = 0; i < record->node_count; i++) {
        uint32_t node = (uint32_t)record->nodes[i].node;
        for (int shift = 24; shift >= 0; shift -= 8)
            *at++ = (uint8_t)(node >> shift);
        memcpy(at, record->nodes[i].directory, CLUSTER_UUID_SIZE);
        at += CLUSTER_UUID_SIZE;
    }
    return (size_t)(at - into);
}

int cluster_record_decode(const void *data, size_t len, struct cluster_record *record) {
    struct kp_reader reader;
    kp_reader_init(&reader, data, len);
    memset(record, 0, sizeof *record);
    if (len < HEAD) return ERR_MALFORMED;
    if ((uint8_t)kp_read_int8(&reader) != FORMAT) return ERR_VERSION;
    record->voters = (uint8_t)kp_read_int8(&reader);
    record->node_count = (uint8_t)kp_read_int8(&reader);
    if (record->node_count < 1 || record->node_count > CLUSTER_NODES_MAX || record->voters < 1 ||
        record->voters > record->node_count || len != HEAD + (size_t)record->node_count * PAIR)
        return ERR_MALFORMED;
    for (uint32_t i = 0; i < record->node_count; i++) {
        record->nodes[i].node = kp_read_int32(&reader);
        struct kp_uuid uuid = kp_read_uuid(&reader);
        memcpy(record->nodes[i].directory, uuid.bytes, CLUSTER_UUID_SIZE);
        if (record->nodes[i].node < 0 ||
            (i > 0 && record->nodes[i].node <= record->nodes[i - 1].node))
            return ERR_MALFORMED;
    }
    compute_id(record);
    return reader.error;
}

bool cluster_record_names(const struct cluster_record *record, int32_t node,
                          const uint8_t directory[CLUSTER_UUID_SIZE]) {
    replica_id replica = cluster_record_replica(record, node);
    return replica != 0 &&
           memcmp(record->nodes[replica - 1].directory, directory, CLUSTER_UUID_SIZE) == 0;
}

uint64_t cluster_record_replica(const struct cluster_record *record, int32_t node) {
    for (uint32_t i = 0; i < record->node_count; i++)
        if (record->nodes[i].node == node) return i + 1;
    return 0;
}

int32_t cluster_record_node_of(const struct cluster_record *record, replica_id replica) {
    return replica < 1 || replica > record->node_count ? -1 : record->nodes[replica - 1].node;
}
