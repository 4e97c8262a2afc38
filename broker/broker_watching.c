/*
 * Who looks at the parts of a broker that are open: lag of groups and its causes, sums over
 * partitions, what happens.
 */
#include "broker/api/fetch_sessions.h"
#include "broker/broker_internal.h"

static uint64_t session_used_ms(void *arg, int32_t session_id) {
    const struct broker *broker = arg;
    return fetch_sessions_used_ms(broker->fetch_sessions, session_id);
}

void broker_open_watchers(struct broker *broker) {
    broker->lag_exchange = lag_exchange_new(
        &(struct lag_exchange_options){.env = broker->env,
                                       .node = broker->settings->node_id,
                                       .leaders = broker->leaders,
                                       .partitions = broker->partitions,
                                       .messages = broker->messages});
    broker->observed.cluster = &broker->record;
    broker->observed.metadata = broker->metadata;
    broker->observed.metadata_group = broker->metadata_group;
    broker->observed.leaders = broker->leaders;
    broker->observed.partitions = broker->partitions;
    broker->observed.coordinators = broker->group_coordinators;
    broker->observed.transactions = broker->transaction_coordinators;
    broker->observed.transaction_counts = &broker->transaction_counts;
    broker->observed.markers = broker->marker_sender;
    broker->observed.letters = broker->letter_mover;
    broker->observed.lag_exchange = broker->lag_exchange;
    broker->observed.causes = group_causes_new(
        &(struct group_causes_options){.exchange = {.env = broker->env,
                                                    .node = broker->settings->node_id,
                                                    .leaders = broker->leaders,
                                                    .partitions = broker->partitions,
                                                    .messages = broker->messages,
                                                    .session_used_ms = session_used_ms,
                                                    .sessions = broker},
                                       .metadata = broker->metadata,
                                       .coordinators = broker->group_coordinators});
    broker->observed.tally = tally_new(&(struct tally_options){.env = broker->env,
                                                               .node = broker->settings->node_id,
                                                               .metadata = broker->metadata,
                                                               .leaders = broker->leaders,
                                                               .partitions = broker->partitions});
    broker->observed.group_memory = &broker->group_memory.budget;
    broker->observed.rebalance_us = &broker->rebalance_us;
    broker->recorder = recorder_new(&broker->observed, broker->metadata, broker->timeline);
}

void broker_close_watchers(struct broker *broker) {
    recorder_free(broker->recorder);
    tally_free(broker->observed.tally);
    group_causes_free(broker->observed.causes);
    lag_exchange_free(broker->lag_exchange);
    broker->recorder = NULL;
    broker->observed.tally = NULL;
    broker->observed.causes = NULL;
    broker->lag_exchange = NULL;
}
