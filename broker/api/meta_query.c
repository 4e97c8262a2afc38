/* MetaQuery (key 10000, ours): one place of the metadata tree. Failures: RESOURCE_NOT_FOUND with the path. */
#include "protocol/meta_query.h"

#include "broker/api/handlers.h"
#include "broker/meta_tree.h"
#include "protocol/kafka_error.h"

enum { ANSWER_MAX = 128 << 20, SHOWN_MAX = 200 };

void api_meta_query(void *service, struct request *request) {
    const struct kp_meta_query_request *asked = request->message;
    struct kp_meta_query_response response;
    struct kp_arena arena;
    kp_arena_init(&arena, ANSWER_MAX);
    kp_set_fallbacks(&kp_meta_query_response_schema, &response);
    response.error_message = response.value = KP_NULL_STRING;
    int error = meta_tree_get(service, request->ctx.listener, asked->path, &arena, &response);
    if (error == ERR_NOT_FOUND) {
        response.error_code = KAFKA_RESOURCE_NOT_FOUND;
        response.error_message = kp_arena_printf(
            &arena, "there is no %.*s in the metadata; begin with: drave meta ls /",
            asked->path.len > SHOWN_MAX ? SHOWN_MAX : (int)asked->path.len, asked->path.data);
    }
    if (error == ERR_TOO_LARGE)
        request_close_connection(request); /* over ANSWER_MAX */
    else
        request_respond(request, &response);
    kp_arena_close(&arena);
}
