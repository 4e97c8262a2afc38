/* The console without a broker, and with brokers that are none: what it serves, whom, and what it
 * says when it is told nonsense, or nothing. */

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/env_uv/env_uv.h"
#include "base/mem.h"
#include "broker/console/console.h"
#include "tests/unit/unit.h"

struct world {
    struct env_uv_thread *thread;
    struct http_server *server;
    struct console *console;
    int number;
    atomic_int broker_port;
    atomic_uint answered;
};

static void handle(void *arg, struct http_exchange *exchange) {
    struct world *world = arg;
    exchange->wish = NULL;
    console_handle(world->console, exchange);
}

static void gone(void *arg, struct http_exchange *exchange) {
    struct world *world = arg;
    console_gone(world->console, exchange);
}

static void answered(void *arg, const char *tag, int status) {
    struct world *world = arg;
    (void)tag;
    (void)status;
    world->answered++;
}

static int broker_port(void *arg) {
    struct world *world = arg;
    return world->broker_port;
}

static int begin(void *arg, struct env *env) {
    struct world *world = arg;
    struct console_options options = {.node = 1,
                                      .broker_host = "127.0.0.1",
                                      .broker_port = broker_port,
                                      .arg = world,
                                      .hosts = "drave.example , other",
                                      .token = ""};
    struct http_server_options server = {.host = "127.0.0.1",
                                         .connections = 20,
                                         .head_ms = 10000,
                                         .answer_ms = 10000,
                                         .silent_ms = 10000,
                                         .unread_bytes = 1 << 20,
                                         .handle = handle,
                                         .gone = gone,
                                         .answered = answered,
                                         .arg = world};
    world->console = console_new(env, &options);
    int error = http_server_open(env, &server, &world->server);
    if (error == ERR_NONE) world->number = http_server_port(world->server);
    return error;
}

static void end(void *arg) {
    struct world *world = arg;
    http_server_close(world->server);
    console_free(world->console);
}

static int setup(void **state) {
    struct world *world = mem_zalloc(sizeof *world);
    struct env_uv_thread_work work = {begin, end, world};
    assert_int_equal(env_uv_thread_start("console", 2, &work, &world->thread), ERR_NONE);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    assert_true(env_uv_thread_end(world->thread)); /* nothing is left of what was under way */
    mem_free(world);
    return 0;
}

static int dial(const struct world *world, const char *path, const char *host) {
    char text[512];
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)world->number),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path,
             host);
    assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) > 0);
    return fd;
}

/* The whole answer; valid until the next call. */
static const char *get(const struct world *world, const char *path, const char *host) {
    static char text[64 * 1024];
    size_t len = 0;
    ssize_t got;
    int fd = dial(world, path, host);
    while ((got = recv(fd, text + len, sizeof text - 1 - len, 0)) > 0)
        len += (size_t)got;
    assert_int_equal(got, 0);
    text[len] = '\0';
    close(fd);
    return text;
}

static void assert_has(const char *text, const char *part) {
    if (strstr(text, part) == NULL) fail_msg("\"%s\" is not in: %s", part, text);
}

static void test_console_pages(void **state) {
    struct world *world = *state;
    const char *text = get(world, "/", "127.0.0.1");
    assert_has(text, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n");
    assert_has(text, "\r\nContent-Encoding: gzip\r\n");
    assert_has(text, "\r\nContent-Security-Policy: default-src 'none'; ");
    assert_has(get(world, "/console/app.js", "[::1]:80"), "HTTP/1.1 404 ");
    assert_has(get(world, "/api/", "localhost"), "HTTP/1.1 404 ");
    assert_has(get(world, "/api/topics/", "localhost:1"), "HTTP/1.1 404 ");
}

static void test_console_hosts(void **state) {
    struct world *world = *state;
    static const struct {
        const char *host;
        bool may;
    } cases[] = {{"10.1.2.3:8092", true},
                 {"[fe80::1]", true},
                 {"LocalHost:8092", true},
                 {"drave.example", true},
                 {"DRAVE.example", true},
                 {"other:80", true},
                 {"drave.exampl", false},
                 {"drave.example.", false},
                 {"drave", false},
                 {"localhost.x", false},
                 {"1.2.3.4.x", false},
                 {"[x", false},
                 {":80", false},
                 {" ", false},
                 {",", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = get(world, "/", cases[i].host);
        if ((strstr(text, "HTTP/1.1 200 ") != NULL) != cases[i].may ||
            (strstr(text, "HTTP/1.1 421 ") != NULL) == cases[i].may)
            fail_msg("\"%s\": %.30s", cases[i].host, text);
    }
}

/* ---- Brokers that are none ---- */

struct broker {
    int listener;
    atomic_int client; /* that is served at present */
    pthread_t thread;
    const char *answer; /* to whatever is asked; NULL: none */
    size_t len;
};

static void *serve(void *arg) {
    struct broker *broker = arg;
    char bytes[4096];
    for (int fd; (fd = accept(broker->listener, NULL, NULL)) >= 0; close(fd)) {
        broker->client = fd;
        if (broker->answer == NULL || recv(fd, bytes, sizeof bytes, 0) <= 0) continue;
        send(fd, broker->answer, broker->len, MSG_NOSIGNAL);
        while (recv(fd, bytes, sizeof bytes, 0) > 0) {}
    }
    return NULL;
}

static void broker_open(struct world *world, struct broker *broker) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    broker->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(broker->listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(broker->listener, 10), 0);
    assert_int_equal(getsockname(broker->listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(pthread_create(&broker->thread, NULL, serve, broker), 0);
    world->broker_port = ntohs(address.sin_port);
}

static void broker_close(struct broker *broker) {
    shutdown(broker->listener, SHUT_RDWR);
    shutdown(broker->client, SHUT_RDWR); /* it may be closed already */
    pthread_join(broker->thread, NULL);
    close(broker->listener);
}

static const char *const routes[] = {"/api/overview", "/api/topics",        "/api/topic?name=t",
                                     "/api/groups",   "/api/group?name=g",  "/api/records?topic=t",
                                     "/api/events",   "/api/config?topic=t"};

static void assert_all(const struct world *world, const char *status, const char *part) {
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const char *text = get(world, routes[i], "127.0.0.1");
        assert_has(text, status);
        assert_has(text, part);
        assert_has(text, "Content-Type: application/json\r\n");
    }
}

static void test_console_without_broker(void **state) {
    struct world *world = *state;
    assert_all(world, "HTTP/1.1 503 ", "{\"error\":{\"code\":\"starting\"");
    world->broker_port = 1; /* nobody listens there */
    assert_all(world, "HTTP/1.1 502 ", "{\"error\":{\"code\":\"broker\"");
    assert_has(get(world, "/api/topic", "127.0.0.1"), "HTTP/1.1 400 ");
    assert_has(get(world, "/api/records?topic=", "127.0.0.1"), "HTTP/1.1 400 ");
}

/* Closes at once; answers with a length that is too long, with too few bytes, with HTTP. */
static void test_console_wrong_brokers(void **state) {
    struct world *world = *state;
    static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    static const struct {
        const char *bytes;
        size_t len;
    } answers[] = {{NULL, 0},
                   {"\x7f\xff\xff\xff", 4},
                   {"\0\0\0\1x", 5},
                   {"\0\0\0\6\0\0\0\1\0\0", 10},
                   {"\0\0\0\x0a\0\0\0\1\0\0\x7f\xff\xff\xff", 14},
                   {http, sizeof http - 1}};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct broker broker = {.answer = answers[i].bytes, .len = answers[i].len};
        broker_open(world, &broker);
        assert_all(world, "HTTP/1.1 502 ", "{\"error\":{\"code\":\"broker\"");
        broker_close(&broker);
    }
}

static const char *get_when(const struct world *world, bool crowded) {
    const char *text;
    do
        text = get(world, "/api/overview", "127.0.0.1");
    while ((strstr(text, "too much is asked at once") != NULL) != crowded);
    return text;
}

/* One that says nothing is waited for, for some seconds and by few at a time; who goes meanwhile
 * leaves nothing behind. */
static void test_console_silent_broker(void **state) {
    struct world *world = *state;
    struct broker broker = {.answer = "", .len = 0};
    int fds[CONSOLE_INQUIRIES];
    broker_open(world, &broker);
    for (int i = 0; i < CONSOLE_INQUIRIES; i++)
        fds[i] = dial(world, "/api/overview", "127.0.0.1");
    assert_has(get_when(world, true), "HTTP/1.1 503 ");
    assert_has(get(world, "/", "127.0.0.1"), "HTTP/1.1 200 ");
    for (int i = 0; i < CONSOLE_INQUIRIES / 2; i++)
        close(fds[i]);
    assert_has(get_when(world, false), "no answer in time");
    for (int i = CONSOLE_INQUIRIES / 2; i < CONSOLE_INQUIRIES; i++)
        close(fds[i]);
    fds[0] = dial(world, "/api/overview", "127.0.0.1"); /* under way when all is closed */
    close(fds[0]);
    broker_close(&broker);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_console_pages),          TEST(test_console_hosts),
        TEST(test_console_without_broker), TEST(test_console_wrong_brokers),
        TEST(test_console_silent_broker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
