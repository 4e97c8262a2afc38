/*
 * Scenario "steady": three brokers with the settings of everybody, nothing fails, and the same work
 * whatever the seed. It is there to be counted (tests/cost): callgrind looks on while a row of the
 * table is worked off, from the first request until the last answer and what comes behind it, and
 * writes what it has counted under the name of the row. The rows follow one another: what is
 * fetched was produced by those before.
 * It is not drawn from a seed, but named.
 */
#include <stdio.h>
#include <string.h>
#include <valgrind/callgrind.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/services.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/fetch.h"
#include "protocol/messages/produce.h"
#include "protocol/record/record_batch_builder.h"
#include "raft-glue/shard.h"
#include "tests/sim/cluster.h"
#include "tests/sim/cost/steady_transactions.h"
#include "tests/sim/scenarios.h"

enum {
    BROKERS = 3,
    PARTITIONS = 100,
    READY_MS = 10000,
    CALL_MS = 10000,
    SETTLE_MS = 2000, /* elections, balancing */
    BEHIND_MS = 300,  /* segments are written, followers hear what is committed */
    STEP_MS = 10,
    FETCH_BYTES = 1 << 20,
};

static const char steady_topic[] = "steady";

/* `times` requests, one after the other. */
struct row {
    const char *name; /* as in tests/cost/cost.py */
    unsigned times;
    int32_t records, size; /* of the batch; 0 records: it is a fetch, or nothing */
    int32_t partitions;    /* with a batch each */
    bool fetches;          /* from the beginning of partition 0 */
    bool in_transactions;  /* each of STEADY_PARTS partitions, with a batch each */
};

static const struct row rows[] = {
    {.name = "produce 1 x 1 KB", .times = 200, .records = 1, .size = 1024, .partitions = 1},
    {.name = "produce 16 x 1 KB", .times = 100, .records = 16, .size = 1024, .partitions = 1},
    {.name = "produce 100 x 1 KB", .times = 50, .records = 100, .size = 1024, .partitions = 1},
    {.name = "produce 1,000 x 100 B", .times = 20, .records = 1000, .size = 100, .partitions = 1},
    {.name = "produce 1 x 1 KB to 30 partitions",
     .times = 20,
     .records = 1,
     .size = 1024,
     .partitions = 30},
    {.name = "fetch 1 MB", .times = 20, .fetches = true},
    {.name = "a second of 100 idle partitions", .times = 0},
    /* The last one, as it makes the coordinators' partitions. */
    {.name = "16 x 10 x 100 B in a transaction",
     .times = 20,
     .records = 10,
     .size = 100,
     .in_transactions = true},
};
enum { ROWS = sizeof rows / sizeof *rows, IDLE_MS = 10000 };

struct steady {
    struct cluster cluster;
    struct kafka_call call;
    const struct row *row;
    unsigned place; /* the broker that leads what is asked for */
    unsigned left;  /* requests */
    bool made;
    uint64_t lcg; /* payloads are the same in every run */
    struct steady_transactions transactions;
    uint64_t over_us; /* the last answer came */
};

/* ---- Time ---- */

static void run_ms(struct steady *steady, uint64_t ms) {
    struct world *world = steady->cluster.run->world;
    world_run_until(world, world_now_us(world) + ms * 1000);
}

static void wait_until(struct steady *steady, bool (*reached)(struct steady *steady),
                       uint64_t limit_ms, const char *what) {
    for (uint64_t ms = 0; ms <= limit_ms; ms += STEP_MS) {
        if (reached(steady)) return;
        run_ms(steady, STEP_MS);
    }
    run_fail(steady->cluster.run, "not so after %llu ms: %s", (unsigned long long)limit_ms, what);
}

/* ---- The cluster ---- */

static void start(void *arg, unsigned place) {
    struct steady *steady = arg;
    cluster_start_broker(&steady->cluster, place);
}

static bool never(void *arg, unsigned place) {
    (void)arg;
    (void)place;
    return false;
}

static void main_client(struct env *env, void *arg) {
    struct cluster *cluster = arg;
    cluster->client = kafka_client_new(cluster->run, env, BROKERS, cluster_topic, 1, BROKERS);
}

static bool all_are_ready(struct steady *steady) {
    for (unsigned i = 0; i < BROKERS; i++)
        if (!steady->cluster.brokers[i].ready) return false;
    return kafka_client_ready(steady->cluster.client);
}

static void created(struct kafka_call *call, int error, const void *response) {
    struct steady *steady = CONTAINER_OF(call, struct steady, call);
    const struct kp_create_topics_response *answer = response;
    if (error != ERR_NONE || answer->topics.items[0].error_code != KAFKA_NONE)
        run_fail(steady->cluster.run, "the topic is not created");
    steady->made = true;
}

static void create(struct env *env, void *arg) {
    struct steady *steady = arg;
    struct kp_create_topics_request request;
    struct kp_create_topics_request_topic topic;
    (void)env;
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    topic.name = kp_string_of(steady_topic);
    topic.num_partitions = PARTITIONS;
    topic.replication_factor = BROKERS;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = CALL_MS;
    steady->call.done = created;
    kafka_link_call(kafka_client_link(steady->cluster.client, -1), &steady->call, KP_CREATE_TOPICS,
                    5, &request, CALL_MS * UINT64_C(1000));
}

static bool leads(struct steady *steady, unsigned place, int32_t partition) {
    const struct metadata_topic *topic = metadata_topic_named(
        broker_services(steady->cluster.brokers[place].broker)->metadata, steady_topic,
        strlen(steady_topic));
    if (topic == NULL) return false;
    struct raft_group *group = cluster_group(&steady->cluster, place,
                                             metadata_partition_at(topic, partition)->group);
    return group != NULL && raft_group_is_leading(group);
}

static bool all_are_led(struct steady *steady) {
    for (int32_t p = 0; steady->made && p < PARTITIONS; p++)
        if (!leads(steady, 0, p) && !leads(steady, 1, p) && !leads(steady, 2, p)) return false;
    return steady->made;
}

/* ---- The work ---- */

static uint8_t next_byte(struct steady *steady) {
    steady->lcg = steady->lcg * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint8_t)(steady->lcg >> 56);
}

/* Half of each value is random, half of it a text. */
static void make_batch(struct steady *steady, const struct record_batch_options *options,
                       uint8_t **bytes, size_t *len) {
    struct record_batch_builder *builder = record_batch_builder_new(options);
    uint8_t value[1024];
    CHECK((size_t)steady->row->size <= sizeof value);
    for (int32_t r = 0; r < steady->row->records; r++) {
        for (int32_t i = 0; i < steady->row->size; i++)
            value[i] = i % 2 == 0 ? next_byte(steady) : (uint8_t)"drave "[i / 2 % 6];
        record_batch_builder_append(builder, 1000 + r, NULL, -1, value, steady->row->size, NULL, 0);
    }
    CHECK(record_batch_builder_finish(builder, bytes, len) == ERR_NONE);
}

static void work(struct steady *steady);

static void produced(struct kafka_call *call, int error, const void *response) {
    struct steady *steady = CONTAINER_OF(call, struct steady, call);
    const struct kp_produce_response *answer = response;
    if (error != ERR_NONE) run_fail(steady->cluster.run, "nobody answers to a produce");
    for (int32_t i = 0; i < answer->responses.items[0].partition_responses.count; i++)
        if (answer->responses.items[0].partition_responses.items[i].error_code != KAFKA_NONE)
            run_fail(steady->cluster.run, "a batch is not taken");
    work(steady);
}

static void produce(struct steady *steady) {
    struct kp_produce_request request;
    struct kp_produce_request_topic topic;
    struct kp_produce_request_partition partitions[PARTITIONS];
    struct record_batch_options plain = record_batch_plain();
    uint8_t *bytes;
    size_t len;
    make_batch(steady, &plain, &bytes, &len);
    kp_set_fallbacks(&kp_produce_request_schema, &request);
    kp_set_fallbacks(&kp_produce_request_topic_schema, &topic);
    topic.name = kp_string_of(steady_topic);
    topic.partition_data.items = partitions;
    topic.partition_data.count = 0;
    for (int32_t p = 0; p < PARTITIONS && topic.partition_data.count < steady->row->partitions;
         p++) {
        if (!leads(steady, steady->place, p)) continue;
        struct kp_produce_request_partition *partition = &partitions[topic.partition_data.count++];
        kp_set_fallbacks(&kp_produce_request_partition_schema, partition);
        partition->index = p;
        partition->records = (struct kp_records){.data = bytes, .len = (int32_t)len};
    }
    if (topic.partition_data.count < steady->row->partitions)
        run_fail(steady->cluster.run, "n%u leads too little", steady->place + 1);
    request.transactional_id = KP_NULL_STRING;
    request.acks = -1;
    request.timeout_ms = CALL_MS;
    request.topic_data.items = &topic;
    request.topic_data.count = 1;
    steady->call = (struct kafka_call){.done = produced};
    kafka_link_call(kafka_client_link(steady->cluster.client, (int32_t)steady->place + 1),
                    &steady->call, KP_PRODUCE, 7, &request, CALL_MS * UINT64_C(1000));
    mem_free(bytes);
}

static void fetched(struct kafka_call *call, int error, const void *response) {
    struct steady *steady = CONTAINER_OF(call, struct steady, call);
    const struct kp_fetch_response *answer = response;
    if (error != ERR_NONE || answer->error_code != KAFKA_NONE)
        run_fail(steady->cluster.run, "nobody answers to a fetch");
    if (answer->responses.items[0].partitions.items[0].records.len < FETCH_BYTES / 2)
        run_fail(steady->cluster.run, "a fetch gets %d bytes",
                 answer->responses.items[0].partitions.items[0].records.len);
    work(steady);
}

static void fetch(struct steady *steady, int32_t index) {
    struct kp_fetch_request request;
    struct kp_fetch_request_topic topic;
    struct kp_fetch_request_partition partition;
    kp_set_fallbacks(&kp_fetch_request_schema, &request);
    kp_set_fallbacks(&kp_fetch_request_topic_schema, &topic);
    kp_set_fallbacks(&kp_fetch_request_partition_schema, &partition);
    partition.partition = index;
    partition.partition_max_bytes = FETCH_BYTES;
    topic.topic = kp_string_of(steady_topic);
    topic.partitions.items = &partition;
    topic.partitions.count = 1;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.max_bytes = FETCH_BYTES;
    request.session_epoch = -1; /* none */
    steady->call = (struct kafka_call){.done = fetched};
    kafka_link_call(kafka_client_link(steady->cluster.client, (int32_t)steady->place + 1),
                    &steady->call, KP_FETCH, 11, &request, CALL_MS * UINT64_C(1000));
}

static int32_t first_led(struct steady *steady) {
    int32_t p = 0;
    while (p < PARTITIONS && !leads(steady, steady->place, p))
        p++;
    return p;
}

/* The next request of the row. */
static void work(struct steady *steady) {
    if (steady->left == 0) {
        steady->made = true;
        steady->over_us = world_now_us(steady->cluster.run->world);
        return;
    }
    steady->left--;
    if (steady->row->in_transactions)
        steady_transactions_begin(&steady->transactions);
    else if (steady->row->fetches)
        fetch(steady, first_led(steady));
    else
        produce(steady);
}

static void begin(struct env *env, void *arg) {
    (void)env;
    work(arg);
}

static bool is_done(struct steady *steady) {
    return steady->made;
}

static void work_off(struct steady *steady, const struct row *row) {
    steady->row = row;
    steady->left = row->times;
    steady->made = false;
    if (row->times == 0) {
        run_ms(steady, IDLE_MS);
        return;
    }
    node_call(steady->cluster.client_node, begin, steady);
    wait_until(steady, is_done, CALL_MS * (uint64_t)row->times, row->name);
    run_ms(steady, BEHIND_MS);
}

/* ---- Transactions ---- */

static void make_transactional(void *arg, const struct record_batch_options *options,
                               uint8_t **bytes, size_t *len) {
    make_batch(arg, options, bytes, len);
}

/* Also of the beginning, where none is left. */
static void transaction_over(void *arg) {
    work(arg);
}

static void begin_transactions(struct env *env, void *arg) {
    struct steady *steady = arg;
    (void)env;
    steady_transactions_open(&steady->transactions);
}

/* A producer that is known in its partitions: its first transaction is not counted. */
static void open_transactions(struct steady *steady, const struct row *row) {
    struct steady_transactions *transactions = &steady->transactions;
    *transactions = (struct steady_transactions){.client = steady->cluster.client,
                                                 .topic = steady_topic,
                                                 .batch_records = row->records,
                                                 .make_batch = make_transactional,
                                                 .over = transaction_over,
                                                 .arg = steady};
    for (int32_t p = 0; p < STEADY_PARTS; p++)
        for (unsigned place = 0; place < BROKERS; place++)
            if (leads(steady, place, p)) transactions->leaders[p] = (int32_t)place + 1;
    steady->row = row;
    steady->left = 1;
    steady->made = false;
    node_call(steady->cluster.client_node, begin_transactions, steady);
    wait_until(steady, is_done, CALL_MS, "a first transaction");
    run_ms(steady, BEHIND_MS);
}

/* Also how long each takes by the world's clock: what is on its way, and what is synced, one behind
 * the other. */
static void measure(struct steady *steady, const struct row *row) {
    if (row->in_transactions) open_transactions(steady, row);
    uint64_t began_us = world_now_us(steady->cluster.run->world);
    CALLGRIND_ZERO_STATS;
    CALLGRIND_START_INSTRUMENTATION;
    work_off(steady, row);
    if (row->times > 0)
        printf("%s: %llu us\n", row->name,
               (unsigned long long)(steady->over_us - began_us) / row->times);
    CALLGRIND_STOP_INSTRUMENTATION;
    CALLGRIND_DUMP_STATS_AT(row->name);
}

static void run_steady(struct run *run) {
    struct steady *steady = mem_zalloc(sizeof *steady);
    struct cluster *cluster = &steady->cluster;
    struct node *nodes[BROKERS];
    network_set_latency(run->network, 100);
    cluster->many = cluster->steady = true;
    cluster_init(cluster, run, BROKERS, 1);
    for (unsigned i = 0; i < BROKERS; i++)
        nodes[i] = cluster->brokers[i].node;
    struct nemesis_options options = {
        .nodes = nodes, .count = BROKERS, .start = start, .may_start = never, .arg = steady};
    cluster->nemesis = nemesis_new(run, &options);
    for (unsigned i = 0; i < BROKERS; i++)
        cluster_start_broker(cluster, i);
    cluster->client_node = node_new(run->world, CLUSTER_CLIENT, 0, NULL, NULL);
    network_add(run->network, cluster->client_node);
    node_start(cluster->client_node, main_client, cluster);
    wait_until(steady, all_are_ready, READY_MS, "all are ready");
    node_call(cluster->client_node, create, steady);
    wait_until(steady, all_are_led, CALL_MS, "all are led");
    run_ms(steady, SETTLE_MS);
    world_keep_calm(run->world);
    /* The cluster's look at its brokers, every 3 ms, would be counted as theirs. */
    world_unschedule(run->world, &cluster->poll);
    for (unsigned i = 0; i < ROWS; i++)
        measure(steady, &rows[i]);
}

const struct scenario scenario_steady = {"steady", "brokers that nothing happens to, for counting",
                                         0, run_steady};
