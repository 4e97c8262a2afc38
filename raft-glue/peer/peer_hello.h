/*
 * What two brokers tell each other before anything else: the version that they speak, who each of
 * them is, and what each has seen of the other's journal.
 */
#ifndef RAFT_GLUE_PEER_PEER_HELLO_H
#define RAFT_GLUE_PEER_PEER_HELLO_H

#include <stdint.h>

enum { PEER_PROTOCOL_VERSION = 3, PEER_UUID_SIZE = 16 };

/* What came later, and is said only to who knows it: a broker of an older minor goes on without.
 * Before there were minors their place in the hello was 0. */
enum peer_minor {
    PEER_MINOR_SNAPSHOTS = 1,   /* snapshot_frame.h */
    PEER_MINOR_TIMED_PINGS = 2, /* peer_frame.h */
    PEER_MINOR_SETTLED = 3,     /* shard.h: who lets another one in says when that counts */
    PEER_PROTOCOL_MINOR = PEER_MINOR_SETTLED,
};

/* The two connections of a pair; a hello is said on each. */
enum peer_channel { PEER_CONTROL, PEER_BULK };

/* Texts and bytes of a received one point into its frame. */
struct peer_hello {
    uint16_t version;
    uint32_t minor; /* PEER_PROTOCOL_MINOR of its program */
    int32_t node;
    uint8_t directory[PEER_UUID_SIZE];
    uint32_t shard;
    const char *cluster_id; /* "" while the cluster is not formed */
    const char *nodes;      /* cluster.nodes as configured, normalised */
    const void *record;     /* the cluster record; empty while not formed */
    uint32_t record_len;
};

/* How far a journal is durable: journal_run and journal_sequence of it. run 0: nothing is known. */
struct peer_journal {
    uint64_t run, sequence;
};

#endif
