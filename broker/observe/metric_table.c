/* The rows. */
#include "broker/observe/metric_table.h"

#include <stddef.h>

#define GAUGE(text, sentence, ...) \
    {.name = (text), .type = METRIC_GAUGE, .labels = {__VA_ARGS__}, .help = (sentence)}
#define COUNTER(text, sentence, ...) \
    {.name = (text), .type = METRIC_COUNTER, .labels = {__VA_ARGS__}, .help = (sentence)}
#define HISTOGRAM(text, of, sentence, ...) \
    {.name = (text),                       \
     .type = METRIC_HISTOGRAM,             \
     .labels = {__VA_ARGS__},              \
     .kind = (of),                         \
     .help = (sentence)}

static const struct metric_row table[METRICS] = {
    [METRIC_BUILD_INFO] = GAUGE("drave_build_info", "1; which version runs.", "version"),
    [METRIC_NODE_INFO] = GAUGE("drave_node_info", "1; which broker of which cluster this is.",
                               "node", "rack", "cluster_id"),
    [METRIC_READY] = GAUGE("drave_ready", "1 if /health/ready says so."),
    [METRIC_PROCESS_CPU] = COUNTER("process_cpu_seconds_total",
                                   "Processor time that the process has used."),
    [METRIC_PROCESS_MEMORY] = GAUGE("process_resident_memory_bytes",
                                    "Memory of the process that is in RAM."),
    [METRIC_PROCESS_OPEN_FDS] = GAUGE("process_open_fds", "Open files and sockets."),
    [METRIC_PROCESS_MAX_FDS] = GAUGE("process_max_fds", "How many of these there may be."),
    [METRIC_PROCESS_START] = GAUGE("process_start_time_seconds",
                                   "When the process began, in Unix time."),
    [METRIC_PROCESS_SWAPPED] = GAUGE("drave_process_swapped_bytes",
                                     "Memory of the process that was swapped out."),
    [METRIC_HOST_MEMORY] = GAUGE("drave_host_memory_bytes",
                                 "Memory of the machine, or what its container may have."),

    [METRIC_LOOP_STALL] = GAUGE(
        "drave_loop_stall_seconds",
        "Since the event loop was last seen to turn; under a second is idle."),
    [METRIC_LOOP_TURN] = HISTOGRAM("drave_loop_turn_seconds", &bounds_latency,
                                   "Processor time of turns of the event loop."),
    [METRIC_SNAPSHOT_AGE] = GAUGE("drave_snapshot_age_seconds",
                                  "How old the numbers are that the event loop gave."),

    [METRIC_CONNECTIONS] = GAUGE("drave_connections", "Clients that are connected.", "listener"),
    [METRIC_CONNECTIONS_ACCEPTED] = COUNTER("drave_connections_accepted_total",
                                            "Connections of clients that were accepted.",
                                            "listener"),
    [METRIC_CONNECTIONS_CLOSED] = COUNTER(
        "drave_connections_closed_total",
        "Connections of clients that have ended: by the client (or the network), refused (what it sent was no request, no TLS, or its login failed), idle (connections.max.idle.ms), memory (it was slow, and others needed what it took), place (others wanted to be let in), by the broker (which stops, or is cut off).",
        "listener", "cause"),
    [METRIC_CONNECTIONS_REFUSED] = COUNTER(
        "drave_connections_refused_total",
        "Connections that were closed at once: address (it has too many), garbage (no request of Kafka's), limit (max.connections, and others came behind it), quota (its address comes too often: connection_creation_rate), tls (no TLS, or a handshake that failed or took too long).",
        "cause"),
    [METRIC_CONNECTIONS_PAUSED] = GAUGE(
        "drave_connections_paused",
        "Clients that are not read, or not answered further, because a memory budget is spent."),
    [METRIC_CLIENT_CONNECTIONS] = GAUGE(
        "drave_client_connections",
        "Clients that are connected, by the software that they say they are; the most frequent.",
        "client_name", "client_version"),
    [METRIC_RECEIVED_BYTES] = COUNTER("drave_received_bytes_total",
                                      "Bytes of requests that clients sent.", "listener"),
    [METRIC_SENT_BYTES] = COUNTER("drave_sent_bytes_total",
                                  "Bytes of answers that clients were sent.", "listener"),
    [METRIC_REQUESTS] = COUNTER("drave_requests_total", "Requests of clients.", "api", "version"),
    [METRIC_REQUEST_ERRORS] = COUNTER(
        "drave_request_errors_total",
        "Errors that answers to clients told, by Kafka's names; those of partitions count each.",
        "api", "error"),
    [METRIC_ACCESS_DENIED] = COUNTER(
        "drave_access_denied_total",
        "Rights that clients asked for and did not have; with authorizer.mode=observe they were let through.",
        "operation", "resource"),
    [METRIC_LOGINS] = COUNTER("drave_logins_total",
                              "Logins of clients (SASL) that were good, and that failed.",
                              "mechanism", "result"),
    [METRIC_CERTIFICATE_LEFT] = GAUGE(
        "drave_certificate_left_seconds",
        "Until the certificate that clients are shown ends; below 0 it has ended, and they refuse it."),
    [METRIC_REQUEST_SECONDS] = HISTOGRAM(
        "drave_request_seconds", &bounds_latency,
        "From the last byte of a request to its answer, without what the client asked to wait.",
        "api"),
    [METRIC_REQUESTS_IN_FLIGHT] = GAUGE("drave_requests_in_flight",
                                        "Requests that are not answered yet."),

    [METRIC_FETCHES_WAITING] = GAUGE("drave_fetches_waiting",
                                     "Of them, fetches that wait for records to come."),
    [METRIC_THROTTLE] = COUNTER(
        "drave_throttle_seconds_total",
        "For how long clients were told to wait because of a quota, by what it is of.", "quota"),

    [METRIC_PRODUCE_STAGE] = HISTOGRAM(
        "drave_produce_stage_seconds", &bounds_sync,
        "Where the time of produce goes: read (from the first byte of the request to the last), "
        "gather (checks, until it is given to the log), journal (until our own disk has it), "
        "quorum (from then until a majority has it), answer (behind those to requests before it).",
        "stage"),
    [METRIC_PRODUCE_BATCH_BYTES] = HISTOGRAM("drave_produce_batch_bytes", &bounds_bytes,
                                             "Size of batches that were appended here."),
    [METRIC_PRODUCE_BATCH_RECORDS] = HISTOGRAM("drave_produce_batch_records", &bounds_count,
                                               "Records of batches that were appended here."),
    [METRIC_PRODUCERS] = GAUGE(
        "drave_producers",
        "Idempotent producers that are remembered, summed over the partitions led here."),
    [METRIC_PRODUCE_DUPLICATES] = COUNTER(
        "drave_produce_duplicates_total",
        "Batches that idempotent producers sent again, and that were stored once."),
    [METRIC_PRODUCE_OUT_OF_ORDER] = COUNTER(
        "drave_produce_out_of_order_total",
        "Batches of idempotent producers that were refused because one before them is missing."),

    [METRIC_TOPIC_PARTITIONS] = GAUGE("drave_topic_partitions",
                                      "Partitions of the topic that this broker leads.", "topic"),
    [METRIC_TOPIC_RECORDS] = GAUGE("drave_topic_records",
                                   "Records in the partitions of the topic that this broker leads.",
                                   "topic"),
    [METRIC_TOPIC_STORED_BYTES] = GAUGE("drave_topic_stored_bytes",
                                        "Bytes of the topic that this broker stores.", "topic"),
    [METRIC_TOPIC_PRODUCED_BYTES] = COUNTER(
        "drave_topic_produced_bytes_total",
        "Bytes of batches of the topic that have committed while this broker led them.", "topic"),
    [METRIC_TOPIC_PRODUCED_RECORDS] = COUNTER(
        "drave_topic_produced_records_total",
        "Records of the topic that have committed while this broker led them.", "topic"),
    [METRIC_TOPIC_FETCHED_BYTES] = COUNTER(
        "drave_topic_fetched_bytes_total",
        "Bytes of batches of the topic that were given to clients.", "topic"),
    [METRIC_TOPIC_FETCHED_RECORDS] = COUNTER(
        "drave_topic_fetched_records_total",
        "Records of the topic that were given to clients, by their offsets.", "topic"),
    [METRIC_PARTITIONS] = GAUGE("drave_partitions", "Partitions with a replica here.", "role"),
    [METRIC_PARTITIONS_BEHIND] = GAUGE(
        "drave_partitions_behind",
        "Partitions with a replica here that is not in sync with its leader, or has none."),
    [METRIC_PARTITIONS_LEADERLESS] = GAUGE(
        "drave_partitions_leaderless",
        "Partitions of the cluster that have no leader, as this broker knows."),
    [METRIC_PARTITIONS_UNDER_REPLICATED] = GAUGE(
        "drave_partitions_under_replicated",
        "Partitions led here of which not every replica is in sync."),
    [METRIC_PARTITIONS_BELOW_MIN_INSYNC] = GAUGE(
        "drave_partitions_below_min_insync",
        "Partitions led here that refuse produce because too few replicas are in sync."),
    [METRIC_PARTITIONS_AWAY] = GAUGE("drave_partitions_away",
                                     "Partitions led here though another replica comes first."),

    [METRIC_REPLICA_LAG_ENTRIES] = GAUGE("drave_replica_lag_entries",
                                         "Log entries that the peer lacks of what is led here.",
                                         "peer"),
    [METRIC_REPLICA_LAG_BYTES] = GAUGE(
        "drave_replica_lag_bytes", "About how many bytes of the log these entries are.", "peer"),
    [METRIC_REPLICA_LAG_SECONDS] = GAUGE(
        "drave_replica_lag_seconds",
        "For how long the oldest of them has been missing at least, as scrapes saw it.", "peer"),
    [METRIC_PEER_UP] = GAUGE("drave_peer_up", "1 if the other broker is connected.", "peer"),
    [METRIC_PEER_ROUND_TRIP] = GAUGE(
        "drave_peer_round_trip_seconds",
        "How long the way to the other broker and back took the last time, with what waits there.",
        "peer"),
    [METRIC_PEER_SENT_BYTES] = COUNTER("drave_peer_sent_bytes_total",
                                       "Bytes that the other broker was sent.", "peer"),
    [METRIC_PEER_RECEIVED_BYTES] = COUNTER("drave_peer_received_bytes_total",
                                           "Bytes that came from the other broker.", "peer"),
    [METRIC_PEER_WINDOW_FULL] = COUNTER(
        "drave_peer_window_full_seconds_total",
        "For how long entries waited because the other broker had not acknowledged those before.",
        "peer"),
    [METRIC_CATCH_UP_BYTES] = GAUGE(
        "drave_catch_up_bytes",
        "Bytes of files that the other broker is offered because it lacks the beginning of logs, "
        "and that it has not asked for yet.",
        "peer"),
    [METRIC_RAFT_TRUNCATIONS] = COUNTER("drave_raft_truncations_total",
                                        "Times that uncommitted entries were cut from a log."),
    [METRIC_RAFT_MESSAGES_DROPPED] = COUNTER("drave_raft_messages_dropped_total",
                                             "Messages of peers that made no sense."),
    [METRIC_ELECTIONS] = COUNTER("drave_elections_total",
                                 "Times that a replica of this broker stood for election.",
                                 "cause"),
    [METRIC_LEADERSHIPS_LOST] = COUNTER("drave_leaderships_lost_total",
                                        "Times that a replica of this broker lost its lead.",
                                        "cause"),
    [METRIC_FAILOVER] = HISTOGRAM(
        "drave_failover_seconds", &bounds_latency,
        "From when a leader was missed to when the next one, which is here, served."),
    [METRIC_FAST_FAILOVERS] = COUNTER(
        "drave_fast_failovers_total",
        "Elections that did not wait, because the process of the leader was known to be dead."),
    [METRIC_LOGS_DAMAGED] = GAUGE("drave_logs_damaged",
                                  "Logs of this broker with damage that is not mended yet."),
    [METRIC_LOGS_MENDED] = COUNTER(
        "drave_logs_mended_total",
        "Times that a log of this broker was made whole again with what other brokers have."),

    [METRIC_METADATA_LEADER] = GAUGE("drave_metadata_leader",
                                     "1 if this broker leads the metadata."),
    [METRIC_METADATA_TERM] = GAUGE("drave_metadata_term",
                                   "The term of the metadata's Raft group, as this broker knows."),
    [METRIC_METADATA_APPLIED] = GAUGE("drave_metadata_applied_index",
                                      "The last entry of the metadata that this broker knows."),
    [METRIC_BROKERS] = GAUGE("drave_brokers", "Brokers of the cluster.", "state"),
    [METRIC_TOPICS] = GAUGE("drave_topics", "Topics of the cluster."),
    [METRIC_METADATA_CHANGES] = COUNTER("drave_metadata_changes_total",
                                        "Changes of the metadata that were asked for here.",
                                        "result"),

    [METRIC_JOURNAL_SYNC] = HISTOGRAM("drave_journal_sync_seconds", &bounds_sync,
                                      "Time of one synced write of the journal."),
    [METRIC_JOURNAL_SYNC_AGE] = GAUGE("drave_journal_sync_age_seconds",
                                      "How long the write under way has taken; 0: there is none."),
    [METRIC_JOURNAL_ROUNDS] = COUNTER("drave_journal_rounds_total",
                                      "Synced writes of the journal."),
    [METRIC_JOURNAL_WRITTEN_BYTES] = COUNTER("drave_journal_written_bytes_total",
                                             "Bytes written to the journal."),
    [METRIC_JOURNAL_LIVE_BYTES] = GAUGE("drave_journal_live_bytes",
                                        "Bytes of the journal that a start would read."),
    [METRIC_JOURNAL_LIMIT_BYTES] = GAUGE("drave_journal_limit_bytes", "The most that it may have."),
    [METRIC_JOURNAL_FILES] = COUNTER("drave_journal_files_total",
                                     "Files of the journal that were made, and used again.", "how"),
    [METRIC_JOURNAL_COPIED_FORWARD] = COUNTER("drave_journal_copied_forward_total",
                                              "Entries written again to free an old file."),
    [METRIC_JOURNAL_TORN_TAILS] = COUNTER("drave_journal_torn_tails_total",
                                          "Torn tails that starts of this process have cut."),

    [METRIC_WRITE_BEHIND_BYTES] = GAUGE(
        "drave_write_behind_bytes",
        "Bytes that are committed and in no segment yet: the journal is their copy."),
    [METRIC_SEGMENTS] = GAUGE("drave_segments", "Segment files of the replicas here."),
    [METRIC_SEGMENT_WRITTEN_BYTES] = COUNTER(
        "drave_segment_written_bytes_total",
        "Bytes of entries that went into segments, as they are stored."),
    [METRIC_SEGMENT_RAW_BYTES] = COUNTER(
        "drave_segment_raw_bytes_total",
        "... and as they were before the log compressed them (log.compression)."),
    [METRIC_DELETED_BYTES] = COUNTER(
        "drave_deleted_bytes_total",
        "Bytes of segments that went: start (retention, kafka-delete-records, drave topic trim), "
        "cleaned (compaction).",
        "cause"),
    [METRIC_SEGMENT_READ] = HISTOGRAM(
        "drave_segment_read_seconds", &bounds_sync,
        "How long looks into segments took: cache (the page cache had it), disk (a thread had to read it).",
        "from"),
    [METRIC_FETCH_SERVED_BYTES] = COUNTER(
        "drave_fetch_served_bytes_total",
        "Bytes that were read for consumers: memory (the tail), cache (a segment that was in the "
        "page cache), disk (a segment that a thread had to read).",
        "from"),
    [METRIC_DAMAGE_FOUND] = COUNTER("drave_damage_found_total",
                                    "Segments in which reads met damage.", "where"),

    [METRIC_DISK_INFO] = GAUGE(
        "drave_disk_info",
        "1; the file system of data.dir, and whether the journal goes past the page cache.",
        "file_system", "direct"),
    [METRIC_DISK_SIZE] = GAUGE("drave_disk_size_bytes", "The size of the file system of data.dir."),
    [METRIC_DISK_FREE] = GAUGE("drave_disk_free_bytes", "What is free of it."),
    [METRIC_DISK_MIN_FREE] = GAUGE("drave_disk_min_free_bytes",
                                   "What must stay free: disk.min.free.bytes."),
    [METRIC_DISK_REFUSING] = GAUGE("drave_disk_refusing",
                                   "1 while produce is refused because the disk is full."),
    [METRIC_MEMORY_BYTES] = GAUGE("drave_memory_bytes", "Memory charged to a budget.", "budget"),
    [METRIC_MEMORY_LIMIT_BYTES] = GAUGE("drave_memory_limit_bytes", "The limit of that budget.",
                                        "budget"),
    [METRIC_MEMORY_WAITS] = COUNTER(
        "drave_memory_waits_total",
        "Times that somebody began to wait because that budget was spent.", "budget"),

    [METRIC_GROUPS] = GAUGE("drave_groups", "Consumer groups that this broker coordinates.",
                            "state"),
    [METRIC_GROUP_MEMBERS] = GAUGE("drave_group_members", "Members of the group.", "group"),
    [METRIC_GROUP_LAG_RECORDS] = GAUGE("drave_group_lag_records",
                                       "Records that the group has not committed yet.", "group",
                                       "topic"),
    [METRIC_GROUP_LAG_SECONDS] = GAUGE(
        "drave_group_lag_seconds",
        "For how long the next record of the group has been there, in the worst partition; 0: nothing is unread.",
        "group", "topic"),
    [METRIC_GROUP_RETENTION_LEFT] = GAUGE(
        "drave_group_retention_left_seconds",
        "Until retention.ms may take a record that the group has not committed, in the worst partition.",
        "group", "topic"),

    [METRIC_GROUP_RECORDS_MISSED] = GAUGE(
        "drave_group_records_missed",
        "Records that were deleted before the group read them; 0 again when it has gone on.",
        "group", "topic"),
    [METRIC_GROUP_CAUSE] = GAUGE(
        "drave_group_cause",
        "1 while this is the strongest cause of the group's lag, as drave group why names it; of groups that are 15 s behind, share groups too.",
        "group", "cause"),
    [METRIC_GROUP_COMMITS] = COUNTER("drave_group_commits_total",
                                     "Commits of offsets that were written.", "group"),
    [METRIC_GROUP_LAST_COMMIT] = GAUGE("drave_group_last_commit_timestamp_seconds",
                                       "When the last of them was, in Unix time.", "group"),
    [METRIC_GROUP_REBALANCES] = COUNTER("drave_group_rebalances_total",
                                        "Rebalances of the group that began.", "group"),

    [METRIC_GROUP_REBALANCE] = HISTOGRAM(
        "drave_group_rebalance_seconds", &bounds_latency,
        "How long rebalances of groups of the classic protocol took, until all members had their part."),
    [METRIC_SHARE_GROUP_LAG] = GAUGE(
        "drave_share_group_lag_records",
        "Records that the share group is not done with, in the partitions led here.", "group"),
    [METRIC_SHARE_GROUP_ACQUIRED] = GAUGE(
        "drave_share_group_acquired_records",
        "... of which members hold so many at the moment (share.partition.max.record.locks).",
        "group"),
    [METRIC_SHARE_GROUP_DELIVERIES] = COUNTER(
        "drave_share_group_deliveries_total",
        "Deliveries of records to members that ended here: accepted, rejected, released (given back, "
        "or their member went), timed_out (kept beyond share.record.lock.duration.ms).",
        "group", "outcome"),
    [METRIC_SHARE_GROUP_EXHAUSTED] = COUNTER(
        "drave_share_group_exhausted_records_total",
        "Records that were released or timed out, and are not given again, because they were given "
        "as often as may be (share.delivery.count.limit).",
        "group"),
    [METRIC_TRANSACTIONAL_IDS] = GAUGE("drave_transactional_ids",
                                       "Transactional ids that this broker coordinates."),
    [METRIC_TRANSACTIONS_OPEN] = GAUGE(
        "drave_transactions_open",
        "... of which a transaction is ongoing, or is ending: decided, and its markers are on "
        "their way.",
        "state"),
    [METRIC_TRANSACTIONS_OLDEST] = GAUGE("drave_transactions_oldest_seconds",
                                         "For how long the oldest of them has been open."),
    [METRIC_TRANSACTIONS_ENDED] = COUNTER(
        "drave_transactions_ended_total",
        "Transactions that were decided here: commit, abort (by their producer, or the next one "
        "with its id), timeout.",
        "how"),
    [METRIC_TRANSACTION_MARKERS] = GAUGE(
        "drave_transaction_markers",
        "Markers that this broker brings to partitions, and that are not there yet."),
    [METRIC_DEAD_LETTERS_WAITING] = GAUGE(
        "drave_dead_letters_waiting",
        "Dead letters of share groups in partitions that this broker leads, which are not in their topic yet."),
    [METRIC_DELAYED_RECORDS] = GAUGE(
        "drave_delayed_records",
        "Records that wait for their time (delay.enable), in the partitions led here."),
    [METRIC_DELAYED_BYTES] = GAUGE(
        "drave_delayed_bytes",
        "What these take in memory, in a replica; delay.max.pending.bytes limits a partition."),
    [METRIC_DELAYED_NEXT_DUE] = GAUGE(
        "drave_delayed_next_due_timestamp_seconds",
        "When the first of them is due, in Unix time; missing if none waits. Time that it lies "
        "back is how late it is."),
    [METRIC_DELAYED_DELIVERED] = COUNTER(
        "drave_delayed_delivered_total",
        "Records that were delivered at their time, while this broker led."),
    [METRIC_DELAYED_CALLED_OFF] = COUNTER(
        "drave_delayed_canceled_total",
        "Records that were called off before their time (deliver-cancel), while this broker led."),
    [METRIC_DELAYED_LATE] = HISTOGRAM("drave_delayed_late_seconds", &bounds_latency,
                                      "How late the first record of a delivery was appended."),
    [METRIC_UNSTABLE_RECORDS] = GAUGE(
        "drave_unstable_records",
        "Records that readers of what is committed do not get yet, because a transaction before "
        "them is open, summed over the partitions led here."),

    [METRIC_HTTP_REQUESTS] = COUNTER("drave_http_requests_total",
                                     "Requests to this port; path is the route.", "path", "code"),
    [METRIC_HTTP_STREAMS] = GAUGE("drave_http_streams",
                                  "Pages of the console that follow records as they come."),
    [METRIC_FOLDED] = GAUGE(
        "drave_metrics_folded",
        "Names that are summed as (other): metrics.topics.max, metrics.groups.max; of "
        "/metrics/partitions, how many are left out.",
        "kind"),
    [METRIC_LOG_LINES] = COUNTER("drave_log_lines_total", "Lines of the log.", "level"),
    [METRIC_LOG_LINES_LEFT_OUT] = COUNTER("drave_log_lines_left_out_total",
                                          "Lines that were not written because of many like them."),
    [METRIC_BUILD_SECONDS] = GAUGE(
        "drave_metrics_build_seconds",
        "Time of the event loop that these numbers took, all its steps."),

    [METRIC_PARTITION_LEADER] = GAUGE(
        "drave_partition_leader",
        "At /metrics/partitions, as all below: the broker that leads it, told by that one.",
        "topic", "partition"),
    [METRIC_PARTITION_TERM] = GAUGE("drave_partition_term", "The term of that lead.", "topic",
                                    "partition"),
    [METRIC_PARTITION_START_OFFSET] = GAUGE(
        "drave_partition_start_offset", "The offset of its first record.", "topic", "partition"),
    [METRIC_PARTITION_HIGH_WATERMARK] = GAUGE(
        "drave_partition_high_watermark",
        "The offset behind its last record that consumers get; rate() of it is records a second.",
        "topic", "partition"),
    [METRIC_PARTITION_STORED_BYTES] = GAUGE("drave_partition_stored_bytes",
                                            "Bytes of it that this broker stores.", "topic",
                                            "partition"),
    [METRIC_PARTITION_REPLICA_LAG] = GAUGE("drave_partition_replica_lag_entries",
                                           "Log entries that the replica of the peer lacks.",
                                           "topic", "partition", "peer"),
    [METRIC_GROUP_PARTITION_LAG_RECORDS] = GAUGE(
        "drave_group_partition_lag_records",
        "Records of the partition that the group has not committed yet.", "group", "topic",
        "partition"),
    [METRIC_GROUP_PARTITION_LAG_SECONDS] = GAUGE(
        "drave_group_partition_lag_seconds",
        "For how long the next of them has been there; 0: nothing is unread.", "group", "topic",
        "partition"),
};

const struct metric_row *metric_table(void) {
    return table;
}

unsigned metric_labels(const struct metric_row *row) {
    unsigned count = 0;
    while (count < METRIC_LABELS_MAX && row->labels[count] != NULL)
        count++;
    return count;
}
