/*
 * A record as one JSON object, in both directions: what `consume --json` prints and `produce
 * --json` reads.
 *
 *   {"topic":T,"partition":N,"offset":N,"timestamp":MS,"key":BYTES,"value":BYTES,"headers":[{"key":BYTES,"value":BYTES},...]}
 *
 * and behind them "delivery_count":N where a share group gave it.
 *
 * BYTES is a string when the bytes are UTF-8, {"hex":"00ff"} when they are not, and null when there
 * is none (a value of null is a tombstone); {"base64":"AP8="} is read, too. Numbers are 64-bit
 * integers. docs/cli.md is the reference.
 */
#ifndef CLIENT_RECORDS_RECORD_JSON_H
#define CLIENT_RECORDS_RECORD_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "client/format/client_record.h"
#include "client/format/record_view.h"

/* BYTES of it. */
json_t *record_bytes_json(struct view_bytes bytes);
/* The object of a record that was read; the caller owns the reference. Without its value it says
 * "value_size" in its place (-1: there is none), and `produce` refuses it. */
json_t *record_to_json(const struct record_view *record, bool with_value);

/* Reads one line. topic, offset and delivery_count may be there and are not looked at; value must
 * be there, all others may be left out. ERR_NONE: `record` is to be freed with record_close.
 * ERR_INVALID: `why` says what is wrong with it, nothing is to be freed. */
int record_from_json(const char *line, size_t len, struct client_record *record,
                     struct error_text *why);

#endif
