/* Links between brokers over loopback: up, down, dead, refused, replaced. One loop, a fixture of
 * two or three brokers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "base/mem.h"
#include "raft-glue/peer/peer_frame.h"
#include "raft-glue/peer/peers.h"
#include "tests/unit/patience.h"
#include "tests/unit/unit.h"

enum { LONG_WINDED = 3 }; /* what that broker says makes the turn a long one, and is not counted */

struct broker {
    struct test *test;
    int32_t node;
    struct peers *peers;
    int port;
    int ups, downs, deads;
    int refusals;
    char refusal[256];
    const char *refuse; /* what judge says; NULL: welcome */
    int32_t judged;
    size_t received;
    uint8_t kind;
    char last[64];
    uint64_t work_us; /* each message is so much work */
};

struct test {
    struct env *env;
    struct log log;
    struct broker brokers[4];
    bool (*done)(struct test *test);
    struct env_timer *limit, *poll;
    bool timed_out;
    size_t looked; /* at what broker 2 had received then */
};

static int judge(void *arg, const struct peer_hello *hello, struct error_text *refusal) {
    struct broker *broker = arg;
    broker->judged = hello->node;
    return broker->refuse == NULL ? ERR_NONE
                                  : error_set(refusal, ERR_INVALID, "%s", broker->refuse);
}
static void up(void *arg, int32_t node) {
    (void)node;
    ((struct broker *)arg)->ups++;
}
static void down(void *arg, int32_t node, bool dead) {
    (void)node;
    struct broker *broker = arg;
    if (dead)
        broker->deads++;
    else
        broker->downs++;
}
static void spin_us(struct test *test, uint64_t us) {
    uint64_t end_us = env_now_us(test->env) + us;
    while (env_now_us(test->env) < end_us) {}
}
static void message(void *arg, int32_t node, uint8_t kind, struct slice payload) {
    struct broker *broker = arg;
    if (node == LONG_WINDED) spin_us(broker->test, 4000);
    if (node != LONG_WINDED) broker->received += payload.len;
    broker->kind = kind;
    snprintf(broker->last, sizeof broker->last, "%.*s", (int)(payload.len < 60 ? payload.len : 60),
             (const char *)payload.data);
    slice_unref(&payload);
    spin_us(broker->test, broker->work_us);
}
static void refused(void *arg, int32_t node, bool for_good, const char *sentence) {
    (void)node, (void)for_good;
    struct broker *broker = arg;
    broker->refusals++;
    snprintf(broker->refusal, sizeof broker->refusal, "%s", sentence);
}
static const struct peers_events events = {.judge = judge,
                                           .up = up,
                                           .down = down,
                                           .message = message,
                                           .refused = refused};

static void on_limit(void *arg) {
    ((struct test *)arg)->timed_out = true;
    env_uv_stop(((struct test *)arg)->env);
}
static void on_poll(void *arg) {
    struct test *test = arg;
    if (test->done(test)) {
        env_uv_stop(test->env);
        return;
    }
    env_timer_start(test->poll, 1000);
}
static void run_until(struct test *test, bool (*done)(struct test *test)) {
    test->done = done;
    test->timed_out = false;
    env_timer_start(test->limit, 8 * 1000 * 1000);
    env_timer_start(test->poll, 0);
    env_uv_run(test->env);
    env_timer_stop(test->limit);
    env_timer_stop(test->poll);
    assert_false(test->timed_out);
}

static void open_broker(struct test *test, int32_t node, int port) {
    struct broker *broker = &test->brokers[node];
    *broker = (struct broker){.test = test, .node = node, .refuse = broker->refuse};
    struct peers_options options = {.node = node,
                                    .listen_host = "127.0.0.1",
                                    .listen_port = port,
                                    .queue_limit = 1 << 20,
                                    .frame_max = 4 << 20,
                                    .lag_max_ms = 3000,
                                    .ping_ms = 500};
    struct error_text why;
    assert_int_equal(
        peers_open(test->env, &test->log, &options, &events, broker, &broker->peers, &why),
        ERR_NONE);
    broker->port = peers_port(broker->peers);
    struct peer_hello hello = {.version = PEER_PROTOCOL_VERSION,
                               .minor = node == LONG_WINDED ? 0 : PEER_PROTOCOL_MINOR,
                               .node = node,
                               .cluster_id = "",
                               .nodes = "x"};
    peers_set_hello(broker->peers, &hello);
}
static void introduce(struct test *test, int32_t a, int32_t b) {
    peers_add(test->brokers[a].peers, b, "127.0.0.1", test->brokers[b].port);
    peers_add(test->brokers[b].peers, a, "127.0.0.1", test->brokers[a].port);
}
static void close_broker(struct test *test, int32_t node) {
    peers_close(test->brokers[node].peers);
    test->brokers[node].peers = NULL;
}

static int setup(void **state) {
    struct test *test = mem_zalloc(sizeof *test);
    *state = test;
    assert_int_equal(env_uv_new(&test->env, 2), ERR_NONE);
    test->log = (struct log){.env = test->env,
                             .level = getenv("DRAVE_TEST_LOG") ? LOG_DEBUG : LOG_ERROR};
    test->limit = env_timer_new(test->env, on_limit, test);
    test->poll = env_timer_new(test->env, on_poll, test);
    return 0;
}
static int teardown(void **state) {
    struct test *test = *state;
    for (int i = 0; i < 4; i++)
        if (test->brokers[i].peers != NULL) peers_close(test->brokers[i].peers);
    env_timer_free(test->limit);
    env_timer_free(test->poll);
    assert_true(env_uv_free(test->env));
    mem_free(test);
    return 0;
}

static bool both_up(struct test *test) {
    return test->brokers[1].ups == 1 && test->brokers[2].ups == 1;
}
static bool two_heard_up(struct test *test) {
    return test->brokers[LONG_WINDED].ups == 1 && test->brokers[2].ups == 1;
}
static bool one_and_two_up(struct test *test) {
    return test->brokers[1].ups == 1 && test->brokers[2].ups == 2;
}
static bool two_up_again(struct test *test) {
    return test->brokers[1].ups == 2;
}
static bool one_found_dead(struct test *test) {
    return test->brokers[1].deads == 1;
}
static bool two_found_dead(struct test *test) {
    return test->brokers[2].deads == 1;
}
static bool message_came(struct test *test) {
    return test->brokers[2].received > 0;
}
static bool megabytes_came(struct test *test) {
    return test->brokers[2].received == 64 * 100000;
}
static bool one_refused(struct test *test) {
    return test->brokers[1].refusals == 1;
}

/* Two brokers that know each other are connected, and a message arrives as it was sent. */
static void test_peers_connect_and_talk(void **state) {
    struct test *test = *state;
    open_broker(test, 1, 0);
    open_broker(test, 2, 0);
    introduce(test, 1, 2);
    run_until(test, both_up);
    assert_true(peers_is_up(test->brokers[1].peers, 2));
    struct slice slices[] = {slice_copy(NULL, "hello ", 6), slice_copy(NULL, "world", 5)};
    peers_send(test->brokers[1].peers, 2, PEER_CONTROL, PEER_KIND_BROKER, slices, 2);
    run_until(test, message_came);
    assert_string_equal(test->brokers[2].last, "hello world");
    assert_int_equal(test->brokers[2].kind, PEER_KIND_BROKER);
    assert_int_equal(test->brokers[1].downs, 0);
}

static uint64_t trip_us(struct test *test, int32_t from, int32_t to) {
    return peers_traffic(test->brokers[from].peers, to).round_trip_us;
}
static bool both_know_the_way(struct test *test) {
    return trip_us(test, 1, 2) > 0 && trip_us(test, 2, 1) > 0;
}

/* Pings tell how long the way there and back is, without the time until the next ping; nothing is
 * known of a broker that tells no times, and its link holds. */
static void test_peers_round_trip(void **state) {
    struct test *test = *state;
    open_broker(test, 1, 0);
    open_broker(test, 2, 0);
    open_broker(test, LONG_WINDED, 0);
    introduce(test, LONG_WINDED, 2);
    run_until(test, two_heard_up);
    introduce(test, 1, 2);
    run_until(test, both_know_the_way);
    assert_in_range(trip_us(test, 1, 2), 1, 100 * 1000); /* a ping comes twice a second */
    assert_in_range(trip_us(test, 2, 1), 1, 100 * 1000);
    assert_int_equal(trip_us(test, 2, LONG_WINDED), 0);
    assert_int_equal(test->brokers[2].downs, 0);
}

enum { MANY = 60 };

static bool many_came(struct test *test) {
    return test->brokers[2].received == MANY;
}
static void look(void *arg) {
    struct test *test = arg;
    test->looked = test->brokers[2].received;
}

/* A peer that has much to say is listened to in each turn of the loop, but others run in between.
 */
static void test_peers_much_to_say(void **state) {
    struct test *test = *state;
    open_broker(test, 1, 0);
    open_broker(test, 2, 0);
    introduce(test, 1, 2);
    run_until(test, both_up);
    test->brokers[2].work_us = 1000;
    for (int i = 0; i < MANY; i++) {
        struct slice slice = slice_copy(NULL, "x", 1);
        peers_send(test->brokers[1].peers, 2, PEER_CONTROL, PEER_KIND_BROKER, &slice, 1);
    }
    run_until(test, message_came);
    struct env_timer *other = env_timer_new(test->env, look, test);
    env_timer_start(other, 1000);
    run_until(test, many_came);
    env_timer_free(other);
    assert_in_range(test->looked, 1, MANY / 2);
}

enum { CLIENTS = 200, ASKED = 20, TURNS_MOST = 10, CONNECT_MOST = 100 };

/* Clients keep the loop of all brokers busy: each turn is long because of what came, and much of
 * them has yielded. */
static struct busy {
    struct test *test;
    struct env_task clients[CLIENTS];
    struct env_lane *lane;
    struct env_job came;
    bool stop, gone;
    unsigned turns, asked_at, worst_turns;
    size_t got;
} busy;

static void client_works(struct env_task *task) {
    spin_us(busy.test, 1000);
    env_yield(busy.test->env, task);
}
static void nothing_to_do(struct env_job *job) {
    (void)job;
}
static void clients_came(struct env_job *job) {
    busy.turns++;
    busy.gone = busy.stop;
    if (busy.gone) return;
    env_lane_run(busy.lane, job);
    spin_us(busy.test, 4000);
}

static void busy_begins(struct test *test) {
    busy = (struct busy){.test = test, .lane = env_lane_new(test->env, "busy")};
    busy.came = (struct env_job){.work = nothing_to_do, .done = clients_came};
    env_lane_run(busy.lane, &busy.came);
    for (int i = 0; i < CLIENTS; i++) {
        busy.clients[i].run = client_works;
        env_yield(test->env, &busy.clients[i]);
    }
}

static bool clients_are_gone(struct test *test) {
    return (void)test, busy.gone;
}
static void busy_ends(struct test *test) {
    for (int i = 0; i < CLIENTS; i++)
        env_defer_cancel(test->env, &busy.clients[i]);
    busy.stop = true;
    run_until(test, clients_are_gone);
    env_lane_free(busy.lane);
}

static void ask(struct test *test) {
    struct slice before = slice_copy(NULL, "x", 1), slice = slice_copy(NULL, "x", 1);
    busy.asked_at = busy.turns;
    peers_send(test->brokers[LONG_WINDED].peers, 2, PEER_CONTROL, PEER_KIND_BROKER, &before, 1);
    peers_send(test->brokers[1].peers, 2, PEER_CONTROL, PEER_KIND_BROKER, &slice, 1);
}

static bool asked_enough(struct test *test) {
    if (test->brokers[2].received == busy.got) return false;
    busy.got++;
    if (busy.turns - busy.asked_at > busy.worst_turns)
        busy.worst_turns = busy.turns - busy.asked_at;
    if (busy.got == ASKED) return true;
    ask(test);
    return false;
}

/* What clients want keeps the loop busy for long: what brokers say to each other does not wait
 * behind it, and no link breaks. */
static void test_peers_beside_busy_clients(void **state) {
    struct test *test = *state;
    open_broker(test, 1, 0);
    open_broker(test, 2, 0);
    open_broker(test, LONG_WINDED, 0);
    introduce(test, LONG_WINDED, 2);
    run_until(test, two_heard_up);
    introduce(test, 1, 2);
    run_until(test, one_and_two_up);
    busy_begins(test);
    ask(test);
    run_until(test, asked_enough);
    busy_ends(test);
    assert_in_range(busy.worst_turns, 0, TURNS_MOST);
    assert_int_equal(test->brokers[1].downs + test->brokers[2].downs, 0);
}

/* Nor does a broker that connects. */
static void test_peers_connect_beside_busy_clients(void **state) {
    struct test *test = *state;
    busy_begins(test);
    open_broker(test, 1, 0);
    open_broker(test, 2, 0);
    introduce(test, 1, 2);
    run_until(test, both_up);
    unsigned turns = busy.turns;
    busy_ends(test);
    assert_in_range(turns, 0, CONNECT_MOST);
}

/* Paused bulk reads nothing while control goes on; after the pause everything comes. */
static void test_peers_pause_bulk(void **state) {
    struct test *test = *state;
    open_broker(test, 1, 0);
    open_broker(test, 2, 0);
    introduce(test, 1, 2);
    run_until(test, both_up);
    peers_pause_bulk(test->brokers[2].peers, true);
    for (int i = 0; i < 64; i++) {
        struct slice slice = slice_of(buffer_new(NULL, 100000), 0, 100000);
        buffer_unref(slice.buffer);
        memset(slice.buffer->data, i, 100000);
        peers_send(test->brokers[1].peers, 2, PEER_BULK, PEER_KIND_BROKER, &slice, 1);
    }
    assert_true(peers_bulk_queued(test->brokers[1].peers, 2) >= 64 * 100000);
    struct slice word = slice_copy(NULL, "w", 1);
    peers_send(test->brokers[1].peers, 2, PEER_CONTROL, PEER_KIND_BROKER, &word, 1);
    run_until(test, message_came);
    assert_int_equal(test->brokers[2].received, 1);
    test->brokers[2].received = 0;
    peers_pause_bulk(test->brokers[2].peers, false);
    run_until(test, megabytes_came);
    assert_int_equal(test->brokers[1].downs, 0);
}

/* When a process ends, both the side that dials and the side that does not learn that it is dead;
 * when it is back they connect again. */
static void test_peers_dead_and_back(void **state) {
    struct test *test = *state;
    open_broker(test, 1, 0);
    open_broker(test, 2, 0);
    introduce(test, 1, 2);
    run_until(test, both_up);
    int port = test->brokers[2].port;
    close_broker(test, 2);
    run_until(test, one_found_dead);
    assert_int_equal(test->brokers[1].downs, 1);
    assert_true(peers_is_dead(test->brokers[1].peers, 2));
    open_broker(test, 2, port);
    peers_add(test->brokers[2].peers, 1, "127.0.0.1", test->brokers[1].port);
    run_until(test, two_up_again);
    assert_false(peers_is_dead(test->brokers[1].peers, 2));
    close_broker(test, 1);
    run_until(test, two_found_dead);
}

/* A refused hello: the other side gets the sentence, once; when the judge has changed its mind they
 * connect. */
static void test_peers_refused_then_welcome(void **state) {
    struct test *test = *state;
    test->brokers[2].refuse = "this directory is not in the cluster";
    open_broker(test, 1, 0);
    open_broker(test, 2, 0);
    introduce(test, 1, 2);
    run_until(test, one_refused);
    assert_string_equal(test->brokers[1].refusal, "this directory is not in the cluster");
    assert_int_equal(test->brokers[1].ups, 0);
    assert_int_equal(test->brokers[1].judged,
                     0); /* the refused side heard nothing of the other but the sentence */
    test->brokers[2].refuse = NULL;
    struct peer_hello hello = {
        .version = PEER_PROTOCOL_VERSION, .node = 1, .cluster_id = "", .nodes = "y"};
    peers_set_hello(test->brokers[1].peers, &hello);
    run_until(test, both_up);
    assert_int_equal(test->brokers[1].refusals, 1);
}

/* A broker that is not in the list is refused with a sentence that names both. */
static void test_peers_stranger(void **state) {
    struct test *test = *state;
    open_broker(test, 1, 0);
    open_broker(test, 2, 0);
    peers_add(test->brokers[1].peers, 2, "127.0.0.1", test->brokers[2].port);
    run_until(test, one_refused);
    assert_string_equal(
        test->brokers[1].refusal,
        "broker 1 is not in the cluster.nodes of broker 2, which has not heard of it otherwise");
}

static bool two_refused(struct test *test) {
    return test->brokers[2].refusals == 1;
}

/* One that is to be dialled by a broker that does not know of it hears why not when it knocks; when
 * that one has heard of it, they connect. */
static void test_peers_knock(void **state) {
    struct test *test = *state;
    test->brokers[1].refuse = "not admitted yet";
    open_broker(test, 1, 0);
    open_broker(test, 2, 0);
    peers_add(test->brokers[2].peers, 1, "127.0.0.1", test->brokers[1].port);
    peers_knock(test->brokers[2].peers);
    run_until(test, two_refused);
    assert_string_equal(test->brokers[2].refusal, "not admitted yet");
    assert_int_equal(test->brokers[1].judged, 2);
    assert_int_equal(test->brokers[2].judged, 0);
    test->brokers[1].refuse = NULL;
    peers_add(test->brokers[1].peers, 2, "127.0.0.1", test->brokers[2].port);
    run_until(test, both_up);
    peers_knock(test->brokers[2].peers); /* nothing to say */
    peers_knock(test->brokers[1].peers);
    assert_true(peers_is_up(test->brokers[1].peers, 2));
}

/* Everybody has answered when who lets us in has said that it knows; of an older program, which
 * does not say so, when it lets us in. Who cannot be reached, or is about to dial us, has not. */
static bool two_is_up_with_one(struct test *test) {
    return peers_is_up(test->brokers[2].peers, 1);
}
static bool two_is_up_with_both(struct test *test) {
    return two_is_up_with_one(test) && peers_is_up(test->brokers[2].peers, LONG_WINDED);
}

static void test_peers_answered(void **state) {
    struct test *test = *state;
    open_broker(test, 1, 0);
    open_broker(test, 2, 0);
    struct peers *peers = test->brokers[2].peers;
    assert_true(peers_all_answered(peers)); /* nobody is to be */
    introduce(test, 1, 2);
    run_until(test, two_is_up_with_one);
    assert_false(peers_all_answered(peers));
    peers_answered(peers, 1);
    assert_true(peers_all_answered(peers));
    peers_add(peers, LONG_WINDED, "127.0.0.1", 1);
    peers_answered(peers, 77); /* nobody */
    assert_false(peers_all_answered(peers));
    open_broker(test, LONG_WINDED, 0);
    introduce(test, 2, LONG_WINDED);
    run_until(test, two_is_up_with_both);
    assert_true(peers_all_answered(peers));
    assert_int_equal(test->brokers[2].refusals, 0);
}

/* Bytes that are not a frame close that connection and nothing else. */
struct garbage {
    struct test *test;
    const void *bytes;
    size_t len;
    struct env_stream *stream;
    struct env_write write;
    bool ended;
    uint8_t room[256];
};
static struct garbage *garbage_now;
static size_t garbage_room(void *arg, void **into) {
    *into = ((struct garbage *)arg)->room;
    return sizeof((struct garbage *)arg)->room;
}
static void garbage_received(void *arg, size_t len) {
    (void)arg, (void)len;
}
static void garbage_ended(void *arg, int error) {
    (void)error;
    struct garbage *garbage = arg;
    env_stream_close(garbage->stream);
    garbage->ended = true;
}
static void garbage_written(struct env_write *write, int error) {
    (void)write, (void)error;
}
static void garbage_connected(void *arg, int error, struct env_stream *stream) {
    static const struct env_stream_events stream_events = {
        .room = garbage_room, .received = garbage_received, .ended = garbage_ended};
    struct garbage *garbage = arg;
    assert_int_equal(error, ERR_NONE);
    garbage->stream = stream;
    env_stream_attach(stream, &stream_events, garbage);
    env_stream_read(stream, true);
    garbage->write.done = garbage_written;
    struct env_iov iov = {garbage->bytes, garbage->len};
    env_stream_write(stream, &garbage->write, &iov, 1);
}
static bool garbage_is_over(struct test *test) {
    return (void)test, garbage_now->ended;
}

static void test_peers_garbage_on_the_port(void **state) {
    struct test *test = *state;
    open_broker(test, 1, 0);
    open_broker(test, 2, 0);
    introduce(test, 1, 2);
    run_until(test, both_up);
    static const uint8_t giant[] = {0x7F, 0xFF, 0xFF, 0xFF, 1, 0, 0, 0},
                         negative[] = {0xFF, 0xFF, 0xFF, 0xFB, 1};
    /* A frame that a friend may send, and which is too long for a hello: ended before it came. */
    static const uint8_t long_hello[] = {0, 4, 0, 1, PEER_KIND_HELLO, 0, 0, 0, 1, 2, 3, 4};
    static const uint8_t short_hello[] = {0, 0, 0, 8, PEER_KIND_HELLO, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t entries[] = {0, 0, 0, 12, PEER_KIND_ENTRIES, 1, 0, 0, 0, 0, 0, 0,
                                      4, 0, 0, 0};
    static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const struct {
        const void *bytes;
        size_t len;
    } all[] = {{request, sizeof request - 1},     {giant, sizeof giant},
               {negative, sizeof negative},       {long_hello, sizeof long_hello},
               {short_hello, sizeof short_hello}, {entries, sizeof entries}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct garbage garbage = {.test = test, .bytes = all[i].bytes, .len = all[i].len};
        uint64_t start_ms = env_now_ms(test->env);
        garbage_now = &garbage;
        env_connect(test->env, "127.0.0.1", test->brokers[2].port, 1000000, garbage_connected,
                    &garbage);
        run_until(test, garbage_is_over);
        assert_true(is_within_ms(env_now_ms(test->env) - start_ms,
                                 1500)); /* at once, not when the handshake is late */
    }
    assert_true(peers_is_up(test->brokers[1].peers, 2));
    assert_int_equal(test->brokers[2].downs, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_peers_connect_and_talk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_much_to_say, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_beside_busy_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_connect_beside_busy_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_pause_bulk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_dead_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_refused_then_welcome, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_stranger, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_knock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_garbage_on_the_port, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
