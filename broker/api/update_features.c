/*
 * UpdateFeatures (key 57): the cluster uses features at other levels (KIP-584, KIP-778); at any
 * broker.
 *
 * Happy path: all levels of the request are committed by the metadata group, as one, and the answer
 * leaves when this broker's table has them. Failures: what the metadata leader says, of the whole
 * request: INVALID_UPDATE_VERSION (broker/metadata/metadata_features.h). As in Kafka the
 * error is told of the request; up to version 1 features are told one by one when it succeeded.
 */
#include "protocol/messages/update_features.h"

#include "base/container_of.h"
#include "base/mem.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata_features.h"
#include "broker/metadata/metadata_group.h"
#include "protocol/kafka_error.h"

enum { TIMEOUT_LEAST_MS = 100, TIMEOUT_MOST_MS = 120000, UPDATES_MOST = 1000, TELLS_EACH_TO = 1 };

struct updating_features {
    struct request *request;
    struct metadata_submit submit;
};

static void features_answer(struct request *request, int16_t error, struct kp_string message) {
    const struct kp_update_features_request *asked = request->message;
    struct kp_update_features_response response;
    kp_set_fallbacks(&kp_update_features_response_schema, &response);
    response.error_code = error;
    response.error_message = error == KAFKA_NONE ? KP_NULL_STRING : message;
    int32_t told = error == KAFKA_NONE && request->api_version <= TELLS_EACH_TO
                       ? asked->feature_updates.count
                       : 0;
    struct kp_update_features_response_result *results = kp_new_items(
        &request->arena, &kp_update_features_response_result_schema, &response.results, told);
    if (results == NULL && told > 0) {
        request_close_too_large(request);
        return;
    }
    for (int32_t i = 0; i < told; i++)
        results[i].feature = asked->feature_updates.items[i].feature;
    request_respond(request, &response);
}

static void on_updated(struct metadata_submit *submit, const struct metadata_result *result) {
    struct updating_features *updating = CONTAINER_OF(submit, struct updating_features, submit);
    features_answer(updating->request, result->error, kp_string_of(result->message));
    mem_free(updating);
}

static int8_t change_of(const struct request *request,
                        const struct kp_update_features_request_update *update) {
    if (request->api_version > 0) return update->upgrade_type;
    return update->allow_downgrade ? FEATURE_SAFE_DOWNGRADE : FEATURE_UPGRADE;
}

static void features_submit(const struct broker_services *services, struct request *request,
                            struct command_feature_level *levels) {
    const struct kp_update_features_request *asked = request->message;
    int32_t timeout_ms = asked->timeout_ms < TIMEOUT_LEAST_MS  ? TIMEOUT_LEAST_MS
                         : asked->timeout_ms > TIMEOUT_MOST_MS ? TIMEOUT_MOST_MS
                                                               : asked->timeout_ms;
    struct metadata_change change = {.validate_only = asked->validate_only};
    metadata_command_init(&change.command, COMMAND_SET_FEATURES);
    struct command_set_features *command = &change.command.set_features;
    command->levels.items = levels;
    command->levels.count = asked->feature_updates.count;
    for (int32_t i = 0; i < asked->feature_updates.count; i++)
        levels[i] = (struct command_feature_level){
            .name = asked->feature_updates.items[i].feature,
            .level = asked->feature_updates.items[i].max_version_level,
            .change = change_of(request, &asked->feature_updates.items[i])};
    struct updating_features *updating = mem_zalloc(sizeof *updating);
    updating->request = request;
    updating->submit.done = on_updated;
    metadata_group_submit(services->metadata_group, &updating->submit, &change,
                          (uint32_t)timeout_ms);
}

void api_update_features(void *service, struct request *request) {
    const struct kp_update_features_request *asked = request->message;
    if (!authorize(&request->ctx, AUTHORIZE_ALTER, AUTHORIZE_CLUSTER, NULL, 0)) {
        features_answer(request, KAFKA_CLUSTER_AUTHORIZATION_FAILED,
                        kp_string_of(kafka_error_message(KAFKA_CLUSTER_AUTHORIZATION_FAILED)));
        return;
    }
    if (asked->feature_updates.count > UPDATES_MOST) {
        features_answer(request, KAFKA_INVALID_REQUEST,
                        kp_string_of("A request changes 1000 features at the most."));
        return;
    }
    struct command_feature_level *levels = kp_arena_alloc(
        &request->arena, ((size_t)asked->feature_updates.count + 1) * sizeof *levels);
    if (levels == NULL)
        request_close_too_large(request);
    else
        features_submit(service, request, levels);
}
