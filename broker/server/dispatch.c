/*
 * Which handler serves which API: one row for each row of the API table; and what handlers ask of
 * who asks: everything may while the authorizer is off. See request.h.
 */
#include "base/check.h"
#include "base/mem.h"
#include "broker/access/access.h"
#include "broker/access/access_rows.h"
#include "broker/server/request.h"
#include "protocol/messages/api_table.h"
#include "protocol/messages/describe_topic_partitions.h"
#include "protocol/messages/metadata.h"

struct dispatch {
    void *service;
    request_handler **handlers; /* as the rows of kp_api_table() */
    size_t count;
    bool parting;
    void (*gone)(void *service, const struct connection *connection);
};

static size_t row_of(const struct dispatch *dispatch, int16_t api_key) {
    const struct kp_api *api = kp_api_find(api_key);
    CHECK(api != NULL); /* the header was decoded by the same table */
    size_t count;
    size_t row = (size_t)(api - kp_api_table(&count));
    CHECK(row < dispatch->count); /* as above */
    return row;
}

struct dispatch *dispatch_new(void *service) {
    struct dispatch *dispatch = mem_zalloc(sizeof *dispatch);
    dispatch->service = service;
    kp_api_table(&dispatch->count);
    dispatch->handlers = mem_zalloc(dispatch->count * sizeof *dispatch->handlers);
    return dispatch;
}

void dispatch_free(struct dispatch *dispatch) {
    if (dispatch == NULL) return;
    mem_free(dispatch->handlers);
    mem_free(dispatch);
}

void dispatch_set(struct dispatch *dispatch, int16_t api_key, request_handler *handler) {
    size_t row = row_of(dispatch, api_key);
    CHECK(dispatch->handlers[row] == NULL); /* at the start of the broker */
    dispatch->handlers[row] = handler;
}

bool dispatch_complete(const struct dispatch *dispatch) {
    size_t count;
    const struct kp_api *apis = kp_api_table(&count);
    for (size_t row = 0; row < dispatch->count; row++) {
        if (dispatch->handlers[row] == NULL || access_row_of(apis[row].key) == NULL) return false;
    }
    return true;
}

void dispatch_on_gone(struct dispatch *dispatch,
                      void (*gone)(void *service, const struct connection *connection)) {
    dispatch->gone = gone;
}

void dispatch_gone(const struct dispatch *dispatch, const struct connection *connection) {
    if (dispatch->gone != NULL) dispatch->gone(dispatch->service, connection);
}

void dispatch_part(struct dispatch *dispatch, bool parting) {
    dispatch->parting = parting;
}

static bool wants_partitions(const struct request *request) {
    switch (request->api_key) {
    case KP_METADATA:
        return ((const struct kp_metadata_request *)request->message)->topics.count > 0;
    case KP_DESCRIBE_TOPIC_PARTITIONS:
        return ((const struct kp_describe_topic_partitions_request *)request->message)
                   ->topics.count > 0;
    case KP_PRODUCE:
    case KP_FETCH:
    case KP_LIST_OFFSETS:
    case KP_OFFSET_FOR_LEADER_EPOCH:
    case KP_FIND_COORDINATOR:
    case KP_JOIN_GROUP:
    case KP_SYNC_GROUP:
    case KP_HEARTBEAT:
    case KP_OFFSET_COMMIT:
    case KP_OFFSET_FETCH:
    case KP_INIT_PRODUCER_ID: return true;
    default: return false;
    }
}

void dispatch_call(const struct dispatch *dispatch, struct request *request) {
    size_t row = row_of(dispatch, request->api_key);
    /* dispatch_complete, before the first client is let in. */
    CHECK(dispatch->handlers[row] != NULL);
    if (dispatch->parting && wants_partitions(request)) request->close_after = true;
    dispatch->handlers[row](dispatch->service, request);
}

/* ---- Authorization ---- */

static struct access_question question_of(const struct request_ctx *ctx,
                                          enum authorize_operation operation,
                                          enum authorize_resource resource, const void *name,
                                          size_t len) {
    return (struct access_question){.api_key = ctx->api_key,
                                    .principal = ctx->principal,
                                    .peer = ctx->peer,
                                    .listener = ctx->listener,
                                    .operation = operation,
                                    .resource = resource,
                                    .name = {.data = name, .len = (int32_t)len}};
}

bool authorize(const struct request_ctx *ctx, enum authorize_operation operation,
               enum authorize_resource resource, const void *name, size_t len) {
    if (ctx->access == NULL) return true;
    struct access_question question = question_of(ctx, operation, resource, name, len);
    return access_allows(ctx->access, &question);
}

bool authorize_seeing(const struct request_ctx *ctx, enum authorize_operation operation,
                      enum authorize_resource resource, const void *name, size_t len) {
    if (ctx->access == NULL) return true;
    struct access_question question = question_of(ctx, operation, resource, name, len);
    return access_may(ctx->access, &question);
}

bool authorize_has(const struct request_ctx *ctx, enum authorize_operation operation,
                   enum authorize_resource resource, const void *name, size_t len) {
    if (ctx->access == NULL) return true;
    struct access_question question = question_of(ctx, operation, resource, name, len);
    return access_has(ctx->access, &question);
}

bool authorize_some(const struct request_ctx *ctx, enum authorize_operation operation,
                    enum authorize_resource resource) {
    if (ctx->access == NULL) return true;
    struct access_question question = question_of(ctx, operation, resource, "", 0);
    return access_allows_some(ctx->access, &question);
}

bool authorize_could(const struct request_ctx *ctx, enum authorize_operation operation,
                     enum authorize_resource resource, const void *name, size_t len) {
    if (ctx->access == NULL) return true;
    struct access_question question = question_of(ctx, operation, resource, name, len);
    return access_could(ctx->access, &question);
}
