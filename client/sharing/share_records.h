/*
 * The records that a partition of a ShareFetch answer gives, one after the other, and what came of
 * each.
 *
 * Happy path: every record that was acquired is handed to `take` in the order of offsets; what it
 * takes is accepted. Acquired offsets without a record (markers, what was compacted) are told as
 * gaps. Failures: from the first record on that `take` does not take, or that cannot be read,
 * everything is released. Invariant: outcomes cover what was acquired, once.
 */
#ifndef CLIENT_SHARING_SHARE_RECORDS_H
#define CLIENT_SHARING_SHARE_RECORDS_H

#include "base/error.h"
#include "client/format/record_view.h"
#include "client/sharing/share_outcomes.h"
#include "protocol/messages/share_fetch.h"

struct share_taker {
    /* False: not taken. The view lives as long as the call. */
    bool (*take)(void *arg, const struct record_view *record);
    void *arg;
};

/* A partition of an answer. */
struct share_part {
    struct kp_uuid topic;
    const char *name; /* of the topic */
    const struct kp_share_fetch_response_partition *answer;
};

/* Outcomes are added. ERR_NONE, or ERR_CORRUPT, ERR_MALFORMED, ERR_TOO_LARGE
 * when bytes cannot be read; `why` has the sentence. */
int share_records_take(const struct share_part *part, const struct share_taker *taker,
                       struct share_outcomes *outcomes, struct error_text *why);

#endif
