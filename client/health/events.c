/*
 * drave events: what happened lately on all brokers, as their timelines have it, by time.
 *
 * Happy path: each broker is asked for what it has noted; what several have noted of the metadata
 * is one event; -f goes on with what is new. Failures: nobody is reachable (3); brokers that do not
 * answer are said once, and the others are told: they tell the story of the one that is gone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "client/health/cluster_status.h"
#include "client/health/event_line.h"
#include "client/line/amount.h"
#include "client/line/command.h"
#include "client/line/interrupt.h"
#include "client/line/moment.h"
#include "client/line/talk.h"

enum { LOOK_MS = 1000, BROKERS_MOST = 1000, REFS_MOST = 512, KIND_ROOM = 16 };

/* Up to where a broker was told. */
struct place {
    int32_t node;
    int64_t after, uptime_ms;
    bool missing;
};

struct told {
    int32_t node;
    const struct kp_broker_status_response_event *event;
};

struct events {
    struct place places[BROKERS_MOST];
    size_t place_count;
    struct told *told; /* of this look */
    size_t count, room;
    struct {
        int64_t ref;
        char kind[KIND_ROOM];
    } refs[REFS_MOST]; /* of the metadata, told lately: a ring */
    size_t ref_count;
    int64_t since_ms;
    bool json;
};

static struct place *place_of(struct events *events, int32_t node) {
    for (size_t i = 0; i < events->place_count; i++) {
        if (events->places[i].node == node) {
            return &events->places[i];
        }
    }
    if (events->place_count == BROKERS_MOST) {
        return NULL;
    }
    events->places[events->place_count] = (struct place){.node = node};
    return &events->places[events->place_count++];
}

/* ---- Gathering ---- */

static int by_time(const void *a, const void *b) {
    const struct told *one = a, *other = b;
    int64_t first = one->event->time_ms, second = other->event->time_ms;
    if (first != second) {
        return first < second ? -1 : 1;
    }
    return one->node != other->node
               ? (one->node > other->node) - (one->node < other->node)
               : (one->event->id > other->event->id) - (one->event->id < other->event->id);
}

/* Another broker has told it: what all of them note of the metadata is told once. */
static bool is_known(struct events *events, const struct kp_broker_status_response_event *event) {
    size_t kept = events->ref_count < REFS_MOST ? events->ref_count : REFS_MOST;
    if (event->ref == 0) {
        return false;
    }
    for (size_t i = 0; i < kept; i++) {
        if (events->refs[i].ref == event->ref && kp_string_is(event->kind, events->refs[i].kind)) {
            return true;
        }
    }
    size_t at = events->ref_count++ % REFS_MOST;
    events->refs[at].ref = event->ref;
    snprintf(events->refs[at].kind, KIND_ROOM, "%.*s", (int)event->kind.len, event->kind.data);
    return false;
}

static void take(struct events *events, struct place *place,
                 const struct kp_broker_status_response *said) {
    if (said->uptime_ms < place->uptime_ms) {
        place->after = 0; /* it was started anew, and counts anew */
    }
    place->uptime_ms = said->uptime_ms;
    for (int32_t i = 0; i < said->events.count; i++) {
        const struct kp_broker_status_response_event *event = &said->events.items[i];
        if (event->id <= place->after) {
            continue;
        }
        place->after = event->id;
        if (event->time_ms >= events->since_ms && !is_known(events, event)) {
            events->told = mem_grow(events->told, events->count, &events->room,
                                    sizeof(*events->told));
            events->told[events->count++] = (struct told){place->node, event};
        }
    }
}

static void gather(struct events *events, const struct cluster_status *status) {
    events->count = 0;
    for (size_t i = 0; i < status->count; i++) {
        const struct broker_seen *broker = &status->brokers[i];
        struct place *place = place_of(events, broker->node);
        if (!place) {
            continue;
        }
        if (!broker->status && !place->missing) {
            say("broker %d tells nothing: %s", (int)broker->node,
                broker->fenced ? "the cluster has not heard of it" : broker->why.text);
        }
        place->missing = !broker->status;
        if (broker->status) {
            take(events, place, broker->status);
        }
    }
    if (events->count > 0) {
        qsort(events->told, events->count, sizeof(*events->told), by_time);
    }
}

/* ---- Telling ---- */

static const char *cause_text(struct kp_string cause) {
    static const char *const texts[][2] = {{"timeout", "no leader was heard of"},
                                           {"dead", "its leader was dead, or resigned"},
                                           {"transfer", "its leader handed over"},
                                           {"first", "nobody had led it"},
                                           {"joined", "a member joined"},
                                           {"changed", "a member subscribed to something else"},
                                           {"rejoined", "its leader joined again"},
                                           {"replaced", "another process took a member's place"},
                                           {"left", "a member left"},
                                           {"expired", "a member was not heard of any more"},
                                           {"late", "a member was late"},
                                           {"topics", "topics came, went or grew"},
                                           {"failed", "what was decided could not be written"}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (kp_string_is(cause, texts[i][0])) {
            return texts[i][1];
        }
    }
    return "";
}

/* What each kind is called: %s stands for its subject, %b for the broker it is about. */
static const char *const sentences[][2] = {
    {"started", "started"},
    {"elected", "leads %s"},
    {"lead_lost", "leads no more: %s"},
    {"broker_new", "broker %b joined the cluster"},
    {"broker_away", "broker %b was not heard of any more"},
    {"broker_back", "broker %b was heard of again"},
    {"link_lost", "lost the connection to broker %b"},
    {"link_back", "is connected to broker %b"},
    {"out_of_sync", "broker %b is not in sync any more: %s"},
    {"in_sync", "broker %b is in sync again: %s"},
    {"stall", "stood still: the process, or its machine"},
    {"damaged", "found damage in files of a log"},
    {"mended", "has mended a log that was damaged"},
    {"disk_full", "refuses produce: the disk is full"},
    {"disk_room", "takes produce again: the disk has room"},
    {"topic_made", "topic created: %s"},
    {"topic_grown", "topic has more partitions: %s"},
    {"topic_gone", "topic deleted: %s"},
    {"config", "settings changed: %s"},
    {"rebalance", "group is rebalanced: %s"},
};

static void write_sentence(const struct kp_broker_status_response_event *event, const char *form,
                           char *into, size_t room) {
    size_t used = 0;
    for (const char *at = form; *at && used + 1 < room; at++) {
        int more = 0;
        if (at[0] == '%' && at[1] == 's') {
            more = snprintf(into + used, room - used, "%.*s", (int)event->subject.len,
                            event->subject.data);
            if (event->count > 1 && (size_t)more < room - used) {
                more += snprintf(into + used + more, room - used - (size_t)more, " and %lld more",
                                 (long long)event->count - 1);
            }
            at++;
        } else if (at[0] == '%' && at[1] == 'b') {
            more = snprintf(into + used, room - used, "%d", (int)event->node_id);
            at++;
        } else {
            into[used++] = *at;
        }
        used += (size_t)more < room - used ? (size_t)more : room - used - 1;
    }
    into[used] = '\0';
}

void event_line(const struct kp_broker_status_response_event *event, int32_t node,
                char into[EVENT_LINE]) {
    char time_text[32], sentence[400] = "", took[AMOUNT_ROOM], who[16] = "cluster";
    time_t seconds = (time_t)(event->time_ms / 1000);
    struct tm tm;
    strftime(time_text, sizeof(time_text), "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &tm));
    snprintf(sentence, sizeof(sentence), "%.*s", (int)event->kind.len, event->kind.data);
    for (size_t i = 0; i < sizeof(sentences) / sizeof(sentences[0]); i++) {
        if (kp_string_is(event->kind, sentences[i][0])) {
            write_sentence(event, sentences[i][1], sentence, sizeof(sentence));
        }
    }
    if (event->ref == 0) {
        snprintf(who, sizeof(who), "%d", (int)node);
    }
    const char *cause = cause_text(event->cause);
    snprintf(into, EVENT_LINE, "%s.%03d  %-7s  %s%s%s%s%s", time_text, (int)(event->time_ms % 1000),
             who, sentence, *cause ? "; " : "", cause, event->took_ms >= 0 ? "; after " : "",
             event->took_ms >= 0 ? amount_time((double)event->took_ms / 1000, took) : "");
}

static void print_event(const struct told *told) {
    char line[EVENT_LINE];
    event_line(told->event, told->node, line);
    print_text("%s\n", line);
}

static void print_event_json(const struct told *told) {
    const struct kp_broker_status_response_event *event = told->event;
    print_json(json_pack("{s:I,s:i,s:s%,s:s%,s:s%,s:o,s:I,s:o}", "time_ms",
                         (json_int_t)event->time_ms, "broker", (int)told->node, "event",
                         event->kind.data, (size_t)event->kind.len, "cause", event->cause.data,
                         (size_t)event->cause.len, "subject", event->subject.data,
                         (size_t)event->subject.len, "about",
                         event->node_id >= 0 ? json_integer(event->node_id) : json_null(), "count",
                         (json_int_t)event->count, "took_ms",
                         event->took_ms >= 0 ? json_integer(event->took_ms) : json_null()));
}

/* ---- The command ---- */

static int look(const struct invocation *in, struct events *events) {
    struct cluster_status status;
    int code = cluster_status_ask(in, &(struct status_wish){.events = true}, &status);
    if (code == EXIT_DONE) {
        gather(events, &status);
        for (size_t i = 0; i < events->count; i++) {
            (events->json ? print_event_json : print_event)(&events->told[i]);
        }
    }
    cluster_status_close(&status);
    return code;
}

int command_events(struct invocation *in) {
    struct events *events = mem_zalloc(sizeof(*events));
    events->json = in->json;
    if (invocation_has(in, OPTION_SINCE)) {
        events->since_ms = moment_now() -
                           (int64_t)invocation_duration(in, OPTION_SINCE, 0, 0, 365 * 86400);
    }
    int code = look(in, events);
    bool follow = invocation_has(in, OPTION_FOLLOW) && code == EXIT_DONE;
    if (follow) {
        interrupt_take();
    }
    while (follow && !interrupted() && print_flush()) {
        pause_ms(LOOK_MS);
        look(in, events); /* what fails is said, and brokers come back */
    }
    mem_free(events->told);
    mem_free(events);
    return code;
}
