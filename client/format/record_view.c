/* From librdkafka's message to the view of it. */
#include "client/format/record_view.h"

#include <string.h>

struct record_view record_view_of(const rd_kafka_message_t *message) {
    rd_kafka_timestamp_type_t type;
    rd_kafka_headers_t *headers = NULL;
    struct record_view view = {
        .topic = rd_kafka_topic_name(message->rkt),
        .partition = message->partition,
        .offset = message->offset,
        .timestamp_ms = rd_kafka_message_timestamp(message, &type),
        .key = {message->key, message->key_len},
        .value = {message->payload, message->len},
    };
    view.time_type = type == RD_KAFKA_TIMESTAMP_CREATE_TIME       ? VIEW_TIME_CREATED
                     : type == RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME ? VIEW_TIME_APPENDED
                                                                  : VIEW_TIME_NONE;
    if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
        view.headers = headers;
    }
    return view;
}

bool record_view_header(const struct record_view *view, size_t n, struct view_bytes *name,
                        struct view_bytes *value) {
    const char *text;
    if (!view->headers || rd_kafka_header_get_all(view->headers, n, &text, &value->data,
                                                  &value->len) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return false;
    }
    *name = (struct view_bytes){text, strlen(text)};
    return true;
}

size_t record_view_header_count(const struct record_view *view) {
    return view->headers ? rd_kafka_header_cnt(view->headers) : 0;
}
