/* Words alone, for the line may not be understood. */
#include "client/line/plugin.h"

#include <string.h>

#include "client/line/talk.h"

bool plugin_is(int argc, char **argv) {
    bool health = false, nagios = false;
    for (int i = 1; i < argc; i++) {
        health = health || strcmp(argv[i], "health") == 0;
        nagios = nagios || strcmp(argv[i], "--format=nagios") == 0 ||
                 (strcmp(argv[i], "nagios") == 0 && strcmp(argv[i - 1], "--format") == 0);
    }
    return health && nagios;
}

int plugin_not_asked(void) {
    print_text("DRAVE UNKNOWN - it was called wrongly; standard error says how, drave help health "
               "what it takes\n");
    return PLUGIN_UNKNOWN;
}
