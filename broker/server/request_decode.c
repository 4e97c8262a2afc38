/* Header, version, then the message by the schema of its API, into the request's arena. */
#include "broker/server/request_decode.h"

#include "base/check.h"
#include "protocol/messages/api_table.h"
#include "protocol/messages/frame.h"

enum {
    MESSAGE_LEAST = 64 << 10, /* a decoded message may take so much memory, */
    MESSAGE_FACTOR = 16,      /* and so many times the size of the request, */
    MESSAGE_MOST = 64 << 20,  /* but never more */
};

int request_decode(struct request *request, uint32_t items, struct error_text *why) {
    struct kp_reader reader;
    struct kp_request_header header;
    size_t most = MESSAGE_LEAST + MESSAGE_FACTOR * request->frame.len;
    kp_arena_init(&request->arena, most < MESSAGE_MOST ? most : MESSAGE_MOST);
    kp_reader_init(&reader, request->frame.data, request->frame.len);
    reader.items = items;
    int error = kp_request_header_decode(&reader, &header);
    if (error == ERR_AGAIN) return error;
    if (error == ERR_MALFORMED) return error_set(why, error, "what it sent is no request of the Kafka protocol");
    request->api_key = header.api_key;
    request->correlation_id = header.correlation_id;
    if (error == ERR_VERSION) {
        if (header.api_key == KP_API_VERSIONS)
            return ERR_NONE; /* KIP-511: answered in version 0, from a request that nobody can read */
        kp_api_refusal(header.api_key, header.api_version, why);
        return error;
    }
    request->api_version = header.api_version;
    request->ctx.client_id = header.client_id;
    const struct kp_schema *schema = header.api->request;
    void *message = kp_arena_alloc(&request->arena, schema->size);
    CHECK(message != NULL); /* MESSAGE_LEAST is more */
    error = kp_decode(schema, header.api_version, &reader, &request->arena, message);
    if (error == ERR_AGAIN) return error;
    if (error != ERR_NONE)
        return error_set(why, error, "its %s request (version %d, %zu bytes) cannot be read: %s", header.api->name,
                         header.api_version, request->frame.len, error_phrase(error));
    request->message = message;
    return ERR_NONE;
}
