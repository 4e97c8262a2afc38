/* Each with the sentence that says what to write instead. */
#include "client/stream/produce_options.h"

#include <string.h>

#include "client/kafka/kafka_property.h"
#include "client/line/talk.h"
#include "client/records/record_input.h"

static int check_codec(const struct invocation *in) {
    static const char *const codecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};
    const char *codec = invocation_value(in, 'z', "none");
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        if (strcmp(codec, codecs[i]) == 0) {
            return EXIT_DONE;
        }
    }
    say("--compression %s is not known; there are none, gzip, snappy, lz4 and zstd", codec);
    return EXIT_USAGE;
}

/* One record counts when a majority has it on disk: there is nothing less to choose. */
static int check_acks(const struct invocation *in) {
    const char *acks = invocation_value(in, OPTION_ACKS, "all");
    if (strcmp(acks, "all") == 0 || strcmp(acks, "-1") == 0 || strcmp(acks, "1") == 0) {
        return EXIT_DONE;
    }
    say("--acks %s: a record counts when a majority has it on disk, which is all, -1 and 1 alike; that cannot be less",
        acks);
    return EXIT_USAGE;
}

int produce_options_check(const struct invocation *in) {
    bool report = in->json || invocation_has(in, OPTION_REPORT);
    int code = record_input_check(in);
    if (!code && invocation_has(in, OPTION_REPARTITION) && invocation_has(in, 'p')) {
        say("--repartition spreads the records, -p sends them all to one partition; give one of the two");
        code = EXIT_USAGE;
    }
    if (!code && report && (invocation_has(in, 'T') || invocation_has(in, 'o'))) {
        say("standard output has the report of --%s; leave -T and -o out, or that",
            in->json ? "json" : "report");
        code = EXIT_USAGE;
    }
    code = code ? code : check_acks(in);
    code = code ? code : check_codec(in);
    return code ? code : kafka_properties_check(in, KAFKA_FOR_PRODUCE);
}
