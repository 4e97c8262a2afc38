/* ApiVersions as a client meets it, on one whole broker: KIP-511, KIP-584, KIP-1242; and what
 * changes its features: UpdateFeatures. */
#include "protocol/kafka_error.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/update_features.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

#include "broker/api/services.h"
#include "broker/cluster/cluster_record.h"
#include "broker/metadata/metadata_features.h"

static struct kp_api_versions_response ask(struct one_broker *one, int version,
                                           struct kp_string cluster_id, int32_t node_id) {
    struct kp_api_versions_request request = {kp_string_of("test"), kp_string_of("1"), cluster_id,
                                              node_id};
    struct kp_api_versions_response response;
    assert_true(one_broker_ask(one, KP_API_VERSIONS, version, &request, &response));
    return response;
}

/* A client that says whom it means is told when it has come to somebody else; what is half said is
 * refused; what is not said, or not said in this version, is not looked at. */
static void test_api_versions_of_another_broker(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    struct kp_string ours = kp_string_of(broker_services(one->broker)->cluster->id);
    struct kp_string other = kp_string_of("another-cluster");
    const struct {
        struct kp_string cluster_id;
        int32_t node_id;
        int16_t code;
    } tries[] = {
        {KP_NULL_STRING, -1, KAFKA_NONE},
        {ours, 1, KAFKA_NONE},
        {ours, 2, KAFKA_REBOOTSTRAP_REQUIRED},
        {other, 1, KAFKA_REBOOTSTRAP_REQUIRED},
        {kp_string_of(""), 1, KAFKA_REBOOTSTRAP_REQUIRED},
        {ours, -2, KAFKA_REBOOTSTRAP_REQUIRED},
        {ours, -1, KAFKA_INVALID_REQUEST},
        {KP_NULL_STRING, 1, KAFKA_INVALID_REQUEST},
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        struct kp_api_versions_response response = ask(one, 5, tries[i].cluster_id,
                                                       tries[i].node_id);
        assert_int_equal(response.error_code, tries[i].code);
        assert_int_equal(response.api_keys.count > 0, tries[i].code == KAFKA_NONE);
        assert_int_equal(ask(one, 4, tries[i].cluster_id, tries[i].node_id).error_code, KAFKA_NONE);
    }
}

/* ---- Features ---- */

static const char feature[] = "transaction.version", other_feature[] = "security.version";

/* Its level as clients are told; 0: they are told nothing of it. */
static int16_t level_of(const struct kp_api_versions_response *response, const char *name) {
    for (int32_t i = 0; i < response->finalized_features.count; i++) {
        const struct kp_api_versions_response_finalized_feature *row =
            &response->finalized_features.items[i];
        if (!kp_string_is(row->name, name)) continue;
        assert_int_equal(row->min_version_level, row->max_version_level);
        return row->max_version_level;
    }
    return 0;
}

static bool is_at(struct one_broker *one, int16_t level, int64_t *epoch) {
    struct kp_api_versions_response response = ask(one, 4, KP_NULL_STRING, -1);
    *epoch = response.finalized_features_epoch;
    assert_int_equal(response.supported_features.count, 5);
    assert_true(kp_string_is(response.supported_features.items[0].name, feature));
    assert_int_equal(response.supported_features.items[0].min_version, 0);
    assert_int_equal(response.supported_features.items[0].max_version, 2);
    assert_true(kp_string_is(response.supported_features.items[1].name, other_feature));
    assert_int_equal(response.supported_features.items[1].max_version, 2);
    assert_true(kp_string_is(response.supported_features.items[2].name, "share.version"));
    assert_int_equal(response.supported_features.items[2].max_version, 3);
    assert_true(kp_string_is(response.supported_features.items[3].name, "quota.version"));
    assert_int_equal(response.supported_features.items[3].max_version, 1);
    assert_true(kp_string_is(response.supported_features.items[4].name, "delay.version"));
    assert_int_equal(response.supported_features.items[4].max_version, 1);
    return level_of(&response, feature) == level && level_of(&response, other_feature) == 2 &&
           level_of(&response, "share.version") == 3 && level_of(&response, "quota.version") == 1 &&
           level_of(&response, "delay.version") == 1;
}

static struct kp_update_features_response update(struct one_broker *one, int version,
                                                 const char *name, int16_t level, int8_t type,
                                                 bool validate_only) {
    struct kp_update_features_request_update what = {kp_string_of(name), level,
                                                     type != FEATURE_UPGRADE, type};
    struct kp_update_features_request request = {
        .timeout_ms = 10000, .feature_updates = {&what, 1}, .validate_only = validate_only};
    struct kp_update_features_response response;
    assert_true(one_broker_ask(one, KP_UPDATE_FEATURES, version, &request, &response));
    assert_true((response.error_code == KAFKA_NONE) == (response.error_message.len < 0));
    return response;
}

static void start_at_2(struct one_broker *one, int64_t *epoch) {
    int tries = 0;
    one_broker_start(one);
    while (!is_at(one, 2, epoch))
        assert_true(tries++ < 10000); /* its leader sets it behind the registration */
}

/* A cluster that is new comes to the level that all of its brokers know, by itself. */
static void test_api_versions_features(void **state) {
    struct one_broker *one = *state;
    int64_t epoch;
    start_at_2(one, &epoch);
    assert_true(epoch > 0);
    struct kp_api_versions_response old = ask(one, 3, KP_NULL_STRING, -1);
    assert_int_equal(old.supported_features.count, 0); /* it cannot say that 0 is known */
    assert_int_equal(old.finalized_features.items[0].max_version_level, 2);
    assert_int_equal(ask(one, 2, KP_NULL_STRING, -1).finalized_features.count, 0);
}

/* Levels change for those who ask, and are told with an epoch above. */
static void test_update_features(void **state) {
    struct one_broker *one = *state;
    int64_t first, epoch;
    start_at_2(one, &first);
    assert_int_equal(update(one, 2, feature, 3, FEATURE_UPGRADE, false).error_code,
                     KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(update(one, 2, feature, 1, FEATURE_UPGRADE, false).error_code,
                     KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(update(one, 2, "metadata.version", 25, FEATURE_UPGRADE, false).error_code,
                     KAFKA_INVALID_UPDATE_VERSION);
    assert_int_equal(update(one, 2, "delay.version", 0, FEATURE_UNSAFE_DOWNGRADE, false).error_code,
                     KAFKA_INVALID_UPDATE_VERSION); /* logs may have what it says */
    assert_int_equal(update(one, 1, feature, 0, FEATURE_SAFE_DOWNGRADE, true).error_code,
                     KAFKA_NONE);
    assert_true(is_at(one, 2, &epoch) && epoch == first);
    struct kp_update_features_response response = update(one, 0, feature, 1, FEATURE_SAFE_DOWNGRADE,
                                                         false);
    assert_int_equal(response.error_code, KAFKA_NONE);
    assert_int_equal(response.results.count, 1);
    assert_true(kp_string_is(response.results.items[0].feature, feature));
    assert_true(is_at(one, 1, &epoch) && epoch > first);
    first = epoch;
    assert_int_equal(update(one, 1, feature, 0, FEATURE_UNSAFE_DOWNGRADE, false).error_code,
                     KAFKA_NONE);
    assert_true(is_at(one, 0, &epoch) && epoch > first);
    first = epoch;
    assert_int_equal(update(one, 2, feature, 2, FEATURE_UPGRADE, false).error_code, KAFKA_NONE);
    assert_true(is_at(one, 2, &epoch) && epoch > first);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_api_versions_of_another_broker),
        TEST(test_api_versions_features),
        TEST(test_update_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
