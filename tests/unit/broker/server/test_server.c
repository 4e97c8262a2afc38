/* Listeners and connections, with handlers of the test behind them and plain sockets in front. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/env_uv/env_uv.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/describe_cluster.h"
#include "protocol/messages/describe_topic_partitions.h"
#include "protocol/messages/frame.h"
#include "protocol/messages/metadata.h"
#include "tests/unit/broker/fixture_server.h"
#include "tests/unit/unit.h"

/* ---- Tests ---- */

/* Pipelined requests are all handed out at once, and answered in their order although they end the
 * other way round. */
static void test_server_answers_in_order(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int client = stage_dial(stage);
    for (int i = 0; i < 8; i++)
        stage_ask_cluster(client, 70 + i);
    stage_run_until_held(stage, 8);
    for (int i = 7; i >= 0; i--) {
        assert_false((stage->client = client, stage_can_read(stage)));
        stage_answer(stage, (size_t)i);
    }
    for (int i = 0; i < 8; i++)
        assert_int_equal(stage_receive_correlation_id(stage, client), 70 + i);
    close(client);
    stage_run_until(stage, stage_has_nothing);
}

/* Who comes before the broker can answer waits in the kernel; once it is said that this takes long,
 * they are closed, and so are those that come then; later ones are served. */
static void test_server_turns_away(void **state) {
    struct stage *stage = *state;
    struct error_text why = {""};
    uint8_t byte;
    stage->options.listeners = &stage->listener;
    stage->options.listener_count = 1;
    assert_int_equal(server_open(stage->env, &stage->log, stage->dispatch, &stage->options,
                                 &stage->server, &why),
                     ERR_NONE);
    int early = stage->client = stage_dial(stage);
    stage_run_ms(stage, 20);
    assert_false(stage_can_read(stage));
    server_turn_away(stage->server);
    stage_run_until(stage, stage_can_read);
    assert_int_equal(recv(early, &byte, 1, 0), 0);
    int late = stage->client = stage_dial(stage);
    stage_run_until(stage, stage_can_read);
    assert_int_equal(recv(late, &byte, 1, 0), 0);
    server_accept(stage->server);
    int served = stage_dial(stage);
    stage_ask_cluster(served, 1);
    stage_run_until_held(stage, 1);
    stage_answer(stage, 0);
    assert_int_equal(stage_receive_correlation_id(stage, served), 1);
    close(early);
    close(late);
    close(served);
    stage_run_until(stage, stage_has_nothing);
}

/* KIP-35: a version from the future is answered in version 0, with error 35 and the versions that
 * would do. */
static void test_server_api_versions_of_the_future(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int client = stage_dial(stage);
    static const uint8_t request[] = {0, 0, 0, 12, 0, 18, 0, 99, 0, 0, 0, 5, 1, 2, 3, 4};
    uint8_t frame[4096];
    stage_send_all(client, request, sizeof request);
    ssize_t len = stage_receive(stage, client, frame, sizeof frame);
    struct kp_arena arena;
    struct kp_api_versions_response response;
    kp_arena_init(&arena, 65536);
    assert_int_equal(kp_response_decode(kp_api_find(KP_API_VERSIONS), 0, 5, frame, (size_t)len,
                                        &arena, &response),
                     ERR_NONE);
    assert_int_equal(response.error_code, KAFKA_UNSUPPORTED_VERSION);
    assert_true(response.api_keys.count > 10);
    for (int32_t i = 0; i < response.api_keys.count; i++) {
        assert_true(response.api_keys.items[i].api_key < KP_PRIVATE);
        if (response.api_keys.items[i].api_key != KP_PRODUCE) continue;
        assert_int_equal(response.api_keys.items[i].min_version, 0);
        assert_int_equal(response.api_keys.items[i].max_version, kp_api_find(KP_PRODUCE)->to);
    }
    kp_arena_close(&arena);
    close(client);
}

/* KIP-511: a software name that is none is refused, a good one is not. */
static void test_server_api_versions_software(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int client = stage_dial(stage);
    static const char *const names[] = {"apache-kafka-java", "a b", "-x", ""};
    for (int i = 0; i < 4; i++) {
        uint8_t frame[4096];
        struct kp_api_versions_request request = {.client_software_name = kp_string_of(names[i]),
                                                  .client_software_version = kp_string_of("1.0")};
        stage_ask(client, KP_API_VERSIONS, 3, i, &request);
        assert_true(stage_receive(stage, client, frame, sizeof frame) > 6);
        assert_int_equal(frame[4] << 8 | frame[5], i == 0 ? KAFKA_NONE : KAFKA_INVALID_REQUEST);
    }
    close(client);
}

/* Whoever sends what is no request loses the connection, with a line on the log, and nobody else
 * does. */
static void test_server_closes_on_nonsense(void **state) {
    struct stage *stage = *state;
    static const struct {
        uint8_t bytes[24];
        size_t len;
        const char *says;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18,
         "it speaks HTTP, and this listener serves Kafka's protocol in plain text"},
        {{0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3}, 11, "it speaks TLS"},
        {{255, 255, 255, 255, 0, 0}, 6, "claims to have 4294967295 bytes"},
        {{0, 0, 0, 3, 1, 2, 3}, 7, "claims to have 3 bytes"},
        {{0, 0, 0, 8, 0, 60, 0, 0, 0, 0, 0, 1},
         12,
         "no request of the Kafka protocol"}, /* the client id is missing */
        {{0, 0, 0, 12, 0, 60, 0, 0, 0, 0, 0, 1, 255, 255, 0, 7}, 16, "DescribeCluster request"},
        {{0, 0, 0, 10, 0, 0, 0, 2, 0, 0, 0, 1, 255, 255},
         14,
         "Produce"}, /* advertised, not served */
        {{0, 0, 0, 10, 3, 231, 0, 0, 0, 0, 0, 1, 255, 255}, 14, "999"},
    };
    stage_open_server(stage);
    int honest = stage_dial(stage);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        stage_run_ms(stage, i == 0 ? 0 : 1001); /* the log is limited to a line a second */
        int client = stage_dial(stage);
        stage_send_all(client, cases[i].bytes, cases[i].len);
        stage_assert_server_closes(stage, client);
        stage_assert_logged(stage, cases[i].says);
    }
    stage_ask_cluster(honest, 1);
    stage_run_until_held(stage, 1);
    stage_answer(stage, 0);
    assert_int_equal(stage_receive_correlation_id(stage, honest), 1);
    stage_assert_ended(stage, ENDED_REFUSED, sizeof cases / sizeof cases[0]);
    close(honest);
    stage_run_ms(stage, 5);
    stage_assert_ended(stage, ENDED_BY_CLIENT, 1);
}

/* What is no request ends the connection once those before it are answered, as in Kafka; what comes
 * behind it is nothing to anybody. */
static void test_server_answers_before_it_closes(void **state) {
    struct stage *stage = *state;
    static const struct {
        uint8_t bytes[16];
        size_t len;
    } wrong[] = {
        {"GET / HTTP/1.1\r\n", 16},                                   /* no length */
        {{0, 0, 0, 8, 0, 60, 0, 0, 0, 0, 0, 1}, 12},                  /* no whole header */
        {{0, 0, 0, 12, 0, 60, 0, 0, 0, 0, 0, 1, 255, 255, 0, 7}, 16}, /* no whole body */
        {{0, 0, 0, 10, 3, 231, 0, 0, 0, 0, 0, 1, 255, 255}, 14},      /* an API that is not there */
    };
    stage_open_server(stage);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        size_t first = stage->held_count;
        int client = stage_dial(stage);
        for (int k = 0; k < 3; k++)
            stage_ask_cluster(client, k);
        stage_send_all(client, wrong[i].bytes, wrong[i].len);
        stage_ask_cluster(client, 3);
        stage_run_until_held(stage, first + 3);
        stage_run_ms(stage, 20);
        assert_int_equal(stage->held_count, first + 3);
        for (size_t k = 3; k-- > 0;) {
            assert_false((stage->client = client, stage_can_read(stage)));
            stage_answer(stage, first + k);
        }
        for (int k = 0; k < 3; k++)
            assert_int_equal(stage_receive_correlation_id(stage, client), k);
        stage_assert_server_closes(stage, client);
    }
    assert_int_equal(stage->canceled_count, 0);
    stage_run_until(stage, stage_has_nothing);
}

/* The eleventh request of a connection waits until one of ten has ended. */
static void test_server_limits_requests_in_flight(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int client = stage_dial(stage);
    for (int i = 0; i < 15; i++)
        stage_ask_cluster(client, i);
    stage_run_until_held(stage, 10);
    stage_run_ms(stage, 20);
    assert_int_equal(stage->held_count, 10);
    stage_answer(stage, 0);
    stage_run_until_held(stage, 11);
    stage_run_ms(stage, 20);
    assert_int_equal(stage->held_count, 11);
    close(client);
}

static bool has_eight_connections(struct stage *stage) {
    return server_connection_count(stage->server) == 8;
}

/* While the memory for requests is spent nothing more is begun to be read; when requests end, those
 * that wait go on. */
static void test_server_memory_is_limited(void **state) {
    struct stage *stage = *state;
    stage->options.request_bytes = 1000;
    stage_open_server(stage);
    int clients[8];
    for (int i = 0; i < 8; i++)
        clients[i] = stage_dial(stage);
    stage_run_until(stage, has_eight_connections);
    for (int i = 0; i < 8; i++)
        stage_ask_cluster(clients[i], i);
    stage_run_until_held(stage, 8); /* what has arrived is handed out */
    assert_true(server_memory_request_bytes(server_memory_of(stage->server)) >= 1000);
    for (int i = 0; i < 8; i++)
        stage_ask_cluster(clients[i], 10 + i);
    stage_run_ms(stage, 30);
    size_t noticed = stage->held_count; /* who was being read when it was spent is read once more */
    for (int i = 0; i < 8; i++)
        stage_ask_cluster(clients[i], 20 + i);
    stage_run_ms(stage, 30);
    assert_int_equal(stage->held_count, noticed);
    for (size_t i = 0; i < 24; i++) {
        stage_run_until_held(stage, i + 1);
        stage_answer(stage, i);
    }
    stage_run_ms(stage, 5);
    assert_int_equal(server_memory_request_bytes(server_memory_of(stage->server)), 0);
    for (int i = 0; i < 8; i++)
        close(clients[i]);
}

/* Who sends half of a large request and no more keeps only other large requests waiting, and only
 * until he is closed for it. */
static void test_server_slow_request(void **state) {
    struct stage *stage = *state;
    stage->options.request_bytes = 200000;
    stage->options.max_slow_ms = 100;
    stage_open_server(stage);
    int slow = stage_dial(stage), honest = stage_dial(stage);
    uint32_t length = htonl(1 << 20);
    static char half[1 << 19];
    stage_send_all(slow, &length, 4);
    for (size_t at = 0; at < sizeof half;) {
        ssize_t sent = send(slow, half + at, sizeof half - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) at += (size_t)sent;
        stage_run_ms(stage, 2);
    }
    assert_true(server_memory_request_bytes(server_memory_of(stage->server)) >= 200000);
    stage_ask_cluster(honest, 1);
    stage_run_ms(stage, 20);
    stage_ask_cluster(honest,
                      2); /* the first may have been read before the memory was seen to be spent */
    stage_run_ms(stage, 50);
    assert_int_equal(stage->held_count, 2);
    stage_assert_server_closes(stage, slow);
    stage_assert_logged(stage, "has been arriving for more than 100 ms");
    stage_assert_ended(stage, ENDED_MEMORY, 1);
    stage_answer(stage, 0);
    stage_answer(stage, 1);
    stage_run_ms(stage, 5);
    assert_int_equal(server_memory_request_bytes(server_memory_of(stage->server)), 0);
    close(honest);
}

/* Large requests that are much to decode keep only each other waiting: one after the other is
 * decoded, and short ones are served meanwhile. */
static void test_server_large_requests_wait_for_each_other(void **state) {
    struct stage *stage = *state;
    enum { LARGE = 4, NAMES = 5000 };
    stage->options.request_bytes = 400000;
    stage_open_server(stage);
    static struct kp_metadata_request_topic names[NAMES];
    struct kp_metadata_request request;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    for (int i = 0; i < NAMES; i++) {
        kp_set_fallbacks(&kp_metadata_request_topic_schema, &names[i]);
        names[i].name = kp_string_of("a name of twenty bytes");
    }
    request.topics.items = names;
    request.topics.count = NAMES;
    int large[LARGE], honest = stage_dial(stage);
    for (int i = 0; i < LARGE; i++) {
        large[i] = stage_dial(stage);
        stage_ask(large[i], KP_METADATA, 1, i, &request);
    }
    stage_run_until_held(stage, 1);
    stage_run_ms(stage, 50);
    assert_int_equal(stage->held_count, 1);
    for (size_t i = 0; i < LARGE; i++) {
        for (size_t asked = 0; asked < 2; asked++) {
            size_t place = 3 * i + 1 + asked;
            stage_ask_cluster(honest, (int32_t)place);
            stage_run_until_held(stage, place + 1);
            stage_answer(stage, place);
            assert_int_equal(stage_receive_correlation_id(stage, honest), place);
        }
        request_respond_nothing(stage->held[3 * i]);
        stage->held[3 * i] = NULL;
        if (i + 1 < LARGE) stage_run_until_held(stage, 3 * i + 4);
    }
    stage_run_ms(stage, 5);
    assert_int_equal(server_memory_request_bytes(server_memory_of(stage->server)), 0);
    for (int i = 0; i < LARGE; i++)
        close(large[i]);
    close(honest);
}

/* A connection that breaks tells the requests that wait, once; they end whenever they like. */
static void test_server_client_leaves_while_requests_wait(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int client = stage_dial(stage);
    for (int i = 0; i < 5; i++)
        stage_ask_cluster(client, i);
    stage_run_until_held(stage, 5);
    stage_answer(stage, 3);
    close(client);
    stage_run_until(stage, stage_nobody_connected);
    assert_int_equal(stage->canceled_count, 4);
    stage_answer(stage, 4);
    stage_answer(stage, 0);
    request_close_connection(stage->held[2]);
    request_respond_nothing(stage->held[1]);
    stage->held[1] = stage->held[2] = NULL;
    assert_int_equal(stage->canceled_count, 4);
    stage_run_until(stage, stage_has_nothing);
}

/* An answer that is too large, or a request that is too much, ends the connection with a line that
 * says so, one a second of all clients. */
static void test_server_says_why_it_closes(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = stage_dial(stage);
        stage_ask_cluster(clients[i], i);
        stage_run_until_held(stage, (size_t)i + 1);
        struct request *request = stage->held[i];
        stage->held[i] = NULL;
        if (i == 2) stage_run_ms(stage, 1001);
        if (i < 2)
            request_close_too_large(request);
        else
            request_close_because(request, "it asks for %d things", 7);
        stage_assert_server_closes(stage, clients[i]);
        if (i == 0)
            stage_assert_logged(stage,
                                "DescribeCluster request takes more than the 64 MiB that one may");
    }
    stage_assert_logged(stage, "it asks for 7 things (1 ");
}

/* Connections that ask for nothing keep others out only for a while. */
static void test_server_silent_connections(void **state) {
    struct stage *stage = *state;
    stage->options.max_connections = 3;
    stage->options.max_slow_ms = 100;
    stage_open_server(stage);
    int served = stage_dial(stage), silent[2] = {stage_dial(stage), stage_dial(stage)};
    stage_ask_cluster(served, 1);
    stage_run_until_held(stage, 1);
    for (int i = 0; i < 2; i++)
        stage_send_all(silent[i], "", 1);
    int late = stage_dial(stage);
    stage_ask_cluster(late, 2);
    stage_run_until_held(stage, 2);
    stage_assert_server_closes(stage, silent[0]);
    stage_assert_logged(stage, "has not sent a request");
    close(silent[1]);
    close(served);
    close(late);
}

/* Idle connections are closed, also one whose request waits, as in Kafka: whoever waits that long
 * asks now and then. */
static void test_server_closes_idle_connections(void **state) {
    struct stage *stage = *state;
    stage->options.max_idle_ms = 400;
    stage_open_server(stage);
    int idle = stage_dial(stage), asking = stage_dial(stage), waiting = stage_dial(stage);
    stage_ask_cluster(waiting, 9);
    stage_run_until_held(stage, 1);
    for (size_t i = 1; server_connection_count(stage->server) > 1; i++) {
        stage_run_ms(stage, 50);
        stage_ask_cluster(asking, (int32_t)i);
        stage_run_until_held(stage, i + 1);
        stage_answer(stage, i);
        assert_int_equal(stage_receive_correlation_id(stage, asking), (int32_t)i);
    }
    stage_assert_server_closes(stage, idle);
    stage_assert_server_closes(stage, waiting);
    stage_assert_ended(stage, ENDED_IDLE, 2);
    assert_int_equal(stage->canceled_count, 1);
    stage_answer(stage, 0);
    stage_assert_server_closes(stage, asking);
}

/* Closing as an answer waits for the answers before it, and drops what is behind it. */
static void test_server_close_as_answer(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int client = stage_dial(stage);
    for (int i = 0; i < 3; i++)
        stage_ask_cluster(client, i);
    stage_run_until_held(stage, 3);
    request_close_connection(stage->held[1]);
    stage->held[1] = NULL;
    stage_run_ms(stage, 10);
    stage_answer(stage, 0);
    assert_int_equal(stage_receive_correlation_id(stage, client), 0);
    stage_assert_server_closes(stage, client);
    assert_int_equal(stage->canceled_count, 1);
}

/* A request that holds its connection keeps further ones from being read. */
static void test_server_held_connection(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int client = stage_dial(stage);
    stage_ask_cluster(client, 1);
    stage_run_until_held(stage, 1);
    request_hold_connection(stage->held[0]);
    stage_ask_cluster(client, 2);
    stage_run_ms(stage, 20);
    assert_int_equal(stage->held_count, 1);
    stage_answer(stage, 0);
    stage_run_until_held(stage, 2);
    close(client);
}

/* A client has the work of two requests waiting, and no more is read from it until one of them has
 * its place. */
static void test_server_waiting_work(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int client = stage_dial(stage);
    for (size_t i = 0; i < 2; i++) {
        stage_ask_cluster(client, (int32_t)i);
        stage_run_until_held(stage, i + 1);
        request_work_waits(stage->held[i]);
    }
    stage_ask_cluster(client, 2);
    stage_run_ms(stage, 20);
    assert_int_equal(stage->held_count, 2);
    request_work_goes_on(stage->held[1]);
    stage_run_until_held(stage, 3);
    request_work_waits(stage->held[2]);
    stage_ask_cluster(client, 3);
    stage_run_ms(stage, 20);
    assert_int_equal(stage->held_count, 3);
    stage_answer(stage, 0); /* its end counts as well */
    stage_run_until_held(stage, 4);
    close(client);
}

/* server_close is over when the last request has ended. */
static void test_server_close_waits_for_requests(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int client = stage_dial(stage);
    stage_ask_cluster(client, 1);
    stage_run_until_held(stage, 1);
    server_close(stage->server, stage_on_closed, stage);
    assert_int_equal(stage->canceled_count, 1);
    stage_run_ms(stage, 10);
    assert_false(stage->closed);
    stage_answer(stage, 0);
    stage_run_until(stage, stage_is_closed);
    close(client);
}

/* A port that somebody has is named in the sentence. */
static void test_server_port_taken(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    struct broker_listener same = stage->listener;
    same.port = server_port(stage->server, "PLAINTEXT");
    struct server_options options = stage->options;
    options.listeners = &same;
    struct server *other;
    struct error_text why = {""};
    assert_int_equal(server_open(stage->env, &stage->log, stage->dispatch, &options, &other, &why),
                     ERR_BUSY);
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", same.port);
    assert_non_null(strstr(why.text, address));
    assert_non_null(strstr(why.text, "in use by another program"));
}

static void answer_empty(struct stage *stage, size_t i) {
    struct request *request = stage->held[i];
    const struct kp_schema *schema = kp_api_find(request->api_key)->response;
    void *response = mem_zalloc(schema->size);
    kp_set_fallbacks(schema, response);
    stage->held[i] = NULL;
    request_respond(request, response);
    mem_free(response);
}

static bool is_gone(struct stage *stage) {
    return server_connection_count(stage->server) == 1;
}

/* A broker that does not serve closes its connections; whoever comes back is answered, and sent on
 * if he asked for topics or partitions. */
static void test_server_clients_are_sent_on(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int before = stage_dial(stage);
    stage_ask_cluster(before, 1);
    stage_run_until_held(stage, 1);
    dispatch_part(stage->dispatch, true);
    server_close_clients(stage->server);
    stage_assert_server_closes(stage, before);
    stage_assert_ended(stage, ENDED_BY_BROKER, 1);
    assert_int_equal(stage->canceled_count, 1);
    stage_answer(stage, 0);

    struct kp_metadata_request request;
    struct kp_metadata_request_topic topic;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    kp_set_fallbacks(&kp_metadata_request_topic_schema, &topic);
    topic.name = kp_string_of("orders");
    int asks = stage_dial(stage), wants = stage_dial(stage), pages_on = stage_dial(stage);
    request.topics.count = -1; /* all: somebody looks around */
    stage_ask(asks, KP_METADATA, 8, 2, &request);
    stage_run_until_held(stage, 2);
    answer_empty(stage, 1);
    assert_int_equal(stage_receive_correlation_id(stage, asks), 2);
    request.topics.items = &topic;
    request.topics.count = 1;
    stage_ask(wants, KP_METADATA, 8, 3, &request);
    stage_run_until_held(stage, 3);
    answer_empty(stage, 2);
    assert_int_equal(stage_receive_correlation_id(stage, wants), 3);
    stage_assert_server_closes(stage, wants);
    struct kp_describe_topic_partitions_request_topic named = {kp_string_of("orders")};
    struct kp_describe_topic_partitions_request pages = {.topics = {&named, 1}};
    stage_ask(pages_on, KP_DESCRIBE_TOPIC_PARTITIONS, 0, 5, &pages);
    stage_run_until_held(stage, 4);
    answer_empty(stage, 3);
    assert_int_equal(stage_receive_correlation_id(stage, pages_on), 5);
    stage_assert_server_closes(stage, pages_on);
    stage_run_until(stage, is_gone);

    dispatch_part(stage->dispatch, false);
    stage_ask(asks, KP_METADATA, 8, 4, &request);
    stage_run_until_held(stage, 5);
    answer_empty(stage, 4);
    assert_int_equal(stage_receive_correlation_id(stage, asks), 4);
    stage_run_ms(stage, 20);
    assert_int_equal(server_connection_count(stage->server), 1);
    close(asks);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_server_turns_away),
        TEST(test_server_answers_in_order),
        TEST(test_server_api_versions_of_the_future),
        TEST(test_server_api_versions_software),
        TEST(test_server_closes_on_nonsense),
        TEST(test_server_answers_before_it_closes),
        TEST(test_server_limits_requests_in_flight),
        TEST(test_server_memory_is_limited),
        TEST(test_server_large_requests_wait_for_each_other),
        TEST(test_server_slow_request),
        TEST(test_server_silent_connections),
        TEST(test_server_client_leaves_while_requests_wait),
        TEST(test_server_closes_idle_connections),
        TEST(test_server_close_as_answer),
        TEST(test_server_says_why_it_closes),
        TEST(test_server_held_connection),
        TEST(test_server_waiting_work),
        TEST(test_server_close_waits_for_requests),
        TEST(test_server_clients_are_sent_on),
        TEST(test_server_port_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
