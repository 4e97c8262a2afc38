/* What the parts of a broker count anyway, family by family, in the order of the table. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "broker/cluster/cluster_record.h"
#include "broker/metadata/metadata_roster.h"
#include "broker/observe/observer_internal.h"
#include "protocol/kafka_error.h"
#include "protocol/messages/api_table.h"
#include "storage/disk_space.h"
#include "storage/journal/journal.h"
#include "storage/log/partition_log.h"

enum { SOFTWARE_SHOWN = 50 };

static snapshot_text_id text(struct snapshot *snapshot, const char *of) {
    return snapshot_text(snapshot, of, strlen(of));
}

const char *const election_causes[ELECTION_CAUSES] = {[ELECTION_TIMEOUT] = "timeout",
                                                      [ELECTION_DEAD] = "dead",
                                                      [ELECTION_TRANSFER] = "transfer",
                                                      [ELECTION_FIRST] = "first"};

static snapshot_text_id number(struct snapshot *snapshot, int64_t of) {
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, of);
    return text(snapshot, digits);
}

/* ---- Clients ---- */

static void observe_node(struct observer *observer) {
    const struct observed *observed = observer->observed;
    struct snapshot *to = observer->snapshot;
    snapshot_add1(to, METRIC_BUILD_INFO, 1, text(to, DRAVE_VERSION));
    if (observed->cluster == NULL) return;
    snapshot_add3(to, METRIC_NODE_INFO, 1, number(to, observed->settings->node_id),
                  text(to, observed->settings->rack), text(to, observed->cluster->id));
}

static const char *const ends[CONNECTION_ENDS] = {
    [ENDED_BY_CLIENT] = "client", [ENDED_REFUSED] = "refused", [ENDED_IDLE] = "idle",
    [ENDED_MEMORY] = "memory",    [ENDED_PLACE] = "place",     [ENDED_BY_BROKER] = "broker"};

static uint64_t observe_ends(struct snapshot *to, const struct listener_stats *counts,
                             snapshot_text_id listener) {
    uint64_t closed = 0;
    for (int end = 0; end < CONNECTION_ENDS; end++) {
        closed += counts->closed[end];
        snapshot_add2(to, METRIC_CONNECTIONS_CLOSED, (double)counts->closed[end], listener,
                      text(to, ends[end]));
    }
    return closed;
}

static void observe_listeners(struct observer *observer, const struct server_stats *stats) {
    struct snapshot *to = observer->snapshot;
    for (size_t i = 0; i < observer->observed->settings->listener_count; i++) {
        const char *name = observer->observed->settings->listeners[i].name;
        struct listener_stats counts = {0};
        for (size_t j = 0; j < stats->listener_count; j++)
            if (stats->listeners[j].name == name) counts = stats->listeners[j];
        snapshot_text_id label = text(to, name);
        uint64_t closed = observe_ends(to, &counts, label);
        snapshot_add1(to, METRIC_CONNECTIONS, (double)(counts.accepted - closed), label);
        snapshot_add1(to, METRIC_CONNECTIONS_ACCEPTED, (double)counts.accepted, label);
        snapshot_add1(to, METRIC_RECEIVED_BYTES, (double)counts.received_bytes, label);
        snapshot_add1(to, METRIC_SENT_BYTES, (double)counts.sent_bytes, label);
    }
}

/* The SOFTWARE_SHOWN most frequent, and the others together. */
static void observe_software(struct observer *observer, const struct client_book *book) {
    struct snapshot *to = observer->snapshot;
    bool shown[CLIENT_SOFTWARE_MOST] = {false};
    uint64_t others = book->other_software;
    for (size_t i = 0; i < CLIENT_SOFTWARE_MOST; i++)
        others += book->software[i].connections;
    for (int n = 0; n < SOFTWARE_SHOWN; n++) {
        size_t most = 0;
        for (size_t i = 0; i < CLIENT_SOFTWARE_MOST; i++)
            if (!shown[i] &&
                (shown[most] || book->software[i].connections > book->software[most].connections))
                most = i;
        const struct client_software *one = &book->software[most];
        if (one->connections == 0) break;
        shown[most] = true;
        others -= one->connections;
        snapshot_add2(to, METRIC_CLIENT_CONNECTIONS, one->connections, text(to, one->name),
                      text(to, one->version));
    }
    snapshot_add2(to, METRIC_CLIENT_CONNECTIONS, (double)others, text(to, "(other)"), 0);
}

static const char *const refusals[REFUSALS] = {[REFUSED_ADDRESS] = "address",
                                               [REFUSED_GARBAGE] = "garbage",
                                               [REFUSED_LIMIT] = "limit",
                                               [REFUSED_QUOTA] = "quota",
                                               [REFUSED_TLS] = "tls"};

static void observe_quotas(struct snapshot *to, const struct quotas *quotas) {
    for (int key = QUOTA_PRODUCED; key < QUOTA_KEYS; key++)
        snapshot_add1(to, METRIC_THROTTLE, (double)quotas_throttled_ms(quotas, key) / 1000,
                      text(to, quota_key_name(key)));
}

static void observe_requests(struct observer *observer, const struct server_stats *stats) {
    struct snapshot *to = observer->snapshot;
    size_t rows;
    const struct kp_api *table = kp_api_table(&rows);
    for (size_t row = 0; row < rows; row++) {
        snapshot_text_id name = text(to, table[row].name);
        for (int version = 0; version < SERVER_STATS_VERSIONS; version++)
            if (stats->requests[row][version] > 0)
                snapshot_add2(to, METRIC_REQUESTS, (double)stats->requests[row][version], name,
                              number(to, version));
    }
    for (size_t row = 0; row < rows; row++) {
        snapshot_text_id name = stats->errors[row] == NULL ? 0 : text(to, table[row].name);
        for (int place = 0; stats->errors[row] != NULL && place < SERVER_STATS_ERRORS; place++)
            if (stats->errors[row][place] > 0)
                snapshot_add2(to, METRIC_REQUEST_ERRORS, stats->errors[row][place], name,
                              text(to, kafka_error_name(place - 1)));
    }
    for (int class = 0; class < API_CLASSES; class ++)
        snapshot_add_histogram(to, METRIC_REQUEST_SECONDS, &stats->seconds[class],
                               text(to, api_class_name(class)));
    snapshot_add_histogram(to, METRIC_PRODUCE_STAGE, &stats->produce_read_us, text(to, "read"));
    snapshot_add_histogram(to, METRIC_PRODUCE_STAGE, &stats->produce_answer_us, text(to, "answer"));
    snapshot_add(to, METRIC_REQUESTS_IN_FLIGHT, (double)stats->in_flight);
    snapshot_add(to, METRIC_FETCHES_WAITING,
                 (double)server_memory_of(observer->observed->server)->parking.count);
    for (int cause = 0; cause < REFUSALS; cause++)
        snapshot_add1(to, METRIC_CONNECTIONS_REFUSED, (double)stats->refused[cause],
                      text(to, refusals[cause]));
}

static bool has_logins(const struct broker_settings *settings) {
    for (size_t i = 0; i < settings->listener_count; i++)
        if (settings->listeners[i].logs_in) return true;
    return false;
}

/* Of the mechanisms that are on, where a listener wants logins. */
static void observe_logins(struct observer *observer) {
    const struct logins *logins = server_guards_of(observer->observed->server).logins;
    const struct login_counts *counts = logins_counts(logins);
    struct snapshot *to = observer->snapshot;
    for (int one = LOGIN_NONE + 1; one < LOGIN_MECHANISMS; one++) {
        if ((logins_options(logins)->mechanisms >> one & 1) == 0) continue;
        snapshot_text_id name = text(to, login_mechanism_name((enum login_mechanism)one));
        snapshot_add2(to, METRIC_LOGINS, (double)counts->good[one], name, text(to, "good"));
        snapshot_add2(to, METRIC_LOGINS, (double)counts->failed[one], name, text(to, "failed"));
    }
}

/* Where a listener speaks TLS. */
static void observe_certificate(struct observer *observer) {
    const struct tls_listening *tls = server_tls(observer->observed->server);
    if (tls == NULL) return;
    int64_t left_ms = tls_listening_expires_ms(tls) - env_wall_ms(observer->observed->env);
    snapshot_add(observer->snapshot, METRIC_CERTIFICATE_LEFT, (double)left_ms / 1000);
}

static void observe_refusals(struct observer *observer) {
    const struct access *access = server_guards_of(observer->observed->server).access;
    struct snapshot *to = observer->snapshot;
    for (int operation = AUTHORIZE_ALL; access != NULL && operation < AUTHORIZE_OPERATIONS;
         operation++)
        for (int resource = AUTHORIZE_TOPIC; resource < AUTHORIZE_RESOURCES; resource++) {
            uint64_t count = access_refusals(access, (enum authorize_operation)operation,
                                             (enum authorize_resource)resource);
            if (count > 0)
                snapshot_add2(to, METRIC_ACCESS_DENIED, (double)count,
                              text(to, acl_operation_name(operation)),
                              text(to, acl_resource_name(resource)));
        }
}

/* ---- The cluster ---- */

static void observe_metadata(struct observer *observer) {
    const struct observed *observed = observer->observed;
    struct snapshot *to = observer->snapshot;
    if (observed->metadata == NULL || observed->metadata_group == NULL) return;
    size_t fenced = 0, brokers = metadata_broker_count(observed->metadata);
    for (size_t i = 0; i < brokers; i++)
        fenced += metadata_broker_at(observed->metadata, i)->fenced;
    snapshot_add(to, METRIC_METADATA_LEADER, metadata_group_is_leading(observed->metadata_group));
    snapshot_add(to, METRIC_METADATA_TERM,
                 raft_group_term(metadata_group_raft(observed->metadata_group)));
    snapshot_add(to, METRIC_METADATA_APPLIED,
                 (double)metadata_group_applied(observed->metadata_group));
    snapshot_add1(to, METRIC_BROKERS, (double)(brokers - fenced), text(to, "alive"));
    snapshot_add1(to, METRIC_BROKERS, (double)fenced, text(to, "fenced"));
    snapshot_add(to, METRIC_TOPICS, (double)metadata_topic_count(observed->metadata));
    struct metadata_group_changes changes = metadata_group_changes(observed->metadata_group);
    snapshot_add1(to, METRIC_METADATA_CHANGES, (double)changes.done, text(to, "done"));
    snapshot_add1(to, METRIC_METADATA_CHANGES, (double)changes.refused, text(to, "refused"));
}

static const char *const losses[LOSSES] = {[LOSS_TRANSFER] = "transfer",
                                           [LOSS_DEPOSED] = "deposed",
                                           [LOSS_NO_MAJORITY] = "no_majority",
                                           [LOSS_STOPPED] = "stopped"};

/* The other brokers of the cluster, by place; before it is known who they are, those of the
 * settings. False: there are no more. */
static bool peer_at(const struct observed *observed, size_t place, int32_t *node) {
    const struct broker_settings *settings = observed->settings;
    size_t count = observed->metadata != NULL ? metadata_roster_count(observed->metadata)
                                              : settings->node_count;
    if (place >= count) return false;
    *node = observed->metadata != NULL ? metadata_roster_at(observed->metadata, place)->node
                                       : settings->nodes[place].node;
    return true;
}

static void observe_peers(struct observer *observer) {
    const struct observed *observed = observer->observed;
    const struct peers *peers = shard_peers(observed->shard);
    struct snapshot *to = observer->snapshot;
    int32_t node;
    for (size_t i = 0; peer_at(observed, i, &node); i++) {
        if (node == observed->settings->node_id) continue;
        struct peer_traffic traffic = peers_traffic(peers, node);
        snapshot_text_id label = number(to, node);
        snapshot_add1(to, METRIC_PEER_UP, peers_is_up(peers, node), label);
        if (traffic.round_trip_us > 0)
            snapshot_add1(to, METRIC_PEER_ROUND_TRIP, (double)traffic.round_trip_us / 1e6, label);
        snapshot_add1(to, METRIC_PEER_SENT_BYTES, (double)traffic.sent, label);
        snapshot_add1(to, METRIC_PEER_RECEIVED_BYTES, (double)traffic.received, label);
        struct shard_peer_stats sent = shard_peer_stats(observed->shard, node);
        snapshot_add1(to, METRIC_PEER_WINDOW_FULL, (double)sent.window_full_us / 1e6, label);
        snapshot_add1(to, METRIC_CATCH_UP_BYTES, (double)sent.files_bytes, label);
    }
}

static void observe_raft(struct observer *observer) {
    const struct observed *observed = observer->observed;
    struct snapshot *to = observer->snapshot;
    struct shard_stats stats;
    shard_stats_get(observed->shard, &stats);
    snapshot_add(to, METRIC_RAFT_TRUNCATIONS, (double)stats.truncations);
    snapshot_add(to, METRIC_RAFT_MESSAGES_DROPPED, (double)stats.messages_dropped);
    for (int cause = 0; cause < ELECTION_CAUSES; cause++)
        snapshot_add1(to, METRIC_ELECTIONS, (double)stats.elections[cause],
                      text(to, election_causes[cause]));
    for (int loss = 0; loss < LOSSES; loss++)
        snapshot_add1(to, METRIC_LEADERSHIPS_LOST, (double)stats.leaderships_lost[loss],
                      text(to, losses[loss]));
    snapshot_add_histogram(to, METRIC_PRODUCE_STAGE, &stats.journal_us, text(to, "journal"));
    snapshot_add_histogram(to, METRIC_PRODUCE_STAGE, &stats.quorum_us, text(to, "quorum"));
    snapshot_add_histogram(to, METRIC_FAILOVER, &stats.failovers, 0);
    snapshot_add(to, METRIC_FAST_FAILOVERS, (double)stats.fast_failovers);
    snapshot_add1(to, METRIC_DAMAGE_FOUND, (double)stats.damaged_files, text(to, "segments"));
    snapshot_add(to, METRIC_LOGS_DAMAGED, (double)stats.damaged_logs);
    snapshot_add(to, METRIC_LOGS_MENDED, (double)stats.mended_logs);
}

/* ---- The disk ---- */

static void observe_journal(struct observer *observer) {
    struct snapshot *to = observer->snapshot;
    const struct journal *journal = log_store_journal(observer->observed->store);
    struct journal_stats stats;
    journal_stats_get(journal, &stats);
    snapshot_add_histogram(to, METRIC_JOURNAL_SYNC, &stats.sync, 0);
    snapshot_add(to, METRIC_JOURNAL_SYNC_AGE, (double)stats.sync_age_us / 1e6);
    snapshot_add(to, METRIC_JOURNAL_ROUNDS, (double)stats.rounds);
    snapshot_add(to, METRIC_JOURNAL_WRITTEN_BYTES, (double)stats.bytes);
    snapshot_add(to, METRIC_JOURNAL_LIVE_BYTES, (double)journal_live_bytes(journal));
    snapshot_add(to, METRIC_JOURNAL_LIMIT_BYTES, (double)journal_limit_bytes(journal));
    snapshot_add1(to, METRIC_JOURNAL_FILES, (double)stats.files_made, text(to, "made"));
    snapshot_add1(to, METRIC_JOURNAL_FILES, (double)stats.files_reused, text(to, "reused"));
    snapshot_add(to, METRIC_JOURNAL_COPIED_FORWARD, (double)stats.entries_copied_forward);
    snapshot_add(to, METRIC_JOURNAL_TORN_TAILS, (double)stats.torn_tails);
    snapshot_add(to, METRIC_WRITE_BEHIND_BYTES,
                 (double)log_store_unwritten_bytes(observer->observed->store));
}

static void observe_segments(struct observer *observer) {
    static const char *const places[FETCHED_FROM] = {
        [FETCHED_MEMORY] = "memory", [FETCHED_CACHE] = "cache", [FETCHED_DISK] = "disk"};
    struct snapshot *to = observer->snapshot;
    const struct log_store_counts *counts = log_store_counts(observer->observed->store);
    for (int from = FETCHED_CACHE; from < FETCHED_FROM; from++)
        snapshot_add_histogram(to, METRIC_SEGMENT_READ, &counts->read_us[from],
                               text(to, places[from]));
    snapshot_add(to, METRIC_SEGMENT_WRITTEN_BYTES, (double)counts->written_bytes);
    snapshot_add(to, METRIC_SEGMENT_RAW_BYTES, (double)counts->raw_bytes);
    snapshot_add1(to, METRIC_DELETED_BYTES, (double)counts->dropped_bytes, text(to, "start"));
    snapshot_add1(to, METRIC_DELETED_BYTES, (double)counts->cleaned_bytes, text(to, "cleaned"));
    for (int from = 0; from < FETCHED_FROM; from++)
        snapshot_add1(to, METRIC_FETCH_SERVED_BYTES, (double)counts->fetched_bytes[from],
                      text(to, places[from]));
}

static void observe_disk(struct observer *observer) {
    struct snapshot *to = observer->snapshot;
    struct disk_space *room = log_store_room(observer->observed->store);
    struct disk_space_facts facts;
    disk_space_facts_get(room, &facts);
    if (facts.total_bytes != UINT64_MAX)
        snapshot_add(to, METRIC_DISK_SIZE, (double)facts.total_bytes);
    if (facts.free_bytes != UINT64_MAX)
        snapshot_add(to, METRIC_DISK_FREE, (double)facts.free_bytes);
    host_facts_read(&observer->host, observer->observed->env, facts.path);
    host_facts_show(&observer->host,
                    journal_is_direct(log_store_journal(observer->observed->store)), to);
    snapshot_add(to, METRIC_DISK_MIN_FREE, (double)facts.min_free_bytes);
    snapshot_add(to, METRIC_DISK_REFUSING, disk_space_is_short(room, DISK_ROOM_LEADER));
}

/* ---- Memory ---- */

static void observe_budget(struct snapshot *to, const char *name, size_t used, size_t limit) {
    snapshot_text_id label = text(to, name);
    snapshot_add1(to, METRIC_MEMORY_BYTES, (double)used, label);
    snapshot_add1(to, METRIC_MEMORY_LIMIT_BYTES, (double)limit, label);
}

static void observe_waits(struct snapshot *to, const char *name, uint64_t waits) {
    snapshot_add1(to, METRIC_MEMORY_WAITS, (double)waits, text(to, name));
}

static void observe_memory(struct observer *observer) {
    const struct observed *observed = observer->observed;
    const struct broker_settings *settings = observed->settings;
    const struct server_memory *clients = server_memory_of(observed->server);
    struct snapshot *to = observer->snapshot;
    observe_budget(to, "requests", server_memory_request_bytes(clients),
                   settings->queued_max_request_bytes);
    observe_budget(to, "answers", clients->answers.used, settings->queued_max_request_bytes);
    observe_budget(to, "parked", clients->parked.used, settings->queued_max_parked_bytes);
    observe_budget(to, "uncommitted", log_store_uncommitted_bytes(observed->store),
                   journal_usable_bytes(log_store_journal(observed->store)) / 4);
    if (observed->group_memory != NULL)
        observe_budget(to, "groups", observed->group_memory->used, observed->group_memory->limit);
    observe_waits(to, "requests", server_memory_request_waits(clients));
    observe_waits(to, "answers", clients->answers.waits);
    snapshot_add(to, METRIC_CONNECTIONS_PAUSED, (double)server_memory_waiting(clients));
    if (observed->shard == NULL) return;
    struct shard_stats stats;
    shard_stats_get(observed->shard, &stats);
    observe_budget(to, "received", stats.received_bytes, settings->peer_receive_bytes);
    observe_waits(to, "received", stats.receive_pauses);
}

/* ---- The log, what is produced ---- */

static void observe_log(struct observer *observer) {
    static const char *const levels[] = {
        [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug"};
    const struct log *log = observer->observed->log;
    struct snapshot *to = observer->snapshot;
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++)
        snapshot_add1(to, METRIC_LOG_LINES, (double)log->lines[level], text(to, levels[level]));
    snapshot_add(to, METRIC_LOG_LINES_LEFT_OUT, (double)log->left_out);
}

static void observe_produce(struct observer *observer) {
    const struct produce_counts *counts = partition_set_counts(observer->observed->partitions);
    struct snapshot *to = observer->snapshot;
    snapshot_add_histogram(to, METRIC_PRODUCE_STAGE, &counts->gather_us, text(to, "gather"));
    snapshot_add_histogram(to, METRIC_PRODUCE_BATCH_BYTES, &counts->batch_bytes, 0);
    snapshot_add_histogram(to, METRIC_PRODUCE_BATCH_RECORDS, &counts->batch_records, 0);
    snapshot_add(to, METRIC_PRODUCE_DUPLICATES, (double)counts->repeated);
    snapshot_add(to, METRIC_PRODUCE_OUT_OF_ORDER, (double)counts->out_of_order);
}

/* ---- Transactions ---- */

static void count_open(void *arg, void *state) {
    transaction_coordinator_count(state, arg);
}

static void observe_transactions(struct observer *observer) {
    const struct observed *observed = observer->observed;
    const struct transaction_counts *counts = observed->transaction_counts;
    struct snapshot *to = observer->snapshot;
    struct transactions_open open = {.oldest_ms = INT64_MAX};
    coordinators_each(observed->transactions, count_open, &open);
    int64_t age_ms = open.oldest_ms == INT64_MAX ? 0 : env_wall_ms(observed->env) - open.oldest_ms;
    snapshot_add(to, METRIC_TRANSACTIONAL_IDS, (double)open.ids);
    snapshot_add1(to, METRIC_TRANSACTIONS_OPEN, (double)open.ongoing, text(to, "ongoing"));
    snapshot_add1(to, METRIC_TRANSACTIONS_OPEN, (double)open.ending, text(to, "ending"));
    snapshot_add(to, METRIC_TRANSACTIONS_OLDEST, age_ms < 0 ? 0 : (double)age_ms / 1000);
    snapshot_add1(to, METRIC_TRANSACTIONS_ENDED, (double)counts->committed, text(to, "commit"));
    snapshot_add1(to, METRIC_TRANSACTIONS_ENDED, (double)(counts->aborted - counts->timed_out),
                  text(to, "abort"));
    snapshot_add1(to, METRIC_TRANSACTIONS_ENDED, (double)counts->timed_out, text(to, "timeout"));
    if (observed->markers != NULL)
        snapshot_add(to, METRIC_TRANSACTION_MARKERS,
                     (double)marker_sender_markers(observed->markers));
    if (observed->letters != NULL)
        snapshot_add(to, METRIC_DEAD_LETTERS_WAITING,
                     (double)letter_mover_waiting(observed->letters));
}

/* ---- What waits for its time ---- */

static void observe_delays(struct snapshot *to, const struct delay_book *book) {
    struct delay_sums sums = delay_book_sum(book);
    snapshot_add(to, METRIC_DELAYED_RECORDS, (double)sums.records);
    snapshot_add(to, METRIC_DELAYED_BYTES, (double)sums.bytes);
    if (sums.next_due_ms != INT64_MAX)
        snapshot_add(to, METRIC_DELAYED_NEXT_DUE, (double)sums.next_due_ms / 1000);
    snapshot_add(to, METRIC_DELAYED_DELIVERED, (double)book->delivered);
    snapshot_add(to, METRIC_DELAYED_CALLED_OFF, (double)book->called_off);
    snapshot_add_histogram(to, METRIC_DELAYED_LATE, &book->late_us, 0);
}

/* ---- All ---- */

void observe_numbers(struct observer *observer) {
    const struct observed *observed = observer->observed;
    observe_node(observer);
    if (observed->log != NULL) observe_log(observer);
    if (observed->partitions != NULL) {
        observe_produce(observer);
        observe_delays(observer->snapshot, &partition_set_counts(observed->partitions)->delays);
    }
    if (observed->transactions != NULL) observe_transactions(observer);
    if (observed->rebalance_us != NULL)
        snapshot_add_histogram(observer->snapshot, METRIC_GROUP_REBALANCE, observed->rebalance_us,
                               0);
    if (observed->server != NULL) {
        observe_listeners(observer, server_stats_of(observed->server));
        observe_requests(observer, server_stats_of(observed->server));
        if (has_logins(observed->settings)) observe_logins(observer);
        observe_certificate(observer);
        observe_refusals(observer);
        observe_quotas(observer->snapshot, server_guards_of(observed->server).quotas);
        observe_software(observer, &server_stats_of(observed->server)->clients);
    }
    if (observed->store != NULL) {
        observe_journal(observer);
        observe_segments(observer);
        observe_disk(observer);
    }
    if (observed->shard != NULL) {
        observe_peers(observer);
        observe_raft(observer);
    }
    if (observed->server != NULL && observed->store != NULL) observe_memory(observer);
    observe_metadata(observer);
}

static void observe_lag(struct observer *observer, int32_t node) {
    const struct tally *tally = observer->observed->tally;
    struct snapshot *to = observer->snapshot;
    snapshot_text_id label = number(to, node);
    uint64_t now_ms = env_now_ms(observer->observed->env);
    struct broker_lag lag = {.node = node};
    if (tally != NULL) lag = tally_lag(tally, node);
    snapshot_add1(to, METRIC_REPLICA_LAG_ENTRIES, (double)lag.entries, label);
    snapshot_add1(to, METRIC_REPLICA_LAG_BYTES, (double)lag.bytes, label);
    snapshot_add1(to, METRIC_REPLICA_LAG_SECONDS,
                  lag.oldest_ms == 0 ? 0 : (double)(now_ms - lag.oldest_ms) / 1000, label);
}

void observe_counts(struct observer *observer) {
    const struct observed *observed = observer->observed;
    const struct tally_sums *counts = tally_sums(observer->observed->tally);
    struct snapshot *to = observer->snapshot;
    snapshot_add1(to, METRIC_PARTITIONS, (double)counts->leader, text(to, "leader"));
    snapshot_add1(to, METRIC_PARTITIONS, (double)counts->follower, text(to, "follower"));
    snapshot_add(to, METRIC_PARTITIONS_BEHIND, (double)counts->behind);
    snapshot_add(to, METRIC_PARTITIONS_LEADERLESS, (double)counts->leaderless);
    snapshot_add(to, METRIC_PARTITIONS_UNDER_REPLICATED, (double)counts->under_replicated);
    snapshot_add(to, METRIC_PARTITIONS_BELOW_MIN_INSYNC, (double)counts->below_min_insync);
    snapshot_add(to, METRIC_PARTITIONS_AWAY, (double)counts->away);
    snapshot_add(to, METRIC_PRODUCERS, (double)counts->producers);
    snapshot_add(to, METRIC_UNSTABLE_RECORDS, (double)counts->unstable);
    snapshot_add(to, METRIC_SEGMENTS, (double)counts->segments);
    int32_t node;
    for (size_t i = 0; peer_at(observed, i, &node); i++)
        if (node != observed->settings->node_id) observe_lag(observer, node);
}
