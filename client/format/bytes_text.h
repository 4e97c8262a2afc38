/*
 * Bytes as hexadecimal digits and as base64 (RFC 4648, section 4), and back.
 */
#ifndef CLIENT_FORMAT_BYTES_TEXT_H
#define CLIENT_FORMAT_BYTES_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two lower-case digits for each byte; a zero behind them; mem_free it. */
char *hex_text(const void *data, size_t len);
/* `padded`: with the = at its end. A zero behind it; mem_free it. */
char *base64_text(const void *data, size_t len, bool padded);

/* ERR_NONE: *data is never NULL, and for mem_free. ERR_INVALID: it is not that. Base64 must have
 * its padding. */
int hex_read(const char *text, size_t text_len, uint8_t **data, size_t *len);
int base64_read(const char *text, size_t text_len, uint8_t **data, size_t *len);

#endif
