/*
 * The deliberate bugs that the simulator must find, and within how many seeds of which scenario.
 *
 * The bugs are in the product (base/mutant.h names them); this table must name each of them, which
 * tests/suites/mutants.sh checks.
 */
#ifndef SIM_MUTANTS_H
#define SIM_MUTANTS_H

struct mutant_row {
    int number;
    const char *name;     /* as in base/mutant.h, without MUTANT_ */
    const char *scenario; /* where it shows */
    unsigned seeds;       /* it must be found within so many, */
    unsigned first;       /* from this one on: rare ones are looked for where one was found */
};

/* Ended by a row without a name. */
extern const struct mutant_row mutant_rows[];

#endif
