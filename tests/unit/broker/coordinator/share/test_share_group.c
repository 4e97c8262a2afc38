/* Members of a share group at its coordinator: what they say, and what each is told to fetch. */
#include "broker/coordinator/share/share_group.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "protocol/kafka_error.h"
#include "tests/unit/broker/coordinator/fixture_consumer_group.h"

enum { NAMES_MAX = 400 };

static struct {
    struct consumer_world world; /* first */
    struct share_heartbeat heartbeat;
    struct kp_share_group_heartbeat_request request;
    struct kp_string names[NAMES_MAX];
    bool told;
} f;

static void on_beat(struct group_call *call) {
    (void)call;
    f.told = true;
}

static void send(void) {
    f.heartbeat.call.done = on_beat;
    f.heartbeat.request = &f.request;
    f.told = false;
    group_coordinator_share_heartbeat(f.world.groups.coordinator, &f.heartbeat);
    for (int i = 0; i < 4; i++)
        groups_commit(&f.world.groups);
    assert_true(f.told);
}

/* Of group g and the names that stand in `names`; none: as before. */
static void ask(const char *host, const char *member, int32_t epoch, int32_t count) {
    share_heartbeat_release(&f.heartbeat);
    kp_set_fallbacks(&kp_share_group_heartbeat_request_schema, &f.request);
    f.request.group_id = kp_string_of("g");
    f.request.member_id = kp_string_of(member);
    f.request.member_epoch = epoch;
    f.request.rack_id = KP_NULL_STRING;
    f.request.subscribed_topic_names.items = f.names;
    f.request.subscribed_topic_names.count = count > 0 ? count : -1;
    f.heartbeat = (struct share_heartbeat){.client_id = kp_string_of("c"),
                                           .client_host = kp_string_of(host)};
}

static int16_t beat(const char *member, int32_t epoch, int32_t count) {
    ask("/h", member, epoch, count);
    send();
    return f.heartbeat.call.error;
}

/* "0,1,2" of the last answer; "-": as before. */
static const char *assigned(void) {
    static char text[200];
    size_t len = 0;
    text[0] = 0;
    if (!f.heartbeat.has_assignment) return "-";
    for (size_t i = 0; i < f.heartbeat.assigned_count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%d", i == 0 ? "" : ",",
                                (int)f.heartbeat.assigned[i].partition);
    return text;
}

static int setup(void **state) {
    (void)state;
    memset(&f, 0, sizeof f);
    consumer_world_open(&f.world);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    share_heartbeat_release(&f.heartbeat);
    consumer_world_close(&f.world);
    return 0;
}

/* A name that is said twice counts once, and the same names in another order change nothing. */
static void test_names_are_a_set(void **state) {
    (void)state;
    consumer_world_topic(&f.world, "t", 3);
    consumer_world_topic(&f.world, "u", 1);
    f.names[0] = f.names[2] = kp_string_of("t");
    f.names[1] = f.names[3] = kp_string_of("u");
    assert_int_equal(beat("m", 0, 4), KAFKA_NONE);
    assert_string_equal(assigned(), "0,1,2,0");
    int32_t epoch = f.heartbeat.member_epoch;
    f.names[0] = kp_string_of("u");
    f.names[1] = kp_string_of("t");
    assert_int_equal(beat("m", epoch, 2), KAFKA_NONE);
    assert_int_equal(f.heartbeat.member_epoch, epoch);
    assert_int_equal(beat("m", epoch, 0), KAFKA_NONE);
    assert_string_equal(assigned(), "-");
}

/* Behind a zero stands the name of another topic, which the permissions were not looked up of. */
static void test_names_of_no_topic(void **state) {
    (void)state;
    consumer_world_topic(&f.world, "pub", 1);
    consumer_world_topic(&f.world, "secret", 2);
    f.names[0] = (struct kp_string){"pub\0secret", 10};
    f.names[1] = kp_string_of("pub");
    f.names[2] = kp_string_of("not/a/name");
    f.names[3] = kp_string_of("");
    assert_int_equal(beat("m", 0, 4), KAFKA_NONE);
    assert_string_equal(assigned(), "0");
    assert_int_equal(beat("n", 0, 1), KAFKA_NONE);
    assert_string_equal(assigned(), "");
}

/* Ids are text to whoever keeps them: with a zero they would be another's. */
static void test_zeros_in_ids(void **state) {
    (void)state;
    f.names[0] = kp_string_of("t");
    ask("/h", "m", 0, 1);
    f.request.group_id = (struct kp_string){"g\0x", 3};
    send();
    assert_int_equal(f.heartbeat.call.error, KAFKA_INVALID_REQUEST);
    ask("/h", "m", 0, 1);
    f.request.member_id = (struct kp_string){"m\0x", 3};
    send();
    assert_int_equal(f.heartbeat.call.error, KAFKA_INVALID_REQUEST);
    assert_non_null(strstr(f.heartbeat.message, "NUL"));
    assert_null(groups_find(&f.world.groups, "g"));
}

/* ---- What a group takes ---- */

enum { MANY = 300 };

/* So many names, n0 and on, of `len` characters; those of topics are short. */
static void name_many(int32_t count, int len) {
    static char texts[MANY][160];
    for (int32_t i = 0; i < count; i++) {
        memset(texts[i], 'x', sizeof texts[i]);
        texts[i][snprintf(texts[i], sizeof texts[i], "n%d", (int)i)] = len > 0 ? 'x' : 0;
        if (len > 0) texts[i][len] = 0;
        f.names[i] = kp_string_of(texts[i]);
    }
}

static int16_t join_of(const char *host, const char *group, const char *member, int32_t count) {
    ask(host, member, 0, count);
    f.request.group_id = kp_string_of(group);
    send();
    return f.heartbeat.call.error;
}

/* A host whose members take what it may have of the memory of groups gets no more members and
 * topics; who is there goes on, and so does everybody else. */
static void test_memory(void **state) {
    (void)state;
    char member[16];
    int count = 0;
    f.world.groups.memory.budget.limit = 1 << 20;
    name_many(200, 150);
    do
        snprintf(member, sizeof member, "m%d", count++);
    while (count <= SHARE_GROUP_MEMBERS_MAX && join_of("/h", "g", member, 100) == KAFKA_NONE);
    assert_int_equal(f.heartbeat.call.error, KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_non_null(strstr(f.heartbeat.message, "group.memory.bytes"));
    assert_in_range(f.world.groups.memory.budget.used, 1 << 19, (1 << 19) + (1 << 17));
    assert_int_equal(join_of("/h", "other", "m", 1), KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_null(groups_find(&f.world.groups, "other"));
    assert_int_equal(beat("m0", 1, 0), KAFKA_FENCED_MEMBER_EPOCH);
    assert_int_equal(join_of("/h", "g", "m0", 101), KAFKA_COORDINATOR_NOT_AVAILABLE);
    assert_int_equal(join_of("/h", "g", "m0", 100), KAFKA_NONE);
    assert_int_equal(beat("m0", f.heartbeat.member_epoch, 0), KAFKA_NONE);
    assert_int_equal(join_of("/i", "theirs", "m", 1), KAFKA_NONE);
    assert_int_equal(beat("m0", -1, 0), KAFKA_NONE);
    assert_int_equal(beat("m1", -1, 0), KAFKA_NONE);
    assert_int_equal(join_of("/h", "g", "m0", 100), KAFKA_NONE);
}

/* So many names are refused, for they are looked through in one go. */
static void test_too_many_names(void **state) {
    (void)state;
    static struct kp_string names[SHARE_NAMES_MAX + 1];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        names[i] = kp_string_of("t");
    ask("/h", "m", 0, 1);
    f.request.subscribed_topic_names.items = names;
    f.request.subscribed_topic_names.count = SHARE_NAMES_MAX + 1;
    send();
    assert_int_equal(f.heartbeat.call.error, KAFKA_INVALID_REQUEST);
    f.request.subscribed_topic_names.count = SHARE_NAMES_MAX;
    send();
    assert_int_equal(f.heartbeat.call.error, KAFKA_NONE);
}

static uint64_t cpu_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t cost_us(const char *member, int32_t epoch, int32_t count) {
    ask("/h", member, epoch, count);
    f.heartbeat.call.done = on_beat;
    f.heartbeat.request = &f.request;
    uint64_t began_us = cpu_us();
    group_coordinator_share_heartbeat(f.world.groups.coordinator, &f.heartbeat);
    uint64_t took_us = cpu_us() - began_us;
    groups_turn(&f.world.groups);
    assert_int_equal(f.heartbeat.call.error, KAFKA_NONE);
    return took_us;
}

/* The cheapest of five members that join, from that one on. */
static uint64_t joins_us(int first) {
    uint64_t least_us = UINT64_MAX;
    for (int i = first; i < first + 5; i++) {
        char member[16];
        snprintf(member, sizeof member, "m%d", i);
        uint64_t took_us = cost_us(member, 0, MANY);
        if (took_us < least_us) least_us = took_us;
    }
    return least_us;
}

/* A heartbeat costs what its member reads, not what all do; and hardly anything when nothing is
 * new. */
static void test_cost(void **state) {
    (void)state;
    uint64_t few_us, many_us = 0, again_us = UINT64_MAX;
    name_many(MANY, 0);
    for (int i = 0; i < MANY; i++) {
        char topic[16];
        snprintf(topic, sizeof topic, "n%d", i);
        consumer_world_topic(&f.world, topic, 1);
    }
    assert_int_equal(beat("m0", 0, MANY), KAFKA_NONE); /* makes the group */
    few_us = joins_us(1);
    for (int i = 6; i < 196; i += 5)
        many_us = joins_us(i);
    if (many_us > 4 * few_us + 500) fail_msg("%d us became %d us", (int)few_us, (int)many_us);
    for (int i = 0; i < 5; i++) {
        uint64_t took_us = cost_us("m195", f.heartbeat.member_epoch, 0);
        if (took_us < again_us) again_us = took_us;
    }
    if (again_us > few_us / 3) fail_msg("%d us, and %d us for nothing", (int)few_us, (int)again_us);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_names_are_a_set), TEST(test_names_of_no_topic), TEST(test_zeros_in_ids),
        TEST(test_memory),          TEST(test_too_many_names),    TEST(test_cost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
