/*
 * Reads the log of coordinators (__consumer_offsets, __transaction_state) as an exporter does,
 * record by record, and compares each replica's coordinator with a replay of it from zero.
 *
 * Happy path: Fetch to whoever leads, from offset 0 on; each record goes to `each`, once, in the
 * order of its partition. From time to time what a replica knows is noted, with the watermark up to
 * which it has applied; when all below that has been read, the newest value of every key must be
 * what it knows, and nothing else. What differs fails the run.
 *
 * The topic is compacted, and reading may come late: then records are gone, which is right only
 * below an offset up to which a replica was cleaned. From the first gap of a partition on `each` is
 * not called any more, and only what is known to have all that counts is compared: at the end, all.
 */
#ifndef SIM_GROUPS_OFFSETS_LOG_H
#define SIM_GROUPS_OFFSETS_LOG_H

#include "tests/sim/cluster.h"
#include "tests/sim/groups/group_book.h"

struct offsets_log;

/* `topic` stays. No transaction writes to it. */
struct offsets_log *offsets_log_new(struct cluster *cluster, struct env *env, const char *topic,
                                    void (*each)(void *arg, const struct logged_record *record),
                                    void *arg);
/* All that every broker has applied was read, and compared. */
bool offsets_log_has_all(const struct offsets_log *log);
/* Some records were cleaned before they were read: `each` was not called for all. */
bool offsets_log_has_gaps(const struct offsets_log *log);
/* Compares what every broker knows, once it has all; and judges the gaps. */
void offsets_log_finish(struct offsets_log *log);

#endif
