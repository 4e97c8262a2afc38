/*
 * Who is connected, with what, and what they asked lately: for people who look for a client.
 *
 * Happy path: each connection has an entry in the book as long as it is open; the entry counts what
 * the client does, and who looks walks over entries by their ids. Requests are noted one by one
 * only while somebody has asked for that within CLIENT_TRACE_MS: the last CLIENT_TRACED_MOST of
 * them. Failures: none; texts are cut. Invariants: texts are plain (base/text.h); of client
 * software CLIENT_SOFTWARE_MOST kinds are told apart, the others are counted together; ids ascend,
 * and none is used twice.
 */
#ifndef BROKER_CLIENTS_CLIENT_BOOK_H
#define BROKER_CLIENTS_CLIENT_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

enum {
    CLIENT_TEXT = 64,
    CLIENT_SOFTWARE_MOST = 256,
    CLIENT_TRACED_MOST = 2048,
    CLIENT_TRACE_MS = 10 * 1000,
};

struct client_software {
    char name[CLIENT_TEXT], version[CLIENT_TEXT]; /* "": it has not said */
    uint32_t connections;                         /* 0: the place is free */
};

/* Lies in its connection. For reading; times are of env_now_ms. */
struct client_entry {
    uint64_t id; /* from 1 */
    const char *listener, *peer;
    char client_id[CLIENT_TEXT];            /* of its last request */
    const struct client_software *software; /* NULL: one of too many kinds */
    uint64_t since_ms, last_ms;             /* it came; its last request did, 0: none */
    uint64_t requests, errors, received_bytes, sent_bytes;
    int16_t last_api;
    struct client_entry *next, *prev; /* the book's */
};

struct traced_request {
    uint64_t id, client; /* of the request, of the entry */
    int64_t wall_ms;     /* when it ended */
    char client_id[CLIENT_TEXT], peer[CLIENT_TEXT];
    int16_t api_key, version, error; /* the first error that the answer told; 0: none */
    uint64_t request_bytes, answer_bytes, took_us;
};

/* Zeroed at first. */
struct client_book {
    struct client_entry *entries; /* by id */
    uint64_t last_id, traced_id;
    size_t count;
    struct client_software software[CLIENT_SOFTWARE_MOST]; /* the first: those who say nothing */
    uint32_t other_software;                               /* connections of further kinds */
    struct traced_request *traced; /* that of id i at i % CLIENT_TRACED_MOST; NULL: none */
    uint64_t trace_until_ms;
    char traced_client[CLIENT_TEXT]; /* its requests alone; "": all */
};

void client_book_close(struct client_book *book);

/* `entry`: listener and peer are filled. */
void client_book_add(struct client_book *book, struct client_entry *entry, uint64_t now_ms);
void client_book_remove(struct client_book *book, struct client_entry *entry);
void client_book_request(struct client_entry *entry, int16_t api_key, struct kp_string client_id,
                         uint64_t now_ms);
/* The client says what it is (KIP-511). */
void client_book_name(struct client_book *book, struct client_entry *entry,
                      struct kp_string software, struct kp_string version);
/* The first with an id above `after`; NULL: none. Valid until the next turn. */
const struct client_entry *client_book_next(const struct client_book *book, uint64_t after);

/* From here on for CLIENT_TRACE_MS. The requests of clients that call themselves so (empty: all);
 * all when others are traced already. */
void client_book_trace(struct client_book *book, uint64_t now_ms, struct kp_string client_id);
bool client_book_traces(const struct client_book *book, uint64_t now_ms);
/* Copied; its id is the book's. Nothing, and all that was noted goes, while nobody asks. */
void client_book_note(struct client_book *book, uint64_t now_ms,
                      const struct traced_request *request);
const struct traced_request *client_book_traced(const struct client_book *book, uint64_t after);

#endif
