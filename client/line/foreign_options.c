/* The tables of options and commands that hands know from kcat, rpk and Kafka's scripts. */
#include "client/line/foreign_options.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *theirs, *ours;
} options[] = {
    {"--bootstrap-server", "here it is -b HOST:PORT"},
    {"--broker-list", "here it is -b HOST:PORT"},
    {"--brokers", "here it is -b HOST:PORT"},
    {"--command-config", "here it is --profile, or -X K=V"},
    {"--consumer.config", "here it is --profile, or -X K=V"},
    {"--producer.config", "here it is --profile, or -X K=V"},
    {"--consumer-property", "here it is -X K=V"},
    {"--producer-property", "here it is -X K=V"},
    {"--from-beginning", "that is where consume begins; -o end is the other"},
    {"--to-earliest", "here it is --to earliest"},
    {"--to-latest", "here it is --to latest"},
    {"--to-offset", "here it is --to OFFSET"},
    {"--to-datetime", "here it is --to @TIME"},
    {"--by-duration", "here it is --to @-1h"},
    {"--to-current", "here it is --by 0"},
    {"--shift-by", "here it is --by N"},
    {"--execute", "here it is --yes"},
    {"--replication-factor", "here it is --replicas"},
    {"--topic", "topics are named as words, without an option"},
    {"-t", "topics are named as words, without an option"},
    {"-C", "here it is drave consume TOPIC"},
    {"-P", "here it is drave produce TOPIC"},
    {"-L", "here it is drave info, and drave topic list"},
    {"-Q", "here it is drave topic offsets TOPIC --at TIME"},
    {"-J", "here it is --json"},
    {"-q", "drave says little anyway; 2>/dev/null silences it"},
    {"-F", "here it is --profile"},
    {"-e", "here it is --wait TIME, which ends when all is well"},
    {"-i", "internal topics are listed with the others"},
    {"-H", "sizes are written for people anyway; --json has the bytes"},
};

const char *foreign_option(const char *word) {
    size_t len = word[1] == '-' ? strcspn(word, "=") : 2;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (strlen(options[i].theirs) == len && memcmp(options[i].theirs, word, len) == 0) {
            return options[i].ours;
        }
    }
    return NULL;
}

static const struct {
    const char *theirs, *ours;
} commands_of_others[] = {
    {"topic alter-config", "topic alter"},
    {"topic trim-prefix", "topic trim"},
    {"topic describe-storage", "disk"},
    {"topic consume", "consume"},
    {"topic produce", "produce"},
    {"group seek-to", "group seek"},
    {"group offset-delete", "group delete GROUP -t TOPIC"},
    {"cluster info", "info"},
    {"cluster metadata", "info"},
    {"cluster health", "health"},
    {"cluster logdirs", "disk"},
    {"cluster config", "config get brokers"},
    {"cluster self-test", "selftest"},
    {"cluster selftest", "selftest"},
    {"cluster maintenance", "broker drain"},
    {"cluster txn", "txn list"},
    {"cluster partitions", "topic move"},
    {"broker maintenance", "broker drain"},
    {"self-test", "selftest"},
    {"logdirs", "disk"},
    {"context", "profile"},
    {"server report", "top"},
    {"server check", "health"},
    {"server list", "broker list"},
    {"stream ls", "topic list"},
    {"consumer ls", "group list"},
};

const char *foreign_command(const char *words) {
    for (size_t i = 0; i < sizeof(commands_of_others) / sizeof(commands_of_others[0]); i++) {
        size_t len = strlen(commands_of_others[i].theirs);
        if (strncmp(commands_of_others[i].theirs, words, len) == 0 &&
            (words[len] == '\0' || words[len] == ' ')) {
            return commands_of_others[i].ours;
        }
    }
    return NULL;
}
