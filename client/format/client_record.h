/* A record that is to be sent. */
#ifndef CLIENT_FORMAT_CLIENT_RECORD_H
#define CLIENT_FORMAT_CLIENT_RECORD_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* data NULL: there is none. */
struct record_bytes {
    uint8_t *data;
    size_t len;
};

struct client_record {
    struct record_bytes key, value;
    rd_kafka_headers_t *headers; /* NULL: none */
    bool has_timestamp, has_partition;
    int64_t timestamp_ms; /* -1: the record has none */
    int32_t partition;
};

/* Frees key, value and headers, of a record that owns them. */
void record_close(struct client_record *record);

#endif
