/* Work in steps of requests that a real server holds: turns, the memory for answers, clients that
 * go. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/server/request_steps.h"
#include "protocol/messages/describe_cluster.h"
#include "tests/unit/broker/fixture_server.h"
#include "tests/unit/unit.h"

enum { STEPS = 200, WORKS = 40, LARGE = 16 << 20 /* more than the kernel takes of an answer */ };

static struct work {
    unsigned steps;          /* done */
    size_t bytes_of_each;    /* that a step takes of the arena */
    uint64_t us_of_each;     /* that it takes of the turn */
    bool large;              /* is its answer */
    unsigned steps_by_timer; /* done when the timer fired */
    unsigned next_had;       /* steps that the next one had done when this one had done all, */
    unsigned last_had;       /* and the one before it */
} works[WORKS];

static struct work *work_of(const struct request *request) {
    return &works[request->correlation_id];
}

static void make_large(struct request *request, struct kp_describe_cluster_response *response) {
    static char text[INT16_MAX];
    size_t count = LARGE / sizeof text;
    memset(text, 'x', sizeof text);
    struct kp_describe_cluster_response_broker *brokers = kp_arena_alloc(&request->arena,
                                                                         count * sizeof *brokers);
    for (size_t i = 0; i < count; i++) {
        kp_set_fallbacks(&kp_describe_cluster_response_broker_schema, &brokers[i]);
        brokers[i].host = (struct kp_string){text, sizeof text};
    }
    response->brokers.items = brokers;
    response->brokers.count = (int32_t)count;
}

static bool step(struct request *request) {
    struct work *work = work_of(request);
    assert_false(request->dead);
    for (uint64_t end_us = env_now_us(request->env) + work->us_of_each;
         env_now_us(request->env) < end_us;) {}
    if (work->bytes_of_each > 0)
        assert_non_null(kp_arena_alloc(&request->arena, work->bytes_of_each));
    if (++work->steps < STEPS) return true;
    if (work < &works[WORKS - 1]) work->next_had = work[1].steps;
    if (work > &works[0]) work->last_had = work[-1].steps;
    struct kp_describe_cluster_response *response = kp_arena_alloc(&request->arena,
                                                                   sizeof *response);
    kp_set_fallbacks(&kp_describe_cluster_response_schema, response);
    if (work->large) make_large(request, response);
    request_respond_kept(request, response);
    return false;
}

/* Takes the i-th request that is held, and works on it. */
static void begin(struct stage *stage, size_t i) {
    struct request *request = stage->held[i];
    stage->held[i] = NULL;
    request->canceled = NULL;
    request_steps(request, step);
}

static void timer_fired(void *arg) {
    (void)arg;
    works[0].steps_by_timer = works[0].steps;
}

static int setup(void **state) {
    memset(works, 0, sizeof works);
    return stage_setup(state);
}

/* Two requests that are much work take turns, others run in between, and both are answered. */
static void test_steps_take_turns(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    works[0].us_of_each = works[1].us_of_each = 500;
    int clients[2];
    for (int32_t i = 0; i < 2; i++) {
        clients[i] = stage_dial(stage);
        stage_ask_cluster(clients[i], i);
        stage_run_until_held(stage, (size_t)i + 1);
    }
    struct env_timer *other = env_timer_new(stage->env, timer_fired, NULL);
    env_timer_start(other, 20 * 1000);
    begin(stage, 0);
    assert_int_equal(works[0].steps, 1); /* in the call that begins: of this turn enough is left, */
    begin(stage, 1);
    assert_in_range(works[1].steps, 0, 1); /* unless somebody else has this processor */
    for (int32_t i = 0; i < 2; i++) {
        assert_int_equal(stage_receive_correlation_id(stage, clients[i]), i);
        assert_int_equal(works[i].steps, STEPS);
        close(clients[i]);
    }
    assert_in_range(works[0].steps_by_timer, 1, STEPS - 1);
    env_timer_free(other);
}

static unsigned all_steps(void) {
    unsigned count = 0;
    for (size_t i = 0; i < WORKS; i++)
        count += works[i].steps;
    return count;
}

/* Many clients whose requests are much work: one that asks for little is answered before each of
 * them has had another turn. */
static void test_little_does_not_wait_for_much(void **state) {
    struct stage *stage = *state;
    stage_open_server(stage);
    int clients[WORKS];
    for (int32_t i = 0; i < WORKS - 1; i++) {
        works[i].us_of_each = 400;
        clients[i] = stage_dial(stage);
        stage_ask_cluster(clients[i], i);
        stage_run_until_held(stage, (size_t)i + 1);
    }
    clients[WORKS - 1] = stage_dial(stage);
    for (size_t i = 0; i < WORKS - 1; i++)
        begin(stage, i);
    while (all_steps() < 3 * WORKS) /* each has turned out to be much */
        stage_run_ms(stage, 1);
    works[WORKS - 1].steps = STEPS - 1;
    unsigned before = all_steps();
    stage_ask_cluster(clients[WORKS - 1], WORKS - 1);
    stage_run_until_held(stage, WORKS);
    begin(stage, WORKS - 1);
    assert_int_equal(stage_receive_correlation_id(stage, clients[WORKS - 1]), WORKS - 1);
    assert_in_range(all_steps() - before, 1, 2 * WORKS); /* else some 10 of each */
    for (size_t i = 0; i < WORKS; i++)
        close(clients[i]);
}

/* What an answer under construction takes is charged. While that is spent one goes on at a time,
 * and in the end all are answered. */
static void test_steps_wait_for_memory(void **state) {
    struct stage *stage = *state;
    stage->options.answer_bytes = 1 << 20;
    stage_open_server(stage);
    works[0].bytes_of_each = works[1].bytes_of_each = 100 << 10;
    works[0].us_of_each = works[1].us_of_each = 100;
    int clients[2];
    for (int32_t i = 0; i < 2; i++) {
        clients[i] = stage_dial(stage);
        stage_ask_cluster(clients[i], i);
        stage_run_until_held(stage, (size_t)i + 1);
    }
    begin(stage, 0);
    begin(stage, 1);
    assert_true(server_memory_of(stage->server)->answers.used > 100 << 10);
    for (int32_t i = 0; i < 2; i++) {
        assert_int_equal(stage_receive_correlation_id(stage, clients[i]), i);
        close(clients[i]);
    }
    bool first =
        works[0].next_had <
        STEPS; /* to end: on a busy machine the other one may have come further in the first turn */
    assert_in_range(first ? works[0].next_had : works[1].last_had, 1, STEPS - 1);
    stage_run_until(stage, stage_has_nothing);
}

/* Of one client's requests the later one may end first while the memory is spent: it does not keep
 * that until the earlier one, which waits for it, has ended. */
static void test_steps_of_one_client(void **state) {
    struct stage *stage = *state;
    stage->options.answer_bytes = 1 << 20;
    stage_open_server(stage);
    works[0].bytes_of_each = works[1].bytes_of_each = 100 << 10;
    int client = stage_dial(stage);
    for (int32_t i = 0; i < 2; i++) {
        stage_ask_cluster(client, i);
        stage_run_until_held(stage, (size_t)i + 1);
    }
    begin(stage, 1);
    begin(stage, 0);
    assert_true(works[0].steps < STEPS);
    for (int32_t i = 0; i < 2; i++)
        assert_int_equal(stage_receive_correlation_id(stage, client), i);
    close(client);
    stage_run_until(stage, stage_has_nothing);
}

/* Many ordinary answers at once pass the limit by a part of it, not by as much as there are. */
static void test_steps_have_a_reserve(void **state) {
    struct stage *stage = *state;
    stage->options.answer_bytes = 1 << 20;
    stage_open_server(stage);
    int clients[WORKS];
    size_t most = 0;
    for (size_t i = 0; i < WORKS; i++) {
        works[i].bytes_of_each = 4 << 10; /* 800 KiB in the end */
        works[i].us_of_each = 100;
        clients[i] = stage_dial(stage);
        stage_ask_cluster(clients[i], (int32_t)i);
        stage_run_until_held(stage, i + 1);
    }
    for (size_t i = 0; i < WORKS; i++)
        begin(stage, i);
    for (size_t i = 0; i < WORKS; i++)
        while (works[i].steps < STEPS) {
            stage_run_ms(stage, 1);
            if (server_memory_of(stage->server)->answers.used > most)
                most = server_memory_of(stage->server)->answers.used;
        }
    assert_in_range(most, 1 << 20,
                    5 << 19); /* half of it beyond the limit, and one that goes on alone */
    for (size_t i = 0; i < WORKS; i++)
        close(clients[i]);
    stage_run_until(stage, stage_has_nothing);
}

/* ---- Answers past the limit ---- */

static void begin_large(struct stage *stage, int *clients, size_t count) {
    for (size_t i = 0; i < count; i++) {
        works[i].bytes_of_each = 10 << 10;
        works[i].large = true;
        clients[i] = stage_dial(stage);
        int room = 64 << 10; /* little waits in the kernel of a client that does not read */
        assert_int_equal(setsockopt(clients[i], SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
        stage_ask_cluster(clients[i], (int32_t)i);
        stage_run_until_held(stage, i + 1);
    }
    for (size_t i = 0; i < count; i++)
        begin(stage, i);
}

/* The client to whom something was sent, if there is only one. */
static int only_answered(struct stage *stage, const int *clients, size_t count) {
    int found = -1;
    for (size_t i = 0; i < count; i++) {
        stage->client = clients[i];
        if (clients[i] < 0 || !stage_can_read(stage)) continue;
        if (found >= 0) fail_msg("clients %d and %zu are answered at once", found, i);
        found = (int)i;
    }
    return found;
}

/* The same, once there is one, and others have had the time to get theirs. */
static int first_answered(struct stage *stage, const int *clients, size_t count) {
    for (int tries = 0; tries < 1000 && only_answered(stage, clients, count) < 0; tries++)
        stage_run_ms(stage, 10);
    stage_run_ms(stage, 50);
    int answered = only_answered(stage, clients, count);
    assert_true(answered >= 0);
    return answered;
}

static void read_large(struct stage *stage, int client) {
    static char bytes[1 << 20];
    uint32_t len;
    stage->client = client;
    stage_run_until(stage, stage_can_read);
    assert_int_equal(recv(client, &len, 4, MSG_WAITALL), 4);
    size_t left = ntohl(len);
    assert_true(left > LARGE / 2);
    while (left > 0) {
        stage_run_ms(stage, 1);
        ssize_t got = recv(client, bytes, left < sizeof bytes ? left : sizeof bytes, MSG_DONTWAIT);
        if (got > 0) left -= (size_t)got;
    }
}

/* Past the limit one answer goes out after the other: the next one is made when the client before
 * has taken its own, so that those who take none do not fill the memory. */
static void test_steps_unread_answers(void **state) {
    struct stage *stage = *state;
    int clients[WORKS];
    stage->options.answer_bytes = 1 << 20;
    stage->options.max_slow_ms = 60000;
    stage_open_server(stage);
    begin_large(stage, clients, WORKS);
    for (size_t left = WORKS; left > 0; left--) {
        int answered = first_answered(stage, clients, WORKS);
        read_large(stage, clients[answered]);
        close(clients[answered]);
        clients[answered] = -1;
    }
    stage_run_until(stage, stage_has_nothing);
}

/* The same of the requests of one client, whose last one has come furthest when the memory is
 * spent. */
static void test_steps_unread_answers_of_one_client(void **state) {
    struct stage *stage = *state;
    stage->options.answer_bytes = 1 << 20;
    stage_open_server(stage);
    int client = stage_dial(stage);
    for (int32_t i = 0; i < 3; i++) {
        works[i].bytes_of_each = 10 << 10;
        works[i].large = true;
        stage_ask_cluster(client, i);
        stage_run_until_held(stage, (size_t)i + 1);
    }
    for (size_t i = 3; i-- > 0;)
        begin(stage, i);
    stage->client = client;
    stage_run_until(stage, stage_can_read);
    stage_run_ms(stage, 50);
    assert_int_equal(works[0].steps, STEPS);
    assert_in_range(server_memory_of(stage->server)->answers.used, 1, 2 * LARGE);
    for (int i = 0; i < 3; i++)
        read_large(stage, client);
    close(client);
    stage_run_until(stage, stage_has_nothing);
}

/* Who takes an answer past the limit slowly, while others wait, is closed. */
static void test_steps_slow_taker(void **state) {
    struct stage *stage = *state;
    int clients[2];
    stage->options.answer_bytes = 1 << 20;
    stage->options.max_slow_ms = 2500;
    stage_open_server(stage);
    begin_large(stage, clients, 2);
    int slow = first_answered(stage, clients, 2), byte;
    stage->client = clients[1 - slow];
    uint64_t began_us = env_now_us(stage->env), taken = 0;
    while (!stage_can_read(stage)) {
        static char bytes[64 << 10];
        uint64_t due = (env_now_us(stage->env) - began_us) * 4; /* 4 MB/s: it is not deaf */
        ssize_t got = taken < due ? recv(clients[slow], bytes, sizeof bytes, MSG_DONTWAIT) : 0;
        if (got > 0) taken += (uint64_t)got;
        if (got <= 0) stage_run_ms(stage, 2);
    }
    stage_assert_logged(stage, "others wait for the memory for answers");
    read_large(stage, clients[1 - slow]);
    assert_int_equal(recv(clients[1 - slow], &byte, 1, MSG_DONTWAIT), -1);
    close(clients[0]);
    close(clients[1]);
    stage_run_until(stage, stage_has_nothing);
}

/* A client that goes ends the work, wherever that is: no step comes after it, and nothing stays
 * charged. */
static void test_steps_client_goes(void **state) {
    struct stage *stage = *state;
    stage->options.answer_bytes = 1 << 20;
    stage_open_server(stage);
    works[0].bytes_of_each = works[1].bytes_of_each = 100 << 10;
    works[0].us_of_each = works[1].us_of_each = 5000;
    int clients[2];
    for (int32_t i = 0; i < 2; i++) {
        clients[i] = stage_dial(stage);
        stage_ask_cluster(clients[i], i);
        stage_run_until_held(stage, (size_t)i + 1);
    }
    begin(stage, 0);
    begin(stage, 1);
    stage_run_ms(stage, 150); /* one of them waits by now */
    assert_true(works[0].steps < STEPS && works[1].steps < STEPS);
    close(clients[0]);
    close(clients[1]);
    stage_run_until(stage, stage_has_nothing);
    unsigned steps = works[0].steps + works[1].steps;
    stage_run_ms(stage, 20);
    assert_int_equal(works[0].steps + works[1].steps, steps);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, stage_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_steps_take_turns),
        TEST(test_little_does_not_wait_for_much),
        TEST(test_steps_wait_for_memory),
        TEST(test_steps_of_one_client),
        TEST(test_steps_have_a_reserve),
        TEST(test_steps_client_goes),
        TEST(test_steps_unread_answers),
        TEST(test_steps_slow_taker),
        TEST(test_steps_unread_answers_of_one_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
