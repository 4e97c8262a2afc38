/*
 * What members of consumer groups were told, hold and commit, whoever says so; what contradicts it
 * fails the run.
 *
 *   told a partition (a tenure begins) -- reads, processes, commits -- gives it up (it ends)
 *
 * The rules. No two members are told a partition while the first may not have lost it: it ends with
 * what its member sends or hears, or not before its session or the time for a rebalance can be over
 * at the coordinator. A member that was heard of in time is not fenced. What is fetched as
 * committed is the last commit that was acknowledged, or one whose outcome is unknown. A commit
 * covers what was processed. The rest is judged by the log of the coordinator: group_log.c.
 *
 * An answer is *true* if whoever gave it led the newest term of its partition from before the
 * request left until the answer came; only true ones say that a member was heard of. `in_term`:
 * that term; 0: it is not true.
 */
#ifndef SIM_GROUPS_GROUP_BOOK_H
#define SIM_GROUPS_GROUP_BOOK_H

#include "protocol/wire.h"
#include "tests/sim/history.h"

enum { HELD_MOST = 64, BOOK_GROUPS_MAX = 5 };

/* A partition; the topic of the run has no id here (all zeros). */
struct owned {
    struct kp_uuid topic;
    int32_t partition;
};

struct owned_list {
    struct owned items[HELD_MOST];
    size_t count;
};

bool owned_has(const struct owned_list *list, const struct owned *one);
void owned_add(struct owned_list *list, struct owned one); /* no more than fit */
void owned_remove(struct owned_list *list, size_t at);
/* Equal for equal sets. */
uint64_t owned_hash(const struct owned_list *list);

struct book;
struct book_group;
struct holder;

struct book *book_new(struct run *run, const struct history *history, int32_t partitions);
/* The id of the run's topic, as soon as some broker knows it. */
void book_topic(struct book *book, struct kp_uuid id);
struct kp_uuid book_topic_id(const struct book *book);
/* As the book has it: that of the run's topic without its id. */
struct owned book_owned(const struct book *book, struct kp_uuid topic, int32_t partition);
/* `mixed`: its members speak both protocols. */
struct book_group *book_group_new(struct book *book, const char *name, bool mixed,
                                  uint64_t session_us, uint64_t rebalance_us);
struct book_group *book_group_find(struct book *book, struct kp_string name);
const char *book_group_name(const struct book_group *group);
bool book_group_is_mixed(const struct book_group *group);

/* ---- Members ---- */

/* One identity in a group: from a Join without an id to its end. `seat`: those of one static member
 * follow one another there. */
struct holder *holder_new(struct book_group *group, unsigned seat, bool is_static);
unsigned holder_number(const struct holder *holder);
const struct owned_list *holder_holds(const struct holder *holder);
/* 0: it does not hold it. */
uint32_t holder_tenure(const struct holder *holder, const struct owned *one);

/* A new process of a static member asks to join: from here on the coordinator may have forgotten
 * those before, and others may be told first what they had. */
void book_instance_comes(struct book_group *group, unsigned seat);
/* It was answered without an error to what it sent then. `clear`: and nothing is expected of it by
 * the time for a rebalance. */
void holder_heard(struct holder *holder, uint64_t sent_us, bool clear, uint32_t in_term);
/* A request has no answer, or one that does not say what became of it. */
void holder_unknown(struct holder *holder);
unsigned holder_unknowns(const struct holder *holder); /* of those, since it was truly heard */
/* It was told: this is yours, in that generation or epoch, under that id. What is new begins a
 * tenure. */
void holder_told(struct holder *holder, struct kp_string id, int32_t epoch,
                 const struct owned_list *list, uint32_t in_term);
/* It was told its epoch, and nothing of partitions. */
void holder_told_epoch(struct holder *holder, struct kp_string id, int32_t epoch);
void holder_gives_up(struct holder *holder, const struct owned *one);
void holder_gives_up_all(struct holder *holder);
/* Its process is gone; others do not get what it held before they may. */
void holder_died(struct holder *holder);
/* It was refused by that error: UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, FENCED_INSTANCE_ID,
 * UNRELEASED_INSTANCE_ID, ILLEGAL_GENERATION, GROUP_ID_NOT_FOUND. `excused`: what it sent before
 * may have led to it. */
void holder_refused(struct holder *holder, int16_t code, bool excused, uint32_t in_term);

/* The coordinator did not know an id any more that it had told a new member of the classic protocol
 * in that seat. The offsets: its log, from before it was asked for the id until it refused it. It
 * may if the group was one of KIP-848 meanwhile, which keeps no such ids, and ceased to be. */
void book_forgot_id(struct book_group *group, unsigned seat, int64_t from, int64_t to);

/* ---- Records and offsets of the topic of the run ---- */

void book_processed(struct holder *holder, int32_t partition, int64_t from, int64_t to);
/* Of the group: every record below it was processed. */
int64_t book_processed_to(const struct book_group *group, int32_t partition);
/* The highest acknowledged commit; -1: none. */
int64_t book_committed(const struct book_group *group, int32_t partition);
/* ... and as the group was told last: of a commit whose answer was lost as well. -1: nothing. */
int64_t book_last_fetched(const struct book_group *group, int32_t partition);

enum { COMMIT_NOTE_MAX = 64 };
enum commit_outcome { COMMIT_UNKNOWN, COMMIT_ACKNOWLEDGED, COMMIT_REFUSED };
/* A commit leaves; `note` (COMMIT_NOTE_MAX bytes) is its metadata. Returns its number. */
uint32_t book_commit(struct holder *holder, int32_t partition, uint32_t tenure, int32_t epoch,
                     int64_t offset, char *note);
void book_commit_ended(struct book *book, uint32_t number, enum commit_outcome outcome);
/* What a fetch of offsets that left when book_committed was `floor` says: -1: nothing is committed.
 */
void book_fetched(struct book_group *group, int32_t partition, int64_t floor, int64_t offset);

/* ---- The log, and the end ---- */

/* A record of __consumer_offsets, in order, each once. */
struct logged_record { /* borrowed during the call */
    const uint8_t *key, *value;
    size_t key_len, value_len;
    bool tombstone;
    bool ends_batch; /* the last of its decision */
    int64_t offset;
};
void book_logged(struct book *book, const struct logged_record *record);
/* All of the log was given: what was told and acknowledged must be in it. */
void book_finish(struct book *book);

#endif
