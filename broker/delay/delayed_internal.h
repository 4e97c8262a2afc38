/* Inside of broker/delay/delayed*.c; nobody else's. */
#ifndef BROKER_DELAY_DELAYED_INTERNAL_H
#define BROKER_DELAY_DELAYED_INTERNAL_H

#include <uthash.h>
#include <utlist.h>

#include "broker/delay/delayed.h"
#include "protocol/record/record_batch_builder.h"

/* The order of deliveries. */
struct delayed_key {
    int64_t due_ms;
    kafka_offset offset;
};

struct delayed_record {
    struct delayed_key key; /* due_ms as the record says, but not before what was released */
    int64_t timestamp_ms;
    size_t place; /* in the heap, 1-based; 0: it was taken, or is set aside */
    struct delayed_record *next, *prev;
    UT_hash_handle hh;
    int32_t key_len, value_len; /* -1: null */
    int32_t header_count;
    uint32_t headers_len;
    bool taken;
    uint8_t data[]; /* key, value, headers, those of record_delivery.h left out */
};

/* What was pending, and is no more. */
struct delayed_rest {
    struct delayed_record *records, **heap;
};

/* Something calls it off, but has not committed. */
struct delayed_aside {
    kafka_offset offset;
    size_t count; /* of those that do */
    UT_hash_handle hh;
};

struct delayed {
    struct delayed_record *records; /* by offset, as they came */
    struct delayed_record *by_offset;
    struct delayed_record **heap; /* by key, what was not taken or set aside; from [1] on */
    struct delayed_aside *asides; /* a leader's */
    size_t heap_count, heap_room;
    uint64_t bytes, called_off;
    struct delayed_key released; /* the greatest key that was */
    kafka_offset end;
    struct delayed_walk *walks;
    struct delayed_look *looks;
};

/* The same in a snapshot, over what `walk` has passed. */
struct delayed_walk {
    struct delayed *delayed;
    struct delayed_record *at; /* the next one; NULL: all that there are were written */
    kafka_offset written;      /* the last one that was; -1: none */
    kafka_offset *called_off;  /* of those that were written */
    size_t called_off_count, called_off_room;
    struct delayed_walk *next, *prev;
};

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
/* All that were released as far as `released` says. */
void delayed_drop_released(struct delayed *delayed);

#endif
