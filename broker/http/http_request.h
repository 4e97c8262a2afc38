/*
 * The head of an HTTP/1.1 request (RFC 9112), of which no more is served than a scraper, a probe or
 * a browser sends: GET and HEAD without a body.
 *
 * Happy path: bytes are gathered until the empty line; http_request_parse gives method, path and
 * query. Failures: what is not clearly such a request gets the status to refuse it with, and its
 * connection is closed behind that answer, so that nobody has to agree with a proxy about where the
 * next one begins (request smuggling). Invariants: nothing is looked at beyond `len`; bare line
 * feeds, folded lines, blanks before a colon, two lines of Host or of a body's length, transfer
 * codings, and bodies of what has none are refused.
 */
#ifndef BROKER_HTTP_HTTP_REQUEST_H
#define BROKER_HTTP_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

enum { HTTP_HEAD_MAX = 8192, HTTP_TARGET_MAX = 2048 };

struct http_request {
    bool head_only; /* HEAD */
    bool post;
    bool old; /* HTTP/1.0 */
    bool keep_alive;
    const char *path, *query; /* of the target, in the bytes parsed; not decoded */
    size_t path_len, query_len;
    const char *host; /* of the line Host, with its port if it has one; NULL: there is none */
    size_t host_len;
    const char *fields; /* all lines behind the first, for http_request_field */
    size_t fields_len;
    const char *body; /* of a POST, once it is whole; the server's */
    size_t body_len;  /* as it is told */
};

enum http_parsed { HTTP_MORE = 0, HTTP_PARSED = 1 };

/* HTTP_PARSED: `*head` bytes were it. HTTP_MORE: it goes on. Else the status: 400, 405, 413, 414,
 * 411, 431, 505. */
int http_request_parse(const char *data, size_t len, struct http_request *request, size_t *head);

/* How many lines of that name there are; of the last one *value and *len, in the bytes parsed. */
unsigned http_request_field(const struct http_request *request, const char *name,
                            const char **value, size_t *len);

/* The next NAME=VALUE of a query or a form, behind `pair->next`, which begins at its first byte;
 * what is empty between two & is passed over. The name is as it was sent, not decoded. */
struct http_pair {
    const char *name, *next;
    size_t name_len;
};
enum http_paired {
    HTTP_PAIRS_END, /* the name is empty */
    HTTP_PAIR,
    HTTP_PAIR_BROKEN, /* the name is all of it: no =, an escape that is none, or a zero byte */
};
enum http_paired http_query_next(const char *query, size_t len, struct http_pair *pair);

/* The value of that name in a query, percent-decoded, into `into` with its end; false: it is not
 * there, does not fit, or holds a zero byte. */
bool http_query_value(const char *query, size_t len, const char *name, char *into, size_t room);

#endif
