/*
 * Partitions that get markers: to whom, and when again.
 *
 *            leader known                     answered, all taken in
 *   idle ----------------> listed -> called --------------------------> (freed)
 *     `--- nobody leads --> parked <----- not taken in -'
 *                              `-- another leader, or its time --> listed
 *
 * A row is listed at a broker while it has markers that are to be sent; who takes it looks again
 * who leads. Markers of a row may be under way in several calls, but each of them only in one, and
 * it is sent again only when that one is over: on one connection the last copy is the last to
 * arrive, and the order is not through before it is answered.
 */
#include <utlist.h>

#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/markers/marker_sender_internal.h"
#include "protocol/kafka_error.h"

static const uint32_t marker_backoffs_ms[MARKER_BACKOFFS] = {MARKER_RETRY_LEAST_MS, 50, 100,
                                                             MARKER_RETRY_MOST_MS};
static const size_t calls_most[MARKER_LANES] = {MARKER_CALLS_MOST, MARKER_SLOW_CALLS_MOST};

/* One call to a broker. */
struct marker_sending {
    struct marker_call call; /* first */
    struct marker_sender *sender;
    struct marker_peer *peer;
    int lane;
    size_t count;
    struct marker *markers[MARKERS_A_CALL];
    struct marker_sending *next, *prev;
};

/* ---- Where a row is ---- */

static void unplace(struct marker_sender *sender, struct marker_row *row) {
    if (row->place == ROW_LISTED)
        DL_DELETE(row->peer->rows[row->slow], row);
    else if (row->place == ROW_PARKED)
        DL_DELETE(sender->parked[row->parked_at], row);
    row->place = ROW_IDLE;
}

static void start_retry_timer(struct marker_sender *sender) {
    const struct marker_row *first = NULL;
    for (int i = 0; i < MARKER_BACKOFFS; i++) {
        const struct marker_row *row = sender->parked[i];
        if (row != NULL && (first == NULL || row->due_ms < first->due_ms)) first = row;
    }
    if (first != NULL)
        env_timer_start(sender->retry_timer,
                        env_ms_until(sender->options.env, first->due_ms) * UINT64_C(1000));
}

static void park(struct marker_sender *sender, struct marker_row *row) {
    row->place = ROW_PARKED;
    row->parked_at = row->backoff;
    row->due_ms = env_now_ms(sender->options.env) + marker_backoffs_ms[row->backoff];
    if (row->backoff + 1 < MARKER_BACKOFFS) row->backoff++;
    bool first = sender->parked[row->parked_at] == NULL;
    DL_APPEND(sender->parked[row->parked_at], row);
    if (first) start_retry_timer(sender);
}

static struct marker_peer *peer_of(struct marker_sender *sender, int32_t node) {
    struct marker_peer *peer = sender->peers;
    while (peer != NULL && peer->node != node)
        peer = peer->next;
    if (peer != NULL) return peer;
    peer = mem_zalloc(sizeof *peer);
    peer->node = node;
    peer->next = sender->peers;
    sender->peers = peer;
    return peer;
}

static void list(struct marker_sender *sender, struct marker_row *row, int32_t node) {
    row->place = ROW_LISTED;
    row->peer = peer_of(sender, node);
    DL_APPEND(row->peer->rows[row->slow], row);
    env_defer(sender->options.env, &sender->send_task);
}

static void free_if_done(struct marker_sender *sender, struct marker_row *row) {
    if (row->ready != NULL || row->called > 0) return;
    unplace(sender, row);
    HASH_DEL(sender->rows, row);
    mem_free(row);
}

/* The partition was deleted: what was to be ended in it is gone with it. */
static void gone(struct marker_sender *sender, struct marker_row *row) {
    unplace(sender, row);
    while (row->ready != NULL) {
        struct marker *marker = row->ready;
        DL_DELETE(row->ready, marker);
        sender->through(marker);
    }
    free_if_done(sender, row);
}

/* Of one that is idle and has something to be sent. */
static void route(struct marker_sender *sender, struct marker_row *row) {
    if (metadata_partition_of_group(sender->options.metadata, row->group) == NULL) {
        gone(sender, row);
        return;
    }
    struct leader leader = leader_table_get(sender->options.leaders, row->group);
    if (leader.node == LEADER_NONE && MUTANT(MUTANT_LEADERLESS_IS_GONE))
        gone(sender, row);
    else if (leader.node == LEADER_NONE)
        park(sender, row);
    else
        list(sender, row, leader.node);
}

void marker_route(struct marker_sender *sender, struct marker *marker, uint64_t group) {
    struct marker_row *row;
    HASH_FIND(hh, sender->rows, &group, sizeof group, row);
    if (row == NULL) {
        row = mem_zalloc(sizeof *row);
        row->group = group;
        HASH_ADD(hh, sender->rows, group, sizeof row->group, row);
    }
    marker->row = row;
    DL_APPEND(row->ready, marker);
    if (row->place == ROW_IDLE) route(sender, row);
}

void marker_unroute(struct marker_sender *sender, struct marker *marker) {
    struct marker_row *row = marker->row;
    if (marker->called) return; /* settle frees it */
    DL_DELETE(row->ready, marker);
    mem_free(marker);
    if (row->ready == NULL) unplace(sender, row);
    free_if_done(sender, row);
}

/* ---- What came of it ---- */

static bool is_late(int error, int16_t code) {
    return error == ERR_TIMEOUT || (error == ERR_NONE && code == KAFKA_REQUEST_TIMED_OUT);
}

/* Not taken in: later again. */
static void again(struct marker_sender *sender, struct marker *marker, int error, int16_t code) {
    struct marker_row *row = marker->row;
    unplace(sender, row);
    row->slow = is_late(error, code);
    row->code = error == ERR_NONE ? code : KAFKA_NONE;
    DL_APPEND(row->ready, marker);
    park(sender, row);
}

static void taken_in(struct marker_row *row) {
    row->backoff = 0;
    if (row->place != ROW_LISTED) row->slow = false;
}

static void settle(struct marker_sender *sender, struct marker *marker, int error, int16_t code) {
    struct marker_row *row = marker->row;
    struct marker_order *order = marker->order;
    row->called--;
    marker->called = false;
    if (order == NULL) {
        mem_free(marker);
    } else if (error == ERR_NONE && code == KAFKA_TRANSACTION_COORDINATOR_FENCED) {
        DL_APPEND(row->ready, marker); /* from where it goes with the others */
        sender->fail(order, code);
        return;
    } else if (error == ERR_NONE && (code == KAFKA_NONE || code == KAFKA_INVALID_PRODUCER_EPOCH)) {
        if (code != KAFKA_NONE) order->error = code;
        taken_in(row);
        sender->through(marker);
    } else {
        again(sender, marker, error, code);
    }
    free_if_done(sender, row);
}

static void over(struct marker_call *call, int error, const int16_t *codes) {
    struct marker_sending *sending = (struct marker_sending *)call;
    struct marker_sender *sender = sending->sender;
    sending->peer->calls[sending->lane]--;
    DL_DELETE(sender->sendings, sending);
    for (size_t i = 0; i < sending->count; i++)
        settle(sender, sending->markers[i], error, error == ERR_NONE ? codes[i] : KAFKA_NONE);
    if (sending->peer->rows[sending->lane] != NULL)
        env_defer(sender->options.env, &sender->send_task);
    mem_free(sending);
}

/* ---- Sending ---- */

static struct marker_ask ask_of(const struct marker *marker, log_term term) {
    const struct marker_order *order = marker->order;
    return (struct marker_ask){.group = marker->row->group,
                               .term = term,
                               .end = {.producer_id = order->producer_id,
                                       .producer_epoch = order->producer_epoch,
                                       .coordinator_epoch = order->coordinator_epoch,
                                       .commit = order->commit},
                               .raises_epoch = order->transaction_version >= 2};
}

/* What the first row of a lane has, as far as there is room; it is listed there no more, unless it
 * has still more. */
static void take_row(struct marker_sending *sending, struct marker_row *row,
                     struct marker_ask *asks) {
    struct marker_sender *sender = sending->sender;
    struct leader leader = leader_table_get(sender->options.leaders, row->group);
    if (leader.node != sending->peer->node ||
        metadata_partition_of_group(sender->options.metadata, row->group) == NULL) {
        unplace(sender, row);
        route(sender, row);
        return;
    }
    while (row->ready != NULL && sending->count < MARKERS_A_CALL) {
        struct marker *marker = row->ready;
        DL_DELETE(row->ready, marker);
        marker->called = true;
        row->called++;
        asks[sending->count] = ask_of(marker, leader.term);
        sending->markers[sending->count++] = marker;
    }
    if (row->ready == NULL) unplace(sender, row);
}

static void send_one(struct marker_sender *sender, struct marker_peer *peer, int lane) {
    struct marker_ask asks[MARKERS_A_CALL];
    struct marker_sending *sending = mem_zalloc(sizeof *sending);
    sending->call.done = over;
    sending->sender = sender;
    sending->peer = peer;
    sending->lane = lane;
    while (peer->rows[lane] != NULL && sending->count < MARKERS_A_CALL)
        take_row(sending, peer->rows[lane], asks);
    if (sending->count == 0) {
        mem_free(sending);
        return;
    }
    peer->calls[lane]++;
    DL_APPEND(sender->sendings, sending);
    sender->options.road.ask(sender->options.road.arg, &sending->call, peer->node, asks,
                             sending->count);
}

static void send_all(struct env_task *task) {
    struct marker_sender *sender = CONTAINER_OF(task, struct marker_sender, send_task);
    for (struct marker_peer *peer = sender->peers; peer != NULL; peer = peer->next) {
        for (int lane = 0; lane < MARKER_LANES; lane++) {
            while (peer->rows[lane] != NULL && peer->calls[lane] < calls_most[lane]) {
                send_one(sender, peer, lane);
                if (!env_turn_is_long(sender->options.env)) continue;
                env_yield(sender->options.env, &sender->send_task);
                return;
            }
        }
    }
}

/* ---- Again ---- */

static void unpark(struct marker_sender *sender, struct marker_row *row) {
    unplace(sender, row);
    route(sender, row);
}

static void retry(struct env_task *task) {
    struct marker_sender *sender = CONTAINER_OF(task, struct marker_sender, retry_task);
    uint64_t now_ms = env_now_ms(sender->options.env);
    for (int i = 0; i < MARKER_BACKOFFS; i++) {
        while (sender->parked[i] != NULL && sender->parked[i]->due_ms <= now_ms) {
            unpark(sender, sender->parked[i]);
            if (!env_turn_is_long(sender->options.env)) continue;
            env_yield(sender->options.env, &sender->retry_task);
            return;
        }
    }
    start_retry_timer(sender);
}

static void on_retry_timer(void *arg) {
    struct marker_sender *sender = arg;
    env_yield(sender->options.env, &sender->retry_task);
}

static void on_leader(void *arg, uint64_t group) {
    struct marker_sender *sender = arg;
    struct marker_row *row;
    HASH_FIND(hh, sender->rows, &group, sizeof group, row);
    if (row != NULL && row->place == ROW_PARKED) unpark(sender, row);
}

/* ---- Life ---- */

void marker_routes_open(struct marker_sender *sender) {
    sender->send_task.run = send_all;
    sender->retry_task.run = retry;
    sender->retry_timer = env_timer_new(sender->options.env, on_retry_timer, sender);
    sender->watch = (struct leader_watch){.changed = on_leader, .arg = sender};
    leader_table_watch(sender->options.leaders, &sender->watch);
}

static void stop(struct marker_sending *sending) {
    struct marker_sender *sender = sending->sender;
    sender->options.road.cancel(&sending->call);
    for (size_t i = 0; i < sending->count; i++)
        settle(sender, sending->markers[i], ERR_CANCELED, KAFKA_NONE);
    DL_DELETE(sender->sendings, sending);
    mem_free(sending);
}

void marker_routes_close(struct marker_sender *sender) {
    leader_table_unwatch(sender->options.leaders, &sender->watch);
    while (sender->sendings != NULL)
        stop(sender->sendings);
    while (sender->peers != NULL) {
        struct marker_peer *peer = sender->peers;
        sender->peers = peer->next;
        mem_free(peer);
    }
    env_defer_cancel(sender->options.env, &sender->send_task);
    env_defer_cancel(sender->options.env, &sender->retry_task);
    env_timer_free(sender->retry_timer);
}
