/*
 * The options of each command: of command_table.c alone, which counts them.
 *
 * What several commands have is one row here, so that it is called the same and says the same.
 */
#ifndef CLIENT_COMMANDS_COMMAND_OPTIONS_H
#define CLIENT_COMMANDS_COMMAND_OPTIONS_H

#include "client/line/command.h"
#include "client/line/moment.h"

#define WATCH_OPTION \
    {'w', OPTION_WATCH, "watch", NULL, "show it again whenever it changes, until Ctrl-C"}

/* Of what shows a cluster: again, or how it was. */
#define SHOW_OPTIONS                               \
    WATCH_OPTION, {0, OPTION_FROM, "from", "FILE", \
                   "show what a file of drave debug bundle holds, in place of asking the cluster"}

#define REGEX_OPTION          \
    {'r', 'r', "regex", NULL, \
     "each TOPIC is a regular expression, which may match anywhere in a name"}

/* Of commands that take patterns of topics. */
#define YES_OPTION \
    {0, OPTION_YES, "yes", NULL, "do not ask whether the topics of a pattern are meant"}

static const struct command_option show_options[] = {SHOW_OPTIONS};
static const struct command_option watch_options[] = {WATCH_OPTION};
static const struct command_option info_options[] = {
    SHOW_OPTIONS,
    {0, OPTION_WAIT, "wait", "TIME", "wait until every partition has a leader: 30, 30s, 2m"},
};
static const struct command_option create_options[] = {
    {'p', 'p', "partitions", "N", "number of partitions (the cluster's num.partitions)"},
    {'r', 'r', "replicas", "N",
     "replicas of each partition (the cluster's default.replication.factor)"},
    {'c', 'c', "config", "K=V", "a setting of the topic; may be repeated"},
    {0, OPTION_IF_NOT_EXISTS, "if-not-exists", NULL, "a topic that is there already is fine"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
};
static const struct command_option alter_options[] = {
    {'c', 'c', "config", "K=V",
     "set a setting of the topic (K+=V, K-=V: a part of a list); may be repeated"},
    {'d', 'd', "delete-config", "K",
     "go back to the cluster's value of a setting; may be repeated"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
    REGEX_OPTION,
    YES_OPTION,
};
static const struct command_option add_partitions_options[] = {
    {'n', 'n', "number", "N", "how many partitions more"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
    REGEX_OPTION,
    YES_OPTION,
};
static const struct command_option list_options[] = {
    {0, OPTION_UNHEALTHY, "unhealthy", NULL,
     "only topics with partitions that nobody leads, or that lack a replica in sync"},
    {'d', 'd', "detailed", NULL, "also each partition: leader, replicas, which are in sync"},
    REGEX_OPTION,
    SHOW_OPTIONS,
};
static const struct command_option delete_options[] = {
    {0, OPTION_IF_EXISTS, "if-exists", NULL, "a topic that is not there is fine"},
    REGEX_OPTION,
    YES_OPTION,
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be deleted, and change nothing"},
};
static const struct command_option offsets_options[] = {
    {0, OPTION_AT, "at", "TIME", "also the first record that is not older: " MOMENT_FORMS},
    REGEX_OPTION,
    SHOW_OPTIONS,
};
static const struct command_option trim_options[] = {
    {'o', 'o', "offset", "WHERE",
     "where it is to start: an offset, @TIME (the first record that is not older), -N (all but the last N of each partition "
     "go) or end. TIME: " MOMENT_FORMS},
    {'p', 'p', "partition", "N", "only this partition (all)"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be deleted, and change nothing"},
    REGEX_OPTION,
    YES_OPTION,
};
static const struct command_option move_options[] = {
    {0, OPTION_TO, "to", "IDS",
     "the brokers that are to have a replica, as many as it is to have: 2,3,4. Each partition prefers another one as its leader"},
    {'p', 'p', "partition", "N", "only this partition (all)"},
    {0, OPTION_CANCEL, "cancel", NULL, "instead of --to: back to where the replicas were"},
    {0, OPTION_WAIT, "wait", "TIME", "wait until all of it is there: 30, 30s, 2m"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be moved, and change nothing"},
};
static const struct command_option describe_options[] = {
    {'s', 's', "summary", NULL, "only name, id and size (all sections)"},
    {'c', 'c', "config", NULL, "only the settings of its own"},
    {'p', 'p', "partitions", NULL, "only the partitions"},
    {'a', 'a', "all", NULL, "all sections, as without any of these"},
    REGEX_OPTION,
    SHOW_OPTIONS,
};
static const struct command_option group_describe_options[] = {
    {0, OPTION_PER, "per", "topic|member",
     "sums of each topic, or of each member, in place of the partitions"},
    {'s', 's', "summary", NULL, "only the line about the group"},
    {'c', 'c', "commits", NULL, "only the committed offsets"},
    {'t', 't', "per-topic", NULL, "as --per topic"},
    {'r', 'r', "regex", NULL,
     "each GROUP is a regular expression, which may match anywhere in a name"},
    SHOW_OPTIONS,
};
static const struct command_option group_list_options[] = {
    {0, OPTION_STATE, "state", "STATE",
     "only groups in this state (stable, empty, dead, assigning, reconciling, ...); may be repeated"},
    SHOW_OPTIONS,
};
static const struct command_option add_broker_options[] = {
    {0, OPTION_WAIT, "wait", "TIME", "wait until it serves: 30, 30s, 2m"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
};
static const struct command_option remove_broker_options[] = {
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
};
static const struct command_option replace_broker_options[] = {
    {0, OPTION_ACCEPT_LOSS, "accept-loss", NULL,
     "also when partitions lose their majority by it, and with it their leader, for good"},
    {0, OPTION_WAIT, "wait", "TIME", "wait until all its replicas are in sync: 30, 30s, 2m"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
};
static const struct command_option recover_options[] = {
    {0, OPTION_PLAN, "plan", NULL, "show what is lost, and what is not, and change nothing"},
    {0, OPTION_ACCEPT_LOSS, "accept-loss", NULL,
     "go on without what is lost: the brokers that do not answer never come back with what they had"},
};
static const struct command_option voters_options[] = {
    {0, OPTION_WAIT, "wait", "TIME", "wait until it is so: 30, 30s, 2m"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
};
static const struct command_option drain_broker_options[] = {
    {0, OPTION_UNDO, "undo", NULL, "take it back: what has left stays where it is now"},
    {0, OPTION_WAIT, "wait", "TIME", "wait until it holds nothing: 30, 30s, 2m"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
};
static const struct command_option why_options[] = {
    {0, OPTION_WINDOW, "window", "TIME",
     "over how long it is looked at: a group is behind whose next record has waited for a quarter of it; rates are compared with those "
     "of ten times as long (60s)"},
    SHOW_OPTIONS,
};
#define WELL_OPTION \
    {0, OPTION_WAIT, "wait", "TIME", "look again and again until it is so: 30, 30s, 2m"}
static const struct command_option stoppable_options[] = {WELL_OPTION};
static const struct command_option top_options[] = {
    {'d', 'd', "delay", "TIME", "how long between two looks (2s)"},
    {'n', 'n', "number", "N", "end after N looks"},
    {0, OPTION_VIEW, "view", "b|t|g|c|r|e",
     "begin with brokers, topics, groups, clients, replication, or events (b)"},
    {0, OPTION_ONCE, "once", NULL, "look twice, show what was between, and end"},
};
static const struct command_option trace_options[] = {
    {0, OPTION_CLIENT_ID, "client-id", "ID", "only of the client that calls itself so (all)"},
    {0, OPTION_FOR, "for", "TIME", "how long: 10s, 1m (10s)"},
};
static const struct command_option bundle_options[] = {
    {'o', 'o', "output", "FILE|-",
     "where to; - is standard output (drave-bundle-TIME.tar.gz, which must not be there)"},
    {0, OPTION_ANONYMOUS, "anonymous", NULL,
     "names of topics, groups, clients, transactions, hosts and directories become pseudonyms, each the same everywhere"},
};
static const struct command_option events_options[] = {
    {'f', OPTION_FOLLOW, "follow", NULL, "go on with what happens, until Ctrl-C"},
    {0, OPTION_SINCE, "since", "TIME",
     "only what is not older: 30m, 1h (what the brokers remember)"},
};
static const struct command_option health_options[] = {
    {0, OPTION_READY, "ready", NULL,
     "whether it serves, and is in sync (the default for HOST:PORT)"},
    {0, OPTION_LIVE, "live", NULL, "whether its event loop turns"},
    {0, OPTION_STOPPABLE, "stoppable", NULL,
     "whether a majority stays in sync everywhere when it stops"},
    {0, OPTION_CLUSTER, "cluster", NULL,
     "whether all is well in the cluster (the default without HOST:PORT)"},
    {0, OPTION_WATCHER, "format", "nagios|prometheus",
     "tell it a program that watches: one line of a plugin, whose exit codes are 0 well, 1 warning, 2 something is refused, 3 not "
     "asked, or called wrongly; or metrics for the textfile collector"},
    WELL_OPTION,
    SHOW_OPTIONS,
};
static const struct command_option config_get_options[] = {
    {0, OPTION_ALL, "all", NULL, "also what has its default"},
    SHOW_OPTIONS,
};
static const struct command_option config_change_options[] = {
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
};
static const struct command_option selftest_options[] = {
    {0, OPTION_SECONDS, "seconds", "TIME", "how long for each broker (2)"},
    {0, OPTION_SIZE, "size", "BYTES", "size of a record where throughput is measured (65536)"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be done, and do nothing"},
};
static const struct command_option seek_options[] = {
    {0, OPTION_TO, "to", "WHERE",
     "earliest, latest, an offset, or @TIME: the first record that is not older. TIME: " MOMENT_FORMS},
    {0, OPTION_BY, "by", "N", "N records further than it stands; -N back"},
    {0, OPTION_FROM_GROUP, "from-group", "GROUP", "where another group stands"},
    {0, OPTION_FROM_FILE, "from-file", "FILE",
     "what group export printed, or lines topic,partition,offset; - is standard input"},
    {'t', 't', "topic", "TOPIC[:LIST]",
     "only this topic, or these of its partitions (orders:0,2-5); may be repeated (all that have committed offsets)"},
    {0, OPTION_YES, "yes", NULL, "do it; without it the plan is shown, and nothing is changed"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "show the plan, as without --yes"},
};
static const struct command_option import_options[] = {
    {'G', 'G', "group", "GROUP", "for this group (the one that the file names)"},
    {0, OPTION_YES, "yes", NULL, "do it; without it the plan is shown, and nothing is changed"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "show the plan, as without --yes"},
};
static const struct command_option group_delete_options[] = {
    {'t', 't', "topic", "TOPIC", "only the offsets of this topic, which no member may read"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be deleted, and change nothing"},
};
static const struct command_option share_list_options[] = {
    {0, OPTION_STATE, "state", "STATE",
     "only groups in this state (stable, empty, dead); may be repeated"},
    SHOW_OPTIONS,
};
static const struct command_option share_reset_options[] = {
    {0, OPTION_TO, "to", "WHERE",
     "earliest, latest, an offset, or @TIME: the first record that is not older. TIME: " MOMENT_FORMS},
    {'t', 't', "topic", "TOPIC[:LIST]",
     "only this topic, or these of its partitions (orders:0,2-5); may be repeated (all in which the group has begun)"},
    {0, OPTION_YES, "yes", NULL, "do it; without it the plan is shown, and nothing is changed"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "show the plan, as without --yes"},
};
static const struct command_option share_delete_options[] = {
    {'t', 't', "topic", "TOPIC", "only what the group knows of this topic"},
    {0, OPTION_YES, "yes", NULL,
     "do it; without it is said what would be deleted, and nothing is changed"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be deleted, as without --yes"},
};
/* Of what waits for its time. */
#define DELAY_OPTIONS                                                        \
    {'p', 'p', "partition", "N", "only this partition (all)"},               \
        {0, OPTION_UNTIL, "until", "TIME",                                   \
         "only what is due before: 90s, 1h, 2d from now, or " MOMENT_FORMS}, \
        {'k', 'k', "key", "KEY", "only records with this key"}, REGEX_OPTION, WATCH_OPTION
static const struct command_option delay_list_options[] = {
    {'n', 'n', "count", "N", "at most N records, the first of each partition by offset (1000)"},
    DELAY_OPTIONS,
};
static const struct command_option delay_count_options[] = {DELAY_OPTIONS};
static const struct command_option delay_cancel_options[] = {
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be called off, and change nothing"},
};
/* Which letters. */
#define LETTER_OPTIONS                                                                                          \
    {'o', 'o', "offset", "WHERE",                                                                               \
     "where to begin, and :WHERE to end, as consume has it: beginning, an offset, -N, @TIME, A:B (beginning)"}, \
        {'p', 'p', "partition", "LIST", "only these partitions of TOPIC: 0, or 0,2,5-7"},                       \
        {'G', 'G', "group", "GROUP", "only what this group gave up"},                                           \
        {0, OPTION_REASON, "reason", "TEXT", "only letters whose message has this text in it"}
static const struct command_option dlq_show_options[] = {
    {'n', 'n', "count", "N", "at most N letters (100)"},
    LETTER_OPTIONS,
    WATCH_OPTION,
};
static const struct command_option dlq_redrive_options[] = {
    {'n', 'n', "count", "N", "at most N letters (all that are there)"},
    LETTER_OPTIONS,
    {0, OPTION_YES, "yes", NULL, "do it; without it the plan is shown, and nothing is changed"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "show the plan, as without --yes"},
};
static const struct command_option txn_list_options[] = {
    {0, OPTION_STATE, "state", "STATE",
     "only those in this state (Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort); may be repeated"},
    {0, OPTION_LONGER, "longer", "TIME", "only those with a transaction open for longer: 30s, 5m"},
    SHOW_OPTIONS,
};
static const struct command_option txn_abort_options[] = {
    {'t', 't', "topic", "TOPIC:PARTITION",
     "instead of an ID: the partition of a transaction that no coordinator knows, as find-hanging shows it"},
    {'o', 'o', "offset", "OFFSET", "with -t: where the transaction begins in the partition"},
    {0, OPTION_YES, "yes", NULL, "do it; without it is said what would be, and nothing is changed"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be aborted, as without --yes"},
};
static const struct command_option txn_hanging_options[] = {
    {0, OPTION_LONGER, "longer", "TIME",
     "only those that nothing was written to for this long: 30s, 15m (0)"},
    SHOW_OPTIONS,
};
static const struct command_option produce_options[] = {
    {'K', 'K', "key-separator", "SEP",
     "each line is key, SEP, value; a line without SEP has no key (\\t, \\n, \\x1f are read)"},
    {'k', 'k', "key", "KEY", "the key of every record (of lines without SEP)"},
    {'f', 'f', "format", "FORMAT",
     "each line as this says, for example '%k %v\\n' or '%p,%d,%k{hex},%h{%k=%v;},%v\\n': %k key, %s %v value, %p partition, %T %d time "
     "in ms, %h headers; {hex} and {base64} say how bytes are written"},
    {'D', 'D', "delimiter", "TEXT", "what ends a line (\\n)"},
    {'l', 'l', "lines", "FILE", "read lines from this file (standard input)"},
    {'Z', 'Z', "tombstones", NULL,
     "an empty value is none at all, which deletes the key in a compacted topic"},
    {'H', 'H', "header", "K=V", "a header for every record; may be repeated"},
    {'p', 'p', "partition", "N",
     "send to this partition (by key, or spread; with --json and %p as each record says)"},
    {0, OPTION_REPARTITION, "repartition", NULL,
     "with --json: by key, or spread, whatever partition a record says"},
    {'z', 'z', "compression", "none|gzip|snappy|lz4|zstd", "how batches are compressed (none)"},
    {0, OPTION_ACKS, "acks", "all|-1|1",
     "all three mean that a majority has it on disk; 0 is refused (all)"},
    {'n', 'n', "count", "N", "end after N records"},
    {'c', OPTION_MAX_MESSAGES, "max-messages", "N", "the same, as kcat has it"},
    {0, OPTION_RATE, "rate", "N", "at most N lines per second (as they come)"},
    {'T', 'T', "tee", NULL, "print what is sent, too"},
    {'o', 'o', "output-format", "FORMAT",
     "print this for each record once it is acknowledged, for example '%p@%o %k\\n'; letters as those of consume -f"},
    {0, OPTION_REPORT, "report", NULL, "the closing line as JSON on stdout (--json has it anyway)"},
    {'X', 'X', "property", "K=V", "a property of librdkafka; may be repeated"},
    {0, OPTION_TRANSACTIONAL_ID, "transactional-id", "ID",
     "send all of the input in one transaction, which is committed at its end, and aborted when a record fails or at Ctrl-C. A newer "
     "producer with the same ID takes over"},
    {0, OPTION_COMMIT_EVERY, "commit-every", "N",
     "with --transactional-id: a transaction for each N records (one for all)"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "read and check all of it, and send nothing"},
};
static const struct command_option consume_options[] = {
    {'o', 'o', "offset", "WHERE",
     "where to begin: beginning, end, an offset, +N (behind the first N of each partition), -N (its last N), @TIME; A:B or "
     "@TIME:TIME end before the second, :end at what is there now; s@TIME and e@TIME say one side (beginning). TIME: " MOMENT_FORMS},
    {'n', 'n', "count", "N", "end after N records"},
    {'c', OPTION_MAX_MESSAGES, "max-messages", "N",
     "the same, as kcat and Kafka's scripts have it"},
    {'p', 'p', "partition", "LIST", "only these partitions: 0, or 0,2,5-7"},
    REGEX_OPTION,
    {'f', 'f', "format", "FORMAT",
     "letters of kcat and rpk: %s %v value, %k key, %p partition, %o offset, %t topic, %T %d time, %h headers, %S %V %K their lengths, "
     "%H number of headers, %R length in 4 bytes, %i how many-eth; %v{hex}, {base64}, {unpack[>I]}, %o{hex16}, %d{strftime[%F %T]}, "
     "%h{%k=%v }"},
    {'K', 'K', "key-separator", "SEP", "print key, SEP, value (\\t, \\n, \\x1f are read)"},
    {'D', 'D', "delimiter", "TEXT", "what stands behind each record (\\n)"},
    {'s', 's', "unpack", "[key=|value=]LETTERS",
     "binary numbers as text: < > which byte comes first, b h i q with, B H I Q without a sign, c one character, s the rest, $ the end"},
    {'Z', 'Z', "null", NULL, "print NULL for a key or value that is null (nothing)"},
    {0, OPTION_META_ONLY, "meta-only", NULL, "with --json: sizes in place of the values"},
    {'u', 'u', "unbuffered", NULL, "write each record at once, also into a pipe"},
    {'e', 'e', "exit-at-end", NULL, "end when everything that is there now was read"},
    {'G', 'G', "group", "GROUP",
     "as a member of this group: partitions are shared with its other members, and what was printed is committed; -o is "
     "stored, beginning or end then, for partitions without a committed offset"},
    {0, OPTION_SHARE, "share", "GROUP",
     "as a member of this share group: each record goes to one of its members, what was printed is accepted, and what was not is "
     "given to somebody again"},
    {0, OPTION_READ_COMMITTED, "read-committed", NULL,
     "only records of transactions that were committed, and up to the first that is still open"},
    {0, OPTION_READ_UNCOMMITTED, "read-uncommitted", NULL,
     "all records, also of transactions that are open or were aborted (the default)"},
    {0, OPTION_PROTOCOL, "protocol", "classic|consumer",
     "with -G: the protocol of the group (classic)"},
    {'X', 'X', "property", "K=V", "a property of librdkafka; may be repeated"},
};
static const struct command_option bench_options[] = {
    {0, OPTION_RATE, "rate", "N", "records per second, open loop; 0: as fast as possible (0)"},
    {0, OPTION_SIZE, "size", "BYTES", "size of a value, half of it random (1024)"},
    {0, OPTION_SECONDS, "seconds", "TIME", "how long: 10, 10s, 2m (10)"},
    {0, OPTION_CONNECTIONS, "connections", "N", "clients side by side (1)"},
    {'G', 'G', "group", "GROUP",
     "consume, e2e: read as this group, of --connections members; its joining is not counted"},
    {0, OPTION_TRANSACTION, "transaction", "N",
     "produce: each client sends N records in a transaction; latency is that of a transaction"},
    {0, OPTION_SYNC, "sync", NULL,
     "each client waits for the acknowledgement before it sends the next record"},
    {'X', 'X', "property", "K=V", "a property of librdkafka; may be repeated (-c says the same)"},
    {'c', 'c', "config", "K=V", "a property of librdkafka; may be repeated"},
};
static const struct command_option dev_options[] = {
    {0, OPTION_NODES, "nodes", "N", "number of brokers (3)"},
    {0, OPTION_DIR, "dir", "DIR", "where configuration, logs and data go (./drave-dev)"},
    {0, OPTION_PORT, "port", "P",
     "first broker's port, the others follow; 0: the system picks (9092)"},
    {0, OPTION_DETACH, "detach", NULL, "leave the brokers running and return"},
    {0, OPTION_DEV_TLS, "tls", NULL,
     "brokers speak TLS, with clients and among themselves; the CA for clients is DIR/tls/ca.pem"},
    {0, OPTION_DEV_SASL, "sasl", NULL,
     "clients log in: user dev, whose password is in DIR/login/dev.password"},
    {0, OPTION_SET, "set", "K=V", "a setting for every broker; may be repeated"},
};
#define DIR_OPTION {0, OPTION_DIR, "dir", "DIR", "the directory of the cluster (./drave-dev)"}
static const struct command_option dir_options[] = {DIR_OPTION};
static const struct command_option status_options[] = {DIR_OPTION, WATCH_OPTION};

static const struct command_option profile_options[] = {
    {0, OPTION_DRY_RUN, "dry-run", NULL, "check it, and write nothing"},
};

/* Of what makes keys of a password. */
#define USER_KEY_OPTIONS                                                                    \
    {0, OPTION_MECHANISM, "mechanism", "M", "SCRAM-SHA-256 or SCRAM-SHA-512 alone (both)"}, \
        {0, OPTION_ITERATIONS, "iterations", "N",                                           \
         "how often the password is hashed, 4096 to 16384 (4096); with another number the " \
         "user can be told from nobody"},                                                   \
        {0, OPTION_NEW_PASSWORD_FILE, "new-password-file", "FILE",                          \
         "the password is the first line of this file"}
static const struct command_option user_set_options[] = {
    USER_KEY_OPTIONS,
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be done, and change nothing"},
};
static const struct command_option user_hash_options[] = {USER_KEY_OPTIONS};
static const struct command_option tls_options[] = {
    {0, OPTION_BROKER, "broker", "ID=HOST[,HOST...]",
     "a certificate of this broker, with all names and addresses by which others find it; may be repeated"},
    {0, OPTION_CLIENT, "client", "NAME", "a certificate of a client; may be repeated"},
    {0, OPTION_DAYS, "days", "N", "how long they are good (365)"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be made, and make nothing"},
};
static const struct command_option tls_renew_options[] = {
    {0, OPTION_DAYS, "days", "N", "how long they are good (365)"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be made, and make nothing"},
};
/* Of a rule. */
#define ACL_OPTIONS                                                                           \
    {0, OPTION_DENY, "deny", NULL, "a rule that denies, which counts before all that allow"}, \
        {0, OPTION_HOST, "host", "ADDRESS", "holds for clients of this address alone (all)"}, \
        {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be done, and change nothing"}
static const struct command_option acl_options[] = {ACL_OPTIONS};
static const struct command_option acl_check_options[] = {
    {0, OPTION_HOST, "host", "ADDRESS", "the client's address (none)"},
};
static const struct command_option acl_list_options[] = {
    {0, OPTION_PRINCIPAL, "principal", "PRINCIPAL", "rules for this one alone"},
    SHOW_OPTIONS,
};
static const struct command_option user_delete_options[] = {
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be deleted, and change nothing"},
};

#endif
