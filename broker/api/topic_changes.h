/*
 * What CreateTopics, DeleteTopics and CreatePartitions have in common: several changes under way for one request, each
 * with its own outcome, and one answer when the last has ended.
 *
 * Happy path: begin, then for each item refuse or submit, then started; `finish` is called when all have ended, and answers. A change that
 * makes partitions ends when these have leaders, so that a produce right after works. Failures stay in their item.
 * Invariant: `finish` is called once, never before `started`.
 */
#ifndef BROKER_API_TOPIC_CHANGES_H
#define BROKER_API_TOPIC_CHANGES_H

#include "broker/metadata_group.h"
#include "broker/request.h"
#include "broker/services.h"
#include "broker/topic_name.h"

struct topic_change {
    int16_t error; /* of protocol/kafka_error.h */
    char message[384];
    char name[TOPIC_NAME_MAX + 1]; /* "" if the request names no legal one */
    struct kp_uuid id;             /* of the topic, where it is known */
    struct topic_changes *changes; /* ours, all below */
    bool wait_leaders;
    struct metadata_submit submit;
    struct leader_wait leaders;
};

struct topic_changes {
    struct request *request;
    const struct broker_services *services;
    struct topic_change *items; /* beside the items of the request */
    size_t count;
    size_t open; /* of ours: items that have not ended, and one until `started` */
    uint64_t deadline_ms;
    void (*finish)(struct topic_changes *changes); /* answers; then all of it is freed */
};

enum { TOPIC_CHANGES_MAX = 10000 }; /* of one request; one with more has its connection closed */

/* NULL: too many items, and the request is ended. */
struct topic_changes *topic_changes_begin(const struct broker_services *services, struct request *request,
                                          int32_t count, int32_t timeout_ms,
                                          void (*finish)(struct topic_changes *changes));
/* Ends an item with an error. */
void topic_change_refuse(struct topic_change *item, int16_t error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* `wait_leaders`: it ends when the partitions of the topic `id` have leaders (or the time is over). */
void topic_change_submit(struct topic_change *item, const struct metadata_change *change, bool wait_leaders);
void topic_changes_started(struct topic_changes *changes);

/* The error message of an item as answers have it: null without an error. */
struct kp_string topic_change_message(struct topic_change *item);

#endif
