/* Listeners and connections, with handlers of the test behind them and plain sockets in front. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/env_uv.h"
#include "base/mem.h"
#include "broker/api/handlers.h"
#include "broker/server.h"
#include "protocol/api_versions.h"
#include "protocol/describe_cluster.h"
#include "protocol/frame.h"
#include "protocol/kafka_error.h"

enum { HELD_MAX = 64 };

struct stage {
    struct env *env;
    struct log log;
    int log_pipe[2];
    struct dispatch *dispatch;
    struct server *server;
    struct broker_listener listener;
    struct server_options options;
    struct env_timer *poll, *limit;
    bool (*until)(struct stage *stage);
    bool timed_out, closed;
    struct request *held[HELD_MAX]; /* that wait for the test to end them */
    size_t held_count, canceled_count, wanted;
    int client; /* for `until` */
};

/* ---- Handlers ---- */

static void on_canceled(struct request *request) {
    struct stage *stage = request->state;
    assert_true(request->dead);
    stage->canceled_count++;
}

static void hold(void *service, struct request *request) {
    struct stage *stage = service;
    assert_true(stage->held_count < HELD_MAX);
    request->state = stage;
    request->canceled = on_canceled;
    stage->held[stage->held_count++] = request;
}

static void answer(struct stage *stage, size_t i) {
    struct kp_describe_cluster_response response;
    kp_set_fallbacks(&kp_describe_cluster_response_schema, &response);
    response.cluster_id = kp_string_of("c");
    struct request *request = stage->held[i];
    stage->held[i] = NULL;
    request_respond(request, &response);
}

/* ---- The stage ---- */

static void on_limit(void *arg) {
    struct stage *stage = arg;
    stage->timed_out = true;
    env_uv_stop(stage->env);
}

static void on_poll(void *arg) {
    struct stage *stage = arg;
    if (stage->until(stage)) {
        env_uv_stop(stage->env);
        return;
    }
    env_timer_start(stage->poll, 500);
}

static void run_until(struct stage *stage, bool (*until)(struct stage *stage)) {
    stage->until = until;
    stage->timed_out = false;
    env_timer_start(stage->limit, 10 * 1000 * 1000);
    env_timer_start(stage->poll, 0);
    env_uv_run(stage->env);
    env_timer_stop(stage->limit);
    env_timer_stop(stage->poll);
    if (stage->timed_out) fail_msg("it did not happen within 10 s");
}

static bool never(struct stage *stage) {
    (void)stage;
    return false;
}

static void run_ms(struct stage *stage, unsigned ms) {
    stage->until = never;
    env_timer_start(stage->poll, 0);
    env_timer_start(stage->limit, ms * 1000);
    env_uv_run(stage->env);
    env_timer_stop(stage->poll);
}

static void open_server(struct stage *stage) {
    struct error_text why = {""};
    stage->options.listeners = &stage->listener;
    stage->options.listener_count = 1;
    if (server_open(stage->env, &stage->log, stage->dispatch, &stage->options, &stage->server, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    server_accept(stage->server);
}

static int setup(void **state) {
    struct stage *stage = mem_zalloc(sizeof *stage);
    *state = stage;
    assert_int_equal(pipe(stage->log_pipe), 0);
    assert_int_equal(env_uv_new(&stage->env, stage->log_pipe[1]), ERR_NONE);
    stage->log = (struct log){stage->env, LOG_INFO};
    stage->poll = env_timer_new(stage->env, on_poll, stage);
    stage->limit = env_timer_new(stage->env, on_limit, stage);
    stage->listener = (struct broker_listener){.name = "PLAINTEXT", .host = "127.0.0.1"};
    stage->options = (struct server_options){.request_bytes = 1 << 20,
                                             .answer_bytes = 1 << 20,
                                             .max_request_bytes = 1 << 20,
                                             .max_in_flight = 10,
                                             .max_connections = 100,
                                             .max_idle_ms = 60000,
                                             .max_slow_ms = 10000};
    stage->dispatch = dispatch_new(stage);
    size_t count;
    const struct kp_api *table = kp_api_table(&count);
    for (size_t i = 0; i < count; i++)
        dispatch_set(stage->dispatch, table[i].key, table[i].key == KP_API_VERSIONS ? api_api_versions : hold);
    return 0;
}

static void on_closed(void *arg) {
    struct stage *stage = arg;
    stage->closed = true;
}

static bool is_closed(struct stage *stage) {
    return stage->closed;
}

static int teardown(void **state) {
    struct stage *stage = *state;
    if (stage->server != NULL && !stage->closed) {
        server_close(stage->server, on_closed, stage);
        for (size_t i = 0; i < stage->held_count; i++) {
            if (stage->held[i] != NULL) request_respond_nothing(stage->held[i]);
        }
        run_until(stage, is_closed);
    }
    dispatch_free(stage->dispatch);
    env_timer_free(stage->poll);
    env_timer_free(stage->limit);
    assert_true(env_uv_free(stage->env));
    close(stage->log_pipe[0]);
    close(stage->log_pipe[1]);
    mem_free(stage);
    return 0;
}

/* ---- Clients ---- */

static int dial(struct stage *stage) {
    int client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server_port(stage->server, NULL))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

static void send_all(int client, const void *bytes, size_t len) {
    assert_int_equal(send(client, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void ask(int client, int key, int version, int32_t correlation_id, const void *message) {
    struct kp_writer writer;
    uint8_t *bytes;
    size_t len;
    kp_writer_init(&writer, 1 << 20);
    assert_int_equal(
        kp_request_encode(kp_api_find(key), version, correlation_id, kp_string_of("test"), message, &writer), ERR_NONE);
    assert_int_equal(kp_writer_take(&writer, &bytes, &len), ERR_NONE);
    send_all(client, bytes, len);
    mem_free(bytes);
}

static void ask_cluster(int client, int32_t correlation_id) {
    struct kp_describe_cluster_request message;
    kp_set_fallbacks(&kp_describe_cluster_request_schema, &message);
    ask(client, KP_DESCRIBE_CLUSTER, 0, correlation_id, &message);
}

static bool holds_wanted(struct stage *stage) {
    return stage->held_count >= stage->wanted;
}

static void run_until_held(struct stage *stage, size_t count) {
    stage->wanted = count;
    run_until(stage, holds_wanted);
}

static bool can_read(struct stage *stage) {
    char byte;
    ssize_t got = recv(stage->client, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || errno != EAGAIN;
}

/* One response into `frame` without its length; -1: the server closed the connection. */
static ssize_t receive(struct stage *stage, int client, uint8_t *frame, size_t room) {
    uint32_t len;
    stage->client = client;
    run_until(stage, can_read);
    if (recv(client, &len, 4, MSG_WAITALL) != 4) return -1;
    len = ntohl(len);
    assert_true(len <= room);
    assert_int_equal(recv(client, frame, len, MSG_WAITALL), len);
    return len;
}

static int32_t receive_correlation_id(struct stage *stage, int client) {
    uint8_t frame[4096];
    uint32_t id;
    if (receive(stage, client, frame, sizeof frame) < 4) return -1;
    memcpy(&id, frame, 4);
    return (int32_t)ntohl(id);
}

static void assert_server_closes(struct stage *stage, int client) {
    uint8_t frame[4096];
    assert_int_equal(receive(stage, client, frame, sizeof frame), -1);
    close(client);
}

static void assert_logged(struct stage *stage, const char *text) {
    char line[4096] = "";
    ssize_t got = read(stage->log_pipe[0], line, sizeof line - 1);
    assert_true(got > 0);
    if (strstr(line, text) == NULL) fail_msg("'%s' is not in: %s", text, line);
}

static bool nobody_connected(struct stage *stage) {
    return server_connection_count(stage->server) == 0;
}

/* ---- Tests ---- */

/* Pipelined requests are all handed out at once, and answered in their order although they end the other way round. */
static void test_server_answers_in_order(void **state) {
    struct stage *stage = *state;
    open_server(stage);
    int client = dial(stage);
    for (int i = 0; i < 8; i++)
        ask_cluster(client, 70 + i);
    run_until_held(stage, 8);
    for (int i = 7; i >= 0; i--) {
        assert_false((stage->client = client, can_read(stage)));
        answer(stage, (size_t)i);
    }
    for (int i = 0; i < 8; i++)
        assert_int_equal(receive_correlation_id(stage, client), 70 + i);
    close(client);
    run_until(stage, nobody_connected);
    assert_int_equal(server_request_bytes(stage->server), 0);
}

/* KIP-35: a version from the future is answered in version 0, with error 35 and the versions that would do. */
static void test_server_api_versions_of_the_future(void **state) {
    struct stage *stage = *state;
    open_server(stage);
    int client = dial(stage);
    static const uint8_t request[] = {0, 0, 0, 12, 0, 18, 0, 99, 0, 0, 0, 5, 1, 2, 3, 4};
    uint8_t frame[4096];
    send_all(client, request, sizeof request);
    ssize_t len = receive(stage, client, frame, sizeof frame);
    struct kp_arena arena;
    struct kp_api_versions_response response;
    kp_arena_init(&arena, 65536);
    assert_int_equal(kp_response_decode(kp_api_find(KP_API_VERSIONS), 0, 5, frame, (size_t)len, &arena, &response),
                     ERR_NONE);
    assert_int_equal(response.error_code, KAFKA_UNSUPPORTED_VERSION);
    assert_true(response.api_keys.count > 10);
    for (int32_t i = 0; i < response.api_keys.count; i++) {
        assert_true(response.api_keys.items[i].api_key < KP_PRIVATE);
        if (response.api_keys.items[i].api_key != KP_PRODUCE) continue;
        assert_int_equal(response.api_keys.items[i].min_version, 0);
        assert_int_equal(response.api_keys.items[i].max_version, 9);
    }
    kp_arena_close(&arena);
    close(client);
}

/* KIP-511: a software name that is none is refused, a good one is not. */
static void test_server_api_versions_software(void **state) {
    struct stage *stage = *state;
    open_server(stage);
    int client = dial(stage);
    static const char *const names[] = {"apache-kafka-java", "a b", "-x", ""};
    for (int i = 0; i < 4; i++) {
        uint8_t frame[4096];
        struct kp_api_versions_request request = {kp_string_of(names[i]), kp_string_of("1.0")};
        ask(client, KP_API_VERSIONS, 3, i, &request);
        assert_true(receive(stage, client, frame, sizeof frame) > 6);
        assert_int_equal(frame[4] << 8 | frame[5], i == 0 ? KAFKA_NONE : KAFKA_INVALID_REQUEST);
    }
    close(client);
}

/* Whoever sends what is no request loses the connection, with a line on the log, and nobody else does. */
static void test_server_closes_on_nonsense(void **state) {
    struct stage *stage = *state;
    static const struct {
        uint8_t bytes[24];
        size_t len;
        const char *says;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18, "claims to have"},
        {{0, 0, 0, 3, 1, 2, 3}, 7, "claims to have 3 bytes"},
        {{0, 0, 0, 8, 0, 60, 0, 0, 0, 0, 0, 1}, 12, "no request of the Kafka protocol"}, /* the client id is missing */
        {{0, 0, 0, 12, 0, 60, 0, 0, 0, 0, 0, 1, 255, 255, 0, 7}, 16, "DescribeCluster request"},
        {{0, 0, 0, 10, 0, 0, 0, 2, 0, 0, 0, 1, 255, 255}, 14, "Produce"}, /* advertised, not served */
        {{0, 0, 0, 10, 3, 231, 0, 0, 0, 0, 0, 1, 255, 255}, 14, "999"},
    };
    open_server(stage);
    int honest = dial(stage);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_ms(stage, i == 0 ? 0 : 1001); /* the log is limited to a line a second */
        int client = dial(stage);
        send_all(client, cases[i].bytes, cases[i].len);
        assert_server_closes(stage, client);
        assert_logged(stage, cases[i].says);
    }
    ask_cluster(honest, 1);
    run_until_held(stage, 1);
    answer(stage, 0);
    assert_int_equal(receive_correlation_id(stage, honest), 1);
    close(honest);
}

/* The eleventh request of a connection waits until one of ten has ended. */
static void test_server_limits_requests_in_flight(void **state) {
    struct stage *stage = *state;
    open_server(stage);
    int client = dial(stage);
    for (int i = 0; i < 15; i++)
        ask_cluster(client, i);
    run_until_held(stage, 10);
    run_ms(stage, 20);
    assert_int_equal(stage->held_count, 10);
    answer(stage, 0);
    run_until_held(stage, 11);
    run_ms(stage, 20);
    assert_int_equal(stage->held_count, 11);
    close(client);
}

static bool has_eight_connections(struct stage *stage) {
    return server_connection_count(stage->server) == 8;
}

/* While the memory for requests is spent nothing more is begun to be read; when requests end, those that wait go on. */
static void test_server_memory_is_limited(void **state) {
    struct stage *stage = *state;
    stage->options.request_bytes = 1000;
    open_server(stage);
    int clients[8];
    for (int i = 0; i < 8; i++)
        clients[i] = dial(stage);
    run_until(stage, has_eight_connections);
    for (int i = 0; i < 8; i++)
        ask_cluster(clients[i], i);
    run_until_held(stage, 8); /* what has arrived is handed out */
    assert_true(server_request_bytes(stage->server) >= 1000);
    for (int i = 0; i < 8; i++)
        ask_cluster(clients[i], 10 + i);
    run_ms(stage, 30);
    size_t noticed = stage->held_count; /* who was being read when it was spent is read once more */
    for (int i = 0; i < 8; i++)
        ask_cluster(clients[i], 20 + i);
    run_ms(stage, 30);
    assert_int_equal(stage->held_count, noticed);
    for (size_t i = 0; i < 24; i++) {
        run_until_held(stage, i + 1);
        answer(stage, i);
    }
    run_ms(stage, 5);
    assert_int_equal(server_request_bytes(stage->server), 0);
    for (int i = 0; i < 8; i++)
        close(clients[i]);
}

/* Who sends half of a large request and no more keeps only other large requests waiting, and only until he is closed for it. */
static void test_server_slow_request(void **state) {
    struct stage *stage = *state;
    stage->options.request_bytes = 200000;
    stage->options.max_slow_ms = 100;
    open_server(stage);
    int slow = dial(stage), honest = dial(stage);
    uint32_t length = htonl(1 << 20);
    static char half[1 << 19];
    send_all(slow, &length, 4);
    for (size_t at = 0; at < sizeof half;) {
        ssize_t sent = send(slow, half + at, sizeof half - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) at += (size_t)sent;
        run_ms(stage, 2);
    }
    assert_true(server_request_bytes(stage->server) >= 200000);
    ask_cluster(honest, 1);
    run_ms(stage, 20);
    ask_cluster(honest, 2); /* the first may have been read before the memory was seen to be spent */
    run_ms(stage, 50);
    assert_int_equal(stage->held_count, 2);
    assert_server_closes(stage, slow);
    assert_logged(stage, "has been arriving for more than 100 ms");
    answer(stage, 0);
    answer(stage, 1);
    run_ms(stage, 5);
    assert_int_equal(server_request_bytes(stage->server), 0);
    close(honest);
}

/* A connection that breaks tells the requests that wait, once; they end whenever they like. */
static void test_server_client_leaves_while_requests_wait(void **state) {
    struct stage *stage = *state;
    open_server(stage);
    int client = dial(stage);
    for (int i = 0; i < 5; i++)
        ask_cluster(client, i);
    run_until_held(stage, 5);
    answer(stage, 3);
    close(client);
    run_until(stage, nobody_connected);
    assert_int_equal(stage->canceled_count, 4);
    answer(stage, 4);
    answer(stage, 0);
    request_close_connection(stage->held[2]);
    request_respond_nothing(stage->held[1]);
    stage->held[1] = stage->held[2] = NULL;
    assert_int_equal(stage->canceled_count, 4);
    assert_int_equal(server_request_bytes(stage->server), 0);
}

/* Beyond max.connections clients wait, and come in when others leave. */
static void test_server_limits_connections(void **state) {
    struct stage *stage = *state;
    stage->options.max_connections = 2;
    open_server(stage);
    int clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = dial(stage);
        ask_cluster(clients[i], i);
    }
    run_until_held(stage, 2);
    run_ms(stage, 20);
    assert_int_equal(stage->held_count, 2);
    assert_int_equal(server_connection_count(stage->server), 2);
    close(clients[0]);
    run_until_held(stage, 3);
    close(clients[1]);
    close(clients[2]);
}

/* Connections that ask for nothing keep others out only for a while. */
static void test_server_silent_connections(void **state) {
    struct stage *stage = *state;
    stage->options.max_connections = 3;
    stage->options.max_slow_ms = 100;
    open_server(stage);
    int served = dial(stage), silent[2] = {dial(stage), dial(stage)};
    ask_cluster(served, 1);
    run_until_held(stage, 1);
    for (int i = 0; i < 2; i++)
        send_all(silent[i], "", 1);
    int late = dial(stage);
    ask_cluster(late, 2);
    run_until_held(stage, 2);
    assert_server_closes(stage, silent[0]);
    assert_logged(stage, "has not sent a request");
    close(silent[1]);
    close(served);
    close(late);
}

/* Idle connections are closed; one whose request waits is not idle. */
static void test_server_closes_idle_connections(void **state) {
    struct stage *stage = *state;
    stage->options.max_idle_ms = 30;
    open_server(stage);
    int idle = dial(stage), waiting = dial(stage);
    ask_cluster(waiting, 9);
    run_until_held(stage, 1);
    assert_server_closes(stage, idle);
    run_ms(stage, 60);
    answer(stage, 0);
    assert_int_equal(receive_correlation_id(stage, waiting), 9);
    assert_server_closes(stage, waiting);
}

/* Closing as an answer waits for the answers before it, and drops what is behind it. */
static void test_server_close_as_answer(void **state) {
    struct stage *stage = *state;
    open_server(stage);
    int client = dial(stage);
    for (int i = 0; i < 3; i++)
        ask_cluster(client, i);
    run_until_held(stage, 3);
    request_close_connection(stage->held[1]);
    stage->held[1] = NULL;
    run_ms(stage, 10);
    answer(stage, 0);
    assert_int_equal(receive_correlation_id(stage, client), 0);
    assert_server_closes(stage, client);
    assert_int_equal(stage->canceled_count, 1);
}

/* A request that holds its connection keeps further ones from being read. */
static void test_server_held_connection(void **state) {
    struct stage *stage = *state;
    open_server(stage);
    int client = dial(stage);
    ask_cluster(client, 1);
    run_until_held(stage, 1);
    request_hold_connection(stage->held[0]);
    ask_cluster(client, 2);
    run_ms(stage, 20);
    assert_int_equal(stage->held_count, 1);
    answer(stage, 0);
    run_until_held(stage, 2);
    close(client);
}

/* server_close is over when the last request has ended. */
static void test_server_close_waits_for_requests(void **state) {
    struct stage *stage = *state;
    open_server(stage);
    int client = dial(stage);
    ask_cluster(client, 1);
    run_until_held(stage, 1);
    server_close(stage->server, on_closed, stage);
    assert_int_equal(stage->canceled_count, 1);
    run_ms(stage, 10);
    assert_false(stage->closed);
    answer(stage, 0);
    run_until(stage, is_closed);
    close(client);
}

/* A port that somebody has is named in the sentence. */
static void test_server_port_taken(void **state) {
    struct stage *stage = *state;
    open_server(stage);
    struct broker_listener same = stage->listener;
    same.port = server_port(stage->server, "PLAINTEXT");
    struct server_options options = stage->options;
    options.listeners = &same;
    struct server *other;
    struct error_text why = {""};
    assert_int_equal(server_open(stage->env, &stage->log, stage->dispatch, &options, &other, &why), ERR_BUSY);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", same.port);
    assert_non_null(strstr(why.text, address));
    assert_non_null(strstr(why.text, "in use by another program"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_server_answers_in_order),
        TEST(test_server_api_versions_of_the_future),
        TEST(test_server_api_versions_software),
        TEST(test_server_closes_on_nonsense),
        TEST(test_server_limits_requests_in_flight),
        TEST(test_server_memory_is_limited),
        TEST(test_server_slow_request),
        TEST(test_server_silent_connections),
        TEST(test_server_client_leaves_while_requests_wait),
        TEST(test_server_limits_connections),
        TEST(test_server_closes_idle_connections),
        TEST(test_server_close_as_answer),
        TEST(test_server_held_connection),
        TEST(test_server_close_waits_for_requests),
        TEST(test_server_port_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
