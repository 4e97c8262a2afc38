/* Draining and undoing; drainer.h has the rules. */
#include "tests/sim/drainer.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_broker.h"

enum { CALL_US = 3000000, PAUSE_US = 1500000 };

struct drainer {
    struct kafka_call call;
    struct cluster *cluster;
    struct env_timer *timer;
    int32_t node;  /* that may drain; 0: none */
    bool draining; /* what was asked last, of that one */
    bool known;    /* and it is so */
    bool finished;
};

static void later(struct drainer *drainer) {
    env_timer_start(drainer->timer, 1 + world_below(drainer->cluster->run->world, 2 * PAUSE_US));
}

static void answered(struct kafka_call *call, int error, const void *answer) {
    struct drainer *drainer = CONTAINER_OF(call, struct drainer, call);
    const struct kp_alter_broker_response *response = answer;

    later(drainer);
    if (error != ERR_NONE) return; /* it is asked again */
    int16_t code = response->error_code;
    if (code != KAFKA_NONE && !kafka_error_retriable(code))
        run_fail(drainer->cluster->run, "draining n%d is answered with %s", drainer->node,
                 kafka_error_name(code));
    drainer->known = code == KAFKA_NONE;
    run_count(drainer->cluster->run, RARE_DRAINED, drainer->known && drainer->draining);
}

static bool all_are_in(const struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->count; i++)
        if (!cluster->brokers[i].was_ready) return false;
    return true;
}

/* The same again until it is known; then the other way, or another broker. */
static void draw(struct drainer *drainer) {
    struct world *world = drainer->cluster->run->world;

    if (drainer->node != 0 && !drainer->known) return;
    drainer->known = false;
    if (drainer->draining) {
        drainer->draining = false;
        return;
    }
    drainer->node = 1 + (int32_t)world_below(world, drainer->cluster->count);
    drainer->draining = true;
}

static void step(void *arg) {
    struct drainer *drainer = arg;
    struct kp_alter_broker_request request;

    if (drainer->finished && (drainer->node == 0 || drainer->known)) return;
    if (!all_are_in(drainer->cluster) || !kafka_client_ready(drainer->cluster->client)) {
        later(drainer);
        return;
    }
    if (!drainer->finished) draw(drainer);
    kp_set_fallbacks(&kp_alter_broker_request_schema, &request);
    request.broker_id = drainer->node;
    request.change = drainer->draining ? KP_BROKER_DRAIN : KP_BROKER_UNDRAIN;
    request.timeout_ms = 2000;
    drainer->call.done = answered;
    kafka_link_call(kafka_client_link(drainer->cluster->client, -1), &drainer->call,
                    KP_ALTER_BROKER, 0, &request, CALL_US);
}

struct drainer *drainer_new(struct cluster *cluster) {
    struct drainer *drainer = mem_zalloc(sizeof *drainer);

    drainer->cluster = cluster;
    drainer->timer = env_timer_new(kafka_client_env(cluster->client), step, drainer);
    later(drainer);
    return drainer;
}

void drainer_finish(struct drainer *drainer) {
    drainer->finished = true;
}

static bool is_empty(const struct metadata *metadata, int32_t node) {
    size_t takers = metadata_roster_taking(metadata);

    for (const struct metadata_topic *topic = metadata_next_topic(metadata, NULL); topic != NULL;
         topic = metadata_next_topic(metadata, topic))
        for (int32_t p = 0; p < topic->partition_count; p++)
            if (topic->partitions[p].replica_count <= takers &&
                metadata_replica_on(&topic->partitions[p], node) != NULL)
                return false;
    return true;
}

bool drainer_is_done(struct cluster *cluster) {
    const struct drainer *drainer = cluster->drainer;

    if (drainer->node == 0) return true;
    for (unsigned i = 0; i < cluster->count; i++) {
        const struct sim_broker *broker = &cluster->brokers[i];
        if (!broker->ready || broker->broker == NULL || broker->stopping) return false;
        const struct metadata *metadata = broker_services(broker->broker)->metadata;
        if (metadata_roster_is_draining(metadata, drainer->node) &&
            !is_empty(metadata, drainer->node))
            return false;
    }
    return drainer->known;
}
