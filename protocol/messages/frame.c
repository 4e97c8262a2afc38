/*
 * Headers and whole frames. The contract is in frame.h.
 *
 * Request header: key, version, correlation id, client id (KIP-511 keeps it non-compact even in
 * header version 2), and tagged fields where the message is flexible. Response header: correlation
 * id, and tagged fields where it is flexible, except for ApiVersions, whose sender does not know
 * yet what the other side understands.
 */
#include "protocol/messages/frame.h"

#include "base/check.h"
#include "base/error.h"

int kp_request_header_decode(struct kp_reader *reader, struct kp_request_header *header) {
    *header = (struct kp_request_header){.client_id = KP_NULL_STRING};
    header->api_key = kp_read_int16(reader);
    header->api_version = kp_read_int16(reader);
    header->correlation_id = kp_read_int32(reader);
    if (reader->error != ERR_NONE) return reader->error;
    header->api = kp_api_find(header->api_key);
    if (header->api == NULL || !kp_api_serves(header->api, header->api_version)) return ERR_VERSION;
    header->client_id = kp_read_string(reader, false, true);
    if (kp_api_flexible(header->api, header->api_version)) kp_skip_tags(reader);
    return reader->error;
}

/* The frame's length is known at the end, and its place is at the start of an empty writer. */
static void begin_frame(struct kp_writer *writer) {
    CHECK(kp_writer_size(writer) == 0); /* the caller has just made it */
    kp_write_int32(writer, 0);
}

static int end_frame(struct kp_writer *writer) {
    kp_patch_int32(writer, 0, (int32_t)(kp_writer_size(writer) - 4));
    return writer->error;
}

int kp_request_encode(const struct kp_api *api, int version, int32_t correlation_id,
                      struct kp_string client_id, const void *request, struct kp_writer *writer) {
    CHECK(
        kp_api_serves(api, version)); /* a request's version was checked when its header was read */
    begin_frame(writer);
    kp_write_int16(writer, api->key);
    kp_write_int16(writer, (int16_t)version);
    kp_write_int32(writer, correlation_id);
    kp_write_string(writer, client_id, false, true);
    if (kp_api_flexible(api, version)) kp_write_uvarint(writer, 0);
    kp_encode(api->request, version, request, writer);
    return end_frame(writer);
}

static bool response_header_is_flexible(const struct kp_api *api, int version) {
    return kp_api_flexible(api, version) && api->key != KP_API_VERSIONS;
}

int kp_response_encode(const struct kp_api *api, int version, int32_t correlation_id,
                       const void *response, struct kp_writer *writer) {
    CHECK(
        kp_api_serves(api, version)); /* a request's version was checked when its header was read */
    begin_frame(writer);
    kp_write_int32(writer, correlation_id);
    if (response_header_is_flexible(api, version)) kp_write_uvarint(writer, 0);
    kp_encode(api->response, version, response, writer);
    return end_frame(writer);
}

int kp_response_decode(const struct kp_api *api, int version, int32_t correlation_id,
                       const void *frame, size_t len, struct kp_arena *arena, void *response) {
    struct kp_reader reader;
    kp_reader_init(&reader, frame, len);
    if (kp_read_int32(&reader) != correlation_id) kp_reader_fail(&reader, ERR_MALFORMED);
    if (response_header_is_flexible(api, version)) kp_skip_tags(&reader);
    return kp_decode(api->response, version, &reader, arena, response);
}
