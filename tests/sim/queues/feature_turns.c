/* One level after the other, and a look at the tables; feature_turns.h has the rules. */
#include "tests/sim/queues/feature_turns.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata_features.h"
#include "broker/metadata/metadata_rows.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/update_features.h"

enum { HIGHEST = 3, HIGH_US = 2000000, LOW_US = 400000, BACKOFF_US = 50000, CALL_US = 2000000 };

struct feature_turns {
    struct cluster *cluster;
    struct env_timer *timer;
    struct kafka_call call;
    int16_t asked; /* level */
    bool raised;   /* the cluster has raised it by itself */
    bool finishing, over;
};

static uint64_t draw(struct feature_turns *turns, uint64_t limit) {
    return world_below(turns->cluster->run->world, limit);
}

static void updated(struct kafka_call *call, int error, const void *answer) {
    struct feature_turns *turns = CONTAINER_OF(call, struct feature_turns, call);
    const struct kp_update_features_response *response = answer;
    int16_t code = error == ERR_NONE ? response->error_code : (int16_t)KAFKA_REQUEST_TIMED_OUT;
    /* What became of the one before may be unknown, and levels between may be either way. */
    bool between = turns->asked > 0 && turns->asked < HIGHEST;
    if (code != KAFKA_NONE && !kafka_error_retriable(code) &&
        !(code == KAFKA_INVALID_UPDATE_VERSION && between))
        run_fail(turns->cluster->run, "setting share.version to %d gets %s", turns->asked,
                 kafka_error_name(code));
    bool is_high = code == KAFKA_NONE && turns->asked == HIGHEST;
    if (code == KAFKA_NONE) run_count(turns->cluster->run, RARE_FEATURES_TURNED, 1);
    turns->over = turns->finishing && is_high;
    if (!turns->over)
        env_timer_start(turns->timer, BACKOFF_US + draw(turns, is_high ? HIGH_US : LOW_US));
}

static void ask(struct feature_turns *turns, bool lowers) {
    struct kp_update_features_request request;
    struct kp_update_features_request_update update;
    kp_set_fallbacks(&kp_update_features_request_schema, &request);
    kp_set_fallbacks(&kp_update_features_request_update_schema, &update);
    turns->asked = lowers ? (int16_t)draw(turns, HIGHEST) : HIGHEST;
    update.feature = kp_string_of(FEATURE_SHARE_VERSION);
    update.max_version_level = turns->asked;
    update.upgrade_type = lowers ? FEATURE_SAFE_DOWNGRADE : FEATURE_UPGRADE;
    request.feature_updates.items = &update;
    request.feature_updates.count = 1;
    request.timeout_ms = 1500;
    turns->call.done = updated;
    kafka_link_call(kafka_client_link(turns->cluster->client, -1), &turns->call, KP_UPDATE_FEATURES,
                    1, &request, CALL_US);
}

static void step(void *arg) {
    struct feature_turns *turns = arg;
    bool may = turns->raised && kafka_client_ready(turns->cluster->client);
    if (may)
        ask(turns, !turns->finishing && turns->asked == HIGHEST);
    else
        env_timer_start(turns->timer, BACKOFF_US);
}

struct feature_turns *feature_turns_new(struct cluster *cluster, struct env *env) {
    struct feature_turns *turns = mem_zalloc(sizeof *turns);
    turns->cluster = cluster;
    turns->asked = HIGHEST;
    turns->timer = env_timer_new(env, step, turns);
    env_timer_start(turns->timer, BACKOFF_US);
    return turns;
}

void feature_turns_finish(struct feature_turns *turns) {
    turns->finishing = true;
}

bool feature_turns_are_over(const struct feature_turns *turns) {
    return turns->over;
}

static void look_at(struct feature_turns *turns, const struct metadata *metadata, unsigned place) {
    for (size_t i = 0; i < metadata->feature_count; i++) {
        const struct feature_row *row = &metadata->features[i];
        if (!kp_string_is(kp_string_of(FEATURE_SHARE_VERSION), row->set.name)) continue;
        turns->raised = true;
        if (row->set.max < HIGHEST) run_count(turns->cluster->run, RARE_FEATURE_SEEN_LOW, 1);
        if (row->highest != HIGHEST)
            run_fail(turns->cluster->run,
                     "n%u believes that share.version was never above %d: brokers that cannot read "
                     "what was written at %d may come",
                     place + 1, row->highest, HIGHEST);
    }
}

void feature_turns_look(struct feature_turns *turns) {
    for (unsigned i = 0; i < turns->cluster->count; i++) {
        const struct sim_broker *broker = &turns->cluster->brokers[i];
        const struct metadata *metadata = broker->ready ? broker_services(broker->broker)->metadata
                                                        : NULL;
        if (metadata != NULL) look_at(turns, metadata, i);
    }
}
