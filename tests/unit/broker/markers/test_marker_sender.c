/* From an order to the markers that leave, and what is made of the answers: in a cluster of which
 * only the table of leaders and the metadata are real. */
#include <stdio.h>
#include <string.h>

#include "base/env_uv/env_uv.h"
#include "base/mem.h"
#include "broker/markers/marker_sender.h"
#include "broker/metadata/metadata_commands.h"
#include "protocol/kafka_error.h"
#include "tests/unit/unit.h"

#include <utlist.h>

enum { NODES = 3, PARTITIONS = 4, MANY = 10000, MANY_ID = 77, PRODUCER = 9, TERM = 5 };

/* What the sender asked a broker for, and nobody has answered. */
struct call {
    struct marker_call *call;
    int32_t node;
    struct marker_ask asks[MARKERS_A_CALL];
    size_t count;
    struct call *next, *prev;
};

struct fixture {
    struct env *env;
    struct log log;
    struct metadata *metadata;
    struct leader_table *leaders;
    struct marker_sender *sender;
    struct call *calls;
    size_t call_count, called; /* waiting; ever */
    int16_t answer;            /* given at once by who `answers` */
    bool answers;
    struct producer_ids_ask *question;
    unsigned questions;
    struct env_timer *limit, *poll;
    struct env_task answer_task;
    bool timed_out;
    bool (*until)(struct fixture *fixture);
    uint64_t index;
};

static struct fixture *current;

/* ---- The fake cluster ---- */

static void road_ask(void *arg, struct marker_call *marker_call, int32_t node,
                     const struct marker_ask *asks, size_t count) {
    struct fixture *fixture = arg;
    struct call *call = mem_zalloc(sizeof *call);
    assert_true(count > 0 && count <= MARKERS_A_CALL);
    call->call = marker_call;
    call->node = node;
    call->count = count;
    memcpy(call->asks, asks, count * sizeof *asks);
    DL_APPEND(fixture->calls, call);
    fixture->call_count++;
    fixture->called++;
    if (fixture->answers) env_defer(fixture->env, &fixture->answer_task);
}

static struct call *call_of(const struct fixture *fixture, const struct marker_call *marker_call) {
    struct call *call;
    DL_FOREACH(fixture->calls, call) if (call->call == marker_call) return call;
    fail();
    return NULL;
}

static struct marker_call *take_call(struct fixture *fixture, struct call *call) {
    struct marker_call *marker_call = call->call;
    DL_DELETE(fixture->calls, call);
    fixture->call_count--;
    mem_free(call);
    return marker_call;
}

static void road_cancel(struct marker_call *marker_call) {
    take_call(current, call_of(current, marker_call));
}

/* All markers of it alike. */
static void answer(struct fixture *fixture, struct call *call, int error, int16_t code) {
    int16_t codes[MARKERS_A_CALL];
    for (size_t i = 0; i < call->count; i++)
        codes[i] = code;
    struct marker_call *marker_call = take_call(fixture, call);
    marker_call->done(marker_call, error, codes);
}

static void answer_all(struct env_task *task) {
    (void)task;
    while (current->calls != NULL)
        answer(current, current->calls, ERR_NONE, current->answer);
}

static void ask(void *arg, struct producer_ids_ask *question) {
    struct fixture *fixture = arg;
    assert_null(fixture->question);
    fixture->question = question;
    fixture->questions++;
}

static void ask_cancel(void *arg, struct producer_ids_ask *question) {
    struct fixture *fixture = arg;
    assert_ptr_equal(fixture->question, question);
    fixture->question = NULL;
}

static void answer_question(struct fixture *fixture, bool known) {
    struct producer_ids_ask *question = fixture->question;
    fixture->question = NULL;
    question->done(question, known);
}

static int apply(struct fixture *fixture, const struct metadata_command *command) {
    struct slice bytes;
    struct metadata_result result;
    assert_int_equal(metadata_command_encode(command, &bytes), ERR_NONE);
    assert_int_equal(
        metadata_apply(fixture->metadata, ++fixture->index, bytes.data, bytes.len, &result),
        ERR_NONE);
    slice_unref(&bytes);
    return result.error;
}

static void create(struct fixture *fixture, const char *name, uint8_t id, int32_t count) {
    int32_t nodes[NODES] = {1, 2, 3};
    struct command_partition *partitions = mem_zalloc((size_t)count * sizeof *partitions);
    struct metadata_command command;
    for (int32_t p = 0; p < count; p++) {
        partitions[p].nodes.items = nodes;
        partitions[p].nodes.count = NODES;
    }
    metadata_command_init(&command, COMMAND_CREATE_TOPIC);
    command.create_topic.name = kp_string_of(name);
    command.create_topic.id.bytes[0] = id;
    command.create_topic.partitions.items = partitions;
    command.create_topic.partitions.count = count;
    assert_int_equal(apply(fixture, &command), KAFKA_NONE);
    mem_free(partitions);
}

static void delete_topic(struct fixture *fixture, uint8_t id) {
    struct metadata_command command;
    metadata_command_init(&command, COMMAND_DELETE_TOPIC);
    command.delete_topic.id.bytes[0] = id;
    assert_int_equal(apply(fixture, &command), KAFKA_NONE);
}

static uint64_t group_of(const struct fixture *fixture, const char *topic, int32_t partition) {
    const struct metadata_topic *found = metadata_topic_named(fixture->metadata, topic,
                                                              strlen(topic));
    return metadata_partition_at(found, partition)->group;
}

/* As another broker announces it. */
static void lead(struct fixture *fixture, uint64_t group, int32_t node, log_term term) {
    struct kp_writer writer;
    uint8_t *data;
    size_t len;
    kp_writer_init(&writer, 100);
    kp_write_int8(&writer, 1);
    kp_write_int32(&writer, 1);
    kp_write_int64(&writer, (int64_t)group);
    kp_write_int32(&writer, (int32_t)term);
    kp_write_bool(&writer, true);
    kp_write_int32(&writer, 0);
    assert_int_equal(kp_writer_take(&writer, &data, &len), ERR_NONE);
    struct slice announcement = slice_adopt(NULL, data, len);
    leader_table_receive(fixture->leaders, node, &announcement);
    slice_unref(&announcement);
}

static void lead_all(struct fixture *fixture, const char *topic, int32_t count) {
    for (int32_t p = 0; p < count; p++)
        lead(fixture, group_of(fixture, topic, p), 2 + p % (NODES - 1), TERM);
}

static void send_nothing(void *arg, int32_t node, struct slice announcement) {
    (void)arg;
    (void)node;
    slice_unref(&announcement);
}

/* ---- Running ---- */

static void on_limit(void *arg) {
    ((struct fixture *)arg)->timed_out = true;
    env_uv_stop(((struct fixture *)arg)->env);
}

static void on_poll(void *arg) {
    struct fixture *fixture = arg;
    if (fixture->until(fixture))
        env_uv_stop(fixture->env);
    else
        env_timer_start(fixture->poll, 1000);
}

static bool run_for(struct fixture *fixture, unsigned ms, bool (*until)(struct fixture *)) {
    fixture->until = until;
    fixture->timed_out = false;
    env_timer_start(fixture->limit, (uint64_t)ms * 1000);
    if (until != NULL) env_timer_start(fixture->poll, 0);
    env_uv_run(fixture->env);
    env_timer_stop(fixture->limit);
    env_timer_stop(fixture->poll);
    return !fixture->timed_out;
}

static void run_until(struct fixture *fixture, bool (*until)(struct fixture *)) {
    assert_true(run_for(fixture, 10000, until));
}

static int setup(void **state) {
    struct fixture *fixture = mem_zalloc(sizeof *fixture);
    struct metadata_command command;
    *state = current = fixture;
    assert_int_equal(env_uv_new(&fixture->env, 2), ERR_NONE);
    fixture->log = (struct log){.env = fixture->env, .level = LOG_ERROR};
    fixture->metadata = metadata_new(NODES, 42);
    fixture->leaders = leader_table_new(fixture->env, &fixture->log, 1, send_nothing, NULL);
    fixture->limit = env_timer_new(fixture->env, on_limit, fixture);
    fixture->poll = env_timer_new(fixture->env, on_poll, fixture);
    fixture->answer_task.run = answer_all;
    for (int32_t node = 1; node <= NODES; node++) {
        metadata_command_init(&command, COMMAND_REGISTER_BROKER);
        command.register_broker.node = node;
        command.register_broker.directory.bytes[0] = (uint8_t)node;
        assert_int_equal(apply(fixture, &command), KAFKA_NONE);
    }
    create(fixture, "t", 1, PARTITIONS);
    create(fixture, "u", 2, PARTITIONS);
    fixture->sender = marker_sender_new(
        &(struct marker_sender_options){.env = fixture->env,
                                        .log = &fixture->log,
                                        .metadata = fixture->metadata,
                                        .leaders = fixture->leaders,
                                        .road = {road_ask, road_cancel, fixture},
                                        .ask = ask,
                                        .ask_cancel = ask_cancel,
                                        .ask_arg = fixture});
    return 0;
}

static int teardown(void **state) {
    struct fixture *fixture = *state;
    marker_sender_free(fixture->sender);
    assert_null(fixture->calls);
    assert_null(fixture->question);
    leader_table_free(fixture->leaders);
    metadata_free(fixture->metadata);
    env_timer_free(fixture->limit);
    env_timer_free(fixture->poll);
    assert_true(env_uv_free(fixture->env));
    mem_free(fixture);
    return 0;
}

/* ---- Orders ---- */

struct ordered {
    struct marker_order order;
    struct marker_topic topics[2];
    bool over;
    int16_t error;
};

static int32_t all[MANY];
static struct ordered *watched;

static void on_done(struct marker_order *order, int16_t error) {
    struct ordered *ordered = (struct ordered *)order;
    assert_false(ordered->over);
    assert_null(order->sender);
    ordered->over = true;
    ordered->error = error;
}

static struct ordered order_of(int64_t producer, const char *first, size_t count,
                               const char *second) {
    for (int32_t p = 0; p < MANY; p++)
        all[p] = p;
    struct ordered ordered = {.order = {.producer_id = producer,
                                        .producer_epoch = 3,
                                        .coordinator_epoch = 8,
                                        .transaction_version = 2,
                                        .commit = true,
                                        .topic_count = second == NULL ? 1 : 2,
                                        .done = on_done}};
    ordered.topics[0] = (struct marker_topic){first, strlen(first), all, count};
    if (second != NULL) ordered.topics[1] = (struct marker_topic){second, strlen(second), all, 1};
    return ordered;
}

static void begin(struct fixture *fixture, struct ordered *ordered) {
    ordered->order.topics = ordered->topics;
    watched = ordered;
    marker_order_begin(fixture->sender, &ordered->order);
    assert_false(ordered->over);
}

static bool is_over(struct fixture *fixture) {
    (void)fixture;
    return watched->over;
}

static bool somebody_is_asked(struct fixture *fixture) {
    return fixture->call_count > 0;
}

static bool both_are_asked(struct fixture *fixture) {
    return fixture->call_count == 2;
}

static bool question_is_put(struct fixture *fixture) {
    return fixture->question != NULL;
}

static struct call *asked_of(const struct fixture *fixture, int32_t node) {
    struct call *call;
    DL_FOREACH(fixture->calls, call) if (call->node == node) return call;
    fail_msg("broker %d is not asked", node);
    return NULL;
}

/* Each leader is asked once for all that it leads, in the term in which it does, and the order is
 * over with the last answer. An order of nothing is over at once. */
static void test_marker_sender_orders(void **state) {
    struct fixture *fixture = *state;
    struct ordered ordered = order_of(PRODUCER, "t", PARTITIONS, "u"),
                   other = order_of(PRODUCER + 1, "t", 1, NULL),
                   nothing = order_of(PRODUCER, "t", 0, NULL);
    lead_all(fixture, "t", PARTITIONS);
    lead_all(fixture, "u", 1);
    begin(fixture, &other);
    begin(fixture, &ordered);
    run_until(fixture, both_are_asked);
    const struct call *of_2 = asked_of(fixture, 2), *of_3 = asked_of(fixture, 3);
    assert_int_equal(of_2->count, 4);
    assert_int_equal(of_3->count, 2);
    assert_int_equal(of_3->asks[0].group, group_of(fixture, "t", 1));
    assert_int_equal(of_3->asks[0].term, TERM);
    assert_int_equal(of_3->asks[0].end.producer_id, PRODUCER);
    assert_int_equal(of_3->asks[0].end.producer_epoch, 3);
    assert_int_equal(of_3->asks[0].end.coordinator_epoch, 8);
    assert_true(of_3->asks[0].end.commit);
    assert_true(of_3->asks[0].raises_epoch);
    assert_int_equal(marker_sender_orders(fixture->sender), 2);
    assert_int_equal(marker_sender_markers(fixture->sender), 6);
    answer(fixture, asked_of(fixture, 3), ERR_NONE, KAFKA_NONE);
    run_for(fixture, 5, NULL);
    assert_false(ordered.over || other.over);
    answer(fixture, asked_of(fixture, 2), ERR_NONE, KAFKA_NONE);
    run_until(fixture, is_over);
    assert_true(other.over);
    assert_int_equal(ordered.error, KAFKA_NONE);
    begin(fixture, &nothing);
    run_until(fixture, is_over);
    assert_int_equal(nothing.error, KAFKA_NONE);
    assert_int_equal(marker_sender_orders(fixture->sender), 0);
    assert_int_equal(marker_sender_markers(fixture->sender), 0);
    assert_int_equal(fixture->called, 2);
}

/* Nobody leads: as soon as somebody is known to he is asked. One that leads no more is asked again
 * after a while, the next one at once. */
static void test_marker_sender_follows_leaders(void **state) {
    struct fixture *fixture = *state;
    struct ordered ordered = order_of(PRODUCER, "t", 1, NULL);
    uint64_t group = group_of(fixture, "t", 0);
    begin(fixture, &ordered);
    assert_false(run_for(fixture, 60, somebody_is_asked));
    lead(fixture, group, 2, 1);
    assert_true(run_for(fixture, 10, somebody_is_asked));
    answer(fixture, asked_of(fixture, 2), ERR_NONE, KAFKA_NOT_LEADER_OR_FOLLOWER);
    assert_false(run_for(fixture, 10, somebody_is_asked));
    run_until(fixture, somebody_is_asked);
    answer(fixture, asked_of(fixture, 2), ERR_CONNECTION, 0);
    lead(fixture, group, 3, 2);
    assert_true(run_for(fixture, 15, somebody_is_asked));
    assert_int_equal(asked_of(fixture, 3)->asks[0].term, 2);
    answer(fixture, asked_of(fixture, 3), ERR_NONE, KAFKA_FENCED_LEADER_EPOCH);
    lead(fixture, group, 3, 4);
    assert_true(run_for(fixture, 15, somebody_is_asked));
    assert_int_equal(asked_of(fixture, 3)->asks[0].term, 4);
    answer(fixture, asked_of(fixture, 3), ERR_NONE, KAFKA_NONE);
    run_until(fixture, is_over);
    assert_int_equal(ordered.error, KAFKA_NONE);
}

/* What is answered of each partition stands for that one alone. */
static void test_marker_sender_partial_answers(void **state) {
    struct fixture *fixture = *state;
    struct ordered ordered = order_of(PRODUCER, "t", PARTITIONS, NULL);
    int16_t codes[] = {KAFKA_NONE, KAFKA_NOT_ENOUGH_REPLICAS};
    lead_all(fixture, "t", PARTITIONS);
    begin(fixture, &ordered);
    run_until(fixture, both_are_asked);
    answer(fixture, asked_of(fixture, 2), ERR_NONE, KAFKA_NONE);
    struct marker_call *half = take_call(fixture, asked_of(fixture, 3));
    half->done(half, ERR_NONE, codes);
    run_until(fixture, somebody_is_asked);
    assert_false(ordered.over);
    assert_int_equal(asked_of(fixture, 3)->count, 1);
    assert_int_equal(asked_of(fixture, 3)->asks[0].group, group_of(fixture, "t", 3));
    answer(fixture, asked_of(fixture, 3), ERR_NONE, KAFKA_NONE);
    run_until(fixture, is_over);
}

/* A partition that does not take it in holds up its own order: what else goes to that broker does
 * not wait in one call with it. */
static void test_marker_sender_slow_partitions(void **state) {
    struct fixture *fixture = *state;
    struct ordered slow = order_of(PRODUCER, "t", 1, NULL), more = order_of(5, "t", 1, NULL),
                   quick = order_of(6, "u", 1, NULL);
    lead_all(fixture, "t", 1);
    lead_all(fixture, "u", 1);
    begin(fixture, &slow);
    run_until(fixture, somebody_is_asked);
    answer(fixture, asked_of(fixture, 2), ERR_NONE, KAFKA_REQUEST_TIMED_OUT);
    run_until(fixture, somebody_is_asked);
    begin(fixture, &more);
    begin(fixture, &quick);
    run_for(fixture, 5, NULL);
    assert_int_equal(fixture->call_count, 3); /* t, t again, u */
    struct call *last = fixture->calls->prev;
    struct call *of_u = last->asks[0].group == group_of(fixture, "u", 0) ? last : last->prev;
    assert_int_equal(of_u->count, 1);
    assert_int_equal(of_u->asks[0].end.producer_id, 6);
    answer(fixture, of_u, ERR_NONE, KAFKA_NONE);
    run_until(fixture, is_over);
    assert_false(slow.over || more.over);
    fixture->answers = true;
    answer_all(NULL);
    watched = &more;
    run_until(fixture, is_over);
    watched = &slow;
    run_until(fixture, is_over);
}

/* A partition that the table does not have is gone only when the table is as new as the metadata
 * leader's; one that is deleted meanwhile is, too. */
static void test_marker_sender_deleted_partitions(void **state) {
    struct fixture *fixture = *state;
    struct ordered ordered = order_of(PRODUCER, "t", PARTITIONS + 1, "never");
    lead_all(fixture, "t", PARTITIONS);
    begin(fixture, &ordered);
    run_until(fixture, question_is_put);
    answer_question(fixture, false);
    run_until(fixture, question_is_put);
    create(fixture, "never", 3, 1);
    answer_question(fixture, true);
    fixture->answers = true;
    answer_all(NULL);
    assert_false(run_for(fixture, 50, is_over)); /* nobody leads that one */
    assert_int_equal(marker_sender_markers(fixture->sender), 1);
    delete_topic(fixture, 3);
    run_until(fixture, is_over);
    assert_int_equal(ordered.error, KAFKA_NONE);
    assert_int_equal(fixture->questions, 2);
}

/* A coordinator of a later term was there: the order is over, with nothing sent any more. A later
 * transaction was: that partition is through, and it is told at the end. */
static void test_marker_sender_refusals(void **state) {
    struct fixture *fixture = *state;
    struct ordered ordered = order_of(PRODUCER, "t", PARTITIONS, "never"),
                   later = order_of(PRODUCER, "t", PARTITIONS, NULL);
    lead_all(fixture, "t", PARTITIONS);
    begin(fixture, &ordered);
    run_until(fixture, both_are_asked);
    answer(fixture, asked_of(fixture, 2), ERR_NONE, KAFKA_TRANSACTION_COORDINATOR_FENCED);
    run_until(fixture, is_over);
    assert_int_equal(ordered.error, KAFKA_TRANSACTION_COORDINATOR_FENCED);
    answer(fixture, asked_of(fixture, 3), ERR_NONE, KAFKA_NOT_LEADER_OR_FOLLOWER);
    answer_question(fixture, true);
    assert_false(run_for(fixture, 60, somebody_is_asked));
    assert_int_equal(marker_sender_markers(fixture->sender), 0);
    begin(fixture, &later);
    run_until(fixture, both_are_asked);
    answer(fixture, asked_of(fixture, 2), ERR_NONE, KAFKA_INVALID_PRODUCER_EPOCH);
    run_for(fixture, 5, NULL);
    assert_false(later.over);
    answer(fixture, asked_of(fixture, 3), ERR_NONE, KAFKA_NONE);
    run_until(fixture, is_over);
    assert_int_equal(later.error, KAFKA_INVALID_PRODUCER_EPOCH);
}

/* Cancelled, in whatever stage: nothing of it is sent, nobody is told, and others go on. */
static void test_marker_sender_cancel(void **state) {
    struct fixture *fixture = *state;
    static struct ordered parked; /* outlives the test */
    parked = order_of(1, "u", 1, NULL);
    struct ordered called = order_of(PRODUCER, "t", PARTITIONS, NULL),
                   unknown = order_of(2, "never", 1, NULL), fresh = order_of(3, "t", 1, NULL),
                   stays = order_of(4, "t", 1, "u");
    lead_all(fixture, "t", PARTITIONS);
    begin(fixture, &called);
    begin(fixture, &parked);
    begin(fixture, &unknown);
    begin(fixture, &stays);
    run_until(fixture, both_are_asked);
    begin(fixture, &fresh);
    marker_order_cancel(&fresh.order);
    marker_order_cancel(&unknown.order);
    marker_order_cancel(&parked.order);
    marker_order_cancel(&called.order);
    marker_order_cancel(&called.order);
    assert_int_equal(marker_sender_markers(fixture->sender), 2);
    answer_question(fixture, true);
    answer(fixture, asked_of(fixture, 3), ERR_NONE, KAFKA_NONE);
    answer(fixture, asked_of(fixture, 2), ERR_NONE, KAFKA_NONE);
    lead_all(fixture, "u", 1);
    run_until(fixture, somebody_is_asked);
    assert_int_equal(asked_of(fixture, 2)->count, 1);
    assert_int_equal(asked_of(fixture, 2)->asks[0].end.producer_id, 4);
    answer(fixture, asked_of(fixture, 2), ERR_NONE, KAFKA_NONE);
    watched = &stays;
    run_until(fixture, is_over);
    assert_false(called.over || parked.over || unknown.over || fresh.over);
    begin(fixture, &parked); /* what is left is the sender's to let go */
    run_until(fixture, somebody_is_asked);
}

static size_t called_before;

static bool as_many_as_may_be(struct fixture *fixture) {
    return fixture->call_count >= MARKER_CALLS_MOST;
}

static bool is_called_again(struct fixture *fixture) {
    return fixture->called > called_before;
}

/* Ten thousand partitions in one order: no turn of the loop grows long, and to no broker more calls
 * are under way than may. */
static void test_marker_sender_many(void **state) {
    struct fixture *fixture = *state;
    struct ordered ordered = order_of(PRODUCER, "many", MANY, NULL);
    const char *what = "";
    create(fixture, "many", MANY_ID, MANY);
    for (int32_t p = 0; p < MANY; p++)
        lead(fixture, group_of(fixture, "many", p), 2, TERM);
    env_uv_watch_turns(fixture->env, UINT64_C(1000000000));
    begin(fixture, &ordered);
    run_until(fixture, as_many_as_may_be);
    run_for(fixture, 100, NULL);
    assert_int_equal(fixture->call_count, MARKER_CALLS_MOST);
    called_before = fixture->called;
    fixture->answers = true;
    fixture->answer = KAFKA_NOT_LEADER_OR_FOLLOWER;
    answer_all(NULL);
    run_until(fixture, is_called_again);
    fixture->answer = KAFKA_NONE;
    run_until(fixture, is_over);
    assert_int_equal(ordered.error, KAFKA_NONE);
    uint64_t longest_us = env_uv_longest_turn_us(fixture->env, &what);
    print_message("the longest turn took %llu us\n", (unsigned long long)longest_us);
    assert_true(longest_us < 50 * 1000); /* also in a slow build */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_marker_sender_orders),
        TEST(test_marker_sender_follows_leaders),
        TEST(test_marker_sender_partial_answers),
        TEST(test_marker_sender_slow_partitions),
        TEST(test_marker_sender_deleted_partitions),
        TEST(test_marker_sender_refusals),
        TEST(test_marker_sender_cancel),
        TEST(test_marker_sender_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
