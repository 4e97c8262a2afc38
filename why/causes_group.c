/* The group as a whole: it does not come to rest, or has more members than work. */
#include <inttypes.h>
#include <string.h>

#include "why/diagnosis_internal.h"

enum { REBALANCES_MOST = 3 }; /* in five windows */

/* ---- Rebalancing ---- */

static bool changes(const struct why_event *event) {
    return event->what == KP_GROUP_CHANGED || event->what == KP_GROUP_REJOINED;
}

/* A cooperative rebalance has a second part, in which what was given back is given out: that is
 * none of its own. */
static bool follows(const struct why_facts *facts, const struct why_event *event,
                    const struct why_event *before) {
    return before && changes(event) && !changes(before) &&
           before->age_ms - event->age_ms <= facts->window_ms / 4;
}

/* Those of the last five windows; *first is when the oldest of them began. */
static int count_rebalances(const struct why_facts *facts, int64_t *first_age_ms) {
    const struct why_event *before = NULL;
    int count = 0;
    for (size_t i = 0; i < facts->event_count; i++) {
        const struct why_event *event = &facts->events[i];
        if (!event->began) {
            continue;
        }
        if (event->age_ms <= 5 * facts->window_ms && !follows(facts, event, before)) {
            *first_age_ms = count == 0 ? event->age_ms : *first_age_ms;
            count++;
        }
        before = event;
    }
    return count;
}

static bool is_same(const struct why_event *one, const struct why_event *other) {
    return one->what == other->what && strcmp(one->client_id, other->client_id) == 0 &&
           strcmp(one->host, other->host) == 0;
}

/* What happened most, and to whom; NULL: nothing did. */
static const struct why_event *most_frequent(const struct why_facts *facts, int *times) {
    const struct why_event *most = NULL;
    *times = 0;
    for (size_t i = 0; i < facts->event_count; i++) {
        int count = 0;
        for (size_t j = 0; j < facts->event_count; j++) {
            count += facts->events[j].age_ms <= 5 * facts->window_ms &&
                     is_same(&facts->events[j], &facts->events[i]);
        }
        if (count > 0 && count >= *times) { /* of equals the last */
            most = &facts->events[i];
            *times = count;
        }
    }
    return most;
}

static const struct {
    const char *happened, *next;
} words[] = {
    [KP_GROUP_JOINED] = {"joined anew",
                         "Its process ends and is started again and again: its log says why."},
    [KP_GROUP_CHANGED] =
        {"joined again with another subscription or other partitions",
         "Its subscription changes again and again, or two assignors do not agree: give all members the same "
         "subscription and partition.assignment.strategy."},
    [KP_GROUP_REJOINED] =
        {"joined again as the leader of the group",
         "It sees another number of partitions each time, or its client is restarted: look at its log."},
    [KP_GROUP_REPLACED] =
        {"was replaced by another process with its instance id",
         "Two processes have the same group.instance.id, or one is started again and again."},
    [KP_GROUP_LEFT] =
        {"left",
         "Its process ends and is started again, or max.poll.interval.ms is too short for what it does with a batch."},
    [KP_GROUP_EXPIRED] =
        {"was not heard of any more",
         "Its process dies or stalls (garbage collection, swap, network): its log says which; if it needs longer, "
         "raise session.timeout.ms."},
    [KP_GROUP_LATE] =
        {"did not do its part of a rebalance in time",
         "It is busy with its records for longer than its rebalance timeout (max.poll.interval.ms): let it take "
         "fewer at a time, or raise that."},
    [KP_GROUP_TOPICS] =
        {"topics came, went or grew",
         "Topics that it subscribes to change again and again: who makes or deletes them?"},
    [KP_GROUP_FAILED] =
        {"what was decided could not be written",
         "The partition of __consumer_offsets cannot take writes: drave topic describe __consumer_offsets"},
};

static void show_who(const struct why_facts *facts, struct why_finding *finding) {
    int times;
    const struct why_event *most = most_frequent(facts, &times);
    if (!most || most->what < KP_GROUP_JOINED || most->what > KP_GROUP_FAILED) {
        return;
    }
    if (*most->client_id) {
        why_show(finding, "who", "client %s at %s %s, %d time%s", most->client_id, most->host,
                 words[most->what].happened, times, times == 1 ? "" : "s");
    } else {
        why_show(finding, "who", "%s, %d time%s", words[most->what].happened, times,
                 times == 1 ? "" : "s");
    }
    why_show(finding, "last member", "%s, %.1f s ago", *most->member_id ? most->member_id : "none",
             (double)most->age_ms / 1000);
    why_next(finding, "%s", words[most->what].next);
}

/* A rebalance may take as long as its slowest member may. */
static int64_t patience_of(const struct why_facts *facts) {
    int64_t most = facts->window_ms;
    for (size_t i = 0; i < facts->member_count; i++) {
        if (facts->members[i].rebalance_timeout_ms > most) {
            most = facts->members[i].rebalance_timeout_ms;
        }
    }
    return most;
}

bool why_rebalancing(const struct why_facts *facts, const struct why_sums *sums,
                     struct why_finding *finding) {
    int64_t first_age_ms = WHY_UNKNOWN;
    char window[WHY_TIME_MAX], unsettled[WHY_TIME_MAX];
    int count = count_rebalances(facts, &first_age_ms);
    bool endless = facts->unsettled_ms > patience_of(facts);
    if (count <= REBALANCES_MOST && !endless) {
        return false;
    }
    finding->since_age_ms = endless ? facts->unsettled_ms : first_age_ms;
    why_show(finding, "rebalances", "%d in the last %s", count,
             why_time(window, 5 * facts->window_ms));
    if (facts->unsettled_ms != WHY_UNKNOWN) {
        why_show(finding, "under way", "for %s", why_time(unsettled, facts->unsettled_ms));
    }
    show_who(facts, finding);
    why_show(finding, "members", "%zu, %s", facts->member_count, facts->state);
    why_show_lag(finding, sums->lag, sums->age_ms);
    return true;
}

/* ---- More members than partitions ---- */

static size_t owned_by_all(const struct why_facts *facts) {
    size_t owned = 0;
    for (size_t i = 0; i < facts->member_count; i++) {
        owned += facts->members[i].owned;
    }
    return owned;
}

bool why_has_idle_members(const struct why_facts *facts) {
    size_t owned = owned_by_all(facts);
    return owned > 0 && owned < facts->member_count && facts->unsettled_ms == WHY_UNKNOWN;
}

bool why_idle_members(const struct why_facts *facts, const struct why_sums *sums,
                      struct why_finding *finding) {
    size_t idle = 0, owned = owned_by_all(facts);
    if (!why_has_idle_members(facts) || !why_lag_grows(sums)) {
        return false;
    }
    for (size_t i = 0; i < facts->member_count; i++) {
        idle += facts->members[i].owned == 0;
    }
    why_show(finding, "members", "%zu, %zu of them without a partition", facts->member_count, idle);
    why_show(finding, "partitions", "%zu", owned);
    why_show_rate(finding, "produced", sums->produced[WHY_SHORT]);
    why_show_rate(finding, "consumed", sums->consumed[WHY_SHORT]);
    why_show_lag(finding, sums->lag, sums->age_ms);
    why_next(
        finding,
        "More members than partitions do not help: drave topic add-partitions %s -n %zu (records with a key may go to "
        "another partition than before)",
        facts->partitions[0].topic, idle);
    return true;
}
