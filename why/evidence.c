/* Numbers as words, once for all rules. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "why/diagnosis_internal.h"

void why_show(struct why_finding *finding, const char *what, const char *format, ...) {
    if (finding->evidence_count == WHY_EVIDENCE_MAX) {
        return;
    }
    struct why_evidence *evidence = &finding->evidence[finding->evidence_count++];
    va_list arguments;
    evidence->what = what;
    va_start(arguments, format);
    vsnprintf(evidence->value, sizeof(evidence->value), format, arguments);
    va_end(arguments);
}

void why_next(struct why_finding *finding, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->next, sizeof(finding->next), format, arguments);
    va_end(arguments);
}

const char *why_time(char text[WHY_TIME_MAX], int64_t ms) {
    double seconds = (double)ms / 1000;
    if (ms < 0) {
        snprintf(text, WHY_TIME_MAX, "unknown");
    } else if (seconds < 120) {
        snprintf(text, WHY_TIME_MAX, "%.1f s", seconds);
    } else if (seconds < 7200) {
        snprintf(text, WHY_TIME_MAX, "%.0f min", seconds / 60);
    } else {
        snprintf(text, WHY_TIME_MAX, "%.1f h", seconds / 3600);
    }
    return text;
}

void why_show_age(struct why_finding *finding, const char *what, int64_t age_ms) {
    char text[WHY_TIME_MAX];
    if (age_ms == WHY_UNKNOWN) {
        why_show(finding, what, "not known");
    } else {
        why_show(finding, what, "%s ago", why_time(text, age_ms));
    }
}

void why_show_rate(struct why_finding *finding, const char *what, int64_t rate) {
    if (rate == WHY_UNKNOWN) {
        why_show(finding, what, "not known yet");
    } else {
        why_show(finding, what, "%.*f records/s", rate < 100000 ? 1 : 0, (double)rate / 1000);
    }
}

void why_show_lag(struct why_finding *finding, int64_t lag, int64_t age_ms) {
    char text[WHY_TIME_MAX];
    if (lag == WHY_UNKNOWN) {
        why_show(finding, "lag", "unknown: nothing is committed");
    } else if (lag == 0 || age_ms == WHY_UNKNOWN) {
        why_show(finding, "lag", "%" PRId64 " records", lag);
    } else {
        why_show(finding, "lag", "%" PRId64 " records, the next has waited for %s", lag,
                 why_time(text, age_ms));
    }
}

void why_show_partition(struct why_finding *finding, const struct why_partition *partition) {
    if (partition->committed == WHY_UNKNOWN) {
        why_show(finding, "partition", "%s-%" PRId32 ", without a commit", partition->topic,
                 partition->partition);
    } else {
        why_show(finding, "partition", "%s-%" PRId32 ", committed %" PRId64 " of %" PRId64,
                 partition->topic, partition->partition, partition->committed, partition->end);
    }
}

void why_show_member(struct why_finding *finding, const struct why_member *member) {
    why_show(finding, "member", "%s%s%s, client %s at %s", member->id,
             member->instance ? ", instance " : "", member->instance ? member->instance : "",
             member->client_id, member->host);
}
