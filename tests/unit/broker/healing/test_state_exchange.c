/* States of appliers from brokers that give something else: the next one is asked. */
#include "broker/healing/state_exchange.h"

#include <string.h>

#include "base/crc32c.h"
#include "broker/broker_internal.h"
#include "storage/little_endian.h"
#include "tests/unit/broker/fixture_brokers.h"
#include "tests/unit/unit.h"

enum { GROUP = 77, LEAST = 50, INDEX = 60, TERM = 4, STATE_LEN = 200 * 1000, ANSWER_HEAD = 18 };

enum lie {
    TRUTH,
    NOT_HERE,
    NO_ANSWER_HEAD,
    TOO_FEW_ENTRIES,
    OTHER_GROUP,
    OTHER_LENGTH,
    BEYOND_THE_MOST,
    MORE_THAN_ALL,
    OTHER_BYTES,
    NEVER_ENDS,
    LIES,
};

struct giver {
    struct broker_messages *messages;
    enum lie lie;
    unsigned asked;
    size_t room; /* that the ask had at the last question */
};

static uint8_t file[STATE_HEAD_SIZE + STATE_LEN];
static struct state_ask ask;
static bool over, wanted;
static int ended_with;
static struct state_given given;

static void make_file(enum lie lie) {
    struct state_head head = {.group = lie == OTHER_GROUP ? GROUP + 1 : GROUP,
                              .index = lie == TOO_FEW_ENTRIES ? LEAST - 1 : INDEX,
                              .len = lie == BEYOND_THE_MOST ? UINT32_MAX : STATE_LEN};
    if (lie == NEVER_ENDS) head.len = STATE_MOST - STATE_HEAD_SIZE;
    if (lie == OTHER_LENGTH) head.len--;
    for (size_t i = 0; i < STATE_LEN; i++)
        file[STATE_HEAD_SIZE + i] = (uint8_t)(i * 7 + i / 256);
    state_head_encode(&head, file);
    state_head_seal(file, crc32c(state_head_crc(file), file + STATE_HEAD_SIZE, STATE_LEN));
    if (lie == OTHER_BYTES) file[STATE_HEAD_SIZE + STATE_LEN / 2] ^= 1;
}

static void on_question(void *arg, struct broker_caller caller, const uint8_t *body, size_t len) {
    struct giver *giver = arg;
    assert_int_equal(len, 33);
    assert_int_equal(le_get_u64(body + 1), GROUP);
    assert_int_equal(le_get_u64(body + 9), LEAST);
    size_t at = (size_t)le_get_u64(body + 25), left = sizeof file - at,
           size = left < STATE_PIECE_MOST ? left : STATE_PIECE_MOST;
    giver->asked++;
    giver->room = ask.room;
    make_file(giver->lie);
    uint32_t total = sizeof file;
    bool here = giver->lie != NOT_HERE && (giver->lie != NEVER_ENDS || at == 0);
    if (giver->lie == BEYOND_THE_MOST) total = UINT32_MAX;
    if (giver->lie == NEVER_ENDS) total = STATE_MOST;
    struct buffer *buffer = buffer_new(NULL, ANSWER_HEAD + STATE_PIECE_MOST + 1);
    memset(buffer->data, 0, buffer->size);
    buffer->data[0] = 1;
    buffer->data[1] = here;
    le_put_u64(buffer->data + 2, giver->lie == TOO_FEW_ENTRIES ? LEAST - 1 : INDEX);
    le_put_u32(buffer->data + 10, TERM);
    le_put_u32(buffer->data + 14, total);
    memcpy(buffer->data + ANSWER_HEAD, file + at, size);
    size_t answer = giver->lie == NO_ANSWER_HEAD ? 5 : here ? ANSWER_HEAD + size : ANSWER_HEAD;
    if (giver->lie == MORE_THAN_ALL && left <= STATE_PIECE_MOST) answer++;
    broker_messages_answer(giver->messages, caller, slice_of(buffer, 0, answer));
    buffer_unref(buffer);
}

static bool on_done(struct state_ask *of, int error, struct state_given *what) {
    assert_ptr_equal(of, &ask);
    over = true;
    ended_with = error;
    given = *what;
    return true;
}

static bool on_wants(struct state_ask *of, log_index index, log_term term) {
    assert_ptr_equal(of, &ask);
    assert_int_equal(index, INDEX);
    assert_int_equal(term, TERM);
    return wanted;
}

static bool is_over(struct brokers *brokers) {
    return (void)brokers, over;
}

static void serve(struct brokers *brokers, int i, struct giver *giver, enum lie lie) {
    *giver = (struct giver){.messages = brokers->nodes[i].broker->messages, .lie = lie};
    broker_messages_serve(giver->messages, BROKER_REQUEST_STATE, on_question, giver);
}

static void ask_both(struct brokers *brokers, struct state_exchange *exchange) {
    ask = (struct state_ask){.done = on_done, .wants = on_wants};
    over = false;
    given = (struct state_given){0};
    state_ask_begin(exchange, &ask, GROUP, LEAST, (int32_t[]){2, 3}, 2);
    brokers_until(brokers, is_over);
    assert_null(ask.state);
}

static struct state_exchange *start(struct brokers *brokers) {
    brokers_start(brokers, 3, NULL);
    const struct broker *broker = brokers->nodes[0].broker;
    wanted = true;
    return state_exchange_new(brokers->env, broker->shard, broker->messages);
}

/* Whatever the first says, the second is believed; and no length makes room for more than came. */
static void test_of_givers_that_lie(void **state) {
    struct brokers *brokers = *state;
    struct state_exchange *exchange = start(brokers);
    struct giver liar, honest;
    for (enum lie lie = NOT_HERE; lie < LIES; lie++) {
        serve(brokers, 1, &liar, lie);
        serve(brokers, 2, &honest, TRUTH);
        ask_both(brokers, exchange);
        assert_int_equal(ended_with, ERR_NONE);
        assert_int_equal(given.node, 3);
        assert_int_equal(ask.too_large, lie == BEYOND_THE_MOST ? UINT32_MAX : 0);
        assert_int_equal(given.index, INDEX);
        assert_int_equal(given.term, TERM);
        assert_int_equal(given.state.len, STATE_LEN);
        assert_memory_equal(given.state.data, file + STATE_HEAD_SIZE, STATE_LEN);
        slice_unref(&given.state);
        assert_int_equal(honest.asked, 4);
        assert_in_range(honest.room, 1, STATE_LEN);
        bool late = lie == MORE_THAN_ALL || lie == OTHER_BYTES;
        assert_int_equal(liar.asked, late ? 4 : lie == NEVER_ENDS ? 2 : 1);
        assert_in_range(liar.room, 0, late ? STATE_LEN : 2 * STATE_PIECE_MOST);
    }
    state_exchange_free(exchange);
}

/* What cannot be used is not brought here: its first piece says so. */
static void test_of_what_is_not_wanted(void **state) {
    struct brokers *brokers = *state;
    struct state_exchange *exchange = start(brokers);
    struct giver givers[2];
    for (int i = 0; i < 2; i++)
        serve(brokers, i + 1, &givers[i], TRUTH);
    wanted = false;
    ask_both(brokers, exchange);
    assert_int_equal(ended_with, ERR_NOT_FOUND);
    assert_int_equal(given.node, -1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(givers[i].asked, 1);
    state_exchange_free(exchange);
}

/* It comes as fast as files do, and no faster. */
static void test_of_its_rate(void **state) {
    struct brokers *brokers = *state;
    struct state_exchange *exchange = start(brokers);
    struct giver givers[2];
    for (int i = 0; i < 2; i++)
        serve(brokers, i + 1, &givers[i], TRUTH);
    shard_set_fetch_rate(brokers->nodes[0].broker->shard, STATE_LEN); /* in about a second */
    uint64_t from_ms = env_now_ms(brokers->env);
    ask_both(brokers, exchange);
    assert_int_equal(ended_with, ERR_NONE);
    assert_int_equal(givers[0].asked, 4);
    /* The first piece at once, a tenth of a second's worth in advance. */
    assert_true(env_now_ms(brokers->env) - from_ms >=
                3 * 1000 * STATE_PIECE_MOST / STATE_LEN - 110);
    slice_unref(&given.state);
    state_exchange_free(exchange);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, brokers_setup, brokers_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {TEST(test_of_givers_that_lie),
                                       TEST(test_of_what_is_not_wanted), TEST(test_of_its_rate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
