/*
 * Which handler serves which API: one row for each row of the API table. See request.h.
 */
#include "base/check.h"
#include "base/mem.h"
#include "broker/request.h"
#include "protocol/api_table.h"

struct dispatch {
    struct {
        request_handler *handler;
        void *service;
    } *rows; /* as kp_api_table() */
    size_t count;
};

static size_t row_of(const struct dispatch *dispatch, int16_t api_key) {
    const struct kp_api *api = kp_api_find(api_key);
    CHECK(api != NULL);
    size_t count;
    size_t row = (size_t)(api - kp_api_table(&count));
    CHECK(row < dispatch->count);
    return row;
}

struct dispatch *dispatch_new(void) {
    struct dispatch *dispatch = mem_zalloc(sizeof *dispatch);
    kp_api_table(&dispatch->count);
    dispatch->rows = mem_zalloc(dispatch->count * sizeof *dispatch->rows);
    return dispatch;
}

void dispatch_free(struct dispatch *dispatch) {
    if (dispatch == NULL) return;
    mem_free(dispatch->rows);
    mem_free(dispatch);
}

void dispatch_set(struct dispatch *dispatch, int16_t api_key, request_handler *handler, void *service) {
    size_t row = row_of(dispatch, api_key);
    CHECK(dispatch->rows[row].handler == NULL);
    dispatch->rows[row].handler = handler;
    dispatch->rows[row].service = service;
}

bool dispatch_complete(const struct dispatch *dispatch) {
    for (size_t row = 0; row < dispatch->count; row++) {
        if (dispatch->rows[row].handler == NULL) return false;
    }
    return true;
}

void dispatch_call(const struct dispatch *dispatch, struct request *request) {
    size_t row = row_of(dispatch, request->api_key);
    CHECK(dispatch->rows[row].handler != NULL);
    dispatch->rows[row].handler(dispatch->rows[row].service, request);
}

/* There are no users and no ACLs yet; every handler asks already, so that they need no change when there are. */
bool authorize(const struct request_ctx *ctx, enum authorize_operation operation, enum authorize_resource resource,
               const void *name, size_t len) {
    (void)ctx;
    (void)operation;
    (void)resource;
    (void)name;
    (void)len;
    return true;
}
