/*
 * Inside of drave top, shared by top.c (looking, brokers, topics, the terminal), top_rates.c and
 * top_views.c (the other views). Nobody else's.
 */
#ifndef CLIENT_HEALTH_TOP_VIEWS_H
#define CLIENT_HEALTH_TOP_VIEWS_H

#include <termios.h>

#include "client/health/cluster_status.h"
#include "client/line/amount.h"

/* A connection, as it was when it was looked at last. */
struct top_client {
    int32_t node;
    int64_t id, requests, bytes;
};

struct top {
    const struct invocation *in;
    struct cluster_status before, now;
    uint64_t before_ms, now_ms;
    bool has_before, has_now;
    uint64_t pace_ms;
    char view; /* b brokers, t topics, g groups, c clients, r replication, e events */
    struct top_client *clients; /* as the last look at them found them */
    size_t client_count;
    uint64_t clients_ms; /* when that was */
    bool paused, over, raw;
    struct termios saved;
};

/* ---- top_rates.c ---- */

/* What that broker said a look ago; NULL: it was not asked, or did not answer. */
const struct kp_broker_status_response *top_before(const struct top *top, int32_t node);
/* In a second, of the samples with that label (NULL: of all); NaN: it was not asked twice, or was
 * started anew. */
double top_rate(const struct top *top, const struct broker_seen *broker, const char *metric,
                const char *label);
/* "4.1 MiB/s" */
const char *top_per_second(double value, char into[AMOUNT_ROOM]);

/* ---- top_views.c: a table each ---- */

void top_show_groups(const struct top *top);
/* Asks who is connected. */
void top_show_clients(struct top *top);
void top_show_replication(const struct top *top);
void top_show_events(const struct top *top);

#endif
