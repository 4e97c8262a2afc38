/*
 * Typed values of a broker's settings, and what must fit between several of them.
 *
 * Happy path: rows become fields, lists are sorted. Failures: a sentence on what does not fit.
 */
#include "broker/config/broker_settings.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/io/host_port.h"
#include "broker/config/http_settings.h"
#include "broker/config/listener_settings.h"
#include "broker/config/peer_settings.h"

enum { JOURNAL_FILES = 16, JOURNAL_GRAIN = 4096 };

/* ---- Plain values ---- */

static void read_topic_values(struct broker_settings *into) {
    const struct settings *values = into->values;
    into->metadata_voters = (uint32_t)settings_int(values, "metadata.voters");
    into->num_partitions = (int32_t)settings_int(values, "num.partitions");
    into->max_request_partitions = (uint32_t)settings_int(values, "max.request.partitions");
    into->max_partitions = (uint32_t)settings_int(values, "max.partitions");
    into->max_broker_partitions = (uint32_t)settings_int(values, "max.broker.partitions");
    into->default_replication_factor = (int32_t)settings_int(values, "default.replication.factor");
    into->auto_create_topics = settings_bool(values, "auto.create.topics.enable");
    into->offsets_topic_partitions = (int32_t)settings_int(values, "offsets.topic.num.partitions");
    into->offsets_topic_segment_bytes = settings_text(values, "offsets.topic.segment.bytes");
    into->offsets_topic_replication_factor = (int32_t)settings_int(
        values, "offsets.topic.replication.factor");
    into->offsets_commit_timeout_ms = (uint32_t)settings_int(values, "offsets.commit.timeout.ms");
    into->leader_rebalance = settings_bool(values, "auto.leader.rebalance.enable");
    into->leader_check_interval_s = (uint32_t)settings_int(
        values, "leader.imbalance.check.interval.seconds");
    into->leader_imbalance_percentage = (uint32_t)settings_int(
        values, "leader.imbalance.per.broker.percentage");
    into->min_insync_replicas = (int32_t)settings_int(values, "min.insync.replicas");
    into->message_max_bytes = (int32_t)settings_int(values, "message.max.bytes");
    into->log_compression_lz4 = settings_choice(values, "log.compression") == 0;
    into->producer_id_expiration_ms = (uint64_t)settings_int(values, "producer.id.expiration.ms");
    into->partition_max_producers = (uint32_t)settings_int(values, "partition.max.producers");
}

/* One of the three with its limits. */
static void read_bounded(const struct settings *values, const char *what, uint32_t *value,
                         uint32_t *least, uint32_t *most) {
    static const char *const beginnings[] = {"", "min.", "max."};
    uint32_t *into[] = {value, least, most};
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof name, "group.consumer.%s%s.ms", beginnings[i], what);
        *into[i] = (uint32_t)settings_int(values, name);
    }
}

static void read_consumer_groups(struct broker_settings *into) {
    const struct settings *values = into->values;
    read_bounded(values, "session.timeout", &into->group_consumer_session_timeout_ms,
                 &into->group_consumer_min_session_timeout_ms,
                 &into->group_consumer_max_session_timeout_ms);
    read_bounded(values, "heartbeat.interval", &into->group_consumer_heartbeat_interval_ms,
                 &into->group_consumer_min_heartbeat_interval_ms,
                 &into->group_consumer_max_heartbeat_interval_ms);
    read_bounded(values, "assignment.interval", &into->group_consumer_assignment_interval_ms,
                 &into->group_consumer_min_assignment_interval_ms,
                 &into->group_consumer_max_assignment_interval_ms);
    into->group_consumer_regex_refresh_interval_ms = (uint64_t)settings_int(
        values, "group.consumer.regex.refresh.interval.ms");
    into->group_consumer_max_size = (uint32_t)settings_int(values, "group.consumer.max.size");
    /* bidirectional, upgrade, downgrade, disabled */
    int policy = settings_choice(values, "group.consumer.migration.policy");
    into->group_consumer_may_upgrade = policy <= 1;
    into->group_consumer_may_downgrade = policy == 0 || policy == 2;
}

static void read_offsets(struct broker_settings *into) {
    const struct settings *values = into->values;
    into->offset_metadata_max = (uint32_t)settings_int(values, "offset.metadata.max.bytes");
    into->offsets_retention_ms = settings_int(values, "offsets.retention.minutes") * 60000;
    into->offsets_check_interval_ms = (uint64_t)settings_int(values,
                                                             "offsets.retention.check.interval.ms");
}

static void read_group_values(struct broker_settings *into) {
    const struct settings *values = into->values;
    into->group_min_session_timeout_ms = (uint32_t)settings_int(values,
                                                                "group.min.session.timeout.ms");
    into->group_max_session_timeout_ms = (uint32_t)settings_int(values,
                                                                "group.max.session.timeout.ms");
    into->group_initial_rebalance_delay_ms = (uint32_t)settings_int(
        values, "group.initial.rebalance.delay.ms");
    into->group_max_size = (uint32_t)settings_int(values, "group.max.size");
    into->group_max_bytes = (size_t)settings_int(values, "group.max.bytes");
    into->group_id_max_bytes = (int32_t)settings_int(values, "group.id.max.bytes");
    into->group_memory_bytes = (size_t)settings_int(values, "group.memory.bytes");
}

static void read_transactions(struct broker_settings *into) {
    const struct settings *values = into->values;
    into->transaction_partitions = (int32_t)settings_int(values,
                                                         "transaction.state.log.num.partitions");
    into->transaction_segment_bytes = settings_text(values, "transaction.state.log.segment.bytes");
    into->transaction_replication_factor = (int32_t)settings_int(
        values, "transaction.state.log.replication.factor");
    into->transaction_max_timeout_ms = (int32_t)settings_int(values, "transaction.max.timeout.ms");
    into->transactional_id_expiration_ms = settings_int(values, "transactional.id.expiration.ms");
    into->transaction_memory_bytes = (size_t)settings_int(values, "transaction.memory.bytes");
}

static void read_limits(struct broker_settings *into) {
    const struct settings *values = into->values;
    into->socket_request_max_bytes = (uint32_t)settings_int(values, "socket.request.max.bytes");
    into->queued_max_request_bytes = (uint64_t)settings_int(values, "queued.max.request.bytes");
    into->queued_max_parked_bytes = (uint64_t)settings_int(values, "queued.max.parked.bytes");
    into->message_unfolded_max_bytes = (size_t)settings_int(values, "message.unfolded.max.bytes");
    into->produce_check_memory_bytes = (size_t)settings_int(values, "produce.check.memory.bytes");
    into->produce_check_inline_us = (uint32_t)settings_int(values, "produce.check.inline.us");
    into->segment_files = BROKER_SEGMENT_FILES;
    into->max_connections = (uint32_t)settings_int(values, "max.connections");
    into->max_connections_per_ip = (uint32_t)settings_int(values, "max.connections.per.ip");
    into->max_connection_rate = (uint32_t)settings_int(values, "max.connection.creation.rate");
    into->quota_samples = (uint32_t)settings_int(values, "quota.window.num");
    into->quota_sample_ms = 1000 * (uint32_t)settings_int(values, "quota.window.size.seconds");
    into->connections_max_idle_ms = (uint32_t)settings_int(values, "connections.max.idle.ms");
    into->max_requests_per_connection = (uint32_t)settings_int(values, "connection.max.requests");
    into->turn_warn_ms = (uint32_t)settings_int(values, "loop.turn.warn.ms");
    into->fetch_max_bytes = (uint32_t)settings_int(values, "fetch.max.bytes");
    into->fetch_sessions = (size_t)settings_int(values,
                                                "max.incremental.fetch.session.cache.slots");
    into->fetch_session_bytes = (size_t)settings_int(values, "fetch.session.cache.bytes");
    into->journal_file_bytes = (uint64_t)settings_int(values, "journal.file.bytes");
    into->journal_max_bytes = (uint64_t)settings_int(values, "journal.max.bytes");
    into->segment_bytes = (uint64_t)settings_int(values, "log.segment.bytes");
    into->index_interval_bytes = (uint32_t)settings_int(values, "log.index.interval.bytes");
    into->tail_cache_bytes = (uint64_t)settings_int(values, "tail.cache.bytes");
    into->partition_uncommitted_bytes = (uint64_t)settings_int(values,
                                                               "partition.uncommitted.max.bytes");
    into->disk_min_free_bytes = (uint64_t)settings_int(values, "disk.min.free.bytes");
    into->retention_check_interval_ms = (uint64_t)settings_int(values,
                                                               "log.retention.check.interval.ms");
    into->cleaner_map_bytes = (uint64_t)settings_int(values, "log.cleaner.dedupe.buffer.size");
    into->cleaner_bytes_per_second = (uint64_t)settings_int(values,
                                                            "log.cleaner.io.max.bytes.per.second");
    into->cleaner_backoff_ms = (uint64_t)settings_int(values, "log.cleaner.backoff.ms");
    into->scrub_interval_ms = (uint64_t)settings_int(values, "scrub.interval.ms");
    into->scrub_bytes_per_second = (uint64_t)settings_int(values, "scrub.bytes.per.second");
    into->peer_window_bytes = (uint64_t)settings_int(values, "peer.window.bytes");
    into->peer_receive_bytes = (uint64_t)settings_int(values, "peer.receive.max.bytes");
    into->broker_session_timeout_ms = (uint32_t)settings_int(values, "broker.session.timeout.ms");
    into->broker_heartbeat_ms = (uint32_t)settings_int(values, "broker.heartbeat.interval.ms");
    into->isolated_clients_ms = (uint32_t)settings_int(values, "isolated.clients.ms");
    into->raft_heartbeat_ms = (uint32_t)settings_int(values, "raft.heartbeat.ms");
    into->raft_election_timeout_ms = (uint32_t)settings_int(values, "raft.election.timeout.ms");
    into->replica_absent_ms = (uint64_t)settings_int(values, "replica.absent.ms");
    into->metadata_snapshot_bytes = (uint64_t)settings_int(
        values, "metadata.log.max.record.bytes.between.snapshots");
    into->recovery_rate = (uint64_t)settings_int(values, "recovery.bytes.per.second");
    into->raft_failover_ms = (uint32_t)settings_int(values, "raft.failover.ms");
}

/* Of two limits, the lower one is no more than the other. */
static int check_order(const struct settings *values, const char *lower, const char *upper,
                       struct error_text *why) {
    int64_t least = settings_int(values, lower), most = settings_int(values, upper);
    if (least <= most) return ERR_NONE;
    return error_set(why, ERR_INVALID,
                     "%s=%" PRId64 " is more than %s=%" PRId64 "; lower the one or raise the other",
                     lower, least, upper, most);
}

/* Each within its limits, as in Kafka, and a heartbeat in each session. */
static int check_consumer_groups(const struct broker_settings *s, struct error_text *why) {
    static const char *const names[] = {"session.timeout.ms", "heartbeat.interval.ms",
                                        "assignment.interval.ms"};
    for (int i = 0; i < 3; i++) {
        char name[64], least[64], most[64];
        snprintf(name, sizeof name, "group.consumer.%s", names[i]);
        snprintf(least, sizeof least, "group.consumer.min.%s", names[i]);
        snprintf(most, sizeof most, "group.consumer.max.%s", names[i]);
        if (check_order(s->values, least, name, why) != ERR_NONE ||
            check_order(s->values, name, most, why) != ERR_NONE)
            return ERR_INVALID;
    }
    if (s->group_consumer_heartbeat_interval_ms >= s->group_consumer_session_timeout_ms)
        return error_set(
            why, ERR_INVALID,
            "group.consumer.heartbeat.interval.ms=%" PRIu32
            " is not less than group.consumer.session.timeout.ms=%" PRIu32
            ", so every member would be taken for dead; lower the one or raise the other",
            s->group_consumer_heartbeat_interval_ms, s->group_consumer_session_timeout_ms);
    return ERR_NONE;
}

static int check_together(const struct broker_settings *s, struct error_text *why) {
    if ((uint32_t)s->num_partitions > s->max_request_partitions)
        return error_set(why, ERR_INVALID,
                         "num.partitions=%" PRId32
                         " is more than one request may create (max.request.partitions=%" PRIu32
                         "); raise the one or lower the other",
                         s->num_partitions, s->max_request_partitions);
    if ((uint32_t)s->num_partitions > s->max_partitions)
        return error_set(why, ERR_INVALID,
                         "num.partitions=%" PRId32
                         " is more than the cluster may have (max.partitions=%" PRIu32
                         "); raise the one or lower the other",
                         s->num_partitions, s->max_partitions);
    if (s->raft_election_timeout_ms < 3 * (uint64_t)s->raft_heartbeat_ms)
        return error_set(
            why, ERR_INVALID,
            "raft.election.timeout.ms=%" PRIu32 " is less than 3 times raft.heartbeat.ms=%" PRIu32
            ", so one late heartbeat would depose a leader; raise it to %" PRIu64 " at least",
            s->raft_election_timeout_ms, s->raft_heartbeat_ms, 3 * (uint64_t)s->raft_heartbeat_ms);
    if (s->broker_session_timeout_ms < 2 * (uint64_t)s->broker_heartbeat_ms)
        return error_set(why, ERR_INVALID,
                         "broker.session.timeout.ms=%" PRIu32
                         " is less than twice broker.heartbeat.interval.ms=%" PRIu32
                         ", so one late heartbeat would fence a broker; raise it to %" PRIu64
                         " at least",
                         s->broker_session_timeout_ms, s->broker_heartbeat_ms,
                         2 * (uint64_t)s->broker_heartbeat_ms);
    if (s->journal_max_bytes < 2 * s->journal_file_bytes)
        return error_set(why, ERR_INVALID,
                         "journal.max.bytes=%" PRIu64
                         " is less than two files of journal.file.bytes=%" PRIu64
                         "; raise the one or lower the other",
                         s->journal_max_bytes, s->journal_file_bytes);
    if (s->default_replication_factor == 0)
        return error_set(why, ERR_INVALID,
                         "default.replication.factor=0 is not possible; it takes -1 or 1 to 64");
    if (check_order(s->values, "message.max.bytes", "socket.request.max.bytes", why) != ERR_NONE ||
        check_order(s->values, "group.min.session.timeout.ms", "group.max.session.timeout.ms",
                    why) != ERR_NONE ||
        check_order(s->values, "log.cleaner.min.compaction.lag.ms",
                    "log.cleaner.max.compaction.lag.ms", why) != ERR_NONE)
        return ERR_INVALID;
    return check_consumer_groups(s, why);
}

/* The room of the journal comes and goes a file at a time: a few large ones would be reserve. */
static void fit_journal_files(struct broker_settings *into) {
    uint64_t most = into->journal_max_bytes / JOURNAL_FILES / JOURNAL_GRAIN * JOURNAL_GRAIN;
    if (into->journal_file_bytes > most) into->journal_file_bytes = most;
}

/* Older versions of Metadata and DescribeConfigs have 16 bits for the length of a text. */
static int check_lengths(const struct settings *values, struct error_text *why) {
    size_t count;
    const struct setting *table = broker_settings_table(&count);
    for (size_t i = 0; i < count; i++) {
        if (table[i].type != SETTING_TEXT && table[i].type != SETTING_LIST) continue;
        const char *value = settings_text(values, table[i].name);
        if (strlen(value) > INT16_MAX)
            return error_set(
                why, ERR_INVALID,
                "%s=%.60s... has %zu bytes, and clients can be told %d at most; shorten it",
                table[i].name, value, strlen(value), INT16_MAX);
    }
    return ERR_NONE;
}

int broker_settings_from(const struct settings *values, struct broker_settings *into,
                         struct error_text *why) {
    memset(into, 0, sizeof *into);
    into->values = values;
    into->node_id = (int32_t)settings_int(values, "node.id");
    into->data_dir = settings_text(values, "data.dir");
    into->rack = settings_text(values, "broker.rack");
    into->log_level = (enum log_level)settings_choice(values, "log.level");
    into->log_format = (enum log_format)settings_choice(values, "log.format");
    if (into->data_dir[0] == '\0')
        return error_set(why, ERR_INVALID,
                         "data.dir is empty; name a directory, for example ./drave-data");
    read_topic_values(into);
    read_consumer_groups(into);
    read_offsets(into);
    read_group_values(into);
    read_transactions(into);
    read_limits(into);
    int error = check_lengths(values, why);
    if (error == ERR_NONE) error = listener_settings_read(into, why);
    if (error == ERR_NONE) error = peer_settings_read(into, why);
    if (error == ERR_NONE) error = http_settings_read(into, why);
    if (error == ERR_NONE) error = check_together(into, why);
    if (error == ERR_NONE) fit_journal_files(into);
    return error;
}

void broker_settings_bound_connections(struct broker_settings *settings) {
    bool few = settings->connections_most > 0 &&
               settings->max_connections > settings->connections_most;
    settings->few_files = few ? settings->open_files : 0;
    if (few) settings->max_connections = settings->connections_most;
}

int16_t broker_replication_factor(const struct broker_settings *settings, size_t brokers) {
    if (settings->default_replication_factor > 0)
        return (int16_t)settings->default_replication_factor;
    /* The smallest cluster that loses a broker and goes on. */
    return brokers < 3 ? (int16_t)brokers : 3;
}

void broker_settings_warnings(const struct broker_settings *settings,
                              void (*warn)(void *arg, const char *sentence), void *arg) {
    struct error_text text;
    peer_settings_warnings(settings, warn, arg);
    int32_t factor = broker_replication_factor(settings, settings->node_count);
    if (settings->node_count > 1 && factor == 2) {
        error_set(
            &text, ERR_INVALID,
            "a topic with 2 replicas stops writing when one broker is lost, because a majority of 2 is 2; set "
            "default.replication.factor=3, with 3 brokers at least");
        warn(arg, text.text);
    }
    if (factor > 0 && (size_t)factor > settings->node_count) {
        error_set(
            &text, ERR_INVALID,
            "default.replication.factor=%" PRId32
            " is more than there are brokers (%zu in cluster.nodes), so a topic whose creator does not say cannot "
            "be created; set it to %zu at most, or to -1",
            factor, settings->node_count, settings->node_count);
        warn(arg, text.text);
    }
    if (factor > 1 && settings->min_insync_replicas >= factor) {
        error_set(&text, ERR_INVALID,
                  "min.insync.replicas=%" PRId32 " with %" PRId32
                  " replicas stops writing when one broker is lost; set it to %" PRId32 " at most",
                  settings->min_insync_replicas, factor, factor - 1);
        warn(arg, text.text);
    }
    uint32_t voters = settings->metadata_voters;
    if (voters > settings->node_count) voters = (uint32_t)settings->node_count;
    if (settings->node_count > 1 && voters < 3) {
        error_set(
            &text, ERR_INVALID,
            "%" PRIu32
            " of %zu brokers vote on metadata, so topics cannot be created or deleted when one of these is "
            "lost; have 3 brokers and metadata.voters=3 at least",
            voters, settings->node_count);
        warn(arg, text.text);
    }
}
