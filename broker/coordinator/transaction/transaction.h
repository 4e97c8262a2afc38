/*
 * The transactional ids of one coordinator (a partition of __transaction_state) as rows of a table,
 * and the order in which an id is worked on.
 *
 * Hard state is what the newest record of an id says, on every replica. All else is the leader's,
 * from `leading` to `lost`: calls that wait, a decision that is being written, markers that are
 * being sent, timers.
 *
 * Happy path: transaction_go_on, whenever something may have changed, takes the next step of an id:
 *
 *     PrepareX ---> markers to all partitions ---> CompleteX written
 *     Ongoing for too long ---> fenced: an abort is written
 *     a call waits ---> judged: answered, or what it changes is written
 *
 * Adds of one producer that wait, one for each partition of which something was produced, are one
 * record; and of those that wait for a completion the record is in one batch with that of the
 * completion.
 *
 * Failures: a write that fails ends the call that wanted it; what the coordinator wants itself is
 * tried again after a pause. A write that was late is in doubt (coordinator_log.h): calls of its id
 * are refused with COORDINATOR_NOT_AVAILABLE until it is applied.
 * Invariants: at most one decision of an id is uncommitted; nothing is judged while a transaction
 * is being ended; CompleteX is written only when the order of the markers is through, and after a
 * change of leaders all are ordered again; a row is there as long as it has a state or work.
 */
#ifndef BROKER_COORDINATOR_TRANSACTION_TRANSACTION_H
#define BROKER_COORDINATOR_TRANSACTION_TRANSACTION_H

#include "base/budget.h"
#include "base/log.h"
#include "base/timer_heap.h"
#include "broker/coordinator/group/group_hash.h"
#include "broker/coordinator/group/group_timers.h"
#include "broker/coordinator/transaction/transaction_call.h"
#include "broker/coordinator/transaction/transaction_coordinator.h"
#include "broker/markers/marker_sender.h"
#include "broker/metadata/asking/producer_ids.h"

/* A walk over all rows, over as many turns of the loop as it takes: those that are there all the
 * time are met once, whatever comes and goes meanwhile. */
struct transaction_cursor {
    struct transaction_table *table; /* NULL: not open */
    struct transaction *at;
    struct transaction_cursor *next, *prev;
};

struct transaction_table {
    struct transaction_coordinator_options options;
    struct coordinator_log *log;
    struct group_timers *timers; /* none is set while `leading` is false */
    struct transaction *rows;    /* hash by id */
    struct timer_heap open;      /* those with an open transaction, by its beginning */
    size_t ids, ending;          /* rows with a record; of the open ones, those that are prepared */
    struct transaction_cursor *cursors;
    struct transaction_work *works; /* of all rows that have one */
    uint64_t seed;
    bool leading;                           /* false as soon as a write says so, before `lost` */
    void (*go_on)(struct transaction *row); /* transaction_go_on */
    /* Calls that are answered and not told. */
    struct transaction_call *answered;
    struct env_task telling;
    /* A walk over all ids: of a new leader, or for those that nobody uses any more. */
    bool taking_over;
    struct group_timer sweep_due;
    struct transaction_cursor sweeping; /* not open: it is not under way */
    struct env_task sweep;
    struct log_limiter limiter;
};

/* What an id is at. */
enum transaction_doing {
    TRANSACTION_AT_REST,
    TRANSACTION_TAKING_ID,
    TRANSACTION_WRITING,
    TRANSACTION_MARKING, /* markers are under way */
    TRANSACTION_PAUSING, /* what it wants itself is tried again when `pause` is over */
};

/* Of the leader; only of ids that are at something. */
struct transaction_work {
    struct transaction *row;
    struct transaction_work *next, *prev;
    struct transaction_call *waiting; /* oldest first */
    size_t waiting_count;
    enum transaction_doing doing;
    struct transaction_call *runs; /* whose decision that is, a list; NULL: the coordinator's own */
    bool judges_again;             /* behind what is written `runs`, then one, waits again */
    bool running;                  /* steps are being taken */
    bool in_doubt;
    bool is_due;    /* the transaction has lasted too long */
    bool is_marked; /* all partitions have their markers */
    bool expires;   /* nobody has used the id for long: its end is tried once */
    int64_t new_id; /* a producer id that was taken for it; -1 */
    struct coordinator_write write;
    struct producer_id_wait id_wait;
    struct marker_order order;
    struct marker_topic *order_topics;
    struct group_timer timeout; /* of the transaction */
    struct group_timer pause;
};

struct transaction {
    struct transaction_table *table;
    struct kp_string id; /* its own copy */
    UT_hash_handle hh;
    struct transaction_state *state; /* hard; NULL: no record */
    struct timer_entry began;        /* in `open` */
    size_t charged;                  /* of the memory of all coordinators */
    uint64_t heard_us; /* the latest connection to this broker on which its producer was heard */
    struct transaction_work *work; /* NULL: none */
};

/* ---- Rows (transaction_table.c) ---- */

void transaction_table_init(struct transaction_table *table,
                            const struct transaction_coordinator_options *options,
                            struct coordinator_log *log);
/* Drops all rows; it does not lead. */
void transaction_table_close(struct transaction_table *table);

struct transaction *transaction_find(const struct transaction_table *table, struct kp_string id);
struct transaction *transaction_make(struct transaction_table *table, struct kp_string id);
/* Whether there is no memory for more: an id that is not known yet, or partitions of one that is.
 */
bool transaction_memory_spent(const struct transaction_table *table, bool known);
struct transaction_work *transaction_work_of(struct transaction *row); /* made if there is none */
void transaction_work_free(struct transaction *row);
/* Drops work that is at nothing, and then the row if it has no state. It may be gone then. */
void transaction_settle(struct transaction *row);
/* Another state, taken over; NULL: none any more. */
void transaction_set_state(struct transaction *row, struct transaction_state *state);

void transaction_cursor_open(struct transaction_cursor *cursor, struct transaction_table *table);
struct transaction *transaction_cursor_next(struct transaction_cursor *cursor);
void transaction_cursor_close(struct transaction_cursor *cursor); /* nothing if not open */

/* ---- Steps (transaction_steps.c) ---- */

/* Takes the steps that can be taken. The row may be gone then. */
void transaction_go_on(struct transaction *row);

/* ---- What it waits for (transaction_waits.c); then it goes on ---- */

enum { TRANSACTION_RECORDS_MOST = 2 };
/* Its decision: writes the records, one behind the other, in one batch; `count` 0: that the id is
 * gone. `runs` may be NULL. */
void transaction_write(struct transaction *row, const struct transaction_state *const *next,
                       size_t count, struct transaction_call *runs);
/* Its own wish failed, or must wait. */
void transaction_pause(struct transaction *row, uint32_t pause_ms);
void transaction_take_id(struct transaction *row, struct transaction_call *runs); /* one */

/* ---- Ends (transaction_ends.c) ---- */

/* Of a prepared one, at rest, with partitions; then `is_marked`, and it goes on. */
void transaction_send_markers(struct transaction *row);
void transaction_end_cancel(struct transaction *row);

/* ---- Time (transaction_clock.c) ---- */

/* It was not Ongoing before, and is now: its time runs. `left_ms`: what there is of it. */
void transaction_clock_start(struct transaction *row, uint64_t left_ms);
void transaction_clock_stop(struct transaction *row);
/* What is left to a transaction of whose beginning only the record tells. */
uint64_t transaction_time_left_ms(const struct transaction *row);

/* ---- Walks of the leader (transaction_sweep.c) ---- */

void transaction_sweep_leading(struct transaction_table *table);
void transaction_sweep_lost(struct transaction_table *table);

/* ---- Calls (transaction_call.c) ---- */

void transaction_call_answer(struct transaction_table *table, struct transaction_call *call,
                             int16_t error);
/* With a verdict's answer: at once, or when a majority has confirmed. */
void transaction_call_conclude(struct transaction_table *table, struct transaction_call *call,
                               const struct transaction_verdict *verdict);
void transaction_call_wait(struct transaction *row, struct transaction_call *call, bool first);
void transaction_calls_refuse(struct transaction *row, int16_t error); /* that wait */
void transaction_calls_tell(struct transaction_table *table);

#endif
