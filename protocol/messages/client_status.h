/*
 * ClientStatus (key 10006, private): who is connected to this broker, and what they ask, request by
 * request, for `drave client list` and `drave client trace`. Framed like Kafka's APIs, so that
 * listeners, and later authentication, cover it. Not advertised by ApiVersions.
 *
 * Version 0. Ages are ms before the answer. Nothing of a payload is in it.
 */
#ifndef PROTOCOL_MESSAGES_CLIENT_STATUS_H
#define PROTOCOL_MESSAGES_CLIENT_STATUS_H

#include "protocol/schema.h"

struct kp_client_status_request {
    /* Connections with ids above it, in the order of ids, so many as the broker likes to tell: who
     * wants all asks on behind the last. -1: none. */
    int64_t clients_after;
    /* The same of requests that have ended. Asking has the broker note them for some seconds; what
     * it noted before is told, too. -1: none. */
    int64_t traced_after;
    struct kp_string traced_client; /* of that client id; null: of all */
};

struct kp_client_status_response_client {
    int64_t id; /* from 1 since the broker was started */
    struct kp_string listener;
    struct kp_string peer; /* address and port */
    struct kp_string client_id;
    struct kp_string software; /* "" as the next: it has not said */
    struct kp_string version;
    int64_t connected_age_ms;
    int64_t request_age_ms; /* of its last request; -1: none came */
    int16_t last_api;
    int64_t requests;
    int64_t errors; /* answers that told one */
    int64_t received_bytes;
    int64_t sent_bytes;
};

struct kp_client_status_response_request {
    int64_t id;
    int64_t client; /* the id of its connection */
    struct kp_string peer;
    struct kp_string client_id;
    int64_t time_ms; /* when it ended, by the broker's clock */
    int16_t api_key;
    int16_t api_version;
    int16_t error; /* the first that the answer told; 0: none */
    int64_t request_bytes;
    int64_t answer_bytes;
    int64_t took_us; /* without what the client asked to wait */
};

struct kp_client_status_response {
    int16_t error_code;
    struct kp_string error_message;
    KP_ARRAY_OF(struct kp_client_status_response_client) clients;
    KP_ARRAY_OF(struct kp_client_status_response_request) requests;
};

extern const struct kp_schema kp_client_status_request_schema;
extern const struct kp_schema kp_client_status_response_client_schema;
extern const struct kp_schema kp_client_status_response_request_schema;
extern const struct kp_schema kp_client_status_response_schema;

#endif
