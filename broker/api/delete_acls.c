/*
 * DeleteAcls (key 31): rules of who may do what are removed by filters, at any broker. KIP-140,
 * KIP-290.
 *
 *   barrier -> what fits is looked for, some rules a step -> one command -> answer
 *
 * Happy path: this broker's table is brought up to the leader's first, so that no rule that was
 * acknowledged anywhere is missed; what fits goes by one command, all or none, and the answer
 * leaves when the table here has it gone. A rule is listed under each filter that it fits.
 * Failures: those of acl_changes.h; INVALID_REQUEST for a filter that makes no sense; of the
 * metadata leader, for each filter.
 */
#include "protocol/messages/delete_acls.h"

#include "base/container_of.h"
#include "broker/api/acl_changes.h"
#include "broker/api/acl_walk.h"
#include "broker/api/handlers.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

struct deleting_acls {
    const struct broker_services *services;
    struct request *request;
    struct kp_delete_acls_response response;
    size_t found; /* rules, of all filters so far */
    bool looks;   /* the walk is under way, for the last of the results */
    struct acl_walk walk;
    struct command_acl *removed;
    struct metadata_submit submit;
    struct acl_telling telling;
    int32_t told_filters, told; /* and rules of the next one */
};

static struct acl_rule filter_of(const struct kp_delete_acls_request_filter *asked,
                                 struct kp_arena *arena) {
    return (struct acl_rule){.resource = asked->resource_type_filter,
                             .pattern = asked->pattern_type_filter,
                             .operation = asked->operation,
                             .permission = asked->permission_type,
                             .name = asked->resource_name_filter,
                             .principal = asked->principal_filter,
                             .host = acl_host_of(asked->host_filter, arena)};
}

static struct acl_rule rule_of(const struct kp_delete_acls_response_acl *acl) {
    return (struct acl_rule){.resource = acl->resource_type,
                             .pattern = acl->pattern_type,
                             .operation = acl->operation,
                             .permission = acl->permission_type,
                             .name = acl->resource_name,
                             .principal = acl->principal,
                             .host = acl->host};
}

/* All that have no error yet; what they list did not go. */
static void tell_all(struct deleting_acls *deleting, int16_t error, struct kp_string message) {
    for (int32_t i = 0; i < deleting->response.filter_results.count; i++) {
        struct kp_delete_acls_response_result *result = &deleting->response.filter_results.items[i];
        if (result->error_code != KAFKA_NONE) continue;
        result->error_code = error;
        result->error_message = message;
        result->matching_acls.count = 0;
    }
}

/* ---- The command ---- */

static bool next_removed(struct acl_telling *telling, struct acl_rule *rule) {
    struct deleting_acls *deleting = CONTAINER_OF(telling, struct deleting_acls, telling);
    while (deleting->told_filters < deleting->response.filter_results.count) {
        const struct kp_delete_acls_response_result *one =
            &deleting->response.filter_results.items[deleting->told_filters];
        if (deleting->told < one->matching_acls.count) {
            *rule = rule_of(&one->matching_acls.items[deleting->told++]);
            return true;
        }
        deleting->told_filters++;
        deleting->told = 0;
    }
    return false;
}

static void all_told(struct acl_telling *telling) {
    struct deleting_acls *deleting = CONTAINER_OF(telling, struct deleting_acls, telling);
    request_respond_kept(telling->request, &deleting->response);
}

static void on_deleted(struct metadata_submit *submit, const struct metadata_result *result) {
    struct deleting_acls *deleting = CONTAINER_OF(submit, struct deleting_acls, submit);
    struct request *request = deleting->request;
    if (result->error != KAFKA_NONE)
        tell_all(deleting, result->error, kp_arena_printf(&request->arena, "%s", result->message));
    deleting->telling = (struct acl_telling){
        .services = deleting->services, .request = request, .next = next_removed, .done = all_told};
    acl_tell_changes(&deleting->telling);
}

static void submit_removal(struct deleting_acls *deleting) {
    struct request *request = deleting->request;
    struct metadata_change change = {.validate_only = false};
    metadata_command_init(&change.command, COMMAND_SET_ACLS);
    struct command_set_acls *command = &change.command.set_acls;
    command->removed.items = kp_arena_alloc(&request->arena,
                                            (deleting->found + 1) * sizeof *command->removed.items);
    if (command->removed.items == NULL) {
        request_close_too_large(request);
        return;
    }
    for (int32_t i = 0; i < deleting->response.filter_results.count; i++) {
        const struct kp_delete_acls_response_result *one =
            &deleting->response.filter_results.items[i];
        for (int32_t j = 0; j < one->matching_acls.count; j++) {
            struct acl_rule rule = rule_of(&one->matching_acls.items[j]);
            command->removed.items[command->removed.count++] = acl_command_of(&rule);
        }
    }
    deleting->submit.done = on_deleted;
    metadata_group_submit(deleting->services->metadata_group, &deleting->submit, &change,
                          ACL_TIMEOUT_MS);
}

/* ---- What fits ---- */

static void list_rule(const struct acl_rule *rule, struct kp_delete_acls_response_acl *into) {
    kp_set_fallbacks(&kp_delete_acls_response_acl_schema, into);
    into->error_message = KP_NULL_STRING;
    into->resource_type = rule->resource;
    into->pattern_type = rule->pattern;
    into->operation = rule->operation;
    into->permission_type = rule->permission;
    into->resource_name = rule->name;
    into->principal = rule->principal;
    into->host = rule->host;
}

/* False: it does not fit. */
static bool list_found(struct deleting_acls *deleting,
                       struct kp_delete_acls_response_result *result) {
    const struct acl_walk *walk = &deleting->walk;
    result->matching_acls.items = kp_arena_alloc(
        &deleting->request->arena, (walk->count + 1) * sizeof *result->matching_acls.items);
    if (result->matching_acls.items == NULL) return false;
    for (size_t i = 0; i < walk->count; i++)
        list_rule(&walk->found[i], &result->matching_acls.items[result->matching_acls.count++]);
    deleting->found += walk->count;
    return true;
}

/* Some rules for the filter that was begun last. False: the request has ended. */
static bool look_on(struct deleting_acls *deleting) {
    struct kp_delete_acls_response_result *results = deleting->response.filter_results.items;
    enum acl_walk_state state = acl_walk_next(&deleting->walk);
    if (state == ACL_WALK_MORE) return true;
    deleting->looks = false;
    if (state == ACL_WALK_OVER &&
        list_found(deleting, &results[deleting->response.filter_results.count - 1]))
        return true;
    request_close_too_large(deleting->request);
    return false;
}

static void begin_filter(struct deleting_acls *deleting,
                         const struct kp_delete_acls_request_filter *asked,
                         struct kp_delete_acls_response_result *result) {
    struct kp_arena *arena = &deleting->request->arena;
    struct acl_rule filter = filter_of(asked, arena);
    const char *fault = acl_filter_fault(&filter);
    kp_set_fallbacks(&kp_delete_acls_response_result_schema, result);
    result->error_message = KP_NULL_STRING;
    result->matching_acls.count = 0;
    if (fault != NULL) {
        result->error_code = KAFKA_INVALID_REQUEST;
        result->error_message = kp_string_of(fault);
        return;
    }
    deleting->looks = true;
    acl_walk_begin(&deleting->walk, deleting->services->metadata, &filter, arena);
}

static bool look_next(struct request *request) {
    const struct kp_delete_acls_request *asked = request->message;
    struct deleting_acls *deleting = request->state;
    if (deleting->looks) return look_on(deleting);
    int32_t at = deleting->response.filter_results.count;
    if (at >= asked->filters.count) {
        if (deleting->found > 0)
            submit_removal(deleting);
        else
            request_respond_kept(request, &deleting->response);
        return false;
    }
    deleting->response.filter_results.count++;
    begin_filter(deleting, &asked->filters.items[at], &deleting->response.filter_results.items[at]);
    return true;
}

/* ---- All of it ---- */

/* Every filter hears that. */
static void refuse_all(struct deleting_acls *deleting, int16_t error, struct kp_string message) {
    const struct kp_delete_acls_request *asked = deleting->request->message;
    deleting->response.filter_results.count = 0;
    for (int32_t i = 0; i < asked->filters.count; i++) {
        kp_set_fallbacks(&kp_delete_acls_response_result_schema,
                         &deleting->response.filter_results.items[i]);
        deleting->response.filter_results.items[i].matching_acls.count = 0;
        deleting->response.filter_results.count++;
    }
    tell_all(deleting, error, message);
    request_respond_kept(deleting->request, &deleting->response);
}

static void on_current(struct metadata_submit *submit, const struct metadata_result *result) {
    struct deleting_acls *deleting = CONTAINER_OF(submit, struct deleting_acls, submit);
    if (deleting->request->dead)
        request_respond_nothing(deleting->request);
    else if (result->error != KAFKA_NONE)
        refuse_all(deleting, result->error,
                   kp_arena_printf(&deleting->request->arena, "%s", result->message));
    else
        request_steps(deleting->request, look_next);
}

void api_delete_acls(void *service, struct request *request) {
    const struct kp_delete_acls_request *asked = request->message;
    struct kp_arena *arena = &request->arena;
    struct deleting_acls *deleting = kp_arena_alloc(arena, sizeof *deleting);
    if (asked->filters.count > ACL_CHANGES_MOST) {
        request_close_because(request, "it has more than %d filters of rules at once",
                              ACL_CHANGES_MOST);
        return;
    }
    size_t count = asked->filters.count < 0 ? 0 : (size_t)asked->filters.count;
    struct kp_delete_acls_response_result *results = kp_arena_alloc(arena,
                                                                    (count + 1) * sizeof *results);
    if (deleting == NULL || results == NULL) {
        request_close_too_large(request);
        return;
    }
    *deleting = (struct deleting_acls){.services = service, .request = request};
    kp_set_fallbacks(&kp_delete_acls_response_schema, &deleting->response);
    deleting->response.filter_results.items = results;
    deleting->response.filter_results.count = 0;
    request->state = deleting;
    int16_t error = acl_request_error(request, AUTHORIZE_ALTER);
    if (error != KAFKA_NONE) {
        refuse_all(deleting, error, acl_error_message(error));
        return;
    }
    struct metadata_change barrier = {.validate_only = true};
    metadata_command_init(&barrier.command, COMMAND_SET_ACLS);
    deleting->submit.done = on_current;
    metadata_group_submit(deleting->services->metadata_group, &deleting->submit, &barrier,
                          ACL_TIMEOUT_MS);
}
