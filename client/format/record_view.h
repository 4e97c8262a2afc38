/*
 * A record that was read, apart from the library that read it: what formats and JSON print.
 *
 * Bytes, name and headers belong to the message; the view lives no longer than it.
 */
#ifndef CLIENT_FORMAT_RECORD_VIEW_H
#define CLIENT_FORMAT_RECORD_VIEW_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* data NULL: there is none, which is not the same as empty. */
struct view_bytes {
    const void *data;
    size_t len;
};

/* Kafka's numbers of timestamp types. */
enum view_time { VIEW_TIME_NONE = -1, VIEW_TIME_CREATED = 0, VIEW_TIME_APPENDED = 1 };

struct record_view {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int64_t timestamp_ms; /* -1: none */
    enum view_time time_type;
    struct view_bytes key, value;
    const rd_kafka_headers_t *headers; /* NULL: none */
    const struct batch_facts *batch;   /* batch_lookup.h; NULL: nobody has asked */
    int16_t deliveries; /* how many-eth time a share group gives it to somebody; 0: none does */
};

struct record_view record_view_of(const rd_kafka_message_t *message);

/* The n-th header; false behind the last. */
bool record_view_header(const struct record_view *view, size_t n, struct view_bytes *name,
                        struct view_bytes *value);
size_t record_view_header_count(const struct record_view *view);

#endif
