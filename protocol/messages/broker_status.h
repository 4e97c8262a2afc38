/*
 * BrokerStatus (key 10001, private): what one broker knows of itself: its health with the reasons,
 * and the numbers of its metrics. Feeds `drave broker list`, `health` and their neighbours, so that
 * a client far away sees all brokers without another port. Framed like Kafka's APIs, so that
 * listeners, and later authentication, cover it. Not advertised by ApiVersions.
 *
 * Version 0. The numbers are those of docs/metrics.md, by their names there, and at most a second
 * old; a client shows what it finds and nothing for what it does not, whichever of the two is
 * newer.
 */
#ifndef PROTOCOL_MESSAGES_BROKER_STATUS_H
#define PROTOCOL_MESSAGES_BROKER_STATUS_H

#include "protocol/schema.h"

struct kp_broker_status_request {
    /* Names of metrics; null: all that there are. */
    KP_ARRAY_OF(struct kp_string) metrics;
    /* Of each kind of health; and the first of the events above events_after. A broker may tell
     * fewer: what is behind the last event that it told is asked for then. */
    int32_t reasons_max, events_max;
    int64_t events_after;
};

struct kp_broker_status_response_reason {
    struct kp_string code; /* "majority" */
    struct kp_string text;
};

struct kp_broker_status_response_health {
    struct kp_string name; /* "ready", "stoppable", "cluster" */
    bool ok;
    int32_t left_out; /* reasons that are not told */
    KP_ARRAY_OF(struct kp_broker_status_response_reason) reasons;
};

struct kp_broker_status_response_sample {
    KP_ARRAY_OF(struct kp_string) labels; /* the values, as many as the metric has */
    double value;
    KP_ARRAY_OF(int64_t) counts; /* of a histogram: one for each bound, and one for what is above */
};

struct kp_broker_status_response_metric {
    struct kp_string name;
    KP_ARRAY_OF(struct kp_string) labels; /* their names */
    KP_ARRAY_OF(double) bounds;           /* of a histogram */
    KP_ARRAY_OF(struct kp_broker_status_response_sample) samples;
};

struct kp_broker_status_response_event {
    int64_t id; /* from 1 since it was started */
    int64_t time_ms;
    struct kp_string kind; /* "elected": docs/operations.md has them */
    int32_t node_id;       /* which broker it is about; -1: itself, or none */
    struct kp_string cause;
    struct kp_string subject; /* a partition, a topic, ...: the first of them */
    int64_t count;            /* how many the like there were within a second */
    int64_t took_ms;          /* the longest; -1: it has no duration */
    int64_t ref;              /* the same on all brokers that noted it; 0: only this one did */
};

struct kp_broker_status_response {
    int16_t error_code;
    struct kp_string error_message;
    int32_t node_id;
    struct kp_string rack;
    struct kp_string version; /* of draved */
    struct kp_string cluster_id;
    int64_t uptime_ms;
    int64_t time_ms; /* of its clock, when it answered */
    KP_ARRAY_OF(struct kp_broker_status_response_health) health;
    KP_ARRAY_OF(struct kp_broker_status_response_metric) metrics;
    KP_ARRAY_OF(struct kp_broker_status_response_event) events; /* in the order of ids */
};

extern const struct kp_schema kp_broker_status_request_schema;
extern const struct kp_schema kp_broker_status_response_reason_schema;
extern const struct kp_schema kp_broker_status_response_health_schema;
extern const struct kp_schema kp_broker_status_response_sample_schema;
extern const struct kp_schema kp_broker_status_response_metric_schema;
extern const struct kp_schema kp_broker_status_response_event_schema;
extern const struct kp_schema kp_broker_status_response_schema;

#endif
