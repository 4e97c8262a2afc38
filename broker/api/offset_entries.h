/*
 * The part that OffsetCommit and TxnOffsetCommit have in common: offsets become entries of one
 * commit, the coordinator of the group is found, and each entry's error goes to its place in the
 * answer.
 *
 * Happy path: offset_entries_open, the handler fills what `commit` says of its group, then
 * offset_entries_add for each partition, and offset_entries_commit, which answers the request.
 * Failures, for every entry: INVALID_COMMIT_OFFSET_SIZE (none, or more than a batch may have),
 * NOT_COORDINATOR, and those of broker/coordinator/offsets/offset_commit.h. When the client goes,
 * what is not being written is canceled. Invariant: the request ends once.
 */
#ifndef BROKER_API_OFFSET_ENTRIES_H
#define BROKER_API_OFFSET_ENTRIES_H

#include "broker/api/services.h"
#include "broker/coordinator/coordinators.h"
#include "broker/coordinator/offsets/offset_commit.h"
#include "broker/server/request.h"

/* First of the handler's state, which is request->state, in the request's arena. */
struct offset_entries {
    const struct broker_services *services;
    struct request *request;
    const void *response; /* of the request's key; in its arena */
    struct offset_commit commit;
    int64_t now_ms; /* when all of it is committed */
    bool too_large; /* for a batch: nothing more is to be added */
    /* Its own. */
    int16_t **errors; /* of each entry, in the answer */
    struct coordinator_find find;
    enum { OFFSETS_GATHERED, OFFSETS_SOUGHT, OFFSETS_COMMITTED } doing;
};

/* The first three above are set; all else is zero. False: `most` entries take more memory than an
 * answer may; the request is as it was. */
bool offset_entries_open(struct offset_entries *entries, size_t most);
/* 0; UNKNOWN_TOPIC_OR_PARTITION; OFFSET_METADATA_TOO_LARGE, in the units of Java's strings
 * (offset.metadata.max.bytes). */
int16_t offset_entry_check(const struct broker_services *services, struct kp_uuid topic_id,
                           int32_t partition, struct kp_string metadata);
/* At most as many as there is room for. `error`: where the answer has what came of it. */
void offset_entries_add(struct offset_entries *entries, struct kp_string topic,
                        const struct committed_offset *offset, int16_t *error);
void offset_entries_commit(struct offset_entries *entries);

#endif
