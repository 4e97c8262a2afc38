/*
 * Runs many seeds, each in a process of its own, and says what came of it.
 *
 * Happy path: up to `jobs` processes at a time run this very program with one seed; each reports a
 * hash of its trace and its counts; a sample of seeds is run twice, and both hashes must be equal.
 * Seeds that failed once (tests/sim/seeds.txt) come first. Failures: a seed that fails, dies of a
 * signal, takes too long or differs from itself; its last lines are printed with the command that
 * repeats it. Over 200 seeds and more, a named rare event that never happened is a failure, too.
 */
#ifndef SIM_DRIVER_H
#define SIM_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

struct driver_options {
    uint64_t first, count;
    const char *scenario; /* NULL: drawn from each seed */
    int mutant;           /* 0: none */
    unsigned jobs;
    unsigned twice_every; /* every so many-th seed runs twice */
    unsigned seconds;     /* that one seed may take */
    bool stop_at_failure;
    bool json;
    const char *seeds_file; /* NULL: none */
};

/* Returns the number of seeds that failed (a blind spot counts as one). */
unsigned driver_run(const struct driver_options *options);

/* For the child: writes its report to `fd`. */
struct run;
void driver_report(const struct run *run, int fd);

#endif
