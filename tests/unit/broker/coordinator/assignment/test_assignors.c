/* Assignors as properties over random groups: every partition once, balance, stickiness, equal
 * output for equal input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "broker/coordinator/assignment/assignment.h"
#include "tests/unit/unit.h"

enum { TOPICS = 12, MEMBERS = 24, PARTITIONS = 4000, ROUNDS = 400 };

/* One fixture: a group, and what was assigned last, which is what its members hold. */
struct world {
    uint64_t random;
    struct assignment_topic topics[TOPICS];
    struct assignment_member members[MEMBERS];
    char ids[MEMBERS][16], instances[MEMBERS][16];
    uint32_t subscribed[MEMBERS][TOPICS];
    uint32_t held[MEMBERS][PARTITIONS];
    uint32_t owner[PARTITIONS];
    struct assignment_input input;
    unsigned next_id;
};

static uint32_t draw(struct world *world, uint32_t below) {
    world->random = world->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(world->random >> 33) % below;
}

static void name_member(struct world *world, uint32_t place) {
    struct assignment_member *member = &world->members[place];
    unsigned number = world->next_id++ * 7919u % 10007u; /* ids do not ascend with places */
    snprintf(world->ids[place], sizeof world->ids[place], "m%u", number);
    snprintf(world->instances[place], sizeof world->instances[place], "i%u", 10007u - number);
    member->id = kp_string_of(world->ids[place]);
    member->instance = draw(world, 3) == 0 ? kp_string_of(world->instances[place]) : KP_NULL_STRING;
    member->held = world->held[place];
    member->held_count = 0;
}

static void subscribe(struct world *world, uint32_t place, bool to_all) {
    struct assignment_member *member = &world->members[place];
    member->topics = world->subscribed[place];
    member->topic_count = 0;
    for (uint32_t t = 0; t < world->input.topic_count; t++)
        if (to_all || draw(world, 2) == 0) world->subscribed[place][member->topic_count++] = t;
}

static void make_topics(struct world *world, uint32_t count, uint32_t most) {
    world->input.topic_count = count;
    world->input.partition_count = 0;
    for (uint32_t t = 0; t < count; t++) {
        world->topics[t] = (struct assignment_topic){world->input.partition_count,
                                                     1 + draw(world, most)};
        world->input.partition_count += world->topics[t].partitions;
    }
}

static struct world *make(uint64_t seed, bool same) {
    struct world *world = mem_zalloc(sizeof *world);
    world->random = seed;
    world->input.topics = world->topics;
    world->input.members = world->members;
    make_topics(world, 1 + draw(world, TOPICS - 1), 40);
    world->input.member_count = 1 + draw(world, MEMBERS - 2);
    for (uint32_t i = 0; i < world->input.member_count; i++) {
        name_member(world, i);
        subscribe(world, i, same);
    }
    return world;
}

static bool has_topic(const struct assignment_member *member, uint32_t topic) {
    for (uint32_t t = 0; t < member->topic_count; t++)
        if (member->topics[t] == topic) return true;
    return false;
}

static uint32_t subscriber_count(const struct world *world, uint32_t topic) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->input.member_count; i++)
        if (has_topic(&world->members[i], topic)) count++;
    return count;
}

/* Assigns, and asserts what holds for every assignor; `loads` gets how many each member has. */
static void assign(struct world *world, assignment_assignor *assignor, uint32_t loads[MEMBERS]) {
    memset(world->owner, 0x55, sizeof world->owner);
    assignor(&world->input, world->owner);
    memset(loads, 0, MEMBERS * sizeof *loads);
    for (uint32_t t = 0; t < world->input.topic_count; t++) {
        for (uint32_t n = 0; n < world->topics[t].partitions; n++) {
            uint32_t owner = world->owner[world->topics[t].first + n];
            if (subscriber_count(world, t) == 0) {
                assert_int_equal(owner, ASSIGNMENT_NOBODY);
                continue;
            }
            assert_true(owner < world->input.member_count);
            assert_true(has_topic(&world->members[owner], t));
            loads[owner]++;
        }
    }
    assert_int_equal(world->owner[world->input.partition_count], 0x55555555);
}

/* What was assigned is what they hold from now on; in no order. */
static void hold(struct world *world) {
    for (uint32_t i = 0; i < world->input.member_count; i++)
        world->members[i].held_count = 0;
    for (uint32_t p = world->input.partition_count; p-- > 0;) {
        if (world->owner[p] == ASSIGNMENT_NOBODY) continue;
        struct assignment_member *member = &world->members[world->owner[p]];
        world->held[world->owner[p]][member->held_count++] = p;
    }
}

static void leave(struct world *world, uint32_t place) {
    uint32_t last = --world->input.member_count;
    if (place == last) return;
    /* The last one takes its place; what points into a row of the table moves along. */
    world->members[place] = world->members[last];
    memcpy(world->ids[place], world->ids[last], sizeof world->ids[last]);
    memcpy(world->instances[place], world->instances[last], sizeof world->instances[last]);
    memcpy(world->subscribed[place], world->subscribed[last], sizeof world->subscribed[last]);
    memcpy(world->held[place], world->held[last], sizeof world->held[last]);
    world->members[place].id = kp_string_of(world->ids[place]);
    if (world->members[place].instance.len >= 0)
        world->members[place].instance = kp_string_of(world->instances[place]);
    world->members[place].topics = world->subscribed[place];
    world->members[place].held = world->held[place];
}

static uint32_t kept_of(const struct world *world) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < world->input.member_count; i++)
        for (uint32_t h = 0; h < world->members[i].held_count; h++)
            if (world->owner[world->held[i][h]] == i) kept++;
    return kept;
}

/* With equal subscriptions loads differ by one at most, and no balanced assignment keeps more where
 * it was, over members that join and leave. */
static void test_uniform_same_subscriptions(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct world *world = make(seed, true);
        for (int step = 0; step < 8; step++) {
            uint32_t loads[MEMBERS], count = world->input.member_count, best = 0, above = 0;
            assign(world, assign_uniform, loads);
            uint32_t share = world->input.partition_count / count;
            uint32_t more = world->input.partition_count % count;
            for (uint32_t i = 0; i < count; i++) {
                uint32_t held = world->members[i].held_count;
                assert_true(loads[i] == share || loads[i] == share + 1);
                best += held < share ? held : share;
                if (held > share) above++;
            }
            assert_int_equal(kept_of(world), best + (above < more ? above : more));
            hold(world);
            if (draw(world, 2) == 0 && world->input.member_count < MEMBERS) {
                name_member(world, world->input.member_count);
                world->input.member_count++;
                subscribe(world, world->input.member_count - 1, true);
            } else if (world->input.member_count > 1) {
                leave(world, draw(world, world->input.member_count));
            }
        }
        mem_free(world);
    }
}

/* With different subscriptions no single move makes it more even, and when nothing changes nothing
 * moves. */
static void test_uniform_different_subscriptions(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct world *world = make(seed, false);
        uint32_t loads[MEMBERS];
        assign(world, assign_uniform, loads);
        for (uint32_t t = 0; t < world->input.topic_count; t++)
            for (uint32_t n = 0; n < world->topics[t].partitions; n++)
                for (uint32_t i = 0; i < world->input.member_count; i++)
                    if (has_topic(&world->members[i], t)) {
                        uint32_t owner = world->owner[world->topics[t].first + n];
                        assert_true(loads[owner] <= loads[i] + 1);
                    }
        hold(world);
        uint32_t held = 0;
        for (uint32_t i = 0; i < world->input.member_count; i++)
            held += loads[i];
        assign(world, assign_uniform, loads);
        assert_int_equal(kept_of(world), held);
        mem_free(world);
    }
}

/* Who leaves sets free what it had, and only for balance does anything else move: a partition that
 * moves between two who stay goes from one who had more to one who had less. */
static void test_uniform_moves_little_when_a_member_leaves(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct world *world = make(seed, false);
        uint32_t loads[MEMBERS], before = 0;
        assign(world, assign_uniform, loads);
        hold(world);
        if (world->input.member_count > 1) leave(world, draw(world, world->input.member_count));
        for (uint32_t i = 0; i < world->input.member_count; i++)
            before += world->members[i].held_count;
        assign(world, assign_uniform, loads);
        for (uint32_t i = 0; i < world->input.member_count; i++)
            for (uint32_t h = 0; h < world->members[i].held_count; h++) {
                uint32_t now = world->owner[world->held[i][h]];
                if (now != i) assert_true(loads[now] <= loads[i] + 1);
            }
        assert_true(2 * kept_of(world) >= before);
        mem_free(world);
    }
}

/* The order of members in the input shows in nothing. */
static void test_order_of_input_does_not_matter(void **state) {
    (void)state;
    assignment_assignor *assignors[] = {assign_range, assign_uniform};
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct world *world = make(seed, seed % 2 == 0);
        assignment_assignor *assignor = assignors[seed / 2 % 2];
        uint32_t loads[MEMBERS], other[PARTITIONS];
        assign(world, assign_uniform, loads);
        hold(world);
        assign(world, assignor, loads);
        struct assignment_member shuffled[MEMBERS];
        uint32_t count = world->input.member_count;
        for (uint32_t i = 0; i < count; i++)
            shuffled[(i + seed) % count] = world->members[i];
        struct assignment_input input = world->input;
        input.members = shuffled;
        assignor(&input, other);
        for (uint32_t p = 0; p < input.partition_count; p++) {
            if (other[p] == ASSIGNMENT_NOBODY)
                assert_int_equal(world->owner[p], ASSIGNMENT_NOBODY);
            else
                assert_ptr_equal(shuffled[other[p]].id.data,
                                 world->members[world->owner[p]].id.data);
        }
        mem_free(world);
    }
}

/* Range: of each topic neighbouring partitions, the first subscribers one more, static members
 * before others, so that topics of one size line up. */
static void test_range(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct world *world = make(seed, seed % 2 == 0);
        uint32_t loads[MEMBERS];
        assign(world, assign_range, loads);
        uint32_t *order = assignment_order(&world->input, true);
        for (uint32_t t = 0; t < world->input.topic_count; t++) {
            uint32_t count = subscriber_count(world, t), at = world->topics[t].first, nth = 0;
            for (uint32_t i = 0; i < world->input.member_count; i++) {
                if (!has_topic(&world->members[order[i]], t)) continue;
                uint32_t share = world->topics[t].partitions / count +
                                 (nth++ < world->topics[t].partitions % count ? 1 : 0);
                for (; share > 0; share--)
                    assert_int_equal(world->owner[at++], order[i]);
            }
        }
        for (uint32_t i = 1; i < world->input.member_count; i++) {
            const struct assignment_member *a = &world->members[order[i - 1]];
            const struct assignment_member *b = &world->members[order[i]];
            if (a->instance.len < 0) assert_true(b->instance.len < 0);
            if (a->instance.len >= 0 && b->instance.len >= 0)
                assert_true(strcmp(a->instance.data, b->instance.data) < 0);
            if (a->instance.len < 0) assert_true(strcmp(a->id.data, b->id.data) < 0);
        }
        mem_free(order);
        mem_free(world);
    }
}

/* What a member claims twice, or another has, or that is not there, is nothing. */
static void test_uniform_does_not_believe_what_is_held(void **state) {
    (void)state;
    for (int same = 0; same < 2; same++) {
        struct world *world = make(11, same == 1);
        for (uint32_t i = 0; i < world->input.member_count; i++) {
            uint32_t wrong[] = {0, 0, 1, UINT32_MAX, world->input.partition_count, 2};
            memcpy(world->held[i], wrong, sizeof wrong);
            world->members[i].held_count = 6;
        }
        uint32_t loads[MEMBERS];
        assign(world, assign_uniform, loads);
        mem_free(world);
    }
}

static void test_no_members_or_topics(void **state) {
    (void)state;
    struct assignment_topic topic = {0, 3};
    struct assignment_member member = {.id = {"a", 1}, .instance = {NULL, -1}};
    struct assignment_input nobody = {.topics = &topic, .topic_count = 1, .partition_count = 3};
    struct assignment_input nothing = {.members = &member, .member_count = 1};
    assignment_assignor *assignors[] = {assign_range, assign_uniform};
    for (int i = 0; i < 2; i++) {
        uint32_t owner[3] = {7, 7, 7};
        assignors[i](&nothing, owner);
        assert_int_equal(owner[0], 7);
        assignors[i](&nobody, owner);
        for (int p = 0; p < 3; p++)
            assert_int_equal(owner[p], ASSIGNMENT_NOBODY);
    }
}

/* 1,000 members x 10,000 partitions, also when all subscriptions differ: processor time, so that a
 * busy machine shows in nothing. */
static void test_large_groups_are_quick(void **state) {
    (void)state;
    enum { LARGE_MEMBERS = 1000, LARGE_TOPICS = 500, EACH = 20 };
    struct assignment_topic *topics = mem_alloc(LARGE_TOPICS * sizeof *topics);
    struct assignment_member *members = mem_zalloc(LARGE_MEMBERS * sizeof *members);
    uint32_t *subscribed = mem_alloc(LARGE_MEMBERS * LARGE_TOPICS * sizeof *subscribed);
    uint32_t *owner = mem_alloc(LARGE_TOPICS * EACH * sizeof *owner);
    char(*ids)[8] = mem_alloc(LARGE_MEMBERS * sizeof *ids);
    for (uint32_t t = 0; t < LARGE_TOPICS; t++)
        topics[t] = (struct assignment_topic){t * EACH, EACH};
    struct assignment_input input = {topics, members, LARGE_TOPICS, LARGE_MEMBERS,
                                     LARGE_TOPICS * EACH};
    for (int kind = 0; kind < 3; kind++) {
        for (uint32_t i = 0; i < LARGE_MEMBERS; i++) {
            struct assignment_member *member = &members[i];
            snprintf(ids[i], sizeof ids[i], "m%u", i);
            member->id = kp_string_of(ids[i]);
            member->instance = KP_NULL_STRING;
            member->topics = &subscribed[i * LARGE_TOPICS];
            member->topic_count = 0;
            for (uint32_t t = 0; t < LARGE_TOPICS; t++)
                if (kind != 1 || (t * 31 + i * 17) % 7 < 3 + i % 3)
                    subscribed[i * LARGE_TOPICS + member->topic_count++] = t;
        }
        clock_t begin = clock();
        (kind == 2 ? assign_range : assign_uniform)(&input, owner);
        double took_ms = (double)(clock() - begin) * 1000 / CLOCKS_PER_SEC;
        print_message("%s: %.1f ms\n",
                      kind == 0   ? "uniform"
                      : kind == 1 ? "mixed"
                                  : "range",
                      took_ms);
        assert_true(took_ms < 50);
    }
    mem_free(ids);
    mem_free(owner);
    mem_free(subscribed);
    mem_free(members);
    mem_free(topics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uniform_same_subscriptions),
        cmocka_unit_test(test_uniform_different_subscriptions),
        cmocka_unit_test(test_uniform_moves_little_when_a_member_leaves),
        cmocka_unit_test(test_order_of_input_does_not_matter),
        cmocka_unit_test(test_range),
        cmocka_unit_test(test_uniform_does_not_believe_what_is_held),
        cmocka_unit_test(test_no_members_or_topics),
        cmocka_unit_test(test_large_groups_are_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
