/* A ring that grows to its size; a new event looks back over those that began lately. */
#include "broker/observe/timeline.h"

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum { FIRST_ROOM = 16 };

struct timeline {
    struct event *events; /* id i lies at i % room, when room is TIMELINE_MOST */
    size_t room, count;
    uint64_t last_id;
};

static const char *const names[EVENT_KINDS] = {
    [EVENT_STARTED] = "started",
    [EVENT_ELECTED] = "elected",
    [EVENT_LEAD_LOST] = "lead_lost",
    [EVENT_BROKER_NEW] = "broker_new",
    [EVENT_BROKER_AWAY] = "broker_away",
    [EVENT_BROKER_BACK] = "broker_back",
    [EVENT_LINK_LOST] = "link_lost",
    [EVENT_LINK_BACK] = "link_back",
    [EVENT_OUT_OF_SYNC] = "out_of_sync",
    [EVENT_IN_SYNC] = "in_sync",
    [EVENT_STALL] = "stall",
    [EVENT_DAMAGED] = "damaged",
    [EVENT_MENDED] = "mended",
    [EVENT_DISK_FULL] = "disk_full",
    [EVENT_DISK_ROOM] = "disk_room",
    [EVENT_TOPIC_MADE] = "topic_made",
    [EVENT_TOPIC_GROWN] = "topic_grown",
    [EVENT_TOPIC_GONE] = "topic_gone",
    [EVENT_CONFIG] = "config",
    [EVENT_REBALANCE] = "rebalance",
};

const char *event_kind_name(enum event_kind kind) {
    return names[kind];
}

struct timeline *timeline_new(void) {
    return mem_zalloc(sizeof(struct timeline));
}

void timeline_free(struct timeline *timeline) {
    if (timeline == NULL) return;
    mem_free(timeline->events);
    mem_free(timeline);
}

/* Ids are dense, so an event's place follows from its id. */
static struct event *event_at(const struct timeline *timeline, uint64_t id) {
    return &timeline->events[(id - 1) % TIMELINE_MOST];
}

static uint64_t first_id(const struct timeline *timeline) {
    return timeline->last_id - timeline->count + 1;
}

static bool is_told(const struct event *event, uint64_t now_ms) {
    return now_ms - event->began_ms >= TIMELINE_CROWD_MS;
}

static struct event *crowd_of(const struct timeline *timeline, uint64_t now_ms,
                              const struct event_note *note) {
    for (uint64_t id = timeline->last_id; id >= first_id(timeline) && id > 0; id--) {
        struct event *event = event_at(timeline, id);
        if (is_told(event, now_ms)) return NULL;
        if (event->kind == note->kind && event->node == note->node &&
            strcmp(event->cause, note->cause) == 0)
            return event;
    }
    return NULL;
}

static struct event *add(struct timeline *timeline) {
    if (timeline->count == timeline->room && timeline->room < TIMELINE_MOST) {
        size_t room = timeline->room == 0 ? FIRST_ROOM : timeline->room * 2;
        timeline->room = room < TIMELINE_MOST ? room : TIMELINE_MOST;
        timeline->events = mem_realloc(timeline->events, timeline->room * sizeof *timeline->events);
    }
    if (timeline->count < TIMELINE_MOST) timeline->count++;
    return event_at(timeline, ++timeline->last_id);
}

void timeline_note(struct timeline *timeline, uint64_t now_ms, int64_t wall_ms,
                   const struct event_note *note) {
    struct event *event = crowd_of(timeline, now_ms, note);
    if (event != NULL) {
        event->count++;
        if (note->took_ms > event->took_ms) event->took_ms = note->took_ms;
        return;
    }
    event = add(timeline);
    *event = (struct event){.id = timeline->last_id,
                            .wall_ms = wall_ms,
                            .began_ms = now_ms,
                            .kind = note->kind,
                            .node = note->node,
                            .cause = note->cause,
                            .count = 1,
                            .took_ms = note->took_ms,
                            .ref = note->ref};
    strncpy(event->subject, note->subject, sizeof event->subject - 1);
    text_make_plain(event->subject);
}

const struct event *timeline_next(const struct timeline *timeline, uint64_t now_ms,
                                  uint64_t after) {
    if (timeline->count == 0 || after >= timeline->last_id) return NULL;
    uint64_t id = after + 1 > first_id(timeline) ? after + 1 : first_id(timeline);
    const struct event *event = event_at(timeline, id);
    return is_told(event, now_ms) ? event : NULL;
}
