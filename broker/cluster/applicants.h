/*
 * Brokers that say hello and do not belong to the cluster: whoever may be admitted (drave broker
 * add), with the directory and the address that it told.
 *
 * Happy path: applicants_note for each hello that was refused because nobody has admitted that
 * broker; a newcomer says it every two seconds. Failures: who says nothing for APPLICANT_MS is
 * forgotten; of more than APPLICANTS_MAX the one that was silent for longest goes, so that
 * strangers take no memory. Two that say the same id are both kept, and none of them is admitted.
 */
#ifndef BROKER_CLUSTER_APPLICANTS_H
#define BROKER_CLUSTER_APPLICANTS_H

#include <stddef.h>

#include "base/io/host_port.h"
#include "broker/cluster/cluster_record.h"
#include "raft-glue/peer/peer_hello.h"

enum { APPLICANTS_MAX = 16, APPLICANT_MS = 10 * 1000 };

struct applicant {
    int32_t node;
    uint8_t directory[CLUSTER_UUID_SIZE];
    char host[HOST_MAX + 1]; /* its own entry in its cluster.nodes */
    int32_t port;
    uint64_t heard_ms;
};

/* Zeroed: empty. */
struct applicants {
    struct applicant items[APPLICANTS_MAX];
    size_t count;
};

/* Nothing if its list does not say where it is reached itself. */
void applicants_note(struct applicants *applicants, const struct peer_hello *hello,
                     uint64_t now_ms);
/* One with that directory belongs to the cluster now: what it said before counts no more. */
void applicants_forget(struct applicants *applicants, const uint8_t directory[CLUSTER_UUID_SIZE]);
/* How many say that they are that broker; *found is one of them. */
size_t applicants_find(const struct applicants *applicants, int32_t node, uint64_t now_ms,
                       const struct applicant **found);

#endif
