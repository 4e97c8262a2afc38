/* One real replica and a made-up peer that says what a test wants: voters of group 1 on node 1
 * (real) and node 2 (made up). */
#ifndef TESTS_FIXTURE_FAKE_PEER_H
#define TESTS_FIXTURE_FAKE_PEER_H

#include "raft-glue/peer/snapshot_frame.h"
#include "tests/unit/raft-glue/fixture_cluster.h"

enum { OURS = 100, FAKE = 101 }; /* replicas */

/* It speaks frames by hand and keeps the last record of each type that it got. */
struct fake_peer {
    struct cluster *cluster;
    struct peers *peers;
    struct replica *replica; /* the real one */
    bool up;
    unsigned downs;
    struct peer_record last[RECORD_RESIGNED + 1];
    unsigned got[RECORD_RESIGNED + 1];
    uint64_t entries_got, entries_last;
    unsigned wants, refusals; /* of offers that were made to the real one; the last of each: */
    struct snapshot_want want;
    enum snapshot_refusal refusal;
    size_t records_at_once; /* the most of one frame */
    bool grants, acknowledges, swallows_entries;
    bool agrees;        /* to be quiet */
    uint64_t ends_at;   /* it rejects what goes on behind a later entry; 0: it does not */
    uint64_t others_to; /* behind that it has entries of another leader, up to here */
    /* What came of snapshot_frame.h, by the kind: how many, and the last one. */
    unsigned offers, pieces;
    struct slice offer, piece;
    uint64_t drops_wanted, applied_wanted; /* for fake_has_dropped and fake_has_applied */
};
extern struct fake_peer fake;

/* For cmocka's setup and teardown; *state is the cluster, which holds no election of its own. */
int fake_setup(void **state);
int fake_setup_with(void **state, uint32_t election_timeout_ms, uint32_t failover_ms);
int fake_teardown(void **state);

/* Group, from and to are filled in where they are 0. */
void fake_send(struct peer_record record);
/* The same, and the real one must drop it and keep its term. */
void fake_send_and_expect_drop(struct peer_record record);
/* Refuses, or asks for a part of a file of the last offer. */
void fake_refuse(enum snapshot_refusal reason);
void fake_want(uint32_t file, uint64_t offset, uint32_t length);
/* It leads a later term, in which nothing is known of the made-up peer, which votes for it. */
void fake_make_it_lead_anew(void);
/* Its log is the configuration; it becomes the leader of a later term, and the made-up peer
 * follows. */
void fake_make_it_lead(void);
uint64_t fake_dropped(void);

/* For cluster_run. */
bool fake_is_up(struct cluster *cluster);
bool fake_has_dropped(struct cluster *cluster);
bool fake_has_applied(struct cluster *cluster);
bool fake_got_result(struct cluster *cluster);
bool fake_sees_it_lead(struct cluster *cluster);

#endif
