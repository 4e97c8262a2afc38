/* A port for a server that is closed and opened again, which nobody else is given meanwhile. */
#ifndef TESTS_UNIT_RESERVED_PORT_H
#define TESTS_UNIT_RESERVED_PORT_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/unit.h"

/* The socket that is bound to it never listens, and stays until the process ends: who binds by
 * number, with SO_REUSEADDR as all servers do, may listen there; nobody gets it by chance. */
static inline int reserved_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    assert_true(s >= 0);
    assert_int_equal(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), 0);
    assert_int_equal(bind(s, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(s, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

#endif
