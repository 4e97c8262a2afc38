/* Between the decision and its completion: markers to all partitions. */
#include "base/container_of.h"
#include "broker/coordinator/transaction/transaction.h"
#include "protocol/kafka_error.h"

/* A later coordinator than we believe to be, or an administrator, has sent markers. */
enum { FENCED_PAUSE_MS = 1000 };

static void on_marked(struct marker_order *order, int16_t error) {
    struct transaction_work *work = CONTAINER_OF(order, struct transaction_work, order);
    struct transaction *row = work->row;
    struct transaction_table *table = row->table;
    mem_free(work->order_topics);
    work->order_topics = NULL;
    if (error == KAFKA_TRANSACTION_COORDINATOR_FENCED) {
        log_limited(table->options.lines, &table->limiter, LOGGED_TRANSACTION_END_STUCK,
                    "a transaction of %.*s is not ended everywhere: a partition has heard from a "
                    "later coordinator of producer %lld; if this line comes again and again, "
                    "somebody has written markers by hand (kafka-transactions abort) with an epoch "
                    "of the coordinator that is too high",
                    (int)row->id.len, row->id.data, (long long)row->state->producer_id);
        transaction_pause(row, FENCED_PAUSE_MS);
        return;
    }
    if (error == KAFKA_INVALID_PRODUCER_EPOCH)
        log_limited(table->options.lines, &table->limiter, LOGGED_TRANSACTION_ENDED_BY_HAND,
                    "a partition knows a later transaction of %.*s than the one that is being "
                    "ended: somebody else has ended it, as kafka-transactions abort does",
                    (int)row->id.len, row->id.data);
    work->is_marked = true;
    work->doing = TRANSACTION_AT_REST;
    row->table->go_on(row);
}

void transaction_send_markers(struct transaction *row) {
    struct transaction_table *table = row->table;
    struct transaction_work *work = row->work;
    const struct transaction_state *state = row->state;
    size_t count = state->partitions.count;
    work->order_topics = mem_alloc(count * sizeof *work->order_topics);
    for (size_t i = 0; i < count; i++) {
        const struct transaction_topic *topic = &state->partitions.topics[i];
        work->order_topics[i] = (struct marker_topic){.name = topic->name.data,
                                                      .name_len = (size_t)topic->name.len,
                                                      .partitions = topic->partitions,
                                                      .partition_count = topic->count};
    }
    work->order = (struct marker_order){.producer_id = state->producer_id,
                                        .producer_epoch = state->epoch,
                                        .coordinator_epoch = coordinator_log_epoch(table->log),
                                        .transaction_version = (int8_t)state->client_version,
                                        .commit = state->status == TRANSACTION_PREPARE_COMMIT,
                                        .topics = work->order_topics,
                                        .topic_count = count,
                                        .done = on_marked};
    work->doing = TRANSACTION_MARKING;
    table->options.mark(table->options.arg, &work->order);
}

void transaction_end_cancel(struct transaction *row) {
    struct transaction_work *work = row->work;
    if (work->order_topics == NULL) return;
    row->table->options.mark_cancel(row->table->options.arg, &work->order);
    mem_free(work->order_topics);
    work->order_topics = NULL;
}
