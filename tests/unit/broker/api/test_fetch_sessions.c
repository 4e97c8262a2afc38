/* Fetch sessions as a client meets them (KIP-227), on one whole broker. */
#include "broker/api/fetch_sessions.h"

#include <string.h>

#include "protocol/kafka_error.h"
#include "protocol/messages/delete_topics.h"
#include "tests/unit/broker/fixture_broker.h"
#include "tests/unit/broker/fixture_data_asks.h"
#include "tests/unit/unit.h"

/* A client with a session: what it asks next, and what it was answered last. */
struct client {
    struct one_broker *one;
    int version;
    struct fetch_ask ask;
    struct kp_fetch_response response;
};

static struct fetch_sessions *table_of(const struct one_broker *one) {
    return broker_services(one->broker)->fetch_sessions;
}

static void set(struct one_broker *one, const char *setting, const char *value) {
    struct error_text why;
    assert_int_equal(settings_set(one->values, setting, value, "test", &why), ERR_NONE);
}

static void ask(struct client *client) {
    assert_true(one_broker_ask(client->one, KP_FETCH, client->version, &client->ask.request,
                               &client->response));
    if (client->response.error_code == KAFKA_NONE && client->response.session_id != 0)
        client->ask.request.session_epoch++;
}

/* Names nothing, as who knows all. */
static void name_nothing(struct client *client) {
    client->ask.request.topics.count = 0;
    client->ask.request.forgotten_topics_data.count = 0;
}

static void go_on(struct client *client) {
    name_nothing(client);
    ask(client);
}

/* Names partition `index` alone, from that offset. */
static void name(struct client *client, int32_t index, int64_t offset) {
    name_nothing(client);
    client->ask.request.topics.count = 1;
    client->ask.topic.partitions.count = 1;
    client->ask.partitions[0].partition = index;
    client->ask.partitions[0].fetch_offset = offset;
}

static void forget(struct client *client, struct kp_fetch_request_forgotten_topic *topic,
                   int32_t *partitions, int32_t count) {
    topic->topic = client->ask.topic.topic;
    topic->topic_id = client->ask.topic.topic_id;
    topic->partitions.items = partitions;
    topic->partitions.count = count;
    name_nothing(client);
    client->ask.request.forgotten_topics_data.items = topic;
    client->ask.request.forgotten_topics_data.count = 1;
}

/* How many partitions the last answer has; the only one, if there is one. */
static int answered(const struct client *client, const struct kp_fetch_response_partition **only) {
    int count = 0;
    for (int32_t t = 0; t < client->response.responses.count; t++) {
        const struct kp_fetch_response_topic *topic = &client->response.responses.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++, count++)
            *only = &topic->partitions.items[p];
    }
    return count;
}

static const struct kp_fetch_response_partition *only(const struct client *client) {
    const struct kp_fetch_response_partition *one = NULL;
    assert_int_equal(client->response.error_code, KAFKA_NONE);
    assert_int_equal(answered(client, &one), 1);
    return one;
}

static void assert_nothing(const struct client *client) {
    const struct kp_fetch_response_partition *one;
    assert_int_equal(client->response.error_code, KAFKA_NONE);
    assert_int_equal(client->response.session_id, client->ask.request.session_id);
    assert_int_equal(answered(client, &one), 0);
}

/* A topic "t", and a session of all its partitions from their beginnings. */
static void begin(struct client *client, struct one_broker *one, int version, int32_t partitions) {
    if (one->broker == NULL) one_broker_start(one);
    memset(client, 0, sizeof *client);
    client->one = one;
    client->version = version;
    struct kp_uuid id = one_broker_create(one, "t", partitions);
    fetch_begin(&client->ask, "t", partitions, 0);
    client->ask.topic.topic_id = id;
    client->ask.request.session_epoch = 0;
    ask(client);
    assert_int_equal(client->response.error_code, KAFKA_NONE);
    assert_true(client->response.session_id > 0);
    assert_int_equal(client->response.responses.items[0].partitions.count, partitions);
    client->ask.request.session_id = client->response.session_id;
    client->ask.request.session_epoch = 1;
}

/* Only what has moved is answered, once. */
static void produced(struct client *client) {
    struct one_broker *one = client->one;
    go_on(client);
    assert_nothing(client);
    produce_one(one, "t", 2, 3, 100);
    for (int again = 0; again < 2; again++) { /* it is not said that these arrived */
        go_on(client);
        assert_int_equal(only(client)->partition_index, 2);
        assert_true(only(client)->records.len > 300);
        assert_int_equal(only(client)->high_watermark, 3);
    }
    name(client, 2, 3);
    ask(client);
    assert_nothing(client);
    go_on(client);
    assert_nothing(client);
    name(client, 1, 7); /* above the end: an error each time, until the client goes elsewhere */
    ask(client);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(only(client)->error_code, KAFKA_OFFSET_OUT_OF_RANGE);
        assert_int_equal(only(client)->high_watermark, -1);
        go_on(client);
    }
    name(client, 1, 0);
    ask(client);
    assert_int_equal(only(client)->high_watermark, 0); /* told anew behind an error */
    go_on(client);
    assert_nothing(client);
}

static void delete_topic(struct one_broker *one) {
    struct kp_delete_topics_request_topic topic = {.name = kp_string_of("t")};
    struct kp_delete_topics_request delete;
    struct kp_delete_topics_response deleted;
    kp_set_fallbacks(&kp_delete_topics_request_schema, &delete);
    delete.timeout_ms = 5000;
    delete.topics.items = &topic;
    delete.topics.count = 1;
    assert_true(one_broker_ask(one, KP_DELETE_TOPICS, 6, &delete, &deleted));
}

/* The topic goes, and another one of its name comes: by id that is not the same. */
static void deleted(struct client *client) {
    const struct kp_fetch_response_partition *last = NULL;
    delete_topic(client->one);
    go_on(client);
    assert_int_equal(answered(client, &last), 4);
    assert_int_equal(last->error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    one_broker_create(client->one, "t", 4);
    go_on(client);
    assert_int_equal(answered(client, &last), 4);
    assert_int_equal(last->error_code,
                     client->version >= 13 ? KAFKA_INCONSISTENT_TOPIC_ID : KAFKA_NONE);
}

static void test_fetch_session_by_name(void **state) {
    struct client client;
    begin(&client, *state, 7, 4);
    produced(&client);
    deleted(&client);
    go_on(&client); /* what it had of the other one is not in this one */
    assert_int_equal(only(&client)->partition_index, 2);
    assert_int_equal(only(&client)->error_code, KAFKA_OFFSET_OUT_OF_RANGE);
}

static void test_fetch_session_by_id(void **state) {
    struct client client;
    begin(&client, *state, 18, 4);
    produced(&client);
    deleted(&client);
    client.ask.topic.topic_id.bytes[5] ^= 1; /* an id that never was */
    name(&client, 0, 0);
    ask(&client);
    const struct kp_fetch_response_partition *last;
    assert_int_equal(answered(&client, &last), 5);
    assert_int_equal(last->error_code, KAFKA_UNKNOWN_TOPIC_ID);
}

/* Names of partitions that come twice, or are named again with another offset. */
static void test_fetch_session_named_twice(void **state) {
    struct client client;
    begin(&client, *state, 11, 3);
    produce_one(*state, "t", 1, 4, 10);
    go_on(&client);
    int32_t all = only(&client)->records.len;
    client.ask.request.topics.count = 1;
    client.ask.topic.partitions.count = 3;
    for (int32_t i = 0; i < 3; i++) {
        client.ask.partitions[i].partition = 1;
        client.ask.partitions[i].fetch_offset = i == 2 ? 0 : 3;
    }
    ask(&client);
    assert_int_equal(only(&client)->records.len, all);
    name(&client, 1, 4);
    ask(&client);
    assert_nothing(&client);
}

/* What is forgotten is not answered any more, until it is named again; with the last one the
 * session ends. */
static void test_fetch_session_forgets(void **state) {
    struct client client;
    struct one_broker *one = *state;
    begin(&client, one, 13, 3);
    struct kp_fetch_request_forgotten_topic topic = {0};
    int32_t two[] = {0, 2, 0, 9}, last = 1;
    forget(&client, &topic, two, 4);
    ask(&client);
    assert_nothing(&client);
    produce_one(one, "t", 0, 1, 10);
    produce_one(one, "t", 1, 1, 10);
    go_on(&client);
    assert_int_equal(only(&client)->partition_index, 1);
    name(&client, 0, 0);
    ask(&client);
    const struct kp_fetch_response_partition *some;
    assert_int_equal(answered(&client, &some), 2);
    forget(&client, &topic, two, 4);
    ask(&client);
    forget(&client, &topic, &last, 1);
    assert_int_equal(fetch_sessions_count(table_of(one)), 1);
    ask(&client);
    assert_int_equal(client.response.error_code, KAFKA_NONE);
    assert_int_equal(client.response.session_id, 0);
    assert_int_equal(client.response.responses.count, 0);
    assert_int_equal(fetch_sessions_count(table_of(one)), 0);
    client.ask.request.session_epoch++;
    go_on(&client);
    assert_int_equal(client.response.error_code, KAFKA_FETCH_SESSION_ID_NOT_FOUND);
}

/* Whoever is out of step learns it, and the session stays as it is; a full fetch ends the session
 * that it names. */
static void test_fetch_session_epochs(void **state) {
    struct client client;
    struct one_broker *one = *state;
    begin(&client, one, 11, 2);
    static const int32_t wrong[] = {2, INT32_MAX, -2, -1000};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        client.ask.request.session_epoch = wrong[i];
        go_on(&client);
        assert_int_equal(client.response.error_code, KAFKA_INVALID_FETCH_SESSION_EPOCH);
        assert_int_equal(client.response.session_id, 0);
        assert_int_equal(client.response.responses.count, 0);
    }
    client.ask.request.session_epoch = 1;
    client.version = 13;
    go_on(&client);
    assert_int_equal(client.response.error_code, KAFKA_FETCH_SESSION_TOPIC_ID_ERROR);
    client.version = 11;
    go_on(&client);
    assert_nothing(&client);
    int32_t id = client.ask.request.session_id;
    client.ask.request.session_id ^= 1;
    go_on(&client);
    assert_int_equal(client.response.error_code, KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    /* another one in its place */
    client.ask.request.session_id = id;
    client.ask.request.session_epoch = 0;
    client.ask.request.topics.count = 1;
    ask(&client);
    assert_true(client.response.session_id > 0 && client.response.session_id != id);
    assert_int_equal(fetch_sessions_count(table_of(one)), 1);
    /* and none in its place */
    client.ask.request.session_id = client.response.session_id;
    client.ask.request.session_epoch = -1;
    ask(&client);
    assert_int_equal(client.response.session_id, 0);
    assert_int_equal(client.response.responses.items[0].partitions.count, 2);
    assert_int_equal(fetch_sessions_count(table_of(one)), 0);
    assert_int_equal(fetch_sessions_bytes(table_of(one)), 0);
}

/* A session that waits is woken by what is produced to one of its partitions, whichever; a newer
 * request of the session ends the wait. */
static void test_fetch_session_waits(void **state) {
    struct client client;
    struct one_broker *one = *state;
    begin(&client, one, 16, 8);
    client.ask.request.max_wait_ms = 60000;
    name_nothing(&client);
    int32_t id = one_broker_send(one, KP_FETCH, 16, &client.ask.request);
    assert_false(one_broker_has_answer(one, 30));
    struct produce_ask produce;
    produce_begin(&produce, "t", 0);
    produce_add(&produce, 5, 2, 10);
    one_broker_send(one, KP_PRODUCE, 7, &produce.request);
    produce_end(&produce);
    assert_true(one_broker_receive(one, KP_FETCH, 16, id, &client.response));
    assert_int_equal(only(&client)->partition_index, 5);
    client.ask.request.session_epoch++;
    name(&client, 5, 2);
    id = one_broker_send(one, KP_FETCH, 16, &client.ask.request);
    assert_false(one_broker_has_answer(one, 30));
    client.ask.request.session_epoch++;
    client.ask.request.max_wait_ms = 0;
    name_nothing(&client);
    int32_t newer = one_broker_send(one, KP_FETCH, 16, &client.ask.request);
    assert_true(one_broker_receive(one, KP_FETCH, 16, id, &client.response));
    assert_int_equal(client.response.error_code, KAFKA_INVALID_FETCH_SESSION_EPOCH);
    assert_int_equal(client.response.session_id, client.ask.request.session_id);
    assert_true(one_broker_receive(one, KP_FETCH, 16, newer, &client.response));
    assert_nothing(&client);
    client.ask.request.session_epoch++;
    client.ask.request.max_wait_ms = 60000;
    one_broker_send(one, KP_FETCH, 16, &client.ask.request);
    assert_false(one_broker_has_answer(one, 20)); /* the client leaves it waiting: teardown looks */
}

/* The only partition that has records; of others the watermark may be new. */
static const struct kp_fetch_response_partition *with_records(const struct client *client) {
    const struct kp_fetch_response_partition *found = NULL;
    for (int32_t t = 0; t < client->response.responses.count; t++) {
        const struct kp_fetch_response_topic *topic = &client->response.responses.items[t];
        for (int32_t p = 0; p < topic->partitions.count; p++) {
            if (topic->partitions.items[p].records.len <= 0) continue;
            assert_null(found);
            found = &topic->partitions.items[p];
        }
    }
    assert_non_null(found);
    return found;
}

/* Limits: each answer has one batch, and over some requests every partition has its turn; nothing
 * of what does not fit is lost. */
static void test_fetch_session_turns(void **state) {
    enum { COUNT = 5, BATCHES = 4, VALUE = 10000 };
    struct client client;
    struct one_broker *one = *state;
    begin(&client, one, 13, COUNT);
    for (int n = 0; n < BATCHES; n++)
        for (int32_t p = 0; p < COUNT; p++)
            produce_one(one, "t", p, 1, VALUE);
    client.ask.request.max_bytes = 1;
    int64_t at[COUNT] = {0};
    name_nothing(&client);
    for (int turn = 0; turn < COUNT * BATCHES; turn++) {
        ask(&client);
        const struct kp_fetch_response_partition *out = with_records(&client);
        int32_t index = out->partition_index;
        assert_in_range(out->records.len, VALUE, VALUE + 200);
        assert_int_equal(out->high_watermark, BATCHES);
        assert_int_equal(at[index], turn / COUNT);
        name(&client, index, ++at[index]);
    }
    ask(&client);
    assert_nothing(&client);
}

/* A client that makes one session after the other keeps few, and their memory does not grow;
 * nobody else's goes. */
static void test_fetch_sessions_by_the_thousand(void **state) {
    struct client client, other;
    struct one_broker *one = *state;
    begin(&other, one, 13, 4);
    one_broker_dial_again(one);
    client = other;
    client.ask.request.topics.count = 1;
    client.ask.request.session_id = 0;
    size_t bytes = 0;
    for (int i = 0; i < 1000; i++) {
        client.ask.request.session_epoch = 0;
        ask(&client);
        assert_true(client.response.session_id > 0);
        if (i == 2 * FETCH_SESSIONS_OF_A_CONNECTION) bytes = fetch_sessions_bytes(table_of(one));
    }
    /* one that is removed stays for a turn */
    assert_in_range(fetch_sessions_bytes(table_of(one)), 1, 2 * bytes);
    assert_int_equal(fetch_sessions_count(table_of(one)), FETCH_SESSIONS_OF_A_CONNECTION + 1);
    go_on(&other);
    assert_nothing(&other);
}

/* Without room there is no session, and one that grows beyond it is gone: the client goes on
 * without. */
static void test_fetch_sessions_without_room(void **state) {
    enum { MANY = 4000 };
    struct client client;
    struct one_broker *one = *state;
    set(one, "fetch.session.cache.bytes", "1048576");
    begin(&client, one, 13, 2);
    struct kp_fetch_request_partition *many = test_calloc(MANY, sizeof *many);
    int rounds = 0;
    while (client.response.error_code == KAFKA_NONE) {
        for (int32_t i = 0; i < MANY; i++) {
            kp_set_fallbacks(&kp_fetch_request_partition_schema, &many[i]);
            many[i].partition = MANY * rounds + i;
            many[i].partition_max_bytes = 100;
        }
        client.ask.request.topics.count = 1;
        client.ask.topic.partitions.items = many;
        client.ask.topic.partitions.count = MANY;
        ask(&client);
        assert_true(++rounds < 10);
    }
    assert_true(rounds > 1);
    assert_int_equal(client.response.error_code, KAFKA_FETCH_SESSION_ID_NOT_FOUND);
    assert_int_equal(fetch_sessions_count(table_of(one)), 0);
    struct kp_fetch_request_topic topics[3] = {client.ask.topic, client.ask.topic,
                                               client.ask.topic};
    topics[1].topic_id.bytes[0] ^= 1;
    topics[2].topic_id.bytes[0] ^= 2;
    client.ask.request.topics.items = topics;
    client.ask.request.topics.count = 3;
    client.ask.request.session_id = 0;
    client.ask.request.session_epoch = 0;
    ask(&client);
    assert_int_equal(client.response.error_code, KAFKA_NONE);
    assert_int_equal(client.response.session_id, 0);
    const struct kp_fetch_response_partition *last;
    assert_int_equal(answered(&client, &last), 3 * MANY);
    test_free(many);
}

/* With no slots there are no sessions. */
static void test_fetch_sessions_switched_off(void **state) {
    struct one_broker *one = *state;
    set(one, "max.incremental.fetch.session.cache.slots", "0");
    one_broker_start(one);
    one_broker_create(one, "t", 1);
    struct client client = {.one = one, .version = 12};
    fetch_begin(&client.ask, "t", 1, 0);
    client.ask.request.session_epoch = 0;
    ask(&client);
    assert_int_equal(client.response.session_id, 0);
    assert_int_equal(only(&client)->high_watermark, 0);
}

/* What a broker should know of a session, and of its partitions; the last of these is none. */
enum { MODEL_PARTITIONS = 6, MODEL_PLACES, MODEL_ROUNDS = 250, MODEL_UNLIMITED = 50 << 20 };

struct model {
    struct client client;
    uint64_t state;
    int64_t end[MODEL_PLACES], named[MODEL_PLACES], told[MODEL_PLACES];
    bool in[MODEL_PLACES];
};

static uint32_t below(struct model *model, uint32_t limit) {
    model->state = model->state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(model->state >> 33) % limit;
}

static bool is_due(const struct model *model, int32_t p) {
    return model->in[p] && (p == MODEL_PARTITIONS || model->named[p] < model->end[p] ||
                            model->told[p] != model->end[p]);
}

/* Some are named, most of them where the client has got to, and some are forgotten. */
static void model_ask(struct model *model, const int64_t *read_to) {
    struct client *client = &model->client;
    struct kp_fetch_request_forgotten_topic gone;
    int32_t forgotten[MODEL_PLACES], forgets = 0, names = 0;
    name_nothing(client);
    for (int32_t p = 0; p < MODEL_PLACES; p++) {
        uint32_t what = below(model, 20);
        if (what == 0 && p > 0) { /* one is kept: without any the session ends */
            forgotten[forgets++] = p;
            model->in[p] = false;
            model->told[p] = -1;
        } else if (what < 6) {
            struct kp_fetch_request_partition *asked = &client->ask.partitions[names++];
            asked->partition = p;
            asked->fetch_offset = what == 1 ? below(model, (uint32_t)read_to[p] + 1) : read_to[p];
            model->named[p] = asked->fetch_offset;
            model->in[p] = true;
        }
    }
    if (forgets > 0) forget(client, &gone, forgotten, forgets);
    client->ask.request.topics.count = names > 0;
    client->ask.topic.partitions.count = names;
    client->ask.request.max_bytes = below(model, 2) == 0 ? MODEL_UNLIMITED
                                                         : 1 + (int32_t)below(model, 400);
    ask(client);
    assert_int_equal(client->response.error_code, KAFKA_NONE);
    assert_int_equal(client->response.session_id, client->ask.request.session_id);
}

/* Whole batches from the one with the offset on, one behind the other. Returns where they end. */
static int64_t end_of(const struct kp_records *records, int64_t from) {
    struct record_batch batch;
    size_t at = 0;
    int64_t next = -1;
    while (record_batch_next(records->data, (size_t)records->len, &at, &batch, NULL) == ERR_NONE) {
        assert_true(next == -1 ? batch.base_offset <= from : batch.base_offset == next);
        next = batch.base_offset + batch.last_offset_delta + 1;
    }
    assert_true(next > from);
    return next;
}

/* Nothing is answered that is not due; what is due comes, as far as the limit lets it. */
static void model_check(struct model *model, int64_t *read_to) {
    bool came[MODEL_PLACES] = {false}, due[MODEL_PLACES], some_due = false, some_records = false;
    for (int32_t p = 0; p < MODEL_PLACES; p++) {
        due[p] = is_due(model, p);
        some_due = some_due || (p < MODEL_PARTITIONS && due[p] && model->named[p] < model->end[p]);
    }
    for (int32_t t = 0; t < model->client.response.responses.count; t++) {
        const struct kp_fetch_response_topic *topic = &model->client.response.responses.items[t];
        for (int32_t i = 0; i < topic->partitions.count; i++) {
            const struct kp_fetch_response_partition *out = &topic->partitions.items[i];
            int32_t p = out->partition_index;
            assert_true(p < MODEL_PLACES && due[p] && !came[p]);
            came[p] = true;
            assert_int_equal(out->error_code,
                             p == MODEL_PARTITIONS ? KAFKA_UNKNOWN_TOPIC_OR_PARTITION : KAFKA_NONE);
            if (p == MODEL_PARTITIONS) continue;
            assert_int_equal(out->high_watermark, model->end[p]);
            assert_true(out->records.len > 0 || model->told[p] != model->end[p]);
            model->told[p] = model->end[p];
            if (out->records.len <= 0) continue;
            some_records = true;
            read_to[p] = end_of(&out->records, model->named[p]);
            assert_true(read_to[p] <= model->end[p]);
        }
    }
    assert_int_equal(some_records, some_due);
    for (int32_t p = 0; p < MODEL_PLACES; p++)
        if (model->client.ask.request.max_bytes == MODEL_UNLIMITED)
            assert_int_equal(came[p], due[p]);
}

/* Whatever a client names, forgets and leaves unread: a session answers what Kafka's would, no more
 * and no less. */
static void test_fetch_session_model(void **state) {
    struct one_broker *one = *state;
    struct model *model = test_calloc(1, sizeof *model);
    int64_t read_to[MODEL_PLACES] = {0};
    begin(&model->client, one, 13, MODEL_PARTITIONS);
    for (int32_t p = 0; p < MODEL_PARTITIONS; p++)
        model->in[p] = true;
    for (int i = 0; i < MODEL_ROUNDS; i++) {
        if (below(model, 3) > 0) {
            int32_t p = (int32_t)below(model, MODEL_PARTITIONS);
            int records = 1 + (int)below(model, 3);
            produce_one(one, "t", p, records, 20);
            model->end[p] += records;
        }
        model_ask(model, read_to);
        model_check(model, read_to);
    }
    test_free(model);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_fetch_session_by_name),
        TEST(test_fetch_session_by_id),
        TEST(test_fetch_session_named_twice),
        TEST(test_fetch_session_forgets),
        TEST(test_fetch_session_epochs),
        TEST(test_fetch_session_waits),
        TEST(test_fetch_session_turns),
        TEST(test_fetch_session_model),
        TEST(test_fetch_sessions_by_the_thousand),
        TEST(test_fetch_sessions_without_room),
        TEST(test_fetch_sessions_switched_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
