/*
 * What the headers of a record say of when it is to be delivered, on a topic with
 * `delay.enable`.
 *
 *   deliver-at      ms since 1970, or RFC 3339
 *   deliver-in      ms from now, or ISO 8601 ("PT15M")
 *   deliver-cancel  the offset of a record of this partition that is held back: it will not be
 *                   delivered
 *
 * Happy path: record_delivery_read says which. A time that is not in the future is none: an
 * ordinary record. Failures: ERR_MALFORMED with a sentence, for two of them in one record, one of
 * them twice, or a text that is none of these. Pure.
 */
#ifndef PROTOCOL_RECORD_RECORD_DELIVERY_H
#define PROTOCOL_RECORD_RECORD_DELIVERY_H

#include "protocol/record/record_batch.h"

#define DELIVER_AT "deliver-at"
#define DELIVER_IN "deliver-in"
#define DELIVER_CANCEL "deliver-cancel"
/* Of a record that was held back, when it is delivered: where it was, and its own time. */
#define DELAYED_OFFSET "x-delayed-offset"
#define DELAYED_TIMESTAMP "x-original-timestamp"

enum delivery {
    DELIVERY_NOW,    /* an ordinary record */
    DELIVERY_LATER,  /* at due_ms */
    DELIVERY_CANCEL, /* of what is at `offset` */
};

struct record_delivery {
    enum delivery kind;
    int64_t due_ms;
    int64_t offset;
    size_t at, len; /* of the header that says so, in those of the record; none: 0 */
};

/* `now_ms`: of whoever leads, when the record came. ERR_NONE, ERR_MALFORMED; `why` may be NULL. */
int record_delivery_read(const struct record *record, int64_t now_ms,
                         struct record_delivery *delivery, struct error_text *why);

/* Whether so many bytes of records may have one of these headers in them: its length and its name
 * stand there. Rarely true where there is none. */
bool record_delivery_may_be_in(const uint8_t *data, size_t len);

/* The same of bytes that come in pieces, until `found`. It begins zeroed. */
enum { DELIVERY_SEAM = 8 };
struct delivery_search {
    bool found;
    uint8_t end[DELIVERY_SEAM]; /* what came last, of so many bytes */
    size_t end_len;
};
void record_delivery_search(struct delivery_search *search, const uint8_t *piece, size_t len);

#endif
