/*
 * Printing records by a format: the letters of kcat and those of rpk, so that a habit carries over.
 *
 *   %s %v value         %S %V its length      %R the same in 4 bytes, the highest first
 *   %k key              %K its length         (-1: there is none)
 *   %t topic            %p partition          %o offset     %i the how many-eth it is, from 1
 *   %T %d timestamp, ms since 1970            %T{strftime[%F %T]} in UTC
 *   %h headers, a=1,b=2                       %h{%k=%v } each by a format of its own    %H how many
 *   %e leader epoch     %x %y producer's id and epoch
 *   %[ %| %] the partition's log start, last stable offset, high watermark
 *   %a{compression} %a{timestamp-type} %a{transactional-bit} %a{control-bit}, with ;STYLE as
 * numbers
 *   %% %{ %} themselves
 *
 * Texts take {hex}, {base64}, {base64raw} (without its =) and {unpack[...]} (unpack.h) behind their
 * letter, numbers what number_style.h has. What [ begins, ] ends; { } and # # do as well, and
 * several of them enclose a text that holds one. The one letter on which the two tools differ is
 * %T: kcat's time, not rpk's length of the topic (docs/decisions/0048-words-of-other-tools.md).
 */
#ifndef CLIENT_FORMAT_RECORD_FORMAT_H
#define CLIENT_FORMAT_RECORD_FORMAT_H

#include <stdbool.h>

#include "base/error.h"
#include "client/format/record_view.h"

struct record_format;

struct record_format_options {
    const char *none; /* printed for a key or value that is null */
    /* How %k, and %s and %v, are unpacked where the format says nothing else; NULL: as they are. */
    const char *key_unpack, *value_unpack;
};

/* NULL: `why` says where the text makes no sense, and what would. The options' texts are the
 * caller's, and live as long as the format. */
struct record_format *record_format_open(const char *text,
                                         const struct record_format_options *options,
                                         struct error_text *why);
/* Whether it has a letter that only record->batch answers, which must not be NULL then. */
bool record_format_wants_batch(const struct record_format *format);
void record_format_free(struct record_format *format); /* NULL does nothing */
void record_format_print(struct record_format *format, const struct record_view *record);

#endif
