/*
 * ApiVersions: what this broker speaks, computed from the API table. KIP-35, KIP-511, KIP-1242.
 *
 * A request of a version that nobody here can read gets error 35 with the table, in version 0, so
 * that the client can choose again. The names of client software are checked as Kafka does
 * (KIP-511: they end up in metrics and logs). A client that says which broker of which cluster it
 * means, and has come to another one, is sent back to its bootstrap servers (KIP-1242). From
 * version 3 on they learn which features of the cluster this program knows, and at which levels the
 * cluster is (KIP-584); version 3 has no word for a feature of which level 0 is known (KIP-1022).
 */
#include "protocol/messages/api_versions.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/cluster/cluster_record.h"
#include "broker/metadata/metadata_features.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/api_table.h"

static bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* [a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])? */
static bool is_software_text(struct kp_string text) {
    if (text.len < 1 || !is_alphanumeric(text.data[0]) || !is_alphanumeric(text.data[text.len - 1]))
        return false;
    for (int32_t i = 0; i < text.len; i++) {
        if (!is_alphanumeric(text.data[i]) && text.data[i] != '-' && text.data[i] != '.')
            return false;
    }
    return true;
}

/* Both or none, as in Kafka. */
static int16_t destination_check(const struct broker_services *services,
                                 const struct kp_api_versions_request *in) {
    bool cluster = in->cluster_id.len >= 0;
    if (cluster != (in->node_id != -1)) return KAFKA_INVALID_REQUEST;
    if (!cluster) return KAFKA_NONE;
    return kp_string_is(in->cluster_id, services->cluster->id) &&
                   in->node_id == services->settings->node_id
               ? KAFKA_NONE
               : KAFKA_REBOOTSTRAP_REQUIRED;
}

static int16_t versions_check(const struct broker_services *services,
                              const struct request *request) {
    const struct kp_api_versions_request *in = request->message;
    if (in == NULL) return KAFKA_UNSUPPORTED_VERSION;
    if (request->api_version < 3) return KAFKA_NONE;
    bool sound = is_software_text(in->client_software_name) &&
                 is_software_text(in->client_software_version);
    if (!sound) return KAFKA_INVALID_REQUEST;
    return request->api_version < 5 ? KAFKA_NONE : destination_check(services, in);
}

enum { LEVEL_0_FROM = 4 };

/* False: there is too much of it. A feature that is not in use is not told. */
static bool features_fill(struct kp_api_versions_response *out,
                          const struct broker_services *services, struct request *request) {
    size_t known_count, count = metadata_feature_count(services->metadata);
    const struct metadata_feature *known = metadata_features_known(&known_count);
    bool has_room = kp_new_items(&request->arena,
                                 &kp_api_versions_response_supported_feature_schema,
                                 &out->supported_features, (int32_t)known_count) != NULL &&
                    kp_new_items(&request->arena,
                                 &kp_api_versions_response_finalized_feature_schema,
                                 &out->finalized_features, (int32_t)count + 1) != NULL;
    if (!has_room) return false;
    out->supported_features.count = 0;
    for (size_t i = 0; i < known_count; i++) {
        if (request->api_version < LEVEL_0_FROM && known[i].min == 0) continue;
        out->supported_features.items[out->supported_features.count++] =
            (struct kp_api_versions_response_supported_feature){.name = kp_string_of(known[i].name),
                                                                .min_version = known[i].min,
                                                                .max_version = known[i].max};
    }
    out->finalized_features.count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct metadata_feature *feature = metadata_feature_at(services->metadata, i);
        if (feature->max == 0) continue;
        out->finalized_features.items[out->finalized_features.count++] =
            (struct kp_api_versions_response_finalized_feature){.name = kp_string_of(feature->name),
                                                                .max_version_level = feature->max,
                                                                .min_version_level = feature->min};
    }
    out->finalized_features_epoch = metadata_features_epoch(services->metadata);
    return true;
}

void api_api_versions(void *service, struct request *request) {
    struct kp_api_versions_response out;
    int16_t code = versions_check(service, request);
    kp_set_fallbacks(&kp_api_versions_response_schema, &out);
    bool told = code == KAFKA_NONE || code == KAFKA_UNSUPPORTED_VERSION;
    if (told &&
        (!kp_api_versions_fill(&out, &request->arena) || !features_fill(&out, service, request))) {
        request_close_too_large(request);
        return;
    }
    out.error_code = code;
    if (code == KAFKA_NONE && request->api_version >= 3) {
        const struct kp_api_versions_request *in = request->message;
        request_name_client(request, in->client_software_name, in->client_software_version);
    }
    request_respond(request, &out);
}
