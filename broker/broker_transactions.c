/*
 * What a broker has for transactions: coordinators on __transaction_state, which have their records
 * from its partitions and bring the ends of transactions to others; and the way from its partitions
 * to the coordinators of what is written in them.
 */
#include "base/container_of.h"
#include "broker/broker_internal.h"
#include "broker/config/topic_name.h"
#include "broker/coordinator/transaction/transaction_coordinator.h"
#include "broker/markers/marker_sender.h"
#include "broker/metadata/metadata_features.h"
#include "broker/verification/transaction_asks.h"
#include "broker/verification/transaction_invitations.h"
#include "broker/verification/transaction_judge.h"

static void mark(void *arg, struct marker_order *order) {
    struct broker *broker = arg;
    marker_order_begin(broker->marker_sender, order);
}

static void mark_cancel(void *arg, struct marker_order *order) {
    (void)arg;
    marker_order_cancel(order);
}

static void take_id(void *arg, struct producer_id_wait *wait) {
    struct broker *broker = arg;
    producer_ids_take(broker->producer_ids, wait);
}

static void take_id_cancel(void *arg, struct producer_id_wait *wait) {
    struct broker *broker = arg;
    producer_ids_take_cancel(broker->producer_ids, wait);
}

static void invite(void *arg, const struct producer_invitation *invitation,
                   const struct transaction_partitions *partitions) {
    struct broker *broker = arg;
    transaction_invitations_send(broker->transaction_invitations, broker->partitions, invitation,
                                 partitions);
}

void broker_heard_invitations(struct broker *broker, int32_t node, const struct slice *message) {
    if (broker->transaction_invitations == NULL) return; /* it leads nothing */
    transaction_invitations_receive(broker->transaction_invitations, broker->partitions, node,
                                    message);
}

static int16_t transaction_version(void *arg) {
    struct broker *broker = arg;
    return metadata_feature_level(broker->metadata, FEATURE_TRANSACTION_VERSION);
}

static void *new_coordinator(void *arg, struct coordinator_log *log, int32_t partition) {
    struct broker *broker = arg;
    (void)partition;
    struct transaction_coordinator_options options = {.env = broker->env,
                                                      .lines = &broker->log,
                                                      .settings = broker->settings,
                                                      .memory = &broker->transaction_memory,
                                                      .counts = &broker->transaction_counts,
                                                      .mark = mark,
                                                      .mark_cancel = mark_cancel,
                                                      .invite = invite,
                                                      .take_id = take_id,
                                                      .take_id_cancel = take_id_cancel,
                                                      .version = transaction_version,
                                                      .arg = broker};
    return transaction_coordinator_new(&options, log);
}

void broker_open_transactions(struct broker *broker) {
    budget_init(&broker->transaction_memory, broker->settings->transaction_memory_bytes);
    struct coordinators_options coordinators = {
        .env = broker->env,
        .metadata = broker->metadata,
        .topic = TOPIC_TRANSACTION_STATE,
        .write_timeout_ms = broker->settings->offsets_commit_timeout_ms,
        .type = &transaction_coordinator_state,
        .state_new = new_coordinator,
        .arg = broker};
    broker->transaction_coordinators = coordinators_new(&coordinators);
    broker->transaction_judge = transaction_judge_new(broker->env,
                                                      broker->transaction_coordinators);
    broker->transaction_asks = transaction_asks_new(&(struct transaction_asks_options){
        .env = broker->env,
        .log = &broker->log,
        .node = broker->settings->node_id,
        .metadata = broker->metadata,
        .leaders = broker->leaders,
        .messages = broker->messages,
        .topic = TOPIC_TRANSACTION_STATE,
        .judge = transaction_judge_asker(broker->transaction_judge)});
    broker->transaction_invitations = transaction_invitations_new(
        &(struct transaction_invitations_options){.log = &broker->log,
                                                  .node = broker->settings->node_id,
                                                  .metadata = broker->metadata,
                                                  .leaders = broker->leaders,
                                                  .messages = broker->messages});
}

void broker_close_transactions(struct broker *broker) {
    transaction_asks_free(broker->transaction_asks);
    transaction_judge_free(broker->transaction_judge);
    transaction_invitations_free(broker->transaction_invitations);
    broker->transaction_invitations = NULL;
    broker->transaction_asks = NULL;
    broker->transaction_judge = NULL;
}
