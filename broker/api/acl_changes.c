/* Rights and lines of changes of rules. */
#include "broker/api/acl_changes.h"

#include <string.h>

#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum { SHOWN = 128 };

int16_t acl_request_error(const struct request *request, enum authorize_operation operation) {
    if (request->ctx.access == NULL) return KAFKA_SECURITY_DISABLED;
    return authorize(&request->ctx, operation, AUTHORIZE_CLUSTER, NULL, 0)
               ? KAFKA_NONE
               : KAFKA_CLUSTER_AUTHORIZATION_FAILED;
}

struct kp_string acl_error_message(int16_t error) {
    return kp_string_of(error == KAFKA_SECURITY_DISABLED ? ACLS_DISABLED
                                                         : kafka_error_message(error));
}

struct kp_string acl_host_of(struct kp_string host, struct kp_arena *arena) {
    char text[ACL_HOST_MAX];
    return host.len >= 0 && acl_host_write(host, text) ? kp_arena_string(arena, text, strlen(text))
                                                       : host;
}

struct command_acl acl_command_of(const struct acl_rule *rule) {
    return (struct command_acl){.resource = rule->resource,
                                .pattern = rule->pattern,
                                .name = rule->name,
                                .principal = rule->principal,
                                .host = rule->host,
                                .operation = rule->operation,
                                .permission = rule->permission};
}

static int shown(struct kp_string text) {
    return text.len < SHOWN ? (int)text.len : SHOWN;
}

static void log_change(const struct acl_telling *telling, const struct acl_rule *rule) {
    const struct request_ctx *ctx = &telling->request->ctx;
    log_event(telling->services->log, LOGGED_ACLS_CHANGED,
              "%s at %s (listener %s) has %s: %.*s %s %s %s '%.*s%s' from %.*s", ctx->principal,
              ctx->peer, ctx->listener, telling->added ? "added" : "removed",
              shown(rule->principal), rule->principal.data,
              rule->permission == ACL_DENY ? "may not" : "may", acl_operation_name(rule->operation),
              acl_resource_name(rule->resource), shown(rule->name), rule->name.data,
              rule->pattern == ACL_PREFIXED ? "*" : "", shown(rule->host), rule->host.data);
}

static bool tell_next(struct request *request) {
    struct acl_telling *telling = request->state;
    struct acl_rule rule;
    if (telling->next(telling, &rule)) {
        log_change(telling, &rule);
        return true;
    }
    request->canceled = NULL;
    telling->done(telling);
    return false;
}

/* No step comes any more, and what was changed is said all the same. */
static void tell_rest(struct request *request) {
    while (tell_next(request)) {}
}

void acl_tell_changes(struct acl_telling *telling) {
    struct request *request = telling->request;
    request->state = telling;
    request->canceled = tell_rest;
    request_steps(request, tell_next);
}
