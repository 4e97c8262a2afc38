/*
 * Scenario "many": three whole brokers with thousands of partitions and no faults but one kill;
 * blocking calls on the loop have their price.
 *
 * One CreateTopics makes them all, one Produce for each broker writes a record to each; every phase
 * has a limit in virtual time: made, led, written, quiet. One broker is killed, and all are led
 * again while it is down; it comes back, and all are quiet again. In no phase may blocking calls
 * keep a loop longer than a turn may take, but for the turn in which a process starts.
 * It is not drawn from a seed: named, or in seeds.txt.
 */
#include <inttypes.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/services.h"
#include "broker/partition_set/partition_set.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/produce.h"
#include "raft-glue/shard.h"
#include "tests/sim/cluster.h"
#include "tests/sim/produce_call.h"
#include "tests/sim/scenarios.h"

enum {
    BROKERS = 3,
    PARTITIONS = 2000,
    TURN_US = 5000,
    READY_MS = 10000,
    MADE_MS = 5000,
    LED_MS = 2000, /* all of them, after they were made */
    WRITTEN_MS = 5000,
    AGAIN_MS = 500,   /* after a kill */
    QUIET_MS = 10000, /* a follower that came back has all and agrees */
    STILL_MS = 2000,  /* so long they are watched while they are quiet */
    FRAMES = 30,      /* that a broker sends meanwhile, about the metadata */
    STEP_MS = 10,
};

static const char many_topic[] = "many";

struct many;

struct write {
    struct kafka_call call; /* first: a call is its write */
    struct many *many;
};

struct many {
    struct cluster *cluster;
    struct kafka_call call;
    struct write writes[BROKERS];
    bool made;
    int32_t written; /* partitions that have a record */
};

static void start(void *arg, unsigned place) {
    struct many *many = arg;
    cluster_start_broker(many->cluster, place);
}

/* Who was killed comes back when the scenario says so. */
static bool never(void *arg, unsigned place) {
    (void)arg;
    (void)place;
    return false;
}

/* ---- Making them ---- */

static void created(struct kafka_call *call, int error, const void *response) {
    struct many *many = CONTAINER_OF(call, struct many, call);
    const struct kp_create_topics_response *answer = response;

    if (error != ERR_NONE)
        run_fail(many->cluster->run, "nobody answers to the creation: %s", error_phrase(error));
    if (answer->topics.items[0].error_code != KAFKA_NONE)
        run_fail(many->cluster->run, "the topic is not created: %s",
                 kafka_error_name(answer->topics.items[0].error_code));
    many->made = true;
}

static void create(struct env *env, void *arg) {
    struct many *many = arg;
    struct kp_create_topics_request request;
    struct kp_create_topics_request_topic topic;

    (void)env;
    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    topic.name = kp_string_of(many_topic);
    topic.num_partitions = PARTITIONS;
    topic.replication_factor = BROKERS;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = MADE_MS;
    many->call.done = created;
    kafka_link_call(kafka_client_link(many->cluster->client, -1), &many->call, KP_CREATE_TOPICS, 5,
                    &request, 2 * MADE_MS * UINT64_C(1000));
}

/* ---- What is waited for ---- */

static bool is_up(const struct sim_broker *broker) {
    return broker->broker != NULL && broker->ready && node_is_running(broker->node);
}

static bool all_are_ready(struct many *many) {
    for (unsigned i = 0; i < BROKERS; i++)
        if (!is_up(&many->cluster->brokers[i])) return false;
    return kafka_client_ready(many->cluster->client);
}

static bool is_made(struct many *many) {
    return many->made;
}

static bool leads(struct many *many, unsigned place, uint64_t id) {
    struct raft_group *group = is_up(&many->cluster->brokers[place])
                                   ? cluster_group(many->cluster, place, id)
                                   : NULL;
    return group != NULL && raft_group_is_leading(group);
}

/* As a broker knows it; NULL: it does not. */
static const struct metadata_topic *topic_at(const struct many *many, unsigned place) {
    const struct sim_broker *broker = &many->cluster->brokers[place];
    if (!is_up(broker)) return NULL;
    return metadata_topic_named(broker_services(broker->broker)->metadata, many_topic,
                                strlen(many_topic));
}

static bool all_are_led(struct many *many) {
    const struct metadata_topic *topic = NULL;

    for (unsigned i = 0; i < BROKERS && topic == NULL; i++)
        topic = topic_at(many, i);
    for (int32_t p = 0; topic != NULL && p < PARTITIONS; p++) {
        uint64_t group = metadata_partition_at(topic, p)->group;
        if (!leads(many, 0, group) && !leads(many, 1, group) && !leads(many, 2, group))
            return false;
    }
    return topic != NULL;
}

static struct shard_stats stats_of(const struct many *many, unsigned place) {
    struct shard_stats stats;

    shard_stats_get(broker_shard(many->cluster->brokers[place].broker), &stats);
    return stats;
}

static bool all_are_quiet(struct many *many) {
    for (unsigned i = 0; i < BROKERS; i++) {
        if (!is_up(&many->cluster->brokers[i])) return false;
        struct shard_stats stats = stats_of(many, i);
        if (stats.quiet_begun - stats.quiet_ended < PARTITIONS) return false;
    }
    return true;
}

/* ---- Writing a record to each ---- */

static void took(struct kafka_call *call, int error, const void *response) {
    struct many *many = ((struct write *)call)->many;
    const struct kp_produce_response *answer = response;

    if (error != ERR_NONE)
        run_fail(many->cluster->run, "nobody answers to a produce: %s", error_phrase(error));
    for (int32_t i = 0; i < answer->responses.items[0].partition_responses.count; i++) {
        int16_t code = answer->responses.items[0].partition_responses.items[i].error_code;
        if (code != KAFKA_NONE)
            run_fail(many->cluster->run, "a record is not taken: %s", kafka_error_name(code));
        many->written++;
    }
}

static void write_to_leader(struct many *many, unsigned place) {
    static struct kp_produce_request_partition partitions[PARTITIONS];
    struct kp_produce_request request;
    struct kp_produce_request_topic topic;
    const struct metadata_topic *known = topic_at(many, place);
    uint8_t *bytes;
    size_t len;

    produce_one_record(many->cluster->client, -1, -1, 0, 0, -1, &bytes, &len);
    kp_set_fallbacks(&kp_produce_request_schema, &request);
    kp_set_fallbacks(&kp_produce_request_topic_schema, &topic);
    topic.name = kp_string_of(many_topic);
    topic.partition_data.items = partitions;
    topic.partition_data.count = 0;
    for (int32_t p = 0; p < PARTITIONS; p++) {
        if (!leads(many, place, metadata_partition_at(known, p)->group)) continue;
        struct kp_produce_request_partition *partition = &partitions[topic.partition_data.count++];
        kp_set_fallbacks(&kp_produce_request_partition_schema, partition);
        partition->index = p;
        partition->records = (struct kp_records){.data = bytes, .len = (int32_t)len};
    }
    request.transactional_id = KP_NULL_STRING;
    request.acks = -1;
    request.timeout_ms = WRITTEN_MS;
    request.topic_data.items = &topic;
    request.topic_data.count = 1;
    many->writes[place] = (struct write){.call.done = took, .many = many};
    kafka_link_call(kafka_client_link(many->cluster->client, (int32_t)place + 1),
                    &many->writes[place].call, KP_PRODUCE, 7, &request,
                    2 * WRITTEN_MS * UINT64_C(1000));
    mem_free(bytes);
}

static void write_to_all(struct env *env, void *arg) {
    (void)env;
    for (unsigned place = 0; place < BROKERS; place++)
        write_to_leader(arg, place);
}

static bool all_are_written(struct many *many) {
    return many->written == PARTITIONS;
}

/* ---- Time ---- */

static void run_ms(struct many *many, uint64_t ms) {
    struct world *world = many->cluster->run->world;
    world_run_until(world, world_now_us(world) + ms * 1000);
}

static void judge_turns(struct many *many, const char *what) {
    for (unsigned i = 0; i < BROKERS; i++) {
        uint64_t longest_us = node_longest_turn_us(many->cluster->brokers[i].node);
        run_say(many->cluster->run, "n%u: %" PRIu64 " us of blocking calls in one turn until %s",
                i + 1, longest_us, what);
        if (longest_us > TURN_US)
            run_fail(many->cluster->run,
                     "calls of n%u kept its loop for %" PRIu64 " us in one turn until %s", i + 1,
                     longest_us, what);
    }
}

static void wait_until(struct many *many, bool (*reached)(struct many *many), uint64_t limit_ms,
                       const char *what) {
    for (uint64_t ms = 0; ms <= limit_ms; ms += STEP_MS) {
        if (reached(many)) {
            run_say(many->cluster->run, "%s after %" PRIu64 " ms", what, ms);
            judge_turns(many, what);
            return;
        }
        run_ms(many, STEP_MS);
    }
    run_fail(many->cluster->run, "not so after %" PRIu64 " ms: %s", limit_ms, what);
}

static void stay_quiet(struct many *many) {
    uint64_t before[BROKERS];

    for (unsigned i = 0; i < BROKERS; i++)
        before[i] = stats_of(many, i).frames_sent;
    run_ms(many, STILL_MS);
    for (unsigned i = 0; i < BROKERS; i++) {
        uint64_t frames = stats_of(many, i).frames_sent - before[i];
        run_say(many->cluster->run, "n%u sent %" PRIu64 " frames while all were quiet", i + 1,
                frames);
        if (frames > FRAMES)
            run_fail(many->cluster->run,
                     "n%u sent %" PRIu64 " frames in %d ms while all were quiet", i + 1, frames,
                     STILL_MS);
    }
}

/* ---- The run ---- */

static void run_many(struct run *run) {
    struct cluster *cluster = mem_zalloc(sizeof *cluster);
    struct many many = {.cluster = cluster};
    struct node *nodes[BROKERS];

    network_set_latency(run->network, 50 + world_below(run->world, 200));
    cluster->many = true;
    cluster_init(cluster, run, BROKERS, 1);
    for (unsigned i = 0; i < BROKERS; i++)
        nodes[i] = cluster->brokers[i].node;
    struct nemesis_options options = {
        .nodes = nodes, .count = BROKERS, .start = start, .may_start = never, .arg = &many};
    cluster->nemesis = nemesis_new(run, &options);
    for (unsigned i = 0; i < BROKERS; i++)
        cluster_start_broker(cluster, i);
    cluster_start_clients(cluster, 0, false);
    wait_until(&many, all_are_ready, READY_MS, "all are ready");
    node_call(cluster->client_node, create, &many);
    wait_until(&many, is_made, MADE_MS, "all are made");
    wait_until(&many, all_are_led, LED_MS, "all are led");
    node_call(cluster->client_node, write_to_all, &many);
    wait_until(&many, all_are_written, WRITTEN_MS, "all are written to");
    wait_until(&many, all_are_quiet, QUIET_MS, "all are quiet");
    stay_quiet(&many);
    unsigned victim = (unsigned)world_below(run->world, BROKERS);
    node_kill(nodes[victim]);
    wait_until(&many, all_are_led, AGAIN_MS, "all are led again");
    cluster_start_broker(cluster, victim);
    run_ms(&many, 1);
    node_longest_turn_us(nodes[victim]); /* a start blocks */
    wait_until(&many, all_are_quiet, QUIET_MS, "all are quiet again");
    for (unsigned i = 0; i < BROKERS; i++)
        cluster_count(&cluster->brokers[i]);
}

const struct scenario scenario_many = {
    "many", "brokers with thousands of partitions, and blocking calls with a price", 0, run_many};
