/* Requests that are much to decode wait for memory, in the crowd, and keep nobody else waiting. */
#include <unistd.h>

#include "protocol/messages/api_table.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_server.h"
#include "tests/unit/unit.h"

/* Two of them are decoded with so much memory: one that finds room, and one that may pass the
 * limit. Frames of five spend what large frames have. */
enum { MEMORY = 1200000, MANY = 20000, CROWD = 6, DECODED = 2 };

static void ask_names(int client, int32_t count, const char *name) {
    static struct kp_metadata_request_topic names[MANY];
    struct kp_metadata_request request;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    for (int i = 0; i < count; i++) {
        kp_set_fallbacks(&kp_metadata_request_topic_schema, &names[i]);
        names[i].name = kp_string_of(name);
    }
    request.topics.items = names;
    request.topics.count = count;
    stage_ask(client, KP_METADATA, 1, count, &request);
}

static void crowd_comes(struct stage *stage, int clients[CROWD]) {
    stage->options.request_bytes = MEMORY;
    stage_open_server(stage);
    for (int i = 0; i < CROWD; i++) {
        clients[i] = stage_dial(stage);
        ask_names(clients[i], MANY, "a");
    }
    stage_run_until_held(stage, DECODED);
    stage_run_ms(stage, 50);
    assert_int_equal(stage->held_count, DECODED);
}

static bool has_half_the_crowd(struct stage *stage) {
    return server_connection_count(stage->server) == CROWD / 2;
}

/* Those who wait, and whose memory a request that is only large needs, lose their connections and
 * are told why; it is served at once. */
static void test_decode_crowd_gives_way(void **state) {
    struct stage *stage = *state;
    int clients[CROWD], large;
    crowd_comes(stage, clients);
    large = stage_dial(stage);
    ask_names(large, 3000, "a name with which three thousand are more than a short frame");
    stage_run_until_held(stage, DECODED + 1);
    stage_assert_logged(stage, "waits to be decoded");
    assert_in_range(server_connection_count(stage->server), DECODED + 1, CROWD);
    for (size_t i = 0; i < stage->held_count; i++) {
        request_respond_nothing(stage->held[i]);
        stage->held[i] = NULL;
        stage_run_ms(stage, 30);
    }
    assert_int_equal(server_memory_request_bytes(server_memory_of(stage->server)), 0);
    for (int i = 0; i < CROWD; i++)
        close(clients[i]);
    close(large);
    stage_run_until(stage, stage_nobody_connected);
}

/* Who leaves while he waits gives his memory back at once. */
static void test_decode_waits_no_longer_than_its_client(void **state) {
    struct stage *stage = *state;
    int clients[CROWD];
    crowd_comes(stage, clients);
    size_t before = server_memory_request_bytes(server_memory_of(stage->server));
    for (int i = CROWD / 2; i < CROWD; i++)
        close(clients[i]);
    stage_run_until(stage, has_half_the_crowd);
    assert_true(server_memory_request_bytes(server_memory_of(stage->server)) +
                    (size_t)(CROWD / 2) * 3 * MANY <=
                before);
    for (size_t i = 0; i < 3; i++) {
        stage_run_until_held(stage, i + 1);
        request_respond_nothing(stage->held[i]);
        stage->held[i] = NULL;
    }
    stage_run_ms(stage, 30);
    assert_int_equal(server_memory_request_bytes(server_memory_of(stage->server)), 0);
    for (int i = 0; i < CROWD / 2; i++)
        close(clients[i]);
    stage_run_until(stage, stage_nobody_connected);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_decode_crowd_gives_way),
        TEST(test_decode_waits_no_longer_than_its_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
