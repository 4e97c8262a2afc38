/*
 * DescribeClientQuotas (key 48): the quotas of users, clients and addresses, out of this broker's
 * table. KIP-546.
 *
 * Happy path: all that fit each component of the filter, and have no other part if it is strict. A
 * filter that asks for what cannot be is refused as Kafka refuses it: INVALID_REQUEST,
 * UNSUPPORTED_VERSION for a type of entity that does not exist. A type may be named once, so no
 * more than three components are ever looked at.
 */
#include "protocol/messages/describe_client_quotas.h"

#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata.h"
#include "broker/quotas/quota_table.h"
#include "protocol/kafka_error.h"

enum { MATCH_EXACT, MATCH_DEFAULT, MATCH_ANY };

struct quota_refusal {
    int16_t error;
    struct kp_string why;
};

/* The bit of that type; 0: it is none. */
static unsigned bit_of(struct kp_string type) {
    int found = quota_type_of(type);
    return found < 0 ? 0 : 1u << found;
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
    unsigned kind = bit_of(type);
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

static struct quota_refusal filter_refusal(const struct kp_describe_client_quotas_request *asked,
                                           struct kp_arena *arena) {
    const unsigned ip = 1u << QUOTA_IP;
    struct quota_refusal refusal = {KAFKA_NONE, KP_NULL_STRING};
    unsigned seen = 0;
    for (int32_t i = 0; i < asked->components.count && refusal.error == KAFKA_NONE; i++) {
        refusal = refusal_of(&asked->components.items[i], seen, arena);
        seen |= bit_of(asked->components.items[i].entity_type);
    }
    if (refusal.error == KAFKA_NONE && (seen & ip) != 0 && seen != ip)
        refusal = (struct quota_refusal){
            KAFKA_INVALID_REQUEST,
            kp_string_of("quotas of addresses are asked for alone, without user and client-id")};
    return refusal;
}

/* ---- Answer ---- */

static bool fits(const struct kp_describe_client_quotas_request *asked,
                 const struct quota_entity *entity) {
    unsigned named = 0;
    for (int32_t i = 0; i < asked->components.count; i++) {
        const struct kp_describe_client_quotas_request_component *component =
            &asked->components.items[i];
        int type = quota_type_of(component->entity_type);
        struct kp_string name = entity->names[type];
        named |= 1u << type;
        if ((entity->types & 1u << type) == 0) return false;
        if (component->match_type == MATCH_DEFAULT && name.len >= 0) return false;
        if (component->match_type == MATCH_EXACT &&
            (name.len < 0 || !kp_string_equal(name, component->match)))
            return false;
    }
    return !asked->strict || entity->types == named;
}

/* Copied: the table may change before the answer is encoded. False: there is no memory. */
static bool give_row(const struct quota_row *row, struct kp_arena *arena,
                     struct kp_describe_client_quotas_response_entry *entry) {
    struct kp_describe_client_quotas_response_entity *parts = kp_new_items(
        arena, &kp_describe_client_quotas_response_entity_schema, &entry->entity, QUOTA_TYPES);
    struct kp_describe_client_quotas_response_value *values = kp_new_items(
        arena, &kp_describe_client_quotas_response_value_schema, &entry->values, QUOTA_KEYS);
    entry->entity.count = entry->values.count = 0;
    if (parts == NULL || values == NULL) return false;
    for (int type = 0; type < QUOTA_TYPES; type++) {
        struct kp_string name = row->entity.names[type];
        if ((row->entity.types & 1u << type) == 0) continue;
        parts[entry->entity.count++] = (struct kp_describe_client_quotas_response_entity){
            .entity_type = kp_string_of(quota_type_name(type)),
            .entity_name = name.len < 0 ? KP_NULL_STRING
                                        : kp_arena_string(arena, name.data, (size_t)name.len)};
    }
    for (int key = 1; key < QUOTA_KEYS; key++)
        if (row->values[key] > 0)
            values[entry->values.count++] = (struct kp_describe_client_quotas_response_value){
                .key = kp_string_of(quota_key_name(key)), .value = row->values[key]};
    return true;
}

static void give_quotas(struct request *request, const struct quota_table *table,
                        struct kp_describe_client_quotas_response *response) {
    const struct kp_describe_client_quotas_request *asked = request->message;
    struct kp_arena *arena = &request->arena;
    struct kp_describe_client_quotas_response_entry *entries = kp_new_items(
        arena, &kp_describe_client_quotas_response_entry_schema, &response->entries,
        (int32_t)table->count);
    bool fit = entries != NULL || table->count == 0;
    response->entries.count = 0;
    for (size_t i = 0; fit && i < table->count; i++)
        if (fits(asked, &table->rows[i]->entity))
            fit = give_row(table->rows[i], arena, &entries[response->entries.count++]);
    if (fit)
        request_respond_kept(request, response);
    else
        request_close_too_large(request);
}

void api_describe_client_quotas(void *service, struct request *request) {
    const struct broker_services *services = service;
    struct kp_describe_client_quotas_response *response = kp_arena_alloc(&request->arena,
                                                                         sizeof *response);
    if (response == NULL) {
        request_close_too_large(request);
        return;
    }
    struct quota_refusal refusal = filter_refusal(request->message, &request->arena);
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE_CONFIGS, AUTHORIZE_CLUSTER, NULL, 0))
        refusal = (struct quota_refusal){KAFKA_CLUSTER_AUTHORIZATION_FAILED, KP_NULL_STRING};
    kp_set_fallbacks(&kp_describe_client_quotas_response_schema, response);
    response->error_code = refusal.error;
    response->error_message = refusal.why;
    if (refusal.error == KAFKA_NONE) {
        give_quotas(request, metadata_quotas(services->metadata), response);
        return;
    }
    response->entries.count = -1;
    request_respond(request, response);
}
