/* Links between brokers that share a secret, or do not, at each step of the ladder: two brokers
 * over loopback in one loop. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/env_uv/env_uv.h"
#include "base/mem.h"
#include "base/secure/tls_secret.h"
#include "raft-glue/peer/peers.h"
#include "tests/unit/unit.h"

enum { PIECES = 64, PIECE = 100000, SMALL = 3000 };

struct broker {
    struct peers *peers;
    int port, ups, downs;
    char refusal[512];
    size_t received;
    uint64_t wrong;
};

static struct test {
    struct env *env;
    struct log log;
    struct broker brokers[3]; /* 1 dials 2 */
    bool (*done)(void);
    struct env_timer *limit, *poll;
    bool timed_out;
} test;

static int judge(void *arg, const struct peer_hello *hello, struct error_text *refusal) {
    (void)arg, (void)hello, (void)refusal;
    return ERR_NONE;
}
static void up(void *arg, int32_t node) {
    (void)node;
    ((struct broker *)arg)->ups++;
}
static void down(void *arg, int32_t node, bool dead) {
    (void)node, (void)dead;
    ((struct broker *)arg)->downs++;
}
static void message(void *arg, int32_t node, uint8_t kind, struct slice payload) {
    struct broker *broker = arg;
    (void)node, (void)kind;
    for (size_t i = 0; i < payload.len; i++, broker->received++)
        broker->wrong += payload.data[i] != (uint8_t)(broker->received % 251);
    slice_unref(&payload);
}
static void refused(void *arg, int32_t node, bool for_good, const char *sentence) {
    struct broker *broker = arg;
    (void)node;
    assert_false(for_good);
    snprintf(broker->refusal, sizeof broker->refusal, "%s", sentence);
}
static const struct peers_events events = {.judge = judge,
                                           .up = up,
                                           .down = down,
                                           .message = message,
                                           .refused = refused};

static void on_limit(void *arg) {
    (void)arg;
    test.timed_out = true;
    env_uv_stop(test.env);
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
    test.timed_out = false;
    env_timer_start(test.limit, 60 * 1000 * 1000);
    env_timer_start(test.poll, 0);
    env_uv_run(test.env);
    env_timer_stop(test.limit);
    assert_false(test.timed_out);
}

static void make_contexts(const char *secrets_text, struct peers_options *options) {
    struct tls_secrets *secrets = NULL;
    struct error_text why = {""};
    FILE *file = fopen("peers.secret", "wb");
    assert_non_null(file);
    fputs(secrets_text, file);
    fclose(file);
    assert_int_equal(chmod("peers.secret", 0600), 0);
    if (tls_secrets_read("peers.secret", &secrets, &why) != ERR_NONE) fail_msg("%s", why.text);
    assert_int_equal(tls_context_of_secrets(secrets, false, &options->serving, &why), ERR_NONE);
    assert_int_equal(tls_context_of_secrets(secrets, true, &options->dialling, &why), ERR_NONE);
    tls_secrets_free(secrets);
}

static void open_broker(int32_t node, enum peer_tls_mode mode, const char *secrets) {
    struct broker *broker = &test.brokers[node];
    *broker = (struct broker){0};
    struct peers_options options = {.node = node,
                                    .listen_host = "127.0.0.1",
                                    .queue_limit = 1 << 20,
                                    .frame_max = 4 << 20,
                                    .lag_max_ms = 30000,
                                    .ping_ms = 500,
                                    .tls = mode};
    struct error_text why;
    if (mode != PEER_TLS_OFF) make_contexts(secrets, &options);
    assert_int_equal(
        peers_open(test.env, &test.log, &options, &events, broker, &broker->peers, &why), ERR_NONE);
    tls_context_unref(options.serving);
    tls_context_unref(options.dialling);
    broker->port = peers_port(broker->peers);
    struct peer_hello hello = {.version = PEER_PROTOCOL_VERSION,
                               .minor = PEER_PROTOCOL_MINOR,
                               .node = node,
                               .cluster_id = "",
                               .nodes = "x"};
    peers_set_hello(broker->peers, &hello);
}

static void introduce(void) {
    for (int32_t a = 1; a <= 2; a++)
        peers_add(test.brokers[a].peers, 3 - a, "127.0.0.1", test.brokers[3 - a].port);
}

static void close_brokers(void) {
    for (int i = 1; i <= 2; i++) {
        if (test.brokers[i].peers != NULL) peers_close(test.brokers[i].peers);
        test.brokers[i].peers = NULL;
    }
}

static int setup(void **state) {
    (void)state;
    test = (struct test){0};
    assert_int_equal(env_uv_new(&test.env, 2), ERR_NONE);
    test.log = (struct log){.env = test.env,
                            .level = getenv("DRAVE_TEST_LOG") ? LOG_DEBUG : LOG_ERROR};
    test.limit = env_timer_new(test.env, on_limit, NULL);
    test.poll = env_timer_new(test.env, on_poll, NULL);
    return 0;
}
static int teardown(void **state) {
    (void)state;
    close_brokers();
    env_timer_free(test.limit);
    env_timer_free(test.poll);
    assert_true(env_uv_free(test.env));
    return 0;
}

static bool both_up(void) {
    return test.brokers[1].ups >= 1 && test.brokers[2].ups >= 1;
}
static bool told(void) {
    return test.brokers[1].refusal[0] != '\0' || test.brokers[1].ups + test.brokers[2].ups > 0;
}
static bool all_came(void) {
    return test.brokers[2].received == (size_t)PIECES * PIECE + SMALL &&
           test.brokers[1].received == SMALL;
}

static void send_pieces(int32_t from, enum peer_channel channel, size_t count, size_t len,
                        size_t *at) {
    for (size_t i = 0; i < count; i++) {
        uint8_t *bytes = mem_alloc(len);
        for (size_t k = 0; k < len; k++)
            bytes[k] = (uint8_t)((*at)++ % 251);
        struct slice slice = slice_copy(NULL, bytes, len);
        mem_free(bytes);
        peers_send(test.brokers[from].peers, 3 - from, channel, PEER_KIND_BROKER, &slice, 1);
    }
}

/* What is sent, large and small, arrives whole and in order. */
static void talk(void) {
    size_t there = 0, back = 0;
    send_pieces(1, PEER_BULK, PIECES, PIECE, &there);
    send_pieces(1, PEER_BULK, SMALL, 1, &there);
    send_pieces(2, PEER_CONTROL, SMALL, 1, &back);
    run_until(all_came);
    assert_int_equal(test.brokers[1].wrong + test.brokers[2].wrong, 0);
    assert_int_equal(test.brokers[1].downs + test.brokers[2].downs, 0);
}

static char one[TLS_SECRET_LINE], other[TLS_SECRET_LINE];

static int make_secrets(void **state) {
    (void)state;
    assert_int_equal(tls_secret_make(one), ERR_NONE);
    assert_int_equal(tls_secret_make(other), ERR_NONE);
    return 0;
}

/* Neighbours on the ladder understand each other, whoever of them dials. */
static void test_peers_tls_ladder(void **state) {
    (void)state;
    static const enum peer_tls_mode pairs[][2] = {
        {PEER_TLS_OFF, PEER_TLS_ALLOW},      {PEER_TLS_ALLOW, PEER_TLS_OFF},
        {PEER_TLS_ALLOW, PEER_TLS_ALLOW},    {PEER_TLS_ALLOW, PEER_TLS_PREFER},
        {PEER_TLS_PREFER, PEER_TLS_ALLOW},   {PEER_TLS_PREFER, PEER_TLS_PREFER},
        {PEER_TLS_PREFER, PEER_TLS_REQUIRE}, {PEER_TLS_REQUIRE, PEER_TLS_PREFER},
        {PEER_TLS_REQUIRE, PEER_TLS_REQUIRE}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        open_broker(1, pairs[i][0], one);
        open_broker(2, pairs[i][1], one);
        introduce();
        run_until(both_up);
        talk();
        close_brokers();
    }
}

static void assert_told(enum peer_tls_mode dials, const char *its, enum peer_tls_mode serves,
                        const char *others, const char *sentence) {
    open_broker(1, dials, its);
    open_broker(2, serves, others);
    introduce();
    run_until(told);
    if (strstr(test.brokers[1].refusal, sentence) == NULL) fail_msg("%s", test.brokers[1].refusal);
    assert_int_equal(test.brokers[1].ups + test.brokers[2].ups, 0);
    close_brokers();
}

/* Who does not have the secret is not let in, and hears why. */
static void test_peers_tls_strangers(void **state) {
    (void)state;
    assert_told(PEER_TLS_OFF, "", PEER_TLS_REQUIRE, one, "(peer.tls.mode=require); give this one");
    assert_told(PEER_TLS_ALLOW, one, PEER_TLS_REQUIRE, one, "peer.tls.mode=prefer at least");
    assert_told(PEER_TLS_REQUIRE, one, PEER_TLS_OFF, "", "peer.tls.mode=allow at least");
    assert_told(PEER_TLS_REQUIRE, one, PEER_TLS_REQUIRE, other, "need the same peer.secret.file");
    assert_told(PEER_TLS_PREFER, other, PEER_TLS_ALLOW, one, "need the same peer.secret.file");
}

/* A secret is changed without a gap: added behind the old one, put before it, the old one gone. */
static void test_peers_tls_rotation(void **state) {
    (void)state;
    char added[2 * TLS_SECRET_LINE + 2], moved[2 * TLS_SECRET_LINE + 2];
    snprintf(added, sizeof added, "%s\n%s\n", one, other);
    snprintf(moved, sizeof moved, "%s\n%s\n", other, one);
    const char *pairs[][2] = {{one, added},   {added, one},   {added, added}, {added, moved},
                              {moved, added}, {moved, moved}, {moved, other}, {other, moved}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        open_broker(1, PEER_TLS_REQUIRE, pairs[i][0]);
        open_broker(2, PEER_TLS_REQUIRE, pairs[i][1]);
        introduce();
        run_until(both_up);
        close_brokers();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_peers_tls_ladder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_tls_strangers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_peers_tls_rotation, setup, teardown),
    };
    return cmocka_run_group_tests(tests, make_secrets, NULL);
}
