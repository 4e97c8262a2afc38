/* Starting one broker, and asking it over a socket while its loop runs. */
#include "tests/unit/broker/fixture_broker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/frame.h"
#include "tests/unit/unit.h"

enum { FRAME_MAX = 8 << 20 };

static void on_ready(void *arg, const char *summary) {
    struct one_broker *one = arg;
    (void)summary;
    one->ready = true;
    env_uv_stop(one->env);
}

static void on_failed(void *arg, const char *sentence) {
    (void)arg;
    fail_msg("%s", sentence);
}

static void on_limit(void *arg) {
    struct one_broker *one = arg;
    one->timed_out = true;
    env_uv_stop(one->env);
}

static bool something_is_here(const struct one_broker *one) {
    char byte;
    return recv(one->client, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

static void on_poll(void *arg) {
    struct one_broker *one = arg;
    if (something_is_here(one))
        env_uv_stop(one->env);
    else
        env_timer_start(one->poll, 200);
}

bool one_broker_has_answer(struct one_broker *one, unsigned wait_ms) {
    one->timed_out = false;
    env_timer_start(one->poll, 0);
    env_timer_start(one->limit, (uint64_t)wait_ms * 1000);
    uint64_t begin_us = env_now_us(one->env);
    env_uv_run(one->env);
    one->run_for_us = env_now_us(one->env) - begin_us;
    env_timer_stop(one->poll);
    env_timer_stop(one->limit);
    return something_is_here(one);
}

static void dial(struct one_broker *one) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)one->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    one->client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(one->client, (struct sockaddr *)&address, sizeof address), 0);
}

void one_broker_dial_again(struct one_broker *one) {
    close(one->client);
    dial(one);
}

int one_broker_setup(void **state) {
    struct one_broker *one = mem_zalloc(sizeof *one);
    *state = one;
    size_t count;
    const struct setting *table = broker_settings_table(&count);
    one->values = settings_new(table, count);
    assert_int_equal(env_uv_new(&one->env, 2), ERR_NONE);
    one->poll = env_timer_new(one->env, on_poll, one);
    one->limit = env_timer_new(one->env, on_limit, one);
    kp_arena_init(&one->arena, 64 << 20);
    snprintf(one->dir, sizeof one->dir, "%s/drave-one-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(one->dir));
    struct error_text why;
    assert_int_equal(settings_set(one->values, "data.dir", one->dir, "test", &why), ERR_NONE);
    assert_int_equal(
        settings_set(one->values, "listeners", "PLAINTEXT://127.0.0.1:0", "test", &why), ERR_NONE);
    return 0;
}

void one_broker_start(struct one_broker *one) {
    static const struct broker_events events = {on_ready, on_failed};
    struct error_text why = {""};
    struct log log = {.env = one->env, .level = getenv("DRAVE_TEST_LOG") ? LOG_DEBUG : LOG_ERROR};
    if (broker_settings_from(one->values, &one->settings, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    if (broker_start(one->env, &log, &one->settings, &events, one, &one->broker, &why) != ERR_NONE)
        fail_msg("%s", why.text);
    env_timer_start(one->limit, UNIT_PATIENCE_S * 1000 * 1000);
    env_uv_run(one->env);
    env_timer_stop(one->limit);
    assert_true(one->ready);
    one->port = broker_port(one->broker, NULL);
    dial(one);
}

static void on_stopped(void *arg) {
    struct one_broker *one = arg;
    env_uv_stop(one->env);
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

int one_broker_teardown(void **state) {
    struct one_broker *one = *state;
    if (one->broker != NULL) {
        broker_stop(one->broker, on_stopped, one);
        env_uv_run(one->env);
        broker_free(one->broker);
        env_uv_run(one->env); /* a job that was under way when the stop's time was over */
        close(one->client);
    }
    kp_arena_close(&one->arena);
    env_timer_free(one->poll);
    env_timer_free(one->limit);
    env_uv_run(one->env); /* what closing began (a job in a lane) ends before the loop does */
    assert_true(env_uv_free(one->env));
    settings_free(one->values);
    nftw(one->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    mem_free(one);
    return 0;
}

int32_t one_broker_send(struct one_broker *one, int key, int version, const void *request) {
    struct kp_writer writer;
    uint8_t *bytes;
    size_t len;
    int32_t id = one->next_id++;
    kp_writer_init(&writer, FRAME_MAX);
    assert_int_equal(
        kp_request_encode(kp_api_find(key), version, id, kp_string_of("test"), request, &writer),
        ERR_NONE);
    assert_int_equal(kp_writer_take(&writer, &bytes, &len), ERR_NONE);
    assert_int_equal(send(one->client, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
    mem_free(bytes);
    return id;
}

/* The rest of an answer may still be on its way: the loop runs in between. */
static bool receive_all(struct one_broker *one, void *into, size_t len) {
    for (size_t at = 0; at < len;) {
        if (!one_broker_has_answer(one, UNIT_PATIENCE_S * 1000))
            fail_msg("no answer within %d s", UNIT_PATIENCE_S);
        ssize_t got = recv(one->client, (uint8_t *)into + at, len - at, MSG_DONTWAIT);
        if (got <= 0) return false;
        at += (size_t)got;
    }
    return true;
}

bool one_broker_receive(struct one_broker *one, int key, int version, int32_t id, void *response) {
    uint32_t len;
    if (!receive_all(one, &len, 4)) {
        one_broker_dial_again(one);
        return false;
    }
    len = ntohl(len);
    assert_true(len <= FRAME_MAX);
    kp_arena_close(&one->arena);
    uint8_t *frame = kp_arena_alloc(&one->arena, len);
    assert_true(receive_all(one, frame, len));
    assert_int_equal(
        kp_response_decode(kp_api_find(key), version, id, frame, len, &one->arena, response),
        ERR_NONE);
    return true;
}

bool one_broker_ask(struct one_broker *one, int key, int version, const void *request,
                    void *response) {
    return one_broker_receive(one, key, version, one_broker_send(one, key, version, request),
                              response);
}

struct kp_uuid one_broker_create(struct one_broker *one, const char *topic, int32_t partitions) {
    struct kp_create_topics_request request;
    struct kp_create_topics_response response;
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    struct kp_create_topics_request_topic wanted;
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &wanted);
    wanted.name = kp_string_of(topic);
    wanted.num_partitions = partitions;
    wanted.replication_factor = 1;
    request.topics.items = &wanted;
    request.topics.count = 1;
    request.timeout_ms = 5000;
    assert_true(one_broker_ask(one, KP_CREATE_TOPICS, 7, &request, &response));
    assert_int_equal(response.topics.items[0].error_code, KAFKA_NONE);
    return response.topics.items[0].topic_id;
}
