/*
 * All brokers of a cluster, and what each says of itself (BrokerStatus, ours).
 *
 * Happy path: any broker of the bootstrap list names all (DescribeCluster, with those that are
 * fenced); each that is not is asked. Failures: nobody is reachable: an exit code; one broker is
 * not, or does not know the request: the others are told, and of this one why. Invariant: no broker
 * is waited for longer than STATUS_ASK_MS.
 */
#ifndef CLIENT_HEALTH_CLUSTER_STATUS_H
#define CLIENT_HEALTH_CLUSTER_STATUS_H

#include "client/kafka/admin_client.h"
#include "protocol/messages/broker_status.h"

enum { STATUS_ASK_MS = 2000, STATUS_REASONS = 100, STATUS_ADDRESS = 300 };

/* What is asked for. */
struct status_wish {
    const char *const *metrics; /* by their names in docs/metrics.md */
    size_t count;
    bool events; /* all that there are */
    bool all;    /* metrics: all, whatever they are called */
};

struct broker_seen {
    int32_t node;
    const char *host;
    int port;
    const char *rack;
    bool fenced;                                    /* the cluster has not heard of it */
    const struct kp_broker_status_response *status; /* NULL: it has not answered */
    struct error_text why;                          /* then; empty: it was not asked */
    int64_t asked_ms;  /* our clock, halfway between question and answer, */
    int64_t within_ms; /* and how far it may be from when it was answered */
};

struct cluster_status {
    struct kp_arena arena; /* all texts */
    const char *cluster_id;
    int32_t metadata_leader;     /* -1: none is known */
    struct broker_seen *brokers; /* in the order of their ids */
    size_t count;
};

/* 0, or an exit code, and the sentence was said. cluster_status_close in both cases. */
int cluster_status_ask(const struct invocation *in, const struct status_wish *wish,
                       struct cluster_status *status);
/* The same, and nobody is asked. */
int cluster_status_list(const struct invocation *in, struct cluster_status *status);
void cluster_status_close(struct cluster_status *status);
/* NULL: there is no such broker. */
const struct broker_seen *cluster_status_broker(const struct cluster_status *status, int32_t node);

/* "10.0.0.1:9092", "[::1]:9092"; returns `into`. */
const char *broker_address(const struct broker_seen *broker, char into[STATUS_ADDRESS]);
/* One broker, which "host:port" leads to. Errors of admin_request. */
int broker_status_ask(const char *address, const struct status_wish *wish, struct kp_arena *arena,
                      struct kp_broker_status_response *response, struct error_text *why);

/* ---- What it has said ---- */

/* The sum of the samples whose first label is `label` (NULL: of all); NaN: it has told none. */
double status_number(const struct kp_broker_status_response *response, const char *metric,
                     const char *label);
/* NULL: it has not told. */
const struct kp_broker_status_response_health *status_health(
    const struct kp_broker_status_response *response, const char *name);

#endif
