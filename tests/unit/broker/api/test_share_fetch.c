/*
 * ShareFetch and ShareAcknowledge as members of a share group meet them, on one whole broker.
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "broker/access/access.h"
#include "broker/access/acl_table.h"
#include "broker/api/share_sessions.h"
#include "broker/broker_internal.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/delete_records.h"
#include "protocol/messages/delete_topics.h"
#include "tests/unit/broker/fixture_share_asks.h"
#include "tests/unit/patience.h"
#include "tests/unit/unit.h"

enum { GAP = 0, ACCEPT = 1, RELEASE = 2, REJECT = 3 };

/* With a topic "t" of so many batches. */
static struct kp_uuid started(struct one_broker *one, int batches, int records) {
    one_broker_start(one);
    share_served(one);
    struct kp_uuid topic = one_broker_create(one, "t", 1);
    for (int i = 0; i < batches; i++)
        produce_one(one, "t", 0, records, 10);
    return topic;
}

static const char *fetch(struct one_broker *one, struct share_member *member) {
    struct kp_share_fetch_response response = share_fetch(one, member);
    return share_acquired(&response);
}

/* ---- Sessions ---- */

/* 0 opens, then each epoch in its turn; -1 closes, which gives back what is held; and who opens
 * anew has lost what it held. */
static void test_sessions(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 1, 4);
    struct share_member a = share_member_of(one, "g", "a", topic),
                        b = share_member_of(one, "g", "b", topic), other;
    b.epoch = 1;
    assert_int_equal(share_fetch(one, &b).error_code, KAFKA_SHARE_SESSION_NOT_FOUND);
    assert_int_equal(share_acknowledge(one, &b), KAFKA_SHARE_SESSION_NOT_FOUND);
    b.epoch = 0;
    assert_int_equal(share_acknowledge(one, &b), KAFKA_INVALID_SHARE_SESSION_EPOCH);
    share_ack(&b, 0, 0, ACCEPT);
    assert_int_equal(share_fetch(one, &b).error_code, KAFKA_INVALID_REQUEST);
    assert_string_equal(fetch(one, &a), "0-3:1");
    assert_int_equal(a.epoch, 1);
    a.epoch = 3;
    assert_int_equal(share_fetch(one, &a).error_code, KAFKA_INVALID_SHARE_SESSION_EPOCH);
    a.epoch = 1;
    share_ack(&a, 0, 0, ACCEPT);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    assert_int_equal(a.epoch, 2);
    a.epoch = 0;
    assert_string_equal(fetch(one, &a), ""); /* being given back */
    a.max_wait_ms = 5000;
    assert_string_equal(fetch(one, &a), "1-3:2");
    a.epoch = -1;
    share_ack(&a, 1, 1, ACCEPT);
    struct kp_share_fetch_response closed = share_fetch(one, &a);
    assert_int_equal(share_fetched(&closed)->acknowledge_error_code, KAFKA_NONE);
    a.epoch = 3;
    assert_int_equal(share_fetch(one, &a).error_code, KAFKA_SHARE_SESSION_NOT_FOUND);
    b.max_wait_ms = 5000;
    assert_string_equal(fetch(one, &b), "2-3:3");
    b.epoch = -1;
    assert_int_equal(share_acknowledge(one, &b), KAFKA_NONE);
    other = b;
    other.group = "";
    assert_int_equal(share_fetch(one, &other).error_code, KAFKA_INVALID_REQUEST);
    other = a;
    other.name = "";
    assert_int_equal(share_fetch(one, &other).error_code, KAFKA_INVALID_REQUEST);
}

/* A session ends with its connection: what it held is somebody else's at once. */
static void test_connection_ends(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 1, 4);
    struct share_member a = share_member_of(one, "g", "a", topic),
                        b = share_member_of(one, "g", "b", topic);
    assert_string_equal(fetch(one, &a), "0-3:1");
    one_broker_dial_again(one);
    b.max_wait_ms = 20000;
    assert_string_equal(fetch(one, &b), "0-3:2");
    assert_true(is_within_ms(one->run_for_us / 1000, 10000));
    assert_int_equal(share_fetch(one, &a).error_code, KAFKA_SHARE_SESSION_NOT_FOUND);
}

/* A connection has as many sessions as it may have: who wants one more hears so when its time is
 * over, and not at once, so that it does not ask in a loop. */
static void test_too_many_sessions(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 0, 0);
    struct share_member each = share_member_of(one, "g", "m", topic);
    char name[16];
    each.name = name;
    for (int i = 0; i < SHARE_SESSIONS_OF_A_CONNECTION; i++) {
        snprintf(name, sizeof name, "m%d", i);
        each.epoch = 0;
        assert_int_equal(share_fetch(one, &each).error_code, KAFKA_NONE);
    }
    struct share_member more = each;
    more.name = "one-more";
    more.epoch = 0;
    more.max_wait_ms = 200;
    int32_t id = share_fetch_send(one, &more);
    assert_false(one_broker_has_answer(one, 50));
    assert_int_equal(share_fetch_receive(one, &more, id).error_code,
                     KAFKA_SHARE_SESSION_LIMIT_REACHED);
    each.epoch = -1; /* the last one goes */
    assert_int_equal(share_fetch(one, &each).error_code, KAFKA_NONE);
    assert_int_equal(share_fetch(one, &more).error_code, KAFKA_NONE);
}

static void allow(struct one_broker *one, int resource, int operation, const char *name) {
    struct acl_rule rule = {.resource = (int8_t)resource,
                            .pattern = ACL_LITERAL,
                            .operation = (int8_t)operation,
                            .permission = ACL_ALLOW,
                            .name = kp_string_of(name),
                            .principal = kp_string_of("User:ANONYMOUS"),
                            .host = kp_string_of("127.0.0.1")};
    acl_table_add((struct acl_table *)metadata_rules(broker_services(one->broker)->metadata),
                  &rule);
}

/* Without READ on the group nothing is looked at; without READ on a topic, which is named by its
 * id, its partitions are refused, whatever is said of them. */
static void test_rights(void **state) {
    struct one_broker *one = *state;
    struct error_text why;
    assert_int_equal(settings_set(one->values, "authorizer.class.name",
                                  "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "test",
                                  &why),
                     ERR_NONE);
    one_broker_start(one);
    allow(one, AUTHORIZE_CLUSTER, AUTHORIZE_ALL, ACL_CLUSTER_NAME);
    allow(one, AUTHORIZE_GROUP, AUTHORIZE_ALL, "*");
    allow(one, AUTHORIZE_TOPIC, AUTHORIZE_ALL, "*");
    share_served(one);
    struct kp_uuid topic = one_broker_create(one, "t", 1), other = one_broker_create(one, "u", 1);
    assert_int_equal(produce_one(one, "t", 0, 2, 10).error_code, KAFKA_NONE);
    assert_int_equal(produce_one(one, "u", 0, 2, 10).error_code, KAFKA_NONE);
    struct share_member a = share_member_of(one, "g", "a", topic), b = a,
                        c = share_member_of(one, "h", "c", topic);
    b.name = "b";
    b.topic = other;
    assert_string_equal(fetch(one, &b), ""); /* its group does not read that one */
    acl_table_close((struct acl_table *)metadata_rules(broker_services(one->broker)->metadata));
    allow(one, AUTHORIZE_GROUP, AUTHORIZE_READ, "g");
    allow(one, AUTHORIZE_GROUP, AUTHORIZE_DESCRIBE, "h");
    allow(one, AUTHORIZE_TOPIC, AUTHORIZE_READ, "t");
    allow(one, AUTHORIZE_TOPIC, AUTHORIZE_DESCRIBE, "u");
    c.epoch = 7; /* of no session: the group comes first */
    assert_int_equal(share_fetch(one, &c).error_code, KAFKA_GROUP_AUTHORIZATION_FAILED);
    assert_int_equal(share_acknowledge(one, &c), KAFKA_GROUP_AUTHORIZATION_FAILED);
    assert_string_equal(fetch(one, &a), "0-1:1");
    share_ack(&b, 0, 0, ACCEPT);
    struct kp_share_fetch_response response = share_fetch(one, &b);
    assert_int_equal(share_fetched(&response)->error_code, KAFKA_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(share_fetched(&response)->acknowledge_error_code,
                     KAFKA_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(share_fetched(&response)->acquired_records.count, 0);
    share_ack(&b, 0, 0, ACCEPT);
    assert_int_equal(share_acknowledge(one, &b), KAFKA_TOPIC_AUTHORIZATION_FAILED);
}

/* ---- Partitions ---- */

/* Topics that nobody knows, partitions that are not there; the others are served. */
static void test_unknown(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 1, 1), nobody = topic;
    nobody.bytes[3] ^= 1;
    struct share_member a = share_member_of(one, "g", "a", nobody);
    struct kp_share_fetch_response response = share_fetch(one, &a);
    assert_int_equal(share_fetched(&response)->error_code, KAFKA_UNKNOWN_TOPIC_ID);
    share_ack(&a, 0, 0, ACCEPT);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_UNKNOWN_TOPIC_ID);
    struct share_member b = share_member_of(one, "g", "b", topic);
    b.partition = 7;
    response = share_fetch(one, &b);
    assert_int_equal(share_fetched(&response)->error_code, KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    share_ack(&b, 0, 0, ACCEPT);
    assert_int_equal(share_acknowledge(one, &b), KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
    b = share_member_of(one, "never", "b", topic);
    b.epoch = 0;
    fetch(one, &b);
    struct share_member c = {.group = "late", .name = "c", .topic = topic, .max_records = 500};
    c.partition = 7;
    share_fetch(one, &c);
    c.partition = 0;
    share_ack(&c, 0, 0, ACCEPT); /* its group never began there */
    assert_int_equal(share_acknowledge(one, &c), KAFKA_INVALID_RECORD_STATE);
}

/* The same partition twice in one request: nothing of it counts. */
static void test_named_twice(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 1, 4);
    struct share_member a = share_member_of(one, "g", "a", topic);
    assert_string_equal(fetch(one, &a), "0-3:1");
    int8_t accept = ACCEPT;
    struct kp_share_fetch_request_batch batches[2] = {{2, 3, {0}}, {.last_offset = 1}};
    struct kp_share_fetch_request_partition partitions[2] = {{0}, {0}};
    struct kp_share_fetch_request_topic asked = {.topic_id = topic};
    struct kp_share_fetch_request request;
    struct kp_share_fetch_response response;
    kp_set_fallbacks(&kp_share_fetch_request_schema, &request);
    for (int i = 0; i < 2; i++) {
        batches[i].acknowledge_types.items = &accept;
        batches[i].acknowledge_types.count = 1;
        partitions[i].acknowledgement_batches.items = &batches[i];
        partitions[i].acknowledgement_batches.count = 1;
    }
    asked.partitions.items = partitions;
    asked.partitions.count = 2;
    request.group_id = kp_string_of("g");
    request.member_id = kp_string_of("a");
    request.share_session_epoch = a.epoch++;
    request.topics.items = &asked;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_SHARE_FETCH, 2, &request, &response));
    assert_int_equal(share_fetched(&response)->acknowledge_error_code, KAFKA_INVALID_REQUEST);
    share_ack(&a, 2, 3, ACCEPT);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
}

/* What is fetched no more is given back with the session all the same. */
static void test_forgotten(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 1, 4);
    struct share_member a = share_member_of(one, "g", "a", topic),
                        b = share_member_of(one, "g", "b", topic);
    assert_string_equal(fetch(one, &a), "0-3:1");
    int32_t zero = 0;
    struct kp_share_fetch_request_forgotten_topic gone = {.topic_id = topic};
    struct kp_share_fetch_request request;
    struct kp_share_fetch_response response;
    kp_set_fallbacks(&kp_share_fetch_request_schema, &request);
    gone.partitions.items = &zero;
    gone.partitions.count = 1;
    request.group_id = kp_string_of("g");
    request.member_id = kp_string_of("a");
    request.share_session_epoch = a.epoch++;
    request.forgotten_topics_data.items = &gone;
    request.forgotten_topics_data.count = 1;
    request.max_wait_ms = 10;
    assert_true(one_broker_ask(one, KP_SHARE_FETCH, 2, &request, &response));
    assert_string_equal(share_acquired(&response), "");
    share_ack(&a, 0, 0, ACCEPT);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    a.epoch = -1;
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    b.max_wait_ms = 20000;
    b.max_records = 3;
    b.exact = true;
    assert_string_equal(fetch(one, &b), "1-3:2");
}

/* The code of a fetch that names partitions from `first` on, and forgets one; -1: none. */
static int16_t name_many(struct one_broker *one, struct share_member *member, int32_t first,
                         int32_t count, int32_t forgets) {
    struct kp_share_fetch_request_topic asked = {.topic_id = member->topic};
    struct kp_share_fetch_request_forgotten_topic gone = {.topic_id = member->topic};
    struct kp_share_fetch_request request;
    struct kp_share_fetch_response response;
    kp_set_fallbacks(&kp_share_fetch_request_schema, &request);
    asked.partitions.items = mem_zalloc((size_t)count * sizeof *asked.partitions.items);
    asked.partitions.count = count;
    for (int32_t i = 0; i < count; i++)
        asked.partitions.items[i].partition_index = first + i;
    gone.partitions.items = &forgets;
    gone.partitions.count = 1;
    request.group_id = kp_string_of(member->group);
    request.member_id = kp_string_of(member->name);
    request.share_session_epoch = member->epoch++;
    request.topics.items = &asked;
    request.topics.count = 1;
    request.forgotten_topics_data.items = &gone;
    request.forgotten_topics_data.count = forgets >= 0;
    assert_true(one_broker_ask(one, KP_SHARE_FETCH, 2, &request, &response));
    mem_free(asked.partitions.items);
    return response.error_code;
}

/* A session has so many at most; one that was forgotten makes room for another one. */
static void test_many_partitions(void **state) {
    struct one_broker *one = *state;
    enum { PART = 2500 };
    struct share_member a = share_member_of(one, "g", "a", started(one, 1, 4));
    for (int32_t first = 0; first < SHARE_SESSION_PARTITIONS_MAX; first += PART)
        assert_int_equal(name_many(one, &a, first, PART, -1), KAFKA_NONE);
    assert_int_equal(name_many(one, &a, 5, 1, -1), KAFKA_NONE); /* which it has */
    assert_int_equal(name_many(one, &a, SHARE_SESSION_PARTITIONS_MAX, 1, -1),
                     KAFKA_SHARE_SESSION_LIMIT_REACHED);
    assert_int_equal(name_many(one, &a, 5, 1, 7), KAFKA_NONE);
    assert_int_equal(name_many(one, &a, SHARE_SESSION_PARTITIONS_MAX, 1, -1), KAFKA_NONE);
    assert_int_equal(name_many(one, &a, 7, 1, -1), KAFKA_SHARE_SESSION_LIMIT_REACHED);
}

/* Of topics that nobody knows it has fewer, so that made-up ids do not fill the sessions of all. */
static void test_many_unknown(void **state) {
    struct one_broker *one = *state;
    struct share_member a = share_member_of(one, "g", "a", started(one, 1, 4));
    assert_int_equal(name_many(one, &a, 0, 1, -1), KAFKA_NONE);
    a.topic.bytes[3] ^= 1;
    assert_int_equal(name_many(one, &a, 0, SHARE_SESSION_UNKNOWN_MAX, -1), KAFKA_NONE);
    assert_int_equal(name_many(one, &a, 5, 1, -1), KAFKA_NONE); /* which it has */
    assert_int_equal(name_many(one, &a, SHARE_SESSION_UNKNOWN_MAX, 1, -1),
                     KAFKA_SHARE_SESSION_LIMIT_REACHED);
    a.topic.bytes[3] ^= 1;
    assert_int_equal(name_many(one, &a, 1, 1, -1), KAFKA_NONE);
}

/* ---- Acknowledgements ---- */

/* In Kafka's order of errors: what makes no sense, then what is not held. All or nothing. */
static void test_acknowledgements(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 1, 10);
    struct share_member a = share_member_of(one, "g", "a", topic),
                        b = share_member_of(one, "g", "b", topic);
    assert_string_equal(fetch(one, &a), "0-9:1");
    fetch(one, &b);
    share_ack(&a, 3, 2, ACCEPT);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_INVALID_REQUEST);
    share_ack(&a, 0, 1, 5);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_INVALID_REQUEST);
    share_ack(&a, 0, 3, ACCEPT);
    share_ack(&a, 2, 4, ACCEPT);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_INVALID_REQUEST);
    share_ack(&a, 0, 3, ACCEPT);
    share_ack(&a, 3, 4, ACCEPT);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_INVALID_RECORD_STATE);
    share_ack(&a, 0, 0, 4); /* a renewal, and the request is none */
    assert_int_equal(share_acknowledge(one, &a), KAFKA_INVALID_REQUEST);
    share_ack(&a, 0, 3, ACCEPT);
    share_ack(&a, 9, 10, ACCEPT); /* 10 is nobody's */
    assert_int_equal(share_acknowledge(one, &a), KAFKA_INVALID_RECORD_STATE);
    share_ack(&b, 0, 0, ACCEPT);
    assert_int_equal(share_acknowledge(one, &b), KAFKA_INVALID_RECORD_STATE);
    share_ack_each(&a, 0, "arxgaw");
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    b.max_wait_ms = 5000;
    assert_string_equal(fetch(one, &b), "1-1:2");
    share_ack(&a, 0, 0, ACCEPT); /* below the start of what is left */
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    share_ack(&a, 2, 2, ACCEPT);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_INVALID_RECORD_STATE);
    share_ack(&a, 5, 9, ACCEPT);
    share_ack(&b, 1, 1, ACCEPT);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    struct kp_share_fetch_response response = share_fetch(one, &b);
    assert_int_equal(share_fetched(&response)->acknowledge_error_code, KAFKA_NONE);
    share_ack(&b, 0, 9, ACCEPT);
    assert_int_equal(share_acknowledge(one, &b), KAFKA_NONE); /* all is below it */
}

/* Renewals go with nothing else, and keep a record for longer; a group may forbid them. */
static void test_renewals(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 1, 2);
    struct share_member a = share_member_of(one, "g", "a", topic),
                        b = share_member_of(one, "g", "b", topic);
    share_set(one, "g", "share.record.lock.duration.ms", "1000");
    struct kp_share_fetch_response response = share_fetch(one, &a);
    assert_string_equal(share_acquired(&response), "0-1:1");
    assert_int_equal(response.acquisition_lock_timeout_ms, 1000);
    share_set(one, "g", "share.record.lock.duration.ms", "60000");
    share_ack_each(&a, 0, "w");
    response = share_fetch(one, &a);
    assert_int_equal(share_fetched(&response)->acknowledge_error_code, KAFKA_NONE);
    assert_int_equal(share_fetched(&response)->acquired_records.count, 0);
    b.max_wait_ms = 20000;
    assert_string_equal(fetch(one, &b), "1-1:2"); /* whose time is over, and not 0's */
    share_set(one, "g", "share.renew.acknowledge.enable", "false");
    share_ack_each(&a, 0, "w");
    assert_int_equal(share_acknowledge(one, &a), KAFKA_INVALID_RECORD_STATE);
    share_ack(&a, 0, 0, ACCEPT);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
}

/* The last delivery ends as archived, also by the clock; a lower limit counts from then on. */
static void test_deliveries(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 1, 3);
    struct share_member a = share_member_of(one, "g", "a", topic);
    share_set(one, "g", "share.delivery.count.limit", "2");
    share_set(one, "g", "share.record.lock.duration.ms", "1000");
    a.max_wait_ms = 20000;
    assert_string_equal(fetch(one, &a), "0-2:1");
    share_ack(&a, 0, 0, RELEASE);
    assert_string_equal(fetch(one, &a), "0-0:2");
    assert_string_equal(fetch(one, &a), "1-2:2"); /* their time was over */
    produce_one(one, "t", 0, 1, 10);
    share_ack(&a, 1, 2, RELEASE); /* and 0 by the clock: they were here twice */
    assert_string_equal(fetch(one, &a), "3-3:1");
    share_ack(&a, 3, 3, ACCEPT);
    a.max_wait_ms = 1500;
    assert_string_equal(fetch(one, &a), "");
}

/* ---- Limits ---- */

/* Whole batches, of which the last may go beyond; or so many and no more. */
static void test_modes(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 3, 5);
    struct share_member a = share_member_of(one, "g", "a", topic),
                        b = share_member_of(one, "h", "b", topic);
    a.max_records = b.max_records = 7;
    assert_string_equal(fetch(one, &a), "0-9:1");
    b.exact = true;
    struct kp_share_fetch_response response = share_fetch(one, &b);
    assert_string_equal(share_acquired(&response), "0-6:1");
    struct record_batch batch;
    const struct kp_records *records = &share_fetched(&response)->records;
    size_t at = 0;
    int batches = 0;
    while (record_batch_next(records->data, (size_t)records->len, &at, &batch, NULL) == ERR_NONE)
        assert_int_equal(batch.base_offset, 5 * batches++);
    assert_int_equal(batches, 2); /* the second one whole: clients drop what they were not given */
    share_ack_each(&b, 0, "aaraaar");
    assert_string_equal(fetch(one, &b), "2-2:2 6-6:2 7-11:1");
    assert_string_equal(fetch(one, &b), "12-14:1");
}

/* Batches of which nothing was given are not sent, wherever they lie. */
static void test_only_what_is_given_is_sent(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 5, 2);
    struct share_member a = share_member_of(one, "g", "a", topic),
                        b = share_member_of(one, "g", "b", topic);
    assert_string_equal(fetch(one, &a), "0-9:1");
    share_ack(&a, 2, 3, RELEASE);
    share_ack(&a, 9, 9, RELEASE);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    struct kp_share_fetch_response response = share_fetch(one, &b);
    assert_string_equal(share_acquired(&response), "2-3:2 9-9:2");
    struct record_batch batch;
    const struct kp_records *records = &share_fetched(&response)->records;
    size_t at = 0;
    assert_int_equal(record_batch_next(records->data, (size_t)records->len, &at, &batch, NULL), 0);
    assert_int_equal(batch.base_offset, 2);
    assert_int_equal(record_batch_next(records->data, (size_t)records->len, &at, &batch, NULL), 0);
    assert_int_equal(batch.base_offset, 8);
    assert_int_equal(at, records->len);
}

/* Half of what may be held stays for others, if there are some; at the limit nobody gets any, until
 * somebody says what became of its own. */
static void test_limit_of_locks(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 50, 5);
    struct share_member a = share_member_of(one, "g", "a", topic),
                        b = share_member_of(one, "g", "b", topic);
    share_set(one, "g", "share.partition.max.record.locks", "100");
    a.exact = b.exact = true;
    assert_string_equal(fetch(one, &a), "0-99:1"); /* alone */
    assert_string_equal(fetch(one, &b), "");
    share_ack(&a, 0, 99, ACCEPT);
    assert_string_equal(fetch(one, &a), "100-149:1");
    assert_string_equal(fetch(one, &b), "150-174:1");
    assert_string_equal(fetch(one, &a), "175-187:1");
    share_ack(&a, 100, 149, ACCEPT);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    assert_string_equal(fetch(one, &b), "188-218:1");
}

/* ---- The log ---- */

static void delete_below(struct one_broker *one, int64_t offset) {
    struct kp_delete_records_request_partition partition = {.offset = offset};
    struct kp_delete_records_request_topic topic = {.name = kp_string_of("t")};
    struct kp_delete_records_request request;
    struct kp_delete_records_response response;
    kp_set_fallbacks(&kp_delete_records_request_schema, &request);
    request.timeout_ms = 5000;
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.topics.items = &topic;
    request.topics.count = 1;
    assert_true(one_broker_ask(one, KP_DELETE_RECORDS, 2, &request, &response));
    assert_int_equal(response.topics.items[0].partitions.items[0].error_code, KAFKA_NONE);
}

/* What is deleted is nobody's any more; what was held of it is passed over. */
static void test_deleted_records(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 4, 5);
    struct share_member a = share_member_of(one, "g", "a", topic),
                        b = share_member_of(one, "h", "b", topic);
    a.max_records = 10;
    a.exact = true;
    assert_string_equal(fetch(one, &a), "0-9:1");
    delete_below(one, 7);
    share_ack(&a, 0, 9, RELEASE);
    assert_int_equal(share_acknowledge(one, &a), KAFKA_NONE);
    a.max_records = 500;
    a.max_wait_ms = 5000;
    assert_string_equal(fetch(one, &a), "7-9:2 10-19:1");
    assert_string_equal(fetch(one, &b), "7-19:1");
}

/* Who waits for a topic that goes hears of it. */
static void test_deleted_topic(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 0, 0);
    struct share_member a = share_member_of(one, "g", "a", topic);
    a.max_wait_ms = 60000;
    int32_t id = share_fetch_send(one, &a);
    assert_false(one_broker_has_answer(one, 30));
    struct kp_delete_topics_request_topic gone = {.name = kp_string_of("t")};
    struct kp_delete_topics_request delete;
    kp_set_fallbacks(&kp_delete_topics_request_schema, &delete);
    delete.timeout_ms = 5000;
    delete.topics.items = &gone;
    delete.topics.count = 1;
    one_broker_send(one, KP_DELETE_TOPICS, 6, &delete);
    struct kp_share_fetch_response response = share_fetch_receive(one, &a, id);
    assert_int_equal(share_fetched(&response)->error_code, KAFKA_UNKNOWN_TOPIC_ID);
}

/* A group begins where it is told to, and waits for what comes. */
static void test_where_it_begins(void **state) {
    struct one_broker *one = *state;
    struct kp_uuid topic = started(one, 1, 3);
    struct share_member a = {.group = "g", .name = "a", .topic = topic, .max_records = 500};
    assert_string_equal(fetch(one, &a), ""); /* it has not begun */
    share_join(one, "g", "a");
    assert_string_equal(fetch(one, &a), "");
    a.max_wait_ms = 60000;
    int32_t id = share_fetch_send(one, &a);
    assert_false(one_broker_has_answer(one, 30));
    struct produce_ask ask;
    produce_begin(&ask, "t", 0);
    produce_add(&ask, 0, 2, 10);
    one_broker_send(one, KP_PRODUCE, 8, &ask.request);
    produce_end(&ask);
    struct kp_share_fetch_response response = share_fetch_receive(one, &a, id);
    assert_string_equal(share_acquired(&response), "3-4:1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, one_broker_setup, one_broker_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_sessions),
        TEST(test_connection_ends),
        TEST(test_too_many_sessions),
        TEST(test_rights),
        TEST(test_unknown),
        TEST(test_named_twice),
        TEST(test_forgotten),
        TEST(test_many_partitions),
        TEST(test_many_unknown),
        TEST(test_acknowledgements),
        TEST(test_renewals),
        TEST(test_deliveries),
        TEST(test_modes),
        TEST(test_only_what_is_given_is_sent),
        TEST(test_limit_of_locks),
        TEST(test_deleted_records),
        TEST(test_deleted_topic),
        TEST(test_where_it_begins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
