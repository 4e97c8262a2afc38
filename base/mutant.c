/* The number of the deliberate bug that is switched on; exists in the mutants build only. */
#include "base/mutant.h"

#ifdef DRAVE_MUTANTS
#include <stdlib.h>

int mutant_chosen;

/* Unit programs take no numbers. */
__attribute__((constructor)) static void choose(void) {
    const char *number = getenv("DRAVE_MUTANT");
    if (number != NULL) mutant_chosen = (int)strtol(number, NULL, 10);
}
#endif
