/*
 * AlterClientQuotas (key 49): quotas are set and taken away, at any broker. KIP-546.
 *
 * Happy path: what is sound is one command of the metadata, and the answer leaves when this
 * broker's table has it; validate_only changes nothing. Failures are per entity, and of an entity
 * all is done or nothing: INVALID_REQUEST with a sentence (no such entity, key or value; who is
 * named twice, each time), CLUSTER_AUTHORIZATION_FAILED, what the metadata leader says. To take
 * away what is not there is success, as in Kafka. More than CHANGES_MOST at once close the
 * connection, and names for which so many entities have no place: all go back in the answer.
 */
#include "protocol/messages/alter_client_quotas.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/container_of.h"
#include "broker/api/handlers.h"
#include "broker/api/services.h"
#include "broker/metadata/metadata_group.h"
#include "broker/quotas/quota.h"
#include "protocol/kafka_error.h"

enum { CHANGES_MOST = 1000, OPS_MOST = 16, TIMEOUT_MS = 8000, SHOWN = 128 };

struct asked_entity {
    struct quota_entity entity;
    const char *fault; /* NULL: it is sound */
};

struct altering_quotas {
    const struct broker_services *services;
    struct request *request;
    struct kp_alter_client_quotas_response response;
    struct asked_entity *entities; /* of each entry */
    struct asked_entity **sorted;  /* the same, by whom they are */
    struct command_quota *quotas;
    struct metadata_submit submit;
};

/* ---- Checks: NULL, or what is wrong ---- */

static const struct quota_entity nobody = {
    .names = {KP_NULL_STRING, KP_NULL_STRING, KP_NULL_STRING}};

static const char *read_entity(const struct kp_alter_client_quotas_request_entry *asked,
                               struct quota_entity *entity) {
    *entity = nobody;
    for (int32_t i = 0; i < asked->entity.count; i++) {
        int type = quota_type_of(asked->entity.items[i].entity_type);
        if (type < 0) return "there is no such type of entity; there are user, client-id and ip";
        if ((entity->types & 1u << type) != 0) return "the entity has a type twice";
        entity->types |= 1u << type;
        entity->names[type] = asked->entity.items[i].entity_name;
    }
    return quota_entity_fault(entity);
}

static const char *op_fault(const struct quota_entity *entity,
                            const struct kp_alter_client_quotas_request_op *op) {
    if (op->remove) return NULL; /* it is not there, whatever it is */
    return quota_value_fault(entity, quota_key_of(op->key), op->value);
}

static const char *ops_fault(const struct quota_entity *entity,
                             const struct kp_alter_client_quotas_request_entry *asked) {
    if (asked->ops.count > OPS_MOST) return "the entity is given more quotas than there are";
    for (int32_t i = 0; i < asked->ops.count; i++) {
        const char *fault = op_fault(entity, &asked->ops.items[i]);
        if (fault != NULL) return fault;
        for (int32_t other = 0; other < i; other++)
            if (kp_string_equal(asked->ops.items[i].key, asked->ops.items[other].key))
                return "a quota of the entity is there twice";
    }
    return NULL;
}

static int by_entity(const void *one, const void *other) {
    return quota_entity_compare(&(*(struct asked_entity *const *)one)->entity,
                                &(*(struct asked_entity *const *)other)->entity);
}

/* Whose quotas are to be changed, and who is named more than once: it is not known what of it is
 * meant, so nothing is done. */
static void read_entities(struct altering_quotas *altering) {
    const struct kp_alter_client_quotas_request *asked = altering->request->message;
    size_t count = (size_t)asked->entries.count;
    struct asked_entity **sorted = altering->sorted;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &altering->entities[i];
        sorted[i]->fault = read_entity(&asked->entries.items[i], &sorted[i]->entity);
        if (sorted[i]->fault != NULL) sorted[i]->entity = nobody;
    }
    qsort(sorted, count, sizeof(struct asked_entity *), by_entity);
    for (size_t i = 1; i < count; i++)
        if (sorted[i]->entity.types != 0 && by_entity(&sorted[i - 1], &sorted[i]) == 0)
            sorted[i - 1]->fault = sorted[i]->fault = "the entity is in the request twice";
}

/* ---- Answer ---- */

/* All that have no error yet. */
static void tell_all(struct altering_quotas *altering, int16_t error, struct kp_string message) {
    for (int32_t i = 0; i < altering->response.entries.count; i++) {
        struct kp_alter_client_quotas_response_entry *entry = &altering->response.entries.items[i];
        if (entry->error_code != KAFKA_NONE) continue;
        entry->error_code = error;
        entry->error_message = message;
    }
}

static const char *shown_name(struct kp_string name, int *len) {
    *len = name.len < 0 ? 9 : name.len < SHOWN ? (int)name.len : SHOWN;
    return name.len < 0 ? "(default)" : name.data;
}

static void log_change(const struct altering_quotas *altering, const struct quota_entity *entity,
                       const struct kp_alter_client_quotas_request_op *op) {
    const struct request_ctx *ctx = &altering->request->ctx;
    char whom[3 * (SHOWN + 16)];
    size_t at = 0;
    whom[0] = '\0';
    for (int type = 0; type < QUOTA_TYPES; type++) {
        int len;
        const char *name = shown_name(entity->names[type], &len);
        if ((entity->types & 1u << type) == 0) continue;
        at += (size_t)snprintf(whom + at, sizeof whom - at, " %s '%.*s'", quota_type_name(type),
                               len, name);
    }
    if (op->remove)
        log_event(altering->services->log, LOGGED_QUOTAS_CHANGED,
                  "%s at %s (listener %s) has taken away %s of%s", ctx->principal, ctx->peer,
                  ctx->listener, quota_key_name(quota_key_of(op->key)), whom);
    else
        log_event(altering->services->log, LOGGED_QUOTAS_CHANGED,
                  "%s at %s (listener %s) has set %s of%s to %.10g", ctx->principal, ctx->peer,
                  ctx->listener, quota_key_name(quota_key_of(op->key)), whom, op->value);
}

static void log_changes(const struct altering_quotas *altering) {
    const struct kp_alter_client_quotas_request *asked = altering->request->message;
    for (int32_t i = 0; i < asked->entries.count; i++) {
        if (altering->response.entries.items[i].error_code != KAFKA_NONE) continue;
        for (int32_t op = 0; op < asked->entries.items[i].ops.count; op++)
            if (quota_key_of(asked->entries.items[i].ops.items[op].key) != 0)
                log_change(altering, &altering->entities[i].entity,
                           &asked->entries.items[i].ops.items[op]);
    }
}

static void on_altered(struct metadata_submit *submit, const struct metadata_result *result) {
    struct altering_quotas *altering = CONTAINER_OF(submit, struct altering_quotas, submit);
    struct request *request = altering->request;
    const struct kp_alter_client_quotas_request *asked = request->message;
    if (result->error != KAFKA_NONE)
        tell_all(altering, result->error, kp_arena_printf(&request->arena, "%s", result->message));
    else if (!asked->validate_only)
        log_changes(altering);
    request_respond(request, &altering->response);
}

/* ---- Request ---- */

static struct command_quota command_of(const struct quota_entity *entity, enum quota_key key,
                                       double value) {
    return (struct command_quota){.types = (int8_t)entity->types,
                                  .user = entity->names[QUOTA_USER],
                                  .client = entity->names[QUOTA_CLIENT],
                                  .ip = entity->names[QUOTA_IP],
                                  .key = (int8_t)key,
                                  .value = value};
}

static void take(struct altering_quotas *altering, int32_t place,
                 struct command_set_quotas *command) {
    const struct kp_alter_client_quotas_request *all = altering->request->message;
    const struct kp_alter_client_quotas_request_entry *asked = &all->entries.items[place];
    struct kp_alter_client_quotas_response_entry *entry = &altering->response.entries.items[place];
    const struct asked_entity *whom = &altering->entities[place];
    const char *fault = whom->fault != NULL ? whom->fault : ops_fault(&whom->entity, asked);
    if (fault != NULL) {
        entry->error_code = KAFKA_INVALID_REQUEST;
        entry->error_message = kp_string_of(fault);
        return;
    }
    for (int32_t i = 0; i < asked->ops.count; i++) {
        const struct kp_alter_client_quotas_request_op *op = &asked->ops.items[i];
        enum quota_key key = quota_key_of(op->key);
        if (key != 0)
            command->quotas.items[command->quotas.count++] = command_of(&whom->entity, key,
                                                                        op->remove ? 0 : op->value);
    }
}

static void alter(struct altering_quotas *altering) {
    struct request *request = altering->request;
    const struct kp_alter_client_quotas_request *asked = request->message;
    struct metadata_change change = {.validate_only = asked->validate_only};
    metadata_command_init(&change.command, COMMAND_SET_QUOTAS);
    struct command_set_quotas *command = &change.command.set_quotas;
    command->quotas.items = altering->quotas;
    if (!authorize(&request->ctx, AUTHORIZE_ALTER_CONFIGS, AUTHORIZE_CLUSTER, NULL, 0)) {
        tell_all(altering, KAFKA_CLUSTER_AUTHORIZATION_FAILED,
                 kp_string_of(kafka_error_message(KAFKA_CLUSTER_AUTHORIZATION_FAILED)));
        request_respond(request, &altering->response);
        return;
    }
    read_entities(altering);
    for (int32_t i = 0; i < asked->entries.count; i++)
        take(altering, i, command);
    altering->submit.done = on_altered;
    if (command->quotas.count == 0)
        request_respond(request, &altering->response);
    else
        metadata_group_submit(altering->services->metadata_group, &altering->submit, &change,
                              TIMEOUT_MS);
}

/* The entities go back as they came. */
static bool prepare_answer(struct altering_quotas *altering) {
    const struct kp_alter_client_quotas_request *asked = altering->request->message;
    struct kp_arena *arena = &altering->request->arena;
    struct kp_alter_client_quotas_response_entry *entries = kp_new_items(
        arena, &kp_alter_client_quotas_response_entry_schema, &altering->response.entries,
        asked->entries.count);
    if (entries == NULL) return asked->entries.count == 0;
    for (int32_t i = 0; i < asked->entries.count; i++) {
        int32_t count = asked->entries.items[i].entity.count;
        struct kp_alter_client_quotas_response_entity *parts = kp_new_items(
            arena, &kp_alter_client_quotas_response_entity_schema, &entries[i].entity, count);
        if (parts == NULL && count > 0) return false;
        for (int32_t p = 0; p < count; p++) {
            parts[p].entity_type = asked->entries.items[i].entity.items[p].entity_type;
            parts[p].entity_name = asked->entries.items[i].entity.items[p].entity_name;
        }
        entries[i].error_message = KP_NULL_STRING;
    }
    return true;
}

void api_alter_client_quotas(void *service, struct request *request) {
    const struct kp_alter_client_quotas_request *asked = request->message;
    struct kp_arena *arena = &request->arena;
    size_t entries = asked->entries.count < 0 ? 0 : (size_t)asked->entries.count, changes = 0,
           names = 0;
    for (size_t i = 0; i < entries; i++) {
        changes += (size_t)asked->entries.items[i].ops.count;
        names += (size_t)asked->entries.items[i].entity.count;
    }
    if (entries > CHANGES_MOST || changes > CHANGES_MOST || names > QUOTA_TYPES * CHANGES_MOST) {
        request_close_because(
            request,
            "it changes more than %d quotas at once, or names more than %d users, "
            "clients and ips; do it in parts",
            CHANGES_MOST, QUOTA_TYPES * CHANGES_MOST);
        return;
    }
    struct altering_quotas *altering = kp_arena_alloc(arena, sizeof *altering);
    if (altering == NULL) {
        request_close_too_large(request);
        return;
    }
    *altering = (struct altering_quotas){
        .services = service,
        .request = request,
        .entities = kp_arena_alloc(arena, (entries + 1) * sizeof *altering->entities),
        .sorted = kp_arena_alloc(arena, (entries + 1) * sizeof(struct asked_entity *)),
        .quotas = kp_arena_alloc(arena, (changes + 1) * sizeof *altering->quotas)};
    kp_set_fallbacks(&kp_alter_client_quotas_response_schema, &altering->response);
    if (altering->entities == NULL || altering->sorted == NULL || altering->quotas == NULL ||
        !prepare_answer(altering))
        request_close_too_large(request);
    else
        alter(altering);
}
