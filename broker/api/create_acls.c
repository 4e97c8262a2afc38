/*
 * CreateAcls (key 30): rules of who may do what are added, at any broker. KIP-140, KIP-290.
 *
 * Happy path: those that are sound are one command of the metadata, all or none, and the answer
 * leaves when this broker's table has them; one that is there already is success. Failures: those
 * of acl_changes.h for all; INVALID_REQUEST with a sentence for a rule that is not sound, beside
 * which the others are added.
 */
#include "protocol/messages/create_acls.h"

#include "base/container_of.h"
#include "broker/access/acl_table.h"
#include "broker/api/acl_changes.h"
#include "broker/api/handlers.h"
#include "protocol/kafka_error.h"

struct creating_acls {
    const struct broker_services *services;
    struct request *request;
    struct kp_create_acls_response response;
    struct command_acl *added; /* of the results without an error */
    struct metadata_submit submit;
    struct acl_telling telling;
    int32_t told; /* results */
};

static struct acl_rule rule_of(const struct kp_create_acls_request_creation *asked,
                               struct kp_arena *arena) {
    return (struct acl_rule){.resource = asked->resource_type,
                             .pattern = asked->resource_pattern_type,
                             .operation = asked->operation,
                             .permission = asked->permission_type,
                             .name = asked->resource_name,
                             .principal = asked->principal,
                             .host = acl_host_of(asked->host, arena)};
}

/* All that have no error yet. */
static void tell_all(struct creating_acls *creating, int16_t error, struct kp_string message) {
    for (int32_t i = 0; i < creating->response.results.count; i++) {
        struct kp_create_acls_response_result *result = &creating->response.results.items[i];
        if (result->error_code != KAFKA_NONE) continue;
        result->error_code = error;
        result->error_message = message;
    }
}

static bool next_added(struct acl_telling *telling, struct acl_rule *rule) {
    struct creating_acls *creating = CONTAINER_OF(telling, struct creating_acls, telling);
    const struct kp_create_acls_request *asked = telling->request->message;
    while (creating->told < asked->creations.count) {
        int32_t at = creating->told++;
        if (creating->response.results.items[at].error_code != KAFKA_NONE) continue;
        *rule = rule_of(&asked->creations.items[at], &telling->request->arena);
        return true;
    }
    return false;
}

static void all_told(struct acl_telling *telling) {
    struct creating_acls *creating = CONTAINER_OF(telling, struct creating_acls, telling);
    request_respond(telling->request, &creating->response);
}

static void on_created(struct metadata_submit *submit, const struct metadata_result *result) {
    struct creating_acls *creating = CONTAINER_OF(submit, struct creating_acls, submit);
    struct request *request = creating->request;
    if (result->error != KAFKA_NONE)
        tell_all(creating, result->error, kp_arena_printf(&request->arena, "%s", result->message));
    creating->telling = (struct acl_telling){.services = creating->services,
                                             .request = request,
                                             .added = true,
                                             .next = next_added,
                                             .done = all_told};
    acl_tell_changes(&creating->telling);
}

static void take(struct command_set_acls *command, struct kp_arena *arena,
                 const struct kp_create_acls_request_creation *asked,
                 struct kp_create_acls_response_result *result) {
    struct acl_rule rule = rule_of(asked, arena);
    const char *fault = acl_rule_fault(&rule);
    *result = (struct kp_create_acls_response_result){.error_message = KP_NULL_STRING};
    if (fault != NULL) {
        result->error_code = KAFKA_INVALID_REQUEST;
        result->error_message = kp_string_of(fault);
    } else {
        command->added.items[command->added.count++] = acl_command_of(&rule);
    }
}

static void create(struct creating_acls *creating) {
    struct request *request = creating->request;
    const struct kp_create_acls_request *asked = request->message;
    struct metadata_change change = {.validate_only = false};
    metadata_command_init(&change.command, COMMAND_SET_ACLS);
    struct command_set_acls *command = &change.command.set_acls;
    command->added.items = creating->added;
    for (int32_t i = 0; i < asked->creations.count; i++)
        take(command, &request->arena, &asked->creations.items[i],
             &creating->response.results.items[i]);
    int16_t error = acl_request_error(request, AUTHORIZE_ALTER);
    if (error != KAFKA_NONE) { /* and is told nothing else */
        for (int32_t i = 0; i < asked->creations.count; i++)
            creating->response.results.items[i].error_code = KAFKA_NONE;
        tell_all(creating, error, acl_error_message(error));
    }
    creating->submit.done = on_created;
    if (error != KAFKA_NONE || command->added.count == 0)
        request_respond(request, &creating->response);
    else
        metadata_group_submit(creating->services->metadata_group, &creating->submit, &change,
                              ACL_TIMEOUT_MS);
}

void api_create_acls(void *service, struct request *request) {
    const struct kp_create_acls_request *asked = request->message;
    struct kp_arena *arena = &request->arena;
    struct creating_acls *creating = kp_arena_alloc(arena, sizeof *creating);
    if (asked->creations.count > ACL_CHANGES_MOST) {
        request_close_because(request, "it adds more than %d rules at once; add them in parts",
                              ACL_CHANGES_MOST);
        return;
    }
    size_t count = asked->creations.count < 0 ? 0 : (size_t)asked->creations.count;
    struct command_acl *added = kp_arena_alloc(arena, (count + 1) * sizeof *added);
    if (creating == NULL || added == NULL) {
        request_close_too_large(request);
        return;
    }
    *creating = (struct creating_acls){.services = service, .request = request, .added = added};
    kp_set_fallbacks(&kp_create_acls_response_schema, &creating->response);
    if (kp_new_items(arena, &kp_create_acls_response_result_schema, &creating->response.results,
                     (int32_t)count) == NULL &&
        count > 0)
        request_close_too_large(request);
    else
        create(creating);
}
