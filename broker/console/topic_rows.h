/*
 * The list of topics as it was a moment ago, for many looks at it: pages, searches, orders.
 *
 * Happy path: topic_rows_new of a whole Metadata answer, numbers added, then selections. Failures:
 * none; what no broker tells of a topic is not a number. Invariant: nothing points into the answer.
 */
#ifndef BROKER_CONSOLE_TOPIC_ROWS_H
#define BROKER_CONSOLE_TOPIC_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/messages/metadata.h"

struct topic_row {
    const char *name;
    bool internal;
    int32_t partitions, replicas; /* replicas: the most that a partition has */
    int32_t leaderless, under_replicated;
    double records, stored_bytes; /* NaN: not known */
};

struct topic_rows {
    struct topic_row *rows; /* by name */
    size_t count;
    char *names;
    uint64_t taken_us; /* env_now_us; the caller's */
};

struct topic_rows *topic_rows_new(const struct kp_metadata_response *metadata);
void topic_rows_free(struct topic_rows *rows); /* NULL does nothing */
/* NULL: there is none. */
struct topic_row *topic_rows_find(struct topic_rows *rows, const char *name, size_t len);

enum topic_order { ORDER_NAME, ORDER_PARTITIONS, ORDER_RECORDS, ORDER_BYTES };
struct topic_wish {
    const char *search; /* a part of the name, whatever its case; NULL: any */
    bool internal;      /* those, too */
    bool troubled;      /* only those that lack a leader or a replica */
    enum topic_order order;
    bool falling;
};
/* Pointers into `rows`, for mem_free; *count of them. */
const struct topic_row **topic_rows_select(const struct topic_rows *rows,
                                           const struct topic_wish *wish, size_t *count);

#endif
