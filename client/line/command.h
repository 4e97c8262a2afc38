/*
 * What a command of `drave` is: one row of the table in command_table.c, from which parsing, help,
 * usage and completion come.
 *
 * Options that every command has: -b HOSTS, --json, --timeout, --help. Exit codes are those of enum
 * exit_code everywhere.
 */
#ifndef CLIENT_LINE_COMMAND_H
#define CLIENT_LINE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum exit_code { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3 };

struct command_option {
    char letter;       /* 0: no short form; then `key` tells it apart */
    int key;           /* the letter, or a number above 255 */
    const char *name;  /* "partitions" */
    const char *value; /* "N"; NULL: a flag */
    const char *help;
};

struct invocation;

struct command {
    const char *name;  /* "topic create": one or two words */
    const char *words; /* "TOPIC", for usage; "" for none */
    int min_words, max_words;
    const char *help;    /* one sentence */
    const char *example; /* a whole command line */
    const struct command_option *options;
    size_t option_count;
    int (*run)(struct invocation
                   *invocation); /* returns an exit code; NULL: client/about/about.h runs it */
};

enum { INVOCATION_VALUES = 64 };

/* One call, parsed. Texts are the program's arguments. */
struct invocation {
    const struct command *command;
    const char *bootstrap; /* host:port,...; NULL until client/profile/profile_use.h has run */
    const char *profile;   /* --profile; NULL: not given */
    bool tls;              /* --tls, --ca or --cert, or the profile's */
    const char *ca, *cert; /* files; NULL: not given */
    const char *user, *password_file, *mechanism; /* of a login; NULL: not given */
    bool json;
    uint64_t timeout_ms;
    bool timeout_given; /* timeout_ms is what the user asked for, not the default */
    char **words;
    int word_count;
    struct {
        int key;
        const char *value; /* "" for a flag */
    } values[INVOCATION_VALUES];
    size_t value_count;
};

/* The last value given for the option, or `fallback`. */
const char *invocation_value(const struct invocation *invocation, int key, const char *fallback);
bool invocation_has(const struct invocation *invocation, int key);
/* The n-th value of an option that may be repeated, or NULL behind the last. */
const char *invocation_nth(const struct invocation *invocation, int key, size_t n);
/* A number within [min, max]; says what is wrong and ends the program with EXIT_USAGE otherwise. */
int64_t invocation_number(const struct invocation *invocation, int key, int64_t fallback,
                          int64_t min, int64_t max);

/* A duration ("10s", "2m", "10": seconds) within [min_s, max_s], in ms; ends the program with
 * EXIT_USAGE otherwise. */
uint64_t invocation_duration(const struct invocation *invocation, int key, uint64_t fallback_s,
                             uint64_t min_s, uint64_t max_s);

/* NULL: the command has no such option. */
const struct command_option *command_option_of(const struct command *command, int key);
const struct command_option *command_option_named(const struct command *command, const char *name);
/* Whether the call changes a cluster: whatever could be tried with --dry-run and is not, what
 * writes records or commits offsets beside. */
bool command_changes(const struct invocation *invocation);

/* "key=value" split at the first '='; false without one. The key is copied (mem_free). */
bool pair_split(const char *pair, char **key, const char **value);

/* ---- The commands, one file each ---- */

int command_info(struct invocation *invocation);
int command_topic_create(struct invocation *invocation);
int command_topic_list(struct invocation *invocation);
int command_topic_describe(struct invocation *invocation);
int command_topic_delete(struct invocation *invocation);
int command_topic_alter(struct invocation *invocation);
int command_topic_add_partitions(struct invocation *invocation);
int command_topic_offsets(struct invocation *invocation);
int command_topic_trim(struct invocation *invocation);
int command_topic_move(struct invocation *invocation);
int command_broker_add(struct invocation *invocation);
int command_broker_drain(struct invocation *invocation);
int command_broker_remove(struct invocation *invocation);
int command_broker_replace(struct invocation *invocation);
int command_recover(struct invocation *invocation);
int command_config_get(struct invocation *invocation);
int command_config_set(struct invocation *invocation);
int command_config_unset(struct invocation *invocation);
int command_config_diff(struct invocation *invocation);
int command_config_edit(struct invocation *invocation);
int command_group_list(struct invocation *invocation);
int command_group_describe(struct invocation *invocation);
int command_group_why(struct invocation *invocation);
int command_group_seek(struct invocation *invocation);
int command_group_delete(struct invocation *invocation);
int command_group_export(struct invocation *invocation);
int command_group_import(struct invocation *invocation);
int command_share_list(struct invocation *invocation);
int command_share_describe(struct invocation *invocation);
int command_share_offsets(struct invocation *invocation);
int command_share_reset(struct invocation *invocation);
int command_share_delete(struct invocation *invocation);
int command_delay_list(struct invocation *invocation);
int command_delay_count(struct invocation *invocation);
int command_delay_cancel(struct invocation *invocation);
int command_dlq_list(struct invocation *invocation);
int command_dlq_show(struct invocation *invocation);
int command_dlq_redrive(struct invocation *invocation);
int command_txn_list(struct invocation *invocation);
int command_txn_describe(struct invocation *invocation);
int command_txn_abort(struct invocation *invocation);
int command_txn_find_hanging(struct invocation *invocation);
int command_health(struct invocation *invocation);
int command_disk(struct invocation *invocation);
int command_doctor(struct invocation *invocation);
int command_selftest(struct invocation *invocation);
int command_top(struct invocation *invocation);
int command_events(struct invocation *invocation);
int command_debug_bundle(struct invocation *invocation);
int command_client_list(struct invocation *invocation);
int command_client_trace(struct invocation *invocation);
int command_broker_list(struct invocation *invocation);
int command_broker_stoppable(struct invocation *invocation);
int command_api_versions(struct invocation *invocation);
int command_produce(struct invocation *invocation);
int command_consume(struct invocation *invocation);
int command_meta_ls(struct invocation *invocation);
int command_meta_get(struct invocation *invocation);
int command_meta_voters(struct invocation *invocation);
int command_bench(struct invocation *invocation);
int command_user_list(struct invocation *invocation);
int command_user_set(struct invocation *invocation);
int command_user_delete(struct invocation *invocation);
int command_user_hash(struct invocation *invocation);
int command_cluster_secret(struct invocation *invocation);
int command_tls_init(struct invocation *invocation);
int command_tls_show(struct invocation *invocation);
int command_tls_renew(struct invocation *invocation);
int command_acl_add(struct invocation *invocation);
int command_acl_list(struct invocation *invocation);
int command_acl_remove(struct invocation *invocation);
int command_acl_check(struct invocation *invocation);
int command_acl_suggest(struct invocation *invocation);
int command_quota_list(struct invocation *invocation);
int command_quota_set(struct invocation *invocation);
int command_quota_unset(struct invocation *invocation);
int command_profile_add(struct invocation *invocation);
int command_profile_use(struct invocation *invocation);
int command_profile_list(struct invocation *invocation);
int command_profile_show(struct invocation *invocation);
int command_profile_remove(struct invocation *invocation);
int command_dev(struct invocation *invocation);
int command_dev_status(struct invocation *invocation);
int command_dev_stop(struct invocation *invocation);
int command_dev_kill(struct invocation *invocation);
int command_dev_pause(struct invocation *invocation);
int command_dev_resume(struct invocation *invocation);
int command_dev_start(struct invocation *invocation);

extern const struct command commands[];
extern const size_t command_count;

/* Keys of options without a letter. */
enum {
    OPTION_JSON = 256,
    OPTION_TIMEOUT,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_IF_NOT_EXISTS,
    OPTION_WAIT,
    OPTION_UNDO,
    OPTION_ACCEPT_LOSS,
    OPTION_PLAN,
    OPTION_NODES,
    OPTION_DIR,
    OPTION_PORT,
    OPTION_DETACH,
    OPTION_SET,
    OPTION_RATE,
    OPTION_SIZE,
    OPTION_SECONDS,
    OPTION_CONNECTIONS,
    OPTION_SYNC,
    OPTION_REPARTITION,
    OPTION_REPORT,
    OPTION_DRY_RUN,
    OPTION_AT,
    OPTION_TO,
    OPTION_BY,
    OPTION_FROM_GROUP,
    OPTION_FROM_FILE,
    OPTION_YES,
    OPTION_PROTOCOL,
    OPTION_WINDOW,
    OPTION_ALL,
    OPTION_READY,
    OPTION_LIVE,
    OPTION_STOPPABLE,
    OPTION_WATCHER,
    OPTION_CLUSTER,
    OPTION_CANCEL,
    OPTION_SINCE,
    OPTION_ONCE,
    OPTION_VIEW,
    OPTION_MAX_MESSAGES,
    OPTION_META_ONLY,
    OPTION_READ_COMMITTED,
    OPTION_READ_UNCOMMITTED,
    OPTION_TRANSACTIONAL_ID,
    OPTION_COMMIT_EVERY,
    OPTION_TRANSACTION,
    OPTION_LONGER,
    OPTION_ACKS,
    OPTION_STATE,
    OPTION_PER,
    OPTION_IF_EXISTS,
    OPTION_UNHEALTHY,
    OPTION_PROFILE,
    OPTION_TLS,
    OPTION_CA,
    OPTION_CERT,
    OPTION_USER,
    OPTION_DENY,
    OPTION_HOST,
    OPTION_PRINCIPAL,
    OPTION_PASSWORD_FILE,
    OPTION_SASL,
    OPTION_DEV_TLS,
    OPTION_DEV_SASL,
    OPTION_MECHANISM,
    OPTION_ITERATIONS,
    OPTION_NEW_PASSWORD_FILE,
    OPTION_CLIENT_ID,
    OPTION_BROKER,
    OPTION_CLIENT,
    OPTION_DAYS,
    OPTION_FOR,
    OPTION_FROM,
    OPTION_ANONYMOUS,
    OPTION_SHARE,
    OPTION_UNTIL,
    OPTION_REASON,
    OPTION_WATCH = 'w',
    OPTION_FOLLOW = 'f',
};

#endif
