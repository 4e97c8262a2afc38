/*
 * DescribeAcls (key 29): who may do what, by a filter. KIP-140, KIP-290.
 *
 * Happy path: the rules that fit, those of a pattern together, as this broker's table has them.
 * Failures: SECURITY_DISABLED while the authorizer is off, by which interfaces for people know that
 * they need not show the page; CLUSTER_AUTHORIZATION_FAILED; INVALID_REQUEST for a filter that
 * makes no sense. In steps: there may be 10,000 rules.
 */
#include "protocol/messages/describe_acls.h"

#include "broker/api/acl_changes.h"
#include "broker/api/acl_walk.h"
#include "broker/api/handlers.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

struct describing_acls {
    struct request *request;
    struct acl_walk walk;
    struct kp_describe_acls_response response;
};

static bool is_same_pattern(const struct kp_describe_acls_response_resource *resource,
                            const struct acl_rule *rule) {
    return resource->resource_type == rule->resource && resource->pattern_type == rule->pattern &&
           kp_string_equal(resource->resource_name, rule->name);
}

static void list_rule(struct kp_describe_acls_response *response,
                      struct kp_describe_acls_response_acl *acl, const struct acl_rule *rule) {
    int32_t last = response->resources.count - 1;
    struct kp_describe_acls_response_resource *resource = &response->resources.items[last];
    if (last < 0 || !is_same_pattern(resource, rule)) {
        resource = &response->resources.items[response->resources.count++];
        resource->resource_type = rule->resource;
        resource->pattern_type = rule->pattern;
        resource->resource_name = rule->name;
        resource->acls.items = acl; /* those of a pattern follow each other */
        resource->acls.count = 0;
    }
    resource->acls.count++;
    *acl = (struct kp_describe_acls_response_acl){.principal = rule->principal,
                                                  .host = rule->host,
                                                  .operation = rule->operation,
                                                  .permission_type = rule->permission};
}

/* False: it does not fit. */
static bool list_found(struct describing_acls *describing) {
    struct kp_arena *arena = &describing->request->arena;
    struct kp_describe_acls_response *response = &describing->response;
    size_t count = describing->walk.count;
    struct kp_describe_acls_response_acl *acls = kp_arena_alloc(arena, (count + 1) * sizeof *acls);
    response->resources.items = kp_arena_alloc(arena,
                                               (count + 1) * sizeof *response->resources.items);
    if (acls == NULL || response->resources.items == NULL) return false;
    for (size_t i = 0; i < count; i++)
        list_rule(response, &acls[i], &describing->walk.found[i]);
    return true;
}

static bool look_next(struct request *request) {
    struct describing_acls *describing = request->state;
    enum acl_walk_state state = acl_walk_next(&describing->walk);
    if (state == ACL_WALK_MORE) return true;
    if (state == ACL_WALK_OVER && list_found(describing))
        request_respond_kept(request, &describing->response);
    else
        request_close_too_large(request);
    return false;
}

void api_describe_acls(void *service, struct request *request) {
    const struct broker_services *services = service;
    const struct kp_describe_acls_request *asked = request->message;
    struct describing_acls *describing = kp_arena_alloc(&request->arena, sizeof *describing);
    if (describing == NULL) {
        request_close_too_large(request);
        return;
    }
    struct kp_describe_acls_response *response = &describing->response;
    const struct acl_rule filter = {.resource = asked->resource_type_filter,
                                    .pattern = asked->pattern_type_filter,
                                    .operation = asked->operation,
                                    .permission = asked->permission_type,
                                    .name = asked->resource_name_filter,
                                    .principal = asked->principal_filter,
                                    .host = acl_host_of(asked->host_filter, &request->arena)};
    const char *fault = acl_filter_fault(&filter);
    describing->request = request;
    kp_set_fallbacks(&kp_describe_acls_response_schema, response);
    response->error_message = KP_NULL_STRING;
    response->resources.count = 0;
    response->error_code = acl_request_error(request, AUTHORIZE_DESCRIBE);
    if (response->error_code != KAFKA_NONE) {
        response->error_message = acl_error_message(response->error_code);
    } else if (fault != NULL) {
        response->error_code = KAFKA_INVALID_REQUEST;
        response->error_message = kp_string_of(fault);
    } else {
        request->state = describing;
        acl_walk_begin(&describing->walk, services->metadata, &filter, &request->arena);
        request_steps(request, look_next);
        return;
    }
    request_respond(request, response);
}
