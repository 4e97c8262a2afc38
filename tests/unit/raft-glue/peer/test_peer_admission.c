/*
 * Strangers at the peer port: they are told nothing, keep nobody out, and are no broker by saying
 * so.
 *
 * One real side (broker 2) and hand-made connections that say what a test wants. Broker 1 is real
 * where a test needs its link.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/env_uv/env_uv.h"
#include "raft-glue/peer/peer_frame.h"
#include "raft-glue/peer/peers.h"
#include "tests/unit/patience.h"
#include "tests/unit/unit.h"

enum { CLIENTS_MOST = 80 };

/* A connection by hand, and what came back on it. */
struct client {
    struct env_stream *stream;
    struct env_write write;
    bool connected, ended;
    uint8_t got[8192];
    size_t len;
};

static struct test {
    struct env *env;
    struct log log;
    struct peers *two, *one;
    unsigned judged, ups, downs;
    struct client clients[CLIENTS_MOST];
    struct env_timer *poll, *limit;
    bool (*done)(void);
    uint64_t wait_until_ms;
    struct slice hello;
} test;

static int judge(void *arg, const struct peer_hello *hello, struct error_text *refusal) {
    (void)arg;
    test.judged++;
    return hello->directory[0] == 7 ? ERR_NONE
                                    : error_set(refusal, ERR_DENIED, "another directory");
}
static void up(void *arg, int32_t node) {
    (void)arg, (void)node;
    test.ups++;
}
static void down(void *arg, int32_t node, bool dead) {
    (void)arg, (void)node, (void)dead;
    test.downs++;
}
static void message(void *arg, int32_t node, uint8_t kind, struct slice payload) {
    (void)arg, (void)node, (void)kind;
    slice_unref(&payload);
}
static void refused(void *arg, int32_t node, bool for_good, const char *sentence) {
    (void)arg, (void)node, (void)for_good, (void)sentence;
}
static const struct peers_events events = {.judge = judge,
                                           .up = up,
                                           .down = down,
                                           .message = message,
                                           .refused = refused};

/* ---- The loop ---- */

static void on_limit(void *arg) {
    (void)arg;
    fail_msg("it did not come to that within %d s", UNIT_PATIENCE_S);
}
static void on_poll(void *arg) {
    (void)arg;
    if (test.done())
        env_uv_stop(test.env);
    else
        env_timer_start(test.poll, 1000);
}
static void run_until(bool (*done)(void)) {
    test.done = done;
    env_timer_start(test.limit, UNIT_PATIENCE_S * 1000 * 1000);
    env_timer_start(test.poll, 0);
    env_uv_run(test.env);
    env_timer_stop(test.limit);
    env_timer_stop(test.poll);
}
static bool time_is_over(void) {
    return env_now_ms(test.env) >= test.wait_until_ms;
}

static int setup(void **state) {
    (void)state;
    memset(&test, 0, sizeof test);
    assert_int_equal(env_uv_new(&test.env, 2), ERR_NONE);
    test.log = (struct log){.env = test.env,
                            .level = getenv("DRAVE_TEST_LOG") ? LOG_DEBUG : LOG_ERROR};
    test.poll = env_timer_new(test.env, on_poll, NULL);
    test.limit = env_timer_new(test.env, on_limit, NULL);
    return 0;
}
static int teardown(void **state) {
    (void)state;
    for (size_t i = 0; i < CLIENTS_MOST; i++)
        if (test.clients[i].stream != NULL) env_stream_close(test.clients[i].stream);
    if (test.one != NULL) peers_close(test.one);
    if (test.two != NULL) peers_close(test.two);
    env_timer_free(test.poll);
    env_timer_free(test.limit);
    assert_true(env_uv_free(test.env));
    return 0;
}

static struct peers *open_peers_with(int32_t node, bool any_address) {
    struct peers_options options = {.node = node,
                                    .listen_host = "127.0.0.1",
                                    .queue_limit = 1 << 20,
                                    .frame_max = 4 << 20,
                                    .any_address = any_address,
                                    .lag_max_ms = 3000,
                                    .ping_ms = 500};
    struct peer_hello hello = {.version = PEER_PROTOCOL_VERSION,
                               .node = node,
                               .directory = {7, 1, 2, 3},
                               .cluster_id = "the-cluster",
                               .nodes = "the-list",
                               .record = "the-record",
                               .record_len = 10};
    struct error_text why;
    struct peers *peers;
    assert_int_equal(peers_open(test.env, &test.log, &options, &events, NULL, &peers, &why),
                     ERR_NONE);
    peers_set_hello(peers, &hello);
    return peers;
}

static struct peers *open_peers(int32_t node) {
    return open_peers_with(node, false);
}

/* ---- Connections by hand ---- */

static size_t client_room(void *arg, void **into) {
    struct client *client = arg;
    assert_true(client->len < sizeof client->got);
    *into = client->got + client->len;
    return sizeof client->got - client->len;
}
static void client_received(void *arg, size_t len) {
    ((struct client *)arg)->len += len;
}
static void client_ended(void *arg, int error) {
    struct client *client = arg;
    (void)error;
    client->ended = true;
    env_stream_close(client->stream);
    client->stream = NULL;
}
static void client_written(struct env_write *write, int error) {
    (void)write, (void)error;
}
static void client_connected(void *arg, int error, struct env_stream *stream) {
    static const struct env_stream_events stream_events = {
        .room = client_room, .received = client_received, .ended = client_ended};
    struct client *client = arg;
    assert_int_equal(error, ERR_NONE);
    client->stream = stream;
    client->connected = true;
    env_stream_attach(stream, &stream_events, client);
    env_stream_read(stream, true);
}
static bool all_connected(void) {
    for (size_t i = 0; i < CLIENTS_MOST; i++)
        if (test.clients[i].write.done != NULL && !test.clients[i].connected) return false;
    return true;
}
static struct client *connect_client(size_t i) {
    struct client *client = &test.clients[i];
    client->write.done = client_written;
    env_connect(test.env, "127.0.0.1", peers_port(test.two), 1000000, client_connected, client);
    run_until(all_connected);
    return client;
}

static void say_hello(struct client *client, int32_t node, uint8_t directory, uint8_t channel,
                      uint64_t session) {
    struct peer_hello hello = {.version = PEER_PROTOCOL_VERSION,
                               .node = node,
                               .directory = {directory},
                               .cluster_id = "",
                               .nodes = ""};
    struct peer_bytes payload = {0};
    peer_hello_encode(&payload, &hello, session);
    struct slice bytes = peer_bytes_take(&payload);
    struct peer_bytes frame = {0};
    peer_frame_head(peer_bytes_extend(&frame, PEER_FRAME_HEAD_SIZE), PEER_KIND_HELLO, channel,
                    crc32c(0, bytes.data, bytes.len), bytes.len);
    peer_bytes_add(&frame, bytes.data, bytes.len);
    slice_unref(&bytes);
    slice_unref(&test.hello);
    test.hello = peer_bytes_take(&frame);
    struct env_iov iov = {test.hello.data, test.hello.len};
    env_stream_write(client->stream, &client->write, &iov, 1);
}

static bool first_answered(void) {
    return test.clients[0].len > PEER_FRAME_HEAD_SIZE;
}
static bool first_ended(void) {
    return test.clients[0].ended;
}
static bool linked(void) {
    return test.ups == 2;
}

static bool told(const struct client *client, const char *part) {
    return memmem(client->got, client->len, part, strlen(part)) != NULL;
}

static void assert_only_refused(const struct client *client, const char *part) {
    assert_int_equal(client->got[4], PEER_KIND_VERDICT); /* first, so there is no hello */
    assert_true(told(client, part));
    assert_false(told(client, "the-cluster"));
    assert_false(told(client, "the-list"));
    assert_false(told(client, "the-record"));
    assert_false(told(client, "\7\1\2\3"));
}

/* ---- Tests ---- */

/* Who is refused, for whatever reason, is told so and nothing else. */
static void test_admission_tells_nothing(void **state) {
    (void)state;
    static const struct {
        int32_t node;
        const char *said;
    } cases[] = {{1, "another directory"},
                 {2, "two brokers say"},
                 {9, "another directory"},
                 {3, "may only connect from"}};
    test.two = open_peers(2);
    peers_add(test.two, 1, "127.0.0.1", 1);
    peers_add(test.two, 3, "10.255.255.1", 1); /* not where we are */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(&test.clients[0], 0, sizeof test.clients[0]);
        say_hello(connect_client(0), cases[i].node, 6, PEER_CONTROL, 5);
        run_until(first_answered);
        assert_only_refused(&test.clients[0], cases[i].said);
        env_stream_close(test.clients[0].stream);
        test.clients[0].stream = NULL;
    }
    /* Only who may be that broker, and one of whom nobody knows where it is, are judged at all. */
    assert_int_equal(test.judged, 2);
    slice_unref(&test.hello);
}

/* Who is accepted is told everything, after that. */
static void test_admission_accepts(void **state) {
    (void)state;
    test.two = open_peers(2);
    peers_add(test.two, 1, "localhost", 1);
    say_hello(connect_client(0), 1, 7, PEER_CONTROL, 5);
    run_until(first_answered);
    assert_int_equal(test.clients[0].got[4], PEER_KIND_HELLO);
    assert_true(told(&test.clients[0], "the-record"));
    slice_unref(&test.hello);
}

/* Where addresses are translated, the address does not count. */
static void test_admission_from_any_address(void **state) {
    (void)state;
    test.two = open_peers_with(2, true);
    peers_add(test.two, 1, "10.255.255.1", 1);
    say_hello(connect_client(0), 1, 7, PEER_CONTROL, 5);
    run_until(first_answered);
    assert_int_equal(test.clients[0].got[4], PEER_KIND_HELLO);
    slice_unref(&test.hello);
}

/* 80 that say nothing: the oldest go, and a broker still gets in. */
static void test_admission_places(void **state) {
    (void)state;
    test.two = open_peers(2);
    peers_add(test.two, 1, "127.0.0.1", 1);
    for (size_t i = 1; i < CLIENTS_MOST; i++)
        connect_client(i);
    say_hello(connect_client(0), 1, 7, PEER_CONTROL, 5);
    run_until(first_answered);
    assert_int_equal(test.clients[0].got[4], PEER_KIND_HELLO);
    size_t open = 0;
    test.wait_until_ms = env_now_ms(test.env) + 50;
    run_until(time_is_over);
    for (size_t i = 1; i < CLIENTS_MOST; i++)
        open += !test.clients[i].ended;
    assert_in_range(open, 1, 16);
    assert_false(test.clients[CLIENTS_MOST - 1].ended); /* the newest stay */
    slice_unref(&test.hello);
}

/* Of an address that is no broker's, only four. */
static void test_admission_places_of_strangers(void **state) {
    (void)state;
    test.two = open_peers(2);
    peers_add(test.two, 1, "10.255.255.1", 1);
    for (size_t i = 0; i < 10; i++)
        connect_client(i);
    test.wait_until_ms = env_now_ms(test.env) + 50;
    run_until(time_is_over);
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(test.clients[i].ended, i < 6);
}

/* A claim to be a broker that is connected and speaks is closed without a word, and its link stays.
 */
static void test_admission_of_a_connected_broker(void **state) {
    (void)state;
    test.two = open_peers(2);
    test.one = open_peers(1);
    peers_add(test.one, 2, "127.0.0.1", peers_port(test.two));
    peers_add(test.two, 1, "127.0.0.1", peers_port(test.one));
    run_until(linked);
    say_hello(connect_client(0), 1, 7, PEER_CONTROL, 5);
    run_until(first_ended);
    assert_int_equal(test.clients[0].len, 0);
    assert_int_equal(test.downs, 0);
    assert_true(peers_is_up(test.two, 1));
    slice_unref(&test.hello);
}

/* The old link of a broker that is silent gives way to its new one, before the silence would end
 * it. */
static void test_admission_after_a_silent_link(void **state) {
    (void)state;
    test.two = open_peers(2);
    peers_add(test.two, 1, "127.0.0.1", 1);
    struct client *control = connect_client(1), *bulk = connect_client(2);
    static const uint8_t yes[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};
    uint8_t verdict[2][PEER_FRAME_HEAD_SIZE + sizeof yes];
    struct env_write writes[2] = {{.done = client_written}, {.done = client_written}};
    struct client *const both[] = {control, bulk};
    for (uint8_t channel = 0; channel < 2; channel++) {
        say_hello(both[channel], 1, 7, channel, 5);
        peer_frame_head(verdict[channel], PEER_KIND_VERDICT, channel, crc32c(0, yes, sizeof yes),
                        sizeof yes);
        memcpy(verdict[channel] + PEER_FRAME_HEAD_SIZE, yes, sizeof yes);
        struct env_iov iov = {verdict[channel], sizeof verdict[channel]};
        test.wait_until_ms = env_now_ms(test.env) + 50;
        run_until(time_is_over);
        env_stream_write(both[channel]->stream, &writes[channel], &iov, 1);
        test.wait_until_ms = env_now_ms(test.env) + 50;
        run_until(time_is_over);
    }
    assert_int_equal(test.ups, 1);
    uint64_t start_ms = env_now_ms(test.env);
    say_hello(connect_client(0), 1, 7, PEER_CONTROL, 6);
    run_until(first_answered);
    assert_int_equal(test.clients[0].got[4], PEER_KIND_HELLO);
    assert_int_equal(test.downs, 1);
    uint64_t took_ms = env_now_ms(test.env) - start_ms;
    assert_true(took_ms >= 1200 && is_within_ms(took_ms, 2500));
    slice_unref(&test.hello);
}

static void mute_accepted(void *arg, struct env_stream *stream) {
    client_connected(arg, ERR_NONE, stream);
}
static bool first_hears(void) {
    return test.clients[0].len > 0;
}

/* A port that takes a connection and says nothing is a broker that is not heard: else whoever is
 * cut off hears all the others each time that it dials. */
static void test_admission_of_a_mute_port(void **state) {
    (void)state;
    struct env_listener *listener;
    int port;
    assert_int_equal(
        env_listen(test.env, "127.0.0.1", 0, 1, mute_accepted, &test.clients[0], &listener, &port),
        ERR_NONE);
    test.one = open_peers(1);
    peers_add(test.one, 2, "127.0.0.1", port);
    run_until(first_hears);
    env_listener_close(listener);
    assert_int_equal(peers_heard_ms(test.one, 2), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_admission_tells_nothing),       TEST(test_admission_accepts),
        TEST(test_admission_from_any_address),    TEST(test_admission_places),
        TEST(test_admission_places_of_strangers), TEST(test_admission_of_a_connected_broker),
        TEST(test_admission_after_a_silent_link), TEST(test_admission_of_a_mute_port),
    };
    return cmocka_run_group_tests_name("peer_admission", tests, NULL, NULL);
}
