/*
 * Orders: from the names of their partitions to rows of the routes, and their ends.
 *
 *   begin -> in line -> (each partition looked up, and routed) -> sent -> (the last one is through)
 *         -> ended -> done
 */
#include "broker/markers/marker_sender.h"

#include <inttypes.h>
#include <stdio.h>

#include <utlist.h>

#include "base/check.h"
#include "base/container_of.h"
#include "base/mem.h"
#include "base/mutant.h"
#include "broker/markers/marker_sender_internal.h"
#include "protocol/kafka_error.h"

enum {
    PIECE = 64,      /* partitions between two looks at the clock */
    LATE_MS = 10000, /* that long an order may take before the log is told */
};

/* ---- Ends ---- */

static void to_stage(struct marker_order *order, int stage) {
    struct marker_sender *sender = order->sender;
    DL_DELETE(sender->orders[order->stage], order);
    order->stage = stage;
    DL_APPEND(sender->orders[order->stage], order);
    if (stage == MARKER_ORDER_ENDED) env_defer(sender->options.env, &sender->tell_task);
}

static void order_leave(struct marker_order *order) {
    struct marker_sender *sender = order->sender;
    DL_DELETE(sender->orders[order->stage], order);
    order->sender = NULL;
    if (--sender->order_count == 0) env_timer_stop(sender->late_timer);
}

static void tell(struct env_task *task) {
    struct marker_sender *sender = CONTAINER_OF(task, struct marker_sender, tell_task);
    struct marker_order *order;
    while ((order = sender->orders[MARKER_ORDER_ENDED]) != NULL) {
        order_leave(order);
        order->done(order, order->error);
    }
}

static void end_if_over(struct marker_order *order) {
    if (order->stage == MARKER_ORDER_SENT && order->markers == NULL)
        to_stage(order, MARKER_ORDER_ENDED);
}

/* Out of its order, which may be over then. */
static struct marker_order *take_out(struct marker *marker) {
    struct marker_order *order = marker->order;
    struct marker_sender *sender = order->sender;
    DL_DELETE2(order->markers, marker, left, right);
    marker->order = NULL;
    sender->marker_count--;
    if (sender->orders[MARKER_ORDER_IN_LINE] != NULL)
        env_defer(sender->options.env, &sender->look_task);
    return order;
}

static struct marker **unknown_list(struct marker_sender *sender, const struct marker *marker) {
    return marker->called ? &sender->asked : &sender->unknown;
}

static void give_up(struct marker *marker) {
    struct marker_sender *sender = marker->order->sender;
    take_out(marker);
    if (marker->row != NULL) {
        marker_unroute(sender, marker);
        return;
    }
    struct marker **list = unknown_list(sender, marker);
    DL_DELETE(*list, marker);
    mem_free(marker);
}

static void marker_through(struct marker *marker) {
    struct marker_order *order = take_out(marker);
    mem_free(marker);
    while (MUTANT(MUTANT_COMPLETED_EARLY) && order->markers != NULL)
        give_up(order->markers);
    end_if_over(order);
}

static void marker_order_fail(struct marker_order *order, int16_t error) {
    while (order->markers != NULL)
        give_up(order->markers);
    order->error = error;
    to_stage(order, MARKER_ORDER_ENDED);
}

/* ---- From names to partitions ---- */

/* NULL: the table does not have it. */
static const struct metadata_partition *partition_named(const struct marker_order *order,
                                                        size_t topic, int32_t partition) {
    const struct marker_topic *named = &order->topics[topic];
    const struct metadata_topic *found = metadata_topic_named(order->sender->options.metadata,
                                                              named->name, named->name_len);
    return found == NULL ? NULL : metadata_partition_at(found, partition);
}

static void ask(struct marker_sender *sender) {
    struct marker *marker;
    if (sender->asking || sender->unknown == NULL) return;
    sender->asked = sender->unknown;
    sender->unknown = NULL;
    DL_FOREACH(sender->asked, marker) marker->called = true;
    sender->asking = true;
    sender->options.ask(sender->options.ask_arg, &sender->question);
}

/* Known: what the table does not have now is gone. */
static void answered(struct producer_ids_ask *question, bool known) {
    struct marker_sender *sender = CONTAINER_OF(question, struct marker_sender, question);
    struct marker *marker;
    sender->asking = false;
    while ((marker = sender->asked) != NULL) {
        const struct metadata_partition *found = partition_named(marker->order, marker->topic,
                                                                 marker->partition);
        DL_DELETE(sender->asked, marker);
        marker->called = false;
        if (found != NULL)
            marker_route(sender, marker, found->group);
        else if (known)
            marker_through(marker);
        else
            DL_APPEND(sender->unknown, marker);
    }
    ask(sender);
}

static void look_up(struct marker_order *order, size_t topic, int32_t partition) {
    struct marker_sender *sender = order->sender;
    const struct metadata_partition *found = partition_named(order, topic, partition);
    struct marker *marker = mem_zalloc(sizeof *marker);
    marker->order = order;
    marker->topic = topic;
    marker->partition = partition;
    sender->marker_count++;
    DL_APPEND2(order->markers, marker, left, right);
    if (found != NULL) {
        marker_route(sender, marker, found->group);
        return;
    }
    DL_APPEND(sender->unknown, marker);
    ask(sender);
}

/* False: that was the last one. */
static bool look_up_next(struct marker_order *order) {
    while (order->topic_at < order->topic_count &&
           order->partition_at == order->topics[order->topic_at].partition_count) {
        order->topic_at++;
        order->partition_at = 0;
    }
    if (order->topic_at == order->topic_count) return false;
    look_up(order, order->topic_at,
            order->topics[order->topic_at].partitions[order->partition_at++]);
    return true;
}

static void look(struct env_task *task) {
    struct marker_sender *sender = CONTAINER_OF(task, struct marker_sender, look_task);
    struct marker_order *order;
    while ((order = sender->orders[MARKER_ORDER_IN_LINE]) != NULL) {
        bool more = true;
        for (int i = 0; i < PIECE && more; i++) {
            if (sender->marker_count >= MARKERS_MOST) return; /* until one is through */
            more = look_up_next(order);
        }
        if (!more) {
            to_stage(order, MARKER_ORDER_SENT);
            end_if_over(order);
        }
        if (env_turn_is_long(sender->options.env)) {
            env_yield(sender->options.env, &sender->look_task);
            return;
        }
    }
}

void marker_order_begin(struct marker_sender *sender, struct marker_order *order) {
    CHECK(order->producer_id >= 0 && order->producer_epoch >= 0); /* the coordinator gave them */
    order->sender = sender;
    order->stage = MARKER_ORDER_IN_LINE;
    order->topic_at = order->partition_at = 0;
    order->markers = NULL;
    order->error = KAFKA_NONE;
    order->told_late = false;
    order->began_ms = env_now_ms(sender->options.env);
    DL_APPEND(sender->orders[MARKER_ORDER_IN_LINE], order);
    if (sender->order_count++ == 0) env_timer_start(sender->late_timer, LATE_MS * UINT64_C(1000));
    env_defer(sender->options.env, &sender->look_task);
}

void marker_order_cancel(struct marker_order *order) {
    if (order->sender == NULL) return;
    while (order->markers != NULL)
        give_up(order->markers);
    order_leave(order);
}

/* ---- What takes long ---- */

static void tell_late(struct marker_order *order, uint64_t now_ms) {
    struct marker_sender *sender = order->sender;
    const struct marker *marker = order->markers;
    const struct marker_topic *topic = &order->topics[marker->topic];
    struct leader leader = {.node = LEADER_NONE};
    char why[120];
    if (marker->row != NULL) leader = leader_table_get(sender->options.leaders, marker->row->group);
    if (marker->row == NULL)
        snprintf(why, sizeof why,
                 "this broker does not know the partition, and no majority of the "
                 "metadata can be asked whether there is one");
    else if (leader.node == LEADER_NONE)
        snprintf(why, sizeof why, "no broker leads it");
    else if (marker->row->code == KAFKA_NONE)
        snprintf(why, sizeof why, "broker %" PRId32 ", which leads it, does not answer",
                 leader.node);
    else
        snprintf(why, sizeof why, "broker %" PRId32 ", which leads it, answers with error %d",
                 leader.node, marker->row->code);
    order->told_late = true;
    log_event(sender->options.log, LOGGED_TRANSACTION_MARKER_LATE,
              "a transaction of producer %" PRId64 " was %s %" PRIu64 " s ago, and %.*s-%" PRId32
              " has not taken it in: %s; those who read committed records wait there until it has",
              order->producer_id, order->commit ? "committed" : "aborted",
              (now_ms - order->began_ms) / 1000, (int)topic->name_len, topic->name,
              marker->partition, why);
}

/* One a tick, the oldest that was not told of: many are late for one reason. */
static void on_late_timer(void *arg) {
    struct marker_sender *sender = arg;
    uint64_t now_ms = env_now_ms(sender->options.env);
    struct marker_order *order = sender->orders[MARKER_ORDER_SENT];
    while (order != NULL && order->told_late)
        order = order->next;
    if (order != NULL && now_ms - order->began_ms >= LATE_MS) tell_late(order, now_ms);
    env_timer_start(sender->late_timer, LATE_MS * UINT64_C(1000));
}

/* ---- Life ---- */

struct marker_sender *marker_sender_new(const struct marker_sender_options *options) {
    struct marker_sender *sender = mem_zalloc(sizeof *sender);
    sender->options = *options;
    sender->look_task.run = look;
    sender->tell_task.run = tell;
    sender->late_timer = env_timer_new(options->env, on_late_timer, sender);
    sender->question.done = answered;
    sender->through = marker_through;
    sender->fail = marker_order_fail;
    marker_routes_open(sender);
    return sender;
}

void marker_sender_free(struct marker_sender *sender) {
    if (sender == NULL) return;
    for (int stage = 0; stage <= MARKER_ORDER_ENDED; stage++)
        while (sender->orders[stage] != NULL)
            marker_order_cancel(sender->orders[stage]);
    if (sender->asking) sender->options.ask_cancel(sender->options.ask_arg, &sender->question);
    marker_routes_close(sender);
    env_defer_cancel(sender->options.env, &sender->look_task);
    env_defer_cancel(sender->options.env, &sender->tell_task);
    env_timer_free(sender->late_timer);
    mem_free(sender);
}

size_t marker_sender_orders(const struct marker_sender *sender) {
    return sender->order_count;
}

size_t marker_sender_markers(const struct marker_sender *sender) {
    return sender->marker_count;
}
