/* Checks of links between brokers, of clients and groups, each a function over what the brokers
 * said. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/health/doctor_looks.h"
#include "client/line/amount.h"

enum {
    RESTART_S = 600,
    LAG_ENTRIES = 10000,
    PARTITIONS_MANY = 20000,
    REQUESTS_LEAST = 1000,
    BATCHES_LEAST = 10000,
    TINY_BYTES = 1024,
    NEAR_LOSS_S = 3600,
    BEHIND_S = 300,
    REBALANCES_OF_AN_HOUR = 20,
};

/* The sample with the least, or the largest, value of all brokers; NULL: there is none. */
static const struct kp_broker_status_response_sample *extreme(const struct patient *patient,
                                                              const char *metric, bool largest) {
    const struct kp_broker_status_response_sample *found = NULL;
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct kp_broker_status_response *said = patient->status->brokers[i].status;
        for (int32_t m = 0; said && m < said->metrics.count; m++) {
            const struct kp_broker_status_response_metric *one = &said->metrics.items[m];
            for (int32_t s = 0; kp_string_is(one->name, metric) && s < one->samples.count; s++) {
                const struct kp_broker_status_response_sample *sample = &one->samples.items[s];
                if (!found ||
                    (largest ? sample->value > found->value : sample->value < found->value)) {
                    found = sample;
                }
            }
        }
    }
    return found;
}

/* "group G in topic T", of a sample with these labels. */
static const char *place_of(const struct kp_broker_status_response_sample *sample, char *into,
                            size_t room) {
    struct kp_string group = sample->labels.items[0],
                     topic = sample->labels.count > 1 ? sample->labels.items[1] : group;
    snprintf(into, room, "group %.*s in topic %.*s", (int)group.len, group.data, (int)topic.len,
             topic.data);
    return into;
}

static double uptime_hours(const struct broker_seen *broker) {
    double hours = broker->status ? (double)broker->status->uptime_ms / 3600000 : 0;
    return hours > 1 ? hours : 1;
}

/* ---- Brokers ---- */

void doctor_look_links(const struct patient *patient, struct finding *finding) {
    const struct cluster_status *status = patient->status;
    for (size_t i = 0; i < status->count; i++) {
        for (size_t k = 0; k < status->count; k++) {
            char peer[16];
            snprintf(peer, sizeof(peer), "%d", (int)status->brokers[k].node);
            double up = status_number(status->brokers[i].status, "drave_peer_up", peer);
            if (i != k && !status->brokers[k].fenced && up == 0) {
                doctor_find(finding, VERDICT_TROUBLE, "broker %d is not connected with broker %d",
                            (int)status->brokers[i].node, (int)status->brokers[k].node);
                return;
            }
        }
    }
    doctor_find(finding, VERDICT_WELL, "all that are alive are connected with each other");
}

void doctor_look_ready(const struct patient *patient, struct finding *finding) {
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        const struct kp_broker_status_response_health *ready = status_health(one->status, "ready");
        if (ready && !ready->ok) {
            struct kp_string why = ready->reasons.count > 0 ? ready->reasons.items[0].text
                                                            : KP_NULL_STRING;
            doctor_find(finding, VERDICT_TROUBLE, "broker %d is not: %.*s", (int)one->node,
                        why.len < 0 ? 0 : (int)why.len, why.len < 0 ? "" : why.data);
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "all that answer are");
}

void doctor_look_restarts(const struct patient *patient, struct finding *finding) {
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        char up[AMOUNT_ROOM];
        if (one->status && one->status->uptime_ms < RESTART_S * INT64_C(1000)) {
            doctor_find(finding, VERDICT_REMARK, "broker %d was started %s ago", (int)one->node,
                        amount_time((double)one->status->uptime_ms / 1000, up));
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "none was started within the last %d minutes",
                RESTART_S / 60);
}

void doctor_look_lag(const struct patient *patient, struct finding *finding) {
    const struct kp_broker_status_response_sample *most = extreme(
        patient, "drave_replica_lag_entries", true);
    if (most && most->value > LAG_ENTRIES) {
        doctor_find(finding, VERDICT_REMARK, "broker %.*s lacks %.0f log entries of one leader",
                    (int)most->labels.items[0].len, most->labels.items[0].data, most->value);
    } else {
        doctor_find(finding, VERDICT_WELL, "no broker lacks more than %d log entries", LAG_ENTRIES);
    }
}

void doctor_look_many(const struct patient *patient, struct finding *finding) {
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        double count = status_number(one->status, "drave_partitions", NULL);
        if (count > PARTITIONS_MANY) {
            doctor_find(finding, VERDICT_REMARK, "broker %d holds %.0f partitions", (int)one->node,
                        count);
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "no broker holds more than %d partitions", PARTITIONS_MANY);
}

void doctor_look_majority(const struct patient *patient, struct finding *finding) {
    double lost = doctor_sum(patient, "drave_leaderships_lost_total", "no_majority");
    doctor_find(finding, lost > 0 ? VERDICT_REMARK : VERDICT_WELL,
                "%.0f leads were given up because no majority was heard", lost);
}

void doctor_look_log(const struct patient *patient, struct finding *finding) {
    double count = 0;
    const struct broker_seen *broker = doctor_most(patient, "drave_log_lines_total", "error",
                                                   &count);
    if (broker && count > 0) {
        doctor_find(finding, VERDICT_REMARK, "broker %d has logged %.0f errors since its start",
                    (int)broker->node, count);
    } else {
        doctor_find(finding, VERDICT_WELL, "no errors since the brokers were started");
    }
}

void doctor_look_folded(const struct patient *patient, struct finding *finding) {
    double topics = doctor_sum(patient, "drave_metrics_folded", "topics"),
           groups = doctor_sum(patient, "drave_metrics_folded", "groups");
    doctor_find(finding, topics + groups > 0 ? VERDICT_REMARK : VERDICT_WELL,
                "%.0f topics and %.0f groups are summed as (other)", topics, groups);
}

/* ---- Disks ---- */

void doctor_look_damage(const struct patient *patient, struct finding *finding) {
    double count = 0;
    const struct broker_seen *broker = doctor_most(patient, "drave_damage_found_total", NULL,
                                                   &count);
    if (broker && count > 0) {
        double damaged = doctor_sum(patient, "drave_logs_damaged", NULL);
        doctor_find(finding, damaged > 0 ? VERDICT_TROUBLE : VERDICT_REMARK,
                    "broker %d met %.0f damaged files; logs that are not mended: %.0f",
                    (int)broker->node, count, damaged);
    } else {
        doctor_find(finding, VERDICT_WELL, "no reads met any");
    }
}

/* The part of synced writes that take more than 5 ms, of the broker with most of them and least. */
void doctor_look_uneven(const struct patient *patient, struct finding *finding) {
    double least = 2, most = -1;
    const struct broker_seen *slow = NULL;
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        double count;
        double part = doctor_part_above(one->status, "drave_journal_sync_seconds", 0.005, &count);
        if (count < REQUESTS_LEAST) {
            continue;
        }
        if (part > most) {
            most = part;
            slow = one;
        }
        least = part < least ? part : least;
    }
    if (slow && most > 0.5 && least < most / 8) {
        doctor_find(finding, VERDICT_REMARK,
                    "broker %d: %.0f %% of its writes take longer than 5 ms, %.0f %% elsewhere",
                    (int)slow->node, most * 100, least * 100);
    } else {
        doctor_find(finding, VERDICT_WELL, "none is much slower than the others");
    }
}

/* ---- Clients ---- */

void doctor_look_refused(const struct patient *patient, struct finding *finding) {
    const struct kp_broker_status_response_sample *most = extreme(
        patient, "drave_connections_refused_total", true);
    if (most && most->value > 0) {
        struct kp_string cause = most->labels.items[0];
        doctor_find(finding, VERDICT_REMARK, "%.0f connections were closed at once: %s",
                    most->value,
                    kp_string_is(cause, "garbage") ? "what came was no request of Kafka's"
                    : kp_string_is(cause, "tls")   ? "their TLS handshake failed"
                    : kp_string_is(cause, "limit") ? "max.connections are connected"
                                                   : "too many of one address");
    } else {
        doctor_find(finding, VERDICT_WELL, "no connection was closed at once");
    }
}

/* What clients repeat by themselves while leaders and groups move is left out, unless it is much.
 */
void doctor_look_errors(const struct patient *patient, struct finding *finding) {
    double requests = doctor_sum(patient, "drave_requests_total", NULL);
    const struct kp_broker_status_response_sample *most = extreme(
        patient, "drave_request_errors_total", true);
    double part = most && requests > 0 ? most->value / requests : 0;
    if (most && requests > REQUESTS_LEAST && part > 0.01) {
        doctor_find(finding, VERDICT_REMARK, "%.0f %.*s of %.*s, %.0f %% of all requests",
                    most->value, (int)most->labels.items[1].len, most->labels.items[1].data,
                    (int)most->labels.items[0].len, most->labels.items[0].data, part * 100);
    } else {
        doctor_find(finding, VERDICT_WELL, "no error is more than a hundredth of all requests");
    }
}

void doctor_look_tiny(const struct patient *patient, struct finding *finding) {
    double tiny = 0, all = 0;
    for (size_t i = 0; i < patient->status->count; i++) {
        double count;
        double large = doctor_part_above(patient->status->brokers[i].status,
                                         "drave_produce_batch_bytes", TINY_BYTES, &count);
        tiny += count * (1 - large);
        all += count;
    }
    if (all > BATCHES_LEAST && tiny > 0.9 * all) {
        doctor_find(finding, VERDICT_REMARK, "%.0f %% of %.0f batches have no more than %d bytes",
                    100 * tiny / all, all, TINY_BYTES);
    } else {
        doctor_find(finding, VERDICT_WELL, "%s",
                    all > BATCHES_LEAST ? "most batches are larger than 1 KiB"
                                        : "few batches were produced so far");
    }
}

void doctor_look_old_clients(const struct patient *patient, struct finding *finding) {
    double silent = doctor_sum(patient, "drave_client_connections", "");
    if (silent > 0) {
        doctor_find(finding, VERDICT_REMARK, "%.0f connections have not said which software it is",
                    silent);
    } else {
        doctor_find(finding, VERDICT_WELL, "all say which software they are");
    }
}

void doctor_look_order(const struct patient *patient, struct finding *finding) {
    double count = doctor_sum(patient, "drave_produce_out_of_order_total", NULL);
    doctor_find(finding, count > 0 ? VERDICT_REMARK : VERDICT_WELL,
                "%.0f batches were refused because one before them is missing", count);
}

/* ---- Groups ---- */

void doctor_look_near_loss(const struct patient *patient, struct finding *finding) {
    const struct kp_broker_status_response_sample *least = extreme(
        patient, "drave_group_retention_left_seconds", false);
    char place[300], left[AMOUNT_ROOM];
    if (least && least->value < NEAR_LOSS_S) {
        doctor_find(finding, VERDICT_TROUBLE, "%s has %s left",
                    place_of(least, place, sizeof(place)), amount_time(least->value, left));
    } else {
        doctor_find(finding, VERDICT_WELL, "no group has less than an hour left");
    }
}

void doctor_look_missed(const struct patient *patient, struct finding *finding) {
    const struct kp_broker_status_response_sample *most = extreme(
        patient, "drave_group_records_missed", true);
    char place[300];
    if (most && most->value > 0) {
        doctor_find(finding, VERDICT_TROUBLE, "%s has missed %.0f records",
                    place_of(most, place, sizeof(place)), most->value);
    } else {
        doctor_find(finding, VERDICT_WELL, "no group stands before the start of a log");
    }
}

void doctor_look_group_lag(const struct patient *patient, struct finding *finding) {
    const struct kp_broker_status_response_sample *most = extreme(patient,
                                                                  "drave_group_lag_seconds", true);
    char place[300], behind[AMOUNT_ROOM];
    if (most && most->value > BEHIND_S) {
        doctor_find(finding, VERDICT_REMARK, "%s is %s behind",
                    place_of(most, place, sizeof(place)), amount_time(most->value, behind));
    } else {
        doctor_find(finding, VERDICT_WELL, "no group is more than %d minutes behind",
                    BEHIND_S / 60);
    }
}

void doctor_look_rebalances(const struct patient *patient, struct finding *finding) {
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        const struct cluster_status alone = {.brokers = &patient->status->brokers[i], .count = 1};
        const struct patient part = {.status = &alone};
        const struct kp_broker_status_response_sample *most = extreme(
            &part, "drave_group_rebalances_total", true);
        double each_hour = most ? most->value / uptime_hours(one) : 0;
        if (each_hour > REBALANCES_OF_AN_HOUR) {
            doctor_find(finding, VERDICT_REMARK, "group %.*s: %.0f in an hour",
                        (int)most->labels.items[0].len, most->labels.items[0].data, each_hour);
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "no group has more than %d in an hour",
                REBALANCES_OF_AN_HOUR);
}
