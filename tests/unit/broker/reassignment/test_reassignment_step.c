/* Which step comes next, and that every way from some replicas to others ends, with majorities that
 * overlap and that can commit. */
#include <stdlib.h>
#include <string.h>

#include "broker/reassignment/reassignment_step.h"
#include "tests/unit/unit.h"

enum { MEMBERS = 8 };

struct world {
    struct reassignment_member members[MEMBERS];
    size_t count;
    replica_id leader;
};

static struct reassignment_step next(const struct world *world) {
    return reassignment_next(world->members, world->count, world->leader);
}

static struct reassignment_member *find(struct world *world, replica_id replica) {
    for (size_t i = 0; i < world->count; i++)
        if (world->members[i].replica == replica) return &world->members[i];
    return NULL;
}

/* Replicas 1, 2, ... of which the bits say who votes and who is to be. All are in sync. */
static struct world make(unsigned voters, unsigned wanted, replica_id leader) {
    struct world world = {.leader = leader};
    for (unsigned i = 0; i < MEMBERS; i++) {
        bool votes = voters >> i & 1, is_wanted = wanted >> i & 1;
        if (!votes && !is_wanted) continue;
        world.members[world.count++] = (struct reassignment_member){.replica = i + 1,
                                                                    .wanted = is_wanted,
                                                                    .joining = !votes,
                                                                    .inside = votes,
                                                                    .voter = votes,
                                                                    .in_sync = votes};
    }
    return world;
}

static void take(struct world *world, struct reassignment_step step) {
    struct reassignment_member *member = find(world, step.replica);
    switch (step.action) {
    case REASSIGNMENT_ADDS:
        assert_false(member->inside);
        member->inside = member->ready = true;
        break;
    case REASSIGNMENT_PROMOTES:
        assert_true(member->ready && !member->voter);
        member->voter = member->in_sync = true;
        break;
    case REASSIGNMENT_REMOVES:
        assert_true(member->inside && !member->wanted);
        assert_true(step.replica != world->leader);
        member->inside = member->voter = member->in_sync = false;
        break;
    case REASSIGNMENT_HANDS_OVER:
        assert_true(member->voter && member->wanted && member->in_sync);
        world->leader = step.replica;
        break;
    default: fail();
    }
}

/* From any replicas to any others, whoever leads: it ends, is there, and there is never more than
 * one voter too many. */
static void test_step_every_way_ends(void **state) {
    (void)state;
    for (unsigned voters = 1; voters < 1 << 5; voters++)
        for (unsigned wanted = 1; wanted < 1 << 5; wanted++)
            for (unsigned leader = 0; leader < 5; leader++) {
                if ((voters >> leader & 1) == 0) continue;
                struct world world = make(voters, wanted, leader + 1);
                unsigned most = (unsigned)__builtin_popcount(voters), steps = 0;
                unsigned count = (unsigned)__builtin_popcount(wanted);
                if (count > most) most = count;
                while (next(&world).action != REASSIGNMENT_DONE) {
                    unsigned now = 0;
                    take(&world, next(&world));
                    for (size_t i = 0; i < world.count; i++)
                        now += world.members[i].voter;
                    assert_in_range(now, 1, most + 1);
                    assert_true(++steps < 40);
                }
                for (size_t i = 0; i < world.count; i++)
                    assert_int_equal(world.members[i].voter, world.members[i].wanted);
            }
}

/* A stand-by that does not come keeps its promotion waiting, and nothing is removed for it. */
static void test_step_waits_for_who_is_ready(void **state) {
    (void)state;
    struct world world = make(0x7, 0xe, 1);
    take(&world, next(&world));
    find(&world, 4)->ready = false;
    assert_int_equal(next(&world).action, REASSIGNMENT_WAITS);
    find(&world, 4)->ready = true;
    assert_int_equal(next(&world).action, REASSIGNMENT_PROMOTES);
}

/* Fewer replicas are to be, on other brokers: whoever has a copy keeps it until each newcomer has
 * nearly all, but for one that a newcomer has come for. */
static void test_step_of_fewer_keeps_the_copies(void **state) {
    (void)state;
    struct world world = make(0x7, 0x18, 1);
    take(&world, next(&world));
    take(&world, next(&world));
    find(&world, 4)->ready = find(&world, 5)->ready = false;
    assert_int_equal(next(&world).action, REASSIGNMENT_WAITS);
    find(&world, 5)->ready = true;
    assert_int_equal(next(&world).action, REASSIGNMENT_PROMOTES);
    take(&world, next(&world));
    assert_int_equal(next(&world).action, REASSIGNMENT_REMOVES);
    take(&world, next(&world));
    assert_int_equal(next(&world).action, REASSIGNMENT_WAITS);
    find(&world, 4)->ready = true;
    assert_int_equal(next(&world).action, REASSIGNMENT_REMOVES);
    take(&world, next(&world));
    assert_int_equal(next(&world).action, REASSIGNMENT_PROMOTES);
}

/* One that is away is no copy that is kept. */
static void test_step_of_fewer_drops_the_dead(void **state) {
    (void)state;
    struct world world = make(0x7, 0x9, 1);
    take(&world, next(&world));
    find(&world, 4)->ready = false;
    assert_int_equal(next(&world).action, REASSIGNMENT_WAITS);
    find(&world, 3)->in_sync = false;
    assert_int_equal(next(&world).action, REASSIGNMENT_REMOVES);
    assert_int_equal(next(&world).replica, 3);
    take(&world, next(&world));
    assert_int_equal(next(&world).action, REASSIGNMENT_WAITS);
}

/* Nobody goes while those who would be left could not commit it: 3 is to go, and 2 is away. */
static void test_step_keeps_a_majority_that_is_there(void **state) {
    (void)state;
    struct world world = make(0x7, 0x3, 1);
    find(&world, 2)->in_sync = false;
    assert_int_equal(next(&world).action, REASSIGNMENT_WAITS);
    find(&world, 2)->in_sync = true;
    assert_int_equal(next(&world).action, REASSIGNMENT_REMOVES);
    assert_int_equal(next(&world).replica, 3);
}

/* Of several that are to go, the one that is away goes first. */
static void test_step_removes_the_dead_first(void **state) {
    (void)state;
    struct world world = make(0x1f, 0x3, 1);
    find(&world, 4)->in_sync = false;
    assert_int_equal(next(&world).action, REASSIGNMENT_REMOVES);
    assert_int_equal(next(&world).replica, 4);
}

/* What a plan that was given up has added goes again, whoever else is away. */
static void test_step_drops_stand_bys(void **state) {
    (void)state;
    struct world world = make(0x7, 0x7, 1);
    world.members[world.count++] = (struct reassignment_member){.replica = 9, .inside = true};
    find(&world, 2)->in_sync = find(&world, 3)->in_sync = false;
    assert_int_equal(next(&world).action, REASSIGNMENT_REMOVES);
    assert_int_equal(next(&world).replica, 9);
}

/* The leader that is to go hands over only to one that is there, and last of all. */
static void test_step_leader_hands_over_last(void **state) {
    (void)state;
    struct world world = make(0x3, 0x2, 1);
    assert_int_equal(next(&world).action, REASSIGNMENT_HANDS_OVER);
    find(&world, 2)->in_sync = false;
    assert_int_equal(next(&world).action, REASSIGNMENT_WAITS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_every_way_ends),
        cmocka_unit_test(test_step_waits_for_who_is_ready),
        cmocka_unit_test(test_step_of_fewer_keeps_the_copies),
        cmocka_unit_test(test_step_of_fewer_drops_the_dead),
        cmocka_unit_test(test_step_keeps_a_majority_that_is_there),
        cmocka_unit_test(test_step_removes_the_dead_first),
        cmocka_unit_test(test_step_drops_stand_bys),
        cmocka_unit_test(test_step_leader_hands_over_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
