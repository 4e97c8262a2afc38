/*
 * What a share group asks of its partitions, over leaders that answer as the test says, and what is
 * recorded before and behind it: also when they do not answer, and when another broker leads.
 */
#include "broker/coordinator/share/share_work.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "broker/coordinator/serving/group_listing.h"
#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"

static struct {
    struct consumer_world world; /* first */
    struct sharing_order *order; /* that waits for its answers */
    size_t canceled;
    int32_t reads; /* of `topics`, the first */
} f;

enum { READS_MOST = 3 };
static const char *const topics[READS_MOST] = {"t", "u", "v"};

static void take_order(void *arg, struct sharing_order *order) {
    (void)arg;
    assert_null(f.order);
    assert_int_equal(order->orderer.term, coordinator_log_epoch(f.world.groups.table->log));
    f.order = order;
}

static void cancel_order(struct sharing_order *order) {
    f.canceled += order == f.order;
    if (order == f.order) f.order = NULL;
}

/* "BEGIN -1 -1 -2": what, and the start of each partition; "" if nothing is asked. */
static const char *asked(void) {
    static const char *const names[] = {"", "LOOK", "BEGIN", "MOVE", "DROP"};
    static char text[300];
    text[0] = 0;
    if (f.order == NULL) return text;
    size_t len = (size_t)snprintf(text, sizeof text, "%s", names[f.order->what]);
    for (size_t i = 0; i < f.order->count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, " %s%lld",
                                f.order->asks[i].exact ? "=" : "",
                                (long long)f.order->asks[i].start);
    return text;
}

/* All of them say so, but for the last `fail`. */
static void answer(size_t fail) {
    struct sharing_order *order = f.order;
    f.order = NULL;
    for (size_t i = 0; i < order->count; i++)
        order->answers[i] = (struct sharing_answer){
            .code = i + fail < order->count ? KAFKA_NONE : KAFKA_NOT_LEADER_OR_FOLLOWER};
    order->done(order);
    groups_commit(&f.world.groups);
}

static struct share_heartbeat heartbeat;
static bool told;

static void on_beat(struct group_call *call) {
    (void)call;
    told = true;
}

/* Of group g, which reads t, or more. */
static int16_t beat(const char *member, int32_t epoch) {
    static struct kp_share_group_heartbeat_request request;
    struct kp_string names[READS_MOST];
    for (size_t i = 0; i < READS_MOST; i++)
        names[i] = kp_string_of(topics[i]);
    kp_set_fallbacks(&kp_share_group_heartbeat_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.member_id = kp_string_of(member);
    request.member_epoch = epoch;
    request.rack_id = KP_NULL_STRING;
    request.subscribed_topic_names.items = names;
    request.subscribed_topic_names.count = epoch == 0 ? f.reads : -1;
    heartbeat = (struct share_heartbeat){.call.done = on_beat,
                                         .request = &request,
                                         .client_id = kp_string_of("c"),
                                         .client_host = kp_string_of("/h")};
    told = false;
    group_coordinator_share_heartbeat(f.world.groups.coordinator, &heartbeat);
    for (int i = 0; i < 4; i++)
        groups_commit(&f.world.groups);
    assert_true(told);
    share_heartbeat_release(&heartbeat);
    return heartbeat.call.error;
}

/* Of group g: "t:bB-" of partitions that are beginning, have begun, have not. */
static const char *places(void) {
    static char text[100];
    const struct group *row = groups_find(&f.world.groups, "g");
    size_t len = 0;
    text[0] = 0;
    for (size_t i = 0; row != NULL && i < row->share->places.count; i++) {
        const struct share_topic *topic = &row->share->places.topics[i];
        len += (size_t)snprintf(text + len, sizeof text - len, "%s:", topic->name);
        for (int32_t p = 0; p < topic->count; p++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%c", "-bBL"[topic->stages[p]]);
    }
    return text;
}

static int setup(void **state) {
    (void)state;
    memset(&f, 0, sizeof f);
    f.reads = 1;
    consumer_world_open(&f.world);
    f.world.groups.table->sharing = (struct sharing_road){take_order, cancel_order, NULL};
    consumer_world_topic(&f.world, "t", 2);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    consumer_world_close(&f.world);
    return 0;
}

/* It is recorded that a group begins before anybody is asked, and that it has begun when all have
 * answered; then nobody is asked again. */
static void test_begins(void **state) {
    (void)state;
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    assert_string_equal(places(), "t:bb");
    assert_string_equal(asked(), "BEGIN -1 -1");
    assert_int_equal(beat("m", heartbeat.member_epoch), KAFKA_NONE); /* meanwhile */
    answer(0);
    assert_string_equal(places(), "t:BB");
    assert_int_equal(beat("m", heartbeat.member_epoch), KAFKA_NONE);
    assert_string_equal(asked(), "");
    consumer_world_grow(&f.world, "t", 1);
    assert_int_equal(beat("m", heartbeat.member_epoch), KAFKA_NONE);
    assert_string_equal(asked(), "BEGIN -2"); /* with its first record */
    answer(0);
    assert_string_equal(places(), "t:BBB-");
}

/* share.auto.offset.reset, and one that does not answer: it is asked again with the next
 * heartbeat. */
static void test_begins_where_settings_say(void **state) {
    (void)state;
    consumer_world_set(&f.world, "share.auto.offset.reset", "earliest");
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    assert_string_equal(asked(), "BEGIN -2 -2");
    answer(1);
    assert_string_equal(places(), "t:Bb");
    consumer_world_set(&f.world, "share.auto.offset.reset", "by_duration:PT1H");
    int64_t now_ms = env_wall_ms(f.world.groups.clock.env);
    assert_int_equal(beat("m", heartbeat.member_epoch), KAFKA_NONE);
    assert_int_equal(f.order->count, 1);
    assert_in_range(f.order->asks[0].start, now_ms > 3600000 ? (uint64_t)now_ms - 3600000 : 0,
                    (uint64_t)(now_ms > 3600000 ? now_ms - 3600000 : 0) + 60000);
    answer(0);
    assert_string_equal(places(), "t:BB");
}

/* Topics that are more than is asked at once begin as wholes: none of their partitions is taken for
 * one that came later, which would begin with its first record. */
static void test_large_topics_begin(void **state) {
    enum { EACH = 9000, ALL = READS_MOST * EACH };
    (void)state;
    f.reads = READS_MOST;
    for (size_t i = 0; i < READS_MOST; i++) {
        if (i > 0) consumer_world_topic(&f.world, topics[i], 2);
        consumer_world_grow(&f.world, topics[i], EACH - 2);
    }
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    for (size_t asks = 0; asks < ALL; answer(0)) {
        if (f.order == NULL) beat("m", heartbeat.member_epoch);
        assert_non_null(f.order);
        for (size_t i = 0; i < f.order->count; i++)
            assert_int_equal(f.order->asks[i].start, SHARING_LATEST);
        asks += f.order->count;
    }
    const struct group *row = groups_find(&f.world.groups, "g");
    assert_int_equal(share_places_count(&row->share->places, SHARE_BEGUN), ALL);
}

/* Another broker leads: what was asked is asked again by the next one. */
static void test_lead_moves_while_it_begins(void **state) {
    (void)state;
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    groups_move(&f.world.groups);
    assert_int_equal(f.canceled, 1);
    assert_string_equal(places(), "t:bb");
    assert_int_equal(beat("m", 2), KAFKA_UNKNOWN_MEMBER_ID);
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    assert_string_equal(asked(), "BEGIN -1 -1");
    answer(0);
    assert_string_equal(places(), "t:BB");
}

/* ---- What clients ask for ---- */

static struct share_change change;
static struct share_change_part part;
static bool changed;

static void on_change(struct group_call *call) {
    (void)call;
    changed = true;
}

/* Nothing commits yet. */
static void ask_change(bool forgets, int32_t partition, int64_t start) {
    const struct metadata_topic *topic = metadata_topic_named(f.world.groups.metadata, "t", 1);
    part = (struct share_change_part){
        .name = kp_string_of("t"), .partition = partition, .start = start};
    memcpy(part.topic.bytes, topic->id, sizeof part.topic.bytes);
    change = (struct share_change){.call.done = on_change,
                                   .group_id = kp_string_of("g"),
                                   .client_host = kp_string_of("/h"),
                                   .forgets = forgets,
                                   .parts = &part,
                                   .count = 1};
    changed = false;
    share_change_take(f.world.groups.table, &change);
}

static void take_change(bool forgets, int32_t partition, int64_t start) {
    ask_change(forgets, partition, start);
    groups_commit(&f.world.groups);
}

/* A group comes to be by where it begins; its other partitions begin as any. Nobody joins
 * meanwhile, and nothing else is changed. */
static void test_begins_elsewhere(void **state) {
    (void)state;
    take_change(false, 1, 7);
    assert_string_equal(asked(), "MOVE =7");
    assert_string_equal(places(), "t:bb");
    assert_int_equal(beat("m", 0), KAFKA_COORDINATOR_LOAD_IN_PROGRESS);
    assert_false(changed);
    answer(0);
    assert_true(changed);
    assert_int_equal(change.call.error, KAFKA_NONE);
    assert_int_equal(part.code, KAFKA_NONE);
    assert_string_equal(places(), "t:bB");
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    assert_string_equal(asked(), "BEGIN -1");
    answer(0);
    take_change(false, 0, 7);
    assert_int_equal(change.call.error, KAFKA_NON_EMPTY_GROUP);
    assert_int_equal(beat("m", -1), KAFKA_NONE);
    take_change(false, 0, 7);
    answer(1);
    assert_int_equal(part.code, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_string_equal(places(), "t:BB"); /* it may have moved, and has begun */
}

/* What is recorded already is not written once more: neither where it has begun and begins
 * elsewhere, nor where a leader does not answer, however often it is asked. */
static void test_nothing_new_is_not_written(void **state) {
    (void)state;
    take_change(false, 1, 7);
    answer(0);
    kafka_offset written = f.world.groups.log.end_offset;
    take_change(false, 1, 8);
    assert_string_equal(asked(), "MOVE =8");
    assert_int_equal(beat("m", 0), KAFKA_COORDINATOR_LOAD_IN_PROGRESS);
    answer(0);
    assert_int_equal(change.call.error, KAFKA_NONE);
    assert_int_equal(f.world.groups.log.end_offset, written);
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    answer(1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(beat("m", heartbeat.member_epoch), KAFKA_NONE);
        assert_string_equal(asked(), "BEGIN -1");
        answer(1);
    }
    assert_string_equal(places(), "t:bB");
    assert_int_equal(f.world.groups.log.end_offset, written);
}

/* A partition that came later begins with its first record, also when it has to be asked again, by
 * another coordinator too, and whatever was to move it. */
static void test_later_partition_is_asked_again(void **state) {
    (void)state;
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    answer(1);
    assert_string_equal(places(), "t:Bb");
    consumer_world_grow(&f.world, "t", 1);
    assert_int_equal(beat("m", heartbeat.member_epoch), KAFKA_NONE);
    assert_string_equal(asked(), "BEGIN -1 -2");
    assert_string_equal(places(), "t:BbL-");
    answer(2);
    assert_int_equal(beat("m", heartbeat.member_epoch), KAFKA_NONE);
    assert_string_equal(asked(), "BEGIN -1 -2");
    groups_move(&f.world.groups);
    assert_string_equal(places(), "t:BbL-");
    take_change(false, 2, 7);
    answer(1);
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    assert_string_equal(asked(), "BEGIN -1 -2");
    answer(0);
    assert_string_equal(places(), "t:BBB-");
}

/* A host that has its share of the memory for groups makes no more by saying where they begin. */
static void test_no_memory(void **state) {
    (void)state;
    struct budget *budget = &f.world.groups.memory.budget;
    budget_charge(budget, budget->limit);
    take_change(false, 1, 7);
    groups_turn(&f.world.groups);
    assert_true(changed);
    assert_int_equal(change.call.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_null(groups_find(&f.world.groups, "g"));
    budget_release(budget, budget->limit);
    take_change(false, 1, 7);
    answer(0);
    assert_int_equal(change.call.error, KAFKA_NONE);
    assert_non_null(groups_find(&f.world.groups, "g")->payer);
}

static uint64_t cpu_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

enum { FEW = 1000, MANY = 8000 };

/* Asks it of all partitions of t, for a group; all of them do it. */
static uint64_t change_all_us(const char *group, bool forgets, size_t count) {
    const struct metadata_topic *topic = metadata_topic_named(f.world.groups.metadata, "t", 1);
    static struct share_change_part parts[MANY];
    for (size_t p = 0; p < count; p++) {
        parts[p] = (struct share_change_part){
            .name = kp_string_of("t"), .partition = (int32_t)p, .start = 7};
        memcpy(parts[p].topic.bytes, topic->id, sizeof parts[p].topic.bytes);
    }
    change = (struct share_change){.call.done = on_change,
                                   .group_id = kp_string_of(group),
                                   .forgets = forgets,
                                   .parts = parts,
                                   .count = count};
    uint64_t began_us = cpu_us();
    share_change_take(f.world.groups.table, &change);
    uint64_t took_us = cpu_us() - began_us;
    groups_commit(&f.world.groups);
    answer(0);
    return took_us;
}

/* The cheapest of three groups. */
static void cost_us(size_t count, uint64_t *moves_us, uint64_t *forgets_us) {
    *moves_us = *forgets_us = UINT64_MAX;
    for (int i = 0; i < 3; i++) {
        char group[24];
        snprintf(group, sizeof group, "g%zu-%d", count, i);
        uint64_t took_us = change_all_us(group, false, count);
        if (took_us < *moves_us) *moves_us = took_us;
        took_us = change_all_us(group, true, count);
        if (took_us < *forgets_us) *forgets_us = took_us;
    }
}

/* Eight times as many cost some eight times as much, where all of a topic's partitions are named,
 * or the topic as often. */
static void test_cost_of_many(void **state) {
    (void)state;
    uint64_t few_us[2], many_us[2];
    consumer_world_grow(&f.world, "t", FEW - 2);
    cost_us(FEW, &few_us[0], &few_us[1]);
    consumer_world_grow(&f.world, "t", MANY - FEW);
    cost_us(MANY, &many_us[0], &many_us[1]);
    for (int i = 0; i < 2; i++)
        if (many_us[i] > 20 * few_us[i] + 1000)
            fail_msg("%d us became %d us", (int)few_us[i], (int)many_us[i]);
}

static struct group_delete deletes;
static bool deleted;

static void on_delete(struct group_call *call) {
    (void)call;
    deleted = true;
}

static void delete_group(void) {
    deletes = (struct group_delete){.call.done = on_delete, .group_id = kp_string_of("g")};
    deleted = false;
    group_coordinator_delete(f.world.groups.coordinator, &deletes);
    groups_commit(&f.world.groups);
}

/* A group goes when all of its partitions have let go, and is there until then. */
static void test_goes(void **state) {
    (void)state;
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    answer(0);
    assert_int_equal(beat("m", -1), KAFKA_NONE);
    take_change(true, 0, 0);
    assert_string_equal(asked(), "DROP -1 -1");
    answer(1);
    assert_int_equal(part.code, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_string_equal(places(), "t:-b");
    delete_group();
    assert_string_equal(asked(), "DROP -1");
    answer(1);
    assert_int_equal(deletes.call.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    delete_group();
    answer(0);
    assert_true(deleted);
    assert_int_equal(deletes.call.error, KAFKA_NONE);
    assert_null(groups_find(&f.world.groups, "g"));
}

/* A group in which nobody is stays, however long. Partitions may have let go of it meanwhile:
 * whoever comes first asks all that has begun again, without a record. */
static void test_empty_group_stays(void **state) {
    (void)state;
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    answer(0);
    assert_int_equal(beat("m", -1), KAFKA_NONE);
    groups_pass(&f.world.groups, 3 * (uint64_t)f.world.groups.settings.offsets_retention_ms);
    groups_commit(&f.world.groups);
    assert_string_equal(asked(), "");
    assert_string_equal(places(), "t:BB");
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    assert_string_equal(asked(), "BEGIN -1 -1");
    assert_string_equal(places(), "t:BB");
    answer(0);
    assert_int_equal(beat("n", 0), KAFKA_NONE); /* the second one asks nothing */
    assert_string_equal(asked(), "");
}

/* What the broker's metadata do not have yet, as they are older than what the group has recorded,
 * has not been deleted: it is not forgotten, and the group does not go without it. */
static void test_metadata_that_lag(void **state) {
    (void)state;
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    answer(0);
    struct share_group *group = groups_find(&f.world.groups, "g")->share;
    uint64_t version = metadata_version(f.world.groups.metadata);
    assert_int_equal(group->places.metadata, version);
    consumer_world_delete(&f.world, "t"); /* stands for a table that has not heard of it */
    group->places.metadata = version + 3;
    consumer_world_topic(&f.world, "u", 1);
    f.reads = 2;
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    assert_string_equal(asked(), "BEGIN -1");
    answer(0);
    assert_string_equal(places(), "t:BBu:B");
    assert_int_equal(beat("m", -1), KAFKA_NONE);
    delete_group();
    assert_int_equal(deletes.call.error, KAFKA_COORDINATOR_LOAD_IN_PROGRESS);
    consumer_world_topic(&f.world, "v", 1); /* the table goes on, and now it is known */
    assert_int_equal(metadata_version(f.world.groups.metadata), version + 3);
    delete_group();
    assert_string_equal(asked(), "DROP -1");
    answer(0);
    assert_null(groups_find(&f.world.groups, "g"));
}

/* A change ends with the lead, and is not forgotten. */
static void test_lead_moves_while_it_goes(void **state) {
    (void)state;
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    answer(0);
    assert_int_equal(beat("m", -1), KAFKA_NONE);
    delete_group();
    groups_move(&f.world.groups);
    groups_turn(&f.world.groups);
    assert_true(deleted);
    assert_int_equal(deletes.call.error, KAFKA_NOT_COORDINATOR);
    assert_string_equal(places(), "t:bb");
    delete_group();
    assert_string_equal(asked(), "DROP -1 -1");
    answer(0);
    assert_null(groups_find(&f.world.groups, "g"));
}

/* What has begun is asked again, once, by the next coordinator and behind a change of the metadata:
 * a message that was late may have dropped it. Nothing is recorded, and clients need not wait. */
static void test_begun_is_confirmed(void **state) {
    (void)state;
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    answer(0);
    groups_move(&f.world.groups);
    assert_int_equal(beat("m", 0), KAFKA_NONE);
    assert_string_equal(asked(), "BEGIN -1 -1");
    assert_string_equal(places(), "t:BB");
    answer(1);
    assert_string_equal(places(), "t:BB");
    assert_int_equal(beat("m", heartbeat.member_epoch), KAFKA_NONE);
    assert_string_equal(asked(), "BEGIN -1 -1"); /* one has not answered */
    answer(0);
    assert_int_equal(beat("m", heartbeat.member_epoch), KAFKA_NONE);
    assert_string_equal(asked(), "");
    consumer_world_topic(&f.world, "u", 1);
    assert_int_equal(beat("m", heartbeat.member_epoch), KAFKA_NONE);
    assert_string_equal(asked(), "BEGIN -1 -1");
    assert_int_equal(beat("m", -1), KAFKA_NONE);
    delete_group();
    assert_int_equal(f.canceled, 1);
    assert_string_equal(asked(), "DROP -1 -1");
    answer(0);
    assert_int_equal(deletes.call.error, KAFKA_NONE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_begins_where_settings_say, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_topics_begin, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lead_moves_while_it_begins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_begins_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_new_is_not_written, setup, teardown),
        cmocka_unit_test_setup_teardown(test_later_partition_is_asked_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cost_of_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_group_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_metadata_that_lag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lead_moves_while_it_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_begun_is_confirmed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
