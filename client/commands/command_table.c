/* The one table of commands. */
#include "client/line/command.h"
#include "client/line/moment.h"

enum { DEV_IDS_MAX = 99 };
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define WATCH_OPTION \
    {'w', OPTION_WATCH, "watch", NULL, "show it again whenever it changes, until Ctrl-C"}

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
    {'c', 'c', "config", "K=V", "set a setting of the topic; may be repeated"},
    {'d', 'd', "delete-config", "K",
     "go back to the cluster's value of a setting; may be repeated"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
};
static const struct command_option add_partitions_options[] = {
    {'n', 'n', "number", "N", "how many partitions more"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "let the cluster check it, and change nothing"},
};
static const struct command_option delete_options[] = {
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
};
static const struct command_option why_options[] = {
    {0, OPTION_WINDOW, "window", "TIME",
     "over how long it is looked at: a group is behind whose next record has waited for a quarter of it; rates are compared with those "
     "of ten times as long (60s)"},
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
};
static const struct command_option import_options[] = {
    {'G', 'G', "group", "GROUP", "for this group (the one that the file names)"},
    {0, OPTION_YES, "yes", NULL, "do it; without it the plan is shown, and nothing is changed"},
};
static const struct command_option group_delete_options[] = {
    {'t', 't', "topic", "TOPIC", "only the offsets of this topic, which no member may read"},
    {0, OPTION_DRY_RUN, "dry-run", NULL, "say what would be deleted, and change nothing"},
};
static const struct command_option produce_options[] = {
    {'K', 'K', "key-separator", "SEP",
     "each line is key, SEP, value; a line without SEP has no key"},
    {'k', 'k', "key", "KEY", "the key of every record (of lines without SEP)"},
    {'Z', 'Z', "tombstones", NULL,
     "an empty value is none at all, which deletes the key in a compacted topic"},
    {'H', 'H', "header", "K=V", "a header for every record; may be repeated"},
    {'p', 'p', "partition", "N",
     "send to this partition (by key, or spread; with --json as each record says)"},
    {0, OPTION_REPARTITION, "repartition", NULL,
     "with --json: by key, or spread, whatever partition a record says"},
    {'z', 'z', "compression", "none|gzip|snappy|lz4|zstd", "how batches are compressed (none)"},
    {0, OPTION_RATE, "rate", "N", "at most N lines per second (as they come)"},
    {0, OPTION_REPORT, "report", NULL, "the closing line as JSON on stdout (--json has it anyway)"},
    {'X', 'X', "property", "K=V", "a property of librdkafka; may be repeated"},
};
static const struct command_option consume_options[] = {
    {'o', 'o', "offset", "WHERE",
     "where to begin: beginning, end, an offset, -N (the last N of each partition), @TIME, or a span @TIME:TIME, which ends "
     "before the second (beginning). TIME: " MOMENT_FORMS},
    {'n', 'n', "count", "N", "end after N records"},
    {'p', 'p', "partition", "LIST", "only these partitions: 0, or 0,2,5-7"},
    {'f', 'f', "format", "FORMAT",
     "kcat's letters: %s value, %k key, %p partition, %o offset, %t topic, %T time, %h headers, %S %K lengths, %R value's length in 4 bytes"},
    {'Z', 'Z', "null", NULL, "print NULL for a key or value that is null (nothing)"},
    {'e', 'e', "exit-at-end", NULL, "end when everything that is there now was read"},
    {'G', 'G', "group", "GROUP",
     "as a member of this group: partitions are shared with its other members, and what was printed is committed; -o is "
     "beginning or end then, for partitions without a committed offset"},
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

#define OPTIONS(table) (table), COUNT(table)

const struct command commands[] = {
    {"info", "", 0, 0, "Shows the cluster, its brokers, and who leads.", "drave info --wait 30",
     OPTIONS(info_options), command_info},
    {"topic create", "TOPIC", 1, 1, "Creates a topic.", "drave topic create orders -p 3 -r 3",
     OPTIONS(create_options), command_topic_create},
    {"topic list", "", 0, 0, "Lists the topics.", "drave topic list", OPTIONS(watch_options),
     command_topic_list},
    {"topic describe", "TOPIC", 1, 1, "Shows a topic's partitions, replicas, offsets and settings.",
     "drave topic describe orders", OPTIONS(watch_options), command_topic_describe},
    {"topic offsets", "TOPIC", 1, 1,
     "Shows where each partition starts and ends, and where it stood at a time. AT is the first record that is not older.",
     "drave topic offsets orders --at -1h", OPTIONS(offsets_options), command_topic_offsets},
    {"topic alter", "TOPIC...", 1, 256, "Changes settings of topics.",
     "drave topic alter orders -c max.message.bytes=2000000 -d compression.type",
     OPTIONS(alter_options), command_topic_alter},
    {"topic add-partitions", "TOPIC...", 1, 256,
     "Adds partitions. Records that are there stay; new ones with a key may go to another partition than before.",
     "drave topic add-partitions orders -n 3", OPTIONS(add_partitions_options),
     command_topic_add_partitions},
    {"topic trim", "TOPIC", 1, 1,
     "Deletes the oldest records of a topic, up to an offset or a time. They are gone for every reader at once.",
     "drave topic trim orders -o @-7d", OPTIONS(trim_options), command_topic_trim},
    {"topic delete", "TOPIC...", 1, 256, "Deletes topics and their records.",
     "drave topic delete orders", OPTIONS(delete_options), command_topic_delete},
    {"config get", "RESOURCE [K...]", 1, 60,
     "Shows settings, and where each value comes from. RESOURCE is topic:NAME, group:NAME, broker:ID, or brokers for all.",
     "drave config get topic:orders", OPTIONS(config_get_options), command_config_get},
    {"config set", "RESOURCE K=V...", 2, 60, "Sets settings.",
     "drave config set group:billing consumer.session.timeout.ms=60000",
     OPTIONS(config_change_options), command_config_set},
    {"config unset", "RESOURCE K...", 2, 60, "Goes back to the cluster's value of settings.",
     "drave config unset group:billing consumer.session.timeout.ms", OPTIONS(config_change_options),
     command_config_unset},
    {"config diff", "RESOURCE [K[=V]...]", 1, 60,
     "Shows what differs from the defaults, or what setting K to V, and unsetting K, would change.",
     "drave config diff topic:orders max.message.bytes=2000000", OPTIONS(watch_options),
     command_config_diff},
    {"group list", "", 0, 0, "Lists the groups of consumers.", "drave group list",
     OPTIONS(watch_options), command_group_list},
    {"group describe", "GROUP", 1, 1,
     "Shows a group's members, its committed offsets, and how far behind it is. AGE is that of the first record to be consumed by "
     "its timestamp, ARRIVED since it came to its broker.",
     "drave group describe billing", OPTIONS(watch_options), command_group_describe},
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
    {"produce", "TOPIC", 1, 1,
     "Sends each line of standard input as a record; with --json each line is an object as consume --json prints it.",
     "drave produce orders -K : < orders.txt", OPTIONS(produce_options), command_produce},
    {"consume", "TOPIC...", 1, 256,
     "Prints records as they come; with --json one object for each. A TOPIC with * ? or [] is a pattern, as is one that begins "
     "with ^, a regular expression; they take the topics that are there at the beginning.",
     "drave consume orders 'eu-*' -o @-1h -e -f '%t %k: %s\\n'", OPTIONS(consume_options),
     command_consume},
    {"api-versions", "", 0, 0,
     "Shows which requests each broker serves, in which versions, and which well-known clients fit.",
     "drave api-versions", OPTIONS(watch_options), command_api_versions},
    {"meta ls", "[PATH]", 0, 1, "Lists a place in the metadata tree.", "drave meta ls /brokers/ids",
     OPTIONS(watch_options), command_meta_ls},
    {"meta get", "PATH", 1, 1, "Shows a place in the metadata tree.",
     "drave meta get /topics/orders/partitions/0", OPTIONS(watch_options), command_meta_get},
    {"bench", "produce|consume|e2e TOPIC", 2, 2, "Measures a topic, from the intended send time.",
     "drave bench produce orders --rate 10000 --seconds 10 --json", OPTIONS(bench_options),
     command_bench},
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
    {"help", "[COMMAND...]", 0, 2, "Shows what a command does, its options and an example.",
     "drave help topic create", NULL, 0, NULL},
    {"completion", "bash|zsh|fish", 1, 1024, "Prints the completion script of a shell.",
     "source <(drave completion bash)", NULL, 0, NULL},
    {"reference", "man|markdown", 1, 1, "Prints the reference of all commands.",
     "drave reference man | man -l -", NULL, 0, NULL},
};

const size_t command_count = COUNT(commands);
