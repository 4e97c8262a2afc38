/* A ring of events that grows to its limit. */
#include "broker/coordinator/group/group_history.h"

enum { FIRST_ROOM = 4 };

const struct group_event_member group_event_nobody = {{NULL, -1}, {NULL, -1}, {NULL, -1}};

struct group_history {
    struct group_event *events; /* a ring once it has its full room */
    uint8_t first, count, room;
    size_t charged;
};

static struct shared_bytes *cut(struct group *group, struct kp_string text) {
    if (text.len > GROUP_EVENT_TEXT) text.len = GROUP_EVENT_TEXT;
    return shared_string_of(group->table->shared, text);
}

static size_t event_bytes(const struct group_event *event) {
    int32_t len = event->member_id == NULL ? 0 : shared_string(event->member_id).len;
    return sizeof *event + (size_t)len;
}

static void event_clear(struct group *group, struct group_event *event) {
    group->history->charged -= event_bytes(event);
    group_release(group, event_bytes(event));
    shared_bytes_release(event->member_id);
    shared_bytes_release(event->client_id);
    shared_bytes_release(event->client_host);
}

/* The place of the next event: a new one, or that of the oldest. */
static struct group_event *next_event(struct group *group) {
    struct group_history *history = group->history;
    if (history->count == GROUP_EVENTS_MAX) {
        struct group_event *oldest = &history->events[history->first];
        event_clear(group, oldest);
        history->first = (uint8_t)((history->first + 1) % GROUP_EVENTS_MAX);
        return oldest;
    }
    if (history->count == history->room) {
        history->room = history->room == 0 ? FIRST_ROOM : (uint8_t)(2 * history->room);
        history->events = mem_realloc(history->events, history->room * sizeof *history->events);
    }
    return &history->events[history->count++];
}

void group_history_note(struct group *group, enum kp_group_event what,
                        const struct group_event_member *member) {
    if (!group->table->leading || group_refuses_more(group)) return;
    if (group->history == NULL) group->history = mem_zalloc(sizeof *group->history);
    struct group_event *event = next_event(group);
    *event = (struct group_event){.at_ms = env_now_ms(group->table->env),
                                  .what = what,
                                  .member_id = cut(group, member->id),
                                  .client_id = cut(group, member->client_id),
                                  .client_host = cut(group, member->client_host)};
    group->history->charged += event_bytes(event);
    group_charge(group, event_bytes(event));
}

static struct group_event *last_event(struct group *group) {
    struct group_history *history = group->history;
    if (history == NULL || history->count == 0) return NULL;
    return &history->events[(history->first + history->count - 1) % GROUP_EVENTS_MAX];
}

void group_history_begins(struct group *group) {
    struct group_event *last = last_event(group);
    if (last == NULL || last->began) {
        group_history_note(group, KP_GROUP_FAILED, &group_event_nobody);
        last = last_event(group);
    }
    const struct group_watch *watch = group->table->watch;
    if (last != NULL) last->began = true;
    group->rebalances++;
    if (watch != NULL && group->table->leading)
        watch->rebalances(watch->arg, group, last == NULL ? KP_GROUP_FAILED : last->what);
}

void group_history_drop(struct group *group) {
    struct group_history *history = group->history;
    if (history == NULL) return;
    for (size_t i = 0; i < history->count; i++)
        event_clear(group, &history->events[i]);
    mem_free(history->events);
    mem_free(history);
    group->history = NULL;
}

size_t group_history_count(const struct group *group) {
    return group->history == NULL ? 0 : group->history->count;
}

const struct group_event *group_history_at(const struct group *group, size_t place) {
    return &group->history->events[(group->history->first + place) % GROUP_EVENTS_MAX];
}
