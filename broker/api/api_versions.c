/*
 * ApiVersions: what this broker speaks, computed from the API table. KIP-35, KIP-511, KIP-1242.
 *
 * A request of a version that nobody here can read gets error 35 with the table, in version 0, so
 * that the client can choose again. The names of client software are checked as Kafka does
 * (KIP-511: they end up in metrics and logs). A client that says which broker of which cluster it
 * means, and has come to another one, is sent back to its bootstrap servers (KIP-1242).
 */
#include "protocol/messages/api_versions.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/cluster/cluster_record.h"
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

void api_api_versions(void *service, struct request *request) {
    struct kp_api_versions_response out;
    int16_t code = versions_check(service, request);
    kp_set_fallbacks(&kp_api_versions_response_schema, &out);
    bool told = code == KAFKA_NONE || code == KAFKA_UNSUPPORTED_VERSION;
    if (told && !kp_api_versions_fill(&out, &request->arena)) {
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
