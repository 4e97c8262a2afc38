/* Checks of what the brokers stand on: files, file systems, memory, certificates. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/health/doctor_looks.h"
#include "client/line/amount.h"

enum {
    FILES_LEAST = 16384,
    SWAPPED_MOST = 1 << 20,
    DAY_S = 24 * 60 * 60,
    SOON_DAYS = 30,
    NOW_DAYS = 7,
};

/* The first broker with that metric beyond the bound; NULL: none. *known: any has told it. */
static const struct broker_seen *first_with(const struct patient *patient, const char *metric,
                                            double bound, bool above, double *value, bool *known) {
    *known = false;
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        double now = status_number(one->status, metric, NULL);
        *known = *known || !isnan(now);
        if (above ? now > bound : now < bound) {
            *value = now;
            return one;
        }
    }
    return NULL;
}

void doctor_look_files(const struct patient *patient, struct finding *finding) {
    double value = 0;
    bool known;
    const struct broker_seen *one = first_with(patient, "process_max_fds", FILES_LEAST, false,
                                               &value, &known);
    if (one) {
        doctor_find(finding, VERDICT_REMARK, "broker %d may open %.0f", (int)one->node, value);
    } else {
        doctor_find(finding, known ? VERDICT_WELL : VERDICT_UNKNOWN,
                    known ? "all may open %d or more" : "no broker has told (%d are enough)",
                    FILES_LEAST);
    }
}

/* ---- The file system ---- */

/* The label of drave_disk_info at the place; empty: not told. */
static struct kp_string disk_label(const struct broker_seen *broker, int place) {
    const struct kp_broker_status_response *said = broker->status;
    for (int32_t m = 0; said && m < said->metrics.count; m++) {
        const struct kp_broker_status_response_metric *one = &said->metrics.items[m];
        if (kp_string_is(one->name, "drave_disk_info") && one->samples.count > 0 &&
            one->samples.items[0].labels.count > place) {
            return one->samples.items[0].labels.items[place];
        }
    }
    return KP_NULL_STRING;
}

static const struct {
    const char *begins, *sentence;
} file_systems[] = {
    {"nfs", "it is over a network"},
    {"cifs", "it is over a network"},
    {"smb", "it is over a network"},
    {"ceph", "it is over a network"},
    {"9p", "it is another machine's"},
    {"virtiofs", "it is another machine's"},
    {"fuse", "a process stands between"},
    {"btrfs", "it copies on write"},
    {"zfs", "it copies on write"},
    {"bcachefs", "it copies on write"},
    {"tmpfs", "it is memory: nothing is kept"},
    {"ramfs", "it is memory: nothing is kept"},
};

void doctor_look_file_system(const struct patient *patient, struct finding *finding) {
    struct kp_string last = KP_NULL_STRING;
    for (size_t i = 0; i < patient->status->count; i++) {
        struct kp_string type = disk_label(&patient->status->brokers[i], 0);
        last = type.len > 0 ? type : last;
        for (size_t k = 0; k < sizeof(file_systems) / sizeof(file_systems[0]); k++) {
            size_t len = strlen(file_systems[k].begins);
            if (type.len >= (int)len && memcmp(type.data, file_systems[k].begins, len) == 0) {
                doctor_find(finding, VERDICT_REMARK, "broker %d: %.*s: %s",
                            (int)patient->status->brokers[i].node, (int)type.len, type.data,
                            file_systems[k].sentence);
                return;
            }
        }
    }
    doctor_find(finding, last.len > 0 ? VERDICT_WELL : VERDICT_UNKNOWN, "%.*s",
                last.len > 0 ? (int)last.len : 18, last.len > 0 ? last.data : "no broker has told");
}

void doctor_look_direct(const struct patient *patient, struct finding *finding) {
    for (size_t i = 0; i < patient->status->count; i++) {
        if (kp_string_is(disk_label(&patient->status->brokers[i], 1), "no")) {
            doctor_find(finding, VERDICT_REMARK,
                        "broker %d: the journal is written through the page cache",
                        (int)patient->status->brokers[i].node);
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL, "no journal is known to be written through it");
}

/* ---- Memory ---- */

void doctor_look_swap(const struct patient *patient, struct finding *finding) {
    double value = 0;
    bool known;
    char amount[AMOUNT_ROOM];
    const struct broker_seen *one = first_with(patient, "drave_process_swapped_bytes", SWAPPED_MOST,
                                               true, &value, &known);
    if (one) {
        doctor_find(finding, VERDICT_REMARK, "broker %d has %s swapped out", (int)one->node,
                    amount_bytes(value, amount));
    } else {
        doctor_find(finding, known ? VERDICT_WELL : VERDICT_UNKNOWN, "%s",
                    known ? "no broker has memory swapped out" : "no broker has told");
    }
}

void doctor_look_budgets(const struct patient *patient, struct finding *finding) {
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        double all = status_number(one->status, "drave_memory_limit_bytes", NULL),
               room = status_number(one->status, "drave_host_memory_bytes", NULL);
        char all_text[AMOUNT_ROOM], room_text[AMOUNT_ROOM];
        if (all > 0.8 * room) {
            doctor_find(finding, VERDICT_REMARK,
                        "broker %d: all together may take %s of the machine's %s", (int)one->node,
                        amount_bytes(all, all_text), amount_bytes(room, room_text));
            return;
        }
    }
    doctor_find(finding, VERDICT_WELL,
                "all together fit into four fifths of each machine's memory");
}

/* ---- Certificates ---- */

/* The one that ends first. */
void doctor_look_certificates(const struct patient *patient, struct finding *finding) {
    double first_s = INFINITY;
    const struct broker_seen *whose = NULL;
    for (size_t i = 0; i < patient->status->count; i++) {
        const struct broker_seen *one = &patient->status->brokers[i];
        double left_s = status_number(one->status, "drave_certificate_left_seconds", NULL);
        if (left_s < first_s) {
            first_s = left_s;
            whose = one;
        }
    }
    double days = floor(first_s / DAY_S);
    if (!whose) {
        doctor_find(finding, VERDICT_WELL, "no broker shows one to clients");
    } else if (first_s <= 0) {
        doctor_find(finding, VERDICT_TROUBLE, "that of broker %d has ended", (int)whose->node);
    } else if (days < SOON_DAYS) {
        doctor_find(finding, days < NOW_DAYS ? VERDICT_TROUBLE : VERDICT_REMARK,
                    "that of broker %d ends in %.0f days", (int)whose->node, days);
    } else {
        doctor_find(finding, VERDICT_WELL, "the first ends in %.0f days", days);
    }
}
