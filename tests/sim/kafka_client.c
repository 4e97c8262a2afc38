/* Connections and metadata of a client process; kafka_client.h has the rules. */
#include "tests/sim/kafka_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/metadata.h"
#include "tests/sim/history.h"

enum { REFRESH_US = 30000, CALL_US = 2000000, SILENT_US = 10000000, ARENA_MAX = 1 << 16 };

struct kafka_client {
    struct run *run;
    struct env *env;
    unsigned brokers;
    char topic[32];
    struct kp_uuid topic_id; /* all zeros: not known */
    int32_t partitions;
    int16_t replicas;
    struct kafka_link *links[CLIENT_BROKERS_MAX + 1]; /* by node id */
    struct known_leader leaders[CLIENT_PARTITIONS_MAX];
    bool ready, asking, waiting, compacted, keyed;
    uint64_t silent_until_us[CLIENT_BROKERS_MAX + 1]; /* by node id: it is not asked before */
    int32_t asked;
    uint64_t delete_retention_ms;
    const char *setting, *value; /* NULL: none */
    struct kafka_call call;
    struct env_timer *timer;
};

void kafka_client_compact(struct kafka_client *client, uint64_t delete_retention_ms) {
    client->compacted = true;
    client->delete_retention_ms = delete_retention_ms;
}

void kafka_client_set(struct kafka_client *client, const char *name, const char *value) {
    client->setting = name;
    client->value = value;
}

void kafka_client_give_keys(struct kafka_client *client) {
    client->keyed = true;
}

bool kafka_client_compacts(const struct kafka_client *client) {
    return client->compacted;
}

int32_t kafka_client_key_len(const struct kafka_client *client) {
    return client->compacted || client->keyed ? HISTORY_KEY_LEN : -1;
}

struct env *kafka_client_env(struct kafka_client *client) {
    return client->env;
}

struct run *kafka_client_run(struct kafka_client *client) {
    return client->run;
}

const char *kafka_client_topic(const struct kafka_client *client) {
    return client->topic;
}

struct kp_uuid kafka_client_topic_id(const struct kafka_client *client) {
    return client->topic_id;
}

unsigned kafka_client_brokers(const struct kafka_client *client) {
    return client->brokers;
}

bool kafka_client_ready(const struct kafka_client *client) {
    return client->ready;
}

struct known_leader kafka_client_leader(const struct kafka_client *client, int32_t partition) {
    return client->leaders[partition];
}

struct kafka_link *kafka_client_link(struct kafka_client *client, int32_t node) {
    if (node < 0) node = 1 + (int32_t)world_below(client->run->world, client->brokers);
    CHECK(node >= 1 && node <= (int32_t)client->brokers);
    return client->links[node];
}

/* As any client: one that is cut off costs all the patience of whoever asks it, each time. */
int32_t kafka_client_some(struct kafka_client *client) {
    uint64_t now_us = world_now_us(client->run->world);
    int32_t first = 1 + (int32_t)world_below(client->run->world, client->brokers), node = first;

    while (client->silent_until_us[node] > now_us) {
        node = node % (int32_t)client->brokers + 1;
        if (node == first) break;
    }
    return node;
}

void kafka_client_note(struct kafka_client *client, int32_t node, bool answered) {
    client->silent_until_us[node] = answered ? 0 : world_now_us(client->run->world) + SILENT_US;
}

int kafka_client_version(struct kafka_client *client, enum kp_api_key key, int least) {
    const struct kp_api *api = kp_api_find(key);
    bool by_id = key == KP_FETCH || key == KP_PRODUCE; /* from the next version on: KIP-516 */
    int most = by_id && kp_uuid_is_zero(client->topic_id) ? 12 : api->to;

    return (int)world_between(client->run->world, (uint64_t)(least > api->from ? least : api->from),
                              (uint64_t)most);
}

void kafka_client_refresh(struct kafka_client *client) {
    if (client->asking || client->waiting) return;
    client->waiting = true;
    env_timer_start(client->timer, REFRESH_US + world_below(client->run->world, REFRESH_US));
}

/* ---- Creating the topic ---- */

static void created(struct kafka_call *call, int error, const void *response) {
    struct kafka_client *client = CONTAINER_OF(call, struct kafka_client, call);
    const struct kp_create_topics_response *answer = response;

    client->asking = false;
    if (error == ERR_NONE) {
        int16_t code = answer->topics.items[0].error_code;
        /* Its feature may be too low yet. */
        if (code == KAFKA_INVALID_CONFIG && client->setting != NULL) code = KAFKA_NONE;
        if (code != KAFKA_NONE && code != KAFKA_TOPIC_ALREADY_EXISTS &&
            code != KAFKA_INVALID_REPLICATION_FACTOR && !kafka_error_retriable(code))
            run_fail(client->run, "the topic cannot be created: %s", kafka_error_name(code));
    }
    kafka_client_refresh(client);
}

static void create(struct kafka_client *client) {
    struct kp_create_topics_request request;
    struct kp_create_topics_request_topic topic;
    /* with `delete`, records may be deleted by whoever asks for it, too */
    char retention[24];
    snprintf(retention, sizeof retention, "%" PRIu64, client->delete_retention_ms);
    struct kp_create_topics_request_config configs[] = {
        {kp_string_of("cleanup.policy"), kp_string_of("compact,delete")},
        {kp_string_of("delete.retention.ms"), kp_string_of(retention)}};

    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    struct kp_create_topics_request_config setting = {kp_string_of(client->setting),
                                                      kp_string_of(client->value)};
    topic.configs.items = client->setting != NULL ? &setting : configs;
    topic.configs.count = client->setting != NULL ? 1 : client->compacted ? 2 : 0;
    topic.name = kp_string_of(client->topic);
    topic.num_partitions = client->partitions;
    topic.replication_factor = client->replicas;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 1000;
    client->asking = true;
    client->call.done = created;
    kafka_link_call(kafka_client_link(client, -1), &client->call, KP_CREATE_TOPICS,
                    kafka_client_version(client, KP_CREATE_TOPICS, 0), &request, CALL_US);
}

/* ---- Metadata ---- */

static void take_partition(struct kafka_client *client,
                           const struct kp_metadata_response_partition *partition) {
    struct known_leader *known = &client->leaders[partition->partition_index];

    if (partition->leader_id < 0 || partition->leader_epoch < known->epoch) return;
    if (known->node != partition->leader_id) {
        known->before = known->node;
        known->since_us = world_now_us(client->run->world);
    }
    known->node = partition->leader_id;
    known->epoch = partition->leader_epoch;
}

/* False: it is to be created. */
static bool take_topic(struct kafka_client *client, const struct kp_metadata_response *response) {
    if (response->topics.count != 1)
        run_fail(client->run, "metadata of one topic was asked for, %d came",
                 response->topics.count);
    const struct kp_metadata_response_topic *topic = &response->topics.items[0];
    if (topic->error_code == KAFKA_UNKNOWN_TOPIC_OR_PARTITION) {
        if (client->ready) kafka_client_refresh(client); /* a broker that lags behind */
        return client->ready;
    }
    if (topic->partitions.count != client->partitions && topic->error_code == KAFKA_NONE)
        run_fail(client->run, "topic %s has %d partitions instead of %d", client->topic,
                 topic->partitions.count, client->partitions);
    for (int32_t i = 0; i < topic->partitions.count; i++) {
        if (topic->partitions.items[i].partition_index >= client->partitions)
            run_fail(client->run, "there is no partition %d",
                     topic->partitions.items[i].partition_index);
        take_partition(client, &topic->partitions.items[i]);
    }
    client->ready = topic->partitions.count == client->partitions;
    if (!kp_uuid_is_zero(topic->topic_id)) client->topic_id = topic->topic_id;
    return true;
}

static void described(struct kafka_call *call, int error, const void *response) {
    struct kafka_client *client = CONTAINER_OF(call, struct kafka_client, call);

    client->asking = false;
    kafka_client_note(client, client->asked, error == ERR_NONE);
    if (error != ERR_NONE) {
        kafka_client_refresh(client);
        return;
    }
    if (!take_topic(client, response)) {
        create(client);
        return;
    }
    for (int32_t i = 0; i < client->partitions; i++)
        if (client->leaders[i].node < 0) kafka_client_refresh(client);
}

static void ask(void *arg) {
    struct kafka_client *client = arg;
    struct kp_metadata_request request;
    struct kp_metadata_request_topic topic;

    client->waiting = false;
    client->asking = true;
    kp_set_fallbacks(&kp_metadata_request_schema, &request);
    kp_set_fallbacks(&kp_metadata_request_topic_schema, &topic);
    topic.name = kp_string_of(client->topic);
    request.topics.items = &topic;
    request.topics.count = 1;
    request.allow_auto_topic_creation = false;
    client->call.done = described;
    client->asked = kafka_client_some(client);
    kafka_link_call(client->links[client->asked], &client->call, KP_METADATA,
                    kafka_client_version(client, KP_METADATA, 7), &request, CALL_US);
}

struct kafka_client *kafka_client_new(struct run *run, struct env *env, unsigned brokers,
                                      const char *topic, int32_t partitions, int16_t replicas) {
    struct kafka_client *client = mem_zalloc(sizeof *client);
    char host[16];

    CHECK(brokers <= CLIENT_BROKERS_MAX && partitions <= CLIENT_PARTITIONS_MAX);
    client->run = run;
    client->env = env;
    client->brokers = brokers;
    snprintf(client->topic, sizeof client->topic, "%s", topic);
    client->partitions = partitions;
    client->replicas = replicas;
    for (unsigned node = 1; node <= brokers; node++) {
        snprintf(host, sizeof host, "n%u", node);
        client->links[node] = kafka_link_new(run, env, host, CLIENT_PORT);
    }
    for (int32_t i = 0; i < partitions; i++)
        client->leaders[i] = (struct known_leader){-1, -1, -1, 0};
    client->timer = env_timer_new(env, ask, client);
    kafka_client_refresh(client);
    return client;
}
