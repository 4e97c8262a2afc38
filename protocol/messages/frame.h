/*
 * Requests and responses as whole frames: header, then message. Kafka's headers, KIP-482 and the
 * exceptions of ApiVersions.
 *
 * A frame on the wire is a 32-bit length and then what is called frame here; base/io/frame_reader.h
 * takes the length away, the encoders here write it.
 */
#ifndef PROTOCOL_MESSAGES_FRAME_H
#define PROTOCOL_MESSAGES_FRAME_H

#include "protocol/messages/api_table.h"
#include "protocol/schema.h"

enum { KP_REQUEST_MIN = 8 }; /* the shortest request: for frame_reader_new */

struct kp_request_header {
    int16_t api_key;
    int16_t api_version;
    int32_t correlation_id;
    struct kp_string client_id; /* may be null; points into the frame */
    const struct kp_api *api;   /* the row of api_key; NULL if it is not served */
};

/* Reads the header; `reader` then stands at the message. ERR_NONE; ERR_MALFORMED; ERR_VERSION when
 * this API or version is not served: then all but client_id is set (ApiVersions is answered even
 * so: error 35, in version 0). */
int kp_request_header_decode(struct kp_reader *reader, struct kp_request_header *header);

/* Writes length, header and message to an empty writer. Returns writer->error. */
int kp_request_encode(const struct kp_api *api, int version, int32_t correlation_id,
                      struct kp_string client_id, const void *request, struct kp_writer *writer);
int kp_response_encode(const struct kp_api *api, int version, int32_t correlation_id,
                       const void *response, struct kp_writer *writer);

/* The client's side: reads a response frame to a request of that API and version. ERR_NONE,
 * ERR_MALFORMED (also for another correlation id), ERR_TOO_LARGE (arena). */
int kp_response_decode(const struct kp_api *api, int version, int32_t correlation_id,
                       const void *frame, size_t len, struct kp_arena *arena, void *response);

#endif
