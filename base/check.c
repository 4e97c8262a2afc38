/* Where a failed assertion ends: one line on stderr, then abort (a core shows the place). */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void check_failed(const char *condition, const char *file, int line) {
    fprintf(stderr, "bug in drave: %s does not hold at %s:%d; please report it with the lines above\n", condition, file,
            line);
    fflush(stderr);
    abort();
}
