/* Asking until the empty one is a broker; replacer.h has the rules. */
#include "tests/sim/replacer.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata_group.h"
#include "broker/metadata/metadata_roster.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/alter_broker.h"

enum { CALL_US = 3000000, PAUSE_US = 500000 };

struct replacer {
    struct kafka_call call;
    struct cluster *cluster;
    struct env_timer *timer;
    bool asked;
};

static void later(struct replacer *replacer) {
    env_timer_start(replacer->timer, PAUSE_US);
}

static void answered(struct kafka_call *call, int error, const void *answer) {
    struct replacer *replacer = CONTAINER_OF(call, struct replacer, call);
    const struct kp_alter_broker_response *response = answer;

    later(replacer);
    if (error != ERR_NONE) return;
    int16_t code = response->error_code;
    run_say(replacer->cluster->run, "replacing is answered with %s: %.*s", kafka_error_name(code),
            (int)response->error_message.len,
            response->error_message.len > 0 ? response->error_message.data : "");
    run_count(replacer->cluster->run, RARE_REPLACED, code == KAFKA_NONE);
    /* It has not knocked there of late; or it is still thought to be alive; or it died before its
     * first directory was on its disk. */
    if (code != KAFKA_NONE && code != KAFKA_RESOURCE_NOT_FOUND && code != KAFKA_POLICY_VIOLATION &&
        code != KAFKA_DUPLICATE_RESOURCE && !kafka_error_retriable(code))
        run_fail(replacer->cluster->run, "replacing a broker is answered with %s",
                 kafka_error_name(code));
}

static bool is_wanted(const struct cluster *cluster) {
    return nemesis_lost(cluster->nemesis) != 0 && !nemesis_restored(cluster->nemesis) &&
           cluster->run->seed % 2 == 0;
}

static unsigned place_of(const struct cluster *cluster) {
    return (unsigned)__builtin_ctz(nemesis_lost(cluster->nemesis));
}

static void step(void *arg) {
    struct replacer *replacer = arg;
    struct cluster *cluster = replacer->cluster;
    struct kp_alter_broker_request request;

    if (!is_wanted(cluster) || cluster->brokers[place_of(cluster)].ready) {
        later(replacer);
        return;
    }
    replacer->asked = true;
    kp_set_fallbacks(&kp_alter_broker_request_schema, &request);
    request.broker_id = (int32_t)place_of(cluster) + 1;
    request.change = KP_BROKER_REPLACE;
    request.timeout_ms = 2000;
    request.accept_loss = true;
    replacer->call.done = answered;
    kafka_link_call(kafka_client_link(cluster->client, -1), &replacer->call, KP_ALTER_BROKER, 0,
                    &request, CALL_US);
}

struct replacer *replacer_new(struct cluster *cluster) {
    struct replacer *replacer = mem_zalloc(sizeof *replacer);

    replacer->cluster = cluster;
    replacer->timer = env_timer_new(kafka_client_env(cluster->client), step, replacer);
    later(replacer);
    return replacer;
}

bool replacer_has_asked(const struct cluster *cluster) {
    return cluster->replacer != NULL && cluster->replacer->asked;
}

/* Of the metadata, on whoever leads it: as many vote as did. */
static bool votes_are_whole(const struct cluster *cluster, const struct broker_services *services) {
    struct raft_group_configuration now;
    uint32_t wanted = cluster->brokers[0].settings.metadata_voters, voters = 0;

    if (!metadata_group_is_leading(services->metadata_group)) return true;
    raft_group_configuration(metadata_group_raft(services->metadata_group), &now);
    for (size_t i = 0; i < now.count; i++)
        voters += now.servers[i].voter;
    return now.committed && now.count == cluster->count &&
           voters == (wanted < cluster->count ? wanted : cluster->count);
}

bool replacer_is_done(struct cluster *cluster) {
    for (unsigned i = 0; i < cluster->count; i++) {
        const struct sim_broker *broker = &cluster->brokers[i];
        if (!broker->ready || broker->broker == NULL || broker->stopping) return false;
        const struct broker_services *services = broker_services(broker->broker);
        if (metadata_roster_of(services->metadata, (int32_t)place_of(cluster) + 1)->replica <=
                cluster->founders ||
            metadata_plan_count(services->metadata) > 0 || !votes_are_whole(cluster, services))
            return false;
    }
    return true;
}
