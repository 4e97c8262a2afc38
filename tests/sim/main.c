/*
 * sim: runs drave in a simulated world, seed after seed.
 *
 *   sim [--seeds N] [--from N]      N seeds, each in a process of its own
 *   sim --seed N [-v]               one seed, run twice; -v runs it here and prints every event
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/mutant.h"
#include "tests/sim/driver.h"
#include "tests/sim/mutants.h"
#include "tests/sim/run.h"

static void usage(FILE *out) {
    fprintf(
        out,
        "usage: sim [--seeds N] [--from N] [--seed N] [--scenario NAME] [--mutant K] [--seeds-file FILE]\n"
        "           [--jobs N] [--twice-every N] [--stop] [--json] [-v]\n\n"
        "Runs drave in a simulated world; everything random comes from the seed.\n"
        "  --seed N       one seed, run twice; with -v once, here, and every event is printed\n"
        "  --stop         stop at the first seed that fails\n"
        "  --mutant K     switch the deliberate bug K on (a build with DRAVE_MUTANTS); --list-mutants prints all\n\nScenarios:\n");
    for (const struct scenario *const *scenario = scenarios; *scenario != NULL; scenario++)
        fprintf(out, "  %-10s %s\n", (*scenario)->name, (*scenario)->what);
}

static uint64_t number(const char *text, const char *option) {
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (*text == '\0' || *end != '\0' || *text == '-') {
        fprintf(stderr, "%s needs a number, not '%s'\n", option, text);
        exit(2);
    }
    return value;
}

static const struct scenario *choose(const char *name, uint64_t seed) {
    unsigned total = 0, draw;
    const struct scenario *const *scenario;

    for (scenario = scenarios; *scenario != NULL; scenario++) {
        if (name != NULL && strcmp((*scenario)->name, name) == 0) return *scenario;
        total += (*scenario)->weight;
    }
    if (name != NULL) {
        fprintf(stderr, "there is no scenario '%s'\n", name);
        exit(2);
    }
    draw = (unsigned)(seed % total);
    for (scenario = scenarios; draw >= (*scenario)->weight; scenario++)
        draw -= (*scenario)->weight;
    return *scenario;
}

/* Runs one seed in this process. */
static int run_here(uint64_t seed, const char *name, bool verbose, int report_fd) {
    const struct scenario *scenario = choose(name, seed);
    struct run *run = mem_zalloc(sizeof *run);

    setvbuf(stdout, NULL, verbose ? _IOLBF : _IOFBF, 1 << 16);
    printf("seed %" PRIu64 ", %s\n", seed, scenario->name);
    fflush(stdout);
    run->seed = seed;
    run->world = world_new(seed, verbose);
    run->network = network_new(run->world);
    scenario->run(run);
    if (report_fd >= 0) driver_report(run, report_fd);
    printf("passed: %" PRIu64 " events, trace %016" PRIx64 "\n", world_trace_count(run->world),
           world_trace_hash(run->world));
    fflush(stdout);
    return 0;
}

static void choose_mutant(uint64_t chosen) {
#ifdef DRAVE_MUTANTS
    mutant_chosen = (int)chosen;
#else
    if (chosen != 0) {
        fprintf(stderr, "this build has no deliberate bugs; configure with --preset mutants\n");
        exit(2);
    }
#endif
}

static void list_mutants(void) {
    for (const struct mutant_row *row = mutant_rows; row->name != NULL; row++)
        printf("%d %s %s %u %u\n", row->number, row->name, row->scenario, row->seeds, row->first);
}

int main(int argc, char **argv) {
    enum {
        SEEDS = 1,
        FROM,
        SEED,
        SCENARIO,
        MUTANT_NUMBER,
        SEEDS_FILE,
        JOBS,
        TWICE,
        STOP,
        JSON,
        CHILD,
        LIST_MUTANTS,
        HELP
    };
    static const struct option table[] = {{"seeds", required_argument, NULL, SEEDS},
                                          {"from", required_argument, NULL, FROM},
                                          {"seed", required_argument, NULL, SEED},
                                          {"scenario", required_argument, NULL, SCENARIO},
                                          {"mutant", required_argument, NULL, MUTANT_NUMBER},
                                          {"seeds-file", required_argument, NULL, SEEDS_FILE},
                                          {"jobs", required_argument, NULL, JOBS},
                                          {"twice-every", required_argument, NULL, TWICE},
                                          {"stop", no_argument, NULL, STOP},
                                          {"json", no_argument, NULL, JSON},
                                          {"child", required_argument, NULL, CHILD},
                                          {"help", no_argument, NULL, HELP},
                                          {"list-mutants", no_argument, NULL, LIST_MUTANTS},
                                          {NULL, 0, NULL, 0}};
    struct driver_options options = {
        .first = 1, .count = 100, .jobs = 2, .twice_every = 20, .seconds = 120};
    bool verbose = false, one = false;
    int child_fd = -1, option;

    while ((option = getopt_long(argc, argv, "v", table, NULL)) != -1) {
        switch (option) {
        case 'v': verbose = true; break;
        case SEEDS: options.count = number(optarg, "--seeds"); break;
        case FROM: options.first = number(optarg, "--from"); break;
        case SEED:
            options.first = number(optarg, "--seed");
            one = true;
            break;
        case SCENARIO: options.scenario = optarg; break;
        case MUTANT_NUMBER: options.mutant = (int)number(optarg, "--mutant"); break;
        case SEEDS_FILE: options.seeds_file = optarg; break;
        case JOBS: options.jobs = (unsigned)number(optarg, "--jobs"); break;
        case TWICE: options.twice_every = (unsigned)number(optarg, "--twice-every"); break;
        case STOP: options.stop_at_failure = true; break;
        case JSON: options.json = true; break;
        case CHILD: child_fd = (int)number(optarg, "--child"); break;
        case LIST_MUTANTS: list_mutants(); return 0;
        case HELP: usage(stdout); return 0;
        default: usage(stderr); return 2;
        }
    }
    choose_mutant((uint64_t)options.mutant);
    if (one && (verbose || child_fd >= 0))
        return run_here(options.first, options.scenario, verbose, child_fd);
    if (one) {
        options.count = 1;
        options.twice_every = 1;
    }
    if (options.jobs < 1 || options.jobs > 64) {
        fprintf(stderr, "--jobs needs a number from 1 to 64\n");
        return 2;
    }
    if (!options.json)
        printf("seeds from %" PRIu64 ", %" PRIu64 " of them\n", options.first, options.count);
    return driver_run(&options) == 0 ? 0 : 1;
}
