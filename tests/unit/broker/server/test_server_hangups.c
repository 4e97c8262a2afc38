/*
 * Clients that go, by an orderly close or a reset, in every state in which a connection can be:
 * nothing of them stays. The check of the charges at the end is the server's own.
 */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "protocol/messages/api_table.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/produce.h"
#include "tests/unit/broker/fixture_server.h"
#include "tests/unit/unit.h"

enum { ANSWER_BYTES = 8 << 20 };

enum departure { CLOSE, RESET, HALF_CLOSE, DEPARTURES };

static void leave(int client, enum departure how) {
    struct linger at_once = {.l_onoff = 1};
    if (how == RESET)
        assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    if (how == HALF_CLOSE)
        assert_int_equal(shutdown(client, SHUT_WR), 0);
    else
        close(client);
}

/* Answers with far more than the kernel takes. */
static void answer_large(struct stage *stage, size_t i) {
    struct kp_describe_cluster_response response;
    kp_set_fallbacks(&kp_describe_cluster_response_schema, &response);
    response.cluster_id = kp_string_of("c");
    char *text = mem_alloc(INT16_MAX);
    memset(text, 'x', INT16_MAX);
    static struct kp_describe_cluster_response_broker brokers[ANSWER_BYTES / INT16_MAX];
    for (size_t b = 0; b < sizeof brokers / sizeof brokers[0]; b++) {
        kp_set_fallbacks(&kp_describe_cluster_response_broker_schema, &brokers[b]);
        brokers[b].host = (struct kp_string){text, INT16_MAX};
    }
    response.brokers.items = brokers;
    response.brokers.count = sizeof brokers / sizeof brokers[0];
    struct request *request = stage->held[i];
    stage->held[i] = NULL;
    request_respond(request, &response);
    mem_free(text);
}

static void assert_nothing_stays(struct stage *stage) {
    stage_run_until(stage, stage_nobody_connected);
    for (size_t i = 0; i < stage->held_count; i++) {
        if (stage->held[i] != NULL) request_respond_nothing(stage->held[i]);
        stage->held[i] = NULL;
    }
    stage_run_until(stage, stage_has_nothing);
}

/* An answer of 8 MB of which the client has read 4 bytes: the connection is not read, and its write
 * is stuck. */
static void test_hangup_answer_half_read(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    for (int how = 0; how < DEPARTURES; how++) {
        int client = stage_dial(stage);
        stage_ask_cluster(client, 1);
        stage_run_until_held(stage, (size_t)how + 1);
        answer_large(stage, (size_t)how);
        stage_run_ms(stage, 20);
        char some[4];
        assert_int_equal(recv(client, some, sizeof some, MSG_WAITALL), sizeof some);
        assert_true(server_memory_of(stage->server)->answers.used > 1 << 20);
        leave(client, how);
        assert_nothing_stays(stage);
        if (how == HALF_CLOSE) close(client);
    }
}

/* As many requests wait as may: the connection is not read. */
static void test_hangup_too_many_requests(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    for (int how = 0; how < DEPARTURES; how++) {
        int client = stage_dial(stage);
        for (int i = 0; i < 15; i++)
            stage_ask_cluster(client, i);
        stage_run_until_held(stage, 10 * ((size_t)how + 1));
        leave(client, how);
        assert_nothing_stays(stage);
        assert_int_equal(stage->canceled_count, 10 * (how + 1));
        if (how == HALF_CLOSE) close(client);
    }
}

/* A request holds its connection; a later one has its answer ready already. */
static void test_hangup_held(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    for (int how = 0; how < DEPARTURES; how++) {
        size_t first = 2 * (size_t)how;
        int client = stage_dial(stage);
        stage_ask_cluster(client, 1);
        stage_ask_cluster(client, 2);
        stage_run_until_held(stage, first + 2);
        request_hold_connection(stage->held[first]);
        answer_large(stage, first + 1);
        assert_true(server_memory_of(stage->server)->answers.used > 1 << 20);
        leave(client, how);
        assert_nothing_stays(stage);
        if (how == HALF_CLOSE) close(client);
    }
}

/* What is no request came behind one that waits: its end is noticed although nothing more is read.
 */
static void test_hangup_behind_nonsense(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    for (int how = 0; how < DEPARTURES; how++) {
        int client = stage_dial(stage);
        stage_ask_cluster(client, 1);
        stage_send_all(client, "GET / HTTP/1.1\r\n\r\n", 18);
        stage_run_until_held(stage, (size_t)how + 1);
        stage_run_ms(stage, 20);
        assert_int_equal(server_connection_count(stage->server), 1);
        leave(client, how);
        assert_nothing_stays(stage);
        assert_int_equal(stage->canceled_count, how + 1);
        if (how == HALF_CLOSE) close(client);
    }
}

/* The memory for requests is spent, so that nobody is read; and half of a request is here. */
static void test_hangup_over_budget(void **state) {
    struct stage *stage = *state;
    stage->options.request_bytes = 200;
    stage_open_server(stage);
    for (int how = 0; how < DEPARTURES; how++) {
        size_t first = stage->held_count;
        int spender = stage_dial(stage), client = stage_dial(stage);
        stage_ask_cluster(spender, 1);
        stage_run_until_held(stage, first + 1);
        assert_true(server_memory_request_bytes(server_memory_of(stage->server)) >= 200);
        stage_send_all(client, "\0\0\1\0half a request", 18);
        stage_run_ms(stage, 10);
        leave(client, how);
        stage_run_ms(stage, 10);
        stage_answer(stage, first);
        leave(spender, how);
        assert_nothing_stays(stage);
        if (how == HALF_CLOSE) {
            close(client);
            close(spender);
        }
    }
}

/* What was sent before an orderly close is handed out, if it may be batches that want no answer;
 * the rest is nobody's wish any more. */
static void test_hangup_reads_to_the_end(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int client = stage_dial(stage);
    for (int i = 0; i < 10; i++)
        stage_ask_cluster(client, i);
    stage_run_until_held(stage, 10);
    struct kp_produce_request message;
    kp_set_fallbacks(&kp_produce_request_schema, &message);
    stage_ask_cluster(client, 11);
    for (int i = 12; i < 15; i++)
        stage_ask(client, KP_PRODUCE, 7, i, &message);
    stage_run_ms(stage, 10);
    assert_int_equal(stage->held_count, 10);
    close(client);
    stage_run_until(stage, stage_nobody_connected);
    assert_int_equal(stage->held_count, 13);
    assert_int_equal(stage->canceled_count, 13);
    assert_nothing_stays(stage);
}

/* While the memory for answers is spent, a client that takes nothing is closed; and when the idle
 * limit passes, in any case. */
static void test_client_never_reads(void **state) {
    struct stage *stage = *state;
    stage->options.max_slow_ms = 100;
    stage_open_server(stage);
    int client = stage_dial(stage);
    stage_ask_cluster(client, 1);
    stage_run_until_held(stage, 1);
    answer_large(stage, 0);
    assert_nothing_stays(stage);
    stage_assert_logged(stage, "it has taken nothing of its answers");
    close(client);
}

static bool one_is_left(struct stage *stage) {
    return server_connection_count(stage->server) == 1;
}

static void send_half(struct stage *stage, int client, size_t len) {
    static char half[400 << 10];
    uint32_t length = htonl(1 << 20);
    stage_send_all(client, &length, 4);
    for (size_t at = 0; at < len;) {
        ssize_t sent = send(client, half + at, len - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) at += (size_t)sent;
        stage_run_ms(stage, 2);
    }
}

/* It is not read because it leaves its answer unread, and behind that a large request is half here:
 * others do not wait for its memory for long. */
static void test_client_never_reads_half_here(void **state) {
    struct stage *stage = *state;
    stage->options.request_bytes = 200000;
    stage->options.answer_bytes = 1 << 30;
    stage->options.max_slow_ms = 200;
    stage_open_server(stage);
    int client = stage_dial(stage), other = stage_dial(stage);
    stage_ask_cluster(client, 1);
    stage_run_until_held(stage, 1);
    send_half(stage, client, 400 << 10);
    answer_large(stage, 0);
    send_half(stage, other, 100 << 10);
    stage_run_until(stage, one_is_left);
    stage_assert_logged(stage, "its request is half here for more than 200 ms");
    close(other);
    assert_nothing_stays(stage);
    close(client);
}

static void test_client_never_reads_idle(void **state) {
    struct stage *stage = *state;
    stage->options.answer_bytes = 1 << 30;
    stage->options.max_idle_ms = 400; /* it is not idle before it is answered */
    stage_open_server(stage);
    int client = stage_dial(stage);
    stage_ask_cluster(client, 1);
    stage_run_until_held(stage, 1);
    answer_large(stage, 0);
    assert_nothing_stays(stage);
    stage_assert_logged(stage, "connections.max.idle.ms");
    close(client);
}

/* The memory of answers is spent and the client takes them, though over more time than it may leave
 * them untouched: it is not closed, and gets all. Reader and server are one thread: when that is
 * held up, the reader is late, so the limits are far above what a busy machine takes from it. */
static void test_client_reads_slowly(void **state) {
    struct stage *stage = *state;
    enum { READING_MS = 3000 };
    stage->options.max_slow_ms = 7500;
    stage->options.max_idle_ms = 1500;
    stage_open_server(stage);
    int client = stage_dial(stage);
    stage_ask_cluster(client, 1);
    stage_run_until_held(stage, 1);
    answer_large(stage, 0);
    size_t got = 0;
    static char bytes[128 << 10];
    uint64_t began_ms = env_now_ms(stage->env), took_ms = 0;
    while (got < ANSWER_BYTES * 9 / 10) {
        stage_run_ms(stage, 10);
        took_ms = env_now_ms(stage->env) - began_ms;
        assert_true(took_ms < 20000);
        while (got < took_ms * (ANSWER_BYTES / READING_MS)) {
            ssize_t some = recv(client, bytes, sizeof bytes, MSG_DONTWAIT);
            assert_int_not_equal(some, 0);
            if (some < 0) break;
            got += (size_t)some;
        }
    }
    assert_true(took_ms > stage->options.max_idle_ms);
    close(client);
    assert_nothing_stays(stage);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_hangup_answer_half_read),
        TEST(test_hangup_too_many_requests),
        TEST(test_hangup_held),
        TEST(test_hangup_behind_nonsense),
        TEST(test_hangup_over_budget),
        TEST(test_hangup_reads_to_the_end),
        TEST(test_client_never_reads),
        TEST(test_client_never_reads_half_here),
        TEST(test_client_never_reads_idle),
        TEST(test_client_reads_slowly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
