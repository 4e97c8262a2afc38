/*
 * What happened on a broker lately: the last TIMELINE_MOST events, so that who asks later is told a
 * story and not only counters.
 *
 * Happy path: timeline_note; what is of the same kind, cause and broker as an event that began
 * within TIMELINE_CROWD_MS is counted with it, so that a thousand elections are one event.
 * Failures: none; the oldest event gives way. Invariants: memory is bounded; ids ascend by one, and
 * none is used twice; an event changes no more once TIMELINE_CROWD_MS have passed since it began,
 * and only then is it told.
 */
#ifndef BROKER_OBSERVE_TIMELINE_H
#define BROKER_OBSERVE_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

enum { TIMELINE_MOST = 1000, TIMELINE_CROWD_MS = 1000, TIMELINE_SUBJECT = 100 };

enum event_kind {
    EVENT_STARTED,
    EVENT_ELECTED,     /* a replica here began to lead */
    EVENT_LEAD_LOST,   /* ... and led no more */
    EVENT_BROKER_NEW,  /* the cluster heard of it for the first time */
    EVENT_BROKER_AWAY, /* it was fenced */
    EVENT_BROKER_BACK,
    EVENT_LINK_LOST, /* to another broker */
    EVENT_LINK_BACK,
    EVENT_OUT_OF_SYNC, /* replicas of a broker, in what is led here */
    EVENT_IN_SYNC,
    EVENT_STALL,     /* the event loop stood still */
    EVENT_DISK_FULL, /* produce is refused */
    EVENT_DISK_ROOM,
    EVENT_DAMAGED, /* files of a log are not what was written */
    EVENT_MENDED,  /* a log is whole again */
    EVENT_TOPIC_MADE,
    EVENT_TOPIC_GROWN,
    EVENT_TOPIC_GONE,
    EVENT_CONFIG,    /* what is set for a topic, brokers or a group has changed */
    EVENT_REBALANCE, /* a consumer group that is coordinated here is rebalanced */
    EVENT_KINDS
};
/* "elected": as it is told. */
const char *event_kind_name(enum event_kind kind);

/* What is noted; also of what is told. */
struct event_note {
    enum event_kind kind;
    int32_t node;        /* which broker it is about; -1: this one, or none */
    const char *cause;   /* static; "": none */
    const char *subject; /* a partition, a topic, a resource: cut to TIMELINE_SUBJECT; "": none */
    int64_t took_ms;     /* -1: it has no duration */
    uint64_t ref; /* the same on all brokers that note it: a version of the metadata; 0: none */
};

struct event {
    uint64_t id; /* from 1 */
    int64_t wall_ms;
    uint64_t began_ms; /* of env_now_ms */
    enum event_kind kind;
    int32_t node;
    const char *cause;
    char subject[TIMELINE_SUBJECT]; /* of the first */
    uint64_t count;
    int64_t took_ms; /* the longest */
    uint64_t ref;    /* of the first */
};

struct timeline;
struct timeline *timeline_new(void);
void timeline_free(struct timeline *timeline);
void timeline_note(struct timeline *timeline, uint64_t now_ms, int64_t wall_ms,
                   const struct event_note *note);
/* The first event with an id above `after` that is told by now; NULL: none. Valid until the next
 * note. */
const struct event *timeline_next(const struct timeline *timeline, uint64_t now_ms, uint64_t after);

#endif
