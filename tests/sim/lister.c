/* Creating, emptying, appending twice; lister.h has the rules. */
#include "tests/sim/lister.h"

#include <stdio.h>
#include <string.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/services.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/create_topics.h"
#include "protocol/messages/incremental_alter_configs.h"

enum { CALL_US = 3000000, PAUSE_US = 300000, REPLICAS = 3, APPENDERS = 2, TOPIC_RESOURCE = 2 };

static const char setting_name[] = "cleanup.policy";

/* One of the two. */
struct appender {
    struct kafka_call call;
    struct lister *lister;
    struct kafka_link *links[CLUSTER_BROKERS_MAX]; /* NULL: not needed yet */
};

struct lister {
    struct kafka_call call;
    struct cluster *cluster;
    struct env_timer *timer;
    struct appender appenders[APPENDERS];
    unsigned place;  /* of the broker that is asked */
    struct env *env; /* its process: another one has another table */
    unsigned waits;  /* answers that are to come */
    unsigned done;   /* ... and said so */
    char topic[16];
    unsigned topics;
    bool made, empty, finished;
};

static void later(struct lister *lister) {
    env_timer_start(lister->timer, 1 + world_below(lister->cluster->run->world, 2 * PAUSE_US));
}

/* ---- Making it ---- */

/* What was asked of the one before may still come. */
static void take_another(struct lister *lister) {
    snprintf(lister->topic, sizeof lister->topic, "lists-%u", ++lister->topics);
    lister->made = lister->empty = false;
}

static void created(struct kafka_call *call, int error, const void *answer) {
    struct lister *lister = CONTAINER_OF(call, struct lister, call);
    const struct kp_create_topics_response *response = answer;

    later(lister);
    if (error != ERR_NONE) return;
    int16_t code = response->topics.items[0].error_code;
    lister->made = code == KAFKA_NONE || code == KAFKA_TOPIC_ALREADY_EXISTS;
}

static void create(struct lister *lister) {
    struct kp_create_topics_request request;
    struct kp_create_topics_request_topic topic;
    struct kafka_client *client = lister->cluster->client;

    kp_set_fallbacks(&kp_create_topics_request_schema, &request);
    kp_set_fallbacks(&kp_create_topics_request_topic_schema, &topic);
    topic.name = kp_string_of(lister->topic);
    topic.num_partitions = 1;
    topic.replication_factor = REPLICAS;
    request.topics.items = &topic;
    request.topics.count = 1;
    request.timeout_ms = 2000;
    lister->call.done = created;
    kafka_link_call(kafka_client_link(client, -1), &lister->call, KP_CREATE_TOPICS,
                    kafka_client_version(client, KP_CREATE_TOPICS, 0), &request, CALL_US);
}

/* ---- Changing it ---- */

static void change(struct lister *lister, struct kafka_link *link, struct kafka_call *call,
                   enum config_operation operation, const char *value) {
    struct kp_incremental_alter_configs_request request;
    struct kp_incremental_alter_configs_request_resource resource;
    struct kp_incremental_alter_configs_request_config config;

    kp_set_fallbacks(&kp_incremental_alter_configs_request_schema, &request);
    kp_set_fallbacks(&kp_incremental_alter_configs_request_resource_schema, &resource);
    kp_set_fallbacks(&kp_incremental_alter_configs_request_config_schema, &config);
    config.name = kp_string_of(setting_name);
    config.config_operation = (int8_t)operation;
    config.value = kp_string_of(value);
    resource.resource_type = TOPIC_RESOURCE;
    resource.resource_name = kp_string_of(lister->topic);
    resource.configs.items = &config;
    resource.configs.count = 1;
    request.resources.items = &resource;
    request.resources.count = 1;
    kafka_link_call(link, call, KP_INCREMENTAL_ALTER_CONFIGS,
                    kafka_client_version(lister->cluster->client, KP_INCREMENTAL_ALTER_CONFIGS, 0),
                    &request, CALL_US);
}

static bool was_done(int error, const struct kp_incremental_alter_configs_response *response) {
    return error == ERR_NONE && response->responses.items[0].error_code == KAFKA_NONE;
}

static void emptied(struct kafka_call *call, int error, const void *answer) {
    struct lister *lister = CONTAINER_OF(call, struct lister, call);

    lister->empty = was_done(error, answer);
    if (!lister->empty) take_another(lister);
    later(lister);
}

static void look(struct lister *lister) {
    const struct sim_broker *broker = &lister->cluster->brokers[lister->place];

    if (!broker->ready || broker->broker == NULL || broker->stopping ||
        node_env(broker->node) != lister->env)
        return;
    const struct metadata_topic *topic = metadata_topic_named(
        broker_services(broker->broker)->metadata, lister->topic, strlen(lister->topic));
    const char *value = topic == NULL ? NULL : config_set_find(&topic->configs, setting_name);
    run_count(lister->cluster->run, RARE_APPENDED_TWICE, 1);
    if (value == NULL || strstr(value, "compact") == NULL || strstr(value, "delete") == NULL)
        run_fail(lister->cluster->run, "compact and delete were appended to %s, which is '%s' now",
                 setting_name, value == NULL ? "not set" : value);
}

static void appended(struct kafka_call *call, int error, const void *answer) {
    struct appender *appender = CONTAINER_OF(call, struct appender, call);
    struct lister *lister = appender->lister;

    lister->done += was_done(error, answer);
    if (--lister->waits > 0) return;
    lister->empty = false;
    if (lister->done == APPENDERS) look(lister);
    later(lister);
}

static struct kafka_link *link_to(struct lister *lister, struct appender *appender) {
    struct kafka_link **link = &appender->links[lister->place];
    char host[16];

    snprintf(host, sizeof host, "n%u", lister->place + 1);
    if (*link == NULL)
        *link = kafka_link_new(lister->cluster->run, kafka_client_env(lister->cluster->client),
                               host, CLIENT_PORT);
    return *link;
}

static void append(struct lister *lister) {
    static const char *const values[APPENDERS] = {"compact", "delete"};
    struct cluster *cluster = lister->cluster;

    lister->place = (unsigned)world_below(cluster->run->world, cluster->count);
    lister->env = node_env(cluster->brokers[lister->place].node);
    lister->waits = APPENDERS;
    lister->done = 0;
    for (unsigned i = 0; i < APPENDERS; i++) {
        struct appender *appender = &lister->appenders[i];
        appender->lister = lister;
        appender->call.done = appended;
        change(lister, link_to(lister, appender), &appender->call, CONFIG_APPEND, values[i]);
    }
}

static void step(void *arg) {
    struct lister *lister = arg;

    if (lister->finished) return;
    if (!kafka_client_ready(lister->cluster->client)) {
        later(lister);
    } else if (!lister->made) {
        create(lister);
    } else if (!lister->empty) {
        lister->call.done = emptied;
        change(lister, kafka_client_link(lister->cluster->client, -1), &lister->call, CONFIG_SET,
               "");
    } else {
        append(lister);
    }
}

/* ---- Life ---- */

struct lister *lister_new(struct cluster *cluster) {
    struct lister *lister = mem_zalloc(sizeof *lister);

    lister->cluster = cluster;
    take_another(lister);
    lister->timer = env_timer_new(kafka_client_env(cluster->client), step, lister);
    later(lister);
    return lister;
}

void lister_finish(struct lister *lister) {
    lister->finished = true;
}
