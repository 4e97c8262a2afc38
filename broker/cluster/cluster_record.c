/*
 * The cluster record as a struct and as bytes. Pure.
 *
 * Bytes, big-endian: u8 format, u8 voters, u8 nodes, then for each i32 node and its UUID. The id is
 * not among them: it is computed from them. Format 2 has one that came later behind these: i32
 * node, its UUID, i64 replica id; the id of the cluster is that of the bytes of format 1. Formats 3
 * and 4 are these two with the number of a copy at their ends, which is part of the cluster's id.
 */
#include "broker/cluster/cluster_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "protocol/wire.h"

enum {
    FORMAT = 1,
    FORMAT_JOINED = 2,
    ADOPTED = 2, /* behind one of these */
    HEAD = 3,
    PAIR = 4 + CLUSTER_UUID_SIZE,
    JOINED = PAIR + 8
};
_Static_assert(HEAD + PAIR * CLUSTER_NODES_MAX + JOINED + CLUSTER_UUID_SIZE <= CLUSTER_RECORD_MAX,
               "the largest record fits");

static int compare_nodes(const void *a, const void *b) {
    const struct cluster_node *left = a, *right = b;
    return left->node < right->node ? -1 : left->node > right->node;
}

static uint8_t *put_node(uint8_t *at, const struct cluster_node *one) {
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t)((uint32_t)one->node >> shift);
    memcpy(at, one->directory, CLUSTER_UUID_SIZE);
    return at + CLUSTER_UUID_SIZE;
}

static bool is_adopted(const struct cluster_record *record) {
    static const uint8_t none[CLUSTER_UUID_SIZE];
    return memcmp(record->adoption, none, sizeof none) != 0;
}

size_t cluster_record_encode(const struct cluster_record *record,
                             uint8_t into[CLUSTER_RECORD_MAX]) {
    uint8_t *at = into;
    bool joined = record->joined_replica != 0, adopted = is_adopted(record);
    *at++ = (uint8_t)((joined ? FORMAT_JOINED : FORMAT) + (adopted ? ADOPTED : 0));
    *at++ = (uint8_t)record->voters;
    *at++ = (uint8_t)record->node_count;
    for (uint32_t i = 0; i < record->node_count; i++)
        at = put_node(at, &record->nodes[i]);
    if (joined) {
        at = put_node(at, &record->joined);
        for (int shift = 56; shift >= 0; shift -= 8)
            *at++ = (uint8_t)(record->joined_replica >> shift);
    }
    if (adopted) {
        memcpy(at, record->adoption, CLUSTER_UUID_SIZE);
        at += CLUSTER_UUID_SIZE;
    }
    return (size_t)(at - into);
}

/* 128 bits of FNV-1a: the UUIDs are random already, the hash only has to carry all of them. */
static void compute_id(struct cluster_record *record) {
    uint8_t bytes[CLUSTER_RECORD_MAX];
    struct cluster_record beginning = *record;
    beginning.joined_replica = 0;
    size_t len = cluster_record_encode(&beginning, bytes);
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

static void read_node(struct kp_reader *reader, struct cluster_node *into) {
    into->node = kp_read_int32(reader);
    struct kp_uuid uuid = kp_read_uuid(reader);
    memcpy(into->directory, uuid.bytes, CLUSTER_UUID_SIZE);
}

int cluster_record_decode(const void *data, size_t len, struct cluster_record *record) {
    struct kp_reader reader;
    kp_reader_init(&reader, data, len);
    memset(record, 0, sizeof *record);
    if (len < HEAD) return ERR_MALFORMED;
    uint8_t format = (uint8_t)kp_read_int8(&reader);
    if (format < FORMAT || format > FORMAT_JOINED + ADOPTED) return ERR_VERSION;
    bool adopted = format > ADOPTED, joined = format == FORMAT_JOINED + (adopted ? ADOPTED : 0);
    size_t behind = (joined ? JOINED : 0) + (adopted ? CLUSTER_UUID_SIZE : 0);
    record->voters = (uint8_t)kp_read_int8(&reader);
    record->node_count = (uint8_t)kp_read_int8(&reader);
    if (record->node_count < 1 || record->node_count > CLUSTER_NODES_MAX || record->voters < 1 ||
        record->voters > record->node_count ||
        len != HEAD + (size_t)record->node_count * PAIR + behind)
        return ERR_MALFORMED;
    for (uint32_t i = 0; i < record->node_count; i++) {
        read_node(&reader, &record->nodes[i]);
        if (record->nodes[i].node < 0 ||
            (i > 0 && record->nodes[i].node <= record->nodes[i - 1].node))
            return ERR_MALFORMED;
    }
    if (joined) {
        read_node(&reader, &record->joined);
        record->joined_replica = (replica_id)kp_read_int64(&reader);
        /* Those it began with have the ids up to there. */
        if (record->joined.node < 0 || record->joined_replica <= record->node_count)
            return ERR_MALFORMED;
    }
    if (adopted) {
        struct kp_uuid number = kp_read_uuid(&reader);
        memcpy(record->adoption, number.bytes, CLUSTER_UUID_SIZE);
        if (!is_adopted(record)) return ERR_MALFORMED;
    }
    compute_id(record);
    return reader.error;
}

void cluster_record_join(struct cluster_record *record, const struct cluster_node *node,
                         replica_id replica) {
    CHECK(replica > record->node_count); /* the metadata gives ids above those */
    record->joined = *node;
    record->joined_replica = replica;
}

void cluster_record_adopt(struct cluster_record *record,
                          const uint8_t adoption[CLUSTER_UUID_SIZE]) {
    memcpy(record->adoption, adoption, CLUSTER_UUID_SIZE);
    CHECK(is_adopted(record)); /* drawn; never zero but by a broken generator */
    compute_id(record);
}

bool cluster_record_same_beginning(const struct cluster_record *record,
                                   const struct cluster_record *other) {
    return record->voters == other->voters && record->node_count == other->node_count &&
           memcmp(record->nodes, other->nodes, record->node_count * sizeof record->nodes[0]) == 0;
}

static bool is_joined(const struct cluster_record *record, int32_t node) {
    return record->joined_replica != 0 && record->joined.node == node;
}

bool cluster_record_names(const struct cluster_record *record, int32_t node,
                          const uint8_t directory[CLUSTER_UUID_SIZE]) {
    if (is_joined(record, node))
        return memcmp(record->joined.directory, directory, CLUSTER_UUID_SIZE) == 0;
    replica_id replica = cluster_record_replica(record, node);
    return replica != 0 &&
           memcmp(record->nodes[replica - 1].directory, directory, CLUSTER_UUID_SIZE) == 0;
}

uint64_t cluster_record_replica(const struct cluster_record *record, int32_t node) {
    if (is_joined(record, node)) return record->joined_replica;
    for (uint32_t i = 0; i < record->node_count; i++)
        if (record->nodes[i].node == node) return i + 1;
    return 0;
}

int32_t cluster_record_node_of(const struct cluster_record *record, replica_id replica) {
    if (record->joined_replica != 0 && record->joined_replica == replica)
        return record->joined.node;
    return replica < 1 || replica > record->node_count ? -1 : record->nodes[replica - 1].node;
}
