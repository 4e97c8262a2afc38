/*
 * Answers into bytes; what is much goes this way:
 *
 *   measure in the pool ----> wait for room ----> encode in the pool ----> encoded
 *                                  `----> encoded, with nothing, because the client has gone
 */
#include "broker/server/request_encode.h"

#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/server/request_steps.h"
#include "protocol/messages/api_table.h"
#include "protocol/messages/frame.h"

/* An encoded answer may have so many, without the records that it refers to. */
enum { BYTES_MOST = 64 << 20 };

struct encoding {
    struct env_job job;    /* first */
    struct env_task later; /* to end it: to give back what is large takes time, and several may be
                              done at once */
    struct request *request;
    const void *response;
    uint32_t throttle_ms;
    struct kp_writer writer;
    struct kp_told_errors told;
    void (*encoded)(struct request *request, struct kp_writer *writer, int error);
    size_t size;
    bool charged;
    int error;
};

/* A copy that tells of that wait, if it tells of waits and of none that is longer; else NULL. */
static void *tell_throttle(const struct kp_schema *schema, const void *response,
                           uint32_t throttle_ms) {
    for (uint32_t i = 0; throttle_ms > 0 && i < schema->field_count; i++) {
        const struct kp_field *field = &schema->fields[i];
        if (strcmp(field->name, "throttleTimeMs") != 0) continue;
        int32_t tells_ms;
        memcpy(&tells_ms, (const uint8_t *)response + field->offset, sizeof tells_ms);
        if (tells_ms >= (int32_t)throttle_ms) return NULL;
        uint8_t *copy = mem_alloc(schema->size);
        memcpy(copy, response, schema->size);
        memcpy(copy + field->offset, &throttle_ms, sizeof throttle_ms);
        return copy;
    }
    return NULL;
}

int request_encode(const struct request *request, const void *response, uint32_t throttle_ms,
                   struct kp_writer *writer) {
    const struct kp_api *api = kp_api_find(request->api_key);
    void *telling = tell_throttle(api->response, response, throttle_ms);
    int error = kp_response_encode(api, request->api_version, request->correlation_id,
                                   telling == NULL ? response : telling, writer);
    mem_free(telling);
    return error;
}

static void encode_end(struct encoding *encoding) {
    kp_writer_own(&encoding->writer);
    encoding->encoded(encoding->request, &encoding->writer, encoding->error);
    mem_free(encoding);
}

static void end_later(struct env_task *task) {
    encode_end(CONTAINER_OF(task, struct encoding, later));
}

static void end_soon(struct encoding *encoding) {
    if (env_turn_is_long(encoding->request->env))
        env_yield(encoding->request->env, &encoding->later);
    else
        encode_end(encoding);
}

/* ---- Encoding ---- */

static void encode(struct env_job *job) {
    struct encoding *encoding = (struct encoding *)job;
    kp_writer_reserve(&encoding->writer, encoding->size);
    encoding->error = request_encode(encoding->request, encoding->response, encoding->throttle_ms,
                                     &encoding->writer);
}

static void encode_done(struct env_job *job) {
    end_soon((struct encoding *)job);
}

/* ---- Waiting for room ---- */

static void client_gone(struct request *request) {
    struct encoding *encoding = request->encoding;
    request->encoding = NULL;
    encode_end(encoding);
}

/* The first step only charges: the steps wait for room behind it. */
static bool encode_with_room(struct request *request) {
    struct encoding *encoding = request->encoding;
    if (!encoding->charged) {
        encoding->charged = true;
        request->encoded = encoding->size;
        return true;
    }
    request->encoding = NULL;
    request->canceled = NULL;
    encoding->job = (struct env_job){.work = encode, .done = encode_done};
    env_pool_run(request->env, &encoding->job);
    return false;
}

/* ---- Measuring ---- */

static void measure(struct env_job *job) {
    struct encoding *encoding = (struct encoding *)job;
    struct kp_writer writer;
    kp_writer_init(&writer, INT32_MAX);
    kp_writer_measure(&writer);
    encoding->error = request_encode(encoding->request, encoding->response, encoding->throttle_ms,
                                     &writer);
    encoding->size = writer.len;
    if (encoding->error == ERR_NONE && encoding->size > BYTES_MOST) encoding->error = ERR_TOO_LARGE;
}

static void measured(struct env_job *job) {
    struct encoding *encoding = (struct encoding *)job;
    struct request *request = encoding->request;
    if (request->dead || encoding->error != ERR_NONE) {
        end_soon(encoding);
        return;
    }
    request->encoding = encoding;
    request->canceled = client_gone;
    request_steps(request, encode_with_room);
}

void request_encode_later(struct request *request, const void *response, uint32_t throttle_ms,
                          void (*encoded)(struct request *request, struct kp_writer *writer,
                                          int error)) {
    struct encoding *encoding = mem_zalloc(sizeof *encoding);
    encoding->job = (struct env_job){.work = measure, .done = measured};
    encoding->later.run = end_later;
    encoding->request = request;
    encoding->response = response;
    encoding->throttle_ms = throttle_ms;
    encoding->encoded = encoded;
    kp_writer_init(&encoding->writer, INT32_MAX);
    encoding->writer.told = &encoding->told;
    kp_writer_borrow(&encoding->writer);
    env_pool_run(request->env, &encoding->job);
}
