/*
 * Deliberate bugs, to prove that the tests would find them. `if (MUTANT(7))` is never taken, and costs nothing, but in
 * the build with DRAVE_MUTANTS, where the program that runs the tests chooses one number at its start.
 */
#ifndef BASE_MUTANT_H
#define BASE_MUTANT_H

#ifdef DRAVE_MUTANTS
extern int mutant_chosen; /* 0: none */
#define MUTANT(number) (mutant_chosen == (number))
#else
#define MUTANT(number) 0
#endif

#endif
