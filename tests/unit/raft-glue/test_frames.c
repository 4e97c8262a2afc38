/* What leaves for a peer leaves in frames that it can step in one turn of its loop each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raft-glue/peer/entry_frame.h"
#include "raft-glue/raft_group_internal.h"
#include "tests/unit/raft-glue/fixture_fake_peer.h"
#include "tests/unit/unit.h"

enum { RECORDS = 1000, STEPS_OF_A_TURN = 200 };

static bool all_came(struct cluster *cluster) {
    return (void)cluster, fake.got[RECORD_CONFIRM] == RECORDS;
}

/* Thousands of groups have something to say at the end of one turn: all of it comes, a little at a
 * time. */
static void test_frames_records(void **state) {
    struct cluster *cluster = *state;
    struct link *link = shard_link(fake.replica->node->shard, 2);
    for (uint64_t i = 0; i < RECORDS; i++) {
        struct peer_record record = {.type = RECORD_CONFIRM,
                                     .group = 1,
                                     .from = OURS,
                                     .to = FAKE,
                                     .term = 1,
                                     .confirm = {.round = i + 1}};
        link_add_record(link, &record);
    }
    cluster_run(cluster, all_came);
    assert_int_equal(fake.last[RECORD_CONFIRM].confirm.round, RECORDS); /* in order */
    assert_in_range(fake.records_at_once, 2, STEPS_OF_A_TURN);
}

/* Thousands of groups have an entry each. */
static void test_frames_entries(void **state) {
    (void)state;
    struct entry_frame frame;
    struct entry_spec spec = {.type = ENTRY_BARRIER, .max_timestamp = -1};
    size_t pieces = 0;
    entry_frame_begin(&frame, ENTRY_FRAME_BYTES);
    while (!entry_frame_is_full(&frame)) {
        struct entry *entry = entry_new(NULL, &spec);
        struct peer_piece piece = {.group = ++pieces, .term = 1};
        entry_seal(entry, piece.group, 1, 1);
        entry_frame_add(&frame, &piece, &entry, 1);
        assert_int_equal(piece.count, 1);
        entry_unref(entry);
    }
    assert_in_range(pieces, 2, STEPS_OF_A_TURN);
    for (size_t i = 0, n = entry_frame_end(&frame); i < n; i++)
        slice_unref(&frame.slices[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_frames_records, fake_setup, fake_teardown),
        cmocka_unit_test(test_frames_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
