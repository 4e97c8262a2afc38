/* The port on its own thread, with a loop that answers, or does not. */

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/env_uv/env_uv.h"
#include "base/mem.h"
#include "broker/observe/http_port.h"
#include "tests/unit/unit.h"

struct world {
    struct env_uv_thread *thread;
    struct env_uv_wake *wake;
    struct http_port *port;
    struct handover *handover;
    struct env *env;
    int number;
    atomic_bool hangs;
    atomic_int asked;
};

/* The loop's part, played on the port's thread. */
static void ask(void *arg) {
    struct world *world = arg;
    int asked = ++world->asked;
    char glob[HANDOVER_GLOB];
    uint64_t wish;
    if (world->hangs) return;
    if (handover_partitions_wanted(world->handover, &wish, glob)) {
        struct snapshot *partitions = snapshot_new();
        snapshot_add2(partitions, METRIC_PARTITION_TERM, 7,
                      snapshot_text(partitions, glob, strlen(glob)),
                      snapshot_text(partitions, "0", 1));
        if (!strcmp(glob, "late")) handover_put_partitions(world->handover, wish - 1, partitions);
        if (!strcmp(glob, "late")) return;
        handover_put_partitions(world->handover, wish, partitions);
        env_uv_wake_up(world->wake);
    }
    if (!handover_is_wanted(world->handover)) return;
    struct snapshot *snapshot = snapshot_new();
    snapshot->taken_us = env_now_us(world->env);
    snapshot_add(snapshot, METRIC_TOPICS, asked);
    snapshot_unwell(snapshot, HEALTH_STOPPABLE, "majority", "t-0 would lack one");
    handover_put(world->handover, snapshot);
    env_uv_wake_up(world->wake);
}

static void arrived(void *arg) {
    struct world *world = arg;
    http_port_arrived(world->port);
}

static int begin(void *arg, struct env *env) {
    struct world *world = arg;
    struct http_port_options options = {
        .host = "127.0.0.1", .handover = world->handover, .ask = ask, .arg = world};
    world->env = env;
    world->wake = env_uv_wake_new(env, arrived, world);
    int error = http_port_open(env, &options, &world->port);
    if (error == ERR_NONE) world->number = http_port_number(world->port);
    return error;
}

static void end(void *arg) {
    struct world *world = arg;
    http_port_close(world->port);
    env_uv_wake_free(world->wake);
}

static int setup(void **state) {
    struct world *world = mem_zalloc(sizeof *world);
    struct env_uv_thread_work work = {begin, end, world};
    world->handover = handover_new();
    assert_int_equal(env_uv_thread_start("http", 2, &work, &world->thread), ERR_NONE);
    *state = world;
    return 0;
}

static int teardown(void **state) {
    struct world *world = *state;
    assert_true(env_uv_thread_end(world->thread));
    handover_free(world->handover);
    mem_free(world);
    return 0;
}

/* The whole answer; valid until the next call. */
static const char *get(const struct world *world, const char *path) {
    static char text[64 * 1024];
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)world->number),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = 20};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    snprintf(text, sizeof text, "GET %s HTTP/1.0\r\n\r\n", path);
    assert_true(send(fd, text, strlen(text), MSG_NOSIGNAL) > 0);
    size_t len = 0;
    ssize_t got;
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

/* Numbers are asked for once, and served again while they are new; those of the port stand beside
 * them. */
static void test_http_port_metrics(void **state) {
    struct world *world = *state;
    handover_turned(world->handover, env_now_us(world->env));
    const char *text = get(world, "/metrics");
    assert_has(text, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4");
    assert_has(text, "\ndrave_topics 1\n");
    assert_has(text, "\nprocess_resident_memory_bytes ");
    assert_has(text, "\ndrave_loop_stall_seconds ");
    assert_has(text, "\ndrave_snapshot_age_seconds ");
    get(world, "/nothing/here");
    assert_int_equal(world->asked, 1);
}

/* Each path says what it is for; what is not well is 503, with reasons. */
static void test_http_port_health(void **state) {
    struct world *world = *state;
    assert_has(get(world, "/health/live"), "HTTP/1.1 200 OK");
    assert_int_equal(world->asked, 0); /* nobody is asked for that */
    assert_has(get(world, "/health/ready"), "{\"ok\":true,\"reasons\":[]}");
    const char *text = get(world, "/health/stoppable");
    assert_has(text, "HTTP/1.1 503 ");
    assert_has(text, "{\"code\":\"majority\",\"text\":\"t-0 would lack one\"}");
    assert_has(get(world, "/health"), "never for a probe");
    assert_has(get(world, "/metrics/"), "HTTP/1.1 404 ");
}

/* A loop that hangs: the port answers, and says so. */
static void test_http_port_loop_hangs(void **state) {
    struct world *world = *state;
    world->hangs = true;
    assert_has(get(world, "/health/ready"), "\"code\":\"starting\"");
    handover_turned(world->handover, env_now_us(world->env) - 31 * 1000 * 1000);
    const char *text = get(world, "/health/live");
    assert_has(text, "HTTP/1.1 503 ");
    assert_has(text, "\"code\":\"loop_hangs\"");
    text = get(world, "/metrics");
    assert_has(text, "HTTP/1.1 200 OK");
    assert_has(text, "\ndrave_loop_stall_seconds 3");
    assert_null(strstr(text, "drave_topics"));
    assert_null(strstr(text, "drave_snapshot_age_seconds"));
}

/* Numbers of partitions come for the topics that were asked for, and for nobody who does not say
 * which; whoever asks while the loop hangs, or gets what somebody else had wanted, is told so. */
static void test_http_port_partitions(void **state) {
    struct world *world = *state;
    assert_has(get(world, "/metrics/partitions"), "HTTP/1.1 400 ");
    assert_int_equal(world->asked, 0);
    const char *text = get(world, "/metrics/partitions?topic=orders-%2a");
    assert_has(text, "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4");
    assert_has(text, "\ndrave_partition_term{topic=\"orders-*\",partition=\"0\"} 7\n");
    assert_null(strstr(text, "drave_topics"));
    assert_has(get(world, "/metrics/partitions?topic=late"), "HTTP/1.1 503 ");
    world->hangs = true;
    assert_has(get(world, "/metrics/partitions?topic=t"), "HTTP/1.1 503 ");
    world->hangs = false;
    assert_has(get(world, "/metrics/partitions?topic=t"), "topic=\"t\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_http_port_metrics, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_port_health, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_port_loop_hangs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_http_port_partitions, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
