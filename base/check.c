/* Where a failed assertion ends: one line on stderr, then abort (a core shows the place). */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void check_failed(const char *condition, const char *file, int line) {
    char text[512];
    snprintf(
        text, sizeof text,
        "bug in drave: %.200s does not hold at %.200s:%d; please report it with the lines above\n",
        condition, file, line);
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written; /* nothing is left to do when stderr is broken, too */
    abort();
}
