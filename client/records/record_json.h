/*
 * A record as one JSON object, in both directions: what `consume --json` prints and `produce
 * --json` reads.
 *
 *   {"topic":T,"partition":N,"offset":N,"timestamp":MS,"key":BYTES,"value":BYTES,"headers":[{"key":BYTES,"value":BYTES},...]}
 *
 * BYTES is a string when the bytes are UTF-8, {"hex":"00ff"} when they are not, and null when there
 * is none (a value of null is a tombstone); {"base64":"AP8="} is read, too. Numbers are 64-bit
 * integers. docs/cli.md is the reference.
 */
#ifndef CLIENT_RECORDS_RECORD_JSON_H
#define CLIENT_RECORDS_RECORD_JSON_H

#include <jansson.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The object of a record that was read; the caller owns the reference. */
json_t *record_to_json(const rd_kafka_message_t *message);

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

/* Reads one line. topic and offset may be there and are not looked at; value must be there, all
 * others may be left out. ERR_NONE: `record` is to be freed with record_close. ERR_INVALID: `why`
 * says what is wrong with it, nothing is to be freed. */
int record_from_json(const char *line, size_t len, struct client_record *record,
                     struct error_text *why);
void record_close(struct client_record *record);

#endif
