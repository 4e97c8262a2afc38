/*
 * Where a share group has begun: of each topic that it ever read, each partition.
 *
 *   not begun --> beginning (recorded, before its leader is asked) --> begun (it has answered)
 *                     ^                                                  |
 *                     `--- to begin elsewhere, or to go -----------------'
 *
 * Happy path: a copy is changed, its record is written, and share_places_read makes it so on every
 * replica. Failures: numbers in a record that no partition can have are passed over. Invariant:
 * whatever may have begun in a partition is here, so that it can be found again, and ended.
 */
#ifndef BROKER_COORDINATOR_SHARE_SHARE_PLACES_H
#define BROKER_COORDINATOR_SHARE_SHARE_PLACES_H

#include "broker/coordinator/group/group_batch.h"
#include "protocol/coordinator_records/share_group_record.h"

enum share_stage {
    SHARE_NOT_BEGUN,
    SHARE_BEGINNING,
    SHARE_BEGUN,
    SHARE_LATER /* beginning, and with its first record, whatever the settings say */
};

struct share_topic {
    struct kp_uuid id;
    char *name;
    uint8_t *stages; /* enum share_stage, of partitions 0 to count - 1, of which the last ones
                        may not exist; of all others: not begun */
    int32_t count;
    bool met; /* of a copy: whoever changes it came by */
};

/* Zeroed: none. */
struct share_places {
    struct share_topic *topics;
    size_t count, capacity;
    uint32_t *slots; /* hash of them by id: the place in `topics`, and one; 0: free */
    size_t slot_count;
    uint64_t metadata; /* the version of the table that had all of these topics: what an older one
                          does not have may be there all the same */
};

void share_places_close(struct share_places *places);
/* Over one that is closed. */
void share_places_copy(struct share_places *into, const struct share_places *from);
/* NULL: it never read that topic. */
struct share_topic *share_places_topic(const struct share_places *places, struct kp_uuid topic);
uint8_t share_places_stage(const struct share_places *places, struct kp_uuid topic,
                           int32_t partition);
/* `name`: of a topic that is not there yet. */
void share_places_set(struct share_places *places, struct kp_uuid topic, struct kp_string name,
                      int32_t partition, enum share_stage stage);
/* Both say the same of every partition. */
bool share_places_same(const struct share_places *one, const struct share_places *other);
/* Partitions with that stage. */
size_t share_places_count(const struct share_places *places, enum share_stage stage);

/* What it takes. */
size_t share_places_bytes(const struct share_places *places);

/* The record, or its tombstone. */
void share_places_record(const struct share_places *places, struct kp_string group,
                         struct group_batch *batch);
void share_places_tombstone(struct kp_string group, struct group_batch *batch);
/* Over one that is closed. */
void share_places_read(struct share_places *places, const struct kp_share_places_value *value);

#endif
