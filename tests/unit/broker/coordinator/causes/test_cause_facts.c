/* What a coordinator tells of its groups to whoever looks for a cause. */
#include "broker/causes/cause_facts.h"

#include <string.h>

#include "base/container_of.h"
#include "broker/coordinator/serving/group_offsets.h"
#include "broker/coordinator/share/share_group.h"
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"

/* Turns take some milliseconds of the virtual clock, too. */
enum { PARTITIONS = 4, SMALL_ARENA = 4096, ARENA = 4 << 20, TURNS_MS = 100 };

static struct consumer_world w;

struct taken {
    struct cause_facts facts;
    struct kp_arena arena;
};

static void take(struct taken *taken) {
    kp_arena_init(&taken->arena, ARENA);
    assert_true(cause_facts_take(&taken->facts, &taken->arena, groups_find(&w.groups, "g"),
                                 w.groups.metadata));
}

/* Of the topic "t". */
static const struct why_partition *of_partition(const struct taken *taken, int32_t partition) {
    for (size_t i = 0; i < taken->facts.facts.partition_count; i++)
        if (taken->facts.facts.partitions[i].partition == partition &&
            strcmp(taken->facts.facts.partitions[i].topic, "t") == 0)
            return &taken->facts.facts.partitions[i];
    return NULL;
}

struct commit {
    struct offset_commit commit;
    struct offset_commit_entry entry;
    int error;
};

static void commit_done(struct group_call *call) {
    CONTAINER_OF(call, struct commit, commit.call)->error = call->error;
}

static void commit(const char *topic, int32_t partition, int64_t at, const char *member,
                   int generation) {
    static struct commit asked;
    struct committed_offset offset = {.offset = at,
                                      .partition = partition,
                                      .leader_epoch = -1,
                                      .expire_time_ms = -1,
                                      .commit_time_ms = env_wall_ms(w.groups.clock.env)};
    asked.error = -1;
    offset_commit_open(&asked.commit, &asked.entry);
    asked.commit.call.done = commit_done;
    asked.commit.group_id = kp_string_of("g");
    asked.commit.member_id = kp_string_of(member);
    asked.commit.instance_id = KP_NULL_STRING;
    asked.commit.generation = generation;
    asked.commit.version = 9;
    offset_commit_add(&asked.commit, kp_string_of(topic), &offset);
    group_offsets_commit(w.groups.coordinator, &asked.commit);
    consumer_world_commit(&w);
    assert_int_equal(asked.error, KAFKA_NONE);
}

/* Members with what they own and when they were heard; commits are joined to what is owned; what
 * nobody owns is there, too; each partition has its Raft group, and one that is gone has none. */
static void test_consumers(void **state) {
    (void)state;
    struct consumer a, b;
    struct taken taken;
    consumer_world_topic(&w, "t", PARTITIONS);
    consumer_init(&a, &w, "a", "t", NULL);
    consumer_init(&b, &w, "b", "t", NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(consumer_beat(&a), 0);
        assert_int_equal(consumer_beat(&b), 0);
    }
    assert_int_equal(a.has_count + b.has_count, PARTITIONS);
    int32_t owned = a.has[0].partition;
    commit("t", owned, 7, "a", a.epoch);
    commit("gone", 0, 3, "a", a.epoch);
    consumer_world_pass(&w, 2000);
    assert_int_equal(consumer_beat(&b), 0);
    consumer_world_pass(&w, 500);
    take(&taken);
    const struct why_facts *facts = &taken.facts.facts;
    assert_string_equal(facts->group, "g");
    assert_string_equal(facts->type, "consumer");
    assert_string_equal(facts->state, "Stable");
    assert_true(facts->told);
    assert_null(taken.facts.shared.group);
    assert_int_equal(facts->unsettled_ms, WHY_UNKNOWN);
    assert_int_equal(facts->member_count, 2);
    assert_string_equal(facts->members[0].client_id, "client");
    assert_string_equal(facts->members[0].host, "/127.0.0.1");
    for (size_t i = 0; i < 2; i++) {
        const struct why_member *member = &facts->members[i];
        assert_int_equal(member->owned, 2);
        assert_int_equal(member->rebalance_timeout_ms, 60000);
        int64_t heard_ms = strcmp(member->id, "a") == 0 ? 2500 : 500;
        assert_in_range(member->heard_age_ms, heard_ms, heard_ms + TURNS_MS);
    }
    assert_int_equal(facts->partition_count, PARTITIONS + 1);
    const struct why_partition *one = of_partition(&taken, owned);
    assert_int_equal(one->committed, 7);
    assert_string_equal(facts->members[one->member].id, "a");
    assert_in_range(one->commit_age_ms, 2500, 2500 + TURNS_MS);
    assert_false(one->watched);
    assert_int_equal(one->end, WHY_UNKNOWN);
    const struct metadata_topic *topic = metadata_topic_named(w.groups.metadata, "t", 1);
    for (size_t i = 0; i < facts->partition_count; i++) {
        const struct why_partition *place = &facts->partitions[i];
        bool gone = strcmp(place->topic, "gone") == 0;
        assert_int_equal(place->member == WHY_NOBODY, gone);
        assert_true(taken.facts.partitions[i] ==
                    (gone ? 0 : metadata_partition_at(topic, place->partition)->group));
        if (!gone && place != one) assert_int_equal(place->committed, WHY_UNKNOWN);
    }
    kp_arena_close(&taken.arena);
}

/* A group of the classic protocol: its state, and a rebalance that is under way since then. */
static void test_classic(void **state) {
    (void)state;
    static struct asked joins;
    struct taken taken;
    groups_stable(&w.groups, 2, false);
    take(&taken);
    assert_string_equal(taken.facts.facts.type, "classic");
    assert_string_equal(taken.facts.facts.state, "Stable");
    assert_int_equal(taken.facts.facts.member_count, 2);
    assert_int_equal(taken.facts.facts.unsettled_ms, WHY_UNKNOWN);
    kp_arena_close(&taken.arena);
    ask_join(&w.groups, &joins, (struct asks){.member = "m1", .meta = "t,u"});
    groups_pass(&w.groups, 1500);
    take(&taken);
    assert_string_equal(taken.facts.facts.state, "PreparingRebalance");
    assert_in_range(taken.facts.facts.unsettled_ms, 1500, 1500 + TURNS_MS);
    const struct why_event *last = &taken.facts.facts.events[taken.facts.facts.event_count - 1];
    assert_true(last->began);
    assert_int_equal(last->age_ms, taken.facts.facts.unsettled_ms);
    kp_arena_close(&taken.arena);
}

/* No more partitions than fit are looked at; an arena that is too small is an error. */
static void test_limits(void **state) {
    (void)state;
    struct consumer a;
    struct taken taken;
    consumer_world_topic(&w, "t", 300);
    consumer_world_topic(&w, "u", 300);
    consumer_init(&a, &w, "a", "t", NULL);
    assert_int_equal(consumer_beat(&a), 0);
    for (int32_t p = 0; p < 300; p++)
        commit("u", p, 1, "a", a.epoch);
    take(&taken);
    assert_int_equal(taken.facts.facts.partition_count, CAUSE_PARTITIONS);
    assert_int_equal(taken.facts.facts.members[0].owned, 300);
    kp_arena_close(&taken.arena);
    kp_arena_init(&taken.arena, SMALL_ARENA);
    assert_false(cause_facts_take(&taken.facts, &taken.arena, groups_find(&w.groups, "g"),
                                  w.groups.metadata));
    kp_arena_close(&taken.arena);
}

static void on_beat(struct group_call *call) {
    assert_int_equal(call->error, KAFKA_NONE);
}

/* A share group: its members, and where it has begun, of which nothing is known yet. */
static void test_share(void **state) {
    (void)state;
    static struct share_heartbeat beat;
    struct kp_share_group_heartbeat_request request;
    struct kp_string names[] = {kp_string_of("t")};
    struct taken taken;
    consumer_world_topic(&w, "t", PARTITIONS);
    kp_set_fallbacks(&kp_share_group_heartbeat_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.member_id = kp_string_of("m");
    request.rack_id = KP_NULL_STRING;
    request.subscribed_topic_names.items = names;
    request.subscribed_topic_names.count = 1;
    beat = (struct share_heartbeat){.call.done = on_beat,
                                    .request = &request,
                                    .client_id = kp_string_of("c"),
                                    .client_host = kp_string_of("/h")};
    group_coordinator_share_heartbeat(w.groups.coordinator, &beat);
    consumer_world_commit(&w);
    const struct metadata_topic *topic = metadata_topic_named(w.groups.metadata, "t", 1);
    struct kp_uuid id;
    memcpy(id.bytes, topic->id, sizeof id.bytes);
    struct share_group *group = groups_find(&w.groups, "g")->share;
    for (int32_t p = 0; p < PARTITIONS; p++)
        share_places_set(&group->places, id, kp_string_of("t"), p,
                         p == 1 ? SHARE_BEGINNING : SHARE_BEGUN);
    take(&taken);
    const struct why_share_facts *shared = &taken.facts.shared;
    assert_string_equal(shared->group, "g");
    assert_string_equal(shared->state, "Stable");
    assert_int_equal(shared->member_count, 1);
    assert_int_equal(shared->partition_count, PARTITIONS - 1);
    assert_int_equal(taken.facts.facts.partition_count, PARTITIONS - 1);
    for (size_t i = 0; i < shared->partition_count; i++) {
        assert_int_equal(shared->partitions[i].partition, i == 0 ? 0 : i + 1);
        assert_int_equal(shared->partitions[i].lag, WHY_UNKNOWN);
        assert_null(shared->partitions[i].told);
        assert_true(taken.facts.partitions[i] ==
                    metadata_partition_at(topic, shared->partitions[i].partition)->group);
    }
    kp_arena_close(&taken.arena);
    share_heartbeat_release(&beat);
    share_places_close(&group->places); /* none of it was recorded */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        CONSUMER_TEST(test_consumers, &w),
        CONSUMER_TEST(test_classic, &w),
        CONSUMER_TEST(test_limits, &w),
        CONSUMER_TEST(test_share, &w),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
