/* The set's list of rows that are not open, their order, and the end of a row. Invariant: a row
 * that is not open is in the list, once. */
#include "base/mem.h"
#include "broker/partition_set/partition_set_internal.h"

void partition_set_list_unopened(struct row *row) {
    struct partition_set *set = row->set;
    row->prev = set->last_unopened;
    row->next = NULL;
    *(row->prev != NULL ? &row->prev->next : &set->unopened) = row;
    set->last_unopened = row;
    if (set->next_waiting == NULL) set->next_waiting = row;
}

void partition_set_unlist_unopened(struct row *row) {
    struct partition_set *set = row->set;
    if (set->next_waiting == row) set->next_waiting = row->next;
    *(row->prev != NULL ? &row->prev->next : &set->unopened) = row->next;
    *(row->next != NULL ? &row->next->prev : &set->last_unopened) = row->prev;
    row->next = row->prev = NULL;
}

/* It comes in front of those that may be opened. Its own files may still be removed: then it is
 * passed over again. */
void partition_set_ask_for(struct partition_set *set, uint64_t group) {
    struct row *row;
    HASH_FIND(hh, set->rows, &group, sizeof group, row);
    if (row == NULL || row->state != ROW_WAITING || row == set->next_waiting) return;
    partition_set_unlist_unopened(row);
    struct row *behind = set->next_waiting;
    if (behind == NULL) {
        partition_set_list_unopened(row);
        return;
    }
    row->next = behind;
    row->prev = behind->prev;
    *(row->prev != NULL ? &row->prev->next : &set->unopened) = row;
    behind->prev = row;
    set->next_waiting = row;
}

/* Not sooner behind its last try than the first pause is: on a disk that gives other bytes each
 * time it may be mended for ever. */
void partition_set_mended(struct partition_set *set, uint64_t group) {
    struct row *row;
    uint64_t now_ms = env_now_ms(set->env);
    HASH_FIND(hh, set->rows, &group, sizeof group, row);
    if (row == NULL || row->state != ROW_CLOSED || row->pause_ms <= TRY_AGAIN_FIRST_MS) return;
    uint64_t at_ms = row->try_at_ms - row->pause_ms + TRY_AGAIN_FIRST_MS;
    row->try_at_ms = at_ms > now_ms ? at_ms : now_ms; /* the timer looks as often as that */
    if (row->try_at_ms > now_ms) return;
    row->state = ROW_WAITING;
    set->next_waiting = set->unopened;
    env_defer(set->env, &set->go_on);
}

void partition_set_drop_row(struct row *row, bool deleted) {
    struct partition_set *set = row->set;
    partition_walks_pass(set, row);
    HASH_DELETE(hh, set->rows, row);
    if (row->state == ROW_OPEN) {
        set->open_count--;
        if (set->counter != NULL)
            set->counter->closing(set->counter->arg, row->group, row->partition);
        partition_close(row->partition, deleted);
    } else {
        partition_set_unlist_unopened(row);
    }
    mem_free(row);
}
