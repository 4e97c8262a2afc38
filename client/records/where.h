/*
 * Where reading begins and ends: the value of `consume -o`, as kcat, rpk and Kafka's scripts write
 * it.
 *
 *   beginning start earliest, end latest   of what each partition holds
 *   N, +N, -N          the offset N of each partition; behind its first N records; its last N
 *   A:B, :B            from A up to, without, B: A is any of the above, B an offset or end
 *   @TIME, @TIME:      the first record of each partition with this time or a later one
 *   @TIME:TIME, @:TIME from the first up to, without, the second, which may have an @ of its own,
 * be a span from the first on (@2026-11-28:1h), or end s@TIME and e@TIME  the same two, each by
 * itself stored             where the group stands (with -G)
 */
#ifndef CLIENT_RECORDS_WHERE_H
#define CLIENT_RECORDS_WHERE_H

#include <stdbool.h>
#include <stdint.h>

enum where_kind {
    WHERE_BEGINNING, /* and `value` records further */
    WHERE_END,
    WHERE_OFFSET, /* `value` */
    WHERE_LAST,   /* `value` records */
    WHERE_TIME,   /* `value` is ms since 1970 */
    WHERE_STORED
};
enum where_until {
    UNTIL_NEVER,
    UNTIL_END,    /* what is there when reading begins */
    UNTIL_OFFSET, /* before the offset `until_value` */
    UNTIL_TIME    /* before the first record with this time, ms since 1970, or a later one */
};

struct where {
    enum where_kind kind;
    int64_t value;
    enum where_until until;
    int64_t until_value;
};

/* ERR_NONE; ERR_INVALID: none of the forms, or a span that ends before it begins (`ends_early`). */
int where_parse(const char *text, int64_t now_ms, struct where *where, bool *ends_early);

/* A second -o beside the first: s@TIME and e@TIME, in any order. The same errors; `where` is the
 * first's, and then both. */
int where_add(const char *text, int64_t now_ms, struct where *where, bool *ends_early);

#endif
