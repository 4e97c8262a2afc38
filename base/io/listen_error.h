/* Why nobody can listen at an address, as a sentence of what happened and what to do. */
#ifndef BASE_IO_LISTEN_ERROR_H
#define BASE_IO_LISTEN_ERROR_H

#include "base/error.h"

struct listen_place {
    const char *what;    /* "listen for clients", "serve /metrics and /health" */
    const char *address; /* as people read it: "[::1]:9092" */
    int port;
    const char *setting; /* that names it */
};

/* `error`: of env_listen. Returns it. */
int listen_error_set(struct error_text *why, int error, const struct listen_place *place);

#endif
