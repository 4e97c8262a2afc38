/* Inside of broker/delay/delayed*.c; nobody else's. */
#ifndef BROKER_DELAY_DELAYED_INTERNAL_H
#define BROKER_DELAY_DELAYED_INTERNAL_H

#include <uthash.h>
#include <utlist.h>

#include "broker/delay/delayed.h"
#include "broker/delay/delayed_pages.h"
#include "protocol/record/record_batch_builder.h"

/* The order of deliveries. */
struct delayed_key {
    int64_t due_ms;
    kafka_offset offset;
};

struct delayed_record {
    struct delayed_key key; /* due_ms as the record says, but not before what was released */
    int64_t timestamp_ms;
    uint32_t place;             /* in the heap, 1-based; 0: it was taken, or is set aside */
    int32_t key_len, value_len; /* -1: null */
    int32_t header_count;
    uint32_t headers_len;
    bool taken;
    uint8_t data[]; /* key, value, headers, those of record_delivery.h left out */
};

/* By key, what was not taken or set aside, from place 1 on; in pieces, so that it never moves. */
struct delayed_heap {
    struct delayed_record ***pieces;
    size_t piece_count, room;
    size_t count; /* of records */
};

/* What was pending, and is no more. */
struct delayed_rest {
    struct delayed_pages records;
    struct delayed_heap heap;
};

/* Something calls it off, but has not committed. */
struct delayed_aside {
    kafka_offset offset;
    size_t count; /* of those that do */
    UT_hash_handle hh;
};

struct delayed {
    struct delayed_pages records;
    struct delayed_heap heap;
    struct delayed_aside *asides; /* a leader's */
    kafka_offset *taken;          /* likewise, until all of them are gone, or given back */
    size_t taken_count, taken_room, taken_left;
    uint64_t bytes, called_off;
    struct delayed_key released; /* the greatest key that was */
    kafka_offset end;
    size_t restored_off; /* of what a snapshot calls off: so much is read */
    struct delayed_walk *walks;
    struct delayed_look *looks;
};

/* The same in a snapshot, over what `walk` has passed. */
struct delayed_walk {
    struct delayed *delayed;
    kafka_offset written;     /* the last one that was; -1: none */
    kafka_offset *called_off; /* of those that were written */
    size_t called_off_count, called_off_room;
    struct delayed_walk *next, *prev;
};

/* NULL: the heap is empty. */
struct delayed_record *delayed_first(const struct delayed *delayed);
/* Into the heap, unless it was taken, or is set aside. */
void delayed_line_up(struct delayed *delayed, struct delayed_record *record);
void delayed_step_out(struct delayed *delayed, struct delayed_record *record);
bool delayed_key_before(struct delayed_key a, struct delayed_key b);
size_t delayed_record_len(const struct delayed_record *record); /* of its data */
/* Takes it over. ERR_MALFORMED: its offset is there, or others come behind it. */
int delayed_add(struct delayed *delayed, struct delayed_record *record);
/* Takes it out and frees it. */
void delayed_drop(struct delayed *delayed, struct delayed_record *record);
/* NULL: it is not pending. */
struct delayed_record *delayed_find(struct delayed *delayed, kafka_offset offset);
/* Adds it as it is delivered at `now_ms`. */
void delayed_deliver(const struct delayed_record *record, int64_t now_ms,
                     struct record_batch_builder *builder);
/* What was released as far as `released` says, at most `most` of them. False: there are more. */
bool delayed_drop_released(struct delayed *delayed, size_t most);

#endif
