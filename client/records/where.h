/*
 * Where reading begins and ends: the value of `consume -o`.
 *
 *   beginning, end     of what each partition holds
 *   N                  the offset N in each partition
 *   -N                 the last N records of each partition, as in kcat
 *   @TIME              the first record of each partition with this time or a later one
 *   @TIME:TIME         from the first up to, without, the second; the second may have an @ of its
 *                      own
 */
#ifndef CLIENT_RECORDS_WHERE_H
#define CLIENT_RECORDS_WHERE_H

#include <stdbool.h>
#include <stdint.h>

enum where_kind { WHERE_BEGINNING, WHERE_END, WHERE_OFFSET, WHERE_LAST, WHERE_TIME };

struct where {
    enum where_kind kind;
    int64_t value; /* WHERE_OFFSET: the offset; WHERE_LAST: how many; WHERE_TIME: ms since 1970 */
    bool until_given; /* WHERE_TIME only */
    int64_t until_ms;
};

/* ERR_NONE; ERR_INVALID: none of the forms, or a span that ends before it begins (`ends_early`). */
int where_parse(const char *text, int64_t now_ms, struct where *where, bool *ends_early);

#endif
