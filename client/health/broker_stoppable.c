/*
 * drave broker stoppable: whether a majority stays in sync everywhere when this broker stops.
 *
 * Ends with 0: yes; 1: no, with the reasons; 3: it cannot be asked. --wait waits until it is so.
 */
#include <stdlib.h>

#include "client/health/cluster_status.h"
#include "client/health/health_remote.h"
#include "client/line/talk.h"

static int look(const struct invocation *in) {
    struct cluster_status status;
    char *end, address[STATUS_ADDRESS];
    long id = strtol(in->words[0], &end, 10);
    if (*in->words[0] == '\0' || *end != '\0' || id < 0 || id > INT32_MAX) {
        say("%.100s is no broker's id; drave broker list shows them", in->words[0]);
        return EXIT_USAGE;
    }
    int code = cluster_status_list(in, &status);
    const struct broker_seen *broker = code ? NULL : cluster_status_broker(&status, (int32_t)id);
    if (code == EXIT_DONE && broker == NULL) {
        say("there is no broker %ld; drave broker list shows those that there are", id);
        code = EXIT_REFUSED;
    } else if (code == EXIT_DONE) {
        struct invocation one = *in;
        one.bootstrap = broker_address(broker, address);
        code = health_of_addresses(&one, "stoppable");
    }
    cluster_status_close(&status);
    return code;
}

int command_broker_stoppable(struct invocation *in) {
    return health_wait(in, look);
}
