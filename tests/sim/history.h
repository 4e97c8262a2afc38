/*
 * What clients sent, were told and have read, of one topic; what contradicts it fails the run.
 *
 * A record is named by its producer and its number there, and says so in its value. The rules:
 * one offset has one value, whoever says so; what was acknowledged is there for ever; nothing
 * appears that was not sent; an idempotent producer's records appear once, and in order; offsets
 * are dense, markers have some of them, each at most once in a partition and in order; what a
 * consumer was told of the high watermark never goes back. Records may be gone only below an offset
 * up to which somebody asked to delete them, or where they are too old or too many; a start that
 * was told to be there does not go back; what lies above it is never lost.
 *
 * Where the topic is compacted offsets may be missing, but of each key (a producer has a few) every
 * replica has the last record, or a later one; markers that ended nothing may be missing, too.
 */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include "tests/sim/run.h"

enum { HISTORY_PRODUCERS_MAX = 20, HISTORY_PARTITIONS_MAX = 8 };

struct history;
struct history *history_new(struct run *run, int32_t partitions);

/* The topic is compacted, and its tombstones stay so long at least. */
void history_compact(struct history *history, uint64_t delete_retention_ms);
bool history_is_compacted(const struct history *history);
uint64_t history_delete_retention(const struct history *history); /* ms */
/* The key of that record in a compacted topic. */
enum { HISTORY_KEY_LEN = 2 };
void history_key(unsigned producer, uint64_t number, uint8_t key[HISTORY_KEY_LEN]);
/* Whether it says there that its key is gone. */
bool history_is_tombstone(unsigned producer, uint64_t number);

/* Declares a producer, once. */
void history_producer(struct history *history, unsigned producer, int32_t partition,
                      bool idempotent);

bool history_has_producer(const struct history *history, int32_t partition);

/* The value of that record: `len` bytes (at least HISTORY_VALUE_MIN) into `value`. */
enum { HISTORY_VALUE_MIN = 16 };
void history_value(unsigned producer, uint64_t number, uint8_t *value, size_t len);
/* Fails the run unless it is such a value. */
void history_parse(const struct history *history, const uint8_t *value, size_t len,
                   unsigned *producer, uint64_t *number);

/* The record leaves now (for the first time or again). Numbers of a producer begin with 0 and have
 * no holes. */
void history_sent(struct history *history, unsigned producer, uint64_t number);
/* Sent more than once: what is said of it may be about the first time. */
bool history_sent_again(const struct history *history, unsigned producer, uint64_t number);
void history_acknowledged(struct history *history, unsigned producer, uint64_t number,
                          int64_t offset);
/* Markers that end transactions are records of this producer; which one it is says its number. */
enum { HISTORY_MARKER = HISTORY_PRODUCERS_MAX };
uint64_t history_marker_number(int16_t epoch, int32_t coordinator_epoch);
/* From the beginning: markers are of many producers, and judged elsewhere. */
void history_markers_of_many(struct history *history);
void history_marker_sent(struct history *history, int32_t partition);
void history_marker_acknowledged(struct history *history, int32_t partition, int16_t epoch,
                                 int32_t coordinator_epoch);
/* Somebody read that record at that offset. */
void history_read(struct history *history, int32_t partition, int64_t offset, unsigned producer,
                  uint64_t number);

/* A replica is read by itself: begin, history_read for all that it has, end. */
void history_replica_begin(struct history *history, int32_t partition);
void history_replica_end(struct history *history, int32_t partition, const char *who);

/* One more than the highest offset that is acknowledged or was read: what every later look must
 * find. */
int64_t history_end(const struct history *history, int32_t partition);
uint64_t history_acknowledged_count(const struct history *history, int32_t partition);

/* The high watermark as a client may see it: what is asked from now on must say at least the floor;
 * and what was said. */
int64_t history_floor(const struct history *history, int32_t partition);
void history_watermark(struct history *history, int32_t partition, int64_t floor, int64_t watermark,
                       const char *who);

/* Records may also go by themselves (one of the two; 0: not so): those that were sent `ms` ago, by
 * a clock that may be ahead of the world's; and those that have more than `bytes` behind them, as
 * they are stored. */
void history_retain(struct history *history, uint64_t ms, uint64_t bytes);
bool history_retains(const struct history *history);
/* So far ahead of the world's some clock was, or behind it (below 0). */
void history_clock_off(struct history *history, int64_t ms);

/* Somebody asks to delete what lies below `offset`. */
void history_trim_asked(struct history *history, int32_t partition, int64_t offset);
/* The most that anybody asked for. */
int64_t history_most_start(const struct history *history, int32_t partition);
/* `who` says that the partition starts there (a deposed leader may say less than there is). */
void history_started(struct history *history, int32_t partition, int64_t start, const char *who);
/* It was deleted, which does not go back. */
void history_trimmed(struct history *history, int32_t partition, int64_t start);
int64_t history_least_start(const struct history *history, int32_t partition);
/* Where a replica starts that has everything. */
void history_final_start(struct history *history, int32_t partition, int64_t start,
                         const char *who);

/* ---- A lost majority (history_loss.c) ---- */

/* What a log has at an offset. */
struct history_logged {
    bool there;
    unsigned producer;
    uint64_t number;
};
/* The partition goes on with a log that ends below `end`, of which that is all: what was known at
 * or above `gone_from` and is not in it is forgotten, and the rest of the log is known now. What is
 * missing below fails the run: it was said to stay. Returns the producers of which something that
 * was acknowledged is forgotten, as bits. */
uint32_t history_lose(struct history *history, int32_t partition, const struct history_logged *log,
                      int64_t end, int64_t gone_from, const char *who);
/* How often that was. */
unsigned history_losses(const struct history *history, int32_t partition);
/* That producer has a new identity: what it sends from now on may stand before what it sent. */
void history_producer_anew(struct history *history, unsigned producer);

/* After everything: every offset below the end has a value, everything acknowledged is there,
 * idempotent producers' records are in order. */
void history_finish(struct history *history);

#endif
