/* MetaQuery (key 10000, ours): one place of the metadata tree. Failures: RESOURCE_NOT_FOUND with
 * the path; CLUSTER_AUTHORIZATION_FAILED. */
#include "protocol/messages/meta_query.h"

#include "broker/api/handlers.h"
#include "broker/api/meta_tree.h"
#include "broker/server/request_steps.h"
#include "protocol/kafka_error.h"

enum { SHOWN_MAX = 200 };

static bool add_next(struct request *request) {
    struct meta_tree_walk *walk = request->state;
    if (meta_tree_next(walk)) return true;
    if (walk->too_large)
        request_close_too_large(request);
    else
        request_respond_kept(request, walk->response);
    return false;
}

void api_meta_query(void *service, struct request *request) {
    const struct kp_meta_query_request *asked = request->message;
    struct kp_arena *arena = &request->arena;
    struct kp_meta_query_response *response = kp_arena_alloc(arena, sizeof *response);
    struct meta_tree_walk *walk = kp_arena_alloc(arena, sizeof *walk);
    kp_set_fallbacks(&kp_meta_query_response_schema, response);
    response->error_message = response->value = KP_NULL_STRING;
    *walk = (struct meta_tree_walk){
        .services = service, .ctx = &request->ctx, .arena = arena, .response = response};
    request->state = walk;
    if (!authorize(&request->ctx, AUTHORIZE_DESCRIBE, AUTHORIZE_CLUSTER, NULL, 0)) {
        response->error_code = KAFKA_CLUSTER_AUTHORIZATION_FAILED;
        response->error_message = kp_string_of(
            kafka_error_message(KAFKA_CLUSTER_AUTHORIZATION_FAILED));
        request_respond(request, response);
        return;
    }
    if (meta_tree_begin(walk, asked->path) == ERR_NOT_FOUND) {
        response->error_code = KAFKA_RESOURCE_NOT_FOUND;
        response->error_message = kp_arena_printf(
            arena, "there is no %.*s in the metadata; begin with: drave meta ls /",
            asked->path.len > SHOWN_MAX ? SHOWN_MAX : (int)asked->path.len, asked->path.data);
    }
    request_steps(request, add_next);
}
