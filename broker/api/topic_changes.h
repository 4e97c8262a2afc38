/*
 * What CreateTopics, DeleteTopics, CreatePartitions and the changes of settings have in common:
 * several changes under way for one request, each with its own outcome, and one answer when the
 * last has ended.
 *
 * Happy path: topic_changes_run; in steps over several turns of the loop, each item is started,
 * which refuses or submits it, some at a time; when all have ended each is added to the answer,
 * which leaves. A change that makes partitions ends when these have leaders, so that a produce
 * right after works. Failures stay in their item.
 * Invariants: what is in the request twice, and how many partitions it asks for, is known before
 * the first is started; when the client goes nothing more is started.
 */
#ifndef BROKER_API_TOPIC_CHANGES_H
#define BROKER_API_TOPIC_CHANGES_H

#include "broker/api/key_set.h"
#include "broker/api/services.h"
#include "broker/config/topic_name.h"
#include "broker/metadata/metadata_group.h"
#include "broker/server/request.h"

struct topic_change {
    int16_t error; /* of protocol/kafka_error.h */
    char message[384];
    char name[TOPIC_NAME_MAX + 1]; /* "" if the request names no legal one */
    struct kp_uuid id;             /* of the topic, where it is known */
    bool twice;                    /* another item has the same key: refuse it */
    bool told; /* `twice`, and another item stands for both in the answer (once_in_answer) */
    struct topic_changes *changes; /* ours, all below */
    size_t place;                  /* among the items */
    bool wait_leaders;
    struct metadata_submit submit;
    struct leader_wait leaders;
};

/* What an API has of its own. */
struct topic_changes_api {
    /* By what item i is told from others: a name, or the bytes of an id. */
    struct key (*key)(const struct topic_changes *changes, size_t i);
    /* Refuses or submits it. */
    void (*start)(struct topic_changes *changes, size_t i);
    /* Adds it to `response` behind what is there, in the request's arena. False: it does not fit.
     */
    bool (*add)(struct topic_changes *changes, size_t i);
    /* It was submitted, and is made, also for a client that has gone; NULL: that is all. */
    void (*changed)(struct topic_changes *changes, size_t i);
    /* How many partitions it asks to make, below 0 for none; NULL: this API makes none. */
    int64_t (*partitions)(const struct topic_changes *changes, size_t i);
    /* Of that version and later ones, who has used up his quota of changes is refused; before it he
     * waits behind the answer (KIP-599). */
    int16_t strict_from;
    /* As Kafka does: what is in the request more than once is answered once. Else each time. */
    bool once_in_answer;
};

struct topic_changes {
    struct request *request;
    const struct broker_services *services;
    const struct topic_changes_api *api;
    const void *asked; /* the request, as the API's functions read it */
    void *response;
    struct topic_change *
        *items; /* beside the items of the request; in its arena, as it pays for them */
    size_t count;
    uint64_t partitions; /* that all items together ask to make */
    unsigned hints;      /* the API's: how many nearest names were looked for */
    size_t at;           /* ours, all below: the item whose turn it is */
    struct key_set keys;
    size_t open;               /* items that have not ended, and one while they are started */
    size_t started, submitted; /* so many were; so many changes have not come back */
    bool starting, paused;
    uint64_t deadline_ms;
};

enum {
    TOPIC_CHANGES_MAX = 10000, /* of one request; one with more has its connection closed */
    TOPIC_HINTS_MAX = 3,       /* nearest names that are looked for in one request */
};

/* Does all of it. `asked` is the message, or made of it in the request's arena; `response` lies in
 * the request's arena, with room for `count` items; NULL: the arena's limit was passed. */
void topic_changes_run(const struct broker_services *services, struct request *request,
                       int32_t count, int32_t timeout_ms, const struct topic_changes_api *api,
                       const void *asked, void *response);
/* Ends an item: all that it asks for is done. */
void topic_change_done(struct topic_change *item);
/* Ends an item with an error. */
void topic_change_refuse(struct topic_change *item, int16_t error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* For one that makes partitions. False: the whole request asks for more than
 * max.request.partitions, and the item has ended with that. */
bool topic_change_fits_request(struct topic_change *item);
/* For one that makes or deletes so many. False: its client has used up its quota of that
 * (controller_mutation_rate), and the item has ended with THROTTLING_QUOTA_EXCEEDED. */
bool topic_change_fits_quota(struct topic_change *item, int64_t partitions);
/* `wait_leaders`: it ends when the partitions of the topic `id` have leaders (or the time is over).
 */
void topic_change_submit(struct topic_change *item, const struct metadata_change *change,
                         bool wait_leaders);

/* The error message of an item as answers have it: null without an error. */
struct kp_string topic_change_message(struct topic_change *item);

#endif
