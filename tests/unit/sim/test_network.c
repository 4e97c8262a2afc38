/* The simulated network: streams that live lose nothing, and every way to break them. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/env/env_sim.h"
#include "tests/sim/env/network.h"
#include "tests/unit/unit.h"

enum { TOTAL = 200000, PIECE = 5000 };

/* Two machines: the first sends a pattern, the second receives. */
struct fixture {
    struct world *world;
    struct node *nodes[3];
    struct env_stream *sender, *receiver;
    struct env_listener *listener;
    struct env_write write;
    uint8_t data[PIECE], into[3000];
    size_t sent, received;
    int write_error, ended_error, sender_ended_error, connect_error;
    int hung_up; /* so many times */
    bool hold;   /* the receiver does not read */
    bool wrong;
    uint64_t timeout_us;
};

static struct fixture f;
static const struct node_events events = {0};

static int setup(void **state) {
    (void)state;
    memset(&f, 0, sizeof f);
    f.world = world_new(5, false);
    f.write_error = f.ended_error = f.sender_ended_error = f.connect_error = -1;
    f.timeout_us = 3000000;
    network_new(f.world);
    for (int i = 1; i < 3; i++) {
        f.nodes[i] = node_new(f.world, i, 0, &events, NULL);
        network_add(world_network(f.world), f.nodes[i]);
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (int i = 1; i < 3; i++) {
        if (f.nodes[i]->env != NULL && f.nodes[i]->env->guarded)
            return 0; /* an assertion failed inside a callback */
        node_exit(f.nodes[i]);
    }
    network_free(world_network(f.world));
    for (int i = 1; i < 3; i++)
        node_free(f.nodes[i]);
    world_free(f.world);
    return 0;
}

static uint8_t pattern(size_t at) {
    return (uint8_t)(at * 31 + at / 251);
}

/* ---- The receiver ---- */

static size_t room(void *arg, void **into) {
    (void)arg;
    *into = f.into;
    return sizeof f.into;
}

static void received(void *arg, size_t len) {
    (void)arg;
    for (size_t i = 0; i < len; i++)
        f.wrong = f.wrong || f.into[i] != pattern(f.received + i);
    f.received += len;
}

static void receiver_ended(void *arg, int error) {
    (void)arg;
    f.ended_error = error;
    env_stream_close(f.receiver);
}

static void receiver_hung_up(void *arg) {
    (void)arg;
    f.hung_up++;
}

static const struct env_stream_events receiver_events = {.room = room,
                                                         .received = received,
                                                         .ended = receiver_ended,
                                                         .hung_up = receiver_hung_up};

static void accepted(void *arg, struct env_stream *stream) {
    (void)arg;
    f.receiver = stream;
    env_stream_attach(stream, &receiver_events, NULL);
    if (!f.hold) env_stream_read(stream, true);
}

static void main_receiver(struct env *env, void *arg) {
    (void)arg;
    int port;
    assert_int_equal(env_listen(env, "0.0.0.0", 9092, 16, accepted, NULL, &f.listener, &port),
                     ERR_NONE);
    assert_int_equal(port, 9092);
    assert_int_equal(env_listen(env, "n2", 9092, 16, accepted, NULL, &f.listener, &port), ERR_BUSY);
}

/* ---- The sender ---- */

static void send_next(void);

static void written(struct env_write *write, int error) {
    (void)write;
    f.write_error = error;
    memset(f.data, 0xee, sizeof f.data); /* the bytes are ours again, as base/env.h says */
    if (error == ERR_NONE && f.sent < TOTAL) send_next();
}

static void send_next(void) {
    for (size_t i = 0; i < PIECE; i++)
        f.data[i] = pattern(f.sent + i);
    f.sent += PIECE;
    f.write.done = written;
    struct env_iov iov[3] = {{f.data, 1}, {f.data + 1, 0}, {f.data + 1, PIECE - 1}};
    env_stream_write(f.sender, &f.write, iov, 3);
}

static void sender_ended(void *arg, int error) {
    (void)arg;
    f.sender_ended_error = error;
}

static const struct env_stream_events sender_events = {.room = room,
                                                       .received = received,
                                                       .ended = sender_ended};

static void connected(void *arg, int error, struct env_stream *stream) {
    (void)arg;
    f.connect_error = error;
    f.sender = stream;
    if (error != ERR_NONE) return;
    env_stream_attach(stream, &sender_events, NULL);
    send_next();
}

static void main_sender(struct env *env, void *arg) {
    (void)arg;
    env_connect(env, "10.0.0.2", 9092, f.timeout_us, connected, NULL);
}

static void start_both(void) {
    node_start(f.nodes[2], main_receiver, NULL);
    node_start(f.nodes[1], main_sender, NULL);
}

static void run_ms(uint64_t ms) {
    world_run_until(f.world, world_now_us(f.world) + ms * 1000);
}

static void close_sender(struct env *env, void *arg) {
    (void)env;
    (void)arg;
    env_stream_close(f.sender);
}

/* ---- Tests ---- */

/* All bytes come, in order and unchanged, whatever the pieces, then the end. */
static void test_network_stream_whole(void **state) {
    (void)state;
    network_set_capacity(world_network(f.world), 700);
    start_both();
    run_ms(60000);
    assert_int_equal(f.received, TOTAL);
    assert_false(f.wrong);
    assert_int_equal(f.ended_error, -1);
    node_call(f.nodes[1], close_sender, NULL);
    run_ms(1000);
    assert_int_equal(f.ended_error, ERR_EOF);
}

/* A receiver that does not read stops the sender when the pipe is full, and nothing is lost by it.
 */
static void test_network_back_pressure(void **state) {
    (void)state;
    f.hold = true;
    start_both();
    run_ms(1000);
    assert_in_range(f.sent, 65536, 65536 + PIECE);
    assert_int_equal(f.received, 0);
    env_stream_read(f.receiver, true);
    run_ms(1000);
    assert_int_equal(f.received, TOTAL);
    assert_false(f.wrong);
}

/* A receiver that does not read hears of the end at once, and still gets what came before it; of a
 * reset it hears as the end. */
static void test_network_hang_up_without_reading(void **state) {
    f.hold = true;
    start_both();
    run_ms(1000);
    node_call(f.nodes[1], close_sender, NULL);
    run_ms(1000);
    assert_int_equal(f.hung_up, 1);
    assert_int_equal(f.ended_error, -1);
    env_stream_read(f.receiver, true);
    run_ms(1000);
    assert_true(f.received >= 65536);
    assert_int_equal(f.ended_error, ERR_EOF);
    assert_int_equal(f.hung_up, 1);
    teardown(state);
    setup(state);
    f.hold = true;
    start_both();
    run_ms(1000);
    network_reset(world_network(f.world), 1, 2);
    run_ms(1000);
    assert_int_equal(f.received, 0);
    assert_int_equal(f.ended_error, ERR_CONNECTION);
}

/* A blocked link stalls a stream; after healing everything arrives. */
static void test_network_block_and_heal(void **state) {
    (void)state;
    network_set_capacity(world_network(f.world), 5000);
    start_both();
    run_ms(2);
    network_block(world_network(f.world), 1, 2, true);
    run_ms(1);
    size_t before = f.received;
    assert_in_range(before, 1, TOTAL - 1);
    run_ms(5000);
    assert_int_equal(f.received, before);
    network_heal_all(world_network(f.world));
    run_ms(5000);
    assert_int_equal(f.received, TOTAL);
    assert_false(f.wrong);
}

/* When only the way back is blocked, what fits into the pipe arrives, and no more. */
static void test_network_one_way_block(void **state) {
    (void)state;
    network_set_capacity(world_network(f.world), 5000);
    start_both();
    run_ms(2);
    network_block(world_network(f.world), 2, 1, true);
    size_t before = f.received;
    run_ms(5000);
    assert_in_range(f.received, before + 1, before + 5000);
    network_heal_all(world_network(f.world));
    run_ms(5000);
    assert_int_equal(f.received, TOTAL);
}

/* A reset ends both sides with an error; what came before it is an exact prefix. */
static void test_network_reset(void **state) {
    (void)state;
    start_both();
    run_ms(2);
    assert_int_equal(network_reset(world_network(f.world), 2, 0), 1);
    run_ms(1000);
    assert_int_equal(f.ended_error, ERR_CONNECTION);
    assert_int_equal(f.sender_ended_error, ERR_CONNECTION);
    assert_int_equal(f.write_error, ERR_CONNECTION);
    assert_true(f.received < TOTAL);
    assert_false(f.wrong);
}

/* What was on the way is cut at any byte, and nothing that is sent behind the hole arrives, however
 * late the sender hears of it. */
static void test_network_reset_leaves_no_hole(void **state) {
    for (int i = 0; i < 100; i++) {
        teardown(state);
        setup(state);
        for (int n = 0; n < i; n++)
            world_random(f.world);
        network_set_slow(world_network(f.world), 2, 1, 20000);
        network_set_capacity(world_network(f.world), 1 << 20);
        start_both();
        world_run_until(f.world, world_now_us(f.world) + 20400); /* a part of it is sent */
        node_pause(f.nodes[2], 10000); /* it looks only when more has come */
        assert_int_equal(network_reset(world_network(f.world), 1, 2), 1);
        run_ms(1000);
        assert_int_equal(f.ended_error, ERR_CONNECTION);
        assert_false(f.wrong);
    }
}

/* Nobody listens: refused at once. Nobody answers: the time is over. No such name. The dead refuse,
 * the dark are silent. */
static void test_network_connect_errors(void **state) {
    (void)state;
    node_start(f.nodes[1], main_sender, NULL);
    run_ms(100);
    assert_int_equal(f.connect_error, ERR_REFUSED);
    node_exit(f.nodes[1]);
    f.connect_error = -1;
    node_power_cut(f.nodes[2]);
    node_start(f.nodes[1], main_sender, NULL);
    run_ms(2900);
    assert_int_equal(f.connect_error, -1);
    run_ms(200);
    assert_int_equal(f.connect_error, ERR_TIMEOUT);
}

/* A killed process leaves a prefix and an end; one that loses power leaves silence, and a reset
 * when it is back. */
static void test_network_death_of_the_sender(void **state) {
    (void)state;
    start_both();
    run_ms(2);
    node_kill(f.nodes[1]);
    run_ms(1000);
    assert_true(f.ended_error == ERR_EOF || f.ended_error == ERR_CONNECTION);
    assert_true(f.received > 0 && f.received < TOTAL);
    assert_false(f.wrong);
    node_start(f.nodes[1], main_sender, NULL);
    f.sent = f.received = 0;
    f.ended_error = -1;
    run_ms(2);
    node_power_cut(f.nodes[1]);
    run_ms(10000);
    assert_int_equal(f.ended_error, -1);
    assert_true(f.received > 0 && f.received < TOTAL);
    assert_false(f.wrong);
    node_power_on(f.nodes[1]);
    run_ms(1000);
    assert_int_equal(f.ended_error, ERR_CONNECTION);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_network_stream_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_network_back_pressure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_network_hang_up_without_reading, setup, teardown),
        cmocka_unit_test_setup_teardown(test_network_block_and_heal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_network_one_way_block, setup, teardown),
        cmocka_unit_test_setup_teardown(test_network_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(test_network_reset_leaves_no_hole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_network_connect_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_network_death_of_the_sender, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
