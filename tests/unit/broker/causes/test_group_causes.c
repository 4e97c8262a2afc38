/* Which groups are judged, which causes are told, and when they are forgotten. */
#include "broker/causes/group_causes.h"

#include <stdio.h>
#include <string.h>

#include "broker/api/services.h"
#include "broker/broker_internal.h"
#include "broker/partition/partition_internal.h"
#include "protocol/messages/offset_commit.h"
#include "tests/unit/broker/fixture_share_asks.h"
#include "tests/unit/unit.h"

/* Older than a quarter of the window. */
enum { OLD_MS = CAUSE_WINDOW_MS / 4 + 500, RECORDS = 3 };

static struct group_causes *causes;
static char told[200];

static void tell(void *arg, struct kp_string group, const char *cause) {
    (void)arg;
    size_t len = strlen(told);
    snprintf(told + len, sizeof told - len, "%s%.*s:%s", len == 0 ? "" : " ", (int)group.len,
             group.data, cause);
}

/* Of those that were wanted since then, "group:cause" with spaces. */
static const char *causes_since(uint64_t since_ms) {
    told[0] = '\0';
    group_causes_each(causes, since_ms, tell, NULL);
    return told;
}

static void commit(struct one_broker *one, const char *group, int64_t offset) {
    struct kp_offset_commit_request_partition partition;
    struct kp_offset_commit_request_topic topic;
    struct kp_offset_commit_request request;
    struct kp_offset_commit_response response;
    kp_set_fallbacks(&kp_offset_commit_request_schema, &request);
    kp_set_fallbacks(&kp_offset_commit_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_offset_commit_request_partition_schema, &partition);
    partition.committed_offset = offset;
    topic.name = kp_string_of("t");
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.group_id = kp_string_of(group);
    request.member_id = kp_string_of("");
    request.topics.items = &topic;
    request.topics.count = 1;
    for (int code = -1; code != 0;) { /* the coordinator comes */
        assert_true(one_broker_ask(one, KP_OFFSET_COMMIT, 8, &request, &response));
        code = response.topics.items[0].partitions.items[0].error_code;
    }
}

/* All that is there came long ago. */
static void age(struct one_broker *one) {
    const struct metadata_topic *topic = metadata_topic_named(
        broker_services(one->broker)->metadata, "t", 1);
    struct partition *partition = partition_set_find_group(one->broker->partitions,
                                                           topic->partitions[0].group);
    traffic_close(&partition->traffic);
    partition->traffic = (struct traffic){.known_from = 0};
    traffic_committed(&partition->traffic, (int64_t)env_now_ms(one->env) - OLD_MS, 0, RECORDS,
                      false);
}

static void run_for(struct one_broker *one, unsigned ms) {
    assert_false(one_broker_has_answer(one, ms));
}

/* Groups that lag have their cause, share groups too; one that keeps up has none, nor one that is
 * not there; who is not wanted any more is not told. */
static void test_causes(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    share_served(one);
    one_broker_create(one, "t", 1);
    produce_one(one, "t", 0, RECORDS, 10);
    share_set(one, "shared", "share.auto.offset.reset", "earliest");
    share_join(one, "shared", "m");
    commit(one, "behind", 1);
    commit(one, "done", RECORDS);
    const struct broker_services *services = broker_services(one->broker);
    causes = group_causes_new(
        &(struct group_causes_options){.exchange = {.env = one->env,
                                                    .node = one->settings.node_id,
                                                    .leaders = one->broker->leaders,
                                                    .partitions = one->broker->partitions,
                                                    .messages = one->broker->messages},
                                       .metadata = services->metadata,
                                       .coordinators = one->broker->group_coordinators});
    age(one);
    uint64_t began_ms = env_now_ms(one->env);
    assert_string_equal(causes_since(0), "");
    const char *wanted[] = {"behind", "done", "nobody", "shared"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        group_causes_want(causes, kp_string_of(wanted[i]));
    assert_string_equal(causes_since(0), ""); /* never within the call */
    for (int i = 0; i < 50 && strlen(causes_since(began_ms)) < 35; i++)
        run_for(one, 100);
    assert_string_equal(causes_since(began_ms), "behind:no_members shared:not_polling");
    assert_string_equal(causes_since(env_now_ms(one->env) + 1), "");
    group_causes_free(causes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_causes, one_broker_setup, one_broker_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
