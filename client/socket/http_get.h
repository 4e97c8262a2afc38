/* One GET over plain HTTP, for what brokers serve to those who watch them. */
#ifndef CLIENT_SOCKET_HTTP_GET_H
#define CLIENT_SOCKET_HTTP_GET_H

#include <stdint.h>

#include "base/error.h"

enum { HTTP_ANSWER_MAX = 1 << 20 };

/* `address`: HOST:PORT. The status and the body, terminated (mem_free). ERR_INVALID (the address),
 * ERR_NAME, ERR_REFUSED, ERR_TIMEOUT, ERR_CONNECTION, ERR_MALFORMED, ERR_TOO_LARGE; `why` has the
 * sentence. */
int http_get(const char *address, const char *path, uint64_t timeout_ms, int *status, char **body,
             struct error_text *why);

#endif
