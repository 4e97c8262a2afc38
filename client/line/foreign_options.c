/* The table of options that hands know from kcat, rpk and Kafka's scripts. */
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
