/*
 * What each API asks before it does or tells anything: one row for each API that is served.
 *
 * An API without a row is served to nobody while there are permissions (and no broker starts with
 * one, dispatch_complete), and a handler that asks what its row does not have is told no: what is
 * let through is what stands here. The test of the rows asks each API and takes each right away.
 * Pure.
 */
#ifndef BROKER_ACCESS_ACCESS_ROWS_H
#define BROKER_ACCESS_ACCESS_ROWS_H

#include "broker/access/acl.h"

enum { ACCESS_ASKS_MAX = 6 };

struct access_ask {
    uint8_t operation, resource; /* enum authorize_operation, enum authorize_resource */
};

struct access_row {
    int16_t api_key;
    struct access_ask asks[ACCESS_ASKS_MAX]; /* up to the first that is zero; none: everybody may */
    /* It decides who may what, which is for those alone who may decide it, also while the broker
     * only observes: whoever came then would be served when it enforces. */
    bool strict;
};

const struct access_row *access_rows(size_t *count);
const struct access_row *access_row_of(int api_key); /* NULL: there is none */
/* The operations that its row has for that kind of resource, as bits. */
uint32_t access_row_asks(const struct access_row *row, enum authorize_resource resource);

#endif
