/* Inside of a partition set, shared by partition_set_rows.c (the list of those that are not open),
 * partition_set.c (the rows: opening, closing), partition_set_replicas.c (their members, and
 * replicas that left), partition_set_mark.c (the directory's durable mark) and partition_walk.c.
 * Nobody else's. */
#ifndef BROKER_PARTITION_SET_PARTITION_SET_INTERNAL_H
#define BROKER_PARTITION_SET_PARTITION_SET_INTERNAL_H

#include <uthash.h>

#include "base/io/pace.h"
#include "broker/partition_set/group_notes.h"
#include "broker/partition_set/partition_set.h"
#include "storage/journal/journal.h"

enum { TRY_AGAIN_FIRST_MS = 500 };

enum row_state { ROW_WAITING, ROW_OPENING, ROW_OPEN, ROW_CLOSED };

struct row {
    uint64_t group;
    /* As in struct metadata_partition; 0: this replica came later, by a plan. */
    uint64_t created;
    replica_id replica; /* ours */
    struct partition_set *set;
    enum row_state state;
    bool removed; /* while it was opening */
    bool damaged; /* why it is closed: only a person can mend it, so the mark waits not for it */
    bool passing; /* why it is closed: no room, too many files; that may be over at any time */
    struct partition_log_opening *opening;
    struct partition *partition;  /* NULL: not open */
    uint64_t try_at_ms, pause_ms; /* of a closed one */
    struct row *next, *prev;      /* in the set's list of rows that are not open */
    struct row *next_looked;
    struct raft_group_member members[METADATA_REPLICAS_MAX];
    size_t member_count;
    uint64_t led_since_ms; /* of a leader */
    UT_hash_handle hh;
};

struct partition_set {
    struct shard *shard; /* ends before this does: nothing of it after partition_set_close */
    struct env *env;
    struct log *log;
    const struct broker_settings *settings;
    struct leader_table *leaders;
    struct producer_ids *ids;
    const struct transaction_asker *asker;
    struct letter_carrier carrier;
    struct applier_factory appliers;
    struct check_pool *checks;       /* of batches that all partitions are sent */
    const struct metadata *metadata; /* of the last reconcile */
    struct row *rows;
    /* In the order in which they came, but for those that somebody asked for. */
    struct row *unopened, *last_unopened;
    struct row *next_waiting; /* of `unopened`: none before it is waiting; NULL: none is */
    /* Whose logs were looked at, to be opened as turns have time for it. */
    struct row *looked, **looked_end;
    unsigned openings; /* under way, those of removed rows included */
    size_t open_count;
    struct env_task go_on;       /* behind openings that were over in this turn */
    struct env_timer *try_again; /* what is closed, or held: TRY_AGAIN_FIRST_MS later, or more */
    struct pace pace;            /* of those that are new here */
    struct env_timer *paced;
    uint64_t told;    /* what is applied, by the last reconcile */
    uint64_t applied; /* up to here all that was noted is in the rows */
    struct log_limiter complaints;
    struct noted *stored, *removed;
    struct group_queue added;              /* or changed */
    struct left_replica *left, **left_end; /* whose files are to go, */
    bool files_go;                         /* those of the first are on their way */
    struct left_replica *held;             /* that are not to go yet */
    struct noted *removing;                /* their groups */
    struct journal_waiter waiter;
    uint64_t marked;         /* given to journal_mark */
    uint64_t waits_for_mark; /* what the waiter will mark; 0: it does not wait */
    bool bootstrapped;       /* since the waiter began to wait */
    struct produce_counts counts;
    const struct partition_set_watch *watch;     /* NULL: nobody */
    const struct partition_set_counter *counter; /* likewise */
    struct partition_walk *walks;
    struct partition_walk
        settling; /* those that it has not met have the broker's settings of before */
};

/* ---- partition_set_rows.c ---- */

void partition_set_list_unopened(struct row *row);
void partition_set_unlist_unopened(struct row *row);

/* Takes it out: closes it, if it is open. Not while it is opening. */
void partition_set_drop_row(struct row *row, bool deleted);

/* ---- partition_set_replicas.c ---- */

bool partition_set_is_ours(const struct partition_set *set,
                           const struct metadata_partition *partition);
/* What a row is to be, and what it is when its partition has changed. */
void partition_set_fill_row(struct row *row, const struct metadata_partition *source);
void partition_set_change_row(struct row *row, const struct metadata_partition *source);
/* Those that were given up, and are here: which of them may go now. False: there are none. */
bool partition_set_look_at_held(struct partition_set *set);
/* Goes on with what left. */
void partition_set_remove_left(struct partition_set *set);
/* This one has left, and is to be taken out. */
bool partition_set_has_left(const struct row *row);
void partition_set_forget_left(struct partition_set *set);
/* Its files are another replica's, of which nobody told that it left: they go, if it is an earlier
 * one. */
void partition_set_met_other(struct row *row);

/* ---- partition_set_mark.c ---- */

/* Behind whatever may let the mark move: what was applied, a row that is open or gone. */
void partition_set_move_mark(struct partition_set *set);

/* ---- partition_walk.c ---- */

/* The row goes: walks that stand at it go on. */
void partition_walks_pass(struct partition_set *set, const struct row *row);

#endif
