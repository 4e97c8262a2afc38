/* Streams, listeners and connecting of the libuv environment, over loopback. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/unit/base/fixture_loop.h"
#include "tests/unit/unit.h"

enum { ROOM = 256 * 1024, TIMEOUT_US = 5 * 1000 * 1000 };

/* One end of a connection, and all that it saw. */
struct end {
    struct env_stream *stream;
    uint8_t room[ROOM];
    uint8_t *bytes; /* all that arrived */
    size_t len;
    size_t stop_at; /* ends the loop when so many bytes are here; 0: never */
    int ended;      /* the error, or -1 */
    int hung_up;    /* so many times */
    bool stop_when_ended, stop_when_hung_up;
};

static struct pair {
    struct loop loop;
    struct env_listener *listener;
    int port;
    struct end server, client;
    int connect_error; /* -1 while it is under way */
    int connections;
    int writes_done, write_errors;
} pair; /* one test at a time */

static size_t room(void *arg, void **into) {
    struct end *end = arg;
    *into = end->room;
    return sizeof end->room;
}

static void received(void *arg, size_t len) {
    struct end *end = arg;
    end->bytes = mem_realloc(end->bytes, end->len + len);
    memcpy(end->bytes + end->len, end->room, len);
    end->len += len;
    if (end->stop_at > 0 && end->len >= end->stop_at) loop_done(&pair.loop);
}

static void ended(void *arg, int error) {
    struct end *end = arg;
    assert_int_equal(end->ended, -1); /* once */
    end->ended = error;
    if (end->stop_when_ended) loop_done(&pair.loop);
}

static void hung_up(void *arg) {
    struct end *end = arg;
    end->hung_up++;
    if (end->stop_when_hung_up) loop_done(&pair.loop);
}

static const struct env_stream_events events = {.room = room,
                                                .received = received,
                                                .ended = ended,
                                                .hung_up = hung_up};

static void done_if_both(void) {
    if (pair.server.stream != NULL && pair.client.stream != NULL) loop_done(&pair.loop);
}

static void accepted(void *arg, struct env_stream *stream) {
    assert_ptr_equal(arg, &pair);
    pair.connections++;
    if (pair.server.stream != NULL) {
        env_stream_close(stream);
        return;
    }
    pair.server.stream = stream;
    env_stream_attach(stream, &events, &pair.server);
    done_if_both();
}

static void connected(void *arg, int error, struct env_stream *stream) {
    assert_ptr_equal(arg, &pair);
    assert_int_equal(pair.connect_error, -1);
    assert_int_equal(error == ERR_NONE, stream != NULL);
    pair.connect_error = error;
    if (stream == NULL) {
        loop_done(&pair.loop);
        return;
    }
    pair.client.stream = stream;
    env_stream_attach(stream, &events, &pair.client);
    done_if_both();
}

static void open_pair(void) {
    memset(&pair, 0, sizeof pair);
    pair.connect_error = pair.server.ended = pair.client.ended = -1;
    loop_open(&pair.loop);
    assert_int_equal(
        env_listen(pair.loop.env, "127.0.0.1", 0, 16, accepted, &pair, &pair.listener, &pair.port),
        ERR_NONE);
    assert_true(pair.port > 0);
}

static void open_connected(const char *host) {
    open_pair();
    env_connect(pair.loop.env, host, pair.port, TIMEOUT_US, connected, &pair);
    loop_run(&pair.loop);
    assert_int_equal(pair.connect_error, ERR_NONE);
}

static void close_end(struct end *end) {
    if (end->stream != NULL) env_stream_close(end->stream);
    end->stream = NULL;
    mem_free(end->bytes);
    end->bytes = NULL;
}

static void close_pair(void) {
    close_end(&pair.server);
    close_end(&pair.client);
    env_listener_close(pair.listener);
    loop_close(&pair.loop);
}

struct piece {
    struct env_write write; /* first */
    bool inside;            /* while env_stream_write runs */
};

static void wrote(struct env_write *write, int error) {
    struct piece *piece = (struct piece *)write;
    assert_false(piece->inside);
    pair.writes_done++;
    if (error != ERR_NONE) pair.write_errors++;
    mem_free(piece);
}

static void write_bytes(struct end *end, const void *bytes, size_t len) {
    struct piece *piece = mem_zalloc(sizeof *piece);
    struct env_iov part = {bytes, len};
    piece->write.done = wrote;
    piece->inside = true;
    env_stream_write(end->stream, &piece->write, &part, 1);
    piece->inside = false;
}

/* Small and large writes, more than the kernel takes at once, arrive whole and in order, each
 * reported once. */
static void test_stream_large_and_small_writes(void **state) {
    (void)state;
    enum { LARGE = 20 * 1000 * 1000, SMALL = 1000 };
    open_connected("127.0.0.1");
    uint8_t *bytes = mem_alloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (uint8_t)(i * 13 + i / 251);
    write_bytes(&pair.client, bytes, 0);
    for (size_t at = 0; at < SMALL; at++)
        write_bytes(&pair.client, bytes + at, 1);
    write_bytes(&pair.client, bytes + SMALL, LARGE / 2);
    write_bytes(&pair.client, bytes + SMALL + LARGE / 2, LARGE - SMALL - LARGE / 2);
    assert_int_equal(pair.writes_done, 0);
    pair.server.stop_at = LARGE;
    env_stream_read(pair.server.stream, true);
    loop_run(&pair.loop);
    assert_int_equal(pair.server.len, LARGE);
    assert_memory_equal(pair.server.bytes, bytes, LARGE);
    close_pair();
    assert_int_equal(pair.writes_done, SMALL + 3);
    assert_int_equal(pair.write_errors, 0);
    mem_free(bytes);
}

/* A write of the most pieces allowed, of which the kernel takes only a part at once, arrives in
 * order. */
static void test_stream_write_of_many_pieces(void **state) {
    (void)state;
    enum { PIECE = 40 * 1000 };
    open_connected("127.0.0.1");
    uint8_t *bytes = mem_alloc((size_t)ENV_WRITE_IOV * PIECE);
    struct env_iov parts[ENV_WRITE_IOV];
    for (size_t i = 0; i < ENV_WRITE_IOV; i++) {
        memset(bytes + i * PIECE, (int)i, PIECE);
        parts[i] = (struct env_iov){bytes + i * PIECE, PIECE};
    }
    struct piece *piece = mem_zalloc(sizeof *piece);
    piece->write.done = wrote;
    env_stream_write(pair.client.stream, &piece->write, parts, ENV_WRITE_IOV);
    memset(parts, 0, sizeof parts); /* the array may go away, the bytes stay */
    pair.server.stop_at = (size_t)ENV_WRITE_IOV * PIECE;
    env_stream_read(pair.server.stream, true);
    loop_run(&pair.loop);
    assert_memory_equal(pair.server.bytes, bytes, pair.server.stop_at);
    close_pair();
    mem_free(bytes);
}

/* The other side closes: ERR_EOF, once; what was on its way before is still delivered. */
static void test_stream_end_of_file(void **state) {
    (void)state;
    open_connected("127.0.0.1");
    write_bytes(&pair.client, "last words", 10);
    close_end(&pair.client);
    pair.server.stop_when_ended = true;
    env_stream_read(pair.server.stream, true);
    loop_run(&pair.loop);
    assert_int_equal(pair.server.ended, ERR_EOF);
    assert_int_equal(pair.server.len, 10);
    env_stream_read(pair.server.stream, false);
    env_stream_read(pair.server.stream, true); /* nothing comes any more */
    close_pair();
    assert_int_equal(pair.writes_done, 1);
}

/* Writes that are under way when the stream is closed are reported as canceled. */
static void test_stream_close_cancels_writes(void **state) {
    (void)state;
    enum { LEN = 30 * 1000 * 1000 };
    open_connected("127.0.0.1");
    uint8_t *bytes = mem_zalloc(LEN);
    write_bytes(&pair.client, bytes, LEN);
    write_bytes(&pair.client, bytes, 1);
    close_pair(); /* the server never read */
    assert_int_equal(pair.writes_done, 2);
    assert_int_equal(pair.write_errors, 2);
    mem_free(bytes);
}

static void write_again(void *arg) {
    (void)arg;
    write_bytes(&pair.client, "x", 1);
}

/* Nobody reads, and the other side resets the connection: the owner hears of it by its writes. */
static void test_stream_broken_without_reading(void **state) {
    (void)state;
    open_connected("127.0.0.1");
    write_bytes(&pair.client, "unread bytes make the close a reset", 35);
    close_end(&pair.server);
    pair.client.stop_when_ended = true;
    struct env_timer *timers[10];
    for (int i = 0; i < 10; i++) { /* the first may still be taken by the kernel */
        timers[i] = env_timer_new(pair.loop.env, write_again, NULL);
        env_timer_start(timers[i], (uint64_t)i * 1000);
    }
    loop_run(&pair.loop);
    for (int i = 0; i < 10; i++)
        env_timer_free(timers[i]);
    assert_int_equal(pair.client.ended, ERR_CONNECTION);
    write_bytes(&pair.client, "more", 4); /* fails at once, and is reported */
    int errors = pair.write_errors;
    close_pair();
    assert_true(pair.write_errors > errors);
}

/* Nobody reads: an orderly end is told at once all the same, and what came before it is still there
 * to be read. */
static void test_stream_hang_up_without_reading(void **state) {
    (void)state;
    open_connected("127.0.0.1");
    env_stream_read(pair.server.stream, true);
    env_stream_read(pair.server.stream, false);
    write_bytes(&pair.client, "abc", 3);
    close_end(&pair.client);
    pair.server.stop_when_hung_up = pair.server.stop_when_ended = true;
    loop_run(&pair.loop);
    assert_int_equal(pair.server.hung_up, 1);
    assert_int_equal(pair.server.ended, -1);
    assert_int_equal(pair.server.len, 0);
    env_stream_read(pair.server.stream, true);
    loop_run(&pair.loop);
    assert_int_equal(pair.server.len, 3);
    assert_int_equal(pair.server.ended, ERR_EOF);
    assert_int_equal(pair.server.hung_up, 1);
    close_pair();
}

/* Nobody reads or writes, and the other side resets the connection: that is the end. */
static void test_stream_reset_without_reading(void **state) {
    (void)state;
    open_connected("127.0.0.1");
    write_bytes(&pair.server, "unread bytes make the close a reset", 35);
    struct env_timer *soon = env_timer_new(pair.loop.env, (void (*)(void *))loop_done, &pair.loop);
    env_timer_start(soon, 5 * 1000);
    loop_run(&pair.loop);
    env_timer_free(soon);
    close_end(&pair.client);
    pair.server.stop_when_ended = true;
    loop_run(&pair.loop);
    assert_int_equal(pair.server.ended, ERR_CONNECTION);
    close_pair();
}

/* Bytes wait in the kernel while nobody reads; reading on gets all of them. */
static void test_stream_paused_reading(void **state) {
    (void)state;
    open_connected("127.0.0.1");
    env_stream_read(pair.server.stream, true);
    env_stream_read(pair.server.stream, false);
    write_bytes(&pair.client, "abc", 3);
    struct env_timer *soon = env_timer_new(pair.loop.env, (void (*)(void *))loop_done, &pair.loop);
    env_timer_start(soon, 20 * 1000);
    loop_run(&pair.loop);
    env_timer_free(soon);
    assert_int_equal(pair.server.len, 0);
    pair.server.stop_at = 3;
    env_stream_read(pair.server.stream, true);
    loop_run(&pair.loop);
    assert_memory_equal(pair.server.bytes, "abc", 3);
    close_pair();
}

/* The text of a peer is its address and port. */
static void test_stream_peer(void **state) {
    (void)state;
    open_connected("127.0.0.1");
    char text[64], expected[64];
    env_stream_peer(pair.client.stream, text);
    snprintf(expected, sizeof expected, "127.0.0.1:%d", pair.port);
    assert_string_equal(text, expected);
    close_pair();
}

/* "localhost", "::1" and "::" work for listening and connecting. */
static void test_names_and_ipv6(void **state) {
    (void)state;
    static const char *const hosts[][2] = {{"localhost", "localhost"},
                                           {"localhost", "127.0.0.1"},
                                           {"::1", "::1"},
                                           {"::", "::1"},
                                           {"0.0.0.0", "127.0.0.1"}};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        open_pair();
        env_listener_close(pair.listener);
        int error = env_listen(pair.loop.env, hosts[i][0], 0, 16, accepted, &pair, &pair.listener,
                               &pair.port);
        if (error != ERR_NONE && strchr(hosts[i][0], ':') != NULL) { /* a machine without IPv6 */
            pair.listener = NULL;
            close_pair();
            continue;
        }
        assert_int_equal(error, ERR_NONE);
        env_connect(pair.loop.env, hosts[i][1], pair.port, TIMEOUT_US, connected, &pair);
        loop_run(&pair.loop);
        assert_int_equal(pair.connect_error, ERR_NONE);
        if (strcmp(hosts[i][1], "::1") == 0) {
            char text[64];
            env_stream_peer(pair.client.stream, text);
            assert_int_equal(strncmp(text, "[::1]:", 6), 0);
        }
        close_pair();
    }
}

/* A port that is taken is ERR_BUSY, and free again as soon as its listener is closed. */
static void test_listen_port_taken(void **state) {
    (void)state;
    open_connected("127.0.0.1");
    struct env_listener *second;
    int port;
    assert_int_equal(
        env_listen(pair.loop.env, "127.0.0.1", pair.port, 16, accepted, &pair, &second, &port),
        ERR_BUSY);
    assert_int_equal(
        env_listen(pair.loop.env, "no-such-host.invalid", 0, 16, accepted, &pair, &second, &port),
        ERR_NAME);
    env_listener_close(pair.listener);
    close_end(&pair.server); /* leaves a connection in TIME_WAIT on that port */
    assert_int_equal(env_listen(pair.loop.env, "127.0.0.1", pair.port, 16, accepted, &pair,
                                &pair.listener, &port),
                     ERR_NONE);
    assert_int_equal(port, pair.port);
    close_pair();
}

/* Nobody listens: ERR_REFUSED, by address and by name. A name that does not exist: ERR_NAME. */
static void test_connect_refused_and_unknown(void **state) {
    (void)state;
    static char long_name[2000];
    memset(long_name, 'x', sizeof long_name - 1);
    const char *const hosts[] = {"127.0.0.1", "localhost", "no-such-host.invalid", long_name};
    const int errors[] = {ERR_REFUSED, ERR_REFUSED, ERR_NAME, ERR_NAME};
    open_pair();
    env_listener_close(pair.listener);
    pair.listener = NULL;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        pair.connect_error = -1;
        env_connect(pair.loop.env, hosts[i], pair.port, TIMEOUT_US, connected, &pair);
        loop_run(&pair.loop);
        assert_int_equal(pair.connect_error, errors[i]);
    }
    close_pair();
}

/* A host that does not answer (its queue of connections is full): ERR_TIMEOUT when the time is
 * over, not before. */
static void test_connect_timeout(void **state) {
    (void)state;
    enum { FULL = 4 };
    open_pair();
    int silent = socket(AF_INET, SOCK_STREAM, 0), others[FULL];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    assert_int_equal(bind(silent, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(silent, 0), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&address, &len), 0);
    for (int i = 0; i < FULL; i++) {
        others[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(others[i], (struct sockaddr *)&address, len);
    }
    const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (int i = 0; i < 2; i++) {
        uint64_t begun_us = env_now_us(pair.loop.env);
        pair.connect_error = -1;
        env_connect(pair.loop.env, hosts[i], ntohs(address.sin_port), 30 * 1000, connected, &pair);
        loop_run(&pair.loop);
        assert_int_equal(pair.connect_error, ERR_TIMEOUT);
        assert_true(env_now_us(pair.loop.env) - begun_us >= 30 * 1000);
    }
    for (int i = 0; i < FULL; i++)
        close(others[i]);
    close(silent);
    close_pair();
}

/* After a cancel nothing is called, at whatever point it comes. */
static void test_connect_cancel(void **state) {
    (void)state;
    const char *const hosts[] = {"127.0.0.1", "localhost"};
    for (int i = 0; i < 4; i++) {
        open_pair();
        struct env_connect *connect = env_connect(pair.loop.env, hosts[i % 2], pair.port,
                                                  TIMEOUT_US, connected, &pair);
        struct env_timer *soon = env_timer_new(pair.loop.env, (void (*)(void *))loop_done,
                                               &pair.loop);
        if (i >= 2) { /* one turn further: resolving or connecting */
            env_timer_start(soon, 0);
            loop_run(&pair.loop);
        }
        if (pair.connect_error == -1) env_connect_cancel(connect);
        env_timer_start(soon, 20 * 1000);
        loop_run(&pair.loop);
        env_timer_free(soon);
        assert_true(pair.client.stream == NULL || i >= 2);
        close_pair();
    }
}

/* A paused listener accepts nothing; connections are there when it goes on. */
static void test_listener_pause(void **state) {
    (void)state;
    open_pair();
    env_listener_pause(pair.listener, true);
    env_connect(pair.loop.env, "127.0.0.1", pair.port, TIMEOUT_US, connected, &pair);
    struct env_timer *soon = env_timer_new(pair.loop.env, (void (*)(void *))loop_done, &pair.loop);
    env_timer_start(soon, 50 * 1000);
    loop_run(&pair.loop);
    assert_int_equal(pair.connect_error, ERR_NONE); /* the kernel did that */
    assert_int_equal(pair.connections, 0);
    env_listener_pause(pair.listener, false);
    assert_int_equal(pair.connections, 0); /* not inside the call */
    loop_run(&pair.loop);
    assert_int_equal(pair.connections, 1);
    env_timer_free(soon);
    close_pair();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stream_large_and_small_writes),
        cmocka_unit_test(test_stream_write_of_many_pieces),
        cmocka_unit_test(test_stream_end_of_file),
        cmocka_unit_test(test_stream_close_cancels_writes),
        cmocka_unit_test(test_stream_broken_without_reading),
        cmocka_unit_test(test_stream_hang_up_without_reading),
        cmocka_unit_test(test_stream_reset_without_reading),
        cmocka_unit_test(test_stream_paused_reading),
        cmocka_unit_test(test_stream_peer),
        cmocka_unit_test(test_names_and_ipv6),
        cmocka_unit_test(test_listen_port_taken),
        cmocka_unit_test(test_connect_refused_and_unknown),
        cmocka_unit_test(test_connect_timeout),
        cmocka_unit_test(test_connect_cancel),
        cmocka_unit_test(test_listener_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
