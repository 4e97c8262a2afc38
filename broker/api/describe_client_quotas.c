/*
 * DescribeClientQuotas (key 48): the quotas of users, clients and addresses, of which there are
 * none. KIP-546.
 *
 * A filter that asks for what cannot be is refused as Kafka refuses it: INVALID_REQUEST,
 * UNSUPPORTED_VERSION for a kind of entity that does not exist. A kind may be named once, so no
 * more than three components are ever looked at.
 */
#include "protocol/messages/describe_client_quotas.h"

#include "broker/api/handlers.h"
#include "protocol/kafka_error.h"

enum { MATCH_EXACT, MATCH_DEFAULT, MATCH_ANY };
enum { QUOTA_USER = 1, QUOTA_CLIENT = 2, QUOTA_ADDRESS = 4 };

struct quota_refusal {
    int16_t error;
    struct kp_string why;
};

/* 0: none of them. */
static unsigned kind_of(struct kp_string type) {
    if (kp_string_is(type, "user")) return QUOTA_USER;
    if (kp_string_is(type, "client-id")) return QUOTA_CLIENT;
    return kp_string_is(type, "ip") ? QUOTA_ADDRESS : 0;
}

static struct kp_string match_refusal(
    const struct kp_describe_client_quotas_request_component *component, struct kp_arena *arena) {
    bool named = component->match.len >= 0;
    switch (component->match_type) {
    case MATCH_EXACT:
        return named ? KP_NULL_STRING
                     : kp_string_of("an exact match (type 0) needs the name to match");
    case MATCH_DEFAULT:
        return !named ? KP_NULL_STRING
                      : kp_string_of("a match of the default (type 1) takes no name");
    case MATCH_ANY:
        return !named ? KP_NULL_STRING : kp_string_of("a match of any (type 2) takes no name");
    default:
        return kp_arena_printf(
            arena, "there is no match type %d; there are 0 (exact), 1 (default) and 2 (any)",
            component->match_type);
    }
}

static struct quota_refusal refusal_of(
    const struct kp_describe_client_quotas_request_component *component, unsigned seen,
    struct kp_arena *arena) {
    struct kp_string type = component->entity_type;
    unsigned kind = kind_of(type);
    if (type.len == 0)
        return (struct quota_refusal){KAFKA_INVALID_REQUEST,
                                      kp_string_of("a component has no entity type")};
    if (kind == 0)
        return (struct quota_refusal){
            KAFKA_UNSUPPORTED_VERSION,
            kp_arena_printf(arena,
                            "there is no entity type '%.*s'; there are user, client-id and ip",
                            type.len, type.data)};
    if ((seen & kind) != 0)
        return (struct quota_refusal){KAFKA_INVALID_REQUEST,
                                      kp_arena_printf(arena,
                                                      "the entity type %.*s is in the filter twice",
                                                      type.len, type.data)};
    struct kp_string why = match_refusal(component, arena);
    return (struct quota_refusal){why.len < 0 ? KAFKA_NONE : KAFKA_INVALID_REQUEST, why};
}

void api_describe_client_quotas(void *service, struct request *request) {
    (void)service;
    const struct kp_describe_client_quotas_request *asked = request->message;
    struct kp_describe_client_quotas_response response;
    struct quota_refusal refusal = {KAFKA_NONE, KP_NULL_STRING};
    unsigned seen = 0;
    for (int32_t i = 0; i < asked->components.count && refusal.error == KAFKA_NONE; i++) {
        refusal = refusal_of(&asked->components.items[i], seen, &request->arena);
        seen |= kind_of(asked->components.items[i].entity_type);
    }
    if (refusal.error == KAFKA_NONE && (seen & QUOTA_ADDRESS) != 0 && seen != QUOTA_ADDRESS)
        refusal = (struct quota_refusal){
            KAFKA_INVALID_REQUEST,
            kp_string_of("quotas of addresses are asked for alone, without user and client-id")};
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE_CONFIGS, AUTHORIZE_CLUSTER, NULL, 0))
        refusal = (struct quota_refusal){KAFKA_CLUSTER_AUTHORIZATION_FAILED, KP_NULL_STRING};
    kp_set_fallbacks(&kp_describe_client_quotas_response_schema, &response);
    response.error_code = refusal.error;
    response.error_message = refusal.why;
    if (refusal.error != KAFKA_NONE) response.entries.count = -1;
    request_respond(request, &response);
}
