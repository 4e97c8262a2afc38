/*
 * Inside of drave doctor, shared by doctor.c (gathering, telling) and doctor_table.c (what is
 * looked at). Nobody else's.
 */
#ifndef CLIENT_HEALTH_DOCTOR_H
#define CLIENT_HEALTH_DOCTOR_H

#include "client/health/cluster_status.h"
#include "client/kafka/cluster_view.h"

/* What the checks look at. */
struct patient {
    const struct cluster_status *status;
    const struct kp_metadata_response *metadata; /* NULL: nobody told */
};

enum verdict { VERDICT_WELL, VERDICT_REMARK, VERDICT_TROUBLE, VERDICT_UNKNOWN };

struct finding {
    enum verdict verdict;
    char text[400]; /* what it is like, with the value */
};

struct check {
    int number;             /* never given to another one: scripts and people name it */
    const char *name;       /* "clocks" */
    const char *why, *then; /* why it matters, and what to do when it is not well */
    void (*look)(const struct patient *patient, struct finding *finding);
};

extern const struct check doctor_checks[];
extern const size_t doctor_check_count;
/* By what the checks ask for. */
extern const struct status_wish doctor_wish;

#endif
