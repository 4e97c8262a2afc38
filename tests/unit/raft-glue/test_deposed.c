/* A leader that is deposed while its turns are long: what it was given of the other leader before
 * it could tell its owner. */
#include <string.h>

#include "raft-glue/raft_group_internal.h"
#include "storage/little_endian.h"
#include "tests/unit/raft-glue/fixture_fake_peer.h"
#include "tests/unit/unit.h"

/* A frame with one entry, as it comes from the link. */
static struct slice frame_of(const struct peer_piece *piece, const struct entry *entry) {
    struct peer_bytes frame = {0};
    peer_bytes_extend(&frame, 4);
    peer_piece_encode(peer_bytes_extend(&frame, PEER_PIECE_SIZE), piece);
    peer_bytes_add(&frame, entry->header, ENTRY_HEADER_SIZE);
    le_put_u32(frame.data, (uint32_t)frame.len);
    peer_bytes_add(&frame, entry->body.data, entry->body.len);
    return peer_bytes_take(&frame);
}

static struct slice record_of(const struct peer_record *record) {
    struct peer_bytes bytes = {0};
    peer_record_encode(peer_bytes_extend(&bytes, PEER_RECORD_SIZE), record);
    return peer_bytes_take(&bytes);
}

/* The made-up peer leads a later term; its entry takes the place of ours, is durable, and
 * committed, all in one turn. Our owner hears first that the lead is lost (fixture_cluster.c looks
 * whether it does): who waits for the entry that it submitted would take the other one for it. */
static void test_deposed_and_overwritten_in_a_turn(void **state) {
    struct cluster *cluster = *state;
    struct replica *replica = fake.replica;
    uint64_t index;
    fake_make_it_lead();
    fake.acknowledges = false;
    assert_int_equal(replica_submit(replica, "ours", 4, &index), ERR_NONE);
    uint32_t term = raft_group_term(replica->group), later = term + 1;
    struct entry_spec spec = {
        .type = ENTRY_COMMAND, .max_timestamp = -1, .raw = slice_copy(NULL, "theirs", 6)};
    struct entry *entry = entry_new(NULL, &spec);
    entry_seal(entry, 1, index, later);
    struct peer_piece piece = {.group = 1,
                               .from = FAKE,
                               .to = OURS,
                               .term = later,
                               .count = 1,
                               .prev_index = index - 1,
                               .prev_term = term,
                               .commit = index};
    receive_entries(replica->node->shard, 2, frame_of(&piece, entry));
    entry_unref(entry);
    assert_int_equal(raft_group_term(replica->group), later);
    raft_group_step_persisted(replica->group, index);
    struct peer_record says = {
        .type = RECORD_APPEND,
        .group = 1,
        .from = FAKE,
        .to = OURS,
        .term = later,
        .append = {.prev_index = index, .commit = index, .prev_term = later}};
    receive_records(replica->node->shard, 2, record_of(&says));
    assert_int_equal(raft_group_commit_index(replica->group), index);
    assert_true(replica->leading);
    fake.applied_wanted = index;
    cluster_run(cluster, fake_has_applied);
    assert_false(replica->leading);
    assert_int_equal(replica->times_lost, 1);
    assert_int_equal(replica->checksums[index - 1] >> 32, later);
}

/* Elected anew before its owner has heard that it was deposed: what that submits is for another
 * log.
 */
static void test_deposed_and_elected_anew_submits_nothing(void **state) {
    (void)state;
    struct raft_group *group = fake.replica->group;
    uint64_t index;
    fake_make_it_lead();
    group->announced.term--; /* as if that was the last that it was told */
    assert_int_equal(replica_submit(fake.replica, "a", 1, &index), ERR_NOT_LEADER);
    group->announced.term++;
    assert_int_equal(replica_submit(fake.replica, "a", 1, &index), ERR_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_deposed_and_overwritten_in_a_turn, fake_setup,
                                        fake_teardown),
        cmocka_unit_test_setup_teardown(test_deposed_and_elected_anew_submits_nothing, fake_setup,
                                        fake_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
