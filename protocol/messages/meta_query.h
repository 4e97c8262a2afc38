/*
 * MetaQuery (key 10000, private): one node of the metadata tree, for `drave meta ls|get`. Framed
 * like Kafka's APIs, so that listeners, and later authentication, cover it. Not advertised by
 * ApiVersions.
 *
 * Version 0.
 */
#ifndef PROTOCOL_MESSAGES_META_QUERY_H
#define PROTOCOL_MESSAGES_META_QUERY_H

#include "protocol/schema.h"

struct kp_meta_query_request {
    struct kp_string path; /* "/topics/orders" */
};

struct kp_meta_query_response_entry {
    struct kp_string name;  /* of the child, without its path */
    struct kp_string value; /* null: it has only children of its own */
};

struct kp_meta_query_response {
    int16_t error_code;             /* KAFKA_RESOURCE_NOT_FOUND: no such path */
    struct kp_string error_message; /* null without an error */
    struct kp_string value;         /* of the node itself; null: none */
    KP_ARRAY_OF(struct kp_meta_query_response_entry) entries; /* its children, sorted by name */
};

extern const struct kp_schema kp_meta_query_request_schema;
extern const struct kp_schema kp_meta_query_response_schema;
extern const struct kp_schema kp_meta_query_response_entry_schema;

#endif
