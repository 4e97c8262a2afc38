/* The number of the deliberate bug that is switched on; exists in the mutants build only. */
#include "base/mutant.h"

#ifdef DRAVE_MUTANTS
int mutant_chosen;
#endif
