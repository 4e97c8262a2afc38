/* Lines of the log that fail a run; log_lines.h says which. */
#include "tests/sim/log_lines.h"

#include <string.h>

void log_line_judge(struct run *run, const struct node *node, const char *line, bool asked_for) {
    static const char *const bad[] = {": this replica stops: ", ": dropped a message of broker ",
                                      ": it has lost data, and does not count"};

    if (strstr(line, ": its log could not be opened, and nobody has ") != NULL)
        run_count(run, RARE_BEGUN_LATER, 1);
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (!asked_for && strstr(line, bad[i]) != NULL)
            run_fail(run, "n%d says: %s", node_id(node), line);
}
