/*
 * JSON that is written from left to right, into memory that grows.
 *
 * Happy path: json_object, values, json_end; then json_take. Numbers of 64 bits are strings, since
 * a browser rounds them; bytes are {"text": ...} where they are UTF-8, else {"base64": ...}.
 * Failures: what grows beyond JSON_MOST is dropped; behind that, and behind json_drop, all that is
 * written goes nowhere, so that whoever is in the middle of it when its answer is given up need not
 * know. Invariant: what comes out is JSON in UTF-8, whatever the bytes were that went in: what is
 * no UTF-8 in a text becomes U+FFFD.
 */
#ifndef BROKER_CONSOLE_ASKING_JSON_TEXT_H
#define BROKER_CONSOLE_ASKING_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "protocol/wire.h"

/* Names of clients are long where somebody wants them so, and grow sixfold when they are escaped:
 * who lists what others have named ends at JSON_LONG, and says how much it left out. */
enum { JSON_DEPTH_MAX = 16, JSON_LONG = 4 << 20, JSON_MOST = 8 << 20 };

struct json {
    char *data;
    size_t len, room;
    char ends[JSON_DEPTH_MAX]; /* what closes each level */
    unsigned depth;
    bool follows; /* a value stands before, at this level */
    bool dropped; /* it takes nothing more */
};

/* `key`: the member's name, which needs no escape; NULL in an array, and of the outermost value. */
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_end(struct json *json); /* of the innermost of the two */

void json_text(struct json *json, const char *key, const char *text, size_t len);
void json_words(struct json *json, const char *key, const char *text);       /* NULL: null */
void json_string(struct json *json, const char *key, struct kp_string text); /* null: null */
void json_int(struct json *json, const char *key, int32_t value);
void json_size(struct json *json, const char *key, size_t value); /* a count, below 2^53 */
void json_long(struct json *json, const char *key, int64_t value);
void json_real(struct json *json, const char *key, double value); /* no number: null */
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
/* `data` NULL: null. At most `most` of them are shown, and as many as have room in so much text of
 * JSON; "left_out" says how many are not. */
void json_bytes(struct json *json, const char *key, const uint8_t *data, size_t len, size_t most,
                size_t text_most);
/* All of them as `drave produce --json` reads them: a string, {"base64": ...}, or null. */
void json_exact(struct json *json, const char *key, const uint8_t *data, size_t len);

/* All levels are closed, and it is not `dropped`; the text is the caller's. */
struct slice json_take(struct json *json);
/* Forgets what was written, if it was not taken, and all that is still to be. */
void json_drop(struct json *json);

#endif
