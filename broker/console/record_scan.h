/*
 * Records out of fetched batches: those that are wanted become JSON.
 *
 * Happy path: record_scan over the bytes of one partition, from an offset on; it says how far it
 * came. A few hundred bytes may be 16 MiB when they are unpacked, so it pauses when it has looked
 * at SCAN_PIECE, behind a batch. Failures: a batch that cannot be read (damaged, or larger than
 * SCAN_UNPACKED when it is unpacked) is one entry with `trouble`, and is passed over. Invariants:
 * one call unpacks at most SCAN_PIECE and a batch; nothing that records hold is run; keys, values
 * and headers are bytes, and JSON is only looked into.
 */
#ifndef BROKER_CONSOLE_RECORD_SCAN_H
#define BROKER_CONSOLE_RECORD_SCAN_H

#include "broker/console/asking/json_text.h"
#include "broker/console/json_find.h"
#include "protocol/messages/fetch.h"

enum { SCAN_UNPACKED = 16 << 20, SCAN_PIECE = 1 << 20, SCAN_ANSWER = JSON_LONG };

struct record_wish {
    const char *any, *key, *value, *header; /* what they contain; NULL: whatever */
    struct json_wish json; /* what the value has as JSON; its pointer NULL: whatever */
    size_t shown_most;     /* bytes of each key and value that are told */
};

struct record_scan {
    const struct record_wish *wish;
    struct json *json; /* an open array */
    size_t found;      /* entries */
    size_t until;      /* so many in all are wanted of what is scanned at present */
    uint64_t records;  /* looked at */
    size_t unpacked;   /* bytes looked at in this piece; the caller sets it to 0 for the next one */
    bool paused;       /* the last call ended with the piece, before it was through */
};

/* Whether no more entries are wanted, or the answer has grown large. */
bool record_scan_full(const struct record_scan *scan);
/* From `offset` on; returns where to go on, with the same bytes if it paused. */
int64_t record_scan_batches(struct record_scan *scan, int32_t partition,
                            const struct kp_records *records, int64_t offset);

#endif
