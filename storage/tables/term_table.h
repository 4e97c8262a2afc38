/*
 * Which index has which term: the ranges of equal term of one log, with the offset at which each
 * begins.
 * A log has as many ranges as it had leaders; they feed RAFT_START and OffsetForLeaderEpoch.
 */
#ifndef STORAGE_TABLES_TERM_TABLE_H
#define STORAGE_TABLES_TERM_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "storage/log_types.h"
#include "storage/segment/segment_format.h"

struct term_table {
    struct index_term *ranges; /* ascending; each ends where the next begins */
    size_t count, room;
};

void term_table_close(struct term_table *table);
/* The next entry has `index`, its base offset and `term`; terms never go back. */
void term_table_add(struct term_table *table, log_index index, kafka_offset base_offset,
                    log_term term);
/* Entries from `index` on are gone. */
void term_table_truncate(struct term_table *table, log_index index);
/* Entries before `index` are gone, and with them the records below `offset`; its own term stays
 * known. */
void term_table_drop_below(struct term_table *table, log_index index, kafka_offset offset);
/* The term of `index`; 0: before the first range. The caller knows where the log ends. */
uint32_t term_table_at(const struct term_table *table, log_index index);
/* The term of the entry that holds `offset`, or would; 0: before the first range. */
uint32_t term_table_of_offset(const struct term_table *table, kafka_offset offset);
/* OffsetForLeaderEpoch: the largest epoch <= `epoch` that the log has (*found), and where it ends:
 * the start of the next one, or `end_offset` for the last. One below the first ends where that
 * begins, under its own name, as in Kafka: cleaning may have left nothing of it, and a consumer
 * that has read it is not behind its end. -1: `epoch` is above all. */
int64_t term_table_epoch_end(const struct term_table *table, uint32_t epoch,
                             kafka_offset end_offset, uint32_t *found);

#endif
