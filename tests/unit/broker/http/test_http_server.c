/* The server on a thread of its own, and clients on plain sockets. */

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/env_uv/env_uv.h"
#include "base/mem.h"
#include "broker/http/http_server.h"
#include "tests/unit/unit.h"

enum {
    CONNECTIONS = 4,
    SHORT_MS = 200,
    LARGE = 32 << 20,
    MUCH = 8 << 20,
    BODIES = 10000,
    HUGE_BODY = LARGE + 8192,
    CLIENT_LIMIT_S = 20
};

struct world {
    struct env_uv_thread *thread;
    struct http_server *server;
    int port;
    uint32_t answer_ms;
};

static bool asks(const struct http_request *request, const char *path) {
    return request->path_len == strlen(path) && memcmp(request->path, path, request->path_len) == 0;
}

/* Answers with the body of a POST. */
static void echo(struct http_exchange *exchange) {
    const struct http_request *request = http_exchange_request(exchange);
    http_respond(exchange, "body", 200, "text/plain",
                 slice_copy(NULL, request->body, request->body_len));
}

/* Answers with the path; /large and /much with much, /huge with more than may be; /never never. */
static void handle(void *arg, struct http_exchange *exchange) {
    (void)arg;
    const struct http_request *request = http_exchange_request(exchange);
    size_t len = asks(request, "/large")  ? LARGE
                 : asks(request, "/much") ? MUCH
                 : asks(request, "/huge") ? HUGE_BODY
                                          : 0;
    if (asks(request, "/never")) return;
    if (request->post) {
        echo(exchange);
        return;
    }
    struct slice body = len > 0 ? slice_adopt(NULL, mem_zalloc(len), len)
                                : slice_copy(NULL, request->path, request->path_len);
    http_respond(exchange, "path", 200, "text/plain", body);
}

static int takes(void *arg, const struct http_request *request, const char **text) {
    (void)arg;
    *text = "not here\n";
    return asks(request, "/form") ? 0 : 404;
}

static void gone(void *arg, struct http_exchange *exchange) {
    (void)arg;
    (void)exchange;
}

static void answered(void *arg, const char *tag, int status) {
    (void)arg;
    (void)tag;
    (void)status;
}

static int begin(void *arg, struct env *env) {
    struct world *world = arg;
    struct http_server_options options = {.host = "127.0.0.1",
                                          .connections = CONNECTIONS,
                                          .head_ms = SHORT_MS,
                                          .answer_ms = world->answer_ms,
                                          .silent_ms = 60000,
                                          .unread_bytes = LARGE + 4096,
                                          .body_bytes = BODIES,
                                          .takes = takes,
                                          .handle = handle,
                                          .gone = gone,
                                          .answered = answered};
    int error = http_server_open(env, &options, &world->server);
    if (error == ERR_NONE) world->port = http_server_port(world->server);
    return error;
}

static void end(void *arg) {
    struct world *world = arg;
    http_server_close(world->server);
}

static int setup_with(void **state, uint32_t answer_ms) {
    struct world *world = mem_zalloc(sizeof *world);
    world->answer_ms = answer_ms;
    struct env_uv_thread_work work = {begin, end, world};
    assert_int_equal(env_uv_thread_start("http", 2, &work, &world->thread), ERR_NONE);
    *state = world;
    return 0;
}

static int setup(void **state) {
    return setup_with(state, 60000);
}

static int setup_hasty(void **state) {
    return setup_with(state, SHORT_MS);
}

static int teardown(void **state) {
    struct world *world = *state;
    assert_true(env_uv_thread_end(world->thread));
    mem_free(world);
    return 0;
}

static int dial(const struct world *world) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)world->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = CLIENT_LIMIT_S};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void say(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads until `end` is there, or the other side has closed; false then. */
static bool hear(int fd, char *into, size_t room, const char *end) {
    size_t len = 0;
    into[0] = '\0';
    while (len + 1 < room) {
        ssize_t got = recv(fd, into + len, room - 1 - len, 0);
        if (got <= 0) return false;
        len += (size_t)got;
        into[len] = '\0';
        if (strstr(into, end) != NULL) return true;
    }
    return false;
}

/* Requests that come at once are answered one after the other, in pieces, too. */
static void test_http_server_pipelined(void **state) {
    struct world *world = *state;
    char text[4096];
    int fd = dial(world);
    say(fd, "GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHo");
    assert_true(hear(fd, text, sizeof text, "\r\n\r\n/one"));
    say(fd, "st: x\r\n\r\nHEAD /three HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_true(hear(fd, text, sizeof text, "Content-Length: 6\r\n"));
    const char *two = strstr(text, "\r\n\r\n/two"), *three = strstr(text, "Content-Length: 6");
    assert_true(two != NULL && two < three);
    if (strstr(three, "\r\n\r\n") == NULL) hear(fd, text, sizeof text, "\r\n\r\n");
    assert_null(strstr(text, "/three"));
    close(fd);
}

/* Who wants no more is closed at once behind the answer. */
static void test_http_server_closes(void **state) {
    struct world *world = *state;
    char text[4096];
    int fd = dial(world);
    struct timeval limit = {.tv_sec = 1}; /* a refused one is listened to for longer */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    say(fd, "GET /one HTTP/1.0\r\n\r\n");
    assert_true(hear(fd, text, sizeof text, "\r\n\r\n/one"));
    assert_int_equal(recv(fd, text, 1, 0), 0);
    close(fd);
}

/* What is refused hears so, whatever more it sends, and the connection ends. */
static void test_http_server_refuses(void **state) {
    struct world *world = *state;
    static char much[100 * 1000];
    char text[4096];
    memset(much, 'a', sizeof much - 1);
    memcpy(much, "GET / HTTP/1.1\r\nA: ", 19);
    int fd = dial(world);
    send(fd, much, sizeof much - 1, MSG_NOSIGNAL);
    assert_true(hear(fd, text, sizeof text, "\r\n\r\n"));
    assert_non_null(strstr(text, "HTTP/1.1 431 "));
    assert_non_null(strstr(text, "Connection: close"));
    assert_false(hear(fd, text, sizeof text, "HTTP"));
    close(fd);
}

/* A body comes in pieces, also behind another request, and what follows it is the next request. */
static void test_http_server_bodies(void **state) {
    struct world *world = *state;
    char text[4096];
    int fd = dial(world);
    say(fd,
        "GET /one HTTP/1.1\r\nHost: x\r\n\r\nPOST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n"
        "\r\nab");
    assert_true(hear(fd, text, sizeof text, "\r\n\r\n/one"));
    say(fd, "cdefGET /two HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(fd, text, sizeof text, "\r\n\r\nabcdef"));
    if (strstr(text, "/two") == NULL) assert_true(hear(fd, text, sizeof text, "\r\n\r\n/two"));
    say(fd, "POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    assert_true(hear(fd, text, sizeof text, "Content-Length: 0\r\n"));
    close(fd);
}

/* A body that nobody lets in, or for which there is no room, is refused before it is read; one that
 * does not come is closed, and gives its room back. */
static void test_http_server_bodies_refused(void **state) {
    struct world *world = *state;
    char text[4096];
    int fd = dial(world), half = dial(world);
    say(fd, "POST /other HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n");
    assert_true(hear(fd, text, sizeof text, "not here"));
    assert_non_null(strstr(text, "HTTP/1.1 404 "));
    close(fd);
    say(half, "POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\nab");
    fd = dial(world);
    do { /* until the first one has been seen */
        close(fd);
        fd = dial(world);
        say(fd, "POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n");
        assert_true(hear(fd, text, sizeof text, "\r\n\r\n") || text[0] == '\0');
    } while (strstr(text, "HTTP/1.1 503 ") == NULL);
    close(fd);
    assert_false(hear(half, text, sizeof text, "HTTP"));
    close(half);
    fd = dial(world);
    say(fd, "POST /form HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok");
    assert_true(hear(fd, text, sizeof text, "\r\n\r\nok"));
    close(fd);
}

/* Half a request is closed when its time is over. */
static void test_http_server_half_request(void **state) {
    struct world *world = *state;
    char text[256];
    int fd = dial(world);
    say(fd, "GET /one HTTP/1.1\r\n");
    assert_false(hear(fd, text, sizeof text, "HTTP"));
    assert_string_equal(text, "");
    close(fd);
}

/* Who does not read what was asked for keeps nobody from what is as large, nor from small answers.
 */
static void test_http_server_slow_reader(void **state) {
    struct world *world = *state;
    static char text[4096];
    int slow = dial(world), other = dial(world);
    say(slow, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(slow, text, 17, "HTTP/1.1 200 OK"));
    say(other, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(other, text, sizeof text, "\r\n\r\n/small"));
    say(other, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(other, text, sizeof text, "\r\n\r\n"));
    assert_non_null(strstr(text, "HTTP/1.1 200 OK"));
    close(other);
    close(slow);
}

/* An answer that is larger than may be is refused, and nobody else gives way to it. */
static void test_http_server_huge_answer(void **state) {
    struct world *world = *state;
    static char text[4096];
    int slow = dial(world), other = dial(world);
    say(slow, "GET /much HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(slow, text, 17, "HTTP/1.1 200 OK"));
    say(other, "GET /huge HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(other, text, sizeof text, "larger than this port may give"));
    assert_non_null(strstr(text, "HTTP/1.1 503 "));
    size_t left = MUCH;
    while (left > 0) {
        ssize_t got = recv(slow, text, left < sizeof text ? left : sizeof text, 0);
        assert_true(got > 0);
        left -= (size_t)got;
    }
    close(other);
    close(slow);
}

/* Who does not take an answer in time is closed. */
static void test_http_server_deaf(void **state) {
    struct world *world = *state;
    char text[64];
    int fd = dial(world);
    say(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(fd, text, 17, "HTTP/1.1 200 OK"));
    say(fd, "x"); /* that nobody reads: its end is told at once */
    struct pollfd ends = {.fd = fd};
    assert_int_equal(poll(&ends, 1, CLIENT_LIMIT_S * 1000), 1);
    close(fd);
}

/* As many slow readers as there may be connections, whose time is not over: who comes is served. */
static void test_http_server_all_slow(void **state) {
    struct world *world = *state;
    static char text[4096];
    int slow[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        slow[i] = dial(world);
        say(slow[i], "GET /much HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(hear(slow[i], text, 17, "HTTP/1.1 200 OK"));
    }
    for (int i = 0; i < 2; i++) {
        int probe = dial(world);
        say(probe, "GET /asked HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(hear(probe, text, sizeof text, "\r\n\r\n/asked"));
        close(probe);
    }
    for (int i = 0; i < CONNECTIONS; i++)
        close(slow[i]);
}

/* Requests that nobody answers for a while keep nobody out, and their handler is told. */
static void test_http_server_all_handled(void **state) {
    struct world *world = *state;
    static char text[4096];
    int held[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        held[i] = dial(world);
        say(held[i], "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    int probe = dial(world);
    say(probe, "GET /asked HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(probe, text, sizeof text, "\r\n\r\n/asked"));
    int ended = 0;
    for (int i = 0; i < CONNECTIONS; i++) {
        ssize_t got = recv(held[i], text, 1, MSG_DONTWAIT);
        ended += got == 0 || (got < 0 && errno == ECONNRESET);
        close(held[i]);
    }
    assert_int_equal(ended, 1);
    close(probe);
}

/* Beyond the limit of connections the one that waited longest gives way; one that asks is served.
 */
static void test_http_server_many_connections(void **state) {
    struct world *world = *state;
    char text[4096];
    int idle[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        idle[i] = dial(world);
        say(idle[i], "GET /idle HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(hear(idle[i], text, sizeof text, "/idle"));
    }
    int fd = dial(world);
    say(fd, "GET /asked HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(fd, text, sizeof text, "\r\n\r\n/asked"));
    assert_false(hear(idle[0], text, sizeof text, "HTTP"));
    say(idle[1], "GET /still HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(idle[1], text, sizeof text, "\r\n\r\n/still"));
    for (int i = 0; i < CONNECTIONS; i++)
        close(idle[i]);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_http_server_pipelined, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_server_closes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_server_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_server_bodies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_server_bodies_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_server_half_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_server_slow_reader, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_server_huge_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_server_deaf, setup_hasty, teardown),
        cmocka_unit_test_setup_teardown(test_http_server_all_slow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_server_all_handled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_server_many_connections, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
