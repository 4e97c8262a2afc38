/* Inside of a partition set, shared by partition_set.c (the rows: opening, closing) and
 * partition_set_mark.c (the directory's durable mark). Nobody else's. */
#ifndef BROKER_PARTITION_SET_PARTITION_SET_INTERNAL_H
#define BROKER_PARTITION_SET_PARTITION_SET_INTERNAL_H

#include <uthash.h>

#include "base/io/pace.h"
#include "broker/partition_set/group_notes.h"
#include "broker/partition_set/partition_set.h"
#include "storage/journal/journal.h"

enum row_state { ROW_WAITING, ROW_OPENING, ROW_OPEN, ROW_CLOSED };

struct row {
    uint64_t group;
    uint64_t created; /* as in struct metadata_partition */
    struct partition_set *set;
    enum row_state state;
    bool removed; /* while it was opening */
    bool damaged; /* why it is closed: only a person can mend it, so the mark waits not for it */
    struct partition_log_opening *opening;
    struct partition *partition;  /* NULL: not open */
    uint64_t try_at_ms, pause_ms; /* of a closed one */
    struct row *next, *prev;      /* in the set's list of rows that are not open */
    struct row *next_looked;
    struct raft_group_member members[METADATA_REPLICAS_MAX];
    size_t member_count;
    UT_hash_handle hh;
};

struct partition_set {
    struct shard *shard; /* ends before this does: nothing of it after partition_set_close */
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    struct leader_table *leaders;
    struct producer_ids *ids;
    struct applier_factory appliers;
    struct check_pool *checks;       /* of batches that all partitions are sent */
    const struct metadata *metadata; /* of the last reconcile */
    struct row *rows;
    struct row *unopened, *last_unopened; /* in the order in which they came */
    struct row *next_waiting; /* of `unopened`: none before it is waiting; NULL: none is */
    /* Whose logs were looked at, to be opened as turns have time for it. */
    struct row *looked, **looked_end;
    unsigned openings; /* under way, those of removed rows included */
    size_t open_count;
    struct env_task go_on; /* behind openings that were over in this turn */
    struct env_timer *try_again;
    struct pace pace; /* of those that are new here */
    struct env_timer *paced;
    uint64_t told;    /* what is applied, by the last reconcile */
    uint64_t applied; /* up to here all that was noted is in the rows */
    struct log_limiter complaints;
    struct noted *stored, *removed;
    struct group_queue added;
    struct journal_waiter waiter;
    uint64_t marked;         /* given to journal_mark */
    uint64_t waits_for_mark; /* what the waiter will mark; 0: it does not wait */
    bool bootstrapped;       /* since the waiter began to wait */
};

/* ---- partition_set_mark.c ---- */

/* Behind whatever may let the mark move: what was applied, a row that is open or gone. */
void partition_set_move_mark(struct partition_set *set);

#endif
