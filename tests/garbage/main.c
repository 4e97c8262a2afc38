/*
 * garbage: sends hostile frames to the client ports of brokers, as tests/integration/garbage.py
 * says.
 *
 *   garbage --ports P,P,... --frames N --seed N --suspects FILE [--connections N] [--patience MS]
 *           [--every N] [--login USER:PASSWORD]
 *
 * With --every one of N frames is sent. With --login the ports speak TLS and want logins (SASL_SSL,
 * PLAIN). The last line of stdout is a JSON object with what was counted. Exit code: 0 every broker
 * has taken all of it, and FILE has what was under way when one was slowest; 1 one has not: `why`
 * in the object says how, and FILE has the frames that may have been the reason; 2 wrong usage.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/garbage/pump.h"

static void usage(void) {
    fprintf(
        stderr,
        "usage: garbage --ports P,P,... --frames N --seed N --suspects FILE [--connections N] [--patience MS] "
        "[--every N] [--login USER:PASSWORD]\n");
    exit(2);
}

static void read_ports(struct pump_options *options, char *text) {
    for (char *word = strtok(text, ","); word != NULL; word = strtok(NULL, ",")) {
        if (options->port_count == PUMP_PORTS_MAX) usage();
        options->ports[options->port_count++] = (int)strtol(word, NULL, 10);
    }
}

static void read_login(struct pump_options *options, char *text) {
    char *colon = strchr(text, ':');
    if (colon == NULL) usage();
    *colon = '\0';
    options->user = text;
    options->password = colon + 1;
    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
}

int main(int argc, char **argv) {
    static const struct option known[] = {{"ports", required_argument, NULL, 'p'},
                                          {"frames", required_argument, NULL, 'f'},
                                          {"seed", required_argument, NULL, 's'},
                                          {"suspects", required_argument, NULL, 'x'},
                                          {"connections", required_argument, NULL, 'c'},
                                          {"patience", required_argument, NULL, 't'},
                                          {"every", required_argument, NULL, 'e'},
                                          {"login", required_argument, NULL, 'l'},
                                          {0}};
    struct pump_options options = {.connections = 8, .patience_ms = 100, .every = 1};
    uint64_t count = 0, seed = 0;
    const char *suspects_path = NULL;
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (option == 'p') read_ports(&options, optarg);
        if (option == 'f') count = strtoull(optarg, NULL, 10);
        if (option == 's') seed = strtoull(optarg, NULL, 10);
        if (option == 'x') suspects_path = optarg;
        if (option == 'c') options.connections = (unsigned)strtoul(optarg, NULL, 10);
        if (option == 't') options.patience_ms = (unsigned)strtoul(optarg, NULL, 10);
        if (option == 'e') options.every = (unsigned)strtoul(optarg, NULL, 10);
        if (option == 'l') read_login(&options, optarg);
        if (option == '?') usage();
    }
    FILE *suspects = suspects_path == NULL ? NULL : fopen(suspects_path, "w");
    if (suspects == NULL || options.port_count == 0 || options.connections == 0 ||
        options.every == 0)
        usage();
    struct frames *frames = frames_new(seed, count, "tests/golden");
    struct pump_counts counts = {0};
    char why[256];
    bool ok = pump_run(&options, frames, &counts, why, suspects);
    printf("{\"frames\":%" PRIu64 ",\"answered\":%" PRIu64 ",\"closed\":%" PRIu64
           ",\"left\":%" PRIu64 ",\"died\":%" PRIu64 ",\"slowest_ms\":%" PRIu64
           ",\"why\":\"%s\"}\n",
           counts.frames, counts.answered, counts.closed, counts.left, counts.died,
           counts.slowest_ms, why);
    fclose(suspects);
    frames_free(frames);
    return ok ? 0 : 1;
}
