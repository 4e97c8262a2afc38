/*
 * drave cluster secret: a new secret for the brokers among themselves, on standard output.
 *
 * Failure: a system without randomness; exit code 1.
 */
#include <stdio.h>

#include "base/secure/scram.h"
#include "base/secure/tls_secret.h"
#include "client/line/command.h"
#include "client/line/talk.h"

int command_cluster_secret(struct invocation *in) {
    char line[TLS_SECRET_LINE];
    (void)in;
    if (tls_secret_make(line) != ERR_NONE) {
        say("the system gives no random bytes; nothing is printed");
        return EXIT_REFUSED;
    }
    print_text("%s\n", line);
    scram_wipe(line, sizeof(line));
    return EXIT_DONE;
}
