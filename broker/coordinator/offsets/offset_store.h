/*
 * What the consumer groups of one coordinator have committed: group, topic, partition. Hard state:
 * the same on every replica, made from the records of types 0 and 1, and from the ends of
 * transactions, alone.
 *
 * Happy path: offset_store_apply, record after record; readers find one offset or walk over those
 * of a group or of a topic. Failures: a record that is none of ours changes nothing and is told.
 * Invariants: a group's row has `offsets` exactly while it has at least one; topics' names are kept
 * once, however many groups read them; what a cursor has not yet given is given or gone, whatever
 * changes meanwhile.
 *
 * Offsets of transactions that are still open are beside the committed ones (pending_offsets.h).
 * When such a transaction commits, each of them counts from where it stands in the log on: what was
 * committed behind it stays. An offset that is taken back takes those with it.
 */
#ifndef BROKER_COORDINATOR_OFFSETS_OFFSET_STORE_H
#define BROKER_COORDINATOR_OFFSETS_OFFSET_STORE_H

#include "broker/coordinator/group/group.h"
#include "broker/coordinator/offsets/offset_table.h"
#include "broker/coordinator/offsets/pending_offsets.h"
#include "broker/traffic/progress.h"
#include "protocol/coordinator_records/coordinator_record.h"

struct offset_store;
struct offset_topic;
struct walk_place;

/* What cursors walk over. */
enum offsets_over { OFFSETS_OF_GROUP, OFFSETS_OF_TOPIC, OFFSETS_OF_ALL, OFFSETS_OVER };

/* The offsets of one group in one topic. For reading. */
struct topic_offsets {
    struct offset_table table;
    struct group_offsets *of;
    struct offset_topic *topic;
    struct topic_offsets *next, *prev;               /* of the group, in the order of coming */
    struct topic_offsets *next_reader, *prev_reader; /* of the topic: other groups */
    struct walk_place *places[OFFSETS_OVER];         /* of cursors, by what they walk over */
    UT_hash_handle hh;
};

/* `groups`: whose rows are made and settled. `seed`: for the hash tables. */
struct offset_store *offset_store_new(struct group_table *groups, uint64_t seed);
/* It has no offsets any more: offset_store_forget of each group was called. Those who still read
 * find nothing any more. */
void offset_store_free(struct offset_store *store);

/* A record of type LEGACY_OFFSET or OFFSET (checked by the caller). ERR_NONE; ERR_MALFORMED,
 * ERR_VERSION: nothing has changed. The group's row may be new, or gone, when it returns. */
int offset_store_apply(struct offset_store *store, const struct kp_record_type *type,
                       const struct coordinator_record *record,
                       const struct coordinator_place *place);
/* The transaction of a producer has ended. Rows of groups may be gone when it returns. */
void offset_store_end(struct offset_store *store, int64_t producer_id, bool commit);
/* Without records: for when the whole state goes. The row stays. */
void offset_store_forget(struct group *group);

/* ---- Reading ---- */

size_t offset_store_count(const struct offset_store *store); /* offsets of all groups */
size_t offset_store_count_of(const struct group *group);
/* NULL: none is committed. Valid until the next change. */
const struct committed_offset *offset_store_find(const struct group *group, struct kp_string topic,
                                                 int32_t partition);
/* How it moved, by the times of its commits; NULL: not known. Valid until the next change. */
const struct progress *offset_store_history(const struct group *group,
                                            const struct committed_offset *offset);
/* Of transactions that are open. */
struct pending_offsets *offset_store_pending(const struct offset_store *store);
/* Those of one topic; NULL: none. */
const struct topic_offsets *offset_store_find_topic(const struct group *group,
                                                    struct kp_string topic);
/* Those of its first topic, others follow by `next`; NULL: none. */
const struct topic_offsets *offset_store_first_topic(const struct group *group);
struct kp_string topic_offsets_name(const struct topic_offsets *topic);
struct group *topic_offsets_group(const struct topic_offsets *topic);

/* A walk over the topics of a group, or over the groups that have offsets in a topic, or over all;
 * over as many turns as it takes. */
struct offset_cursor {
    struct offset_store *store; /* NULL: the state is gone; the store's, all of it */
    struct walk_place *at;      /* the next one's; NULL: no more */
    enum offsets_over over;
    struct offset_cursor *next_cursor, *prev_cursor;
};
/* Nothing to walk over, if there are no such offsets. */
void offset_cursor_open_group(struct offset_cursor *cursor, struct offset_store *store,
                              struct kp_string group);
void offset_cursor_open_topic(struct offset_cursor *cursor, struct offset_store *store,
                              struct kp_string topic);
void offset_cursor_open_all(struct offset_cursor *cursor, struct offset_store *store);
/* The next one, valid until the next change; NULL: that was all. */
const struct topic_offsets *offset_cursor_next(struct offset_cursor *cursor);
/* The same, and it stays there. */
const struct topic_offsets *offset_cursor_at(struct offset_cursor *cursor);
void offset_cursor_close(struct offset_cursor *cursor); /* nothing if it is not open */

/* For whoever answers a client in steps: finds what a group has committed for as long as the state
 * is there, and walks over it. */
struct offset_reader {
    struct offset_cursor cursor;
    struct kp_string group; /* borrowed while it is open */
};
void offset_reader_open(struct offset_reader *reader, struct offset_store *store,
                        struct kp_string group);
void offset_reader_close(struct offset_reader *reader); /* nothing if it is not open */
/* The replica has not gone meanwhile. Else nothing is found any more. */
bool offset_reader_is_open(const struct offset_reader *reader);
/* NULL: none is committed. Valid until the next change. */
const struct committed_offset *offset_reader_find(const struct offset_reader *reader,
                                                  struct kp_string topic, int32_t partition);
/* A transaction that is open has committed one for it. */
bool offset_reader_is_pending(const struct offset_reader *reader, struct kp_string topic,
                              int32_t partition);
/* How many topics the group has offsets in now. */
uint32_t offset_reader_topics(const struct offset_reader *reader);
/* The next topic of the group, as of a cursor. */
const struct topic_offsets *offset_reader_next(struct offset_reader *reader);

#endif
