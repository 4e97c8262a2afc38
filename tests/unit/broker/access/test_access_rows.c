/*
 * Each API that is served, asked by somebody without rights: what stands in its row is asked for,
 * each right of it, and nothing is told without; with all rights nothing is refused.
 *
 * Requests are made of their schemas: one element in each array, names of one topic, group,
 * transactional id; answers are searched for error codes the same way. So an API that is new is
 * asked, too, and fails until its row says what it asks.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/access/access.h"
#include "broker/access/access_rows.h"
#include "broker/access/acl_table.h"
#include "broker/api/services.h"
#include "broker/broker_internal.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/api_table.h"
#include "protocol/messages/find_coordinator.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/unit.h"

enum { MESSAGE_MAX = 4096, CODES_MAX = 64 };

/* ---- Requests out of schemas ---- */

/* What differs from one element of everything, with numbers as they are where a field is absent. */
struct wish {
    int key, version; /* the last version, if it is not here */
    const char *field;
    int64_t value;
};

static const struct wish wishes[] = {
    {KP_PRODUCE, 9, "acks", 1},
    {KP_PRODUCE, 9, "timeoutMs", 100},
    {KP_FETCH, 11, NULL, 0},
    {KP_OFFSET_COMMIT, 9, NULL, 0},
    {KP_OFFSET_FETCH, 9, NULL, 0},
    {KP_DELETE_TOPICS, 5, NULL, 0},
    {KP_DESCRIBE_CONFIGS, 4, "resourceType", 2},
    {KP_ALTER_CONFIGS, 2, "resourceType", 2},
    {KP_INCREMENTAL_ALTER_CONFIGS, 1, "resourceType", 2},
    {KP_INIT_PRODUCER_ID, 5, "transactionTimeoutMs", 1000},
    {KP_INIT_PRODUCER_ID, 5, "producerId", -1},
    {KP_INIT_PRODUCER_ID, 5, "producerEpoch", -1},
    {KP_CREATE_TOPICS, 7, "validateOnly", 1},
    {KP_METADATA, 13, "allowAutoTopicCreation", 1},
    {KP_DESCRIBE_ACLS, 3, "resourceTypeFilter", 1},
    {KP_DESCRIBE_ACLS, 3, "operation", 1},
    {KP_DESCRIBE_ACLS, 3, "permissionType", 1},
    {KP_UNREGISTER_BROKER, 0, "brokerId", 99},
    {KP_ALTER_BROKER, 0, "brokerId", 99},
    {KP_ADD_PARTITIONS_TO_TXN, 3, NULL, 0},
    {KP_CONSUMER_GROUP_HEARTBEAT, 1, "rebalanceTimeoutMs", 1000},
    {KP_SHARE_FETCH, 2, "maxBytes", 1000},
    {KP_SHARE_FETCH, 2, "maxRecords", 10},
    {KP_SHARE_ACKNOWLEDGE, 2, "shareSessionEpoch", 1}, /* behind a ShareFetch */
};

static struct kp_uuid topic_id; /* of topic t */

/* In the place of those above, for a right that is asked for otherwise. */
struct variant {
    int key;
    enum authorize_operation operation;
    enum authorize_resource resource;
    struct wish wish;
};

static const struct variant variants[] = {
    {KP_FIND_COORDINATOR, AUTHORIZE_DESCRIBE, AUTHORIZE_TRANSACTIONAL_ID, {0, 6, "keyType", 1}},
    {KP_ADD_PARTITIONS_TO_TXN, AUTHORIZE_CLUSTER_ACTION, AUTHORIZE_CLUSTER, {0, 5, NULL, 0}},
    {KP_DESCRIBE_CONFIGS, AUTHORIZE_DESCRIBE_CONFIGS, AUTHORIZE_GROUP, {0, 4, "resourceType", 32}},
    {KP_DESCRIBE_CONFIGS, AUTHORIZE_DESCRIBE_CONFIGS, AUTHORIZE_CLUSTER, {0, 4, "resourceType", 4}},
    {KP_ALTER_CONFIGS, AUTHORIZE_ALTER_CONFIGS, AUTHORIZE_GROUP, {0, 2, "resourceType", 32}},
    {KP_ALTER_CONFIGS, AUTHORIZE_ALTER_CONFIGS, AUTHORIZE_CLUSTER, {0, 2, "resourceType", 4}},
    {KP_INCREMENTAL_ALTER_CONFIGS,
     AUTHORIZE_ALTER_CONFIGS,
     AUTHORIZE_GROUP,
     {0, 1, "resourceType", 32}},
    {KP_INCREMENTAL_ALTER_CONFIGS,
     AUTHORIZE_ALTER_CONFIGS,
     AUTHORIZE_CLUSTER,
     {0, 1, "resourceType", 4}},
};

/* Another way to the same right. */
static const struct variant ways[] = {
    {KP_DESCRIBE_CONFIGS, AUTHORIZE_DESCRIBE_CONFIGS, AUTHORIZE_CLUSTER, {0, 4, "resourceType", 8}},
    {KP_INCREMENTAL_ALTER_CONFIGS,
     AUTHORIZE_ALTER_CONFIGS,
     AUTHORIZE_CLUSTER,
     {0, 1, "resourceType", 8}},
};

struct maker {
    struct kp_arena arena;
    const struct variant *variant;
    int key, version;
    bool idempotent; /* without a transactional id */
    char topic[16];
};

static bool wished(const struct maker *maker, const char *field, int64_t *value) {
    const struct variant *variant = maker->variant;
    if (variant != NULL && variant->wish.field != NULL && strcmp(variant->wish.field, field) == 0) {
        *value = variant->wish.value;
        return true;
    }
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++)
        if (wishes[i].key == maker->key && wishes[i].field != NULL &&
            strcmp(wishes[i].field, field) == 0) {
            *value = wishes[i].value;
            return true;
        }
    return false;
}

static int version_of(const struct kp_api *api, const struct variant *variant) {
    if (variant != NULL) return variant->wish.version;
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++)
        if (wishes[i].key == api->key) return wishes[i].version;
    return api->to;
}

static struct kp_string text_of(const struct maker *maker, const char *field) {
    bool group = strstr(field, "roup") != NULL || maker->key == KP_DESCRIBE_GROUPS ||
                 maker->key == KP_CONSUMER_GROUP_DESCRIBE;
    if (strstr(field, "ransactionalId") != NULL)
        return maker->idempotent ? KP_NULL_STRING : kp_string_of("x");
    if (strcmp(field, "path") == 0) return kp_string_of("/");
    return kp_string_of(group ? "g" : maker->topic);
}

static bool is_of_sharer(const struct maker *maker) {
    return maker->key == KP_SHARE_FETCH || maker->key == KP_SHARE_ACKNOWLEDGE;
}

static void fill(struct maker *maker, const struct kp_schema *schema, void *object);

static void fill_array(struct maker *maker, const struct kp_field *field, void *at) {
    KP_ARRAY_OF(void) *array = at;
    if (field->element == KP_STRUCT) {
        void *item = kp_new_items(&maker->arena, field->item, at, 1);
        fill(maker, field->item, item);
    } else {
        array->items = kp_arena_alloc(&maker->arena, 16);
        memset(array->items, 0, 16);
        array->count = 1;
        if (field->element == KP_STRING)
            *(struct kp_string *)array->items = text_of(maker, field->name);
    }
}

static void set_number(void *at, uint32_t size, int64_t value) {
    memcpy(at, &value, size); /* little-endian, as all that the tests run on */
}

static void fill(struct maker *maker, const struct kp_schema *schema, void *object) {
    kp_set_fallbacks(schema, object);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct kp_field *field = &schema->fields[i];
        void *at = (char *)object + field->offset;
        int64_t value;
        if (wished(maker, field->name, &value)) {
            set_number(at, field->size, value);
        } else if (field->kind == KP_STRING) {
            bool left_out = strstr(field->name, "nstanceId") || strstr(field->name, "egex") ||
                            strstr(field->name, "ssignor") || strstr(field->name, "attern") ||
                            strstr(field->name, "Filter") || strstr(field->name, "rackId") ||
                            (strcmp(field->name, "memberId") == 0 && !is_of_sharer(maker));
            *(struct kp_string *)at = left_out && field->nullable.below > 0
                                          ? KP_NULL_STRING
                                          : text_of(maker, field->name);
        } else if (field->kind == KP_UUID && is_of_sharer(maker)) {
            *(struct kp_uuid *)at = topic_id;
        } else if (strcmp(field->name, "topicPartitions") == 0 ||
                   (maker->key == KP_SHARE_FETCH &&
                    (strcmp(field->name, "acknowledgementBatches") == 0 ||
                     strcmp(field->name, "forgottenTopicsData") == 0))) {
            KP_ARRAY_OF(void) *array = at;
            array->count = 0; /* of a member that joins, or opens a session */
        } else if (field->kind == KP_ARRAY) {
            fill_array(maker, field, at);
        } else if (field->kind == KP_STRUCT) {
            fill(maker, field->item, at);
        }
    }
}

/* ---- Answers ---- */

struct codes {
    int16_t items[CODES_MAX];
    size_t count;
};

static void gather(const struct kp_schema *schema, const void *object, struct codes *codes) {
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const struct kp_field *field = &schema->fields[i];
        const void *at = (const char *)object + field->offset;
        const KP_ARRAY_OF(void) *array = at;
        if (field->kind == KP_INT16 && strstr(field->name, "rrorCode") != NULL) {
            if (codes->count < CODES_MAX) codes->items[codes->count++] = *(const int16_t *)at;
        } else if (field->kind == KP_STRUCT) {
            gather(field->item, at, codes);
        } else if (field->kind == KP_ARRAY && field->element == KP_STRUCT) {
            for (int32_t n = 0; n < array->count; n++)
                gather(field->item, (const char *)array->items + (size_t)n * field->item->size,
                       codes);
        }
    }
}

static bool has_code(const struct codes *codes, int16_t code) {
    for (size_t i = 0; i < codes->count; i++)
        if (codes->items[i] == code) return true;
    return false;
}

static const int16_t refusals[AUTHORIZE_RESOURCES] = {
    [AUTHORIZE_TOPIC] = KAFKA_TOPIC_AUTHORIZATION_FAILED,
    [AUTHORIZE_GROUP] = KAFKA_GROUP_AUTHORIZATION_FAILED,
    [AUTHORIZE_CLUSTER] = KAFKA_CLUSTER_AUTHORIZATION_FAILED,
    [AUTHORIZE_TRANSACTIONAL_ID] = KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED};

static bool is_refused(const struct codes *codes) {
    for (int i = AUTHORIZE_TOPIC; i < AUTHORIZE_RESOURCES; i++)
        if (has_code(codes, refusals[i])) return true;
    return false;
}

/* ---- Rules ---- */

static struct acl_table *rules_of(struct one_broker *one) {
    return (struct acl_table *)metadata_rules(broker_services(one->broker)->metadata);
}

static void add_rule(struct one_broker *one, int resource, int operation, int permission) {
    struct acl_rule rule = {
        .resource = (int8_t)resource,
        .pattern = ACL_LITERAL,
        .operation = (int8_t)operation,
        .permission = (int8_t)permission,
        .name = kp_string_of(resource == AUTHORIZE_CLUSTER ? ACL_CLUSTER_NAME : "*"),
        .principal = kp_string_of("User:ANONYMOUS"),
        .host = kp_string_of("127.0.0.1")};
    acl_table_add(rules_of(one), &rule);
}

static void allow_everything(struct one_broker *one) {
    acl_table_close(rules_of(one));
    for (int i = AUTHORIZE_TOPIC; i < AUTHORIZE_RESOURCES; i++)
        add_rule(one, i, AUTHORIZE_ALL, ACL_ALLOW);
}

/* ---- One question ---- */

/* `topic` NULL: one that is there, and for Metadata, which makes them, one that is not. */
static struct codes ask_about(struct one_broker *one, const struct kp_api *api,
                              const struct variant *variant, bool idempotent, const char *topic) {
    static int times;
    struct maker maker = {.variant = variant,
                          .key = api->key,
                          .version = version_of(api, variant),
                          .idempotent = idempotent || api->key == KP_OFFSET_COMMIT};
    struct codes codes = {.count = 0};
    char request[MESSAGE_MAX] = {0}, response[MESSAGE_MAX];
    assert_true(api->request->size <= sizeof request && api->response->size <= sizeof response);
    kp_arena_init(&maker.arena, 1 << 20);
    snprintf(maker.topic, sizeof maker.topic, "%s", topic == NULL ? "t" : topic);
    if (topic == NULL && api->key == KP_METADATA)
        snprintf(maker.topic, sizeof maker.topic, "n%d", times++);
    fill(&maker, api->request, request);
    if (one_broker_ask(one, api->key, maker.version, request, response))
        gather(api->response, response, &codes);
    else
        fail_msg("%s: the connection is closed", api->name);
    kp_arena_close(&maker.arena);
    return codes;
}

static struct codes ask(struct one_broker *one, const struct kp_api *api,
                        const struct variant *variant, bool idempotent) {
    return ask_about(one, api, variant, idempotent, NULL);
}

static const struct variant *variant_of(const struct kp_api *api, struct access_ask ask) {
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++)
        if (variants[i].key == api->key && variants[i].operation == ask.operation &&
            variants[i].resource == ask.resource)
            return &variants[i];
    return NULL;
}

/* Rights of which another one is enough, or without which something is left out: what the other
 * tests ask. */
enum manner { IS_NEEDED, IS_ONE_OF_TWO, IS_LEFT_OUT };
static enum manner manner_of(const struct kp_api *api, struct access_ask ask) {
    static const struct {
        int key;
        enum authorize_operation operation;
        enum authorize_resource resource;
        enum manner manner;
    } rows[] = {
        {KP_METADATA, AUTHORIZE_CREATE, AUTHORIZE_CLUSTER, IS_ONE_OF_TWO},
        {KP_METADATA, AUTHORIZE_CREATE, AUTHORIZE_TOPIC, IS_ONE_OF_TWO},
        {KP_CREATE_TOPICS, AUTHORIZE_CREATE, AUTHORIZE_CLUSTER, IS_ONE_OF_TWO},
        {KP_CREATE_TOPICS, AUTHORIZE_CREATE, AUTHORIZE_TOPIC, IS_ONE_OF_TWO},
        {KP_CREATE_TOPICS, AUTHORIZE_DESCRIBE_CONFIGS, AUTHORIZE_TOPIC, IS_LEFT_OUT},
        {KP_DELETE_TOPICS, AUTHORIZE_DELETE, AUTHORIZE_CLUSTER, IS_ONE_OF_TWO},
        {KP_DELETE_TOPICS, AUTHORIZE_DELETE, AUTHORIZE_TOPIC, IS_ONE_OF_TWO},
        {KP_INIT_PRODUCER_ID, AUTHORIZE_IDEMPOTENT_WRITE, AUTHORIZE_CLUSTER, IS_ONE_OF_TWO},
        {KP_INIT_PRODUCER_ID, AUTHORIZE_WRITE, AUTHORIZE_TOPIC, IS_ONE_OF_TWO},
        {KP_WRITE_TXN_MARKERS, AUTHORIZE_ALTER, AUTHORIZE_CLUSTER, IS_ONE_OF_TWO},
        {KP_WRITE_TXN_MARKERS, AUTHORIZE_CLUSTER_ACTION, AUTHORIZE_CLUSTER, IS_ONE_OF_TWO},
        {KP_LIST_GROUPS, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, IS_LEFT_OUT},
        {KP_LIST_GROUPS, AUTHORIZE_DESCRIBE, AUTHORIZE_GROUP, IS_LEFT_OUT},
        {KP_LIST_TRANSACTIONS, AUTHORIZE_DESCRIBE, AUTHORIZE_TRANSACTIONAL_ID, IS_LEFT_OUT},
        {KP_DESCRIBE_TRANSACTIONS, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, IS_LEFT_OUT},
        {KP_CONSUMER_GROUP_DESCRIBE, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, IS_LEFT_OUT},
        {KP_SHARE_GROUP_DESCRIBE, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, IS_LEFT_OUT},
        {KP_META_QUERY, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, IS_LEFT_OUT},
        {KP_BROKER_STATUS, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, IS_LEFT_OUT},
        {KP_BROKER_STATUS, AUTHORIZE_DESCRIBE, AUTHORIZE_GROUP, IS_LEFT_OUT},
        {KP_LOST_MAJORITIES, AUTHORIZE_DESCRIBE, AUTHORIZE_TOPIC, IS_LEFT_OUT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].key == api->key && rows[i].operation == ask.operation &&
            rows[i].resource == ask.resource)
            return rows[i].manner;
    return IS_NEEDED;
}

/* ---- Tests ---- */

/* A topic, and coordinators that are at work: of who has all rights. */
static void begin(struct one_broker *one) {
    allow_everything(one);
    topic_id = one_broker_create(one, "t", 1);
    for (int8_t type = 0; type <= 1; type++) {
        struct kp_find_coordinator_request request;
        struct kp_find_coordinator_response response;
        kp_set_fallbacks(&kp_find_coordinator_request_schema, &request);
        request.key = kp_string_of(type == 0 ? "g" : "x");
        request.key_type = type;
        do {
            assert_true(one_broker_ask(one, KP_FIND_COORDINATOR, 3, &request, &response));
        } while (response.error_code == KAFKA_COORDINATOR_NOT_AVAILABLE);
        assert_int_equal(response.error_code, KAFKA_NONE);
    }
}

static int setup(void **state) {
    struct error_text why;
    assert_int_equal(one_broker_setup(state), 0);
    struct one_broker *one = *state;
    static const char *const pairs[][2] = {
        {"authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"},
        {"super.users", "User:admin;User:root"},
        {"group.initial.rebalance.delay.ms", "0"},
        {"offsets.topic.num.partitions", "1"},
        {"transaction.state.log.num.partitions", "1"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        assert_int_equal(settings_set(one->values, pairs[i][0], pairs[i][1], "test", &why),
                         ERR_NONE);
    one_broker_start(one);
    return 0;
}

/* Every API has a row, and every row an API. */
static void test_access_rows_are_whole(void **state) {
    (void)state;
    size_t apis, rows;
    const struct kp_api *api = kp_api_table(&apis);
    const struct access_row *row = access_rows(&rows);
    assert_int_equal(rows, apis);
    for (size_t i = 0; i < rows; i++)
        assert_int_equal(row[i].api_key, api[i].key);
}

/* With all rights nothing is refused; without any rule all is, but for what everybody may. */
static void test_access_all_and_none(void **state) {
    struct one_broker *one = *state;
    size_t count;
    const struct kp_api *apis = kp_api_table(&count);
    begin(one);
    for (size_t i = 0; i < count; i++) {
        const struct kp_api *api = &apis[i];
        bool login = api->key == KP_SASL_HANDSHAKE || api->key == KP_SASL_AUTHENTICATE;
        if (login) continue;
        struct codes codes = ask(one, api, NULL, false);
        if (is_refused(&codes)) fail_msg("%s is refused to who may everything", api->name);
    }
    acl_table_close(rules_of(one));
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct codes codes = ask(one, kp_api_find(ways[i].key), &ways[i], false);
        if (!has_code(&codes, refusals[ways[i].resource])) fail_msg("way %zu is open", i);
    }
    for (size_t i = 0; i < count; i++) {
        const struct access_row *row = access_row_of(apis[i].key);
        if (row->asks[0].operation == 0) continue;
        bool filters = apis[i].key == KP_LIST_GROUPS || apis[i].key == KP_LIST_TRANSACTIONS;
        struct codes codes = ask(one, &apis[i], NULL, false);
        if (!is_refused(&codes) && !filters)
            fail_msg("%s is served to who may nothing", apis[i].name);
    }
}

/* It was deleted; the right to do so is taken away. */
static void make_again(struct one_broker *one) {
    allow_everything(one);
    topic_id = one_broker_create(one, "t", 1);
    add_rule(one, AUTHORIZE_CLUSTER, AUTHORIZE_DELETE, ACL_DENY);
    add_rule(one, AUTHORIZE_TOPIC, AUTHORIZE_DELETE, ACL_DENY);
}

/* Each right that a row has is asked for: without it, and with all others, the answer says so. */
static void test_access_each_right(void **state) {
    struct one_broker *one = *state;
    size_t count;
    const struct access_row *rows = access_rows(&count);
    begin(one);
    for (size_t i = 0; i < count; i++) {
        const struct kp_api *api = kp_api_find(rows[i].api_key);
        for (size_t n = 0; n < ACCESS_ASKS_MAX && rows[i].asks[n].operation != 0; n++) {
            struct access_ask right = rows[i].asks[n];
            bool idempotent = api->key == KP_INIT_PRODUCER_ID && n > 0;
            const struct variant *variant = variant_of(api, right);
            allow_everything(one);
            if (api->key == KP_SHARE_ACKNOWLEDGE) /* of a session that is open */
                ask(one, kp_api_find(KP_SHARE_FETCH), NULL, false);
            if (api->key == KP_DELETE_SHARE_GROUP_OFFSETS) /* of a group that is there */
                ask(one, kp_api_find(KP_ALTER_SHARE_GROUP_OFFSETS), NULL, false);
            add_rule(one, right.resource, right.operation, ACL_DENY);
            struct codes codes = ask(one, api, variant, idempotent);
            bool refused = has_code(&codes, refusals[right.resource]);
            if (refused != (manner_of(api, right) == IS_NEEDED) &&
                !(manner_of(api, right) == IS_LEFT_OUT && refused))
                fail_msg("%s without the right to %s %s: refused %d", api->name,
                         acl_operation_name(right.operation), acl_resource_name(right.resource),
                         refused);
        }
        allow_everything(one);
        bool two = false;
        for (size_t n = 0; n < ACCESS_ASKS_MAX && rows[i].asks[n].operation != 0; n++) {
            if (manner_of(api, rows[i].asks[n]) != IS_ONE_OF_TWO) continue;
            add_rule(one, rows[i].asks[n].resource, rows[i].asks[n].operation, ACL_DENY);
            two = true;
        }
        if (!two) continue;
        if (api->key == KP_DELETE_TOPICS) make_again(one);
        struct codes codes = ask(one, api, NULL, api->key == KP_INIT_PRODUCER_ID);
        if (!is_refused(&codes)) fail_msg("%s without either right is served", api->name);
    }
}

/* Whether something is there is not told to who may not see it. */
static void test_access_existence(void **state) {
    struct one_broker *one = *state;
    size_t count;
    const struct access_row *rows = access_rows(&count);
    begin(one);
    acl_table_close(rules_of(one));
    for (size_t i = 0; i < count; i++) {
        const struct kp_api *api = kp_api_find(rows[i].api_key);
        if (rows[i].asks[0].operation == 0) continue;
        struct codes there = ask_about(one, api, NULL, false, "t"),
                     missing = ask_about(one, api, NULL, false, "missing");
        assert_int_equal(there.count, missing.count);
        assert_memory_equal(there.items, missing.items, there.count * sizeof there.items[0]);
        for (size_t c = 0; c < there.count; c++) {
            int16_t code = there.items[c];
            bool tells = code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION ||
                         code == KAFKA_TOPIC_ALREADY_EXISTS || code == KAFKA_GROUP_ID_NOT_FOUND ||
                         code == KAFKA_TRANSACTIONAL_ID_NOT_FOUND ||
                         code == KAFKA_NOT_LEADER_OR_FOLLOWER;
            if (tells) fail_msg("%s tells %s", api->name, kafka_error_name(code));
        }
    }
}

/* Who is refused makes nothing before, and is counted once. */
static void test_access_makes_nothing(void **state) {
    struct one_broker *one = *state;
    const struct access *access = server_guards_of(one->broker->server).access;
    allow_everything(one);
    add_rule(one, AUTHORIZE_TRANSACTIONAL_ID, AUTHORIZE_WRITE, ACL_DENY);
    ask(one, kp_api_find(KP_ADD_OFFSETS_TO_TXN), NULL, false);
    assert_int_equal(metadata_topic_count(one->broker->metadata), 0);
    add_rule(one, AUTHORIZE_CLUSTER, AUTHORIZE_CREATE, ACL_DENY);
    add_rule(one, AUTHORIZE_TOPIC, AUTHORIZE_CREATE, ACL_DENY);
    ask(one, kp_api_find(KP_METADATA), NULL, false);
    assert_int_equal(access_refusals(access, AUTHORIZE_CREATE, AUTHORIZE_TOPIC), 1);
    assert_int_equal(metadata_topic_count(one->broker->metadata), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access_rows_are_whole), TEST(test_access_all_and_none),
        TEST(test_access_each_right), TEST(test_access_existence), TEST(test_access_makes_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
