/*
 * The partitions that a fetch is about, and which of them are to be looked at: of one request, or
 * of a session, that many requests share (KIP-227).
 *
 * Happy path: partitions are put in; those whose reading would show nothing new leave the list of
 * what is to be looked at, and wait at their partitions instead, which bring them back as soon as
 * something moves. So a fetch of ten thousand partitions in which nothing happens costs nothing.
 *
 * Failures: the limit of the arena, or of the number of partitions, is passed: NULL.
 *
 * Invariants: a partition that is not listed waits, and nothing has moved since it was read; each
 * is in the set once; memory of what was forgotten serves what comes after it.
 */
#ifndef BROKER_API_FETCH_SET_H
#define BROKER_API_FETCH_SET_H

#include "broker/api/key_set.h"
#include "broker/api/local_partition.h"
#include "protocol/messages/fetch.h"

struct fetch_set;
struct fetch_part;

struct fetch_topic {
    struct topic_ref ref; /* by id: the name as it was when the id was first found; null: never */
    char *name;           /* of the set; NULL: in the request */
    size_t name_room;
    uint32_t place, partitions;
};

struct fetch_entry {
    struct partition_waiter waiter;
    struct fetch_set *set;
    struct fetch_topic *topic;
    struct fetch_entry *next, *prev; /* listed, or free */
    struct fetch_part *part; /* what the fetch under way has of it; NULL: nothing. Not the set's */
    /* As the client asked last. */
    int64_t offset;
    int32_t partition;
    int32_t max_bytes;
    int32_t leader_epoch, last_epoch;
    uint32_t place;
    bool listed;
    bool moved; /* since it was read */
    bool full;  /* more lies in the log than its limit let in, when it was read */
    /* As the client was told last; -1: never, or it was an error. */
    int64_t high_watermark, stable_offset, start_offset;
};

struct fetch_set {
    struct kp_arena *arena;
    bool by_id;
    bool lasts;     /* beyond the request: names are copied */
    bool committed; /* its client reads what is below the last stable offset, and waits for that */
    struct fetch_topic **topics;
    struct fetch_entry **entries; /* by place, in the order in which they came; NULL: forgotten */
    size_t topic_places, topic_room, places, room;
    size_t count, most; /* partitions in it, and how many may be */
    struct key_set topic_keys, keys;
    struct fetch_entry *list; /* to be looked at, in this order */
    size_t listed;
    struct fetch_entry *free_entries;
    uint32_t *free_topics;
    size_t free_topic_count;
    /* Something happened at a partition of the set; it is listed now. NULL: nobody waits. Inside
     * nothing of the set may change. */
    void (*moved)(struct fetch_set *set, struct fetch_entry *entry, uint64_t bytes, bool changed);
    void *waiting;
};

/* With room for so many; more may come. All of its memory is the arena's. */
bool fetch_set_init(struct fetch_set *set, struct kp_arena *arena, size_t topics, size_t partitions,
                    size_t most, uint64_t seed);
/* Finds it, or puts it in. NULL: there is no room. */
struct fetch_topic *fetch_set_topic(struct fetch_set *set, const struct topic_ref *ref);
/* Finds the partition, or puts it in, and takes over what the client asks of it; it is listed now.
 * NULL: there is no room. */
struct fetch_entry *fetch_set_put(struct fetch_set *set, struct fetch_topic *topic,
                                  const struct kp_fetch_request_partition *asked);
/* Nothing if it is not in it. */
void fetch_set_forget(struct fetch_set *set, const struct topic_ref *ref, int32_t partition);
/* Keeps the name of a topic that is known by its id. False: there is no room. */
bool fetch_set_keep_name(struct fetch_set *set, struct fetch_topic *topic, const char *name);

void fetch_set_list(struct fetch_entry *entry); /* at the end; nothing if it is listed */
void fetch_set_unlist(struct fetch_entry *entry);
void fetch_set_to_end(struct fetch_entry *entry); /* of the list, in which it is */
/* The list begins with the partition of that place. */
void fetch_set_begin_with(struct fetch_set *set, size_t place);

/* From now on; all are listed if that was otherwise. */
void fetch_set_read_committed(struct fetch_set *set, bool committed);

/* It is told what happens at `partition` from here on. */
void fetch_set_wait(struct fetch_entry *entry, struct partition *partition);

#endif
