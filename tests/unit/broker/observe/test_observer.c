/* Snapshots of a whole broker: what is in them, and what happens while one is taken. */

#include <string.h>
#include <unistd.h>

#include "broker/observe/observer.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_topics.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

enum { PARTITIONS = 300 }; /* more than a step looks at */

static struct snapshot *taken;
static struct observer_wish wish;
static struct env *running;

static void collected(struct observer_wish *of, struct snapshot *snapshot) {
    assert_ptr_equal(of, &wish);
    assert_null(taken);
    taken = snapshot_ref(snapshot);
    env_uv_stop(running);
}

static void collect(struct one_broker *one) {
    running = one->env;
    wish.done = collected;
    observer_ask(broker_observer(one->broker), &wish);
    assert_null(taken);
    env_uv_run(one->env);
    assert_non_null(taken);
}

static void give_back(void) {
    snapshot_unref(taken);
    taken = NULL;
}

/* The number of the metric whose first label is that (NULL: any); -1: there is none. */
static double number_of(enum metric metric, const char *label) {
    for (uint32_t at = taken->first[metric]; at != 0; at = taken->samples[at].next) {
        size_t len;
        const char *text = snapshot_text_of(taken, taken->samples[at].labels[0], &len);
        if (label == NULL || (len == strlen(label) && memcmp(text, label, len) == 0))
            return taken->samples[at].value;
    }
    return -1;
}

/* Each partition is counted once, whatever the steps; health is judged from the same walk. */
static void test_observer_counts(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "many", PARTITIONS);
    one_broker_create(one, "few", 2);
    do { /* until all are led; the same snapshot for a second */
        if (taken != NULL) give_back();
        collect(one);
    } while (number_of(METRIC_PARTITIONS, "leader") < PARTITIONS + 2);
    assert_int_equal(number_of(METRIC_PARTITIONS, "leader"), PARTITIONS + 2);
    assert_int_equal(number_of(METRIC_PARTITIONS_LEADERLESS, NULL), 0);
    assert_int_equal(number_of(METRIC_TOPIC_PARTITIONS, "many"), PARTITIONS);
    assert_int_equal(number_of(METRIC_TOPIC_PARTITIONS, "few"), 2);
    assert_int_equal(number_of(METRIC_TOPIC_PARTITIONS, "(other)"), -1);
    assert_int_equal(number_of(METRIC_TOPICS, NULL), 2);
    assert_int_equal(number_of(METRIC_READY, NULL), 1);
    assert_true(taken->health[HEALTH_READY].ok && taken->health[HEALTH_CLUSTER].ok);
    assert_false(taken->health[HEALTH_STOPPABLE].ok); /* nobody else has a replica */
    assert_int_equal(taken->health[HEALTH_STOPPABLE].count, PARTITIONS + 2 + 1); /* and metadata */
    give_back();
}

/* The next one that is no older than now. */
static void collect_anew(struct one_broker *one) {
    if (taken != NULL) give_back();
    one_broker_has_answer(one, OBSERVER_FRESH_MS + 50);
    collect(one);
}

static void delete_topic(struct one_broker *one, const char *name) {
    struct kp_string names[] = {kp_string_of(name)};
    struct kp_delete_topics_request request;
    struct kp_delete_topics_response response;
    kp_set_fallbacks(&kp_delete_topics_request_schema, &request);
    request.topic_names.items = names;
    request.topic_names.count = 1;
    request.timeout_ms = 5000;
    assert_true(one_broker_ask(one, KP_DELETE_TOPICS, 5, &request, &response));
    assert_int_equal(response.responses.items[0].error_code, KAFKA_NONE);
}

/* What changes behind the first look is seen by the later ones: records, reads, errors, topics that
 * come and go. */
static void test_observer_follows_changes(void **state) {
    struct one_broker *one = *state;
    struct fetch_ask fetch;
    struct kp_fetch_response fetched;
    one_broker_start(one);
    one_broker_create(one, "grows", 3);
    one_broker_create(one, "goes", 2);
    do
        collect_anew(one);
    while (number_of(METRIC_PARTITIONS, "leader") < 5);
    assert_int_equal(number_of(METRIC_TOPIC_RECORDS, "grows"), 0);
    double stored = number_of(METRIC_TOPIC_STORED_BYTES, "grows");
    assert_int_equal(produce_one(one, "grows", 1, 5, 10).error_code, KAFKA_NONE);
    assert_int_equal(produce_one(one, "grows", 2, 2, 10).error_code, KAFKA_NONE);
    assert_int_equal(produce_one(one, "goes", 7, 1, 10).error_code,
                     KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    fetch_begin(&fetch, "grows", 3, 0);
    assert_true(one_broker_ask(one, KP_FETCH, 11, &fetch.request, &fetched));
    collect_anew(one);
    assert_int_equal(number_of(METRIC_TOPIC_RECORDS, "grows"), 7);
    assert_int_equal(number_of(METRIC_TOPIC_PRODUCED_RECORDS, "grows"), 7);
    assert_int_equal(number_of(METRIC_TOPIC_FETCHED_RECORDS, "grows"), 7);
    assert_true(number_of(METRIC_TOPIC_PRODUCED_BYTES, "grows") > 2 * 61);
    assert_int_equal(number_of(METRIC_TOPIC_FETCHED_BYTES, "grows"),
                     number_of(METRIC_TOPIC_PRODUCED_BYTES, "grows"));
    assert_true(number_of(METRIC_TOPIC_STORED_BYTES, "grows") > stored);
    assert_int_equal(number_of(METRIC_TOPIC_PRODUCED_RECORDS, "goes"), 0);
    assert_int_equal(number_of(METRIC_REQUEST_ERRORS, "Produce"), 1);
    delete_topic(one, "goes");
    do
        collect_anew(one);
    while (number_of(METRIC_PARTITIONS, "leader") > 3);
    assert_int_equal(number_of(METRIC_PARTITIONS, "leader"), 3);
    assert_int_equal(number_of(METRIC_TOPIC_PARTITIONS, "goes"), -1);
    assert_int_equal(number_of(METRIC_TOPIC_RECORDS, "grows"), 7);
    assert_int_equal(taken->health[HEALTH_STOPPABLE].count, 3 + 1);
    one_broker_create(one, "comes", 1);
    do
        collect_anew(one);
    while (number_of(METRIC_TOPIC_PARTITIONS, "comes") < 1);
    assert_int_equal(number_of(METRIC_PARTITIONS, "leader"), 4);
    give_back();
}

/* A change is seen by the next look because it was told, not because its partition happens to be
 * among those that are looked at anyway: there are too many for that. */
static void test_observer_is_told(void **state) {
    struct one_broker *one = *state;
    enum { MANY = 8 * TALLY_AGAIN };
    one_broker_start(one);
    one_broker_create(one, "many", MANY);
    do
        collect_anew(one);
    while (number_of(METRIC_PARTITIONS, "leader") < MANY);
    for (int32_t p = 0; p < MANY; p += TALLY_AGAIN / 2)
        assert_int_equal(produce_one(one, "many", p, 1, 10).error_code, KAFKA_NONE);
    collect_anew(one);
    assert_int_equal(number_of(METRIC_TOPIC_RECORDS, "many"), 16);
    assert_int_equal(number_of(METRIC_TOPIC_PRODUCED_RECORDS, "many"), 16);
    give_back();
}

/* Of a record each: what makes a topic large, as its values are compressed. */
static void produce_batches(struct one_broker *one, const char *topic, int count) {
    for (int i = 0; i < count; i++)
        assert_int_equal(produce_one(one, topic, 0, 1, 10).error_code, KAFKA_NONE);
}

/* Counters of topics that have no name go on when another topic takes the only one. */
static void test_observer_sums_never_go_back(void **state) {
    struct one_broker *one = *state;
    struct error_text why;
    assert_int_equal(settings_set(one->values, "metrics.topics.max", "1", "test", &why), ERR_NONE);
    one_broker_start(one);
    one_broker_create(one, "first", 1);
    one_broker_create(one, "second", 1);
    produce_batches(one, "first", 3);
    do
        collect_anew(one);
    while (number_of(METRIC_TOPIC_PRODUCED_RECORDS, "first") < 3);
    assert_int_equal(number_of(METRIC_TOPIC_PRODUCED_RECORDS, "(other)"), 0);
    produce_batches(one, "second", 9);
    collect_anew(one); /* it is the larger one now */
    assert_int_equal(number_of(METRIC_TOPIC_PRODUCED_RECORDS, "second"), 9);
    assert_int_equal(number_of(METRIC_TOPIC_PRODUCED_RECORDS, "(other)"), 0);
    produce_batches(one, "first", 2);
    collect_anew(one);
    assert_int_equal(number_of(METRIC_TOPIC_PRODUCED_RECORDS, "(other)"), 2);
    produce_batches(one, "first", 10);
    collect_anew(one);
    assert_int_equal(number_of(METRIC_TOPIC_PRODUCED_RECORDS, "first"), 15);
    assert_int_equal(number_of(METRIC_TOPIC_PRODUCED_RECORDS, "(other)"), 2);
    give_back();
}

static unsigned told;

static void count_told(struct observer_wish *of, struct snapshot *snapshot) {
    (void)of;
    (void)snapshot;
    if (++told == 2) env_uv_stop(running);
}

/* All who ask meanwhile, and within a second, get the same; who does not wait any more gets none.
 */
static void test_observer_many_ask(void **state) {
    struct one_broker *one = *state;
    struct observer_wish wishes[3] = {
        {.done = count_told}, {.done = count_told}, {.done = count_told}};
    one_broker_start(one);
    struct observer *observer = broker_observer(one->broker);
    running = one->env;
    told = 0;
    for (int i = 0; i < 3; i++)
        observer_ask(observer, &wishes[i]);
    observer_ask_cancel(&wishes[1]);
    env_uv_run(one->env);
    assert_int_equal(told, 2);
    collect(one);
    struct snapshot *first = taken;
    give_back();
    collect(one);
    assert_ptr_equal(taken, first);
    give_back();
}

enum { CROWD = 5000 };

static unsigned crowd_told, told_in_turn;

/* The first takes all the time that there is. */
static void take_long(struct observer_wish *of, struct snapshot *snapshot) {
    (void)of;
    (void)snapshot;
    while (crowd_told == 0 && !env_turn_is_long(running)) {}
    if (++crowd_told == CROWD) env_uv_stop(running);
}

/* At the end of the turn in which the first ones were told. */
static void look(struct env_task *task) {
    if (crowd_told == 0)
        env_yield(running, task);
    else
        told_in_turn = crowd_told;
}

/* However many have asked, a turn is no longer for it. */
static void test_observer_crowd(void **state) {
    struct one_broker *one = *state;
    static struct observer_wish wishes[CROWD];
    struct env_task task = {.run = look};
    one_broker_start(one);
    running = one->env;
    crowd_told = told_in_turn = 0;
    for (int i = 0; i < CROWD; i++) {
        wishes[i].done = take_long;
        observer_ask(broker_observer(one->broker), &wishes[i]);
    }
    env_yield(running, &task);
    env_uv_run(one->env);
    assert_int_equal(crowd_told, CROWD);
    assert_int_equal(told_in_turn, 1);
}

/* A broker that closes in the middle of it, and one that has only begun, leave nothing behind. */
static void test_observer_ends_with_its_broker(void **state) {
    struct one_broker *one = *state;
    one_broker_start(one);
    one_broker_create(one, "many", PARTITIONS);
    wish.done = collected;
    observer_ask(broker_observer(one->broker), &wish);
    broker_free(one->broker);
    one->broker = NULL;
    close(one->client);
    assert_null(taken);
    assert_null(wish.observer);
    observer_ask_cancel(&wish); /* nothing */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_observer_counts, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_observer_follows_changes, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_observer_is_told, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_observer_sums_never_go_back, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_observer_many_ask, one_broker_setup,
                                        one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_observer_crowd, one_broker_setup, one_broker_teardown),
        cmocka_unit_test_setup_teardown(test_observer_ends_with_its_broker, one_broker_setup,
                                        one_broker_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
