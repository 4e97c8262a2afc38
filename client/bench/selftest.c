/*
 * drave selftest: whether a cluster does what it should, and how fast, from where the command runs.
 *
 * Happy path: a topic of its own with one partition led by each broker, and a copy on as many
 * brokers as there are, three at most. Of each broker: the way there and back; small records, each
 * acknowledged before the next; large ones as many as fit; all of it read again and compared byte
 * by byte. The topic is deleted at the end, also at Ctrl-C. Failures: a broker that does not lead
 * its partition in time, a record that is refused, missing, twice or different: said, exit code 1.
 * Bounds: LARGE_MOST bytes for each broker.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "client/bench/bench_readers.h"
#include "client/bench/histogram.h"
#include "client/kafka/cluster_view.h"
#include "client/kafka/kafka_client.h"
#include "client/line/amount.h"
#include "client/line/interrupt.h"
#include "client/line/talk.h"
#include "client/session/topic_session.h"
#include "protocol/messages/api_versions.h"
#include "protocol/messages/create_topics.h"

enum {
    BROKERS_MOST = 99,
    COPIES_MOST = 3,
    ROUNDS = 50,
    SMALL_BYTES = 100,
    LARGE_MOST = 256 << 20,
    LED_MS = 20000,
    READ_MS = 30000,
    DRAIN_MS = 30000,
    NUMBER_BYTES = 8
};

/* What was found of one broker, which leads the partition of its place. */
struct found {
    int32_t node;
    const char *host;
    int port;
    uint64_t way_us, small_median_us, small_late_us;
    double written, read; /* bytes a second; 0: not measured */
    uint64_t sent, wrong; /* records; wrong: failed, missing, twice, or different */
    char trouble[200];    /* empty: none */
};

struct selftest {
    const struct invocation *in;
    char topic[64];
    uint64_t each_us;
    size_t size; /* of a large record */
    struct found brokers[BROKERS_MOST];
    int count;
};

/* ---- Records that tell where they belong ---- */

/* The bytes of the record `number` of a partition: itself first, so that any other is seen. */
static void fill_record(char *record, size_t size, int partition, uint64_t number) {
    uint64_t x = (number + 1) * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)partition;
    memcpy(record, &number, NUMBER_BYTES);
    for (size_t at = NUMBER_BYTES; at < size; at += sizeof(x)) {
        size_t left = size - at < sizeof(x) ? size - at : sizeof(x);
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        memcpy(record + at, &x, left);
    }
}

/* ---- The topic ---- */

static int make_topic(struct selftest *test) {
    struct session session;
    struct kp_create_topics_request request;
    struct kp_create_topics_request_topic topic;
    struct kp_create_topics_response response;
    struct error_text why = {""};
    int32_t brokers[BROKERS_MOST][COPIES_MOST];
    int copies = test->count < COPIES_MOST ? test->count : COPIES_MOST;
    session_begin(&session, test->in);
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    topic.name = kp_string_of(test->topic);
    topic.num_partitions = -1;
    topic.replication_factor = -1;
    struct kp_create_topics_request_assignment *rows = kp_new_items(
        &session.arena, &kp_create_topics_request_assignment_schema, &topic.assignments,
        test->count);
    for (int i = 0; i < test->count; i++) {
        for (int k = 0; k < copies; k++) {
            brokers[i][k] = test->brokers[(i + k) % test->count].node;
        }
        rows[i].partition_index = i;
        rows[i].broker_ids.items = brokers[i];
        rows[i].broker_ids.count = copies;
    }
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = admin_client_answer_ms(session.admin);
    int error = admin_request(session.admin, KP_CREATE_TOPICS, 5, &request, &session.arena,
                              &response, NULL, &why);
    if (error) {
        return session_end(&session, admin_failed(error, &why));
    }
    int code = response.topics.count == 1 && response.topics.items[0].error_code == 0
                   ? EXIT_DONE
                   : session_refused(
                         &session, test->topic,
                         response.topics.count == 1 ? response.topics.items[0].error_code : -1,
                         response.topics.count == 1 ? response.topics.items[0].error_message
                                                    : KP_NULL_STRING);
    return session_end(&session, code);
}

/* As drave topic delete does it, without its sentences. */
static int delete_topic(const struct selftest *test) {
    char name[sizeof(test->topic)], *words[] = {name};
    struct invocation in = *test->in;
    struct held_talk talk;
    snprintf(name, sizeof(name), "%s", test->topic);
    in.words = words;
    in.word_count = 1;
    in.value_count = 0;
    in.json = false;
    talk_hold();
    int code = command_topic_delete(&in);
    talk_held(&talk);
    if (code) {
        say_held(&talk);
        say("the topic %s is still there; delete it with drave topic delete %s", name, name);
    }
    mem_free(talk.printed);
    mem_free(talk.said);
    return code;
}

static int list_brokers(struct selftest *test, struct session *session) {
    struct kp_metadata_response metadata;
    int code = cluster_metadata(session->admin, &session->arena, NULL, &metadata);
    for (int32_t i = 0; !code && i < metadata.brokers.count && test->count < BROKERS_MOST; i++) {
        const struct kp_metadata_response_broker *broker = &metadata.brokers.items[i];
        test->brokers[test->count++] = (struct found){
            .node = broker->node_id,
            .host = cluster_text(&session->arena, broker->host),
            .port = broker->port};
    }
    return code;
}

/* Until each partition is led by its broker; what is not is its broker's trouble. */
static int wait_led(struct selftest *test) {
    uint64_t until_ms = now_ms() + LED_MS;
    struct patience patience;
    patience_begin(&patience);
    for (;;) {
        struct session session;
        struct kp_metadata_response metadata;
        int led = 0;
        session_begin(&session, test->in);
        int code = cluster_metadata(session.admin, &session.arena, test->topic, &metadata);
        const struct kp_metadata_response_topic *topic =
            code ? NULL : cluster_find_topic(&metadata, test->topic);
        for (int i = 0; i < test->count; i++) {
            const struct kp_metadata_response_partition *one =
                topic ? cluster_find_partition(topic, i) : NULL;
            bool well = one && one->leader_id == test->brokers[i].node;
            led += well;
            snprintf(test->brokers[i].trouble, sizeof(test->brokers[i].trouble), "%s",
                     well ? "" : "it does not lead the partition that it is first of");
        }
        session_end(&session, EXIT_DONE);
        if (code || led == test->count || now_ms() > until_ms || interrupted()) {
            return code;
        }
        patience_say(&patience, "the partitions of %s to be led", test->topic);
        pause_ms(100);
    }
}

/* ---- Measuring one broker ---- */

static void measure_way(const struct selftest *test, struct found *broker) {
    struct session session;
    struct histogram *ways = mem_zalloc(sizeof(*ways));
    session_begin(&session, test->in);
    for (int i = 0; i < ROUNDS && !*broker->trouble; i++) {
        struct kp_api_versions_request request;
        struct kp_api_versions_response response;
        struct error_text why = {""};
        kp_set_fallbacks(&kp_api_versions_request_schema, &request);
        uint64_t began_us = bench_now_us();
        if (admin_request_to(session.admin, broker->host, broker->port, KP_API_VERSIONS, 0,
                             &request, &session.arena, &response, NULL, &why) != ERR_NONE) {
            snprintf(broker->trouble, sizeof(broker->trouble), "%.190s", why.text);
        } else if (i > 0) { /* the first connects */
            histogram_add(ways, bench_now_us() - began_us);
        }
    }
    broker->way_us = histogram_quantile(ways, 0.5);
    mem_free(ways);
    session_end(&session, EXIT_DONE);
}

struct writing {
    struct found *broker;
    struct histogram *small;
    uint64_t acknowledged_bytes, answers;
};

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque) {
    (void)client;
    struct writing *writing = opaque;
    writing->answers++;
    if (message->err) {
        writing->broker->wrong++;
        snprintf(writing->broker->trouble, sizeof(writing->broker->trouble), "a record: %s",
                 kafka_reason(message->err));
        return;
    }
    writing->acknowledged_bytes += message->len;
}

static bool send_one(rd_kafka_t *client, rd_kafka_topic_t *topic, int partition, const char *record,
                     size_t size) {
    while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)record, size,
                            NULL, 0, NULL) != 0) {
        if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL || interrupted()) {
            return false;
        }
        rd_kafka_poll(client, 20);
    }
    return true;
}

/* Each is acknowledged before the next is sent. */
static void write_small(const struct selftest *test, rd_kafka_t *client, rd_kafka_topic_t *topic,
                        int partition, struct writing *writing) {
    char record[SMALL_BYTES];
    struct found *broker = writing->broker;
    uint64_t end_us = bench_now_us() + test->each_us / 2;
    while (bench_now_us() < end_us && !*broker->trouble && !interrupted()) {
        uint64_t began_us = bench_now_us(), answers = writing->answers,
                 until_us = began_us + UINT64_C(1000) * DRAIN_MS;
        fill_record(record, sizeof(record), partition, broker->sent);
        if (!send_one(client, topic, partition, record, sizeof(record))) {
            return;
        }
        broker->sent++;
        while (writing->answers == answers && bench_now_us() < until_us && !interrupted()) {
            rd_kafka_poll(client, 50);
        }
        histogram_add(writing->small, bench_now_us() - began_us);
    }
}

static void write_large(const struct selftest *test, rd_kafka_t *client, rd_kafka_topic_t *topic,
                        int partition, struct writing *writing) {
    struct found *broker = writing->broker;
    char *record = mem_alloc(test->size);
    uint64_t began_us = bench_now_us(), bytes = 0, before = writing->acknowledged_bytes;
    while (bench_now_us() - began_us < test->each_us && bytes + test->size <= LARGE_MOST &&
           !*broker->trouble && !interrupted()) {
        fill_record(record, test->size, partition, broker->sent);
        if (!send_one(client, topic, partition, record, test->size)) {
            break;
        }
        broker->sent++;
        bytes += test->size;
        rd_kafka_poll(client, 0);
    }
    rd_kafka_flush(client, DRAIN_MS);
    broker->written = (double)(writing->acknowledged_bytes - before) * 1e6 /
                      (double)(bench_now_us() - began_us);
    mem_free(record);
}

static void write_all(const struct selftest *test, struct found *broker, int partition) {
    struct writing writing = {.broker = broker, .small = mem_zalloc(sizeof(struct histogram))};
    rd_kafka_conf_t *conf = kafka_conf(test->in);
    kafka_conf_set(conf, "enable.idempotence", "true");
    kafka_conf_set(conf, "linger.ms", "0");
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, &writing);
    rd_kafka_t *client = kafka_client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, test->topic, NULL);
    write_small(test, client, topic, partition, &writing);
    write_large(test, client, topic, partition, &writing);
    if (writing.answers < broker->sent && !*broker->trouble) {
        snprintf(broker->trouble, sizeof(broker->trouble),
                 "%" PRIu64 " records are not acknowledged", broker->sent - writing.answers);
    }
    broker->small_median_us = histogram_quantile(writing.small, 0.5);
    broker->small_late_us = histogram_quantile(writing.small, 0.99);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    mem_free(writing.small);
}

/* In the order in which it was sent, each once, with its own bytes. */
static void read_all(const struct selftest *test, struct found *broker, int partition) {
    rd_kafka_conf_t *conf = kafka_conf(test->in);
    kafka_conf_set(conf, "enable.partition.eof", "true");
    rd_kafka_t *client = kafka_client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, test->topic, NULL);
    char *wanted = mem_alloc(test->size > SMALL_BYTES ? test->size : SMALL_BYTES);
    uint64_t began_us = bench_now_us(), number = 0, bytes = 0,
             until_ms = now_ms() + READ_MS + test->each_us / 1000;
    rd_kafka_consume_start(topic, partition, RD_KAFKA_OFFSET_BEGINNING);
    while (number < broker->sent && now_ms() < until_ms && !interrupted()) {
        rd_kafka_message_t *message = rd_kafka_consume(topic, partition, 200);
        bool record = message && !message->err;
        if (record && (message->len == SMALL_BYTES || message->len == test->size)) {
            fill_record(wanted, message->len, partition, number);
            broker->wrong += memcmp(wanted, message->payload, message->len) != 0;
            bytes += message->len;
            number++;
        } else if (record) {
            broker->wrong++;
        }
        if (message) {
            rd_kafka_message_destroy(message);
        }
    }
    broker->read = (double)bytes * 1e6 / (double)(bench_now_us() - began_us);
    if (broker->wrong > 0 || number < broker->sent) {
        snprintf(broker->trouble, sizeof(broker->trouble),
                 "%" PRIu64 " of %" PRIu64 " records are missing or are not what was sent",
                 broker->wrong + broker->sent - number, broker->sent);
    }
    rd_kafka_consume_stop(topic, partition);
    mem_free(wanted);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
}

/* ---- Telling ---- */

static const char *rate(double bytes, char into[AMOUNT_ROOM + 4]) {
    char amount[AMOUNT_ROOM];
    snprintf(into, AMOUNT_ROOM + 4, "%s/s", amount_bytes(bytes, amount));
    return into;
}

static int tell(const struct selftest *test) {
    static const char *const columns[] = {"BROKER", "WAY",  "ACK P50", "ACK P99",
                                          "WRITE",  "READ", "RECORDS", "FOUND"};
    struct table *table = test->in->json ? NULL : table_new(columns, 8);
    json_t *list = json_array();
    int troubles = 0;
    for (int i = 0; i < test->count; i++) {
        const struct found *one = &test->brokers[i];
        char node[16], sent[24], way[24], times[2][AMOUNT_ROOM], rates[2][AMOUNT_ROOM + 4];
        const char *verdict = *one->trouble ? one->trouble : "all is as it was sent";
        snprintf(node, sizeof(node), "%d", (int)one->node);
        snprintf(sent, sizeof(sent), "%" PRIu64, one->sent);
        snprintf(way, sizeof(way), "%" PRIu64 " us", one->way_us);
        troubles += *one->trouble != '\0';
        if (table) {
            table_row(table,
                      (const char *[]){
                          node, way, amount_time((double)one->small_median_us / 1e6, times[0]),
                          amount_time((double)one->small_late_us / 1e6, times[1]),
                          rate(one->written, rates[0]), rate(one->read, rates[1]), sent, verdict});
        }
        json_array_append_new(
            list,
            json_pack("{s:i,s:I,s:I,s:I,s:f,s:f,s:I,s:I,s:b,s:s}", "broker", (int)one->node,
                      "way_us", (json_int_t)one->way_us, "ack_p50_us",
                      (json_int_t)one->small_median_us, "ack_p99_us",
                      (json_int_t)one->small_late_us, "write_bytes_per_second", one->written,
                      "read_bytes_per_second", one->read, "records", (json_int_t)one->sent, "wrong",
                      (json_int_t)one->wrong, "ok", (int)(*one->trouble == '\0'), "text", verdict));
    }
    if (table) {
        table_print(table);
        json_decref(list);
    } else {
        print_json(list);
    }
    return troubles > 0 ? EXIT_REFUSED : EXIT_DONE;
}

static int run_tests(struct selftest *test) {
    int code = make_topic(test);
    if (code) {
        return code;
    }
    code = wait_led(test);
    for (int i = 0; i < test->count && !code && !interrupted(); i++) {
        struct found *broker = &test->brokers[i];
        bool led = !*broker->trouble;
        if (led) {
            measure_way(test, broker);
            write_all(test, broker, i);
        }
        if (led && !*broker->trouble) {
            read_all(test, broker, i);
        }
    }
    int gone = delete_topic(test);
    if (!code && interrupted()) {
        say("broken off; nothing can be said");
        return EXIT_REFUSED;
    }
    code = code ? code : tell(test);
    return code ? code : gone;
}

int command_selftest(struct invocation *in) {
    struct selftest *test = mem_zalloc(sizeof(*test));
    struct session session;
    test->in = in;
    test->each_us = invocation_duration(in, OPTION_SECONDS, 2, 1, 600) * 1000;
    test->size = (size_t)invocation_number(in, OPTION_SIZE, 65536, 128, 900000);
    snprintf(test->topic, sizeof(test->topic), "drave-selftest-%" PRIx64 "-%ld",
             (uint64_t)bench_now_us(), (long)getpid());
    session_begin(&session, in);
    int code = list_brokers(test, &session);
    if (!code && invocation_has(in, OPTION_DRY_RUN)) {
        say_plain("a topic with a partition led by each of %d brokers would be made, written for "
                  "%.0f s each, read, compared and deleted again (--dry-run)",
                  test->count, (double)test->each_us * 1.5 / 1e6);
    } else if (!code) {
        interrupt_take();
        code = run_tests(test);
    }
    session_end(&session, code);
    mem_free(test);
    return code;
}
