/*
 * The table of leaders: rows by group, announcements out and in, and who waits for leaders.
 *
 * An announcement, big-endian: u8 format, i32 rows, then for each: i64 group, i32 term, u8 leads,
 * i32 n, n x i32 node (in sync). Large tables go in several of them.
 */
#include "broker/cluster/leader_table.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "broker/config/broker_settings.h"
#include "protocol/wire.h"

#include <uthash.h>
#include <utlist.h>

enum { FORMAT = 1, ROWS_AT_ONCE = 2000, ROW_MIN_SIZE = 17, IN_SYNC_MAX = 64 };

struct row {
    uint64_t group;
    log_term term;
    int32_t node; /* LEADER_NONE: nobody at present */
    int32_t *in_sync;
    size_t in_sync_count;
    bool own;     /* this broker said it last: it announces it */
    bool changed; /* since the last announcement: in the table's list */
    struct row *next, *prev;
    uint64_t doubt_until_ms;
    UT_hash_handle hh;
};

struct leader_table {
    struct env *env;
    struct log *log;
    int32_t node;
    leader_table_send *send;
    void *arg;
    struct row *rows, *changed;
    struct leader_wait *waits, *next_wait; /* next_wait: of the walk that is under way */
    int32_t *peers;                        /* that were ever up */
    size_t peer_count, peer_room;
    bool any_new;
    uint64_t doubt_until_ms; /* the latest of all rows */
    struct env_task task;
    struct log_limiter limiter;
    struct leader_watch *watches;
};

void leader_table_watch(struct leader_table *table, struct leader_watch *watch) {
    DL_APPEND(table->watches, watch);
}

void leader_table_unwatch(struct leader_table *table, struct leader_watch *watch) {
    DL_DELETE(table->watches, watch);
}

static void tell_watches(const struct leader_table *table, uint64_t group) {
    const struct leader_watch *watch;
    DL_FOREACH(table->watches, watch) watch->changed(watch->arg, group);
}

/* ---- Doubt ---- */

static void doubt(struct leader_table *table, struct row *row) {
    row->doubt_until_ms = table->doubt_until_ms = env_now_ms(table->env) + LEADER_DOUBT_MS;
}

bool leader_table_in_doubt(const struct leader_table *table) {
    return env_now_ms(table->env) < table->doubt_until_ms;
}

uint32_t leader_table_doubt_ms(const struct leader_table *table, uint64_t group) {
    const struct row *row;
    HASH_FIND(hh, table->rows, &group, sizeof group, row);
    return row == NULL ? 0 : env_ms_until(table->env, row->doubt_until_ms);
}

/* ---- Waiting ---- */

static void remove_wait(struct leader_wait *wait) {
    if (wait->table->next_wait == wait) wait->table->next_wait = wait->next;
    DL_DELETE(wait->table->waits, wait);
    env_timer_free(wait->timer);
    mem_free(wait->groups);
    wait->table = NULL;
}

static void end_wait(struct leader_wait *wait, int error) {
    remove_wait(wait);
    wait->done(wait, error);
}

static bool is_led(const struct leader_table *table, const struct leader_wait *wait,
                   uint64_t group) {
    struct leader leader = leader_table_get(table, group);
    return leader.node != LEADER_NONE && leader.term > wait->term_above &&
           leader_table_doubt_ms(table, group) == 0;
}

/* Begins where it ended in vain the last time: many wait for thousands of groups, which come one by
 * one. */
static bool all_led(const struct leader_table *table, struct leader_wait *wait) {
    for (size_t i = 0; i < wait->group_count; i++) {
        if (!is_led(table, wait, wait->groups[wait->next_group])) return false;
        wait->next_group = (wait->next_group + 1) % wait->group_count;
    }
    return true;
}

/* `done` may begin waits, which come last, and cancel any. */
static void end_waits(struct leader_table *table) {
    struct leader_wait *wait;
    for (table->next_wait = table->waits; (wait = table->next_wait) != NULL;) {
        table->next_wait = wait->next;
        if (all_led(table, wait)) end_wait(wait, ERR_NONE);
    }
}

static void on_wait_over(void *arg) {
    end_wait(arg, ERR_TIMEOUT);
}

void leader_table_wait(struct leader_table *table, struct leader_wait *wait, const uint64_t *groups,
                       size_t count, uint32_t timeout_ms) {
    wait->groups = mem_alloc((count + 1) * sizeof *groups);
    if (count > 0) memcpy(wait->groups, groups, count * sizeof *groups);
    wait->group_count = count;
    wait->next_group = 0;
    wait->table = table;
    wait->timer = env_timer_new(table->env, on_wait_over, wait);
    env_timer_start(wait->timer, (uint64_t)timeout_ms * 1000);
    DL_APPEND(table->waits, wait);
    table->any_new = true;
    env_defer(table->env, &table->task);
}

void leader_table_wait_cancel(struct leader_wait *wait) {
    if (wait->table != NULL) remove_wait(wait);
}

/* ---- Announcing ---- */

static void write_row(struct kp_writer *writer, const struct row *row, int32_t own_node) {
    bool leads = row->node == own_node;
    kp_write_int64(writer, (int64_t)row->group);
    kp_write_int32(writer, (int32_t)row->term);
    kp_write_bool(writer, leads);
    kp_write_int32(writer, leads ? (int32_t)row->in_sync_count : 0);
    for (size_t i = 0; leads && i < row->in_sync_count; i++)
        kp_write_int32(writer, row->in_sync[i]);
}

static struct slice table_take(struct kp_writer *writer, int32_t rows) {
    uint8_t *data;
    size_t len;
    kp_patch_int32(writer, 1, rows);
    int error = kp_writer_take(writer, &data, &len);
    CHECK(error == ERR_NONE); /* ROWS_AT_ONCE rows fit into the writer */
    return slice_adopt(NULL, data, len);
}

static void send_to(struct leader_table *table, int32_t only_node, struct slice announcement) {
    for (size_t i = 0; i < table->peer_count; i++)
        if (only_node == LEADER_NONE || table->peers[i] == only_node)
            table->send(table->arg, table->peers[i], slice_ref(announcement));
    slice_unref(&announcement);
}

/* An announcement being put together, for that node or everybody. */
struct announcement {
    struct leader_table *table;
    int32_t only_node, rows;
    struct kp_writer writer;
};

static void announcement_end(struct announcement *to) {
    if (to->rows > 0) send_to(to->table, to->only_node, table_take(&to->writer, to->rows));
    to->rows = 0;
}

static void announcement_add(struct announcement *to, const struct row *row) {
    if (to->rows == 0) {
        kp_writer_init(&to->writer, (size_t)1 << 24);
        kp_write_int8(&to->writer, FORMAT);
        kp_write_int32(&to->writer, 0);
    }
    write_row(&to->writer, row, to->table->node);
    if (++to->rows == ROWS_AT_ONCE) announcement_end(to);
}

static void unlist_changed(struct leader_table *table, struct row *row) {
    if (row->changed) DL_DELETE(table->changed, row);
    row->changed = false;
}

static void announce_changed(struct leader_table *table) {
    struct announcement to = {.table = table, .only_node = LEADER_NONE};
    while (table->changed != NULL) {
        struct row *row = table->changed;
        unlist_changed(table, row);
        announcement_add(&to, row);
    }
    announcement_end(&to);
}

static void announce_all_to(struct leader_table *table, int32_t node) {
    struct announcement to = {.table = table, .only_node = node};
    for (const struct row *row = table->rows; row != NULL; row = row->hh.next)
        if (row->own && row->node == table->node) announcement_add(&to, row);
    announcement_end(&to);
}

static void on_task(struct env_task *task) {
    struct leader_table *table = CONTAINER_OF(task, struct leader_table, task);
    announce_changed(table);
    if (table->any_new) {
        table->any_new = false;
        end_waits(table);
    }
}

static void table_changed(struct leader_table *table, struct row *row) {
    if (!row->changed) DL_APPEND(table->changed, row);
    row->changed = row->own = true;
    table->any_new = true;
    env_defer(table->env, &table->task);
    tell_watches(table, row->group);
}

/* ---- Rows ---- */

static struct row *table_find(const struct leader_table *table, uint64_t group) {
    struct row *row;
    HASH_FIND(hh, table->rows, &group, sizeof group, row);
    return row;
}

static struct row *find_or_add(struct leader_table *table, uint64_t group) {
    struct row *row = table_find(table, group);
    if (row != NULL) return row;
    row = mem_zalloc(sizeof *row);
    row->group = group;
    row->node = LEADER_NONE;
    HASH_ADD(hh, table->rows, group, sizeof row->group, row);
    return row;
}

static void set_in_sync(struct row *row, const int32_t *nodes, size_t count) {
    if (count != row->in_sync_count)
        row->in_sync = mem_realloc(row->in_sync, (count + 1) * sizeof *nodes);
    if (count > 0) memcpy(row->in_sync, nodes, count * sizeof *nodes);
    row->in_sync_count = count;
}

struct leader_table *leader_table_new(struct env *env, struct log *log, int32_t own_node,
                                      leader_table_send *send, void *arg) {
    struct leader_table *table = mem_zalloc(sizeof *table);
    table->env = env;
    table->log = log;
    table->node = own_node;
    table->send = send;
    table->arg = arg;
    table->task.run = on_task;
    return table;
}

static void free_row(struct leader_table *table, struct row *row) {
    unlist_changed(table, row);
    HASH_DELETE(hh, table->rows, row);
    mem_free(row->in_sync);
    mem_free(row);
}

void leader_table_free(struct leader_table *table) {
    if (table == NULL) return;
    while (table->waits != NULL)
        end_wait(table->waits, ERR_CANCELED);
    while (table->rows != NULL)
        free_row(table, table->rows);
    env_defer_cancel(table->env, &table->task);
    mem_free(table->peers);
    mem_free(table);
}

struct leader leader_table_get(const struct leader_table *table, uint64_t group) {
    const struct row *row = table_find(table, group);
    if (row == NULL) return (struct leader){.node = LEADER_NONE};
    return (struct leader){.node = row->node,
                           .term = row->term,
                           .in_sync = row->in_sync,
                           .in_sync_count = row->in_sync_count};
}

size_t leader_table_led_by(const struct leader_table *table, int32_t node) {
    size_t count = 0;
    for (const struct row *row = table->rows; row != NULL; row = row->hh.next)
        count += row->node == node;
    return count;
}

void leader_table_lead(struct leader_table *table, uint64_t group, log_term term,
                       const int32_t *in_sync, size_t count) {
    struct row *row = find_or_add(table, group);
    if (term < row->term) return; /* somebody leads a later term already; we shall hear of it */
    row->term = term;
    row->node = table->node;
    row->doubt_until_ms = 0;
    set_in_sync(row, in_sync, count);
    table_changed(table, row);
}

void leader_table_lost(struct leader_table *table, uint64_t group) {
    struct row *row = table_find(table, group);
    if (row == NULL || row->node != table->node) return;
    row->node = LEADER_NONE;
    doubt(table, row);
    table_changed(table, row);
}

void leader_table_forget(struct leader_table *table, uint64_t group) {
    struct row *row = table_find(table, group);
    if (row != NULL) free_row(table, row);
    tell_watches(table, group);
}

/* ---- From the peers ---- */

void leader_table_peer_up(struct leader_table *table, int32_t node) {
    size_t at = 0;
    while (at < table->peer_count && table->peers[at] != node)
        at++;
    if (at == table->peer_count) {
        table->peers = mem_grow(table->peers, table->peer_count, &table->peer_room,
                                sizeof *table->peers);
        table->peers[table->peer_count++] = node;
    }
    for (struct row *row = table->rows; row != NULL; row = row->hh.next) {
        if (row->node != node || row->doubt_until_ms == 0) continue;
        row->doubt_until_ms = 0;
        table->any_new = true;
    }
    if (table->any_new) env_defer(table->env, &table->task);
    announce_all_to(table, node);
}

void leader_table_peer_dead(struct leader_table *table, int32_t node) {
    for (struct row *row = table->rows; row != NULL; row = row->hh.next) {
        if (row->node != node) continue;
        row->node = LEADER_NONE;
        doubt(table, row);
        tell_watches(table, row->group);
    }
}

void leader_table_peer_down(struct leader_table *table, int32_t node) {
    for (struct row *row = table->rows; row != NULL; row = row->hh.next)
        if (row->node == node) doubt(table, row);
}

static void table_hear(struct leader_table *table, int32_t node, uint64_t group, log_term term,
                       bool leads, const int32_t *in_sync, size_t count) {
    struct row *row = table_find(table, group);
    if (row == NULL && !leads) return;
    if (row == NULL && HASH_COUNT(table->rows) >= BROKER_PARTITIONS_MOST) {
        log_limited(table->log, &table->limiter, LOGGED_LEADERS_TOO_MANY,
                    "broker %" PRId32 " leads more groups than there can be; group %" PRIu64
                    " is left out",
                    node, group);
        return;
    }
    row = find_or_add(table, group);
    if (term < row->term) return;
    if (!leads) {
        if (row->node != node) return;
        row->node = LEADER_NONE;
        doubt(table, row);
        tell_watches(table, group);
        return;
    }
    if (term == row->term && row->node != LEADER_NONE && row->node != node) {
        log_limited(table->log, &table->limiter, LOGGED_TWO_LEADERS,
                    "brokers %" PRId32 " and %" PRId32 " both say that they lead group %" PRIu64
                    " in term %" PRIu32,
                    row->node, node, group, term);
        return;
    }
    row->term = term;
    row->node = node;
    unlist_changed(table, row);
    row->own = false;
    row->doubt_until_ms = 0;
    set_in_sync(row, in_sync, count);
    table->any_new = true;
    tell_watches(table, group);
}

void leader_table_receive(struct leader_table *table, int32_t node,
                          const struct slice *announcement) {
    struct kp_reader reader;
    kp_reader_init(&reader, announcement->data, announcement->len);
    bool known = kp_read_int8(&reader) == FORMAT;
    int32_t rows = known ? kp_read_count(&reader, false, false, ROW_MIN_SIZE) : 0;
    for (int32_t i = 0; i < rows && reader.error == ERR_NONE; i++) {
        int32_t in_sync[IN_SYNC_MAX];
        uint64_t group = (uint64_t)kp_read_int64(&reader);
        int32_t term = kp_read_int32(&reader);
        bool leads = kp_read_bool(&reader);
        int32_t count = kp_read_count(&reader, false, false, sizeof(int32_t));
        if (term < 1 || count > IN_SYNC_MAX) kp_reader_fail(&reader, ERR_MALFORMED);
        for (int32_t n = 0; n < count && reader.error == ERR_NONE; n++)
            in_sync[n] = kp_read_int32(&reader);
        if (reader.error == ERR_NONE)
            table_hear(table, node, group, (uint32_t)term, leads, in_sync, (size_t)count);
    }
    if (!known || reader.error != ERR_NONE || kp_reader_left(&reader) > 0)
        log_limited(table->log, &table->limiter, LOGGED_MESSAGE_UNKNOWN,
                    "an announcement of leaders from broker %" PRId32
                    " makes no sense and was dropped",
                    node);
    if (table->any_new) env_defer(table->env, &table->task);
}
