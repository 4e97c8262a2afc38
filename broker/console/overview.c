/*
 * /api/overview: all brokers, how they are, and the numbers of which a page makes rates and times.
 * Numbers are told as the broker counts them, so that nothing is kept here for those who look.
 */
#include "broker/console/asking/status_asks.h"
#include "broker/console/console_internal.h"

enum { REASONS = 20 };

static const char *const metrics[] = {
    "drave_received_bytes_total",
    "drave_sent_bytes_total",
    "drave_requests_total",
    "drave_request_seconds",
    "drave_journal_sync_seconds",
    "drave_connections",
    "drave_partitions",
    "drave_partitions_behind",
    "drave_partitions_leaderless",
    "drave_partitions_under_replicated",
    "drave_partitions_below_min_insync",
    "drave_replica_lag_entries",
    "drave_peer_up",
    "drave_elections_total",
    "drave_disk_size_bytes",
    "drave_disk_free_bytes",
    "drave_disk_refusing",
    "drave_memory_bytes",
    "drave_memory_limit_bytes",
    "drave_journal_live_bytes",
    "drave_journal_limit_bytes",
    "drave_topics",
    "drave_groups",
    "process_resident_memory_bytes",
};

static void show_health(struct json *json, const struct kp_broker_status_response *status) {
    json_array(json, "health");
    for (int32_t i = 0; i < status->health.count; i++) {
        const struct kp_broker_status_response_health *health = &status->health.items[i];
        json_object(json, NULL);
        json_string(json, "name", health->name);
        json_bool(json, "ok", health->ok);
        json_int(json, "left_out", health->left_out);
        json_array(json, "reasons");
        for (int32_t r = 0; r < health->reasons.count; r++) {
            json_object(json, NULL);
            json_string(json, "code", health->reasons.items[r].code);
            json_string(json, "text", health->reasons.items[r].text);
            json_end(json);
        }
        json_end(json);
        json_end(json);
    }
    json_end(json);
}

static void show_sample(struct json *json, const struct kp_broker_status_response_metric *metric,
                        const struct kp_broker_status_response_sample *sample) {
    json_object(json, NULL);
    for (int32_t i = 0; i < metric->labels.count && i < sample->labels.count; i++) {
        if (i == 0) json_array(json, "labels");
        json_string(json, NULL, sample->labels.items[i]);
        if (i + 1 == metric->labels.count || i + 1 == sample->labels.count) json_end(json);
    }
    json_real(json, "value", sample->value);
    if (sample->counts.count > 0) {
        json_array(json, "counts");
        for (int32_t i = 0; i < sample->counts.count; i++)
            json_real(json, NULL, (double)sample->counts.items[i]);
        json_end(json);
    }
    json_end(json);
}

static void show_metrics(struct json *json, const struct kp_broker_status_response *status) {
    json_object(json, "metrics");
    for (size_t m = 0; m < sizeof metrics / sizeof *metrics; m++) {
        const struct kp_broker_status_response_metric *metric = status_metric(status, metrics[m]);
        if (metric == NULL) continue;
        json_object(json, metrics[m]);
        if (metric->bounds.count > 0) {
            json_array(json, "bounds");
            for (int32_t i = 0; i < metric->bounds.count; i++)
                json_real(json, NULL, metric->bounds.items[i]);
            json_end(json);
        }
        json_array(json, "samples");
        for (int32_t i = 0; i < metric->samples.count; i++)
            show_sample(json, metric, &metric->samples.items[i]);
        json_end(json);
        json_end(json);
    }
    json_end(json);
}

static void show_broker(struct inquiry *inquiry, int32_t at) {
    struct json *json = &inquiry->json;
    const struct status_asks *asks = inquiry->state;
    const struct kp_describe_cluster_response_broker *broker = &inquiry->cluster->brokers.items[at];
    const struct kp_broker_status_response *status = status_asks_of(asks, at);
    json_object(json, NULL);
    json_int(json, "id", broker->broker_id);
    json_string(json, "host", broker->host);
    json_int(json, "port", broker->port);
    json_string(json, "rack", broker->rack);
    json_bool(json, "fenced", broker->is_fenced);
    json_bool(json, "answers", status != NULL);
    if (status == NULL && asks->asks[at] != NULL)
        json_words(json, "why", error_phrase(asks->asks[at]->error));
    if (status != NULL) {
        json_string(json, "version", status->version);
        json_real(json, "uptime_ms", (double)status->uptime_ms);
        json_real(json, "time_ms", (double)status->time_ms);
        show_health(json, status);
        show_metrics(json, status);
    }
    json_end(json);
}

static void told(struct inquiry *inquiry) {
    struct json *json = &inquiry->json;
    json_object(json, NULL);
    json_string(json, "cluster_id", inquiry->cluster->cluster_id);
    json_int(json, "metadata_leader", inquiry->cluster->controller_id);
    json_int(json, "served_by", inquiry->asker->node);
    json_words(json, "version", DRAVE_VERSION);
    json_array(json, "brokers");
    for (int32_t i = 0; i < inquiry->cluster->brokers.count; i++)
        show_broker(inquiry, i);
    json_end(json);
    json_end(json);
    inquiry_respond(inquiry);
}

static void ask(struct inquiry *inquiry) {
    inquiry->state = status_asks_begin(inquiry, metrics, sizeof metrics / sizeof *metrics, REASONS,
                                       0, 0);
    inquiry_then(inquiry, told);
}

void console_overview(struct inquiry *inquiry) {
    inquiry_cluster(inquiry, ask);
}
