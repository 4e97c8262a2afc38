/* The table of APIs, and what is computed from it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "protocol/messages/api_table.h"
#include "protocol/messages/api_versions.h"
#include "tests/unit/unit.h"

/* Keys rise, ranges are ranges, and both messages are named for their API. */
static void test_api_table_is_in_order(void **state) {
    (void)state;
    size_t count;
    const struct kp_api *table = kp_api_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (i > 0) assert_true(table[i].key > table[i - 1].key);
        assert_true(table[i].advertised_from <= table[i].from);
        assert_true(table[i].from <= table[i].to);
        size_t len = strlen(table[i].name);
        assert_memory_equal(table[i].request->name, table[i].name, len);
        assert_string_equal(table[i].request->name + len, "Request");
        assert_memory_equal(table[i].response->name, table[i].name, len);
        assert_string_equal(table[i].response->name + len, "Response");
        assert_ptr_equal(kp_api_find(table[i].key), &table[i]);
    }
}

/* What clients need to find in the ranges, or they switch something off. */
static void test_api_table_has_the_versions_that_clients_look_for(void **state) {
    (void)state;
    static const struct {
        int key, version;
    } wanted[] = {
        {KP_PRODUCE, 3},          {KP_PRODUCE, 7},          {KP_FETCH, 4},
        {KP_FETCH, 10},           {KP_FETCH, 12},           {KP_LIST_OFFSETS, 1},
        {KP_LIST_OFFSETS, 5},     {KP_METADATA, 0},         {KP_METADATA, 9},
        {KP_METADATA, 12},        {KP_FIND_COORDINATOR, 0}, {KP_FIND_COORDINATOR, 4},
        {KP_API_VERSIONS, 0},     {KP_CREATE_TOPICS, 7},    {KP_DELETE_TOPICS, 6},
        {KP_INIT_PRODUCER_ID, 0}, {KP_INIT_PRODUCER_ID, 3}, {KP_OFFSET_FOR_LEADER_EPOCH, 4},
        {KP_OFFSET_COMMIT, 2},    {KP_OFFSET_FETCH, 1},     {KP_JOIN_GROUP, 0},
        {KP_SYNC_GROUP, 0},       {KP_HEARTBEAT, 0},        {KP_LEAVE_GROUP, 0},
        {KP_LIST_GROUPS, 0},      {KP_DESCRIBE_GROUPS, 0},  {KP_CONSUMER_GROUP_HEARTBEAT, 1},
        {KP_OFFSET_COMMIT, 9},    {KP_OFFSET_FETCH, 9},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        const struct kp_api *api = kp_api_find(wanted[i].key);
        assert_non_null(api);
        assert_true(kp_api_serves(api, wanted[i].version));
    }
    assert_int_equal(kp_api_find(KP_PRODUCE)->advertised_from, 0); /* KAFKA-18659 */
    assert_false(kp_api_serves(kp_api_find(KP_PRODUCE), 2));
}

/* ApiVersions has each public key once, with the advertised range, and no private one. */
static void test_api_versions_is_the_table(void **state) {
    (void)state;
    struct kp_arena arena;
    kp_arena_init(&arena, 100000);
    struct kp_api_versions_response response;
    assert_true(kp_api_versions_fill(&response, &arena));
    size_t count;
    const struct kp_api *table = kp_api_table(&count);
    size_t public = 0;
    for (size_t i = 0; i < count; i++)
    public += kp_api_advertised(&table[i]) ? 1 : 0;
    assert_int_equal(response.error_code, 0);
    assert_int_equal(response.api_keys.count, public);
    for (int32_t i = 0; i < response.api_keys.count; i++) {
        const struct kp_api_versions_response_api *row = &response.api_keys.items[i];
        const struct kp_api *api = kp_api_find(row->api_key);
        assert_non_null(api);
        assert_true(api->key < KP_PRIVATE);
        assert_int_equal(row->min_version, api->advertised_from);
        assert_int_equal(row->max_version, api->to);
    }
    kp_arena_close(&arena);
    kp_arena_init(&arena, 10);
    assert_false(kp_api_versions_fill(&response, &arena));
    kp_arena_close(&arena);
}

/* How a row of docs/protocol.md begins. */
static void document_row(const struct kp_api *api, char into[128]) {
    int n = snprintf(into, 128, "| %d | %s | %d", api->key, api->name, api->advertised_from);
    if (api->to > api->advertised_from) n += snprintf(into + n, 128 - (size_t)n, "-%d", api->to);
    snprintf(into + n, 128 - (size_t)n, " |");
}

/* The next row of the table, of those that begin with a key; false at its end. */
static bool next_row(FILE *file, char *line, int size) {
    while (fgets(line, size, file) != NULL && strncmp(line, "## ", 3) != 0)
        if (line[0] == '|' && line[2] >= '0' && line[2] <= '9') return true;
    return false;
}

/* Of the repository: DRAVE_ROOT, or the folder that the test runs in. */
static FILE *open_file(const char *name) {
    const char *root = getenv("DRAVE_ROOT");
    char path[512];
    snprintf(path, sizeof path, "%s/%s", root == NULL ? "." : root, name);
    return fopen(path, "re");
}

/* docs/protocol.md has a row for each API that is advertised, with its versions, and no other. */
static void test_api_table_is_documented(void **state) {
    (void)state;
    char line[1024], wanted[128];
    size_t count;
    const struct kp_api *table = kp_api_table(&count);
    FILE *file = open_file("docs/protocol.md");
    if (file == NULL) fail_msg("docs/protocol.md: the test runs in the root of the repository");
    for (size_t i = 0; i < count; i++) {
        if (!kp_api_advertised(&table[i])) continue;
        document_row(&table[i], wanted);
        if (!next_row(file, line, sizeof line) || strncmp(line, wanted, strlen(wanted)) != 0)
            fail_msg("docs/protocol.md, table of requests: \"%s ...\" should be next", wanted);
    }
    if (next_row(file, line, sizeof line))
        fail_msg("docs/protocol.md tells of what is not served: %s", line);
    fclose(file);
}

/* Refusals say which API that was, which version would do, or that this is no Kafka request. */
static void test_api_refusal_sentences(void **state) {
    (void)state;
    struct error_text why;
    kp_api_refusal(KP_FETCH, 19, &why);
    assert_non_null(
        strstr(why.text, "Fetch version 19 is not served; the nearest version that is: 18."));
    kp_api_refusal(KP_FETCH, 0, &why);
    assert_non_null(strstr(why.text, "the nearest version that is: 4."));
    kp_api_refusal(4, 0, &why);
    assert_non_null(strstr(why.text, "LeaderAndIsr (API key 4)"));
    kp_api_refusal(0x1603, 0x0100, &why); /* the first bytes of a TLS handshake */
    assert_non_null(strstr(why.text, "no Kafka request"));
    kp_api_refusal(-1, 0, &why);
    assert_non_null(strstr(why.text, "key -1"));
    kp_api_refusal(88, 0, &why);
    assert_non_null(strstr(why.text, "StreamsGroupHeartbeat (API key 88)"));
    kp_api_refusal(95, 0, &why); /* behind Kafka's last */
    assert_non_null(strstr(why.text, "no API with key 95"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_table_is_in_order),
        cmocka_unit_test(test_api_table_has_the_versions_that_clients_look_for),
        cmocka_unit_test(test_api_versions_is_the_table),
        cmocka_unit_test(test_api_table_is_documented),
        cmocka_unit_test(test_api_refusal_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
