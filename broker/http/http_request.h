/*
 * The head of an HTTP/1.1 request (RFC 9112), of which no more is served than a scraper, a probe or
 * a browser sends: GET and HEAD without a body.
 *
 * Happy path: bytes are gathered until the empty line; http_request_parse gives method, path and
 * query. Failures: what is not clearly such a request gets the status to refuse it with, and its
 * connection is closed behind that answer, so that nobody has to agree with a proxy about where the
 * next one begins (request smuggling). Invariants: nothing is looked at beyond `len`; bare line
 * feeds, folded lines, blanks before a colon, two Host lines, bodies and transfer codings are
 * refused.
 */
#ifndef BROKER_HTTP_HTTP_REQUEST_H
#define BROKER_HTTP_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_HEAD_MAX = 8192, HTTP_TARGET_MAX = 2048 };

struct http_request {
    bool head_only; /* HEAD */
    bool keep_alive;
    const char *path, *query; /* of the target, in the bytes parsed; not decoded */
    size_t path_len, query_len;
    const char *host; /* of the line Host, with its port if it has one; NULL: there is none */
    size_t host_len;
};

enum http_parsed { HTTP_MORE = 0, HTTP_PARSED = 1 };

/* HTTP_PARSED: `*head` bytes were it. HTTP_MORE: it goes on. Else the status: 400, 405, 413, 414,
 * 431, 505. */
int http_request_parse(const char *data, size_t len, struct http_request *request, size_t *head);

/* The value of that name in a query, percent-decoded, into `into` with its end; false: it is not
 * there, does not fit, or holds a zero byte. */
bool http_query_value(const char *query, size_t len, const char *name, char *into, size_t room);

#endif
