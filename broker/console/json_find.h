/*
 * Whether a value that may be JSON has something at a place in it (RFC 6901: "/items/0/sku").
 *
 * Happy path: json_wish_parse once for what somebody typed, "/customer=c-42" or "/paid" alone; then
 * json_has for each value, which is walked over once, and nothing of it is copied. A text is
 * compared as it means (escapes are resolved), everything else as it is written, so that numbers of
 * 64 bits are not rounded. Failures: what is no JSON has nothing. Invariants: no recursion, no
 * memory; time is that of one walk over the bytes, however deep they are; of several members of one
 * name the first counts.
 */
#ifndef BROKER_CONSOLE_JSON_FIND_H
#define BROKER_CONSOLE_JSON_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_wish {
    const char *pointer; /* in what was parsed */
    size_t pointer_len;
    const char *value; /* NULL: whatever stands there */
};

/* False: it does not begin with a slash. `text` stays. */
bool json_wish_parse(const char *text, struct json_wish *wish);
bool json_has(const struct json_wish *wish, const uint8_t *data, size_t len);

#endif
