/* Sums and largest values over what the brokers said, for the checks. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "client/health/doctor_looks.h"

void doctor_find(struct finding *finding, enum verdict verdict, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    finding->verdict = verdict;
    vsnprintf(finding->text, sizeof(finding->text), format, arguments);
    va_end(arguments);
}

/* ---- Sums over brokers ---- */

double doctor_sum(const struct patient *patient, const char *metric, const char *label) {
    double all = 0;
    for (size_t i = 0; i < patient->status->count; i++) {
        double one = status_number(patient->status->brokers[i].status, metric, label);
        all += isnan(one) ? 0 : one;
    }
    return all;
}

/* The broker that says most of it; NULL: none says any. */
const struct broker_seen *doctor_most(const struct patient *patient, const char *metric,
                                      const char *label, double *value) {
    const struct broker_seen *found = NULL;
    for (size_t i = 0; i < patient->status->count; i++) {
        double one = status_number(patient->status->brokers[i].status, metric, label);
        if (!isnan(one) && (!found || one > *value)) {
            found = &patient->status->brokers[i];
            *value = one;
        }
    }
    return found;
}

/* Of a histogram of one broker: how many values, and the part of them that is above `bound`. */
double doctor_part_above(const struct kp_broker_status_response *said, const char *metric,
                         double bound, double *count) {
    double above = 0;
    *count = 0;
    for (int32_t m = 0; said && m < said->metrics.count; m++) {
        const struct kp_broker_status_response_metric *one = &said->metrics.items[m];
        for (int32_t s = 0; kp_string_is(one->name, metric) && s < one->samples.count; s++) {
            const struct kp_broker_status_response_sample *sample = &one->samples.items[s];
            for (int32_t b = 0; b < sample->counts.count; b++) {
                bool is_above = b > 0 && b - 1 < one->bounds.count &&
                                one->bounds.items[b - 1] >= bound;
                *count += (double)sample->counts.items[b];
                above += is_above ? (double)sample->counts.items[b] : 0;
            }
        }
    }
    return *count > 0 ? above / *count : 0;
}
