/* Streams of clients (env_stream_set_patient) of the libuv environment, over loopback. */
#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/base/fixture_loop.h"
#include "tests/unit/unit.h"

/* ---- Many at once ---- */

enum { CROWD = 20 };

static struct crowd {
    struct loop loop;
    struct member {
        struct env_stream *stream;
        int turn; /* in which its byte was read; -1: not yet */
        uint8_t room[16];
    } members[CROWD];
    int count, heard, closed, turn;
    struct env_task next_turn;
} crowd;

static size_t crowd_room(void *arg, void **into) {
    struct member *member = arg;
    *into = member->room;
    return sizeof member->room;
}

static void crowd_turn_ends(struct env_task *task) {
    (void)task;
    crowd.turn++;
}

/* Closes one that waits for its turn. */
static void close_one_that_waits(void) {
    struct member *last = &crowd.members[CROWD - 1];
    while (last->turn >= 0)
        last--;
    env_stream_close(last->stream);
    last->stream = NULL;
    crowd.closed++;
}

static void crowd_received(void *arg, size_t len) {
    struct member *member = arg;
    assert_int_equal(len, 1);
    member->turn = crowd.turn;
    env_defer(crowd.loop.env, &crowd.next_turn);
    while (!env_turn_is_long(crowd.loop.env)) {}
    if (++crowd.heard == 2) close_one_that_waits();
    if (crowd.heard + crowd.closed == CROWD) loop_done(&crowd.loop);
}

static void crowd_ended(void *arg, int error) {
    (void)arg;
    fail_msg("a stream ended with %d", error);
}

static const struct env_stream_events crowd_events = {crowd_room, crowd_received, crowd_ended,
                                                      NULL};

static void crowd_accepted(void *arg, struct env_stream *stream) {
    struct member *member = &crowd.members[crowd.count++];
    (void)arg;
    member->stream = stream;
    env_stream_attach(stream, &crowd_events, member);
    env_stream_set_patient(stream);
    if (crowd.count < CROWD) return;
    for (int i = 0; i < CROWD; i++)
        env_stream_read(crowd.members[i].stream, true);
}

/* Of many patient streams that all have bytes, one that takes long keeps the others waiting for a
 * later turn, and none is forgotten. */
static void test_stream_patient(void **state) {
    (void)state;
    struct env_listener *listener;
    int port, clients[CROWD];
    memset(&crowd, 0, sizeof crowd);
    crowd.next_turn.run = crowd_turn_ends;
    loop_open(&crowd.loop);
    assert_int_equal(
        env_listen(crowd.loop.env, "127.0.0.1", 0, CROWD, crowd_accepted, NULL, &listener, &port),
        ERR_NONE);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (int i = 0; i < CROWD; i++) {
        crowd.members[i].turn = -1;
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(clients[i], (struct sockaddr *)&to, sizeof to), 0);
        assert_int_equal(send(clients[i], "x", 1, 0), 1);
    }
    loop_run(&crowd.loop);
    assert_int_equal(crowd.closed, 1);
    bool seen[CROWD + 1] = {false};
    for (int i = 0; i < CROWD; i++) {
        close(clients[i]);
        if (crowd.members[i].stream == NULL) continue;
        assert_in_range(crowd.members[i].turn, 0, CROWD);
        assert_false(seen[crowd.members[i].turn]);
        seen[crowd.members[i].turn] = true;
        env_stream_close(crowd.members[i].stream);
    }
    env_listener_close(listener);
    loop_close(&crowd.loop);
}

/* ---- Acknowledging ---- */

enum { ROUNDS = 50, DELAYED_ACK_MS = 40 };

struct gatherer {
    int port;
    uint64_t took_us;
};

/* What is sent second stays here until what was sent first is acknowledged. */
static void *send_small(void *arg) {
    struct gatherer *gatherer = arg;
    struct timespec from, to;
    char answer;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)gatherer->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(send(client, "a", 1, 0), 1);
        assert_int_equal(send(client, "b", 1, 0), 1);
        assert_int_equal(recv(client, &answer, 1, 0), 1);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    gatherer->took_us = (uint64_t)((to.tv_sec - from.tv_sec) * 1000000 +
                                   (to.tv_nsec - from.tv_nsec) / 1000);
    close(client);
    return NULL;
}

static struct {
    struct loop loop;
    struct env_listener *listener;
    struct env_stream *stream;
    uint8_t room[16];
    struct env_write answers[ROUNDS];
    size_t heard, answered;
} served;

static size_t small_room(void *arg, void **into) {
    (void)arg;
    *into = served.room;
    return sizeof served.room;
}

static void small_ended(void *arg, int error) {
    (void)arg;
    assert_int_equal(error, ERR_EOF);
    loop_done(&served.loop);
}

static void answer_written(struct env_write *write, int error) {
    (void)write;
    assert_int_equal(error, ERR_NONE);
}

static void small_received(void *arg, size_t len) {
    (void)arg;
    served.heard += len;
    if (served.heard < 2 * (served.answered + 1)) return;
    struct env_iov iov = {"!", 1};
    struct env_write *answer = &served.answers[served.answered++];
    answer->done = answer_written;
    env_stream_write(served.stream, answer, &iov, 1);
}

static void small_accepted(void *arg, struct env_stream *stream) {
    static const struct env_stream_events small_events = {small_room, small_received, small_ended,
                                                          NULL};
    (void)arg;
    served.stream = stream;
    env_stream_attach(stream, &small_events, NULL);
    env_stream_set_patient(stream);
    env_stream_read(stream, true);
}

/* A client that gathers does not wait for what its first request waits for. */
static void test_stream_acknowledges_at_once(void **state) {
    (void)state;
    struct gatherer gatherer;
    pthread_t client;
    memset(&served, 0, sizeof served);
    loop_open(&served.loop);
    assert_int_equal(env_listen(served.loop.env, "127.0.0.1", 0, 16, small_accepted, NULL,
                                &served.listener, &gatherer.port),
                     ERR_NONE);
    assert_int_equal(pthread_create(&client, NULL, send_small, &gatherer), 0);
    loop_run(&served.loop);
    pthread_join(client, NULL);
    assert_int_equal(served.answered, ROUNDS);
    assert_true(gatherer.took_us < ROUNDS * DELAYED_ACK_MS * UINT64_C(1000) / 2);
    env_stream_close(served.stream);
    env_listener_close(served.listener);
    loop_close(&served.loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_patient),
        cmocka_unit_test(test_stream_acknowledges_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
