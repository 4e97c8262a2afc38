/*
 * The log of the coordinators of transactions, judged record by record.
 *
 * Of an id: epochs of a producer never fall; what is decided (PrepareX) is followed by its
 * completion and nothing else, with the same producer and partitions; nothing is completed that was
 * not decided; partitions only join while a transaction goes on. Replicas are compared with a
 * replay (groups/offsets_log.h). Where the log was cleaned before it was read only the latter
 * holds.
 */
#ifndef SIM_TRANSACTIONS_ID_LOG_H
#define SIM_TRANSACTIONS_ID_LOG_H

#include "tests/sim/cluster.h"

struct id_log;
struct id_log *id_log_new(struct cluster *cluster, struct env *env);
/* All of it was read, and no id is in the middle of something. */
bool id_log_is_at_rest(const struct id_log *log);
void id_log_finish(struct id_log *log);

#endif
