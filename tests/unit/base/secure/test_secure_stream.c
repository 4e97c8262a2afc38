/* TLS over a stream: any cut, pauses, closes and changed bytes, against a client of OpenSSL's own.
 */
#include <string.h>

#include "base/mem.h"
#include "tests/unit/base/fixture_tls.h"
#include "tests/unit/unit.h"

enum { MUCH = 400000, PIECE = 8000 };

static struct tls_pair *connected(void) {
    struct tls_pair *pair = tls_connect();
    tls_client_go(pair);
    while (secure_host_counts(tls.host).shaken < tls.count)
        tls_run_ms(5);
    return pair;
}

static void send_much(struct tls_pair *pair) {
    for (uint64_t at = 0; at < MUCH; at += PIECE)
        tls_client_write(pair, at, PIECE);
    pair->stop_received = MUCH;
    loop_run(&tls.loop);
    assert_int_equal(pair->received, MUCH);
    assert_int_equal(pair->wrong, 0);
    assert_int_equal(pair->ended, -1);
}

/* Bytes arrive whole and in order, however small the room is. */
static void test_secure_stream_receives(void **state) {
    (void)state;
    tls_open(16, 10000);
    struct tls_pair *pair = connected();
    pair->room_most = 77;
    send_much(pair);
    tls_close();
}

/* A server that pauses in the middle of records misses nothing, and is told nothing meanwhile. */
static void test_secure_stream_pauses(void **state) {
    (void)state;
    tls_open(16, 10000);
    struct tls_pair *pair = connected();
    pair->pauses = true;
    send_much(pair);
    pair->pauses = false;
    secure_stream_read(pair->server, false);
    tls_client_write(pair, MUCH, 1000);
    pair->stop_received = 0;
    tls_run_ms(30);
    assert_int_equal(pair->received, MUCH);
    secure_stream_read(pair->server, true);
    pair->stop_received = MUCH + 1000;
    loop_run(&tls.loop);
    assert_int_equal(pair->wrong, 0);
    tls_close();
}

static unsigned writes_done, writes_failed;

static void write_done(struct env_write *write, int error) {
    writes_done++;
    writes_failed += error != ERR_NONE;
    mem_free(write);
}

/* Writes `len` bytes of the sequence in pieces of every size; returns the memory. */
static uint8_t *server_write(struct tls_pair *pair, size_t len) {
    uint8_t *bytes = mem_alloc(len);
    for (size_t i = 0; i < len; i++)
        bytes[i] = tls_byte(i);
    size_t at = 0, turn = 0;
    while (at < len) {
        struct env_iov pieces[5];
        unsigned n = 0;
        for (; n < 5 && at < len; n++, turn++) {
            size_t piece = turn % 4 == 0 ? 40000 : turn % 4 == 1 ? 0 : turn * 13 % 3000 + 1;
            if (piece > len - at) piece = len - at;
            pieces[n] = (struct env_iov){bytes + at, piece};
            at += piece;
        }
        struct env_write *write = mem_zalloc(sizeof *write);
        write->done = write_done;
        secure_stream_write(pair->server, write, pieces, n);
    }
    return bytes;
}

/* What is written arrives in order, also what was written before the handshake was over, and each
 * write is reported once. */
static void test_secure_stream_writes(void **state) {
    (void)state;
    writes_done = writes_failed = 0;
    tls_open(16, 10000);
    struct tls_pair *pair = tls_connect();
    uint8_t *bytes = server_write(pair, 3000000);
    assert_int_equal(writes_done, 0);
    tls_client_go(pair);
    pair->stop_heard = 3000000;
    loop_run(&tls.loop);
    assert_int_equal(pair->heard, 3000000);
    assert_int_equal(pair->wrong, 0);
    tls_run_ms(5);
    assert_true(writes_done > 50);
    assert_int_equal(writes_failed, 0);
    tls_close();
    mem_free(bytes);
}

static size_t ahead; /* encrypted when the turn ended */

static void end_of_turn(struct env_task *task) {
    (void)task;
    ahead = tls.sent.used;
}

static struct env_task turn_ends = {.run = end_of_turn};

/* Its report is much work. */
static void first_done(struct env_write *write, int error) {
    (void)write;
    writes_failed += error != ERR_NONE;
    while (!env_turn_is_long(tls.loop.env))
        continue;
    env_defer(tls.loop.env, &turn_ends);
}

/* In a turn that is long nothing more is encrypted: thousands of flights may end at once. */
static void test_secure_stream_gives_way(void **state) {
    (void)state;
    writes_done = writes_failed = 0;
    tls_open(16, 10000);
    struct tls_pair *pair = connected();
    struct env_write first = {.done = first_done};
    ahead = 1;
    uint8_t byte = tls_byte(0);
    secure_stream_write(pair->server, &first, &(struct env_iov){&byte, 1}, 1);
    struct env_write *second = mem_zalloc(sizeof *second);
    uint8_t *bytes = mem_alloc(MUCH);
    for (size_t i = 0; i < MUCH; i++)
        bytes[i] = tls_byte(i + 1);
    second->done = write_done;
    secure_stream_write(pair->server, second, &(struct env_iov){bytes, MUCH}, 1);
    pair->stop_heard = MUCH + 1;
    loop_run(&tls.loop);
    assert_int_equal(pair->heard, MUCH + 1);
    assert_int_equal(pair->wrong, 0);
    assert_int_equal(ahead, 0);
    tls_run_ms(5);
    assert_int_equal(writes_done, 1);
    assert_int_equal(writes_failed, 0);
    tls_close();
    mem_free(bytes);
}

/* A stream that is closed with much unwritten reports all writes, later, as canceled. */
static void test_secure_stream_closes_with_writes(void **state) {
    (void)state;
    writes_done = writes_failed = 0;
    tls_open(16, 10000);
    struct tls_pair *pair = connected();
    env_stream_read(pair->client, false);
    uint8_t *bytes = server_write(pair, 20000000);
    tls_run_ms(20);
    unsigned before = writes_done;
    tls_server_close(pair);
    assert_int_equal(writes_done, before);
    tls_run_ms(20);
    assert_true(writes_failed > 0 && writes_done > before);
    tls_close();
    mem_free(bytes);
}

/* The owner may close inside of `received`, with bytes left. */
static void test_secure_stream_closes_inside(void **state) {
    (void)state;
    tls_open(16, 10000);
    struct tls_pair *pair = connected();
    pair->room_most = 50;
    pair->close_at = 120;
    tls_client_write(pair, 0, PIECE);
    loop_run(&tls.loop);
    assert_true(pair->received >= 120 && pair->received < 200);
    tls_run_ms(20);
    assert_true(pair->client_ended);
    tls_close();
}

/* It may close while its handshake is at work, too, and while it waits for a turn. */
static void test_secure_stream_closes_while_shaking(void **state) {
    (void)state;
    tls_open(1, 10000);
    for (int i = 0; i < 3; i++) {
        struct tls_pair *pair = tls_connect();
        tls_client_go(pair);
        pair->silent = true; /* none ends by itself */
    }
    while (secure_host_counts(tls.host).waiting == 0)
        tls_run_ms(1);
    for (size_t i = 0; i < 3; i++)
        tls_server_close(&tls.pairs[i]);
    while (secure_host_counts(tls.host).under_way > 0)
        tls_run_ms(1);
    assert_int_equal(secure_host_counts(tls.host).waiting, 0);
    tls_close();
}

/* A byte that was changed on its way ends the stream; nothing of it is delivered. */
static void test_secure_stream_changed_byte(void **state) {
    (void)state;
    tls_open(16, 10000);
    struct tls_pair *pair = connected();
    tls_client_write(pair, 0, 1000);
    pair->flip_at = pair->sent_raw + 500;
    tls_client_write(pair, 1000, 1000);
    loop_run(&tls.loop);
    assert_int_equal(pair->ended, ERR_CONNECTION);
    assert_int_equal(pair->received, 1000);
    assert_non_null(strstr(secure_stream_why(pair->server), "changed on its way"));
    tls_close();
}

/* In a handshake each byte that is changed ends it, or does no harm; the server goes on. */
static void test_secure_stream_changed_handshake(void **state) {
    (void)state;
    for (uint64_t at = 1; at < 300; at += 13) {
        tls_open(16, 200);
        struct tls_pair *pair = tls_connect();
        pair->flip_at = at;
        tls_client_go(pair);
        loop_run(&tls.loop);
        assert_true(pair->ended == ERR_CONNECTION || pair->ended == -1);
        if (pair->ended == ERR_CONNECTION) assert_non_null(secure_stream_why(pair->server));
        tls_close();
    }
}

static void send_raw(struct tls_pair *pair, const void *bytes, size_t len) {
    BIO_reset(pair->from_client);
    BIO_write(pair->from_client, bytes, (int)len);
    tls_client_go(pair);
}

/* Who speaks plainly is told from who speaks TLS by his first byte; garbage behind a good first
 * byte is refused by OpenSSL. */
static void test_secure_stream_no_tls(void **state) {
    (void)state;
    static const uint8_t kafka[] = {0, 0, 0, 20, 0, 18, 0, 3},
                         garbage[] = "\x16\x03\x01\x00\x05hello";
    tls_open(16, 10000);
    struct tls_pair *plain = tls_connect(), *wrong = tls_connect();
    send_raw(plain, kafka, sizeof kafka);
    loop_run(&tls.loop);
    assert_int_equal(plain->ended, ERR_CONNECTION);
    assert_non_null(strstr(secure_stream_why(plain->server), "it does not speak TLS"));
    send_raw(wrong, garbage, sizeof garbage - 1);
    while (wrong->ended == -1)
        tls_run_ms(2);
    assert_non_null(strstr(secure_stream_why(wrong->server), "its TLS handshake failed"));
    assert_int_equal(secure_host_counts(tls.host).failed, 2);
    tls_close();
}

/* Who says nothing, and who stops in the middle, is closed when the time is over. */
static void test_secure_stream_deadline(void **state) {
    (void)state;
    tls_open(16, 60);
    uint64_t began_us = env_now_us(tls.loop.env);
    struct tls_pair *silent = tls_connect(), *half = tls_connect();
    uint8_t first[40];
    BIO_read(half->from_client, first, sizeof first);
    send_raw(half, first, sizeof first);
    while (silent->ended == -1 || half->ended == -1)
        tls_run_ms(5);
    assert_true(env_now_us(tls.loop.env) - began_us >= 60 * 1000);
    assert_non_null(
        strstr(secure_stream_why(silent->server), "not begun within 60 ms (the.setting)"));
    assert_non_null(strstr(secure_stream_why(half->server), "not ended within 60 ms"));
    tls_close();
}

/* With one turn for handshakes, one who stands still gives way to who waits, after a while; a byte
 * now and then is standing still. */
static void test_secure_stream_turns(void **state) {
    (void)state;
    for (size_t drip = 0; drip < 2; drip++) {
        tls_open(1, 10000);
        struct tls_pair *stalled = tls_connect(), *good = tls_connect();
        uint8_t hello[4096];
        int at = 40, len = BIO_read(stalled->from_client, hello, sizeof hello);
        send_raw(stalled, hello, (size_t)at);
        tls_run_ms(20);
        tls_client_go(good);
        tls_run_ms(100);
        assert_int_equal(secure_host_counts(tls.host).waiting, 1);
        assert_int_equal(stalled->ended, -1);
        while (secure_host_counts(tls.host).shaken == 0) {
            if (stalled->ended == -1) send_raw(stalled, hello + at, drip);
            at += (int)drip;
            assert_true(at < len);
            tls_run_ms(20);
        }
        assert_int_equal(stalled->ended, ERR_CONNECTION);
        assert_non_null(strstr(secure_stream_why(stalled->server), "stands still"));
        assert_int_equal(good->ended, -1);
        tls_close();
    }
}

/* An end with or without a farewell of TLS is the end of the file, behind all bytes. */
static void test_secure_stream_ends(void **state) {
    (void)state;
    for (int polite = 0; polite < 2; polite++) {
        tls_open(16, 10000);
        struct tls_pair *pair = connected();
        tls_client_write(pair, 0, 5000);
        if (polite) SSL_shutdown(pair->ssl);
        tls_client_go(pair);
        tls_client_close(pair);
        loop_run(&tls.loop);
        assert_int_equal(pair->ended, ERR_EOF);
        assert_int_equal(pair->received, 5000);
        assert_null(secure_stream_why(pair->server));
        tls_close();
    }
}

/* A client that has its keys updated again and again is ended before it costs anything; one that
 * does so between MiBs is not. */
static void test_secure_stream_updates_of_keys(void **state) {
    (void)state;
    tls_open(16, 10000);
    struct tls_pair *pair = connected();
    env_stream_read(pair->client, false);
    for (uint64_t i = 0; i < 33; i++) {
        assert_int_equal(pair->ended, -1);
        SSL_key_update(pair->ssl, SSL_KEY_UPDATE_REQUESTED);
        tls_client_write(pair, i * 10, 10);
        tls_run_ms(1);
    }
    tls_run_ms(20);
    assert_int_equal(pair->ended, ERR_CONNECTION);
    assert_true(pair->received >= 310 && pair->received < 330);
    assert_int_equal(pair->wrong, 0);
    assert_non_null(strstr(secure_stream_why(pair->server), "changes the keys"));
    tls_close();
}

static void test_secure_stream_updates_seldom(void **state) {
    (void)state;
    tls_open(16, 10000);
    struct tls_pair *pair = connected();
    for (uint64_t at = 0; at < 40; at++) {
        SSL_key_update(pair->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
        for (uint64_t n = 0; n < 128; n++)
            tls_client_write(pair, (at * 128 + n) * PIECE, PIECE);
        pair->stop_received = (at + 1) * 128 * PIECE;
        loop_run(&tls.loop);
    }
    assert_int_equal(pair->ended, -1);
    assert_int_equal(pair->wrong, 0);
    tls_close();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secure_stream_receives),
        cmocka_unit_test(test_secure_stream_pauses),
        cmocka_unit_test(test_secure_stream_writes),
        cmocka_unit_test(test_secure_stream_gives_way),
        cmocka_unit_test(test_secure_stream_closes_with_writes),
        cmocka_unit_test(test_secure_stream_closes_inside),
        cmocka_unit_test(test_secure_stream_closes_while_shaking),
        cmocka_unit_test(test_secure_stream_changed_byte),
        cmocka_unit_test(test_secure_stream_changed_handshake),
        cmocka_unit_test(test_secure_stream_no_tls),
        cmocka_unit_test(test_secure_stream_deadline),
        cmocka_unit_test(test_secure_stream_turns),
        cmocka_unit_test(test_secure_stream_ends),
        cmocka_unit_test(test_secure_stream_updates_of_keys),
        cmocka_unit_test(test_secure_stream_updates_seldom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
