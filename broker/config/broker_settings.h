/*
 * The settings of a broker: the one table (names, defaults, limits, a sentence each) and their
 * values with types.
 *
 * The table feeds the file parser, `--set`, `--help-config`, DescribeConfigs and the reference in
 * docs/. Names are Kafka's where the meaning is Kafka's. What one row cannot say (listeners that
 * fit together, a node that is in its own list) is checked by broker_settings_from(), with a
 * sentence.
 */
#ifndef BROKER_CONFIG_BROKER_SETTINGS_H
#define BROKER_CONFIG_BROKER_SETTINGS_H

#include "base/io/host_port.h"
#include "base/log.h"
#include "base/secure/tls_context.h"
#include "base/settings.h"
#include "broker/tokens/token_settings.h"
#include "raft-glue/peer/peers.h"

enum {
    BROKER_LISTENERS_MAX = 8,
    BROKER_NODES_MAX = 64,
    BROKER_LISTENER_NAME_MAX = 63,
    BROKER_PARTITIONS_MOST = 200000, /* of the cluster, whatever the settings say */
    BROKER_SEGMENT_FILES = 512,      /* until somebody says how many files there may be */
    BROKER_BATCH_MOST = 100 << 20,   /* bytes: the largest max.message.bytes of any topic */
};

/* `n` rows, static. */
const struct setting *broker_settings_table(size_t *n);
/* The other settings of a Kafka broker (4.3), each with what to say of it; `n` rows, static. */
const struct setting_absent *broker_settings_absent(size_t *n);

/* NAME://host:port. Host and port of a bound listener and of what is told to clients differ behind
 * NAT or in containers. */
struct broker_listener {
    char name[BROKER_LISTENER_NAME_MAX + 1]; /* upper case: PLAINTEXT, EXTERNAL */
    char host[HOST_MAX + 1]; /* "" in `listeners` of Kafka means all: stored as "0.0.0.0" */
    int32_t port;            /* 0: the system picks (bound), or the bound port (advertised) */
    char advertised_host[HOST_MAX + 1];
    int32_t advertised_port;
    bool bind_ipv6_loopback_too; /* the default, or localhost: 127.0.0.1 and ::1 */
    bool tls, logs_in;
};

struct broker_node_address {
    int32_t node;
    char host[HOST_MAX + 1];
    int32_t port;
};

/* Whether anybody is asked who may do what. */
enum broker_authorizer { AUTHORIZER_OFF, AUTHORIZER_OBSERVES, AUTHORIZER_ENFORCES };

enum { CONSOLE_TOKEN_MIN = 32, CONSOLE_TOKEN_MAX = 256 };

struct broker_settings {
    const struct settings *values; /* as given: for DescribeConfigs */
    struct intervals *intervals;   /* who waits for a time of these settings; NULL: they stay */
    int32_t node_id;
    const char *data_dir;
    const char *rack; /* "" for none */
    struct broker_listener listeners[BROKER_LISTENERS_MAX];
    size_t listener_count;
    struct tls_options tls; /* of those listeners that speak it; texts of `values` */
    uint32_t tls_handshakes_max, tls_setup_ms, tls_reload_ms;
    uint32_t login_mechanisms; /* bit n: the n-th of the names of sasl.enabled.mechanisms */
    uint32_t login_frame_max, login_delay_ms, login_lifetime_ms;
    const char *users_file; /* "": none */
    struct token_settings tokens;
    enum broker_authorizer authorizer;
    const char *super_users; /* of `values` */
    bool allow_everyone;     /* where there is no rule */
    bool peer_verify_address;
    const char *peer_secret_file; /* "": none */
    enum peer_tls_mode peer_tls;  /* PEER_TLS_OFF without a secret */
    char peer_host[HOST_MAX + 1]; /* "": a cluster of one, no peer port */
    int32_t peer_port;
    char http_host[HOST_MAX + 1]; /* "": nothing is served */
    int32_t http_port;
    bool http_is_default;
    bool console;                              /* it is served there */
    const char *console_hosts;                 /* names for it, with commas */
    char console_token[CONSOLE_TOKEN_MAX + 1]; /* of whoever may change things in it; "": nobody */
    size_t metrics_topics, metrics_groups;
    /* By node id, this broker included; it alone if cluster.nodes is empty. */
    struct broker_node_address nodes[BROKER_NODES_MAX];
    size_t node_count;
    /* cluster.nodes normalised: by id, no blanks. */
    char nodes_text[BROKER_NODES_MAX * (HOST_MAX + 24)];
    enum log_level log_level;
    enum log_format log_format; /* text, logfmt or json */

    uint32_t metadata_voters;
    int32_t num_partitions;
    uint32_t max_request_partitions, max_partitions,
        max_broker_partitions;          /* of what is created; the last: replicas */
    int32_t default_replication_factor; /* as asked; -1: not set, min(3, brokers) */
    bool auto_create_topics;
    int32_t offsets_topic_partitions;
    const char *offsets_topic_segment_bytes;  /* as text, for its settings */
    int32_t offsets_topic_replication_factor; /* as asked; never more than there are brokers */
    uint32_t offsets_commit_timeout_ms;
    int32_t transaction_partitions;
    const char *transaction_segment_bytes; /* as text, for its settings */
    int32_t transaction_replication_factor;
    int32_t transaction_max_timeout_ms;
    int64_t transactional_id_expiration_ms;
    size_t transaction_memory_bytes;
    uint32_t group_min_session_timeout_ms, group_max_session_timeout_ms;
    uint32_t group_initial_rebalance_delay_ms;
    uint32_t group_max_size;
    size_t group_max_bytes, group_memory_bytes; /* of one group; of all that are coordinated here */
    int32_t group_id_max_bytes;                 /* of a group's id, a member's, an instance's */
    bool leader_rebalance;
    uint32_t leader_check_interval_s, leader_imbalance_percentage;
    int32_t min_insync_replicas;
    int32_t message_max_bytes;
    bool log_compression_lz4;

    uint32_t socket_request_max_bytes;
    size_t message_unfolded_max_bytes; /* records of one batch, decompressed */
    size_t produce_check_memory_bytes; /* of checks of batches under way */
    uint32_t produce_check_inline_us;  /* longer ones are not for the loop */
    uint64_t queued_max_request_bytes; /* memory for requests in flight; clients are not read while
                                          it is spent */
    uint64_t queued_max_parked_bytes;  /* of those that wait for other clients */
    uint32_t max_connections, max_connections_per_ip, max_connection_rate; /* the last: a second */
    uint32_t quota_samples, quota_sample_ms; /* of rates that have quotas */
    uint32_t few_files; /* the limit of open files, where max_connections is lower than asked
                           because of it; else 0 (file_shares.h) */
    uint32_t open_files, connections_most; /* that limit, and the clients that it leaves room for;
                                              0: nobody has said. From file_shares.h, too */
    uint32_t connections_max_idle_ms;
    uint32_t max_requests_per_connection; /* in flight; the connection is not read beyond */
    uint32_t turn_warn_ms;    /* a turn of the loop that takes so long is told on the log */
    uint32_t fetch_max_bytes; /* of one answer */
    size_t fetch_sessions, fetch_session_bytes; /* that are kept, and their memory */
    uint64_t producer_id_expiration_ms;
    uint32_t group_consumer_session_timeout_ms, group_consumer_heartbeat_interval_ms;
    uint32_t group_consumer_assignment_interval_ms;
    uint32_t group_consumer_min_session_timeout_ms, group_consumer_max_session_timeout_ms;
    uint32_t group_consumer_min_heartbeat_interval_ms, group_consumer_max_heartbeat_interval_ms;
    uint32_t group_consumer_min_assignment_interval_ms, group_consumer_max_assignment_interval_ms;
    uint64_t group_consumer_regex_refresh_interval_ms;
    uint32_t group_consumer_max_size;
    bool group_consumer_may_upgrade, group_consumer_may_downgrade; /* groups with members */
    uint32_t offset_metadata_max;                                  /* UTF-16 units, as in Kafka */
    int64_t offsets_retention_ms;
    uint64_t offsets_check_interval_ms;
    uint32_t partition_max_producers;

    uint64_t journal_file_bytes, journal_max_bytes;
    uint64_t segment_bytes;
    uint32_t index_interval_bytes;
    uint64_t tail_cache_bytes;
    uint32_t segment_files; /* segments that may be open at one time: from what the process may have
                               (file_shares.h), not from the table */
    uint64_t partition_uncommitted_bytes;
    uint64_t disk_min_free_bytes;
    uint64_t retention_check_interval_ms;
    uint64_t cleaner_map_bytes, cleaner_bytes_per_second;
    uint64_t cleaner_backoff_ms;
    uint64_t scrub_interval_ms, scrub_bytes_per_second; /* the second 0: never */
    uint64_t peer_window_bytes, peer_receive_bytes;

    uint32_t broker_session_timeout_ms, broker_heartbeat_ms;
    uint32_t isolated_clients_ms; /* 0: never */
    uint32_t raft_heartbeat_ms, raft_election_timeout_ms, raft_failover_ms;
    uint64_t replica_absent_ms;
    uint64_t metadata_snapshot_bytes;
    uint64_t recovery_rate; /* bytes a second; 0: no limit */
};

/* Reads and checks `values` (of the table), which must stay as long as `into` is used. ERR_INVALID;
 * `why` names the setting, its value and what would do. */
int broker_settings_from(const struct settings *values, struct broker_settings *into,
                         struct error_text *why);

/* No more connections than there is room for (connections_most). */
void broker_settings_bound_connections(struct broker_settings *settings);

/* The replication factor of a topic whose creator does not say, in a cluster of so many brokers. */
int16_t broker_replication_factor(const struct broker_settings *settings, size_t brokers);

/* Calls `warn` with a sentence for each combination that works but that nobody wants (one lost
 * broker stops writing). */
void broker_settings_warnings(const struct broker_settings *settings,
                              void (*warn)(void *arg, const char *sentence), void *arg);

#endif
