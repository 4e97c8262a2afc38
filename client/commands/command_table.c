/* The one table of commands. */
#include "client/line/command.h"
#include "client/line/moment.h"

enum { DEV_IDS_MAX = 99 };
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define WATCH_OPTION \
    {'w', OPTION_WATCH, "watch", NULL, "show it again whenever it changes, until Ctrl-C"}

/* Of commands that take patterns of topics. */
#define YES_OPTION \
    {0, OPTION_YES, "yes", NULL, "do not ask whether the topics of a pattern are meant"}

static const struct command_option watch_options[] = {WATCH_OPTION};
static const struct command_option info_options[] = {
    WATCH_OPTION,
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
    YES_OPTION,
};
static const struct command_option add_partitions_options[] = {
    {'n', 'n', "number", "N", "how many partitions more"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
    YES_OPTION,
};
static const struct command_option list_options[] = {
    {0, OPTION_UNHEALTHY, "unhealthy", NULL,
     "only topics with partitions that nobody leads, or that lack a replica in sync"},
    WATCH_OPTION,
};
static const struct command_option delete_options[] = {
    {0, OPTION_IF_EXISTS, "if-exists", NULL, "a topic that is not there is fine"},
    YES_OPTION,
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be deleted, and change nothing"},
};
static const struct command_option offsets_options[] = {
    {0, OPTION_AT, "at", "TIME", "also the first record that is not older: " MOMENT_FORMS},
    WATCH_OPTION,
};
static const struct command_option trim_options[] = {
    {'o', 'o', "offset", "WHERE",
     "where it is to start: an offset, @TIME (the first record that is not older), -N (all but the last N of each partition "
     "go) or end. TIME: " MOMENT_FORMS},
    {'p', 'p', "partition", "N", "only this partition (all)"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be deleted, and change nothing"},
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
    WATCH_OPTION,
};
static const struct command_option group_describe_options[] = {
    {0, OPTION_PER, "per", "topic|member",
     "sums of each topic, or of each member, in place of the partitions"},
    WATCH_OPTION,
};
static const struct command_option group_list_options[] = {
    {0, OPTION_STATE, "state", "STATE",
     "only groups in this state (stable, empty, dead, assigning, reconciling, ...); may be repeated"},
    WATCH_OPTION,
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
    WATCH_OPTION,
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
    WELL_OPTION,
    WATCH_OPTION,
};
static const struct command_option config_get_options[] = {
    {0, OPTION_ALL, "all", NULL, "also what has its default"},
    WATCH_OPTION,
};
static const struct command_option config_change_options[] = {
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
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
static const struct command_option txn_list_options[] = {
    {0, OPTION_STATE, "state", "STATE",
     "only those in this state (Empty, Ongoing, PrepareCommit, PrepareAbort, CompleteCommit, CompleteAbort); may be repeated"},
    {0, OPTION_LONGER, "longer", "TIME", "only those with a transaction open for longer: 30s, 5m"},
    WATCH_OPTION,
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
    WATCH_OPTION,
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
    {'r', 'r', "regex", NULL,
     "each TOPIC is a regular expression, which may match anywhere in a name"},
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
    {0, OPTION_SET, "set", "K=V", "a setting for every broker; may be repeated"},
};
#define DIR_OPTION {0, OPTION_DIR, "dir", "DIR", "the directory of the cluster (./drave-dev)"}
static const struct command_option dir_options[] = {DIR_OPTION};
static const struct command_option status_options[] = {DIR_OPTION, WATCH_OPTION};

static const struct command_option profile_options[] = {
    {0, OPTION_DRY_RUN, "dry-run", NULL, "check it, and write nothing"},
};

#define OPTIONS(table) (table), COUNT(table)

const struct command commands[] = {
    {"info", "", 0, 0, "Shows the cluster, its brokers, and who leads.", "drave info --wait 30",
     OPTIONS(info_options), command_info},
    {"topic create", "TOPIC...", 1, 256, "Creates topics.", "drave topic create orders -p 3 -r 3",
     OPTIONS(create_options), command_topic_create},
    {"topic list", "[TOPIC...]", 0, 256, "Lists the topics, or those that patterns match.",
     "drave topic list", OPTIONS(list_options), command_topic_list},
    {"topic describe", "TOPIC...", 1, 256,
     "Shows partitions, replicas, offsets and settings of topics; 'orders-*' and '^orders' are patterns.",
     "drave topic describe orders", OPTIONS(describe_options), command_topic_describe},
    {"topic offsets", "TOPIC...", 1, 256,
     "Shows where each partition starts and ends, and where it stood at a time. AT is the first record that is not older.",
     "drave topic offsets orders --at -1h", OPTIONS(offsets_options), command_topic_offsets},
    {"topic alter", "TOPIC...", 1, 256, "Changes settings of topics.",
     "drave topic alter orders -c max.message.bytes=2000000 -d compression.type",
     OPTIONS(alter_options), command_topic_alter},
    {"topic add-partitions", "TOPIC...", 1, 256,
     "Adds partitions. Records that are there stay; new ones with a key may go to another partition than before.",
     "drave topic add-partitions orders -n 3", OPTIONS(add_partitions_options),
     command_topic_add_partitions},
    {"topic trim", "TOPIC...", 1, 256,
     "Deletes the oldest records of topics, up to an offset or a time. They are gone for every reader at once.",
     "drave topic trim orders -o @-7d", OPTIONS(trim_options), command_topic_trim},
    {"topic move", "TOPIC", 1, 1,
     "Moves the replicas of a topic to other brokers, or changes their number. It goes on by itself, and is read and written meanwhile.",
     "drave topic move orders --to 2,3,4", OPTIONS(move_options), command_topic_move},
    {"topic delete", "TOPIC...", 1, 256,
     "Deletes topics and their records. What a pattern ('old-*', '^old') matches is shown first, and deleted when you say yes.",
     "drave topic delete orders", OPTIONS(delete_options), command_topic_delete},
    {"broker add", "ID", 1, 1,
     "Admits a broker that was started with an empty directory and waits. It gets new partitions from then on; what is there stays.",
     "drave broker add 4 --wait 30", OPTIONS(add_broker_options), command_broker_add},
    {"broker drain", "ID", 1, 1,
     "Moves all replicas away from a broker, and keeps new ones from it; with --undo it is as any other again.",
     "drave broker drain 4 --wait 10m", OPTIONS(drain_broker_options), command_broker_drain},
    {"broker replace", "ID", 1, 1,
     "Gives the id of a dead broker, whose directory is lost or damaged, to one that was started with an empty directory and waits. All that it held is brought to it.",
     "drave broker replace 4 --wait 10m", OPTIONS(replace_broker_options), command_broker_replace},
    {"broker remove", "ID", 1, 1,
     "Takes a broker that is drained and stopped out of the cluster. Its id and its directory never come back.",
     "drave broker remove 4", OPTIONS(remove_broker_options), command_broker_remove},
    {"config get", "RESOURCE [K...]", 1, 60,
     "Shows settings, and where each value comes from. RESOURCE is topic:NAME, group:NAME, broker:ID, brokers for all, or logger:ID.",
     "drave config get topic:orders", OPTIONS(config_get_options), command_config_get},
    {"config set", "RESOURCE K=V...", 2, 60,
     "Sets settings, at once. K+=V appends to a list, K-=V takes away from it.",
     "drave config set group:billing consumer.session.timeout.ms=60000",
     OPTIONS(config_change_options), command_config_set},
    {"config unset", "RESOURCE K...", 2, 60,
     "Goes back to what holds behind it: the brokers', the file's, the default.",
     "drave config unset group:billing consumer.session.timeout.ms", OPTIONS(config_change_options),
     command_config_unset},
    {"config diff", "RESOURCE [K[=V]...]", 1, 60,
     "Shows what differs from the defaults, or what setting K to V, and unsetting K, would change.",
     "drave config diff topic:orders max.message.bytes=2000000", OPTIONS(watch_options),
     command_config_diff},
    {"group list", "", 0, 0, "Lists the groups of consumers.", "drave group list",
     OPTIONS(group_list_options), command_group_list},
    {"group describe", "GROUP", 1, 1,
     "Shows a group's members, its committed offsets, and how far behind it is. AGE is that of the first record to be consumed by "
     "its timestamp, ARRIVED since it came to its broker.",
     "drave group describe billing", OPTIONS(group_describe_options), command_group_describe},
    {"group why", "GROUP", 1, 1,
     "Names the cause of a group's backlog, with the evidence and what to do.",
     "drave group why billing", OPTIONS(why_options), command_group_why},
    {"group seek", "GROUP", 1, 1,
     "Sets where a group without members goes on. Shows the plan; with --yes it is done.",
     "drave group seek billing --to @-1h -t orders --yes", OPTIONS(seek_options),
     command_group_seek},
    {"group delete", "GROUP...", 1, 256, "Deletes groups without members and their offsets.",
     "drave group delete billing", OPTIONS(group_delete_options), command_group_delete},
    {"group export", "GROUP", 1, 1, "Prints a group's committed offsets as JSON.",
     "drave group export billing > billing.json", NULL, 0, command_group_export},
    {"group import", "FILE", 1, 1,
     "Commits the offsets of a file for a group without members. Shows the plan; with --yes it is done.",
     "drave group import billing.json --yes", OPTIONS(import_options), command_group_import},
    {"txn list", "", 0, 0,
     "Lists the transactional ids: the state of each, since when its transaction is open and after how long it is aborted, how "
     "many partitions it has, its producer id.",
     "drave txn list --longer 1m", OPTIONS(txn_list_options), command_txn_list},
    {"txn describe", "TRANSACTIONAL_ID", 1, 1,
     "Shows a transactional id, and the partitions of its transaction.",
     "drave txn describe billing-1", OPTIONS(watch_options), command_txn_describe},
    {"txn abort", "[TRANSACTIONAL_ID]", 0, 1,
     "Aborts the transaction that an id has open, and fences its producer. Says what would be done; with --yes it is done.",
     "drave txn abort billing-1 --yes", OPTIONS(txn_abort_options), command_txn_abort},
    {"txn find-hanging", "[TOPIC...]", 0, 256,
     "Lists transactions that are open in a partition and that no coordinator will end: they hold up readers of what is committed. Ends "
     "with 0 if there are none, 1 if there are.",
     "drave txn find-hanging 'orders-*'", OPTIONS(txn_hanging_options), command_txn_find_hanging},
    {"produce", "TOPIC [FILE...]", 1, 256,
     "Sends each line of standard input as a record; with --json each line is an object as consume --json prints it. A FILE is one "
     "record as a whole.",
     "drave produce orders -K : < orders.txt", OPTIONS(produce_options), command_produce},
    {"consume", "TOPIC...", 1, 256,
     "Prints records as they come; with --json one object for each. A TOPIC with * ? or [] is a pattern, as is one that begins "
     "with ^, a regular expression; they take the topics that are there at the beginning.",
     "drave consume orders 'eu-*' -o @-1h -e -f '%t %k: %s\\n'", OPTIONS(consume_options),
     command_consume},
    {"health", "[HOST:PORT]...", 0, 256,
     "Shows how the cluster is; with --ready, --live or --stoppable how each broker of -b is. With HOST:PORT it asks brokers at their "
     "http.listen instead, which answers while the event loop hangs. Ends with 0 if all is well, 1 if not, 3 if a broker cannot be "
     "asked.",
     "drave health --ready -b node1:9092", OPTIONS(health_options), command_health},
    {"broker list", "", 0, 0,
     "Lists the brokers: how each is, since when it runs, what it leads and holds, its disk, and the log entries that it lacks (LAG). "
     "The one with a * leads the metadata.",
     "drave broker list", OPTIONS(watch_options), command_broker_list},
    {"broker stoppable", "ID", 1, 1,
     "Asks whether a majority of replicas stays in sync everywhere when this broker stops. Ends with 0 if so, 1 if not, 3 if it cannot be "
     "asked.",
     "drave broker stoppable 2 --wait 5m", OPTIONS(stoppable_options), command_broker_stoppable},
    {"client list", "[TOPIC...]", 0, 256,
     "Lists who is connected to the brokers: what it calls itself, its software, its address, what it has asked. With topics: who "
     "produces to them and who reads them, of each partition the last eight of both.",
     "drave client list orders", OPTIONS(watch_options), command_client_list},
    {"client trace", "", 0, 0,
     "Prints what clients ask, request by request as it ends: API and version, bytes, time, error. Nothing of a payload.",
     "drave client trace --client-id billing-1 --for 10s", OPTIONS(trace_options),
     command_client_trace},
    {"disk", "[TOPIC...]", 0, 256,
     "Shows what the data directories of the brokers hold and have left, or what topics take there.",
     "drave disk orders", OPTIONS(watch_options), command_disk},
    {"doctor", "", 0, 0,
     "Shows what is wrong or could be better: numbered checks, each with what was found, why it matters and what to do. Ends with 0, or with 1 if "
     "something is wrong (!); remarks (-) are not.",
     "drave doctor", OPTIONS(watch_options), command_doctor},
    {"top", "", 0, 0,
     "Measures what the brokers do: bytes and requests a second, the 99th percentile of produce and of the disk (as bounds of its buckets), "
     "leads, replicas, lag, connections, memory, disk; and topics, groups, clients, links, events. On a terminal b, t, g, c, r, e, space, +, - and q are keys; else one block for each look.",
     "drave top -d 5s", OPTIONS(top_options), command_top},
    {"events", "", 0, 0,
     "Prints what happened lately: elections with cause and duration, brokers that went and came, replicas out of sync, stalls, full "
     "disks, topics, settings. Each broker remembers its last 1,000 events until it is started anew.",
     "drave events -f --since 1h", OPTIONS(events_options), command_events},
    {"debug bundle", "", 0, 0,
     "Asks all brokers for what there is to know about them, and puts it into one file for whoever is asked for help: brokers, health, "
     "checks, events, topics, groups, clients, settings, and all metrics twice, ten seconds apart. No records and no keys are in it.",
     "drave debug bundle -o bundle.tar.gz", OPTIONS(bundle_options), command_debug_bundle},
    {"api-versions", "", 0, 0,
     "Shows which requests each broker serves, in which versions, and which well-known clients fit.",
     "drave api-versions", OPTIONS(watch_options), command_api_versions},
    {"meta ls", "[PATH]", 0, 1, "Lists a place in the metadata tree.", "drave meta ls /brokers/ids",
     OPTIONS(watch_options), command_meta_ls},
    {"meta get", "PATH", 1, 1, "Shows a place in the metadata tree.",
     "drave meta get /topics/orders/partitions/0", OPTIONS(watch_options), command_meta_get},
    {"recover", "", 0, 0,
     "Prints what is lost with brokers that are gone for good and were a majority of something; with --accept-loss goes on without them.",
     "drave recover --plan", OPTIONS(recover_options), command_recover},
    {"meta voters", "[IDS]", 0, 1,
     "Has these brokers vote on the metadata, and no others; without IDS, shows which do.",
     "drave meta voters 1,2,4 --wait 1m", OPTIONS(voters_options), command_meta_voters},
    {"bench", "produce|consume|e2e TOPIC", 2, 2, "Measures a topic, from the intended send time.",
     "drave bench produce orders --rate 10000 --seconds 10 --json", OPTIONS(bench_options),
     command_bench},
    {"profile list", "", 0, 0, "Lists the profiles: clusters by a name.", "drave profile list",
     OPTIONS(watch_options), command_profile_list},
    {"profile show", "[PROFILE]", 0, 1, "Shows a profile, or the one that is used.",
     "drave profile show prod", OPTIONS(watch_options), command_profile_show},
    {"profile add", "PROFILE [K=V...]", 1, 11,
     "Makes a profile, or changes one that is there. K is bootstrap, timeout, tls (true), tls.ca, tls.cert (files), read.only (true: what changes the "
     "cluster is refused) or description.",
     "drave profile add prod bootstrap=node1:9092,node2:9092 read.only=true",
     OPTIONS(profile_options), command_profile_add},
    {"profile use", "PROFILE", 1, 1,
     "Makes it the profile that holds when neither -b nor --profile nor the environment names another.",
     "drave profile use prod", OPTIONS(profile_options), command_profile_use},
    {"profile remove", "PROFILE...", 1, 256, "Removes profiles.", "drave profile remove old",
     OPTIONS(profile_options), command_profile_remove},
    {"dev", "", 0, 0, "Starts a cluster on this machine.",
     "drave dev --nodes 3 --dir ./drave-dev --detach", OPTIONS(dev_options), command_dev},
    {"dev status", "[ID]...", 0, DEV_IDS_MAX, "Shows which brokers of the directory run.",
     "drave dev status --dir ./drave-dev", OPTIONS(status_options), command_dev_status},
    {"dev stop", "[ID]...", 0, DEV_IDS_MAX,
     "Ends brokers of the directory cleanly, all without an ID, and waits until they have ended.",
     "drave dev stop --dir ./drave-dev", OPTIONS(dir_options), command_dev_stop},
    {"dev kill", "ID...", 1, DEV_IDS_MAX, "Kills a broker (kill -9).", "drave dev kill 2",
     OPTIONS(dir_options), command_dev_kill},
    {"dev pause", "ID...", 1, DEV_IDS_MAX, "Freezes a broker (SIGSTOP).", "drave dev pause 2",
     OPTIONS(dir_options), command_dev_pause},
    {"dev resume", "ID...", 1, DEV_IDS_MAX, "Lets a frozen broker go on.", "drave dev resume 2",
     OPTIONS(dir_options), command_dev_resume},
    {"dev start", "[ID]...", 0, DEV_IDS_MAX,
     "Starts brokers of the directory again, all without an ID.", "drave dev start 2",
     OPTIONS(dir_options), command_dev_start},
    {"version", "", 0, 0, "Prints the version of drave and of the libraries that it uses.",
     "drave version --json", NULL, 0, NULL},
    {"help", "[COMMAND...]", 0, 2, "Shows what a command does, its options and an example.",
     "drave help topic create", NULL, 0, NULL},
    {"completion", "bash|zsh|fish", 1, 1024, "Prints the completion script of a shell.",
     "source <(drave completion bash)", NULL, 0, NULL},
    {"reference", "man|markdown", 1, 1, "Prints the reference of all commands.",
     "drave reference man | man -l -", NULL, 0, NULL},
};

const size_t command_count = COUNT(commands);
