/* Requests that wait for other clients: what they hold, and what they keep from nobody; and what
 * becomes of requests behind a close, and of clients that have gone. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/messages/api_table.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_server.h"
#include "tests/unit/unit.h"

enum { NAMES = 500, NAME_LEN = 100, PARKED_BYTES = 60000 };

/* A request of 50 KB. */
static void ask_much(int client, int32_t correlation_id) {
    static struct kp_metadata_request_topic names[NAMES];
    static char name[NAME_LEN + 1];
    struct kp_metadata_request request;
    memset(name, 'n', NAME_LEN);
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    for (int i = 0; i < NAMES; i++) {
        kp_set_fallbacks(&kp_metadata_request_topic_schema, &names[i]);
        names[i].name = kp_string_of(name);
    }
    request.topics.items = names;
    request.topics.count = NAMES;
    stage_ask(client, KP_METADATA, 1, correlation_id, &request);
}

static void end(struct stage *stage, size_t i) {
    request_respond_nothing(stage->held[i]);
    stage->held[i] = NULL;
}

/* They give their frames back and are charged to a budget of their own: the memory for requests is
 * there for others, however many wait. Beyond their own budget parking is refused. */
static void test_server_parked_requests_keep_nobody_waiting(void **state) {
    struct stage *stage = *state;
    stage->options.request_bytes = 400000;
    stage->options.parked_bytes = PARKED_BYTES;
    stage_open_server(stage);
    int waiting[8], honest = stage_dial(stage);
    size_t parked = 0;
    for (size_t i = 0; i < 8; i++) {
        waiting[i] = stage_dial(stage);
        ask_much(waiting[i], (int32_t)i);
        stage_run_until_held(stage, i + 1);
        size_t before = server_memory_of(stage->server)->parked.used;
        assert_true(server_memory_request_bytes(server_memory_of(stage->server)) >
                    NAMES * NAME_LEN);
        if (request_park(stage->held[i])) {
            parked++;
            assert_null(stage->held[i]->message);
            assert_true(server_memory_of(stage->server)->parked.used > before);
        } else {
            assert_true(before >= PARKED_BYTES);
            assert_non_null(stage->held[i]->message);
            end(stage, i);
        }
        assert_int_equal(server_memory_request_bytes(server_memory_of(stage->server)), 0);
    }
    assert_in_range(parked, 2, 7);
    stage_ask_cluster(honest, 9);
    stage_run_until_held(stage, 9);
    stage_answer(stage, 8);
    assert_int_equal(stage_receive_correlation_id(stage, honest), 9);
    for (size_t i = 0; i < parked; i++)
        end(stage, i);
    assert_int_equal(server_memory_of(stage->server)->parked.used, 0);
    for (size_t i = 0; i < 8; i++)
        close(waiting[i]);
    close(honest);
}

/* Who has one parked is not idle, and is again when it is answered; one that goes leaves nothing.
 */
static void test_server_parked_connection_is_not_idle(void **state) {
    struct stage *stage = *state;
    stage->options.max_idle_ms = 700;
    stage_open_server(stage);
    int patient = stage_dial(stage), gone = stage_dial(stage);
    stage_ask_cluster(patient, 1);
    stage_run_until_held(stage, 1);
    assert_true(request_park(stage->held[0]));
    stage_ask_cluster(gone, 2);
    stage_run_until_held(stage, 2);
    assert_true(request_park(stage->held[1]));
    stage_run_ms(stage, 1000);
    stage->client = patient;
    assert_false(stage_can_read(stage));
    assert_int_equal(server_connection_count(stage->server), 2);
    close(gone);
    stage_answer(stage, 0);
    assert_int_equal(stage_receive_correlation_id(stage, patient), 1);
    stage_assert_server_closes(stage, patient);
    assert_int_equal(stage->canceled_count, 1);
    stage_answer(stage, 1);
    stage_run_until(stage, stage_nobody_connected);
    assert_int_equal(server_memory_of(stage->server)->parked.used, 0);
}

/* What is behind a request that is answered by closing is never sent, not even while the answers
 * before it are on their way: the client would take it for the answer that it misses. */
static void test_server_sends_nothing_behind_a_close(void **state) {
    struct stage *stage = *state;
    uint8_t frame[1024];
    stage_open_server(stage);
    int client = stage_dial(stage);
    for (int32_t i = 0; i < 3; i++)
        stage_ask_cluster(client, i);
    stage_run_until_held(stage, 3);
    stage_answer(stage, 0);
    request_close_connection(stage->held[1]);
    stage->held[1] = NULL;
    stage_answer(stage, 2);
    assert_int_equal(stage_receive_correlation_id(stage, client), 0);
    assert_int_equal(stage_receive(stage, client, frame, sizeof frame), -1);
    close(client);
}

static const struct connection *gone[4];
static size_t gone_count;

static void on_gone(void *service, const struct connection *connection) {
    (void)service;
    gone[gone_count++] = connection;
}

static bool one_has_gone(struct stage *stage) {
    (void)stage;
    return gone_count > 0;
}

/* Of a connection that somebody has asked about it is told that its client has gone, once, and of
 * no other. */
static void test_server_tells_who_has_gone(void **state) {
    struct stage *stage = *state;
    gone_count = 0;
    dispatch_on_gone(stage->dispatch, on_gone);
    stage_open_server(stage);
    int known = stage_dial(stage), other = stage_dial(stage);
    stage_ask_cluster(other, 1);
    stage_run_until_held(stage, 1);
    stage_ask_cluster(known, 2);
    stage_run_until_held(stage, 2);
    request_tell_when_gone(stage->held[1]);
    const struct connection *expected = stage->held[1]->connection;
    stage_answer(stage, 1);
    assert_int_equal(stage_receive_correlation_id(stage, known), 2);
    close(other);
    close(known);
    stage_run_until(stage, one_has_gone);
    stage_answer(stage, 0);
    stage_run_until(stage, stage_nobody_connected);
    assert_int_equal(gone_count, 1);
    assert_ptr_equal(gone[0], expected);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_server_parked_requests_keep_nobody_waiting),
        TEST(test_server_parked_connection_is_not_idle),
        TEST(test_server_sends_nothing_behind_a_close),
        TEST(test_server_tells_who_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
