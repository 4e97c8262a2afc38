/* Checks of brokers, partitions, disks and load, each a function over what the brokers said. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/health/doctor_looks.h"
#include "client/line/amount.h"

#define CLOCKS_MAX_S 1.0
enum { LATE_SYNC_MS = 50, SYNCS_LEAST = 100 };

/* ---- Brokers ---- */

void doctor_look_reached(const struct patient *patient, struct finding *finding) {
    const struct cluster_status *status = patient->status;
    for (size_t i = 0; i < status->count; i++) {
        const struct broker_seen *broker = &status->brokers[i];
        if (!broker->fenced && !broker->status) {
            doctor_find(finding, VERDICT_TROUBLE, "broker %d: %s", (int)broker->node,
                        broker->why.text);
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "all addresses that clients are told are reached from here");
}

void doctor_look_alive(const struct patient *patient, struct finding *finding) {
    const struct cluster_status *status = patient->status;
    for (size_t i = 0; i < status->count; i++) {
        if (status->brokers[i].fenced) {
            doctor_find(finding, VERDICT_TROUBLE, "broker %d has not been heard of",
                        (int)status->brokers[i].node);
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "all %zu brokers are alive", status->count);
}

void doctor_look_metadata(const struct patient *patient, struct finding *finding) {
    if (patient->status->metadata_leader < 0) {
        doctor_find(finding, VERDICT_TROUBLE, "nobody leads the metadata");
    } else {
        doctor_find(finding, VERDICT_WELL, "broker %d leads the metadata",
                    (int)patient->status->metadata_leader);
    }
}

void doctor_look_number(const struct patient *patient, struct finding *finding) {
    size_t count = patient->status->count;
    if (count == 2) {
        doctor_find(finding, VERDICT_REMARK, "two brokers: when one is away nothing is written");
    } else if (count == 1) {
        doctor_find(finding, VERDICT_REMARK, "one broker: nothing is kept twice");
    } else {
        doctor_find(finding, VERDICT_WELL, "%zu brokers", count);
    }
}

void doctor_look_versions(const struct patient *patient, struct finding *finding) {
    const struct kp_broker_status_response *first = NULL;
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct kp_broker_status_response *said = patient->status->brokers[i].status;
        first = first ? first : said;
        if (said &&
            (said->version.len != first->version.len ||
             memcmp(said->version.data, first->version.data, (size_t)said->version.len) != 0)) {
            doctor_find(finding, VERDICT_REMARK, "%.*s and %.*s", (int)first->version.len,
                        first->version.data, (int)said->version.len, said->version.data);
            return;
        }
    }
    doctor_find(finding, first ? VERDICT_WELL : VERDICT_UNKNOWN, "%.*s",
                first ? (int)first->version.len : 0, first ? first->version.data : "");
}

/* By how much a clock is ahead of ours is known to within half the time of the question. */
void doctor_look_clocks(const struct patient *patient, struct finding *finding) {
    double least = INFINITY, largest = -INFINITY;
    int32_t slow = -1, fast = -1;
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *broker = &patient->status->brokers[i];
        if (!broker->status) {
            continue;
        }
        double ahead = (double)(broker->status->time_ms - broker->asked_ms) / 1000,
               within = (double)broker->within_ms / 1000;
        if (ahead + within < least) {
            least = ahead + within;
            slow = broker->node;
        }
        if (ahead - within > largest) {
            largest = ahead - within;
            fast = broker->node;
        }
    }
    if (slow < 0) {
        doctor_find(finding, VERDICT_UNKNOWN, "no broker told its time");
    } else if (largest - least > CLOCKS_MAX_S) {
        doctor_find(finding, VERDICT_TROUBLE,
                    "the clock of broker %d is %.1f s ahead of that of broker %d", (int)fast,
                    largest - least, (int)slow);
    } else if (largest > CLOCKS_MAX_S || least < -CLOCKS_MAX_S) {
        doctor_find(finding, VERDICT_REMARK, "the brokers' clocks are %.1f s %s this machine's",
                    largest > CLOCKS_MAX_S ? largest : -least,
                    largest > CLOCKS_MAX_S ? "ahead of" : "behind");
    } else {
        doctor_find(finding, VERDICT_WELL, "they differ by less than %.1f s", CLOCKS_MAX_S);
    }
}

void doctor_look_racks(const struct patient *patient, struct finding *finding) {
    size_t with = 0;
    const char *first = NULL;
    bool differ = false;
    for (size_t i = 0; i < patient->status->count; i++) {
        const char *rack = patient->status->brokers[i].rack;
        with += *rack != '\0';
        first = first || *rack == '\0' ? first : rack;
        differ = differ || (*rack != '\0' && strcmp(rack, first) != 0);
    }
    if (with > 0 && with < patient->status->count) {
        doctor_find(finding, VERDICT_REMARK, "%zu of %zu brokers have one", with,
                    patient->status->count);
    } else if (with > 1 && !differ) {
        doctor_find(finding, VERDICT_REMARK, "all brokers are in %s", first);
    } else {
        doctor_find(finding, VERDICT_WELL, with == 0 ? "none is set" : "several");
    }
}

/* ---- Partitions ---- */

void doctor_look_leaderless(const struct patient *patient, struct finding *finding) {
    double count = 0;
    doctor_most(patient, "drave_partitions_leaderless", NULL, &count);
    doctor_find(finding, count > 0 ? VERDICT_TROUBLE : VERDICT_WELL, "%.0f partitions have none",
                count);
}

void doctor_look_min_insync(const struct patient *patient, struct finding *finding) {
    double count = doctor_sum(patient, "drave_partitions_below_min_insync", NULL);
    doctor_find(finding, count > 0 ? VERDICT_TROUBLE : VERDICT_WELL,
                "%.0f partitions refuse produce", count);
}

void doctor_look_replicas(const struct patient *patient, struct finding *finding) {
    double count = doctor_sum(patient, "drave_partitions_under_replicated", NULL);
    doctor_find(finding, count > 0 ? VERDICT_TROUBLE : VERDICT_WELL,
                "%.0f partitions lack a replica that is in sync", count);
}

void doctor_look_single(const struct patient *patient, struct finding *finding) {
    const struct kp_metadata_response *metadata = patient->metadata;
    int topics = 0;
    const struct kp_metadata_response_topic *first = NULL;
    for (int32_t t = 0; metadata && t < metadata->topics.count; t++) {
        const struct kp_metadata_response_topic *topic = &metadata->topics.items[t];
        if (topic->partitions.count > 0 && topic->partitions.items[0].replica_nodes.count == 1) {
            first = first ? first : topic;
            topics++;
        }
    }
    if (!metadata) {
        doctor_find(finding, VERDICT_UNKNOWN, "nobody told which topics there are");
    } else if (topics > 0 && patient->status->count > 1) {
        doctor_find(finding, VERDICT_REMARK, "%d topics have one replica, %.*s among them", topics,
                    (int)first->name.len, first->name.data);
    } else {
        doctor_find(finding, VERDICT_WELL,
                    topics > 0 ? "one broker, one replica" : "every topic has several");
    }
}

void doctor_look_leads(const struct patient *patient, struct finding *finding) {
    double largest = 0, all = doctor_sum(patient, "drave_partitions", "leader");
    const struct broker_seen *broker = doctor_most(patient, "drave_partitions", "leader", &largest);
    double fair = all / (double)(patient->status->count > 0 ? patient->status->count : 1);
    if (broker && patient->status->count > 1 && largest > 2 * fair && largest - fair > 3) {
        doctor_find(finding, VERDICT_REMARK, "broker %d leads %.0f of %.0f partitions",
                    (int)broker->node, largest, all);
    } else {
        doctor_find(finding, VERDICT_WELL, "none leads more than twice its share");
    }
}

void doctor_look_away(const struct patient *patient, struct finding *finding) {
    double away = doctor_sum(patient, "drave_partitions_away", NULL),
           all = doctor_sum(patient, "drave_partitions", "leader");
    doctor_find(finding, all > 0 && away > all / 10 ? VERDICT_REMARK : VERDICT_WELL,
                "%.0f of %.0f partitions are led where they were not placed first", away, all);
}

/* ---- Disks ---- */

void doctor_look_full(const struct patient *patient, struct finding *finding) {
    double refusing = 0;
    const struct broker_seen *broker = doctor_most(patient, "drave_disk_refusing", NULL, &refusing);
    if (broker && refusing > 0) {
        doctor_find(finding, VERDICT_TROUBLE, "broker %d refuses produce", (int)broker->node);
        return;
    }
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        double left = status_number(one->status, "drave_disk_free_bytes", NULL),
               size = status_number(one->status, "drave_disk_size_bytes", NULL);
        char free_text[AMOUNT_ROOM];
        if (left < size / 10) {
            doctor_find(finding, VERDICT_REMARK, "broker %d has %s left, less than a tenth",
                        (int)one->node, amount_bytes(left, free_text));
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "all have more than a tenth left");
}

void doctor_look_journal(const struct patient *patient, struct finding *finding) {
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        double limit = status_number(one->status, "drave_journal_limit_bytes", NULL),
               size = status_number(one->status, "drave_disk_size_bytes", NULL);
        char limit_text[AMOUNT_ROOM], size_text[AMOUNT_ROOM];
        if (limit > size / 4) {
            doctor_find(finding, VERDICT_REMARK, "broker %d: it may take %s of a disk of %s",
                        (int)one->node, amount_bytes(limit, limit_text),
                        amount_bytes(size, size_text));
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "it takes less than a quarter of any disk");
}

void doctor_look_sync(const struct patient *patient, struct finding *finding) {
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        double count;
        double slow = doctor_part_above(one->status, "drave_journal_sync_seconds",
                                        LATE_SYNC_MS / 1000.0, &count);
        if (count >= SYNCS_LEAST && slow > 0.01) {
            doctor_find(finding, VERDICT_REMARK,
                        "broker %d: %.0f %% of its writes take longer than %d ms", (int)one->node,
                        slow * 100, LATE_SYNC_MS);
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "99 %% of all writes take less than %d ms", LATE_SYNC_MS);
}

/* No device that keeps what it was given is done in a tenth of a millisecond, nearly always. */
void doctor_look_lying(const struct patient *patient, struct finding *finding) {
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        double count;
        double real = doctor_part_above(one->status, "drave_journal_sync_seconds", 0.0001, &count);
        if (count >= SYNCS_LEAST && real < 0.1) {
            doctor_find(finding, VERDICT_REMARK,
                        "broker %d: nine of ten synced writes take less than 0.1 ms",
                        (int)one->node);
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "synced writes take as long as they would on a device");
}

void doctor_look_torn(const struct patient *patient, struct finding *finding) {
    double torn = doctor_sum(patient, "drave_journal_torn_tails_total", NULL);
    doctor_find(finding, torn > 0 ? VERDICT_REMARK : VERDICT_WELL,
                "%.0f starts found a write that had not ended", torn);
}

/* ---- Load ---- */

void doctor_look_turns(const struct patient *patient, struct finding *finding) {
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        double count;
        double slow = doctor_part_above(one->status, "drave_loop_turn_seconds", 1.0, &count);
        if (slow > 0) {
            doctor_find(finding, VERDICT_REMARK, "broker %d: %.0f turns took longer than a second",
                        (int)one->node, slow * count);
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "no turn of an event loop took a second");
}

void doctor_look_memory(const struct patient *patient, struct finding *finding) {
    static const char *const budgets[] = {"requests", "answers", "parked", "uncommitted", "groups"};
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        for (size_t b = 0; b < sizeof(budgets) / sizeof(budgets[0]); b++) {
            double used = status_number(one->status, "drave_memory_bytes", budgets[b]),
                   limit = status_number(one->status, "drave_memory_limit_bytes", budgets[b]);
            if (used > 0.8 * limit) {
                doctor_find(finding, VERDICT_REMARK, "broker %d: %s is spent to %.0f %%",
                            (int)one->node, budgets[b], 100 * used / limit);
                return;
            }
        }
    }
    double waits;
    const struct broker_seen *most = doctor_most(patient, "drave_memory_waits_total", NULL, &waits);
    if (most != NULL && waits > 0)
        doctor_find(finding, VERDICT_REMARK,
                    "broker %d: somebody began to wait for memory %.0f times since its start",
                    (int)most->node, waits);
    else
        doctor_find(finding, VERDICT_WELL, "every budget has a fifth left, and nobody ever waited");
}

void doctor_look_unrest(const struct patient *patient, struct finding *finding) {
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        double count = status_number(one->status, "drave_elections_total", "timeout");
        double hours = one->status ? (double)one->status->uptime_ms / 3600000 : 0;
        if (count > 10 && count / (hours > 1 ? hours : 1) > 10) {
            doctor_find(finding, VERDICT_REMARK,
                        "broker %d stood for election %.0f times in %.1f h", (int)one->node, count,
                        hours);
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "few elections began because nothing was heard");
}
