/* A server whose handler holds requests until the test answers them. */
#include "tests/unit/broker/fixture_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/frame.h"
#include "tests/unit/unit.h"

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

void stage_answer(struct stage *stage, size_t i) {
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

void stage_run_until(struct stage *stage, bool (*until)(struct stage *stage)) {
    stage->until = until;
    stage->timed_out = false;
    env_timer_start(stage->limit, UNIT_PATIENCE_S * 1000 * 1000);
    env_timer_start(stage->poll, 0);
    env_uv_run(stage->env);
    env_timer_stop(stage->limit);
    env_timer_stop(stage->poll);
    if (stage->timed_out) fail_msg("it did not happen within %d s", UNIT_PATIENCE_S);
}

static bool never(struct stage *stage) {
    (void)stage;
    return false;
}

void stage_run_ms(struct stage *stage, unsigned ms) {
    stage->until = never;
    env_timer_start(stage->poll, 0);
    env_timer_start(stage->limit, ms * 1000);
    env_uv_run(stage->env);
    env_timer_stop(stage->poll);
}

void stage_open_server(struct stage *stage) {
    struct error_text why = {""};
    stage->options.listeners = &stage->listener;
    stage->options.listener_count = 1;
    if (server_open(stage->env, &stage->log, stage->dispatch, &stage->options, &stage->server,
                    &why) != ERR_NONE)
        fail_msg("%s", why.text);
    server_accept(stage->server);
}

static void versions(void *arg, struct request *request) {
    const struct stage *stage = arg;
    struct broker_services services = {.env = stage->env, .metadata = stage->metadata};
    api_api_versions(&services, request);
}

int stage_setup(void **state) {
    struct stage *stage = mem_zalloc(sizeof *stage);
    *state = stage;
    assert_int_equal(pipe(stage->log_pipe), 0);
    assert_int_equal(env_uv_new(&stage->env, stage->log_pipe[1]), ERR_NONE);
    stage->log = (struct log){.env = stage->env, .level = LOG_INFO};
    stage->poll = env_timer_new(stage->env, on_poll, stage);
    stage->limit = env_timer_new(stage->env, on_limit, stage);
    stage->listener = (struct broker_listener){.name = "PLAINTEXT", .host = "127.0.0.1"};
    stage->options = (struct server_options){.request_bytes = 1 << 20,
                                             .parked_bytes = 1 << 20,
                                             .answer_bytes = 1 << 20,
                                             .max_request_bytes = 1 << 20,
                                             .max_in_flight = 10,
                                             .max_connections = 100,
                                             .max_idle_ms = 60000,
                                             .max_slow_ms = 10000};
    stage->metadata = metadata_new(1, 1);
    stage->dispatch = dispatch_new(stage);
    size_t count;
    const struct kp_api *table = kp_api_table(&count);
    for (size_t i = 0; i < count; i++)
        dispatch_set(stage->dispatch, table[i].key,
                     table[i].key == KP_API_VERSIONS ? versions : hold);
    return 0;
}

void stage_on_closed(void *arg) {
    struct stage *stage = arg;
    stage->closed = true;
}

bool stage_is_closed(struct stage *stage) {
    return stage->closed;
}

int stage_teardown(void **state) {
    struct stage *stage = *state;
    if (stage->server != NULL && !stage->closed) {
        server_close(stage->server, stage_on_closed, stage);
        for (size_t i = 0; i < stage->held_count; i++) {
            if (stage->held[i] != NULL) request_respond_nothing(stage->held[i]);
        }
        stage_run_until(stage, stage_is_closed);
    }
    dispatch_free(stage->dispatch);
    metadata_free(stage->metadata);
    env_timer_free(stage->poll);
    env_timer_free(stage->limit);
    assert_true(env_uv_free(stage->env));
    close(stage->log_pipe[0]);
    close(stage->log_pipe[1]);
    mem_free(stage);
    return 0;
}

/* ---- Clients ---- */

int stage_dial(struct stage *stage) {
    int client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server_port(stage->server, NULL))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    return client;
}

void stage_send_all(int client, const void *bytes, size_t len) {
    assert_int_equal(send(client, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

void stage_ask(int client, int key, int version, int32_t correlation_id, const void *message) {
    struct kp_writer writer;
    uint8_t *bytes;
    size_t len;
    kp_writer_init(&writer, 1 << 20);
    assert_int_equal(kp_request_encode(kp_api_find(key), version, correlation_id,
                                       kp_string_of("test"), message, &writer),
                     ERR_NONE);
    assert_int_equal(kp_writer_take(&writer, &bytes, &len), ERR_NONE);
    stage_send_all(client, bytes, len);
    mem_free(bytes);
}

void stage_ask_cluster(int client, int32_t correlation_id) {
    struct kp_describe_cluster_request message;
    kp_set_fallbacks(&kp_describe_cluster_request_schema, &message);
    stage_ask(client, KP_DESCRIBE_CLUSTER, 0, correlation_id, &message);
}

static bool holds_wanted(struct stage *stage) {
    return stage->held_count >= stage->wanted;
}

void stage_run_until_held(struct stage *stage, size_t count) {
    stage->wanted = count;
    stage_run_until(stage, holds_wanted);
}

bool stage_can_read(struct stage *stage) {
    char byte;
    ssize_t got = recv(stage->client, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || errno != EAGAIN;
}

/* One response into `frame` without its length; -1: the server closed the connection. */
ssize_t stage_receive(struct stage *stage, int client, uint8_t *frame, size_t room) {
    uint32_t len;
    stage->client = client;
    stage_run_until(stage, stage_can_read);
    if (recv(client, &len, 4, MSG_WAITALL) != 4) return -1;
    len = ntohl(len);
    assert_true(len <= room);
    assert_int_equal(recv(client, frame, len, MSG_WAITALL), len);
    return len;
}

int32_t stage_receive_correlation_id(struct stage *stage, int client) {
    uint8_t frame[4096];
    uint32_t id;
    if (stage_receive(stage, client, frame, sizeof frame) < 4) return -1;
    memcpy(&id, frame, 4);
    return (int32_t)ntohl(id);
}

void stage_assert_server_closes(struct stage *stage, int client) {
    uint8_t frame[4096];
    assert_int_equal(stage_receive(stage, client, frame, sizeof frame), -1);
    close(client);
}

void stage_assert_logged(struct stage *stage, const char *text) {
    char line[4096] = "";
    struct pollfd wait = {.fd = stage->log_pipe[0], .events = POLLIN};
    if (poll(&wait, 1, 0) != 1) fail_msg("nothing was logged; '%s' should have been", text);
    ssize_t got = read(stage->log_pipe[0], line, sizeof line - 1);
    assert_true(got > 0);
    if (strstr(line, text) == NULL) fail_msg("'%s' is not in: %s", text, line);
}

void stage_assert_ended(const struct stage *stage, enum connection_end why, uint64_t times) {
    assert_int_equal(server_stats_of(stage->server)->listeners[0].closed[why], times);
}

bool stage_nobody_connected(struct stage *stage) {
    return server_connection_count(stage->server) == 0;
}

bool stage_has_nothing(struct stage *stage) {
    return server_connection_count(stage->server) == 0 &&
           server_memory_of(stage->server)->answers.used == 0 &&
           server_memory_request_bytes(server_memory_of(stage->server)) == 0;
}
