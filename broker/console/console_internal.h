/* Inside of the console: what console.c has, and the routes, a file for each. Nobody else's. */
#ifndef BROKER_CONSOLE_CONSOLE_INTERNAL_H
#define BROKER_CONSOLE_CONSOLE_INTERNAL_H

#include "base/container_of.h"
#include "broker/console/asking/inquiry.h"
#include "broker/console/console.h"
#include "broker/console/topic_rows.h"

struct console {
    struct console_options options;
    struct asker asker;
    struct topic_rows *rows; /* of the last list of topics; NULL: nobody asked lately */
    struct env_timer *forget_rows;
    struct tail *tails;
    unsigned tail_count;
};

static inline struct console *console_of(const struct inquiry *inquiry) {
    return CONTAINER_OF(inquiry->asker, struct console, asker);
}

/* Header lines of what /api/ answers, of the first page, and of the files that it names. */
extern const char console_api_lines[], console_index_lines[], console_file_lines[];

/* The routes. */
void console_overview(struct inquiry *inquiry);
void console_topics(struct inquiry *inquiry);
void console_topic(struct inquiry *inquiry);
void console_config(struct inquiry *inquiry);
void console_records(struct inquiry *inquiry);
void console_groups(struct inquiry *inquiry);
void console_group(struct inquiry *inquiry);
/* Goes on where no coordinator knows such a group of consumers. */
void console_share_group(struct inquiry *inquiry, const char *name, int32_t coordinator);
void console_events(struct inquiry *inquiry);
void console_clients(struct inquiry *inquiry);
void console_meta(struct inquiry *inquiry);
void console_mode(struct inquiry *inquiry);

/* /api/tail; no inquiry of its own, but one for each step. TAILS_MAX of them at a time. */
enum { TAILS_MAX = 12 };
void console_tail(struct console *console, struct http_exchange *exchange);
/* False: it is no tail's. */
bool console_tail_gone(struct console *console, void *wish);

/* A file of the pages, which CMake writes into the program (broker/console/pages.cmake). */
struct console_asset {
    const char *path, *type;
    const unsigned char *data; /* as gzip -9 makes it */
    size_t len;
};
extern const struct console_asset console_assets[];
extern const size_t console_asset_count;

#endif
