/* OffsetCommit, OffsetFetch and OffsetDelete as a client meets them, on one whole broker. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_topics.h"
#include "protocol/messages/find_coordinator.h"
#include "protocol/messages/offset_commit.h"
#include "protocol/messages/offset_delete.h"
#include "protocol/messages/offset_fetch.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

static struct kp_uuid topic_id;

/* A broker whose coordinator is found. */
static struct one_broker *start(void **state) {
    struct one_broker *one = *state;
    struct error_text why;
    assert_int_equal(settings_set(one->values, "offsets.topic.num.partitions", "2", "test", &why),
                     ERR_NONE);
    one_broker_start(one);
    topic_id = one_broker_create(one, "t", 3);
    struct kp_find_coordinator_request request;
    struct kp_find_coordinator_response response;
    kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
    request.key = kp_string_of("g");
    assert_true(one_broker_ask(one, KP_FIND_COORDINATOR, 1, &request, &response));
    assert_int_equal(response.error_code, 0);
    return one;
}

/* ---- Askers ---- */

struct asked {
    int version;
    const char *group, *member, *topic;
    struct kp_uuid id;
    int32_t generation, partition;
    int64_t offset, retention_ms;
    const char *metadata;
    size_t metadata_len; /* 0: of the text */
};

static struct asked ask_of(int version) {
    return (struct asked){.version = version,
                          .group = "g",
                          .member = "",
                          .topic = "t",
                          .id = topic_id,
                          .generation = -1,
                          .offset = 42,
                          .retention_ms = -1,
                          .metadata = "m"};
}

/* The error of the partition. */
static int commit(struct one_broker *one, struct asked asked) {
    struct kp_offset_commit_request request;
    struct kp_offset_commit_response response;
    struct kp_offset_commit_request_topic topic;
    struct kp_offset_commit_request_partition partition;
    kp_set_fallbacks(&kp_offset_commit_request_schema, &request);
    kp_set_fallbacks(&kp_offset_commit_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_offset_commit_request_partition_schema, &partition);
    partition.partition_index = asked.partition;
    partition.committed_offset = asked.offset;
    partition.committed_leader_epoch = 7;
    partition.committed_metadata = kp_string_of(asked.metadata);
    if (asked.metadata_len > 0) partition.committed_metadata.len = (int32_t)asked.metadata_len;
    topic.name = kp_string_of(asked.topic);
    topic.topic_id = asked.id;
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.group_id = kp_string_of(asked.group);
    request.generation_id_or_member_epoch = asked.generation;
    request.member_id = kp_string_of(asked.member);
    request.retention_time_ms = asked.retention_ms;
    request.topics.items = &topic;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_OFFSET_COMMIT, asked.version, &request, &response));
    assert_int_equal(response.topics.count, 1);
    assert_int_equal(response.topics.items[0].partitions.count, 1);
    assert_int_equal(response.topics.items[0].partitions.items[0].partition_index, asked.partition);
    return response.topics.items[0].partitions.items[0].error_code;
}

/* The one partition, whatever form the version has. `all`: asked without naming it. */
static struct kp_offset_fetch_response_partition fetch(struct one_broker *one, struct asked asked,
                                                       bool all) {
    struct kp_offset_fetch_request request;
    struct kp_offset_fetch_request_topic topic;
    struct kp_offset_fetch_request_group group;
    struct kp_offset_fetch_response response;
    kp_set_fallbacks(&kp_offset_fetch_request_schema, &request);
    kp_set_fallbacks(&kp_offset_fetch_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_offset_fetch_request_group_schema, &group);
    topic.name = kp_string_of(asked.topic);
    topic.topic_id = asked.id;
    topic.partition_indexes.items = &asked.partition;
    topic.partition_indexes.count = 1;
    request.group_id = group.group_id = kp_string_of(asked.group);
    request.topics.items = group.topics.items = &topic;
    request.topics.count = group.topics.count = all ? -1 : 1;
    group.member_id = KP_NULL_STRING;
    group.member_epoch = -1;
    request.groups.items = &group;
    request.groups.count = 1;
    assert_true(one_broker_ask(one, KP_OFFSET_FETCH, asked.version, &request, &response));
    struct kp_offset_fetch_response_partition none = {.committed_offset = -2};
    if (asked.version < 8) {
        none.error_code = response.error_code;
        if (response.topics.count == 0) return none;
        assert_int_equal(response.topics.count, 1);
        assert_int_equal(response.topics.items[0].partitions.count, 1);
        return response.topics.items[0].partitions.items[0];
    }
    assert_int_equal(response.groups.count, 1);
    none.error_code = response.groups.items[0].error_code;
    if (response.groups.items[0].topics.count == 0) return none;
    assert_int_equal(response.groups.items[0].topics.count, 1);
    if (asked.version >= 10)
        assert_true(kp_uuid_equal(response.groups.items[0].topics.items[0].topic_id, asked.id));
    assert_int_equal(response.groups.items[0].topics.items[0].partitions.count, 1);
    return response.groups.items[0].topics.items[0].partitions.items[0];
}

/* The error on top, or else that of the partition. */
static int delete_offset(struct one_broker *one, struct asked asked) {
    struct kp_offset_delete_request request;
    struct kp_offset_delete_request_topic topic;
    struct kp_offset_delete_request_partition partition = {asked.partition};
    struct kp_offset_delete_response response;
    kp_set_fallbacks(&kp_offset_delete_request_schema, &request);
    kp_set_fallbacks(&kp_offset_delete_request_topic_schema, &topic);
    topic.name = kp_string_of(asked.topic);
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.group_id = kp_string_of(asked.group);
    request.topics.items = &topic;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_OFFSET_DELETE, 0, &request, &response));
    if (response.error_code != 0) return response.error_code;
    return response.topics.items[0].partitions.items[0].error_code;
}

/* ---- Tests ---- */

/* What was committed in any version is read in any other, with all that both have. */
static void test_offset_commit_and_fetch_in_all_versions(void **state) {
    struct one_broker *one = start(state);
    for (int version = 2; version <= 10; version++) {
        struct asked asked = ask_of(version);
        asked.offset = 100 + version;
        assert_int_equal(commit(one, asked), 0);
        for (int reader = 1; reader <= 10; reader++) {
            asked.version = reader;
            for (int all = 0; all <= (reader >= 2); all++) {
                struct kp_offset_fetch_response_partition got = fetch(one, asked, all == 1);
                assert_int_equal(got.error_code, 0);
                assert_int_equal(got.committed_offset, 100 + version);
                assert_int_equal(got.committed_leader_epoch, reader >= 5 && version >= 6 ? 7 : -1);
                assert_true(kp_string_is(got.metadata, "m"));
            }
        }
    }
}

/* Nothing is committed: -1, without an error; of no group, of another partition, of a topic that
 * is not there. */
static void test_offset_fetch_of_nothing(void **state) {
    struct one_broker *one = start(state);
    struct asked asked = ask_of(5);
    asked.group = "nobody";
    assert_int_equal(fetch(one, asked, false).committed_offset, -1);
    assert_int_equal(fetch(one, asked, true).committed_offset, -2); /* not even a topic */
    asked = ask_of(5);
    assert_int_equal(commit(one, asked), 0);
    asked.partition = 1;
    struct kp_offset_fetch_response_partition got = fetch(one, asked, false);
    assert_int_equal(got.committed_offset, -1);
    assert_int_equal(got.committed_leader_epoch, -1);
    assert_int_equal(got.error_code, 0);
    assert_true(kp_string_is(got.metadata, ""));
    asked.topic = "no-such-topic";
    assert_int_equal(fetch(one, asked, false).committed_offset, -1);
    asked = ask_of(10);
    asked.id.bytes[0] ^= 1;
    got = fetch(one, asked, false);
    assert_int_equal(got.error_code, KAFKA_UNKNOWN_TOPIC_ID);
    assert_int_equal(got.committed_offset, -1);
}

/* What cannot be committed; the empty group id is a group's. */
static void test_offset_commit_is_refused(void **state) {
    struct one_broker *one = start(state);
    static char metadata[3 * 4097 + 1];
    memset(metadata, 'x', sizeof metadata - 1);
    struct asked asked = ask_of(8);
    asked.metadata = metadata;
    asked.metadata_len = 4097;
    assert_int_equal(commit(one, asked), KAFKA_OFFSET_METADATA_TOO_LARGE);
    for (size_t i = 0; i + 1 < sizeof metadata; i += 3)
        memcpy(metadata + i, "\xe2\x82\xac", 3); /* one unit of UTF-16, as Kafka counts */
    asked.metadata_len = 3 * 4096;
    assert_int_equal(commit(one, asked), 0);
    assert_int_equal(fetch(one, asked, false).metadata.len, 3 * 4096);
    asked = ask_of(8);
    asked.topic = "no-such-topic";
    assert_int_equal(commit(one, asked), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    asked = ask_of(8);
    asked.partition = 3;
    assert_int_equal(commit(one, asked), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    asked = ask_of(10);
    asked.id.bytes[0] ^= 1;
    assert_int_equal(commit(one, asked), KAFKA_UNKNOWN_TOPIC_ID);
    asked = ask_of(8);
    asked.group = "others";
    asked.generation = 3;
    assert_int_equal(commit(one, asked), KAFKA_ILLEGAL_GENERATION);
    asked.version = 9;
    assert_int_equal(commit(one, asked), KAFKA_GROUP_ID_NOT_FOUND);
    asked = ask_of(8);
    asked.group = "";
    asked.offset = -5; /* Kafka stores it, too */
    assert_int_equal(commit(one, asked), 0);
    assert_int_equal(fetch(one, asked, false).committed_offset, -5);
}

/* A group id that fits into no record is refused, and nobody ends. */
static void test_offset_commit_of_a_long_group(void **state) {
    struct one_broker *one = start(state);
    char *group = mem_zalloc(40001);
    memset(group, 'g', 40000);
    struct asked asked = ask_of(9);
    asked.group = group;
    assert_int_equal(commit(one, asked), KAFKA_INVALID_GROUP_ID);
    assert_int_equal(fetch(one, asked, false).committed_offset, -1);
    mem_free(group);
}

/* A commit with a retention is kept for so long (record of version 1, without an epoch). */
static void test_offset_commit_with_a_retention(void **state) {
    struct one_broker *one = start(state);
    struct asked asked = ask_of(4);
    asked.retention_ms = INT64_MAX;
    assert_int_equal(commit(one, asked), 0);
    asked.version = 5;
    assert_int_equal(fetch(one, asked, false).committed_offset, 42);
}

/* Many partitions in one request: all of them, or, what is no batch any more, none. */
static void test_offset_commit_of_many_partitions(void **state) {
    enum { MANY = 30000 };
    struct one_broker *one = start(state);
    struct kp_offset_commit_request request;
    struct kp_offset_commit_response response;
    struct kp_offset_commit_request_topic topic;
    struct kp_offset_commit_request_partition *partitions = mem_zalloc(MANY * sizeof *partitions);
    kp_set_fallbacks(&kp_offset_commit_request_schema, &request);
    kp_set_fallbacks(&kp_offset_commit_request_topic_schema, &topic);
    for (int32_t i = 0; i < MANY; i++) {
        kp_set_fallbacks(&kp_offset_commit_request_partition_schema, &partitions[i]);
        partitions[i].partition_index = i % 3;
        partitions[i].committed_offset = i;
    }
    request.group_id = kp_string_of("g");
    request.generation_id_or_member_epoch = -1;
    topic.name = kp_string_of("t");
    topic.partitions.items = partitions;
    request.topics.items = &topic;
    request.topics.count = 1;
    for (int too_many = 0; too_many < 2; too_many++) {
        topic.partitions.count = too_many ? MANY : MANY / 10;
        assert_true(one_broker_ask(one, KP_OFFSET_COMMIT, 8, &request, &response));
        assert_int_equal(response.topics.items[0].partitions.count, topic.partitions.count);
        for (int32_t i = 0; i < topic.partitions.count; i++)
            assert_int_equal(response.topics.items[0].partitions.items[i].error_code,
                             too_many ? KAFKA_INVALID_COMMIT_OFFSET_SIZE : 0);
        assert_int_equal(fetch(one, ask_of(5), false).committed_offset, MANY / 10 - 3);
    }
    mem_free(partitions);
}

/* Offsets of a topic that was made again since count as none, by name and by id, and do not come
 * back. */
static void test_offset_fetch_of_a_topic_made_again(void **state) {
    struct one_broker *one = start(state);
    struct asked asked = ask_of(8);
    assert_int_equal(commit(one, asked), 0);
    struct kp_delete_topics_request request;
    struct kp_delete_topics_response response;
    struct kp_string name = kp_string_of("t");
    kp_set_fallbacks(&kp_delete_topics_request_schema, &request);
    request.topic_names.items = &name;
    request.topic_names.count = 1;
    request.timeout_ms = 10000;
    assert_true(one_broker_ask(one, KP_DELETE_TOPICS, 5, &request, &response));
    assert_int_equal(response.responses.items[0].error_code, 0);
    topic_id = one_broker_create(one, "t", 3);
    asked = ask_of(8);
    assert_int_equal(fetch(one, asked, false).committed_offset, -1);
    assert_int_equal(fetch(one, asked, true).committed_offset, -2);
    asked.version = 10;
    assert_int_equal(fetch(one, asked, false).committed_offset, -1);
    asked.offset = 5;
    assert_int_equal(commit(one, asked), 0);
    assert_int_equal(fetch(one, asked, false).committed_offset, 5);
}

/* KIP-496 for a group without members. */
static void test_offset_delete(void **state) {
    struct one_broker *one = start(state);
    struct asked asked = ask_of(8);
    assert_int_equal(delete_offset(one, asked), KAFKA_GROUP_ID_NOT_FOUND);
    assert_int_equal(commit(one, asked), 0);
    asked.partition = 1;
    assert_int_equal(commit(one, asked), 0);
    assert_int_equal(delete_offset(one, asked), 0);
    assert_int_equal(fetch(one, asked, false).committed_offset, -1);
    assert_int_equal(delete_offset(one, asked), 0);
    asked.topic = "no-such-topic";
    assert_int_equal(delete_offset(one, asked), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    asked = ask_of(8);
    assert_int_equal(fetch(one, asked, false).committed_offset, 42);
    asked.group = "";
    assert_int_equal(delete_offset(one, asked), KAFKA_INVALID_GROUP_ID);
}

/* More than one part; the group goes with its last offset in the first of them. */
static void test_offset_delete_of_many(void **state) {
    enum { MANY = 2500 };
    struct one_broker *one = start(state);
    struct kp_offset_delete_request request;
    struct kp_offset_delete_request_topic topic;
    struct kp_offset_delete_response response;
    struct kp_offset_delete_request_partition *partitions = mem_zalloc(MANY * sizeof *partitions);
    assert_int_equal(commit(one, ask_of(8)), 0);
    for (int32_t i = 0; i < MANY; i++)
        partitions[i].partition_index = i % 3;
    kp_set_fallbacks(&kp_offset_delete_request_schema, &request);
    kp_set_fallbacks(&kp_offset_delete_request_topic_schema, &topic);
    topic.name = kp_string_of("t");
    topic.partitions.items = partitions;
    topic.partitions.count = MANY;
    request.group_id = kp_string_of("g");
    request.topics.items = &topic;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_OFFSET_DELETE, 0, &request, &response));
    assert_int_equal(response.error_code, 0);
    assert_int_equal(response.topics.items[0].partitions.count, MANY);
    for (int32_t i = 0; i < MANY; i++)
        assert_int_equal(response.topics.items[0].partitions.items[i].error_code, 0);
    assert_true(one_broker_ask(one, KP_OFFSET_DELETE, 0, &request, &response));
    assert_int_equal(response.error_code, KAFKA_GROUP_ID_NOT_FOUND);
    mem_free(partitions);
}

/* ---- Where the coordinator is not ---- */

/* Before there is a topic nobody coordinates: a commit is told so; a fetch of one group is closed,
 * for librdkafka would never ask again; one of many, which only tools send, says it of each. */
static void test_offset_fetch_without_a_coordinator(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    topic_id = one_broker_create(one, "t", 3);
    assert_int_equal(commit(one, ask_of(8)), KAFKA_NOT_COORDINATOR);
    assert_int_equal(delete_offset(one, ask_of(0)), KAFKA_NOT_COORDINATOR);
    struct kp_offset_fetch_request request;
    struct kp_offset_fetch_request_group groups[2];
    struct kp_offset_fetch_response response;
    kp_set_fallbacks(&kp_offset_fetch_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.groups.items = groups;
    for (int i = 0; i < 2; i++) {
        kp_set_fallbacks(&kp_offset_fetch_request_group_schema, &groups[i]);
        groups[i].group_id = kp_string_of(i == 0 ? "g" : "h");
        groups[i].topics.count = -1;
    }
    for (int version = 1; version <= 8; version += 7) {
        request.groups.count = 1;
        assert_false(one_broker_ask(one, KP_OFFSET_FETCH, version, &request, &response));
    }
    request.groups.count = 2;
    assert_true(one_broker_ask(one, KP_OFFSET_FETCH, 8, &request, &response));
    assert_int_equal(response.groups.count, 2);
    for (int i = 0; i < 2; i++) {
        assert_true(kp_string_equal(response.groups.items[i].group_id, groups[i].group_id));
        assert_int_equal(response.groups.items[i].error_code, KAFKA_NOT_COORDINATOR);
        assert_int_equal(response.groups.items[i].topics.count, 0);
    }
}

/* Each group has its own answer, in the order of the request; also hundreds. */
static void test_offset_fetch_of_many_groups(void **state) {
    enum { GROUPS = 300 };
    struct one_broker *one = start(state);
    static char names[GROUPS][32];
    struct kp_offset_fetch_request_group *groups = mem_zalloc(GROUPS * sizeof *groups);
    struct kp_offset_fetch_request request;
    struct kp_offset_fetch_response response;
    for (int i = 0; i < GROUPS; i++) {
        snprintf(names[i], sizeof names[i], "group-%d", i);
        struct asked asked = ask_of(8);
        asked.group = names[i];
        asked.offset = i;
        if (i % 3 == 0) assert_int_equal(commit(one, asked), 0);
        kp_set_fallbacks(&kp_offset_fetch_request_group_schema, &groups[i]);
        groups[i].group_id = kp_string_of(names[i]);
        groups[i].topics.count = -1;
    }
    kp_set_fallbacks(&kp_offset_fetch_request_schema, &request);
    request.groups.items = groups;
    request.groups.count = GROUPS;
    assert_true(one_broker_ask(one, KP_OFFSET_FETCH, 9, &request, &response));
    assert_int_equal(response.groups.count, GROUPS);
    for (int i = 0; i < GROUPS; i++) {
        const struct kp_offset_fetch_response_group *group = &response.groups.items[i];
        assert_true(kp_string_is(group->group_id, names[i]));
        assert_int_equal(group->error_code, 0);
        assert_int_equal(group->topics.count, i % 3 == 0);
        if (i % 3 == 0)
            assert_int_equal(group->topics.items[0].partitions.items[0].committed_offset, i);
    }
    mem_free(groups);
}

/* Clients that go at any moment are no trouble. */
static void test_offset_requests_of_clients_that_go(void **state) {
    struct one_broker *one = start(state);
    struct kp_offset_fetch_request request;
    kp_set_fallbacks(&kp_offset_fetch_request_schema, &request);
    request.group_id = kp_string_of("g");
    request.topics.count = -1;
    for (int i = 0; i < 20; i++) {
        for (int n = 0; n < 5; n++)
            one_broker_send(one, KP_OFFSET_FETCH, 5, &request);
        if (i % 2 == 0) one_broker_has_answer(one, 0);
        one_broker_dial_again(one);
    }
    assert_int_equal(commit(one, ask_of(8)), 0);
    assert_int_equal(fetch(one, ask_of(8), true).committed_offset, 42);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_offset_commit_and_fetch_in_all_versions,
                                        one_broker_setup, one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_offset_fetch_of_nothing, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_offset_commit_is_refused, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_offset_commit_of_a_long_group, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_offset_commit_with_a_retention, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_offset_commit_of_many_partitions, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_offset_fetch_of_a_topic_made_again, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_offset_delete, one_broker_setup, one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_offset_delete_of_many, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_offset_fetch_without_a_coordinator, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_offset_fetch_of_many_groups, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_offset_requests_of_clients_that_go, one_broker_setup,
                                        one_broker_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
