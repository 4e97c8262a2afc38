/* Checking and splitting the list of brokers. */
#include "client/kafka/bootstrap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "client/line/command.h"
#include "client/line/talk.h"

void bootstrap_split(char *address, const char **host, const char **port) {
    char *colon = strrchr(address, ':');
    char *bracket = strchr(address, ']');
    *host = address;
    *port = "9092";
    if (colon && (bracket ? colon > bracket : strchr(address, ':') == colon)) {
        *colon = 0;
        *port = colon + 1;
    }
    if (bracket && address[0] == '[') {
        *bracket = 0;
        *host = address + 1;
    }
}

void bootstrap_check(const char *bootstrap) {
    char *list = mem_strdup(bootstrap), *rest = list, *one;
    size_t count = 0;
    while ((one = strsep(&rest, ",")) != NULL) {
        if (!*one) {
            continue;
        }
        const char *host, *port;
        char *end, given[300];
        snprintf(given, sizeof(given), "%s", one);
        bootstrap_split(one, &host, &port);
        errno = 0;
        long number = strtol(port, &end, 10);
        if (!*host || *port < '0' || *port > '9' || *end || errno || number < 1 || number > 65535) {
            say("\"%s\" is not the address of a broker; write HOST:PORT with a port from 1 to 65535, for example "
                "-b 127.0.0.1:9092",
                given);
            exit(EXIT_USAGE);
        }
        count++;
    }
    mem_free(list);
    if (count == 0) {
        say("the bootstrap list is empty; name a broker with -b HOST:PORT");
        exit(EXIT_USAGE);
    }
}

uint64_t bootstrap_count(const char *rest) {
    uint64_t count = rest ? 1 : 0;
    for (; rest && *rest; rest++) {
        count += *rest == ',';
    }
    return count;
}
