/* Records whose time to live is over, on one whole broker. */
#include "broker/sharing/expired_sweep.h"

#include <string.h>

#include "base/error.h"
#include "broker/broker_internal.h"
#include "broker/partition/partition_append.h"
#include "broker/share/shares.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/incremental_alter_configs.h"
#include "protocol/record/record_batch_builder.h"
#include "tests/unit/broker/fixture_share_asks.h"
#include "tests/unit/unit.h"

static struct partition *partition_here(struct one_broker *one) {
    const struct broker_services *services = broker_services(one->broker);
    uint64_t group = metadata_topic_named(services->metadata, "t", 1)->partitions[0].group;
    return partition_set_find_group(services->partitions, group);
}

static void on_appended(struct partition_append *append, int16_t error) {
    (void)append;
    assert_int_equal(error, KAFKA_NONE);
}

/* Records that are so old, with that header where it is not NULL. */
static void append(struct one_broker *one, int records, int64_t age_ms, const char *ttl) {
    static struct partition_append appends[16];
    static size_t used;
    struct record_batch_options options = record_batch_plain();
    struct record_batch_builder *builder = record_batch_builder_new(&options);
    struct record_header header = {"ttl-ms", 6, (const uint8_t *)ttl,
                                   ttl == NULL ? 0 : (int32_t)strlen(ttl)};
    int64_t at = env_wall_ms(one->env) - age_ms; /* of all: what differs takes bytes */
    uint8_t *bytes;
    size_t size;
    for (int i = 0; i < records; i++)
        record_batch_builder_append(builder, at, NULL, -1, "v", 1, &header, ttl != NULL);
    assert_int_equal(record_batch_builder_finish(builder, &bytes, &size), ERR_NONE);
    struct partition_append *own = &appends[used++ % 16];
    *own = (struct partition_append){.done = on_appended};
    assert_int_equal(partition_append(partition_here(one), slice_adopt(NULL, bytes, size), own),
                     KAFKA_NONE);
    one_broker_has_answer(one, 50);
}

static void set_ttl(struct one_broker *one, const char *value) {
    struct kp_incremental_alter_configs_request_config config = {
        .name = kp_string_of("message.ttl.ms"), .value = kp_string_of(value)};
    struct kp_incremental_alter_configs_request_resource resource = {
        .resource_type = 2, .resource_name = kp_string_of("t")};
    struct kp_incremental_alter_configs_request request;
    struct kp_incremental_alter_configs_response response;
    kp_set_fallbacks(&kp_incremental_alter_configs_request_schema, &request);
    resource.configs.items = &config;
    resource.configs.count = 1;
    request.resources.items = &resource;
    request.resources.count = 1;
    assert_true(one_broker_ask(one, KP_INCREMENTAL_ALTER_CONFIGS, 1, &request, &response));
    assert_int_equal(response.responses.items[0].error_code, KAFKA_NONE);
}

static const struct share *share_here(struct one_broker *one) {
    return shares_find(partition_shares(partition_here(one)), kp_string_of("g"));
}

static void until_start(struct one_broker *one, kafka_offset start) {
    uint64_t limit_ms = env_now_ms(one->env) + 10000;
    while (share_here(one)->state.start < start && env_now_ms(one->env) < limit_ms)
        one_broker_has_answer(one, 50);
    assert_int_equal(share_here(one)->state.start, start);
}

/* Nobody asks: the start moves past what is over, up to what lives; what lives longer by its header
 * holds it up, until that is over. Who asks gets only what lives. */
static void test_start_moves(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    share_served(one);
    struct kp_uuid topic = one_broker_create(one, "t", 1);
    struct share_member a = share_member_of(one, "g", "a", topic);
    append(one, 3, 5000, NULL);
    one_broker_has_answer(one, 1300);
    assert_int_equal(share_here(one)->state.start, 0); /* it is not switched on */
    set_ttl(one, "4000");
    until_start(one, 3);
    append(one, 2, 5000, "8500");
    append(one, 2, 5000, NULL);
    append(one, 1, 0, NULL);
    one_broker_has_answer(one, 1300);
    assert_int_equal(share_here(one)->state.start, 3);
    struct kp_share_fetch_response response = share_fetch(one, &a);
    assert_string_equal(share_acquired(&response), "3-4:1 7-7:1");
}

/* What a member holds is not archived when its time is over; it may be accepted. */
static void test_held_stays(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    share_served(one);
    struct kp_uuid topic = one_broker_create(one, "t", 1);
    struct share_member a = share_member_of(one, "g", "a", topic);
    set_ttl(one, "0");
    append(one, 3, 0, "4000");
    a.max_records = 1;
    a.exact = true;
    struct kp_share_fetch_response response = share_fetch(one, &a);
    assert_string_equal(share_acquired(&response), "0-0:1");
    response = share_fetch(one, &a);
    assert_string_equal(share_acquired(&response), "1-1:1");
    share_ack(&a, 0, 0, SHARE_ACK_RELEASE); /* so that the sweep begins before what is held */
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    one_broker_has_answer(one, 6000);
    uint16_t count;
    const struct share *share = share_here(one);
    assert_int_equal(share->state.start, 1);
    assert_int_equal(share_state_of(&share->state, 1, &count), SHARE_AVAILABLE);
    assert_int_equal(share_state_of(&share->state, 2, &count), SHARE_ARCHIVED);
    share_ack(&a, 1, 1, SHARE_ACK_ACCEPT);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    until_start(one, 3);
}

/* ---- Turns that are long already ---- */

static struct env_timer *spinner;
static const struct share *watched;
static kafka_offset seen_at, most_at_once;

static void spin(void *arg) {
    const struct one_broker *one = arg;
    kafka_offset head = share_queue_available(&watched->queue, 0);
    if (head - seen_at > most_at_once) most_at_once = head - seen_at;
    seen_at = head;
    while (!env_turn_is_long(one->env)) {}
    env_timer_start(spinner, 1);
}

/* What is over ends in pieces, also that of one batch. */
static void test_ends_in_pieces(void **state) {
    enum { RECORDS = 100000 };
    struct one_broker *one = *state;
    one_broker_start(one);
    share_served(one);
    struct kp_uuid topic = one_broker_create(one, "t", 1);
    share_member_of(one, "g", "a", topic);
    append(one, RECORDS, 5000, NULL);
    watched = share_here(one);
    spinner = env_timer_new(one->env, spin, one);
    spin(one);
    set_ttl(one, "4000");
    until_start(one, RECORDS);
    env_timer_free(spinner);
    assert_in_range(most_at_once, 1, RECORDS - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_start_moves, one_broker_setup, one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_held_stays, one_broker_setup, one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_ends_in_pieces, one_broker_setup, one_broker_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
