/*
 * Reads __consumer_offsets as an exporter does, record by record, and compares each replica's
 * coordinator with a replay of it from zero.
 *
 * Happy path: Fetch to whoever leads, from offset 0 on; each record goes to `each`, once, in the
 * order of its partition. From time to time what a replica knows is noted, with the watermark up to
 * which it has applied; when all below that has been read, the newest value of every key must be
 * what it knows, and nothing else. What differs fails the run.
 */
#ifndef SIM_GROUPS_OFFSETS_LOG_H
#define SIM_GROUPS_OFFSETS_LOG_H

#include "tests/sim/cluster.h"
#include "tests/sim/groups/group_book.h"

struct offsets_log;

struct offsets_log *offsets_log_new(struct cluster *cluster, struct env *env,
                                    void (*each)(void *arg, const struct logged_record *record),
                                    void *arg);
/* All that every broker has applied was read, and compared. */
bool offsets_log_has_all(const struct offsets_log *log);
/* Compares what that broker knows now. Once it has all: at once. */
void offsets_log_compare(struct offsets_log *log, unsigned place);

#endif
