/*
 * Topics that are created because a client asked for them: each missing name once, however many
 * requests ask.
 *
 * Happy path: the first who asks for a name submits its creation, the others join; all are told
 * when the topic is in this broker's table and its partitions have leaders. Failures: the result of
 * the creation, told to everybody who joined, with a line in the log, for the answer has no
 * sentence; while AUTO_CREATIONS_MAX names are under way no further one is taken, so that clients
 * with thousands of names take neither memory nor turns from the others.
 * A topic of the broker's own (topic_name_is_internal) gets its settings, whoever asks first.
 * Invariant: `done` comes once for each wait that was taken and not cancelled, never inside
 * auto_creation_ask.
 */
#ifndef BROKER_METADATA_ASKING_AUTO_CREATION_H
#define BROKER_METADATA_ASKING_AUTO_CREATION_H

#include "broker/cluster/leader_table.h"
#include "broker/metadata/metadata_group.h"

struct auto_creation;

enum { AUTO_CREATIONS_MAX = 1000 }; /* names under way at one time */

struct auto_creation *auto_creation_new(struct env *env, struct log *log,
                                        const struct broker_settings *settings,
                                        const struct metadata *metadata,
                                        struct metadata_group *group, struct leader_table *leaders);
/* Waits end with KAFKA_BROKER_NOT_AVAILABLE within this call. */
void auto_creation_free(struct auto_creation *creation);

struct auto_wait {
    /* `error` of protocol/kafka_error.h; 0: the topic is there. */
    void (*done)(struct auto_wait *wait, int16_t error);
    struct creating *creating; /* ours, all below; NULL: it does not wait */
    struct auto_wait *next, *prev;
};
/* The name must be legal (topic_name_check) and not be in the table. It is copied. False: too many
 * are under way, ask again later. */
bool auto_creation_ask(struct auto_creation *creation, struct auto_wait *wait, const char *name,
                       size_t len);
/* `done` does not come; the topic is made all the same. Nothing if it does not wait. */
void auto_creation_cancel(struct auto_wait *wait);

#endif
