/*
 * Reading records by a format: `produce -f`, with the letters that `consume -f` prints by
 * (record_format.h).
 *
 *   %k key   %s %v value   %p partition   %T %d timestamp in ms   %h{%k=%v,} headers
 *   {hex} and {base64} behind %k, %s and %v say how the bytes are written
 *
 * Happy path: a field reaches to the first place where the text behind it in the format stands, the
 * last one to the end. What stands behind the last field ends a record ("\n" where there is
 * nothing). Failures: a format with two fields that nothing parts, or with letters that no record
 * takes; a line in which the texts of the format do not stand, or a number is none.
 */
#ifndef CLIENT_FORMAT_INPUT_FORMAT_H
#define CLIENT_FORMAT_INPUT_FORMAT_H

#include "base/error.h"
#include "client/format/client_record.h"

struct input_format;

/* NULL: `why` has the sentence. */
struct input_format *input_format_open(const char *text, struct error_text *why);
void input_format_free(struct input_format *format); /* NULL does nothing */
/* What ends a record; lives as long as the format. NULL: the format does not say. */
const char *input_format_delimiter(const struct input_format *format, size_t *len);

/* One record, without what ends it. ERR_NONE: to be freed with record_close. ERR_INVALID: `why`
 * says what is wrong with it, nothing is to be freed. */
int input_format_read(const struct input_format *format, const char *data, size_t len,
                      struct client_record *record, struct error_text *why);

#endif
