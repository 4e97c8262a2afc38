/*
 * Consumer groups from records and to records (types 3, 5 to 8, 16).
 *
 * Happy path: consumer_records_apply with each record of those types, in the order of the log; to
 * write, the functions that add one to a batch, in the order 5, 16, 3, 7, 6, 8, a whole group
 * member by member, and to delete 8, 7, 5, 16, 6, 3. Failures: a record that does not decode is
 * passed over and counted by the caller (false). Invariants: apply looks at nothing but the record;
 * each is idempotent and total; what consumer_records_of gives makes an equal group.
 */
#ifndef BROKER_COORDINATOR_CONSUMER_CONSUMER_RECORDS_H
#define BROKER_COORDINATOR_CONSUMER_CONSUMER_RECORDS_H

#include "broker/coordinator/consumer/consumer_group.h"
#include "broker/coordinator/group/group_batch.h"
#include "protocol/coordinator_records/consumer_group_record.h"
#include "protocol/coordinator_records/coordinator_record.h"

/* Whether records of that type are a consumer group's. */
bool consumer_records_take(int number);
/* `type`: of the record's key, one that consumer_records_take. False: its bytes say nothing. */
bool consumer_records_apply(struct group_table *table, const struct kp_record_type *type,
                            const struct coordinator_record *record);

/* All records of a group. */
void consumer_records_of(const struct consumer_group *group, struct group_batch *batch);
/* Those of a member, and those that are of none: together all, too. */
void consumer_records_of_member(const struct consumer_member *member, struct group_batch *batch);
void consumer_records_of_none(const struct consumer_group *group, struct group_batch *batch);

void consumer_add_group(struct group_batch *batch, struct kp_string group, int32_t epoch,
                        int64_t metadata_hash);
void consumer_add_target_epoch(struct group_batch *batch, struct kp_string group, int32_t epoch,
                               int64_t time_ms);
/* `value` but for its names, which are those of `names` (topic_names.h). */
void consumer_add_member(struct group_batch *batch, struct kp_string group, struct kp_string member,
                         struct kp_consumer_member_value value, const struct shared_bytes *names);
/* `of`: whose numbers of topics the lists have. */
void consumer_add_target(struct group_batch *batch, const struct consumer_group *of,
                         struct kp_string member, const struct partition_list *target);
void consumer_add_standing(struct group_batch *batch, const struct consumer_group *of,
                           struct kp_string member, const struct consumer_standing *standing);
void consumer_add_regex(struct group_batch *batch, struct kp_string group, struct kp_string regex,
                        const struct shared_bytes *names, int64_t metadata_version,
                        int64_t time_ms);
/* Tombstones: of types with the key of a group (3, 6), of a member (5, 7, 8), of a regex (16). */
void consumer_add_group_tombstone(struct group_batch *batch, int number, struct kp_string group);
void consumer_add_member_tombstone(struct group_batch *batch, int number, struct kp_string group,
                                   struct kp_string member);
void consumer_add_regex_tombstone(struct group_batch *batch, struct kp_string group,
                                  struct kp_string regex);
/* All tombstones of a group, which goes. */
void consumer_add_tombstones(struct group_batch *batch, const struct consumer_group *group);

/* The member goes: tombstones of all that it has. */
void consumer_add_leave(struct group_batch *batch, const struct consumer_member *member);
/* The same of its regular expression, if nobody else has it. */
void consumer_add_regex_leave(struct group_batch *batch, const struct consumer_member *member);

#endif
